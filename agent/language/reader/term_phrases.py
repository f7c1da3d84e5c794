"""Finds the phrases of the table of terms in a sentence's tokens, for the reader (features.py)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from agent.language import lexicon
from agent.language.lexicon import Tag
from agent.language.reader.tokens import VALUES
from agent.language.word_lists import FILLERS


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


@cache
def index() -> dict[tuple[str, ...], list[Tag]]:
    """Every phrase as the texts of its tokens -> its readings."""
    found: dict[tuple[str, ...], list[Tag]] = {}
    for phrase, tag in lexicon.entries():
        found.setdefault(phrase_words(phrase), []).append(tag)
    found.pop((), None)
    return found


@cache
def longest() -> int:
    return max(len(phrase) for phrase in index())


@cache
def known_words() -> frozenset[str]:
    """The words of the phrases and those around them."""
    return frozenset(word for phrase in index() for word in phrase) | frozenset(FILLERS)


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
