"""Recall what this player's band did before in similar moments, without training.

A nearest-neighbour memory over the responder's state (kNN-LM: Khandelwal et al., ICLR 2020; continuous cache: Grave,
Joulin & Usunier, ICLR 2017): key, a projection of the state's logits; value, what was played next. Pitches are kept as
intervals, so that what was learned in one key is recalled in all. The oldest entries go when it is full. No torch.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.corpus.played_pieces import Played, played
from models.corpus.song import Song
from models.music import tokens
from models.music.features import Memory
from models.music.tokens import EMPTY_REPLY, NEW, PIECES, BassTick, Reply, TickInput
from models.responder.responder import Responder, ResponderState, silenced
from models.responder.sampling import rolled
from models.responder.shape import HEADS, SLICES

Floats = NDArray[np.float32]
Ints = NDArray[np.int16]

ENTRIES = 8192  # some twenty minutes of liked music
KEY = 64
COLUMNS = len(PIECES) + 4  # levels, chord action, root above the bass, line action, pitch class above the root
ACTION, ROOT, LINE, PITCH = range(len(PIECES), COLUMNS)
PIECE_COLUMNS = np.arange(len(PIECES))
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Mixing:
    """How the memory is mixed in.

    share: the memory's part in the mixture at a perfect match. near: entries that vote. sharp: how much more the nearer
    ones count, per unit of squared distance; reach: squared distance at which the share has halved.
    """

    share: float = 0.5
    near: int = 64
    sharp: float = 16.0
    reach: float = 0.16


class PlayerMemory:
    """Remembers what was liked: add(state, reply); mixed(state) -> the state with logits that recall it. Picklable,
    bounded.
    """

    def __init__(self, mixing: Mixing | None = None, entries: int = ENTRIES) -> None:
        self.mixing = mixing or Mixing()
        self._keys: Floats = np.zeros((entries, KEY), np.float32)
        self._values: Ints = np.full((entries, COLUMNS), -1, np.int16)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, len(self._keys))

    def add(self, state: ResponderState, reply: Reply) -> None:
        """Add what was played in the tick `state` was stepped to."""
        self.put(key_of(state.logits), value_of(reply, state.memory))

    def put(self, key: Floats, value: Ints) -> None:
        place = self._added % len(self._keys)
        self._keys[place], self._values[place] = key, value
        self._added += 1

    def mixed(self, state: ResponderState) -> ResponderState:
        """Return the state with its logits drawn towards what is recalled; unchanged while the memory is empty."""
        if not len(self):
            return state
        return replace(state, logits=self.recalled(state.logits, state.memory))

    def recalled(self, logits: Floats, memory: Memory) -> Floats:
        """Return logits [>= HEADS] of p = (1 - share) p_responder + share p_memory, decision by decision."""
        weights, rows, share = self._near(key_of(logits))
        if share < 0.01:
            return logits
        out, values = logits.copy(), self._values[rows]
        drums = out[SLICES["drums"]].reshape(len(PIECES), tokens.LEVELS)
        votes = np.zeros_like(drums)
        np.add.at(votes, (PIECE_COLUMNS, values[:, : len(PIECES)]), weights[:, None])
        drums += pull(drums, votes, share)
        for name, column, size in (("action", ACTION, 4), ("line", LINE, 3)):
            block = out[SLICES[name]]
            block += pull(block, np.bincount(values[:, column], weights, size).astype(np.float32), share)
        self._pull_pitches(out, memory, weights, values, share)
        return out

    def _pull_pitches(self, out: Floats, memory: Memory, weights: Floats, values: Ints, share: float) -> None:
        """Pull roots and line pitches, by class, as far as near entries begin any."""
        if memory.bass_ref >= 0 and (begun := values[:, ROOT] >= 0).any():
            votes = np.bincount(values[begun, ROOT], weights[begun], 12).astype(np.float32)
            whole = out[SLICES["root"]] + rolled(out[SLICES["root_over_bass"]], memory.bass_ref)
            whole = whole + rolled(out[SLICES["root_over_root"]], memory.root)
            part = share * float(votes.sum())
            out[SLICES["root"]] += pull(whole, np.roll(votes / votes.sum(), memory.bass_ref), part)
        if memory.root >= 0 and (begun := values[:, PITCH] >= 0).any():
            votes = np.bincount(values[begun, PITCH], weights[begun], 12).astype(np.float32)
            block = out[SLICES["pitch_over_root"]]
            block += pull(block, votes / votes.sum(), share * float(votes.sum()))

    def _near(self, key: Floats) -> tuple[Floats, NDArray[np.intp], float]:
        """Return weights (their sum 1) and rows of the nearest entries, and the memory's share."""
        mixing, count = self.mixing, len(self)
        likeness = self._keys[:count] @ key  # of keys of length 1
        near = min(mixing.near, count)
        rows = np.argpartition(likeness, count - near)[count - near :]
        distance = 2 - 2 * likeness[rows]
        weights = np.exp(-mixing.sharp * (distance - distance.min())).astype(np.float32)
        weights /= weights.sum()
        share = mixing.share * 0.5 ** ((float(weights @ distance) / mixing.reach) ** 2)
        return weights, rows, share

    def save(self, path: Path) -> None:
        """Write the memory, whole or not at all."""
        part = path.with_name(path.name + ".part.npz")
        count = len(self)
        np.savez(part, format=FORMAT, keys=self._keys[:count], values=self._values[:count], added=self._added)
        part.replace(path)

    @classmethod
    def load(cls, path: Path, mixing: Mixing | None = None, entries: int = ENTRIES) -> PlayerMemory:
        """Read the newest `entries` of a saved memory. FileNotFoundError; ValueError for another kind of file."""
        try:
            with path.open("rb") as raw, np.load(raw) as file:
                keys, values, added = file["keys"], file["values"], int(file["added"])
                fits = int(file["format"]) == FORMAT and keys.shape[1:] == (KEY,) and values.shape[1:] == (COLUMNS,)
        except (KeyError, OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(f"{path}: not a player's memory ({error}); remove it and it is made again") from None
        if not fits or len(keys) != len(values) or not np.isfinite(keys).all():
            raise ValueError(f"{path}: a memory of another version; remove it and it is made again")
        made = cls(mixing, entries)
        first = added % len(keys) if len(keys) and added > len(keys) else 0
        for place in (np.arange(len(keys)) + first) % max(len(keys), 1):
            made.put(keys[place], values[place])
        return made


class Recalling(Responder):
    """A responder that plays with the memory of a player; in every other way the one it was made of."""

    recall: PlayerMemory

    @classmethod
    def around(cls, responder: Responder, memory: PlayerMemory) -> Recalling:
        made = cls.__new__(cls)
        made.__dict__.update(responder.__dict__)
        made.recall = memory
        return made

    def step(self, x: TickInput, state: ResponderState) -> ResponderState:
        """Do as Responder.step, the logits drawn towards what is recalled."""
        return self.recall.mixed(super().step(x, state))

    def learn(self, liked: Iterable[Played], parts: Collection[str] = tokens.PARTS) -> None:
        """Add music that was liked, tick by tick, recalled from the next step on. Takes some 0.5 ms a tick."""
        state, bass, before = self.initial_state(), BassTick(True), EMPTY_REPLY
        for place, heard, reply in liked:
            state = super().step(TickInput(place, bass, None, before), state)
            self.recall.add(state, silenced(reply, parts))
            bass, before = heard, reply


def remembered(responder: Responder, songs: Iterable[Song], memory: PlayerMemory | None = None) -> PlayerMemory:
    """Return the memory with every tick of these pieces added; parts that are not to be learned are silent."""
    made = Recalling.around(responder, memory or PlayerMemory())
    for song in songs:
        if any(song.has):
            made.learn(played(song), [part for part, there in zip(tokens.PARTS, song.has, strict=True) if there])
    return made.recall


def pull(logits: Floats, votes: Floats, share: float) -> Floats:
    """Return what to add to logits [..., n] so that their softmax p becomes (1 - share) p + share votes."""
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    added: Floats = np.log(1 - share + share * votes / np.maximum(p, 1e-6))
    return added


def key_of(logits: Floats) -> Floats:
    """Return a key, float32 [KEY] of length 1: a random projection (Johnson & Lindenstrauss 1984) of the logits."""
    key: Floats = np.tanh(logits[:HEADS] / SOFT) @ PROJECTION
    return key / np.float32(np.linalg.norm(key) + 1e-9)


def value_of(reply: Reply, memory: Memory) -> Ints:
    """Return what was done, int16 [COLUMNS], pitches as intervals; -1: no such event, or nothing to measure it from."""
    action = tokens.chord_action(reply, memory.root, memory.quality)
    root = reply.chord.root % 12 if reply.chord else memory.root
    above_bass = (root - memory.bass_ref) % 12 if action == NEW and memory.bass_ref >= 0 else -1
    line = tokens.line_action(reply)
    above_root = (reply.line.pitch - root) % 12 if reply.line and root >= 0 else -1
    return np.array([*tokens.drum_levels(reply.drums), action, above_bass, line, above_root], np.int16)


SOFT = 4.0  # logits beyond it add little
PROJECTION: Floats = (np.random.default_rng(1984).standard_normal((HEADS, KEY)) / np.sqrt(KEY)).astype(np.float32)
