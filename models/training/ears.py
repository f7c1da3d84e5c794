"""Train the ear network on CPU: `python -m models.train ears`. Seeded, resumable, Ctrl-C keeps what is learnt."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load as arrays_from_bytes
from torch import nn

from listener import weight_file
from listener.ears.frontend import (
    BANDS,
    FINE_AGO,
    FINE_BINS,
    LONG_AGO,
    LONG_BINS,
    LOWEST,
    POWER_FLOOR,
    SIZE,
    VIEWS,
)
from listener.paths import WEIGHTS as LISTENER_WEIGHTS
from models import checkpoint
from models.paths import CHECKPOINTS, DATA_CACHE
from models.sounds.ears_corpus import AGES, build, load_bank
from models.training.ears_net import PITCHES, EarConfig, EarNet, card, grow, joined_with

CORPUS, HELD_OUT = DATA_CACHE / "ears", DATA_CACHE / "ears_val"
STATE = CHECKPOINTS / "ears.pt"
WEIGHTS = LISTENER_WEIGHTS / "ears"
HELD_OUT_ITEMS, HELD_OUT_SEED = 64, 99
SILENT_BAND = (np.log10(POWER_FLOOR) + 5) / 2  # as FrontEnd writes it
WARMUP_HOPS = 30  # of a segment not learnt from: the past is missing there
MEET_EVERY, MEET_S = 10, 120.0  # and how long a replica waits for the others (local SGD, Stich 2019)
WARMUP_STEPS, SAVE_EVERY, CLIP = 60, 50, 1.0


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of the ear network's training."""

    steps: int = 2000
    batch: int = 24
    hops: int = 600  # per segment: 2 s
    learning_rate: float = 1e-3
    seed: int = 0
    threads: int = 1
    bfloat16: int = 1  # 0: multiply in float32, half as fast
    age_weight: float = 2.0  # of the onsets' loss beside the pitches'
    replicas: int = 1  # processes, each with a batch of its own, whose weights are averaged every MEET_EVERY steps
    replica: int = 0
    drum_weight: float = 0.5  # of the drum hits' loss beside those of ages and pitches


Item = tuple[NDArray[np.float16], NDArray[np.int8], NDArray[np.int8], NDArray[np.int8]]  # features, age, pitch, hit
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Corpus:
    """Holds items in memory; `refresh` adds what has been written since."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._seen = folder, set[str]()
        self.items: list[Item] = []
        self.refresh()

    def refresh(self) -> None:
        for path in sorted(self._folder.glob("*.npz")):
            if path.name not in self._seen:
                self._seen.add(path.name)
                with np.load(path) as item:
                    self.items.append((item["x"], item["age"], item["pitch"], item["hit"]))

    def batch(self, config: TrainConfig, rng: np.random.Generator) -> Batch:
        cuts: list[Item] = []
        for _ in range(config.batch):
            item = self.items[int(rng.integers(len(self.items)))]
            start = int(rng.integers(len(item[1]) - config.hops + 1)) if rng.random() > 0.15 else 0
            x, age, pitch, hit = item
            cut = slice(start, start + config.hops)
            cuts.append((with_rises(x, cut), age[cut], pitch[cut], hit[cut]))
        return to_tensors(cuts)


def to_tensors(items: Sequence[Item]) -> Batch:
    x, age, pitch, hit = (np.stack(part) for part in zip(*items, strict=True))
    return (
        torch.from_numpy(x.astype(np.float32)),
        torch.from_numpy(age.astype(np.int64)),
        torch.from_numpy(to_class(pitch)),
        torch.from_numpy(hit.astype(np.int64)),
    )


def with_rises(x: NDArray[np.float16], cut: slice) -> NDArray[np.float16]:
    """Return the features of some hops of an item, and the rises that FrontEnd computes of them."""
    if x.shape[1] == SIZE:
        return x[cut]
    spectra = ((x[:, BANDS - LONG_BINS : BANDS], LONG_AGO), (x[:, VIEWS - FINE_BINS : VIEWS], FINE_AGO))
    parts = [x[cut]]
    for spectrum, every in spectra:
        for ago in every:
            before = spectrum[max(cut.start - ago, 0) : max(cut.stop - ago, 0)]
            silence = np.full((cut.stop - cut.start - len(before), spectrum.shape[1]), SILENT_BAND, np.float16)
            parts.append(spectrum[cut] - np.concatenate([silence, before]))
    return np.concatenate(parts, 1)


def to_class(pitch: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return the class (0 none, -1 not taught) of a MIDI number (0 none, -1 not taught)."""
    out = pitch.astype(np.int64)
    return np.where(out > 0, np.clip(out - LOWEST + 1, 1, PITCHES), out)


