"""Does long context help? Held-out nats per tick when the model has heard the last 1, 2 ... 64 bars and no more.

    python -m benchmarks.context [--weights STEM ...] [--bars 48] [--all]

The same bars are scored with every context: those that lie 64 bars or more after a song's beginning, of composed songs
(--all: of all test songs). Beside them "counts given the bar before" (one bar of context). Plot: docs/context.png.
Needs data_cache/responder.npz. Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.baselines.rules import Counts
from benchmarks.common import results
from models.corpus.song import CACHE, Song, load_songs
from models.music.tokens import PARTS
from models.responder.responder import WEIGHTS, Responder
from models.training.batches import collate, crop_of

CONTEXTS = (1, 2, 4, 8, 16, 32, 64)
PLOT = Path(__file__).resolve().parents[1] / "docs" / "context.png"
Place = tuple[Song, int, int]  # a bar to score: its song, first tick, end


def places(songs: list[Song], count: int, seed: int = 0) -> list[Place]:
    """Bars with CONTEXTS[-1] bars before them, spread over the songs that are long enough."""
    found: list[Place] = []
    for song in songs:
        starts = [*np.flatnonzero(np.diff(song.bars, prepend=-1)).tolist(), len(song)]
        found += [(song, starts[bar], starts[bar + 1]) for bar in range(CONTEXTS[-1], len(starts) - 1)]
    chosen = np.random.default_rng(seed).permutation(len(found))[:count]
    return [found[index] for index in sorted(chosen)]


def nats(model: Responder, place: Place, context: int) -> float:
    """Nats per tick of the bar when the song begins `context` bars before it."""
    song, start, end = place
    first = int(np.argmax(song.bars >= song.bars[start] - context))
    crop = crop_of(song, first, end - first, model.sound_dim, int(song.bars[first]) % 4)
    made = collate([crop], model.config.past)
    with torch.inference_mode():
        logits = model.net(*made.given).flatten(0, 1)
        found = model.net.nll(logits, made.rows.flatten(0, 1), made.targets)
    total = torch.stack([found[part] for part in PARTS]).sum(0)
    return float(total[start - first :].mean())


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.context", description=__doc__)
    parser.add_argument("--weights", type=Path, nargs="+", default=[WEIGHTS])
    parser.add_argument("--bars", type=int, default=48)
    parser.add_argument("--all", action="store_true", help="accompaniments made by rule too, which repeat themselves")
    args = parser.parse_args(argv)
    if not CACHE.exists():
        print("skipped: data_cache/responder.npz is absent; it is built from ../shared by `python -m models.data`")
        return 0
    songs = load_songs()
    held = places([s for s in songs if s.split == "test" and (args.all or s.source != "mma")], args.bars)
    rows = {}
    for stem in args.weights:
        model = Responder.load(stem)
        table = [[nats(model, place, c) for c in CONTEXTS] for place in tqdm(held, desc=stem.name, mininterval=5)]
        rows[stem.name] = np.mean(table, 0).tolist()
    counts = Counts([s for s in songs if s.split == "train"], bar_before=True)
    rows["counts given the bar before"] = [float(np.mean([_counted(counts, place) for place in held]))]
    print(f"{len(held)} bars of {len({p[0].name for p in held})} songs; nats per tick with so many bars heard")
    print(f"{'':30}" + "".join(f"{c:>8}" for c in CONTEXTS))
    for name, row in rows.items():
        print(f"{name:30}" + "".join(f"{value:8.3f}" for value in row))
        results.append("context", name, {f"{c} bars": round(v, 4) for c, v in zip(CONTEXTS, row, strict=False)})
    plot(rows)
    return 0


def _counted(counts: Counts, place: Place) -> float:
    song, start, end = place
    return float(sum(values[start:end].mean() for values in counts.nats(song).values()))


def plot(rows: dict[str, list[float]]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
    for name, row in rows.items():
        if len(row) == 1:
            axes.axhline(row[0], linestyle=":", color="grey", label=name)
        else:
            axes.plot(CONTEXTS, row, marker="o", label=name)
    axes.set(xscale="log", xlabel="bars heard before", ylabel="nats per tick", xticks=CONTEXTS, xticklabels=CONTEXTS)
    axes.minorticks_off()
    axes.legend(frameon=False)
    figure.savefig(PLOT, dpi=100)


if __name__ == "__main__":
    sys.exit(main())
