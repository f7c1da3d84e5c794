"""Compute what 1,000 hours of music cost on 16 machines: `python benchmarks/cluster_cost.py [--steps 20] [--files 30]`.

Measured here: CPU seconds in which one core reads MIDI to ticks, hears a recorded bass, and makes a training step of
the responder as it ships; the bytes that the processes exchange a step. Computed from them: machines x cores at work,
each step followed by the exchange of all gradients in a ring (2 (n - 1) / n of their bytes; Patarasuk & Yuan, Bandwidth
optimal all-reduce, 2009). Needs ../shared (MIDI of data/band). Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.paths import shipped
from benchmarks.common import results
from listener.analyzer import Analyzer, warm_up
from listener.capture import file_frames
from listener.types import FRAME_S
from models.corpus import own_midi
from models.corpus.song import Song
from models.paths import SHARED
from models.responder.net import ResponderConfig
from models.training.batches import Sampler
from models.training.responder import Run, TrainConfig

HOURS, MACHINES, CORES, EPOCHS = 1000.0, 16, 8, 4
NETWORK_BYTES_S = 125e6  # gigabit
CROPS_A_CORE = 16  # of a step, so that the work outweighs the exchange
BPM = 110.0  # where a file names no tempo
HEARD_FRAMES = 1500
EXCHANGES_S = 0.002  # latency of a round of the ring


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--steps", type=int, default=20)
    options.add_argument("--files", type=int, default=30)
    options.add_argument("--shared", type=Path, default=SHARED)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    given = options.parse_args()
    torch.set_num_threads(1)
    paths = sorted((given.shared / "data" / "band" / "simutrans").glob("*.mid"))[: given.files]
    if not paths:
        print(f"{given.shared}/data/band/simutrans: no MIDI files; name the data's place with --shared")
        return 2
    began_s = time.process_time()
    pieces = [p for p in (own_midi.tokenised((path, path.name, True)) for path in paths) if not isinstance(p, str)]
    read_s = time.process_time() - began_s
    music_h = sum(len(p.arrangement.ticks) * 15 / (p.arrangement.tempo_bpm or BPM) for p in pieces) / 3600
    songs = [own_midi.song_of(piece, "train") for piece in pieces]
    step_s, ticks, exchanged = measured(songs, given.steps)
    figures = computed(read_s / music_h, sum(map(len, songs)) / music_h, step_s / ticks, exchanged)
    figures |= {
        "hear_h": HOURS * heard_s_per_hour() / (MACHINES * CORES) / 3600,
        "read_cpu_s_per_hour": read_s / music_h,
        "ticks_per_cpu_s": ticks / step_s,
        "gradient_mb": exchanged / 1e6,
    }
    table = Table("figure", "value", title=f"{HOURS:.0f} hours, {MACHINES} machines of {CORES} cores")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}")
    Console().print(table)
    if not given.dry:
        results.append("cluster_cost", "responder", {name: round(value, 3) for name, value in figures.items()})
    return 0


def heard_s_per_hour() -> float:
    """Return the CPU seconds that the ears need for an hour of sound."""
    warm_up()
    analyzer, frames = Analyzer(), list(itertools.islice(file_frames(shipped("take.flac")), HEARD_FRAMES))
    began_s = time.process_time()
    for frame in frames:
        analyzer.step(frame)
    return (time.process_time() - began_s) / (len(frames) * FRAME_S) * 3600


def measured(songs: list[Song], steps: int) -> tuple[float, int, int]:
    """Return (CPU seconds of a step, its ticks, bytes of its gradients)."""
    config = TrainConfig(batch=CROPS_A_CORE)
    run = Run(config, ResponderConfig(dials=True, foresee=True))
    sampler = Sampler(songs, config.length, run.net.config.sound_dim, 0)
    sampler.knots = sampler.measured(40)
    spent = []
    for step in range(steps):
        began_s = time.process_time()
        run.train_step(sampler.batch(step, config.batch))
        spent.append(time.process_time() - began_s)
    size = sum(p.numel() * p.element_size() for p in run.net.parameters())
    return sorted(spent)[len(spent) // 2], config.batch * config.length, size


def computed(read_s_per_hour: float, ticks_per_hour: float, tick_s: float, exchanged: int) -> dict[str, float]:
    """Return the hours that it takes, and what share of them is exchange."""
    cores = MACHINES * CORES
    work_s = CROPS_A_CORE * TrainConfig().length * tick_s
    exchange_s = 2 * (MACHINES - 1) / MACHINES * exchanged / NETWORK_BYTES_S + 2 * MACHINES * EXCHANGES_S
    steps = EPOCHS * HOURS * ticks_per_hour / (CROPS_A_CORE * TrainConfig().length * cores)
    return {
        "read_h": HOURS * read_s_per_hour / cores / 3600,
        "train_h": steps * (work_s + exchange_s) / 3600,
        "exchange_share": exchange_s / (work_s + exchange_s),
        "steps": steps,
        "one_core_h": EPOCHS * HOURS * ticks_per_hour * tick_s / 3600,
        "machine_hours": MACHINES * (steps * (work_s + exchange_s) + HOURS * read_s_per_hour / cores) / 3600,
    }


if __name__ == "__main__":
    sys.exit(main())
