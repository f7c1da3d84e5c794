"""Music from nothing but a key, a meter and dials, or from the last bars of a file: band and bass, tick by tick.

The responder plays the band; a BassPlayer (agent.bassline) plays the bass from the band's harmony and kick, and the
responder hears it in the next tick, as it hears a player.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from agent.bassline import BassPlayer, BassState, Cue, RuleBass, group_starts, nearest
from agent.dialoptions import Wish
from agent.inkey import InKey
from listener.types import Key, Meter
from models.midi import Arrangement
from models.responder import Responder, ResponderState
from models.sampling import NO_PUSH, Push
from models.tokens import (
    EMPTY_REPLY,
    LEVEL_VELOCITY,
    LINE_HIGH,
    LINE_LOW,
    LINE_OFF,
    LINE_ON,
    OFF,
    PIECES,
    QUALITY_NAMES,
    SAME,
    BassTick,
    ChordHit,
    DrumHit,
    LineHit,
    Position,
    Reply,
    TickInput,
    ticks_per_beat,
)

PRIME_BARS = 2  # of the tonic, heard before the first bar and not written
CONTEXT_BARS = 16  # of a file to go on from
PHRASE_BARS = 4
FILL = 1.5  # nats, in the last beat of a phrase
FINAL_VELOCITY = 100


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick of music: where it lies, and what was played."""

    place: Position
    bass: BassTick
    reply: Reply


@dataclass(frozen=True, slots=True)
class Brief:
    """What to compose. ends: whether with a cadence on the tonic. context: what came before."""

    key: Key
    meter: Meter
    bars: int
    wish: Wish
    ends: bool = True
    context: tuple[Moment, ...] = ()


def compose(responder: Responder, brief: Brief, player: BassPlayer | None = None) -> list[Moment]:
    """`brief.bars` bars; the same brief gives the same music."""
    writer = _Writer(responder, brief, player or rule_bass(brief))
    first = brief.context[-1].place.bar + 1 if brief.context else PHRASE_BARS
    writer.listen(brief.context)
    per_bar = brief.meter.numerator * ticks_per_beat(brief.meter)
    prime = 0 if brief.context else PRIME_BARS
    places = [Position(t, bar, brief.meter) for bar in range(first - prime, first + brief.bars) for t in range(per_bar)]
    last = first + brief.bars - 1
    music = []
    for place in tqdm(places, "compose", delay=2.0, unit="tick"):
        ending = brief.ends and place.bar == last
        music.append(writer.end(place) if ending else writer.play(place, writer.push(place, first, last)))
    return music[prime * per_bar :]


def rule_bass(brief: Brief) -> RuleBass:
    dials = brief.wish.dials
    own = (dials.style, dials.density, dials.syncopation, dials.intensity)
    return RuleBass(brief.key, InKey(brief.key).scale, brief.wish.seed, *own)


