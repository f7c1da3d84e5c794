"""The responder as it is played: step(x, state) -> state, sample(state, rng) -> Reply. numpy only, no torch per tick.

The state is small and never changed in place: to imagine ahead, step a copy with BassTick.UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models import checkpoint, features, tokens
from models.features import Memory
from models.lstm import LSTMStep
from models.responder_net import PITCH_CLASS, SLICES, VELOCITIES, ResponderConfig, ResponderNet
from models.tokens import (
    LEVEL_VELOCITY,
    LINE_LOW,
    LINE_PITCHES,
    PARTS,
    PIECES,
    QUALITY_NAMES,
    ChordHit,
    DrumHit,
    LineHit,
    Reply,
    TickInput,
)

Floats = NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "weights" / "responder"


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
}


@dataclass(frozen=True, slots=True)
class Lean:
    """Pulls on what is sampled, in nats. Harmony to the bass just heard: the training pieces change chord and bass
    together, a live model hears the bass first. The kit to wholeness: a groove begun without a piece stays so; and
    a line that rests stays at rest."""

    stay: float = 2.5  # taken from a stroke of a harmony that lacks the bass note
    fit: float = 2.5  # given to chords that have it
    ticks: int = 2  # for so long after the bass was last heard
    line: float = 0.9  # to a new note of the line while it rests: few training pieces have one
    kit: float = 2.0  # to kick, snare and hat while they come less often than KIT_RATE


LEAN = Lean()
KIT_RATE = {"kick": 1.5 / 16, "snare": 1.5 / 16, "time": 4 / 16}  # hits per tick below which a role is pulled in
KIT_PIECE = {"kick": "kick", "snare": "snare", "time": "closed_hat"}
CONTAINS = np.zeros((12, len(QUALITY_NAMES), 12), np.float32)  # [root, quality, pitch class]
for _quality, _intervals in enumerate(tokens.QUALITIES.values()):
    for _root in range(12):
        CONTAINS[_root, _quality, [(_root + i) % 12 for i in _intervals]] = 1.0


@dataclass(frozen=True, slots=True)
class ResponderState:
    """lstm [layers, 2, H]. logits [HEADS] for the tick about to be played. memory: what still holds."""

    lstm: Floats
    logits: Floats
    memory: Memory

    def copy(self) -> ResponderState:
        return ResponderState(self.lstm.copy(), self.logits.copy(), self.memory)


class Responder:
    """Bass, phase and metre in; drums, chords and a counter-line out, one tick at a time."""

    def __init__(self, net: ResponderNet) -> None:
        self.net = net.eval()
        self.sound_dim = net.config.sound_dim
        self._lstm = LSTMStep(net.lstm)
        self._w = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in net.named_parameters()}
        self._heads = np.ascontiguousarray(self._w["heads.weight"].T)
        self._drums = self._w["drums_to_drums"] * net.below.numpy()

    @classmethod
    def load(cls, path: str | Path = WEIGHTS) -> Responder:
        """The responder of a checkpoint stem; FileNotFoundError or ValueError when it is not there or not one."""
        saved = checkpoint.load(path, "responder")
        try:
            net = ResponderNet(ResponderConfig(**saved.config["net"]))
            net.load_state_dict(saved.tensors)
        except (KeyError, TypeError, RuntimeError) as error:
            reason = str(error).splitlines()[-1].strip()
            raise ValueError(f"{path}: weights do not fit their config ({reason}); {checkpoint.RETRAIN}") from None
        return cls(net)

    @classmethod
    def untrained(cls, seed: int = 0, config: ResponderConfig | None = None) -> Responder:
        """Random weights: for tests of what surrounds the model."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return cls(ResponderNet(config or ResponderConfig()))

    def initial_state(self) -> ResponderState:
        """Nothing heard, nothing played; step once before the first sample."""
        return ResponderState(self._lstm.initial_state(), np.zeros(self._heads.shape[1], np.float32), Memory())

    def step(self, x: TickInput, state: ResponderState) -> ResponderState:
        """Read bass and band of tick t-1 and the position of tick t; the state that comes back can sample tick t."""
        row, memory = state.memory.read(x.bass, x.reply)
        cond = features.position_features(x.position.tick, x.position.bar, x.position.meter)
        y, lstm = self._lstm.step(np.concatenate([features.one_hot(row), self._sound(x.sound)]), cond, state.lstm)
        return ResponderState(lstm, np.concatenate([y, cond]) @ self._heads + self._w["heads.bias"], memory)

    def _sound(self, sound: Floats | None) -> Floats:
        out = np.zeros(self.sound_dim + 1, np.float32)
        if sound is None:
            return out
        if np.shape(sound) != (self.sound_dim,):
            raise ValueError(f"sound of shape {np.shape(sound)}: this responder takes [{self.sound_dim}], or None")
        out[:-1], out[-1] = sound, 1.0
        return out

    def sample(
        self,
        state: ResponderState,
        rng: np.random.Generator,
        temperature: float = 0.9,
        parts: Collection[str] = PARTS,
        taste: dict[str, Taste] | None = None,
        lean: Lean | None = None,
    ) -> Reply:
        """The reply for the tick `state` was stepped to: drums, then chord given them, then line given both.

        temperature scales every kind of decision; parts not named stay silent. The same rng gives the same reply.
        """
        draw = _Draw(rng, temperature, taste or TASTE)
        hits, drums = self._sample_drums(state, draw, lean or LEAN)
        rest = np.split(hits @ self._w["drums_to_rest"], np.cumsum([4, VELOCITIES, 3]))
        action, chord, harmony = self._sample_chord(state, draw, rest[0], rest[1], lean or LEAN)
        line_action, line = self._sample_line(
            state, draw, rest[2] + self._w["action_to_line"][action], rest[3], harmony, lean or LEAN
        )
        return Reply(
            drums if "drums" in parts else (),
            chord if "chords" in parts else None,
            action == tokens.OFF and "chords" in parts,
            line if "line" in parts else None,
            line_action == tokens.LINE_OFF and "line" in parts,
        )

    def _sample_drums(self, state: ResponderState, draw: _Draw, lean: Lean) -> tuple[Floats, tuple[DrumHit, ...]]:
        """The hits one-hot [pieces * levels], and as they are played."""
        logits = state.logits[SLICES["drums"]].copy()
        for rate, (role, wanted) in zip(state.memory.kit, KIT_RATE.items(), strict=True):
            silent = PIECES.index(KIT_PIECE[role]) * tokens.LEVELS
            logits[silent] -= lean.kit * max(1 - rate / wanted, 0)
        hits, drums = np.zeros_like(logits), []
        for index, piece in enumerate(PIECES):
            first = index * tokens.LEVELS
            level = draw(logits[first : first + tokens.LEVELS], "drums")
            hits[first + level] = 1.0
            logits += self._drums[first + level]
            if level:
                drums.append(DrumHit(piece, LEVEL_VELOCITY[level]))
        return hits, tuple(drums)

    def _sample_chord(
        self, state: ResponderState, draw: _Draw, rest: Floats, level_rest: Floats, lean: Lean
    ) -> tuple[int, ChordHit | None, tuple[int, int]]:
        """The action, the stroke, and (root, quality) that hold after it."""
        head, memory = state.logits, state.memory
        logits = head[SLICES["action"]] + rest
        fits = _fits(memory, lean)
        if memory.root >= 0 and fits.any() and not fits[memory.root, memory.quality]:
            logits[tokens.SAME] -= lean.stay
        action = draw(logits, "rhythm")
        if action < tokens.SAME:
            return action, None, (memory.root, memory.quality)
        level = 1 + draw(head[SLICES["level"]] + level_rest, "level")
        root, quality = memory.root, memory.quality
        if action == tokens.NEW or root < 0:
            root = draw(self._root_logits(head, memory) + lean.fit * fits.max(1), "harmony")
            quality = draw(self._quality_logits(head, memory, root) + lean.fit * fits[root], "harmony")
        return action, ChordHit(root, QUALITY_NAMES[quality], LEVEL_VELOCITY[level]), (root, quality)

    def _root_logits(self, head: Floats, memory: Memory) -> Floats:
        logits = head[SLICES["root"]] + _rolled(head[SLICES["root_over_bass"]], memory.bass_ref)
        return logits + _rolled(head[SLICES["root_over_root"]], memory.root)

    def _quality_logits(self, head: Floats, memory: Memory, root: int) -> Floats:
        over_bass, over_root = ((root - ref) % 12 if ref >= 0 else 12 for ref in (memory.bass_ref, memory.root))
        old = memory.quality if memory.quality >= 0 else features.NO_QUALITY
        table = self._w["quality_in"]
        hidden = head[SLICES["quality"]] + table[over_bass] + table[13 + over_root] + table[26 + old]
        out: Floats = np.maximum(hidden, 0) @ self._w["quality_out.weight"].T + self._w["quality_out.bias"]
        return out

    def _sample_line(
        self,
        state: ResponderState,
        draw: _Draw,
        rest: Floats,
        level_rest: Floats,
        harmony: tuple[int, int],
        lean: Lean,
    ) -> tuple[int, LineHit | None]:
        head = state.logits
        logits = head[SLICES["line"]] + rest
        logits[tokens.LINE_ON] += lean.line * (state.memory.line_sounding < 0)
        action = draw(logits, "line")
        if action != tokens.LINE_ON:
            return action, None
        pitch = draw(self._pitch_logits(head, state.memory.line_last, harmony), "pitch")
        level = 1 + draw(head[SLICES["line_level"]] + level_rest, "level")
        return action, LineHit(LINE_LOW + pitch, LEVEL_VELOCITY[level])

    def _pitch_logits(self, head: Floats, last: int, harmony: tuple[int, int]) -> Floats:
        root, quality = harmony
        table = self._w["pitch_in_chord"][quality if quality >= 0 else features.NO_QUALITY]
        logits = head[SLICES["pitch"]] + _rolled(head[SLICES["pitch_over_root"]] + table, root)[PITCH_CLASS]
        if last < 0:
            return logits
        first = LINE_PITCHES - 1 - last
        return logits + head[SLICES["leap"]][first : first + LINE_PITCHES]


def _fits(memory: Memory, lean: Lean) -> Floats:
    """[12, qualities]: 1 where root and quality have the bass note just heard; all 0 when none was."""
    if memory.bass_ref < 0 or memory.unheard > lean.ticks:
        return np.zeros(CONTAINS.shape[:2], np.float32)
    return CONTAINS[:, :, memory.bass_ref]


def _rolled(logits: Floats, reference: int) -> Floats:
    return np.roll(logits, reference) if reference >= 0 else np.zeros_like(logits)


class _Draw:
    """Draws an index from logits with the temperature and nucleus of its kind."""

    def __init__(self, rng: np.random.Generator, temperature: float, taste: dict[str, Taste]) -> None:
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


def save(stem: str | Path, net: ResponderNet, about: dict[str, Any], card: str) -> str:
    """Write the checkpoint Responder.load reads; about: what else the JSON should say. Returns the SHA-256."""
    return checkpoint.save(stem, net.state_dict(), {"net": net.config.to_dict(), **about}, card, "responder")
