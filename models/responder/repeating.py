"""Add to a tick's logits what earlier bars and the song plan say, each by a gate that the network sets. No torch.

net.py does the same for whole pieces (`repeated`); a test holds them equal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.music import features, tokens
from models.music.features import Ints, Memory
from models.music.past import (
    ACTION,
    DRUMS,
    LEVEL,
    LEVEL_VOTES,
    LINE,
    LINE_LEVEL,
    NOTHING,
    PITCH,
    QUALITY,
    ROOT,
    VOTE_SLICES,
    Recalled,
)
from models.music.plan_tick import PlanTick
from models.music.plan_values import POINTED, SILENT, pointed_of, said
from models.music.tokens import LINE_LOW, LINE_PITCHES, BassTick, Reply
from models.responder.shape import POINTERS, SAID_QUALITY, SLICES

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
VOTE_FLOOR = 0.02  # a value that no bar had is this likely
POINTED_BLOCKS: dict[int, str] = {  # column -> the block of logits it is a value of; a quality's stands behind them
    ACTION: "action",
    LEVEL: "level",
    ROOT: "root",
    LINE: "line",
    LINE_LEVEL: "line_level",
    PITCH: "pitch",
}
POINTED_AT = np.full(POINTED, -1)  # where in the logits the value 0 of each column stands
POINTED_AT[:DRUMS] = SLICES["drums"].start + np.arange(DRUMS) * tokens.LEVELS
for _column, _name in POINTED_BLOCKS.items():
    POINTED_AT[_column] = SLICES[_name].start
POINTED_AT[QUALITY] = SAID_QUALITY
_FIRST_PIECE = features.COLUMN[tokens.PIECES[0]]
_SHARED = (("action", 0), ("root", 1), ("line", 0), ("pitch", 1))  # votes beside the drums, and how many say: none


def done_in(row: Ints, memory: Memory, bass: BassTick, reply: Reply) -> Bytes:
    """Return what band and bass did in a tick, [past.COLUMNS]. row, memory: what Memory.read gave for it."""
    out = NOTHING.copy()
    out[:DRUMS] = row[_FIRST_PIECE : _FIRST_PIECE + DRUMS]
    out[ACTION] = row[features.COLUMN["chord_action"]]
    out[ROOT], out[QUALITY] = memory.root, memory.quality
    out[LINE] = row[features.COLUMN["line_action"]]
    if reply.chord:
        out[LEVEL] = tokens.level_of(reply.chord.velocity)
    if reply.line:
        out[LINE_LEVEL] = tokens.level_of(reply.line.velocity)
        out[PITCH] = min(max(reply.line.pitch - LINE_LOW, 0), LINE_PITCHES - 1)
    out[-1] = -2 if not bass.known else -1 if bass.onset_pitch is None else bass.onset_pitch % 12
    return out


def pointed_by(recalled: Recalled, plan: PlanTick | None) -> Bytes:
    """Return what every source says of each column, int8 [pointers, POINTED]; -1: nothing."""
    out = np.full((len(POINTERS), POINTED), SILENT, np.int8)
    count = len(recalled.rows)
    out[:count] = said(recalled.rows, recalled.valid)
    if plan is not None:
        out[count:] = pointed_of(plan)
    return out


def repeated(logits: Floats, gates: Floats, pointed: Bytes, votes: Floats) -> Floats:
    """Return logits [H] with what the sources say added: pointed [pointers, POINTED], votes [past.VOTE_DIM].

    gates [GATES]: of every source and column, then of the votes on each piece, action, root, line and pitch.
    """
    says = pointed >= 0
    places = (pointed + POINTED_AT)[says]
    pulls = gates[: pointed.size].reshape(pointed.shape)[says]
    out = logits + np.bincount(places, pulls, len(logits)).astype(np.float32)
    if not votes.any():
        return out
    likely = np.log(votes + np.float32(VOTE_FLOOR))
    own = gates[pointed.size :]
    drums = likely[:LEVEL_VOTES].reshape(DRUMS, tokens.LEVELS)
    out[SLICES["drums"]] += ((drums - drums.mean(1, keepdims=True)) * own[:DRUMS, None]).ravel()
    for index, (name, none) in enumerate(_SHARED):
        block = likely[VOTE_SLICES[name]][none:]
        out[SLICES[name]] += (block - block.mean()) * own[DRUMS + index]
    return out
