"""When the band plays: comes in on the one, holds the groove when the player rests, thins out, ends, comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agent.settings import BandConfig
from agent.types import PARTS
from listener.types import Analysis, Grid

LEAVE_CONFIDENCE = 0.2  # below this the beat is lost and the band stops
LINE_ENTERS_BAR = 4  # bars after the band: first the groove, then something to say over it
CHORDS_ENTER_BAR = 1
RESTING_BARS = 0.75  # silence longer than this is a rest, not a phrase breathing
THIN_PIECES = frozenset({"kick", "closed_hat", "rim", "ride", "shaker"})


class BandState(StrEnum):
    LISTENING = "listening"  # the beat is not clear yet, or nobody plays
    PLAYING = "playing"
    HOLDING = "holding"  # the player rests: keep the groove
    THINNING = "thinning"
    ENDING = "ending"  # a last stroke on the one


@dataclass(frozen=True, slots=True)
class Gate:
    """What may sound in one tick. pieces: drum pieces allowed, None = all. final: play the ending stroke."""

    parts: frozenset[str] = frozenset()
    pieces: frozenset[str] | None = None
    final: bool = False
    gain: float = 1.0


class Form:
    """The band's state; moves only on a downbeat, so that what it does is done on the one."""

    def __init__(self, config: BandConfig, parts: frozenset[str] = frozenset(PARTS)) -> None:
        self.state = BandState.LISTENING
        self._config, self._parts = config, parts
        self._bars = 0  # bars spent in this state
        self._bars_in = 0  # bars since the band came in
        self._steady_bars = 0  # bars of a clear beat whose meter is not clear
        self._played_s = float("-inf")  # when the player last sounded
        self._sounding = False
        self._newest_s = float("-inf")  # onset of the note last heard

    def hear(self, analysis: Analysis) -> None:
        """Keep track of whether the player plays. Once a frame."""
        for note in analysis.notes:
            self._newest_s, self._sounding = note.onset_s, True
        if any(note.onset_s == self._newest_s for note in analysis.ended):
            self._sounding = False
        if self._sounding or analysis.notes:
            self._played_s = analysis.time_s

    @property
    def is_sounding(self) -> bool:
        """Whether a note of the player's sounds now."""
        return self._sounding

    def silence_s(self, now_s: float) -> float:
        return now_s - self._played_s

    def downbeat(self, grid: Grid, now_s: float) -> None:
        """A bar line that will be played next: decide how the band goes on."""
        bar_s = grid.period_s * grid.meter.numerator
        resting = self.silence_s(now_s) > RESTING_BARS * bar_s
        before = self.state
        self.state = self._next_state(grid, resting)
        self._bars = 0 if self.state != before else self._bars + 1
        self._bars_in = 0 if self.state == BandState.LISTENING else self._bars_in + (before != BandState.LISTENING)

    def _next_state(self, grid: Grid, resting: bool) -> BandState:
        match self.state:
            case BandState.LISTENING:
                return BandState.PLAYING if self._sure(grid) and not resting else BandState.LISTENING
            case _ if grid.confidence < LEAVE_CONFIDENCE:
                return BandState.ENDING if self.state != BandState.ENDING else BandState.LISTENING
            case _ if not resting:
                return BandState.PLAYING
            case BandState.PLAYING:
                return BandState.HOLDING
            case BandState.HOLDING:
                return BandState.THINNING if self._bars + 1 >= self._config.hold_bars else BandState.HOLDING
            case BandState.THINNING:
                return BandState.ENDING if self._bars + 1 >= self._config.thin_bars else BandState.THINNING
            case _:
                return BandState.LISTENING

    def _sure(self, grid: Grid) -> bool:
        if grid.confidence < self._config.enter_confidence:
            self._steady_bars = 0
            return False
        self._steady_bars += 1
        return grid.meter_confidence >= self._config.enter_confidence or self._steady_bars > self._config.max_wait_bars

    def lost(self) -> None:
        """There is no beat any more."""
        self.state, self._bars, self._bars_in, self._steady_bars = BandState.LISTENING, 0, 0, 0

    def gate(self, tick_in_bar: int) -> Gate:
        """What may sound in this tick of the bar decided on at the last downbeat."""
        match self.state:
            case BandState.PLAYING:
                return Gate(self._parts & self._entered())
            case BandState.HOLDING:
                return Gate(self._parts & self._entered() - {"line"})
            case BandState.THINNING:
                return Gate(self._parts & {"drums"}, THIN_PIECES, gain=0.8)
            case BandState.ENDING if tick_in_bar == 0:
                return Gate(self._parts, final=True)
            case _:
                return Gate()

    def _entered(self) -> frozenset[str]:
        entered = {"drums"}
        if self._bars_in >= CHORDS_ENTER_BAR:
            entered.add("chords")
        if self._bars_in >= LINE_ENTERS_BAR:
            entered.add("line")
        return frozenset(entered)
