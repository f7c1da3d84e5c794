"""What five players' adapters gain them, and what they cost the base corpus and each other: the forgetting matrix.

`python -m benchmarks.forgetting [--dry] [--fresh]`. Players are adapted to one after the other. The ways: one adapter
for all, going on from player to player, without and with rehearsal (models.course); and one for each, with rehearsal:
what ships. Nats a tick (parts summed) on pieces held out of everything. Adapters are cached in data_cache/forgetting.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks import results
from benchmarks.players import Player, players
from models.corpus.song import Song, load_songs
from models.paths import ROOT
from models.responder import adapter
from models.responder.adapter import Adapter
from models.responder.responder import Responder
from models.training.adapter import Practice, chosen, merged_net, nats, run
from models.training.adapter_course import AdapterConfig, Material
from models.training.evaluate import held_out
from models.training.rehearsal import rehearsal

CACHE = ROOT / "data_cache" / "forgetting"
PICTURE = ROOT / "docs" / "forgetting.png"
PER_METER = 3  # of the corpus's test pieces, by source and meter
GAIN, COST = 0.05, 0.01  # what was promised: each player at least, base and earlier players at most


@dataclass(frozen=True, slots=True)
class Way:
    """one: whether a single adapter goes from player to player. rehearsed: whether old material is, and the strength
    chosen by it. corpus: whether that is the base's corpus; else what the base plays by itself."""

    name: str
    one: bool
    rehearsed: bool
    corpus: bool = True


WAYS = (
    Way("one adapter, no rehearsal", True, False),
    Way("one each, no rehearsal", False, False),
    Way("one each, rehearsed (ships)", False, True),
    Way("one each, rehearsing its own playing (ships, without the corpus)", False, True, False),
    Way("one adapter, rehearsed", True, True),
)


@dataclass
class Setting:
    """What every way is measured on."""

    responder: Responder
    players: list[Player]
    base: list[Song]
    imagined: list[Song]
    test: list[Song]

    def nats(self, added: Adapter | None) -> list[float]:
        """Of the base corpus, then of each player."""
        net = merged_net(self.responder.net, added) if added else self.responder.net
        return [nats(net, songs) for songs in (self.test, *(player.held_out for player in self.players))]

    def adapted(self, way: Way, number: int, start: Adapter | None, fresh: bool) -> Adapter:
        """The adapter after player `number` (from 0)."""
        stem = CACHE / f"{way.name.split(' (')[0].replace(', ', '-').replace(' ', '-')}-{number}"
        shapes = self.responder.config.shapes
        if stem.with_suffix(".json").exists() and not fresh:
            return adapter.load(stem, self.responder.sha256, shapes)
        config = AdapterConfig(seed=number)
        config = config if way.rehearsed else replace(config, rehearsed=0)
        earlier = [player.learns for player in self.players[:number]]
        base = self.base if way.corpus else self.imagined
        practice = Practice(config, self.responder.net, self.responder.sha256, start if way.one else None)
        learn, apart = Material(self.players[number].learns, base, earlier if way.one else ()).kept_apart()
        run(practice, learn)
        made = chosen(practice, apart) if way.rehearsed else practice.adapter()
        adapter.save(stem, made)
        return adapter.load(stem, self.responder.sha256, shapes)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl, draw nothing")
    options.add_argument("--fresh", action="store_true", help="adapt again even where the cache has it")
    given = options.parse_args()
    torch.set_num_threads(1)
    songs = load_songs()
    five, rest = players(songs)
    known = [song for song in songs if song.split == "train"] + [song for song in rest if song.split == "valid"]
    responder = Responder.load()
    imagined = rehearsal(responder, CACHE / "no-corpus", CACHE / "imagined.npz")
    setting = Setting(responder, five, known, imagined, held_out(rest, "test", PER_METER))
    names, before, measured = ["base", *(p.name for p in five)], np.array(setting.nats(None)), {}
    for way in WAYS:
        matrix = np.array(list(losses(setting, way, before, given.fresh)))
        measured[way.name] = matrix
        Console().print(table(way, names, before, matrix))
        if not given.dry:
            results.append("forgetting", way.name, figures(names, before, matrix))
    if not given.dry:
        draw(PICTURE, names, before, measured)


