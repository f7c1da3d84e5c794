"""Define what the song plan has decided of a tick, each value known or not, and what the responder reads of it.

The plan (agent/song) commits to a harmony, sections, phrases, a level and a groove. The responder that is told of them
proposes what fits; one that is not told guesses. Unknown is a value of each: zeros, or -1 in a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.music import past, tokens
from models.music.features import Ints
from models.music.past import ACTION, COLUMNS, DRUMS, LEVEL, LINE, LINE_LEVEL, PITCH, QUALITY, ROOT
from models.music.plan_tick import PlanTick
from models.music.tokens import LINE_ON, QUALITIES

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
SECTION_BARS = 16  # beyond which a section's age is not counted
NAMES = ("harmony", "section", "phrase", "again", "level", "groove")
SOURCES = ("the bar that is repeated", "the section's groove", "the plan's harmony")
POINTED = COLUMNS - 1  # columns that a source may say something of: all but the bass
SILENT = -1
DIM = 2 + len(QUALITIES) + 4 + 7 + 2 + DRUMS + 4 + 3 + 2 + 1 + DRUMS


@dataclass(frozen=True, slots=True)
class PlanRows:
    """What is decided of T ticks.

    harmony [T, 3]: root, quality (-1: unknown), whether it begins in this tick. section [T, 2]: bars since it came in
    (-1: unknown), whether it returned. phrase [T, 2]: bar in it, bars of it (0: unknown). again [T]: 0 unknown, 1 a new
    bar, 2 one that is repeated, and then again_rows int8 [T, COLUMNS] is what was done in that. level [T]: -1 to 1, NaN
    unknown. groove int8 [T, pieces]: levels of the section's groove, -1 unknown.
    """

    harmony: Ints
    section: Ints
    phrase: Ints
    again: Ints
    again_rows: Bytes
    level: Floats
    groove: Bytes

    @classmethod
    def unknown(cls, length: int) -> PlanRows:
        return cls(
            np.tile([-1, -1, 0], (length, 1)),
            np.tile([-1, 0], (length, 1)),
            np.zeros((length, 2), int),
            np.zeros(length, int),
            np.tile(past.NOTHING, (length, 1)),
            np.full(length, np.nan, np.float32),
            np.full((length, DRUMS), -1, np.int8),
        )

    def __len__(self) -> int:
        return len(self.again)

    def shown(self, names: frozenset[str] | set[str]) -> PlanRows:
        """Return the rows with only these values known."""
        none = PlanRows.unknown(len(self))
        return PlanRows(
            self.harmony if "harmony" in names else none.harmony,
            self.section if "section" in names else none.section,
            self.phrase if "phrase" in names else none.phrase,
            self.again if "again" in names else none.again,
            self.again_rows if "again" in names else none.again_rows,
            self.level if "level" in names else none.level,
            self.groove if "groove" in names else none.groove,
        )

    @property
    def vectors(self) -> Floats:
        """Return what the network reads as conditioning, [T, DIM]. Roots stand in `pointed`, relative to nothing."""
        holds = self.harmony[:, 1] >= 0
        quality = (self.harmony[:, 1, None] == np.arange(len(QUALITIES))) & holds[:, None]
        told = self.section[:, 0] >= 0
        age = np.clip(self.section[:, 0], 0, SECTION_BARS)
        bar, bars = self.phrase.T
        counted = bars > 0
        turn = 2 * np.pi * bar / np.maximum(bars, 1)
        repeats = self.again == 2
        row = self.again_rows
        levelled = np.isfinite(self.level)
        grooves = self.groove[:, 0] >= 0
        columns = [
            holds, holds & (self.harmony[:, 2] > 0), *quality.T,
            told, told * age / SECTION_BARS, told & (age == 0), told & (self.section[:, 1] > 0),
            counted, counted * np.sin(turn), counted * np.cos(turn), counted & (bar == 0),
            counted & (bar == bars - 1), counted & (bar == bars - 2), counted * bars / 16,
            self.again > 0, repeats, *(row[:, :DRUMS] / 4 * repeats[:, None]).T,
            *((row[:, ACTION, None] == np.arange(4)) & repeats[:, None]).T,
            *((row[:, LINE, None] == np.arange(3)) & repeats[:, None]).T,
            levelled, np.where(levelled, self.level, 0),
            grooves, *(np.maximum(self.groove, 0) / 4).T,
        ]  # fmt: skip
        return np.stack([np.asarray(c, np.float32) for c in columns], -1)

    @property
    def pointed(self) -> Bytes:
        """Return what the plan's sources say of each column, int8 [T, sources, POINTED]; -1: nothing."""
        rows = np.full((len(self), len(SOURCES), POINTED), SILENT, np.int8)
        rows[:, 0] = said(self.again_rows, self.again == 2)
        rows[:, 1, :DRUMS] = self.groove
        rows[:, 2, ROOT], rows[:, 2, QUALITY] = self.harmony[:, 0], self.harmony[:, 1]
        return rows


