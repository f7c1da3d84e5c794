"""Compare the listener's confidence in time and meter with how often it was right, beat by beat."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

NEAR_S, TEMPO_SHARE = 0.07, 0.08  # mir_eval's beat window; the tempo tolerance of its tempo module
BINS = np.linspace(0.0, 1.0, 11)
Clip = tuple[dict[str, Any], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Beliefs:
    """One kind of belief: how sure [n], and whether it was right [n]."""

    name: str
    sure: np.ndarray
    right: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error (Guo et al. 2017): mean distance of belief from share right, by bin."""
        return float(sum(abs(s - r) * n for s, r, n in self.bins()) / max(len(self.sure), 1))

    def bins(self) -> list[tuple[float, float, int]]:
        """(mean belief, share right, count) of every bin that is not empty."""
        place = np.clip(np.digitize(self.sure, BINS) - 1, 0, len(BINS) - 2)
        full = [place == k for k in range(len(BINS) - 1) if (place == k).any()]
        return [(float(self.sure[m].mean()), float(self.right[m].mean()), int(m.sum())) for m in full]


def clips_of(events: dict[str, list[dict[str, Any]]], clips: Path) -> list[Clip]:
    """(truth, what was said) of every clip."""
    return [(json.loads((clips / f"{name}.json").read_text()), said) for name, said in events.items()]


def judge(clips: list[Clip]) -> list[Beliefs]:
    """Every "grid" line against the truth at its moment: tempo and next beat; meter and next downbeat."""
    time, meter = [], []
    for truth, said in clips:
        if truth.get("score_beats", True):
            grids = [e for e in said if e["type"] == "grid" and truth["beats"][0] <= e["t_beat"] <= truth["beats"][-1]]
            time += [(e["confidence"], _beat_right(truth, e)) for e in grids]
            meter += [(e["meter_confidence"], _bar_right(truth, e)) for e in grids if e.get("t_downbeat")]
    pairs = [("tempo and beat (Grid.confidence)", time), ("meter and downbeat (Grid.meter_confidence)", meter)]
    return [Beliefs(name, *np.array(rows, float).reshape(-1, 2).T) for name, rows in pairs]


def _beat_right(truth: dict[str, Any], grid: dict[str, Any]) -> bool:
    return any(_on(beats, grid["t_beat"], 60 / grid["bpm"]) for beats in [truth["beats"], *truth.get("beats_alt", [])])


def _on(beats: list[float], t: float, period_s: float) -> bool:
    times = np.array(beats)
    near = int(np.abs(times - t).argmin())
    local_s = float(np.median(np.diff(times[max(0, near - 2) : near + 3])))
    return bool(abs(times[near] - t) <= NEAR_S and abs(period_s - local_s) <= TEMPO_SHARE * local_s)


def _bar_right(truth: dict[str, Any], grid: dict[str, Any]) -> bool:
    downbeats = np.array([t for t, place in zip(truth["beats"], truth["beat_pos"], strict=True) if place == 1])
    beats = int(truth["meter"].split("/")[0])
    return bool(grid["num"] == beats and np.abs(downbeats - grid["t_downbeat"]).min() <= NEAR_S)


def report(kinds: list[Beliefs], path: Path) -> str:
    """Draw the reliability diagram; one line per kind of belief."""
    figure = Figure(figsize=(9.5, 4.4), dpi=110, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    for ax, kind in zip(figure.subplots(1, len(kinds)), kinds, strict=True):
        _panel(ax, kind)
    figure.savefig(path, format="png")
    said = [
        f"{k.name}: {len(k.sure)} beats, right {k.right.mean():.3f}, sure {k.sure.mean():.3f}, ECE {k.error:.3f}"
        for k in kinds
        if len(k.sure)
    ]
    return "\nreliability\n" + "\n".join(said)


def _panel(ax: Any, kind: Beliefs) -> None:
    ax.plot([0, 1], [0, 1], color="#9e9e9e", lw=1, ls="--", label="perfectly calibrated")
    counts = np.histogram(kind.sure, BINS)[0] / max(len(kind.sure), 1)
    ax.bar(BINS[:-1] + 0.05, counts, width=0.09, color="#cfd8dc", label="share of beats")
    if len(kind.sure):
        sure, right, _ = zip(*kind.bins(), strict=True)
        ax.plot(sure, right, color="#1769aa", marker="o", lw=2, label=f"Antiphon (ECE {kind.error:.3f})")
    ax.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="how sure it says it is", ylabel="how often it is right")
    ax.set_title(kind.name, fontsize=10, weight="bold")
    ax.legend(fontsize=8, frameon=False, loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)
