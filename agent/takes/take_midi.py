"""Writes a take as a multitrack MIDI file, every part as it sounds, in the take's tempo and meters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from agent.core.midi_constants import struck_at
from agent.core.midi_file_writer import TimeMap
from agent.core.settings import Config
from agent.core.types import PlannedNote
from agent.recording.session_midi import TICKS_PER_QUARTER
from agent.reply.multitrack import KEY_NAMES, parts_of, write
from agent.takes.performance import Clock, louder_db, notes_of, tempo_of
from agent.takes.take import Take
from models.music.midi_reader import RawNote
from models.timing.drum_timing import Timing

T = TypeVar("T")


def write_midi(
    path: Path,
    take: Take,
    config: Config,
    timing: Timing | None = None,
    marks: Mapping[int, str] | None = None,
    title: str = "",
) -> None:
    """Write the file. marks: bar -> name of what begins there. Raises UserError where it cannot be written."""
    clock = Clock.of(take)
    ticks, at = [0], 0
    tempi: list[tuple[int, int]] = []
    meters = []
    for bar, one in enumerate(take.bars):
        tempi.append((at, round(60e6 / tempo_of(take, bar))))
        meters.append((at, one.meter))
        at += one.meter.numerator * 4 * TICKS_PER_QUARTER // one.meter.denominator
        ticks.append(at)

    def tick(time_s: float) -> int:
        return max(round(float(np.interp(time_s, clock.bar_starts_s, ticks))), 0)

    def raw(note: PlannedNote) -> RawNote:
        velocity = struck_at(note.velocity, louder_db(take, note))  # a file has no mixer
        return RawNote(tick(note.on_s), max(tick(note.off_s), tick(note.on_s) + 1), note.pitch, velocity)

    notes = {part: tuple(map(raw, played)) for part, played in notes_of(take, timing).items()}
    key = KEY_NAMES[take.riff.key.mode][take.riff.key.tonic]
    shown = tuple((ticks[bar], name) for bar, name in sorted((marks or {}).items()))
    time = TimeMap(TICKS_PER_QUARTER, _changes(tempi), _changes(meters), ((0, key),), shown)
    title = title or f"take {take.number}: {take.says or 'as it came'}"
    write(path, time, parts_of(config, notes), at, title[:120])


def _changes(marks: list[tuple[int, T]]) -> tuple[tuple[int, T], ...]:
    """Return the marks that say something new."""
    return tuple(one for i, one in enumerate(marks) if i == 0 or marks[i - 1][1] != one[1])
