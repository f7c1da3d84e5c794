"""`HeldBars` keeps the bars that the band plays in while the ears waver between readings of the same music.

Another level of the beat (double, half, three for two), an off-beat for the beat, another meter or downbeat: a band
that plays changes over when the ears are sure of it, or when they have stood by it for bars. Then it does so where the
ears have a downbeat. Another tempo is followed at once by a listener who is sure, later by one who is not.
"""

from __future__ import annotations

import math
from dataclasses import replace

from listener.types import Grid

LEVELS = (2.0, 0.5, 3.0, 1 / 3, 1.5, 2 / 3)  # periods of another reading
SAME_TEMPO, SAME_LEVEL, SAME_BEATS, OFF_BEAT = 0.05, 0.03, 0.2, 0.11
OFF_16TH = 0.3  # of a beat: so near, a beat lies on a 16th of the other reading
INSISTS_BEATS = 8.0  # of a confident other reading
DOUBTED_BEATS, DOUBTED = 2.0, 0.8  # likewise, where the ears were never so sure (of enough) of the one that is played
COUNTED_BARS = 16.0  # of one, where the bars were counted in: the player has said where the one is
STANDS_BARS = 3.0  # of one that the ears are not sure of, but stand by
YOUNG_BARS = 1.0  # likewise, where ears and band have not agreed yet: a wrong entrance is not defended
AGREED_SAY = 0.25  # bars more for each bar in which ears and band agreed
MOST_BARS = 8.0
MOVED_BEATS = 2.0  # for which the ears' beat has lain elsewhere, before the player is thought to have moved
CLEAR = 0.45  # confidence of a beat, from which it is no stray
STRAY_BEATS = 12.0  # of another tempo that is not clear, before it is followed
SAME_LENGTH, SAME_LINE = 0.1, 0.08  # octaves, shares of the shorter bar: bars of two readings that are the same
LEAD_S = 0.35  # before the downbeat at which the bars turn: what is committed ends there


class ReadingAge:
    """How long the ears' reading has stood: push(grid, now_s) once a frame."""

    def __init__(self) -> None:
        self.since_s = -math.inf
        self._before: Grid | None = None

    def push(self, grid: Grid | None, now_s: float) -> None:
        if grid is not None and not (self._before is not None and same_reading(self._before, grid)):
            self.since_s = now_s
        self._before = grid

    def bars(self, grid: Grid, now_s: float) -> float:
        """Return the age in bars of the grid."""
        return (now_s - self.since_s) / (grid.period_s * grid.meter.numerator)


