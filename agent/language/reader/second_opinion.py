"""Sets the rules beside the trained reader: `settle(sentence, found, context, asked) -> Settled`, what is to be done.

Each of the two readings has a probability of being what was meant, from how sure the reader is of it and of the other
and from what the sentence is like (logistic regression; agent/sentences/weigh.py fits it on sentences that nobody
trained on). The likelier one is done from ACT on; from ASK on one short question is asked; else nothing is done. A
term of the table word for word, or a value alone, means what the table says where nothing was said before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import exp, log
from typing import TYPE_CHECKING

from agent.directions.edit import Edit
from agent.language import feasibility
from agent.language.rules import Reading

if TYPE_CHECKING:
    from agent.language.reader.reading import Read

RULES_SURE = 0.5  # the rules' confidence from which their edits count
ACT, ASK = 0.5, 0.3  # probability of being meant, from which edits are done or asked about
SHORT = 7  # words of a short sentence
PARTS = re.compile(r"[,;.]| and | but ")
PART_SURE = 0.9  # of the reader, of a part of a sentence
KNOWN = 0.75  # share of a sentence's words
AGREED = 2  # edits that both readings have, from which these are done though neither is sure of the sentence
ALONE_SURE = 0.95  # of the reader, of a sentence without what was said before it
LEAST = 1e-5  # probability below which all are alike
OURS = {
    "one": -0.32,
    "sure": 0.73,
    "alike": 0.91,
    "alone": 0.16,
    "nothing": 0.41,
    "against": -0.56,
    "known against": 0.25,
    "question": -0.13,
    "after": -0.15,
    "several": 0.17,
}
THEIRS = {
    "one": 0.46,
    "theirs": 0.27,
    "sure": -0.24,
    "known": -0.4,
    "short": 0.33,
    "several": -0.67,
    "after": -1.52,
    "strange": -0.62,
    "named": 0.45,
    "nothing": 0.04,
}


@dataclass(frozen=True, slots=True)
class Settled:
    """What is to be done. edits: now; unsure: readings to ask about, none where edits are done; talk: whether the
    reader takes the sentence for talk."""

    edits: tuple[Edit, ...] = ()
    unsure: tuple[Edit, ...] = ()
    talk: bool = False


def settle(sentence: str, found: Reading, context: Sequence[Edit] = (), asked: Sequence[Edit] = ()) -> Settled:
    """Return what is to be done. found: what the rules find; context: the edits of the sentence before; asked: the
    readings that the last reply asked about. Without the reader's weights the rules alone decide."""
    theirs, after = sure_edits(found), bool(context or asked)
    if not _reader():
        return Settled(theirs, () if theirs else tuple(found.edits))
    from agent.language.reader.reading import read
    from agent.language.reader.tokens import tokens

    if theirs and not after and (found.term or _value_alone(found, theirs)):
        return Settled(theirs)
    heard = read(tokens(sentence), context, asked, theirs=theirs)
    ours, ours_likely, theirs_likely = weighed(found, heard, after)
    likely, edits = max((ours_likely, ours), (theirs_likely, theirs), key=lambda one: one[0])
    if edits is ours and _within(ours, theirs):
        edits = _completed(sentence, ours, theirs)
    edits = tuple(replace(edit, confidence=likely) for edit in edits)
    if not edits or likely >= ACT:
        return Settled(edits, talk=not edits)
    if context and not asked and theirs and found.named:  # a wish that is plain by itself is one after any other
        alone = read(tokens(sentence), theirs=theirs)
        if alone.sure > ALONE_SURE and alike(theirs, alone.edits):
            return Settled(theirs)
    if (
        found.covered >= KNOWN and len(both := _both(ours, theirs)) >= AGREED
    ):  # each finds them, and neither is sure of the rest
        return Settled(both)
    offered = tuple(dict.fromkeys((*edits[:1], *theirs[:1])))
    worth = likely >= ASK and found.named and not found.question and len(edits) == 1
    return Settled(unsure=offered if worth else (), talk=heard.nothing > likely)


