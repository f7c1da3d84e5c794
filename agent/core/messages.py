"""What the parent tells the two workers, and they each other, besides plans and reports: small frozen facts."""

from __future__ import annotations

from dataclasses import dataclass

from listener.types import Grid


@dataclass(frozen=True, slots=True)
class SetMode:
    """To the mind: from the next bar on. mode: one of settings.MODES."""

    mode: str


@dataclass(frozen=True, slots=True)
class SetPart:
    """To mind and audio: whether a part plays. Silence is at once, coming back at the next bar."""

    part: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SetDial:
    """To the mind: a dial of settings.DialsConfig, from the next bar on; None = no wish."""

    name: str
    value: float | str | None


@dataclass(frozen=True, slots=True)
class SetBehind:
    """To the mind: how far behind the beat the band plays, seconds, negative = ahead; from the next bar on."""

    behind_s: float


@dataclass(frozen=True, slots=True)
class FollowGrid:
    """To the mind: the beat of another machine, in stream time; None = the player's again."""

    grid: Grid | None


@dataclass(frozen=True, slots=True)
class PlayLoop:
    """To audio: repeat the bass from start_s to end_s (stream seconds), the first time at end_s, tight to the sample."""

    start_s: float
    end_s: float
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class StopLoop:
    """To audio: the loop ends at this stream time."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Panic:
    """To audio: every note off now, on synth and port; what is planned goes on after it."""


BEGIN = "begin"  # to a spare
