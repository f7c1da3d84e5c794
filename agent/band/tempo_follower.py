"""`Tempo` smooths the beat that the band plays on: the listener's Grid may jump, the band's ticks must not.

The listener says which beat a note was meant for; `Tempo` estimates from the notes where the next beats fall, and
glides there. A bank of Kalman filters (Bar-Shalom, Li and Kirubarajan, Estimation with Applications, ch. 11) holds the
time of a beat, the period, and the period's change per beat: phase correction, period correction and anticipation of a
trend, the three abilities of people who keep together (Mates, Biological Cybernetics 70, 1994; van der Steen and
Keller, "The adaptation and anticipation model (ADAM)", Frontiers in Human Neuroscience 7, 2013). Each filter assumes
another kind of player; they are mixed by how well each predicted the last notes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.band.fermata import Expected, Ritard, Slowing
from listener.rhythm.grid_clock import COMPOUND_PLACES, SHORT_BEAT_PLACES, STRAIGHT_PLACES, SWUNG_PLACES
from listener.types import Grid, Note

SWUNG_FROM = 0.56
GATE_BEATS, GATE_S = 0.22, 0.075
UNSURE = (1 / 3, 2 / 3)  # places in a beat whose notes may be meant for another place: they correct nothing
SAME_BEATS = 0.2  # of a beat; the listener's grid and the band's are the same where they differ by less
LOST_BEATS = 0.35
APART_BEATS, APART_S = 0.15, 0.050  # further from the listener's grid than both, for so many beats, the band is lost
APART_FOR_BEATS = 2.0
JOINS_BEATS = 0.1  # further from the listener's grid, a band that does not play yet begins on it
SAME_TEMPO = 0.20
KNOWN_TEMPO = 0.02  # a grid so near has the tempo that was known before the beats began again
FOUND_BEATS, FOUND_TEMPO = 0.06, 0.06  # a listener's grid that moves so much in a frame is another one
SCORE_MEMORY = 0.85  # per note
TAILS = 4.0  # degrees of freedom
FADE_BEATS = 0.3  # time constant with which a correction reaches what is played
MOST_SLEW_S, SLEW_SHARE = 0.008, 1.0  # per beat: seconds, or of the correction where that is more
LOOSE = {"slide": 3.0, "legato": 1.5}  # factor on the spread of notes whose onset is no stroke
SLOW_BEATS, HELD_TEMPO = 24.0, 0.006
OWN_BEATS = 16.0
OTHER_BEATS, CLEAR = 4.0, 0.5  # of another tempo that the listener is sure of, after which it is followed all the same
LAID_BACK_S, LAID_BACK_FULL_S = 0.008, 0.016  # a distance from the beat is taken for intention: not at all, and fully
SLIP_S = 0.060  # a correction larger than this is a jump of the player's, taken at once
SILENT_BEATS = 2.0  # without a note, after which no trend of the tempo is followed
HELD_SHARE = 0.4  # of the last period, at each silent beat; the rest comes from the usual one
MOST_TREND = 0.04  # per beat
RITARD_BEATS = 6.0  # after a note of a ritard, for which the listener's grid is ignored
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Player:
    """A kind of player: how much may change from beat to beat, as standard deviations.

    phase_s: in seconds; tempo, trend: shares of the period; trend_memory: factor on the trend per beat.
    """

    phase_s: float
    tempo: float
    trend: float
    trend_memory: float


PLAYERS = (
    Player(0.0005, 0.0008, 0.0, 0.0),  # steady
    Player(0.0010, 0.0010, 0.0010, 0.97),  # slowly bending, for long
    Player(0.0010, 0.0020, 0.0025, 0.93),
    Player(0.0010, 0.0030, 0.0060, 0.90),
    Player(0.0020, 0.0100, 0.0150, 0.80),  # free
)
SLOWING = Player(0.0020, 0.0100, 0.0150, 0.95)  # into an end


class Lock:
    """One Kalman filter: x = [time of beat 0, period, trend], p = their covariance. Beats count from its anchor."""

    def __init__(self, player: Player, anchor_s: float, period_s: float) -> None:
        self.player = player
        self.x: Floats = np.array([anchor_s, period_s, 0.0])
        self.p: Floats = np.diag([0.020**2, (0.02 * period_s) ** 2, (0.004 * period_s) ** 2 * (player.trend > 0)])
        self.score = 0.0

    def time_of(self, beats: float) -> float:
        """Return the time, in seconds, of the beat `beats` after the anchor, by period and trend."""
        anchor_s, period_s, trend_s = self.x.tolist()
        moved_s: float = anchor_s + beats * period_s + 0.5 * beats * abs(beats) * trend_s
        return moved_s

    def move(self, beats: int) -> None:
        """Move the anchor `beats` beats later."""
        if beats <= 0:
            return
        player, period_s = self.player, float(self.x[1])
        carry = np.array([[1.0, 1.0, 0.5], [0.0, 1.0, 1.0], [0.0, 0.0, player.trend_memory]])
        noise = np.diag([player.phase_s**2, (player.tempo * period_s) ** 2, (player.trend * period_s) ** 2])
        for _ in range(beats):
            self.x = carry @ self.x
            self.p = carry @ self.p @ carry.T + noise

    def moved_to(self, anchor_s: float) -> Lock:
        """Return a filter that is as sure of its period and whose beat 0 is elsewhere."""
        other = Lock(self.player, anchor_s, float(self.x[1]))
        other.p[1, 1], other.score = self.p[1, 1], self.score
        return other

    def correct(self, place: float, time_s: float, spread_s: float) -> None:
        """Correct the filter by a note at time_s that was meant for `place` beats after the anchor.

        Notes scatter as Student's t with TAILS degrees of freedom: one far out counts little (Roth, Ozkan and
        Gustafsson, "A Student's t filter for heavy tailed process and measurement noise", ICASSP 2013).
        """
        row = np.array([1.0, place, 0.5 * place * abs(place)])
        deviation_s = time_s - self.time_of(place)
        variance = float(row @ self.p @ row) + spread_s**2
        far = deviation_s**2 / variance / TAILS
        self.score = SCORE_MEMORY * self.score - 0.5 * ((TAILS + 1) * math.log1p(far) + math.log(variance))
        variance += spread_s**2 * far
        gain = self.p @ row / variance
        self.x = self.x + gain * deviation_s
        self.x[2] = np.clip(self.x[2], -MOST_TREND * self.x[1], MOST_TREND * self.x[1])
        self.p = self.p - np.outer(gain, row @ self.p)


class Tempo:
    """Follows the player's tempo: `follow` returns the band's Grid once a frame. Small, copyable state; no clock."""

    def __init__(self) -> None:
        self._locks: list[Lock] = []
        self._index = 0  # of the locks' anchor
        self._listener_grid: Grid | None = None  # of the last frame
        self._slow_s = 0.0  # period, averaged over SLOW_BEATS
        self._own_beats = 0.0  # for so many beats a listener's grid that differs is ignored
        self._other_beats = 0.0  # for so many the listener has had another tempo, clearly
        self._downbeat: int | None = None  # a bar begins at this beat, whatever the listener says
        self._offset_s = 0.0  # beat as played minus beat as estimated
        self._now_s = 0.0
        self._heard_s = 0.0  # onset of the note last heard
        self._apart_s = math.inf  # since when the listener's grid has been elsewhere
        self._ritard = Ritard()
        self._scores, self._odds = [0.0], [1.0]  # of the locks, and the weights that follow from them
        self._known: list[Lock] = []  # from before the band began its beats again

    def reset(self) -> None:
        """Forget the beat."""
        self.__init__()  # type: ignore[misc]

    def begin_again(self) -> None:
        """Forget where the beats fall, but neither the tempo, where the next grid has it, too, nor how steady it is."""
        known = self._locks
        self.reset()
        self._known = known

    @property
    def slowed(self) -> float:
        """Return how much longer beats are than they were, as a factor, while the player slows down; else 1."""
        return max(self._period_s() / self._slow_s, 1.0) if self._ritard.on else 1.0

    def follow(
        self,
        grid: Grid,
        notes: tuple[Note, ...],
        now_s: float,
        behind_s: float | None = None,
        expected: Expected = (),
        playing: bool = True,
    ) -> Grid:
        """Return the grid to play on. Call once a frame; all times are seconds of the stream.

        grid: the listener's; notes: new in this frame; behind_s: how far behind the beat the player plays, None = not
        known. A player may lay back without slowing the band down. expected: (beat, pitch) of the notes foretold.
        playing: whether the band is heard; until it is, it need not glide to where the listener has the beat.
        """
        late_s = _intended_s(behind_s or 0.0) * self._stability() if self._locks else 0.0
        agrees = bool(self._locks) and self._agree(grid) and not self._is_lost(grid, now_s)
        if not agrees or (not playing and self._own_beats <= 0 and abs(self._apart(grid)) > JOINS_BEATS):
            self._start(grid, now_s)
        for note in notes:
            if note.articulation != "ghost":
                self._heard_s = note.onset_s
                self._hear(note, note.onset_s - late_s, grid, expected)
        self._glide(grid, now_s)
        self._roll(now_s)
        return self._published(replace(grid, behind_s=late_s))

    def _hear(self, note: Note, onset_s: float, grid: Grid, expected: Expected) -> None:
        slowed, period_s = self._ritard.on, self._period_s()
        at = self._index + (onset_s - self._time_of(self._index)) / period_s
        slowing = self._ritard.hear(onset_s, note.pitch, at, period_s, expected)
        if slowing is not None:
            self._slow_down(slowing)
            return
        if slowed and not self._ritard.on:
            self._locks = [Lock(player, self._time_of(self._index), period_s) for player in PLAYERS]
        self._correct(onset_s, grid, LOOSE.get(note.articulation, 1.0))

    def _slow_down(self, slowing: Slowing) -> None:
        """Go on from a note of a ritard: the player alone says where the next beats fall."""
        before_s = self._time_of(self._index + 1)
        since = slowing.beat - self._index
        lock = Lock(SLOWING, slowing.time_s - since * slowing.period_s, slowing.period_s)
        lock.x[2] = slowing.trend_s
        self._locks, self._own_beats = [lock], max(self._own_beats, RITARD_BEATS)
        self._offset_s += before_s - self._time_of(self._index + 1)

    def _start(self, grid: Grid, now_s: float) -> None:
        beat = math.floor(grid.beat_at(now_s))
        anchor_s, known, self._known = grid.time_of(beat), self._known, []
        if known and abs(math.log(_mean_period_s(known) / grid.period_s)) < KNOWN_TEMPO:
            self._locks = [lock.moved_to(anchor_s) for lock in known]
        else:
            self._locks = [Lock(player, anchor_s, grid.period_s) for player in PLAYERS]
        self._index, self._offset_s, self._slow_s = beat, 0.0, grid.period_s
        self._listener_grid, self._own_beats, self._downbeat = grid, 0.0, None
        self._other_beats = 0.0
        self._apart_s = math.inf

    def _agree(self, grid: Grid) -> bool:
        """Return whether the listener's grid means the same beats, and take over its beat numbers where it does.

        A grid that drifts away is tolerated up to LOST_BEATS, one that jumps only up to SAME_BEATS.
        """
        before, self._listener_grid = self._listener_grid or grid, grid
        period_s = self._period_s()
        apart = grid.beat_at(self._time_of(self._index)) - self._index
        shift = round(apart)
        found = _is_another(before, grid)
        beats, tempo = (SAME_BEATS, FOUND_TEMPO) if found else (LOST_BEATS, SAME_TEMPO)
        near = abs(math.log(grid.period_s / period_s)) <= tempo
        same = abs(apart - shift) <= beats and near
        if near or grid.confidence < CLEAR:
            self._other_beats = 0.0
        if not same:
            return self._own_beats > 0 and self._other_beats < OTHER_BEATS
        self._index += shift
        self._ritard.shift(shift)
        if self._downbeat is not None:
            self._downbeat += shift
        if found:
            self._downbeat = None
        return True

    def _apart(self, grid: Grid) -> float:
        """Return how far the band is from the nearest beat that the listener hears, in beats."""
        apart = grid.beat_at(self._time_of(self._index))
        return apart - round(apart)

    def _is_lost(self, grid: Grid, now_s: float) -> bool:
        """Return whether the band has long been between the beats that the listener hears, by their nearest."""
        if self._own_beats > 0:
            return False
        apart = self._apart(grid)
        if abs(apart) < APART_BEATS or abs(apart) * grid.period_s < APART_S:
            self._apart_s = now_s
        self._apart_s = min(self._apart_s, now_s)
        return now_s - self._apart_s > APART_FOR_BEATS * grid.period_s

    def _stability(self) -> float:
        """Return the tempo's stability, 0 to 1. Lateness is only trusted while this is high."""
        return math.exp(-(((self._period_s() / self._slow_s - 1) / HELD_TEMPO) ** 2))

    def resume(self, onset_s: float) -> None:
        """Begin a bar at the onset with which the player goes on after a fermata, in the tempo before it."""
        if not self._locks:
            return
        period_s = self._slow_s
        self._locks = [Lock(player, onset_s, period_s) for player in PLAYERS]
        self._offset_s, self._own_beats, self._downbeat = 0.0, OWN_BEATS, self._index

    def _weights(self) -> list[float]:
        scores = [lock.score for lock in self._locks]
        if scores != self._scores:
            best = max(scores)
            odds = [math.exp(score - best) for score in scores]
            self._scores, self._odds = scores, [odd / sum(odds) for odd in odds]
        return self._odds

    def _time_of(self, beat: float) -> float:
        beats = beat - self._index
        times_s = [lock.time_of(beats) for lock in self._locks]
        first_s = times_s[0]
        apart_s = [weight * (time_s - first_s) for weight, time_s in zip(self._weights(), times_s, strict=True)]
        return first_s + sum(apart_s)

    def _period_s(self) -> float:
        return self._time_of(self._index + 1) - self._time_of(self._index)

    def _correct(self, onset_s: float, grid: Grid, loose: float) -> None:
        place, deviation_s, spread_s = self._nearest(onset_s, grid)
        if any(abs(place % 1 - third) < 1e-6 for third in UNSURE) or abs(deviation_s) > min(
            GATE_S, GATE_BEATS * self._period_s()
        ):
            return
        before_s = self._time_of(self._index + 1)
        for lock in self._locks:
            lock.correct(place, onset_s, loose * spread_s)
        self._offset_s += before_s - self._time_of(self._index + 1)

    def _nearest(self, time_s: float, grid: Grid) -> tuple[float, float, float]:
        """Return the place nearest to time_s: (beats after the anchor, seconds from it, spread of such notes in s)."""
        period_s = self._period_s()
        beat = (time_s - self._time_of(self._index)) / period_s
        best = (0.0, math.inf, 1.0)
        for inner, spread_s in _places(grid):
            whole = round(beat - inner)
            deviation_s = time_s - self._time_of(self._index + whole + inner)
            if abs(deviation_s) / spread_s < abs(best[1]) / best[2]:
                best = (whole + inner, deviation_s, spread_s)
        return best

    def _glide(self, grid: Grid, now_s: float) -> None:
        """Move the beat as played toward the estimate, by at most MOST_SLEW_S a beat."""
        beats = (now_s - self._now_s) / grid.period_s
        self._now_s = now_s
        if abs(self._offset_s) > SLIP_S:
            self._offset_s = 0.0
        wanted_s = self._offset_s * (1 - math.exp(-beats / FADE_BEATS))
        most_s = beats * max(MOST_SLEW_S, SLEW_SHARE * abs(self._offset_s))
        self._offset_s -= max(-most_s, min(most_s, wanted_s))

    def _roll(self, now_s: float) -> None:
        """Move the anchor to the beat last passed. While nothing is heard there is no trend: the usual period holds."""
        period_s = self._period_s()
        beats = math.floor((now_s - self._time_of(self._index)) / period_s)
        if beats > 0 and now_s - self._heard_s > SILENT_BEATS * period_s:
            for lock in self._locks:
                lock.x[1:] += (1 - HELD_SHARE) * (np.array([self._slow_s, 0.0]) - lock.x[1:])
        for lock in self._locks:
            lock.move(max(0, beats))
        self._index += max(0, beats)
        if not self._ritard.on:
            self._slow_s += (period_s - self._slow_s) * (1 - math.exp(-max(0, beats) / SLOW_BEATS))
        self._own_beats -= max(0, beats)
        self._other_beats += max(0, beats)

    def _published(self, grid: Grid) -> Grid:
        anchor_s, next_s = self._time_of(self._index), self._time_of(self._index + 1)
        return replace(
            grid,
            anchor_s=anchor_s + self._offset_s,
            index=self._index,
            position=self._position(grid),
            period_s=next_s - anchor_s,
        )

    def _position(self, grid: Grid) -> int:
        """Return the position in its bar, from 1, of the beat at the anchor."""
        if self._downbeat is None:
            return grid.position_of(self._index)
        return (self._index - self._downbeat) % grid.meter.numerator + 1


