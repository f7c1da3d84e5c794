"""Train the network that recognises playing technique: `python -m models.train timbre`.

Seeded; it takes minutes, so it is not resumable.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from listener.paths import WEIGHTS as LISTENER_WEIGHTS
from listener.timbre.features import SIZE
from models import checkpoint
from models.paths import DATA_CACHE, ROOT, SHARED
from models.sounds.bass_tones import FONTS
from models.sounds.technique_notes import CLASSES, OCTAVES, Examples, examples, font_banks, made_banks, recorded_banks
from models.sounds.technique_notes import PACKS as PACK_SETS
from models.training.timbre_card import card

WEIGHTS = LISTENER_WEIGHTS / "timbre"
CACHE = DATA_CACHE / "timbre"
DATA, PACKS = SHARED / "data" / "bass", CACHE
SOUNDFONTS = ("FluidR3_GM", "sf_GMbank")  # those of them that are installed
OUTLIER = 4.0  # standard deviations
# How often each is met: of the rare ways of playing there are few basses to learn from, so they must not be guessed.
PRIOR = {"fingers": 0.26, "pick": 0.22, "slap": 0.13, "mute": 0.13, "fretless": 0.13, "upright": 0.13}
MADE_BY = (
    "models/sounds/technique_notes.py",
    "models/sounds/made_strings.py",
    "models/sounds/degrade.py",
    "listener/timbre/features.py",
)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Settings of the timbre network's training."""

    recorded: int = 160  # examples of each recorded set
    font: int = 120  # of each soundfont preset
    made: int = 120  # of each technique on made strings
    clean: float = 0.3  # share that no microphone spoils
    epochs: int = 15
    batch: int = 256
    hidden: int = 32
    dropout: float = 0.3
    noise: float = 0.1  # standard deviations, added to the features
    smoothing: float = 0.05
    learning_rate: float = 5e-3
    weight_decay: float = 0.1
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Fitted:
    """Tensors as they ship: mean, spread [SIZE]; in.weight, in.bias, out.weight, out.bias."""

    tensors: dict[str, torch.Tensor]

    def logits(self, x: Floats) -> Floats:
        """Return logits [N, classes] of x [N, SIZE]."""
        t = {name: tensor.numpy().astype(np.float64) for name, tensor in self.tensors.items()}
        hidden = np.maximum(standard(x, t["mean"], t["spread"]) @ t["in.weight"].T + t["in.bias"], 0)
        return np.asarray(hidden @ t["out.weight"].T + t["out.bias"])


def standard(x: Floats, mean: Floats, spread: Floats) -> Floats:
    return np.asarray(np.clip(np.nan_to_num((x - mean) / spread), -OUTLIER, OUTLIER))


def balance(e: Examples) -> Floats:
    """Return weights [N]: a technique counts as its prior says, and within it every set the same."""
    weight = np.zeros(len(e.y))
    for technique in np.unique(e.y):
        mine = e.y == technique
        for bank in np.unique(e.bank[mine]):
            weight[mine & (e.bank == bank)] = 1 / np.sum(mine & (e.bank == bank))
        weight[mine] *= PRIOR[CLASSES[technique]] / weight[mine].sum()
    return np.asarray(weight * len(weight) / weight.sum())


