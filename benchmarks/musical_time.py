"""Score beat, meter and tempo on made-up lines as imperfect ears hear them, beside a trivial rule.

`python benchmarks/musical_time.py [--lines N]`. The rule: the lag at which the inter-onset
intervals of the last 8 s agree best (prior as in Parncutt 1994), beats at the phase where most onsets lie, always 4.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore", module="mir_eval")
import mir_eval

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.inputs import lines
from benchmarks.inputs.lines import METERS, Line, Random
from benchmarks.measures.heard import Heard, hear

TRIM_S, NEAR_S, HOLD_S = 5.0, 0.070, 2.0
PRIOR_S, PRIOR_OCTAVES = 0.55, 1.0
Row = dict[str, float]


def trivial(notes: list[lines.Event], end_s: float) -> np.ndarray:
    """Beats by the trivial rule, causal: at each beat the next is placed from what sounded before it."""
    onsets = np.array([n[0] for n in notes])
    beats: list[float] = []
    now = onsets[0] + 2.0
    while now < end_s:
        heard = onsets[(onsets < now) & (onsets > now - 8)]
        if len(heard) < 3:
            now += 0.5
            continue
        gaps = (heard[None, :] - heard[:, None])[np.triu_indices(len(heard), 1)]
        lags = np.geomspace(0.25, 1.5, 240)
        agree = np.exp(-0.5 * ((gaps[None, :] - lags[:, None]) / 0.025) ** 2).sum(1)
        period_s = lags[np.argmax(agree * np.exp(-0.5 * (np.log2(lags / PRIOR_S) / PRIOR_OCTAVES) ** 2))]
        phase = np.angle(np.exp(2j * np.pi * heard / period_s).sum()) / (2 * np.pi) * period_s
        following = phase + np.ceil((now + 0.3 * period_s - phase) / period_s) * period_s
        beats.append(float(following))
        now = following
    return np.array(beats)


def tactus(line: Line) -> list[np.ndarray]:
    """Readings of the beat that count as right: the meter's unit, and in compound meters its dotted pulse."""
    compound = line.meter in ("6/8", "9/8", "12/8")
    return [line.beats_s, *([line.beats_s[(line.positions - 1) % 3 == 0]] if compound else [])]


def agreement(line: Line, said: np.ndarray) -> Row:
    """Beat F, CMLt and AMLt after the first 5 s."""
    rows = []
    for truth in tactus(line):
        ref, est = (mir_eval.beat.trim_beats(np.asarray(b), TRIM_S) for b in (truth, said))
        if len(est) < 2:
            rows.append({"F": 0.0, "CMLt": 0.0, "AMLt": 0.0})
            continue
        _, cmlt, _, amlt = mir_eval.beat.continuity(ref, est)
        rows.append({"F": mir_eval.beat.f_measure(ref, est), "CMLt": cmlt, "AMLt": amlt})
    return max(rows, key=lambda r: r["F"])


