"""Indexes all phrases of the table of terms and the word lists, and finds those that a sentence holds."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from agent.core.paths import shipped
from agent.language.tokens import VALUES
from agent.language.vocabulary import COLUMNS, TERMS
from agent.language.word_lists import FILLERS, PARTICLES, SIGNS, WHO, WORDS

WORDS_FILE = shipped("words.txt.gz")
Tag = tuple[str, object]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase of the table found in a sentence: tokens `start` to `end`, and its readings."""

    start: int
    end: int
    tags: tuple[Tag, ...]


def phrase_words(phrase: str) -> tuple[str, ...]:
    """Return a phrase of the table as the texts of its tokens."""
    said = re.sub(r"'", "", phrase.lower()).replace("-", " ").replace("_", " ")
    return tuple(str(VALUES[w]) if w in VALUES and w != "one" else w for w in re.findall(r"\d+|[^\W\d_]+", said))


def _split(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split(",") if phrase.strip()]


@cache
def index() -> dict[tuple[str, ...], list[Tag]]:
    """Every phrase as words -> its readings: ("who", target), ("term", (column, Term)), ("sign", ...), (class, "")."""
    found: dict[tuple[str, ...], list[Tag]] = {}

    def put(phrase: str, tag: Tag) -> None:
        found.setdefault(phrase_words(phrase), []).append(tag)

    for target, phrases in WHO.items():
        for phrase in _split(phrases):
            put(phrase, ("who", target))
    for kind, table in (("sign", SIGNS), ("particle", PARTICLES)):
        for name, phrases in table.items():
            for phrase in _split(phrases):
                put(phrase, (kind, name))
    for name, phrases in WORDS.items():
        for phrase in _split(phrases):
            put(phrase, (name, phrase))
    for term in TERMS:
        for column in COLUMNS:
            for phrase in term.phrases(column):
                put(phrase, ("term", (column, term)))
    found.pop((), None)
    return found


@cache
def longest() -> int:
    return max(len(phrase) for phrase in index())


def phrases_in(words: Sequence[str]) -> tuple[Phrase, ...]:
    """Return the phrases of the table in a sentence that lie in no longer one."""
    table, most = index(), longest()
    found: list[Phrase] = []
    reach = 0  # end of the phrases so far
    for start in range(len(words)):
        for end in range(min(len(words), start + most), start, -1):
            tags = table.get(tuple(words[start:end]))
            if tags and end > reach:
                found.append(Phrase(start, end, tuple(tags)))
                reach = end
                break
    return tuple(found)


@cache
def known_words() -> frozenset[str]:
    """The words of the lexicon and those around them."""
    return frozenset(word for phrase in index() for word in phrase) | frozenset(FILLERS)


@cache
def english() -> frozenset[str]:
    """Correctly spelt words of four letters and more (SCOWL, small), which are no misspellings of musical ones."""
    return known_words() | frozenset(gzip.decompress(WORDS_FILE.read_bytes()).decode().split())
