"""Backbones on a public task: nats per frame on JSB Chorales and Nottingham: `python benchmarks/counterpoint.py
[--quick]`.

The protocol is that of Bai et al. 2018 (arXiv:1803.01271; locuslab/TCN, poly_music/music_test.py):
Boulanger-Lewandowski's splits, frame t + 1 predicted from the frames up to t, the binary cross entropies of the 88 keys
summed, then the sum over all predicted frames of all pieces divided by their number (their `total_loss / count`: by
frame, not by piece). Theirs are the published rows. Ours: the best epoch's averaged weights by validation, the test set
scored once per row. Rows marked NADE let a key see the lower keys of its own frame: another model class, beside the
protocol's independent keys.
"""

from __future__ import annotations

import argparse
import copy
import math
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before NumPy: a matrix product of a tick waits for a second thread

import numpy as np  # noqa: E402
import torch  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from scipy.io import loadmat  # noqa: E402
from torch import Tensor  # noqa: E402
from tqdm import tqdm  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks import results  # noqa: E402
from benchmarks.baselines.pianoroll import KEYS, OUTPUTS, sized  # noqa: E402
from models.backbones import registry as backbones  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "counterpoint"
SPLITS = ("train", "valid", "test")
PUBLISHED = {  # nats per frame; Bai et al. 2018, table 1
    "JSB_Chorales": {"TCN": 8.10, "LSTM": 8.45, "GRU": 8.43, "RNN": 8.91},
    "Nottingham": {"TCN": 3.07, "LSTM": 3.29, "GRU": 3.46, "RNN": 4.05},
}
SHIFTS = range(-5, 7)  # semitones: each key of the octave once; nearly every piece ends on C already, in all splits
Rolls = list[NDArray[np.uint8]]  # per piece [T, 88]


@dataclass(frozen=True)
class Recipe:
    """How one data set is learned; every number was chosen on its validation split."""

    parameters: int
    layers: int
    dropout: float
    learning_rate: float
    weight_decay: float
    epochs: int
    batch_frames: int
    transposed: float = 0.0  # share of the pieces that an epoch hears in another key
    averaging: float = 0.99  # of the weights, per update
    seed: int = 0


RECIPES = {
    "JSB_Chorales": Recipe(200_000, 2, 0.3, 4e-3, 0.1, 120, 448, transposed=0.7),
    "Nottingham": Recipe(300_000, 2, 0.2, 4e-3, 0.05, 12, 1536, transposed=0.3),
}
QUICK_EPOCHS = 2
Figures = dict[str, Any]  # name with unit -> number


def load(name: str) -> dict[str, Rolls]:
    """Split -> pieces [T, 88] of one data set."""
    raw = loadmat(DATA / f"{name}.mat")
    return {split: list(raw[f"{split}data"][0]) for split in SPLITS}


def per_frame(nats: list[float], rolls: Rolls) -> float:
    """Bai et al.'s average: all pieces' nats over all their predicted frames."""
    return sum(nats) / sum(len(roll) - 1 for roll in rolls)


def cross_entropy(keys: NDArray[np.uint8], p: NDArray[np.float64]) -> float:
    return float(-np.where(keys, np.log(p), np.log1p(-p)).sum())


def key_frequencies(train: Rolls, rolls: Rolls) -> float:
    """The rule that every frame has each key with its share of the training frames."""
    seen = np.concatenate(train)
    p = (seen.sum(0) + 0.5) / (len(seen) + 1)
    return per_frame([cross_entropy(roll[1:], np.tile(p, (len(roll) - 1, 1))) for roll in rolls], rolls)


def repeat_last(train: Rolls, rolls: Rolls) -> float:
    """The rule that a frame is the last one again: per key, how often it stayed on and how often it came on."""
    before, after = (np.concatenate([roll[cut] for roll in train]) for cut in (slice(-1), slice(1, None)))
    stay, come = (((after * now).sum(0), now.sum(0)) for now in (before, 1 - before))
    p_stay, p_come = (smoothed(hits, total) for hits, total in (stay, come))
    p = [np.where(roll[:-1], p_stay, p_come) for roll in rolls]
    return per_frame([cross_entropy(roll[1:], each) for roll, each in zip(rolls, p, strict=True)], rolls)


