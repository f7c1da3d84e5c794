"""Draws the lanes around the sound: form and harmony above, rhythm below. Each draws one stretch of time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb
from matplotlib.patches import Rectangle

from agent.core.music_names import chord_name, key_name
from agent.listen.gathered import Hearing
from listener.types import Phrase, Repetition

BEAT, DOWNBEAT, TEMPO, PHRASE, REPEAT = "#9e9e9e", "#212121", "#6a1b9a", "#455a64", "#b0c4b1"
CHORD_SIZES = (10, 7)  # points: the largest that fits
CLOSES: Mapping[bool | None, str] = {True: " · answer", False: " · question", None: ""}
FINE_S = 20.0  # rows up to this length have a tick every second
NEAR_S = 0.15  # the same downbeat


def form(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    """Phrases as brackets; below them the bars that repeat an earlier one."""
    ax.set_ylim(0, 1.5)
    ax.set_yticks([])
    for number, phrase in enumerate(sorted(heard.phrases.values(), key=lambda phrase: phrase.start_s), 1):
        start_s, end_s = max(phrase.start_s, span[0]), min(phrase.end_s or heard.end_s, span[1])
        if end_s > start_s:
            _bracket(ax, phrase, span, end_s)
            count = sum(phrase.start_s <= onset_s <= (phrase.end_s or heard.end_s) for onset_s in heard.notes)
            words = f"phrase {number} · {count} notes{CLOSES[phrase.closes] if phrase.end_s else ' · still open'}"
            ax.text(start_s + 0.06, 1.0, words, fontsize=8, color=PHRASE, va="bottom", clip_on=True)
    downbeats = [beat.time_s for beat in heard.beats if beat.position == 1]
    for repetition in heard.repeats:
        if span[0] <= repetition.start_s < span[1] - NEAR_S:
            _repeat(ax, repetition, downbeats, span)


def _bracket(ax: Axes, phrase: Phrase, span: tuple[float, float], end_s: float) -> None:
    style = ":" if phrase.end_s is None else "-"
    ax.plot([max(phrase.start_s, span[0]), end_s], [0.85] * 2, color=PHRASE, lw=2, ls=style, solid_capstyle="butt")
    for edge_s in (phrase.start_s, phrase.end_s):
        if edge_s is not None and span[0] <= edge_s <= span[1]:
            ax.plot([edge_s, edge_s], [0.75, 1.2], color=PHRASE, lw=2)


def _repeat(ax: Axes, repetition: Repetition, downbeats: Sequence[float], span: tuple[float, float]) -> None:
    """= bar 2: the same; ~ bar 2: varied, in what way where there is room."""
    of_bar = sum(time_s <= repetition.of_start_s + NEAR_S for time_s in downbeats)
    end_s = min([time_s for time_s in downbeats if time_s > repetition.start_s + NEAR_S], default=span[1])
    right = min(end_s - 0.03, span[1])
    how = f"{repetition.transposed:+}" if repetition.transposed else ", ".join(repetition.varied)
    label = (f"{'~' if repetition.varied else '='} bar {of_bar}" if of_bar else "again") + (f"  {how}" if how else "")
    box = Rectangle((repetition.start_s, 0.08), right - repetition.start_s, 0.5, facecolor=REPEAT, edgecolor="none")
    box.set_alpha(0.25 + 0.5 * repetition.similarity)
    ax.add_patch(box)
    fits = right - repetition.start_s > 0.0045 * len(label) * (span[1] - span[0])
    if fits or len(label) > 8:
        ax.text(repetition.start_s + 0.05, 0.32, label if fits else label.split("  ")[0], fontsize=7.5, va="center")


def harmony(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    """Chords as blocks coloured along the circle of fifths, stronger = surer; the key above where it is new."""
    ax.set_ylim(0, 1.35)
    ax.set_yticks([])
    changes = [*heard.chords, (heard.end_s, None)]
    for (start_s, chord), (end_s, _) in pairwise(changes):
        if chord is None or end_s <= span[0] or start_s >= span[1]:
            continue
        left, right = max(start_s, span[0]), min(end_s, span[1])
        colour = hsv_to_rgb((chord.root * 7 % 12 / 12, 0.12 + 0.33 * chord.confidence, 0.94))
        ax.add_patch(Rectangle((left, 0), right - left, 0.8, facecolor=colour, edgecolor="white", lw=1))
        name, width_s = chord_name(chord), 0.012 * (span[1] - span[0])
        size = next((size for size in CHORD_SIZES if right - left > width_s * (0.3 + 0.055 * size * len(name))), None)
        if size:
            ax.text(left + 0.04, 0.38, name, fontsize=size, weight="bold", va="center", color="#212121")
    _write_keys(ax, heard, span)


def _write_keys(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    shown = [(time_s, key) for time_s, key in heard.keys if span[0] <= time_s < span[1]]
    before = [(span[0], key) for time_s, key in heard.keys if time_s < span[0]][-1:]
    free_s = -math.inf
    for time_s, key in [*before, *shown]:
        if time_s >= free_s:
            ax.text(time_s + 0.05, 0.86, key_name(key), fontsize=7.5, style="italic", color="#8d3b2f", va="bottom")
            free_s = time_s + 0.065 * (span[1] - span[0])


def rhythm(ax: Axes, heard: Hearing, span: tuple[float, float], row_s: float) -> None:
    """Beats as stems, bars numbered, the meter where it is new, the tempo as a curve to a scale on the right."""
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    ax.tick_params(labelbottom=True, bottom=True)
    ax.xaxis.set_major_formatter(lambda time_s, _: f"{int(time_s // 60)}:{time_s % 60:04.1f}")
    ax.set_xticks(np.arange(math.ceil(span[0]), span[1] + 1e-9, 1.0 if row_s <= FINE_S else 2.0))
    for beat in heard.beats:
        if span[0] <= beat.time_s <= span[1]:
            strong = beat.position == 1
            top = 0.4 if strong else 0.22
            alpha = 0.35 + 0.65 * beat.confidence
            ax.plot(
                [beat.time_s] * 2, [0, top], color=DOWNBEAT if strong else BEAT, lw=2.2 if strong else 1.4, alpha=alpha
            )
    _write_bars(ax, heard, span)
    _tempo(ax, heard, span)


def _write_bars(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    downbeats = sorted(beat.time_s for beat in heard.beats if beat.position == 1)
    every = max(1, math.ceil(sum(span[0] <= time_s < span[1] for time_s in downbeats) / 24))
    for number, time_s in enumerate(downbeats, 1):
        if span[0] <= time_s < span[1] and number % every == 0:
            ax.text(time_s, 0.42, str(number), fontsize=8, color=DOWNBEAT, ha="center", va="bottom")
    for time_s, meter in heard.meters:
        if span[0] <= time_s < span[1]:
            badge = {"boxstyle": "round,pad=0.2", "facecolor": DOWNBEAT, "edgecolor": "none"}
            ax.text(
                time_s, 0.5, str(meter), fontsize=8, weight="bold", color="white", ha="right", va="center", bbox=badge
            )


def _tempo(ax: Axes, heard: Hearing, span: tuple[float, float]) -> None:
    curve = np.array([one for one in heard.tempo if span[0] <= one[0] <= span[1]]).reshape(-1, 3)
    if not len(curve):
        return
    scale = ax.twinx()
    scale.set_xlim(ax.get_xlim())
    scale.plot(curve[:, 0], curve[:, 1], color=TEMPO, lw=1.6)
    low, high = float(curve[:, 1].min()), float(curve[:, 1].max())
    room = max(high - low, 0.08 * high)
    scale.set_ylim(low - 2.2 * room, high + 0.2 * room)  # over the bar numbers
    scale.set_yticks([round(float(curve[-1, 1]))])
    scale.set_yticklabels([f"{curve[-1, 1]:.0f} bpm"], color=TEMPO, fontsize=8)
    scale.tick_params(length=2)
    scale.spines[["top", "right", "bottom", "left"]].set_visible(False)
