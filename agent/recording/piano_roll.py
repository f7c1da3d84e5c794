"""Draws pianoroll.png: the bass as heard above, the band below, on the beats that were heard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.patches import Patch

from agent.core.music_names import chord_name
from agent.core.types import OPEN_NOTE_S, PlannedNote
from listener.types import Beat, Chord, Key, Note

WRAP_S = 30.0  # longer sessions are wrapped
ROW_S = 16.0
MAX_ROWS = 24
DRUM_MARK_S = 0.06
BARS_NUMBERED_PER_ROW = 16

TITLE_CHARACTERS = 95  # of a title in its usual size
COLOURS: Mapping[str, str] = {"bass": "#1f4e8c", "chords": "#d9822b", "line": "#2e8b57", "drums": "#444444"}
BEAT_COLOUR, DOWNBEAT_COLOUR = "#d5d5d5", "#808080"
DRUM_LANES: Mapping[str, frozenset[int]] = {  # General MIDI percussion keys, bottom lane first
    "kick": frozenset({35, 36}),
    "snare": frozenset({37, 38, 39, 40}),
    "toms": frozenset({41, 43, 45, 47, 48, 50}),
    "hi-hat": frozenset({42, 44, 46}),
    "cymbals": frozenset({49, 51, 52, 53, 55, 57, 59}),
}
OTHER_LANE = "percussion"

Box = tuple[float, float, float, float, float]  # start_s, end_s, bottom, height, strength 0-1


@dataclass(frozen=True, slots=True)
class _Panel:
    """One pitch or drum field of a row: boxes by part, its vertical range and its labels."""

    boxes: Mapping[str, Sequence[Box]]
    low: float
    high: float
    ticks: Mapping[float, str]
    name: str
    weight: float


def draw(
    path: Path | BinaryIO,
    heard: Sequence[Note],
    band: Sequence[PlannedNote],
    beats: Sequence[Beat],
    chords: Sequence[tuple[float, Chord]],
    title: str,
    key: Key | None = None,
) -> None:
    """Draw a session as PNG; chords: (from time_s on, chord); key: that spells them. Anything may be empty. Raises
    OSError."""
    names = [(time_s, chord_name(chord, key)) for time_s, chord in chords]
    beats = sorted(beats, key=lambda beat: beat.time_s)
    panels = [_bass_panel(heard), _band_panel(band), _drum_panel(band)]
    edges = _row_edges(_end_s(heard, band, beats), beats)
    figure = Figure(figsize=(16, 0.7 + 3.1 * (len(edges) - 1)), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(len(edges) - 1, 1, hspace=0.22, left=0.055, right=0.99, **_margins(figure))
    for number, span in enumerate(pairwise(edges)):
        _draw_row(figure, rows[number], panels, span, beats, names)
    _draw_title(figure, title, beats)
    figure.savefig(path, format="png")


def _margins(figure: Figure) -> dict[str, float]:
    height = figure.get_size_inches()[1]
    return {"top": 1 - 0.75 / height, "bottom": 0.32 / height}


def _end_s(heard: Sequence[Note], band: Sequence[PlannedNote], beats: Sequence[Beat]) -> float:
    ends = [note.onset_s + (note.duration_s or OPEN_NOTE_S) for note in heard]
    ends += [note.off_s for note in band] + [beat.time_s for beat in beats]
    return max(1.0, *ends, 0.0)


def _row_edges(end_s: float, beats: Sequence[Beat]) -> list[float]:
    """Return the times at which rows begin, on downbeats where there is one near, and the end."""
    count = 1 if end_s <= WRAP_S else min(MAX_ROWS, math.ceil(end_s / ROW_S))
    row_s = end_s / count
    downbeats = [beat.time_s for beat in beats if beat.position == 1]
    edges = [0.0]
    for number in range(1, count):
        near = min(downbeats, key=lambda time_s: abs(time_s - number * row_s), default=number * row_s)
        edges.append(near if abs(near - number * row_s) < row_s / 3 else number * row_s)
    return [*edges, end_s]


def _bass_panel(heard: Sequence[Note]) -> _Panel:
    boxes = [
        _box(note.onset_s, note.onset_s + (note.duration_s or OPEN_NOTE_S), note.pitch, note.velocity) for note in heard
    ]
    return _pitch_panel({"bass": boxes}, (28, 48), "bass, heard", 1.0)


def _band_panel(band: Sequence[PlannedNote]) -> _Panel:
    parts = [part for part in COLOURS if part not in ("bass", "drums")]
    boxes = {
        part: [_box(note.on_s, note.off_s, note.pitch, note.velocity) for note in band if note.part == part]
        for part in parts
    }
    return _pitch_panel(boxes, (54, 74), "band", 1.1)


def _box(start_s: float, end_s: float, pitch: float, velocity: int) -> Box:
    return start_s, max(end_s, start_s + 0.02), pitch - 0.45, 0.9, velocity / 127


def _pitch_panel(boxes: Mapping[str, Sequence[Box]], least: tuple[int, int], name: str, weight: float) -> _Panel:
    bottoms = [box[2] for group in boxes.values() for box in group]
    low, high = min([*bottoms, least[0]]) - 1, max([*bottoms, least[1]]) + 2
    ticks = {float(pitch): f"C{pitch // 12 - 1}" for pitch in range(0, 128, 12) if low <= pitch <= high}
    return _Panel(boxes, low, high, ticks, name, weight)


def _drum_panel(band: Sequence[PlannedNote]) -> _Panel:
    drums = [note for note in band if note.part == "drums"]
    used = {_lane(note.pitch) for note in drums}
    lanes = [lane for lane in (*DRUM_LANES, OTHER_LANE) if lane in used] or [""]
    boxes = [
        (note.on_s, note.on_s + DRUM_MARK_S, lanes.index(_lane(note.pitch)) - 0.35, 0.7, note.velocity / 127)
        for note in drums
    ]
    ticks = {float(place): lane for place, lane in enumerate(lanes)}
    return _Panel({"drums": boxes}, -0.7, len(lanes) - 0.3, ticks, "drums", 0.55)


def _lane(pitch: int) -> str:
    return next((lane for lane, pitches in DRUM_LANES.items() if pitch in pitches), OTHER_LANE)


def _draw_row(
    figure: Figure,
    row: SubplotSpec,
    panels: Sequence[_Panel],
    span: tuple[float, float],
    beats: Sequence[Beat],
    names: Sequence[tuple[float, str]],
) -> None:
    places = row.subgridspec(len(panels), 1, height_ratios=[panel.weight for panel in panels], hspace=0.05)
    inside = [beat for beat in beats if span[0] - 1e-6 <= beat.time_s <= span[1]]
    axes = [figure.add_subplot(places[number]) for number in range(len(panels))]
    for ax, panel in zip(axes, panels, strict=True):
        _draw_panel(ax, panel, span, inside)
    axes[-1].tick_params(labelbottom=True)
    axes[-1].xaxis.set_major_formatter("{x:g} s")
    _write_bars(axes[0], beats, span)
    _write_chords(axes[0], names, span)


def _draw_panel(ax: Axes, panel: _Panel, span: tuple[float, float], beats: Sequence[Beat]) -> None:
    for beat in beats:
        strong = beat.position == 1
        ax.axvline(beat.time_s, color=DOWNBEAT_COLOUR if strong else BEAT_COLOUR, lw=1.5 if strong else 0.7, zorder=0)
    for part, boxes in panel.boxes.items():
        shown = [box for box in boxes if box[0] < span[1] and box[1] > span[0]]
        colours = [to_rgba(COLOURS[part], 0.35 + 0.65 * box[4]) for box in shown]
        ax.add_collection(PolyCollection([_corners(box) for box in shown], facecolors=colours, edgecolors="none"))
    ax.set_xlim(*span)
    ax.set_ylim(panel.low, panel.high)
    ax.set_yticks(list(panel.ticks), list(panel.ticks.values()))
    ax.set_ylabel(panel.name, fontsize=9)
    ax.tick_params(labelsize=8, length=2, labelbottom=False)
    ax.spines[["top", "right"]].set_visible(False)


def _corners(box: Box) -> list[tuple[float, float]]:
    start_s, end_s, bottom, height, _ = box
    return [(start_s, bottom), (end_s, bottom), (end_s, bottom + height), (start_s, bottom + height)]


def _write_bars(ax: Axes, beats: Sequence[Beat], span: tuple[float, float]) -> None:
    """Write bar numbers, and the meter where it is new."""
    downbeats = [beat for beat in beats if beat.position == 1]
    inside = [place for place, beat in enumerate(downbeats) if span[0] - 1e-6 <= beat.time_s < span[1]]
    every = max(1, math.ceil(len(inside) / BARS_NUMBERED_PER_ROW))
    for place in inside:
        beat = downbeats[place]
        new = place == 0 or str(downbeats[place - 1].meter) != str(beat.meter)
        if new or place % every == 0:
            text = f"{place + 1}" + (f"  {beat.meter}" if new else "")
            _above(ax, beat.time_s, 1.02, text, color="#555555", fontsize=8)


def _write_chords(ax: Axes, names: Sequence[tuple[float, str]], span: tuple[float, float]) -> None:
    free_s = -math.inf
    for time_s, name in names:
        if span[0] <= time_s < span[1] and time_s >= free_s:
            _above(ax, time_s, 1.12, name, color="#a03020", fontsize=10, weight="bold")
            free_s = time_s + (span[1] - span[0]) * 0.008 * (len(name) + 1)


def _above(
    ax: Axes, time_s: float, height: float, text: str, color: str, fontsize: float, weight: str = "normal"
) -> None:
    place = ax.get_xaxis_transform()
    ax.text(
        time_s, height, text, transform=place, ha="left", va="bottom", color=color, fontsize=fontsize, weight=weight
    )


def _draw_title(figure: Figure, title: str, beats: Sequence[Beat]) -> None:
    height = figure.get_size_inches()[1]
    size = 13 * min(TITLE_CHARACTERS / max(len(title), 1), 1)  # so that it ends before the legend
    figure.text(0.055, 1 - 0.12 / height, title, fontsize=size, weight="bold", va="top")
    patches = [Patch(color=colour, label=part) for part, colour in COLOURS.items()]
    where = (0.99, 1 - 0.02 / height)
    figure.legend(handles=patches, loc="upper right", bbox_to_anchor=where, ncol=4, frameon=False, fontsize=9)
