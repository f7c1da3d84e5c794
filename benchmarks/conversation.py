"""Sentences -> edits: exact match and per-field accuracy on wordings not tuned on, beside keyword lookup; latency.

`python -m benchmarks.conversation [--show train|test|wild|fresh]`. benchmarks/sentences.jsonl: split, text, edits, and
whether it is a question. train: what the lexicon was written against. test: another persona, other wordings, its
failures read once (0.882 exact before that). wild: hard on purpose, read once (0.625 before). fresh: written when the
lexicon was finished and scored once (0.925): the fair figure for everyday sentences; wild's first one for odd ones.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.directions.edit import Edit
from agent.language import lexicon
from agent.language.normalise import words
from agent.language.parser import parse
from benchmarks import results

SENTENCES = Path(__file__).with_name("sentences.jsonl")
FIELDS = ("target", "dimension", "change", "value", "size", "scope", "condition")
TARGETS = {"exact": 0.90, "fields": 0.95, "latency_ms": 150.0}
Parser = Callable[[str], Sequence[Edit]]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--show", metavar="SPLIT", help="print the failures of one split")
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    given = options.parse_args()
    rows = sentences()
    if given.show:
        failures([row for row in rows if row["split"] == given.show])
        return
    figures = measure(rows)
    Console().print(table(figures))
    if not given.dry:
        for system, measured in figures.items():
            results.append("conversation", system, measured)


def sentences() -> list[dict[str, Any]]:
    return [json.loads(line) for line in SENTENCES.read_text(encoding="utf-8").splitlines()]


def ours(text: str) -> Sequence[Edit]:
    return parse(text).edits


def keywords(text: str) -> Sequence[Edit]:
    """The trivial rule: the first term found anywhere, at the first target found; no clauses, signs or negation."""
    said = " " + " ".join(words(text)) + " "
    spans = [(key, tags) for key, tags in lexicon.index().items() if f" {' '.join(key)} " in said]
    spans.sort(key=lambda span: -len(span[0]))
    who = [str(value) for _, tags in spans for kind, value in tags if kind == "who"]
    terms = [value for _, tags in spans for kind, value in tags if kind == "term" and isinstance(value, tuple)]
    if not terms:
        return [Edit(target, "level", "less" if " less " in said else "more") for target in who[:1]]
    edits: Sequence[Edit] = terms[0][1].read()
    return [Edit(who[0] if who else edit.target, edit.dimension, edit.change, edit.value) for edit in edits]


def key(edit: Edit) -> tuple[str | None, ...]:
    return tuple(getattr(edit, name) for name in FIELDS)


def wanted(row: dict[str, Any]) -> list[Edit]:
    return [Edit.from_json(edit) for edit in row["edits"]]


def exact(row: dict[str, Any], got: Sequence[Edit]) -> bool:
    """The same edits in any order, every field but the confidence."""
    return sorted(map(key, wanted(row)), key=str) == sorted(map(key, got), key=str)


def field_share(row: dict[str, Any], got: Sequence[Edit]) -> tuple[int, int]:
    """(right, counted) fields over edits paired best first; an edit missing or too many counts all its fields wrong."""
    left, right = list(got), 0
    want = wanted(row)
    for edit in want:
        if left:
            best = max(left, key=lambda other: sum(a == b for a, b in zip(key(edit), key(other), strict=True)))
            left.remove(best)
            right += sum(a == b for a, b in zip(key(edit), key(best), strict=True))
    return right, len(FIELDS) * max(len(want), len(got))


def scores(rows: Sequence[dict[str, Any]], parser: Parser) -> dict[str, float]:
    got = [parser(row["text"]) for row in rows]
    shares = np.array([field_share(row, edits) for row, edits in zip(rows, got, strict=True)])
    quiet = [not edits for row, edits in zip(rows, got, strict=True) if not row["edits"]]
    return {
        "sentences": len(rows),
        "exact": round(float(np.mean([exact(row, edits) for row, edits in zip(rows, got, strict=True)])), 3),
        "fields": round(float(shares[:, 0].sum() / shares[:, 1].sum()), 3),
        "nothing_changed_when_nothing_ordered": round(float(np.mean(quiet)), 3) if quiet else 1.0,
    }


def latency_ms(rows: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Median and worst time from sentence to edits, after one warm-up sentence."""
    parse("less snare")
    taken = []
    for row in rows:
        start = time.perf_counter()
        parse(row["text"])
        taken.append(1e3 * (time.perf_counter() - start))
    return round(float(np.median(taken)), 2), round(max(taken), 2)


def calibration(rows: Sequence[dict[str, Any]]) -> float:
    """Mean absolute difference between stated confidence and share of right edits, over bins of 0.1, weighted."""
    pairs = [(edit.confidence, key(edit) in set(map(key, wanted(row)))) for row in rows for edit in ours(row["text"])]
    stated, right = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float)
    bins = np.round(stated, 1)
    gaps = [abs(stated[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return round(float(sum(gaps)), 3)


def measure(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    splits = {name: [row for row in rows if row["split"] == name] for name in sorted({row["split"] for row in rows})}
    median, worst = latency_ms(rows)
    figures: dict[str, dict[str, Any]] = {}
    for system, parser in (("antiphon", ours), ("keywords", keywords)):
        figures[system] = {
            f"{name}_{figure}": value
            for name, group in splits.items()
            for figure, value in scores(group, parser).items()
        }
    unseen = [row for name, group in splits.items() if name != "train" for row in group]
    figures["antiphon"] |= {"latency_ms": median, "latency_max_ms": worst, "calibration_error": calibration(unseen)}
    return figures


def table(figures: dict[str, dict[str, Any]]) -> Table:
    shown = Table("figure", *figures, title="sentences to edits")
    for name in figures["antiphon"]:
        shown.add_row(name, *(str(column.get(name, "")) for column in figures.values()))
    return shown


def failures(rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        got = ours(row["text"])
        if not exact(row, got):
            want, have = ("; ".join(edit.short() for edit in edits) for edits in (wanted(row), got))
            print(f"{row['text']}\n  want {want}\n  got  {have}")


if __name__ == "__main__":
    main()
