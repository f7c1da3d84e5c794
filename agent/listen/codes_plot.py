"""Draws log-frequency spectrograms of the sound before and after the codec (`antiphon codes FILE --plot`)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from agent.listen.gathered import log_spectrum
from listener.types import ANALYSIS_RATE, Samples

LOW_HZ, HIGH_HZ, ROWS_PER_OCTAVE, COLUMNS = 30.0, 10_000.0, 24, 900
TICKS_HZ = (41, 98, 220, 500, 1000, 2000, 5000)  # E1, G2, A3, then round ones
RANGE_DB = 70.0
Span = tuple[float, float]  # seconds
SIZE_IN, DPI = (11.0, 6.0), 90


def draw(path: Path, sounds: tuple[Samples, Samples], titles: tuple[str, str], span_s: Span | None = None) -> None:
    """Write a PNG: before above after, on one scale of time and level; span_s: from, to. Raises OSError.

    sounds: float32 [n] at ANALYSIS_RATE, of one length.
    """
    figure = Figure(figsize=SIZE_IN, dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    rows = figure.subplots(2, 1, sharex=True, sharey=True)
    span_s = span_s or (0.0, len(sounds[0]) / ANALYSIS_RATE)
    times_s = span_s[0] + (np.arange(COLUMNS) + 0.5) * (span_s[1] - span_s[0]) / COLUMNS
    levels = [log_spectrum(sound, _frequencies_hz(), times_s) for sound in sounds]
    top_db = max(float(np.percentile(levels[0], 99.8)), -60.0)
    for ax, db, title in zip(rows, levels, titles, strict=True):
        drawn = _spectrogram(ax, span_s, db, top_db)
        ax.set_title(title, loc="left", fontsize=10)
    rows[-1].set_xlabel("seconds")
    figure.colorbar(drawn, ax=rows, label="dB", pad=0.01, aspect=40)
    figure.savefig(path, format="png")


def _frequencies_hz() -> NDArray[np.float64]:
    """The middles of the rows."""
    rows = int(np.log2(HIGH_HZ / LOW_HZ) * ROWS_PER_OCTAVE)
    return LOW_HZ * 2 ** ((np.arange(rows) + 0.5) / ROWS_PER_OCTAVE)


def _spectrogram(ax: Axes, span_s: Span, db: NDArray[np.floating], top_db: float) -> AxesImage:
    """Drawn in rows, which are spaced by logarithm; the ticks are put where their frequencies lie among them."""
    drawn = ax.imshow(
        db,
        extent=(*span_s, 0, len(db)),
        vmin=top_db - RANGE_DB,
        vmax=top_db,
        origin="lower",
        aspect="auto",
        cmap="magma",
        interpolation="nearest",
    )
    ax.set_yticks(np.log2(np.array(TICKS_HZ) / LOW_HZ) * ROWS_PER_OCTAVE, [f"{hz} Hz" for hz in TICKS_HZ])
    return drawn
