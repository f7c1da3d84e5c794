"""Draws takes as piano-rolls below each other: new notes dark, kept notes light, removed notes as outlines."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from agent.recording.piano_roll import BEAT_COLOUR, COLOURS, DOWNBEAT_COLOUR, DRUM_LANES, OTHER_LANE
from agent.takes.measures import moved
from agent.takes.take_files import Sheet, Timed

Colour = tuple[float, float, float, float]  # red, green, blue, alpha
LANES = (*DRUM_LANES, OTHER_LANE)
DRUM_S = 0.06
SAME_S, MOVED_S = 0.004, 0.05  # a note this near in its bar is unchanged; and the same note moved
GONE = "#c03030"
ODD = "#f3e3b0"  # behind a bar in another meter than the first
SHOWN = 9  # lines of measures written beside a take


def contact_sheet(path: Path, takes: Sequence[Sheet], bars: int | None = None) -> None:
    """Write a PNG with one row a take: notes, drums, and the measures that moved since the take before.

    bars: so many of each take (None: all). Raises OSError.
    """
    figure = Figure(figsize=(17, 0.8 + 3.3 * len(takes)), dpi=80, facecolor="white")
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(
        len(takes), 1, hspace=0.42, left=0.05, right=0.99, top=1 - 0.75 / (0.8 + 3.3 * len(takes)), bottom=0.03
    )
    end_s = max(_end_s(one, bars) for one in takes)
    low, high = _range(takes)
    for place, one in enumerate(takes):
        before = takes[place - 1] if place else None
        inner = rows[place].subgridspec(2, 2, width_ratios=(4.6, 1), height_ratios=(2.2, 1), hspace=0.06, wspace=0.02)
        notes, drums = figure.add_subplot(inner[0, 0]), figure.add_subplot(inner[1, 0])
        _draw(notes, one, before, ("bass", "chords", "line"), (low, high), (end_s, _end_s(one, bars)))
        _draw(drums, one, before, ("drums",), (-0.7, len(LANES) - 0.3), (end_s, _end_s(one, bars)))
        drums.set_yticks(range(len(LANES)), LANES, fontsize=7)
        notes.set_title(fill(one.title + (f'   "{one.sentence}"' if one.sentence else ""), 150), fontsize=9, loc="left")
        _write(figure.add_subplot(inner[:, 1]), one, before)
    figure.legend(
        handles=[*(Patch(color=c, label=p) for p, c in COLOURS.items()), Patch(fc="none", ec=GONE, label="gone")],
        loc="upper right",
        ncol=5,
        frameon=False,
        fontsize=9,
    )
    figure.savefig(path, format="png")


def _end_s(one: Sheet, bars: int | None) -> float:
    return one.end_s if bars is None or bars >= len(one.bars) else one.bars[bars][0]


def _range(takes: Sequence[Sheet]) -> tuple[float, float]:
    pitches = [note[2] for one in takes for part, notes in one.notes.items() if part != "drums" for note in notes]
    return min(pitches, default=28) - 2, max(pitches, default=72) + 2


def _draw(
    ax: Axes,
    one: Sheet,
    before: Sheet | None,
    parts: Sequence[str],
    span: tuple[float, float],
    ends: tuple[float, float],
) -> None:
    _bars(ax, one, ends[1])
    for part in parts:
        here, there = _placed(one, part), _placed(before, part) if before else []
        for bar, note in here:
            new = before is not None and not any(_same(bar, note, other, SAME_S, 1) for other in there)
            strength = (0.3 + 0.7 * note[3] / 127) * (1.0 if new or before is None else 0.55)
            _box(ax, part, _at(one, bar, note), to_rgba(COLOURS[part], strength), "black" if new else "none", ends[1])
        for bar, note in there:
            if bar < len(one.bars) and not any(_same(bar, note, other, MOVED_S, 127) for other in here):
                _box(ax, part, _at(one, bar, note), (0, 0, 0, 0), GONE, ends[1])
    ax.set_xlim(0, ends[0])
    ax.set_ylim(*span)
    ax.tick_params(labelsize=7, length=2, labelbottom=False)
    ax.spines[["top", "right"]].set_visible(False)


def _placed(one: Sheet, part: str) -> list[tuple[int, Timed]]:
    """Return (bar, note) of every note of a part, with times in seconds from the bar's beginning."""
    starts = [at for at, _ in one.bars]
    found = []
    for on_s, off_s, pitch, velocity in one.notes.get(part, ()):
        bar = max(bisect_right(starts, on_s + MOVED_S / 2) - 1, 0)
        found.append((bar, (on_s - starts[bar], off_s - starts[bar], pitch, velocity)))
    return found


def _at(one: Sheet, bar: int, note: Timed) -> Timed:
    return (note[0] + one.bars[bar][0], note[1] + one.bars[bar][0], note[2], note[3])


def _same(bar: int, note: Timed, other: tuple[int, Timed], within_s: float, velocities: int) -> bool:
    there, then = other
    near = bar == there and note[2] == then[2] and abs(note[0] - then[0]) < within_s
    return near and abs(note[3] - then[3]) <= velocities


def _box(ax: Axes, part: str, note: Timed, face: Colour, edge: str, end_s: float) -> None:
    on_s, off_s, pitch, _ = note
    if on_s >= end_s:
        return
    at = LANES.index(_lane(pitch)) if part == "drums" else pitch
    off_s = on_s + DRUM_S if part == "drums" else min(max(off_s, on_s + 0.02), end_s)
    corners = [(on_s, at - 0.42), (off_s, at - 0.42), (off_s, at + 0.42), (on_s, at + 0.42)]
    ax.add_collection(PolyCollection([corners], facecolors=[face], edgecolors=[edge], linewidths=0.6))


def _lane(pitch: int) -> str:
    return next((lane for lane, pitches in DRUM_LANES.items() if pitch in pitches), OTHER_LANE)


def _bars(ax: Axes, one: Sheet, end_s: float) -> None:
    ends = [at for at, _ in one.bars[1:]] + [one.end_s]
    for number, ((at, meter), until) in enumerate(zip(one.bars, ends, strict=True), 1):
        if at >= end_s - 1e-6:
            break
        if meter != one.bars[0][1]:
            ax.axvspan(at, until, color=ODD, zorder=0)
        beats = int(meter.split("/")[0])
        ax.axvline(at, color=DOWNBEAT_COLOUR, lw=1.3, zorder=1)
        for beat in range(1, beats):
            ax.axvline(at + (until - at) * beat / beats, color=BEAT_COLOUR, lw=0.6, zorder=1)
        ax.text(at, 1.0, f" {number}  {meter}", transform=ax.get_xaxis_transform(), va="top", fontsize=7, color="#666")


def _write(ax: Axes, one: Sheet, before: Sheet | None) -> None:
    """Write the measures that moved since `before`; of the first take key, tempo and levels."""
    ax.axis("off")
    if before is None:
        rows = [f"{what}: {value:.2f}" for what, value in one.figures.items() if value is not None and "level" in what]
        rows = [f"{one.key}, {one.tempo_bpm:.0f} bpm", *rows]
    else:
        rows = [f"{what}: {x:.2f} → {y:.2f}" for what, x, y in moved(before.measured(), one.measured())]
    if len(rows) > SHOWN:
        rows = [*rows[: SHOWN - 1], f"and {len(rows) - SHOWN + 1} more"]
    ax.text(0, 1, "\n".join(rows) or "nothing moved", va="top", fontsize=8, family="monospace")
