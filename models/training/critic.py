"""`python -m models.train critic`: the band corpora -> models/weights/critic.*

Resumable: checkpoints/critic.pt holds everything, Ctrl-C writes it; each step has a seed of its own, so a resumed run
is
the same run. Each part's weights are those of its best validation, and its logits are scaled to be calibrated there.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from models.corpus.song import Song
from models.critic import critic
from models.critic import songs as corpus
from models.critic.batches import Sampler, TrainConfig
from models.critic.net import CriticNet, folded
from models.critic.perturb import Songs
from models.critic.shape import CriticConfig
from models.critic.trials import Valid, auc, calibrate, scored, trials
from models.critic.windows import PARTS
from models.paths import CHECKPOINTS, SHARED
from models.training.codec_scores import commit

RUN = CHECKPOINTS / "critic.pt"


def loss_of(logits: Tensor, there: Tensor, contrast: float) -> Tensor:
    """Return the loss of logits [B, K]: verdicts one by one, right ones as heavy as all wrong ones, and the choice
    among partners."""
    right = functional.softplus(-logits[:, 0]).mean()
    wrong = (functional.softplus(logits[:, 1:]) * there[:, 1:]).sum() / there[:, 1:].sum().clamp(min=1)
    choice = functional.cross_entropy(logits.masked_fill(~there, -1e9), torch.zeros(len(logits), dtype=torch.long))
    return 0.5 * (right + wrong) + contrast * choice / math.log(logits.shape[1])


class Run:
    """One training run: network, optimiser, clock; what a checkpoint holds."""

    def __init__(self, config: TrainConfig, net: CriticConfig) -> None:
        torch.manual_seed(config.seed)
        self.config, self.net = config, CriticNet(net, norm=True)
        decay = dict.fromkeys(PARTS, config.weight_decay) | {"drums": config.drums_weight_decay}
        groups = [{"params": self.net.get_submodule(part).parameters(), "weight_decay": decay[part]} for part in PARTS]
        self.optimiser = torch.optim.AdamW(groups, config.rate)
        self.mean = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.held: dict[str, Any] = {"step": 0, "cpu_s": 0.0, "history": []}
        self.held |= {"best": dict.fromkeys(PARTS, -math.inf), "best_weights": {}, "commit": commit()}

    def train_step(self, sampler: Sampler) -> dict[str, float]:
        step, config = self.held["step"], self.config
        torch.manual_seed(config.seed * 1_000_003 + step)  # dropout too depends on the step alone
        done = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(step / config.steps, 1)))
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate * min((step + 1) / config.warmup, 1) * done
        self.net.train()
        self.optimiser.zero_grad(set_to_none=True)
        shown = {}
        for part in PARTS:
            batch = sampler.batch(part, step)
            logits = self.net(part, batch.context, batch.part, batch.mask).view(batch.there.shape)
            loss = loss_of(logits, batch.there, config.contrast)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self.net.get_submodule(part).parameters(), config.clip)
            shown[part] = float(loss.detach())
        self.optimiser.step()
        for name, value in self.net.state_dict().items():
            if value.dtype.is_floating_point:
                self.mean[name].lerp_(value, 1 - min(config.averaging, (step + 1) / (step + 10)))
        self.held["step"] += 1
        return shown

    def validate(self, valid: Valid) -> dict[str, float]:
        """Return the mean AUC over the kinds of each part, with averaged weights; each part keeps its own best."""
        net = folded(self.net.config, self.mean)
        figures = {part: valid.figures(net, part) for part in PARTS}
        means = {part: float(np.nanmean([*found.values()])) if found else 0.0 for part, found in figures.items()}
        self.held["history"].append({"step": self.held["step"], **figures})
        for part, mean in means.items():
            if mean > self.held["best"][part]:
                self.held["best"][part] = mean
                own = {name: value for name, value in net.state_dict().items() if name.startswith(f"{part}.")}
                self.held["best_weights"] |= own
        return means

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        state = {"net": self.net.state_dict(), "mean": self.mean, "optimiser": self.optimiser.state_dict()}
        torch.save(state | self.held, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Raise ValueError when the checkpoint is of another shape of network."""
        held = torch.load(path, weights_only=True)
        try:
            self.net.load_state_dict(held.pop("net"))
        except RuntimeError:
            raise ValueError(f"{path}: a run of another network; use --fresh") from None
        self.mean = held.pop("mean")
        self.optimiser.load_state_dict(held.pop("optimiser"))
        self.held = held


def train(run: Run, sampler: Sampler, valid: Valid, path: Path) -> bool:
    """Train until the steps are done (True) or Ctrl-C (False); either way the checkpoint is written."""
    started, held = time.process_time() - run.held["cpu_s"], run.held
    bar = tqdm(total=run.config.steps, initial=held["step"], desc="critic", mininterval=5.0)
    try:
        while held["step"] < run.config.steps:
            shown = run.train_step(sampler)
            bar.set_postfix({part: f"{loss:.3f}" for part, loss in shown.items()}, refresh=False)
            bar.update()
            held["cpu_s"] = time.process_time() - started
            if held["step"] % run.config.valid_every == 0 or held["step"] == run.config.steps:
                means = {part: round(mean, 4) for part, mean in run.validate(valid).items()}
                tqdm.write(f"step {held['step']}, {held['cpu_s']:.0f} CPU s: mean AUC on validation {means}")
    except KeyboardInterrupt:
        tqdm.write("stopped; the same command goes on from here")
        return False
    finally:
        bar.close()
        run.save(path)
    return True


