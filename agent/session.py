"""Wires everything; owns processes, threads and signals. A session is live (`Live`) or as fast as it goes (`fast`)."""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from agent.audio_process import AudioReport, AudioSetup, Ready
from agent.audio_process import main as audio_main
from agent.channel import Channel, channel
from agent.chronicle import Chronicle
from agent.errors import UserError
from agent.mind_process import Heard
from agent.mind_process import main as mind_main
from agent.monitor import Monitor
from agent.outputs import open_port
from agent.recorder import Recorder
from agent.rig import Rig, cancels_echo
from agent.settings import Config
from agent.statusboard import StatusBoard
from listener.capture import to_mono
from listener.ring import Ring

log = logging.getLogger(__name__)

RING_S = 20.0  # what the recorder may fall behind before it loses sound
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 3.0
TURN_S = 0.02
MIND_STARTS_MAX = 5  # within one minute; a mind that dies at once each time is left dead
SILENT_MIND_S = 5.0  # a mind that says nothing for so long while sound comes in is stuck


class Tape:
    """Both rings into the recorder; the parent's thread only."""

    def __init__(self, recorder: Recorder, bass: Ring, stems: Ring, channel: int | None) -> None:
        self.chronicle = Chronicle(recorder)
        self._recorder, self._channel = recorder, channel
        self._bass, self._stems = bass.reader(), stems.reader()

    def roll(self) -> None:
        """Record what has come since the last time."""
        bass = self._bass.read(self._bass.available)
        if len(bass):
            self._recorder.bass(to_mono(bass, self._channel)[0])
        stems = self._stems.read(self._stems.available)
        if len(stems):
            self._recorder.stems(stems.reshape(len(stems), -1, 2).transpose(1, 0, 2))

    def close(self) -> tuple[str, ...]:
        """Finish the folder; the causes of what could not be written."""
        if self._bass.dropped or self._stems.dropped:
            self.chronicle.cause(f"samples not recorded: bass {self._bass.dropped}, band {self._stems.dropped}")
        return self._recorder.close()


