"""What a player's own voice (the adapter that ships) gains, costs, and whether one can tell whose it is.

`python -m benchmarks.voices [--dry] [--bars 64] [--no-listener]`. Ten players (inputs/ten_players.py) in random order,
each with a file of their own, from 4, 16 and 64 bars, with what the base plays by itself as rehearsal: as practice does
it where the corpus is not at hand. Nats a tick (parts summed) on pieces held out; a listener
(measures/voice_listener.py) names the player by 16 bars of reply over bass lines that neither the voices nor the
listener have met. Voices are kept in data_cache/voices and made once. Tuning an initial state or a state offset instead
is at commit 2938051, which measured them beside this.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.inputs.ten_players import Inputs, OneOfTen, inputs
from benchmarks.measures.voice_listener import described, told
from models.corpus import played_pieces
from models.corpus.song import Song
from models.music.features import reply_events
from models.music.tokens import EMPTY_REPLY, BassTick, TickInput
from models.responder import adapter
from models.responder.adapter import Adapter
from models.responder.responder import Responder
from models.training.adapter import Practice, begun, chosen, merged_net, nats, run
from models.training.adapter_course import AdapterConfig, Material, spread
from models.training.rehearsal import rehearsal

CACHE = ROOT / "data_cache" / "voices"
BARS = (64, 16, 4)
ORDER_SEED, REPLY_SEED = 22, 5
ASKED = 4  # of the bass lines: the listener is taught on the others
COST_PCT, TOLD_PCT, CPU_S, KILOBYTES = 0.5, 80.0, 60.0, 1000.0  # what is asked


@dataclass(frozen=True, slots=True)
class Measured:
    """One voice. player, base: nats before and after; cpu_s: of its making; bytes: of its file."""

    name: str
    player: tuple[float, float]
    base: tuple[float, float]
    cpu_s: float
    bytes: int

    @property
    def gain(self) -> float:
        return 100 * (self.player[1] / self.player[0] - 1)

    @property
    def cost(self) -> float:
        return 100 * (self.base[1] / self.base[0] - 1)


class Setting:
    """The responder, what it rehearses, and the nats without a voice."""

    def __init__(self, given: Inputs) -> None:
        self.given, self.responder = given, Responder.load()
        self.rehearsed = spread(rehearsal(self.responder, CACHE / "no-corpus", CACHE / "imagined.npz"))
        self.base = nats(self.responder.net, given.base)

    def voice(self, player: OneOfTen, bars: int) -> Adapter:
        """Make the voice of a player, or read it where it was made before."""
        stem = CACHE / f"adapter-{bars}-{player.name}"
        if not stem.with_suffix(".json").exists():
            began_s, learns = time.process_time(), player.first(bars)
            practice = Practice(AdapterConfig.of(sum(map(len, learns))), self.responder.net, self.responder.sha256)
            with contextlib.redirect_stdout(io.StringIO()):
                run(practice, Material(learns, self.rehearsed[0]))
            made = begun(practice, chosen(practice, Material(learns, self.rehearsed[1])), learns)
            about = {**made.about, "cpu_s": round(time.process_time() - began_s, 2)}
            adapter.save(stem, replace(made, about=about))
        return adapter.load(stem, self.responder.sha256, self.responder.config.shapes)

    def measured(self, player: OneOfTen, bars: int) -> Measured:
        voice = self.voice(player, bars)
        path = CACHE / f"adapter-{bars}-{player.name}-nats.json"
        if not path.exists():
            net = merged_net(self.responder.net, voice)
            mine = [nats(one, list(player.held_out)) for one in (self.responder.net, net)]
            path.write_text(json.dumps([mine, [self.base, nats(net, self.given.base)]]))
        mine, base = json.loads(path.read_text())
        return Measured(player.name, tuple(mine), tuple(base), float(voice.about["cpu_s"]), voice.bytes // 2)

    def again(self, player: OneOfTen, bars: int) -> float:
        """Return the player's nats with their file as it is by now."""
        return nats(merged_net(self.responder.net, self.voice(player, bars)), list(player.held_out))

    def replies(self, player: OneOfTen, bars: int) -> NDArray[np.float64]:
        """Return [lines, features] of what the base with this voice plays over every line."""
        path = CACHE / f"adapter-{bars}-{player.name}-replies.npy"
        if not path.exists():
            self.voice(player, bars)
            playing = Responder.load(adapter=CACHE / f"adapter-{bars}-{player.name}")
            np.save(path, np.stack([reply(playing, line, number) for number, line in enumerate(self.given.lines[::2])]))
        return np.asarray(np.load(path))


