"""Makes plans from what the responder generates and the state of the band.

The responder works in ticks (16th notes). Whenever a tick of the bass is complete, its state takes one step with what
the bass and the band really did; a copy of that state then generates the ticks ahead with the bass unknown. The first
of them are committed, the rest are tentative and discarded at the next tick.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import fields, replace

import numpy as np

from agent.band.band_state import AUDIBLE, BandEntrance, BandState, Gate
from agent.band.modes import Phase
from agent.band.note_renderer import Scorer
from agent.band.ticks import (
    Tick,
    first_tick,
    nearest_tick,
    next_tick,
    quarter_bpm_of,
    straight,
    tick_s_of,
    ticks_between,
    turns,
)
from agent.core.messages import (
    AgainLoop,
    AnswerPhrases,
    EndSong,
    KeepSection,
    Lead,
    LeadBar,
    LoopRiff,
    LoopTake,
    PlayLoop,
    SetBehind,
    SetDial,
    SetGrooveTaste,
    SetMix,
    SetMode,
    SetPart,
    StopLoop,
)
from agent.core.settings import BandConfig, DialsConfig
from agent.core.types import PARTS, DrawnBar, DrawnTick, Plan, PlannedNote
from agent.directions.active import MindMessage, SetActiveEdits
from agent.directions.apply_edit import with_values
from agent.directions.director import Directing
from agent.directions.drawn import drawn_tick
from agent.directions.mix_wishes import sounds_of, wishes_of
from agent.leading.leading import Leading
from agent.leading.marks import broken, counted, marked
from agent.leading.song_bars import SongBars
from agent.mind.band_time import BandTime
from agent.mind.common_ground import common
from agent.mind.heard_before import heard_before
from agent.mind.heard_muting import HeardMuting, Latent
from agent.mind.riff_loop import RiffLoop
from agent.parts.groove_library import GrooveLibrary
from agent.parts.imagination import Imagination
from agent.song.bar_player import struck
from agent.song.kept import NOTHING_TO_KEEP, UNSURE_OF_BARS, KeptSection
from agent.song.level import Touch, hear_touch
from agent.song.live_song import LiveSong
from agent.song.own_cycle import own_cycle
from agent.song.rebarring import SURE_BARS, ratio_of
from agent.song.song_plan import wish_of
from listener.cycle_grid import CycleGrid
from listener.types import Analysis, Grid, Note
from models.codec.muting import MutedAxis
from models.critic.critic import Critic
from models.music.dials import Dials
from models.music.tokens import EMPTY_REPLY, BassTick, ChordHit, Position, Reply, TickInput, ticks_per_beat
from models.responder.responder import Responder, ResponderState
from models.timing.drum_timing import Timing

HEARD_AFTER_S = 0.060  # a note is named this long after its onset; a tick is complete then
BEAT_MARGIN_S = 0.03  # a change of the mix reaches a beat that is further off
SWUNG_FROM = 0.57  # of the grid: from here on grooves in triplets are looked for
ANSWER_MARGIN = 0.55  # of a tick, from what is committed to the pulse on which an answer begins
KEPT_NOTES = 128  # heard before the beat was found
KEPT_LINES = 64
KEPT_ONSETS = 1024  # of cycles that may be kept
KEPT_WAITING = 64  # sections that were kept and are not told of yet, one a frame
ARRIVES_FROM, ON_THE_ONE = 1.2, 0.25  # of a beat that slowed down, from which a one may be the last note; of a beat
DECIDED_TICKS = 4  # before a bar line, up to which the next bar is not committed
JUMP_BEATS = 0.5  # a grid that moves further than this between frames is a new grid


class Planner:
    """Plans the band's notes: step(Analysis, latent) -> Plan | None, once a frame. Deterministic for input and seed.

    latent: the frame's quantised EnCodec latent [D], or None. commit_s: notes within so many seconds ahead are final,
    output latency included.
    """

    def __init__(
        self,
        responder: Responder,
        config: BandConfig,
        parts: frozenset[str] = frozenset(PARTS),
        commit_s: float = 0.15,
        dials: DialsConfig | None = None,
        timing: Timing | None = None,
        grooves: GrooveLibrary | None = None,
        critic: Critic | None = None,
        muted_axis: MutedAxis | None = None,
    ) -> None:
        self.form = BandEntrance(config, parts)
        self._responder, self._config = responder, config
        self.commit_s, self.lookahead_s = commit_s, 2 * commit_s  # may change while playing
        asked = dials or DialsConfig()
        self._dials = Dials(**{item.name: getattr(asked, item.name) for item in fields(Dials)})
        self._guidance = asked.guidance
        self._asked: dict[str, float | str | None] = {}  # dials, from the next bar on
        self._behind_s = config.behind_ms / 1000  # likewise
        self._directing = Directing(config.seed)
        self._mixes: list[SetMix | PlayLoop | StopLoop] = []
        self._asked_mix = False  # whether directions came that the mix has not followed yet
        self.loop = RiffLoop()
        self._directing.follow(self.loop.settings)
        self._kept: deque[KeptSection | str] = deque(maxlen=KEPT_WAITING)
        self._lines_s: deque[float] = deque(maxlen=KEPT_LINES)  # when the bars began that were heard, the newest last
        self._onsets: dict[float, int] = {}  # pitches of the notes heard lately, by their onsets
        self._wished = False  # whether the mix of the last bar was not as the table has it
        self._drawn_bar: DrawnBar | None = None
        self._directed_bar = -1  # the newest that directions were begun in
        self._scorer = Scorer(self.form, config, timing, asked.style, self._directing)
        self.song = LiveSong(grooves or GrooveLibrary.load(), config.seed, asked.style, critic)
        self.bars = SongBars(self.song)
        self.leading = Leading(self.bars)
        self._time, self._touch = BandTime(self.form, self.leading), Touch()
        self._imagination = Imagination(config.seed)
        self._muting = HeardMuting(muted_axis)
        self._reset()

    def _reset(self) -> None:
        self._state: ResponderState = self._responder.initial_state()
        self._tick: Tick | None = None  # the tick being heard now
        self._tick_s = 0.0
        self._grid: Grid | None = None
        self._replies: dict[int, Reply] = {}  # committed, from the tick being heard on
        self._unshaped: dict[int, Reply] = {}  # likewise, before directions shape them
        self._drawn: list[DrawnTick] = []  # of the bar being heard
        self._notes: list[Note] = []  # heard, not yet given to a tick
        self._sounding: Note | None = None
        self._committed_s = float("-inf")
        self._bars_known = False  # the band has set its bars itself, and they have not turned since
        self._muting.reset()
        self.song.reset()
        self.bars.reset()
        self._imagination.reset()

    @property
    def tick(self) -> Tick | None:
        return self._tick

    @property
    def fixed_beat(self) -> Grid | None:
        """The band's beat where the player does not move it: in the band's own turn and over a loop."""
        return self.form.beat.fixed

    def send(self, message: MindMessage) -> None:
        """Take a SetMode, SetPart, SetDial, SetBehind or SetActiveEdits; other messages are ignored."""
        match message:
            case SetMode(mode, bars, calls):
                self.form.ask(mode, bars, calls)
            case SetPart(part, enabled):
                self.form.enable(part, enabled)
            case SetDial(name, value):
                self._asked[name] = value
            case SetBehind(behind_s):
                self._behind_s = behind_s
            case SetActiveEdits(edits, hook):
                self._directing.ask(edits, hook)
                self._asked_mix = True
            case SetGrooveTaste(liking, declined):
                self.song.like_grooves(liking, declined)
            case AnswerPhrases():
                self.form.answer_phrases()
            case LoopRiff() | LoopTake():
                self.loop.ask(message)
                if isinstance(message, LoopRiff) and message.kept is None:
                    self.form.ask("accompany")
                    if self.loop.playing is None:  # an earlier mind may have begun one
                        self._mixes.append(StopLoop(0.0))
            case AgainLoop() if self.loop.playing is not None and self.form.modes.turn.phase == Phase.LOOPING:
                self._mixes.append(self.loop.playing)
            case KeepSection(name, sound):
                self._kept.append(self._keep(name, sound))
            case EndSong() if self.form.state not in AUDIBLE:
                self.form.call_off()
                self.leading.call_off()
                self._time.count_in(False)
            case _ if isinstance(message, Lead):
                self.leading.ask(message)

    def told_beat(self) -> None:
        """The player says where the beat is: bars that were counted in stand no longer."""
        self._time.count_in(False)

    def _begin_loop(self, tick: Tick, grid: Grid) -> tuple[Tick, Grid]:
        """Begin the riff, or the take of it, that was asked for with the bar of this tick: its beat is the band's from
        here on. Return that tick and the beat."""
        begun, bar = self.loop.begin(tick, grid), tick.position.bar
        if begun is None:
            return tick, grid
        if isinstance(begun.kept, KeptSection):
            self.leading.ask(LeadBar(0, None))
            self.leading.reset()
            self.song.recall(self.bars.of(bar), begun.kept)
        self.bars.usual = self.loop.usual if isinstance(begun.own, CycleGrid) else None
        own = begun.own if self.loop.swing is None else replace(begun.own, swing=self.loop.swing)
        self.form.loop(begun.message, own, begun.riff, bar)
        return replace(tick, position=Position(0, bar, own.meter_at(tick.beat))), own

    def _loop_ends(self, tick: Tick) -> None:
        """Go on in bars that are alike where the loop's were not, with the bar of this tick."""
        if self.loop.playing is None or self._loops(tick):
            return
        plain = self.loop.end(tick, self.fixed_beat)
        if plain is not None:
            self.bars.usual = None
            self.leading.released = plain

    @property
    def bars_sure(self) -> bool:
        """Whether the bars are known: the band has set them itself, or the ears are sure enough of them."""
        return self._grid is not None and (self._bars_known or self._grid.meter_confidence >= SURE_BARS)

    @property
    def not_kept(self) -> str:
        """Why what is played cannot be kept as a section now; "" where it can."""
        return "" if self._grid is not None and self.song.plays_a_section else NOTHING_TO_KEEP

    def take_kept(self) -> KeptSection | str | None:
        """Return the oldest section that was to be kept and is not told of yet, or why it could not be. Call once a
        frame."""
        return self._kept.popleft() if self._kept else None

    def _keep(self, name: str, sound: bool) -> KeptSection | str:
        """Return what is played now as a section. sound: with the place of its last whole cycle in the stream."""
        kept = self.song.keep(name, quarter_bpm_of(self._grid)) if self._grid else None
        if kept is None:
            return f"{NOTHING_TO_KEEP}."
        kept = replace(kept, odd=self.leading.odd_bars)
        if not sound or not self._lines_s:
            return kept
        if not self.bars_sure:
            return f"{UNSURE_OF_BARS}."
        odd, usual = dict(kept.odd), kept.section.meter
        ticks = [Position(0, 0, odd.get(number, usual)).ticks_per_bar for number in range(len(kept.bars))]
        start_s, end_s = self._heard_cycle(ticks)
        return replace(kept, start_s=start_s, end_s=end_s)

    def _heard_cycle(self, ticks: list[int]) -> tuple[float, float]:
        """Return from when to when the last whole cycle was played: its own length, not that of the ears' bar lines,
        unless the beat is the band's. ticks: of its bars."""
        assert self._tick and self._grid
        bars = len(ticks)
        over = (self.song.heard_before(self.bars.of(self._tick.position.bar)) - self.song.song.phrase_of) % bars
        lines = list(self._lines_s)
        last = len(lines) - 1 - over
        if last - bars < 0:
            last = len(lines) - 1
        first = max(last - bars, 0)
        if self.fixed_beat is not None or last - first != bars or not self._onsets:
            return lines[first], lines[last]
        start_s, end_s = own_cycle(list(self._onsets.items()), lines[first : last + 1], ticks)
        if end_s <= self._tick_s - 0.5 * tick_s_of(self._grid):
            return start_s, end_s
        whole = start_s - (end_s - start_s) > min(self._onsets)  # the cycle before, where the last has not quite ended
        return (2 * start_s - end_s, start_s) if whole else (lines[first], lines[last])

    def take_messages(self) -> list[PlayLoop | StopLoop | SetMix]:
        """Return the messages for the audio process besides plans: PlayLoop, StopLoop, SetMix. Call once a frame."""
        mixes, self._mixes = self._mixes, []
        return [*self.form.take_messages(), *mixes]

    def take_drawn(self) -> DrawnBar | None:
        """Return the bar that was completed since the last call, as the band decided it. Call once a frame."""
        drawn, self._drawn_bar = self._drawn_bar, None
        return drawn

    def _note_drawn(self, tick: Tick, after: Tick, heard: BassTick) -> None:
        """Keep what was decided for a tick that has been heard; a bar that was not whole is left out."""
        if tick.position.tick != len(self._drawn):
            self._drawn = []
        if tick.position.tick == len(self._drawn):
            self._drawn.append(drawn_tick(self._unshaped.pop(tick.number, EMPTY_REPLY), heard))
        self._unshaped = {number: one for number, one in self._unshaped.items() if number > tick.number}
        if after.position.tick == 0:
            if len(self._drawn) == tick.position.ticks_per_bar:
                parts = frozenset(self.form.gate().parts)
                bar, since_s = tick.position.bar, self._lines_s[-1] if self._lines_s else self._tick_s
                take, until_s = self.loop.take_in(bar), after.time_on(self._grid) if self._grid else self._tick_s
                self._drawn_bar = DrawnBar(bar, tick.position.meter, tuple(self._drawn), parts, since_s, until_s, take)
            self._drawn = []

    def _mix(self, at_s: float, bar: int) -> None:
        """Say how a bar is to be mixed, each bar anew: the audio process may be another one by then."""
        settings = self._directing.settings(bar)
        message = SetMix(at_s, wishes_of(settings), sounds_of(settings), self.song.sound_style)
        asks = bool(message.wishes or message.sounds or message.style)
        if asks or self._wished:
            self._mixes.append(message)
        self._wished = asks

    def _mix_soon(self, now_s: float) -> None:
        """Mix as it was just asked for from the next beat on; the notes follow from the next bar line on."""
        assert self._tick and self._grid
        bar = self._tick.position.bar
        at_s = self._grid.time_of(math.ceil(self._grid.beat_at(now_s + BEAT_MARGIN_S)))
        settings = self._directing.soon(bar)
        self._mixes.append(SetMix(at_s, wishes_of(settings), sounds_of(settings), self.song.sound_style))
        self._wished, self._asked_mix = True, False

    def step(self, analysis: Analysis, latent: Latent | None) -> Plan | None:
        """Take one frame; a Plan whenever a tick is complete.

        Three questions: which beat it is on (`BandTime`), what to play in which bar (`LiveSong`), and how hard it is
        struck (`Touch`).
        """
        if self.leading.count:
            self._count_in(analysis)
        analysis = self._time.of(analysis)
        self.form.push(analysis, [beat for beat, _ in self._time.expected])
        self._hear(analysis, latent)
        if analysis.grid is None:
            return self._stop(analysis.time_s) if self._tick else None
        self._follow(analysis.grid, analysis.time_s)
        if self._tick:
            self.form.collect(analysis, self._tick, analysis.grid)
            self._answer_soon(analysis)
        plan = None
        self._imagination.work(self._responder, self._dials, self._guidance)
        if self._asked_mix and self._tick:
            self._mix_soon(analysis.time_s)
        while self._is_heard(analysis.time_s):
            self._observe()
            plan = self._join(plan, self._plan(analysis.time_s))
        return plan

    def _answer_soon(self, analysis: Analysis) -> None:
        """Begin a bar with the pulse after the player's phrase, where phrases are answered as they end."""
        assert self._tick and analysis.grid
        committed_s = max(self._committed_s, analysis.time_s + self.commit_s)
        pulse = self.form.phrase_over(analysis, committed_s + ANSWER_MARGIN * tick_s_of(analysis.grid))
        if pulse is not None:
            self.leading.start_bar(pulse.index, pulse)

    def _count_in(self, analysis: Analysis) -> None:
        """Begin a bar of sticks on the next beat, in the tempo and meter that were asked for, else as heard; after its
        last stroke where the band is ending."""
        if self.form.state == BandState.ENDING or (self.leading.ends_first and self.form.state in AUDIBLE):
            return
        grid = self.leading.begin_count(analysis.grid, analysis.time_s, self.form.state in AUDIBLE)
        if grid is not None:
            self.form.beat.fix(grid)
            self.form.count_in()
            self._time.count_in()

    def _hear(self, analysis: Analysis, latent: Latent | None) -> None:
        corrected = {note.onset_s: note for note in (*analysis.ended, *analysis.revised)}
        self._notes = [corrected.get(note.onset_s, note) for note in self._notes] + list(analysis.notes)
        del self._notes[:-KEPT_NOTES]
        self._onsets |= {note.onset_s: note.pitch for note in (*analysis.notes, *corrected.values())}
        while len(self._onsets) > KEPT_ONSETS:
            del self._onsets[next(iter(self._onsets))]
        self._directing.key = analysis.key or self._directing.key
        self._muting.hear(analysis.time_s, latent, [note.onset_s for note in analysis.notes])

    def _stop(self, now_s: float) -> Plan:
        self._reset()
        self.form.lost()
        self._scorer.reset()
        self._time.reset()
        self.loop.forget()
        return Plan((), (), now_s, now_s)

    def _follow(self, grid: Grid, now_s: float) -> None:
        """Keep the tick on the band's grid; a grid that jumped is taken up at the tick nearest to where we were."""
        tick, own, turned = self._tick, self._grid, False
        if tick is None or own is None:
            missed, tick = heard_before(self._notes, grid, first_tick(grid, now_s))
            for position, bass in missed:
                self.bars.on_tick(position, bass)
        elif self._time.resumed:
            tick = first_tick(grid, now_s, tick)
            self.bars.turn(tick.position, None)
            self._directed_bar = -1  # what waits for a bar line waits no longer: it has just been
        elif abs(tick.time_on(grid) - self._tick_s) > JUMP_BEATS * grid.period_s or turns(tick, grid):
            before, ratio = tick.position, ratio_of(tick_s_of(own), tick_s_of(grid))
            tick = nearest_tick(grid, self._tick_s, tick)
            turned = ratio != 1 or tick.position != before  # else the beats only bear other numbers
            if turned:
                self.bars.turn(tick.position, ratio)
                self._directed_bar = -1  # likewise, or it is another
            if ratio != 1:
                self._replies = {}  # ticks of another level are other ticks
        self._bars_known = self.leading.on or self.fixed_beat is not None or (self._bars_known and not turned)
        self._tick, self._grid, self._tick_s = tick, grid, tick.time_on(grid)

    def _is_heard(self, now_s: float) -> bool:
        assert self._tick and self._grid
        half_s = 0.5 * tick_s_of(self._grid)
        return now_s >= self._tick_s + half_s + HEARD_AFTER_S

    def _observe(self) -> None:
        """The tick being heard is complete: step the state into the next one."""
        assert self._tick and self._grid
        tick, after = self._tick, next_tick(self._tick, self._grid)
        heard = self._bass_of(tick)
        self._directing.push(tick.position.tick, heard.onset_pitch)
        self._note_drawn(tick, after, heard)
        latent = self._muting.between(tick.time_on(self._grid), after.time_on(self._grid))
        bass, sound = self.form.hears(tick, heard, latent)
        reply = self._replies.pop(tick.number, EMPTY_REPLY)
        self._state = self._responder.step(self._input(after.position, bass, sound, reply), self._state)
        if tick.position.tick == 0:
            self._lines_s.append(self._tick_s)
        elif tick.position.tick == tick.position.ticks_per_bar - DECIDED_TICKS:
            self._muting.end_bar()
        self.bars.on_tick(tick.position, bass)
        self.leading.on_tick(tick, bass.onset_pitch, self._grid)
        self._touch = hear_touch(self._touch, bass)
        if after.position.tick == 0 and self._config.imagine:
            told, grooves = self.song.foretold(replace(after.position, bar=self.bars.of(after.position.bar)))
            self._imagination.begin(self._state, after.position, told, grooves)
        self._tick, self._tick_s = after, after.time_on(self._grid)
        self._time.expected = self._expected(after)

    def _expected(self, tick: Tick) -> list[tuple[float, int]]:
        """Return (beat, pitch) of the bass notes that are foretold for this bar and the next."""
        at, per_beat = tick.position, ticks_per_beat(tick.position.meter)
        first = tick.beat - at.tick // per_beat
        return [
            (first + ahead * at.meter.numerator + note.tick / per_beat, note.pitch)
            for ahead in (0, 1)
            for note in self.song.told_notes(self.bars.of(at.bar + ahead))
        ]

    def _bass_of(self, tick: Tick) -> BassTick:
        numbers = [self._tick_number(n) for n in self._notes]
        mine = [n for n, number in zip(self._notes, numbers, strict=True) if number == tick.number]
        late = [n for n, number in zip(self._notes, numbers, strict=True) if tick.number - 2 <= number < tick.number]
        mine = mine or late
        self._notes = [n for n, number in zip(self._notes, numbers, strict=True) if number > tick.number]
        played = [n for n in mine if n.articulation != "ghost"] or mine
        if played:
            self._sounding = played[-1]
        onset = played[-1] if played else None
        sounding = self._sounding.pitch if self._sounding and self.form.is_sounding else None
        return BassTick(True, onset.pitch if onset else None, onset.velocity if onset else 0, sounding)

    def _tick_number(self, note: Note) -> int:
        """The tick a note belongs to: where it was meant, the player's distance from the beat taken out."""
        assert self._tick and self._grid
        beat = self._grid.beat_at(note.onset_s - self._grid.behind_s)
        whole = int(np.floor(beat))
        sub = straight(beat - whole, self._grid.swing) * ticks_per_beat(self._grid.meter_at(whole))
        return self._tick.number + ticks_between(self._tick.beat, whole, self._grid) + round(sub - self._tick.sub)

    def _plan(self, now_s: float) -> Plan:
        """Imagine ahead on a copy of the state; commit what must leave before the next tick is heard."""
        assert self._tick and self._grid
        grid, tick = self._grid, self._tick
        tick_s = tick_s_of(grid)
        until_s = (
            now_s
            + self.commit_s
            + tick_s
            + max(0.0, -self._scorer.behind_s)
            + self._directing.early_s(tick.position.bar)
        )
        path = self._imagine(tick, now_s, until_s)
        committed: list[PlannedNote] = []
        done = 0
        while done < len(path) and path[done][0].time_on(grid) < until_s:
            (t, reply), done = path[done], done + 1
            if t.number in self._replies or t.time_on(grid) <= self._committed_s:
                continue
            if t.position.tick == 0:
                self._loop_ends(t)
                self.form.ends_at(self.leading.end_bar)
                self.form.downbeat(grid, now_s, t)
                self.leading.downbeat(t, grid, self.form.state in AUDIBLE, self.fixed_beat is not None)
                if self.leading.section_bar == t.position.bar:
                    self.form.enter_whole()
                if self.loop.asked and self.form.state in AUDIBLE:
                    t, grid = self._begin_loop(t, grid)
                    self._grid = grid
                    path[done - 1 :] = self._imagine(t, now_s, until_s)
                self._turn_dials()
                self._begin_directed(t, grid)
                reply = self._planned(
                    t, self._scorer.last_chord, True
                )  # the bar line may have changed whose turn it is
            elif t.position.bar != self._directed_bar:  # the bars have turned: this one's line was committed as no line
                self._begin_directed(t, grid)
                reply = self._planned(t, self._scorer.last_chord, True)
            self._directed_bar = t.position.bar
            gate = self._gate(t, now_s, grid)
            committed += self._scorer.final(t, reply, path[done:], gate, grid)
            self._replies[t.number] = reply
            self._committed_s = t.time_on(grid)
        gates = [self._gate(t, now_s, grid) for t, _ in path[done:]]
        tentative = self._scorer.tentative(path, done, gates, grid)
        return Plan(tuple(committed), tuple(tentative), max(until_s, self._committed_s), now_s, grid)

    def _begin_directed(self, tick: Tick, grid: Grid) -> None:
        """Begin the directions and the mix of the bar that this tick lies in."""
        self._directing.downbeat(tick.position.bar)
        self._mix(tick.time_on(grid), tick.position.bar)

    def _gate(self, tick: Tick, now_s: float, grid: Grid) -> Gate:
        """Return what may sound in a tick; next to nothing begins while the player holds a fermata."""
        if self._time.waiting:
            return self.form.held_gate(tick.position)
        if self._time.slowed >= ARRIVES_FROM and self._arrives(tick, grid):
            return self.form.arrival_gate(tick.position)
        return self.form.gate(tick.position, now_s, grid)

    def _arrives(self, tick: Tick, grid: Grid) -> bool:
        """Return whether a tick lies on a bar line, or after one beyond which nothing was heard yet."""
        at = tick.position
        since_s = tick.time_on(grid) - at.tick * tick_s_of(grid) + ON_THE_ONE * grid.period_s
        return at.tick == 0 or self.form.heard_s < since_s

    def _turn_dials(self) -> None:
        """What was asked for since the last bar line counts from this one on."""
        self._scorer.behind_s = self._behind_s
        if isinstance(guidance := self._asked.pop("guidance", None), float):
            self._guidance = guidance
        self._dials, self._asked = with_values(self._dials, self._asked), {}

    def _imagine(self, tick: Tick, now_s: float, until_s: float) -> list[tuple[Tick, Reply]]:
        """(tick, reply) from `tick` to the end of the look-ahead: what is committed as it is, the rest as planned."""
        assert self._grid
        self._ask_song()
        path: list[tuple[Tick, Reply]] = []
        bars = self._config.lookahead_bars if tick.position.tick == 0 else 1
        last = tick.number + bars * tick.position.ticks_per_bar
        look_s = max(until_s, now_s + self.lookahead_s)
        while tick.number < last or tick.time_on(self._grid) < look_s:
            chord = next((r.chord for _, r in reversed(path) if r.chord), self._scorer.last_chord)
            reply = self._replies.get(tick.number)
            path.append((tick, reply or self._planned(tick, chord, tick.time_on(self._grid) < until_s)))
            tick = next_tick(tick, self._grid)
        return path

    def _ask_song(self) -> None:
        """Tell the song what is asked of the band as a whole."""
        assert self._tick and self._grid
        bar = self._tick.position.bar
        dials = self._directing.dials(self._dials, bar)
        self.song.imagined, self.song.bits = self._imagination.bars, self._imagination.likelihood.bits
        self.song.sounds = self.form.state in AUDIBLE
        moves = self._directing.settings(bar).harmony_moves
        wish = wish_of(dials, self._guidance, self._config.temperature, moves)
        swung = self._grid.swing > SWUNG_FROM
        self.song.ask(wish, swung, dials.style, quarter_bpm_of(self._grid), self._muting.muted)

    def _input(self, position: Position, bass: BassTick, sound: Latent | None, reply: Reply) -> TickInput:
        dials = self._directing.dials(self._dials, position.bar)
        told = self.bars.told(position) if self._responder.config.plan else None
        return TickInput(position, bass, sound, reply, dials, self._guidance, told)

    def _planned(self, tick: Tick, chord: ChordHit | None, final: bool) -> Reply:
        """What the song plan has for a tick, struck as the player plays, as the band's state and the directions shape
        it."""
        if self.form.counts(tick.position.bar):
            return counted(tick.position)
        if (looped := self.loop.bar(tick.position.bar)) is not None and self._loops(tick):
            reply = looped.replies[min(tick.position.tick, len(looped.replies) - 1)]
            if final:
                self._unshaped[tick.number] = reply
            return reply
        reply = struck(self.bars.reply(tick.position, final), self._touch.gain)
        if (other := self._time.common.other) is not None and self._grid is not None:
            told = self.song.told_notes(self.bars.of(tick.position.bar))
            with_bass = any(note.tick == tick.position.tick for note in told)
            reply = common(reply, tick.position, tick.time_on(self._grid), other, with_bass)
        reply = self.form.reply(tick.position, reply, chord)
        if final:
            self._unshaped[tick.number] = reply
        shaped = self._directing.shaped(reply, tick.position, chord)
        if tick.position.tick == 0 and self.leading.marks(tick.position.bar):
            shaped = marked(shaped)
        beat = self.leading.break_beat(tick.position.bar)
        return broken(shaped, tick.position, beat) if beat else shaped

    def _loops(self, tick: Tick) -> bool:
        return self.form.modes.turn_in(tick.position.bar).phase == Phase.LOOPING

    @staticmethod
    def _join(first: Plan | None, second: Plan) -> Plan:
        if first is None:
            return second
        return replace(second, committed=first.committed + second.committed)
