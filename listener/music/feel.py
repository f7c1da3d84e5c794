"""Measure how a player sits on the beat: step(time_s, notes, ended, grid) -> (a NoteFeel per new note, Feel | None).

Lateness needs a beat that the player does not move. Best is a given one (`play_on`): a click, another machine's beat,
or the band's own grid where it stands still. (The band's grid as it follows the player is none: measured against it the
player is never late, and the band drags.) Without it, the tempo that the player set in the opening, as long as it holds
(listener/rhythm/opening_pulse.py). Without either, the beat follows the player and only differences within the playing
can be known: swing and late backbeats. Swing is the place of the off-beat between its two beats (Friberg and Sundstrom,
Swing ratios and ensemble timing in jazz performance, Music Perception 19(3), 2002, whose ratio r is
swing / (1 - swing)).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from statistics import median

from listener.rhythm.opening_pulse import FIRST_NOTES, OpeningClock, near
from listener.types import Feel, Grid, Note, NoteFeel

SURE = 0.5  # grid confidence from which it is used
WINDOW_NOTES, WINDOW_SWINGS = 32, 24
FEWEST_NOTES, FEWEST_SWINGS = 4, 4
EARLIER_NOTES, OPENING_BEATS = 48, 16  # kept until there is a grid to place them on
SWING_RANGE = (0.42, 0.715)  # an off-beat outside is a sixteenth or a grace note
OFF_BEAT = 0.2  # further than this from the beat, in beats, is between beats
STRAIGHT = (0.25, 0.5, 0.75)
SWUNG_FROM = 0.56  # such a player has no sixteenths beside the swung off-beat
TRIPLETS = (1 / 3, 2 / 3)
MAD_TO_SD = 1.4826


def pulse_beats(grid: Grid) -> int:
    """Return how many beats of the meter make one felt pulse: three in 6/8, 9/8 and 12/8, else one."""
    meter = grid.meter
    return 3 if meter.denominator == 8 and meter.numerator % 3 == 0 and meter.numerator > 3 else 1


def pulse_near(grid: Grid, time_s: float) -> tuple[float, float]:
    """Return (time of the felt pulse nearest to time_s, period of the pulse), in seconds."""
    beats = pulse_beats(grid)
    first = grid.index - (grid.position - 1) % beats
    pulse = round((grid.beat_at(time_s) - first) / beats)
    return grid.time_of(first + pulse * beats), beats * grid.period_s


class SwingMeter:
    """Measures swing: the median place of the lone off-beat between two notes on the beat."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=WINDOW_SWINGS)
        self._beat_s: float | None = None
        self._between: list[float] = []

    @property
    def swing(self) -> float | None:
        return median(self._ratios) if len(self._ratios) >= FEWEST_SWINGS else None

    def push(self, time_s: float, off: float, period_s: float) -> None:
        """Take a note. off: its distance from the nearest beat in beats, lateness subtracted."""
        if abs(off) > OFF_BEAT:
            self._between = [*self._between[-3:], time_s]
            return
        if self._beat_s is not None and len(self._between) == 1:
            length_s = time_s - self._beat_s
            ratio = (self._between[0] - self._beat_s) / length_s
            if abs(length_s / period_s - 1) < 0.3 and SWING_RANGE[0] < ratio < SWING_RANGE[1]:
                self._ratios.append(ratio)
        self._beat_s, self._between = time_s, []


