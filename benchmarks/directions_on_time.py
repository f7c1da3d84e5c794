"""Measure whether directions are heard from the bar line they are promised for.

`python -m benchmarks.directions_on_time [--directions 200] [--seed 1]`: the repository's take is played round and round
to the mind; "no drums" and "bring the drums back in" are said in turn at random moments. A direction that comes the
commit time and 0.3 s or more before a bar line has to be heard from that bar on, any other from the next one: no drum
in the bar, or drums in it. The bar is the one that the band had there when the direction came, by its own beat; where
the player's tempo moves its line, it is the same bar all the same; a stroke is of the bar for which it was committed.
Where the take begins anew the bars turn, and no direction can wait for a line that nobody knew of. Bars in which the
band does not play, since the take rests, are left out. Beside it how many are heard from the very next line, however
near it was; each that came late is shown with the lines and drums about it. 200 are best run in pieces, of other seeds.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.band.ticks import tick_s_of
from agent.conversation.live_stage import LiveStage
from agent.core.config import load
from agent.core.paths import shipped
from agent.directions.edit import Edit
from agent.mind.lookahead import FIRST_S
from agent.mind.mind import Mind
from benchmarks.common import results
from listener.capture import file_frames
from listener.types import Frame, Grid

MARGIN_S = 0.3  # before a bar line, beside the commit time
MOVES_S = 0.15  # by which the line may come otherwise than it was foretold
SETTLED_BARS = 8  # before the first direction
Bar = tuple[float, bool]  # when it begins, as it was committed, and whether the band plays in it
Stroke = tuple[float, float]  # when a drum sounds, and when the bar begins for which it was committed
OFF, ON = Edit("drums", "mute", "on"), Edit("drums", "mute", "off")


@dataclass(frozen=True, slots=True)
class Told:
    """A direction: when it was given, in seconds of the stream, and whether it silences the drums.

    grid: the band's beat by then, which says where the bar lines to come are.
    """

    at_s: float
    silences: bool
    grid: Grid

    def line_s(self, notice_s: float) -> float:
        """Return when the first bar line is that lies so far off."""
        beat = math.ceil(self.grid.beat_at(self.at_s + notice_s))
        while self.grid.position_of(beat) != 1:
            beat += 1
        return self.grid.time_of(beat)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--directions", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    given = options.parse_args()
    told, bars, drums = played(given.directions, given.seed)
    found = {"in_time": list[bool](), "by_the_next_line": list[bool]()}
    for one, following in zip(told, [*told[1:], None], strict=True):
        until_s = following.at_s if following else float("inf")
        for name, notice_s in (("in_time", FIRST_S + MARGIN_S), ("by_the_next_line", 0.0)):
            heard = kept(one, bars, drums, notice_s, until_s)
            found[name] += [] if heard is None else [heard]
            if name == "in_time" and heard is False:
                Console().print(about(one, bars, drums))
    shares = {name: round(float(np.mean(heard)), 4) for name, heard in found.items()}
    in_time, next_line = (f"{share:.1%}" for share in shares.values())
    Console().print(f"{len(found['in_time'])} directions: in time {in_time}, from the very next line {next_line}")
    if not given.dry:
        results.append(
            "directions_on_time", "antiphon", {"seed": given.seed, "directions": len(found["in_time"]), **shares}
        )


def played(count: int, seed: int) -> tuple[list[Told], list[Bar], list[Stroke]]:
    """Return the directions, the bars and the drum notes of a session, in seconds of the stream."""
    rng, mind = np.random.default_rng(seed), Mind(load())
    stage = LiveStage(mind.send, str)
    told, bars, drums = list[Told](), list[Bar](), list[Stroke]()
    since, next_at_s = 0, 0.0
    grid: Grid | None = None  # the band's, of its newest plan
    for frame in frames():
        decision = mind.step(frame)
        stage.push(decision)
        plan, plays = decision.plan, decision.state == "playing"
        if plan and plan.grid:
            grid = plan.grid
            drums += [(note.on_s, line_of(note.on_s, grid)) for note in plan.committed if note.part == "drums"]
            line_s, bar_s = line_of(plan.committed_until_s, grid), grid.period_s * grid.meter.numerator
            if not bars or line_s > bars[-1][0] + bar_s / 2:  # else the same line, which the player's tempo has moved
                bars.append((line_s, plays))
                since += plays
                next_at_s = next_at_s or frame.end_s
        due = len(told) < count and frame.end_s >= next_at_s
        if since >= SETTLED_BARS and plays and grid and due:
            silences = not (told and told[-1].silences)
            stage.apply([OFF if silences else ON])
            told.append(Told(frame.end_s, silences, grid))
            next_at_s = frame.end_s + grid.period_s * grid.meter.numerator * float(rng.uniform(2.0, 3.0))
        if len(told) >= count and frame.end_s > told[-1].at_s + 8:
            break
    return told, bars, drums


def line_of(time_s: float, grid: Grid) -> float:
    """Return when the bar begins that a moment lies in; a stroke just before a line is of that line's bar."""
    beat = math.floor(grid.beat_at(time_s + tick_s_of(grid) / 2))
    while grid.position_of(beat) != 1:
        beat -= 1
    return grid.time_of(beat)


def frames() -> Iterator[Frame]:
    """Yield the take again and again, one after the other, without end."""
    sample = 0
    while True:
        last = None
        for frame in file_frames(shipped("take.flac")):
            last = frame
            yield replace(frame, start_sample=frame.start_sample + sample)
        assert last
        sample += last.start_sample + len(last.samples)


def about(one: Told, bars: Sequence[Bar], drums: Sequence[Stroke]) -> str:
    """Return what came of a late direction, seconds from when it was given."""
    near = [f"{at_s - one.at_s:.2f}{'' if plays else ' (rests)'}" for at_s, plays in bars if -3 < at_s - one.at_s < 8]
    struck = [
        f"{on_s - one.at_s:.2f} of {line_s - one.at_s:.2f}" for on_s, line_s in drums if -0.5 < on_s - one.at_s < 6
    ]
    told = [f"{one.line_s(notice_s) - one.at_s:.2f}" for notice_s in (0.0, FIRST_S + MARGIN_S)]
    what = "no drums" if one.silences else "the drums back"
    return f"late: {what} at {one.at_s:.2f}; next line {told[0]}, promised {told[1]}; lines {near}; drums {struck}"


def kept(one: Told, bars: Sequence[Bar], drums: Sequence[Stroke], notice_s: float, until_s: float) -> bool | None:
    """Return whether a direction is heard from the first bar line that is so far off; None where the band rests or ends
    there, or the next direction comes before."""
    line_s, bar_s = one.line_s(notice_s), one.grid.period_s * one.grid.meter.numerator
    line_s = min(
        (at_s for at_s, _ in bars if abs(at_s - line_s) < MOVES_S), key=lambda s: abs(s - line_s), default=line_s
    )
    if not any(0.5 < (at_s - line_s) / bar_s < 1.5 for at_s, _ in bars):
        return None  # the take ended there, and the band with it
    end_s = min(line_s + bar_s, until_s)
    rests = any(not plays for at_s, plays in bars if one.at_s < at_s < end_s)
    if rests or line_s >= until_s or not any(at_s >= end_s for at_s, _ in bars):
        return None
    inside = [on_s for on_s, of_s in drums if abs(of_s - line_s) < bar_s / 2 and on_s < end_s]
    return not inside if one.silences else bool(inside)


if __name__ == "__main__":
    main()
