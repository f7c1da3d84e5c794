"""Train a player's adapter on their takes and lines: `python -m models.training.adapter --learn FOLDER --out STEM`.

Pieces marked "test" are not learned from: the adapter is compared on them with the network alone.

Half of every batch is rehearsed: base material and earlier players' (experience replay: Rolnick et al., NeurIPS 2019).
Afterwards the additions are scaled down until base and earlier players, on pieces kept apart, have lost no more than
ALLOWED (interpolation of weights: Wortsman et al., Robust fine-tuning, CVPR 2022). Seeded, resumable.
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from models import checkpoint
from models.corpus import played_pieces as material
from models.corpus.song import CACHE, Song
from models.music.tokens import LEVELS, PARTS
from models.responder import adapter as adapters
from models.responder import responder
from models.responder.adapter import ADD, BARS, DOWN, KEPT_BARS, START, UP, Adapter
from models.responder.net import FORESEE_WEIGHT, SLICES, ResponderNet
from models.training.adapter_course import FEW_TICKS, AdapterConfig, Course, Material
from models.training.batches import Batch
from models.training.evaluate import evaluate
from models.training.rehearsal import played_with, rehearsal
from models.training.stopping import StopRequest

BASE = 1  # which batch of a step is the base's
KEPT_BELIEFS = {"drums": LEVELS, "action": 4, "line": 3}  # blocks of logits, and of how many choices each
KIND = "adapter-training"
ALLOWED = 0.004  # what base and earlier players may lose on the pieces kept apart: below the 0.5% promised
STRENGTHS = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1, 0.0)
SAID_EVERY = 10  # steps
STOPPED = 3  # exit code: asked to stop, the state is written


class Practice:
    """One adaptation: the base network (never changed), the additions, their optimiser; what a state file holds."""

    def __init__(self, config: AdapterConfig, net: ResponderNet, base: str, start: Adapter | None = None) -> None:
        """Start an adaptation. base: SHA-256 of net's weights. start: an adapter to go on from."""
        self.config, self.net, self.base, self.step = config, copy.deepcopy(net), base, 0
        self.net.requires_grad_(False)
        self.weights = dict(self.net.named_parameters())
        generator = torch.Generator().manual_seed(config.seed)
        shapes = adapters.targets({n: tuple(w.shape) for n, w in self.weights.items()}, config.rank, config.weights)
        self.arrays = {key: nn.Parameter(_start(key, shape, generator)) for key, shape in shapes.items()}
        if start is not None:
            for key, own in self.arrays.items():
                own.data.copy_(torch.from_numpy(start.arrays[key]))
        self._begun = {key: array.detach().clone() for key, array in self.arrays.items()}
        self._began = {name: weight.detach().clone() for name, weight in self.added().items()}
        self.optimiser = torch.optim.Adam(self.arrays.values(), config.rate)

    def added(self) -> dict[str, Tensor]:
        """Return the weights with the additions."""
        out: dict[str, Tensor] = {k.removesuffix(ADD): add for k, add in self.arrays.items() if k.endswith(ADD)}
        for key in self.arrays:
            if key.endswith(UP):
                out[key.removesuffix(UP)] = self.arrays[key] @ self.arrays[key.removesuffix(UP) + DOWN]
        return {name: self.weights[name] + add for name, add in out.items()}

    def train_step(self, batches: Sequence[Batch]) -> float:
        """Make one step over all batches; return nats a tick, summed over the parts."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.rate_at(self.step)
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)  # of dropout: a resumed run draws the same
        self.net.train()
        merged = self.added()
        losses = [self._loss(merged, batch, self._known(number)) for number, batch in enumerate(batches)]
        loss = torch.stack(losses).mean()
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.arrays.values(), 1.0)
        self.optimiser.step()
        self.step += 1
        return float(loss.detach())

    def _known(self, number: int) -> Mapping[str, Tensor] | None:
        """Return the weights whose answers batch `number` of a step should keep: the base's, then the first ones."""
        return {} if number == BASE else self._began if number > BASE else None

    def _loss(self, merged: Mapping[str, Tensor], batch: Batch, known: Mapping[str, Tensor] | None) -> Tensor:
        given = batch.given
        logits = functional_call(self.net, dict(merged), given).flatten(0, 1)
        rows, scored = batch.rows.flatten(0, 1), batch.targets.present * batch.weight[:, None]
        nats = self.net.nll(logits, rows, batch.targets)
        parts = [(nats[part] * scored[:, i]).sum() / scored[:, i].sum().clamp(min=1) for i, part in enumerate(PARTS)]
        foreseen = (self.net.bass_nll(logits, rows, batch.targets) * batch.weight).sum() / batch.weight.sum()
        loss = torch.stack(parts).sum() + FORESEE_WEIGHT * foreseen
        if known is None or not self.config.keep:
            return loss
        with torch.no_grad():
            before = functional_call(self.net.eval(), dict(known), given).flatten(0, 1)
        self.net.train()
        return loss + self.config.keep * (drift(before, logits) * batch.weight).sum() / batch.weight.sum()

    def adapter(self, strength: float = 1.0, **about: Any) -> Adapter:
        """Return the adapter as it is now; strength: how much of the way from where it began."""
        arrays = {
            key: begun.lerp(self.arrays[key].detach(), strength).numpy().copy() for key, begun in self._begun.items()
        }
        made = {"steps": self.step, "rank": self.config.rank, "strength": strength, "train": asdict(self.config)}
        return Adapter(arrays, self.base, made | about)

    def save(self, stem: Path) -> None:
        tensors = {f"added.{key}": array for key, array in self.arrays.items()}
        for index, slots in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": value for name, value in slots.items()}
        about = {"train": asdict(self.config), "base": self.base, "step": self.step}
        checkpoint.save(stem, tensors, about, "Resumable state of models/training/adapter.py.\n", KIND)

    def resume(self, stem: Path) -> None:
        """Continue from a saved state. ValueError when it belongs to another run."""
        saved = checkpoint.load(stem, KIND)
        asked = {"train": _listed(asdict(self.config)), "base": self.base}
        if {key: saved.config.get(key) for key in asked} != asked:
            raise ValueError(f"{stem}: the state of another run; remove it, or name another with --state")
        adam: dict[int, dict[str, Tensor]] = {}
        for name, value in saved.tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "added":
                self.arrays[rest].data.copy_(value)
            else:
                index, slot = rest.split(".")
                adam.setdefault(int(index), {})[slot] = value
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": adam, "param_groups": groups})
        self.step = int(saved.config["step"])


