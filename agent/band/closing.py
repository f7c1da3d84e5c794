"""`Closing` notices that the player may be ending: after a line that went on, one note on a one, on the key's tonic or
with the tempo slowing into it, is followed by none.

The band then keeps time quietly, or leaves the note alone where the tempo slowed; where the note was long and is over
by the next bar line, the band ends there. A player who goes on has not ended. Where the riff says that notes should
have come by now, and the one note still sounds, that is noticed sooner.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from listener.types import Analysis, Grid, Note

NEAR_ONE = 0.2  # of a beat
HOLDS_BEATS, SLOWED_BEATS = 2.0, 1.25  # without another note, from which the last one is held; where the tempo slowed
MISSED_BEATS, MISSED = 1.25, 2  # likewise, where so many notes were expected and have not come
LATE_BEATS = 0.25  # that an expected note may come later
KEPT, ENOUGH, LATELY = 48, 16, 4  # gaps between notes; at least; the newest, none of which was so long
WENT_ON = 0.9  # share of the gaps that are shorter than this one
LONG, LONG_BEATS = 2.0, 1.5  # a last note that ends the song: times the usual length; in beats
SURE_KEY = 0.3
SLOWING, SLOW_BEATS = 1.08, 8  # the period now beside the one so many beats ago


class Closing:
    """Push every frame. holds: the last note is held alone; slowed: with a tempo that slowed; ended: it is over.

    first: no bar line but its own has come since by more than a beat. doubtful: it may come to be held, for a note that
    was expected has not come: nothing new is said meanwhile.
    """

    def __init__(self) -> None:
        self.holds = self.slowed = self.ended = self.first = self.doubtful = False
        self._newest: Note | None = None
        self._on_one = self._tonic = False
        self._gaps_s: deque[float] = deque(maxlen=KEPT)
        self._lengths_s: deque[float] = deque(maxlen=KEPT)
        self._length_s: float | None = None  # of the newest note, None while it sounds
        self._periods_s: deque[float] = deque(maxlen=SLOW_BEATS)  # beat by beat
        self._beat = -math.inf

    def push(self, analysis: Analysis, expected: Sequence[float] = ()) -> None:
        """Take a frame, its grid the band's. expected: beats of the bass notes that are foretold, past ones as well."""
        grid = analysis.grid
        if grid is None:
            self.holds = self.slowed = self.ended = self.first = self.doubtful = False
            return
        for note in analysis.notes:
            if note.articulation != "ghost":
                self._begin(note, analysis, grid)
        for note in analysis.ended:
            if self._newest and note.onset_s == self._newest.onset_s and note.duration_s is not None:
                self._length_s = note.duration_s
        beat = math.floor(grid.beat_at(analysis.time_s))
        if beat != self._beat:
            self._beat = beat
            self._periods_s.append(grid.period_s)
        self._judge(analysis.time_s, grid, expected)

    def _begin(self, note: Note, analysis: Analysis, grid: Grid) -> None:
        if self._newest:
            self._gaps_s.append(note.onset_s - self._newest.onset_s)
            self._lengths_s.append(min(self._length_s or math.inf, self._gaps_s[-1]))
        beat = grid.beat_at(note.onset_s)
        self._on_one = abs(beat - round(beat)) < NEAR_ONE and grid.position_of(round(beat)) == 1
        key = analysis.key
        self._tonic = bool(key and key.confidence >= SURE_KEY and note.pitch % 12 == key.tonic)
        self._newest, self._length_s = note, None
        periods = self._periods_s
        self.slowed = len(periods) == SLOW_BEATS and grid.period_s > SLOWING * float(np.median(list(periods)[:4]))

    def _judge(self, now_s: float, grid: Grid, expected: Sequence[float]) -> None:
        self.holds = self.ended = self.first = self.doubtful = False
        if self._newest is None or not self._on_one or not (self._tonic or self.slowed) or len(self._gaps_s) < ENOUGH:
            return
        alone_s = now_s - self._newest.onset_s
        gaps = list(self._gaps_s)
        went_on = sum(gap < alone_s for gap in gaps) >= WENT_ON * len(gaps) and max(gaps[-LATELY:]) < alone_s
        began, late = grid.beat_at(self._newest.onset_s) + NEAR_ONE, grid.beat_at(now_s) - LATE_BEATS
        overdue = sum(began < beat < late for beat in expected) if self._length_s is None else 0
        missed = overdue >= MISSED
        self.doubtful = went_on and overdue > 0
        least_beats = SLOWED_BEATS if self.slowed else MISSED_BEATS if missed else HOLDS_BEATS
        self.holds = went_on and alone_s > least_beats * grid.period_s
        self.first = self.holds and alone_s < (grid.meter.numerator + 1) * grid.period_s
        usual_s = float(np.median(list(self._lengths_s)))
        length_s = self._length_s
        long = length_s is not None and length_s > max(LONG * usual_s, LONG_BEATS * grid.period_s)
        self.ended = self.holds and long
