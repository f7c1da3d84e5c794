"""Train the responder on whole songs: `python -m models.train songs`, data_cache/songs -> responder-songs.* (weights).

The state is carried from chunk to chunk, gradients are not (truncated back-propagation through time; Williams & Peng
1990): what was heard 64 bars ago is there to be used. What ships is the running mean of the weights (Polyak & Juditsky
1992) with the best validation. Resumable: the state holds everything and is written every few minutes and at Ctrl-C;
the same command goes on.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from models import checkpoint
from models.corpus import whole_songs
from models.corpus.song import Song
from models.corpus.styles import styles_of
from models.music.dials import Knots
from models.music.features import EVENT_DIM
from models.music.tokens import PARTS
from models.paths import CHECKPOINTS, SHARED
from models.responder import responder
from models.responder.net import ResponderConfig, ResponderNet
from models.responder.responder import NAMED
from models.training import evaluate
from models.training.batches import Batch, Sampler
from models.training.responder import PART_WEIGHTS, cosine_rate, counts_of
from models.training.songs.card import card
from models.training.songs.lanes import Lanes, Songs, Ways
from models.training.stopping import StopRequest

STATE = CHECKPOINTS / "songs"
KIND = "songs-training"
KNOT_CROPS = 600
State = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class SongsConfig:
    """Settings of a training on whole songs.

    lanes: songs side by side, `chunk` ticks of each a step. rate: peak learning rate, cosine to a twentieth at the end.
    mean: of the weights, over about 1 / (1 - mean) steps.
    """

    steps: int = 12000
    lanes: int = 32
    chunk: int = 64
    rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.02
    clip: float = 1.0
    mean: float = 0.998
    valid_every: int = 500
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Return the learning rate: linear warm-up, then a cosine."""
        return cosine_rate(step, self.steps, self.warmup, self.rate)


