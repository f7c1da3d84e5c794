"""Train the responder: `python -m models.train responder`, data_cache/responder.npz -> models/weights/responder.*

Resumable: the state in checkpoints/ holds everything, Ctrl-C writes it; a step's data depend on seed and step only.
`torchrun --nproc-per-node N -m models.train responder` trains data-parallel (DDP over gloo, across machines too), and
so does `python -m models.cluster train responder` (Ray). The weights shipped are those of the step with the best
validation loss.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from models import checkpoint
from models.corpus.song import CACHE, Song, load_songs
from models.corpus.styles import styles_of
from models.music.dials import Knots
from models.music.tokens import PARTS
from models.paths import CHECKPOINTS, SHARED
from models.responder import responder
from models.responder.net import FORESEE_WEIGHT, SLICES, VELOCITIES, ResponderConfig, ResponderNet
from models.timing.groove_dataset import archive_in, groove_songs
from models.training.batches import Batch, Sampler
from models.training.evaluate import evaluate, held_out
from models.training.responder_card import card
from models.training.stopping import StopRequest

STATE = CHECKPOINTS / "responder"
LINE_SCALES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3, 0.25)
JUDGED = (
    "drums",
    "chords",
)  # by which the best step is chosen: the line's few pieces overfit first, and are calibrated after
KNOT_CROPS = 600  # crops over which the dials' quantiles are taken


def cosine_rate(step: int, steps: int, warmup: int, peak: float) -> float:
    """Return the learning rate: linear warm-up to `peak`, then a cosine to a twentieth of it at the end."""
    decay = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
    return peak * min((step + 1) / warmup, 1.0) * decay


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of the responder's training.

    batch: crops of `length` ticks, over all processes. rate: peak learning rate, cosine to a twentieth at the end.
    """

    steps: int = 4000
    batch: int = 16
    length: int = 128
    rate: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    valid_every: int = 500
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Return the learning rate: linear warm-up, then a cosine."""
        return cosine_rate(step, self.steps, self.warmup, self.rate)


@dataclass(frozen=True, slots=True)
class Team:
    """This process's place among those of the run."""

    rank: int = 0
    world: int = 1
    joined: bool = False  # by join, not by who started the processes

    @classmethod
    def join(cls) -> Team:
        """Join the processes that torchrun's environment names, or that are joined already; alone without them."""
        begun = dist.is_available() and dist.is_initialized()
        if not begun and "WORLD_SIZE" not in os.environ:
            return cls()
        if not begun:
            dist.init_process_group("gloo")
        return cls(dist.get_rank(), dist.get_world_size(), not begun)

    def leave(self) -> None:
        if self.joined:
            dist.destroy_process_group()

    def total(self, values: Tensor) -> Tensor:
        if self.world > 1:
            dist.all_reduce(values)
        return values


