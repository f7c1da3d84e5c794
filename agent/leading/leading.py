"""`Leading` is what the band leads while the player plays on: asked for by word or command, decided a bar ahead, given
up where the player does not come along. A state machine that moves with bar lines, ticks and notes; no clock.

The player's pulse (agent/band/tempo_follower.py) goes on beneath an odd bar as if nothing had been asked: who does not
come along is met there again. Over a ramp of tempo the band's beat is its own until the player is in it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from agent.band.ticks import Tick
from agent.core.messages import (
    LED_BPM,
    CountIn,
    EndSong,
    GoToSection,
    Lead,
    LeadBar,
    LeadBreak,
    LeadLength,
    LeadNothing,
    LeadTempo,
    SetTempo,
    Tap,
)
from agent.core.types import TEMPO_GIVEN_UP
from agent.leading.coming_along import Departure, Ramp, Verdict
from agent.leading.laid_bars import LaidBars
from agent.leading.led_grid import Span, over
from agent.leading.lost_player import LostPlayer
from agent.leading.marks import meter_named
from agent.leading.own_beats import count_in_grid, next_one_s, ramp_of
from agent.leading.song_bars import SongBars
from agent.song.kept import KeptSection
from listener.types import Analysis, Grid, Meter
from models.music.tokens import Position, ticks_per_beat

TRIES = 2  # of an odd bar, a bar more or one fewer, that the player does not come along with
LOST_EACH_OTHER = "we lost each other"
RAMP_BARS = 2
SAME_TEMPO = 0.06  # octaves times ln 2; a section so near begins in the tempo that is played
TOLD_BEATS = 4  # of a new tempo that the ears are told of
FOUND_BARS = 4  # that the band plays along with a player it has found, before it leads again
END_PHRASE = 4  # bars; the end comes with one of them


@dataclass(frozen=True, slots=True)
class Asked:
    """A departure that is being judged. bar: of the band's, with which it began; what: "odd", "more" or "fewer"; place:
    of the odd bar in its cycle."""

    bar: int
    what: str
    place: int
    departure: Departure


class Leading:
    """Call grid() and hear() once a frame, on_tick() for every tick heard, downbeat() when a bar is committed.

    lines: what there is to say, hints: messages for the ears (Tap, SetTempo); take both.
    """

    def __init__(self, bars: SongBars) -> None:
        self._bars = bars
        self._odd: dict[int, Meter] = {}  # by place in the cycle, from 0
        self._failed: dict[int, int] = {}  # times in a row, by the same
        self._laid = LaidBars()
        self._asked: Asked | None = None
        self._length, self._length_failed = 0, 0  # bars more or fewer, wanted; times in a row that nobody came along
        self._tempo: LeadTempo | None = None  # wanted
        self._ramp: Ramp | None = None
        self._spans: tuple[Span, ...] = ()  # of the ramp, and after it
        self._break: tuple[int, int] | None = None  # bar, beat from 1
        self._break_beat = 0  # wanted
        self._goto: KeptSection | None = None
        self.section_bar = -1  # with which a kept section began last
        self._ends, self.end_bar = False, -1
        self._marked: deque[int] = deque(maxlen=4)  # bars whose one the band marks
        self._coming: dict[int, str] = {}  # by bar, what the plan has there
        self.released: Grid | None = None  # the beat to go on with where the band leads no more, for `BandTime`
        self.count: CountIn | None = None  # a count-in that is wanted, for the planner
        self._lost = LostPlayer()
        self._again_from = 0  # the bar before which the band departs from nothing: the player has just been found
        self._lines: list[str] = []
        self._gave_up: list[int] = []
        self._hints: list[Tap | SetTempo] = []

    # -- what is asked ----------------------------------------------------------------------------------------

    def ask(self, lead: Lead) -> None:
        """Take a wish; it counts from the next bar that is not decided yet."""
        match lead:
            case LeadBar(0, None):
                self._odd = {}
            case LeadBar(bar, None):
                self._odd.pop(bar - 1, None)
            case LeadBar(bar, meter) if meter is not None:
                self._odd[bar - 1], self._failed[bar - 1] = meter_named(meter), 0
            case LeadLength(bars):  # one more and one fewer in the same bar: as many as before
                self._length, self._length_failed = 0 if self._length == -bars else bars, 0
            case LeadTempo():
                self._tempo = lead
            case LeadBreak(beat):
                self._break_beat = beat
            case CountIn():
                self.count = lead
            case EndSong():
                self._ends, self._goto = True, None
            case GoToSection(kept) if isinstance(kept, KeptSection):
                self._goto, self._ends = kept, False
            case LeadNothing():
                self._odd, self._length, self._tempo, self._break_beat, self._ends = {}, 0, None, 0, False
                self._goto = None

    def call_off(self) -> None:
        """The end was asked for while the band does not play: what was to begin does not."""
        self.count = self._goto = None

    @property
    def ends_first(self) -> bool:
        """Whether a count-in is wanted for which the band ends what it plays."""
        return self.count is not None and self.count.ends

    def begin_count(self, heard: Grid | None, now_s: float, plays: bool) -> Grid | None:
        """Return the beat on which a bar is counted in, from its first beat on; None where the band plays already."""
        asked, self.count = self.count, None
        if asked is None or plays:
            self._lines += (
                [] if asked is None or asked.quietly else ["I am playing already: say `end it` first, or `faster`."]
            )
            return None
        grid = count_in_grid(asked, heard, now_s)
        self._hints += [Tap(grid.time_of(grid.index + beat)) for beat in range(grid.meter.numerator)]
        return grid

    @property
    def odd_bars(self) -> tuple[tuple[int, Meter], ...]:
        """The bars of the cycle, from 0, that are led in another meter."""
        return tuple(sorted(self._odd.items()))

    @property
    def on(self) -> bool:
        """Whether the band's bars or beats are its own now."""
        return bool(self._laid or self._spans)

    @property
    def own_tempo(self) -> bool:
        """Whether the notes do not move the band's beat."""
        return bool(self._spans)

    def start_bar(self, beat: int, grid: Grid) -> None:
        """Begin a bar with this beat of a grid, which is the band's from here on; it is not played yet."""
        at_s = grid.time_of(beat)
        self.released = replace(Span(beat, at_s, grid.period_s, grid.meter).grid(grid, at_s), confidence=1.0)

    def says(self, bar: int) -> str:
        """Return what is led in this bar and the next one, for the display; "" for nothing."""
        now, soon = self._coming.get(bar, ""), self._coming.get(bar + 1, "")
        soon = self._goto.name if self._goto else soon
        return "; ".join(part for part in (now, f"next bar {soon}" if soon and soon != now else "") if part)

    def take_lines(self) -> tuple[str, ...]:
        lines, self._lines = tuple(self._lines), []
        return lines

    def take_given_up(self) -> tuple[int, ...]:
        """Return what is led no more since the last call: odd bars of the cycle, from 1; TEMPO_GIVEN_UP."""
        bars, self._gave_up = tuple(self._gave_up), []
        return bars

    def take_hints(self) -> list[Tap | SetTempo]:
        hints, self._hints = self._hints, []
        return hints

    def reset(self) -> None:
        """The beat was lost: nothing is led any more; odd bars that were asked for stay asked for."""
        self._laid.clear()
        self._asked, self._ramp, self._spans, self._break = None, None, (), None
        self._coming, self.end_bar, self._ends, self.released, self._again_from = {}, -1, False, None, 0
        self._marked.clear()
        self._bars.usual = None

    # -- the beat ---------------------------------------------------------------------------------------------

    def over(self, pulse: Grid, now_s: float) -> Grid:
        """Return the band's beat over the player's pulse."""
        if self._spans:
            return over(pulse, self._spans, now_s)
        return over(pulse, self._laid.spans(pulse, now_s), now_s)

    # -- bar lines --------------------------------------------------------------------------------------------

    def downbeat(self, tick: Tick, grid: Grid, plays: bool, fixed: bool = False) -> None:
        """Decide the bar after the one that begins with this tick.

        plays: whether the band is heard. fixed: its bars and tempo stand: over a loop, in its own turn.
        """
        bar = tick.position.bar
        self._coming = {at: what for at, what in self._coming.items() if at >= bar}
        if not plays:
            return
        if self.ends_first:
            self.end_bar = max(self.end_bar, bar + 1)
            self._coming[bar + 1] = "the end"
            return
        if self._goto and not fixed:
            self._go_to(self._goto, tick, grid)
        if not fixed:
            self._begin(tick, grid)
        if self._asked is None and not fixed:
            self._next_bar(tick, grid)
        if self._break_beat:
            self._break, self._break_beat = (bar + 1, self._break_beat), 0
            self._coming[bar + 1] = f"a break on {self._break[1]}"
        if self._ends and self._bars.place(bar + 1, END_PHRASE) == 0:
            self._ends, self.end_bar = False, bar + 1
            self._coming[bar + 1] = "the end"

    def _go_to(self, kept: KeptSection, tick: Tick, grid: Grid) -> None:
        """Begin a kept section with the bar of this tick: in its meter and in its tempo."""
        bar, here, meter = tick.position.bar, self._bars.usual or tick.position.meter, kept.section.meter
        self._goto, self._asked, self._length = None, None, 0
        self._odd, self._failed = dict(kept.odd), {}
        self._bars.song.recall(self._bars.of(bar), kept)
        self._marked.append(bar)
        self.section_bar = bar
        self._coming = {bar: kept.name}
        quarter_s = grid.period_s * here.denominator / 4
        wanted_s = 60 / kept.quarter_bpm if kept.quarter_bpm else quarter_s
        if meter != here or abs(math.log(wanted_s / quarter_s)) > SAME_TEMPO:
            self._start_in(meter, quarter_s, wanted_s, tick, tick.time_on(grid))

    def _start_in(self, meter: Meter, before_s: float, after_s: float, tick: Tick, at_s: float) -> None:
        """Go on in another meter or tempo from this tick on. before_s, after_s: of a quarter."""
        unit = 4 / meter.denominator
        self._lost.ring, _ = self._bars.ring(tick.position.bar)
        self._bars.usual = None
        self._laid.clear()
        self._spans = (Span(tick.beat, at_s, after_s * unit, meter),)
        self._ramp = Ramp(before_s * unit, after_s * unit, at_s, at_s, meter.numerator)
        self._hints.append(SetTempo(60 / (after_s * unit)))
        self._hints += [Tap(at_s + beat * after_s * unit) for beat in range(meter.numerator)]

    def _begin(self, tick: Tick, grid: Grid) -> None:
        """Begin what was decided for the bar of this tick."""
        bar = tick.position.bar
        if self._tempo and self._coming.get(bar, "").startswith("to "):
            self._begin_ramp(tick, grid)
        if self._asked and self._asked.bar == bar:
            ring, at = self._bars.ring(bar)
            usual = self._bars.usual or tick.position.meter
            ticks = Position(0, 0, usual).ticks_per_bar
            if self._asked.what == "odd":
                before = self._laid.odd
                led, straight = at, at + (before.ticks - ticks if before else 0)
            else:  # the riff goes on a bar later, or earlier, than it would have
                led, straight = at, at + (ticks if self._asked.what == "more" else -ticks)
            self._lost.ring = ring
            self._asked = replace(self._asked, departure=Departure(ring, led, straight, ticks))
            self._marked.append(bar)

    def _next_bar(self, tick: Tick, grid: Grid) -> None:
        bar, usual = tick.position.bar, self._bars.usual or tick.position.meter
        if self._lost.sought or bar + 1 < self._again_from:
            return  # nobody who is lost is led further
        if self._tempo is not None and not self._ramp:
            wanted_s = self._wanted_period_s(grid)
            self._coming[bar + 1] = f"to {60 / wanted_s:.0f} bpm"
            return
        cycle = self._bars.cycle(max(self._odd, default=0) + 1)
        place = self._bars.place(bar + 1, cycle)
        if self._length and not self._laid and place == (0 if self._length > 0 else cycle - 1):
            more, self._length = self._length > 0, 0
            (self._bars.add if more else self._bars.drop)(bar + 1)
            self._coming[bar + 1] = "once more" if more else "a bar is left out"
            self._asked = Asked(bar + 1, "more" if more else "fewer", 0, Departure((), 0, 0, 16))
            return
        odd = self._odd.get(place)
        if odd is not None and odd != usual and not self._spans:
            self._bars.usual = usual
            self._laid.lay(tick, odd, usual)
            self._coming[bar + 1] = str(odd)
            self._asked = Asked(bar + 2, "odd", place, Departure((), 0, 0, 16))
        elif not self._odd and self._laid:
            self._release(grid)

    def _release(self, grid: Grid) -> None:
        """Go on in the player's bars from here on, where they are by now."""
        last = self._laid.last
        at_s = grid.time_of(last.beat)
        plain = Span(last.beat, at_s, grid.time_of(last.beat + 1) - at_s, last.meter)
        self.released = plain.grid(grid, grid.anchor_s)
        self._laid.clear()
        self._spans, self._ramp = (), None
        self._bars.usual = None

    # -- the tempo --------------------------------------------------------------------------------------------

    def _wanted_period_s(self, grid: Grid) -> float:
        assert self._tempo
        bpm = self._tempo.bpm or 60 / grid.period_s * self._tempo.factor
        return 60 / min(max(bpm, LED_BPM[0]), LED_BPM[1])

    def _begin_ramp(self, tick: Tick, grid: Grid) -> None:
        beats, meter = tick.position.meter.numerator, tick.position.meter
        before_s, after_s = grid.period_s, self._wanted_period_s(grid)
        self._laid.clear()
        self._spans = ramp_of(tick.beat, tick.time_on(grid), before_s, after_s, meter, RAMP_BARS * beats)
        at_s, self._tempo = self._spans[-1].start_s, None
        self._lost.ring, _ = self._bars.ring(tick.position.bar)
        self._bars.usual = None
        self._ramp = Ramp(before_s, after_s, tick.time_on(grid), at_s, beats)
        self._coming |= {tick.position.bar + ahead: f"to {60 / after_s:.0f} bpm" for ahead in range(RAMP_BARS)}
        self._hints.append(SetTempo(60 / after_s))
        self._hints += [Tap(at_s + beat * after_s) for beat in range(TOLD_BEATS)]

    def hear(self, analysis: Analysis) -> None:
        """Take a frame: the player's notes say whether they are in the new tempo."""
        if self._ramp is None:
            return
        for note in analysis.notes:
            if note.articulation != "ghost":
                self._ramp = self._ramp.heard(note.onset_s)
        verdict = self._ramp.verdict(analysis.time_s)
        if verdict is Verdict.OPEN:
            return
        ramp, self._ramp = self._ramp, None
        self._lost.seek(afresh=True)  # what was heard lies on ticks of another tempo
        self._hints.append(SetTempo(None))
        if verdict is Verdict.FOLLOWS and self._spans:
            plain = self._spans[-1].grid(analysis.grid or _some(self._spans[-1]), analysis.time_s)
            self.released = replace(plain, anchor_s=plain.anchor_s + ramp.apart_s(analysis.time_s))
        else:
            why = "you stayed there" if verdict is Verdict.STAYS else "we were not together"
            self._lines.append(f"Back at {60 / ramp.before_s:.0f}: {why}.")
            self._gave_up.append(TEMPO_GIVEN_UP)
            self.released = None
        self._spans = ()

    # -- whether the player comes along -----------------------------------------------------------------------

    def on_tick(self, tick: Tick, pitch: int | None, grid: Grid) -> None:
        """Take a tick that was heard."""
        self._lost.hear(pitch)
        if self._lost.sought and self._ramp is None and self._asked is None:
            self._find(tick, grid)
        asked = self._asked
        if asked is None or tick.position.bar < asked.bar:
            return
        asked = replace(asked, departure=asked.departure.heard(pitch))
        self._asked = asked
        verdict = asked.departure.verdict
        if verdict is Verdict.OPEN:
            return
        self._asked = None
        if verdict is Verdict.FOLLOWS:
            self._failed[asked.place] = self._length_failed = 0
            if asked.what == "odd":
                self._hints.append(Tap(next_one_s(tick.beat, grid)))
            return
        if verdict is Verdict.LOST:
            self._lost.seek()
        self._back(asked, tick, verdict is Verdict.LOST)

    def _find(self, tick: Tick, grid: Grid) -> None:
        """Look for a player who was lost in their riff, and count their bars from there on."""
        ticks = Position(0, 0, self._bars.usual or tick.position.meter).ticks_per_bar
        found = self._lost.found(tick.position.tick, ticks)
        if found is None:
            return
        self._again_from = tick.position.bar + 1 + FOUND_BARS
        if (found - tick.position.tick - 1) % ticks == 0:
            return
        tick_s = grid.period_s / ticks_per_beat(grid.meter)
        left = ticks - found % ticks
        one_s, per_beat = tick.time_on(grid) + (1 + left) * tick_s, ticks_per_beat(tick.position.meter)
        plain = Span(tick.beat + 1 + left // per_beat, one_s, grid.period_s, tick.position.meter)
        early = replace(plain.grid(grid, one_s), confidence=1.0)
        self.released = early
        self._laid.clear()
        self._spans, self._bars.usual = (), None
        self._hints.append(Tap(one_s))

    def _back(self, asked: Asked, tick: Tick, lost: bool) -> None:
        """Go back to where the player is: for good once they did not come along twice, or were lost on the way."""
        if asked.what == "odd":
            self._back_in_meter(asked.place, lost)
            return
        more = asked.what == "more"
        self._bars.take_back(tick.position.bar + 1, more)
        self._length_failed += 1
        if not lost and self._length_failed < TRIES:
            self._length = self._length or (1 if more else -1)
            return
        what, why = "bar more" if more else "shorter form", LOST_EACH_OTHER if lost else "you went on twice"
        self._lines.append(f"No {what}, then: {why}, and I am with you.")

    def _back_in_meter(self, place: int, lost: bool) -> None:
        usual = self._bars.usual
        self._failed[place] = TRIES if lost else self._failed.get(place, 0) + 1
        if self._failed[place] >= TRIES and place in self._odd:
            odd = self._odd.pop(place)
            self._gave_up.append(place + 1)
            why = f"{LOST_EACH_OTHER} in {odd}" if lost else f"you did not come along in {odd} twice"
            self._lines.append(f"Bar {place + 1} is in {usual} again: {why}.")
        self._laid.clear()
        self._bars.usual = None

    # -- what the band does to it -----------------------------------------------------------------------------

    def marks(self, bar: int) -> bool:
        """Return whether the band marks the one of a bar."""
        return bar in self._marked

    def break_beat(self, bar: int) -> int:
        """Return the beat, from 1, on which the band stops in a bar; 0 for none."""
        return self._break[1] if self._break and self._break[0] == bar else 0


def _some(span: Span) -> Grid:
    return Grid(span.start_s, span.beat, span.position, span.period_s, span.meter, 1.0, 1.0)
