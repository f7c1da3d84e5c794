"""Choose what the band plays from one tick's logits: drums, then the chord given them, then the line given both.

The same walk replays a reply that was played, to measure how much information it carried (`Replay`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.music import features, tokens
from models.music.features import Memory
from models.music.tokens import (
    LEVEL_VELOCITY,
    LINE_LOW,
    LINE_PITCHES,
    PIECES,
    QUALITY_NAMES,
    ChordHit,
    DrumHit,
    LineHit,
    Reply,
)
from models.responder.shape import PITCH_CLASS, SAID_QUALITY, SLICES, VELOCITIES

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Taste:
    """How one kind of decision is drawn: temperature (times the caller's) and nucleus (Holtzman et al. 2020)."""

    temperature: float
    top_p: float


TASTE: dict[str, Taste] = {
    "drums": Taste(0.9, 0.97),
    "rhythm": Taste(0.95, 0.95),  # whether the chord begins, goes on or ends
    "harmony": Taste(0.8, 0.85),
    "line": Taste(0.5, 0.95),  # the line is trained to be unsure (few pieces); played, it should be sure
    "pitch": Taste(0.45, 0.9),
    "level": Taste(0.9, 0.9),
    "bass": Taste(0.8, 0.95),
}
AS_IT_IS = {kind: Taste(1.0, 1.0) for kind in TASTE}  # the model's own distribution


@dataclass(frozen=True, slots=True)
class Lean:
    """Pulls on what is sampled, in nats.

    Harmony is pulled to the bass just heard: the training pieces change chord and bass together, a live model hears the
    bass first. The kit is pulled to wholeness, because a groove begun without a piece stays so. A line that rests is
    pulled to rest.
    """

    stay: float = 4.0  # taken from a stroke of a harmony that lacks the bass note
    move: float = 3.0  # given on a beat to a change of harmony while the one that holds lacks the bass note
    fit: float = 4.0  # given to chords that have it
    ticks: int = 2  # for so long after the bass was last heard
    line: float = 0.9  # to a new note of the line while it rests: few training pieces have one
    kit: float = 2.0  # to kick, snare and hat while they come less often than KIT_RATE


LEAN, NO_LEAN = Lean(), Lean(stay=0, move=0, fit=0, ticks=0, line=0, kit=0)
KIT_RATE = {"kick": 1.5 / 16, "snare": 1.5 / 16, "time": 4 / 16}  # hits per tick below which a role is pulled in
KIT_PIECE = {"kick": "kick", "snare": "snare", "time": "closed_hat"}


@dataclass(frozen=True, slots=True)
class Push:
    """What is asked of this very tick. ValueError for an unknown harmony.

    fill: nats to snare and toms, taken from the time keepers. harmony: (root, quality name) to strike now, as a cadence
    does.
    """

    fill: float = 0.0
    harmony: tuple[int, str] | None = None

    def __post_init__(self) -> None:
        if self.harmony is not None and not 0 <= self.harmony[0] < 12:
            raise ValueError(f"root {self.harmony[0]}: a pitch class goes from 0 (C) to 11")
        if self.harmony is not None:
            tokens.quality_index(self.harmony[1])


NO_PUSH = Push()
FILL_PULL = {"snare": 1.0, "low_tom": 1.3, "high_tom": 1.3, "closed_hat": -0.8, "ride": -0.8, "shaker": -0.8}
SURE = 30.0  # nats that leave no other choice
CADENCE = ((7, "7"), (0, "maj"))  # dominant seventh, then tonic, above the tonic
CONTAINS = np.zeros((12, len(QUALITY_NAMES), 12), np.float32)  # [root, quality, pitch class]
for _quality, _intervals in enumerate(tokens.QUALITIES.values()):
    for _root in range(12):
        CONTAINS[_root, _quality, [(_root + i) % 12 for i in _intervals]] = 1.0


class Choice(Protocol):
    """Chooses an index from logits of a kind."""

    def __call__(self, logits: Floats, kind: str) -> int: ...


class Draw:
    """Draws an index from logits with the temperature and nucleus of its kind."""

    def __init__(self, rng: np.random.Generator, temperature: float, taste: Mapping[str, Taste]) -> None:
        if not temperature > 0:
            raise ValueError(f"temperature {temperature}: must be above 0 (1.0 is usual)")
        self._rng, self._temperature, self._taste = rng, temperature, taste

    def __call__(self, logits: Floats, kind: str) -> int:
        taste = self._taste[kind]
        scaled = logits / (taste.temperature * self._temperature)
        weights = np.exp(scaled - scaled.max())
        order = np.argsort(-weights, kind="stable")
        mass = np.cumsum(weights[order])
        kept = int(np.searchsorted(mass, taste.top_p * mass[-1])) + 1
        within = min(kept, len(mass)) - 1
        return int(order[min(int(np.searchsorted(mass, self._rng.random() * mass[within], "right")), within)])


@dataclass(slots=True)
class Replay:
    """Makes the choices that a given reply was made of and adds up their information in bits (Shannon 1948)."""

    choices: Iterator[int]
    bits: float = field(default=0.0)

    def __call__(self, logits: Floats, kind: str) -> int:
        choice = next(self.choices)
        top = float(logits.max())
        self.bits += (top + float(np.log(np.exp(logits - top).sum())) - float(logits[choice])) / np.log(2)
        return choice


def choices_of(reply: Reply, memory: Memory) -> Iterator[int]:
    """Return the decisions, in the walk's order, that make this reply."""
    yield from tokens.drum_levels(reply.drums)
    action = tokens.chord_action(reply, memory.root, memory.quality)
    yield action
    if reply.chord:
        yield max(tokens.level_of(reply.chord.velocity), 1) - 1
        if action == tokens.NEW:
            yield reply.chord.root % 12
            yield tokens.quality_index(reply.chord.quality)
    yield tokens.line_action(reply)
    if reply.line:
        yield min(max(reply.line.pitch - LINE_LOW, 0), LINE_PITCHES - 1)
        yield max(tokens.level_of(reply.line.velocity), 1) - 1


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick's logits [HEADS], what still holds, and the pulls on the choice."""

    logits: Floats
    memory: Memory
    lean: Lean = LEAN
    push: Push = NO_PUSH
    on_beat: bool = False


class Walk:
    """Makes the decisions of one tick in order, with the small coupling tables of a trained net."""

    def __init__(self, weights: Mapping[str, Floats], below: Floats) -> None:
        """Take weights by parameter name. below [drum logits, drum logits]: 1 where a piece comes before another."""
        self._w, self._drums = weights, weights["drums_to_drums"] * below

    def __call__(self, tick: Tick, choose: Choice) -> Reply:
        hits, drums = self._choose_drums(tick, choose)
        rest = np.split(hits @ self._w["drums_to_rest"], np.cumsum([4, VELOCITIES, 3]))
        action, chord, harmony = self._choose_chord(tick, choose, rest[0], rest[1])
        line_rest = rest[2] + self._w["action_to_line"][action]
        line_action, line = self._choose_line(tick, choose, line_rest, rest[3], harmony)
        return Reply(drums, chord, action == tokens.OFF, line, line_action == tokens.LINE_OFF)

    def _choose_drums(self, tick: Tick, choose: Choice) -> tuple[Floats, tuple[DrumHit, ...]]:
        """Return the hits one-hot [pieces * levels], and as they are played."""
        logits = tick.logits[SLICES["drums"]].copy()
        for rate, (role, wanted) in zip(tick.memory.kit, KIT_RATE.items(), strict=True):
            silent = PIECES.index(KIT_PIECE[role]) * tokens.LEVELS
            logits[silent] -= tick.lean.kit * max(1 - rate / wanted, 0)
        if tick.push.fill:
            for piece, pull in FILL_PULL.items():
                logits[PIECES.index(piece) * tokens.LEVELS] -= tick.push.fill * pull
        hits, drums = np.zeros_like(logits), []
        for index, piece in enumerate(PIECES):
            first = index * tokens.LEVELS
            level = choose(logits[first : first + tokens.LEVELS], "drums")
            hits[first + level] = 1.0
            logits += self._drums[first + level]
            if level:
                drums.append(DrumHit(piece, LEVEL_VELOCITY[level]))
        return hits, tuple(drums)

    def _choose_chord(
        self, tick: Tick, choose: Choice, rest: Floats, level_rest: Floats
    ) -> tuple[int, ChordHit | None, tuple[int, int]]:
        """Return the action, the stroke, and (root, quality) that hold after it."""
        head, memory, lean = tick.logits, tick.memory, tick.lean
        logits = head[SLICES["action"]] + rest
        fits = _fits(memory, lean)
        asked = _asked(tick.push)
        if memory.root >= 0 and fits.any() and not fits[memory.root, memory.quality]:
            logits[tokens.SAME] -= lean.stay
            logits[tokens.NEW] += lean.move * tick.on_beat
        if asked is not None:
            logits[tokens.SAME if asked == (memory.root, memory.quality) else tokens.NEW] += SURE
        action = choose(logits, "rhythm")
        if action < tokens.SAME:
            return action, None, (memory.root, memory.quality)
        level = 1 + choose(head[SLICES["level"]] + level_rest, "level")
        root, quality = memory.root, memory.quality
        if action == tokens.NEW or root < 0:
            roots = self._root_logits(head, memory) + lean.fit * fits.max(1)
            root = choose(_surely(roots, asked and asked[0]), "harmony")
            qualities = self._quality_logits(head, memory, root) + lean.fit * fits[root]
            quality = choose(_surely(qualities, asked and asked[1]), "harmony")
        return action, ChordHit(root, QUALITY_NAMES[quality], LEVEL_VELOCITY[level]), (root, quality)

    def _root_logits(self, head: Floats, memory: Memory) -> Floats:
        logits = head[SLICES["root"]] + rolled(head[SLICES["root_over_bass"]], memory.bass_ref)
        return logits + rolled(head[SLICES["root_over_root"]], memory.root)

    def _quality_logits(self, head: Floats, memory: Memory, root: int) -> Floats:
        over_bass, over_root = ((root - ref) % 12 if ref >= 0 else 12 for ref in (memory.bass_ref, memory.root))
        old = memory.quality if memory.quality >= 0 else features.NO_QUALITY
        table = self._w["quality_in"]
        hidden = head[SLICES["quality"]] + table[over_bass] + table[13 + over_root] + table[26 + old]
        out: Floats = np.maximum(hidden, 0) @ self._w["quality_out.weight"].T + self._w["quality_out.bias"]
        return out + head[SAID_QUALITY:] if len(head) > SAID_QUALITY else out

    def _choose_line(
        self, tick: Tick, choose: Choice, rest: Floats, level_rest: Floats, harmony: tuple[int, int]
    ) -> tuple[int, LineHit | None]:
        head = tick.logits
        logits = head[SLICES["line"]] + rest
        logits[tokens.LINE_ON] += tick.lean.line * (tick.memory.line_sounding < 0)
        action = choose(logits, "line")
        if action != tokens.LINE_ON:
            return action, None
        pitch = choose(self._pitch_logits(head, tick.memory.line_last, harmony), "pitch")
        level = 1 + choose(head[SLICES["line_level"]] + level_rest, "level")
        return action, LineHit(LINE_LOW + pitch, LEVEL_VELOCITY[level])

    def _pitch_logits(self, head: Floats, last: int, harmony: tuple[int, int]) -> Floats:
        root, quality = harmony
        table = self._w["pitch_in_chord"][quality if quality >= 0 else features.NO_QUALITY]
        logits = head[SLICES["pitch"]] + rolled(head[SLICES["pitch_over_root"]] + table, root)[PITCH_CLASS]
        if last < 0:
            return logits
        first = LINE_PITCHES - 1 - last
        return logits + head[SLICES["leap"]][first : first + LINE_PITCHES]


def rolled(logits: Floats, reference: int) -> Floats:
    """Turn logits by interval above the reference into logits by pitch class; zero where there is no reference (-1)."""
    return np.roll(logits, reference) if reference >= 0 else np.zeros_like(logits)


def _fits(memory: Memory, lean: Lean) -> Floats:
    """Return [12, qualities]: 1 where root and quality have the bass note just heard; all 0 when there was none."""
    if memory.bass_ref < 0 or memory.unheard > lean.ticks:
        return np.zeros(CONTAINS.shape[:2], np.float32)
    return CONTAINS[:, :, memory.bass_ref]


def _asked(push: Push) -> tuple[int, int] | None:
    return None if push.harmony is None else (push.harmony[0], tokens.quality_index(push.harmony[1]))


def _surely(logits: Floats, index: int | None) -> Floats:
    if index is None:
        return logits
    out = logits.copy()
    out[index] += SURE
    return out