def losses(net: EarNet, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the cross entropies of age, pitch and drum age, nats per hop."""
    x, age, pitch, hit = batch
    ages, pitches, drums = net(x)
    cross = nn.functional.cross_entropy
    w = WARMUP_HOPS
    return (
        cross(ages[:, w:].float().flatten(0, 1), age[:, w:].flatten()),
        cross(pitches[:, w:].float().flatten(0, 1), pitch[:, w:].flatten(), ignore_index=-1),
        cross(drums[:, w:].float().flatten(0, 1), hit[:, w:].flatten()),
    )


@torch.no_grad()
def held_out(net: EarNet, corpus: Corpus) -> dict[str, float]:
    """Return mean losses, and the share of hops whose pitch is right 30-60 ms after an onset and later.

    "drums_": the same losses on the items with drums alone.
    """
    sums: dict[str, list[float]] = {name: [] for name in ("age", "pitch", "drum", "drums_age", "drums_pitch")}
    right, early = [], []
    for item in corpus.items:
        batch = to_tensors([(with_rises(item[0], slice(0, len(item[1]))), *item[1:])])
        age, pitch, drum = (float(v) for v in losses(net, batch))
        here = {"age": age, "pitch": pitch, "drum": drum}
        for name, value in here.items() if (item[3] == AGES).all() else (*here.items(), *_among_drums(here)):
            sums[name].append(value)
        best, target = net(batch[0])[1][0].argmax(-1), batch[2][0]
        known = target > 0
        right.append((best == target)[known].float())
        soon = known & (batch[1][0] < AGES) & (batch[1][0] >= 9)
        early.append((best == target)[soon].float())
    means = {name: float(torch.cat(v).mean()) for name, v in (("right", right), ("right_30_50_ms", early))}
    return {name: float(np.mean(values)) for name, values in sums.items()} | means


def _among_drums(here: dict[str, float]) -> list[tuple[str, float]]:
    return [(f"drums_{name}", here[name]) for name in ("age", "pitch")]


def rate(step: int, config: TrainConfig) -> float:
    if step < WARMUP_STEPS:
        return (step + 1) / WARMUP_STEPS
    return 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * step / config.steps)))


def train(config: TrainConfig, grown: Path | None = None, join: Path | None = None) -> None:
    """Train, and write the weights.

    grown: path stem of weights to begin with, of a smaller net or the same. join: of older weights that shall have a
    say in the pitch.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    corpus, kept = Corpus(CORPUS), Corpus(HELD_OUT)
    if len(corpus.items) < config.batch:
        raise SystemExit(f"{CORPUS}: {len(corpus.items)} items; make some with --build 3000")
    net = EarNet(EarConfig())
    if grown:
        file = weight_file.read(grown, "ears")
        grow(net, EarConfig(), arrays_from_bytes(file.data), file.config)
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=1e-3)
    first = 0
    if STATE.exists():
        state = torch.load(STATE, weights_only=True)
        first = int(state["step"])
        net.load_state_dict(state["net"])
        optimiser.load_state_dict(state["optimiser"])
        print(f"going on from step {first}", flush=True)
    began, done = time.monotonic(), first
    try:
        for step in range(first, config.steps):
            rng = np.random.default_rng((config.seed, step, config.replica))
            for group in optimiser.param_groups:
                group["lr"] = config.learning_rate * rate(step, config)
            with torch.autocast("cpu", torch.bfloat16, bool(config.bfloat16)):
                a, p, d = losses(net, corpus.batch(config, rng))
            optimiser.zero_grad()
            torch.autograd.backward(config.age_weight * a + p + config.drum_weight * d)
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            optimiser.step()
            done = step + 1
            if config.replicas > 1 and done % MEET_EVERY == 0:
                meet(net, config, done)
            if done % 20 == 0:
                print(
                    f"{done}/{config.steps} age {a:.4f} pitch {p:.4f} drum {d:.4f} {time.monotonic() - began:.0f} s",
                    flush=True,
                )
            if done % SAVE_EVERY == 0:
                corpus.refresh()
                _keep(net, optimiser, done, config)
            if done % 200 == 0 and not config.replica:
                print(f"held out {held_out(net, kept)} items {len(corpus.items)}", flush=True)
    except KeyboardInterrupt:
        print("stopped; run again to go on", flush=True)
    _keep(net, optimiser, done, config)
    if config.replica:
        return
    figures = held_out(net, kept)
    sizes = EarConfig()
    if join:
        file = weight_file.read(join, "ears")
        net = joined_with(net, arrays_from_bytes(file.data), file.config)
        sizes = replace(sizes, dense=net.dense.out_features, hidden=net.gru.hidden_size, head=net.head.out_features)
        figures = held_out(net, kept)
    sha = checkpoint.save(
        WEIGHTS,
        net.state_dict(),
        asdict(sizes),
        card(sizes, asdict(config), done, len(corpus.items), figures, len(kept.items)),
        "ears",
    )
    print(f"wrote {WEIGHTS}.safetensors {sha[:12]} {figures}", flush=True)


