"""`InKey` keeps the responder's replies in a key: it draws until one fits (rejection sampling), else corrects the last.

The key of a passage is found by the profiles of Krumhansl & Kessler (`key_from`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from listener.music.key import SCALES
from listener.types import Key
from models.music.tokens import QUALITIES, ChordHit, LineHit, Reply
from models.responder.sampling import NO_PUSH, Push

TRIES = 8
COLOUR = 0.05  # share of ticks in which notes from outside may pass, where no tension is asked for
COLOUR_BY_TENSION = 0.4
LEADING, DOMINANT = 11, (7, 11)  # the leading tone, and the degrees of minor whose chords have it
TONIC_QUALITY = {"maj": "maj", "min": "min"}

Draw = Callable[[np.random.Generator, Push], Reply]


@dataclass(frozen=True, slots=True)
class InKey:
    """A key as a filter. tension: the dial, 0 to 1, that lets more notes from outside the key pass; None = not set."""

    key: Key
    tension: float | None = None

    @property
    def scale(self) -> frozenset[int]:
        return scale_of(self.key)

    @property
    def tonic(self) -> tuple[int, str]:
        return self.key.tonic, TONIC_QUALITY[self.key.mode]

    @property
    def dominant(self) -> tuple[int, str]:
        return (self.key.tonic + 7) % 12, "7"

    @property
    def colour(self) -> float:
        return COLOUR if self.tension is None else COLOUR_BY_TENSION * self.tension**2

    @property
    def chords(self) -> list[tuple[int, str]]:
        """Every (root, quality) of the key; in minor also the dominant chords with the leading tone."""
        return _chords(self.key)

    def draw(
        self,
        sample: Draw,
        seed: tuple[int, ...],
        holds: int,
        push: Push = NO_PUSH,
        faults: Callable[[Reply], int] = lambda reply: 0,
    ) -> Reply:
        """Draw replies from `sample` until one lies in the key and `faults` counts none; at most TRIES, then the best.

        A share `colour` of the ticks may leave the key. The same seed gives the same reply. holds: root of the harmony
        that sounds, -1 = none. push: passed on to `sample`.
        """
        coloured = np.random.default_rng((*seed, 1000)).random() < self.colour
        tried: list[tuple[int, int, Reply]] = []
        for attempt in range(TRIES):
            reply = sample(np.random.default_rng((*seed, attempt)), push)
            cost = faults(reply) + (0 if coloured else self.outside(reply, holds))
            if not cost:
                return reply
            tried.append((cost, attempt, reply))
        best = min(tried)[2]
        if best.chord and not coloured and outside_key(self.key, tones_of(best.chord), best.chord.root):
            near = Push(push.fill, self.nearest_chord(best.chord))
            best = sample(np.random.default_rng((*seed, TRIES)), near)
        return best if coloured else self.corrected(best, holds)

    def outside(self, reply: Reply, holds: int) -> int:
        """Count the notes of a reply outside the key; in minor the leading tone over the dominant is inside."""
        root = reply.chord.root if reply.chord else holds
        chord = outside_key(self.key, tones_of(reply.chord), root) if reply.chord else 0
        return chord + (outside_key(self.key, {reply.line.pitch % 12}, root) if reply.line else 0)

    def nearest_chord(self, chord: ChordHit, bass: int | None = None) -> tuple[int, str]:
        """Return the chord of the key that shares the most tones with `chord`, on a tie one with the same root.

        bass: a pitch class that the chord must contain, None = any.
        """
        tones = tones_of(chord)
        own = [c for c in (ChordHit(*c, 1) for c in self.chords) if bass is None or bass in tones_of(c)]
        shared = {c: 2 * len(tones & tones_of(c)) - len(tones_of(c)) for c in own or [ChordHit(*self.tonic, 1)]}
        best = max(shared, key=lambda c: (shared[c], c.root == chord.root))
        return best.root, best.quality

    def corrected(self, reply: Reply, holds: int) -> Reply:
        """Return the reply with the line's note moved by a semitone where it lies outside the key."""
        root = reply.chord.root if reply.chord else holds
        if reply.line is None or not outside_key(self.key, {reply.line.pitch % 12}, root):
            return reply
        pitch = next(p for p in (reply.line.pitch + 1, reply.line.pitch - 1) if p % 12 in self.scale)
        return replace(reply, line=LineHit(pitch, reply.line.velocity))


def scale_of(key: Key) -> frozenset[int]:
    """Return the pitch classes of the key's scale; of minor the natural one."""
    return frozenset((key.tonic + step) % 12 for step in SCALES[key.mode])


def outside_key(key: Key, pitch_classes: Iterable[int], root: int) -> int:
    """Count the pitch classes outside the key; in minor the leading tone over the dominant is inside."""
    allowed = scale_of(key)
    if key.mode == "min" and (root - key.tonic) % 12 in DOMINANT:
        allowed = allowed | {(key.tonic + LEADING) % 12}
    return len(set(pitch_classes) - allowed)


def tones_of(chord: ChordHit) -> set[int]:
    """Return the chord's pitch classes."""
    return {(chord.root + interval) % 12 for interval in QUALITIES[chord.quality]}


@cache
def _chords(key: Key) -> list[tuple[int, str]]:
    found = [ChordHit(root, quality, 1) for root in range(12) for quality in QUALITIES]
    return [(c.root, c.quality) for c in found if not outside_key(key, tones_of(c), c.root)]


# correlation profiles of Krumhansl & Kessler 1982 (Krumhansl 1990, table 2.1)
PROFILES = {
    "maj": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "min": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def key_from(weights: Iterable[float]) -> Key:
    """Return the key whose profile correlates best with `weights` of pitch classes [12] (Krumhansl & Schmuckler)."""
    heard = np.array(list(weights), float)
    scores = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), heard)[0, 1]) if heard.std() else 0.0
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    }
    tonic, mode = max(scores, key=lambda pair: scores[pair])
    return Key(tonic, mode, max(scores[tonic, mode], 0.0))