def right(line: Line, heard: Heard) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Over time: seconds, signed phase error in seconds, whether the beats are right, whether the bar is, too."""
    out = []
    for at_s, grid in heard.grids:
        if not line.beats_s[0] < at_s < line.beats_s[-1]:
            continue
        i = int(np.searchsorted(line.beats_s, at_s))
        period_s = line.beats_s[i] - line.beats_s[i - 1]
        if grid is None:
            out.append((at_s, np.nan, False, False))
            continue
        beat = round(grid.beat_at(line.beats_s[i]))
        error_s = grid.time_of(beat) - line.beats_s[i]
        beats = abs(error_s) < NEAR_S and abs(grid.period_s / period_s - 1) < 0.06
        meter = line.meter_at(line.beats_s[i])
        bar = beats and grid.position_of(beat) == line.positions[i] and str(grid.meter_at(beat)) == meter
        out.append((at_s, error_s, beats, bar))
    t, e, b, m = zip(*out, strict=True)
    return np.array(t), np.array(e), np.array(b), np.array(m)


def bars_to(t: np.ndarray, ok: np.ndarray, start_s: float, bar_s: float) -> float:
    """Bars from start_s until it is right and stays right for two seconds; infinite when never."""
    for i in np.flatnonzero(ok & (t >= start_s)):
        if ok[(t >= t[i]) & (t < t[i] + HOLD_S)].all():
            return float((t[i] - start_s) / bar_s)
    return float("inf")


def measure(line: Line, notes: list[lines.Event]) -> Row:
    heard = hear(notes, line.end_s)
    t, error_s, beats, bar = right(line, heard)
    row = agreement(line, np.array([b.time_s for b in heard.beats]))
    downs = np.array([b.time_s for b in heard.beats if b.position == 1])
    truth = mir_eval.beat.trim_beats(line.beats_s[line.positions == 1], TRIM_S)
    row["down"] = float(mir_eval.beat.f_measure(truth, downs[downs >= TRIM_S])) if len(truth) else np.nan
    errors_ms = 1000 * np.abs(error_s[beats & (t > TRIM_S)])
    row["err"] = errors_ms.tolist()  # type: ignore[assignment]
    bar_s = float(np.median(np.diff(line.beats_s))) * max(line.positions)
    start_s = line.changes_s[-1] if line.changes_s else line.beats_s[0]
    row["bars"] = bars_to(t, beats, start_s, bar_s)
    row["bars_m"] = bars_to(t, bar, start_s, bar_s)
    last = heard.grids[-1][1]
    row["tempo"] = float(
        last is not None and any(abs(60 / last.period_s / line.bpm / k - 1) < 0.04 for k in (1, 1 / 3))
    )
    row["meter"] = float(last is not None and str(last.meter) == line.meter)
    rule = trivial(notes, line.end_s)
    row.update({f"{k}_rule": v for k, v in agreement(line, rule).items()})
    row["lead"] = min((b.time_s - b.emit_s for b in heard.beats), default=np.nan)
    return row


Maker = Callable[[Random], Line]


def tasks() -> dict[str, Maker]:
    """What is measured, by name."""
    out: dict[str, Maker] = {}
    for meter in METERS:
        out[meter] = _steady(meter)
    for low, high in ((40, 70), (70, 110), (110, 160), (160, 240)):
        out[f"4/4 {low}-{high} bpm"] = _within(low, high)
    for total in (0.15, -0.15):
        out[f"drift {total:+.0%}"] = _drifting(total)
    for name, sign in (("faster", 1), ("slower", -1)):
        out[f"suddenly {name}"] = _jumping(sign)
    for a, b in (("4/4", "3/4"), ("3/4", "4/4"), ("4/4", "5/4")):
        out[f"{a} to {b}"] = _changing(a, b)
    return out


def _steady(meter: str) -> Maker:
    return lambda r: lines.steady(r, meter, lines.tempo_of(r, meter))


def _within(low: int, high: int) -> Maker:
    return lambda r: lines.steady(r, "4/4", r.uniform(low, high), 26)


def _drifting(total: float) -> Maker:
    return lambda r: lines.drifting(r, "4/4", lines.tempo_of(r, "4/4"), total)


def _jumping(sign: int) -> Maker:
    return lambda r: lines.jumping(r, "4/4", r.uniform(90, 130), r.uniform(1.12, 1.35) ** sign)


def _changing(before: str, after: str) -> Maker:
    return lambda r: lines.changing(r, before, after, r.uniform(95, 130))


def average(rows: list[Row]) -> Row:
    mean = {k: float(np.nanmean([r[k] for r in rows])) for k in rows[0] if k not in ("err", "bars", "bars_m", "lead")}
    errors = np.concatenate([r["err"] for r in rows])  # type: ignore[arg-type]
    mean["ms_p50"], mean["ms_p95"] = (float(np.percentile(errors, q)) if len(errors) else np.nan for q in (50, 95))
    for key in ("bars", "bars_m"):
        waits = np.array([r[key] for r in rows])
        mean[key], mean[f"{key}<=2"] = float(np.median(waits)), float(np.mean(waits <= 2))
    mean["lead_ms"] = 1000 * float(np.nanmin([r["lead"] for r in rows]))
    return mean


COLUMNS = ["F", "CMLt", "AMLt", "down", "tempo", "meter", "ms_p50", "ms_p95", "bars", "bars<=2", "bars_m", "bars_m<=2"]
RULE = ["F_rule", "CMLt_rule", "AMLt_rule"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=6, help="lines per row (default 6)")
    parser.add_argument("--only", help="rows whose name contains this")
    parser.add_argument("--seed", type=int, default=100)
    args = parser.parse_args()
    print("task".ljust(16), *(c.rjust(9) for c in COLUMNS + RULE))
    everything: list[Row] = []
    figures: dict[str, Row] = {}
    for number, (name, make) in enumerate(tasks().items()):
        if args.only and args.only not in name:
            continue
        random = np.random.default_rng([args.seed, number])
        made = [make(random) for _ in range(args.lines)]
        rows = [measure(line, lines.misheard(random, line)) for line in made]
        everything += rows
        figures[name] = average(rows)
        print(name.ljust(16), *(f"{figures[name][c]:9.3f}" for c in COLUMNS + RULE), flush=True)
    figures["ALL"] = average(everything)
    print("ALL".ljust(16), *(f"{figures['ALL'][c]:9.3f}" for c in COLUMNS + RULE))
    kept = {n: {c: round(r[c], 4) for c in COLUMNS + RULE if np.isfinite(r[c])} for n, r in figures.items()}
    if not args.only:
        results.append("musical_time", "antiphon", kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
