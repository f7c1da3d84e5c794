"""Micro-timing and velocity of the shipped humaniser against Groove MIDI's official test split, beside simple tables.

    python benchmarks/groove.py

Every system is told piece, level, place, tempo and style of each hit; "feel told" adds the take's swing and mean
lateness. Needs ../shared (through data_cache/groove.npz). Appends to benchmarks/results.jsonl.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import results
from benchmarks.groove_tables import (
    BINS,
    RANGE_MS,
    Drawn,
    Floats,
    Played,
    Quantised,
    by_piece,
    by_piece_and_tick,
    feel_told,
    level_of,
    tuned,
)
from listener.types import Meter
from models.music.features import Ints
from models.music.tokens import LEVEL_VELOCITY, PIECES, DrumHit, Position
from models.timing import groove_dataset
from models.timing.drum_timing import Timing
from models.timing.groove_dataset import LOOSE, Take
from models.timing.net import Feel
from models.training import timing
from models.training.timing import style_name

ASKED_SWING, ASKED_LATE_MS = (0.5, 0.58, 0.667), (-20.0, 0.0, 20.0)
DIAL_TICKS = 256


def jsd_bits(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Jensen-Shannon divergence of two histograms, 0 to 1 bit (Lin 1991)."""
    p, q = (np.asarray(h, float) / max(float(np.sum(h)), 1e-12) for h in (a, b))
    mean = (p + q) / 2
    kl = [float(np.sum(x[x > 0] * np.log2(x[x > 0] / mean[x > 0]))) for x in (p, q)]
    return sum(kl) / 2


@dataclass(frozen=True, slots=True)
class Ours:
    model: Timing
    told: bool

    def nats(self, take: Take) -> tuple[Floats, Floats]:
        batch = timing.collate([take], [feel_told(take, self.told)], [style_name(take)])
        with torch.inference_mode():
            offset, velocity = timing.nats(self.model.net, batch)
        return offset[0].double().numpy(), velocity[0].double().numpy()

    def play(self, take: Take, rng: np.random.Generator) -> Played:
        return play(self.model, take, rng, feel_told(take, self.told))


System = Drawn | Quantised | Ours


