"""Lateness and swing of rendered lines with known feel: `python benchmarks/feel.py [--lines N]`.

Each line is heard twice by the real Analyzer: with the click it was played to as a given reference (late from the
first note), and alone (the opening sets the beat, then the player moves). Beside it the trivial rule: distance to the
nearest sixteenth of the true tempo, laid through the first note heard; swing from the same distances.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.inputs.feel_lines import BEATS, START_S, Played, frames, sound
from listener.analyzer import Analyzer
from listener.types import Feel, Grid, Meter

OFFSETS_S = (-0.020, -0.010, 0.0, 0.012, 0.020, 0.030)
SWINGS = (0.50, 0.56, 0.62, 0.67)
TEMPI = (84.0, 112.0, 138.0, 100.0)
CLICK_BARS = 10
PROGRAMS = (33, 32, 34)  # fingered, acoustic, picked


@dataclass(frozen=True)
class Heard:
    feel: Feel | None
    onsets_s: tuple[float, ...]


def hear(line: Played, reference: Grid | None) -> Heard:
    """The feel believed when the line ends."""
    analyzer, onsets, feel = Analyzer(), [], None
    analyzer.feel.play_on(reference)
    for frame in frames(sound(line)):
        analysis = analyzer.step(frame)
        onsets += [note.onset_s for note in analysis.notes]
        feel = analysis.feel
    return Heard(feel, tuple(onsets))


def trivial(line: Played, onsets_s: tuple[float, ...], since_s: float) -> tuple[float, float]:
    """(late_s, swing) by the nearest sixteenth of the true tempo through the first onset."""
    places = [((t - onsets_s[0]) / line.beat_s) % 1.0 for t in onsets_s if t >= since_s]
    off = [(p * 4 - round(p * 4)) / 4 * line.beat_s for p in places]
    swung = [p for p in places if 0.375 < p < 0.625]
    return median(off), median(swung) if swung else 0.5


def lines(count: int) -> list[Played]:
    chosen = []
    for i, (offset_s, swing) in enumerate([(o, s) for k, s in enumerate(SWINGS) for o in OFFSETS_S[k % 2 :: 2]]):
        line = Played(TEMPI[i % 4], late_s=offset_s, swing=swing, groove=i % 3, program=PROGRAMS[i % 3], seed=i)
        chosen.append(line)
    return chosen[:count]


def error(feel: Feel | None, line: Played) -> tuple[float, float]:
    """Absolute errors (s, swing); what was not said counts as missing (nan)."""
    late = feel.behind_s if feel is not None else None
    swing = feel.swing if feel is not None else None
    return (
        abs(late - line.late_s) if late is not None else np.nan,
        abs(swing - line.swing) if swing is not None else np.nan,
    )


def report(name: str, errors: list[tuple[float, float]]) -> None:
    table = np.array(errors)
    said = ~np.isnan(table)
    figures: dict[str, float] = {"lines": len(errors)}
    for column, unit, scale, limit in ((0, "late_ms", 1000, 0.004), (1, "swing", 1, 0.03)):
        found = table[said[:, column], column]
        figures |= {
            f"{unit}_said": round(float(said[:, column].mean()), 3),
            f"{unit}_error_mean": round(float(found.mean()) * scale, 4),
            f"{unit}_error_max": round(float(found.max()) * scale, 4),
            f"{unit}_within": round(float((found <= limit).sum() / len(errors)), 3),
        }
    print(f"{name:10}", "  ".join(f"{key} {value}" for key, value in figures.items() if key != "lines"))
    results.append("feel", name, figures)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=12, help="only the first N of twelve lines")
    args = parser.parse_args()
    errors: dict[str, list[tuple[float, float]]] = {"given": [], "opening": [], "trivial": []}
    print(" bpm  true late/swing    click given                 alone                       reference  nearest 16th")
    for line in lines(args.lines):
        click = Grid(START_S, 0, 1, line.beat_s, Meter(BEATS, 4), 1.0, 1.0)
        given = hear(replace(line, turn=0, bars=CLICK_BARS), click).feel
        alone = hear(line, None)
        rule = trivial(line, alone.onsets_s, START_S + BEATS * line.turn * line.beat_s)
        errors["given"].append(error(given, line))
        errors["opening"].append(error(alone.feel, line))
        errors["trivial"].append((abs(rule[0] - line.late_s), abs(rule[1] - line.swing)))
        source = alone.feel.reference if alone.feel else "-"
        print(
            f"{line.bpm:4.0f}  {line.late_s * 1000:+6.0f} ms  {line.swing:.2f}   {given!s:28}{alone.feel!s:28} "
            f"{source:10} {rule[0] * 1000:+5.0f} ms {rule[1]:.2f}",
            flush=True,
        )
    for name, found in errors.items():
        report({"given": "antiphon, click given", "opening": "antiphon, alone", "trivial": "nearest 16th"}[name], found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
