"""`Fermata` and `Ritard` notice when the player bends time: a note that is held, and a tempo that slows into an end.

While a note is held unusually long the band waits, and comes in again with the player. In a ritard each note of the
riff that is foretold comes later and later. A filter takes a note that is late by a third of a beat for another note;
who knows the riff knows which note it was: the next one in order, at its pitch, after one that was late already. From
such notes tempo and slowing are told at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from listener.types import Analysis, Grid

LONGER = 1.5  # times the longest of the last gaps between notes
LEAST_BEATS = 2.0  # or a bar less one beat, where that is more: the band stops before the next bar line
GAPS, ENOUGH_GAPS = 48, 8
IN_TIME = 0.1  # of a beat
LATE_BEATS, LATE_S = 0.03, 0.015  # behind its place, from which a note may belong to a ritard
MOST_BEATS, EARLY_BEATS = 0.6, 0.12  # behind and before its place, up to which a note is the one foretold
NEAR_BEATS = 0.15  # of its place, from which the order is found again
OTHER_BEATS = 0.4  # behind its place, up to which a note within a ritard may have another pitch: the last one has
SLOWER = 1.03  # an interval beside the period that is held
MOST_TREND, TREND_SAY = 0.3, 0.7  # of the period, by beat; how much of what was seen goes on
SAME_BEATS = 0.05
MARKS = 3

Expected = Sequence[tuple[float, int]]  # (beat, pitch) of the notes foretold, in order


class Fermata:
    """Push every frame. waiting: True from when a note has been held too long until the next onset."""

    def __init__(self) -> None:
        self.waiting = False
        self._gaps_s: deque[float] = deque(maxlen=GAPS)
        self._newest_s, self._ended_s = math.inf, math.inf
        self._sounds = False

    def push(self, analysis: Analysis, own: Grid | None = None) -> float | None:
        """Take a frame; return the onset (seconds) with which the player goes on after a fermata, else None.

        own: the band's beat. A player who goes on in time has played a long note, and it is usual from then on.
        """
        resumed_s = None
        for note in analysis.notes:
            if note.articulation == "ghost":
                continue
            in_time = own is not None and abs(own.beat_at(note.onset_s) - round(own.beat_at(note.onset_s))) < IN_TIME
            if self.waiting and not in_time:
                resumed_s, self.waiting = note.onset_s, False
            elif note.onset_s > self._newest_s:
                self.waiting = False
                rested = own is not None and note.onset_s - self._ended_s > own.period_s * own.meter.numerator
                if not rested:  # a rest is no long note
                    self._gaps_s.append(note.onset_s - self._newest_s)
            self._newest_s, self._sounds, self._ended_s = note.onset_s, True, math.inf
        for note in analysis.ended:
            if note.onset_s == self._newest_s:
                self._sounds, self._ended_s = False, note.onset_s + (note.duration_s or 0.0)
        self.waiting |= self._sounds and self._is_long(analysis)
        return resumed_s

    def _is_long(self, analysis: Analysis) -> bool:
        if analysis.grid is None or len(self._gaps_s) < ENOUGH_GAPS:
            return False
        usual_s = LONGER * max(self._gaps_s)
        least_beats = max(LEAST_BEATS, analysis.grid.meter.numerator - 1)
        return analysis.time_s - self._newest_s > max(usual_s, least_beats * analysis.grid.period_s)


@dataclass(frozen=True, slots=True)
class Slowing:
    """A note at time_s fell on `beat`; from there on beats are period_s long, and each is trend_s longer."""

    beat: float
    time_s: float
    period_s: float
    trend_s: float


class _Mark(NamedTuple):
    beat: float
    time_s: float
    late: bool


class Ritard:
    """Call hear(...) with every note. on: the player slows down."""

    def __init__(self) -> None:
        self.on = False
        self._marks: list[_Mark] = []  # the last notes that came as foretold, one after another

    def shift(self, beats: int) -> None:
        """Count beats from another one on."""
        self._marks = [mark._replace(beat=mark.beat + beats) for mark in self._marks]

    def hear(self, time_s: float, pitch: int, at: float, period_s: float, expected: Expected) -> Slowing | None:
        """Take a note; return how the player slows down where it shows that.

        at: where it lies, in beats of period_s as they are held; expected: the notes foretold around it.
        """
        beat = self._next(pitch, at, expected)
        if beat is None:
            self._begin_again(time_s, pitch, at, expected)
            return None
        self._marks = [*self._marks, _Mark(beat, time_s, at - beat > max(LATE_BEATS, LATE_S / period_s))][-MARKS:]
        before, newest = self._marks[-2:]
        interval_s = (newest.time_s - before.time_s) / (newest.beat - before.beat)
        if not self.on and not (newest.late and before.late and interval_s > SLOWER * period_s):
            return None
        self.on = True
        return self._slowing(interval_s, period_s)

    def _slowing(self, interval_s: float, period_s: float) -> Slowing:
        before, newest = self._marks[-2:]
        earlier_s, beats = period_s, newest.beat - before.beat
        if len(self._marks) == MARKS:
            first = self._marks[0]
            earlier_s = (before.time_s - first.time_s) / (before.beat - first.beat)
            beats = (newest.beat - first.beat) / 2
        trend_s = TREND_SAY * min(max((interval_s - earlier_s) / beats, 0.0), MOST_TREND * interval_s)
        return Slowing(newest.beat, newest.time_s, interval_s + trend_s * (newest.beat - before.beat) / 2, trend_s)

    def _next(self, pitch: int, at: float, expected: Expected) -> float | None:
        """Return the beat of the note that was to come next, where this is it."""
        if not self._marks:
            return None
        after = [(beat, told) for beat, told in expected if beat > self._marks[-1].beat + SAME_BEATS]
        if not after or not -EARLY_BEATS < at - after[0][0] < MOST_BEATS:
            return None
        right = (after[0][1] - pitch) % 12 == 0 or (self.on and at - after[0][0] < OTHER_BEATS)
        return after[0][0] if right else None

    def _begin_again(self, time_s: float, pitch: int, at: float, expected: Expected) -> None:
        near = [beat for beat, told in expected if (told - pitch) % 12 == 0 and abs(at - beat) < NEAR_BEATS]
        self.on = False
        self._marks = [_Mark(min(near, key=lambda beat: abs(at - beat)), time_s, False)] if near else []
