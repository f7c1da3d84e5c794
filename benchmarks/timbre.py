"""How well the way of playing is told on basses never heard: each recorded instrument held out in turn, each set of
shared/data/bass held out alone, and a soundfont that is never trained on; beside two trivial rules.

    python -m benchmarks.timbre [--recorded 150 --font 100 --made 100]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import results
from listener.timbre.features import NAMES
from listener.timbre.timbre import TimbreTracker
from listener.types import FRAME_SAMPLES, Frame, Note
from models.sounds.technique_notes import CLASSES, SETS, Examples, examples, font_banks
from models.training.timbre import (
    DATA,
    PACKS,
    TrainConfig,
    balance,
    corpus,
    fit,
    log_softmax,
    recorded_instruments,
    temperature,
)

UNSEEN_FONT = "TimGM6mb"
ALONE = ("growl", "growl_staccato", "killer", "linguine", "spaghetti", "meat_pizz")  # the sets of shared/data/bass
BRIGHT = NAMES.index("attack1_2800")  # 2.8-5.6 kHz of the attack against the sustain
Floats = NDArray[np.float64]
Rule = Callable[[Examples, Examples], Floats]  # (trained on, asked) -> [N, classes] scores


@dataclass(frozen=True, slots=True)
class Asked:
    """Held-out examples and the scores each rule gave them; kind: which protocol."""

    kind: str
    e: Examples
    scores: dict[str, Floats]


def rules(config: TrainConfig) -> dict[str, Rule]:
    return {
        "antiphon": lambda known, asked: fit(known, config).logits(asked.x),
        "brightness": _nearest_brightness,
        "majority": _majority,
    }


def _nearest_brightness(known: Examples, asked: Examples) -> Floats:
    """Thresholds on one feature, how bright the attack is: the class whose mean is nearest."""
    means = np.array([np.nanmean(known.x[known.y == c, BRIGHT]) for c in range(len(CLASSES))])
    return np.asarray(-np.abs(np.nan_to_num(asked.x[:, BRIGHT])[:, None] - means))


def _majority(known: Examples, asked: Examples) -> Floats:
    counts = np.bincount(known.y, minlength=len(CLASSES)).astype(float)
    return np.tile(counts, (len(asked.y), 1))


def hold_out(e: Examples, font: Examples, config: TrainConfig) -> list[Asked]:
    """Every protocol: the instrument (its other sets and its damped copies too), the set alone, the font."""
    cases: list[tuple[str, NDArray[np.bool_]]] = []
    cases += [("instrument", e.instrument == name) for name in recorded_instruments(e)]
    cases += [("set", np.isin(e.bank, [name, f"{name}+palm"])) for name in ALONE]
    out = []
    for kind, mask in cases:
        known, asked = e.where(~mask), e.where(mask)
        out.append(Asked(kind, asked, {name: rule(known, asked) for name, rule in rules(config).items()}))
        print(".", end="", flush=True)
    print()
    return [*out, Asked("soundfont", font, {name: rule(e, font) for name, rule in rules(config).items()})]


def accuracy(asked: list[Asked], rule: str, clean: bool = False) -> dict[str, tuple[str, float, int]]:
    """bank -> (technique, share right, examples)."""
    out = {}
    for part in asked:
        right = part.scores[rule].argmax(1) == part.e.y
        for bank in np.unique(part.e.bank):
            mask = (part.e.bank == bank) & (part.e.clean if clean else part.e.y >= 0)
            out[str(bank)] = (CLASSES[part.e.y[part.e.bank == bank][0]], float(right[mask].mean()), int(mask.sum()))
    return out


def by_technique(table: dict[str, tuple[str, float, int]]) -> dict[str, float]:
    """Mean over a technique's sets; "all": mean over techniques."""
    means = {c: [share for technique, share, _ in table.values() if technique == c] for c in CLASSES}
    out = {c: float(np.mean(shares)) for c, shares in means.items() if shares}
    return out | {"all": float(np.mean(list(out.values())))}


def _as_recorded(table: dict[str, tuple[str, float, int]]) -> float:
    """Mean over the sets that were not damped here."""
    return float(np.mean([share for bank, (_, share, _) in table.items() if not bank.endswith("+palm")]))


def confusion(asked: list[Asked]) -> str:
    """Rows: played; columns: told; shares of the row."""
    table = np.zeros((len(CLASSES), len(CLASSES)))
    for part in asked:
        np.add.at(table, (part.e.y, part.scores["antiphon"].argmax(1)), balance(part.e))
    table /= np.maximum(table.sum(1, keepdims=True), 1e-9)
    rows = [f"{'played / told':14}" + "".join(f"{c:>10}" for c in CLASSES)]
    rows += [f"{c:14}" + "".join(f"{v:10.2f}" for v in row) for c, row in zip(CLASSES, table, strict=True)]
    return "\n".join(rows)