class Scored(nn.Module):
    """Maps a batch to nats summed per part and of the foreseen bass [4], and how many ticks each is over [4]."""

    def __init__(self, net: ResponderNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        logits = self.net(*batch.given).flatten(0, 1)
        rows = batch.rows.flatten(0, 1)
        nats = self.net.nll(logits, rows, batch.targets)
        sums = [(nats[part] * batch.weight).sum() for part in PARTS]
        sums.append((self.net.bass_nll(logits, rows, batch.targets) * batch.weight).sum())
        return torch.stack(sums), counts_of(batch)


def counts_of(batch: Batch) -> Tensor:
    """Return scored ticks of each part, and all scored ticks."""
    return torch.cat([(batch.targets.present * batch.weight[:, None]).sum(0), batch.weight.sum()[None]])


PART_WEIGHTS = torch.tensor([1.0, 1.0, 1.0, FORESEE_WEIGHT])


class Run:
    """One training run: network, optimiser, clock; what a checkpoint holds."""

    def __init__(self, config: TrainConfig, net: ResponderConfig, team: Team | None = None) -> None:
        torch.manual_seed(config.seed)
        self.config, self.net, self.team = config, ResponderNet(net), team or Team()
        scored = Scored(self.net)
        self.scored = DistributedDataParallel(scored, find_unused_parameters=True) if self.team.world > 1 else scored
        self.optimiser = torch.optim.AdamW(self.net.parameters(), config.rate, weight_decay=config.weight_decay)
        self.step, self.best, self.best_weights = 0, math.inf, _copied(self.net)
        self.history: list[dict[str, Any]] = []
        self.knots: Knots = {}

    def train_step(self, batch: Batch) -> dict[str, float]:
        """Make one step over this process's share of the batch; return nats per tick of the parts, over all of it."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate_at(self.step)
        self.net.train()
        sums, own = self.scored(batch)
        counts = self.team.total(own).clamp(min=1)
        loss = (sums / counts * PART_WEIGHTS).sum() * self.team.world  # DDP averages gradients over the processes
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimiser.step()
        self.step += 1
        means = self.team.total(sums.detach()) / counts
        return dict(zip((*PARTS, "bass"), means.tolist(), strict=True))

    def validate(self, songs: list[Song]) -> float:
        figures = evaluate(self.net, songs)
        total = sum(figures[part] for part in JUDGED)
        self.history.append({"step": self.step, **figures})
        if total < self.best:
            self.best, self.best_weights = total, _copied(self.net)
        return total

    def save(self, stem: Path) -> None:
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in slots.items()}
        about: dict[str, Any] = {"train": asdict(self.config), "net": self.net.config.to_dict(), "knots": self.knots}
        about |= {"step": self.step, "best": self.best, "history": self.history}
        stem.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(
            stem, tensors, about, "Resumable state of models/training/responder.py.\n", "responder-training"
        )

    def resume(self, stem: Path) -> None:
        """Continue from a saved state. ValueError when it belongs to another run."""
        saved = checkpoint.load(stem, "responder-training")
        own = {"train": asdict(self.config), "net": self.net.config.to_dict()}
        if any(saved.config[key] != value for key, value in own.items()):
            held = {key: saved.config[key] for key in own}
            raise ValueError(f"{stem}: a run of {held}, this one is {own}; use --fresh or another --state")
        self.net.load_state_dict(_under("net.", saved.tensors))
        self.best_weights = _under("best.", saved.tensors)
        adam: dict[int, dict[str, Tensor]] = {}
        for name, value in _under("adam.", saved.tensors).items():
            index, slot = name.split(".")
            adam.setdefault(int(index), {})[slot] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": adam, "param_groups": groups})
        about = saved.config
        self.step, self.best, self.history, self.knots = (about[k] for k in ("step", "best", "history", "knots"))


def _copied(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def train(run: Run, sampler: Sampler, valid: list[Song], state: Path) -> bool:
    """Train to the last step or Ctrl-C; either way the state is written. True when finished."""
    config, team, stop = run.config, run.team, StopRequest()
    run.knots = run.knots or (sampler.measured(KNOT_CROPS) if run.net.config.dials else {})
    sampler.knots = run.knots or None
    with tqdm(total=config.steps, initial=run.step, desc="responder", mininterval=5, disable=team.rank > 0) as bar:
        while run.step < config.steps:
            shown = run.train_step(sampler.batch(run.step, config.batch, team.rank, team.world))
            bar.update()
            bar.set_postfix({k: f"{v:.2f}" for k, v in shown.items()}, refresh=False)
            stopped = bool(team.total(torch.tensor([float(stop.asked)])) > 0)
            last = run.step == config.steps
            if team.rank == 0 and (last or run.step % config.valid_every == 0):
                tqdm.write(f"step {run.step}: valid {run.validate(valid):.3f} nats per tick {run.history[-1]}")
            if team.rank == 0 and (stopped or last or run.step % config.valid_every == 0):
                run.save(state)
            if stopped:
                return last
    return True


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    team = Team.join()
    net = ResponderConfig(args.hidden, args.layers, args.sound_dim, args.dropout, args.backbone, True, True)
    settings = TrainConfig(steps=args.steps, rate=args.rate, valid_every=args.valid_every, seed=args.seed)
    run = Run(settings, net, team)
    if args.state.with_suffix(".json").exists() and not args.fresh:
        run.resume(args.state)
    songs = load_songs(args.cache) + (
        groove_songs(archive=groove) if (groove := archive_in(args.shared)).exists() else []
    )
    songs_to_learn = [song for song in songs if song.split == "train"]
    styles = styles_of(songs_to_learn, args.shared)
    sampler = Sampler(songs_to_learn, run.config.length, args.sound_dim, args.seed, styles)
    finished = train(run, sampler, held_out(songs, "valid"), args.state)
    if team.rank == 0 and finished:
        ship(run, songs, args.out, sys.argv[1:] if argv is None else argv)
    elif team.rank == 0:
        print(f"stopped at step {run.step}, state in {args.state}.*; the same command goes on from there")
    team.leave()
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    default = ResponderConfig()
    parser = argparse.ArgumentParser(prog="python -m models.train responder", description=__doc__)
    parser.add_argument("--steps", type=int, default=TrainConfig().steps)
    parser.add_argument("--backbone", default=default.backbone, help="lstm or ssm")
    parser.add_argument("--hidden", type=int, default=default.hidden)
    parser.add_argument("--layers", type=int, default=default.layers)
    parser.add_argument("--dropout", type=float, default=default.dropout)
    parser.add_argument("--sound-dim", type=int, default=default.sound_dim, help="the codec's latent")
    parser.add_argument("--rate", type=float, default=TrainConfig().rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--valid-every", type=int, default=TrainConfig().valid_every, metavar="STEPS")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    parser.add_argument("--cache", type=Path, default=CACHE, help="token files of `python -m models.data`")
    parser.add_argument("--state", type=Path, default=STATE, help="stem of the state to go on from and to write")
    parser.add_argument("--out", type=Path, default=responder.NAMED["ssm"], help="path stem of the weights")
    parser.add_argument("--fresh", action="store_true", help="begin anew even where there is a state")
    return parser.parse_args(argv)


def calibrate(net: ResponderNet, valid: list[Song]) -> float:
    """Scale the line's logits to the validation likelihood and return the scale.

    Temperature scaling, Guo et al. 2017: the line's few training pieces make the network too sure.
    """

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


def ship(run: Run, songs: list[Song], out: Path, argv: list[str]) -> None:
    net = ResponderNet(run.net.config)
    net.load_state_dict(run.best_weights)
    scale = calibrate(net, held_out(songs, "valid"))
    print(f"line logits scaled by {scale}, chosen on validation")
    about = {
        "line_scale": scale,
        "valid_nats_per_tick": run.best,
        "history": json.loads(json.dumps(run.history)),
        "knots": run.knots,
    }
    text = card(net, asdict(run.config), run.history, songs, argv)
    print(f"{out}: {responder.save(out, net, about, text)}")


if __name__ == "__main__":
    sys.exit(main())
