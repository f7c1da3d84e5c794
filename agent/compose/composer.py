"""Composes band and bass, tick by tick, from a key, a meter and dials, or on from the last bars of a file.

The responder plays the band; a BassPlayer (agent/compose/bass_line.py) plays the bass from the band's harmony and kick,
and the responder hears it in the next tick, as it hears a player.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from agent.compose.bass_line import BassPlayer, BassState, Cue, RuleBass, nearest
from agent.compose.generation_options import GenerationOptions
from agent.compose.song_form import PHRASE_BARS, Form, Harmony
from agent.directions.key_filter import InKey
from listener.types import Key, Meter
from models.music.tick_grid import Arrangement
from models.music.tokens import (
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
from models.responder.responder import Responder, ResponderState
from models.responder.sampling import LEAN, NO_PUSH, Lean, Push

PRIME_BARS = 2  # bars of the tonic that the responder hears before the first; they are not written
CONTEXT_BARS = 16  # bars of a file that the music continues
FILL = 1.5  # nats by which drum fills are favoured at the end of a phrase
FINAL_VELOCITY = 100
REST_TICKS, REST_PULL, MOST_PULL = 1, 2.0, 8.0  # after so long a rest the line is favoured, by so many nats a beat
HELD_TICKS, PHRASE_END_HELD = (9, 2), 2.5  # longest note of the line, at density 0 and 1; factor at a phrase's end


@dataclass(frozen=True, slots=True)
class Moment:
    """One tick of music: its place, and what bass and band played."""

    place: Position
    bass: BassTick
    reply: Reply


@dataclass(frozen=True, slots=True)
class Brief:
    """What to compose. ends: whether it ends with a cadence on the tonic. context: the music before it."""

    key: Key
    meter: Meter
    bars: int
    options: GenerationOptions
    ends: bool = True
    context: tuple[Moment, ...] = ()


def compose(responder: Responder, brief: Brief, player: BassPlayer | None = None) -> list[Moment]:
    """Return the ticks of `brief.bars` bars; the same brief gives the same music."""
    places = places_of(brief)
    first, last = places[0].bar, places[-1].bar
    before = [] if brief.context else places_of(replace(brief, bars=PRIME_BARS), first - PRIME_BARS)
    writer = _Writer(responder, brief, player or rule_bass(brief), first)
    writer.listen(brief.context)
    music = [
        writer.end(place) if brief.ends and place.bar == last else writer.play(place)
        for place in tqdm([*before, *places], "compose", delay=2.0, unit="tick", disable=None)
    ]
    return music[len(before) :]


def places_of(brief: Brief, first: int | None = None) -> list[Position]:
    """Return every tick of the tune; bars are numbered on from the context, else from a phrase's beginning."""
    if first is None:
        first = brief.context[-1].place.bar + 1 if brief.context else PHRASE_BARS
    ticks = range(brief.meter.numerator * ticks_per_beat(brief.meter))
    return [Position(tick, bar, brief.meter) for bar in range(first, first + brief.bars) for tick in ticks]


def rule_bass(brief: Brief) -> RuleBass:
    dials = brief.options.dials
    own = (dials.style, dials.density, dials.syncopation, dials.intensity)
    return RuleBass(brief.key, InKey(brief.key).scale, brief.options.seed, *own)


