"""Train the drummer's timing: `python -m models.train timing`, Groove MIDI Dataset -> models/weights/timing.*

Resumable: checkpoints/timing.pt holds everything, Ctrl-C writes it; each step has a seed of its own, so that a resumed
run gives the same result. The weights shipped are those with the best validation loss.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from models.corpus.styles import style_of
from models.music.dials import STYLES
from models.music.tokens import LEVEL_STARTS
from models.paths import CHECKPOINTS
from models.timing import drum_timing, groove_dataset
from models.timing.groove_dataset import LOOSE, Take
from models.timing.net import TimingNet, rows
from models.timing.shape import INPUT_DIM, LATE_LIMIT_MS, SWING_RANGE, UNKNOWN, Feel, TimingConfig
from models.training.codec_scores import commit

RUN = CHECKPOINTS / "timing.pt"
CLOCK_TICKS = 4 / 480  # the recordings' resolution, in 16ths: offsets are spread over it to have a density


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of the timing's training.

    batch: crops of `length` hits. rate: peak learning rate, cosine to a twentieth by the end. *_share: of crops.
    """

    steps: int = 2200
    batch: int = 32
    length: int = 192
    rate: float = 4e-3
    warmup: int = 100
    weight_decay: float = 0.02
    clip: float = 1.0
    valid_every: int = 200
    known_share: float = 0.5  # that swing is given, and that lateness is
    style_share: float = 0.7
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    x [B, N, INPUT_DIM], residual_ms [B, N], tick_ms [B, 1], velocity and level [B, N], weight [B, N] 0 where padded.
    """

    x: Tensor
    residual_ms: Tensor
    tick_ms: Tensor
    velocity: Tensor
    level: Tensor
    weight: Tensor


def feel_of(take: Take) -> Feel:
    """Return the take's own feel, as measured: swing, and the mean lateness of its hits with the swing removed."""
    swing = None if take.swing is None else float(np.clip(take.swing, *SWING_RANGE))
    late = take.offset_ms - Feel(swing).expected_ms(_in_bar(take), take.meter, take.tick_ms)
    return Feel(swing, float(np.clip(late.mean(), -LATE_LIMIT_MS, LATE_LIMIT_MS)))


