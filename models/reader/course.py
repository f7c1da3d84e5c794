"""Trains the reader: teacher forcing on symbols and pointers, Adam with a cosine step size, weights averaged at last.

`train(examples, vectors, ...)` takes examples already turned into rows (agent/sentences/teach.py makes them).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor, nn
from torch.nn import functional

from models.reader.network import DECODER, HEADS, HIDDEN, NGRAM_ROWS, POINT, TAG_ROWS, VECTOR, VERSION, WIDTH, Inputs

BATCH, DROP, TAG_DROP, CLIP, EACH = 64, 0.1, 0.08, 5.0, 300


@dataclass(frozen=True, slots=True)
class Example:
    """A sentence as rows, and its pieces: symbols, and pointers as len(symbols) + word. weight: in the loss."""

    inputs: Inputs
    pieces: tuple[int, ...]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    words: Tensor  # [batch, length]
    ngrams: Tensor
    ngram_ends: Tensor
    tags: Tensor
    tag_ends: Tensor
    lengths: Tensor
    pieces: Tensor  # [batch, steps], -100 = none
    weights: Tensor


class Reader(nn.Module):
    """The network of models/reader/network.py in torch. symbols: how many there are; vectors: [vocabulary, VECTOR]."""

    def __init__(self, symbols: int, vectors: NDArray[np.float32]) -> None:
        super().__init__()
        self.symbols = symbols
        self.vectors = nn.Embedding(len(vectors), vectors.shape[1], _weight=torch.tensor(vectors), _freeze=True)
        self.ngrams = nn.EmbeddingBag(NGRAM_ROWS, WIDTH, mode="mean")
        self.tags = nn.EmbeddingBag(TAG_ROWS, WIDTH, mode="sum")
        nn.init.normal_(self.ngrams.weight, std=0.3)
        nn.init.normal_(self.tags.weight, std=0.3)
        self.project = nn.Linear(VECTOR, WIDTH, bias=False)
        self.one = nn.GRU(WIDTH, HIDDEN, bidirectional=True, batch_first=True)
        self.two = nn.GRU(2 * HIDDEN, HIDDEN, bidirectional=True, batch_first=True)
        self.begin = nn.Linear(2 * HIDDEN, DECODER)
        self.keys, self.values = (nn.Linear(2 * HIDDEN, DECODER, bias=False) for _ in range(2))
        self.points, self.point = nn.Linear(2 * HIDDEN, POINT, bias=False), nn.Linear(DECODER, POINT, bias=False)
        self.pieces = nn.Embedding(symbols, WIDTH)
        self.beginning, self.pointed = nn.Parameter(torch.zeros(WIDTH)), nn.Parameter(torch.zeros(WIDTH))
        self.pointed_from = nn.Linear(2 * HIDDEN, WIDTH, bias=False)
        self.decoder = nn.GRU(WIDTH, DECODER, batch_first=True)
        self.query = nn.Linear(DECODER, DECODER, bias=False)
        self.out, self.say = nn.Linear(2 * DECODER, DECODER), nn.Linear(DECODER, symbols)
        self.drop = nn.Dropout(DROP)

    def encode(self, batch: Batch) -> tuple[Tensor, Tensor]:
        count, length = batch.words.shape
        x = self.project(self.vectors(batch.words))
        x = x + self.ngrams(batch.ngrams, batch.ngram_ends).view(count, length, -1)
        x = x + self.tags(batch.tags, batch.tag_ends).view(count, length, -1)
        packed = nn.utils.rnn.pack_padded_sequence(self.drop(x), batch.lengths, batch_first=True, enforce_sorted=False)
        one, _ = self.one(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(one, batch_first=True)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(states), batch.lengths, batch_first=True, enforce_sorted=False
        )
        two, last = self.two(packed)
        states, _ = nn.utils.rnn.pad_packed_sequence(two, batch_first=True)
        return self.drop(states), torch.tanh(self.begin(torch.cat([last[0], last[1]], 1)))

    def forward(self, batch: Batch) -> Tensor:
        """Return the mean loss of the pieces."""
        states, start = self.encode(batch)
        count, length, _ = states.shape
        steps = batch.pieces.shape[1]
        given = batch.pieces[:, :-1].clamp(min=0)
        is_symbol = given < self.symbols
        symbol = self.pieces(given.clamp(max=self.symbols - 1))
        where = (given - self.symbols).clamp(min=0, max=length - 1)
        pointed = self.pointed + self.pointed_from(states.gather(1, where[:, :, None].expand(-1, -1, states.shape[2])))
        x = torch.where(is_symbol[:, :, None], symbol, pointed)
        x = torch.cat([self.beginning.expand(count, 1, -1), x], 1)
        h, _ = self.decoder(self.drop(x), start[None])
        split = (count, -1, HEADS, DECODER // HEADS)
        query, keys, values = (
            t.view(*split).transpose(1, 2) for t in (self.query(h), self.keys(states), self.values(states))
        )
        outside = torch.arange(length)[None] >= batch.lengths[:, None]
        scores = query @ keys.transpose(2, 3) / math.sqrt(DECODER / HEADS)
        scores = scores.masked_fill(outside[:, None, None], -1e9)
        seen = (scores.softmax(-1) @ values).transpose(1, 2).reshape(count, steps, DECODER)
        out = torch.tanh(self.out(torch.cat([h, seen], 2)))
        out = self.drop(out)
        points = self.point(out) @ self.points(states).transpose(1, 2)
        logits = torch.cat([self.say(out), points.masked_fill(outside[:, None], -1e4)], 2)
        flat = functional.cross_entropy(
            logits.flatten(0, 1), batch.pieces.flatten(), ignore_index=-100, reduction="none"
        )
        real = (batch.pieces >= 0).float()
        losses = (flat.view_as(real) * real).sum(1)
        return (losses * batch.weights).sum() / batch.weights.sum()


def batch_of(examples: Sequence[Example], rng: Random | None = None) -> Batch:
    """Return padded arrays. rng: drops all tags of some sentences, so that the network can do without the table."""
    length = max(len(e.inputs.words) for e in examples)
    steps = max(len(e.pieces) for e in examples)
    words = torch.zeros(len(examples), length, dtype=torch.long)
    pieces = torch.full((len(examples), steps), -100, dtype=torch.long)
    flat: dict[str, list[int]] = {"ngrams": [], "tags": []}
    ends: dict[str, list[int]] = {"ngrams": [], "tags": []}
    for row, e in enumerate(examples):
        words[row, : len(e.inputs.words)] = torch.tensor(e.inputs.words)
        pieces[row, : len(e.pieces)] = torch.tensor(e.pieces)
        bare = rng is not None and rng.random() < TAG_DROP
        for name, lists in (("ngrams", e.inputs.ngrams), ("tags", e.inputs.tags)):
            for at in range(length):
                ends[name].append(len(flat[name]))
                if at < len(lists):
                    flat[name] += lists[at][:2] if bare and name == "tags" else lists[at]
    made = {name: torch.tensor(values, dtype=torch.long) for name, values in flat.items()}
    made_ends = {name: torch.tensor(values, dtype=torch.long) for name, values in ends.items()}
    lengths = torch.tensor([len(e.inputs.words) for e in examples])
    weights = torch.tensor([e.weight for e in examples])
    return Batch(words, made["ngrams"], made_ends["ngrams"], made["tags"], made_ends["tags"], lengths, pieces, weights)


def batches(examples: Sequence[Example], rng: Random) -> Iterator[Batch]:
    """Yield all examples once, those of like length together."""
    order = sorted(range(len(examples)), key=lambda n: len(examples[n].inputs.words) + rng.random() * 4)
    groups = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
    rng.shuffle(groups)
    for group in groups:
        yield batch_of([examples[n] for n in group], rng)


def train(
    model: Reader,
    examples: Sequence[Example],
    epochs: int,
    seed: int,
    each: Callable[[int], None],
    step_size: float = 2.5e-3,
    state: Path | None = None,
) -> None:
    """Train in place; the weights of the last third of the steps are averaged into the result. each: called every EACH
    steps with the number of the step, such as to write a checkpoint. state: file that is written as often and resumed
    from where it is there; a step's data and dropout depend on seed and step only, so that a resumed course gives the
    same weights. Raises ValueError where the file is of another course."""
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=step_size, weight_decay=0.01)
    total = epochs * math.ceil(len(examples) / BATCH)
    course = f"{len(examples)} sentences, {epochs} epochs, seed {seed}, step size {step_size:g}"
    began, done, recent = time.time(), 0, 0.0
    average: dict[str, Tensor] = {}
    if state and state.exists():
        done, recent, average = _resume(state, course, model, optimiser)
        print(f"resumed at step {done}", flush=True)
    step = 0
    for epoch in range(epochs):
        for batch in batches(examples, Random(seed * 1_000 + epoch)):
            step += 1
            if step <= done:
                continue
            torch.manual_seed(seed * 1_000_003 + step)
            model.train()
            for group in optimiser.param_groups:
                group["lr"] = step_size * min(1.0, step / 200) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / total)))
            loss = model(batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(trained, CLIP)
            optimiser.step()
            recent += (float(loss.detach()) - recent) * max(0.01, 1 / step)
            if step > total * 0.7:
                share = max(0.002, 1 / (step - math.floor(total * 0.7)))  # a mean, of the last 500 steps or so
                for name, value in model.state_dict().items():
                    average[name] = average[name].lerp_(value, share) if name in average else value.clone()
            if step % 50 == 0:
                print(f"step {step}/{total} loss {recent:.3f} {time.time() - began:.0f} s", flush=True)
            if step % EACH == 0:
                if state:
                    _keep(state, course, model, optimiser, (step, recent, average))
                each(step)
    if average:
        model.load_state_dict(average)


def _keep(
    state: Path, course: str, model: Reader, optimiser: torch.optim.AdamW, so_far: tuple[int, float, dict[str, Tensor]]
) -> None:
    step, recent, average = so_far
    kept = {"course": course, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
    beside = state.with_name(f"{state.name}.new")
    torch.save({**kept, "step": step, "recent": recent, "average": average}, beside)
    beside.replace(state)


def _resume(
    state: Path, course: str, model: Reader, optimiser: torch.optim.AdamW
) -> tuple[int, float, dict[str, Tensor]]:
    kept = torch.load(state, weights_only=True)
    if kept["course"] != course:
        raise ValueError(f"{state} is of another course ({kept['course']}, not {course}); delete it or name another")
    model.load_state_dict(kept["model"])
    optimiser.load_state_dict(kept["optimiser"])
    return kept["step"], kept["recent"], kept["average"]


def save(
    model: Reader, path: Path, vocabulary: Sequence[str], known: int, symbols: Sequence[str], meta: dict[str, str]
) -> None:
    """Write the weights as network.py reads them: tables as int8 with a scale a row, the rest as float16."""
    w = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    out: dict[str, NDArray[np.generic]] = {"vocabulary": np.frombuffer("\n".join(vocabulary).encode(), np.uint8)}
    for name in ("ngrams", "tags", "vectors"):
        rows = w[f"{name}.weight"]
        scale = np.maximum(np.abs(rows).max(1), 1e-6) / 127
        out[name] = np.round(rows / scale[:, None]).astype(np.int8)
        out[f"{name}.scale"] = scale.astype(np.float16)
    half: dict[str, NDArray[np.float32]] = {"project": w["project.weight"].T}
    for layer in ("one", "two"):
        for way, suffix in (("f", ""), ("b", "_reverse")):
            half[f"{layer}.{way}.in"] = w[f"{layer}.weight_ih_l0{suffix}"].T
            half[f"{layer}.{way}.bias"] = w[f"{layer}.bias_ih_l0{suffix}"]
        half[f"{layer}.again"] = np.stack([w[f"{layer}.weight_hh_l0{s}"].T for s in ("", "_reverse")])
        half[f"{layer}.again.bias"] = np.stack([w[f"{layer}.bias_hh_l0{s}"][None] for s in ("", "_reverse")])
    for name in ("keys", "values", "points", "point", "query"):
        half[name] = w[f"{name}.weight"].T
    for name in ("begin", "out", "say"):
        half[name], half[f"{name}.bias"] = w[f"{name}.weight"].T, w[f"{name}.bias"]
    half |= {
        "pieces": w["pieces.weight"],
        "beginning": w["beginning"],
        "pointed": w["pointed"],
        "pointed.from": w["pointed_from.weight"].T,
    }
    half |= {
        "decoder.in": w["decoder.weight_ih_l0"].T,
        "decoder.bias": w["decoder.bias_ih_l0"],
        "decoder.again": w["decoder.weight_hh_l0"].T,
        "decoder.again.bias": w["decoder.bias_hh_l0"],
    }
    out |= {name: np.ascontiguousarray(value).astype(np.float16) for name, value in half.items()}
    save_file(
        {name: np.ascontiguousarray(value) for name, value in out.items()},
        str(path),
        {**meta, "version": VERSION, "known": str(known), "symbols": json.dumps(list(symbols))},
    )


def restore(model: Reader, path: Path) -> None:
    """Load weights that `save` wrote, to train them further; the word vectors stay those of the model."""
    with safe_open(str(path), framework="numpy") as file:
        stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    w = {name: torch.tensor(np.asarray(value, np.float32)) for name, value in stored.items() if name != "vocabulary"}
    state = model.state_dict()
    for name in ("ngrams", "tags"):
        state[f"{name}.weight"] = w[name] * w[f"{name}.scale"][:, None]
    state["project.weight"] = w["project"].T
    for layer in ("one", "two"):
        for number, (way, suffix) in enumerate((("f", ""), ("b", "_reverse"))):
            state[f"{layer}.weight_ih_l0{suffix}"], state[f"{layer}.bias_ih_l0{suffix}"] = (
                w[f"{layer}.{way}.in"].T,
                w[f"{layer}.{way}.bias"],
            )
            state[f"{layer}.weight_hh_l0{suffix}"] = w[f"{layer}.again"][number].T
            state[f"{layer}.bias_hh_l0{suffix}"] = w[f"{layer}.again.bias"][number][0]
    for name in ("keys", "values", "points", "point", "query"):
        state[f"{name}.weight"] = w[name].T
    for name in ("begin", "out", "say"):
        state[f"{name}.weight"], state[f"{name}.bias"] = w[name].T, w[f"{name}.bias"]
    state |= {
        "pieces.weight": w["pieces"],
        "beginning": w["beginning"],
        "pointed": w["pointed"],
        "pointed_from.weight": w["pointed.from"].T,
    }
    state |= {"decoder.weight_ih_l0": w["decoder.in"].T, "decoder.bias_ih_l0": w["decoder.bias"]}
    state |= {"decoder.weight_hh_l0": w["decoder.again"].T, "decoder.bias_hh_l0": w["decoder.again.bias"]}
    model.load_state_dict(state)
