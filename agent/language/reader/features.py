"""Turns tokens into the rows that the reader's network looks up: word vectors, n-grams, what the table knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from math import log
from zlib import crc32

from agent.language import lexicon
from agent.language.lexicon import PhraseTable, Tag
from agent.language.reader.tokens import VALUES, Token
from agent.language.vocabulary import Term
from models.reader.network import NGRAM_ROWS, TAG_ROWS, Inputs

MOST_DOUBTED = 4  # letters of a rare word that may be a misspelling
COMMONEST, EDIT, FIRST, CANDIDATES = 60, 4.0, 0.5, 60  # of the noisy channel: ranks that are alike, log cost of an edit
NEIGHBOURS = """
q:wa w:qes e:wrd r:etf t:ryg y:tuh u:yij i:uok o:ipl p:ol a:sqz s:adw d:sfe f:dgr g:fht h:gjy j:hk k:jl l:kp
z:xas x:zc c:xv v:cb b:vn n:bm m:n
"""
BESIDE = {pair[0]: pair[2:] for pair in NEIGHBOURS.split()}  # key -> keys beside it
BUCKETS = (1, 2, 3, 4, 8, 16, 39, 59, 240, 100_000)  # upper ends of the classes of numbers
SYMBOL, BAR = "symbol", Token("|", "symbol")  # kinds of tokens before the sentence


def phrase_words(phrase: str) -> tuple[str, ...]:
    """Return a phrase of the table as the texts of its tokens."""
    said = phrase.lower().replace("'", "").replace("-", " ").replace("_", " ")
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
        self._known = [word for word in vocabulary[1:known] if len(word) > 1]
        self._rank = {word: rank for rank, word in enumerate(self._known)}

    @cache  # noqa: B019 (one instance for the process)
    def corrected(self, word: str) -> str:
        """Return the known word that a strange one is most likely a misspelling of, else the word itself: the commoner
        and the nearer, the likelier (a noisy channel: Kernighan, Church, Gale 1990)."""
        if len(word) < 3 or word in self._rank or not word.isascii() or lexicon.is_english(word):
            return word
        if word in self._row and len(word) > MOST_DOUBTED:
            return word
        from rapidfuzz import process  # few words are misspelt, and it takes a while to load
        from rapidfuzz.distance import OSA

        near = process.extract(
            word, self._known, scorer=OSA.distance, score_cutoff=1 + (len(word) > 4), limit=CANDIDATES
        )
        return max((self._likely(word, known, edits), known) for known, edits, _ in near)[1] if near else word

    def _likely(self, word: str, known: str, edits: float) -> float:
        """Return the log-probability of writing a word for a known one, up to a constant."""
        cost = _cost(word, known) if edits == 1 else edits
        return -log(self._rank[known] + COMMONEST) - EDIT * cost - FIRST * (word[0] != known[0])

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


def _cost(word: str, known: str) -> float:
    """Return how unlikely one edit is: a letter twice, two swapped and a key beside the right one are the likeliest."""
    if len(word) == len(known):
        wrong = [(one, other) for one, other in zip(word, known, strict=True) if one != other]
        beside = len(wrong) == 1 and wrong[0][0] in BESIDE.get(wrong[0][1], "")
        return 0.8 if len(wrong) > 1 or beside else 1.6
    twice = any(word[:at] + word[at + 1 :] == known and word[at - 1] == word[at] for at in range(1, len(word)))
    return 0.6 if twice else 1.0 if len(word) < len(known) else 1.6


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