class _Writer:
    """Writes band and bass one tick at a time."""

    def __init__(self, responder: Responder, brief: Brief, player: BassPlayer, first: int) -> None:
        self._responder, self._brief, self._player, self._first = responder, brief, player, first
        self._in_key = InKey(brief.key, brief.options.dials.tension)
        self._form = Form(self._in_key, brief.meter, brief.bars, brief.ends, brief.options.seed)
        self._state: ResponderState = responder.initial_state()
        self._bass_state = BassState()
        self._before = Moment(Position(0, 0, brief.meter), BassTick(True), EMPTY_REPLY)
        self._harmony: Harmony | None = None
        self._coming: Harmony | None = None  # what was foreseen for the next downbeat
        self._ticks = 0
        self._sounds, self._rest_ticks, self._held_ticks = False, REST_TICKS, 0  # of the line

    def listen(self, context: Sequence[Moment]) -> None:
        """Take in music that exists already."""
        for moment in context:
            self._state = self._step(moment.place, self._before, self._state)
            self._remember(moment)
            sounding = moment.bass.sounding_pitch
            if sounding is not None:
                self._bass_state = BassState(sounding, nearest(sounding, sounding), 0, self._root)

    def play(self, place: Position) -> Moment:
        """Return the next tick, played."""
        bar = place.bar - self._first
        self._state = self._step(place, self._before, self._state)
        reply = self._draw(self._state, self._ticks, place, self._harmony, self._push(place))
        if (again := self._form.line_again(bar, place.tick)) is not None:
            reply = replace(reply, line=again.line, line_off=again.line_off)
        if self._held_ticks >= self._longest(bar) and reply.line is None:
            reply = replace(reply, line_off=True)
        harmony = _after(reply, self._harmony)
        if place.tick == place.ticks_per_bar - _last_beat(place.meter):
            self._coming = self._foresee(place, reply, harmony)
        coming = self._coming[0] if self._coming else None
        root, quality = (harmony[0], QUALITY_NAMES.index(harmony[1])) if harmony else (-1, -1)
        bass, self._bass_state = self._player.step(Cue(place, reply, root, quality, coming), self._bass_state)
        self._form.remember(bar, place.tick, reply, self._harmony)
        return self._remember(Moment(place, bass, reply))

    def end(self, place: Position) -> Moment:
        """Return the next tick of the last bar: one chord of the tonic that rings."""
        root, quality = self._in_key.tonic
        if place.tick == 0:
            self._bass_state = BassState(nearest(root, self._bass_state.last))
            pitch = self._bass_state.pitch
            drums = (DrumHit("kick", FINAL_VELOCITY), DrumHit("crash", FINAL_VELOCITY))
            line = LineHit(_line_pitch(root, self._state.memory.line_last), FINAL_VELOCITY - 10)
            reply = Reply(drums, ChordHit(root, quality, FINAL_VELOCITY - 10), line=line)
            return self._remember(Moment(place, BassTick(True, pitch, FINAL_VELOCITY, pitch), reply))
        return self._remember(Moment(place, BassTick(True, None, 0, self._bass_state.pitch), EMPTY_REPLY))

    def _push(self, place: Position) -> Push:
        """Return what the form asks of a tick: a harmony, or a fill at a phrase's end."""
        bar = place.bar - self._first
        harmony = self._form.harmony_at(bar, place.tick, self._harmony, self._coming)
        turns = bar % PHRASE_BARS == PHRASE_BARS - 1 and bar < self._brief.bars - 2
        last_beats = place.tick >= place.ticks_per_bar - 2 * _last_beat(place.meter)
        return Push(FILL if turns and last_beats else 0.0, harmony)

    def _longest(self, bar: int) -> int:
        """Return the ticks that a note of the line may be held: fewer at high density, more at a phrase's end."""
        density = self._brief.options.dials.density
        held = HELD_TICKS[0] + (HELD_TICKS[1] - HELD_TICKS[0]) * (0.5 if density is None else density)
        return round(held * (PHRASE_END_HELD if bar % PHRASE_BARS == PHRASE_BARS - 1 else 1))

    @property
    def _lean(self) -> Lean:
        """The sampler's bias; the longer the line rests, the more its notes are favoured."""
        beats = max(self._rest_ticks - REST_TICKS, 0) / 4
        return replace(LEAN, line=LEAN.line + min(beats * REST_PULL, MOST_PULL))

    @property
    def _root(self) -> int:
        return self._harmony[0] if self._harmony else -1

    def _step(self, place: Position, before: Moment, state: ResponderState) -> ResponderState:
        options = self._brief.options
        return self._responder.step(
            TickInput(place, before.bass, None, before.reply, options.dials, options.guidance), state
        )

    def _draw(self, state: ResponderState, number: int, place: Position, holds: Harmony | None, push: Push) -> Reply:
        """Return a reply in the key. holds: the harmony before; a harmony that `push` asks for has no faults."""
        options, bar = self._brief.options, place.bar - self._first

        def sample(rng: np.random.Generator, pushed: Push) -> Reply:
            return self._responder.sample(state, rng, options.temperature, lean=self._lean, push=pushed)

        def faults(reply: Reply) -> int:
            return 0 if push.harmony else self._form.faults(bar, place.tick, reply, holds)

        return self._in_key.draw(sample, (options.seed, number), holds[0] if holds else -1, push, faults)

    def _foresee(self, place: Position, reply: Reply, harmony: Harmony | None) -> Harmony | None:
        """Return the harmony of the next downbeat: what the form asks for, else what the responder plays if it goes on
        from a copy of the state."""
        state, before, number = self._state, Moment(place, BassTick.UNKNOWN, reply), self._ticks
        places = [Position(t, place.bar, place.meter) for t in range(place.tick + 1, place.ticks_per_bar)]
        downbeat = Position(0, place.bar + 1, place.meter)
        for then in [*places, downbeat]:
            number += 1
            state = self._step(then, before, state)
            reply = self._draw(state, number, then, harmony, NO_PUSH)
            harmony, before = _after(reply, harmony), Moment(then, BassTick.UNKNOWN, reply)
        return self._form.harmony_at(downbeat.bar - self._first, 0, self._harmony, harmony) or harmony

    def _remember(self, moment: Moment) -> Moment:
        self._before = moment
        self._harmony = _after(moment.reply, self._harmony)
        self._ticks += 1
        begins, ends = moment.reply.line is not None, moment.reply.line_off
        self._sounds = begins or (self._sounds and not ends)
        self._rest_ticks = 0 if self._sounds else self._rest_ticks + 1
        self._held_ticks = self._held_ticks + 1 if self._sounds and not begins else 0
        return moment


def _after(reply: Reply, harmony: Harmony | None) -> Harmony | None:
    return (reply.chord.root, reply.chord.quality) if reply.chord else harmony


def _last_beat(meter: Meter) -> int:
    """Return the ticks of the bar's last beat, or last pair of eighths."""
    return min(max(ticks_per_beat(meter), 4), meter.numerator * ticks_per_beat(meter))


def _line_pitch(pitch_class: int, last: int) -> int:
    """Return the pitch of this class nearest to the line's last note. last: index from LINE_LOW, -1 = none yet."""
    near = LINE_LOW + last if last >= 0 else (LINE_LOW + LINE_HIGH) // 2
    return min((p for p in range(LINE_LOW, LINE_HIGH + 1) if p % 12 == pitch_class), key=lambda p: (abs(p - near), p))


def moments_of(piece: Arrangement, bars: int = CONTEXT_BARS) -> tuple[Moment, ...]:
    """Return the last `bars` bars of a piece, tick by tick."""
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
