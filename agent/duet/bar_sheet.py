"""A bar to come, as one Antiphon tells it to another: a MIDI system exclusive message.

Bytes after F0: 7D (not for sale), "An", VERSION, in_bars, turn; the meter: numerator, log2 of the denominator, size and
numbers of its grouping; the key: tonic, mode; the section's name: size, ASCII; chords: count, then (tick, root,
quality) each; the bass: count, then (tick, length, pitch, velocity) each. A bar of eight notes takes 60 bytes: 20 ms on
a MIDI cable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, BassNote
from agent.song.live_song import ScoredBar
from listener.music.key import SCALES
from listener.types import Key, Meter
from models.music.tokens import QUALITY_NAMES, Position

START, END = 0xF0, 0xF7
HEAD = (0x7D, 0x41, 0x6E)  # the manufacturer "not for sale", "A", "n"
VERSION = 1
MODES = tuple(SCALES)
DENOMINATORS = (1, 2, 4, 8, 16)
COUNT_MAX, NAME_MAX = 32, 16  # of notes and chords; letters of a section's name
AHEAD_BARS = 8  # in which a bar may begin, at most


@dataclass(frozen=True, slots=True)
class BarSheet:
    """in_bars: when it begins, counted from the bar in which the message comes; turn: whose it is, 0 = of both, 1 = of
    the one that leads, 2 = of the other; bar: what is played in it."""

    in_bars: int
    turn: int
    bar: ScoredBar


def encoded(sheet: BarSheet) -> tuple[int, ...]:
    """Return the message, START and END included; what is beyond COUNT_MAX or NAME_MAX is left out."""
    told, meter = sheet.bar, sheet.bar.bar.meter
    name = [ord(letter) for letter in told.section if 32 <= ord(letter) < 127][:NAME_MAX]
    chords, notes = told.harmony[:COUNT_MAX], told.bar.notes[:COUNT_MAX]
    body = [
        *HEAD,
        VERSION,
        sheet.in_bars,
        sheet.turn,
        meter.numerator,
        DENOMINATORS.index(meter.denominator),
        *_counted(meter.grouping),
        told.key.tonic,
        MODES.index(told.key.mode),
        *_counted(name),
        len(chords),
        *(value for one in chords for value in (one.tick, one.root, QUALITY_NAMES.index(one.quality))),
        len(notes),
        *(value for one in notes for value in (one.tick, min(one.length, 127), one.pitch, one.velocity)),
    ]
    return (START, *body, END)


def decoded(message: bytes) -> BarSheet | None:
    """Return the bar that a message tells; None for any other message, and for a damaged one."""
    if message[:1] != bytes([START]) or tuple(message[1:4]) != HEAD or message[-1] != END:
        return None
    try:
        values = iter(message[4:-1])
        sheet = _read(values)
        return sheet if next(values, None) is None else None
    except (StopIteration, RuntimeError, ValueError, IndexError):
        return None


def _read(values: Iterator[int]) -> BarSheet:
    version, in_bars, turn, numerator, power = (next(values) for _ in range(5))
    meter = Meter(numerator, DENOMINATORS[power], tuple(_list(values)))
    ticks = Position(0, 0, meter).ticks_per_bar
    key = Key(next(values), MODES[next(values)], 1.0)
    name = bytes(_list(values)).decode("ascii")
    chords = tuple(ChordAt(next(values), next(values), QUALITY_NAMES[next(values)]) for _ in range(next(values)))
    notes = tuple(BassNote(*(next(values) for _ in range(4))) for _ in range(next(values)))
    at = [*(one.tick for one in chords), *(one.tick for one in notes)]
    in_place = all(tick < ticks for tick in at) and all(one.root < 12 for one in chords)
    sounds = all(one.length and one.velocity for one in notes)
    if version != VERSION or in_bars > AHEAD_BARS or turn > 2 or key.tonic > 11 or not (in_place and sounds and ticks):
        raise ValueError("no bar")
    return BarSheet(in_bars, turn, ScoredBar(BassBar(meter, ticks, notes), chords, name, key))


def _counted(values: tuple[int, ...] | list[int]) -> list[int]:
    return [len(values), *values]


def _list(values: Iterator[int]) -> list[int]:
    return [next(values) for _ in range(next(values))]
