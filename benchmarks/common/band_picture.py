"""Draw what a band plays in some bars: bass, drums, chords and line, velocities as colours; sound as a spectrogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from scipy import signal

from benchmarks.common.band_sound import LEAD_S, RATE, TAIL_S, Sound

COLOURS = "plasma_r"  # velocity 1 pale, 127 dark
LANES: dict[str, tuple[int, ...]] = {  # from below: name -> General MIDI keys
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "toms": (41, 43, 45, 47, 48, 50),
    "hat": (42, 44, 46),
    "ride": (51, 53, 59, 54, 69, 70, 82),
    "crash": (49, 52, 55, 57),
}
OTHER_LANE = len(LANES)
RANGES = {"bass": (24, 60), "chords": (45, 84), "line": (48, 96)}  # MIDI pitches; wider where the notes are
PART_COLOURS = {"other": "#bbbbbb", "bass": "#1b4f8f", "chords": "#d97f2b", "line": "#2b8f55"}
HIGHEST_HZ, LOWEST_HZ, RANGE_DB = 12_000.0, 40.0, 70.0


def draw_part(axes: Any, name: str, notes: Sequence[tuple[int, int, int, int]], bars: Sequence[Any]) -> None:
    """Draw one part of mid.Song on an axis: notes (start, end, pitch, velocity) on 16ths, bar and beat lines."""
    start, end = bars[0].start, bars[-1].start + bars[-1].ticks
    inside = [note for note in notes if start <= note[0] < end]
    if name == "drums":
        lane = {key: at for at, keys in enumerate(LANES.values()) for key in keys}
        rows = [(s, s + 0.8, lane.get(key, OTHER_LANE), v) for s, _, key, v in inside]
        axes.set_ylim(-0.7, OTHER_LANE + 0.7)
        axes.set_yticks(range(OTHER_LANE + 1), [*LANES, "other"])
    else:
        rows = [(s, min(e, end), pitch, v) for s, e, pitch, v in inside]
        low, high = RANGES[name]
        axes.set_ylim(min([low, *(r[2] - 2 for r in rows)]), max([high, *(r[2] + 2 for r in rows)]))
        axes.set_yticks([pitch for pitch in range(24, 97, 12) if axes.get_ylim()[0] <= pitch <= axes.get_ylim()[1]])
    lines = LineCollection([[(s + 0.05, y), (max(e - 0.15, s + 0.3), y)] for s, e, y, _ in rows], cmap=COLOURS)
    lines.set(array=np.array([v for *_, v in rows] or [0.0]), clim=(1, 127), linewidth=3.0, capstyle="butt")
    axes.add_collection(lines)
    for bar in bars:
        axes.axvline(bar.start, color="#555555", linewidth=0.9, zorder=0)
        for beat in bar.beats[1:]:
            axes.axvline(bar.start + beat, color="#dddddd", linewidth=0.5, zorder=0)
    axes.set_xlim(start, end)
    axes.set_xticks([])
    axes.tick_params(labelsize=5, length=0, pad=1)


def number_bars(axes: Any, bars: Sequence[Any]) -> None:
    """Write the bars' numbers, from 1, and the meter under an axis."""
    axes.set_xticks([bar.start for bar in bars], [str(bar.index + 1) for bar in bars], fontsize=5)


def draw_spectrogram(axes: Any, sound: Sound) -> None:
    """Draw the sound's power in dB over time and log frequency, LEAD_S to TAIL_S from its ends."""
    seconds = len(sound) / RATE
    hz, at_s, power = signal.spectrogram(sound.mean(1), RATE, nperseg=4096, noverlap=4096 - 1024)
    wanted = np.geomspace(LOWEST_HZ, HIGHEST_HZ, 160)
    db = 10 * np.log10(power[np.searchsorted(hz, wanted).clip(0, len(hz) - 1)] + 1e-12)
    extent = (at_s[0], at_s[-1], 0, len(wanted))
    axes.imshow(db, aspect="auto", origin="lower", cmap="magma", vmin=db.max() - RANGE_DB, vmax=db.max(), extent=extent)
    axes.set_xlim(LEAD_S, seconds - TAIL_S)
    marks = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)
    axes.set_yticks([int(np.searchsorted(wanted, mark)) for mark in marks], [str(mark) for mark in marks])
    axes.set_xticks([])
    axes.tick_params(labelsize=5, length=0, pad=1)


def draw_band(axes: Any, song: Any, bars: Sequence[Any]) -> None:
    """Draw a whole band (mid.Song) on one axis: bass, chords and line by pitch, drums as lanes below; soft is pale."""
    start, end = bars[0].start, bars[-1].start + bars[-1].ticks
    for part, colour in PART_COLOURS.items():
        for on, off, pitch, velocity in song.parts.get(part, []):
            if start <= on < end:
                shade = 0.25 + 0.75 * velocity / 127
                axes.plot([on + 0.1, min(off, end) - 0.2], [pitch, pitch], color=colour, linewidth=2.4, alpha=shade)
    lane = {key: at for at, keys in enumerate(LANES.values()) for key in keys}
    for on, _, key, velocity in song.parts.get("drums", []):
        if start <= on < end:
            shade = 0.2 + 0.8 * velocity / 127
            axes.plot(on + 0.4, 1.5 + 3.2 * lane.get(key, OTHER_LANE), "s", color="#222222", markersize=3, alpha=shade)
    for bar in bars:
        axes.axvline(bar.start, color="#777777", linewidth=0.8, zorder=0)
        for beat in bar.beats[1:]:
            axes.axvline(bar.start + beat, color="#e0e0e0", linewidth=0.5, zorder=0)
    axes.set(xlim=(start, end), ylim=(-2, 98), yticks=[36, 48, 60, 72, 84])
    axes.tick_params(labelsize=5, length=0, pad=1)
    number_bars(axes, bars)