def smoothed(hits: NDArray[np.int64], total: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each key's share of hits, drawn to all keys' as if by 5 more frames; never 0 or 1."""
    return np.clip((hits + 5 * hits.sum() / total.sum()) / (total + 5), 1e-5, 1 - 1e-5)


def padded(rolls: Rolls) -> tuple[Tensor, Tensor]:
    """(frames [B, T, 88], mask [B, T - 1] of what is to be predicted)."""
    lengths = torch.tensor([len(roll) for roll in rolls])
    frames = torch.zeros(len(rolls), int(lengths.max()), KEYS)
    for row, roll in enumerate(rolls):
        frames[row, : len(roll)] = torch.from_numpy(roll.astype(np.float32))
    return frames, torch.arange(1, frames.shape[1]) < lengths[:, None]


def transposed(rolls: Rolls, share: float, rng: np.random.Generator) -> Rolls:
    """The pieces, a share of them shifted by up to half an octave; the outer keys that wrap around are silent ones."""
    shifts = rng.choice(SHIFTS, len(rolls)) * (rng.random(len(rolls)) < share)
    return [np.roll(roll, shift, 1) for roll, shift in zip(rolls, shifts, strict=True)]


def batches(rolls: Rolls, batch_frames: int, rng: np.random.Generator | None = None) -> Iterator[Rolls]:
    """Pieces of like length together, up to batch_frames a batch; with rng in random order."""
    jitter = rng.uniform(0.9, 1.1, len(rolls)) if rng else np.ones(len(rolls))
    order = np.argsort([len(roll) for roll in rolls] * jitter)
    groups: list[list[int]] = [[]]
    for index in order:
        if groups[-1] and len(rolls[index]) * (len(groups[-1]) + 1) > batch_frames:
            groups.append([])
        groups[-1].append(int(index))
    for group in rng.permutation(len(groups)) if rng else range(len(groups)):
        yield [rolls[index] for index in groups[group]]


def score(net: torch.nn.Module, rolls: Rolls) -> float:
    """Nats per frame."""
    net.eval()
    with torch.inference_mode():
        nats = [float((net(frames) * mask).sum()) for frames, mask in map(padded, batches(rolls, 4096))]
    return per_frame(nats, rolls)


def averaged(average: torch.nn.Module, net: torch.nn.Module, share: float) -> None:
    """average <- share of itself + the rest of net (Polyak)."""
    with torch.no_grad():
        for kept, now in zip(average.parameters(), net.parameters(), strict=True):
            kept.lerp_(now, 1 - share)


def train(net: torch.nn.Module, data: dict[str, Rolls], recipe: Recipe, label: str) -> tuple[torch.nn.Module, float]:
    """(the averaged weights of the epoch with the best validation score, that score)."""
    rng, done = np.random.default_rng(recipe.seed), 0
    optimizer = torch.optim.AdamW(net.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    average, best, best_score = copy.deepcopy(net), net, np.inf
    for epoch in tqdm(range(recipe.epochs), label, file=sys.stderr):
        net.train()
        heard = transposed(data["train"], recipe.transposed, rng)
        groups = list(batches(heard, recipe.batch_frames, rng))
        for index, rolls in enumerate(groups):
            update(
                net, rolls, optimizer, recipe.learning_rate * annealed((epoch + index / len(groups)) / recipe.epochs)
            )
            averaged(average, net, min(recipe.averaging, (done + 1) / (done + 10)))
            done += 1
        now = score(average, data["valid"])
        tqdm.write(f"{label} epoch {epoch + 1}: valid {now:.3f}", file=sys.stderr)
        if now < best_score:
            best, best_score = copy.deepcopy(average), now
    return best, float(best_score)


def annealed(progress: float) -> float:
    """The share of the learning rate at 0 <= progress <= 1: a short rise, then a cosine to 0."""
    return min(1.0, progress / 0.05 + 0.01) * 0.5 * (1 + math.cos(math.pi * progress))


def update(net: torch.nn.Module, rolls: Rolls, optimizer: torch.optim.Optimizer, learning_rate: float) -> None:
    optimizer.param_groups[0]["lr"] = learning_rate
    frames, mask = padded(rolls)
    loss = (net(frames) * mask).sum() / mask.sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    optimizer.step()


def rules(name: str, data: dict[str, Rolls], appending: bool) -> None:
    """The published rows and the trivial rules."""
    for system, figure in PUBLISHED[name].items():
        print(f"{name:<13} {system + ' (Bai et al. 2018)':<38} {'':>9} {figure:8.3f}")
    for system, rule in (("key frequencies", key_frequencies), ("repeat the last frame", repeat_last)):
        figures = {f"{split}_nats_per_frame": round(rule(data["train"], data[split]), 4) for split in SPLITS[1:]}
        report(name, system, figures, appending)


def report(name: str, system: str, figures: Figures, appending: bool) -> None:
    valid, test = figures["valid_nats_per_frame"], figures["test_nats_per_frame"]
    size = figures.get("parameters", 0)
    print(f"{name:<13} {system:<38} {valid:9.3f} {test:8.3f} {size or '':>12}", flush=True)
    if appending:
        results.append("counterpoint", f"{name}: {system}", figures)


def learned(name: str, backbone: str, output: str, data: dict[str, Rolls], recipe: Recipe, appending: bool) -> None:
    """Train one row, score the test split once."""
    torch.manual_seed(recipe.seed)
    start = time.process_time()
    net = sized(backbone, recipe.parameters, recipe.layers, recipe.dropout, output)
    best, valid = train(net, data, recipe, f"{name} {backbone} {output}")
    figures = {
        "valid_nats_per_frame": round(valid, 4),
        "test_nats_per_frame": round(score(best, data["test"]), 4),
        "parameters": backbones.parameters(best),
        "cpu_s": round(time.process_time() - start),
        **{f"recipe_{key}": value for key, value in asdict(recipe).items()},
    }
    report(name, f"{backbone.upper()}, {output}", figures, appending)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_EPOCHS} epochs a row, nothing appended")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    parser.add_argument("--data", choices=sorted(RECIPES), nargs="*", default=sorted(RECIPES))
    parser.add_argument("--backbone", choices=sorted(backbones.BACKBONES), nargs="*", default=["lstm", "ssm"])
    parser.add_argument("--output", choices=sorted(OUTPUTS), nargs="*", default=["bernoulli", "nade"])
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'data':<13} {'system':<38} {'valid':>9} {'test':>8} {'parameters':>12}   (nats per frame)")
    for name in args.data:
        data = load(name)
        recipe = replace(RECIPES[name], epochs=QUICK_EPOCHS) if args.quick else RECIPES[name]
        appending = not (args.quick or args.dry)
        rules(name, data, appending)
        for output in args.output:
            for backbone in args.backbone:
                learned(name, backbone, output, data, recipe, appending)
    return 0


if __name__ == "__main__":
    sys.exit(main())
