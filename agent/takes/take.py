"""`Take` holds one version of the band around a riff, as it was drawn and as it is played."""

from __future__ import annotations

from dataclasses import dataclass

from agent.directions.active import ActiveEdits
from agent.directions.bar_settings import Settings
from agent.reply.planned_song import Moment
from agent.takes.riff import Bar, Riff
from listener.types import Meter
from models.music.tokens import Reply


@dataclass(frozen=True, slots=True)
class Take:
    """One take. number: from 1; active_edits: those in force; bars: of the form and its repeats; drawn, played: tick by
    tick over all bars; settings: bar by bar; says: one line on what was done; intro, outro: how many of the bars lie
    before and after the form (agent/takes/edges.py)."""

    number: int
    riff: Riff
    active_edits: ActiveEdits
    bars: tuple[Bar, ...]
    drawn: tuple[Reply, ...]
    played: tuple[Moment, ...]
    settings: tuple[Settings, ...]
    says: str = ""
    name: str = ""
    seed: int = 0
    intro: int = 0
    outro: int = 0

    @property
    def meters(self) -> tuple[Meter, ...]:
        return tuple(bar.meter for bar in self.bars)
