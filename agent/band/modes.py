"""`Modes` says who plays when: accompany, trade, loop or listen. A state machine that moves on bar lines; no clock.

A mode is a cycle of phases. Each lasts a number of bars; the table MAY_SOUND says what sounds in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.core.settings import BandConfig
from agent.core.types import PARTS

THIN_PIECES = frozenset({"kick", "closed_hat", "rim", "ride", "shaker"})


class Phase(StrEnum):
    """What happens in a turn. The value is shown in the status line."""

    TOGETHER = "together"
    YOURS = "yours"  # trade: the player's bars; the band keeps time on the hat
    OURS = "ours"  # trade: the band answers
    RECORDING = "recording"  # loop: the riff is being played for the first time
    LOOPING = "looping"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Part:
    """What may sound in a phase. pieces: of the drums, None = all."""

    parts: frozenset[str] = frozenset(PARTS)
    pieces: frozenset[str] | None = None
    gain: float = 1.0


TIME_ONLY = Part(frozenset({"drums"}), THIN_PIECES, 0.8)
MAY_SOUND = {
    Phase.TOGETHER: Part(),
    Phase.YOURS: TIME_ONLY,
    Phase.OURS: Part(),
    Phase.RECORDING: TIME_ONLY,
    Phase.LOOPING: Part(),
    Phase.SILENT: Part(frozenset()),
}
FIRST = {"accompany": Phase.TOGETHER, "trade": Phase.YOURS, "loop": Phase.RECORDING, "listen": Phase.SILENT}
AFTER = {Phase.YOURS: Phase.OURS, Phase.OURS: Phase.YOURS, Phase.RECORDING: Phase.LOOPING}
NEEDS_PLAYING = frozenset({Phase.YOURS, Phase.RECORDING})  # begun anew when the player was silent throughout
NO_REST = frozenset({Phase.OURS, Phase.LOOPING})  # the player's silence says nothing in these


@dataclass(frozen=True, slots=True)
class Turn:
    """A phase from bar `start` on. bars: how many, None = until another mode is asked for. number: counts turns."""

    phase: Phase
    start: int = 0
    bars: int | None = None
    number: int = 0

    def ends_before(self, bar: int) -> bool:
        return self.bars is not None and bar >= self.start + self.bars

    def describe(self, bar: int) -> str:
        """Return 'yours 2/4' in the second of four bars; only the phase where it has no end."""
        if self.bars is None:
            return str(self.phase)
        return f"{self.phase} {min(max(bar - self.start, 0), self.bars - 1) + 1}/{self.bars}"


class Modes:
    """The mode and the turn. Call `downbeat` at every bar line, or `rest` while the band does not play.

    Bars are numbered as the planner numbers them.
    """

    def __init__(self, config: BandConfig) -> None:
        self._bars = {
            Phase.YOURS: config.trade_bars,
            Phase.OURS: config.trade_bars,
            Phase.RECORDING: config.loop_bars,
        }
        self.mode = config.mode
        self.calls = False  # whether a trade begins with the band's turn
        self._asked: str | None = None
        self.free = False  # whether turns of a trade end with the player's phrase
        self.answers = 0  # bars of the answer to the phrase that is over; 0 while it goes on
        self._bar = 0  # the newest that was begun
        self.turn = self._turn(FIRST[self.mode], 0, 0)

    def _first(self, mode: str) -> Phase:
        return Phase.OURS if mode == "trade" and self.calls else FIRST[mode]

    def _turn(self, phase: Phase, start: int, number: int) -> Turn:
        bars = self._bars.get(phase)
        if self.free and phase in (Phase.YOURS, Phase.OURS):
            bars = None if phase == Phase.YOURS else max(self.answers, 1)
        return Turn(phase, start, bars, number)

    def ask(self, mode: str, playing: bool, bars: int | None = None, calls: bool = False) -> None:
        """Change the mode from the next bar on, or at once where the band is not playing. bars: of a trade's turns;
        calls: whether the band has the first one."""
        other = self.free or calls != self.calls or (bars is not None and bars != self._bars[Phase.YOURS])
        again = mode == "trade" and other
        self.free, self.calls = False, calls
        if bars is not None and mode == "trade":
            self._bars |= {Phase.YOURS: bars, Phase.OURS: bars}
        self._asked = None if mode == self.mode and not again else mode
        if not playing:
            self._take_up(self.turn.start)

    def loop(self, bar: int) -> None:
        """Begin a loop that was recorded before, with this bar."""
        self.mode, self._asked = "loop", None
        self._bar, self.turn = bar, self._turn(Phase.LOOPING, bar, self.turn.number + 1)

    def rest(self, bar: int) -> None:
        """Restart the mode with its first phase, since the band does not play."""
        self._bar = bar
        self._take_up(bar)
        self.turn = self._turn(self._first(self.mode), bar, self.turn.number)

    def downbeat(self, bar: int, played: bool) -> None:
        """Move on to bar `bar`. played: whether the player played in the turn that may end here."""
        before, self._bar = self.turn, bar
        answered = self.free and before.phase == Phase.YOURS and self.answers > 0
        if self._take_up(bar) or not (answered or before.ends_before(bar)):
            return
        if answered:
            self.turn, self.answers = self._turn(Phase.OURS, bar, before.number + 1), 0
            return
        again = before.phase in NEEDS_PLAYING and not played
        self.turn = self._turn(before.phase if again else AFTER[before.phase], bar, before.number + 1)

    def _take_up(self, bar: int) -> bool:
        """Change to the mode that was asked for; return False where none was."""
        if self._asked is None:
            return False
        self.mode, self._asked = self._asked, None
        self.turn = self._turn(self._first(self.mode), bar, self.turn.number + 1)
        return True

    def turn_in(self, bar: int) -> Turn:
        """Return the turn that a bar belongs to, or will belong to unless the mode changes."""
        if bar <= self._bar:
            return self.turn
        if self._asked is not None:
            return self._turn(self._first(self._asked), self._bar + 1, self.turn.number + 1)
        turn = self.turn
        while turn.ends_before(bar) and turn.bars:
            turn = self._turn(AFTER[turn.phase], turn.start + turn.bars, turn.number + 1)
        return turn

    def hands_over_after(self, bar: int) -> bool:
        """Return whether the next bar belongs to another phase, which a fill announces."""
        return self.turn_in(bar + 1).phase != self.turn_in(bar).phase
