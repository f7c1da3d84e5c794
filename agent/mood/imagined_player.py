"""`ImaginedPlayer` stands where a player would: the band hears the `Bassist`, whose notes are sounded as a part."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.band.ticks import Tick, next_tick, tick_s_of
from agent.core.messages import LeadTempo, SetDial, SetMood, SetSense, StartOn
from agent.core.settings import OWN_BASS
from agent.core.types import Choice, Plan, PlannedNote
from agent.mood.bassist import Bassist
from agent.song.live_song import ScoredBar
from listener.types import FRAME_S, Analysis, Frame, Grid, Note
from models.responder.responder import Responder

SILENT_DB = -120.0
LEGATO = 0.96  # share of its ticks that a note sounds


class ImaginedPlayer:
    """Call hear() once a frame, then, with what the planner made of it, play()."""

    def __init__(
        self,
        asked: SetMood,
        seed: int,
        room: float = 0.0,
        patient: bool = False,
        waits_s: float = 0.0,
        rests: bool = True,
    ) -> None:
        """waits_s: how long others are looked for, on whose beat to begin (StartOn). rests: as of `Bassist`."""
        self.bassist = Bassist(asked, seed, patient, rests)
        self._room, self._waits_s = room, waits_s
        self._coming: deque[PlannedNote] = deque()  # committed, not heard yet
        self._sounding: list[PlannedNote] = []
        self._next: Tick | None = None  # the first tick whose note is not committed
        self._told_from = -1  # the bar from which the band was told last
        self._new = True
        self._now_s = 0.0

    def hear(self, frame: Frame, responder: Responder) -> Analysis:
        """Return what is heard in a frame: the notes that begin and end in it, on a beat that is known."""
        self._now_s = now_s = frame.emit_s
        if self._waits_s:
            if now_s < self._waits_s:
                return Analysis(frame.end_s, now_s, 0.0, None, 0.0, SILENT_DB)
            self._waits_s = 0.0
            self.bassist.start(now_s, None)
        rms_db = 10 * float(np.log10(np.mean(np.square(frame.samples, dtype=np.float64)) + 1e-12))
        self.bassist.hear_room(rms_db, FRAME_S, self._room)
        self._new |= self.bassist.lay(now_s, responder)
        notes = []
        while self._coming and self._coming[0].on_s <= now_s:
            begun = self._coming.popleft()
            self._sounding.append(begun)
            notes.append(Note(begun.on_s, now_s, None, begun.pitch, begun.velocity))
        over = [one for one in self._sounding if one.off_s <= now_s]
        self._sounding = [one for one in self._sounding if one.off_s > now_s]
        ended = [Note(one.on_s, now_s, one.off_s - one.on_s, one.pitch, one.velocity) for one in over]
        grid = self.bassist.grid(now_s)
        laid = self.bassist.laid_at(int(np.floor(grid.beat_at(now_s))))
        return Analysis(
            frame.end_s,
            now_s,
            0.0,
            None,
            0.0,
            rms_db,
            notes=tuple(notes),
            ended=tuple(ended),
            grid=grid,
            key=laid.section.order.key if laid else None,
        )

    def dials(self, tick: Tick) -> list[SetDial]:
        """Return the dials to set for the bar after the one that this tick lies in."""
        following = tick.beat + tick.position.meter.numerator
        laid = self.bassist.laid_at(following) if tick.position.tick == 0 else None
        return [SetDial(name, value) for name, value in self.bassist.dials(laid).items()] if laid else []

    def told(self, tick: Tick) -> Sequence[ScoredBar] | None:
        """Return what comes from the bar of this tick on, where there is news; None for none."""
        laid = self.bassist.laid_at(tick.beat)
        if laid is None or (laid.number == self._told_from and not self._new):
            return None
        self._told_from, self._new = laid.number, False
        return self.bassist.told(laid.number)

    def play(self, plan: Plan, tick: Tick) -> Plan:
        """Return the plan with the bass in it. tick: any that was heard on its grid, not after the plan's."""
        assert plan.grid
        grid = plan.grid
        at = self._next or tick
        committed, until_s = [], plan.committed_until_s
        while at.time_on(grid) < until_s:
            committed += self._notes(at, grid)
            at = next_tick(at, grid)
        self._next = at
        self._coming.extend(committed)
        last_s = max((note.on_s for note in plan.tentative), default=until_s)
        tentative = []
        while at.time_on(grid) <= last_s:
            tentative += self._notes(at, grid)
            at = next_tick(at, grid)
        band, more = self._heard(plan.committed), self._heard(plan.tentative)
        return replace(
            plan,
            committed=tuple(sorted((*band, *committed), key=_onset)),
            tentative=tuple(sorted((*more, *tentative), key=_onset)),
        )

    def _heard(self, notes: Sequence[PlannedNote]) -> list[PlannedNote]:
        """Return the notes without those of parts that rest in their bar."""
        return [note for note in notes if note.part not in self.bassist.rests_at(note.on_s)]

    def _notes(self, tick: Tick, grid: Grid) -> list[PlannedNote]:
        laid = self.bassist.laid_at(tick.beat)
        if laid is None:
            return []
        on_s, tick_s = tick.time_on(grid), tick_s_of(grid)
        return [
            PlannedNote(OWN_BASS, on_s, on_s + LEGATO * note.length * tick_s, note.pitch, note.velocity, tick.number)
            for note in laid.bass.notes
            if note.tick == tick.position.tick
        ]

    def choices(self, bar: int) -> tuple[Choice, ...]:
        """Return what was decided of sections since the last call."""
        return tuple(
            Choice("section", says, reason="the mood goes on", bar=bar) for says in self.bassist.take_choices()
        )

    def send(self, message: SetMood | SetSense | StartOn | LeadTempo) -> None:
        if isinstance(message, StartOn):
            if self._waits_s:
                self.bassist.start(self._now_s, message.grid)
                self._waits_s = 0.0
            return
        self.bassist.send(message)
        self._new = True


def _onset(note: PlannedNote) -> float:
    return note.on_s
