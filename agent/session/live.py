"""Runs a session in real time: the parent supervises both workers, records, shows the status and obeys commands.

(A file faster than real time: agent/session/offline.py.)
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import assert_never

from agent.control.command_state import CommandState, initial_state
from agent.control.dispatcher import Dispatcher, Handlers
from agent.control.keyboard import Keys
from agent.control.live_view import LiveView
from agent.control.socket_server import Answer, ControlServer
from agent.conversation.led_orders import order_of
from agent.conversation.live import Around
from agent.conversation.push_to_talk import NOTHING_UNDERSTOOD, PushToTalk
from agent.core.errors import UserError
from agent.core.messages import AgainLoop, SetInput, Stop
from agent.core.paths import state_folder
from agent.core.settings import Config
from agent.core.stored import Json
from agent.engine.reports import NO_LATENCY, AudioReport, Ready
from agent.mind.mind_process import MindEnded, MindReady, MindReport, MindReports
from agent.mood.mood_desk import MoodDesk
from agent.practice.coach import Coach
from agent.recording.disk_space import SpaceWatch, keep_of
from agent.recording.live_recording import LiveRecording, open_recording
from agent.recording.own_sound import OwnSound
from agent.session.caretaker import Caretaker
from agent.session.hanging_notes import remembered
from agent.session.inputs import Inputs
from agent.session.isolation import Isolation
from agent.session.monitor import Monitor
from agent.session.setup import Setup
from agent.session.status import Shown, Silence, StatusBoard
from agent.session.sync import stream_time
from agent.session.timing_figures import Figures
from agent.session.workers import Workers
from agent.song.kept import KeptSection
from agent.songbook.book import Cut, Songbook
from agent.songbook.shown import ShownSong
from listener.types import Grid

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 3.0
SOUNDS = ("playing", "holding", "thinning")  # states of the band in which nothing is counted in
TROUBLES_MAX = 100  # that are kept, the newest
TURN_S, RESTING_TURN_S = 0.02, 0.05  # while the band has a beat to play to; in a silent room
MIDI_TURN_S = 0.006  # where the bass comes as MIDI: it is passed on by the parent
UNRECORDED = ("status", "help", "pedals", "tap")  # commands that are no part of the session


class Live:
    """A live session. run() returns at the end of an input file or on stop(); with forever=False also in a crash loop.

    state, continues: the command state and the folder's name of an earlier session that this one resumes. on_turn:
    called in each turn of the main loop (the control socket). riff: one that was recorded before, to be looped at once,
    and what cuts its sound.
    """

    def __init__(
        self,
        config: Config,
        setup: Setup,
        folder: Path,
        monitor: Monitor,
        forever: bool = False,
        state: CommandState | None = None,
        continues: str | None = None,
        on_turn: Callable[[Live], None] | None = None,
        riff: tuple[KeptSection, Cut] | None = None,
    ) -> None:
        self._config, self._monitor = config, monitor
        self.folder, self._forever, self._continues = folder, forever, continues
        self._on_turn = on_turn or (lambda live: None)
        self.workers = workers = Workers(config, setup)
        self._board, self.figures, self._view = StatusBoard(config), Figures(), LiveView()
        self._coach, self._mood = Coach(workers.mind.send), MoodDesk(config.mood, workers.mind.send)
        around = Around(
            self._why_silent, lambda: self._book.names(), lambda: self._coach.runs, lambda: self._book.looped()
        )
        told = (str(folder), setup, around, self._mood.faders())
        self._inputs = Inputs(config, self.command, workers.mind.send, *told)
        talk = self._inputs.talk
        self._book = Songbook(workers.mind.send, talk.standing, talk.stand, cut=self._cut)
        self._voice = PushToTalk(lambda seconds: self._recording.heard(seconds) if self._recording else None)
        handlers = Handlers(
            self._inputs.pedals,
            self._book,
            self._order_of,
            self._mood.command,
            None if setup.imagined else self._coach.command,
            self._voice.press,
            setup.output_channels > 0,
            talk,
            lambda: self._board.status().state in SOUNDS,
        )
        given = (config, state or initial_state(config), workers.mind.send, workers.audio.send)
        self.dispatcher = Dispatcher(*given, self.stop, self._words, self._now_s, handlers)
        self._unexplained = Silence()
        self._own = OwnSound(folder, config.conversation.player, workers.audio.send, keeps=setup.take is None)
        self._riff = riff
        self._grid: Grid | None = None
        self._keys = Keys()
        self._stopping = self._over = False
        self._troubles: deque[str] = deque(maxlen=TROUBLES_MAX)
        self._recording: LiveRecording | None = None
        self._isolated = Isolation(self._trouble)
        self._care = Caretaker(config, workers, self.figures, self._trouble, self._board.say, forever)
        self._space = SpaceWatch(config, folder)
        self._shown: Shown = Shown(
            folder,
            self._board,
            self.dispatcher,
            workers,
            self.figures,
            self._inputs,
            self._space,
            self._mood,
            ShownSong(self._book),
            self._troubles,
            lambda: self._recording.mixer.listens_to if self._recording else "",
        )
        self._input_weights: tuple[float, ...] = ()  # of its channels, as the audio process knows them
        self._heard_at = 0  # samples written when the mind last reported

    def run(self) -> tuple[str, ...]:
        """Play until the end; return the causes of whatever went wrong, but for what came back by itself
        (`figures.over`). Raises UserError if it cannot begin."""
        numbers = (signal.SIGINT, signal.SIGTERM) + (() if self._forever else (signal.SIGHUP,))
        handlers = {number: signal.signal(number, lambda *_: self.stop()) for number in numbers}
        state = state_folder(self._config.paths.state)
        with remembered(self._config, state):  # until every note has been ended
            try:
                self._care.silence_the_dead(state)
                self.workers.start()
                while not self.ending:
                    self._turn()
                    rests = self.listening and not self._grid
                    time.sleep(MIDI_TURN_S if self.workers.setup.hears_midi else RESTING_TURN_S if rests else TURN_S)
                self._on_turn(self)  # the client that asked for the end is answered before everything is written
            finally:
                self._finish(numbers)
                for number, handler in handlers.items():
                    signal.signal(number, handler)
        return tuple(cause for cause in self._troubles if cause not in self.figures.mended)

    def stop(self) -> None:
        """End the session within the next turns; everything is written."""
        self._stopping = True

    def command(self, text: str) -> str:
        """Carry out one line of agent/control/commands.py; return what was done, in one line. Raises UserError."""
        says = self.dispatcher.command(text)
        if self._recording and text.split()[0] not in UNRECORDED:
            self._recording.event_log.command(self._board.status().elapsed_s, text, says)
        self._board.enabled = self._shown.on()
        return says

    def answer(self, text: str) -> Answer:
        """Carry out a command for the control socket; return its answer, with the status where that was asked for."""
        self._inputs.talk.take_later()  # of what a key or a pedal said
        says = self.command(text)
        return self._inputs.talk.take_later() or says, self.status() if text.split()[:1] == ["status"] else None

    def serve(self, server: ControlServer) -> None:
        """Answer the clients of the control socket, and show what is new to those that watch."""
        server.show(self._view, self._shown.view)
        server.poll(self.answer)

    def _order_of(self, sentence: str) -> str | None:
        return order_of(sentence, self._book.names(), bool(self._book.song.sounds))

    def _cut(self, start_s: float, end_s: float, path: Path) -> float:
        if self._recording is None:
            raise ValueError("nothing is heard yet")
        self._recording.roll()
        return self._recording.recent.cut(start_s, end_s, path)

    def _now_s(self) -> float | None:
        """Return the stream time of what is played into the microphone now; None while there is no stream."""
        clock = stream_time(self.figures.report, self.workers.setup.rate)
        return clock.stream_of(time.monotonic()) - self.workers.latency.input_s if clock else None

    def _why_silent(self) -> str:
        return self._shown.why_silent()

    def _words(self) -> str:
        return self._shown.words()

    @property
    def ending(self) -> bool:
        """Whether this turn is the last."""
        return self._stopping or self._over

    @property
    def listening(self) -> bool:
        """Whether both workers are up and have reported lately."""
        return self.workers.up

    def status(self) -> dict[str, Json]:
        """Return what is heard and played and how well, as plain data."""
        return self._shown.status()

    def _turn(self) -> None:
        alive = self.workers.audio.alive  # asked before its last reports are read
        self._isolated(self._read_mind)
        self._isolated(self._read_audio)
        if self._recording:
            self._isolated(self._recording.roll, False)
            self._view.parts(dict(zip(self._config.parts, self._recording.peaks, strict=False)))
            self._view.channels = self._recording.channel_peaks
            self._recording.peaks = ()
            self._isolated(self._watch_input, self._recording)
            self._isolated(self._watch_space, self._recording)
        self._isolated(self._supervise, alive)
        self._isolated(self._poll_inputs)
        self._isolated(self._keys.poll, self._quietly, self._board.say)
        if self._riff and self.listening:
            (kept, cut), self._riff = self._riff, None
            self._board.say(self._book.bring(kept, cut))
            self._quietly(f"loop {kept.name}")
        self._isolated(self._on_turn, self)
        self._isolated(self._monitor.update, self._board.status())

    def _watch_input(self, recording: LiveRecording) -> None:
        """Tell the player what there is to say of the input, and the audio process which channels to use."""
        for line in recording.mixer.take_lines():
            if self.workers.setup.silence_s is None and not self.workers.setup.imagined:
                self._say_of_input(line)
        weights = tuple(recording.mixer.weights.tolist())
        if len(weights) > 1 and weights != self._input_weights and self.workers.audio.send(SetInput(weights)):
            self._input_weights = weights

    def _watch_space(self, recording: LiveRecording) -> None:
        """Say when recordings pass a limit; below the reserve no sound is recorded."""
        for line in self._space.look():
            self._trouble(line)
        recording.paused = self._space.is_low

    def _say_of_input(self, line: str) -> None:
        log.log(logging.WARNING if self._forever else logging.INFO, "%s", line)
        self._board.say(line)
        if self._recording:
            self._recording.event_log.remark(line)

    def _poll_inputs(self) -> None:
        """Read pedals, clocks and the conversation; send on what concerns the mind."""
        workers = self.workers
        self._mood.poll()
        for message in self._inputs.poll(self.figures.report, workers.setup.rate, workers.latency.input_s, self._grid):
            workers.mind.send(message)
        for said in self._voice.take():
            self._quietly(f"say {said}") if said else self._board.say(NOTHING_UNDERSTOOD)
        for line in self._inputs.take_lines() if self._recording else ():
            self._say_of_input(line)

    def _read_mind(self) -> None:
        mind = self.workers.mind
        was_ready = mind.ready
        for message in mind.receive():
            self._heard_at = self.workers.bass.written
            match message:
                case MindReports(reports):
                    for heard in reports:
                        if self._recording:
                            self._isolated(self._note, self._recording, heard)
                case MindReady() | MindEnded():
                    pass
                case _:
                    assert_never(message)
        if mind.ready and not was_ready:
            for order in (
                *self._inputs.again(),
                *self.dispatcher.state.for_mind(),
                *self._mood.again(),
                *self._coach.again(),
            ):
                mind.send(order)
            self.workers.go()

    def _note(self, recording: LiveRecording, heard: MindReport) -> None:
        self.figures.heard, self._grid = heard, heard.decision.analysis.grid
        self._view.decision(heard.decision)
        recording.decision(heard.decision, heard.said_s)
        if heard.decision.drawn:  # words may have muted a part for some bars only
            self._board.enabled = self._shown.on()
        self._board.decision(heard.decision)
        self._own.heard(len(heard.decision.analysis.ended), self._inputs.talk.wants_own_sound)
        self._own.played(heard.decision.analysis.timbre)
        explained = self._unexplained.explain(self._board.status(), self._why_silent)
        for bar in heard.decision.gave_up:
            self.dispatcher.state.odd.pop(bar, None)
        for line in self._coach.push(heard.decision):
            self._board.say(line)
            recording.event_log.says(line, heard.decision.analysis.time_s)
        booked, told = self._book.push(heard.decision), self._inputs.push(heard.decision)
        if line := booked or told or explained:
            self._board.say(line)
            recording.event_log.says(line, heard.decision.analysis.time_s)

    def _read_audio(self) -> None:
        for report in self.workers.audio.receive():
            if isinstance(report, Ready):
                self._on_ready(report)
            elif isinstance(report, AudioReport) and self._recording:
                self._recording.event_log.sent(report.records)
                if report.card:
                    self._recording.delay(report.band_delay_samples)
                    self.workers.heard_latency(report.latency, report.lead_s)
                for change in self.figures.played(report):
                    self._trouble(change)
                self._board.played(self.figures)
                if report.failed and report.failed not in self._troubles:
                    self._trouble(report.failed)
                self._over |= report.finished

    def _on_ready(self, ready: Ready) -> None:
        if ready.latency != NO_LATENCY:
            self.workers.heard_latency(ready.latency, ready.lead_s)
        for warning in ready.warnings:
            if warning not in self._troubles:
                self._trouble(warning)
        self._input_weights = ()
        for order in (*self.dispatcher.state.for_audio(), *self._own.again()):
            self.workers.audio.send(order)
        self.workers.mind.send(AgainLoop())
        self._recording = self._recording or self._open_recording(ready.band_delay_samples)
        if self.workers.mind.process is None:
            self.workers.mind.start()
        self.workers.go()

    def _open_recording(self, band_delay_samples: int) -> LiveRecording:
        workers, instead = self.workers, self._trouble if self._forever else None
        rings = (workers.bass, workers.stems, workers.setup.ring_channel)
        given = (self._config.parts, self.folder, workers.setup.rate, rings, band_delay_samples)
        return open_recording(*given, self._continues, instead, keep_of(self._config, self.folder))

    def _supervise(self, audio_was_alive: bool) -> None:
        if self.ending:
            return
        begun = self._recording is not None
        self._heard_at = self._care.look(audio_was_alive, begun, self._heard_at)
        self._stopping |= self._care.gave_up

    def _trouble(self, cause: str) -> None:
        log.log(logging.WARNING if self._forever else logging.INFO, "%s", cause)
        self._troubles.append(cause)
        self._board.say(cause)
        if self._recording:
            self._recording.event_log.cause(cause)

    def _quietly(self, text: str) -> None:
        """Carry out a command of the keyboard and show its answer, or why it failed."""
        try:
            self._board.say(self.command(text))
        except UserError as mistake:
            self._board.say(str(mistake))

    def _finish(self, numbers: tuple[signal.Signals, ...]) -> None:
        """Silence the band first, then write everything; a second Ctrl-C changes nothing."""
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        end_workers = partial(self.workers.end, STOP_TIMEOUT_S)
        steps = (self._stop_audio, self._write_all, end_workers, self._inputs.close, self._keys.close)
        for step in (*steps, self._own.close, self._monitor.close):
            with contextlib.suppress(UserError):  # the session is ending anyway
                self._isolated(step)

    def _write_all(self) -> None:
        self.workers.mind.send(Stop())
        if self._recording:
            self._isolated(self._read_mind)
            self._isolated(self._recording.roll)
            self._isolated(self._coach.write, self.folder)
            self._recording.event_log.summary(**self.figures.as_dict(), **self.workers.figures())
            self._troubles += self._recording.close()

    def _stop_audio(self) -> None:
        audio = self.workers.audio
        if audio.process is None:
            return
        audio.send(Stop())
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while audio.alive and time.monotonic() < deadline_s and not audio.trouble():
            self._read_audio()
            time.sleep(TURN_S / 4)
        self._read_audio()  # its last reports
        audio.end(0.5)
        if audio.process.exitcode != 0:
            self._care.silence_and_say(STOP_TIMEOUT_S)