def card(run: Run, net: CriticNet, songs: Sequence[Song], sampler: Sampler, argv: Sequence[str]) -> str:
    """Return the model card: what it is, what it learned from, what it reaches. net: with best weights."""
    held = Songs(song for song in songs if song.split == "test")
    rows = []
    for source, licence in corpus.LICENCES.items():
        own = [song for song in songs if song.source == source and song.split == "train"]
        rows.append(f"| {source} | {licence} | {len(own)} | {sum(int(song.bars[-1]) + 1 for song in own):,} |")
    lines = []
    for part in PARTS:
        for trial in trials(held, part, sampler.common[part]):
            right, wrong = (scored(net, held, part, trial.windows, some) for some in (trial.right, trial.wrong))
            better = float((right > wrong).mean())
            lines.append(f"| {part} | {trial.kind} | {auc(right, wrong):.3f} | {better:.3f} | {len(right)} |")
    best = {part: round(value, 3) for part, value in run.held["best"].items()}
    return f"""# Critic: do these two belong together?

Three small networks ({sum(p.numel() for p in net.parameters()):,} parameters): drums beside a bass, chords beside \
a bass, a line beside bass and chords,
over windows of up to 64 ticks (16ths). Residual convolutions over both together, pooled to an embedding of \
{run.net.config.embed} and one logit;
larger means that they belong together. Pitches are read above the bass: every key is the same.

| trained on | licence | songs | bars |
|---|---|---|---|
{chr(10).join(rows)}

MMA is {run.config.mma_share:.0%} of what is drawn, {run.config.mma_drums_share:.0%} for drums (its kick copies the \
bass). Right: what the song has. Wrong: another song's or another bar's part,
shifts of 1 and 2 sixteenths, beats or bars in another order, the commonest bar, a kick on every bass note, \
transpositions.
The bass is varied (notes left out, late, unheard), a fifth of the windows in 4/4 is cut to another meter in all parts.
Left out of training, with their originals and remixes: the songs of the band score, the responder's valid and test \
songs, and songs
that share four bars of bass with one of those.

Command: `{" ".join(["python -m models.train critic", *argv])}`, {run.held["step"]} steps of {run.config.batch} \
windows of each part, seed {run.config.seed},
{run.held["cpu_s"] / 60:.1f} CPU-minutes on one core, commit {run.held["commit"]}; batch normalisation, folded in, \
and averaged weights. Each part has the weights of its best validation (mean AUC {best}); its logits are
scaled on validation.

Songs held out ({len(held.songs)}), windows of 2 bars, at most 24 of a song. AUC over all windows; better: the \
right one scores above the wrong one beside the same bass.

| part | wrong partner | AUC | better | windows |
|---|---|---|---|---|
{chr(10).join(lines)}

Beside simple rules, other lengths, calibration and time per call: `python benchmarks/critic.py`.

Known weaknesses: composed game music, mostly 4/4; other meters are mostly made by cutting. Another bar of the same \
song is often as good
as the one that was written, and so is a groove of another song: drums in time and in the meter are hardly told \
apart (swapped,
other_bar), so do not choose among those by this logit alone. Bars in another order are not taught to the drums at all.
Chords are read from MIDI with the bass among their notes. Levels are read as accents only, micro-timing not at all.
"""


def shipped(run: Run) -> CriticNet:
    """Return the network with each part's best weights."""
    net = CriticNet(run.net.config)
    net.load_state_dict(run.held["best_weights"])
    return net


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.train critic", description=__doc__)
    parser.add_argument("--steps", type=int, default=TrainConfig().steps)
    parser.add_argument("--channels", type=int, default=CriticConfig().channels)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder that holds data/")
    parser.add_argument("--run", type=Path, default=RUN, help="checkpoint to go on from and to write")
    parser.add_argument("--out", type=Path, default=critic.WEIGHTS, help="path stem of the weights")
    parser.add_argument("--fresh", action="store_true", help="begin anew even where there is a checkpoint")
    args = parser.parse_args(argv)
    run = Run(TrainConfig(steps=args.steps, seed=args.seed), CriticConfig(channels=args.channels))
    if args.run.exists() and not args.fresh:
        run.resume(args.run)
    songs = corpus.songs(args.shared)
    sampler = Sampler([song for song in songs if song.split == "train"], run.config)
    valid = Valid.of([song for song in songs if song.split == "valid"], sampler.common)
    if not train(run, sampler, valid, args.run):
        return
    net = shipped(run)
    print(f"logits scaled by {calibrate(net, valid)}")
    about = {key: run.held[key] for key in ("step", "commit", "history")} | {"train": asdict(run.config)}
    print(f"{args.out}: {critic.save(args.out, net, about, card(run, net, songs, sampler, argv or []))}")
