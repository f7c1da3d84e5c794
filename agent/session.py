"""A session in real time: the parent's turns. It supervises both workers, records, shows and obeys.

(A file faster than real time: agent/fast.py.)
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.audio_process import AudioReport, AudioSetup, Ready
from agent.channel import Channel, channel
from agent.desk import Desk
from agent.errors import UserError
from agent.figures import Figures
from agent.keys import Keys
from agent.monitor import Monitor
from agent.orders import Orders, orders
from agent.recorder import Recorder
from agent.rig import Rig, cancels_echo
from agent.settings import Config
from agent.statusboard import StatusBoard, words
from agent.supervisor import Process, Worker, enter, silence
from agent.tape import Tape
from listener.ring import Ring

log = logging.getLogger(__name__)

RING_S = 10.0  # what the recorder, or a mind that starts anew, may fall behind before it loses sound
STOP_TIMEOUT_S = 3.0
TURN_S = 0.02
STALE_S = 0.3  # the mind owes a word when so much sound came since its last


class Live:
    """run() returns when the take is over or when it is told to stop; with forever=False also in a crash loop.

    orders: what was told to an earlier session that this one resumes. tend: called in each turn (the control socket).
    """

    def __init__(
        self,
        config: Config,
        rig: Rig,
        folder: Path,
        monitor: Monitor,
        forever: bool = False,
        told: Orders | None = None,
        tend: Callable[[Live], None] | None = None,
    ) -> None:
        self._config, self._rig, self._monitor = config, rig, monitor
        self.folder, self._forever, self._tend = folder, forever, tend
        self._spawn = multiprocessing.get_context("spawn")
        self._bass = Ring(round(RING_S * rig.rate), rig.input_channels)
        self._stems = Ring(round(RING_S * rig.rate), 2 * len(config.parts))
        cancels = cancels_echo(config, rig)
        self._sent = Ring(round(RING_S * rig.rate), rig.output_channels) if cancels else None
        self._plans, self._plans_in = channel()
        self._audio = Worker("audio", self._start_audio)
        self._mind = Worker("model", self._start_mind)
        self._board, self.figures = StatusBoard(config), Figures()
        self.desk = Desk(
            config, told or orders(config), self._mind.send, self._audio.send, self.stop, lambda: words(self.status())
        )
        self._keys = Keys()
        self._stopping = self._over = False
        self._rolling = False  # whether the audio process was told to go
        self._troubles: list[str] = []
        self._ready: Ready | None = None
        self._tape: Tape | None = None
        self._heard_at = 0  # samples written when the mind last spoke

    def run(self) -> tuple[str, ...]:
        """Play until it is over; returns the causes of whatever went wrong. Raises UserError if it cannot begin."""
        numbers = (signal.SIGINT, signal.SIGTERM) + (() if self._forever else (signal.SIGHUP,))
        handlers = {number: signal.signal(number, lambda *_: self.stop()) for number in numbers}
        try:
            self._audio.start()
            while not (self._stopping or self._over):
                self._turn()
                time.sleep(TURN_S)
        finally:
            self._finish(numbers)
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return tuple(self._troubles)

    def stop(self) -> None:
        """End the session within the next turns; everything is written."""
        self._stopping = True

    def command(self, text: str) -> str:
        """Carry out one line of agent/commands.py; what was done, in a line. Raises UserError."""
        return self.desk.command(text)

    @property
    def listening(self) -> bool:
        """Whether both workers are up and have spoken lately."""
        return self._audio.ready and self._mind.ready

    def status(self) -> dict[str, Any]:
        """What is heard and played and how well, as plain data."""
        lost = {"commands": self._audio.dropped + self._mind.dropped, "plans": self._plans.dropped}
        restarts = {worker.name: worker.history.restarts for worker in (self._audio, self._mind)}
        return self._board.as_dict() | {
            "listening": self.listening,
            "mode": self.desk.orders.mode,
            "told": self.desk.orders.lines(),
            "restarts": restarts,
            "causes": self._troubles[-5:],
            "lost_messages": lost,
            "folder": str(self.folder),
            **self.figures.as_dict(),
        }

    # -- the workers ------------------------------------------------------------------------------------------

    def _start_audio(self, commands: Channel, reports: Channel) -> Process:
        rig = self._rig
        setup = AudioSetup(
            config=self._config,
            rate=rig.rate,
            input_device=rig.input_device,
            output_device=rig.output_device,
            output_channels=rig.output_channels,
            take=rig.take,
            ring=self._bass,
            stems=self._stems,
            sent=self._sent,
        )
        self.figures.new_life()
        self._rolling = False
        return self._process("agent.audio_process", "main", (setup, self._plans_in, commands, reports))

    def _start_mind(self, commands: Channel, reports: Channel) -> Process:
        assert self._ready
        latency, rig = self._ready.latency, self._rig
        latency_s = latency.input_s + latency.output_s
        shared = (self._config, self._bass, self._sent, rig.rate, rig.ring_channel, latency_s, self._plans)
        return self._process("agent.mind_process", "main", (*shared, commands, reports))

    def _process(self, module: str, function: str, args: tuple[Any, ...]) -> Process:
        name = f"antiphon-{module.rpartition('.')[2]}"
        process = self._spawn.Process(target=enter, args=(module, function, *args), name=name, daemon=True)
        process.start()
        return process

    # -- a turn -----------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        alive = self._audio.alive  # asked before its last words are read
        self._hear_mind()
        self._hear_audio()
        if self._tape:
            self._tape.roll(now=False)
        self._supervise(alive)
        self._keys.tend(self._quietly)
        if self._tend:
            self._tend(self)
        self._monitor.update(self._board.status())

    def _hear_mind(self) -> None:
        was_ready = self._mind.ready
        for message in self._mind.receive():
            self._heard_at = self._bass.written
            for heard in message if isinstance(message, list) else (message,):
                if hasattr(heard, "thought") and self._tape:
                    self._tape.chronicle.thought(heard.thought, heard.said_s)
                    self._board.thought(heard.thought)
                    self.figures.heard = heard
        if self._mind.ready and not was_ready:
            for order in self.desk.orders.for_mind():
                self._mind.send(order)
            self._go()

    def _go(self) -> None:
        """A file waits for the mind, so that the same file and seed give the same session; a player does not."""
        if self._ready and self._audio.ready and (self._mind.ready or self._rig.take is None or self._bass.written):
            self._rolling = self._audio.send("go")

    def _hear_audio(self) -> None:
        for report in self._audio.receive():
            if isinstance(report, Ready):
                self._on_ready(report)
            elif isinstance(report, AudioReport) and self._tape:
                self._tape.chronicle.sent(report.records, report.notes)
                self.figures.played(report)
                self._board.played(self.figures.counts, self.figures.xruns)
                if report.failed and report.failed not in self._troubles:
                    self._trouble(report.failed)
                self._over |= report.finished

    def _on_ready(self, ready: Ready) -> None:
        self._ready = ready
        for warning in ready.warnings:
            if warning not in self._troubles:
                self._trouble(warning)
        for order in self.desk.orders.for_audio():
            self._audio.send(order)
        if self._tape is None:
            programs = {name: (part.channel, part.program) for name, part in self._config.parts.items()}
            recorder = Recorder(
                self.folder, self._rig.rate, tuple(self._config.parts), programs, ready.band_delay_samples
            )
            self._tape = Tape(recorder, self._bass, self._stems, self._rig.ring_channel)
        if self._mind.process is None:
            self._mind.start()
        self._go()

    def _supervise(self, audio_was_alive: bool) -> None:
        if self._over or self._stopping:
            return
        cause = self._audio.trouble(owes_words=self._rolling) if not audio_was_alive or self._audio.alive else ""
        if cause:
            self._mourn(self._audio, cause)
            silence(self._config)
        self._audio.revive()
        if self._mind.process is None or self._mind_is_done():
            return
        owes = self._bass.written - self._heard_at > STALE_S * self._rig.rate
        if cause := self._mind.trouble(owes):
            self._mourn(self._mind, cause)
        if self._mind.revive():
            self._heard_at = self._bass.written

    def _mind_is_done(self) -> bool:
        """The music is over and the mind has said all it had to say."""
        return self._bass.ended and not self._mind.alive

    def _mourn(self, worker: Worker, cause: str) -> None:
        """Make room for the next one; whoever cannot even begin, or begins in vain again and again, is given up."""
        begun = self._tape is not None and (worker is self._audio or self._heard_at > 0)
        if not self._forever and worker.failure and not begun:
            raise UserError(worker.failure)
        worker.bury(cause)
        if worker.history.loops and not self._forever:
            cause = f"{cause}; it died {len(worker.history.early_s)} times within a minute: given up"
            self._stopping = True
        self._trouble(cause)
        self._board.say(f"the {worker.name} process is started anew", restarts=1)

    def _trouble(self, cause: str) -> None:
        log.warning("%s", cause)
        self._troubles = [*self._troubles, cause][-100:]
        self._board.say(cause)
        if self._tape:
            self._tape.chronicle.cause(cause)

    def _quietly(self, text: str) -> None:
        """A command whose answer is shown, whether it can be carried out or not."""
        try:
            self._board.say(self.command(text))
        except UserError as mistake:
            self._board.say(str(mistake))

    # -- stopping ---------------------------------------------------------------------------------------------

    def _finish(self, numbers: tuple[signal.Signals, ...]) -> None:
        """Silence first, then everything written; a second Ctrl-C changes nothing."""
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        self._stop_audio()
        self._mind.send("stop")
        if self._tape:
            self._hear_mind()
            self._tape.roll()
            self._tape.chronicle.summary(**self._summary())
            self._troubles += self._tape.close()
        for worker in (self._audio, self._mind):
            worker.end(STOP_TIMEOUT_S)
        for end in (self._plans, self._plans_in):
            end.close()
        self._keys.close()
        self._monitor.close()

    def _summary(self) -> dict[str, Any]:
        starts = {"audio_starts": self._audio.history.starts, "mind_starts": self._mind.history.starts}
        causes = [*self._audio.history.causes, *self._mind.history.causes]
        lost = self._audio.dropped + self._mind.dropped
        return self.figures.as_dict() | starts | {"restart_causes": causes, "lost_commands": lost}

    def _stop_audio(self) -> None:
        if self._audio.process is None:
            return
        self._audio.send("stop")
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        while self._audio.alive and time.monotonic() < deadline_s and not self._audio.trouble():
            self._hear_audio()
            time.sleep(TURN_S / 4)
        self._hear_audio()  # what it said with its last breath
        self._audio.end(0.5)
        if self._audio.process.exitcode != 0:
            silence(self._config)
