"""`LaidBars` are the band's bars, an odd one among them, laid over the player's pulse, which goes on beneath them."""

from __future__ import annotations

from dataclasses import dataclass

from agent.band.ticks import Tick
from agent.leading.led_grid import Span
from listener.types import Grid, Meter
from models.music.tokens import Position, ticks_per_beat

KEPT_BEATS = 4  # after which a bar that is over is forgotten


@dataclass(frozen=True, slots=True)
class LaidBar:
    """A bar laid over the pulse. at: 16ths of the pulse from its beat 0; beat: the number of its first beat."""

    bar: int
    at: int
    beat: int
    meter: Meter

    @property
    def ticks(self) -> int:
        return Position(0, 0, self.meter).ticks_per_bar

    def after(self, meter: Meter) -> LaidBar:
        return LaidBar(self.bar + 1, self.at + self.ticks, self.beat + self.meter.numerator, meter)

    def time_on(self, pulse: Grid) -> float:
        """Return when it begins, seconds."""
        return pulse.time_of(self.at / ticks_per_beat(pulse.meter))

    def span(self, pulse: Grid) -> Span:
        period_s = pulse.period_s * ticks_per_beat(self.meter) / ticks_per_beat(pulse.meter)
        return Span(self.beat, self.time_on(pulse), period_s, self.meter)


class LaidBars:
    """The bars in order, the last one goes on for ever; falsy where none is laid."""

    def __init__(self) -> None:
        self._bars: tuple[LaidBar, ...] = ()

    def __bool__(self) -> bool:
        return bool(self._bars)

    @property
    def last(self) -> LaidBar:
        return self._bars[-1]

    @property
    def odd(self) -> LaidBar | None:
        """The bar before the last one; None where there is none."""
        return self._bars[-2] if len(self._bars) > 1 else None

    def clear(self) -> None:
        self._bars = ()

    def lay(self, tick: Tick, odd: Meter, usual: Meter) -> None:
        """Lay the bar of this tick, the odd one after it and the one after that."""
        if not self._bars:
            self._bars = (LaidBar(tick.position.bar, tick.beat * ticks_per_beat(usual), tick.beat, usual),)
        last = self._bars[-1]
        while last.bar < tick.position.bar:
            last = last.after(usual)
        coming = last.after(odd)
        self._bars = (*(one for one in self._bars if one.bar < last.bar), last, coming, coming.after(usual))

    def spans(self, pulse: Grid, now_s: float) -> list[Span]:
        """Return the stretches of the band's beat over the pulse; bars that are long over are forgotten."""
        while len(self._bars) > 2 and self._bars[1].time_on(pulse) < now_s - KEPT_BEATS * pulse.period_s:
            self._bars = self._bars[1:]
        return [one.span(pulse) for one in self._bars]
