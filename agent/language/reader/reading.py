"""Reads a sentence with the network: `read(tokens, context, asked) -> Read`, the likeliest edits and the next best.

Greedy over the symbols that may follow; the second reading departs from the first where that was least sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from agent.directions.edit import Edit
from agent.language.reader.features import BAR, SYMBOL, Features
from agent.language.reader.symbols import (
    CLASS,
    CLASSES,
    NUMBER,
    SYMBOLS,
    Piece,
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
    """What a sentence means. edits: the likeliest; sure: probability of the whole; other: the next best and its own;
    nothing: probability that nothing is ordered; theirs: that of another reader's edits."""

    edits: tuple[Edit, ...]
    sure: float
    other: tuple[Edit, ...] = ()
    other_sure: float = 0.0
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
        self.last, self.log, self.doubts = -1, 0.0, []  # type: int, float, list[tuple[float, int, Path]]

    def options(self) -> tuple[Array, Array]:
        """Return log-probabilities of what may follow, renormalised, and the next state."""
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

    def take(self, piece: int, log: float, state: Array) -> None:
        self.state, self.last, self.log = state, piece, self.log + log
        self.reading.add(SYMBOLS[piece] if piece < len(SYMBOLS) else piece - len(SYMBOLS))

    def copy(self) -> Path:
        other = Path(self.memory, self.reading.tokens)
        other.reading, other.state, other.last, other.log = self.reading.copy(), self.state, self.last, self.log
        return other

    def finish(self, doubting: bool) -> bool:
        """Write on greedily to the end; doubting: note the second best piece of each step. Returns whether it ended."""
        for _ in range(MOST_PIECES):
            if self.reading.ended:
                return True
            try:
                scores, state = self.options()
                piece = int(scores.argmax())
                if doubting:
                    top = float(scores[piece])
                    scores[piece] = -np.inf
                    second = int(scores.argmax())
                    if np.isfinite(scores[second]):
                        branch = self.copy()
                        branch.state = state
                        self.doubts.append((float(scores[second]) - top, second, branch))
                        branch.log += float(scores[second])
                    self.take(piece, top, state)
                else:
                    self.take(piece, float(scores[piece]), state)
            except ValueError:
                return False
        return self.reading.ended


def read(
    tokens: Sequence[Token],
    context: Sequence[Edit] = (),
    asked: Sequence[Edit] = (),
    table: bool = True,
    doubts: bool = False,
    theirs: Sequence[Edit] = (),
) -> Read:
    """Return what a sentence means. table: whether what the table knows of its words is told to the network; doubts:
    whether the next best reading is looked for; theirs: edits of another reader, whose probability is wanted."""
    before = tokens_of(context, asked)
    every = (*before, BAR, *tokens)
    start = Path(network().encode(features().inputs(every, table)), every)
    best = start.copy()
    if not best.finish(True):
        return Read((), 0.0)
    found = Read(best.reading.edits, float(np.exp(best.log)), nothing=_probability(start, ["END"]))
    if theirs:
        found = replace(found, theirs=max(_of(start, order, len(before) + 1) for order in (theirs, theirs[::-1])))
    if not doubts or not best.doubts:
        return found
    _, piece, branch = max(best.doubts, key=lambda doubt: doubt[0])
    branch.last = piece
    try:
        branch.reading.add(SYMBOLS[piece] if piece < len(SYMBOLS) else piece - len(SYMBOLS))
    except ValueError:
        return found
    if not branch.finish(False):
        return found
    return replace(found, other=branch.reading.edits, other_sure=float(np.exp(branch.log)))


def _of(start: Path, edits: Sequence[Edit], first: int) -> float:
    """Return the probability of edits, 0 where they cannot be said in symbols."""
    try:
        return _probability(start, pieces_of(edits, start.reading.tokens, first))
    except (Unsayable, ValueError):
        return 0.0


def _probability(start: Path, pieces: Sequence[Piece]) -> float:
    path = start.copy()
    for piece in pieces:
        scores, state = path.options()
        number = NUMBER[piece] if isinstance(piece, str) else len(SYMBOLS) + piece
        path.take(number, float(scores[number]), state)
    return float(np.exp(path.log))


__all__ = ["CLASS", "Piece", "Read", "read", "tokens_of"]
