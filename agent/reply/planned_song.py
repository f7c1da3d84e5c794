"""Plays a song plan over a bass that is known whole: the one way of `reply`, `make` and the workshop's takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tqdm import tqdm

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar
from agent.parts.drum_groove import Groove
from agent.parts.groove_library import GrooveLibrary
from agent.parts.imagination import ANEW, Imagination, ImaginedBars
from agent.reply.generation_options import GenerationOptions
from agent.song.bar_planner import plan_bar
from agent.song.bar_player import replies_of
from agent.song.plan_ticks import plan_tick
from agent.song.song_plan import BarPlan, SongPlan, Wish, hear
from listener.types import Meter
from models.critic.critic import Critic
from models.music.plan_tick import PlanTick
from models.music.tokens import EMPTY_REPLY, BassTick, Position, Reply, TickInput
from models.responder.responder import Responder, ResponderState, silenced

AHEAD = 33  # bars of the bass that a bar is planned on, itself included: two phrases of 16 are seen
FIRST_IMAGINED = 4  # grooves that the responder imagines before the band comes in
Played = tuple[Reply, BarPlan | None]


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick of music: its place, and what bass and band played."""

    place: Position
    bass: BassTick
    reply: Reply


@dataclass(frozen=True, slots=True)
class Bars:
    """A bass, bar by bar and tick by tick, and what is fixed beforehand.

    begins: the bar in which the band comes in. wishes: of each bar, () = the song's throughout. harmonies: chords of
    each bar that are given, () = found from the bass. loops: whether it begins again after the end, so that the band
    plays on. form: the section of each bar, () = as the bass has it.
    """

    bars: Sequence[BassBar]
    basses: Sequence[BassTick]
    begins: int = 0
    wishes: Sequence[Wish] = ()
    harmonies: Sequence[tuple[ChordAt, ...]] = ()
    loops: bool = False
    form: Sequence[str] = ()


class _Ear:
    """The responder beside the song: it hears bass and band, imagines grooves ahead and says how likely others are."""

    def __init__(self, responder: Responder, options: GenerationOptions) -> None:
        self._responder, self._options = responder, options
        self._imagination = Imagination(options.seed)
        self._state = responder.initial_state()
        self._before, self._reply = BassTick(True), EMPTY_REPLY
        self._at = Position(0, 0, Meter(4, 4))

    @property
    def imagined(self) -> tuple[ImaginedBars, ...]:
        return self._imagination.bars

    def begin(self, number: int, bar: BassBar, count: int) -> None:
        """Imagine `count` grooves over the bar that comes next."""
        self._at = Position(0, number, bar.meter)
        for _ in range(count):
            self._imagination.begin(self._coming(), self._at, bar)
            self._imagination.finish(self._responder, self._options.dials, self._options.guidance)

    def hear(
        self,
        number: int,
        bar: BassBar,
        basses: Sequence[BassTick],
        replies: Sequence[Reply],
        told: Callable[[int], PlanTick | None],
    ) -> None:
        """Take a whole bar, tick by tick. told: what the plan has decided of a tick of it."""
        for tick, (bass, reply) in enumerate(zip(basses, replies, strict=True)):
            place = Position(tick, number, bar.meter)
            self._state = self._step(place, self._before, self._reply, self._state, told(tick))
            self._before, self._reply = bass, reply

    def bits(self, grooves: Sequence[Groove], bars: Sequence[BassBar]) -> list[float]:
        """Return the bits of each groove over the next two bars, as the responder expects them."""
        two = [bars[0], bars[min(1, len(bars) - 1)]]
        return [self._bits(groove, two) for groove in grooves]

    def _bits(self, groove: Groove, bars: Sequence[BassBar]) -> float:
        state, before, reply, total = self._state, self._before, self._reply, 0.0
        for turn, bar in enumerate(bars):
            notes = {note.tick: note for note in bar.notes}
            for tick, hits in enumerate(groove.bar(turn)[: bar.ticks]):
                place = Position(tick, self._at.bar + turn, bar.meter)
                state = self._step(place, before, reply, state, ANEW)  # it is asked when a section is new
                reply = Reply(hits)
                total += self._responder.information(state, reply)
                note = notes.get(tick)
                before = BassTick(True, note.pitch, note.velocity, note.pitch) if note else BassTick(True)
        return total

    def _coming(self) -> ResponderState:
        return self._step(self._at, self._before, self._reply, self._state)

    def _step(
        self,
        place: Position,
        before: BassTick,
        reply: Reply,
        state: ResponderState,
        told: PlanTick | None = None,
    ) -> ResponderState:
        tick = TickInput(place, before, None, reply, self._options.dials, self._options.guidance, told)
        return self._responder.step(tick, state.copy())


def _wanted(heard: Bars, number: int) -> int:
    """Return how many grooves are imagined before a bar: some at first and, where the form is given, for a new section;
    else one more each bar, as nobody knows when the next section comes."""
    if number < heard.begins:
        return 0
    if heard.form:
        return FIRST_IMAGINED * (heard.form[number] not in heard.form[heard.begins : number])
    return FIRST_IMAGINED if number == heard.begins else 1


def _untold(tick: int) -> PlanTick | None:
    """Nothing is decided before the band comes in."""
    return None


def play(song: SongPlan, heard: Bars, options: GenerationOptions, responder: Responder | None) -> list[Played]:
    """Return the reply of every tick with the plan of its bar, None before the band comes in.

    responder: imagines grooves beside the library's and says how likely they are; None = the library's alone, which
    takes a tenth of the time.
    """
    library, critic = GrooveLibrary.load(), Critic.load()
    ear = _Ear(responder, options) if responder else None
    out: list[Played] = []
    for number, bar in enumerate(tqdm(heard.bars, "band", delay=2.0, unit="bar", disable=None)):
        start, plan, decided = len(out), None, song
        played = [EMPTY_REPLY] * bar.ticks
        if ear:
            ear.begin(number, bar, _wanted(heard, number))
        if number >= heard.begins:
            if heard.wishes:
                song = replace(song, wish=heard.wishes[number])
            if heard.form:
                song = replace(song, form=tuple(heard.form[number : number + AHEAD]))
            if heard.harmonies and bar.notes:
                song = replace(song, memory={**song.memory, bar.signature: heard.harmonies[number]})
            ahead, imagined = [*heard.bars[number : number + AHEAD]], ear.imagined if ear else ()
            if heard.loops:
                ahead = [*ahead, *heard.bars[: AHEAD - len(ahead)]]
            song, plan = plan_bar(song, ahead, library, True, imagined, critic, ear.bits if ear else None)
            played = [silenced(one, options.parts) for one in replies_of(plan, bar.ticks)]
            decided, song = song, hear(song, bar, plan)
        out += [(one, plan) for one in played]
        if ear:
            told = partial(plan_tick, plan, decided) if plan else _untold
            ear.hear(number, bar, heard.basses[start : start + bar.ticks], played, told)
    return out
