"""Sets a trained reader beside the rules: `settle(sentence, found, context, asked) -> Settled`, what is to be done.

Where both read the same, it is done. Where they do not: the reader stops an order that it is sure nobody gave, and
wins where it is nearly certain; the rules win with a term of the table word for word, with one wish in a short sentence
in the table's own words, and wherever the reader finds their reading possible; else the reader's is done if it is
fairly sure, and if not, one short question is asked. The numbers are chosen on drawn training sentences
(agent/sentences) and the older ones (benchmarks/sentences.jsonl), not on the held-out ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from agent.directions.edit import Edit
from agent.language import feasibility
from agent.language.rules import Reading

if TYPE_CHECKING:
    from agent.language.reader.reading import Read

RULES_SURE = 0.5  # the rules' confidence from which their edits count
NOTHING = 0.8  # probability that nothing is ordered, from which nothing is done; CERTAIN for what only keeps
CERTAIN = 0.94  # probability of the reader's own edits, from which they are done whatever the rules say
FAIRLY = 0.75  # the same, where the rules are no help
ASKED = 0.9  # the same, where the rules hear a question
POSSIBLE, POSSIBLE_IF_PLAIN = (
    0.02,
    0.01,
)  # probability of the rules' edits over the reader's, from which they are possible
SHORT = 7  # words of a plain sentence, which the rules read well
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
    ours = tuple(dict.fromkeys(replace(edit, confidence=heard.sure) for edit in heard.edits))
    ours = () if feasibility.contradiction(ours) else ours
    if alike(theirs, ours) or (theirs and _rules_win(found, theirs, heard, bool(context or asked))):
        return Settled(theirs, talk=heard.nothing >= NOTHING)
    if heard.nothing >= NOTHING:
        return Settled(talk=True)
    if heard.sure >= (ASKED if found.question and not theirs else FAIRLY):
        return Settled(ours)
    offered = theirs[:1] + (ours[:1] if heard.sure >= DOUBTFUL else ())
    worth = found.named and not found.question and heard.nothing < DOUBTFUL and len(offered) and len(ours) < 2
    return Settled(unsure=tuple(dict.fromkeys(offered)) if worth else ())


def _rules_win(found: Reading, theirs: Sequence[Edit], heard: Read, after: bool) -> bool:
    """Return whether the rules' edits are done where the reader's are others. after: it follows another direction."""
    if found.term:
        return True
    if heard.nothing >= NOTHING:
        return not after and heard.nothing < CERTAIN and all(edit.change == "keep" for edit in theirs)
    if (heard.edits and heard.sure >= CERTAIN) or (after and not found.named):
        return False
    plain = found.length <= SHORT and not found.strange and found.covered >= (COVERED_AFTER if after else COVERED)
    if plain and len(theirs) == 1 and (found.length > 2 or not after):
        return True
    return heard.theirs >= heard.sure * (POSSIBLE_IF_PLAIN if plain else POSSIBLE)


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
