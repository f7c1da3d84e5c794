"""Reads a sentence with the table of terms alone: the fallback where the network's weights are missing.

Each clause is one act: a term's edits (or a verb of bringing in, taking out, keeping), at the part that is named, with
the size and the place that are said. It does not understand context, staging or exceptions that follow a change.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from agent.directions.edit import CAN, Edit
from agent.language import lexicon, word_lists
from agent.language.symbols import value_of
from agent.language.tokens import Token, tokens
from agent.language.vocabulary import Term

OPPOSITE = {"more": "less", "less": "more", "on": "off", "off": "on"}
JOINTS = frozenset({",", ".", ";", "!", "but", "and", "then", "?"})
SMALL = re.compile(r"\b(?:a bit|a little|a touch|a hair|slightly|a tad|a notch|somewhat|a smidge|a shade)\b")
LARGE = re.compile(r"\b(?:a lot|way|much|far|massively|loads|drastically|heaps)\b")
UNITS = {
    "db": "dB",
    "decibels": "dB",
    "%": "%",
    "percent": "%",
    "ms": "ms",
    "milliseconds": "ms",
    "bpm": "bpm",
    "clicks": "bpm",
    "octave": "octave",
    "octaves": "octave",
    "semitones": "semitone",
    "semitone": "semitone",
}
SECTIONS = re.compile(r"\b(?:(first|second|third|last) )?(verse|chorus|bridge|intro|outro|solo|head|coda)(?:s|es)?\b")
PLACES = (
    (re.compile(r"\bfrom bar (\d+)|\bbar (\d+) on"), "from:{}"), (re.compile(r"\b(?:until|till|up to) bar (\d+)"), "until:{}"), (re.compile(r"\bbars? (\d+) (?:-|to|through|till) (?:bar )?(\d+)"), "bars:{}-{}"),
    (re.compile(r"\bfirst (\d+) bars"), "bars:1-{}"), (re.compile(r"\blast (\d+) bars"), "bars:last-{}"), (re.compile(r"\blast bar\b"), "bar:last"), (re.compile(r"\bbar (\d+)"), "bar:{}"), (re.compile(r"\bevery (\d+) bars"), "every:{}"), (re.compile(r"\bfor (?:the next )?(\d+) bars"), "bars:{}"),
)  # fmt: skip
CONFIDENCE = 0.7


def read_by_table(said: Sequence[Token]) -> tuple[Edit, ...]:
    """Return the edits of a sentence, none where the table knows no order in it."""
    text = " ".join(token.text for token in said)
    if re.match(word_lists.QUESTION, text) or re.search(word_lists.OWN, text):
        return ()
    place = _place(text)
    found = [edit for clause in _clauses(said) for edit in _clause(clause)]
    return tuple(dict.fromkeys(replace(edit, scope=edit.scope or place, confidence=CONFIDENCE) for edit in found))


def exactly(sentence: str) -> tuple[Edit, ...]:
    """Return the edits of a sentence that is one phrase of the table, word for word; none where it is not."""
    words = tuple(
        token.text
        for token in tokens(re.sub(r"^please |,? please[.!]?$", "", sentence.lower().strip()))
        if token.kind != "mark"
    )
    terms = [value for kind, value in lexicon.index().get(words, ()) if kind == "term" and isinstance(value, tuple)]
    for column, term in terms:
        if column in ("order", "feature", "comparative", "complaint"):
            edits: tuple[Edit, ...] = term.read()
            return tuple(replace(edit, confidence=0.95) for edit in edits)
    return ()


def _clauses(said: Sequence[Token]) -> Iterator[list[Token]]:
    clause: list[Token] = []
    for token in said:
        if token.text in JOINTS:
            if clause:
                yield clause
            clause = []
        else:
            clause.append(token)
    if clause:
        yield clause


def _clause(said: Sequence[Token]) -> Iterator[Edit]:
    words = [token.text for token in said]
    text = " ".join(words)
    tags = [tag for phrase in lexicon.phrases_in(words) for tag in phrase.tags]
    kinds = {kind for kind, _ in tags}
    target = next((str(value) for kind, value in tags if kind == "who"), "")
    signs = {value for kind, value in tags if kind == "sign"}
    size = _size(said, text)
    value = next(
        (
            (slot, value_of(token, slot))
            for token in said
            for slot in ("meter", "key", "chord")
            if token.kind in ("meter", "group", "key", "chord") and value_of(token, slot)
        ),
        None,
    )
    if value:
        slot, what = value
        yield Edit("form" if slot == "meter" else "harmony", slot, "off" if "neg" in kinds else "set", what)
        return
    tempo = re.search(r"\b(?:tempo|bpm|to|at) (\d{2,3})\b|\b(\d{2,3}) bpm\b", text)
    if tempo and not size:
        yield Edit("band", "tempo", "set", tempo[1] or tempo[2])
        return
    take = re.search(r"\btake (\d+)\b", text)
    if take:
        yield Edit(target or "band", "take", "recall", take[1])
        return
    found = next(
        (
            (str(column), term)
            for kind, got in tags
            if kind == "term" and isinstance(got, tuple)
            for column, term in [got]
            if isinstance(term, Term)
        ),
        None,
    )
    if found:
        yield from _termed(found[0], found[1], target, signs, "neg" in kinds or "off" in kinds, size)
    elif target and target not in ("form", "feel"):
        change = _plain(kinds, signs, {str(value) for kind, value in tags if kind == "particle"})
        if change:
            dimension, way = change
            yield Edit(target, dimension, way, size=size if dimension == "level" else None)


def _termed(
    column: str, term: Term, target: str, signs: set[object], negated: bool, size: str | None
) -> Iterator[Edit]:
    down = bool(signs & {"less", "fewer", "too_much", "too_many", "so_much"}) or (
        column == "quality" and bool(signs & {"too", "so"})
    )
    if column in ("quality", "noun") and not signs and not negated:
        return
    for edit in term.read():
        can = CAN.get(edit.dimension)
        fits = target and (can is None or target in can) and (term.only == "any" or target in term.only.split())
        change = edit.change
        if down:
            change = OPPOSITE.get(change, "less")
        elif negated and column in ("feature", "order", "noun"):
            change = "off" if change in ("set", "on") else "keep"
        elif negated and column == "comparative":
            change = "keep"
        yield replace(edit, target=target if fits else edit.target, change=change, size=size or edit.size)


def _plain(kinds: set[str], signs: set[object], particles: set[str]) -> tuple[str, str] | None:
    """Return dimension and change of a clause that names a part and no term."""
    if "praise" in kinds and "neg" not in kinds:
        return "pattern", "keep"
    if "down" in particles or signs & {"less", "fewer", "too_much", "so_much"}:
        return "level", "less"
    if "up" in particles or signs & {"more"}:
        return "level", "more"
    if "keep" in kinds:
        return "pattern", "keep"
    if "neg" in kinds or "off" in kinds or particles & {"out", "off"}:
        return "mute", "on"
    if "blame" in kinds:
        return "pattern", "off"
    return ("mute", "off") if "on" in kinds or "in" in particles else None


def _size(said: Sequence[Token], text: str) -> str | None:
    for number, unit in itertools.pairwise(said):
        if number.kind == "number" and unit.text in UNITS:
            return f"{number.value} {UNITS[unit.text]}"
    return "small" if SMALL.search(text) else "large" if LARGE.search(text) else None


def _place(text: str) -> str | None:
    for pattern, scope in PLACES:
        if found := pattern.search(text):
            return scope.format(*(group for group in found.groups() if group))
    found = SECTIONS.search(text)
    return f"section:{found[1] + '-' if found[1] else ''}{found[2]}" if found else None
