"""Measures how well the critic tells right partners from wrong ones: trials on held-out songs, AUC, calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from listener.types import Meter
from models.corpus.song import Song
from models.critic import perturb, windows
from models.critic.batches import Stack
from models.critic.net import CriticNet
from models.critic.perturb import KINDS, Partners, Rows, Songs, Window
from models.critic.windows import PARTS
from models.music.features import Floats, Ints


def auc(right: Floats, wrong: Floats) -> float:
    """Return the chance that a right partner scores above a wrong one; ties count half."""
    both = np.concatenate([right, wrong])
    _values, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    n, m = len(right), len(wrong)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * m)) if n and m else math.nan


@dataclass(frozen=True, slots=True)
class Trial:
    """Held-out windows of one part and kind beside their wrong partners, ready to be scored by anything."""

    part: str
    kind: str
    windows: tuple[Window, ...]
    right: tuple[Rows, ...]
    wrong: tuple[Rows, ...]


def trials(
    songs: Songs, part: str, common: Mapping[Meter, Ints], bars: int = 2, per_song: int = 24, seed: int = 1
) -> list[Trial]:
    """Return every kind of wrong partner for the same windows; a window without one is left out of its kind."""
    rng = np.random.default_rng((seed, PARTS.index(part), bars))
    chosen, partners = perturb.windows_of(songs, part, bars, per_song, rng), Partners(songs, part, common)
    found = []
    for kind in KINDS[part]:
        pairs = [(w, songs.rows(w), partners.wrong(kind, w, None, rng)) for w in chosen]
        kept = [(w, right, wrong) for w, right, wrong in pairs if wrong is not None]
        if kept:
            own, right, wrong = zip(*kept, strict=True)
            found.append(Trial(part, kind, own, right, wrong))
    return found


def scored(net: CriticNet, songs: Songs, part: str, own: Sequence[Window], partners: Sequence[Rows]) -> Floats:
    """Return the network's logit of each window with its partner."""
    net.eval()
    out = []
    with torch.inference_mode():
        for first in range(0, len(own), 256):
            stack = Stack()
            for window, rows in zip(own[first : first + 256], partners[first : first + 256], strict=True):
                place = windows.places(window.ticks, [window.meter] * len(window))
                stack.add(songs.bass(window), np.ones(len(window), bool), place, rows)
            context, partner, mask = map(torch.from_numpy, stack.features(part))
            out.append(net(part, context, partner, mask).numpy())
    return np.concatenate(out) if out else np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Valid:
    """Validation songs and their trials by part."""

    songs: Songs
    trials: dict[str, list[Trial]]

    @classmethod
    def of(cls, songs: Sequence[Song], common: Mapping[str, Mapping[Meter, Ints]]) -> Valid:
        pool = Songs(songs)
        return cls(pool, {part: trials(pool, part, common[part]) for part in PARTS})

    def figures(self, net: CriticNet, part: str) -> dict[str, float]:
        return {
            trial.kind: auc(
                scored(net, self.songs, part, trial.windows, trial.right),
                scored(net, self.songs, part, trial.windows, trial.wrong),
            )
            for trial in self.trials[part]
        }


def calibrate(net: CriticNet, valid: Valid) -> dict[str, float]:
    """Scale and shift each part's logits to the validation likelihood, right and wrong equally frequent (Platt 1999).

    Returns part -> scale.
    """
    scales = {}
    for part in PARTS:
        right, wrong = [], []
        for trial in valid.trials[part]:
            right.append(scored(net, valid.songs, part, trial.windows, trial.right))
            wrong.append(scored(net, valid.songs, part, trial.windows, trial.wrong))
        if not right:
            continue
        scale, shift = platt(np.concatenate(right), np.concatenate(wrong))
        out = dict(net.get_submodule(f"{part}.out").named_parameters())
        with torch.no_grad():
            out["weight"].mul_(scale)
            out["bias"].mul_(scale).add_(shift)
        scales[part] = scale
    return scales


def platt(right: Floats, wrong: Floats) -> tuple[float, float]:
    """Return (scale, shift) of the logits that make right and wrong most likely, each half of the weight."""
    x = torch.from_numpy(np.concatenate([right, wrong])).double()
    sign = torch.cat([-torch.ones(len(right)), torch.ones(len(wrong))]).double()
    weight = torch.cat([torch.full((len(right),), 0.5 / len(right)), torch.full((len(wrong),), 0.5 / len(wrong))])
    line = torch.tensor([1.0, 0.0], dtype=torch.double, requires_grad=True)
    optimiser: torch.optim.Optimizer = torch.optim.LBFGS([line], max_iter=50)

    def closure() -> float:
        optimiser.zero_grad()
        loss = (functional.softplus(sign * (line[0] * x + line[1])) * weight).sum()
        torch.autograd.backward(loss)
        return float(loss.detach())

    optimiser.step(closure)
    return float(line[0].detach()), float(line[1].detach())