def losses(setting: Setting, way: Way, before: NDArray[Any], fresh: bool) -> Iterator[list[float]]:
    """After each adaptation: the base's loss (with one adapter each: the worst so far), then every player's with what
    he would play with then."""
    start, worst, own = None, float(before[0]), [float(x) for x in before[1:]]
    for number in range(len(setting.players)):
        start = setting.adapted(way, number, start, fresh)
        now = setting.nats(start)
        if way.one:
            yield now
            continue
        worst, own[number] = max(worst, now[0]), now[1 + number]
        yield [worst, *own]


def figures(names: Sequence[str], before: NDArray[Any], matrix: NDArray[Any]) -> dict[str, Any]:
    """In percent: each player's change right after his adaptation; the worst rise of the base; the worst rise of an
    earlier player since his own adaptation; and the whole matrix."""
    after = np.diag(matrix[:, 1:])
    gains = 100 * (after / before[1:] - 1)
    since = [matrix[k, 1 + j] / after[j] - 1 for k in range(len(matrix)) for j in range(k)]
    return {
        "players_change_pct": dict(zip(names[1:], np.round(gains, 2).tolist(), strict=True)),
        "least_gain_pct": round(float(gains.max()), 2),
        "base_worst_rise_pct": round(100 * float(matrix[:, 0].max() / before[0] - 1), 2),
        "earlier_worst_rise_pct": round(100 * max(since), 2),
        "before_nats": np.round(before, 4).tolist(),
        "matrix_nats": np.round(matrix, 4).tolist(),
    }


def table(way: Way, names: Sequence[str], before: NDArray[Any], matrix: NDArray[Any]) -> Table:
    """Rows: after each adaptation; nats a tick, and the change since before any."""
    made = figures(names, before, matrix)
    kept = made["least_gain_pct"] <= -100 * GAIN and made["base_worst_rise_pct"] < 100 * COST
    kept = kept and made["earlier_worst_rise_pct"] < 100 * COST
    title = f"{way.name}: base at worst {made['base_worst_rise_pct']:+.2f}%, earlier players since theirs at worst "
    title += f"{made['earlier_worst_rise_pct']:+.2f}%, least change for a player {made['least_gain_pct']:+.1f}%: "
    out = Table(title=title + ("as promised" if kept else "NOT as promised"))
    for name in ("after", *names):
        out.add_column(name, justify="left" if name == "after" else "right")
    out.add_row("none", *(f"{x:.3f}" for x in before))
    for number, row in enumerate(matrix):
        cells = [f"{x:.3f} ({100 * (x / b - 1):+.1f}%)" for x, b in zip(row, before, strict=True)]
        cells[1 + number] = f"[bold]{cells[1 + number]}[/bold]"
        out.add_row(names[1 + number], *cells)
    return out


def draw(path: Path, names: Sequence[str], before: NDArray[Any], measured: dict[str, NDArray[Any]]) -> None:
    """One picture a way: change of the loss in percent."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(measured), figsize=(4.2 * len(measured), 3.6), constrained_layout=True)
    for axis, (way, matrix) in zip(axes, measured.items(), strict=True):
        change = 100 * (matrix / before - 1)
        axis.imshow(np.clip(change, -30, 30), cmap="RdYlGn_r", vmin=-30, vmax=30)
        for (row, column), value in np.ndenumerate(change):
            axis.text(column, row, f"{value:+.1f}", ha="center", va="center", fontsize=8)
        axis.set_xticks(range(len(names)), names)
        axis.set_yticks(range(len(matrix)), [f"after {name}" for name in names[1:]])
        axis.set_title(way.replace(" (ships", "\n(ships"), fontsize=9)
    figure.suptitle("Held-out loss, change in % since before any adaptation", fontsize=10)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
