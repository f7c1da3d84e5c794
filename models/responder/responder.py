"""Play the responder: step(x, state) -> state, sample(state, rng) -> Reply. numpy only, no torch.

The state is small and never changed in place: to imagine ahead, step a copy with BassTick.UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models import checkpoint, paths
from models.backbones import registry
from models.music import dials, features
from models.music.dials import NO_DIALS, SURPRISE_BITS, Dials
from models.music.features import Memory
from models.music.past import PastState
from models.music.plan_tick import PlanTick
from models.music.plan_values import vector_of
from models.music.tokens import PARTS, BassTick, Reply, TickInput, ticks_per_beat
from models.responder import adapter as adapters
from models.responder.repeating import done_in, pointed_by, repeated
from models.responder.sampling import (
    LEAN,
    NO_LEAN,
    NO_PUSH,
    TASTE,
    Draw,
    Lean,
    Push,
    Replay,
    Taste,
    Tick,
    Walk,
    choices_of,
    rolled,
)
from models.responder.shape import BELOW, FORESEEN, HEADS, ResponderConfig

if TYPE_CHECKING:
    from models.responder.net import ResponderNet

Floats = NDArray[np.float32]
Says = tuple[NDArray[np.int8], Floats]  # what sources point to, what earlier bars vote for

NAMED = {  # what can be asked for by name
    "songs": paths.WEIGHTS / "responder-songs",
    "ssm": paths.WEIGHTS / "responder",
    "lstm": paths.WEIGHTS / "responder-lstm",
}
SHIPPED = "songs"
WEIGHTS = NAMED[SHIPPED]
NO_PLAN = PlanTick()
HEAT_PER_BIT = 0.015  # how fast the temperature's logarithm follows a lack or excess of surprise, per tick
HEAT_LIMITS = (-1.5, 1.0)


def named(choice: str | None) -> Path:
    """Return the path stem of what the config or a command asks for: a name of NAMED, a path; None: what ships."""
    return NAMED.get(choice or SHIPPED, Path(choice or ""))


@dataclass(frozen=True, slots=True)
class ResponderState:
    """The responder's state after a step.

    hidden: the backbone's. free: the same as if no dial had been asked for; None while there is none. logits [HEADS
    ...] for the tick about to be played. memory: what still holds. heat: log of the temperature that surprise asks for.
    on_beat: whether that tick is on a beat. past: the bars up to now, for responders that recall them.
    """

    hidden: Floats
    free: Floats | None
    logits: Floats
    memory: Memory
    heat: float = 0.0
    on_beat: bool = False
    past: PastState | None = None

    def copy(self) -> ResponderState:
        free = None if self.free is None else self.free.copy()
        return replace(self, hidden=self.hidden.copy(), free=free, logits=self.logits.copy())


class Responder:
    """Reads bass, phase, metre and dials; plays drums, chords and a counter-line, one tick at a time."""

    def __init__(self, config: ResponderConfig, weights: Mapping[str, Floats]) -> None:
        """Make a responder of weights: arrays of config.shapes, by name."""
        self.config, self.sound_dim = config, config.sound_dim
        own, inner = checkpoint.split(weights, "backbone.")
        self._backbone = registry.step_of(config.backbone, inner)
        self._heads = np.ascontiguousarray(own.pop("heads.weight").T)
        self._w = own
        self._walk = Walk(self._w, BELOW)
        self._net: ResponderNet | None = None
        self._stem: str | Path | None = None
        self._added: adapters.Adapter | None = None
        self.sha256 = ""  # of the base weights' file

    @classmethod
    def of(cls, net: ResponderNet) -> Responder:
        """Make the responder of a network in torch."""
        weights = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in net.named_parameters()}
        made = cls(net.config, weights)
        made._net = net.eval()
        return made

    @property
    def net(self) -> ResponderNet:
        """Return the network in torch, for training and measuring; loaded when first asked for."""
        if self._net is None:
            from models.responder.net import ResponderNet

            if self._stem is None:
                raise ValueError("a responder made of arrays alone has no checkpoint to read a network from")
            loaded = checkpoint.load_net(self._stem, "responder", lambda net: ResponderNet(ResponderConfig(**net)))
            if self._added:
                loaded.add(self._added)
            self._net = loaded.eval()
        return self._net

    @classmethod
    def load(cls, path: str | Path = WEIGHTS, adapter: str | Path | None = None) -> Responder:
        """Load the responder of a checkpoint stem, with the adapter (adapter.py) of another stem folded in.

        FileNotFoundError or ValueError when one is missing, is something else, or the adapter belongs to other weights.
        """
        saved = checkpoint.load_arrays(path, "responder")
        try:
            config = ResponderConfig(**saved.config["net"])
            checkpoint.require_shapes(path, saved.arrays, config.shapes)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path}: weights do not fit their config ({error}); {checkpoint.RETRAIN}") from None
        added = adapters.load(adapter, saved.sha256, config.shapes) if adapter else None
        made = cls(config, added.merged(saved.arrays) if added else saved.arrays)
        if added and added.start is not None and added.start.shape != made._backbone.initial_state().shape:
            raise ValueError(f"{adapter}: its state {added.start.shape} does not fit the responder; practise again")
        made._stem, made._added, made.sha256 = path, added, saved.sha256
        return made

    @classmethod
    def untrained(cls, seed: int = 0, config: ResponderConfig | None = None) -> Responder:
        """Make a responder with random weights, for tests of what surrounds the model."""
        import torch

        from models.responder.net import ResponderNet

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return cls.of(ResponderNet(config or ResponderConfig()))

    def initial_state(self) -> ResponderState:
        """Return the state before anything was heard or played; step once before the first sample.

        With a player's adapter it begins as if it had just played with that player, their last bars in mind.
        """
        start = self._added.start if self._added else None
        hidden = self._backbone.initial_state() if start is None else start.copy()
        logits = np.zeros(self.config.logits, np.float32)
        past = PastState.of(self._added.bars if self._added else {}) if self.config.past else None
        return ResponderState(hidden, None, logits, Memory(), past=past)

    def step(self, x: TickInput, state: ResponderState) -> ResponderState:
        """Read bass and band of tick t-1 and the position of tick t; return the state that can sample tick t."""
        row, memory = state.memory.read(x.bass, x.reply)
        told = [features.one_hot(row), self._sound(x.sound)]
        past, says = state.past, None
        if past is not None:
            spot = x.position.bar, x.position.ticks_per_bar, x.position.tick
            past, recalled = past.step(done_in(row, memory, x.bass, x.reply), spot)
            told.append(recalled.features)
            says = pointed_by(recalled, x.plan if self.config.plan else None), recalled.votes
        events = np.concatenate(told)
        place = features.position_features(x.position.tick, x.position.bar, x.position.meter)
        wished = x.dials.learned
        logits, hidden = self._logits(events, self._cond(place, wished, x.plan), state.hidden, says)
        free = None
        if wished != NO_DIALS and x.guidance != 1 and self.config.dials:
            before = state.hidden if state.free is None else state.free
            plain, free = self._logits(events, self._cond(place, NO_DIALS, x.plan), before, says)
            logits = plain + np.float32(x.guidance) * (logits - plain)
        on_beat = x.position.tick % ticks_per_beat(x.position.meter) == 0
        return ResponderState(hidden, free, logits, memory, self._heat(x, state), on_beat, past)

    def _cond(self, place: Floats, wished: Dials, plan: PlanTick | None) -> Floats:
        parts = [place]
        if self.config.dials:
            parts.append(dials.vector(wished))
        if self.config.plan:
            parts.append(vector_of(plan or NO_PLAN))
        return np.concatenate(parts)

    def _logits(self, events: Floats, cond: Floats, hidden: Floats, says: Says | None) -> tuple[Floats, Floats]:
        y, after = self._backbone.step(events, cond, hidden)
        logits: Floats = np.concatenate([y, cond]) @ self._heads + self._w["heads.bias"]
        if says is None:
            return logits, after
        own = self.config.logits
        return repeated(logits[:own], logits[own:], *says), after

    def _heat(self, x: TickInput, state: ResponderState) -> float:
        """Move the temperature towards the information content that is asked for (Hale 2001 for surprisal as its
        measure).
        """
        if x.dials.surprise is None:
            return 0.0
        low, high = SURPRISE_BITS
        lack = low + x.dials.surprise * (high - low) - self.information(state, x.reply)
        return float(np.clip(state.heat + HEAT_PER_BIT * lack, *HEAT_LIMITS))

    def information(self, state: ResponderState, reply: Reply) -> float:
        """Return the bits of this reply under the model itself, for the tick `state` was stepped to."""
        replay = Replay(choices_of(reply, state.memory))
        self._walk(Tick(state.logits, state.memory, NO_LEAN), replay)
        return replay.bits

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
        taste: Mapping[str, Taste] | None = None,
        lean: Lean | None = None,
        push: Push = NO_PUSH,
    ) -> Reply:
        """Sample the reply for the tick `state` was stepped to: drums, then chord given them, then line given both.

        temperature scales every kind of decision; parts not named stay silent. The same rng gives the same reply.
        """
        draw = Draw(rng, temperature * float(np.exp(state.heat)), taste or TASTE)
        reply = self._walk(Tick(state.logits, state.memory, lean or LEAN, push, state.on_beat), draw)
        return silenced(reply, parts)

    def imagine_bass(self, state: ResponderState, rng: np.random.Generator, near: int) -> BassTick | None:
        """Guess what the bass will begin in the tick `state` was stepped to, in the octave around `near` (MIDI); None:
        nothing.

        ValueError when the weights foresee no bass.
        """
        onset, classes = self.bass_beliefs(state)
        draw = Draw(rng, 1.0, TASTE)
        if not draw(np.array([0.0, onset], np.float32), "bass"):
            return None
        pitch_class = draw(classes, "bass")
        pitch = near - 6 + (pitch_class - (near - 6)) % 12
        return BassTick(True, pitch, 90, pitch)

    def bass_beliefs(self, state: ResponderState) -> tuple[float, Floats]:
        """Return (logit that the bass begins a note in the tick stepped to, logits [12] of its pitch class).

        ValueError when the weights foresee no bass.
        """
        if not self.config.foresee:
            raise ValueError("these weights foresee no bass; train with `python -m models.train responder`")
        own = state.logits[HEADS + 1 : HEADS + FORESEEN]
        return float(state.logits[HEADS]), own[:12] + rolled(own[12:], state.memory.bass_ref)


def silenced(reply: Reply, parts: Collection[str]) -> Reply:
    """Return the reply with only the parts that are named."""
    if "drums" not in parts:
        reply = replace(reply, drums=())
    if "chords" not in parts:
        reply = replace(reply, chord=None, chord_off=False)
    return reply if "line" in parts else replace(reply, line=None, line_off=False)


def save(stem: str | Path, net: ResponderNet, about: dict[str, Any], card: str) -> str:
    """Write the checkpoint that Responder.load reads; return its SHA-256. about: further entries of the JSON."""
    return checkpoint.save(stem, net.state_dict(), {"net": net.config.to_dict(), **about}, card, "responder")
