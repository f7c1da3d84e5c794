"""Turns a sentence into typed edits and a reply: `parse("less snare, and don't resolve it") -> ParseResult`.

It changes nothing. Bad input never raises: it gives no edits and one friendly line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rapidfuzz import fuzz, process

from agent.directions.edit import Edit
from agent.language import feasibility, lexicon, reply_text, word_lists
from agent.language.clause_linking import joined
from agent.language.clauses import Clause, clauses, tagged
from agent.language.normalise import plain, words

THRESHOLD = 0.5  # edits less sure than this are asked about, not made
LONGEST_CHARACTERS = 600
FOREIGN_SHARE = 0.34
REPAIR = re.compile(
    r"^.*\b(?:no wait|wait no|scratch that|i mean|i meant|actually no|no actually|sorry|(?:no|or)[, ]+make that"
    r"|or rather|correction|oops|no no|nah wait|strike that)\b[ ,.]*(?=\w+)"
)


NAMING = re.compile(
    r"^(?:please |let us )?(?:call|name|label) "
    r"(this one|that one|this take|that take|this|that|it|the last take|the last one) [\"']?([\w -]{1,40})"
)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a sentence comes. bars: of the form; takes: their numbers; both None = not known; last: the
    edits of the sentence before."""

    bars: int | None = None
    takes: tuple[str, ...] | None = None
    last: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What a sentence means. edits: to be made, none when nothing was ordered or understood. reply: one line.

    question: what is asked about (key, meter, tempo, changes ...), None = no question. verdict: liked, disliked, None.
    unsure: readings below the threshold, which change nothing.
    """

    edits: tuple[Edit, ...] = ()
    reply: str = ""
    question: str | None = None
    verdict: str | None = None
    unsure: tuple[Edit, ...] = ()

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"edits": [edit.to_json() for edit in self.edits], "reply": self.reply}
        extra = {"question": self.question, "verdict": self.verdict, "unsure": [e.to_json() for e in self.unsure]}
        return shown | {name: value for name, value in extra.items() if value}


@dataclass(slots=True)
class _Tally:
    edits: list[Edit] = field(default_factory=list)
    question: str | None = None
    verdict: str | None = None
    strange: list[str] = field(default_factory=list)


def parse(sentence: str, context: Context | None = None) -> ParseResult:
    """Return edits and reply of a sentence. Never raises, whatever the text."""
    refused = refusal(sentence)
    if refused:
        return ParseResult(reply=refused)
    sentence = re.sub(r"[<>\x00-\x08\x0b-\x1f]", " ", sentence)  # no marks but ours
    tally = _Tally()
    before: list[Edit] = []
    for part in _sentences(sentence):
        found = _one(part, before, tally)
        before = found or before
        tally.edits += found
    return _judged(tally, sentence, context or Context())


def _sentences(text: str) -> list[str]:
    text = re.sub(r"\.{2,}|…", " ", text)
    text = re.sub(
        rf"(^|[.!?] )((?:the )?(?:{'|'.join(lexicon.target_words())}))[.!?]+ (?=\w)",
        r"\1\2: ",
        text,
        flags=re.IGNORECASE,
    )
    return [part.strip() for part in re.split(r"(?<=[.!?;\n])\s+|\n", text) if part.strip(" .!?;\n")]


def refusal(text: str) -> str | None:
    """One friendly line for what is no sentence to a band, else None."""
    if not re.search(r"\w", text):
        return reply_text.EMPTY
    if len(text) > LONGEST_CHARACTERS:
        return reply_text.TOO_LONG.format(characters=len(text), most=LONGEST_CHARACTERS)
    if re.search(word_lists.INJECTION, text, re.IGNORECASE):
        return reply_text.INJECTION
    language = foreign(text)
    return reply_text.FOREIGN[language] if language else None


def foreign(text: str) -> str | None:
    """The language of a sentence that is not English ("other" when its letters are not Latin), else None."""
    letters = [letter for letter in text if letter.isalpha()]
    if letters and sum(ord(letter) > 0x24F for letter in letters) > FOREIGN_SHARE * len(letters):
        return "other"
    said = re.findall(r"[^\W\d_]+", text.lower())
    if not said:
        return None
    english = sum(word in lexicon.english() for word in said)
    scores = {name: sum(word in common.split() for word in said) for name, common in word_lists.FOREIGN.items()}
    best = max(scores, key=lambda name: scores[name])
    strange = len(said) - english
    clear = scores[best] >= 2 or (scores[best] == 1 and len(said) <= 3)
    return (
        best if clear and strange >= FOREIGN_SHARE * len(said) and scores[best] >= FOREIGN_SHARE * len(said) else None
    )


def _one(sentence: str, before: Sequence[Edit], tally: _Tally) -> list[Edit]:
    text = REPAIR.sub("", plain(sentence))
    named = NAMING.search(text)
    if named:
        return [Edit("band", "take", "set", named[2].strip(), confidence=0.85)]
    question = reply_text.asked(text)
    if question:
        tally.question = question
        return []
    parts = clauses(tagged(words(text)))
    tally.strange += [phrase.text for clause in parts for phrase in clause.phrases if phrase.unknown]
    tally.verdict = _verdict(parts) or tally.verdict
    return joined(parts, before)


def _verdict(parts: Sequence[Clause]) -> str | None:
    liked = any(clause.have("praise") and not clause.have("neg", "sign", "must") for clause in parts)
    if any(clause.have("blame") for clause in parts):
        return "disliked"
    return "liked" if liked else None


def _judged(tally: _Tally, sentence: str, context: Context) -> ParseResult:
    trouble = feasibility.trouble(tally.edits, context.bars, context.takes)
    if trouble:
        return ParseResult(reply=trouble, question=tally.question)
    penalty = 0.04 * len(tally.strange)
    edits = [replace(edit, confidence=max(0.0, edit.confidence - penalty)) for edit in _unique(tally.edits)]
    sure = tuple(edit for edit in edits if edit.confidence >= THRESHOLD)
    unsure = tuple(edit for edit in edits if edit.confidence < THRESHOLD)
    understood = bool(sure or unsure or tally.question or tally.verdict)
    if not understood and _insults(sentence):
        return ParseResult(reply=reply_text.INSULT)
    near = () if understood else _nearest(tally, sentence)
    reply = reply_text.of(sure, unsure, tally.question, tally.verdict, near)
    return ParseResult(sure, reply, tally.question, tally.verdict, unsure)


def _insults(sentence: str) -> bool:
    """Whether it holds a word that is meant to hurt."""
    said = f" {' '.join(re.findall(r'[a-z]+', sentence.lower()))} "
    return any(f" {word.strip()} " in said for word in word_lists.INSULTS.split(","))


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


def _nearest(tally: _Tally, sentence: str) -> tuple[str, ...]:
    """The terms closest in spelling to what was not understood."""
    said = " ".join(tally.strange) or plain(sentence)
    names = [
        " ".join(phrase) for phrase, tags in lexicon.index().items() if tags[0][0] == "term" and "<" not in phrase[0]
    ]
    return tuple(dict.fromkeys(name for name, _, _ in process.extract(said, names, scorer=fuzz.WRatio, limit=3)))
