"""Draw docs/listening.png: what each system hears, figure by figure and condition by condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

CONDITIONS = ("ALL", "synth-clean", "synth-degraded", "real-clean", "real-degraded", "laptop", "with-drums")
SHARES = {
    "on25": "onset F1 (±25 ms)",
    "note": "note F1",
    "note_low": "notes up to A1 found",
    "rpa": "raw pitch accuracy",
    "beatF": "beat F1",
    "CMLt": "beats continuous (CMLt)",
    "downF": "downbeat F1",
    "meter": "meter right",
}
DELAYS = {"on_delay": "onset said after, ms", "note_delay": "note said after, ms", "lock": "pitch locked after, ms"}
COLOURS = ("#1769aa", "#ef6c00", "#2e7d32", "#8bc34a", "#c2185b", "#8e24aa")
Measured = Mapping[tuple[str, bool], Mapping[str, Mapping[str, Any]]]


def draw(path: Path, measured: Measured, figures: Sequence[Any]) -> None:
    """measured: (system, causal) -> condition -> figures; filled marks are causal systems, hollow ones offline."""
    targets = {figure.key: figure.target for figure in figures}
    figure = Figure(figsize=(16, 9.6), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(3, 4, left=0.07, right=0.99, top=0.9, bottom=0.06, hspace=0.5, wspace=0.24)
    for number, (key, title) in enumerate(SHARES.items()):
        _shares(figure.add_subplot(grid[number // 4, number % 4]), measured, key, title, targets.get(key))
    for number, (key, title) in enumerate(DELAYS.items()):
        _delays(figure.add_subplot(grid[2, number]), measured, key, title, targets)
    _costs(figure.add_subplot(grid[2, 3]), measured, targets["rtf"])
    _head(figure, measured)
    figure.savefig(path, format="png")


def _style(system: int, causal: bool) -> dict[str, Any]:
    colour = COLOURS[system % len(COLOURS)]
    big = 9 if system == 0 else 6
    return {
        "color": colour,
        "marker": "o" if causal else "s",
        "mfc": colour if causal else "white",
        "ms": big,
        "mew": 1.6,
    }


def _shares(ax: Any, measured: Measured, key: str, title: str, target: float | None) -> None:
    for number, ((_, causal), rows) in enumerate(measured.items()):
        points = [(x, rows[name][key]) for x, name in enumerate(CONDITIONS) if rows.get(name, {}).get(key) is not None]
        if points:
            first = number == 0
            ax.plot(*zip(*points, strict=True), lw=2 if first else 0.8, zorder=9 - number, **_style(number, causal))
    if target:
        ax.axhline(target, color="#212121", lw=1, ls=":")
    ax.set(ylim=(-0.03, 1.03), xlim=(-0.4, len(CONDITIONS) - 0.6))
    ax.axvspan(-0.4, 0.5, color="#f1f1f1", zorder=0, lw=0)
    ax.set_xticks(range(len(CONDITIONS)), [name.replace("-", "\n") for name in CONDITIONS], fontsize=7.5)
    _dress(ax, title)


def _delays(ax: Any, measured: Measured, key: str, title: str, targets: Mapping[str, float | None]) -> None:
    """p50 to p95 on ALL, causal systems only."""
    said = [
        (number, name, rows["ALL"])
        for number, ((name, causal), rows) in enumerate(measured.items())
        if causal and rows["ALL"].get(f"{key}_p50") is not None
    ]
    for place, (number, _, row) in enumerate(reversed(said)):
        ends = [row[f"{key}_p50"], row[f"{key}_p95"]]
        ax.plot(ends, [place, place], lw=7, solid_capstyle="round", color=COLOURS[number], alpha=0.35)
        ax.plot(ends[:1], [place], **_style(number, True))
        ax.text(ends[1], place, f"  {ends[0]:.0f} / {ends[1]:.0f}", va="center", fontsize=8.5)
    ax.set_yticks(range(len(said)), [name for _, name, _ in reversed(said)], fontsize=8.5)
    ax.set_ylim(-0.6, len(said) - 0.4)
    ax.set_xlim(min(0, ax.get_xlim()[0]), ax.get_xlim()[1] * 1.3)
    for end in ("p50", "p95"):
        if targets.get(f"{key}_{end}"):
            ax.axvline(targets[f"{key}_{end}"], color="#212121", lw=1, ls=":")
    _dress(ax, title + "  (p50 — p95, ALL)")


def _costs(ax: Any, measured: Measured, target: float | None) -> None:
    said = [
        (n, name, rows["ALL"]["rtf"]) for n, ((name, _), rows) in enumerate(measured.items()) if rows["ALL"].get("rtf")
    ]
    for place, (number, _, rtf) in enumerate(reversed(said)):
        ax.barh(place, rtf, color=COLOURS[number], alpha=0.75, height=0.6)
        ax.text(rtf, place, f"  {rtf:.3f}", va="center", fontsize=8.5)
    ax.set_yticks(range(len(said)), [name for _, name, _ in reversed(said)], fontsize=8.5)
    ax.set_xlim(0, max([rtf for *_, rtf in said], default=1) * 1.25)
    if target:
        ax.axvline(target, color="#212121", lw=1, ls=":")
    _dress(ax, "CPU seconds per second of sound")


def _dress(ax: Any, title: str) -> None:
    ax.set_title(title, fontsize=10.5, weight="bold", loc="left")
    ax.tick_params(labelsize=8, length=2)
    ax.spines[["top", "right"]].set_visible(False)


def _head(figure: Figure, measured: Measured) -> None:
    clips = next(iter(measured.values()))["ALL"]["clips"]
    figure.text(0.07, 0.975, f"What is heard: {clips} clips with truth", fontsize=15, weight="bold", va="top")
    marks = [
        Line2D([], [], ls="", label=name + ("" if causal else " (offline)"), **_style(number, causal))
        for number, (name, causal) in enumerate(measured)
    ]
    marks.append(Line2D([], [], color="#212121", lw=1, ls=":", label="target"))
    figure.legend(
        handles=marks, loc="upper right", bbox_to_anchor=(0.99, 0.985), ncol=len(marks), frameon=False, fontsize=9.5
    )
