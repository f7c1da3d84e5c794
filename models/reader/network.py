"""The reader's network in numpy: two bidirectional GRUs over the words, one with attention that writes symbols.

`memory = network.encode(inputs)`, then `network.step(memory, state, piece) -> (log-probabilities, state)`: symbols
first, then one per word (a pointer network, Vinyals et al. 2015; GRU, Cho et al. 2014). course.py trains it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

NGRAM_ROWS, TAG_ROWS, WIDTH = 6144, 3072, 96
VECTOR, HIDDEN, DECODER, HEADS, POINT = 64, 128, 192, 4, 64
VERSION = "1"

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Features of the words. words: row of the word vectors, 0 = unknown; ngrams, tags: rows of the tables."""

    words: Sequence[int]
    ngrams: Sequence[Sequence[int]]
    tags: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Memory:
    """What the encoder made of the words. states: [words, 2 HIDDEN]; the others follow from it."""

    states: Array
    keys: Array
    values: Array
    points: Array
    start: Array


def sigmoid(x: Array) -> Array:
    out: Array = 0.5 * np.tanh(0.5 * x) + np.float32(0.5)
    return out


class Network:
    """The weights of one file. Immutable, safe to share between threads. Raises ValueError for a foreign file."""

    def __init__(self, path: Path) -> None:
        with safe_open(str(path), framework="numpy") as file:
            meta = file.metadata() or {}
            if meta.get("version") != VERSION:
                raise ValueError(f"{path.name} is version {meta.get('version')!r} of the reader, not {VERSION}")
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        self.meta: dict[str, str] = meta
        self.vocabulary = bytes(stored.pop("vocabulary")).decode().split("\n")
        self.known = int(meta["known"])  # the first words: those that a misspelt one may stand for
        self.symbols: list[str] = json.loads(meta["symbols"])
        self._w: dict[str, Array] = {
            name: array.astype(np.float32)
            for name, array in stored.items()
            if array.dtype != np.int8 and "scale" not in name
        }
        self._tables = {
            name: (stored[name], stored[f"{name}.scale"].astype(np.float32)) for name in ("ngrams", "tags", "vectors")
        }

    def _rows(self, table: str, rows: Sequence[int]) -> Array:
        values, scales = self._tables[table]
        at = np.asarray(rows, np.intp)
        found: Array = values[at].astype(np.float32) * scales[at, None]
        return found

    def embed(self, inputs: Inputs) -> Array:
        """Return one vector a word [words, WIDTH]."""
        w = self._w
        x: Array = self._rows("vectors", inputs.words) @ w["project"]
        for name, lists in (("ngrams", inputs.ngrams), ("tags", inputs.tags)):
            counts = [len(rows) for rows in lists]
            flat = [row for rows in lists for row in rows]
            if not flat:
                continue
            rows = self._rows(name, flat)
            owner = np.repeat(np.arange(len(lists)), counts)
            total = np.zeros((len(lists), WIDTH), np.float32)
            np.add.at(total, owner, rows)
            x += total / np.maximum(np.asarray(counts, np.float32), 1)[:, None] if name == "ngrams" else total
        return x

    def _both_ways(self, x: Array, layer: str) -> Array:
        """Return a bidirectional GRU's states [words, 2 HIDDEN]."""
        w = self._w
        length = len(x)
        forward = x @ w[f"{layer}.f.in"] + w[f"{layer}.f.bias"]
        backward = x[::-1] @ w[f"{layer}.b.in"] + w[f"{layer}.b.bias"]
        gates = np.stack([forward, backward])  # [2, words, 3 HIDDEN]
        again, bias = w[f"{layer}.again"], w[f"{layer}.again.bias"]  # [2, HIDDEN, 3 HIDDEN], [2, 1, 3 HIDDEN]
        h = np.zeros((2, 1, HIDDEN), np.float32)
        out = np.empty((2, length, HIDDEN), np.float32)
        for at in range(length):
            g = gates[:, at : at + 1]
            r = h @ again + bias
            reset_update = sigmoid(g[..., : 2 * HIDDEN] + r[..., : 2 * HIDDEN])
            new = np.tanh(g[..., 2 * HIDDEN :] + reset_update[..., :HIDDEN] * r[..., 2 * HIDDEN :])
            update = reset_update[..., HIDDEN:]
            h = new + update * (h - new)
            out[:, at] = h[:, 0]
        return np.concatenate([out[0], out[1][::-1]], 1)

    def encode(self, inputs: Inputs) -> Memory:
        w = self._w
        states = self._both_ways(self._both_ways(self.embed(inputs), "one"), "two")
        ends = np.concatenate([states[-1, :HIDDEN], states[0, HIDDEN:]])
        return Memory(
            states,
            states @ w["keys"],
            states @ w["values"],
            states @ w["points"],
            np.tanh(ends @ w["begin"] + w["begin.bias"]),
        )

    def step(self, memory: Memory, state: Array, piece: int) -> tuple[Array, Array]:
        """Return log-probabilities [symbols + words] and the next state. piece: the last symbol; -1 = the beginning; a
        pointer to word n is len(symbols) + n."""
        w = self._w
        if piece < 0:
            x = w["beginning"]
        elif piece < len(self.symbols):
            x = w["pieces"][piece]
        else:
            x = w["pointed"] + memory.states[piece - len(self.symbols)] @ w["pointed.from"]
        g = x @ w["decoder.in"] + w["decoder.bias"]
        r = state @ w["decoder.again"] + w["decoder.again.bias"]
        gates = sigmoid(g[: 2 * DECODER] + r[: 2 * DECODER])
        new = np.tanh(g[2 * DECODER :] + gates[:DECODER] * r[2 * DECODER :])
        h: Array = new + gates[DECODER:] * (state - new)
        query = (h @ w["query"]).reshape(HEADS, -1)
        keys = memory.keys.reshape(len(memory.keys), HEADS, -1)
        scores = np.einsum("hd,thd->ht", query, keys) / np.float32(np.sqrt(query.shape[1]))
        weights = np.exp(scores - scores.max(1, keepdims=True))
        weights /= weights.sum(1, keepdims=True)
        seen = np.einsum("ht,thd->hd", weights, memory.values.reshape(keys.shape)).reshape(-1)
        out = np.tanh(np.concatenate([h, seen]) @ w["out"] + w["out.bias"])
        logits = np.concatenate([out @ w["say"] + w["say.bias"], memory.points @ (out @ w["point"])])
        top = logits.max()
        return logits - top - np.log(np.exp(logits - top).sum()), h
