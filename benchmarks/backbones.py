"""LSTM against SSM at equal size, on one core: what a thousand training tokens and a tick of playing cost.

`python benchmarks/backbones.py [--quick]`. Equal size: the width whose backbone comes nearest to 1 or 2 million
parameters. Costs are CPU time of this thread, so that a busy machine counts less; p99 of wall time is beside them.
Flat: the median step at the start of a stream against that after 100,000 ticks. The scores (nats per frame) are in
counterpoint.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before NumPy: a matrix product of a tick waits for a second thread

import numpy as np  # noqa: E402
import torch  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks import results  # noqa: E402
from models.backbones import registry as backbones  # noqa: E402

INPUT_DIM, COND_DIM, LAYERS = 128, 24, 2
BATCH, TICKS = 8, 256  # of a training step
SIZES = (1_000_000, 2_000_000)  # parameters
TRAINING_S, STEPS, LONG_TICKS = 6.0, 2000, 100_000
COPIES = 200


def training_ktokens_per_cpu_s(net: torch.nn.Module, seconds: float) -> float:
    """Forward and backward of batches [8, 256], thousand tokens per CPU second."""
    x, c = torch.randn(BATCH, TICKS, INPUT_DIM), torch.randn(BATCH, TICKS, COND_DIM)
    net(x, c)[0].square().mean().backward()
    start, done = time.process_time(), 0
    while time.process_time() - start < seconds:
        net(x, c)[0].square().mean().backward()
        done += 1
    return done * BATCH * TICKS / 1000 / (time.process_time() - start)


def step_ms(player: backbones.Step, ticks: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(CPU, wall) milliseconds of every tick, and the last state."""
    rng = np.random.default_rng(0)
    x, c = (rng.standard_normal((256, size)).astype(np.float32) for size in (INPUT_DIM, COND_DIM))
    state, cpu, wall = player.initial_state(), np.empty(ticks), np.empty(ticks)
    for tick in range(ticks):
        start, start_wall = time.thread_time(), time.perf_counter()
        _, state = player.step(x[tick % 256], c[tick % 256], state)
        cpu[tick], wall[tick] = time.thread_time() - start, time.perf_counter() - start_wall
    return 1000 * cpu, 1000 * wall, state


def copy_us(state: np.ndarray) -> float:
    """The median copy of a state."""
    spent = []
    for _ in range(COPIES):
        start = time.perf_counter()
        state.copy()
        spent.append(time.perf_counter() - start)
    return 1e6 * float(np.median(spent))


def measured(name: str, size: int, seconds: float, long_ticks: int) -> dict[str, Any]:
    torch.manual_seed(0)
    hidden = backbones.sized_hidden(name, INPUT_DIM, COND_DIM, LAYERS, size)
    net = backbones.build(name, INPUT_DIM, COND_DIM, hidden, LAYERS)
    cpu_ms, wall_ms, state = step_ms(backbones.stepper(name, net), max(long_ticks, STEPS))
    return {
        "parameters": backbones.parameters(net),
        "hidden": hidden,
        "training_ktokens_per_cpu_s": training_ktokens_per_cpu_s(net, seconds),
        "step_cpu_p50_ms": float(np.median(cpu_ms[-STEPS:])),
        "step_cpu_p99_ms": float(np.quantile(cpu_ms[-STEPS:], 0.99)),
        "step_wall_p99_ms": float(np.quantile(wall_ms[-STEPS:], 0.99)),
        "step_cpu_p50_first_ticks_ms": float(np.median(cpu_ms[100 : 100 + STEPS // 2])),
        "ticks": max(long_ticks, STEPS),
        "state_kb": state.nbytes / 1000,
        "copy_us": copy_us(state),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="2,000 ticks and 1 s of training, nothing appended")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows = [(name, size) for size in SIZES for name in sorted(backbones.BACKBONES)]
    print(
        "backbone  parameters  ktokens/CPU-s  step p50  p99  (wall p99) ms   p50 at tick 0 -> last   state kB  copy us"
    )
    for name, size in rows:
        row = measured(name, size, 1.0 if args.quick else TRAINING_S, STEPS if args.quick else LONG_TICKS)
        print(
            f"{name:<9} {row['parameters']:>10,}  {row['training_ktokens_per_cpu_s']:13.1f}"
            f"  {row['step_cpu_p50_ms']:8.3f}  {row['step_cpu_p99_ms']:.3f}  ({row['step_wall_p99_ms']:.2f})"
            f"   {row['step_cpu_p50_first_ticks_ms']:.3f} ->"
            f" {row['step_cpu_p50_ms']:.3f} at {row['ticks']:,}   {row['state_kb']:.0f}  {row['copy_us']:.1f}",
            flush=True,
        )
        if not (args.quick or args.dry):
            results.append("backbones", f"{name}, {size // 1_000_000} M", row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