def vector_of(tick: PlanTick) -> Floats:
    """Return what PlanRows.vectors would of this tick, [DIM]."""
    out = np.zeros(DIM, np.float32)
    if tick.harmony is not None:
        out[0], out[1], out[2 + tick.harmony[1]] = 1, tick.harmony[2], 1
    at = 2 + len(QUALITIES)
    if tick.section is not None:
        age, returned = tick.section
        out[at : at + 4] = 1, min(age, SECTION_BARS) / SECTION_BARS, age == 0, returned
    at += 4
    if tick.phrase is not None:
        bar, bars = tick.phrase
        turn = 2 * np.pi * bar / bars
        ends = bar == bars - 1, bar == bars - 2
        out[at : at + 7] = 1, np.sin(turn), np.cos(turn), bar == 0, *ends, bars / 16
    at += 7
    if tick.again is not None:
        out[at] = 1
        if not isinstance(tick.again, str):
            row = tick.again
            out[at + 1] = 1
            out[at + 2 : at + 2 + DRUMS] = row[:DRUMS] / np.float32(4)
            out[at + 2 + DRUMS + int(row[ACTION])] = 1
            out[at + 6 + DRUMS + int(row[LINE])] = 1
    at += 9 + DRUMS
    if tick.level is not None:
        out[at : at + 2] = 1, tick.level
    if tick.groove is not None:
        out[at + 2] = 1
        out[at + 3 :] = np.array(tick.groove, np.float32) / 4
    return out


def pointed_of(tick: PlanTick) -> Bytes:
    """Return what PlanRows.pointed would of this tick, int8 [sources, POINTED]."""
    rows = np.full((len(SOURCES), POINTED), SILENT, np.int8)
    if tick.again is not None and not isinstance(tick.again, str):
        rows[0] = said(tick.again, np.array(True))
    if tick.groove is not None:
        rows[1, :DRUMS] = tick.groove
    if tick.harmony is not None:
        rows[2, ROOT], rows[2, QUALITY] = tick.harmony[:2]
    return rows


def said(rows: Bytes, valid: NDArray[np.bool_]) -> Bytes:
    """Return what rows [..., COLUMNS] say, [..., POINTED]: levels counted from the softest stroke, -1 where they say
    nothing.
    """
    out = rows[..., :POINTED].copy()
    strikes, begins = rows[..., ACTION] >= tokens.SAME, rows[..., LINE] == LINE_ON
    out[..., LEVEL] = np.where(strikes, rows[..., LEVEL] - 1, SILENT)
    out[..., LINE_LEVEL] = np.where(begins, rows[..., LINE_LEVEL] - 1, SILENT)
    out[..., PITCH] = np.where(begins, rows[..., PITCH], SILENT)
    out[~valid] = SILENT
    return out
