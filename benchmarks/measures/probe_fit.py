"""Fit linear models on frozen descriptions of sound, and score them on takes never taught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from benchmarks.inputs.probe_takes import Take
from benchmarks.measures.probe_tasks import Floats, Ints, Rows, Task, at_most, instrument, rows_of

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C of the logistic regression
RIDGES = (1e1, 1e2, 1e3, 1e4, 1e5)
TAUGHT_ROWS, SEARCH_ROWS, FOLDS = 12_000, 3_000, 3
BOOTSTRAP = 300
BINS = 1024
TRIVIAL = "majority / mean"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one probe said of the asked rows; score, low, high: balanced accuracy, or mean absolute error in dB."""

    said: Floats
    score: float
    low: float
    high: float
    dim: int


def run_task(task: Task, of: list[Take], found: dict[str, list[NDArray[Any]]]) -> tuple[Rows, dict[str, Answer]]:
    known = at_most(rows_of(task, of, True), TAUGHT_ROWS, np.random.default_rng(0))
    asked = at_most(rows_of(task, of, False), TAUGHT_ROWS, np.random.default_rng(0))
    answers = {TRIVIAL: trivial(task, known, asked)}
    for name, described in found.items():
        if described[0].dtype.kind == "f" or task.classes:
            answers[name] = probe(task, described, of, known, asked)
    return asked, answers


def probe(task: Task, described: list[NDArray[Any]], of: list[Take], known: Rows, asked: Rows) -> Answer:
    groups = np.unique([instrument(take) for take in of], return_inverse=True)[1][known.take]
    x = inputs(described, known, task.context)
    model = fitted(task, x, known.y, strength_for(task, x, known, groups))
    return judged(task, asked, model.predict(inputs(described, asked, task.context)), x.shape[1])


def trivial(task: Task, known: Rows, asked: Rows) -> Answer:
    """The commonest class, or the mean level."""
    values, counts = np.unique(known.y, return_counts=True)
    constant = values[counts.argmax()] if task.classes else known.y.mean()
    return judged(task, asked, np.full(len(asked.y), constant), 0)


def judged(task: Task, asked: Rows, said: Floats, dim: int) -> Answer:
    return Answer(said, score(task, asked.y, said), *interval(task, asked, said), dim)


def inputs(described: list[NDArray[Any]], rows: Rows, context: int) -> Any:
    """[R, context * dim]: the asked frame and those before it, oldest first; codes [T, K] become sparse one-hot."""
    back = np.arange(1 - context, 1)
    x = np.stack([described[t][f + back].ravel() for t, f in zip(rows.take, rows.frame, strict=True)])
    if x.dtype.kind == "f":
        return x.astype(np.float32)
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
