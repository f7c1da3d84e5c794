"""Turns a sentence into typed edits and a reply: `parse("less snare, and don't resolve it") -> ParseResult`.

It changes nothing. Bad input never raises: it gives no edits and one friendly line.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from agent.directions.edit import Edit
from agent.language import feasibility, lexicon, reply_text, small_talk, word_lists
from agent.language.table_reading import exactly, read_by_table
from agent.language.tokens import Token, plain, tokens

log = logging.getLogger(__name__)

ACT, ASK = 0.65, 0.35  # probability of the whole reading from which it is done, and from which it is asked about
LONGEST_CHARACTERS = 600
FOREIGN_SHARE = 0.34
NAMING = re.compile(
    r"^(?:please |let us |lets )?(?:call|name|label) "
    r"(?:this one|that one|this take|that take|this|that|it|the last take|the last one) [\"']?([\w -]{1,40})"
)


@dataclass(frozen=True, slots=True)
class Context:
    """What is known when a sentence comes. bars: of the form; takes: their numbers; both None = not known; last: the
    edits of the sentence before; asked: the readings that the last question offered."""

    bars: int | None = None
    takes: tuple[str, ...] | None = None
    last: tuple[Edit, ...] = ()
    asked: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class ParseResult:
    """What a sentence means. edits: to be made, none when nothing was ordered or understood. reply: one line.

    question: what is asked about (key, meter, tempo, changes ...), None = no question. verdict: liked, disliked, None.
    unsure: the readings that the reply asks about, which change nothing; the next sentence may answer (Context.asked).
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


def parse(sentence: str, context: Context | None = None) -> ParseResult:
    """Return edits and reply of a sentence. Never raises, whatever the text."""
    refused = refusal(sentence)
    if refused:
        return ParseResult(reply=refused)
    context = context or Context()
    if named := NAMING.search(plain(sentence).lower().strip()):
        edit = Edit("band", "take", "set", named[1].strip(), confidence=0.9)
        return ParseResult((edit,), reply_text.done([edit], sentence))
    said = tokens(sentence)
    if _insults(sentence) and not _musical(said):
        return ParseResult(reply=reply_text.INSULT)
    edits, unsure = understood(sentence, said, context)
    question = None if edits or unsure else reply_text.asked(plain(sentence).lower())
    verdict = None if unsure or question else _verdict(said)
    trouble = feasibility.trouble(edits, context.bars, context.takes)
    if trouble:
        return ParseResult(reply=trouble)
    if edits:
        return ParseResult(edits, reply_text.done(edits, sentence), verdict=verdict)
    if unsure:
        return ParseResult(reply=reply_text.which(unsure), unsure=unsure)
    if not question and not verdict and _insults(sentence):
        return ParseResult(reply=reply_text.INSULT)
    return ParseResult(reply=reply_text.nothing(question, verdict, sentence), question=question, verdict=verdict)


def understood(sentence: str, said: Sequence[Token], context: Context) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """Return the edits to be made and, where these are none, the readings to ask about."""
    if not (context.last or context.asked) and (defined := exactly(sentence)):
        return defined, ()
    if context.asked and (taken := chosen(said)) is not None:
        return tuple(edit for at, edit in enumerate(context.asked) if at in taken), ()
    if not _reader():
        return read_by_table(said), ()
    from agent.language.reading import read

    heard = read(said, context.last, context.asked, doubts=True)
    sure = heard.sure
    if heard.edits and sure < ACT and _same(heard.edits, read_by_table(said)):
        sure = ACT  # the table alone reads the same
    edits = tuple(dict.fromkeys(replace(edit, confidence=sure) for edit in heard.edits))
    if not edits or sure >= ACT:
        return edits, ()
    offered = tuple(replace(edit, confidence=heard.sure) for edit in (*edits[:1], *heard.other[:1]))
    return (), tuple(dict.fromkeys(offered)) if heard.sure >= ASK and len(edits) == 1 and _musical(said) else ()


def chosen(said: Sequence[Token]) -> tuple[int, ...] | None:
    """Return which of the readings asked about a plain answer takes, None where it is no plain answer."""
    text = " ".join(token.text for token in said if token.kind != "mark")
    return next((taken for taken, pattern in small_talk.CHOICES if pattern.fullmatch(text)), None)


def _musical(said: Sequence[Token]) -> bool:
    """Whether a sentence names a part or a thing that the table knows."""
    found = lexicon.phrases_in([token.text for token in said])
    return any(kind in ("who", "term") for phrase in found for kind, _ in phrase.tags)


def _same(one: Sequence[Edit], two: Sequence[Edit]) -> bool:
    return [edit.short() for edit in one] == [edit.short() for edit in two]


@cache
def _reader() -> bool:
    """Return whether the network's weights are there; without them the table of terms reads alone."""
    from agent.language.reading import network

    try:
        network()
    except (OSError, ValueError) as cause:
        log.warning("sentences are read by the table of terms alone: %s", cause)
        return False
    return True


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


def _verdict(said: Sequence[Token]) -> str | None:
    """Return whether a sentence without a wish praises or blames."""
    tags = {kind for phrase in lexicon.phrases_in([token.text for token in said]) for kind, _ in phrase.tags}
    if "blame" in tags or ("praise" in tags and "neg" in tags):
        return "disliked"
    return "liked" if "praise" in tags else None


def _insults(sentence: str) -> bool:
    """Whether it holds a word that is meant to hurt."""
    said = f" {' '.join(re.findall(r'[a-z]+', sentence.lower()))} "
    return any(f" {word.strip()} " in said for word in word_lists.INSULTS.split(","))
