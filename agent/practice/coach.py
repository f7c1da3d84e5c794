"""`Coach` practises with a player: it watches what is heard and tells the mind what the band is to do. One thread.

A ladder leads the band's beat as a metronome would (`FollowGrid`), so that lateness is measured against it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from agent.control.words import number
from agent.core.errors import UserError
from agent.core.messages import FollowGrid, LeadBreak, SetMode, ToMind
from agent.core.types import Decision, DrawnBar
from agent.core.whole_file import write_whole
from agent.practice.copying import answered, called, compared
from agent.practice.ladder import BPM, Ladder, at_next_line, steady
from agent.practice.notes import NoteCounts
from agent.practice.timing import TimingCounts, judged
from listener.types import Grid, NoteFeel

STEP_BPM, STEP_RANGE = 2.0, (0.5, 20.0)
BARS, BARS_RANGE = 8, (1, 64)
DROP_RANGE = (2, 32)
COPY_BARS, COPY_RANGE = 2, (1, 8)
KEPT_BARS = 64
REPORT = "practice.txt"
TAKES = "ladder [STEP [BARS]] | drop N | copy [BARS] | report | off"


class Coach:
    """to_mind: sends a message to the mind. command() carries out `practice ...`; push() takes each decision."""

    def __init__(self, to_mind: Callable[[ToMind], object]) -> None:
        self._to_mind = to_mind
        self.timing, self.notes = TimingCounts(), NoteCounts()
        self._ladder: Ladder | None = None
        self._best = 0.0  # the fastest clean tempo of the take, beats a minute
        self._every = 0  # bars, the last of which drops out
        self._copies = 0  # bars of a phrase
        self._grid: Grid | None = None  # as it was decided last
        self._led: Grid | None = None  # the beat that the coach gave
        self._now_s = 0.0
        self._bar = -1
        self._bars = 0  # of the present stretch, or since the last one that dropped out
        self._placed: list[NoteFeel] = []
        self._turns: dict[int, str] = {}  # bar -> whose it is
        self._drawn: dict[int, DrawnBar] = {}
        self._scores: list[tuple[int, int]] = []  # right, of how many, phrase by phrase
        self._used = False

    @property
    def runs(self) -> bool:
        """Whether something is practised now: the band has no ideas of its own meanwhile."""
        return bool(self._ladder or self._every or self._copies)

    def command(self, argument: str) -> str:
        """Carry out one line; return what was done. Raises UserError."""
        what, *rest = argument.split() or [""]
        match what:
            case "ladder":
                return self._begin_ladder(rest)
            case "drop":
                self._every = round(number(rest, "practice drop", *DROP_RANGE))
                self._bars, self._used = 0, True
                return f"practice: the band drops out in every {self._every}th bar"
            case "copy":
                self._copies = round(number(rest or [str(COPY_BARS)], "practice copy", *COPY_RANGE))
                self._used = True
                self._to_mind(self._copy())
                return f"practice: I play {self._copies} bars, you play my line back in yours"
            case "report" if not rest:
                return self.report()
            case "off" if not rest:
                return self._off()
        raise UserError(f"practice {argument!r}: give {TAKES}")

    def _begin_ladder(self, rest: Sequence[str]) -> str:
        step = number(rest[:1] or [str(STEP_BPM)], "practice ladder", *STEP_RANGE)
        bars = round(number(rest[1:2] or [str(BARS)], "practice ladder", *BARS_RANGE))
        if self._grid is None:
            raise UserError("practice ladder: there is no beat yet; play a few bars first, or `count 80`")
        bpm = float(round(min(max(60 / self._grid.period_s, BPM[0]), BPM[1])))
        self._ladder, self._bars, self._placed, self._used = Ladder(step, bars, bpm), 0, [], True
        self._lead(steady(self._grid, bpm))
        return f"practice: from {bpm:g}, {step:g} more after each {bars} clean bars"

    def _off(self) -> str:
        said = f"; the fastest clean tempo was {self._ladder.best:g}" if self._ladder and self._ladder.best else ""
        if self._led is not None:
            self._lead(None)
        if self._copies:
            self._to_mind(SetMode("accompany"))
        self._ladder, self._every, self._copies = None, 0, 0
        return f"practice over{said}"

    def _lead(self, grid: Grid | None) -> None:
        self._led = grid
        self._to_mind(FollowGrid(grid))

    def again(self) -> list[FollowGrid | SetMode]:
        """Return the messages that a restarted mind needs."""
        led: list[FollowGrid | SetMode] = [FollowGrid(self._led)] if self._led is not None else []
        return [*led, self._copy()] if self._copies else led

    def _copy(self) -> SetMode:
        return SetMode("trade", self._copies, calls=True)

    def push(self, decision: Decision) -> list[str]:
        """Take a frame; return what there is to say."""
        heard = decision.analysis
        self._now_s = heard.time_s
        for note in heard.placed:
            self.timing.add(note)
            if self._ladder:
                self._placed.append(note)
        for ended in heard.ended:
            self.notes.add(ended, heard.key)
        self._grid = heard.grid
        if heard.grid is None:
            return []
        if decision.bar < self._bar:  # the bars are counted anew
            self._turns, self._drawn = {}, {}
        self._turns.setdefault(decision.bar, decision.turn)  # at its end the next one's turn has been decided
        lines = self._copied(decision)
        if decision.bar != self._bar:
            self._bar = decision.bar
            lines += self._next_bar(heard.grid)
        return lines

    def _next_bar(self, grid: Grid) -> list[str]:
        self._bars += 1
        if self._every and self._bars % self._every == (self._every - 2) % self._every:
            self._to_mind(LeadBreak(1))  # in the bar after this one
        if self._ladder is None or self._bars <= self._ladder.bars:
            return []
        self._ladder, said = self._ladder.after(judged(self._placed, grid.period_s))
        self._best = max(self._best, self._ladder.best)
        self._bars, self._placed = 0, []
        self._lead(at_next_line(grid, self._now_s, self._ladder.bpm))
        return [said]

    def _copied(self, decision: Decision) -> list[str]:
        """Keep a bar that is over; return how the phrase was played back once the player's turn is."""
        bar = decision.drawn
        if bar is None or not self._copies:
            return []
        self._drawn[bar.bar] = bar
        for old in [kept for kept in self._drawn if kept < bar.bar - KEPT_BARS]:
            del self._drawn[old]
            self._turns.pop(old, None)
        if not self._turns.get(bar.bar, "").startswith("yours") or decision.turn.startswith("yours"):
            return []
        mine = self._turn_before(bar.bar, "yours")
        band = self._turn_before(mine[0].bar - 1, "ours") if mine else []
        call = called(band)
        if not call or not mine:
            return []
        copy = compared(call, answered(mine), len(mine[0].ticks))
        self._scores.append((copy.right, copy.notes))
        return [str(copy)]

    def _turn_before(self, last: int, whose: str) -> list[DrawnBar]:
        """Return the bars of one turn that ends with bar `last`."""
        out: list[DrawnBar] = []
        while last in self._drawn and self._turns.get(last, "").startswith(whose) and len(out) < self._copies:
            out.insert(0, self._drawn[last])
            last -= 1
        return out

    def report(self) -> str:
        """Return the report of the take so far, in one line."""
        lines = self.timing.lines()
        more = self._summary()
        return "; ".join([lines[0], *more])

    def _summary(self) -> list[str]:
        out = self.notes.lines()
        if self._best:
            out.append(f"fastest clean tempo {self._best:g}")
        if self._scores:
            right, of = (sum(column) for column in zip(*self._scores, strict=True))
            out.append(f"played back {right} of {of} notes in {len(self._scores)} phrases")
        return out

    def write(self, folder: Path) -> Path | None:
        """Write the report of a take in which was practised; return where, None where there is nothing to report."""
        if not self._used or not self.timing.all_ms:
            return None
        text = "\n".join([*self.timing.lines(), "", *self._summary()]).rstrip() + "\n"
        write_whole(folder / REPORT, text.encode())
        return folder / REPORT
