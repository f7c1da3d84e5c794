"""Indexes all phrases of the table of terms and the word lists, and says which words are known and which musical.

Splitting 3,600 phrases as the rules do takes half a second, so the split phrases ship as a file:
`python -m agent.language.lexicon` writes it anew after a change to the table, the lists or normalise.py.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from agent.core.paths import shipped
from agent.language.normalise import words
from agent.language.vocabulary import COLUMNS, TERMS
from agent.language.word_lists import FILLERS, PARTICLES, SIGNS, WHO, WORDS

WORDS_FILE, PHRASES_FILE = shipped("words.txt.gz"), shipped("phrases.txt.gz")
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


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found in a sentence: words `start` to `end`, and its readings."""

    start: int
    end: int
    tags: tuple[Tag, ...]


class PhraseTable:
    """Holds every phrase by its words. split: what makes a phrase as written into words; rules and reader differ."""

    def __init__(self, split: Callable[[str], Sequence[str]]) -> None:
        self._split = split

    @cached_property
    def index(self) -> dict[tuple[str, ...], list[Tag]]:
        """Every phrase as words -> its readings, in the order of the table."""
        found: dict[tuple[str, ...], list[Tag]] = {}
        for phrase, tag in entries():
            found.setdefault(tuple(self._split(phrase)), []).append(tag)
        found.pop((), None)
        return found

    @cached_property
    def longest(self) -> int:
        """The number of words of the longest phrase."""
        return max(map(len, self.index))

    @cached_property
    def known_words(self) -> frozenset[str]:
        """The words of the phrases and those around them."""
        return frozenset(word for phrase in self.index for word in phrase) | frozenset(FILLERS)

    def found(self, words: Sequence[str]) -> tuple[Found, ...]:
        """Return the phrases in a sentence that lie in no longer one."""
        found: list[Found] = []
        reach = 0  # end of the phrases so far
        for start in range(len(words)):
            for end in range(min(len(words), start + self.longest), start, -1):
                tags = self.index.get(tuple(words[start:end]))
                if tags and end > reach:
                    found.append(Found(start, end, tuple(tags)))
                    reach = end
                    break
        return tuple(found)


@cache
def stored() -> dict[str, list[str]]:
    """Return the phrases that ship already split, none where the file is missing."""
    try:
        lines = gzip.decompress(PHRASES_FILE.read_bytes()).decode().splitlines()
    except OSError:
        return {}
    return {phrase: split for phrase, *split in (line.split("\t") for line in lines)}


def split(phrase: str) -> list[str]:
    """Return a phrase of the table as the words that the rules see."""
    return stored().get(phrase) or words(phrase)


TABLE = PhraseTable(split)


@cache
def english() -> frozenset[str]:
    """Correctly spelt words of four letters and more (SCOWL, small), which are no misspellings of musical ones."""
    return TABLE.known_words | frozenset(gzip.decompress(WORDS_FILE.read_bytes()).decode().split())


def is_english(word: str) -> bool:
    """Whether a word is spelt correctly; the list of all words is read only for one that the table does not know."""
    return word in TABLE.known_words or word in english()


@cache
def music_words() -> tuple[str, ...]:
    """Words that a misspelt one may stand for: those of the terms and targets, sorted."""
    musical = {
        word
        for phrase, tags in TABLE.index.items()
        for word in phrase
        if any(kind in ("who", "term", "sign") for kind, _ in tags)
    }
    return tuple(sorted(word for word in musical if word.isalpha() and len(word) > 3))


@cache
def target_words() -> tuple[str, ...]:
    """Single words that name a target, sorted."""
    return tuple(sorted(phrase[0] for phrase, tags in TABLE.index.items() if len(phrase) == 1 and tags[0][0] == "who"))


def write() -> None:
    """Write the split phrases, the same bytes for the same table."""
    lines = {"\t".join((phrase, *words(phrase))) for phrase, _ in entries()}
    PHRASES_FILE.write_bytes(gzip.compress("\n".join(sorted(lines)).encode(), mtime=0))


if __name__ == "__main__":
    write()
