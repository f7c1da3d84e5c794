"""Composes band and bass from a key, a meter and dials, or on from the last bars of a file.

A form gives the harmony (agent/compose/song_form.py), a BassPlayer (agent/compose/bass_line.py) plays the bass on it,
and the band plays its song plan over that bass, as it does in `reply`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from agent.compose.bass_line import BassPlayer, BassState, Cue, RuleBass, nearest
from agent.compose.generation_options import GenerationOptions
from agent.compose.planned_song import Bars, play
from agent.compose.song_form import PHRASE_BARS, Form, letter, progression
from agent.directions.key_filter import InKey
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import bass_bars
from agent.parts.song_key import key_given
from agent.song.song_plan import SongPlan, wish_of
from listener.types import Key, Meter
from models.music.tick_grid import Arrangement
from models.music.tokens import (
    EMPTY_REPLY,
    LEVEL_VELOCITY,
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
    ticks_per_beat,
)
from models.responder.responder import Responder

CONTEXT_BARS = 16  # bars of a file that the music continues
FINAL_VELOCITY = 100
STOP_TICKS = 3  # that the last stroke of a tune sounds which stops short


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
    quarter_bpm: float = 0.0  # 0 = not known
    swung: bool = False


def compose(responder: Responder | None, brief: Brief, player: BassPlayer | None = None) -> list[Moment]:
    """Return the ticks of `brief.bars` bars; the same brief gives the same music.

    The form gives the harmony, the bass is played on it, the band commits to a song plan over both; then the bass is
    played once more, to the kick. responder: imagines grooves; None = those that people played alone.
    """
    places = places_of(brief)
    form = Form(InKey(brief.key), brief.meter, brief.bars, brief.ends, brief.options.seed)
    harmonies = progression(form)
    context = list(brief.context)
    heard = [*context, *_with_bass(brief, harmonies, places, player)]
    bars = bass_bars([one.place for one in heard], [one.bass for one in heard])
    asked = brief.options
    song = SongPlan(
        seed=asked.seed,
        style=asked.dials.style,
        swung=brief.swung,
        quarter_bpm=brief.quarter_bpm,
        wish=wish_of(asked.dials, asked.guidance, asked.temperature),
        key=key_given(brief.key),
        line_leads=True,
    )
    given = [*_chords_of(context), *harmonies]
    known = [one.reply for one in context]
    over = Bars(bars, [one.bass for one in heard], 0, (), given, known)
    replies = [reply for reply, _ in play(song, over, asked, responder)][len(context) :]
    return _with_bass(brief, harmonies, places, player, replies)


def places_of(brief: Brief, first: int | None = None) -> list[Position]:
    """Return every tick of the tune; bars are numbered on from the context, else from a phrase's beginning."""
    if first is None:
        first = brief.context[-1].place.bar + 1 if brief.context else PHRASE_BARS
    ticks = range(brief.meter.numerator * ticks_per_beat(brief.meter))
    return [Position(tick, bar, brief.meter) for bar in range(first, first + brief.bars) for tick in ticks]


def rule_bass(brief: Brief, another: int = 0) -> RuleBass:
    """Return the bass player of a brief. another: for another part of the tune: other rhythms."""
    dials = brief.options.dials
    own = (dials.style, dials.density, dials.syncopation, dials.intensity)
    return RuleBass(brief.key, InKey(brief.key).scale, brief.options.seed + another, *own)


def cut_short(music: Sequence[Moment]) -> list[Moment]:
    """Return a tune whose last chord and note stop together, STOP_TICKS after they were struck."""
    last = music[-1].place.bar
    out = []
    for one in music:
        if one.place.bar == last and one.place.tick >= STOP_TICKS:
            reply = replace(EMPTY_REPLY, chord_off=True, line_off=True)
            one = replace(one, bass=BassTick(True), reply=reply)
        out.append(one)
    return out


def _with_bass(
    brief: Brief,
    harmonies: Sequence[tuple[ChordAt, ...]],
    places: Sequence[Position],
    player: BassPlayer | None,
    replies: Sequence[Reply] = (),
) -> list[Moment]:
    """Return the bass of every tick, played to what the band does in it, () = before there is a band."""
    players = {"A": player or rule_bass(brief), "B": player or rule_bass(brief, 1)}
    state, out, first = BassState(), [], places[0].bar
    for number, place in enumerate(places):
        bar = place.bar - first
        chord = next(one for one in reversed(harmonies[bar]) if one.tick <= place.tick)
        reply = replies[number] if replies else EMPTY_REPLY
        if brief.ends and bar == brief.bars - 1:
            if place.tick == 0:
                state = BassState(nearest(chord.root, state.last))
            onset = state.pitch if place.tick == 0 else None
            out.append(Moment(place, BassTick(True, onset, FINAL_VELOCITY if onset else 0, state.pitch), reply))
            continue
        after = harmonies[bar + 1][0].root if bar + 1 < len(harmonies) else None
        cue = Cue(place, reply, chord.root, QUALITY_NAMES.index(chord.quality), after)
        bass, state = players[letter(bar)].step(cue, state)
        out.append(Moment(place, bass, reply))
    return out


def _chords_of(context: Sequence[Moment]) -> list[tuple[ChordAt, ...]]:
    """Return the chords of each bar of the music before; one that holds on goes on in the next bar."""
    out: list[tuple[ChordAt, ...]] = []
    held: ChordAt | None = None
    for _, bar in groupby(context, key=lambda one: one.place.bar):
        struck = [
            ChordAt(one.place.tick, one.reply.chord.root, one.reply.chord.quality) for one in bar if one.reply.chord
        ]
        if held and (not struck or struck[0].tick):
            struck = [held, *struck]
        out.append(tuple(struck))
        held = replace(struck[-1], tick=0) if struck else None
    return out


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
