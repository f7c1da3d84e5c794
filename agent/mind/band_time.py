"""`BandTime` answers which beat the band plays on: the player's as the ears hear it, smoothed, or its own."""

from __future__ import annotations

from dataclasses import replace

from agent.band.band_state import AUDIBLE, BandEntrance
from agent.band.fermata import Fermata
from agent.band.held_bars import HeldBars
from agent.band.tempo_follower import Tempo
from listener.types import Analysis, Feel, Grid

BELIEVED_NOTES = 4  # on the beat, from which half of a distance from the beat is believed


class BandTime:
    """Call of(analysis) once a frame. resumed: the player goes on after a fermata, in this frame; waiting: for that."""

    def __init__(self, form: BandEntrance) -> None:
        self._form = form
        self._tempo, self._fermata, self._bars = Tempo(), Fermata(), HeldBars(form.reading.enough)
        self.grid: Grid | None = None  # the band's, of the last frame
        self.resumed = False

    @property
    def waiting(self) -> bool:
        return self._fermata.waiting

    def reset(self) -> None:
        """Forget the beat: it was lost."""
        self._tempo.reset()
        self.grid = None

    def of(self, analysis: Analysis) -> Analysis:
        """Return the frame with the band's beat in place of the ears'."""
        self.grid = self._grid_of(analysis)
        return replace(analysis, grid=self.grid)

    def _grid_of(self, analysis: Analysis) -> Grid | None:
        beat = self._form.beat
        ears = beat.fixed or self._form.reading.read(analysis, beat.believed(analysis, self.grid))
        resumed_s = self._fermata.push(analysis, self.grid)
        self.resumed = False
        if beat.fixed or ears is None:
            self._tempo.reset()
            self._fermata.waiting = False
            return ears
        if resumed_s is not None:
            self._tempo.resume(resumed_s)
            self.resumed = True
        if not beat.led:
            stood = self._form.reading.age.bars(ears, analysis.time_s)
            ears = self._bars.hold(ears, self.grid, self._form.state in AUDIBLE, analysis.time_s, stood)
        return self._tempo.follow(ears, analysis.notes, analysis.time_s, _behind_s(analysis.feel))


def _behind_s(feel: Feel | None) -> float | None:
    """Return how far behind the beat the player plays, the less the fewer notes say so."""
    if feel is None or feel.behind_s is None:
        return None
    return feel.behind_s * feel.notes / (feel.notes + BELIEVED_NOTES)
