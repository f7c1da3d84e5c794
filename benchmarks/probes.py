"""What the codes tell: linear probes on frozen codes, on basses that neither probe nor codec has heard.

    python -m benchmarks.probes [--weights models/weights/codec] [--per-bank 4] [--quick]

The same frames, the same split, the same context and the same search for the penalty (on the taught basses, whole
instruments left out) for every description of the sound. Intervals: 95%, bootstrap over the asked takes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray

from benchmarks import results
from benchmarks.probe_features import features
from benchmarks.probe_takes import LOWEST, TECHNIQUES, Take, takes
from benchmarks.probe_takes import PACKS as PACK_SETS
from models.codec import WEIGHTS
from models.data_timbre import SETS

ROOT = Path(__file__).resolve().parents[1]
SHARED, PACKS, CACHE = ROOT.parent / "shared", ROOT / "data_cache" / "timbre", ROOT / "data_cache" / "probes"
PENALTIES = (1e-4, 1e-3, 1e-2)  # C of the logistic regression
RIDGES = (1e1, 1e3, 1e5)
TAUGHT_ROWS, SEARCH_ROWS, FOLDS = 12_000, 3_000, 3
AUDIBLE_DB = -60.0
BOOTSTRAP = 300
BINS = 1024
TRIVIAL = "majority / mean"

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Task:
    """context: frames a decision sees, the asked one the last. classes 0: a number is wanted (dB)."""

    name: str
    context: int
    classes: int


TASKS = (
    Task("pitch class", 4, 12),
    Task("octave", 4, 3),
    Task("semitone", 4, 36),
    Task("articulation", 8, len(TECHNIQUES)),
    Task("onset", 4, 2),
    Task("loudness", 4, 0),
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Frames asked about: take [R] and frame [R] (indices), y [R]."""

    take: Ints
    frame: Ints
    y: Floats

    def where(self, mask: NDArray[np.bool_]) -> Rows:
        return Rows(self.take[mask], self.frame[mask], self.y[mask])


@dataclass(frozen=True, slots=True)
class Answer:
    """What one probe said of the asked rows; score, low, high: balanced accuracy, or mean absolute error in dB."""

    said: Floats
    score: float
    low: float
    high: float
    dim: int


