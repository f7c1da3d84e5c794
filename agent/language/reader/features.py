"""Turns tokens into the rows that the reader's network looks up: word vectors, n-grams, what the table knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from zlib import crc32

from rapidfuzz import fuzz, process

from agent.language import lexicon
from agent.language.lexicon import PhraseTable, Tag
from agent.language.reader.tokens import VALUES, Token
from agent.language.vocabulary import Term
from models.reader.network import NGRAM_ROWS, TAG_ROWS, Inputs

ALIKE = 74.0  # rapidfuzz ratio from which a word is taken for a misspelt known one
BUCKETS = (1, 2, 3, 4, 8, 16, 39, 59, 240, 100_000)  # upper ends of the classes of numbers
SYMBOL, BAR = "symbol", Token("|", "symbol")  # kinds of tokens before the sentence


def phrase_words(phrase: str) -> tuple[str, ...]:
    """Return a phrase of the table as the texts of its tokens."""
    said = re.sub(r"'", "", phrase.lower()).replace("-", " ").replace("_", " ")
    return tuple(str(VALUES[w]) if w in VALUES and w != "one" else w for w in re.findall(r"\d+|[^\W\d_]+", said))


TABLE = PhraseTable(phrase_words)


@lru_cache(50_000)
def ngrams(word: str) -> tuple[int, ...]:
    """Return the rows of a word's n-grams: the whole word, and three to five letters, with its ends marked."""
    marked = f"<{word}>"
    grams = [marked, *(marked[at : at + size] for size in (3, 4, 5) for at in range(len(marked) - size + 1))]
    return tuple(crc32(gram.encode()) % NGRAM_ROWS for gram in grams[:40])


@lru_cache(20_000)
def tag_row(tag: str) -> int:
    return crc32(tag.encode()) % TAG_ROWS


class Features:
    """Looks words up in one vocabulary, whose first `known` words are those that misspelt ones may stand for."""

    def __init__(self, vocabulary: Sequence[str], known: int) -> None:
        self._row: Mapping[str, int] = {word: row for row, word in enumerate(vocabulary)}
        self._known = [word for word in vocabulary[1:known] if len(word) > 2]

    @cache  # noqa: B019 (one instance for the process)
    def corrected(self, word: str) -> str:
        """Return the known word that a strange one is a misspelling of, else the word itself."""
        if len(word) < 3 or word in self._row or not word.isascii() or word in lexicon.english():
            return word
        found = process.extractOne(
            word, self._known, scorer=fuzz.ratio, score_cutoff=ALIKE + (8 if len(word) < 5 else 0)
        )
        return found[0] if found else word

    def inputs(self, tokens: Sequence[Token], table: bool = True) -> Inputs:
        """Return the rows of tokens. table: whether the phrases of the table are looked up."""
        said = [self.corrected(token.text) if token.kind == "word" else token.text for token in tokens]
        tags: list[list[int]] = [_kinds(token) for token in tokens]
        if table:
            words = [
                word if token.kind not in (SYMBOL, "mark") else "" for word, token in zip(said, tokens, strict=True)
            ]
            for phrase in TABLE.found(words):
                names = {name for tag in phrase.tags for name in _tag_names(tag)}
                long = phrase.end - phrase.start > 1
                for at in range(phrase.start, phrase.end):
                    place = "" if not long else "<" if at == phrase.start else ">" if at == phrase.end - 1 else "-"
                    tags[at] += [tag_row(place + name) for name in names]
        rows = [
            self._row.get(word, 0) if token.kind in ("word", "number", "ordinal") else 0
            for word, token in zip(said, tokens, strict=True)
        ]
        grams = [
            ngrams(word) if token.kind in ("word", "mark", "ordinal") or word == "one" else ()
            for word, token in zip(said, tokens, strict=True)
        ]
        return Inputs(rows, grams, tags)


def _kinds(token: Token) -> list[int]:
    if token.kind == SYMBOL:
        return [tag_row(f"symbol:{token.text}")]
    names = [f"kind:{token.kind}"]
    if token.kind in ("number", "ordinal"):
        value = float(token.value)
        names.append(f"number:{next((top for top in BUCKETS if value <= top), 0)}{'' if value == int(value) else '.'}")
        if value <= 20:
            names.append(f"number={token.value}")
    if token.kind == "meter":
        names.append(f"meter={token.value}")
    return [tag_row(name) for name in names]


@lru_cache(5_000)
def _tag_names(tag: Tag) -> tuple[str, ...]:
    kind, value = tag
    if kind == "term" and isinstance(value, tuple) and isinstance(value[1], Term):
        column, term = value
        return (f"term:{column}", f"term:{term.name}", f"term:{column}:{term.name}")
    return (f"{kind}:{value}",) if kind in ("who", "sign", "particle") else (f"class:{kind}",)
