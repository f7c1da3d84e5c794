"""Follows MIDI clock or Ableton Link in place of the player's beat, and passes the band's beat on to Link.

An outside beat comes in monotonic seconds and is sent to the mind in stream time. The input's latency lies between the
two: what sounds at a moment is in the stream that much later.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from agent.core.errors import UserError
from agent.core.messages import FollowGrid, StartOn
from agent.core.settings import Config
from agent.engine.reports import AudioReport
from agent.midi.clock_in import MidiClock
from agent.session.link import LinkPeer
from listener.types import Grid, Meter

log = logging.getLogger(__name__)

METER = "4/4"  # of an outside beat where band.meter does not say
MOVED_S = 0.001  # a next beat or a period that differs by more is sent at once
SAME_COUNT_BEATS = 0.5  # a beat nearer than this to where the last grid put it continues the count

Message = tuple[float, bytes]  # (monotonic seconds, raw bytes)


class Clock(Protocol):
    """Stream seconds <-> monotonic seconds."""

    def stream_of(self, monotonic_s: float) -> float: ...
    def monotonic_of(self, stream_s: float) -> float: ...


class Tap(Protocol):
    """A source of MIDI messages: agent/midi/input.py's MidiIn or one of its taps."""

    def poll(self) -> Sequence[Message]: ...


@dataclass(frozen=True, slots=True)
class StreamTime:
    """The audio process's clock by its last report: `samples` had come at monotonic_s; one takes period_s."""

    rate: int
    samples: float
    monotonic_s: float
    period_s: float

    def stream_of(self, monotonic_s: float) -> float:
        return (self.samples + (monotonic_s - self.monotonic_s) / self.period_s) / self.rate

    def monotonic_of(self, stream_s: float) -> float:
        return self.monotonic_s + (stream_s * self.rate - self.samples) * self.period_s


def stream_time(report: AudioReport | None, rate: int) -> StreamTime | None:
    """Return the clock of the audio process's newest report; None before its stream began."""
    if report is None or report.period_s <= 0:
        return None
    return StreamTime(rate, report.samples, report.monotonic_s, report.period_s)


class Count:
    """Numbers the beats of outside grids, always upwards, never reset or repeated."""

    def __init__(self) -> None:
        self._last: Grid | None = None
        self._added = 0

    def number(self, grid: Grid, now_s: float, own: Grid | None) -> Grid:
        """Return grid renumbered to go on from the last grid, or the player's own; new numbers where it jumped."""
        before = max((g.beat_at(now_s) for g in (self._last, own) if g), default=-1.0)
        went_on = self._last and abs(grid.beat_at(now_s) + self._added - self._last.beat_at(now_s)) < SAME_COUNT_BEATS
        if not went_on:
            self._added = math.floor(before) + 1 - math.floor(grid.beat_at(now_s))
        self._last = replace(grid, index=grid.index + self._added)
        return self._last


