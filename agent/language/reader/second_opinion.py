"""Sets the rules beside the trained reader: `settle(sentence, found, context, asked) -> Settled`, what is to be done.

Where both read the same, it is done. Where they do not, the reader leads: it stops an order that it is sure nobody
gave, and is done from a probability of ACT on. The rules win with a term of the table word for word, and with one wish
in a short sentence in the table's own words unless the reader is quite sure; below ACT their reading is done where the
reader finds it possible. Else one short question is asked, or nothing is done. The numbers are chosen on four speakers
that nobody trained on (agent/sentences/kept_back.txt) and the older sentences, not on the held-out ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from agent.directions.edit import Edit
from agent.language import feasibility
from agent.language.rules import Reading

RULES_SURE = 0.5  # the rules' confidence from which their edits count
NOTHING = 0.8  # probability that nothing is ordered, from which nothing is done
ACT = 0.65  # probability of the reader's own edits, from which they are done
ACT_IF_PLAIN = 0.8  # the same in a plain sentence, which the rules read well
ACT_IF_ASKED = 0.9  # the same where the rules hear a question
POSSIBLE, POSSIBLE_IF_PLAIN = (
    0.1,
    0.02,
)  # probability of the rules' edits over the reader's, from which they are possible
SHORT = 7  # words of a plain sentence
COVERED, COVERED_AFTER = 0.6, 0.75  # share of its words that the table must know: alone, after another direction
DOUBTFUL = 0.35  # probability from which the reader's edits are worth a question


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
    theirs = tuple(edit for edit in found.edits if edit.confidence >= RULES_SURE)
    if not _reader():
        return Settled(theirs, () if theirs else tuple(found.edits))
    from agent.language.reader.reading import read
    from agent.language.reader.tokens import tokens

    heard = read(tokens(sentence), context, asked, doubts=True, theirs=theirs)
    if context and not asked and found.length > SHORT:  # a long sentence leans on nothing said before
        heard = max(heard, read(tokens(sentence), doubts=True, theirs=theirs), key=lambda one: one.sure)
    ours = tuple(dict.fromkeys(replace(edit, confidence=heard.sure) for edit in heard.edits))
    ours = () if feasibility.contradiction(ours) else ours
    if alike(theirs, ours) or (theirs and (found.term or _value_alone(found, theirs))):
        return Settled(theirs, talk=heard.nothing >= NOTHING)
    if heard.nothing >= NOTHING:
        return Settled(talk=True)
    after = bool(context or asked)
    possible = heard.theirs / max(heard.sure, 1e-9)
    if _plain(found, theirs, after) and heard.sure < ACT_IF_PLAIN and possible >= POSSIBLE_IF_PLAIN:
        return Settled(theirs)
    if ours and heard.sure >= (ACT_IF_ASKED if found.question and not theirs else ACT):
        return Settled(ours)
    if theirs and (found.named or not after) and possible >= POSSIBLE:
        return Settled(theirs)
    offered = theirs[:1] + (ours[:1] if heard.sure >= DOUBTFUL else ())
    worth = found.named and not found.question and heard.nothing < DOUBTFUL and len(offered) and len(ours) < 2
    return Settled(unsure=tuple(dict.fromkeys(offered)) if worth else ())


def _value_alone(found: Reading, theirs: Sequence[Edit]) -> bool:
    """Return whether it is a take, meter, tempo, key or chord and nothing else: "take 2", "7/8", "in D minor"."""
    return len(theirs) == 1 and theirs[0].value is not None and found.covered == 1.0 and found.length <= 2


def _plain(found: Reading, theirs: Sequence[Edit], after: bool) -> bool:
    """Return whether it is one wish in a short sentence in the table's own words. after: it follows a direction."""
    if len(theirs) != 1 or found.length > SHORT or found.strange:
        return False
    if after and not (found.named and found.length > 2):
        return False
    return found.covered >= (COVERED_AFTER if after else COVERED)


def alike(one: Sequence[Edit], two: Sequence[Edit]) -> bool:
    """Return whether two readings are the same edits; "now" and "until-told" say no more than no scope."""
    return sorted(map(_short, one)) == sorted(map(_short, two))


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
