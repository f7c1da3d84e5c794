"""The responder imagines grooves ahead of need, a few ticks a frame: candidates for the next section.

Each job begins on a bar line with a copy of the responder's state and plays two bars over the bass that is foretold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.parts.bass_bar import BassBar
from agent.parts.drum_groove import Groove, Traits, traits, usual_loudness
from models.music.dials import Dials
from models.music.plan_tick import PlanTick
from models.music.tokens import BassTick, DrumHit, Position, TickInput
from models.responder.responder import Responder, ResponderState

BARS = 2
KEPT = 6
STEPS_A_FRAME = 2
TEMPERATURE = 0.8
ANEW = PlanTick(again="new")  # candidates are not to be what is played already


@dataclass(slots=True)
class _Job:
    """state: the responder's, before `at`; bass: one bar, repeated; drums: of the ticks imagined so far."""

    state: ResponderState
    at: Position
    bass: BassBar
    number: int
    drums: list[tuple[DrumHit, ...]]


class Imagination:
    """begin(...) at a bar line, work() once a frame; `grooves` are the newest imagined ones, at most KEPT."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        self.grooves: tuple[Traits, ...] = ()
        self._job: _Job | None = None
        self._count = 0

    def begin(self, state: ResponderState, at: Position, bass: BassBar) -> None:
        """Begin to imagine unless a groove is still being imagined. state: stepped to `at`, the first tick of a bar."""
        if self._job is None:
            self._job = _Job(state, at, bass, self._count, [])
            self._count += 1

    def work(self, responder: Responder, dials: Dials, guidance: float) -> None:
        """Imagine STEPS_A_FRAME ticks of the job, if there is one."""
        for _ in range(STEPS_A_FRAME):
            if self._job is None:
                return
            self._step(responder, self._job, dials, guidance)

    def finish(self, responder: Responder, dials: Dials, guidance: float) -> None:
        """Imagine the job to its end, where nothing waits for it."""
        while self._job is not None:
            self._step(responder, self._job, dials, guidance)

    def _step(self, responder: Responder, job: _Job, dials: Dials, guidance: float) -> None:
        at, ticks = job.at, job.at.ticks_per_bar
        rng = np.random.default_rng((self._seed, 17, job.number, len(job.drums)))
        reply = responder.sample(job.state, rng, TEMPERATURE)
        job.drums.append(reply.drums)
        note = next((one for one in job.bass.notes if one.tick == at.tick), None)
        bass = BassTick(True, note.pitch, note.velocity, note.pitch) if note else BassTick(True)
        then = Position(at.tick + 1, at.bar, at.meter) if at.tick + 1 < ticks else Position(0, at.bar + 1, at.meter)
        job.state = responder.step(TickInput(then, bass, None, reply, dials, guidance, ANEW), job.state)
        job.at = then
        if len(job.drums) >= BARS * ticks:
            bars = tuple(tuple(job.drums[i * ticks : (i + 1) * ticks]) for i in range(BARS))
            groove = usual_loudness(Groove(f"imagined {job.number}", "", bars))
            if any(hit.piece == "kick" for bar in bars for hits in bar for hit in hits):
                self.grooves = (*self.grooves, traits(groove, at.meter))[-KEPT:]
            self._job = None