def _in_bar(take: Take) -> NDArray[np.int64]:
    return np.asarray(take.tick % (take.meter.numerator * 16 // take.meter.denominator))


def residual_ms(take: Take, feel: Feel) -> NDArray[np.float64]:
    """Return what of the offsets is left to be drawn once swing and lateness are known, [N]."""
    return np.asarray(take.offset_ms - feel.expected_ms(_in_bar(take), take.meter, take.tick_ms))


def style_name(take: Take) -> str | None:
    found = style_of(take.style)
    return found if found in STYLES else None


def spread(take: Take, rng: np.random.Generator) -> Take:
    """Move the offsets at random within the clock's resolution."""
    return replace(take, offset=take.offset + rng.uniform(-CLOCK_TICKS / 2, CLOCK_TICKS / 2, len(take)))


def cut(take: Take, start: int, length: int) -> Take:
    part = slice(start, start + length)
    return replace(
        take, tick=take.tick[part], piece=take.piece[part], velocity=take.velocity[part], offset=take.offset[part]
    )


def collate(takes: list[Take], feels: list[Feel], styles: list[str | None]) -> Batch:
    """Batch takes of any length, padded with unscored zeros."""
    length = max(map(len, takes))
    wide = [np.zeros((len(takes), length, INPUT_DIM), np.float32)]
    wide += [np.zeros((len(takes), length), np.float32) for _ in range(4)]
    for index, (take, feel, style) in enumerate(zip(takes, feels, styles, strict=True)):
        residual = residual_ms(take, feel)
        found: list[Any] = [rows(take, residual, style, feel), residual, take.velocity]
        found += [np.searchsorted(LEVEL_STARTS, take.velocity, "right"), 1]
        for array, values in zip(wide, found, strict=True):
            array[index, : len(take)] = values
    x, residuals, velocity, level, weight = map(torch.from_numpy, wide)
    tick_ms = torch.tensor([[take.tick_ms] for take in takes], dtype=torch.float32)
    return Batch(x, residuals, tick_ms, velocity.long().clamp(min=1), level.long().clamp(min=1), weight)


class Sampler:
    """Draws crops of training takes by their number of hits; step n's batch depends on seed and n alone."""

    def __init__(self, takes: list[Take], config: TrainConfig) -> None:
        self._takes, self._config = takes, config
        self._feels, self._styles = [feel_of(t) for t in takes], [style_name(t) for t in takes]
        counts = np.array([len(t) for t in takes], float)
        self._share = counts / counts.sum()

    def batch(self, step: int) -> Batch:
        config, rng = self._config, np.random.default_rng((self._config.seed, step))
        crops, feels, styles = [], [], []
        for index in rng.choice(len(self._takes), config.batch, p=self._share):
            take, feel = self._takes[index], self._feels[index]
            start = int(rng.integers(0, max(len(take) - config.length, 0) + 1)) if rng.random() < 0.8 else 0
            crops.append(spread(cut(take, start, config.length), rng))
            known = rng.random(3) < (config.known_share, config.known_share, config.style_share)
            feels.append(Feel(feel.swing if known[0] else None, feel.late_ms if known[1] else None))
            styles.append(self._styles[index] if known[2] else None)
        return collate(crops, feels, styles)


def nats(net: TimingNet, batch: Batch) -> tuple[Tensor, Tensor]:
    """Return (offset, velocity) nats per hit, each [B, N]; 0 where padded. Offsets: of a density per ms."""
    offset, logits = net(batch.x, batch.residual_ms, batch.tick_ms)
    return offset * batch.weight, net.velocity_nats(logits, batch.velocity, batch.level) * batch.weight


def evaluate(net: TimingNet, takes: list[Take], known: bool = False) -> dict[str, float]:
    """Return nats per hit over whole takes; known: the take's swing and lateness are given."""
    net.eval()
    rng, total, hits = np.random.default_rng(0), np.zeros(2), 0
    order = sorted(takes, key=len)
    with torch.inference_mode():
        for group in (order[first : first + 8] for first in range(0, len(order), 8)):
            feels = [feel_of(t) if known else UNKNOWN for t in group]
            batch = collate([spread(t, rng) for t in group], feels, [style_name(t) for t in group])
            total += [float(n.double().sum()) for n in nats(net, batch)]
            hits += sum(map(len, group))
    return {"offset": float(total[0] / hits), "velocity": float(total[1] / hits)}


class Run:
    """One training run: network, optimiser, clock; what a checkpoint holds."""

    def __init__(self, config: TrainConfig, net: TimingConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.net = config, TimingNet(net)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), config.rate, weight_decay=config.weight_decay)
        self.held: dict[str, Any] = {"step": 0, "cpu_s": 0.0, "best": math.inf, "best_weights": {}, "history": []}
        self.held["commit"] = commit()

    def train_step(self, batch: Batch) -> float:
        step, config = self.held["step"], self.config
        torch.manual_seed(config.seed * 1_000_003 + step)  # dropout too depends on the step alone
        done = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(step / config.steps, 1)))
        self.optimiser.param_groups[0]["lr"] = config.rate * min((step + 1) / config.warmup, 1) * done
        self.net.train()
        offset, velocity = nats(self.net, batch)
        loss = (offset + velocity).sum() / batch.weight.sum()
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), config.clip)
        self.optimiser.step()
        self.held["step"] += 1
        return float(loss.detach())

    def validate(self, takes: list[Take]) -> dict[str, float]:
        figures = evaluate(self.net, takes)
        self.held["history"].append({"step": self.held["step"], **figures})
        if sum(figures.values()) < self.held["best"]:
            weights = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
            self.held.update(best=sum(figures.values()), best_weights=weights)
        return figures

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        torch.save({"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), **self.held}, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint. ValueError when it is of another shape of network."""
        held = torch.load(path, weights_only=True)
        try:
            self.net.load_state_dict(held.pop("net"))
        except RuntimeError:
            raise ValueError(f"{path}: a run of another network; use --fresh") from None
        self.optimiser.load_state_dict(held.pop("optimiser"))
        self.held = held


def train(run: Run, takes: list[Take], path: Path) -> bool:
    """Train until the steps are done (True) or Ctrl-C (False); either way the checkpoint is written."""
    sampler = Sampler([t for t in takes if t.split == "train" and t.looseness < LOOSE], run.config)
    valid = [t for t in takes if t.split == "valid"]
    started, held = time.process_time() - run.held["cpu_s"], run.held
    bar = tqdm(total=run.config.steps, initial=held["step"], desc="timing", mininterval=5.0)
    try:
        while held["step"] < run.config.steps:
            shown = run.train_step(sampler.batch(held["step"]))
            bar.set_postfix(nats=f"{shown:.3f}", refresh=False)
            bar.update()
            held["cpu_s"] = time.process_time() - started
            if held["step"] % run.config.valid_every == 0 or held["step"] == run.config.steps:
                tqdm.write(f"step {held['step']}, {held['cpu_s']:.0f} CPU s: valid {run.validate(valid)}")
    except KeyboardInterrupt:
        tqdm.write("stopped; the same command goes on from here")
        return False
    finally:
        bar.close()
        run.save(path)
    return True


def card(run: Run, net: TimingNet, takes: list[Take]) -> str:
    """Return the model card: what it is, what it learned from, under which licence, what it reaches.

    net: with the best weights.
    """
    test = [t for t in takes if t.split == "test"]
    unknown, known = evaluate(net, test), evaluate(net, test, known=True)
    parameters = sum(p.numel() for p in run.net.parameters())
    best = min(run.held["history"], key=lambda row: row["offset"] + row["velocity"])
    used = [t for t in takes if t.split == "train" and t.looseness < LOOSE]
    loose = sum(t.split == "train" for t in takes) - len(used)
    return f"""# Timing: when and how hard a drum is struck

A GRU over hits ({parameters:,} parameters) from piece, level, place in bar and phrase, tempo,
style, the bassist's swing and lateness (each may be unknown) and the hits before to a mixture density over the offset
in ms and a distribution over the velocities of the hit's level.

| trained on | licence | takes | hits |
|---|---|---|---|
| Groove MIDI Dataset v1 (Gillick et al. 2019, arXiv 1905.06118), official split | CC-BY-4.0 | {len(used)} | \
{sum(map(len, used)):,} |

Left out of training: {loose} takes that are not on the grid (mean distance to the nearest 16th or triplet
line {LOOSE} of chance or more). One hit per piece and tick, the loudest.
Command: `python -m models.train timing`, {run.held["step"]} steps of {run.config.batch} crops \
of {run.config.length} hits, seed {run.config.seed},
{run.held["cpu_s"] / 60:.1f} CPU-minutes on one core, commit {run.held["commit"]}; \
the weights are those of step {best["step"]}, the best on validation.
Validation (all takes, swing and lateness unknown): offset {best["offset"]:.3f} nats per hit (density per ms), \
velocity {best["velocity"]:.3f}.
Test split (once): offset {unknown["offset"]:.3f}, velocity {unknown["velocity"]:.3f}; \
swing and lateness given: {known["offset"]:.3f} and {known["velocity"]:.3f}.
Beside simple tables, the distributions and the dials: `python benchmarks/groove.py`.

Known weaknesses: ten drummers on one electronic kit, nearly all 4/4; what it does in other meters rests on the phases
alone. Ghost notes and flams closer than a 16th are one hit.
"""


def ship(run: Run, takes: list[Take], out: Path) -> None:
    net = TimingNet(run.net.config)
    net.load_state_dict(run.held["best_weights"])
    about = {
        "step": run.held["step"],
        "commit": run.held["commit"],
        "seed": run.config.seed,
        "history": run.held["history"],
    }
    print(f"{out}: {drum_timing.save(out, net, about, card(run, net, takes))}")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train timing", description=__doc__)
    parser.add_argument("--steps", type=int, default=TrainConfig().steps)
    parser.add_argument("--hidden", type=int, default=TimingConfig().hidden)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, default=RUN, help="checkpoint to go on from and to write")
    parser.add_argument("--out", type=Path, default=drum_timing.WEIGHTS, help="path stem of the weights")
    parser.add_argument("--fresh", action="store_true", help="begin anew even where there is a checkpoint")
    args = parser.parse_args(argv)
    run = Run(TrainConfig(steps=args.steps, seed=args.seed), TimingConfig(hidden=args.hidden))
    if args.run.exists() and not args.fresh:
        run.resume(args.run)
    takes = groove_dataset.takes()
    if train(run, takes, args.run):
        ship(run, takes, args.out)