def labels(task: Task, take: Take) -> tuple[Ints, Floats]:
    """(frames [R], y [R]) of one take: which frames the task is asked of, and what is right."""
    frames = np.arange(len(take.since))
    sounding = (take.pitch > 0) & (take.level_db > AUDIBLE_DB)
    settled = sounding & (take.since >= 4) & (take.since <= 16) & (take.since % 2 == 0)
    wanted: dict[str, tuple[NDArray[np.bool_], NDArray[Any]]] = {
        "pitch class": (settled & (not take.made), take.pitch % 12),
        "octave": (settled & (not take.made), (take.pitch - LOWEST) // 12),
        "semitone": (settled & (not take.made), take.pitch - LOWEST),
        "articulation": (
            (take.since == 7) & (take.technique != ""),
            np.full(len(frames), TECHNIQUES.index(take.technique or TECHNIQUES[0])),
        ),
        "onset": ((frames >= task.context) & (not take.made), (take.since >= 0) & (take.since <= 1)),
        "loudness": ((frames >= task.context) & (take.level_db > AUDIBLE_DB) & (not take.made), take.level_db),
    }
    mask, y = wanted[task.name]
    mask = mask & (frames >= task.context - 1)
    return frames[mask], y[mask].astype(np.float64)


def rows_of(task: Task, of: list[Take], taught: bool) -> Rows:
    parts = [(i, *labels(task, take)) for i, take in enumerate(of) if take.taught == taught]
    take = np.concatenate([np.full(len(frames), i) for i, frames, _ in parts])
    return Rows(take, np.concatenate([f for _, f, _ in parts]), np.concatenate([y for *_, y in parts]))


def at_most(rows: Rows, count: int, rng: Rng) -> Rows:
    keep = np.zeros(len(rows.y), bool)
    keep[rng.permutation(len(rows.y))[:count]] = True
    return rows.where(keep)


def inputs(described: list[NDArray[Any]], rows: Rows, context: int) -> Any:
    """[R, context * dim]: the asked frame and those before it, oldest first; codes [T, K] become sparse one-hot."""
    back = np.arange(1 - context, 1)
    x = np.stack([described[t][f + back].ravel() for t, f in zip(rows.take, rows.frame, strict=True)])
    if x.dtype.kind == "f":
        return x.astype(np.float64)
    columns = x + np.arange(x.shape[1]) * BINS
    starts = np.arange(0, columns.size + 1, x.shape[1])
    return sp.csr_matrix((np.ones(columns.size), columns.ravel(), starts), (len(x), BINS * x.shape[1]))


def fitted(task: Task, x: Any, y: Floats, strength: float) -> Any:
    """A linear model on standardised features; classes weigh the same however often they occur."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler, StandardScaler

    scale = MaxAbsScaler() if sp.issparse(x) else StandardScaler()
    if task.classes:
        model = LogisticRegression(C=strength, class_weight="balanced", max_iter=200, tol=1e-3)
    else:
        model = Ridge(alpha=strength)
    return make_pipeline(scale, model).fit(x, y)


def strength_for(task: Task, x: Any, rows: Rows, groups: Ints) -> float:
    """The best penalty on taught instruments left out as a whole."""
    from sklearn.model_selection import GroupKFold

    chosen = np.random.default_rng(1).permutation(len(rows.y))[:SEARCH_ROWS]
    x, y, groups = x[chosen], rows.y[chosen], groups[chosen]
    scores = {}
    for strength in PENALTIES if task.classes else RIDGES:
        folds = GroupKFold(FOLDS).split(x, y, groups)
        marks = [score(task, y[out], fitted(task, x[into], y[into], strength).predict(x[out])) for into, out in folds]
        scores[strength] = float(np.mean(marks)) * (1 if task.classes else -1)
    return max(scores, key=lambda strength: scores[strength])


def score(task: Task, y: Floats, said: Floats) -> float:
    """Balanced accuracy over the classes that occur; mean absolute error for a number."""
    if not task.classes:
        return float(np.abs(y - said).mean())
    return float(np.mean([(said[y == c] == c).mean() for c in np.unique(y)]))


def interval(task: Task, rows: Rows, said: Floats) -> tuple[float, float]:
    """95% over resampled takes."""
    rng, kinds = np.random.default_rng(0), np.unique(rows.take)
    where = {t: np.flatnonzero(rows.take == t) for t in kinds}
    marks = []
    for _ in range(BOOTSTRAP):
        picked = np.concatenate([where[t] for t in rng.choice(kinds, len(kinds))])
        marks.append(score(task, rows.y[picked], said[picked]))
    low, high = np.percentile(marks, [2.5, 97.5])
    return float(low), float(high)


def instrument(take: Take) -> str:
    """Several sets, and the palm-muted copies, may be of one bass."""
    name = take.bank.split("+")[0]
    return name.rsplit("-", 1)[0] if take.made else SETS.get(name, (name,))[0]


def probe(task: Task, described: list[NDArray[Any]], of: list[Take], known: Rows, asked: Rows) -> Answer:
    groups = np.unique([instrument(take) for take in of], return_inverse=True)[1][known.take]
    x = inputs(described, known, task.context)
    model = fitted(task, x, known.y, strength_for(task, x, known, groups))
    return judged(task, asked, model.predict(inputs(described, asked, task.context)), x.shape[1])


def judged(task: Task, asked: Rows, said: Floats, dim: int) -> Answer:
    return Answer(said, score(task, asked.y, said), *interval(task, asked, said), dim)


def trivial(task: Task, known: Rows, asked: Rows) -> Answer:
    """The commonest class, or the mean level."""
    values, counts = np.unique(known.y, return_counts=True)
    constant = values[counts.argmax()] if task.classes else known.y.mean()
    return judged(task, asked, np.full(len(asked.y), constant), 0)


def run_task(task: Task, of: list[Take], found: dict[str, list[NDArray[Any]]]) -> tuple[Rows, dict[str, Answer]]:
    known = at_most(rows_of(task, of, True), TAUGHT_ROWS, np.random.default_rng(0))
    asked = at_most(rows_of(task, of, False), TAUGHT_ROWS, np.random.default_rng(0))
    answers = {TRIVIAL: trivial(task, known, asked)}
    for name, described in found.items():
        if described[0].dtype.kind == "f" or task.classes:
            answers[name] = probe(task, described, of, known, asked)
    return asked, answers


# ---------------------------------------------------------------- what is printed and kept


def table(told: dict[str, dict[str, Answer]]) -> str:
    """Descriptions down, tasks across: score (95% interval); below the name its size per frame."""
    names = list(dict.fromkeys(name for answers in told.values() for name in answers))
    lines = [f"{'':22}{'dim':>7}" + "".join(f"{name:>21}" for name in told)]
    for name in names:
        sizes = [told[task.name][name].dim // task.context for task in TASKS if name in told[task.name]]
        cells = (_cell(answers.get(name)) for answers in told.values())
        lines.append(f"{name:22}{sizes[0]:7}" + "".join(f"{cell:>21}" for cell in cells))
    return "\n".join(lines)


def _cell(answer: Answer | None) -> str:
    return "-" if answer is None else f"{answer.score:.3f} ({answer.low:.3f}-{answer.high:.3f})"


def loudness_fit(asked: Rows, answer: Answer) -> tuple[float, float]:
    """(R squared, Spearman's rank correlation)"""
    from scipy.stats import spearmanr

    rest = ((asked.y - answer.said) ** 2).sum() / ((asked.y - asked.y.mean()) ** 2).sum()
    constant = np.ptp(answer.said) == 0
    return float(1 - rest), 0.0 if constant else float(spearmanr(asked.y, answer.said).statistic)


def by_bank(of: list[Take], asked: Rows, answers: dict[str, Answer]) -> str:
    """Articulation: share right of each asked bass."""
    banks = np.array([take.bank for take in of])[asked.take]
    names = [name for name in answers if name != TRIVIAL]
    lines = [f"{'':20}{'played':>9}{'notes':>6}" + "".join(f"{name:>21}" for name in names)]
    for bank in dict.fromkeys(banks):
        mine = banks == bank
        right = (f"{(answers[name].said[mine] == asked.y[mine]).mean():21.2f}" for name in names)
        lines.append(f"{bank:20}{TECHNIQUES[int(asked.y[mine][0])]:>9}{mine.sum():6}" + "".join(right))
    return "\n".join(lines)


def independent(of: list[Take]) -> str:
    """How many basses stand behind each way of playing."""
    lines = []
    for technique in TECHNIQUES:
        counts = [
            len({instrument(t) for t in of if t.technique == technique and t.taught == taught and not t.made})
            for taught in (True, False)
        ]
        lines.append(f"{technique} {counts[0]} taught, {counts[1]} asked")
    return "; ".join(lines)


def record(
    name: str, told: dict[str, dict[str, Answer]], fit: tuple[float, float] | None, about: dict[str, Any]
) -> None:
    figures: dict[str, Any] = {}
    for task in TASKS:
        if answer := told[task.name].get(name):
            key = f"{task.name.replace(' ', '_')}_{'balanced_accuracy' if task.classes else 'mae_db'}"
            figures |= {key: round(answer.score, 4), f"{key}_95": [round(answer.low, 4), round(answer.high, 4)]}
    if fit:
        figures |= {"loudness_r2": round(fit[0], 4), "loudness_spearman": round(fit[1], 4)}
    results.append("probes", name, figures | about)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="checkpoint stem")
    parser.add_argument("--per-bank", type=int, default=4, help="takes of each bass")
    parser.add_argument("--quick", action="store_true", help="one take of each, nothing written down")
    args = parser.parse_args()
    torch.set_num_threads(1)
    of = takes(SHARED, PACKS, 1 if args.quick else args.per_bank)
    found = features(args.weights, of, CACHE)
    absent = sorted(set(PACK_SETS) - {take.bank for take in of})
    print(f"{len(of)} takes; basses behind each way of playing: {independent(of)}; sets absent: {absent or 'none'}")
    done = {}
    for task in TASKS:
        began = time.process_time()
        done[task.name] = run_task(task, of, found)
        print(f"{task.name}: {time.process_time() - began:.0f} CPU s", flush=True)
    told = {name: answers for name, (_, answers) in done.items()}
    print("balanced accuracy; loudness: mean absolute error in dB (95%)\n" + table(told))
    asked, answers = done["loudness"]
    fits = {name: loudness_fit(asked, answer) for name, answer in answers.items()}
    print("loudness R2 / Spearman: " + ", ".join(f"{name} {r2:.3f} / {rho:.3f}" for name, (r2, rho) in fits.items()))
    print("articulation by bass\n" + by_bank(of, *done["articulation"]))
    if not args.quick:
        for name in told["onset"]:
            record(name, told, fits.get(name), {"weights": str(args.weights), "takes": len(of)})


if __name__ == "__main__":
    main()
