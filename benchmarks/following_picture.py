"""docs/following.png: one drifting line with the band on it,
and how far strokes lie from the beats over all of them.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from following_lines import Floats, Piece
from following_measures import Row, measure

matplotlib.use("Agg")
import matplotlib.pyplot as plt

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "following.png"
WIDE_MS = 60


def draw(piece: Piece, strokes: Floats, rows: dict[str, Row], path: Path = PICTURE) -> None:
    """piece, strokes: the example. rows: system -> its strokes over all drifting lines."""
    figure, (tempo, error, histogram) = plt.subplots(3, 1, figsize=(9, 9), constrained_layout=True)
    tempo.plot(piece.beats_s[1:], 60 / np.diff(piece.beats_s), color="black", label="player (truth)")
    tempo.plot(strokes[1:], 60 / np.diff(strokes), ".-", color="tab:orange", label="band, stroke to stroke")
    tempo.set(title=piece.name, xlabel="s", ylabel="beats per minute", ylim=_tempi(piece))
    tempo.legend()
    row = measure(piece, strokes)
    inside = (strokes > piece.beats_s[0] - 0.07) & (strokes < piece.beats_s[-1] + 0.07)
    error.axhspan(-12, 12, color="tab:green", alpha=0.2, label="±12 ms")
    error.axhspan(-35, 35, color="tab:green", alpha=0.1, label="±35 ms")
    error.plot(strokes[inside], 1000 * row.error_s, ".-", color="tab:orange")
    error.set(xlabel="s", ylabel="band - beat, ms (late is up)", ylim=(-WIDE_MS, WIDE_MS))
    error.legend(loc="lower right")
    bins = np.arange(-WIDE_MS, WIDE_MS + 1, 4.0)
    for name, one in rows.items():
        late_ms = np.clip(1000 * one.error_s, -WIDE_MS, WIDE_MS - 1e-6)
        histogram.hist(late_ms, bins, density=True, histtype="step", linewidth=2, label=name)
    histogram.set(xlabel="band - beat, ms, all drifting lines (the outermost bins hold all beyond)", ylabel="density")
    histogram.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _tempi(piece: Piece) -> tuple[float, float]:
    tempi = 60 / np.diff(piece.beats_s)
    return 0.85 * float(tempi.min()), 1.15 * float(tempi.max())
