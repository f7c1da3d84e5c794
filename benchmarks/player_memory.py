"""What a memory of the player's own music does at once, without training: nats a tick with it and without.

`python -m benchmarks.player_memory [--dry]`. The players of benchmarks/inputs/players.py. Two questions: a player's
earlier pieces known, other pieces of that player (half of what is held out; the memory's few settings were chosen on
the other half); and of one piece, the later bars given the earlier ones. Beside it, what a memory of a player costs the
base corpus, and how long a tick takes.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.forgetting import CACHE
from benchmarks.inputs.players import HELD_OUT, Player, players
from models.corpus.song import Song
from models.music import tokens
from models.music.features import COLUMN, NO_PC, Memory
from models.responder import adapter
from models.responder.net import ResponderNet
from models.responder.recall import COLUMNS, ENTRIES, KEY, PlayerMemory, key_of
from models.responder.responder import Responder
from models.training.adapter import merged_net
from models.training.batches import Batch, collate, crop_of
from models.training.evaluate import PIECE_TICKS, held_out

Floats = NDArray[np.float32]
TRIALS = 2000


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece stepped through: logits [T, H], what held in each tick, and what to remember of it [T, COLUMNS]."""

    song: Song
    batch: Batch
    logits: Floats
    memories: list[Memory]
    values: NDArray[np.int16]


def heard(net: ResponderNet, song: Song) -> Heard:
    length = min(len(song), PIECE_TICKS)
    batch = collate([crop_of(song, 0, length, net.config.sound_dim)], net.config.past)
    with torch.inference_mode():
        logits = net(*batch.given)[0].numpy()
    refs = batch.rows[0][:, [COLUMN["bass_ref"], COLUMN["root"]]].numpy()
    held = np.where(refs == NO_PC, -1, refs).tolist()
    memories = [Memory(bass_ref=bass, root=root) for bass, root in held]
    drums, chord, line = (x.numpy() for x in (batch.targets.drums, batch.targets.chord, batch.targets.line))
    bass, root = np.array([m.bass_ref for m in memories]), chord[:, 2]
    above_bass = np.where((chord[:, 0] == tokens.NEW) & (bass >= 0), (root - bass) % 12, -1)
    above_root = np.where((line[:, 0] == tokens.LINE_ON) & (root >= 0), (line[:, 2] + tokens.LINE_LOW - root) % 12, -1)
    values = np.column_stack([drums, chord[:, 0], above_bass, line[:, 0], above_root]).astype(np.int16)
    return Heard(song, batch, logits, memories, values)


def know(memory: PlayerMemory, piece: Heard, ticks: slice = slice(None)) -> None:
    for logits, value in zip(piece.logits[ticks], piece.values[ticks], strict=True):
        memory.put(key_of(logits), value)


def nats(net: ResponderNet, pieces: Iterable[tuple[Heard, PlayerMemory | None]], first: float = 0.0) -> float:
    """Nats a tick, the parts summed, from this share of each piece on."""
    sums: dict[str, list[float]] = defaultdict(list)
    for piece, memory in pieces:
        logits = piece.logits
        if memory is not None:
            logits = np.stack([memory.recalled(x, m) for x, m in zip(logits, piece.memories, strict=True)])
        with torch.inference_mode():
            found = net.nll(torch.from_numpy(logits), piece.batch.rows[0], piece.batch.targets)
        for part, has in zip(tokens.PARTS, piece.song.has, strict=True):
            if has:
                sums[part] += found[part][int(first * len(logits)) :].tolist()
    return sum(float(np.mean(values)) for values in sums.values())


def measured(net: ResponderNet, player: Player, base: Sequence[Song]) -> dict[str, float]:
    """Change in percent: other pieces, later bars, base corpus."""
    memory = PlayerMemory()
    for song in player.learns:
        know(memory, heard(net, song))
    others = [heard(net, song) for song in player.held_out[HELD_OUT // 2 :]]
    plain, corpus = nats(net, [(p, None) for p in others]), [heard(net, song) for song in base]
    own = []
    for piece in others:
        earlier = PlayerMemory()
        know(earlier, piece, slice(0, len(piece.logits) // 2))
        own.append((piece, earlier))
    later = nats(net, [(p, None) for p in others], 0.5)
    return {
        "before_nats": round(plain, 4),
        "other_pieces_pct": _percent(nats(net, [(p, memory) for p in others]), plain),
        "later_bars_pct": _percent(nats(net, own, 0.5), later),
        "base_pct": _percent(nats(net, [(p, memory) for p in corpus]), nats(net, [(p, None) for p in corpus])),
    }


def _percent(after: float, before: float) -> float:
    return round(100 * (after / before - 1), 2)


def search_ms(trials: int = TRIALS) -> dict[str, float]:
    """A tick's recall in a full memory: median and 99th percentile."""
    rng = np.random.default_rng(0)
    memory, logits = PlayerMemory(), rng.normal(size=(64, 350)).astype(np.float32) * 3
    for number in range(ENTRIES):
        key = rng.normal(size=KEY).astype(np.float32)
        value = rng.integers(0, 3, COLUMNS).astype(np.int16)
        memory.put(key_of(logits[number % 64]) if number % 2 else key / np.linalg.norm(key), value)
    took = []
    for number in range(trials):
        begun = time.perf_counter()
        memory.recalled(logits[number % 64], Memory(bass_ref=3, root=5))
        took.append(1000 * (time.perf_counter() - begun))
    return {
        "entries": ENTRIES,
        "median_ms": round(float(np.median(took)), 3),
        "p99_ms": round(float(np.percentile(took, 99)), 3),
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    given = options.parse_args()
    torch.set_num_threads(1)
    responder = Responder.load()
    five, rest = players()
    base = held_out(rest, "test", 1)
    found = {f"{player.name}, memory alone": measured(responder.net, player, base) for player in five}
    for number, player in enumerate(five):
        stem = CACHE / f"one-each-rehearsed-{number}"
        if stem.with_suffix(".json").exists():
            added = adapter.load(stem, responder.sha256, responder.config.shapes)
            found[f"{player.name}, on top of his adapter"] = measured(merged_net(responder.net, added), player, base)
    Console().print(table(found))
    took = search_ms()
    Console().print(took)
    if not given.dry:
        for name, row in found.items():
            results.append("player_memory", name, row)
        results.append("player_memory", "search", took)


def table(found: dict[str, dict[str, float]]) -> Table:
    out = Table(title="A memory of the player's music: change of nats a tick against the same network without it")
    for name in ("", "before", "other pieces of the player", "later bars, the earlier known", "base corpus"):
        out.add_column(name, justify="right" if name else "left")
    for name, row in found.items():
        cells = (f"{row[key]:+.1f}%" for key in ("other_pieces_pct", "later_bars_pct", "base_pct"))
        out.add_row(name, f"{row['before_nats']:.3f}", *cells)
    return out


if __name__ == "__main__":
    main()
