"""`BandEntrance` decides when the band plays: it comes in on the one, holds the groove while the player rests, thins
out, ends and comes back. By the mode (agent/band/modes.py) it trades bars, plays over a loop or only listens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.band.bar_reading import BarReading
from agent.band.closing import Closing
from agent.band.drum_cues import with_crash, with_fill, with_time, without_marks
from agent.band.fixed_beat import OwnBeat
from agent.band.loop_control import Looping
from agent.band.modes import MAY_SOUND, NO_REST, THIN_PIECES, Modes, Phase, Turn
from agent.band.mute import Mute
from agent.band.phrase_end import BARS_MAX, PhraseEnd
from agent.band.phrase_window import Latent, Window
from agent.band.ticks import Tick
from agent.band.trading import Bars, Trading
from agent.core.messages import PlayLoop, StopLoop
from agent.core.settings import BandConfig
from agent.core.types import PARTS
from listener.types import Analysis, Grid
from models.music.tokens import QUALITIES, BassTick, ChordHit, LineHit, Position, Reply, ticks_per_beat
from models.responder.phrasing import last_group

LEAVE_CONFIDENCE, LEAVE_BARS = 0.2, 8  # a beat less sure than this for so many bars is lost, and the band stops
UNMARKED_BARS = 4  # of an entrance with an unsure meter, in which the drums mark no bars
SURE = 0.3  # confidence from which a key or a chord is followed
CHORD_VELOCITY = 74
LINE_ENTERS_BAR = 4  # bars after the band came in
CHORDS_ENTER_BAR = 1
RESTING_BARS = 0.75  # silence longer than this is a rest, not a phrase breathing
PHRASE_NOTES = 2  # fewer notes are no phrase to answer
YIELD_NOTES = 3  # so many notes of the player's within a bar of the band's turn, and the band comps softly instead
YIELD_GAIN = 0.75
HELD_GAIN = 0.75  # of the time that is kept under the player's last note
HELD_PIECES = frozenset({"closed_hat", "ride", "shaker"})  # that keep it
OVER_BARS = 1.5  # of silence after an end that was asked for, from which the player begins anew
OVER_S = 3.0  # the same where no beat is heard
YIELD_AFTER_BEATS = 0.75  # the player's last note may ring into the band's turn for so long


class BandState(StrEnum):
    """What the band as a whole does; it changes on downbeats only."""

    LISTENING = "listening"  # the beat is not clear yet, nobody plays, or the mode is listen
    PLAYING = "playing"
    HOLDING = "holding"  # the player rests: keep the groove
    THINNING = "thinning"
    ENDING = "ending"  # a last stroke on the one


AUDIBLE = frozenset({BandState.PLAYING, BandState.HOLDING, BandState.THINNING})


@dataclass(frozen=True, slots=True)
class Gate:
    """What may sound in one tick. pieces: drum pieces allowed, None = all. final: play the ending stroke. gain: factor
    on velocities."""

    parts: frozenset[str] = frozenset()
    pieces: frozenset[str] | None = None
    final: bool = False
    gain: float = 1.0


class BandEntrance:
    """The band's state machine: entrance, rests, ending and turns. Its state changes only on a downbeat."""

    def __init__(self, config: BandConfig, parts: frozenset[str] = frozenset(PARTS)) -> None:
        self.state = BandState.LISTENING
        self.modes = Modes(config)
        self._config, self._mute = config, Mute(parts)
        self._bars = 0  # bars spent in this state
        self._bars_in = 0  # bars since the band came in
        self._unsure = False  # whether the meter of this bar may be another
        self._faint_bars = 0  # bars of a beat that is hardly there
        self._played_s = float("-inf")  # when the player last sounded
        self._rests_from_s = float("-inf")  # silence before this does not count as a rest
        self._sounding = False
        self._newest_s = float("-inf")  # onset of the note last heard
        self._onsets: deque[float] = deque(maxlen=YIELD_NOTES)
        self._phrase_end, self._closing = PhraseEnd(), Closing()
        self._window: Window | None = None  # what the player plays in their turn
        self._answered: Window | None = None  # the phrase that is over, until its answer begins
        self._riff: Window | None = None  # what the loop repeats
        self._trading, self._looping = Trading(config.seed), Looping()
        self.beat = OwnBeat(config.enter_confidence)
        self.reading = BarReading(config.enter_confidence, config.max_wait_bars)
        self._turn_s = 0.0  # when the turn began
        self._key: tuple[int, str] | None = None
        self._chord: ChordHit | None = None  # heard in the bass
        self._messages: list[PlayLoop | StopLoop] = []  # for the audio process
        self._count_bar: int | None = None  # a bar that is counted in; -1 = the next one
        self._end_bar = -1  # the bar with whose one the band ends
        self._over = False  # it has ended as it was asked to: it waits until the player begins anew

    # -- input ------------------------------------------------------------------------------------------------

    def push(self, analysis: Analysis, expected: Sequence[float] = ()) -> None:
        """Take one frame's analysis, its grid the one that the band plays on. Call once a frame.

        expected: beats of the bass notes that are foretold.
        """
        for note in analysis.notes:
            self._newest_s, self._sounding = note.onset_s, True
            self._onsets.append(note.onset_s)
        if any(note.onset_s == self._newest_s for note in analysis.ended):
            self._sounding = False
        if self._sounding or analysis.notes:
            self._played_s = analysis.time_s
        if analysis.grid is None and self.silence_s(analysis.time_s) > OVER_S:
            self._over = False
        if analysis.key and analysis.key.confidence >= SURE:
            self._key = analysis.key.tonic, analysis.key.mode
        if (heard := analysis.chord) and heard.confidence >= SURE and heard.quality in QUALITIES:
            self._chord = ChordHit(heard.root, heard.quality, CHORD_VELOCITY)
        self._looping.push(analysis.grid, analysis.time_s)
        self._closing.push(analysis, expected)

    def collect(self, analysis: Analysis, tick: Tick, grid: Grid) -> None:
        """Record what the player plays in their turn. Call once a frame, after `push`; tick: any tick of the grid."""
        if window := self._window or self._riff:
            window.push(analysis, tick, grid)

    def ask(self, mode: str, bars: int | None = None, calls: bool = False) -> None:
        """Change the mode from the next bar on, or at once while the band does not play. bars: of a trade's turns;
        calls: whether the first of them is the band's."""
        self._over = False
        self.modes.ask(mode, self.state in AUDIBLE, bars, calls)

    def answer_phrases(self) -> None:
        """Trade from the next bar on: each phrase is answered on the pulse after its end."""
        self.ask("trade")
        self.modes.free, self.modes.answers, self._answered = True, 0, None
        if self.modes.turn.phase == Phase.YOURS:
            self.modes.turn = replace(self.modes.turn, bars=None)

    def phrase_over(self, analysis: Analysis, free_s: float) -> Grid | None:
        """Return the pulse with which the answer to the player's phrase begins, anchored at its first beat, once that
        is known. free_s: from when on nothing is committed."""
        modes, grid = self.modes, analysis.grid
        theirs = modes.free and modes.turn.phase == Phase.YOURS and self.state in AUDIBLE
        self._phrase_end.push(analysis, theirs, modes.free)
        if not theirs or grid is None or self._window is None:
            return None
        if self._phrase_end.goes_on:
            self._phrase_end.withdraw()
            self._answered, modes.answers = None, 0
        found = self._phrase_end.over(analysis.time_s, grid, free_s)
        if found is not None:
            self._answered = self._window.closed()
            per_bar = grid.meter.numerator * ticks_per_beat(grid.meter)
            modes.answers = min(max(-(-self._answered.ticks // per_bar), 1), BARS_MAX)
        return found

    def answers_from(self, at: Position) -> bool:
        """Return whether the answer to a free phrase begins with this tick."""
        turn = self.modes.turn_in(at.bar)
        return self.modes.free and turn.phase == Phase.OURS and (at.bar, at.tick) == (turn.start, 0)

    def count_in(self) -> None:
        """Count the next bar and come in after it, whether somebody plays or not."""
        self._count_bar, self._over = -1, False

    def call_off(self) -> None:
        """Come in after no count: wait until the player begins anew."""
        if self._count_bar is not None:
            self._count_bar, self._over = None, True
            self.beat.forget()

    def counts(self, bar: int) -> bool:
        """Return whether a bar is counted in."""
        return self._count_bar == bar

    def ends_at(self, bar: int) -> None:
        """End with the one of this bar; -1 = go on."""
        self._end_bar = bar

    def enable(self, part: str, enabled: bool) -> None:
        """Mute a part at once, or let it play again from the next bar on."""
        self._mute.set(part, not enabled)

    def take_messages(self) -> list[PlayLoop | StopLoop]:
        """Return the new messages for the audio process."""
        messages, self._messages = self._messages, []
        return messages

    @property
    def bars_in(self) -> int:
        """Return the bars since the band came in; 0 while it does not play, and in its first bar."""
        return self._bars_in

    @property
    def is_sounding(self) -> bool:
        """Return whether one of the player's notes sounds now."""
        return self._sounding

    @property
    def heard_s(self) -> float:
        """Return when the newest note began."""
        return self._newest_s

    @property
    def _together(self) -> bool:
        return self.modes.turn.phase == Phase.TOGETHER

    def silence_s(self, now_s: float) -> float:
        return now_s - max(self._played_s, self._rests_from_s)

    def describe(self, bar: int) -> str:
        """Return the phase for the status line: 'together', 'yours 2/4'; until the band plays 'counting', 'ended' (it
        was asked to, and the player has not begun anew) or 'waiting'."""
        turn = self.modes.turn_in(bar)
        if self.state in AUDIBLE or turn.phase == Phase.SILENT:
            return turn.describe(bar)
        return "counting" if self._count_bar is not None else "ended" if self._over else "waiting"

    # -- bar lines --------------------------------------------------------------------------------------------

    def downbeat(self, grid: Grid, now_s: float, tick: Tick) -> None:
        """Decide how the band goes on at the bar line that is played next; tick: the bar's first."""
        bar_s, bar = grid.period_s * grid.meter.numerator, tick.position.bar
        before, turn = self.state, self.modes.turn
        self._mute.downbeat()
        if before in AUDIBLE:
            self.modes.downbeat(bar, self._window is not None and len(self._window.notes) >= PHRASE_NOTES)
        expected = not NO_REST & {turn.phase, self.modes.turn.phase}
        self._unsure = grid.meter_confidence < self._config.enter_confidence
        self._faint_bars = self._faint_bars + 1 if grid.confidence < LEAVE_CONFIDENCE else 0
        silent_bars = self.silence_s(now_s) / bar_s
        self._over = self._over and silent_bars < OVER_BARS
        if self._count_bar == -1 and before == BandState.LISTENING:
            self._count_bar = bar
        elif self._count_bar is not None:
            self._rests_from_s, expected = now_s, False
        self.state = self._next_state(grid, expected and silent_bars > RESTING_BARS, tick)
        if self.state not in AUDIBLE or before not in AUDIBLE:
            self.modes.rest(bar)
        self._bars = 0 if self.state != before else self._bars + 1
        self._bars_in = 0 if self.state == BandState.LISTENING else self._bars_in + (before != BandState.LISTENING)
        if (self.modes.turn != turn or before not in AUDIBLE) and not self.counts(bar):
            self._pass_on(turn.phase, self.modes.turn, grid, tick)

    def _next_state(self, grid: Grid, resting: bool, tick: Tick) -> BandState:
        counted, bar = self._count_bar, tick.position.bar
        if counted is not None and counted != bar:
            self._count_bar = None
        match self.state:
            case BandState.LISTENING if counted is not None:
                return BandState.PLAYING if counted != bar else BandState.LISTENING
            case BandState.LISTENING | BandState.ENDING if self._over:
                return BandState.LISTENING
            case _ if bar == self._end_bar and self.state in AUDIBLE:
                self._over = True
                return BandState.ENDING
            case BandState.LISTENING:
                enters = (
                    self.modes.mode != "listen" and not resting and self.reading.may_enter(grid, tick.time_on(grid))
                )
                return BandState.PLAYING if enters else BandState.LISTENING
            case _ if self._faint_bars >= LEAVE_BARS or self.modes.mode == "listen":
                return BandState.ENDING if self.state != BandState.ENDING else BandState.LISTENING
            case BandState.PLAYING | BandState.HOLDING if (
                self._closing.ended and self.modes.turn.phase == Phase.TOGETHER
            ):
                return BandState.LISTENING if self._closing.slowed else BandState.ENDING
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

    def loop(self, message: PlayLoop, own: Grid, riff: Window, bar: int) -> None:
        """Play over a kept riff from this bar on; own: the beat that it is in."""
        self.modes.loop(bar)
        self._looping.take()
        self.beat.fix(own)
        self._riff, self._window = riff, None
        self._messages.append(message)

    def lost(self) -> None:
        """Return to LISTENING because the beat was lost, and end a loop."""
        self.state, self._bars, self._bars_in, self._faint_bars = BandState.LISTENING, 0, 0, 0
        self.modes.rest(0)
        self._stop_loop(0.0)
        self.beat.forget()
        self._window = self._riff = None

    # -- turns ------------------------------------------------------------------------------------------------

    def _pass_on(self, before: Phase, turn: Turn, grid: Grid, tick: Tick) -> None:
        """Begin a turn with this tick."""
        self._turn_s = tick.time_on(grid)
        plays = self.state in AUDIBLE
        if turn.phase == Phase.LOOPING and before == Phase.RECORDING and plays:
            message, own = self._looping.close(tick.beat, grid)
            self._messages.append(message)
            self.beat.fix(own)
            self._riff, self._window = self._window, None
            return
        if turn.phase == Phase.OURS:
            self._window = self._answered or self._window
            if not self.beat.led:
                self.beat.fix(grid)
        else:
            self._window = None
            self.beat.free()
        self._stop_loop(self._turn_s)
        self._riff = self._answered = None
        if not plays:
            self.beat.forget()
        elif turn.phase in (Phase.YOURS, Phase.RECORDING):
            self._rests_from_s = self._turn_s
            self._listen_for(turn, grid, tick)

    def _listen_for(self, turn: Turn, grid: Grid, tick: Tick) -> None:
        bars = BARS_MAX if self.modes.free and turn.phase == Phase.YOURS else turn.bars or 1
        per_beat, beats = ticks_per_beat(grid.meter), bars * grid.meter.numerator
        self._window = Window(tick.number, per_beat, beats * per_beat, grid.period_s / per_beat)
        if turn.phase == Phase.RECORDING:
            self._messages.append(self._looping.begin(tick.beat, beats, grid))

    def _stop_loop(self, at_s: float) -> None:
        if message := self._looping.stop(at_s):
            self._messages.append(message)

    def _yields(self, now_s: float, grid: Grid) -> bool:
        """Return whether the player plays on in the band's turn."""
        since_s = max(self._turn_s + YIELD_AFTER_BEATS * grid.period_s, now_s - grid.period_s * grid.meter.numerator)
        return len(self._onsets) == YIELD_NOTES and self._onsets[0] >= since_s

    # -- output -----------------------------------------------------------------------------------------------

    def gate(self, at: Position | None = None, now_s: float = 0.0, grid: Grid | None = None) -> Gate:
        """Return what may sound in a tick of the bar decided on at the last downbeat; at: None = mid-bar."""
        if at and self.counts(at.bar):
            return Gate(self._mute.parts & {"drums"})
        turn = self.modes.turn_in(at.bar) if at else self.modes.turn
        may = MAY_SOUND[turn.phase]
        match self.state:
            case BandState.PLAYING | BandState.HOLDING:
                entered = self._mute.parts if turn.phase == Phase.OURS else self._mute.parts & self._entered()
                rests = {"line"} if self.state == BandState.HOLDING or self._closing.doubtful else set()
                gate = Gate((entered - rests) & may.parts, may.pieces, gain=may.gain)
                if self._closing.holds and self._together:
                    held = frozenset[str]() if self._closing.slowed else gate.parts & {"drums"}
                    return Gate(held, HELD_PIECES, gain=HELD_GAIN)
            case BandState.THINNING:
                return Gate(self._mute.parts & {"drums"} & may.parts, THIN_PIECES, gain=0.8)
            case BandState.ENDING if at is not None and at.tick == 0:
                return Gate(self._mute.parts, final=True)
            case _:
                return Gate()
        if turn.phase == Phase.OURS and not self.modes.calls and grid and self._yields(now_s, grid):
            return replace(gate, parts=gate.parts - {"line"}, gain=YIELD_GAIN)
        return replace(gate, pieces=None, gain=1.0) if at and self._fills_at(at) else gate

    def held_gate(self, at: Position) -> Gate:
        """Return what may sound while a note is held unusually long: nothing but a stroke that rings on the next one,
        where it may be the last."""
        strikes = self._closing.first and at.tick == 0 and self.state in AUDIBLE and self._together
        return Gate(self._mute.parts, final=True) if strikes else Gate()

    def arrival_gate(self, at: Position) -> Gate:
        """Return what may sound from the one of a bar on into which the player slows down: a stroke that rings."""
        strikes = at.tick == 0 and self.state in AUDIBLE and self._together
        return Gate(self._mute.parts, final=True) if strikes else Gate()

    def _entered(self) -> frozenset[str]:
        entered = {"drums"}
        if self._bars_in >= CHORDS_ENTER_BAR:
            entered.add("chords")
        if self._bars_in >= LINE_ENTERS_BAR:
            entered.add("line")
        return frozenset(entered)

    def enter_whole(self) -> None:
        """Let all parts play from this bar on: a section begins that the band knows."""
        self._bars_in = max(self._bars_in, LINE_ENTERS_BAR)

    def hands_over_after(self, bar: int) -> bool:
        """Return whether this bar ends with a fill because the turn passes after it."""
        return self.state in AUDIBLE and self.modes.hands_over_after(bar)

    def _fills_at(self, at: Position) -> bool:
        return at.tick >= last_group(at) and self.hands_over_after(at.bar)

    def leaves_after(self, part: str, bar: int) -> bool:
        """Return whether `part` is silent from the next bar on, so that its notes must end with this bar."""
        return part not in MAY_SOUND[self.modes.turn_in(bar + 1).phase].parts

    def reply(self, at: Position, reply: Reply, chord: ChordHit | None) -> Reply:
        """Return the reply as this turn plays it: an answer, time only, a crash or a fill. chord: the last one."""
        if self.state not in AUDIBLE:
            return reply
        if self._unsure and self._bars_in < UNMARKED_BARS:
            reply = replace(reply, drums=without_marks(reply.drums))
        turn = self.modes.turn_in(at.bar)
        offset = (at.bar - turn.start) * at.ticks_per_bar + at.tick
        if turn.phase in (Phase.OURS, Phase.LOOPING) and offset == 0:  # on the player's last harmony
            reply = replace(reply, chord=self._chord or reply.chord or chord, drums=with_crash(reply.drums))
        if turn.phase == Phase.OURS and (self._window or self.modes.calls):
            reply = self._phrase(turn, offset, at, reply, chord)
        elif turn.phase in (Phase.YOURS, Phase.RECORDING):
            reply = replace(reply, drums=with_time(reply.drums, at), line=None, line_off=True)
        return replace(reply, drums=with_fill(reply.drums, at)) if self._fills_at(at) else reply

    def _phrase(self, turn: Turn, offset: int, at: Position, reply: Reply, chord: ChordHit | None) -> Reply:
        """Return the reply with the line's answer to the player's phrase, or with a call to be played back."""
        heard = None if self.modes.calls else self._window
        ticks = heard.ticks if heard else at.ticks_per_bar * (turn.bars or 1)
        bars = Bars(ticks_per_beat(at.meter), at.ticks_per_bar, ticks)
        if heard:
            self._trading.prepare(heard.notes, turn.number, bars)
        else:
            self._trading.call(turn.number, bars)
        if at.tick == 0 and reply.chord is None:
            reply = replace(reply, chord=chord, chord_off=False)
        line = self._trading.line(offset, reply.chord or chord, self._key)
        drums = self._trading.drums(offset, reply.drums)
        return replace(reply, drums=drums, line=LineHit(*line) if line else None, line_off=self._trading.ends(offset))

    def hears(self, tick: Tick, heard: BassTick, sound: Latent | None) -> tuple[BassTick, Latent | None]:
        """Return the bass and sound that the responder is given for this tick: the player's own where they play, else
        the loop's or the answered phrase's, so that its harmony goes on."""
        under = self._riff or self._window
        if under is None:
            return heard, sound
        under.keep(tick, sound)
        repeats = self.state in AUDIBLE and under.offset(tick) >= under.ticks
        return under.again(under.offset(tick), heard, sound) if repeats else (heard, sound)
