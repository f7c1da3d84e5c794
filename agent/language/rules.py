"""Reads a sentence by the rules over the table of terms: `read(sentence) -> Reading`, clause by clause.

Nothing is judged here: parser.py sets these edits beside the second opinion of the trained reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent.directions.edit import Edit
from agent.language import lexicon, reply_text, word_lists
from agent.language.clause_linking import joined
from agent.language.clauses import Clause, clauses, tagged
from agent.language.normalise import plain, words

STRANGE_WORD = 0.04  # of confidence, lost for each word that nobody knows
NAMES = frozenset({"who", "term", "take", "meter", "tempo", "key", "chord"})  # kinds of phrases that say what is meant


@dataclass(slots=True)
class Reading:
    """What the rules find. question: its topic; verdict: liked, disliked; strange: words that nobody knows.

    length: words; tabled: those in phrases of the table; named: whether these name a part, a thing or a value;
    term: whether the sentence is a term of the table, word for word.
    """

    edits: list[Edit] = field(default_factory=list)
    question: str | None = None
    verdict: str | None = None
    strange: list[str] = field(default_factory=list)
    length: int = 0
    tabled: int = 0
    named: bool = False
    term: bool = False

    @property
    def covered(self) -> float:
        """The share of the words that the table knows."""
        return self.tabled / max(self.length, 1)


def read(sentence: str) -> Reading:
    """Return the edits of a sentence, each with the rules' own confidence."""
    found = Reading()
    before: list[Edit] = []
    for part in _sentences(re.sub(r"[<>\x00-\x08\x0b-\x1f]", " ", sentence)):  # no marks but ours
        edits = _one(part, before, found)
        before = edits or before
        found.edits += edits
    lost = STRANGE_WORD * len(found.strange)
    found.edits = [replace(edit, confidence=max(0.0, edit.confidence - lost)) for edit in _unique(found.edits)]
    return found


def _sentences(text: str) -> list[str]:
    text = re.sub(r"\.{2,}|…", " ", text)
    text = re.sub(
        rf"(^|[.!?] )((?:the )?(?:{'|'.join(lexicon.target_words())}))[.!?]+ (?=\w)",
        r"\1\2: ",
        text,
        flags=re.IGNORECASE,
    )
    return [part.strip() for part in re.split(r"(?<=[.!?;\n])\s+|\n", text) if part.strip(" .!?;\n")]


def _one(sentence: str, before: Sequence[Edit], tally: Reading) -> list[Edit]:
    text = plain(sentence)
    phrases = tagged(words(text))
    whole = not tally.length and all(phrase.tags for phrase in phrases)
    tally.term = whole and [kind for phrase in phrases for kind, _ in phrase.tags[:1]] == ["term"]
    tally.length += sum(len(phrase.text.split()) for phrase in phrases)
    tally.tabled += sum(len(phrase.text.split()) for phrase in phrases if phrase.tags)
    tally.named |= any(kind in NAMES for phrase in phrases for kind, _ in phrase.tags)
    question = asked(text)
    if question:
        tally.question = question
        return []
    parts = clauses(phrases)
    tally.strange += [phrase.text for clause in parts for phrase in clause.phrases if phrase.unknown]
    tally.verdict = _verdict(parts) or tally.verdict
    return joined(parts, before)


def _verdict(parts: Sequence[Clause]) -> str | None:
    liked = any(clause.have("praise") and not clause.have("neg", "sign", "must") for clause in parts)
    if any(clause.have("blame") for clause in parts):
        return "disliked"
    return "liked" if liked else None


def _unique(edits: Sequence[Edit]) -> list[Edit]:
    """Once each; said twice, the first counts ("straight eighths, no swing")."""
    kept: dict[tuple[str | None, ...], Edit] = {}
    for edit in edits:
        standing = None if edit.scope == "until-told" else edit.scope
        key = (edit.target, edit.dimension, edit.change, edit.value, standing)
        if edit.change == "set" and edit.value in {
            other.value for other in kept.values() if other.dimension == "pattern" and other.scope == edit.scope
        }:
            continue  # "the bass drum four times a bar, on every beat"
        first = kept.setdefault(key, edit)
        kept[key] = replace(first, size=first.size or edit.size, condition=first.condition or edit.condition)
    undone = any(edit.change == "undo" for edit in kept.values())
    return [edit for edit in kept.values() if not (undone and edit.change == "recall" and edit.value is None)]


def asked(text: str) -> str | None:
    """The topic of a question in plain words, None when it is an order or a statement."""
    text = re.sub(
        r"^(?:hey|ok|okay|so|well|um|uh|wait|yo|man|dude|and|but|alright|right|hm+|antiphon|please|sorry|hi|hello)"
        r"[ ,]+",
        "",
        text.strip(),
    )
    if re.match(r"(?:what|how) (?:we|you|i|it) (?:had|played|did|was|were)\b", text) and not text.endswith("?"):
        return None
    if re.match(r"(?:is|are|was) (?:too|very|so|not|way|a bit|really) ", text) and not text.endswith("?"):
        return None
    start = text.split()[0].strip(",") if text.split() else ""
    if text.startswith(word_lists.ASKS):
        return reply_text.topic(text)
    if text.startswith(word_lists.ORDER_STARTS):
        return None
    tag = re.search(
        r",\s*(yes|no|ok|okay|please|right|huh|eh|yeah|maybe|will you|can you|could you|would you|is it|is not it"
        r"|do not you think)\s*\?$",
        text,
    )
    if start in word_lists.QUESTION_STARTS and (
        text.endswith("?") or start not in ("am", "have", "had", "has", "do", "should", "when", "where", "does")
    ):
        return None if start == "when" and not text.endswith("?") else reply_text.topic(text)
    if start in ("could", "would", "can", "will", "shall", "might", "may") or tag:
        return None
    return None
