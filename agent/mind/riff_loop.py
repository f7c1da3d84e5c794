"""`RiffLoop` is the kept riff that the band repeats, and the take of it that it plays: whose bar comes when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.band.loop_control import STEPS_PER_S, LoopedBar, LoopedTake
from agent.band.phrase_window import Placed, Window
from agent.band.ticks import Tick
from agent.core.messages import LoopRiff, LoopTake, PlayLoop
from agent.directions.bar_settings import Settings
from agent.leading.led_grid import cycle_grid
from agent.song.kept import KeptSection
from listener.cycle_grid import CycleGrid
from listener.types import Grid, Meter
from models.music.tokens import BassTick, Position, ticks_per_beat

Timed = tuple[Meter, float]  # of a bar: its meter and its seconds


@dataclass(frozen=True, slots=True)
class Begun:
    """What begins with a bar. own: the beat that it is in; kept: the section, where it is not a take of one."""

    message: PlayLoop
    own: Grid
    riff: Window
    kept: KeptSection | None = None


class RiffLoop:
    """Call ask() at any time and begin() at a bar line that is being decided."""

    def __init__(self) -> None:
        self._wanted: LoopRiff | LoopTake | None = None
        self._playing: PlayLoop | None = None
        self._take: LoopedTake | None = None
        self._first, self._bars = 0, 0  # the band's bar that was the first of the cycle; bars of it
        self._since = 0  # the band's bar with which the take began
        self._intro = 0  # of the bars, those that come once
        self.usual: Meter | None = None  # the riff's own meter

    def ask(self, wish: LoopRiff | LoopTake) -> None:
        """Take a wish; it counts from the next bar line that is not decided yet. A take needs a riff that loops."""
        self._wanted = None if isinstance(wish, LoopRiff) and wish.kept is None else wish

    @property
    def asked(self) -> bool:
        return self._wanted is not None

    @property
    def playing(self) -> PlayLoop | None:
        """What the audio process was told of the loop that plays."""
        return self._playing

    def begin(self, tick: Tick, grid: Grid) -> Begun | None:
        """Begin what was asked for with the bar of this tick; None where there is nothing to begin yet: an intro is
        played to its end."""
        if isinstance(self._wanted, LoopTake) and tick.position.bar - self._first < self._intro:
            return None
        wish, self._wanted = self._wanted, None
        match wish:
            case LoopRiff(kept) if isinstance(kept, KeptSection):
                return self._begin_riff(wish, kept, tick, grid)
            case LoopTake(take) if isinstance(take, LoopedTake) and self._playing is not None:
                return self._begin_take(wish, take, tick, grid)
        return None

    def _begin_riff(self, wish: LoopRiff, kept: KeptSection, tick: Tick, grid: Grid) -> Begun:
        odd, usual = dict(kept.odd), kept.section.meter
        meters = [odd.get(number, usual) for number in range(len(kept.bars))]
        ticks = [Position(0, 0, meter).ticks_per_bar for meter in meters]
        seconds = round(wish.seconds * STEPS_PER_S) / STEPS_PER_S
        bars = [(meter, seconds * own / sum(ticks)) for meter, own in zip(meters, ticks, strict=True)]
        at_s = tick.time_on(grid)
        own: Grid = cycle_grid(bars, 0, tick.beat, at_s, grid)
        if len(set(meters)) == 1:
            period_s = seconds / (len(bars) * usual.numerator)
            own = Grid(at_s, tick.beat, 1, period_s, usual, 1.0, 1.0, grid.swing, grid.behind_s)
        notes = [
            Placed(sum(ticks[:number]) + note.tick, note.pitch, note.velocity, note.length)
            for number, one in enumerate(kept.bars)
            for note in one.notes
            if note.tick < ticks[number]
        ]
        self._take, self._first, self._bars, self._intro, self.usual = None, tick.position.bar, len(bars), 0, usual
        self._playing = PlayLoop(at_s - seconds, at_s, 0.0, wish.path, wish.before_s)
        return Begun(self._playing, own, _window(tick, sum(ticks), bars[0], notes, 0), kept)

    def _begin_take(self, wish: LoopTake, take: LoopedTake, tick: Tick, grid: Grid) -> Begun:
        """Begin a take with the bar of its form that comes now, or with its intro."""
        bar, at_s = tick.position.bar, tick.time_on(grid)
        place = ((bar - self._first) % max(self._bars, 1) - self._intro) % len(take.bars)
        if take.intro:
            place, self._wanted = 0, wish.then
        bars = [(one.meter, one.seconds) for one in take.bars]
        seconds, offset_s = sum(one.seconds for one in take.bars), sum(one.seconds for one in take.bars[:place])
        ticks = [len(one.basses) for one in take.bars]
        notes = list(_placed([bass for one in take.bars for bass in one.basses]))
        self._since = self._since if self._take and self._take.number == take.number else bar
        self._take, self._first, self._bars, self._intro = take, bar - place, len(take.bars), take.intro
        start_s = at_s - offset_s
        self._playing = PlayLoop(start_s - seconds, start_s, wish.gain_db, wish.path, wish.before_s, at_s)
        own = cycle_grid(bars, place, tick.beat, at_s, grid)
        return Begun(self._playing, own, _window(tick, sum(ticks), bars[0], notes, sum(ticks[:place])))

    def bar(self, bar: int) -> LoopedBar | None:
        """Return what the take that plays has for a bar of the band's; None where none plays."""
        take = self._take
        return take.bars[(bar - self._first) % len(take.bars)] if take else None

    def take_in(self, bar: int) -> int:
        """Return the number of the take that plays in a bar of the band's; 0 where none does."""
        return self._take.number if self._take and bar >= self._since else 0

    def settings(self, bar: int) -> Settings | None:
        """Return the settings of a bar of the band's in the take that plays; None where none plays."""
        one = self.bar(bar)
        return one.settings if one else None

    @property
    def swing(self) -> float | None:
        return self._take.swing if self._take else None

    def end(self, tick: Tick, own: Grid | None) -> Grid | None:
        """The loop ends with the bar before this tick's. Return the beat to go on with, where it was one of bars that
        are not alike."""
        usual = self.usual
        self.forget()
        return own.plain(tick.beat, usual) if isinstance(own, CycleGrid) and usual else None

    def forget(self) -> None:
        """There is no loop any more; what was asked for stays asked for."""
        self._playing = self._take = self.usual = None
        self._intro = 0


def _window(tick: Tick, ticks: int, first: Timed, notes: Sequence[Placed], offset: int) -> Window:
    """Return the riff as it was played just before this tick. offset: 16ths of it that have been played again."""
    meter, seconds = first
    tick_s = seconds / Position(0, 0, meter).ticks_per_bar
    return Window.of(tick.number - ticks - offset, ticks_per_beat(meter), ticks, tick_s, notes)


def _placed(basses: Sequence[BassTick]) -> Iterator[Placed]:
    """Yield the notes of a bass tick by tick, each until the next one or the silence after it."""
    for at, bass in enumerate(basses):
        if bass.onset_pitch is None:
            continue
        length = 1
        while at + length < len(basses):
            after = basses[at + length]
            if after.onset_pitch is not None or after.sounding_pitch is None:
                break
            length += 1
        yield Placed(at, bass.onset_pitch, bass.velocity, length)
