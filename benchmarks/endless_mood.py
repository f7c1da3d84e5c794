"""Hours of a mood, faster than real time: does it drift, fall silent, grow or repeat a minute?

    python -m benchmarks.endless_mood [--hours 6] [--moods "focus;calm;drive;dark"] [--seed 0]
    python -m benchmarks.endless_mood --glides "calm;drive;dark" [--minutes 4]

The mind alone plays (no sound is rendered). Columns: hours; sections; themes, and how many sections brought one back;
minutes that are note for note like an earlier minute; the longest stretch of bars, in seconds, whose notes of bass and
band all come again as they were; the longest silence of bass and band in seconds; tempo, loudness (mean velocity) and
notes a minute of the last hour against the first, in per cent; growth of the process in MiB an hour after the first
half hour; CPU seconds for an hour of music.

glides: one mood after the other. For each change: seconds from the wish to the first bar at another tempo, bars from
there until it has arrived, the largest change of tempo from bar to bar in per cent, the longest silence. Appends to
results.jsonl. Without a counterpart: no peer at hand plays endless music offline.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import sys
import time
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.settings import Config
from agent.core.types import PlannedNote
from agent.mind.mind import Mind
from agent.mood.mood_session import with_mood
from agent.mood.mood_words import mood_of
from benchmarks.common import results
from listener.types import FRAME_S, FRAME_SAMPLES, Frame
from models.music.tokens import Position

SILENCE = np.zeros(FRAME_SAMPLES, np.float32)
WARM_S = 1_800.0
COLUMNS = (
    "hours", "sections", "themes", "returns", "minutes_again", "again_s", "longest_silence_s", "tempo_percent",
    "velocity_percent", "density_percent", "mib_an_hour", "cpu_s_an_hour",
)  # fmt: skip
MOVED = 0.02  # share of the way between two tempi, at either end, that counts as not begun and as arrived


@dataclass
class Tally:
    """What is counted of the music, minute by minute; notes are kept until their minute is over, so that what grows is
    what is measured. minutes: (mark, notes, mean velocity) of each; bar_marks: of each bar."""

    minutes: list[tuple[str, int, float]] = field(default_factory=list)
    notes: dict[int, list[PlannedNote]] = field(default_factory=dict)
    bars: dict[int, list[tuple[str, int, int]]] = field(default_factory=dict)
    bar_marks: list[int] = field(default_factory=list)
    ticks_per_bar: int = 16
    tempi: list[float] = field(default_factory=list)
    ends_s: float = 0.0
    longest_silence_s: float = 0.0

    def add(self, notes: tuple[PlannedNote, ...]) -> None:
        """Take the notes of a plan, in their order."""
        for note in notes:
            if self.ends_s:
                self.longest_silence_s = max(self.longest_silence_s, note.on_s - self.ends_s)
            self.ends_s = max(self.ends_s, note.off_s)
            self.notes.setdefault(int(note.on_s // 60), []).append(note)
            bar, tick = divmod(note.tick, self.ticks_per_bar)
            self.bars.setdefault(bar, []).append((note.part, tick, note.pitch))
        while self.notes and len(self.minutes) < max(self.notes) - 1:
            own = self.notes.pop(len(self.minutes), [])
            loud = float(np.mean([note.velocity for note in own] or [0]))
            self.minutes.append((marks(own), len(own), loud))
        while self.bars and len(self.bar_marks) < max(self.bars) - 1:
            self.bar_marks.append(hash(tuple(sorted(self.bars.pop(len(self.bar_marks), [])))))


def marks(notes: list[PlannedNote]) -> str:
    """Return what a minute is, note for note on the 16ths, whatever its tempo and touch."""
    first = min((note.tick for note in notes), default=0)
    rows = sorted((note.part, note.tick - first, note.pitch) for note in notes)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def longest_again(bar_marks: list[int]) -> int:
    """Return the longest run of bars that came before, bar for bar."""
    places: dict[int, list[int]] = {}
    before, best = dict[int, int](), 0
    for number, mark in enumerate(bar_marks):
        now = {earlier: before.get(earlier - 1, 0) + 1 for earlier in places.get(mark, ())}
        best = max(best, max(now.values(), default=0))
        places.setdefault(mark, []).append(number)
        before = now
    return best


def play(words: str, hours: float, seed: int) -> dict[str, float]:
    """Return the figures of a mood."""
    config = with_mood(Config(), words, patient=True, keeps_sound=False)
    config = replace(config, band=replace(config.band, seed=seed))
    mind, tally = Mind(config), Tally()
    sections: list[str] = []
    process, began_s, start_mib = psutil.Process(), time.process_time(), 0.0
    for number in range(round(hours * 3600 / FRAME_S)):
        decision = mind.step(Frame(SILENCE, number * FRAME_SAMPLES))
        mind.take_messages()
        if decision.plan:
            if decision.analysis.grid:
                tally.ticks_per_bar = Position(0, 0, decision.analysis.grid.meter).ticks_per_bar
            tally.add(decision.plan.committed)
        sections += [one.chosen for one in decision.choices if one.reason == "the mood goes on"]
        if number * FRAME_S % 60 < FRAME_S and decision.analysis.grid:
            grid = decision.analysis.grid
            tally.tempi.append(60 / grid.period_s * 4 / grid.meter.denominator)
        if not start_mib and number * FRAME_S > min(WARM_S, 1800 * hours):
            gc.collect()
            start_mib = process.memory_info().rss / 2**20
    cpu_s = time.process_time() - began_s
    gc.collect()
    grown = process.memory_info().rss / 2**20 - start_mib
    return _figures(tally, sections, hours, cpu_s, grown / max(hours - min(WARM_S / 3600, hours / 2), 1e-9))


def glide(moods: list[str], minutes: float, seed: int) -> dict[str, dict[str, float]]:
    """Return the figures of each change from one mood to the next."""
    config = with_mood(Config(), moods[0], patient=True, keeps_sound=False)
    mind = Mind(replace(config, band=replace(config.band, seed=seed)))
    frames = round(minutes * 60 / FRAME_S)
    tallies, bars = [Tally() for _ in moods], list[tuple[float, float]]()
    for number in range(frames * len(moods)):
        if number and number % frames == 0:
            mind.send(mood_of(moods[number // frames]))
        decision = mind.step(Frame(SILENCE, number * FRAME_SAMPLES))
        mind.take_messages()
        grid = decision.analysis.grid
        if decision.plan:
            tallies[number // frames].add(decision.plan.committed)
        if grid and (not bars or abs(60 / grid.period_s - bars[-1][1]) > 1e-6 or number % 150 == 0):
            bars.append((number * FRAME_S, 60 / grid.period_s))
    out = {}
    for at, (one, other) in enumerate(pairwise(moods), 1):
        asked_s = at * frames * FRAME_S
        here = [row for row in bars if asked_s - 30 <= row[0] < asked_s + 60 * minutes]
        start, end = here[0][1], here[-1][1]
        share = [(time_s, (bpm - start) / (end - start) if abs(end - start) > 0.5 else 1.0) for time_s, bpm in here]
        began = next((time_s for time_s, moved in share if abs(moved) > MOVED), asked_s)
        arrived = next((time_s for time_s, moved in share if abs(1 - moved) <= MOVED), began)
        mean_bpm = float(np.mean([bpm for time_s, bpm in here if began <= time_s <= arrived]))
        steps = [abs(b / a - 1) for (_, a), (_, b) in pairwise(here)]
        out[f"{one} -> {other}"] = {
            "bpm": round(start, 1),
            "to_bpm": round(end, 1),
            "waits_s": round(began - asked_s, 1),
            "glides_bars": round((arrived - began) * mean_bpm / 240 + 1, 1),
            "steepest_percent": round(100 * max(steps, default=0.0), 1),
            "longest_silence_s": round(tallies[at].longest_silence_s, 2),
        }
    return out


def _figures(tally: Tally, sections: list[str], hours: float, cpu_s: float, grown: float) -> dict[str, float]:
    seen, again = set(), 0
    for mark, _, _ in tally.minutes:
        again += mark in seen
        seen.add(mark)
    part = max(min(60, len(tally.minutes) // 2), 1)

    def against(values: list[float]) -> float:
        return 100 * (float(np.mean(values[-part:])) / float(np.mean(values[:part])) - 1)

    whole = tally.minutes[1:]
    return {
        "hours": hours,
        "sections": len(sections),
        "themes": len({one.split()[0] for one in sections}),
        "returns": sum("returns" in one for one in sections),
        "minutes_again": again,
        "again_s": round(longest_again(tally.bar_marks) * hours * 3600 / max(len(tally.bar_marks), 1), 1),
        "longest_silence_s": round(tally.longest_silence_s, 2),
        "tempo_percent": round(against(tally.tempi), 1),
        "velocity_percent": round(against([loud for _, _, loud in whole]), 1),
        "density_percent": round(against([float(count) for _, count, _ in whole]), 1),
        "mib_an_hour": round(grown, 1),
        "cpu_s_an_hour": round(cpu_s / hours, 1),
    }


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--moods", default="focus;calm;drive;dark")
    parser.add_argument("--glides", help="moods, one after the other")
    parser.add_argument("--minutes", type=float, default=4.0, help="of each mood of --glides")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    if given.glides:
        for change, row in glide(given.glides.split(";"), given.minutes, given.seed).items():
            print(change, row, flush=True)
            if not given.dry:
                results.append("endless_mood", f"glide {change}", row)
        return 0
    print(f"{'mood':10}" + "".join(f"{name:>19}" for name in COLUMNS))
    for words in given.moods.split(";"):
        figures: dict[str, Any] = play(words, given.hours, given.seed)
        print(f"{words:10}" + "".join(f"{figures[name]:19}" for name in COLUMNS), flush=True)
        if not given.dry:
            results.append("endless_mood", words, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
