"""Let a responder answer the bass of a held-out song, tick by tick, as it would live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.corpus.song import Song
from models.music.dials import GUIDANCE, NO_DIALS, Dials
from models.music.features import Events, Ints, reply_events
from models.music.tokens import EMPTY_REPLY, BassTick, Position, Reply, TickInput, ticks_per_beat
from models.responder.responder import Responder
from models.training.dial_labels import Phrase

SKIP_BARS = 2  # of a reply: the band is coming in


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the band in a reply; seed: of its sampling."""

    dials: Dials = NO_DIALS
    guidance: float = GUIDANCE
    temperature: float = 0.9
    seed: int = 0


NOTHING = Asked()


def bass_tick(events: Events, tick: int) -> BassTick:
    """What the bass did in a tick; nothing before the first."""
    if tick < 0:
        return BassTick(True)
    onset, velocity, sounding = (int(value) for value in events.bass[tick])
    return BassTick(
        bool(events.known[tick]),
        onset if onset >= 0 else None,
        max(velocity, 1) if onset >= 0 else 0,
        sounding if sounding >= 0 else None,
    )


def place_of(song: Song, tick: int) -> Position:
    return Position(int(song.ticks[tick]), int(song.bars[tick]), song.meters[tick])


def replies(model: Responder, song: Song, ticks: int, asked: Asked = NOTHING) -> list[Reply]:
    """The band's reply in each of the first ticks; it hears the bass of the tick before."""
    rng, state, reply, out = np.random.default_rng(asked.seed), model.initial_state(), EMPTY_REPLY, []
    for tick in range(min(ticks, len(song))):
        x = TickInput(place_of(song, tick), bass_tick(song.events, tick - 1), None, reply, asked.dials, asked.guidance)
        state = model.step(x, state)
        reply = model.sample(state, rng, asked.temperature)
        out.append(reply)
    return out


def events_of(song: Song, made: list[Reply]) -> Events:
    """The song's bass and the replies as a piece."""
    own = song.events
    return Events(own.bass[: len(made)], own.known[: len(made)], *reply_events(made))


def phrase_of(song: Song, events: Events, skip_bars: int = SKIP_BARS) -> Phrase:
    """The piece from its third bar on as one phrase to measure; all three parts are there."""
    count = len(events)
    at = slice(int(np.argmax(song.bars[:count] >= skip_bars)), count)
    places = zip(song.ticks[at].tolist(), song.meters[at], strict=True)
    beat = np.array([tick % ticks_per_beat(meter) == 0 for tick, meter in places])
    e = events
    return Phrase(e.bass[at], e.drums[at], e.chord[at], e.line[at], beat, (True, True, True))


def spread(songs: list[Song], count: int, fits: Callable[[Song], bool] = lambda song: True) -> list[Song]:
    """At most so many of the songs, one of each source and meter after the other."""
    groups: dict[tuple[str, str], list[Song]] = {}
    for song in songs:
        if fits(song):
            groups.setdefault((song.source, str(song.meter)), []).append(song)
    rows = sorted(groups.values(), key=len)
    turns = [song for turn in range(max(map(len, rows), default=0)) for row in rows for song in row[turn : turn + 1]]
    return turns[:count]


def with_bass(song: Song, bass: Ints) -> Events:
    e = song.events
    return Events(bass, e.known, e.drums, e.chord, e.line)
