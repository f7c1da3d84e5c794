"""`python -m models.train responder`: data_cache/responder.npz -> models/weights/responder.*

Resumable: checkpoints/responder.pt holds everything, Ctrl-C writes it. The weights shipped are those of the step
with the best validation loss.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from models import checkpoint, data, responder
from models.batches import Batch, Sampler
from models.evaluate import evaluate, held_out
from models.responder_net import SLICES, VELOCITIES, ResponderConfig, ResponderNet
from models.tokens import PARTS

RUN = data.ROOT / "checkpoints" / "responder.pt"
LINE_SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)
PART_WEIGHT = {"drums": 1.0, "chords": 1.0, "line": 1.0}


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """minutes: wall time. batch: crops of `length` ticks. rate: peak learning rate, cosine to a twentieth by the end."""

    minutes: float = 24.0
    batch: int = 16
    length: int = 128
    rate: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    valid_every_s: float = 200.0
    seed: int = 0


def loss_of(net: ResponderNet, batch: Batch) -> tuple[Tensor, dict[str, float]]:
    """Nats per scored tick: the sum over parts, and each part over the ticks that have it."""
    logits = net(batch.rows, batch.sound, batch.cond)
    nats = net.nll(logits.flatten(0, 1), batch.rows.flatten(0, 1), batch.targets)
    total, shown = torch.zeros(()), {}
    for index, part in enumerate(PARTS):
        mean = (nats[part] * batch.weight).sum() / (batch.targets.present[:, index] * batch.weight).sum().clamp(min=1)
        total, shown[part] = total + PART_WEIGHT[part] * mean, float(mean.detach())
    return total, shown


class Run:
    """One training run: network, optimiser, clock; what a checkpoint holds."""

    def __init__(self, config: TrainConfig, net: ResponderConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.net = config, ResponderNet(net)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), config.rate, weight_decay=config.weight_decay)
        self.step, self.spent_s, self.best, self.best_weights = 0, 0.0, math.inf, self.net.state_dict()
        self.history: list[dict[str, Any]] = []
        self.note = ""  # what the card should say besides

    def go_on_from(self, stem: Path) -> None:
        """Begin with the weights of a finished run: another codec's latents, say."""
        saved = checkpoint.load(stem, "responder")
        self.net.load_state_dict(saved.tensors)
        self.best_weights = self.net.state_dict()
        self.note = f" The run began with the weights {saved.sha256[:8]}, whose card is in the history of this file."

    def rate(self) -> float:
        """Linear warm-up, then a cosine over the wall time."""
        done = min(self.spent_s / (self.config.minutes * 60), 1.0)
        return (
            self.config.rate
            * min(self.step / self.config.warmup, 1.0)
            * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        )

    def train_step(self, batch: Batch) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.net.train()
        loss, shown = loss_of(self.net, batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimiser.step()
        self.step += 1
        return shown

    def validate(self, songs: list[data.Song]) -> float:
        figures = evaluate(self.net, songs)
        total = sum(figures[part] for part in PARTS)
        self.history.append({"step": self.step, "spent_s": round(self.spent_s), **figures})
        if total < self.best:
            self.best, self.best_weights = total, {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        return total

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        torch.save(
            {
                "net": self.net.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "spent_s": self.spent_s,
                "best": self.best,
                "best_weights": self.best_weights,
                "history": self.history,
                "config": self.net.config.to_dict(),
            },
            part,
        )
        part.replace(path)

    def resume(self, path: Path) -> None:
        """ValueError when the checkpoint is of another shape of network."""
        held = torch.load(path, weights_only=True)
        if held["config"] != self.net.config.to_dict():
            raise ValueError(f"{path}: a run of {held['config']}, this one is {self.net.config.to_dict()}; use --fresh")
        self.net.load_state_dict(held["net"])
        self.optimiser.load_state_dict(held["optimiser"])
        self.step, self.spent_s, self.best = held["step"], held["spent_s"], held["best"]
        self.best_weights, self.history = held["best_weights"], held["history"]


def train(run: Run, songs: list[data.Song], path: Path) -> None:
    """Until the run's minutes are spent or Ctrl-C; either way the checkpoint is written."""
    config = run.config
    # a resumed run draws other crops than the ones it has seen
    sampler = Sampler(
        [s for s in songs if s.split == "train"], config.length, run.net.config.sound_dim, config.seed + run.step
    )
    valid, limit_s = held_out(songs, "valid"), config.minutes * 60
    bar = tqdm(total=round(limit_s), initial=round(run.spent_s), unit="s", desc="responder", mininterval=5.0)
    next_valid_s = run.spent_s + config.valid_every_s
    try:
        while run.spent_s < limit_s:
            started = time.monotonic()
            shown = run.train_step(sampler.batch(config.batch))
            run.spent_s += time.monotonic() - started
            bar.update(round(run.spent_s) - bar.n)
            bar.set_postfix({k: f"{v:.2f}" for k, v in shown.items()} | {"step": run.step}, refresh=False)
            if run.spent_s >= next_valid_s:
                next_valid_s = run.spent_s + config.valid_every_s
                tqdm.write(f"step {run.step}: valid {run.validate(valid):.3f} nats per tick {run.history[-1]}")
                run.save(path)
        tqdm.write(f"done: valid {run.validate(valid):.3f} nats per tick {run.history[-1]}")
    except KeyboardInterrupt:
        tqdm.write("stopped; the same command goes on from here")
    finally:
        bar.close()
        run.save(path)


def card(run: Run, songs: list[data.Song]) -> str:
    """The model card: what it is, what it learned from, under which licences, what it reaches."""
    sources = {}
    for source, licence in data.LICENCES.items():
        mine = [s for s in songs if s.source == source and s.split == "train"]
        sources[source] = f"| {source} | {licence} | {len(mine)} | {sum(map(len, mine)):,} |"
    best = min(run.history, key=lambda row: sum(row[part] for part in PARTS), default={})
    parts = ", ".join(f"{part} {best.get(part, math.nan):.3f}" for part in PARTS)
    heard = sum(s.sound is not None for s in songs)
    return f"""# Responder, first version

A two-layer LSTM ({sum(p.numel() for p in run.net.parameters()):,} parameters) from a bass line, the codec's latents
and the phase in beat, bar and phrase to drums, chords (root, quality, stroke) and a counter-line, one 16th at a time.

| trained on | licence | pieces | ticks |
|---|---|---|---|
{chr(10).join(sources.values())}

Split by song (`responder_split.json`; MMA pieces over one song stay on one side). {heard} pieces have sound, rendered
with FluidR3 (MIT) and encoded by `codec.safetensors`; elsewhere the sound was unknown in training.
Trained for {run.spent_s / 60:.0f} minutes on one CPU core, {run.step} steps of {run.config.batch} crops of
{run.config.length} ticks, seed {run.config.seed}; the weights are those of step {best.get("step", run.step)}, the best on validation.{run.note}
Held-out (validation) nats per tick: {parts}. Test figures: `python benchmarks/responder.py`.

The line's logits were then scaled on validation (temperature scaling), which the figure above leaves out.

Known weaknesses: composed songs unlike those trained on are predicted worse than by counting on the bar before; the odd meters come from MMA's cut and joined 4/4 patterns, so they are on the grid but not composed;
no human timing (the scheduler's business); the counter-line is learned from {sum(s.has[2] for s in songs)} pieces only;
chord names were inferred by template matching from the notes of the training pieces.
"""


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train responder", description=__doc__)
    parser.add_argument("--minutes", type=float, default=TrainConfig().minutes, help="wall time of training")
    parser.add_argument("--hidden", type=int, default=ResponderConfig().hidden)
    parser.add_argument("--sound-dim", type=int, default=ResponderConfig().sound_dim, help="the codec's latent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run", type=Path, default=RUN, help="checkpoint to go on from and to write")
    parser.add_argument("--out", type=Path, default=responder.WEIGHTS, help="path stem of the weights")
    parser.add_argument("--begin", type=Path, help="path stem of weights to begin with instead of random ones")
    parser.add_argument("--rate", type=float, default=TrainConfig().rate, help="peak learning rate")
    parser.add_argument("--fresh", action="store_true", help="begin anew even where there is a checkpoint")
    args = parser.parse_args(argv)
    config = TrainConfig(minutes=args.minutes, rate=args.rate, seed=args.seed)
    run = Run(config, ResponderConfig(args.hidden, sound_dim=args.sound_dim))
    if args.begin:
        run.go_on_from(args.begin)
    if args.run.exists() and not args.fresh:
        run.resume(args.run)
    songs = data.load()
    train(run, songs, args.run)
    ship(run, songs, args.out)


def calibrate(net: ResponderNet, valid: list[data.Song]) -> float:
    """Scale the line's logits to the validation likelihood (temperature scaling, Guo et al. 2017): its few pieces
    make the network too sure. Returns the scale."""

    def line_nats(scale: float) -> float:
        trial = copy.deepcopy(net)
        _scale_line(trial, scale)
        return evaluate(trial, lines)["line"]

    lines = [song for song in valid if song.has[PARTS.index("line")]]
    best = min(LINE_SCALES, key=line_nats) if lines else 1.0
    _scale_line(net, best)
    return best


def _scale_line(net: ResponderNet, scale: float) -> None:
    start = 4 + VELOCITIES
    with torch.no_grad():
        for head in (SLICES[name] for name in ("line", "pitch", "pitch_over_root", "leap", "line_level")):
            net.heads.weight[head] *= scale
            net.heads.bias[head] *= scale
        for table in (net.action_to_line, net.pitch_in_chord, net.drums_to_rest[:, start:]):
            table *= scale


def ship(run: Run, songs: list[data.Song], out: Path) -> None:
    net = ResponderNet(run.net.config)
    net.load_state_dict(run.best_weights)
    scale = calibrate(net, held_out(songs, "valid"))
    print(f"line logits scaled by {scale}, chosen on validation")
    about = {
        "line_scale": scale,
        "step": run.step,
        "valid_nats_per_tick": run.best,
        "history": json.loads(json.dumps(run.history)),
    }
    print(f"{out}: {responder.save(out, net, about, card(run, songs))}")
