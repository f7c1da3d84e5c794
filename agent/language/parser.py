"""Turns a sentence into typed edits and a reply: `parse("less snare, and don't resolve it") -> ParseResult`.

It changes nothing. Bad input never raises: it gives no edits and one friendly line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.core.stored import Json
from agent.directions.edit import Edit
from agent.language import feasibility, lexicon, reply_text, rules, word_lists
from agent.language.normalise import plain, without_decades
from agent.language.reader.second_opinion import RULES_SURE as THRESHOLD
from agent.language.reader.second_opinion import Settled, settle
from agent.sounds.phrases import asked_for, shortest

LONGEST_CHARACTERS = 600
FOREIGN_SHARE = 0.34
NUMBERS = re.compile(r"\s*[+-]?\d{1,3}(?:\s?[/+.]\s?\d{1,2})*\s?%?\s?[.!?]*\s*")  # "7/8", "120", "2+2+3"
USUAL_SIGNS = frozenset(".,;:!?'\"()%&+-/#\u266f\u266d\u2019")
OPPOSITE = {"more": "less", "less": "more", "on": "off", "off": "on"}
CORRECTS = re.compile(r"\b(?:not?|n't|never|wait|actually|mean|rather|instead|sorry|than|if|when|but)\b", re.IGNORECASE)
NAMING = re.compile(
    r"^(?:please |let us |let's |lets |ok |and )?(?:(?:call|name|label) "
    r"(?:this one|that one|this take|that take|this|that|it|the last take|the last one)|"
    r"(?:save|store)(?: this one| this take| that take| this| that| it)? as) "
    r"(?!a day\b|a night\b|quits\b|off\b)[\"']?([\w][\w' -]{0,39})",
    re.IGNORECASE,
)


# no part of a sentence: escape sequences of terminals, and what looks like a number that is read already: <size=large>
INNER = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|<\w+=[^>]*>")


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

    def to_json(self) -> dict[str, Json]:
        shown: dict[str, Json] = {"edits": [edit.to_json() for edit in self.edits], "reply": self.reply}
        extra: dict[str, Json] = {
            "question": self.question,
            "verdict": self.verdict,
            "unsure": [e.to_json() for e in self.unsure],
        }
        return shown | {name: value for name, value in extra.items() if value}


def parse(sentence: str, context: Context | None = None) -> ParseResult:
    """Return edits and reply of a sentence. Never raises, whatever the text."""
    sentence = INNER.sub(" ", sentence)
    named = without_decades(sentence)
    if named != sentence:
        found = rules.read(named)  # the trained reader would make something of what is left
        if not found.verdict and not found.question and all(edit.confidence < THRESHOLD for edit in found.edits):
            return ParseResult(reply=reply_text.DECADE)
    return _parsed(named, context or Context())


def _parsed(sentence: str, context: Context) -> ParseResult:
    refused = refusal(sentence)
    if refused:
        return ParseResult(reply=refused)
    if named := NAMING.search(sentence.strip()):
        edit = Edit("band", "take", "set", named[1].strip(" '"), confidence=0.9)
        return ParseResult((edit,), reply_text.done([edit], sentence))
    if sound := asked_for(plain(sentence)):
        part, instrument = sound
        edit = Edit("harmony" if part == "chords" else part, "sound", "set", shortest(instrument), confidence=0.9)
        return ParseResult((edit,), reply_text.done([edit], sentence))
    found = rules.read(sentence)
    settled = understood(sentence, found, context)
    trouble = feasibility.trouble(settled.edits, context.bars, context.takes) or _both_ways(sentence, found, settled)
    question = None if settled.edits or settled.unsure else found.question
    verdict = None if settled.unsure or question else found.verdict
    if trouble:
        return ParseResult(reply=trouble, question=question)
    if settled.edits:
        return ParseResult(settled.edits, reply_text.done(settled.edits, sentence), verdict=verdict)
    if settled.unsure:
        return ParseResult(reply=reply_text.which(settled.unsure), unsure=settled.unsure)
    if not question and not verdict and _insults(sentence):
        return ParseResult(reply=reply_text.INSULT)
    near = _nearest(found.strange) if not settled.talk else ()
    return ParseResult(reply=reply_text.nothing(question, verdict, sentence, near), question=question, verdict=verdict)


def _both_ways(sentence: str, found: rules.Reading, settled: Settled) -> str | None:
    """Return one line for a sentence that says plainly one thing and its opposite, of which not both would be done."""
    plainly = (
        found.covered >= 1 and not CORRECTS.search(sentence) and set(_cores(settled.edits)) <= set(_cores(found.edits))
    )
    return feasibility.contradiction(found.edits) if plainly else None


def _cores(edits: Sequence[Edit]) -> list[tuple[str, str, str]]:
    return [(edit.target, edit.dimension, edit.change) for edit in edits]


def understood(sentence: str, found: rules.Reading, context: Context) -> Settled:
    """Return the edits to be made and, where these are none, the readings to ask about. found: by the rules."""
    if context.asked and (taken := chosen(sentence)) is not None:
        return Settled(tuple(edit for at, edit in enumerate(context.asked) if at in taken))
    if context.last and _other_way(sentence) and all(edit.change in OPPOSITE for edit in context.last):
        return Settled(tuple(replace(edit, change=OPPOSITE[edit.change]) for edit in context.last))
    return settle(sentence, found, context.last, context.asked)


def _other_way(sentence: str) -> bool:
    from agent.language import small_talk

    return bool(small_talk.OTHER_WAY.fullmatch(_words(sentence)))


def chosen(sentence: str) -> tuple[int, ...] | None:
    """Return which of the readings asked about a plain answer takes, None where it is no plain answer."""
    from agent.language import small_talk

    text = _words(sentence)
    return next((taken for taken, pattern in small_talk.CHOICES if pattern.fullmatch(text)), None)


def _words(sentence: str) -> str:
    return " ".join(re.findall(r"\w+", plain(sentence).lower()))


def refusal(text: str) -> str | None:
    """One friendly line for what is no sentence to a band, else None."""
    if not re.search(r"[^\W\d_]", text) and not NUMBERS.fullmatch(text):
        return reply_text.EMPTY
    if _noise(text):
        return reply_text.NOISE
    if len(text) > LONGEST_CHARACTERS:
        return reply_text.TOO_LONG.format(characters=len(text), most=LONGEST_CHARACTERS)
    if re.search(word_lists.INJECTION, text, re.IGNORECASE):
        return reply_text.INJECTION
    language = foreign(text)
    return reply_text.FOREIGN[language] if language else None


def _noise(text: str) -> bool:
    """Return whether it is mostly control characters or signs, or three words and more of which nobody knows one."""
    said = re.findall(r"[^\W\d_]+", text.lower())
    hidden = sum(not letter.isprintable() and not letter.isspace() for letter in text)
    latin = all(ord(letter) < 0x250 for word in said for letter in word)
    unknown = not any(lexicon.is_english(word) for word in said if len(word) > 1)
    shown = [letter for letter in text if not letter.isspace()]
    signs = sum(not letter.isalnum() and letter not in USUAL_SIGNS for letter in shown)
    return (
        4 * hidden > len(text) or 2 * signs > len(shown) or (len(said) > 2 and latin and unknown and not foreign(text))
    )


def foreign(text: str) -> str | None:
    """The language of a sentence that is not English ("other" when its letters are not Latin), else None."""
    letters = [letter for letter in text if letter.isalpha()]
    if letters and sum(ord(letter) > 0x24F for letter in letters) > FOREIGN_SHARE * len(letters):
        return "other"
    said = re.findall(r"[^\W\d_]+", text.lower())
    if not said:
        return None
    scores = {name: sum(word in common.split() for word in said) for name, common in word_lists.FOREIGN.items()}
    best = max(scores, key=lambda name: scores[name])
    if not scores[best]:
        return None
    strange = sum(not lexicon.is_english(word) for word in said)
    clear = scores[best] >= 2 or (scores[best] == 1 and len(said) <= 3)
    return (
        best if clear and strange >= FOREIGN_SHARE * len(said) and scores[best] >= FOREIGN_SHARE * len(said) else None
    )


def _insults(sentence: str) -> bool:
    """Whether it holds a word that is meant to hurt."""
    said = f" {' '.join(re.findall(r'[a-z]+', sentence.lower()))} "
    return any(f" {word.strip()} " in said for word in word_lists.INSULTS.split(","))


def _nearest(strange: Sequence[str]) -> tuple[str, ...]:
    """Return the terms closest in spelling to words that nobody knows."""
    if not strange:
        return ()
    from rapidfuzz import fuzz, process

    terms = (phrase for phrase, tags in lexicon.TABLE.index.items() if tags[0][0] == "term" and "<" not in phrase[0])
    found = process.extract(" ".join(strange), [" ".join(phrase) for phrase in terms], scorer=fuzz.WRatio, limit=3)
    return tuple(dict.fromkeys(name for name, _, _ in found))


__all__ = ["THRESHOLD", "Context", "ParseResult", "parse", "refusal"]