def drift(before: Tensor, after: Tensor) -> Tensor:
    """Return nats [N] from one set of logits [N, H] to another, decision by decision.

    Kullback & Leibler 1951; used as in learning without forgetting, Li & Hoiem 2016.
    """
    total = torch.zeros(len(before))
    for name, size in KEPT_BELIEFS.items():
        was, now = (
            logits[:, SLICES[name]].reshape(len(logits), -1, size).log_softmax(-1) for logits in (before, after)
        )
        total = total + (was.exp() * (was - now)).sum((1, 2))
    return total


def _start(key: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return additions that add nothing yet: up and add are zero, down is random."""
    return torch.randn(shape, generator=generator) / shape[1] ** 0.5 if key.endswith(DOWN) else torch.zeros(shape)


def _listed(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in config.items()}


def run(practice: Practice, material: Material, state: Path | None = None, stop: StopRequest | None = None) -> bool:
    """Train to the last step, or until asked to stop, or until the state's folder is removed, and the player with it;
    the state is written on the way. True when finished."""
    config, was_there = practice.config, state is not None and state.parent.is_dir()
    course = Course(config, material, practice.net.config.sound_dim, practice.net.config.past)
    while practice.step < config.steps:
        if was_there and state and not state.parent.is_dir():
            return False
        practice.train_step(course.batches(practice.step))
        if practice.step % SAID_EVERY == 0:
            print(f"step {practice.step} of {config.steps}", flush=True)
        asked = stop is not None and stop.asked
        if state and (asked or practice.step % config.save_every == 0 or practice.step == config.steps):
            practice.save(state)
        if asked and practice.step < config.steps:
            return False
    return True


def merged_net(net: ResponderNet, added: Adapter) -> ResponderNet:
    """Return a copy of the network with the adapter folded in."""
    out = copy.deepcopy(net)
    out.add(added)
    return out.eval()


def nats(net: ResponderNet, songs: Sequence[Song]) -> float:
    """Return nats a tick of the parts these pieces have, summed."""
    return sum(evaluate(net, list(songs)).values())


def chosen(practice: Practice, apart: Material, allowed: float = ALLOWED) -> Adapter:
    """Return the strongest adapter that costs base and earlier players no more than allowed, with scores.

    Scored on the pieces kept apart; a weaker one is taken to cost less. The base is compared with the base weights,
    earlier players with the adapter it went on from.
    """
    groups = {"base": apart.base}
    groups |= {f"earlier {i + 1}": songs for i, songs in enumerate(apart.earlier)}
    groups = {name: songs for name, songs in groups.items() if songs}
    began = merged_net(practice.net, practice.adapter(0.0))
    before = {name: nats(practice.net if name == "base" else began, songs) for name, songs in groups.items()}
    after: dict[float, dict[str, float]] = {}

    def is_borne(strength: float) -> bool:
        after[strength] = _tried(practice, strength, groups)
        return all(after[strength][name] <= before[name] * (1 + allowed) for name in groups)

    strength = STRENGTHS[bisect_left(STRENGTHS, True, hi=len(STRENGTHS) - 1, key=is_borne)]
    found = after.get(strength) or _tried(practice, strength, groups)
    you = nats(began, apart.learn), nats(merged_net(practice.net, practice.adapter(strength)), apart.learn)
    scores = {"you": you, **{name: (before[name], found[name]) for name in groups}}
    return practice.adapter(strength, scores={name: [round(x, 4) for x in pair] for name, pair in scores.items()})


def begun(practice: Practice, made: Adapter, learn: Sequence[Song]) -> Adapter:
    """Return the adapter with what to begin with, after the last pieces of which a part was learned: the player's last
    bars where the responder recalls bars, else the state."""
    known, ticks = list[Song](), 0
    for song in reversed([song for song in learn if any(song.has)]):
        if ticks < FEW_TICKS:
            known, ticks = [song, *known], ticks + len(song)
    if not known:
        return made
    state = played_with(responder.Responder.of(merged_net(practice.net, made)), known)
    if state.past is None:
        return replace(made, arrays={**made.arrays, START: state.hidden})
    bars = {f"{BARS}{length}": bars.astype(np.float32) for length, bars in state.past.newest(KEPT_BARS).items()}
    return replace(made, arrays={**made.arrays, **bars})


def _tried(practice: Practice, strength: float, groups: Mapping[str, Sequence[Song]]) -> dict[str, float]:
    net = merged_net(practice.net, practice.adapter(strength))
    return {name: nats(net, songs) for name, songs in groups.items()}


def main(argv: list[str] | None = None) -> int:
    """Run the command; return 0: written; 2: nothing to learn from, or the wrong files; STOPPED: asked to stop,
    resumable.
    """
    args = parse(argv)
    torch.set_num_threads(1)
    try:
        return _practise(args)
    except (ValueError, OSError) as mistake:
        print(f"models.training.adapter: {mistake}", file=sys.stderr)
        return 2


def quietly() -> None:
    """Take the lowest priority there is: whatever else runs comes first."""
    if hasattr(os, "nice"):
        os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _practise(args: argparse.Namespace) -> int:
    given = [song for folder in args.learn for song in material.kept(folder)]
    learn, held = [s for s in given if s.split != "test"], [s for s in given if s.split == "test"]
    if not learn:
        raise ValueError(f"{', '.join(map(str, args.learn))}: no token files to learn from")
    stop = StopRequest()
    player = responder.Responder.load(args.weights)
    config = AdapterConfig.of(sum(map(len, learn)), args.seed)
    config = replace(config, steps=args.steps or config.steps)
    config = replace(config, rehearsed=0) if args.no_rehearsal else config
    base = rehearsal(player, args.base, args.state.parent / "rehearsal.npz") if config.rehearsed else []
    everything = Material(learn, base, [material.kept(folder) for folder in args.earlier])
    practice = Practice(config, player.net, player.sha256)
    if args.state.with_suffix(".json").exists():
        try:
            practice.resume(args.state)
        except ValueError as why:
            print(f"begun anew: {why}")
    to_learn, to_choose = everything.kept_apart()
    if not run(practice, to_learn, args.state, stop):
        print(f"stopped at step {practice.step}; the same command goes on from there")
        return STOPPED
    made = begun(practice, chosen(practice, to_choose), learn)
    scores = dict(made.about["scores"])
    if held:
        compared = nats(practice.net, held), nats(merged_net(practice.net, made), held)
        scores["held out"] = [round(value, 4) for value in compared]
    made = replace(made, about={**made.about, "scores": scores, "pieces": len(learn), "ticks": sum(map(len, learn))})
    adapters.save(args.out, made)
    for suffix in (".json", ".safetensors", ".md"):
        args.state.with_suffix(suffix).unlink(missing_ok=True)
    print(f"{args.out}: {made.about['scores']}")
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m models.training.adapter", description=__doc__)
    parser.add_argument("--learn", type=Path, required=True, nargs="+", help="folders of token files (.npz)")
    parser.add_argument("--out", type=Path, required=True, help="path stem of the adapter")
    parser.add_argument("--state", type=Path, help="stem of the state to go on from (default: OUT-state)")
    parser.add_argument("--earlier", type=Path, nargs="*", default=[], help="folders of earlier players, rehearsed")
    parser.add_argument("--base", type=Path, default=CACHE, help="token files to rehearse; where missing, it plays")
    parser.add_argument("--weights", type=Path, default=responder.WEIGHTS, help="stem of the responder")
    parser.add_argument("--steps", type=int, help="of the training (default: by how much there is to learn from)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-rehearsal", action="store_true")
    args = parser.parse_args(argv)
    args.state = args.state or args.out.with_name(args.out.name + "-state")
    return args


if __name__ == "__main__":
    quietly()
    sys.exit(main())
