"""Simulated bassists whom the band leads: they follow, lag, refuse or get lost. They play a riff of four bars of 4/4.

`Rehearsal` lets one play with the band, through the listener (as MIDI) and the planner, as fast as the machine can.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.core.messages import Lead, SetTempo, Tap
from agent.core.settings import BandConfig
from agent.core.types import PlannedNote
from agent.mind.planner import Planner
from agent.parts.groove_library import GrooveLibrary
from listener.analyzer import Analyzer
from listener.types import FRAME_S, FRAME_SAMPLES, Frame, Grid, KeyPress
from models.music.tokens import Reply, TickInput
from models.responder.shape import ResponderConfig

BAR = 16  # ticks of the riff's bars
RIFFS = {  # per bar: (tick, pitch)
    "walking hook": (
        ((0, 40), (4, 40), (6, 43), (8, 45), (12, 47), (14, 45)),
        ((0, 43), (4, 43), (6, 45), (8, 47), (12, 50), (14, 47)),
        ((0, 45), (4, 45), (6, 48), (8, 50), (10, 52), (14, 47)),
        ((0, 47), (3, 47), (6, 45), (8, 43), (12, 42), (14, 42)),
    ),
    "eighths": tuple(
        tuple((tick, root + (12 if tick == 12 else 0)) for tick in range(0, 16, 2)) for root in (40, 36, 43, 38)
    ),
    "sparse": (
        ((0, 33), (6, 33), (10, 36)),
        ((0, 29), (6, 29), (10, 33)),
        ((0, 36), (6, 36), (10, 40)),
        ((0, 31), (6, 31), (8, 35), (12, 38)),
    ),
}
KINDS = ("follows", "lags", "refuses", "gets lost")
JITTER_S = 0.008
LED_BEATS = 8  # in a new tempo, after which it is the player's own


class Quiet:
    """A responder that imagines nothing: the band plays its song plan."""

    def __init__(self) -> None:
        self.config = ResponderConfig()

    def initial_state(self) -> int:
        return 0

    def step(self, x: TickInput, state: int) -> int:
        return state

    def sample(self, *_: object, **__: object) -> Reply:
        return Reply()


@dataclass
class Player:
    """One bassist. kind: of KINDS; period_s: of a quarter. tries: odd bars seen so far."""

    kind: str
    riff: Sequence[Sequence[tuple[int, int]]]
    period_s: float
    seed: int = 0
    begins_s: float = 1.0
    tries: int = 0
    bars: list[tuple[float, int]] = field(default_factory=list)  # (time, bar of the riff) that they began
    stops_s: float = math.inf

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._at_s, self._place, self._cut, self._rests = self.begins_s, 0, BAR, 0
        self._seen, self._ramp_bars, self._tick_s = "", 0, self.period_s / 4
        self._led_beats = 0  # in the band's tempo
        self._ends: list[tuple[float, int]] = []

    def presses(self, until_s: float, says: str, band: Grid | None) -> list[KeyPress]:
        """Return what they press up to a time. says: what the display shows; band: the beat they hear."""
        out: list[KeyPress] = []
        while self._at_s <= min(until_s, self.stops_s):
            bar, tick = divmod(self._place, BAR)
            if tick == 0:
                self._begin_bar(bar)
                bar, tick = divmod(self._place, BAR)
            if tick == BAR - 2 or tick == self._cut - 2:
                self._seen = says
            pitch = dict(self.riff[bar]).get(tick) if not self._rests else None
            if pitch is not None:
                at_s = self._at_s + float(self._rng.normal(0, JITTER_S))
                out += [KeyPress(end_s, old, 0) for end_s, old in self._ends]
                self._ends = [(at_s + 1.5 * self._tick_s, pitch)]
                out.append(KeyPress(at_s, pitch, int(88 + 14 * (tick == 0) + self._rng.normal(0, 4))))
            self._advance(band)
        due = [one for one in self._ends if one[0] <= until_s]
        self._ends = [one for one in self._ends if one[0] > until_s]
        out += [KeyPress(end_s, old, 0) for end_s, old in due]
        return sorted(out, key=lambda one: one.time_s)

    def _begin_bar(self, bar: int) -> None:
        seen, self._seen, self._cut = self._seen, "", BAR
        self._rests = max(self._rests - 1, 0)
        if "next bar" in seen:
            coming = seen.split("next bar ")[1]
            self._obey(coming)
        self.bars.append((self._at_s, self._place // BAR))

    def _obey(self, coming: str) -> None:
        if coming.startswith("to "):
            return
        self.tries += 1
        if self.kind == "refuses" or (self.kind == "lags" and self.tries == 1):
            return
        if self.kind == "gets lost":
            self._rests = 2
            self._at_s += 4 * float(self._rng.integers(1, 4)) * self._tick_s
            self._place = 0
        elif "/" in coming:
            numerator, denominator = (int(one) for one in coming.split("/"))
            self._cut = numerator * 16 // denominator
        elif coming == "once more":
            self._place = (self._place - BAR) % (BAR * len(self.riff))
        elif coming == "a bar is left out":
            self._place = (self._place + BAR) % (BAR * len(self.riff))

    def _advance(self, band: Grid | None) -> None:
        bar, tick = divmod(self._place, BAR)
        self._at_s += self._tick_s
        if tick + 1 == BAR and self._cut > BAR:  # the last note rings through a longer bar
            self._at_s += (self._cut - BAR) * self._tick_s
        if tick + 1 >= self._cut:
            self._place = (bar + 1) * BAR % (BAR * len(self.riff))
        else:
            self._place = (self._place + 1) % (BAR * len(self.riff))
        if self._place % 4 == 0 and band is not None:
            self._listen(band)

    def _listen(self, band: Grid) -> None:
        """Go with the band's tempo, beat by beat."""
        tick_s = band.period_s * band.meter.denominator / 16
        moved = self._led_beats < LED_BEATS and abs(math.log(tick_s / (self.period_s / 4))) > 0.02
        self._ramp_bars += moved
        self._led_beats += moved and abs(math.log(tick_s / self._tick_s)) < 0.01
        if not moved or self.kind == "refuses" or (self.kind == "lags" and self._ramp_bars < 12):
            return
        if self.kind == "gets lost":  # they waver for two bars, then play on in the tempo they have got to
            self._led_beats += 1
            self._tick_s *= float(np.exp(self._rng.normal(0, 0.08)))
            self._tick_s = min(max(self._tick_s, 0.7 * self.period_s / 4), 1.3 * self.period_s / 4)
            return
        beat = band.beat_at(self._at_s) * 16 / band.meter.denominator
        late_s = (beat / 4 - round(beat / 4)) * 4 * tick_s
        self._tick_s = tick_s
        self._at_s -= 0.5 * late_s


