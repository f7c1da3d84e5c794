"""Chooses the chords of a section: a cycle of the key's chords that comes again.

The cycles are common property (Temperley & de Clercq 2013 on rock harmony; Biamonte 2010 on modal loops); which of them
a section gets is drawn by how often such chords follow each other, by what is asked for and by the song's seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.parts.bar_chords import ChordAt
from listener.types import Key

# roman numerals as (semitones above the tonic, quality); one chord a bar
CYCLES: dict[str, tuple[tuple[tuple[int, str], ...], ...]] = {
    "min": (
        ((0, "min"), (8, "maj"), (3, "maj"), (10, "maj")),
        ((0, "min"), (10, "maj"), (8, "maj"), (10, "maj")),
        ((0, "min"), (3, "maj"), (10, "maj"), (5, "min")),
        ((0, "min"), (5, "min"), (0, "min"), (7, "min")),
        ((0, "min"), (8, "maj"), (5, "min"), (10, "maj")),
        ((0, "min"), (0, "min"), (8, "maj"), (8, "maj")),
        ((0, "min"), (0, "min"), (10, "maj"), (10, "maj")),
        ((0, "min"), (0, "min"), (5, "min"), (5, "min")),
        ((0, "min"), (10, "maj"), (5, "min"), (8, "maj")),
        ((0, "min"), (7, "min"), (8, "maj"), (5, "min")),
        ((8, "maj"), (10, "maj"), (0, "min"), (0, "min")),
        ((8, "maj"), (3, "maj"), (10, "maj"), (0, "min")),
        ((5, "min"), (8, "maj"), (0, "min"), (10, "maj")),
        ((3, "maj"), (10, "maj"), (0, "min"), (8, "maj")),
        ((5, "min"), (0, "min"), (8, "maj"), (7, "maj")),
        ((0, "min"), (8, "maj"), (5, "min"), (7, "maj")),
        ((0, "min"), (5, "min"), (7, "maj"), (0, "min")),
        ((8, "maj"), (5, "min"), (10, "maj"), (3, "maj")),
        ((0, "min"), (3, "maj"), (8, "maj"), (10, "maj")),
        ((10, "maj"), (5, "min"), (0, "min"), (0, "min")),
    ),
    "maj": (
        ((0, "maj"), (7, "maj"), (9, "min"), (5, "maj")),
        ((0, "maj"), (9, "min"), (5, "maj"), (7, "maj")),
        ((0, "maj"), (5, "maj"), (0, "maj"), (7, "maj")),
        ((0, "maj"), (5, "maj"), (9, "min"), (7, "maj")),
        ((0, "maj"), (4, "min"), (5, "maj"), (7, "maj")),
        ((0, "maj"), (4, "min"), (9, "min"), (5, "maj")),
        ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj")),
        ((5, "maj"), (0, "maj"), (7, "maj"), (9, "min")),
        ((5, "maj"), (7, "maj"), (4, "min"), (9, "min")),
        ((0, "maj"), (2, "min"), (5, "maj"), (0, "maj")),
        ((2, "min"), (7, "maj"), (0, "maj"), (9, "min")),
        ((0, "maj"), (0, "maj"), (5, "maj"), (5, "maj")),
        ((0, "maj"), (5, "maj"), (2, "min"), (5, "maj")),
        ((5, "maj"), (9, "min"), (0, "maj"), (7, "maj")),
        ((0, "maj"), (10, "maj"), (5, "maj"), (0, "maj")),
        ((5, "maj"), (5, "maj"), (0, "maj"), (7, "maj")),
        ((2, "min"), (5, "maj"), (0, "maj"), (0, "maj")),
        ((0, "maj"), (9, "min"), (2, "min"), (7, "maj")),
    ),
}
FALLS_SAY = 1.6  # nats for each dominant that falls to its tonic, at the ends of the dial
MOVES_SAY = 0.5  # nats for each chord more, where the music is lively
HOME_SAY = 1.0  # nats for a verse that begins on the tonic, a chorus that does not


def cycle_for(
    role: str,
    key: Key,
    resolution: float,
    lively: float,
    taken: Sequence[tuple[tuple[int, str], ...]],
    rng: np.random.Generator,
) -> tuple[tuple[int, str], ...]:
    """Return the cycle of a section, as degrees. resolution, lively: dials, 0 to 1. taken: by other sections."""
    cycles = [one for one in CYCLES[key.mode] if one not in taken] or list(CYCLES[key.mode])
    nats = []
    for one in cycles:
        falls = sum(a[0] == 7 and a[1] == "maj" and b[0] == 0 for a, b in zip(one, (*one[1:], one[0]), strict=True))
        moves = len({degree for degree, _ in one})
        home = (one[0][0] == 0) if role != "chorus" else 0.5 * (one[0][0] != 0)
        alike = max((len({d for d, _ in one} & {d for d, _ in other}) for other in taken), default=0)
        nats.append(
            FALLS_SAY * falls * 2 * (resolution - 0.5)
            + MOVES_SAY * (moves - 3) * 2 * (lively - 0.5)
            + HOME_SAY * home
            - 0.25 * alike
        )
    weights = np.exp(np.array(nats) - max(nats))
    return cycles[int(rng.choice(len(cycles), p=weights / weights.sum()))]


def turn_for(
    cycle: Sequence[tuple[int, str]], key: Key, resolution: float, rng: np.random.Generator
) -> tuple[int, str]:
    """Return the chord, as a degree, to which the last bar of a cycle turns in its middle before it begins again."""
    usual = {"maj": ((7, "maj"), (5, "maj"), (2, "min"), (9, "min")), "min": ((10, "maj"), (5, "min"), (7, "min"))}
    found = [one for one in usual[key.mode] if one not in (cycle[-1], cycle[0])]
    nats = np.array([2.0 * (resolution - 0.5) * (degree == 7) for degree, _ in found])
    weights = np.exp(nats)
    return found[int(rng.choice(len(found), p=weights / weights.sum()))]


def chords_of_cycle(cycle: Sequence[tuple[int, str]], key: Key) -> list[tuple[ChordAt, ...]]:
    """Return the chords of each bar of a cycle."""
    return [(ChordAt(0, (key.tonic + degree) % 12, quality),) for degree, quality in cycle]


def held(cycle: Sequence[tuple[int, str]], bars: int) -> tuple[tuple[int, str], ...]:
    """Return a cycle in which each chord lasts so many bars."""
    return tuple(chord for chord in cycle for _ in range(bars))


def halved(chords: Sequence[tuple[ChordAt, ...]], middle: int) -> list[tuple[ChordAt, ...]]:
    """Return the bars of a cycle with two of its chords each, one where they are the same. middle: tick of a bar at
    which the second one comes."""
    seconds = (*chords[1::2], *chords[:1])
    pairs = [(first[0], replace(second[0], tick=middle)) for first, second in zip(chords[::2], seconds, strict=False)]
    return [(a,) if (a.root, a.quality) == (b.root, b.quality) else (a, b) for a, b in pairs]
