"""Whose beat counts, and who is told ours: MIDI clock in and Ableton Link beside the player's ears, tended by the parent.

An outside beat comes in monotonic seconds and is told to the mind in stream time, where the input's latency lies
between the two: what sounds in the room at a moment is in the stream that much later.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from agent.core.errors import UserError
from agent.core.messages import FollowGrid
from agent.core.settings import Config
from agent.midi.clock_in import MidiClock
from agent.session.link import LinkPeer
from listener.types import Grid, Meter

log = logging.getLogger(__name__)

METER = "4/4"  # of an outside beat where band.meter does not say
MOVED_S = 0.001  # a next beat or a period that differs by more is told at once
SAME_COUNT_BEATS = 0.5  # nearer than this to where the last grid put it, the count goes on

Message = tuple[float, bytes]  # (monotonic seconds, raw bytes)


class Clock(Protocol):
    """Stream seconds <-> monotonic seconds."""

    def stream_of(self, monotonic_s: float) -> float: ...
    def monotonic_of(self, stream_s: float) -> float: ...


class Tap(Protocol):
    """Where MIDI messages come from: agent/midi/input.py's MidiIn or one of its taps."""

    def poll(self) -> Sequence[Message]: ...


@dataclass(frozen=True, slots=True)
class StreamTime:
    """The audio process's clock as its reports tell it: `samples` had come at monotonic_s, one takes period_s."""

    rate: int
    samples: float
    monotonic_s: float
    period_s: float

    def stream_of(self, monotonic_s: float) -> float:
        return (self.samples + (monotonic_s - self.monotonic_s) / self.period_s) / self.rate

    def monotonic_of(self, stream_s: float) -> float:
        return self.monotonic_s + (stream_s * self.rate - self.samples) * self.period_s


class Count:
    """Numbers the beats of grids that come and go: ever upwards, never reset or repeated."""

    def __init__(self) -> None:
        self._last: Grid | None = None
        self._added = 0

    def number(self, grid: Grid, now_s: float, own: Grid | None) -> Grid:
        """grid with the numbers of what was told before (or of the ears' own grid), the next free ones where it jumped."""
        before = max((g.beat_at(now_s) for g in (self._last, own) if g), default=-1.0)
        went_on = self._last and abs(grid.beat_at(now_s) + self._added - self._last.beat_at(now_s)) < SAME_COUNT_BEATS
        if not went_on:
            self._added = math.floor(before) + 1 - math.floor(grid.beat_at(now_s))
        self._last = replace(grid, index=grid.index + self._added)
        return self._last


class Sync:
    """config.sync, at work. input_s: the input's latency, seconds (may be set later). tap: where MIDI clock comes in.

    says: what is followed, in a line, for the status. Raises UserError where Link is asked for and not installed, or
    MIDI clock without a port for it.
    """

    def __init__(self, config: Config, tap: Tap | None = None, input_s: float = 0.0) -> None:
        self._source, self._tap, self.input_s = config.sync.source, tap, input_s
        if self._source == "midi" and config.midi.input is None:
            raise UserError(
                "sync.source is midi, but midi.input names no port; see `antiphon devices`, or sync.source: ears"
            )
        self._gives = config.sync.link and self._source != "link"
        wants_link = self._gives or self._source == "link"
        self._midi = MidiClock(_meter(config)) if self._source == "midi" else None
        self._link = LinkPeer(_meter(config)) if wants_link else None
        self._count, self._sure = Count(), config.band.enter_confidence
        self._told: Grid | None = None
        self.says = "" if self._source == "ears" else f"waiting for {self._name}"

    @property
    def _name(self) -> str:
        return {"midi": "MIDI clock", "link": "Ableton Link"}.get(self._source, "the ears")

    @property
    def leads(self) -> bool:
        """Whether an outside beat is followed now."""
        return self._told is not None

    def push(self, messages: Sequence[Message]) -> None:
        """MIDI messages that came some other way than the tap."""
        if self._midi:
            for at_s, message in messages:
                self._midi.push(at_s, message)

    def poll(self, clock: Clock | None, grid: Grid | None, now_s: float) -> list[FollowGrid]:
        """What to tell the mind now. clock: None while no sound has come. grid: the band's, stream time, None while
        there is no beat. now_s: monotonic."""
        if self._tap:
            self.push(self._tap.poll())
        if clock is None:
            return []
        outside = self._outside(now_s)
        messages = self._follow(outside, clock, grid, now_s)
        if self._link and self._gives:
            self._give(self._link, clock, self._told or grid)
        return messages

    def close(self) -> None:
        """Leave the Link session; the others are told that we stopped."""
        if self._link:
            if self._gives:
                self._link.stop()
            self._link.close()

    def _outside(self, now_s: float) -> Grid | None:
        """The beat of the source, monotonic seconds."""
        if self._midi:
            return self._midi.grid(now_s)
        return self._link.grid() if self._link and self._source == "link" else None

    def _follow(self, outside: Grid | None, clock: Clock, own: Grid | None, now_s: float) -> list[FollowGrid]:
        if outside is None:
            return self._lose()
        if self._told is None:
            self._say(f"following {self._name}, {60 / outside.period_s:.1f} beats a minute")
        stream_now_s = clock.stream_of(now_s) + self.input_s
        grid = self._count.number(self._in_stream(outside, clock), stream_now_s, own if self._told is None else None)
        if self._told and not _moved(self._told, grid, stream_now_s):
            return []
        self._told = grid
        return [FollowGrid(grid)]

    def _lose(self) -> list[FollowGrid]:
        if self._told is None:
            return []
        self._told = None
        self._say(f"{self._name} has stopped; the beat is the player's again")
        return [FollowGrid(None)]

    def _in_stream(self, grid: Grid, clock: Clock) -> Grid:
        start_s, end_s = clock.stream_of(grid.anchor_s), clock.stream_of(grid.anchor_s + grid.period_s)
        return replace(grid, anchor_s=start_s + self.input_s, period_s=end_s - start_s)

    def _give(self, link: LinkPeer, clock: Clock, grid: Grid | None) -> None:
        if grid is None:
            link.stop()
            return
        if grid.confidence < self._sure:  # the band does not play to such a beat either
            return
        start_s = clock.monotonic_of(grid.anchor_s - self.input_s)
        end_s = clock.monotonic_of(grid.anchor_s - self.input_s + grid.period_s)
        link.give(replace(grid, anchor_s=start_s, period_s=end_s - start_s))

    def _say(self, line: str) -> None:
        self.says = line
        log.info("%s", line)


def _meter(config: Config) -> Meter:
    from listener.rhythm.hints import meter_of  # costs a second, and only those who play with machines need it

    return meter_of(config.band.meter or METER)


def _moved(told: Grid, grid: Grid, now_s: float) -> bool:
    """Whether the mind should hear of it: another beat, another tempo, another place in the bar."""
    if (told.meter, told.position_of(grid.index)) != (grid.meter, grid.position) or grid.index != told.index:
        return True
    beat = math.floor(told.beat_at(now_s)) + 1
    apart_s = abs(told.time_of(beat) - grid.time_of(beat))
    return apart_s > MOVED_S or abs(told.period_s - grid.period_s) > MOVED_S