class Sync:
    """Carries out config.sync. input_s: the input's latency, seconds. tap: source of MIDI clock.

    says: what is followed, in one line for the status. Raises UserError where Link is set and not installed, or
    MIDI clock without a port for it.
    """

    def __init__(self, config: Config, tap: Tap | None = None, input_s: float = 0.0) -> None:
        self._source, self._tap, self._input_s = config.sync.source, tap, input_s
        if self._source == "midi" and config.midi.input is None:
            raise UserError(
                "sync.source is midi, but midi.input is not set; see `antiphon devices`, or set sync.source: ears"
            )
        self._gives = config.sync.link and self._source != "link"
        wants_link = self._gives or self._source == "link"
        self._midi = MidiClock(_meter(config)) if self._source == "midi" else None
        self._link = LinkPeer(_meter(config)) if wants_link else None
        self._count, self._sure = Count(), config.band.enter_confidence
        self._sent_grid: Grid | None = None
        self._has_given = False
        self.says = "" if self._source == "ears" else f"waiting for {self._name}"

    @property
    def _name(self) -> str:
        return {"midi": "MIDI clock", "link": "Ableton Link"}.get(self._source, "the ears")

    @property
    def leads(self) -> bool:
        """Whether an outside beat is followed now."""
        return self._sent_grid is not None

    def push(self, messages: Sequence[Message]) -> None:
        """Take MIDI messages that did not come through the tap."""
        if self._midi:
            for at_s, message in messages:
                self._midi.push(at_s, message)

    def heard_latency(self, input_s: float) -> None:
        """Take the input's latency as it is now."""
        self._input_s = input_s

    def poll(self, clock: Clock | None, grid: Grid | None, now_s: float) -> list[FollowGrid | StartOn]:
        """Return the messages for the mind. clock: None before any sound. grid: the band's, stream time, None while
        there is no beat. now_s: monotonic."""
        if self._tap:
            self.push(self._tap.poll())
        if clock is None:
            return []
        outside = self._outside(now_s)
        messages: list[FollowGrid | StartOn] = [*self._follow(outside, clock, grid, now_s)]
        if self._link and self._gives:
            if grid is None and (theirs := self._link.grid()):  # they play already
                messages.append(StartOn(self._in_stream(theirs, clock)))
            self._give(self._link, clock, self._sent_grid or grid, now_s)
        return messages

    def close(self) -> None:
        """Leave the Link session, after signalling the other peers that we stopped."""
        if self._link:
            if self._gives:
                self._link.stop()
            self._link.close()

    def _outside(self, now_s: float) -> Grid | None:
        """Return the source's beat in monotonic seconds."""
        if self._midi:
            return self._midi.grid(now_s)
        return self._link.grid() if self._link and self._source == "link" else None

    def _follow(self, outside: Grid | None, clock: Clock, own: Grid | None, now_s: float) -> list[FollowGrid]:
        if outside is None:
            return self._lose()
        if self._sent_grid is None:
            self._say(f"following {self._name} at {60 / outside.period_s:.1f} bpm")
        stream_now_s = clock.stream_of(now_s) + self._input_s
        grid = self._count.number(
            self._in_stream(outside, clock), stream_now_s, own if self._sent_grid is None else None
        )
        if self._sent_grid and not _moved(self._sent_grid, grid, stream_now_s):
            return []
        self._sent_grid = grid
        return [FollowGrid(grid)]

    def _lose(self) -> list[FollowGrid]:
        if self._sent_grid is None:
            return []
        self._sent_grid = None
        self._say(f"{self._name} has stopped; following the player's beat again")
        return [FollowGrid(None)]

    def _in_stream(self, grid: Grid, clock: Clock) -> Grid:
        start_s, end_s = clock.stream_of(grid.anchor_s), clock.stream_of(grid.anchor_s + grid.period_s)
        return replace(grid, anchor_s=start_s + self._input_s, period_s=end_s - start_s)

    def _give(self, link: LinkPeer, clock: Clock, grid: Grid | None, now_s: float) -> None:
        if grid is None:
            if self._has_given:  # what others play to before we begin goes on
                link.stop()
            return
        if grid.confidence < self._sure:  # the band does not play to such a beat either
            return
        now = _plain(grid, clock.stream_of(now_s) + self._input_s)
        start_s = clock.monotonic_of(now.anchor_s - self._input_s)
        end_s = clock.monotonic_of(now.anchor_s - self._input_s + now.period_s)
        self._has_given = True
        link.give(replace(now, anchor_s=start_s, period_s=end_s - start_s))

    def _say(self, line: str) -> None:
        self.says = line
        log.info("%s", line)


def _plain(grid: Grid, now_s: float) -> Grid:
    """Return the beat of this moment as a grid of even beats: bars that the band leads may differ."""
    beat = math.floor(grid.beat_at(now_s))
    at_s, meter = grid.time_of(beat), grid.meter_at(beat)
    sure = grid.confidence, grid.meter_confidence
    return Grid(at_s, beat, grid.position_of(beat), grid.time_of(beat + 1) - at_s, meter, *sure)


def _meter(config: Config) -> Meter:
    from listener.rhythm.hints import meter_of  # importing it takes a second, and only sessions with sync need it

    return meter_of(config.band.meter or METER)


def _moved(sent: Grid, grid: Grid, now_s: float) -> bool:
    """Return whether the grid has changed enough to send: another beat, tempo or position in the bar."""
    if (sent.meter, sent.position_of(grid.index)) != (grid.meter, grid.position) or grid.index != sent.index:
        return True
    beat = math.floor(sent.beat_at(now_s)) + 1
    apart_s = abs(sent.time_of(beat) - grid.time_of(beat))
    return apart_s > MOVED_S or abs(sent.period_s - grid.period_s) > MOVED_S
