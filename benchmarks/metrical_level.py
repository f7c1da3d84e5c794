"""Measure whether the metrical level is right and stays, on long made lines of every kind, beside two peers.

`python benchmarks/metrical_level.py [--lines 70] [--seconds 180] [--systems antiphon] [--events]`. Right: at every full
minute and at the end the felt pulse is one a player would tap: the written one, or half, twice, a quarter or four times
of it between 60 and 140 bpm (where the sound alone does not tell, each is right as long as it stays). A switch is a
change of the pulse by more than 12%, from the first beat on. --events: notes instead of sound, as imperfect ears hear
them, to try a change of the model quickly. Peers: madmom's online beats, and BeatNet's wheel.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import wavfile
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio.synth import PartVoice, Synth, SynthUnavailable
from benchmarks.common import results
from benchmarks.inputs.feel_lines import BLOCK, RATE, SOUNDFONT, frames, lead_in_s
from benchmarks.inputs.level_lines import LevelLine, lines
from benchmarks.inputs.lines import Line, misheard
from benchmarks.listening import BENCH_PYTHON, PEERS
from benchmarks.measures.heard import hear
from listener.analyzer import Analyzer
from listener.types import ANALYSIS_RATE, Grid

SAME_LEVEL, NEAR = 0.12, 0.05  # of log tempo: another level; the right one
SETTLED_S = 10.0
Track = list[tuple[float, float, str]]  # time, felt pulses per minute, meter ("" where a system says none)
MISSED, EXTRA, WRONG = 0.02, 0.02, 0.02  # of --events


def pulse_bpm(grid: Grid) -> float:
    """Return the rate of the felt pulse: quarters, dotted quarters in compound meters."""
    eighths = grid.meter.denominator == 8
    per_pulse = 3 if eighths and grid.meter.numerator % 3 == 0 else 2 if eighths else 1
    return 60 / grid.period_s / per_pulse


def sound(line: LevelLine) -> np.ndarray:
    """Return float32 [n] at 24 kHz: FluidR3's bass, every note heard when it should be."""
    synth = Synth(SOUNDFONT, RATE, (PartVoice("bass", 0, line.program),))
    lead_s = {key: lead_in_s(synth, *key) for key in sorted({(p, v // 16 * 16) for _, p, v, _ in line.notes})}
    synth.all_off()
    events = []
    for i, (onset_s, pitch, velocity, long_s) in enumerate(line.notes):
        until_s = line.notes[i + 1][0] - 0.02 if i + 1 < len(line.notes) else math.inf
        start_s = onset_s - lead_s[pitch, velocity // 16 * 16]
        events.append((start_s, 1, (0x90, pitch, velocity)))
        events.append((max(start_s + 0.04, min(onset_s + long_s, until_s)), 0, (0x80, pitch, 0)))
    parts, now = [], 0
    for time_s, _, message in sorted(events):
        block = max(now, round(time_s * RATE / BLOCK) * BLOCK)
        if block > now:
            parts.append(synth.render(block - now)[0].mean(1))
            now = block
        synth.send("bass", message)
    parts.append(synth.render(max(RATE // 2, round(line.seconds * RATE) - now))[0].mean(1))
    synth.close()
    heard = np.asarray(resample_poly(np.concatenate(parts), ANALYSIS_RATE, RATE), np.float32)
    return (0.5 * heard / np.abs(heard).max()).astype(np.float32)


def antiphon(line: LevelLine, events: bool) -> Track:
    """Return what the ears say, ten times a second."""
    if events:
        random = np.random.default_rng([7, len(line.notes)])
        played = [(t, pitch, velocity, "normal") for t, pitch, velocity, _ in line.notes]
        source = Line(played, np.array([0.0, line.seconds]), np.array([1, 1]), line.meter, line.bpm)
        grids = hear(misheard(random, source, MISSED, EXTRA, WRONG), line.seconds).grids
    else:
        analyzer = Analyzer()
        grids = [(a.time_s, a.grid) for a in map(analyzer.step, frames(sound(line)))]
    return [(t, pulse_bpm(grid), str(grid.meter)) for t, grid in grids[::8] if grid is not None]


def peer(script: str, line: LevelLine) -> Track:
    """Return the tempo that follows from a peer's last beats."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        wavfile.write(file.name, ANALYSIS_RATE, (sound(line) * 32767).astype(np.int16))
        command = [BENCH_PYTHON, str(PEERS / script), file.name]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PEERS).stdout
    beats = [row["t"] for row in map(json.loads, said.splitlines()) if row.get("type") == "beat"]
    return [(beats[i], 60 / float(np.median(np.diff(beats[i - 5 : i + 1]))), "") for i in range(5, len(beats))]


@dataclass(frozen=True)
class Row:
    """How one line was heard."""

    name: str
    right: bool
    written: bool  # the written pulse itself at the end
    switches: int
    late: int  # switches after SETTLED_S
    meter: bool
    levels: list[tuple[float, float]]


def judge(line: LevelLine, track: Track) -> Row:
    levels: list[tuple[float, float]] = []
    for t, bpm, _ in track:
        if not levels or abs(math.log(bpm / levels[-1][1])) > SAME_LEVEL:
            levels.append((round(t, 1), round(bpm, 1)))
    checks_s = [*range(60, int(line.seconds), 60), line.seconds]
    at = [next(((b, m) for t, b, m in reversed(track) if t <= check_s), None) for check_s in checks_s]
    close = [x is not None and min(abs(math.log(x[0] / tap)) for tap in line.taps) < NEAR for x in at]
    last = at[-1]
    meter = last is not None and (last[1] == line.meter or {last[1], line.meter} == {"4/4", "2/4"})
    written = last is not None and abs(math.log(last[0] / line.taps[0])) < NEAR
    late = sum(t > SETTLED_S for t, _ in levels[1:])
    return Row(line.name, all(close), written, max(len(levels) - 1, 0), late, meter, levels)


def report(name: str, rows: list[Row], seconds: float, verbose: bool) -> dict[str, float]:
    for row in rows:
        if verbose and (not row.right or row.switches):
            print(f"  {'      ' if row.right else 'WRONG '}{row.name}: {row.levels[:6]}")
    hours = len(rows) * seconds / 3600
    figures = {
        "lines": len(rows),
        "right": round(float(np.mean([r.right for r in rows])), 3),
        "written": round(float(np.mean([r.written for r in rows])), 3),
        "switches_per_h": round(sum(r.switches for r in rows) / hours, 2),
        "late_switches_per_h": round(sum(r.late for r in rows) / hours, 2),
        "meter": round(float(np.mean([r.meter for r in rows])), 3),
    }
    print(f"{name:16}", "  ".join(f"{key} {value:g}" for key, value in figures.items()), flush=True)
    return figures


def missing(script: str) -> str | None:
    """Return why a peer cannot run here, or None."""
    module = {"madmom_online.py": "madmom", "beatnet_online.py": "BeatNet"}[script]
    if not Path(BENCH_PYTHON).exists():
        return ".bench-venv is not there; `python benchmarks/listening.py` makes it"
    probe = subprocess.run([BENCH_PYTHON, "-c", f"import importlib.util as u; exit(u.find_spec('{module}') is None)"])
    return f"{module} is not installed in .bench-venv (pip install {module})" if probe.returncode else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=70)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--systems", default="antiphon,madmom online,BeatNet", help="names, comma-separated")
    parser.add_argument("--events", action="store_true", help="notes instead of sound, Antiphon alone")
    parser.add_argument("--quiet", action="store_true", help="only the summary")
    args = parser.parse_args()
    made = lines(args.lines, args.seconds, args.seed)
    systems: dict[str, Callable[[LevelLine], Track]] = {"antiphon": partial(antiphon, events=args.events)}
    if not args.events:
        systems |= {"madmom online": partial(peer, "madmom_online.py"), "BeatNet": partial(peer, "beatnet_online.py")}
    try:
        with ProcessPoolExecutor(2) as pool:
            for name, system in systems.items():
                if name not in args.systems.split(","):
                    continue
                reason = missing(system.args[0]) if isinstance(system, partial) and system.args else None
                if reason:
                    print(f"{name}: skipped, {reason}")
                    continue
                rows = [judge(line, track) for line, track in zip(made, pool.map(system, made), strict=True)]
                figures = report(name, rows, args.seconds, not args.quiet)
                figures |= {"seconds": args.seconds, "events": float(args.events)}
                results.append("metrical_level", name, figures)
    except SynthUnavailable as reason:
        print(f"metrical_level: skipped, {reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