def _both(ours: Sequence[Edit], theirs: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return the rules' edits that the reader finds, too, where it finds no others."""
    core = {(edit.target, edit.dimension, edit.change) for edit in ours}
    found = tuple(edit for edit in theirs if (edit.target, edit.dimension, edit.change) in core)
    known = {(edit.target, edit.dimension, edit.change) for edit in found}
    return found if core == known else ()


def _completed(sentence: str, ours: tuple[Edit, ...], theirs: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return the reader's edits and those of the rules that it left out but finds, too, in their part of the sentence
    alone: in a sentence of several wishes one is easily overheard."""
    from agent.language import rules
    from agent.language.reader.reading import read
    from agent.language.reader.tokens import tokens

    known, alone = set(map(_short, ours)), set()
    for part in PARTS.split(sentence):
        found = sure_edits(rules.read(part))
        heard = read(tokens(part), (), (), theirs=found) if found else None
        if heard and heard.sure > PART_SURE and alike(found, heard.edits):
            alone |= set(map(_short, found))
    said = {(edit.target, edit.dimension) for edit in ours}
    more = (edit for edit in theirs if _short(edit) in alone - known and (edit.target, edit.dimension) not in said)
    return (*ours, *more)


def _value_alone(found: Reading, theirs: Sequence[Edit]) -> bool:
    """Return whether it is a take, meter, tempo, key or chord and nothing else: "take 2", "7/8", "in D minor"."""
    return len(theirs) == 1 and theirs[0].value is not None and found.covered == 1.0 and found.length <= 2


def sure_edits(found: Reading) -> tuple[Edit, ...]:
    """Return the edits that the rules are sure of."""
    return tuple(edit for edit in found.edits if edit.confidence >= RULES_SURE)


def weighed(found: Reading, heard: Read, after: bool) -> tuple[tuple[Edit, ...], float, float]:
    """Return the reader's edits and the probabilities that these and those of the rules were meant. after: whether
    the sentence follows a direction or a question."""
    ours, theirs = tuple(dict.fromkeys(heard.edits)), sure_edits(found)
    ours_likely = _likely(OURS, of_reader(found, heard, after))
    if alike(theirs, ours):
        return theirs, ours_likely, 0.0
    if feasibility.contradiction(theirs) and len(ours) > 1:  # unlike "faster, no, slower"
        return theirs, 0.0, 1.0
    bare_meter = _value_alone(found, theirs) and theirs[0].dimension == "meter"  # "13/17 please" answers no question
    if feasibility.contradiction(ours) or bare_meter:
        ours_likely = 0.0
    return ours, ours_likely, _likely(THEIRS, of_rules(found, heard, after)) if theirs else 0.0


def of_reader(found: Reading, heard: Read, after: bool) -> dict[str, float]:
    """Return what the probability of the reader's edits follows from."""
    theirs = sure_edits(found)
    same = alike(theirs, heard.edits)
    return {
        "one": 1.0,
        "sure": _odds(heard.sure),
        "alike": float(bool(theirs) and same),
        "alone": float(not theirs and bool(heard.edits)),
        "nothing": float(not heard.edits),
        "against": float(bool(theirs) and not same),
        "known against": found.covered * (bool(theirs) and not same),
        "question": float(bool(found.question)),
        "after": float(after),
        "several": float(len(heard.edits) > 1),
    }


def of_rules(found: Reading, heard: Read, after: bool) -> dict[str, float]:
    """Return what the probability of the rules' edits follows from, where the reader has others."""
    return {
        "one": 1.0,
        "theirs": log(max(heard.theirs, LEAST)),
        "sure": _odds(heard.sure),
        "known": found.covered,
        "short": float(found.length <= SHORT),
        "several": float(len(sure_edits(found)) > 1),
        "after": float(after),
        "strange": float(bool(found.strange)),
        "named": float(found.named),
        "nothing": _odds(heard.nothing) * (not heard.edits),
    }


def _odds(probability: float) -> float:
    bounded = min(max(probability, 1e-3), 1 - 1e-3)
    return log(bounded / (1 - bounded))


def _likely(weights: Mapping[str, float], known: Mapping[str, float]) -> float:
    return 1 / (1 + exp(-sum(weight * known[name] for name, weight in weights.items())))


def alike(one: Sequence[Edit], two: Sequence[Edit]) -> bool:
    """Return whether two readings are the same edits; "now" and "until-told" say no more than no scope."""
    return sorted(map(_short, one)) == sorted(map(_short, two))


def _within(some: Sequence[Edit], more: Sequence[Edit]) -> bool:
    """Return whether some edits are a part of others."""
    return bool(some) and set(map(_short, some)) < set(map(_short, more))


def _short(edit: Edit) -> str:
    return replace(edit, scope=None if edit.scope in ("now", "until-told") else edit.scope).short()


@cache
def _reader() -> bool:
    """Return whether the reader's weights are there; they are read once."""
    try:
        from agent.language.reader.reading import network

        network()
    except (ImportError, OSError, ValueError, KeyError) as cause:
        import logging

        logging.getLogger(__name__).warning("sentences are read by the rules alone: %s", cause)
        return False
    return True