@dataclass(frozen=True)
class Bar:
    """A bar that the player began: when, which of the riff, whether the band and the ears began one there, too."""

    at_s: float
    of_riff: int
    with_band: bool
    with_ears: bool


class Rehearsal:
    """A player and the band. wishes: (time, message) asked for. tells: whether the ears are told what is led."""

    def __init__(
        self, player: Player, wishes: Sequence[tuple[float, Lead]] = (), tells: bool = True, **config: object
    ) -> None:
        self.player, self.tells = player, tells
        self.planner = Planner(Quiet(), BandConfig(imagine=False), grooves=GrooveLibrary.load())  # type: ignore[arg-type]
        self.analyzer = Analyzer()
        self.analyzer.play(())
        self._wishes = sorted(wishes, key=lambda one: one[0])
        self.lines: list[tuple[float, str]] = []
        self.bars: list[Bar] = []
        self.notes: list[PlannedNote] = []
        self.shown: list[tuple[float, str]] = []
        self.ones_s: list[float] = []  # bars that the band began
        self.tempi: list[tuple[float, float]] = []  # (time, quarters a minute) of the band
        self._frame, self._ears, self._bar = 0, None, -1
        self._silence = np.zeros(FRAME_SAMPLES, np.float32)

    def run(self, until_s: float, each: Callable[[float], None] | None = None) -> Rehearsal:
        planner, leading = self.planner, self.planner.leading
        while (now_s := (self._frame + 1) * FRAME_S) < until_s:
            while self._wishes and self._wishes[0][0] <= now_s:
                planner.send(self._wishes.pop(0)[1])
            grid = planner._grid
            bar = planner.tick.position.bar if planner.tick else 0
            says = leading.says(bar)
            if says != (self.shown[-1][1] if self.shown else ""):
                self.shown.append((now_s, says))
            began = len(self.player.bars)
            self.analyzer.play(self.player.presses(now_s, says, grid if self._plays else None))
            analysis = self.analyzer.step(Frame(self._silence, self._frame * FRAME_SAMPLES))
            plan = planner.step(analysis, None)
            self.notes += plan.committed if plan else ()
            for at_s, of_riff in self.player.bars[began:]:
                heard = _begins(planner._grid, at_s), _begins(analysis.grid, at_s)
                self.bars.append(Bar(at_s, of_riff, *heard))
            if planner.tick and planner.tick.position.bar != self._bar and planner._grid:
                self._bar = planner.tick.position.bar
                self.ones_s.append(planner.tick.time_on(planner._grid))
            if planner._grid:
                self.tempi.append((now_s, 240 / (planner._grid.period_s * planner._grid.meter.denominator)))
            self.lines += [(now_s, line) for line in leading.take_lines()]
            for hint in leading.take_hints():
                if self.tells and isinstance(hint, Tap):
                    self.analyzer.tap(hint.time_s)
                elif self.tells and isinstance(hint, SetTempo):
                    self.analyzer.given(None, hint.bpm)
            if each:
                each(now_s)
            self._frame += 1
        return self

    @property
    def _plays(self) -> bool:
        return str(self.planner.form.state) in ("playing", "holding")


def _begins(grid: Grid | None, at_s: float) -> bool:
    """Return whether a bar of the grid begins at a time, by a 16th's half."""
    if grid is None:
        return False
    beat = grid.beat_at(at_s)
    tick_s = grid.period_s * grid.meter.denominator / 16
    return grid.position_of(round(beat)) == 1 and abs(grid.time_of(round(beat)) - at_s) < 0.6 * tick_s