@torch.no_grad()
def meet(net: EarNet, config: TrainConfig, step: int) -> None:
    """Take the mean of the replicas' weights at this step; go on alone when the others are late."""
    folder = STATE.parent / "replicas"
    folder.mkdir(parents=True, exist_ok=True)
    mine = folder / f"{step}-{config.replica}"
    torch.save(net.state_dict(), mine.with_suffix(".part"))
    mine.with_suffix(".part").rename(mine.with_suffix(".pt"))
    (folder / f"{step - 2 * MEET_EVERY}-{config.replica}.pt").unlink(missing_ok=True)
    others = [folder / f"{step}-{replica}.pt" for replica in range(config.replicas)]
    until = time.monotonic() + MEET_S
    while not all(path.exists() for path in others) and time.monotonic() < until:
        time.sleep(0.05)
    states = [torch.load(path, weights_only=True) for path in others if path.exists()]
    net.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})


def _keep(net: EarNet, optimiser: torch.optim.Optimizer, step: int, config: TrainConfig) -> None:
    """Write the state to go on from; the other replicas of a run begin from the first one's."""
    if config.replica:
        return
    STATE.parent.mkdir(exist_ok=True)
    torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, STATE.with_suffix(".part"))
    STATE.with_suffix(".part").rename(STATE)


def build_corpus(count: int, first: int, seed: int) -> None:
    """Write what is missing of the corpus, and of its held-out part. Raises FileNotFoundError without the data."""
    held = load_bank(("TimGM6mb",), recorded=False, seed=HELD_OUT_SEED, split="test")
    build(HELD_OUT, held, range(HELD_OUT_ITEMS), HELD_OUT_SEED)
    build(CORPUS, load_bank(split="train"), range(first, first + count), seed)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.train ears", description=__doc__)
    parser.add_argument("--build", type=int, default=0, metavar="N", help="first make N items of 8 s (0.4 CPU-s each)")
    parser.add_argument("--grow", type=Path, metavar="STEM", help="begin with these weights, not at random")
    parser.add_argument("--join", type=Path, metavar="STEM", help="let these older weights have a say in the pitch")
    parser.add_argument("--first", type=int, default=0, help="number of the first item made")
    defaults = TrainConfig()
    for name, value in asdict(defaults).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options = vars(parser.parse_args(argv))
    count, first = options.pop("build"), options.pop("first")
    grown, join = options.pop("grow"), options.pop("join")
    config = TrainConfig(**options)
    if count:
        build_corpus(count, first, config.seed)
    train(config, grown, join)
    return 0


if __name__ == "__main__":
    sys.exit(main())