def fit(e: Examples, config: TrainConfig) -> Fitted:
    """Fit a network of one hidden layer; the same for the same seed."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)
    mean, spread = np.nanmean(e.x, 0), np.nanstd(e.x, 0) + 1e-6
    x = torch.tensor(standard(e.x, mean, spread), dtype=torch.float32)
    y, weight = torch.tensor(e.y), torch.tensor(balance(e), dtype=torch.float32)
    net = nn.Sequential(
        nn.Linear(SIZE, config.hidden), nn.ReLU(), nn.Dropout(config.dropout), nn.Linear(config.hidden, len(CLASSES))
    )
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    cross = nn.CrossEntropyLoss(reduction="none", label_smoothing=config.smoothing)
    for epoch in range(config.epochs):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / config.epochs))
        for rows in torch.split(torch.randperm(len(x)), config.batch):
            noisy = x[rows] + config.noise * torch.randn_like(x[rows])
            loss = (cross(net(noisy), y[rows]) * weight[rows]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    names = {"0.weight": "in.weight", "0.bias": "in.bias", "3.weight": "out.weight", "3.bias": "out.bias"}
    tensors = {names[name]: tensor.detach().clone() for name, tensor in net.state_dict().items()}
    scale = {"mean": mean, "spread": spread}
    return Fitted(tensors | {name: torch.tensor(value, dtype=torch.float32) for name, value in scale.items()})


def held_out(e: Examples, config: TrainConfig) -> Floats:
    """Return logits [N, classes] of every recorded example by a network that never heard its instrument.

    NaN for the other examples.
    """
    out = np.full((len(e.y), len(CLASSES)), np.nan)
    for instrument in recorded_instruments(e):
        mine = e.instrument == instrument
        out[mine] = fit(e.where(~mine), config).logits(e.x[mine])
    return out


def recorded_instruments(e: Examples) -> list[str]:
    return [str(name) for name in np.unique(e.instrument) if "-" not in name]


def temperature(logits: Floats, y: NDArray[np.int64], weight: Floats) -> float:
    """Return the divisor that calibrates the logits (Guo et al. 2017): least cross entropy."""
    grid = np.exp(np.linspace(np.log(0.5), np.log(8), 60))
    losses = [np.average(-log_softmax(logits / t)[np.arange(len(y)), y], weights=weight) for t in grid]
    return float(grid[int(np.argmin(losses))])


def log_softmax(z: Floats) -> Floats:
    z = z - z.max(-1, keepdims=True)
    return np.asarray(z - np.log(np.exp(z).sum(-1, keepdims=True)))


def corpus(config: TrainConfig, data: Path = DATA, packs: Path = PACKS) -> Examples:
    """Return all that is trained on, kept for the next time. Raises FileNotFoundError without the recorded sets."""
    kept = CACHE / f"corpus-{_fingerprint(config, packs)}.npz"
    if not kept.exists():
        parts = [
            examples(recorded_banks(data, packs), config.recorded, config.clean, config.seed),
            *(examples(font_banks(font), config.font, config.clean, config.seed) for font in installed_fonts()),
            examples(made_banks(config.seed), config.made, config.clean, config.seed),
        ]
        keep(kept, parts)
    with np.load(kept) as file:
        return Examples(*(file[f.name] for f in fields(Examples)))


def keep(path: Path, parts: list[Examples]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    joined: dict[str, Any] = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Examples)
    }
    np.savez_compressed(path, **joined)


def installed_fonts() -> list[str]:
    """Return which of SOUNDFONTS are installed."""
    return [font for font in SOUNDFONTS if Path(FONTS[font]).is_file()]


def _fingerprint(config: TrainConfig, packs: Path) -> str:
    """Hash everything the corpus depends on: what is asked for, what is there, the code."""
    folders = {name: folder for name, (folder, _) in PACK_SETS.items()} | OCTAVES
    there = [*(name for name, folder in folders.items() if (packs / folder).is_dir()), *installed_fonts()]
    asked = (config.recorded, config.font, config.made, config.clean, config.seed, there)
    code = b"".join((ROOT / name).read_bytes() for name in MADE_BY)
    return hashlib.sha256(repr(asked).encode() + code).hexdigest()[:12]


def train(config: TrainConfig, data: Path, packs: Path) -> None:
    began = time.monotonic()
    try:
        e = corpus(config, data, packs)
    except FileNotFoundError as error:
        raise SystemExit(f"{error}: the recorded basses are needed; give their folder with --data") from None
    print(f"{len(e.y)} examples of {len(np.unique(e.bank))} sets, {time.monotonic() - began:.0f} s", flush=True)
    unseen = held_out(e, config)
    known = np.isfinite(unseen[:, 0])
    rows = e.where(known)
    scale = temperature(unseen[known], rows.y, balance(rows))
    right = unseen[known].argmax(1) == rows.y
    figures = {f"{name} held out": float(right[rows.bank == name].mean()) for name in np.unique(rows.bank)}
    fitted = fit(e, config)
    shape = {"classes": list(CLASSES), "features": SIZE, "temperature": round(scale, 3)}
    text = card(asdict(config), e, figures, scale, time.monotonic() - began)
    sha = checkpoint.save(WEIGHTS, fitted.tensors, shape, text, "timbre")
    print(f"wrote {WEIGHTS}.safetensors {sha[:12]} temperature {scale:.2f} {figures}", flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.train timbre", description=__doc__)
    for name, value in asdict(TrainConfig()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder shared/data/bass")
    parser.add_argument("--packs", type=Path, default=PACKS, help="a folder of checkouts of github.com/sfzinstruments")
    args = vars(parser.parse_args(argv))
    data, packs = args.pop("data"), args.pop("packs")
    train(TrainConfig(**args), data, packs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