def reply(responder: Responder, line: Song, number: int) -> NDArray[np.float64]:
    """Describe what a responder plays over the bass of a line."""
    rng, state = np.random.default_rng([REPLY_SEED, number]), responder.initial_state()
    bass, last, made = BassTick(True), EMPTY_REPLY, []
    for place, heard, _ in played_pieces.played(line):
        state = responder.step(TickInput(place, bass, None, last), state)
        last, bass = responder.sample(state, rng), heard
        made.append(last)
    return described(last_heard(line.events.bass[:, 0]), *reply_events(made))


def last_heard(onsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the last pitch begun at each tick, -1 before the first."""
    at = np.maximum.accumulate(np.where(onsets >= 0, np.arange(len(onsets)), -1))
    return np.where(at >= 0, onsets[np.maximum(at, 0)], -1)


def share_told(found: Sequence[NDArray[np.float64]]) -> tuple[float, NDArray[np.int64]]:
    """Return how often a listener names the player by a reply over lines it was not taught on, and whom it named.

    found: of each player [lines, features]. The lines take turns in being asked, ASKED at a time.
    """
    x = np.stack(found)  # [players, lines, features]
    players, lines = x.shape[:2]
    whose, table = np.arange(players), np.zeros((players, players), np.int64)
    order = np.random.default_rng(ORDER_SEED).permutation(lines)
    for first in range(0, lines, ASKED):
        asked = np.isin(np.arange(lines), order[first : first + ASKED])
        taught = np.repeat(whose, (~asked).sum())
        said = told(x[:, ~asked].reshape(len(taught), -1), taught.tolist(), x[:, asked].reshape(-1, x.shape[2]))
        np.add.at(table, (np.repeat(whose, asked.sum()), said), 1)
    return float(np.trace(table) / table.sum()), table


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    options.add_argument("--bars", type=int, nargs="+", default=BARS)
    options.add_argument("--no-listener", action="store_true")
    given = options.parse_args()
    torch.set_num_threads(1)
    setting = Setting(inputs())
    order = np.random.default_rng(ORDER_SEED).permutation(len(setting.given.players))
    players = [setting.given.players[i] for i in order]
    for bars in given.bars:
        done = [setting.measured(player, bars) for player in players]
        heard = None if given.no_listener else share_told([setting.replies(player, bars) for player in players])
        since = [setting.again(p, bars) / one.player[1] - 1 for p, one in zip(players, done, strict=True)]
        Console(width=120).print(table(bars, done, heard))
        print(f"earlier players since theirs at worst {100 * max(since):+.2f}%")
        if not given.dry:
            made = figures(done, heard) | {"earlier_worst_rise_pct": round(100 * max(since), 2)}
            results.append("voices", f"adapter, {bars} bars", made)


def figures(done: Sequence[Measured], heard: tuple[float, NDArray[np.int64]] | None) -> dict[str, Any]:
    """In percent, CPU seconds and kilobytes. worse: players whose held-out pieces are foretold worse than before."""
    made: dict[str, Any] = {
        "players_change_pct": {one.name: round(one.gain, 2) for one in done},
        "mean_change_pct": round(float(np.mean([one.gain for one in done])), 2),
        "worse": sum(one.gain > 0 for one in done),
        "base_worst_rise_pct": round(max(one.cost for one in done), 2),
        "cpu_s_worst": max(one.cpu_s for one in done),
        "kilobytes": round(max(one.bytes for one in done) / 1000, 1),
    }
    return made | ({"told_pct": round(100 * heard[0], 1)} if heard else {})


def table(bars: int, done: Sequence[Measured], heard: tuple[float, NDArray[np.int64]] | None) -> Table:
    made = figures(done, heard)
    title = f"{bars} bars: {made['mean_change_pct']:+.1f}% for the players, base at worst "
    title += f"{made['base_worst_rise_pct']:+.2f}%, {made['cpu_s_worst']:.0f} s of CPU, {made['kilobytes']} kB"
    kept = made["worse"] == 0 and made["base_worst_rise_pct"] <= COST_PCT and made["kilobytes"] <= KILOBYTES
    kept = kept and made["cpu_s_worst"] <= CPU_S and made.get("told_pct", TOLD_PCT) >= TOLD_PCT
    title += (f", told {made['told_pct']}%" if heard else "") + (": as asked" if kept else ": NOT as asked")
    out = Table(title=title)
    for name in ("player", "before", "after", "change", "base", "CPU s", "told"):
        out.add_column(name, justify="left" if name == "player" else "right")
    for number, one in enumerate(done):
        right = f"{heard[1][number, number]}/{heard[1][number].sum()}" if heard else ""
        row = (
            f"{one.player[0]:.3f}",
            f"{one.player[1]:.3f}",
            f"{one.gain:+.1f}%",
            f"{one.cost:+.2f}%",
            f"{one.cpu_s:.1f}",
        )
        out.add_row(one.name, *row, right)
    return out


if __name__ == "__main__":
    main()