def play(model: Timing, take: Take, rng: np.random.Generator, feel: Feel, style: str | None = None) -> Played:
    """The take's hits drawn anew, tick by tick, each with its level's middle velocity as the only hint."""
    state, found, bar = model.initial_state(), [], take.meter.numerator * 16 // take.meter.denominator
    ends = np.searchsorted(take.tick, np.arange(int(take.tick[-1]) + 2))
    levels = level_of(take)
    for tick in range(int(take.tick[-1]) + 1):
        own = range(ends[tick], ends[tick + 1])
        hits = tuple(DrumHit(PIECES[take.piece[i]], LEVEL_VELOCITY[levels[i]]) for i in own)
        place = Position(tick % bar, tick // bar, take.meter)
        style = style or style_name(take)
        drawn, state = model.step(hits, place, take.tempo_bpm, state, rng, feel.swing, feel.late_ms, style)
        found += drawn
    offset, velocity = zip(*found, strict=True)
    return np.array(offset), np.array(velocity)


def grouped_jsd(true: NDArray[np.generic], made: NDArray[np.generic], groups: Ints, edges: Floats) -> float:
    """JSD within each group, weighted by its size."""
    sizes, divergences = [], []
    for group in np.unique(groups):
        inside = groups == group
        divergences.append(jsd_bits(np.histogram(true[inside], edges)[0], np.histogram(made[inside], edges)[0]))
        sizes.append(inside.sum())
    return float(np.average(divergences, weights=sizes))


def lag_one(takes: list[Take], offsets: list[Floats]) -> float:
    """Correlation of one onset's mean offset with the next one's, each take's mean taken out."""
    above = below = 0.0
    for take, offset in zip(takes, offsets, strict=True):
        _, inverse = np.unique(take.tick, return_inverse=True)
        mean = np.bincount(inverse, offset) / np.bincount(inverse)
        mean = mean - mean.mean()
        above, below = above + float(mean[:-1] @ mean[1:]), below + float(mean @ mean)
    return above / max(below, 1e-9)


def figures(system: System, takes: list[Take], seed: int = 0) -> dict[str, float]:
    """All measures over whole takes; likelihood also over the takes that are on the grid."""
    rng = np.random.default_rng(seed)
    nats = [system.nats(timing.spread(take, rng)) for take in takes]
    on_grid = [n for n, take in zip(nats, takes, strict=True) if take.looseness < LOOSE]
    played = [system.play(take, rng) for take in takes]
    true, made = (np.concatenate(x) for x in ([t.offset_ms for t in takes], [p[0] for p in played]))
    true_velocity, velocity = (np.concatenate(x) for x in ([t.velocity for t in takes], [p[1] for p in played]))
    piece, tick = (np.concatenate(x) for x in ([t.piece for t in takes], [t.tick % 4 for t in takes]))
    edges = np.linspace(-RANGE_MS, RANGE_MS, BINS // 2 + 1)
    return {
        "offset nats/hit": float(np.concatenate([n[0] for n in nats]).mean()),
        "on grid": float(np.concatenate([n[0] for n in on_grid]).mean()),
        "velocity nats/hit": float(np.concatenate([n[1] for n in nats]).mean()),
        "offset JSD piece bits": grouped_jsd(true, made, piece, edges),
        "offset JSD tick bits": grouped_jsd(true, made, tick, edges),
        "velocity JSD bits": grouped_jsd(true_velocity, velocity, piece, np.arange(0.5, 128, 4)),
        "lag-1": lag_one(takes, [p[0] for p in played]),
    }


def dials(model: Timing, takes: list[Take]) -> list[dict[str, float]]:
    """What is asked for and what comes out, over the first ticks of straight 4/4 test beats."""
    chosen = [t for t in takes if t.kind == "beat" and t.meter.denominator == 4 and not t.swung]
    chosen = [timing.cut(t, 0, int(np.searchsorted(t.tick, DIAL_TICKS))) for t in chosen][:24]
    out = []
    for swing, late in ((s, m) for s in ASKED_SWING for m in ASKED_LATE_MS):
        rng, late_found, swing_found = np.random.default_rng(0), [], []
        for take in chosen:
            offset, _ = play(model, take, rng, Feel(swing, late))
            straight = offset - Feel(swing).expected_ms(take.tick % 16, take.meter, take.tick_ms)
            late_found.append(straight)
            place = 0.5 + (offset - straight.mean())[take.tick % 4 == 2] / (4 * take.tick_ms)
            swing_found.append(place)
        row = {"asked swing": swing, "asked late ms": late, "swing": float(np.concatenate(swing_found).mean())}
        out.append(row | {"late ms": float(np.concatenate(late_found).mean())})
    return out


def speed(model: Timing, hits: int = 4, ticks: int = 1500) -> dict[str, float]:
    state, rng, spent = model.initial_state(), np.random.default_rng(0), []
    struck = tuple(DrumHit(piece, 90) for piece in PIECES[:hits])
    for tick in range(ticks):
        started = time.perf_counter()
        _, state = model.step(struck, Position(tick % 16, tick // 16, Meter(4, 4)), 120, state, rng)
        spent.append((time.perf_counter() - started) * 1e3 / hits)
    return {f"ms per hit p{q}": float(np.percentile(spent, q)) for q in (50, 99)}


def main() -> int:
    if not groove_dataset.CACHE.exists() and not groove_dataset.ARCHIVE.exists():
        print(f"skipped: ../shared is absent ({groove_dataset.ARCHIVE})")
        return 0
    takes, model = groove_dataset.takes(), Timing.load()
    test = [t for t in takes if t.split == "test"]
    hits = np.concatenate([t.offset_ms for t in takes if t.split == "train"])
    systems: dict[str, System] = {
        "quantised": Quantised(float(np.abs(hits).mean())),
        "drawn per piece": tuned(by_piece, False, takes),
        "drawn per piece and tick": tuned(by_piece_and_tick, False, takes),
        "drawn per piece and tick, feel told": tuned(by_piece_and_tick, True, takes),
        "timing (shipped)": Ours(model, False),
        "timing (shipped), feel told": Ours(model, True),
    }
    table = {name: figures(system, test) for name, system in systems.items()}
    asked, spent = dials(model, test), speed(model)
    show(table, test, asked, spent)
    for name, row in table.items():
        rounded = {key: round(value, 4) for key, value in row.items()}
        extra: dict[str, object] = {**spent, "dials": asked} if name == "timing (shipped)" else {}
        results.append("groove", name, {"takes": len(test), "hits": sum(map(len, test)), **rounded, **extra})
    ours, best = table["timing (shipped)"], table["drawn per piece and tick"]
    return 0 if ours["offset nats/hit"] < best["offset nats/hit"] else 1


def show(table: dict[str, dict[str, float]], test: list[Take], asked: list[dict[str, float]], spent: object) -> None:
    print(f"Groove MIDI test split: {len(test)} takes, {sum(map(len, test)):,} hits; offsets as a density per ms")
    truth = lag_one(test, [t.offset_ms for t in test])
    columns = list(next(iter(table.values())))
    print(f"{'':37}" + "".join(f"{c:>22}" for c in columns))
    for name, row in table.items():
        print(f"{name:37}" + "".join(f"{row[c]:22.3f}" for c in columns))
    print(f"{'truth':37}" + " " * 22 * (len(columns) - 1) + f"{truth:22.3f}\n")
    for row in asked:
        print("   ".join(f"{key} {value:.3f}" for key, value in row.items()))
    print(spent)


if __name__ == "__main__":
    sys.exit(main())