class HeldBars:
    """Call hold(ears, own, playing, now_s, stood_bars) once a frame. counted: whether the bars were counted in; it ends
    with the playing."""

    def __init__(self, enough: float) -> None:
        self._enough = enough  # confidence in meter and downbeat from which the ears insist
        self.counted = self._joined = False  # joined: the band has played in them
        self._since_s: float | None = None  # they insist since then
        self._stray_s: float | None = None  # they have another, unclear tempo since then
        self._agreed, self._now_s = 0.0, 0.0  # bars in which ears and band agreed
        self._sure = 0.0  # how sure the ears were of it, at most

    def hold(self, ears: Grid, own: Grid | None, playing: bool, now_s: float, stood_bars: float = 0.0) -> Grid:
        """Return the grid to follow. own: the band's of the frame before; playing: whether the band plays.

        stood_bars: for so many bars the ears have not changed their reading.
        """
        passed_s, self._now_s = min(now_s - self._now_s, 0.1), now_s
        self.counted = self.counted and (playing or not self._joined)
        self._joined = self.counted and playing
        if own is None or not playing:
            self._since_s, self._stray_s, self._agreed, self._sure = None, None, 0.0, 0.0
            return ears
        other = self._other(ears, own)
        near = SAME_TEMPO if ears.confidence < CLEAR else 2 * SAME_TEMPO
        if other is None and not _near(ears.period_s, own.period_s, near):
            return self._another_tempo(ears, own, now_s, stood_bars)
        self._stray_s = None
        if other is None and _apart(ears, own) and stood_bars * ears.meter.numerator < MOVED_BEATS:
            return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
        if other is None:
            self._since_s = None
            self._sure = max(self._sure, min(ears.confidence, ears.meter_confidence))
            self._agreed += passed_s / (own.period_s * own.meter.numerator)
            return ears
        if ears.meter_confidence < self._enough:
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        doubted = self._agreed >= YOUNG_BARS and self._sure < DOUBTED * self._enough
        beats = DOUBTED_BEATS if doubted else INSISTS_BEATS
        if self.counted:
            beats = COUNTED_BARS * ears.meter.numerator
        insists = self._since_s is not None and now_s - self._since_s > beats * ears.period_s
        long = min(STANDS_BARS + AGREED_SAY * self._agreed, MOST_BARS)
        if _on_the_beats(ears, own):
            long = min(long, YOUNG_BARS + self._agreed)
        stands = ears.confidence >= CLEAR and stood_bars >= long and not _off_the_beat(ears, own)
        if (insists or (stands and not self.counted)) and _before_downbeat(ears, now_s):
            self._since_s, self._agreed, self._sure, self.counted = None, 0.0, 0.0, False
            return ears
        return other

    def _another_tempo(self, ears: Grid, own: Grid, now_s: float, stood_bars: float) -> Grid:
        """Return the grid to follow where the tempo is another: the ears', but for a stray that is not clear or in
        another meter."""
        self._stray_s = now_s if self._stray_s is None else self._stray_s
        clear = ears.confidence >= CLEAR and (ears.meter == own.meter or stood_bars >= 1)
        if clear or now_s - self._stray_s > STRAY_BEATS * own.period_s:
            self._stray_s, self._agreed, self._sure = None, 0.0, 0.0
            return ears
        return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)

    def _other(self, ears: Grid, own: Grid) -> Grid | None:
        """Return the ears' grid in the band's reading; None where both are the same or it is another tempo."""
        beat = own.beat_at(ears.anchor_s)
        same_beats = abs(beat - round(beat)) < SAME_BEATS
        if _near(ears.period_s, own.period_s, 2 * SAME_TEMPO):
            if not same_beats and OFF_BEAT < abs(beat % 1 - 0.5) < 0.5 - OFF_16TH:
                return None  # the player has moved
            if not same_beats:
                return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
            position = own.position_of(round(beat))
            if ears.meter == own.meter and ears.position == position:
                return None
            if ears.meter.denominator != own.meter.denominator:
                return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
            return replace(ears, meter=own.meter, position=position)
        if any(_near(ears.period_s, own.period_s * level, SAME_LEVEL) for level in LEVELS):
            return replace(own, confidence=ears.confidence, meter_confidence=ears.meter_confidence)
        return None


def same_reading(one: Grid, other: Grid) -> bool:
    """Return whether two grids of frames that follow each other read the same beats in the same bars."""
    beat = one.beat_at(other.anchor_s)
    return (
        one.meter.numerator == other.meter.numerator
        and one.meter.denominator == other.meter.denominator
        and _near(one.period_s, other.period_s, 2 * SAME_TEMPO)
        and abs(beat - round(beat)) < SAME_BEATS
        and one.position_of(round(beat)) == other.position
    )


def is_other(reading: Grid, own: Grid) -> bool:
    """Return whether bars lie elsewhere in two readings; bars half or twice as long are the same music."""
    short, long = sorted((reading, own), key=_bar_s)
    octaves = math.log2(_bar_s(long) / _bar_s(short))
    if min(octaves, abs(octaves - 1)) > SAME_LENGTH:
        return True
    bars = (short.beat_at(long.time_of(long.index - long.position + 1)) - short.index + short.position - 1) / (
        short.meter.numerator
    )
    return abs(bars - round(bars)) > SAME_LINE


def _bar_s(grid: Grid) -> float:
    return grid.period_s * grid.meter.numerator


def _on_the_beats(ears: Grid, own: Grid) -> bool:
    """Return whether only the bars differ."""
    beat = own.beat_at(ears.anchor_s)
    return _near(ears.period_s, own.period_s) and abs(beat - round(beat)) < SAME_BEATS


def _apart(ears: Grid, own: Grid) -> bool:
    """Return whether the beats lie elsewhere."""
    beat = own.beat_at(ears.anchor_s)
    return abs(beat - round(beat)) >= SAME_BEATS


def _off_the_beat(ears: Grid, own: Grid) -> bool:
    """Return whether the ears have the beat where the band has the off-beat: of that they are to be sure."""
    beat = own.beat_at(ears.anchor_s)
    return _near(ears.period_s, own.period_s) and abs(beat % 1 - 0.5) < OFF_BEAT


def _before_downbeat(grid: Grid, now_s: float) -> bool:
    """Return whether what is committed by now ends in the first beat of a bar."""
    return grid.position_of(math.floor(grid.beat_at(now_s + LEAD_S))) == 1


def _near(one_s: float, other_s: float, tolerance: float = SAME_TEMPO) -> bool:
    return abs(math.log(one_s / other_s)) < tolerance
