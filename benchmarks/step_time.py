"""What one `Analyzer.step(Frame)` costs, and which estimator it goes to: `python benchmarks/step_time.py [--minutes
10]`.

Times are CPU seconds of this thread, so that a busy machine does not count; wall p99 is printed beside them. The long
stream says whether memory grows. Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import results

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from agent.core.paths import shipped  # noqa: E402
from listener.analyzer import Analyzer, warm_up  # noqa: E402
from listener.capture import file_frames  # noqa: E402
from listener.types import FRAME_S, Frame  # noqa: E402

CLIPS = ROOT.parent / "shared" / "listening" / "clips"
CHOSEN = ("01_*", "09_*clean", "19_*drums0", "22_*noise20", "28_*")  # fast, ordinary, with drums, in noise, slapped
TARGET_P99_MS, TARGET_RTF, TARGET_GROWTH_MB = 4.0, 0.10, 5.0
SETTLED_S = 60.0  # memory is compared from here on: by then every buffer has its size


def clips() -> list[Path]:
    """The chosen clips; the take that ships where the shared ones are absent."""
    found = [path for name in CHOSEN for path in sorted(CLIPS.glob(f"{name}.flac"))[:1]]
    return found or [shipped("take.flac")]


def estimators(analyzer: Analyzer) -> Iterator[tuple[str, Any, str]]:
    """(name, part, its method) of every part of the analyzer that takes a frame or a hop."""
    for name, part in vars(analyzer).items():
        method = next((m for m in ("step", "hear") if callable(getattr(part, m, None))), None)
        if method:
            yield name.strip("_"), part, method


def timed(spent: dict[str, float], name: str, step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    def measured(*args: Any, **kwargs: Any) -> Any:
        start = time.thread_time()
        try:
            return step(*args, **kwargs)
        finally:
            spent[name] += time.thread_time() - start

    return measured


def step_times(paths: list[Path]) -> tuple[np.ndarray, np.ndarray]:
    """(CPU, wall) milliseconds of every step [n], on a fresh analyzer for each clip."""
    cpu, wall = [], []
    for path in paths:
        analyzer, frames = Analyzer(), list(file_frames(path))
        for frame in frames:
            start, start_wall = time.thread_time(), time.perf_counter()
            analyzer.step(frame)
            cpu.append(time.thread_time() - start)
            wall.append(time.perf_counter() - start_wall)
    return 1000 * np.array(cpu), 1000 * np.array(wall)


def shares(paths: list[Path]) -> dict[str, float]:
    """Estimator -> CPU ms per frame."""
    spent: dict[str, float] = defaultdict(float)
    count = 0
    for path in paths:
        analyzer = Analyzer()
        for name, part, method in estimators(analyzer):
            setattr(part, method, timed(spent, name, getattr(part, method)))
        for frame in file_frames(path):
            analyzer.step(frame)
            count += 1
    return {name: 1000 * seconds / count for name, seconds in sorted(spent.items(), key=lambda one: -one[1])}


def growth_mb(paths: list[Path], minutes: float) -> tuple[float, float]:
    """(growth of the resident memory after SETTLED_S, resident at the end) in MB over one long stream."""
    process, analyzer = psutil.Process(), Analyzer()
    sounds = [frame.samples for path in paths for frame in file_frames(path)]
    total, settled = round(minutes * 60 / FRAME_S), round(SETTLED_S / FRAME_S)
    early_mb = highest_mb = 0.0
    for number, samples in enumerate(islice(cycle(sounds), total)):
        analyzer.step(Frame(samples, number * len(samples)))
        if number % 375 == 0:  # every 5 s
            now_mb = process.memory_info().rss / 2**20
            early_mb = max(early_mb, now_mb) if number <= settled else early_mb
            highest_mb = max(highest_mb, now_mb)
    return highest_mb - early_mb, highest_mb


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of the long stream")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    args = parser.parse_args()
    paths = clips()
    warm_up()
    cpu_ms, wall_ms = step_times(paths)
    parts = shares(paths)
    grown_mb, highest_mb = growth_mb(paths, args.minutes)
    figures = {
        "step_p50_ms": np.percentile(cpu_ms, 50),
        "step_p99_ms": np.percentile(cpu_ms, 99),
        "step_max_ms": cpu_ms.max(),
        "step_wall_p99_ms": np.percentile(wall_ms, 99),
        "rtf": cpu_ms.mean() / (1000 * FRAME_S),
        "rss_growth_mb": grown_mb,
        "rss_mb": highest_mb,
        "stream_minutes": args.minutes,
    } | {f"{name}_ms": ms for name, ms in parts.items()}
    print(report(figures, parts, len(cpu_ms)))
    if not args.dry:
        results.append("step_time", "antiphon", {name: round(float(value), 4) for name, value in figures.items()})
    return 0


def report(figures: dict[str, float], parts: dict[str, float], count: int) -> str:
    """The table, with the issue's targets."""
    frame_ms = 1000 * FRAME_S
    lines = [f"Analyzer.step, {count} frames of {frame_ms:.1f} ms     CPU ms   of a frame"]
    for name, key in (
        ("p50", "step_p50_ms"),
        ("p99", "step_p99_ms"),
        ("max", "step_max_ms"),
        ("wall p99", "step_wall_p99_ms"),
    ):
        lines.append(f"  {name:36}{figures[key]:10.3f}{figures[key] / frame_ms:12.1%}")
    lines += [f"  of it {name:30}{ms:10.3f}{ms / frame_ms:12.1%}" for name, ms in parts.items()]
    verdicts = [
        ("p99", figures["step_p99_ms"], TARGET_P99_MS, "ms"),
        ("real-time factor", figures["rtf"], TARGET_RTF, ""),
        (f"memory growth over {figures['stream_minutes']:g} min", figures["rss_growth_mb"], TARGET_GROWTH_MB, "MB"),
    ]
    for name, value, target, unit in verdicts:
        lines.append(f"{name}: {value:.3f} {unit} (target {target:g}) {'met' if value <= target else 'MISSED'}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
