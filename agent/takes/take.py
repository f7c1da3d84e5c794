"""A take: the band's bars around a riff, as they were drawn and as they are played."""

from __future__ import annotations

from dataclasses import dataclass

from agent.compose.composer import Moment
from agent.directions.active import ActiveEdits
from agent.directions.bar_settings import Settings
from agent.takes.riff import Bar, Riff
from listener.types import Meter
from models.music.tokens import Reply


@dataclass(frozen=True, slots=True)
class Take:
    """number: from 1. bars: of the form, as often as it is repeated. drawn, played: tick by tick over all of them;
    settings: bar by bar. says: one line of what was done."""

    number: int
    riff: Riff
    standing: ActiveEdits
    bars: tuple[Bar, ...]
    drawn: tuple[Reply, ...]
    played: tuple[Moment, ...]
    settings: tuple[Settings, ...]
    says: str = ""
    name: str = ""
    seed: int = 0

    @property
    def meters(self) -> tuple[Meter, ...]:
        return tuple(bar.meter for bar in self.bars)