class Live:
    """A session in real time. run() returns when the take is over, when it is told to stop, or when the card is lost."""

    def __init__(self, config: Config, rig: Rig, folder: Path, monitor: Monitor) -> None:
        self._config, self._rig, self._monitor = config, rig, monitor
        self._folder = folder
        self._spawn = multiprocessing.get_context("spawn")
        parts = tuple(config.parts)
        self._bass = Ring(round(RING_S * rig.rate), rig.input_channels)
        self._stems = Ring(round(RING_S * rig.rate), 2 * len(parts))
        cancels = cancels_echo(config, rig)
        self._sent = Ring(round(RING_S * rig.rate), rig.output_channels) if cancels else None
        self._board = StatusBoard(config)
        self._channels: list[Channel] = []
        self._plans, self._plans_in = self._channel()
        self._mind_starts: list[float] = []
        self._mind_said_s = 0.0
        self._stopping = False
        self._troubles: list[str] = []
        self._audio: BaseProcess | None = None
        self._mind: BaseProcess | None = None
        self._tape: Tape | None = None
        self._last: AudioReport | None = None
        self._last_heard: Heard | None = None

    def run(self) -> tuple[str, ...]:
        """Play until it is over; returns the causes of whatever went wrong."""
        handlers = {s: signal.signal(s, self._stop_soon) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start()
            self._play()
        finally:
            self._finish()
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return tuple(self._troubles)

    def _stop_soon(self, *_: Any) -> None:
        self._stopping = True

    # -- starting ---------------------------------------------------------------------------------------------

    def _start(self) -> None:
        rig = self._rig
        setup = AudioSetup(
            self._config,
            rig.rate,
            rig.input_device,
            rig.output_device,
            rig.output_channels,
            rig.take,
            self._bass,
            self._stems,
            self._sent,
        )
        self._audio_commands, commands = self._channel()
        reports, self._audio_reports = self._channel()
        self._audio = self._process("audio", audio_main, (setup, self._plans_in, commands, reports))
        ready = self._await(self._audio, self._audio_reports)
        if not isinstance(ready, Ready):
            return
        self._troubles += ready.warnings
        self._start_mind(latency_s=ready.latency.input_s + ready.latency.output_s)
        assert self._mind
        if self._await(self._mind, self._mind_reports) is None:
            return
        programs = {name: (part.channel, part.program) for name, part in self._config.parts.items()}
        recorder = Recorder(self._folder, rig.rate, tuple(self._config.parts), programs, ready.band_delay_samples)
        self._tape = Tape(recorder, self._bass, self._stems, rig.ring_channel)
        self._mind_said_s = time.monotonic()
        self._audio_commands.send("go")

    def _channel(self) -> tuple[Channel, Channel]:
        self._channels += (ends := channel())
        return ends

    def _process(self, name: str, target: Callable[..., None], args: tuple[Any, ...]) -> BaseProcess:
        process = self._spawn.Process(target=target, args=args, name=f"antiphon-{name}", daemon=True)
        process.start()
        return process

    def _start_mind(self, latency_s: float) -> None:
        self._latency_s = latency_s
        self._mind_commands, commands = self._channel()
        reports, self._mind_reports = self._channel()
        self._mind_starts = [t for t in self._mind_starts if t > time.monotonic() - 60] + [time.monotonic()]
        self._mind_said_s = time.monotonic() + START_TIMEOUT_S
        args = (
            self._config,
            self._bass,
            self._sent,
            self._rig.rate,
            self._rig.ring_channel,
            latency_s,
            self._plans,
            commands,
            reports,
        )
        self._mind = self._process("mind", mind_main, args)

    def _await(self, process: BaseProcess, reports: Channel) -> Any:
        """The process's first word; None when the person stops first. Raises UserError with its cause of failure."""
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline_s and not self._stopping:
            alive = process.is_alive()
            for message in reports.receive():
                if isinstance(message, tuple) and message[0] == "failed":
                    raise UserError(message[1])
                return message
            if not alive:
                raise UserError(
                    f"the {process.name} process ended as it started (exit {process.exitcode}); try `antiphon doctor`"
                )
            time.sleep(TURN_S / 2)
        if self._stopping:
            return None
        raise UserError(
            f"the {process.name} process was not ready after {START_TIMEOUT_S:.0f} s; try `antiphon doctor`"
        )

    # -- playing ----------------------------------------------------------------------------------------------

    def _play(self) -> None:
        while self._tape and not self._stopping and self._turn(self._tape):
            time.sleep(TURN_S)

    def _turn(self, tape: Tape) -> bool:
        """Read everything that has come; False when the music is over."""
        assert self._audio
        alive = self._audio.is_alive()  # asked before its last words are read
        self._hear_mind(tape)
        over = self._hear_audio(tape)
        tape.roll()
        self._watch_mind()
        self._monitor.update(self._board.status())
        if not over and not alive:
            self._trouble(f"the audio process died (exit {self._audio.exitcode})")
            return False
        return not over

    def _hear_mind(self, tape: Tape) -> None:
        for message in self._mind_reports.receive():
            self._mind_said_s = time.monotonic()
            if isinstance(message, Heard):
                tape.chronicle.thought(message.thought, message.said_s)
                self._board.thought(message.thought)
                self._last_heard = message
            elif message[0] == "failed":
                self._trouble(message[1])

    def _hear_audio(self, tape: Tape) -> bool:
        over = False
        for report in self._audio_reports.receive():
            if not isinstance(report, AudioReport):
                self._trouble(str(report[1]))
                over = True
                continue
            tape.chronicle.sent(report.records, report.notes)
            self._board.played(report.counts, report.xruns)
            self._last = report
            if report.failed and report.failed not in self._troubles:
                self._trouble(report.failed)
                over |= "sound card" in report.failed
            over |= report.finished or report.stopped
        return over

    def _watch_mind(self) -> None:
        """A mind that died or is stuck is started anew; the band goes on with what was planned meanwhile."""
        assert self._mind
        stuck = time.monotonic() - self._mind_said_s > SILENT_MIND_S and not self._bass.ended
        if self._mind.is_alive() and not stuck:
            return
        if self._bass.ended or self._mind.exitcode == 0 or len(self._mind_starts) > MIND_STARTS_MAX:
            return
        self._trouble(
            "the model process was stuck" if stuck else f"the model process died (exit {self._mind.exitcode})"
        )
        self._mind.kill()
        self._board.say("the model process is started anew", restarts=1)
        self._start_mind(self._latency_s)

    def _trouble(self, cause: str) -> None:
        self._troubles.append(cause)
        self._board.say(cause)
        if self._tape:
            self._tape.chronicle.cause(cause)

    # -- stopping ---------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Silence first, then everything written; a second Ctrl-C changes nothing."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if self._audio:
            self._stop_audio()
        if self._mind:
            self._mind_commands.send("stop")
        if self._tape:
            self._hear_mind(self._tape)
            self._tape.roll()
            self._tape.chronicle.summary(**self._figures())
            self._troubles += self._tape.close()
        for process in (self._audio, self._mind):
            if process:
                _end(process)
        for end in self._channels:
            end.close()
        self._monitor.close()

    def _figures(self) -> dict[str, Any]:
        if self._last is None:
            return {}
        counts, last = self._last.counts, self._last
        figures = {"xruns": last.xruns, "missing_samples": last.missing_samples, "in_time_share": counts.in_time_share}
        heard = self._last_heard
        lost = {"mended_samples": heard.mended, "unheard_samples": heard.dropped} if heard else {}
        return figures | asdict(counts) | lost | {"mind_starts": len(self._mind_starts)}

    def _stop_audio(self) -> None:
        assert self._audio
        self._audio_commands.send("stop")
        deadline_s = time.monotonic() + STOP_TIMEOUT_S
        over = False
        while self._tape and not over and self._audio.is_alive() and time.monotonic() < deadline_s:
            over = self._hear_audio(self._tape)
            time.sleep(TURN_S / 4)
        self._audio.join(STOP_TIMEOUT_S)
        if self._tape:
            self._hear_audio(self._tape)  # what it said with its last breath
        if self._audio.exitcode != 0:
            self._silence_port()

    def _silence_port(self) -> None:
        """The audio process did not close its MIDI port itself: its notes may hang."""
        try:
            port = open_port(self._config)
        except UserError:
            return
        if port:
            port.panic()
            port.close()


def _end(process: BaseProcess) -> None:
    process.join(STOP_TIMEOUT_S)
    if process.is_alive():
        process.kill()
        process.join(STOP_TIMEOUT_S)
