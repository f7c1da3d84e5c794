"""`RuleBass` plays a bass line by rules: roots, fifths, octaves and approach notes, locked to the kick, by style.

`BassPlayer` is what `antiphon compose` asks of a bass; a trained model with the same `step` can replace RuleBass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from listener.types import Key, Meter
from models.music.tokens import QUALITIES, BassTick, Position, Reply, grouping_of, ticks_per_beat

LOW, HIGH = 28, 50  # E1 to D3
HOME = 35.0  # MIDI pitch around which roots are placed
QUALITY_TONES = tuple(QUALITIES.values())
FIFTH, OCTAVE = 7, 12
VELOCITY = {"bar": 104, "group": 96, "beat": 90, "half": 84, "sixteenth": 76}
PLACES = tuple(VELOCITY)  # from the strongest to the weakest
FIGURE_BARS = 2  # the rhythm repeats after so many bars; the last of four bars is free
NO_DIAL = 0.5


@dataclass(frozen=True, slots=True)
class Feel:
    """A style of bass playing, as probabilities.

    onset: of a note, by place in the bar (PLACES); kick: of a note together with a kick; fifth, octave, third: of these
    instead of the root; approach: of an approach note before a change of harmony. length_ticks: longest note.
    chromatic: whether an approach note may lie outside the key.
    """

    onset: tuple[float, float, float, float, float]
    kick: float = 0.9
    fifth: float = 0.2
    octave: float = 0.1
    third: float = 0.08
    approach: float = 0.5
    length_ticks: int = 8
    chromatic: bool = False


FEELS: dict[str, Feel] = {
    "rock": Feel((1.0, 0.95, 0.85, 0.55, 0.0), octave=0.08, fifth=0.12),
    "metal": Feel((1.0, 0.95, 0.95, 0.85, 0.15), octave=0.05, fifth=0.08, length_ticks=4),
    "funk": Feel((1.0, 0.7, 0.35, 0.3, 0.2), 0.95, fifth=0.2, octave=0.35, length_ticks=2, chromatic=True),
    "jazz": Feel((1.0, 1.0, 1.0, 0.06, 0.0), 0.0, fifth=0.3, octave=0.12, third=0.35, approach=0.9, chromatic=True),
    "latin": Feel((1.0, 0.75, 0.3, 0.45, 0.0), 0.8, fifth=0.45, octave=0.15, approach=0.4),
    "hiphop": Feel((1.0, 0.4, 0.15, 0.2, 0.08), 0.95, fifth=0.15, octave=0.15),
    "soul": Feel((1.0, 0.8, 0.45, 0.4, 0.1), 0.95, fifth=0.25, octave=0.2, third=0.15, length_ticks=6, chromatic=True),
    "blues": Feel((1.0, 0.95, 0.95, 0.1, 0.0), 0.5, fifth=0.3, third=0.3, approach=0.7, chromatic=True),
    "country": Feel((1.0, 0.95, 0.15, 0.05, 0.0), 0.5, fifth=0.5, approach=0.6, length_ticks=6),
    "pop": Feel((1.0, 0.85, 0.5, 0.4, 0.0), fifth=0.12, octave=0.12),
    "dance": Feel((0.9, 0.5, 0.4, 0.9, 0.05), 0.3, fifth=0.05, octave=0.45, length_ticks=2, approach=0.2),
    "ballad": Feel((1.0, 0.5, 0.12, 0.06, 0.0), 0.5, fifth=0.3, third=0.1, length_ticks=32),
}
USUAL = Feel((1.0, 0.85, 0.5, 0.4, 0.02), fifth=0.15, octave=0.12)


@dataclass(frozen=True, slots=True)
class Cue:
    """What the bass is given for one tick. reply: the band's, in this tick. root: pitch class of the harmony; quality:
    its index in QUALITIES; both -1 = none. coming: root of the next bar, None = not known."""

    position: Position
    reply: Reply
    root: int
    quality: int
    coming: int | None = None


@dataclass(frozen=True, slots=True)
class BassState:
    """Where the bass is. pitch: sounding, None = rest; last: pitch of the last note; age: ticks since its onset; root:
    of the harmony it was played over."""

    pitch: int | None = None
    last: int = round(HOME)
    age: int = 99
    root: int = -1


class BassPlayer(Protocol):
    """Anything that can play the bass of a composition, tick by tick."""

    def step(self, cue: Cue, state: BassState) -> tuple[BassTick, BassState]:
        """Return the bass of this tick and the next state; `state` is not changed."""
        ...


@dataclass(frozen=True, slots=True)
class RuleBass:
    """A bass by rules. density, syncopation, intensity: dials, 0 to 1. Deterministic in seed, bar and tick."""

    key: Key
    scale: frozenset[int]
    seed: int = 0
    style: str | None = None
    density: float | None = None
    syncopation: float | None = None
    intensity: float | None = None
    feel: Feel = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "feel", FEELS.get(self.style or "", USUAL))

    def step(self, cue: Cue, state: BassState) -> tuple[BassTick, BassState]:
        chances = self._chances(cue.position)
        if not self._begins(cue, state, chances[0]):
            return self._go_on(state)
        pitch = self._pitch(cue, state, chances[1:])
        velocity = self._velocity(cue)
        return BassTick(True, pitch, velocity, pitch), BassState(pitch, pitch, 0, cue.root)

    def _go_on(self, state: BassState) -> tuple[BassTick, BassState]:
        age = state.age + 1
        pitch = state.pitch if age < self.feel.length_ticks else None
        return BassTick(True, None, 0, pitch), replace(state, pitch=pitch, age=age)

    def _chances(self, at: Position) -> list[float]:
        """Return four uniform numbers, the same at the same place of every figure, except in the last bar of four."""
        figure = at.bar % FIGURE_BARS if at.bar % 4 != 3 else 1000 + at.bar
        rng = np.random.default_rng((self.seed, 77, figure, at.tick))
        return [float(x) for x in rng.random(4)]

    def _begins(self, cue: Cue, state: BassState, chance: float) -> bool:
        place = place_of(cue.position)
        if place == "bar" or (cue.root != state.root and place != "sixteenth"):
            return True  # a change of harmony is played at once
        wanted = self.feel.onset[PLACES.index(place)] * _bent(self.density, 0.5, 1.5)
        if place in ("half", "sixteenth"):
            wanted *= _bent(self.syncopation, 0.3, 1.7)
        if any(hit.piece == "kick" for hit in cue.reply.drums):
            wanted = max(wanted, self.feel.kick)
        return chance < wanted

    def _pitch(self, cue: Cue, state: BassState, chances: list[float]) -> int:
        at = cue.position
        root = nearest(cue.root, (HOME + state.last) / 2)
        if at.tick == 0 or cue.root != state.root:
            return nearest(cue.root, (2 * HOME + state.last) / 3)
        if cue.coming is not None and cue.coming != cue.root and self._is_last_beat(at):
            if chances[0] < self.feel.approach:
                return self._approach(nearest(cue.coming, HOME), state.last, chances[1])
            return root
        third, fifth = (QUALITY_TONES[cue.quality] if cue.quality >= 0 else (0, 4, FIFTH))[1:3]
        edges = np.cumsum([self.feel.fifth, self.feel.octave, self.feel.third])
        tone = int(np.searchsorted(edges, chances[2], "right"))
        pitch = root + (fifth, OCTAVE, third, 0)[tone]
        return pitch if pitch <= HIGH else pitch - OCTAVE

    def _is_last_beat(self, at: Position) -> bool:
        return at.tick >= at.ticks_per_bar - max(ticks_per_beat(at.meter), 2)

    def _approach(self, target: int, last: int, chance: float) -> int:
        """Return a note beside the one to come, on the side of the last one: a step of the key, or a semitone."""
        side = -1 if last <= target else 1
        if self.feel.chromatic and chance < 0.5:
            return _inside(target + side)
        return _inside(next(target + side * n for n in (1, 2, 3) if (target + side * n) % 12 in self.scale))

    def _velocity(self, cue: Cue) -> int:
        kick = 6 if any(hit.piece == "kick" for hit in cue.reply.drums) else 0
        return int(min(max((VELOCITY[place_of(cue.position)] + kick) * _bent(self.intensity, 0.7, 1.25), 1), 127))


def place_of(at: Position) -> str:
    """Return how strong a tick is: bar, group, beat, half (of a beat, or an eighth of x/8) or sixteenth."""
    if at.tick == 0:
        return "bar"
    per_beat = ticks_per_beat(at.meter)
    beat, inside = divmod(at.tick, per_beat)
    if inside == 0 and beat in group_starts(at.meter):
        return "group"
    if inside == 0 and per_beat >= 4:
        return "beat"
    return "half" if at.tick % 2 == 0 else "sixteenth"


def group_starts(meter: Meter) -> tuple[int, ...]:
    """Return the beats on which groups begin; an even number of ungrouped beats is grouped in pairs."""
    grouping = grouping_of(meter)
    if set(grouping) == {1}:
        size = 2 if meter.numerator % 2 == 0 else meter.numerator
        return tuple(range(0, meter.numerator, size))
    return tuple(int(n) for n in np.cumsum((0, *grouping[:-1])))


def nearest(pitch_class: int, to: float) -> int:
    """Return the pitch of this class in the bass's range that lies nearest to `to`."""
    return min((p for p in range(LOW, HIGH + 1) if p % 12 == pitch_class % 12), key=lambda p: (abs(p - to), p))


def _inside(pitch: int) -> int:
    return pitch + OCTAVE if pitch < LOW else pitch - OCTAVE if pitch > HIGH else pitch


def _bent(dial: float | None, least: float, most: float) -> float:
    """Return a factor for a dial: `least` at 0, 1 in the middle, `most` at 1."""
    value = NO_DIAL if dial is None else dial
    return least + (1 - least) * 2 * value if value < NO_DIAL else 1 + (most - 1) * (2 * value - 1)