class FeelTracker:
    """Follows the player's feel; give it every frame. reference: a beat that the player does not move, if any."""

    def __init__(self, reference: Grid | None = None) -> None:
        self._reference = reference
        self._measures_given = reference is not None  # what _on_beat and _late_s were measured against
        self._opening: OpeningClock | None = None
        self._earlier: deque[float] = deque(maxlen=EARLIER_NOTES)
        self._swing = SwingMeter()
        self._on_beat: deque[tuple[float, float, int]] = deque(maxlen=WINDOW_NOTES)  # onset_s, late_s, position
        self._late_s = 0.0
        self._feel: Feel | None = None

    def play_on(self, reference: Grid | None) -> None:
        """Measure notes against this grid from now on: a beat that the player does not move. None: the opening's tempo.

        With the next note, distances measured against another kind of reference are dropped; a moved grid is followed.
        """
        self._reference = reference

    def step(
        self, time_s: float, notes: tuple[Note, ...], ended: tuple[Note, ...], grid: Grid | None
    ) -> tuple[tuple[NoteFeel, ...], Feel | None]:
        """Read one frame. time_s: its end; notes: newly named; ended: completed (unused: only onsets matter)."""
        placed = tuple(feel for note in notes if (feel := self._hear(note, grid)) is not None)
        if placed:
            self._feel = self._running()
        return placed, self._feel

    def _hear(self, note: Note, grid: Grid | None) -> NoteFeel | None:
        self._forget_other_reference()
        trusted = grid if grid is not None and grid.confidence >= SURE else None
        self._follow(note.onset_s, trusted)
        beat_grid = self._reference or trusted
        if beat_grid is None:
            return None
        beat_s, period_s = self._beat(note.onset_s, beat_grid)
        off = (note.onset_s - self._late_s - beat_s) / period_s
        if pulse_beats(beat_grid) == 3 or beat_grid.meter.denominator != 8:
            self._swing.push(note.onset_s, off, period_s)
        place = self._place(off, beat_grid)
        late_s = note.onset_s - beat_s - place * period_s
        position = beat_grid.position_of(round(beat_grid.beat_at(beat_s + place * period_s)))
        if place == 0 and near(note.onset_s - self._late_s, beat_s, period_s):
            self._on_beat.append((note.onset_s, late_s, position))
            self._late_s += 0.25 * (late_s - self._late_s)
        return NoteFeel(note.onset_s, late_s, place % 1.0, position, self.reference)

    def _forget_other_reference(self) -> None:
        given = self._reference is not None
        if given != self._measures_given:
            self._on_beat.clear()
            self._late_s, self._measures_given = 0.0, given

    @property
    def reference(self) -> str:
        """Name what distances are measured from: given | opening | player."""
        if self._reference is not None:
            return "given"
        return "opening" if self._opening is not None else "player"

    def _beat(self, time_s: float, beat_grid: Grid) -> tuple[float, float]:
        """Return (time of the beat that a note belongs to, or the nearest one; pulse period), in seconds."""
        if self._reference is None and self._opening is not None:
            clock = self._opening
            return clock.time_of(round(clock.beat_at(time_s - self._late_s))), clock.period_s
        return pulse_near(beat_grid, time_s - self._late_s)

    def _place(self, off: float, beat_grid: Grid) -> float:
        """Return the place a note was meant for, from -0.5 to 0.75 of a pulse after the beat at 0."""
        swing = self._swing.swing or 0.5
        inner: Iterable[float] = STRAIGHT
        if pulse_beats(beat_grid) == 3:
            inner = TRIPLETS
        elif swing > SWUNG_FROM:
            inner = (swing,)
        places = [0.0, *inner, *(place - 1 for place in inner)]
        return min(places, key=lambda place: abs(off - place))

    def _follow(self, onset_s: float, grid: Grid | None) -> None:
        """Hold the opening's tempo as long as it explains the notes; start another opening when it does not."""
        self._earlier.append(onset_s)
        if grid is None:
            return
        if self._opening is None:
            self._open(grid)
            return
        self._opening.push(onset_s)
        self._opening.compare(*pulse_near(grid, onset_s))
        if self._opening.lost:
            self._opening = None
            self._earlier.clear()
            if self._reference is None:
                self._on_beat.clear()
                self._late_s = 0.0

    def _open(self, grid: Grid) -> None:
        beats: dict[int, float] = {}
        start_s, period_s = pulse_near(grid, self._earlier[-1])
        for onset_s in self._earlier:
            beat = round((onset_s - start_s) / period_s)
            if beat >= -OPENING_BEATS and near(onset_s, start_s + beat * period_s, period_s):
                beats.setdefault(beat, onset_s)
        if len(beats) >= FIRST_NOTES:
            notes = sorted(beats.items())
            self._opening = OpeningClock(notes)
            if self._reference is None:
                self._on_beat.clear()

    def _running(self) -> Feel:
        late = self._late()
        known = len(late) >= FEWEST_NOTES
        middle_s = median(late) if known else 0.0
        spread_s = MAD_TO_SD * median(abs(late_s - middle_s) for late_s in late) if known else None
        absolute = known and (self.reference == "given" or (self._opening is not None and not self._opening.doubted))
        return Feel(
            behind_s=middle_s if absolute else None,
            spread_s=spread_s,
            swing=self._swing.swing,
            backbeat_s=self._backbeat_s(),
            reference=self.reference,
            notes=len(late),
        )

    def _late(self) -> list[float]:
        """Return the lateness of the last notes on the beat; the opening is known better by now than when they were
        placed.
        """
        clock = self._opening
        if clock is None or self._reference is not None:
            return [late_s for _, late_s, _ in self._on_beat]
        beats = ((onset_s, round(clock.beat_at(onset_s - self._late_s))) for onset_s, _, _ in self._on_beat)
        return [onset_s - clock.time_of(beat) for onset_s, beat in beats]

    def _backbeat_s(self) -> float | None:
        sides = [[late_s for _, late_s, position in self._on_beat if position % 2 == odd] for odd in (0, 1)]
        if min(map(len, sides)) < FEWEST_NOTES:
            return None
        return median(sides[0]) - median(sides[1])
