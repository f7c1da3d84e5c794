"""`LoopedTake` is a take of a riff as the band plays it over the riff's loop: bar by bar, each with its settings."""

from __future__ import annotations

from dataclasses import dataclass

from agent.core.messages import TakeNumber
from agent.directions.bar_settings import Settings
from listener.types import Meter
from models.music.tokens import BassTick, Reply


@dataclass(frozen=True, slots=True)
class LoopedBar:
    """One bar. basses, replies: one a 16th, the replies as the directions have shaped them; settings: of the bar."""

    meter: Meter
    seconds: float
    basses: tuple[BassTick, ...]
    replies: tuple[Reply, ...]
    settings: Settings


@dataclass(frozen=True, slots=True)
class LoopedTake(TakeNumber):
    """A take. swing: as in listener/types.py's `Grid`; intro: how many of the bars are played once, before the form."""

    bars: tuple[LoopedBar, ...]
    swing: float = 0.5
    intro: int = 0