class Run:
    """One training: network, running mean, optimiser, lanes and their state."""

    def __init__(self, config: SongsConfig, net: ResponderConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.net = config, ResponderNet(net)
        if net.backbone == "elstm":
            _forget_sound(self.net)
        self.mean = copy.deepcopy(self.net).eval()
        self.optimiser = torch.optim.AdamW(self.net.parameters(), config.rate, weight_decay=config.weight_decay)
        self.step, self.best, self.history = 0, math.inf, list[dict[str, Any]]()
        self.best_weights = _copied(self.mean)
        self.place: NDArray[np.int64] = np.zeros((config.lanes, 2), np.int64)
        self.state: State | None = None
        self.knots: Knots = {}

    def train_step(self, batch: Batch, begins: NDArray[np.bool_]) -> dict[str, float]:
        """Make one step; return nats per tick of the parts, and of the bass foreseen."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate_at(self.step)
        self.net.train()
        past = batch.past if self.net.config.past else None
        logits, after = self.net.carried(batch.rows, batch.sound, batch.cond, past, self._carried(begins))
        flat, rows = logits.flatten(0, 1), batch.rows.flatten(0, 1)
        nats = self.net.nll(flat, rows, batch.targets)
        sums = [(nats[part] * batch.weight).sum() for part in PARTS]
        sums.append((self.net.bass_nll(flat, rows, batch.targets) * batch.weight).sum())
        means = torch.stack(sums) / counts_of(batch).clamp(min=1)
        self.optimiser.zero_grad(set_to_none=True)
        loss: Tensor = (means * PART_WEIGHTS).sum()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        self.optimiser.step()
        self.state = [(h.detach(), c.detach()) for h, c in after]
        self.step += 1
        with torch.no_grad():
            share = min(self.config.mean, self.step / (self.step + 10))
            for slow, fast in zip(self.mean.parameters(), self.net.parameters(), strict=True):
                slow.lerp_(fast, 1 - share)
        return dict(zip((*PARTS, "bass"), means.tolist(), strict=True))

    def _carried(self, begins: NDArray[np.bool_]) -> State | None:
        if self.state is None:
            return None
        goes_on = torch.from_numpy(~begins).float()[None, :, None]
        return [(h * goes_on, c * goes_on) for h, c in self.state]

    def validate(self, songs: Sequence[Song]) -> dict[str, float]:
        """Score the running mean; keep it when it is the best so far."""
        figures = evaluate.evaluate(self.mean, list(songs))
        self.history.append({"step": self.step, **figures})
        if sum(figures.values()) < self.best:
            self.best, self.best_weights = sum(figures.values()), _copied(self.mean)
        return figures

    def save(self, stem: Path) -> None:
        tensors = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        tensors |= {f"mean.{name}": value for name, value in self.mean.state_dict().items()}
        tensors |= {f"best.{name}": value for name, value in self.best_weights.items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in slots.items()}
        for index, (h, c) in enumerate(self.state or []):
            tensors |= {f"state.{index}.h": h, f"state.{index}.c": c}
        about: dict[str, Any] = {"train": asdict(self.config), "net": self.net.config.to_dict(), "knots": self.knots}
        about |= {"step": self.step, "best": self.best if math.isfinite(self.best) else None, "history": self.history}
        about["place"] = self.place.tolist()
        stem.parent.mkdir(parents=True, exist_ok=True)
        checkpoint.save(stem, tensors, about, "Resumable state of a training.\n", KIND)

    def resume(self, stem: Path) -> None:
        """Go on from a saved state. ValueError when it belongs to another run."""
        saved = checkpoint.load(stem, KIND)
        own = {"train": asdict(self.config), "net": self.net.config.to_dict()}
        if any(saved.config[key] != value for key, value in own.items()):
            held = {key: saved.config[key] for key in own}
            raise ValueError(f"{stem}: a run of {held}, this one is {own}; use --fresh or another --state")
        parts: dict[str, dict[str, Tensor]] = {"net": {}, "mean": {}, "best": {}, "adam": {}, "state": {}}
        for name, value in saved.tensors.items():
            kind, rest = name.split(".", 1)
            parts[kind][rest] = value
        self.net.load_state_dict(parts["net"])
        self.mean.load_state_dict(parts["mean"])
        self.best_weights = parts["best"]
        adam: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["adam"].items():
            index, slot = name.split(".")
            adam.setdefault(int(index), {})[slot] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": adam, "param_groups": groups})
        layers = len(parts["state"]) // 2
        self.state = [(parts["state"][f"{i}.h"], parts["state"][f"{i}.c"]) for i in range(layers)] or None
        about = saved.config
        self.step, self.history, self.knots = about["step"], about["history"], about["knots"]
        self.best = about["best"] if about["best"] is not None else math.inf
        self.place = np.array(about["place"], np.int64)


def _copied(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _forget_sound(net: ResponderNet) -> None:
    """Let the codec's latents count for nothing at first: no song has sound, and chance is not to speak for it."""
    with torch.no_grad():
        dict(net.named_parameters())["backbone.embed.weight"][:, EVENT_DIM : EVENT_DIM + net.config.sound_dim + 1] = 0


def train(run: Run, songs: Songs, valid: Sequence[Song], state: Path, save_s: float = 240.0) -> bool:
    """Train to the last step or Ctrl-C; either way the state is written. True when finished."""
    config, stop, saved = run.config, StopRequest(), time.monotonic()
    lanes = Lanes(songs, config.lanes)
    lanes.begin_at(run.place)
    with tqdm(total=config.steps, initial=run.step, desc="songs", mininterval=20) as bar:
        while run.step < config.steps and not stop.asked:
            shown = run.train_step(*lanes.next())
            run.place = lanes.place.copy()
            bar.update()
            bar.set_postfix({k: f"{v:.2f}" for k, v in shown.items()}, refresh=False)
            if run.step % config.valid_every == 0 or run.step == config.steps:
                figures = run.validate(valid)
                tqdm.write(f"step {run.step}: valid {sum(figures.values()):.4f} {figures}")
            if time.monotonic() - saved > save_s:
                run.save(state)
                saved = time.monotonic()
    run.save(state)
    return run.step >= config.steps


def validation(songs: Sequence[Song], per_source: int = 6) -> list[Song]:
    """Return some held-out songs of every source that has any."""
    found: dict[str, list[Song]] = {}
    for song in songs:
        if song.split == "valid" and song.source not in ("groove", "jjswing", "hydrogen"):
            found.setdefault(song.source, []).append(song)
    return [song for own in found.values() for song in own[:per_source]]


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    torch.set_num_threads(args.threads)
    plain = args.without
    net = ResponderConfig(
        args.hidden, args.layers, args.sound_dim, args.dropout, args.backbone, True, True, "past" not in plain, True
    )
    config = SongsConfig(args.steps, args.lanes, args.chunk, args.rate, valid_every=args.valid_every, seed=args.seed)
    run = Run(config, net)
    if args.state.with_suffix(".json").exists() and not args.fresh:
        run.resume(args.state)
    songs = whole_songs.load(args.folder)
    learned = [song for song in songs if song.split == "train"]
    styles = styles_of(learned, args.shared)
    run.knots = run.knots or Sampler(learned, 128, args.sound_dim, args.seed, styles).measured(KNOT_CROPS)
    if args.now:
        run.validate(validation(songs))
        run.best_weights = _copied(run.mean)
        ship(run, learned, args.out, sys.argv[1:] if argv is None else argv)
        return 0
    ways = Ways(**dict.fromkeys(plain, False))
    drawn = Songs(learned, args.seed, args.sound_dim, ways, styles, run.knots, args.chunk)
    if not train(run, drawn, validation(songs), args.state):
        print(f"stopped at step {run.step}, state in {args.state}.*; the same command goes on from there")
        return 0
    ship(run, learned, args.out, sys.argv[1:] if argv is None else argv)
    return 0


def ship(run: Run, songs: Sequence[Song], out: Path, argv: Sequence[str]) -> None:
    """Write the best mean of the weights, as float16. songs: what was learned from."""
    net = ResponderNet(run.net.config)
    net.load_state_dict(run.best_weights)
    about = {"valid_nats_per_tick": run.best, "history": run.history, "knots": run.knots}
    text = card(net, asdict(run.config), run.history, songs, argv)
    print(f"{out}: {responder.save(out, net.half(), about, text)}")


def parse(argv: list[str] | None) -> argparse.Namespace:
    default, ways = SongsConfig(), list(Ways.__dataclass_fields__)
    parser = argparse.ArgumentParser(prog="python -m models.train songs", description=__doc__)
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--lanes", type=int, default=default.lanes, help="songs side by side")
    parser.add_argument("--chunk", type=int, default=default.chunk, help="ticks of each a step")
    parser.add_argument("--backbone", default="elstm", help="elstm, lstm or ssm")
    parser.add_argument("--hidden", type=int, default=288)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--sound-dim", type=int, default=64, help="the codec's latent")
    parser.add_argument("--rate", type=float, default=default.rate, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--valid-every", type=int, default=default.valid_every, metavar="STEPS")
    parser.add_argument("--without", nargs="*", default=[], choices=ways, help="leave out one of the ways, to compare")
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    parser.add_argument("--folder", type=Path, default=whole_songs.FOLDER, help="files of `models.data --songs`")
    parser.add_argument("--state", type=Path, default=STATE, help="stem of the state to go on from and to write")
    parser.add_argument("--out", type=Path, default=NAMED["songs"], help="path stem of the weights")
    parser.add_argument("--now", action="store_true", help="write the weights of the state as it is, and stop")
    parser.add_argument("--fresh", action="store_true", help="begin anew even where there is a state")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
