"""Turns a term into edits by the degrees, negations and verbs around it: one function a column of the vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from agent.directions.edit import Edit
from agent.language.clause_facts import Facts
from agent.language.clauses import Phrase
from agent.language.vocabulary import Term

OPPOSITE = {"more": "less", "less": "more", "on": "off", "off": "on"}
OPPOSITE_VALUE = {
    "tight": "loose",
    "loose": "tight",
    "left": "right",
    "right": "left",
    "open": "closed",
    "closed": "open",
}
LIKING = frozenset(["love", "loved", "loving", "like", "liked", "liking", "dig", "enjoy", "adore", "happy", "fan"])
SWITCHABLE = ("swing", "dissonance", "reverb", "syncopation", "variation", "resolution", "width")
NEUTRAL = ("level", "tempo", "register", "length", "width")
SIGNED_CERTAINTY = {
    "feature": 0.92,
    "comparative": 0.95,
    "order": 0.9,
    "complaint": 0.85,
    "quality": 0.85,
    "noun": 0.85,
}


def effect(column: str, term: Term, phrase: Phrase, before: Facts, all_: Facts) -> list[Edit]:
    """What the term means under the signs before it (nouns: also after it)."""
    deed = EFFECTS[column](term, phrase, before, all_)
    sure = SIGNED_CERTAINTY[column] - (0.1 if phrase.mended else 0)
    return [replace(edit, confidence=sure) for edit in DEEDS[deed](term.read())]


def _comparative(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    if before.said("neg"):
        return "keep"
    if "less" in before.signs:
        return "flip"
    if all_.said("is") and not all_.said("must", "on", "praise", "keep", "recall") and not before.signs:
        return "nothing"
    return "do"


def _quality(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    neg, signs = before.said("neg"), set(before.signs)
    if {"i", "am"} <= before.words:
        return "nothing"
    if "enough" in all_.signs:
        return "do" if neg else "nothing"
    if not signs & {"more", "less"} and {"too_much", "so_much"} & set(all_.signs):
        return "flip"
    if signs & {"too", "too_much", "less", "fewer", "so_much"}:
        return "keep" if neg and "less" in signs else "flip"
    if "more" in signs:
        return "keep" if neg else "do"
    if neg and "so" not in signs and term.read()[0].dimension == "swing":
        return "off"
    if neg or all_.said("blame"):
        return "flip"
    if before.said("off") and not before.said("on"):
        return "off" if term.read()[0].dimension in SWITCHABLE else "flip"
    if "so" in signs and (all_.conditions or ("than" in all_.words and all_.takes)):
        return "recall"
    if "so" in before.words and all_.said("is") and not all_.said("must"):
        return "flip"
    if all_.said("praise"):
        return "liked"
    if all_.said("is") and not all_.said("must", "on"):
        return "flip" if before.sizes or before.words & {"pretty", "quite", "rather", "really", "so"} else "nothing"
    return "do"


def _noun(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    signs, edit = set(all_.signs), term.read()[0]
    if _switched_off(before, all_) and edit.dimension in SWITCHABLE:
        return "off"
    back = all_.words & {"pull", "dial", "scale", "hold", "roll"} and all_.particles & {"back"}
    down = (
        back
        or all_.particles & {"down"}
        or signs
        & {
            "less",
            "fewer",
            "too_much",
            "too_many",
            "so_much",
            "so_many",
            "too",
        }
    )
    if before.said("neg"):
        if "enough" in signs:
            return "do"
        if "more" in signs and "no" not in before.words:
            return "keep"
        if before.said("touch"):
            return "keep"
        if signs & {"too_much", "so_much", "so_many", "too_many", "too"}:
            return "flip"
        return "off" if edit.dimension in SWITCHABLE else ("keep" if edit.dimension == "tempo" else "flip")
    if down:
        return "lessen" if edit.dimension == "resolution" else "flip"
    if all_.said("blame"):
        return "off" if edit.dimension in SWITCHABLE else "flip"
    if all_.said("praise", "same"):
        return "liked"
    if "more" in signs or all_.particles & {"up"}:
        return "do"
    if all_.said("keep"):
        return "keep"
    if before.said("off") and not before.said("on"):
        return (
            "off"
            if edit.dimension in SWITCHABLE and (edit.dimension == "reverb" or "drop" not in before.words)
            else "flip"
        )
    if edit.dimension in NEUTRAL or (edit.dimension, edit.change) == ("density", "more"):
        return "nothing"
    return "nothing" if all_.said("is") and not all_.said("must", "on") else "do"


def _interjected(facts: Facts) -> bool:
    """ "cool, do it with brushes" praises nothing in it."""
    return facts.said("on", "must") and not facts.said("is") and not facts.words & LIKING


def _switched_off(before: Facts, all_: Facts) -> bool:
    """ "ghost notes off", "resolution: none": the word comes after."""
    after = "off" in all_.particles or bool(all_.words & {"none", "gone", "zero"})
    return after and not before.said("neg") and not all_.sizes


def _feature(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    if _switched_off(before, all_):
        return "off"
    signs = set(before.signs) - {"so", "enough"}
    if before.said("neg") and not signs & {"more"}:
        return (
            "keep"
            if before.said("touch")
            else ("less" if signs & {"too_many", "too_much", "so_many", "so_much"} else "off")
        )
    if signs & {"less", "fewer", "too_many", "too_much", "so_many", "so_much"}:
        return "less"
    if all_.said("blame"):
        return "off"
    if all_.said("praise") and not signs and not all_.said("again") and not _interjected(all_):
        return "liked"
    if "more" in signs:
        return "more" if not before.said("neg") else "less"
    if before.said("off"):
        return "off"
    if before.said("keep") and "going" not in all_.words and "hold" not in before.words:
        return "keep"
    if all_.said("is") and not all_.said("must", "on"):
        return "nothing"
    return "do"


def _order(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    signs = set(all_.signs) - {"so", "enough"}
    if _switched_off(before, all_) and term.read()[0].dimension in SWITCHABLE:
        return "off"
    if before.said("neg"):
        return "flip" if signs & {"so_much", "too_much", "too"} else "forbid"
    if before.said("off"):
        return "stop"
    if signs & {"less", "too", "too_much", "so_much"}:
        return "flip"
    if "more" in signs and term.read()[0].change == "set":
        return "more"
    if "down" in all_.particles and term.noun and term.read()[0].dimension == "swing":
        return "flip"
    if phrase.inflected and all_.said("is") and not all_.said("must") and "keep" not in all_.words:
        return "flip" if term.read()[0].dimension in ("timing", "swing") else "nothing"
    if all_.said("praise") and not all_.said("must", "on", "recall"):
        return "liked"
    return "do"


def _complaint(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    if {"i", "am"} <= before.words:
        return "nothing"
    if "more" in before.signs and not before.said("neg"):
        return "flip"
    return "keep" if "without" in before.words else "do"


EFFECTS: dict[str, Callable[[Term, Phrase, Facts, Facts], str]] = {
    "comparative": _comparative,
    "quality": _quality,
    "noun": _noun,
    "feature": _feature,
    "order": _order,
    "complaint": _complaint,
}


def _flipped(edit: Edit) -> Edit:
    if edit.change == "set":
        other = OPPOSITE_VALUE.get(edit.value or "")
        return replace(edit, value=other) if other else replace(edit, change="off")
    if edit.dimension == "swing" and edit.change == "off":
        return replace(edit, change="more")
    return replace(edit, change=OPPOSITE.get(edit.change, edit.change), condition=None)


def _kept(edit: Edit) -> Edit:
    return replace(edit, change="keep", condition=None, size=None)


def _offed(edit: Edit) -> Edit:
    if edit.dimension == "mute":
        return replace(edit, change=OPPOSITE[edit.change])
    return replace(edit, change="off", condition=None, size=None)


def _forbidden(edit: Edit) -> Edit | None:
    """Do not do that: a change of degree leaves all as it is, a thing is left out, a prohibition stands."""
    if edit.change in ("undo", "recall", "keep"):
        return None
    if edit.dimension == "mute":
        return _flipped(edit) if edit.change == "off" else None
    if edit.dimension == "swing":
        return replace(edit, change="off" if edit.change == "more" else "more")
    if edit.change in ("more", "less"):
        return _kept(edit)
    return replace(_flipped(edit) if edit.dimension == "resolution" else _offed(edit), size=None)


def _stopped(edit: Edit) -> Edit | None:
    if edit.dimension in ("timing", "tempo") and edit.change != "set":
        return _flipped(edit)
    if edit.dimension in SWITCHABLE and edit.change == "more":
        return _offed(edit)
    if edit.dimension in ("resolution", "mute", "swing"):
        return _flipped(edit)
    if edit.change in ("more", "less"):
        return _kept(edit)
    return _offed(edit) if edit.change in ("set", "on") else None


def _graded(way: str) -> Callable[[Edit], Edit]:
    def apply(edit: Edit) -> Edit:
        if edit.change == "set" and edit.value not in OPPOSITE_VALUE:
            return replace(edit, change=way)
        return edit if way == "more" else _flipped(edit)

    return apply


def _each(apply: Callable[[Edit], Edit | None]) -> Callable[[tuple[Edit, ...]], list[Edit]]:
    return lambda edits: [made for edit in edits if (made := apply(edit)) is not None]


DEEDS: dict[str, Callable[[tuple[Edit, ...]], list[Edit]]] = {
    "do": list,
    "nothing": lambda edits: [],
    "lessen": _each(lambda edit: replace(edit, change="less")),
    "recall": _each(lambda edit: replace(edit, change="recall", size=None)),
    "flip": _each(_flipped),
    "keep": _each(_kept),
    "off": _each(_offed),
    "forbid": _each(_forbidden),
    "stop": _each(_stopped),
    "more": _each(_graded("more")),
    "less": _each(_graded("less")),
    "liked": _each(lambda edit: _kept(edit) if edit.dimension != "take" or edit.change == "keep" else None),
}
