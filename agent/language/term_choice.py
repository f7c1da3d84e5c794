"""Chooses the reading of each term in a clause, and which terms belong together: "heavier swing", "louder fills"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.directions.edit import PARTS, Edit
from agent.language.clause_facts import Facts
from agent.language.clauses import Clause, Phrase
from agent.language.vocabulary import Term

OWN_QUALITIES = ("fill", "ghost-notes", "break", "crash-on-one", "hook")
SHARED = ("level", "register", "brightness", "intensity", "density", "timing", "reverb", "length", "variation", "width")
AMBIGUOUS = ("stop", "start", "play", "walk", "push", "drag")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A term as it stands in a clause. place: index of its phrase."""

    place: int
    column: str
    term: Term
    phrase: Phrase

    @property
    def first(self) -> Edit:
        return self.term.read()[0]


def readings_of(phrase: Phrase) -> list[tuple[str, Term]]:
    return [value for value in phrase.of("term") if isinstance(value, tuple)]


def spoken(clause: Clause, facts: Facts, has_value: bool) -> list[Spoken]:
    """The terms of a clause, each in one reading; has_value: a tempo or meter is named, which says it all."""
    found = []
    several = sum(phrase.has("term") for phrase in clause.phrases) > 1
    for place, phrase in enumerate(clause.phrases):
        readings = readings_of(phrase)
        if not readings or (phrase.text in AMBIGUOUS and several) or _soloed(clause, place, facts):
            continue
        column, term = _column(readings, facts, phrase)
        if phrase.text in AMBIGUOUS[4:] and (has_value or facts.particles & {"up", "down", "back"}):
            continue  # "push the melody up"
        if phrase.inflected and column == "order" and _of_next_feature(clause, place):
            continue  # "thumping four-on-the-floor"
        if term.name == "keep that" and (several or has_value):
            continue  # "keep it quiet"
        if (
            has_value
            and column in ("noun", "quality", "order", "comparative")
            and term.name in ("faster", "slower", "steadier")
        ):
            continue
        if has_value and column == "order" and term.read()[0].dimension in ("level", "intensity", "density"):
            continue  # "bring it down to 88"
        if column == "quality" and _of_next_feature(clause, place):
            continue  # "a big fill" is a fill
        found.append(Spoken(place, column, term, phrase))
    return found


def _soloed(clause: Clause, place: int, facts: Facts) -> bool:
    """ "solo the kick" is no solo."""
    after = [phrase for phrase in clause.phrases[place + 1 :] if phrase.tags]
    return clause.phrases[place].text == "solo" and bool(after) and after[0].has("who")


def _of_next_feature(clause: Clause, place: int) -> bool:
    after = [other for other in clause.phrases[place + 1 :] if not other.has("who")]
    signed = any(phrase.has("sign") for phrase in clause.phrases[:place])
    return bool(after) and not signed and any(column == "feature" for column, _ in readings_of(after[0]))


def _column(readings: Sequence[tuple[str, Term]], facts: Facts, phrase: Phrase) -> tuple[str, Term]:
    has_degree = bool(facts.signs) or facts.said("blame")
    first = ("quality", "noun", "feature", "complaint", "comparative", "order")
    plain = ("comparative", "order", "feature", "complaint", "quality", "noun")
    order = list(first if has_degree and not phrase.inflected else plain)
    if facts.said("is") and not facts.said("must") and not phrase.inflected:
        order.insert(0, order.pop(order.index("quality")))
        order.insert(0, order.pop(order.index("complaint")))
    timing = any(term.read()[0].dimension == "timing" for _, term in readings)
    plainly = facts.targets and not facts.said("is")
    if (timing and not facts.said("is")) or facts.said("must", "on", "keep") or plainly:
        order = [*(column for column in order if column != "complaint"), "complaint"]
    if facts.said("keep", "same", "touch"):
        order = ["noun", *(column for column in order if column != "noun")]
    return min(readings, key=lambda reading: order.index(reading[0]))


def own_things(said: Sequence[Spoken]) -> list[Spoken]:
    """Features that another term of the clause qualifies: "the fills are too loud"."""
    things = [one for one in said if one.column == "feature" and one.first.value in OWN_QUALITIES]
    others = [
        one
        for one in said
        if one.column in ("comparative", "quality", "complaint") and one.first.dimension in (*SHARED, "tempo")
    ]
    return things if others and len(things) + len(others) == len(said) else []


def about(things: Sequence[Spoken], edits: list[Edit]) -> list[Edit]:
    """What was said of those features, as edits that name them."""
    if not things:
        return edits
    thing = things[0].first
    return [
        replace(
            edit,
            target=thing.target if edit.target in ("band", "feel", "line", "form") else edit.target,
            value=thing.value,
        )
        if edit.dimension in SHARED and edit.change != "set" and edit.target in (*PARTS, "feel", "form")
        else edit
        for edit in edits
    ]
