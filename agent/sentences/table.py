"""Makes paraphrases of the table of terms: each phrase of each column in the ways it can be said, with the term's edits."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from agent.directions.edit import CAN, PIECES, Edit
from agent.language.vocabulary import TERMS, Term
from agent.sentences import names
from agent.sentences.clauses import Clauses
from agent.sentences.said import Said

SHAPES = {  # column -> (shape, whether a part is named in it, sign: 1 as the term says, -1 the opposite, 0 as it is)
    "comparative": (("{p}", 0, 1), ("make it {p}", 0, 1), ("{p} please", 0, 1), ("can it be {p}", 0, 1), ("make {T} {p}", 1, 1), ("{p} {t}", 1, 1), ("{T} {p}", 1, 1), ("{T} should be {p}", 1, 1), ("i want {T} {p}", 1, 1), ("it should be {p}", 0, 1), ("let's go {p}", 0, 1), ("don't make it {p}", 0, 0), ("don't make {T} {p}", 1, 0)),
    "quality": (("too {p}", 0, -1), ("it's too {p}", 0, -1), ("{T} {is} too {p}", 1, -1), ("more {p}", 0, 1), ("make {T} more {p}", 1, 1), ("less {p}", 0, -1), ("not {p} enough", 0, 1), ("{T} {is} not {p} enough", 1, 1), ("{T} {is} way too {p}", 1, -1), ("{T} should be less {p}", 1, -1), ("{T} could be more {p}", 1, 1), ("it's not {p} enough", 0, 1)),
    "noun": (("more {p}", 0, 1), ("less {p}", 0, -1), ("too much {p}", 0, -1), ("not enough {p}", 0, 1), ("more {p} on {T}", 1, 1), ("less {p} on {T}", 1, -1), ("more {p} in {T}", 1, 1), ("give {T} more {p}", 1, 1), ("take some {p} off {T}", 1, -1), ("{T} need more {p}", 1, 1), ("{T} has too much {p}", 1, -1)),
    "feature": (("{p}", 0, 1), ("{p} please", 0, 1), ("play {p}", 0, 1), ("give me {p}", 0, 1), ("can we have {p}", 0, 1), ("let's try {p}", 0, 1), ("how about {p}", 0, 1), ("i want {p}", 0, 1), ("{p} here", 0, 1), ("{p} on {T}", 1, 1)),
    "order": (("{p}", 0, 1), ("can you {p}", 0, 1), ("{p} please", 0, 1), ("please {p}", 0, 1), ("let's {p}", 0, 1), ("i want you to {p}", 0, 1), ("could you {p}", 0, 1), ("ok {p}", 0, 1), ("now {p}", 0, 1)),
    "complaint": (("{T} {is} {p}", 1, 1), ("it's {p}", 0, 1), ("{p}", 0, 1)),
}  # fmt: skip
OPPOSITE = {"more": "less", "less": "more", "on": "off", "off": "on"}


def paraphrases(rng: Random, count: int) -> Iterator[Said]:
    """Yield sentences made of the table's own phrases."""
    clauses = Clauses(rng)
    rows = [(term, column, phrase) for term in TERMS for column in SHAPES for phrase in term.phrases(column)]
    made = 0
    while made < count:
        term, column, phrase = rng.choice(rows)
        shape, named, sign = rng.choice(SHAPES[column])
        said = _one(clauses, term, phrase, shape, bool(named), sign)
        if said:
            made += 1
            yield said


def _one(clauses: Clauses, term: Term, phrase: str, shape: str, named: bool, sign: int) -> Said | None:
    edits = [Edit.read(edit.strip()) for edit in term.edits.split(";")]
    if sign != 1 and not all(edit.change in ("more", "less") for edit in edits):
        return None
    text = shape.replace("{p}", phrase)
    target = ""
    if named:
        target = clauses._rng.choice(names.GROUPS["parts"])
        can = CAN.get(edits[0].dimension)
        allowed = term.only.split() if term.only != "any" else None
        if (
            len(edits) > 1
            or (can and target not in can)
            or (allowed is not None and target not in (*allowed, edits[0].target))
        ):
            return None
        if edits[0].dimension == "register" and target in PIECES:
            return None
        part, bare, plural = clauses.part(target)
        text = text.replace("{T}", part).replace("{t}", bare).replace("{is}", "are" if plural else "is")
    out = []
    for edit in edits:
        change = {1: edit.change, -1: OPPOSITE.get(edit.change, edit.change), 0: "keep"}[sign]
        out.append(
            Edit(
                target or edit.target, edit.dimension, change, edit.value, edit.size, edit.scope, edit.condition
            ).short()
        )
    return Said(text, tuple(out))