def _mean_period_s(locks: Sequence[Lock]) -> float:
    return float(np.mean([lock.x[1] for lock in locks]))


def _is_another(before: Grid, grid: Grid) -> bool:
    """Return whether the listener's grid jumped between two frames."""
    apart = before.beat_at(grid.anchor_s)
    moved = abs(apart - round(apart)) > FOUND_BEATS
    return moved or abs(math.log(grid.period_s / before.period_s)) > FOUND_TEMPO


def _intended_s(behind_s: float) -> float:
    """Return how much of a distance from the beat is taken for intention, in seconds."""
    share = (abs(behind_s) - LAID_BACK_S) / (LAID_BACK_FULL_S - LAID_BACK_S)
    return behind_s * min(1.0, max(0.0, share))


def _places(grid: Grid) -> tuple[tuple[float, float], ...]:
    """Return (place in the beat, spread in seconds) where notes may lie; off-beats lie where the grid's swing says."""
    if grid.meter.denominator == 8:
        return COMPOUND_PLACES if grid.meter.numerator % 3 == 0 else SHORT_BEAT_PLACES
    if grid.swing > SWUNG_FROM:
        return tuple((grid.swing if place == 0.5 else place, spread_s) for place, spread_s in SWUNG_PLACES)
    return STRAIGHT_PLACES
