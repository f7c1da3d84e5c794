"""The responder imagines bars ahead of need, a few ticks a frame: candidates for the next section; and says how likely
played grooves are.

Each job begins on a bar line with a copy of the responder's state and plays two bars over the bass that is foretold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from agent.parts.bass_bar import BassBar, jaccard
from agent.parts.comping import Figure
from agent.parts.counter_line import NOTES, Motif, motif_of
from agent.parts.drum_groove import DrumBar, Groove, usual_loudness
from agent.parts.groove_likelihood import GrooveLikelihood
from agent.parts.groove_traits import Traits, traits
from models.music.dials import Dials
from models.music.plan_tick import PlanTick
from models.music.tokens import BassTick, Position
from models.responder.proposal import Proposal
from models.responder.responder import Responder, ResponderState

BARS = 2
KEPT = 6
STEPS_A_FRAME = 2
TEMPERATURE = 0.8
ANEW = PlanTick(again="new")  # candidates are not to be what is played already
IMAGINED = "imagined"
ALIKE_FROM = 0.5  # likeness of the two bars' strokes, from which the first is a figure and not a ramble
SAME_GROOVE_FROM = 0.7  # likewise of all their hits, below which the second is not the groove's
STROKES_MAX = 8
DENSE = ((1, 2, 3, 5, 8), (0.9, 0.75, 0.5, 0.3, 0.15))  # strokes of a figure, and how busy a bass it suits
Strokes = tuple[tuple[int, int], ...]  # (tick, length)


@dataclass(frozen=True, slots=True)
class ImaginedBars:
    """number: of the imagining. ticks: of a bar; drums: of both, None = no groove; strokes: of the chords, bar by bar;
    line: (tick, length, MIDI pitch) of its notes, ticks from the start of both."""

    number: int
    ticks: int
    drums: Traits | None
    strokes: tuple[Strokes, Strokes]
    line: tuple[tuple[int, int, int], ...]

    @property
    def figure(self) -> Figure | None:
        """Return the comping figure; None where the bars have none in common."""
        first, second = ([tick for tick, _ in bar] for bar in self.strokes)
        if not 1 <= len(first) <= STROKES_MAX or jaccard(first, second) < ALIKE_FROM:
            return None
        dense = float(np.interp(len(first), *DENSE))
        return Figure(f"{IMAGINED} {self.number}", self.strokes[0], dense)

    def motif(self, scale: frozenset[int]) -> Motif | None:
        """Return the phrase in steps of a scale, from its first note on; None where it has too few or too many."""
        if not NOTES[0] <= len(self.line) <= NOTES[1]:
            return None
        return Motif(motif_of(self.line, scale, 2 * self.ticks).notes, IMAGINED)


class Imagination:
    """begin(...) at a bar line, work() once a frame; `bars` are the newest imagined ones, at most KEPT;
    likelihood.bits: of the candidates asked for last."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        self.bars: tuple[ImaginedBars, ...] = ()
        self.likelihood = GrooveLikelihood()
        self._job: Proposal | None = None
        self._count = 0

    def begin(self, state: ResponderState, at: Position, bass: BassBar, candidates: Sequence[Groove] = ()) -> None:
        """Begin to imagine unless bars are still being imagined, and to weigh the candidates, where there are any.

        state: stepped to `at`, the first tick of a bar.
        """
        self.likelihood.begin(state, at, ticks_of(bass, at.ticks_per_bar), candidates)
        if self._job is None:
            self._job = Proposal(state, at, ticks_of(bass, at.ticks_per_bar), BARS, ANEW)
            self._count += 1

    def work(self, responder: Responder, dials: Dials, guidance: float) -> None:
        """Imagine or weigh STEPS_A_FRAME ticks, where there is something to do; what is weighed is needed first."""
        for _ in range(STEPS_A_FRAME):
            if not self.likelihood.is_done:
                self.likelihood.step(responder, dials, guidance)
            elif self._job is not None:
                self._step(responder, self._job, dials, guidance)

    def finish(self, responder: Responder, dials: Dials, guidance: float) -> None:
        """Imagine the job to its end, where nothing waits for it."""
        while self._job is not None:
            self._step(responder, self._job, dials, guidance)

    def _step(self, responder: Responder, job: Proposal, dials: Dials, guidance: float) -> None:
        number = self._count - 1
        rng = np.random.default_rng((self._seed, 17, number, len(job.replies)))
        job.step(responder, rng, TEMPERATURE, dials, guidance)
        if job.is_whole:
            self.bars = (*self.bars, imagined(job, number))[-KEPT:]
            self._job = None


def imagined(job: Proposal, number: int) -> ImaginedBars:
    """Return what was imagined, as candidates. job: whole."""
    ticks, first, second = job.at.ticks_per_bar, job.drums(0), job.drums(1)
    groove = (first, second) if _alike(first, second) else (first,)
    kicks = any(hit.piece == "kick" for bar in groove for hits in bar for hit in hits)
    drums = traits(usual_loudness(Groove(f"{IMAGINED} {number}", "", groove)), job.at.meter) if kicks else None
    line = tuple((at + bar * ticks, length, pitch) for bar in range(BARS) for at, length, pitch, _ in job.line(bar))
    return ImaginedBars(number, ticks, drums, (job.strokes(0), job.strokes(1)), line)


def _alike(first: DrumBar, second: DrumBar) -> bool:
    """Return whether two bars of drums are one groove: hits that they share."""
    hits = [{(hit.piece, tick) for tick, found in enumerate(bar) for hit in found} for bar in (first, second)]
    return jaccard(*hits) >= SAME_GROOVE_FROM


def ticks_of(bar: BassBar, ticks: int) -> list[BassTick]:
    """Return a bar of bass tick by tick: what begins in each."""
    notes = {note.tick: note for note in bar.notes}
    heard = [notes.get(tick) for tick in range(ticks)]
    return [BassTick(True, one.pitch, one.velocity, one.pitch) if one else BassTick(True) for one in heard]
