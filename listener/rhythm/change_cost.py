"""Decide when another reading of the line replaces the held one: when its evidence outweighs what a change costs.

A band plays on what is held, so a change costs; staying with a wrong reading costs, too, and the longer the more.
Log-odds of each rival reading against the held one, less a margin, are added up over the seconds in which it is the
likeliest (a cumulative sum test, Page, Continuous inspection schemes, Biometrika 41, 1954); over its cost the rival is
taken. Costs grow while a grid is held.
"""

from __future__ import annotations

import math

from listener.rhythm.readings import Weighed

LEVEL_MARGIN, LEVEL_MARGIN_HELD = 0.3, 1.3
LEVEL_COST, LEVEL_COST_HELD, AS_GOOD_COST = 0.5, 25.0, 75.0  # the last between pulses that are as good to tap
BAR_MARGIN, BAR_COST, BAR_COST_HELD = 0.3, 0.8, 8.0
YOUNG_S, OLD_S = 4.0, 12.0  # since the grid was found: before, changes cost little; after, all
MOST_ODDS = 3.0
TAPPED_BPM = 60.0, 140.0  # half and double of a pulse are as good to tap while both lie within
FORGOTTEN = 0.7  # of the evidence against the held reading, kept at a note that makes it the likeliest


def _held_for(age_s: float) -> float:
    """Return 0 while a grid is new, 1 once it is held."""
    return min(1.0, max(0.0, (age_s - YOUNG_S) / (OLD_S - YOUNG_S)))


def _as_good(ratio: float, bpm: float) -> bool:
    """Return whether a player may as well tap the pulse `ratio` times as long as one of `bpm`."""
    octaves = math.log2(ratio)
    low, high = TAPPED_BPM
    return abs(octaves - round(octaves)) < 0.02 and low <= bpm <= high and low <= bpm / ratio <= high


class ChangeCost:
    """Adds up the evidence against the held level and the held bar."""

    def __init__(self) -> None:
        self._levels: dict[float, float] = {}  # by length of the rival pulse, in held pulses
        self._bar = 0.0

    def clear(self) -> None:
        """Forget all evidence: another grid is held."""
        self._levels, self._bar = {}, 0.0

    def level(self, weighed: Weighed, held_pulse: float, bpm: float, gap_s: float, age_s: float) -> bool:
        """Take a note, gap_s after the one before; return whether the best reading's pulse replaces the held one.

        held_pulse: its length in reference beats, bpm: its rate; age_s: since the grid was found.
        """
        held, best = _held_for(age_s), weighed.best
        ratio = round(best.pulse / held_pulse, 3)
        margin = LEVEL_MARGIN + held * (LEVEL_MARGIN_HELD - LEVEL_MARGIN)
        cost = AS_GOOD_COST if _as_good(ratio, bpm) else LEVEL_COST_HELD
        gains = dict.fromkeys(self._levels, -margin)
        gains[ratio] = _odds(best.pulse_belief, weighed.held_pulse) - margin
        self._levels = {rival: max(0.0, self._levels.get(rival, 0.0) + gap_s * gain) for rival, gain in gains.items()}
        if best.pulse_belief == weighed.held_pulse:
            self._levels = {rival: FORGOTTEN * value for rival, value in self._levels.items()}
            return False
        return self._levels[ratio] > LEVEL_COST + held * (cost - LEVEL_COST)

    def bar(self, weighed: Weighed, gap_s: float, age_s: float) -> bool:
        """Take a note; return whether the best bar on the held pulse replaces the held bar."""
        odds = _odds(weighed.on_held.bar_belief, weighed.held_bar)
        self._bar = max(0.0, self._bar + gap_s * (odds - BAR_MARGIN))
        return self._bar > BAR_COST + _held_for(age_s) * (BAR_COST_HELD - BAR_COST)

    def clear_bar(self) -> None:
        self._bar = 0.0


def _odds(rival: float, held: float) -> float:
    return min(MOST_ODDS, math.log(rival / max(held, 1e-6)))
