"""Fits how rules and reader are weighed: `python -m agent.sentences.weigh` prints the numbers of second_opinion.py.

Logistic regression on sentences that the reader was not trained on: those kept back and the older test sentences. What
a threshold gives is told from folds: each eighth judged by numbers that were fitted on the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from agent.directions.edit import Edit
from agent.language import feasibility, rules
from agent.language.reader.reading import read
from agent.language.reader.second_opinion import alike, of_reader, of_rules, sure_edits
from agent.language.reader.tokens import tokens
from agent.sentences.said import Said, kept_back

OLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "sentences.jsonl"
FOLDS, PRIOR = 8, 1.5  # PRIOR: strength with which the weights are held at 0
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence with both readings. right: whether reader, rules and doing nothing are; wrong: whether reader and
    rules do what nobody meant; differ: whether there are two readings to choose from."""

    reader: dict[str, float]
    rules: dict[str, float]
    right: tuple[bool, bool, bool]
    wrong: tuple[bool, bool]
    differ: bool
    silent: bool
    barred: bool


def unseen() -> Iterator[Said]:
    """Yield the sentences that the reader was not trained on."""
    yield from kept_back()
    for line in OLDER.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["split"] != "train":
            yield Said(row["text"], tuple(Edit.from_json(edit).short() for edit in row["edits"]))


def judged(said: Said) -> Judged:
    """Return what both readers make of a sentence, and whether that is right."""
    meant = tuple(map(Edit.read, said.edits))
    context, asked = (tuple(map(Edit.read, edits)) for edits in (said.context, said.asked))
    found = rules.read(said.text)
    theirs = sure_edits(found)
    heard = read(tokens(said.text), context, asked, theirs=theirs)
    ours = tuple(dict.fromkeys(heard.edits))
    after = bool(context or asked)
    return Judged(
        of_reader(found, heard, after),
        of_rules(found, heard, after),
        (alike(ours, meant), alike(theirs, meant), not meant),
        (_wrong(ours, meant), _wrong(theirs, meant)),
        bool(theirs) and not alike(ours, theirs),
        not ours,
        bool(feasibility.contradiction(ours)),
    )


def _wrong(done: Sequence[Edit], meant: Sequence[Edit]) -> bool:
    allowed = {(edit.target, edit.dimension, edit.change, edit.value) for edit in meant}
    return any(e.change != "keep" and (e.target, e.dimension, e.change, e.value) not in allowed for e in done)


def fitted(known: Sequence[dict[str, float]], right: Sequence[bool]) -> dict[str, float]:
    """Return the weights of a logistic regression (Newton's steps)."""
    names = list(known[0])
    x, y = np.array([[one[name] for name in names] for one in known]), np.array(right, float)
    held = PRIOR * np.array([name != "one" for name in names], float)
    w = np.zeros(len(names))
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + np.diag(held + 1e-6), x.T @ (p - y) + held * w)
    return dict(zip(names, (round(float(value), 2) for value in w), strict=True))


def fit(rows: Sequence[Judged]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the weights for the reader's edits and for those of the rules."""
    two = [row for row in rows if row.differ]
    ours = fitted([row.reader for row in rows], [row.right[0] for row in rows])
    return ours, fitted([row.rules for row in two], [row.right[1] for row in two])


def _likely(weights: dict[str, float], known: dict[str, float]) -> float:
    return float(1 / (1 + np.exp(-sum(weights[name] * known[name] for name in weights))))


def main() -> None:
    rows = [judged(said) for said in unseen()]
    order = list(range(len(rows)))
    Random(1).shuffle(order)
    likely: dict[int, tuple[float, float]] = {}
    for fold in range(FOLDS):
        out = order[fold::FOLDS]
        ours, theirs = fit([rows[at] for at in order if at not in set(out)])
        for at in out:
            row = rows[at]
            likely[at] = (
                0.0 if row.barred else _likely(ours, row.reader),
                _likely(theirs, row.rules) if row.differ else 0.0,
            )
    for threshold in np.arange(0.2, 0.85, 0.05):
        right = wrong = 0
        for at, row in enumerate(rows):
            best = int(likely[at][1] > likely[at][0])
            acts = likely[at][best] >= threshold and not (best == 0 and row.silent)
            right += row.right[best] if acts else row.right[2]
            wrong += acts and row.wrong[best]
        print(f"from {threshold:.2f}: exact {right / len(rows):.3f}, wrong action {wrong / len(rows):.3f}")
    for name, weights in zip(("OURS", "THEIRS"), fit(rows), strict=True):
        print(name, "=", json.dumps(weights))


if __name__ == "__main__":
    main()
