"""`BandTime` answers which beat the band plays on: the player's as the ears hear it, smoothed, or its own."""

from __future__ import annotations

import math
from dataclasses import replace

from agent.band.band_state import AUDIBLE, BandEntrance
from agent.band.fermata import Expected, Fermata
from agent.band.held_bars import HeldBars
from agent.band.tempo_follower import Tempo
from agent.leading.leading import Leading
from agent.mind.common_ground import CommonGround
from agent.mind.second_reading import SecondReading
from listener.cycle_grid import CycleGrid
from listener.types import FRAME_S, Analysis, Feel, Grid

BELIEVED_NOTES = 4  # on the beat, from which half of a distance from the beat is believed
SEEN_S, MOST_OF_SEEN = 3.0, 1.5  # the ears' grid must see it, too: its mean over so long, times this, is the most
RESTED_BARS = 1.0  # of silence after which the player comes back on a one
ALREADY_BEATS, NEAR_BEATS = 0.08, 0.45  # from the band's one that they may be for it: it is there already; at most


class BandTime:
    """Call of(analysis) once a frame. resumed: the player goes on after a fermata, in this frame; waiting: for that."""

    def __init__(self, form: BandEntrance, leading: Leading) -> None:
        self._form, self._leading = form, leading
        self._pulse: Grid | None = None  # the player's, under what the band leads
        self._led = False  # whether the band led in the last frame
        self._tempo, self._fermata, self._bars = Tempo(), Fermata(), HeldBars(form.reading.enough)
        self.grid: Grid | None = None  # the band's, of the last frame
        self.resumed = False
        self._second, self.common = SecondReading(), CommonGround()
        self.expected: Expected = ()  # (beat, pitch) of the bass, as it is foretold
        self._seen_s = 0.0  # the player's distance behind the ears' grid, smoothed

    @property
    def waiting(self) -> bool:
        return self._fermata.waiting

    @property
    def slowed(self) -> float:
        """How much longer beats are than they were, as a factor, while the player slows down; else 1."""
        return self._tempo.slowed

    def count_in(self, counted: bool = True) -> None:
        """The bars are counted in: they stand until the ears are sure of others for long. False: no longer."""
        self._bars.counted = counted

    def reset(self) -> None:
        """Forget the beat: it was lost."""
        self._bars.counted = False
        self._tempo.reset()
        self._leading.reset()
        self.grid = self._pulse = None
        self._led = False

    def of(self, analysis: Analysis) -> Analysis:
        """Return the frame with the band's beat in place of the ears'."""
        self._leading.hear(analysis)
        if self._leading.released or (self._led and not self._leading.on):
            self._give_back()
        self._led = self._leading.on
        if self._led and self._form.beat.fixed is None and self._pulse is not None:
            self.grid = self._over_pulse(analysis)
        else:
            self.grid = self._pulse = self._grid_of(analysis)
        own_beat = self._led or self._form.beat.fixed or self._form.beat.led
        self.common.hear(analysis, None if own_beat else self.grid, self._form.bars_in)
        return replace(analysis, grid=self.grid)

    def _over_pulse(self, analysis: Analysis) -> Grid:
        """Return the band's own bars or tempo. The player's pulse goes on beneath them by their notes alone."""
        assert self._pulse
        self._fermata.push(analysis, self.grid)
        self._fermata.waiting = self.resumed = False
        sure = analysis.grid.confidence if analysis.grid else self._pulse.confidence
        own = replace(self._pulse, confidence=sure, meter_confidence=1.0)
        behind_s = _behind_s(analysis.feel, self._seen_s)
        self._pulse = self._tempo.follow(own, analysis.notes, analysis.time_s, behind_s)
        return self._leading.over(self._pulse, analysis.time_s)

    def _give_back(self) -> None:
        """The band leads no more: it keeps the beat it has now until the ears agree with it."""
        grid = self._leading.released or self._pulse
        if self._leading.released:
            self._tempo.begin_again()
        self._leading.released = None
        if grid is not None:
            self.grid = self._pulse = grid
            self._form.beat.fix(grid)
            self._form.beat.free()

    def _grid_of(self, analysis: Analysis) -> Grid | None:
        beat = self._form.beat
        second = self._second.of(analysis.grid, analysis.rival, len(analysis.notes), analysis.time_s)
        if beat.led and beat.fixed is None:  # another machine's beat is played on as it is
            self._tempo.reset()
            self._fermata.waiting = self.resumed = False
            return analysis.grid
        if not beat.led and second is not analysis.grid:
            analysis = replace(analysis, grid=second)
        fixed = beat.fixed.now(analysis.time_s) if isinstance(beat.fixed, CycleGrid) else beat.fixed
        ears = fixed or self._form.reading.read(analysis, beat.believed(analysis, self.grid))
        resumed_s = self._fermata.push(analysis, self.grid)
        returned_s = self._returned_s(analysis)
        self.resumed = False
        if beat.fixed or ears is None:
            self._tempo.reset()
            self._fermata.waiting = False
            return ears
        if resumed_s is None and self._form.state in AUDIBLE:
            resumed_s = returned_s
        if resumed_s is not None:
            self._tempo.resume(resumed_s)
            self.resumed = True
        if not beat.led:
            stood = math.inf if self._second.taken else self._form.reading.age.bars(ears, analysis.time_s)
            ears = self._bars.hold(ears, self.grid, self._form.state in AUDIBLE, analysis.time_s, stood)
        if analysis.grid is not None:
            self._seen_s += (analysis.grid.behind_s - self._seen_s) * (1 - math.exp(-FRAME_S / SEEN_S))
        behind_s = _behind_s(analysis.feel, self._seen_s)
        playing = self._form.state in AUDIBLE
        return self._tempo.follow(ears, analysis.notes, analysis.time_s, behind_s, self.expected, playing)

    def _returned_s(self, analysis: Analysis) -> float | None:
        """Return the first onset after a rest of a bar, where it was meant for the one that the band has near it."""
        own = self.grid
        if own is None or not analysis.notes:
            return None
        first_s = analysis.notes[0].onset_s
        if self._form.silence_s(first_s) < RESTED_BARS * own.meter.numerator * own.period_s:
            return None
        beat = own.beat_at(first_s)
        nearest = round(beat)
        near = ALREADY_BEATS < abs(beat - nearest) < NEAR_BEATS and own.position_of(nearest) == 1
        return first_s if near else None


def _behind_s(feel: Feel | None, seen_s: float) -> float | None:
    """Return how far behind the beat the player plays: beside a given beat as it is told; else the less the fewer notes
    say so, and no more than the ears' grid sees of it (seen_s).
    """
    if feel is None or feel.behind_s is None or feel.reference == "given":
        return feel.behind_s if feel else None
    if feel.behind_s * seen_s < 0:
        return None
    told_s = feel.behind_s * feel.notes / (feel.notes + BELIEVED_NOTES)
    return math.copysign(min(abs(told_s), MOST_OF_SEEN * abs(seen_s)), told_s)
