"""Draws what was heard over time (`antiphon listen FILE --plot out.png`).

Each row is a stretch of time with four lanes over one axis: form, harmony, sound (log-frequency spectrogram with f0 and
notes), rhythm. Long takes wrap into rows and rows into pages out.png, out-2.png ...
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from agent.core.errors import UserError
from agent.core.music_names import key_name, pitch_name
from agent.core.types import OPEN_NOTE_S
from agent.listen.gathered import Hearing, log_spectrum
from agent.listen.plot_lanes import BEAT, DOWNBEAT, TEMPO, form, harmony, rhythm
from listener.types import Note

Floats = NDArray[np.float64]

ONE_ROW_S, ROW_S, ROWS_PER_PAGE = 20.0, 14.0, 4
WIDTH_IN, ROW_IN, HEAD_IN, DPI = 16.0, 5.4, 0.75, 110
LANES = {"form": 0.5, "harmony": 0.42, "sound": 3.1, "rhythm": 1.0}  # relative heights, top to bottom
LOW_HZ, BREAK_HZ, HIGH_HZ, SQUEEZE = 30.0, 400.0, 2000.0, 0.4  # above BREAK_HZ an octave is drawn smaller
RANGE_DB = 60.0
TICKS = (("B0", 23), ("E1", 28), ("A1", 33), ("D2", 38), ("G2", 43), ("C3", 48), ("G3", 55), ("C4", 60))
TICKS_HZ = (500, 1000, 2000)
JUMP_SEMITONES = 1.5  # between two frames: another note, not a glide
SURE = 0.5  # from here on the playing technique is named
UNKNOWN = "unknown"  # a Feel that knows nothing yet
NOTE, SLUR, GHOST, REVISED, F0 = "#1769aa", "#00897b", "#795548", "#c2185b", "#ff6d00"
NOTE_COLOURS = {"normal": NOTE, "legato": SLUR, "slide": SLUR, "ghost": GHOST}
HALO = [patheffects.withStroke(linewidth=2, foreground="white")]
SOUND_MAP = LinearSegmentedColormap.from_list("sound", ["#ffffff", "#f3f1ec", "#dcd7cd", "#b5aea3", "#8b857c"])


def check(path: Path) -> None:
    """Check the path before listening. Raises UserError for one that cannot become a picture."""
    if path.suffix.lower() != ".png":
        raise UserError(f"--plot {path}: the picture is a PNG; give a name that ends in .png")
    if path.is_dir():
        raise UserError(f"--plot {path}: is a folder; give the name of a .png in it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"--plot {path}: there is no folder {path.parent}; create it, or give another place")


def draw(path: Path, heard: Hearing, title: str) -> list[Path]:
    """Write the picture, or the pages of it; their paths. Anything in `heard` may be empty. Raises OSError."""
    spans = list(pairwise(_row_edges(heard)))
    pages = [spans[at : at + ROWS_PER_PAGE] for at in range(0, len(spans), ROWS_PER_PAGE)]
    paths = [path if not at else path.with_stem(f"{path.stem}-{at + 1}") for at in range(len(pages))]
    row_s = max(end_s - start_s for start_s, end_s in spans)
    for at, (page, target) in enumerate(zip(pages, paths, strict=True)):
        number = f"  ({at + 1} of {len(pages)})" if len(pages) > 1 else ""
        _page(heard, page, row_s, title + number).savefig(target, format="png")
    return paths


def _row_edges(heard: Hearing) -> list[float]:
    """Times at which rows begin, on downbeats where one is near, and the end."""
    end_s = max(heard.end_s, 1.0)
    count = 1 if end_s <= ONE_ROW_S else math.ceil(end_s / ROW_S)
    downbeats = [beat.time_s for beat in heard.beats if beat.position == 1]
    edges = [0.0]
    for even_s in (end_s * number / count for number in range(1, count)):
        near = min(downbeats, key=lambda time_s: abs(time_s - even_s), default=even_s)
        edges.append(near if abs(near - even_s) < ROW_S / 6 else even_s)
    return [*edges, end_s]


def _page(heard: Hearing, spans: Sequence[tuple[float, float]], row_s: float, title: str) -> Figure:
    height = HEAD_IN + ROW_IN * len(spans)
    figure = Figure(figsize=(WIDTH_IN, height), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    rows = figure.add_gridspec(
        len(spans), 1, hspace=0.12, left=0.05, right=0.955, top=1 - HEAD_IN / height, bottom=0.35 / height
    )
    for number, span in enumerate(spans):
        _row(figure, rows[number], heard, span, row_s)
    _head(figure, heard, title)
    return figure


def _row(figure: Figure, place: SubplotSpec, heard: Hearing, span: tuple[float, float], row_s: float) -> None:
    places = place.subgridspec(len(LANES), 1, height_ratios=list(LANES.values()), hspace=0.04)
    axes = {name: figure.add_subplot(places[number]) for number, name in enumerate(LANES)}
    for name, ax in axes.items():
        ax.set_xlim(span[0], span[0] + row_s)  # every row to one scale
        ax.tick_params(labelsize=8, length=2, labelbottom=False, bottom=False)
        ax.spines[["top", "right", "bottom", "left"]].set_visible(False)
        ax.set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center", color="#616161", labelpad=10)
    form(axes["form"], heard, span)
    harmony(axes["harmony"], heard, span)
    _sound(axes["sound"], heard, span)
    rhythm(axes["rhythm"], heard, span, row_s)
    axes["sound"].set_ylabel("")


def _height(hz: float | Floats) -> Floats:
    """Frequency -> place on the sound lane: semitones, smaller ones above BREAK_HZ."""
    semitones = 12 * np.log2(np.asarray(hz, float) / LOW_HZ)
    knee = 12 * math.log2(BREAK_HZ / LOW_HZ)
    return np.where(semitones <= knee, semitones, knee + SQUEEZE * (semitones - knee))


def _hz(height: Floats) -> Floats:
    knee = 12 * math.log2(BREAK_HZ / LOW_HZ)
    semitones = np.where(height <= knee, height, knee + (np.asarray(height) - knee) / SQUEEZE)
    return LOW_HZ * 2 ** (semitones / 12)


def _pitch_height(pitch: float) -> float:
    return float(_height(440 * 2 ** ((pitch - 69) / 12)))


def _sound(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    _spectrogram(ax, heard, span)
    for beat in heard.beats:
        if span[0] <= beat.time_s <= span[1]:
            strong = beat.position == 1
            ax.axvline(beat.time_s, color=DOWNBEAT if strong else BEAT, lw=0.9 if strong else 0.5, alpha=0.45)
    _f0(ax, heard, span)
    _notes(ax, heard, span)
    ax.set_ylim(0, float(_height(HIGH_HZ)))
    ticks = {_pitch_height(pitch): name for name, pitch in TICKS} | {float(_height(hz)): f"{hz} Hz" for hz in TICKS_HZ}
    ax.set_yticks([at for at in ticks if at >= 0], [name for at, name in ticks.items() if at >= 0])
    ax.spines["left"].set_visible(True)


def _spectrogram(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    samples = heard.samples
    if not len(samples):
        return
    heights = np.arange(0.25, float(_height(HIGH_HZ)), 0.5)
    times_s = np.arange(span[0], span[1], (span[1] - span[0]) / 1200)
    db = log_spectrum(samples, _hz(heights), times_s)
    top_db = max(float(np.percentile(db, 99.7)), -60.0)
    extent = (span[0], span[1], 0.0, float(heights[-1] + 0.25))
    ax.imshow(
        db, cmap=SOUND_MAP, vmin=top_db - RANGE_DB, vmax=top_db, extent=extent, origin="lower", aspect="auto", zorder=-5
    )


def _f0(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    track = np.array([one for one in heard.f0 if span[0] <= one[0] <= span[1]]).reshape(-1, 2)
    heights = _height(track[:, 1])
    heights[1:][np.abs(np.diff(heights)) > JUMP_SEMITONES] = np.nan
    ax.plot(track[:, 0], heights, color=F0, lw=1.3, alpha=0.95, zorder=4)


def _notes(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    free: dict[int, float] = {}
    for note in sorted(heard.notes.values(), key=lambda note: note.onset_s):
        end_s = note.onset_s + (note.duration_s or OPEN_NOTE_S)
        if end_s > span[0] and note.onset_s < span[1]:
            _note(ax, note, max(note.onset_s, span[0]), min(end_s, span[1]))
            _name_note(ax, note, span, free)


def _note(ax: Axes, note: Note, start_s: float, end_s: float) -> None:
    ghost, at = note.articulation == "ghost", _pitch_height(note.pitch)
    colour = NOTE_COLOURS.get(note.articulation, NOTE)
    if ghost:
        ax.plot([start_s], [at], marker="x", ms=7, mew=2, color=colour, zorder=6)
        return
    strength = 0.45 + 0.5 * note.velocity / 127
    box = Rectangle(
        (start_s, at - 0.8),
        max(end_s - start_s, 0.02),
        1.6,
        facecolor=colour,
        alpha=strength,
        edgecolor="none",
        zorder=3,
    )
    ax.add_patch(box)
    ax.plot([start_s, start_s], [at - 1.1, at + 1.1], color=colour, lw=2, zorder=5, solid_capstyle="butt")
    if note.revises is not None and note.revises != note.pitch:
        _revision(ax, note, start_s, at)


def _revision(ax: Axes, note: Note, start_s: float, at: float) -> None:
    """The pitch said first, hollow, and an arrow from it to the one said when sure."""
    assert note.revises is not None
    first = _pitch_height(note.revises)
    style = {"arrowstyle": "-|>", "color": REVISED, "lw": 1.2, "shrinkA": 0, "shrinkB": 2}
    ax.plot([start_s], [first], marker="o", ms=5, mfc="none", mec=REVISED, mew=1.3, zorder=6)
    ax.annotate("", (start_s, at), (start_s, first), arrowprops=style, zorder=6)


def _name_note(ax: Axes, note: Note, span: tuple[float, float], free: dict[int, float]) -> None:
    """The name over the note, unless a name at that height is in the way."""
    start_s, width_s = max(note.onset_s, span[0]), 0.0125 * (span[1] - span[0])
    near = max((until for pitch, until in free.items() if abs(pitch - note.pitch) < 3), default=-math.inf)
    if note.onset_s < span[0] or start_s < near:
        return
    free[note.pitch] = start_s + width_s
    name = "x" if note.articulation == "ghost" else pitch_name(note.pitch)
    if name != "x":
        at = _pitch_height(note.pitch) + 1.2
        colour = REVISED if note.revises is not None else "#0d2b45"
        ax.text(
            start_s,
            at,
            name,
            fontsize=8,
            weight="bold",
            color=colour,
            va="bottom",
            zorder=7,
            clip_on=True,
            path_effects=HALO,
        )


def _head(figure: Figure, heard: Hearing, title: str) -> None:
    height = figure.get_size_inches()[1]
    figure.text(0.05, 1 - 0.14 / height, title, fontsize=14, weight="bold", va="top")
    figure.text(0.05, 1 - 0.42 / height, summary(heard), fontsize=9.5, color="#616161", va="top")
    marks = [
        Patch(color=NOTE, alpha=0.7, label="note"),
        Patch(color=SLUR, alpha=0.7, label="legato, slide"),
        Line2D([], [], marker="x", ls="", mew=2, color=GHOST, label="ghost"),
        Line2D([], [], marker="o", ls="", mfc="none", color=REVISED, label="corrected"),
        Line2D([], [], color=F0, label="f0"),
        Line2D([], [], color=TEMPO, label="tempo"),
    ]
    figure.legend(
        handles=marks, loc="upper right", bbox_to_anchor=(0.965, 1 - 0.02 / height), ncol=6, frameon=False, fontsize=9
    )


def summary(heard: Hearing) -> str:
    """One line: how much was heard, and the last word on tempo, meter, key, playing technique and feel."""
    words = [f"{heard.end_s:.1f} s", f"{len(heard.notes)} notes"]
    if heard.tempo:
        words.append(f"{heard.tempo[-1][1]:.1f} bpm")
    words += [str(meter) for _, meter in heard.meters[-1:]] + [key_name(key) for _, key in heard.keys[-1:]]
    words += [heard.timbre.player] if heard.timbre and heard.timbre.player_confidence > SURE else []
    words += [str(heard.feel)] if heard.feel and str(heard.feel) != UNKNOWN else []
    return "  ·  ".join(words)