class _Writer:
    """Band and bass as they go along."""

    def __init__(self, responder: Responder, brief: Brief, player: BassPlayer) -> None:
        self._responder, self._brief, self._player = responder, brief, player
        self._in_key = InKey(brief.key, brief.wish.dials.tension)
        self._state: ResponderState = responder.initial_state()
        self._bass_state = BassState()
        self._before = Moment(Position(0, 0, brief.meter), BassTick(True), EMPTY_REPLY)
        self._harmony: tuple[int, int] = (-1, -1)
        self._coming: Push = NO_PUSH  # what was foreseen for the next downbeat
        self._ticks = 0

    def listen(self, context: Sequence[Moment]) -> None:
        """Hear music that is there already."""
        for moment in context:
            self._state = self._step(moment.place, self._before, self._state)
            self._remember(moment)
            sounding = moment.bass.sounding_pitch
            if sounding is not None:
                self._bass_state = BassState(sounding, nearest(sounding, sounding), 0, self._harmony[0])

    def play(self, place: Position, push: Push) -> Moment:
        """The next tick."""
        self._state = self._step(place, self._before, self._state)
        reply = self._draw(self._state, self._ticks, self._harmony[0], push)
        harmony = _after(reply, self._harmony)
        if place.tick == place.ticks_per_bar - _last_beat(place.meter):
            self._coming = self._foresee(place, reply, harmony)
        coming = self._coming.harmony[0] if self._coming.harmony else None
        bass, self._bass_state = self._player.step(Cue(place, reply, *harmony, coming), self._bass_state)
        return self._remember(Moment(place, bass, reply))

    def end(self, place: Position) -> Moment:
        """The last bar: one stroke of the tonic that rings."""
        root, quality = self._in_key.tonic
        if place.tick == 0:
            self._bass_state = BassState(nearest(root, self._bass_state.last))
            pitch = self._bass_state.pitch
            drums = (DrumHit("kick", FINAL_VELOCITY), DrumHit("crash", FINAL_VELOCITY))
            line = LineHit(_line_pitch(root, self._state.memory.line_last), FINAL_VELOCITY - 10)
            reply = Reply(drums, ChordHit(root, quality, FINAL_VELOCITY - 10), line=line)
            return self._remember(Moment(place, BassTick(True, pitch, FINAL_VELOCITY, pitch), reply))
        return self._remember(Moment(place, BassTick(True, None, 0, self._bass_state.pitch), EMPTY_REPLY))

    def push(self, place: Position, first: int, last: int) -> Push:
        """What form asks of a tick: the tonic to begin with, what the bass has led to, a fill, a cadence."""
        is_downbeat = place.tick == 0
        if is_downbeat and place.bar <= first and (place.bar < first or not self._brief.context):
            return Push(harmony=self._in_key.tonic)
        if self._brief.ends and place.bar == last - 1 and place.tick == _middle(place.meter):
            return Push(harmony=self._in_key.dominant)
        if is_downbeat:
            return self._coming
        turns = place.bar % PHRASE_BARS == PHRASE_BARS - 1 and place.bar >= first
        return Push(fill=FILL) if turns and place.tick >= place.ticks_per_bar - 2 * _last_beat(place.meter) else NO_PUSH

    def _step(self, place: Position, before: Moment, state: ResponderState) -> ResponderState:
        wish = self._brief.wish
        return self._responder.step(TickInput(place, before.bass, None, before.reply, wish.dials, wish.guidance), state)

    def _draw(self, state: ResponderState, tick: int, root: int, push: Push) -> Reply:
        wish = self._brief.wish

        def sample(rng: np.random.Generator, pushed: Push) -> Reply:
            return self._responder.sample(state, rng, wish.temperature, push=pushed)

        return self._in_key.draw(sample, (wish.seed, tick), root, push)

    def _foresee(self, place: Position, reply: Reply, harmony: tuple[int, int]) -> Push:
        """The new harmony that the band would play on the next downbeat, imagined on a copy of the state."""
        state, before, ahead = self._state, Moment(place, BassTick.UNKNOWN, reply), self._ticks
        places = [Position(t, place.bar, place.meter) for t in range(place.tick + 1, place.ticks_per_bar)]
        for then in [*places, Position(0, place.bar + 1, place.meter)]:
            ahead += 1
            state = self._step(then, before, state)
            reply = self._draw(state, ahead, harmony[0], NO_PUSH)
            harmony, before = _after(reply, harmony), Moment(then, BassTick.UNKNOWN, reply)
        return Push(harmony=(reply.chord.root, reply.chord.quality)) if reply.chord else NO_PUSH

    def _remember(self, moment: Moment) -> Moment:
        self._before = moment
        self._harmony = _after(moment.reply, self._harmony)
        self._ticks += 1
        return moment


def _after(reply: Reply, harmony: tuple[int, int]) -> tuple[int, int]:
    return (reply.chord.root, QUALITY_NAMES.index(reply.chord.quality)) if reply.chord else harmony


def _last_beat(meter: Meter) -> int:
    """Ticks of the bar's last beat, or last pair of eighths."""
    return min(max(ticks_per_beat(meter), 4), meter.numerator * ticks_per_beat(meter))


def _middle(meter: Meter) -> int:
    """The tick of the group that begins nearest to the middle of the bar."""
    middle = meter.numerator / 2
    return min(group_starts(meter), key=lambda beat: abs(beat - middle)) * ticks_per_beat(meter)


def _line_pitch(pitch_class: int, last: int) -> int:
    """The pitch of this class nearest to the line's last note, an index from LINE_LOW; -1: none yet."""
    near = LINE_LOW + last if last >= 0 else (LINE_LOW + LINE_HIGH) // 2
    return min((p for p in range(LINE_LOW, LINE_HIGH + 1) if p % 12 == pitch_class), key=lambda p: (abs(p - near), p))


def moments_of(piece: Arrangement, bars: int = CONTEXT_BARS) -> tuple[Moment, ...]:
    """The last bars of a piece that was read."""
    first = int(piece.bars[-1]) + 1 - bars
    ticks = np.flatnonzero(piece.bars >= first)
    return tuple(_moment(piece, int(tick)) for tick in ticks)


def _moment(piece: Arrangement, tick: int) -> Moment:
    onset, velocity, sounding = (int(v) if v >= 0 else None for v in piece.events.bass[tick])
    drums = enumerate(piece.events.drums[tick].tolist())
    hits = tuple(DrumHit(PIECES[i], LEVEL_VELOCITY[level]) for i, level in drums if level)
    action, level, root, quality = piece.events.chord[tick].tolist()
    chord = ChordHit(root, QUALITY_NAMES[quality], LEVEL_VELOCITY[level]) if action >= SAME else None
    line_action, line_level, pitch = piece.events.line[tick].tolist()
    line = LineHit(LINE_LOW + pitch, LEVEL_VELOCITY[line_level]) if line_action == LINE_ON else None
    place = Position(int(piece.ticks[tick]), int(piece.bars[tick]), piece.meters[tick])
    reply = Reply(hits, chord, action == OFF, line, line_action == LINE_OFF)
    return Moment(place, BassTick(True, onset, velocity or 0, sounding), reply)
