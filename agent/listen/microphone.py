"""Carries out `antiphon listen --mic`: listens to the sound card live.

Three processes, as in a session: one holds the sound card, whose callback copies into the ring; one runs the listener;
this one shows its results. A terminal that stalls or is closed slows neither.
"""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TypeVar, assert_never

import numpy as np
from rich.console import Console
from rich.live import Live

from agent.audio import device_list
from agent.audio.sound_card import XRUNS, Pair, SoundCard, has_own_period
from agent.core.channel import Channel, channel
from agent.core.errors import UserError
from agent.core.messages import Failed, Stop
from agent.core.settings import BandConfig, Config
from agent.listen.file_listener import Line, Lines, input_line, onset_line
from agent.listen.panel import Board, panel, summary
from agent.listen.text import readable
from listener.analyzer import Analyzer, warm_up
from listener.capture import Framer, first_start
from listener.ears.frontend import HOP
from listener.input_mixer import InputMixer
from listener.ring import Ring
from listener.types import FRAME_SAMPLES, Analysis, Frame, Onset

RING_S = 10.0
POLL_S, WATCH_S, REPORT_S = 0.002, 0.004, 0.1
REFRESH_S = 1 / 15
START_TIMEOUT_S, STOP_TIMEOUT_S = 60.0, 3.0
MAX_READ = 4_800  # samples at once: after a stall the ears catch up in steps


@dataclass(frozen=True, slots=True)
class EarReport:
    """One frame's results of the listener. written_s: how far the stream had come."""

    analysis: Analysis
    written_s: float
    dropped: int


@dataclass(frozen=True, slots=True)
class Started:
    """From either process: it runs."""


@dataclass(frozen=True, slots=True)
class Xruns:
    """From the sound card's process: how often samples were lost so far."""

    count: int


@dataclass(frozen=True, slots=True)
class CardLost:
    """From the sound card's process: it ends, and why."""

    cause: str


@dataclass(frozen=True, slots=True)
class Early:
    """From the ears: onsets, said before their frame is over."""

    onsets: tuple[Onset, ...]


@dataclass(frozen=True, slots=True)
class Remarks:
    """From the ears: what the player is to be told of the input."""

    lines: tuple[str, ...]


FromCard = Started | Failed | Xruns | CardLost
FromEars = Started | Failed | Early | Remarks | EarReport
Said = TypeVar("Said")


def run(config: Config, json_lines: bool) -> int:
    """Listen until Ctrl-C or SIGTERM, or until the card is lost (exit code 1). Raises UserError."""
    card = _card(config)
    device_list.release()
    watcher = _json if json_lines else _shown
    return Listening(config, card, watcher(card)).run()


def _card(config: Config) -> device_list.Card:
    card = device_list.find_card(replace(config.audio, output_enabled=False), wants_input=True)
    if card is None or card.input_device is None:
        raise UserError("no microphone on this machine; see `antiphon devices`, or give a file: antiphon listen FILE")
    return card


