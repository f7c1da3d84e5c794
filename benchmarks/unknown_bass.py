"""Are basses heard that the ears were never trained on? Their notes as played, low, high, ringing, quiet.

    python benchmarks/unknown_bass.py [--beside CHECKOUT] [--fonts DIR ...] [--lines 12]

Lines on the held-out basses of benchmarks/bleed.py, without drums: as they are; tuned down (A0 to G1); high (up to
500 Hz); on strings that ring into each other; with their peak at -40, -20 and -1 dB. A note's pitch is settled when
the pitch said is right and stays right for 30 ms. --beside: another checkout of this program, run in the same way.
Appends to benchmarks/results.jsonl.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.bleed import FONT_FOLDERS, Figures, Take, basses, heard, line, scores
from benchmarks.common import results
from models.sounds import bass_lines
from models.sounds.bass_lines import Played
from models.sounds.bass_tones import RATE, Rng, Samples

SECONDS, SEED = 16, 40
STAYS_S, CENTS = 0.030, 50.0
LOWEST, HIGHEST = 21, 71
Change = Callable[[list[Played], Rng], list[Played]]


def low(notes: list[Played], rng: Rng) -> list[Played]:
    """Return the line on strings tuned down: between A0 and G1."""
    return [replace(n, pitch=float(LOWEST + (n.pitch - LOWEST) % 11)) for n in notes]


def high(notes: list[Played], rng: Rng) -> list[Played]:
    return [replace(n, pitch=float(HIGHEST - (HIGHEST - n.pitch) % 14)) for n in notes]


def ringing(notes: list[Played], rng: Rng) -> list[Played]:
    """Return the line with notes of other pitches ringing on into the next ones."""
    follows = zip(notes, [*notes[1:], None], strict=True)
    return [
        replace(n, end=n.end + int(rng.uniform(0.2, 1.0) * RATE)) if f is None or f.pitch != n.pitch else n
        for n, f in follows
    ]


WAYS: dict[str, tuple[Change, float]] = {
    "as played": (lambda notes, rng: notes, -6.0),
    "tuned down": (low, -6.0),
    "high": (high, -6.0),
    "ringing": (ringing, -6.0),
    "peak -40 dB": (lambda notes, rng: notes, -40.0),
    "peak -20 dB": (lambda notes, rng: notes, -20.0),
    "peak -1 dB": (lambda notes, rng: notes, -1.0),
}


def takes(way: str, count: int, instruments: list[tuple[str, Any]]) -> list[tuple[Take, Samples]]:
    out = []
    change, level_db = WAYS[way]
    for i in range(count):
        rng = np.random.default_rng((SEED, i))
        name, make = instruments[(5 * i) % len(instruments)]
        instrument = make(rng)
        notes = [n for n in line(float(rng.uniform(70, 150)), rng) if n.onset < (SECONDS - 1) * RATE]
        notes = change(notes, rng)
        bass, _ = bass_lines.render(instrument, notes, SECONDS * RATE, 80, rng)
        sound = bass + rng.normal(0, 1e-5, len(bass)) * np.abs(bass).max()
        sound = np.asarray(sound / np.abs(sound).max() * 10 ** (level_db / 20), np.float32)
        onsets, pitches = np.array([n.onset / RATE for n in notes]), np.array([n.pitch for n in notes])
        out.append((Take(f"{i:02d} {name}", bass, bass, onsets, pitches, np.zeros(0)), sound))
    return out


def settling_s(take: Take, events: list[dict[str, Any]]) -> list[float]:
    """Return, per note, the time from its onset until its pitch is said and stays; inf for never."""
    said = sorted(((e["t_emit"], e["f0"] or 0.0) for e in events if e["type"] == "pitch"), key=lambda row: row[0])
    when: NDArray[np.float64] = np.array([row[0] for row in said])
    f0_hz: NDArray[np.float64] = np.array([row[1] for row in said])
    ends = [*take.onsets[1:], SECONDS]
    return [_settled(when, f0_hz, *note) for note in zip(take.onsets, ends, take.pitches, strict=True)]


def _settled(
    when: NDArray[np.float64], f0_hz: NDArray[np.float64], onset_s: float, end_s: float, pitch: float
) -> float:
    first, last = np.searchsorted(when, [onset_s, end_s])
    cents = 1200 * np.log2(np.maximum(f0_hz[first:last], 1e-3) / (440 * 2 ** ((pitch - 69) / 12)))
    right, times = np.abs(cents) < CENTS, when[first:last]
    for i in np.flatnonzero(right):
        if right[i : np.searchsorted(times, times[i] + STAYS_S, "right")].mean() >= 0.7:
            return float(times[i] - onset_s)
    return float("inf")


def measure(checkout: Path, lines: dict[str, list[tuple[Take, Samples]]]) -> dict[str, Figures]:
    """Way of playing -> figures: onsets and notes, octaves, and how soon the pitch is settled."""
    out: dict[str, Figures] = {}
    for way, every in lines.items():
        events = heard(checkout, {take.name: sound for take, sound in every})
        rows = [scores(take, events[take.name]) for take, _ in every]
        figures = {key: float(np.mean([r[key] for r in rows])) for key in ("onset F", "note P", "note R", "note F")}
        settled = np.concatenate([settling_s(take, events[take.name]) for take, _ in every])
        known = settled[np.isfinite(settled)]
        figures |= {f"settled p{q} ms": 1000 * float(np.percentile(known, q)) for q in (50, 95)}
        out[way] = figures | {"settled": len(known) / len(settled)}
    return out


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="other checkouts, run in the same way")
    parser.add_argument("--fonts", type=Path, nargs="*", default=[], help="folders with soundfonts not installed")
    parser.add_argument("--lines", type=int, default=12)
    args = parser.parse_args(argv)
    instruments = basses(FONT_FOLDERS + args.fonts)
    lines = {way: takes(way, args.lines, instruments) for way in WAYS}
    systems = {"this checkout": ROOT} | {str(path): path.resolve() for path in args.beside}
    measured = {name: measure(path, lines) for name, path in systems.items()}
    keys = list(measured["this checkout"]["as played"])
    print("| way | system | " + " | ".join(keys) + " |\n|---|---|" + "---:|" * len(keys))
    for way in WAYS:
        for name, rows in measured.items():
            cells = [f"{rows[way][key]:.0f}" if key.endswith("ms") else f"{rows[way][key]:.3f}" for key in keys]
            print(f"| {way} | {name} | " + " | ".join(cells) + " |")
    for name, rows in measured.items():
        flat = {f"{way} {key}": round(v, 4) for way, figures in rows.items() for key, v in figures.items()}
        results.append("unknown_bass", name if name == "this checkout" else "beside", {"lines": args.lines, **flat})
    return 0


if __name__ == "__main__":
    sys.exit(main())
