"""Find the axis along which palm-muted notes differ from open ones in the codec's latents: `python -m models.train
muting`.

Ridge regression of "muted after, not before" (1, -1 backwards, 0 for every other change) on the difference of two
means. Learned on soundfonts and made strings alone: every recorded bass is left for the scores. Seeded; it takes
minutes, so it is not resumable.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models import checkpoint
from models.codec.codec import Codec
from models.codec.muting import KIND, WEIGHTS
from models.paths import DATA_CACHE, SHARED
from models.sounds.technique_notes import Bank, font_banks, recorded_banks
from models.training.codec_scores import commit
from models.training.muting.lines import CHANGES, Changed, of_banks, of_made
from models.training.timbre import installed_fonts

UNSEEN_FONT = "TimGM6mb"
SAME_WEIGHT = 3.0  # of lines without a change beside those with one
AT_MOST_FALSE = 0.02  # share of lines without a change above the threshold of the scores

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """font: lines of each change on each soundfont preset; made: on made strings; tested: on each recorded set."""

    font: int = 16
    made: int = 160
    tested: int = 10
    ridge: float = 0.02
    seed: int = 0


def fit(lines: Sequence[Changed], ridge: float) -> Floats:
    """Return the axis [2 * D]; each kind of change weighs the same, no change more."""
    what, apart = np.array([line.what for line in lines]), np.stack([line.difference for line in lines])
    wanted = np.array([(line.what == "muted") * (-1.0 if line.back else 1.0) for line in lines])
    weight = np.array([SAME_WEIGHT if name == "same" else 1.0 for name in what])
    weight /= [np.sum(what == name) for name in what]
    spread = apart.std(0) + 1e-6
    x = apart / spread
    solved = np.linalg.solve((x * weight[:, None]).T @ x + ridge * np.eye(x.shape[1]), x.T @ (weight * wanted))
    return np.asarray(solved / spread)


def scores(lines: Sequence[Changed], axis: Floats) -> dict[str, float]:
    """Return AUC of muted against unchanged lines, and the share of each change told at AT_MOST_FALSE."""
    told: dict[str, Floats] = {}
    for name in CHANGES:
        mine = [one for one in lines if one.what == name]
        told[name] = np.array([float(one.difference @ axis) * (-1 if one.back else 1) for one in mine])
    same, muted = told["same"], told["muted"]
    line = float(np.quantile(same, 1 - AT_MOST_FALSE))
    rows = {"AUC": float((muted[:, None] > same[None]).mean()), "threshold": line}
    return rows | {name: float((values > line).mean()) for name, values in told.items() if len(values)}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.train muting", description=__doc__)
    for name, value in asdict(TrainConfig()).items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--data", type=Path, default=SHARED / "data" / "bass", help="recorded basses, for the scores")
    parser.add_argument("--packs", type=Path, default=DATA_CACHE / "timbre", help="more of them (models/train timbre)")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="path stem of the weights")
    args = vars(parser.parse_args(argv))
    data, packs, out = args.pop("data"), args.pop("packs"), args.pop("out")
    train(TrainConfig(**args), data, packs, out)
    return 0


def train(config: TrainConfig, data: Path, packs: Path, out: Path) -> None:
    """Make the lines, fit, score on basses that were not learned from, write."""
    began, codec = time.monotonic(), Codec.load()
    fonts = [bank for font in installed_fonts() for bank in _open(font_banks(font))]
    learned = [*of_banks(fonts, codec, config.font, config.seed), *of_made(codec, config.made, config.seed)]
    print(f"{len(learned)} lines, {time.monotonic() - began:.0f} s", flush=True)
    axis = fit(learned, config.ridge)
    try:
        recorded = list(_open(recorded_banks(data, packs)))
    except FileNotFoundError as error:
        raise SystemExit(
            f"{error}: the recorded basses are needed for the scores; give their folder with --data"
        ) from None
    tested = {"recorded basses": recorded, f"soundfont {UNSEEN_FONT}": list(_open(font_banks(UNSEEN_FONT)))}
    found = {
        name: scores(list(of_banks(banks, codec, config.tested, config.seed)), axis) for name, banks in tested.items()
    }
    about = {"dim": codec.dim, **{f"scores on {name}": rows for name, rows in found.items()}}
    text = card(config, len(learned), found, time.monotonic() - began)
    sha = checkpoint.save(out, {"axis": torch.tensor(axis, dtype=torch.float32)}, about, text, KIND)
    print(f"wrote {out}.safetensors {sha[:12]} {found}", flush=True)


def card(config: TrainConfig, lines: int, found: dict[str, dict[str, float]], seconds: float) -> str:
    """Return the card in Markdown."""
    options = " ".join(f"--{name} {value}" for name, value in asdict(config).items())
    names = list(next(iter(found.values())))
    none = float("nan")
    rows = "\n".join(
        f"| {bass} | {' | '.join(f'{row.get(name, none):.2f}' for name in names)} |" for bass, row in found.items()
    )
    return f"""# muting: how far a bass note is damped, by the codec's latents

One linear axis over the mean latents of a note's attack (40 ms) and body (107 ms). The difference of two means says
how the playing changed. Licence of the weights: MIT.

## Data
{lines} lines of 18 notes, 8 of them after a change: muted with the palm, driven, brighter, darker, slapped, or none;
up to 6 dB apart, often in another register, most through a made-up microphone (`models/training/muting/lines.py`).
Notes of FluidR3_GM (MIT) and sf_GMbank (public domain), and of strings made of partials
(`models/sounds/made_strings.py`). Palm mutes of recorded notes are made by damping them; no recording was learned from.

## Made with
`python -m models.train muting {options}` at commit {commit()}; {seconds:.0f} s on one CPU core; everything is seeded.

## Scores
Never learned from. AUC: muted against unchanged lines, 8 notes against 10. Then the share of lines of each change that
lie above the threshold which {AT_MOST_FALSE:.0%} of the unchanged lines exceed.

| | {" | ".join(names)} |
|{"---|" * (len(names) + 1)}
{rows}

## What it cannot do
- It says how a player's notes changed, not whether a first note is muted.
- Pasta Bass' "tagliatelle", recorded muted, lies hardly apart from other sets of that bass: soft mutes are
  not heard.
- It reads the latents of the codec that ships, of no other.
"""


def _open(banks: Iterable[Bank]) -> Iterable[Bank]:
    """Return the sets that are played open; the damped copies are made line by line."""
    return (bank for bank in banks if not bank.damped and bank.technique != "mute")


if __name__ == "__main__":
    sys.exit(main())
