"""Holds what is asked of the band as a whole: the dials, as the song plan takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from models.music.dials import GUIDANCE, Dials

USUAL_TEMPERATURE = 0.9
HARMONY_PLANS = ("pedal", "sus", "modal")  # what harmony.pattern may ask of the plan (agent/parts/harmony_plans.py)


@dataclass(frozen=True, slots=True)
class Wish:
    """Each 0 to 1 with 0.5 as usual.

    resolution: how often harmony falls by a fifth. surprise: how much of luck and variation is in what is played.
    harmony: one of HARMONY_PLANS, "" = chords that follow the bass.
    """

    density: float = 0.5
    tension: float = 0.5
    syncopation: float = 0.5
    intensity: float = 0.5
    register: float = 0.5
    resolution: float = 0.5
    surprise: float = 0.5
    harmony: str = ""

    @property
    def chance(self) -> float:
        """Return how much of luck is in a choice, as a standard deviation beside the other reasons' worth."""
        return 0.05 + 0.4 * self.surprise

    def bend(self, name: str) -> float:
        """Return -1 (as low as it goes) to 1 for a dial, 0 as usual."""
        return float(2 * (getattr(self, name) - 0.5))


def wish_of(
    dials: Dials, guidance: float = GUIDANCE, temperature: float = USUAL_TEMPERATURE, moves: Sequence[str] = ()
) -> Wish:
    """Return the dials as the song plan takes them; what is not asked for is as usual.

    guidance: how strongly they act: GUIDANCE as they stand, 0 not at all, more than that further from the usual.
    temperature: of the responder; it scales the luck as it scales the responder's. moves: names of harmony moves in
    force, of which the last one that is a plan counts.
    """

    def value(given: float | None) -> float:
        return 0.5 if given is None else min(max(0.5 + (given - 0.5) * guidance / GUIDANCE, 0.0), 1.0)

    return Wish(
        value(dials.density),
        value(dials.tension),
        value(dials.syncopation),
        value(dials.intensity),
        value(dials.register),
        value(dials.resolution),
        min(value(dials.surprise) * temperature / USUAL_TEMPERATURE, 1.0),
        next((name for name in reversed(moves) if name in HARMONY_PLANS), ""),
    )