def calibration(fitted_on: list[Asked], asked: list[Asked]) -> tuple[float, float]:
    """Temperature from one set of protocols, expected calibration error (Guo et al. 2017) on another."""

    def joined(parts: list[Asked]) -> tuple[Floats, NDArray[np.int64], Floats]:
        z, y = np.concatenate([p.scores["antiphon"] for p in parts]), np.concatenate([p.e.y for p in parts])
        return z, y, np.concatenate([balance(p.e) for p in parts])

    scale = temperature(*joined(fitted_on))
    z, y, weight = joined(asked)
    chances = np.exp(log_softmax(z / scale))
    sure, right = chances.max(1), chances.argmax(1) == y
    place, error = np.minimum((sure * 10).astype(int), 9), 0.0
    for k in np.unique(place):
        mine = place == k
        gap = abs(np.average(sure[mine], weights=weight[mine]) - np.average(right[mine], weights=weight[mine]))
        error += gap * weight[mine].sum() / weight.sum()
    return scale, float(error)


def cost(seconds: float = 20.0) -> dict[str, float]:
    """Of the tracker as it runs, a note every 267 ms:
    CPU seconds per second, CPU milliseconds of the steps that tell.
    """
    tracker, rng, steps, told = TimbreTracker(), np.random.default_rng(0), [], []
    for index in range(int(seconds * 75)):
        frame = Frame(rng.normal(0, 0.1, FRAME_SAMPLES).astype(np.float32), index * FRAME_SAMPLES)
        notes = (Note(frame.start_s - 0.04, frame.emit_s, None, 28 + index % 20, 90),) if index % 20 == 0 else ()
        began = time.process_time()
        out = tracker.step(frame, notes, ())
        steps.append(time.process_time() - began)
        told += [steps[-1]] if out else []
    p50, p99 = np.percentile(told[5:], [50, 99]) * 1000
    return {"real_time_factor": sum(steps) / seconds, "tell_p50_ms": float(p50), "tell_p99_ms": float(p99)}


def report(asked: list[Asked], kind: str) -> None:
    parts = [a for a in asked if a.kind == kind]
    tables = {name: accuracy(parts, name) for name in parts[0].scores}
    clean = accuracy(parts, "antiphon", clean=True)
    print(
        f"\nheld out: the {kind}\n"
        f"{'set':24}{'technique':10}{'n':>5}{'antiphon':>10}{'clean':>8}{'bright':>8}{'major':>8}"
    )
    for bank, (technique, share, n) in tables["antiphon"].items():
        others = "".join(f"{tables[name][bank][1]:8.2f}" for name in ("brightness", "majority"))
        print(f"{bank:24}{technique:10}{n:5}{share:10.2f}{clean[bank][1]:8.2f}{others}")
    for name, table in tables.items():
        means = by_technique(table) | {"recorded": _as_recorded(table)}
        print(f"{name:12}" + "  ".join(f"{c} {v:.2f}" for c, v in means.items()))
        results.append("timbre", f"{name}, held out: {kind}", {f"accuracy_{c}": round(v, 3) for c, v in means.items()})
    print(confusion(parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    defaults = asdict(TrainConfig())
    for name in ("recorded", "font", "made", "epochs", "seed"):
        parser.add_argument(f"--{name}", type=int, default=defaults[name])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--packs", type=Path, default=PACKS)
    args = vars(parser.parse_args())
    data, packs = args.pop("data"), args.pop("packs")
    warnings.filterwarnings("ignore", "Mean of empty slice")
    config = TrainConfig(**args)
    e = corpus(config, data, packs)
    print(f"{len(e.y)} examples; sets absent: {', '.join(sorted(set(SETS) - set(e.bank))) or 'none'}")
    asked = hold_out(e, examples(font_banks(UNSEEN_FONT), config.font, config.clean, config.seed + 1), config)
    for kind in ("instrument", "set", "soundfont"):
        report(asked, kind)
    kinds = {kind: [a for a in asked if a.kind == kind] for kind in ("instrument", "soundfont")}
    scale, error = calibration(kinds["instrument"], kinds["soundfont"])
    costs = cost()
    print(
        f"\ncalibration: temperature {scale:.2f} from held-out instruments, ECE {error:.3f} on {UNSEEN_FONT}\n"
        f"cost: {costs}"
    )
    results.append("timbre", "antiphon", {"temperature": round(scale, 3), "ece_soundfont": round(error, 3), **costs})


if __name__ == "__main__":
    main()
