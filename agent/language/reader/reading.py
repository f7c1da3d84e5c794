"""Reads a sentence with the network: `read(tokens, context, asked) -> Read`, the likeliest edits, greedily over the
symbols that may follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from agent.directions.edit import Edit
from agent.language.reader.features import BAR, SYMBOL, Features
from agent.language.reader.symbols import (
    CLASSES,
    NUMBER,
    SYMBOLS,
    Reading,
    Unsayable,
    allows,
    following,
    pieces_of,
    spelt,
)
from agent.language.reader.tokens import Token
from models import paths
from models.reader.network import Array, Memory, Network

WEIGHTS = paths.WEIGHTS / "reader.safetensors"
MOST_PIECES = 64
ASKED = (Token("asked one", SYMBOL), Token("asked two", SYMBOL))


@dataclass(frozen=True, slots=True)
class Read:
    """What a sentence means. edits: the likeliest; sure: probability of the whole; nothing: probability that nothing is
    ordered; theirs: that of another reader's edits."""

    edits: tuple[Edit, ...]
    sure: float
    nothing: float = 0.0
    theirs: float = 0.0


@cache
def network() -> Network:
    return Network(WEIGHTS)


@cache
def features() -> Features:
    return Features(network().vocabulary, network().known)


def tokens_of(context: Sequence[Edit], asked: Sequence[Edit]) -> tuple[Token, ...]:
    """Return the tokens that stand before a sentence: the last edits, and the readings that were asked about."""
    out: list[Token] = [_token(piece) for piece in spelt(context)]
    for mark, edit in zip(ASKED, asked, strict=False):
        out += [mark, *(_token(piece) for piece in spelt([edit]))]
    return tuple(out)


def _token(piece: str | Token) -> Token:
    return piece if isinstance(piece, Token) else Token(piece, SYMBOL)


@cache
def _rows(kind: str) -> np.ndarray:
    """Return the numbers of the symbols of a class, "target:DIMENSION" for the targets that this one has."""
    name, _, dimension = kind.partition(":")
    fit = [s for s in CLASSES[name] if name != "target" or not dimension or allows(dimension, s)]
    return np.array([NUMBER[s] for s in fit])


class Path:
    """One reading while it is written."""

    def __init__(self, memory: Memory, tokens: Sequence[Token]) -> None:
        self.reading, self.memory, self.state = Reading(tokens), memory, memory.start
        self.last, self.log = -1, 0.0
        self._next: tuple[Array, Array] | None = None

    def options(self) -> tuple[Array, Array]:
        """Return log-probabilities of what may follow, renormalised, and the next state."""
        if self._next is None:
            self._next = self._options()
        return self._next

    def _options(self) -> tuple[Array, Array]:
        scores, state = network().step(self.memory, self.state, self.last)
        mask = np.full(len(scores), -np.inf, np.float32)
        for kind in following(self.reading.state):
            if kind.startswith("pointer"):
                for at in range(len(self.reading.tokens)):
                    if self.reading.fits(at, kind[8:]):
                        mask[len(SYMBOLS) + at] = 0
            else:
                mask[_rows(kind)] = 0
        scores = scores + mask
        top = scores.max()
        if not np.isfinite(top):
            raise ValueError("no symbol may follow")
        scores = scores - top
        out: Array = scores - np.log(np.exp(scores).sum())
        return out, state

    def take(self, piece: int) -> None:
        """Write the next piece."""
        scores, state = self.options()
        self.state, self.last, self.log, self._next = state, piece, self.log + float(scores[piece]), None
        self.reading.add(SYMBOLS[piece] if piece < len(SYMBOLS) else piece - len(SYMBOLS))

    def copy(self) -> Path:
        other = Path(self.memory, self.reading.tokens)
        other.reading, other.state, other.last, other.log = self.reading.copy(), self.state, self.last, self.log
        other._next = self._next
        return other

    def finish(self) -> bool:
        """Write on greedily to the end. Returns whether it ended."""
        try:
            for _ in range(MOST_PIECES):
                if self.reading.ended:
                    break
                self.take(int(self.options()[0].argmax()))
        except ValueError:
            return False
        return self.reading.ended


def read(
    tokens: Sequence[Token],
    context: Sequence[Edit] = (),
    asked: Sequence[Edit] = (),
    table: bool = True,
    theirs: Sequence[Edit] = (),
) -> Read:
    """Return what a sentence means. table: whether what the table knows of its words is told to the network; theirs:
    edits of another reader, whose probability is wanted."""
    before = tokens_of(context, asked)
    every = (*before, BAR, *tokens)
    start = Path(network().encode(features().inputs(every, table)), every)
    best = start.copy()
    if not best.finish():
        return Read((), 0.0)
    nothing = float(np.exp(start.options()[0][NUMBER["END"]]))
    found = Read(best.reading.edits, float(np.exp(best.log)), nothing)
    if not theirs:
        return found
    orders = (theirs, theirs[::-1]) if len(theirs) > 1 else (theirs,)
    return replace(found, theirs=max(_probability(start, order, len(before) + 1) for order in orders))


def _probability(start: Path, edits: Sequence[Edit], first: int) -> float:
    """Return the probability of edits, 0 where they cannot be said in symbols."""
    path = start.copy()
    try:
        for piece in pieces_of(edits, start.reading.tokens, first):
            path.take(NUMBER[piece] if isinstance(piece, str) else len(SYMBOLS) + piece)
    except (Unsayable, ValueError):
        return 0.0
    return float(np.exp(path.log))
