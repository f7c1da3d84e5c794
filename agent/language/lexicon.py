"""Indexes all phrases of the table of terms and the word lists, and says which words are known and which musical."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cache

from agent.core.paths import shipped
from agent.language.normalise import words
from agent.language.vocabulary import COLUMNS, TERMS
from agent.language.word_lists import FILLERS, PARTICLES, SIGNS, WHO, WORDS

WORDS_FILE = shipped("words.txt.gz")
Tag = tuple[str, object]


def _split(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split(",") if phrase.strip()]


def entries() -> Iterator[tuple[str, Tag]]:
    """Yield every phrase as written and a reading of it: ("who", target), ("term", (column, Term)), ("sign", ...)."""
    for target, phrases in WHO.items():
        for phrase in _split(phrases):
            yield phrase, ("who", target)
    for kind, table in (("sign", SIGNS), ("particle", PARTICLES)):
        for name, phrases in table.items():
            for phrase in _split(phrases):
                yield phrase, (kind, name)
    for name, phrases in WORDS.items():
        for phrase in _split(phrases):
            yield phrase, (name, phrase)
    for term in TERMS:
        for column in COLUMNS:
            for phrase in term.phrases(column):
                yield phrase, ("term", (column, term))


@cache
def index() -> dict[tuple[str, ...], list[Tag]]:
    """Every phrase as words -> its readings, in the order of the table."""
    found: dict[tuple[str, ...], list[Tag]] = {}
    for phrase, tag in entries():
        found.setdefault(tuple(words(phrase)), []).append(tag)
    return found


@cache
def longest() -> int:
    return max(len(phrase) for phrase in index())


@cache
def known_words() -> frozenset[str]:
    """The words of the lexicon and those around them."""
    return frozenset(word for phrase in index() for word in phrase) | frozenset(FILLERS)


@cache
def english() -> frozenset[str]:
    """Correctly spelt words of four letters and more (SCOWL, small), which are no misspellings of musical ones."""
    return known_words() | frozenset(gzip.decompress(WORDS_FILE.read_bytes()).decode().split())


@cache
def music_words() -> tuple[str, ...]:
    """Words that a misspelt one may stand for: those of the terms and targets, sorted."""
    musical = {
        word
        for phrase, tags in index().items()
        for word in phrase
        if any(kind in ("who", "term", "sign") for kind, _ in tags)
    }
    return tuple(sorted(word for word in musical if word.isalpha() and len(word) > 3))


@cache
def target_words() -> tuple[str, ...]:
    """Single words that name a target, sorted."""
    return tuple(sorted(phrase[0] for phrase, tags in index().items() if len(phrase) == 1 and tags[0][0] == "who"))
