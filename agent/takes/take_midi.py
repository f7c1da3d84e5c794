"""Writes a take as a MIDI file, in its own tempo and meters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.compose.multitrack import parts_of, write
from agent.core.midi_file_writer import TimeMap
from agent.core.settings import Config
from agent.recording.session_midi import TICKS_PER_QUARTER
from agent.takes.performance import Clock, notes_of, tempo_of
from agent.takes.take import Take
from models.music.midi_reader import RawNote
from models.timing.drum_timing import Timing


def write_midi(path: Path, take: Take, config: Config, timing: Timing | None = None) -> None:
    """Write every part as it sounds, in the take's tempo and meters. Raises UserError where it cannot be written."""
    clock = Clock.of(take)
    ticks, at, tempi, meters = [0], 0, [], []
    for bar, one in enumerate(take.bars):
        tempi.append((at, round(60e6 / tempo_of(take, bar))))
        meters.append((at, one.meter))
        at += one.meter.numerator * 4 * TICKS_PER_QUARTER // one.meter.denominator
        ticks.append(at)

    def tick(time_s: float) -> int:
        return max(round(float(np.interp(time_s, clock.bar_starts_s, ticks))), 0)

    notes = {
        part: tuple(RawNote(tick(n.on_s), max(tick(n.off_s), tick(n.on_s) + 1), n.pitch, n.velocity) for n in played)
        for part, played in notes_of(take, timing).items()
    }
    time = TimeMap(TICKS_PER_QUARTER, tuple(tempi), tuple(meters))
    write(path, time, parts_of(config, notes), at, f"take {take.number}: {take.says or 'as it came'}"[:120])