def _outlive_the_terminal() -> None:
    """The parent says when to stop; what the terminal sends to all its processes is for it alone."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


# -- the sound card's process ---------------------------------------------------------------------------------


def audio_main(
    card: device_list.Card, block_samples: int, ring: Ring, commands: Channel[Stop], reports: Channel[FromCard]
) -> None:
    """Entry point: holds the card until told to stop, or until the parent is gone."""
    _outlive_the_terminal()
    parent = os.getppid()
    try:
        pair = Pair(card.input_device, None, card.input_channels, own_period=has_own_period(card.input_api))
        stream = SoundCard(pair, card.rate, block_samples, ring, None)
    except UserError as cause:
        reports.send(Failed(str(cause)))
        return
    gc.collect()
    gc.freeze()
    gc.disable()
    stream.start()
    reports.send(Started())
    while not commands.receive() and os.getppid() == parent:
        reports.send(Xruns(int(stream.counts[XRUNS])))
        if not stream.alive:
            reports.send(CardLost("the sound card has stopped"))
            break
        time.sleep(REPORT_S)
    stream.close()


# -- the ears' process ----------------------------------------------------------------------------------------


def ears_main(
    ring: Ring,
    rate: int,
    channel_number: int | None,
    band: BandConfig,
    commands: Channel[Stop],
    reports: Channel[FromEars],
) -> None:
    """Entry point: ring in, one EarReport per frame out, until told to stop, or until the parent is gone."""
    _outlive_the_terminal()
    try:
        warm_up()
        analyzer = Analyzer()
        analyzer.given(band.meter, band.tempo_bpm)
    except (OSError, ValueError) as cause:
        reports.send(Failed(str(cause)))
        return
    reports.send(Started())
    listen(analyzer, ring, rate, channel_number, commands, reports)


def listen(
    analyzer: Analyzer,
    ring: Ring,
    rate: int,
    channel_number: int | None,
    commands: Channel[Stop],
    reports: Channel[FromEars],
) -> None:
    """What comes into the ring from now on, hop by hop, until told to stop, or until the parent is gone."""
    reader, parent = ring.reader(), os.getppid()
    reader.skip_to_multiple(first_start(rate))
    framer, hops = Framer(rate, reader.position, HOP), list[Frame]()
    mixer = InputMixer(ring.channels, rate, channel_number)
    while not commands.receive() and os.getppid() == parent:
        if not len(block := reader.read(min(reader.available, MAX_READ))):
            time.sleep(POLL_S)
            continue
        mono, _ = mixer.push(block)
        if lines := mixer.take_lines():
            reports.send(Remarks(tuple(lines)))
        for hop in framer.push(mono):
            if onsets := analyzer.push(hop).onsets:
                reports.send(Early(onsets))
            hops.append(hop)
            if len(hops) * HOP == FRAME_SAMPLES:
                frame = Frame(np.concatenate([h.samples for h in hops]), hops[0].start_sample, hop.lag_s)
                reports.send(EarReport(analyzer.step(frame), ring.written / rate, reader.dropped))
                hops.clear()


# -- who watches ----------------------------------------------------------------------------------------------


class Printed:
    """Prints lines to standard output, flushed. A reader that is gone raises BrokenPipeError."""

    def __init__(self, as_json: bool) -> None:
        self._lines, self._show = Lines(), json.dumps if as_json else readable

    def early(self, onsets: tuple[Onset, ...]) -> None:
        self._print(map(onset_line, onsets))

    def say(self, text: str) -> None:
        self._print([input_line(text)])

    def add(self, said: EarReport, board: Board) -> None:
        self._print(line for line in self._lines.of(said.analysis) if line["type"] != "onset")

    def _print(self, lines: Iterable[Line]) -> None:
        for line in lines:
            if (text := self._show(line)) is not None:
                print(text)

    def refresh(self, board: Board) -> None:
        sys.stdout.flush()

    def close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()


class Panelled:
    """Draws a live panel; a closed terminal ends the drawing and nothing else."""

    def __init__(self, console: Console) -> None:
        self._live: Live | None = Live(
            console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
        )
        self._shown_s = float("-inf")
        self._guarded(lambda live: live.start())

    def early(self, onsets: tuple[Onset, ...]) -> None:
        pass

    def say(self, text: str) -> None:
        self._guarded(lambda live: live.console.print(text, markup=False))

    def add(self, said: EarReport, board: Board) -> None:
        pass

    def refresh(self, board: Board) -> None:
        if time.monotonic() - self._shown_s >= REFRESH_S:
            self._shown_s = time.monotonic()
            self._guarded(lambda live: live.update(panel(board), refresh=True))

    def close(self) -> None:
        self._guarded(lambda live: live.stop())
        self._live = None

    def _guarded(self, action: Callable[[Live], object]) -> None:
        if self._live is None:
            return
        try:
            action(self._live)
        except (OSError, ValueError, SystemExit):  # rich raises SystemExit for a broken pipe
            self._live = None


def _json(card: device_list.Card) -> Printed:
    return Printed(as_json=True)


def _shown(card: device_list.Card) -> Printed | Panelled:
    """A panel on a terminal, else a line per event."""
    console = Console()
    return Panelled(console) if console.is_terminal else Printed(as_json=False)


class Listening:
    """Owns the two other processes and shows their results until the end."""

    def __init__(self, config: Config, card: device_list.Card, watcher: Printed | Panelled) -> None:
        self._config, self._card, self._watcher = config, card, watcher
        self._ring = Ring(round(RING_S * card.rate), card.input_channels)
        self._board = Board(source=f"{card.input_name}, {card.rate} Hz")
        self._closing = contextlib.ExitStack()  # of the channels
        self._processes: list[BaseProcess] = []
        self._commands: list[Channel[Stop]] = []
        self._stopping, self._trouble = False, ""

    def run(self) -> int:
        """Listen; the exit code."""
        ends = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._stop_soon) for number in ends}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the terminal is closed: go on
        try:
            self._start()
            while not self._stopping and not self._trouble:
                self._turn()
                time.sleep(WATCH_S)
        finally:
            self._finish()
            for number, handler in before.items():
                signal.signal(number, handler)
        self._say(summary(self._board))
        if self._trouble:
            self._say(f"antiphon: {self._trouble}")
        return 1 if self._trouble else 0

    def _stop_soon(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self) -> None:
        audio = self._config.audio
        number = audio.input_channel - 1 if audio.input_channel else None
        ears = partial(ears_main, self._ring, self._card.rate, number, self._config.band)
        self._said = self._process("ears", ears)
        self._await(self._said, "ears")
        if not self._stopping:
            card = partial(audio_main, self._card, audio.block_samples, self._ring)
            self._heard = self._process("audio", card)
            self._await(self._heard, "audio")

    def _process(self, name: str, entry: Callable[[Channel[Stop], Channel[Said]], None]) -> Channel[Said]:
        """Start one process; the channel on which it reports."""
        commands: Channel[Stop]
        reports: Channel[Said]
        commands, commanded = channel()
        reports, reported = channel()
        for end in (commands, commanded, reports, reported):
            self._closing.callback(end.close)
        self._commands.append(commands)
        process = multiprocessing.get_context("spawn").Process(
            target=entry, args=(commanded, reports), name=f"antiphon-{name}", daemon=True
        )
        process.start()
        self._processes.append(process)
        return reported

    def _await(self, reports: Channel[FromEars] | Channel[FromCard], name: str) -> None:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._stopping:
            alive = self._processes[-1].is_alive()
            for first in reports.receive()[:1]:
                if isinstance(first, Failed):
                    raise UserError(first.cause)
                return
            if not alive or time.monotonic() > deadline_s:
                raise UserError(f"the {name} process did not start; run `antiphon doctor`")
            time.sleep(WATCH_S)

    def _turn(self) -> None:
        """Read everything that has come, and show it."""
        for said in self._said.receive():
            match said:
                case Remarks(lines):
                    for line in lines:
                        self._watcher.say(line)
                case Early(onsets):
                    self._watcher.early(onsets)
                case EarReport():
                    self._board.add(said.analysis)
                    self._board.behind_s = said.written_s - said.analysis.time_s
                    self._board.dropped = said.dropped
                    self._watcher.add(said, self._board)
                case Started() | Failed():
                    pass
                case _:
                    assert_never(said)
        for report in self._heard.receive():
            match report:
                case Xruns(count):
                    self._board.xruns = count
                case CardLost(cause):
                    self._trouble = cause
                case Started() | Failed():
                    pass
                case _:
                    assert_never(report)
        if dead := [process.name for process in self._processes if not process.is_alive()]:
            self._trouble = self._trouble or f"the {dead[0]} process died; run `antiphon doctor`"
        self._watcher.refresh(self._board)

    def _finish(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for commands in self._commands:
            commands.send(Stop())
        for process in self._processes:
            process.join(STOP_TIMEOUT_S)
            if process.is_alive():
                process.kill()
                process.join(STOP_TIMEOUT_S)
        self._closing.close()
        self._watcher.close()

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)
