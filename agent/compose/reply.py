"""Replies to the bass of a MIDI file tick by tick, causally: at tick t the band has heard the bass up to t-1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from agent.compose.generation_options import GenerationOptions
from models.music import part_roles
from models.music.midi_reader import RawTrack, Score
from models.music.tick_grid import TickGrid, bass_rows, positions
from models.music.tokens import EMPTY_REPLY, BassTick, Position, Reply, TickInput
from models.responder.responder import Responder


@dataclass(frozen=True, slots=True)
class BassPart:
    """A bass on the tick grid. places, basses: [T], up to the end of its last bar; begins: the bar it comes in."""

    track: RawTrack
    grid: TickGrid
    places: tuple[Position, ...]
    basses: tuple[BassTick, ...]
    begins: int

    @property
    def end(self) -> int:
        """The MIDI tick at which the last bar ends."""
        return self.grid.at(len(self.places))


def bass_part(score: Score, name: str) -> BassPart:
    """Return the bass of a score. Raises Unusable when it has none. name: the file's, for the message."""
    track = part_roles.bass(score.tracks, name, guess=True, sole=True)
    grid = TickGrid.of(score)
    notes = [grid.note(note) for note in track.notes]
    ticks, bars, meters = positions(grid.meters, max(note.end for note in notes))
    rows = bass_rows(notes, len(ticks)).tolist()
    places = tuple(Position(int(t), int(b), m) for t, b, m in zip(ticks, bars, meters, strict=True))
    return BassPart(track, grid, places, tuple(map(_bass_tick, rows)), places[min(n.start for n in notes)].bar)


def _bass_tick(row: Sequence[int]) -> BassTick:
    onset, velocity, sounding = row
    return BassTick(True, onset if onset >= 0 else None, velocity, sounding if sounding >= 0 else None)


def answer(responder: Responder, heard: BassPart, options: GenerationOptions) -> list[Reply]:
    """Return one reply a tick; silent in the bars before the bass comes in."""
    return list(_answer(responder, heard, options))


def _answer(responder: Responder, heard: BassPart, options: GenerationOptions) -> Iterator[Reply]:
    state, reply, bass = responder.initial_state(), EMPTY_REPLY, BassTick(True)
    ticks = zip(heard.places, heard.basses, strict=True)
    for tick, (place, next_bass) in enumerate(
        tqdm(ticks, "reply", len(heard.places), delay=2.0, unit="tick", disable=None)
    ):
        state = responder.step(TickInput(place, bass, None, reply, options.dials, options.guidance), state)
        rng = np.random.default_rng((options.seed, tick))
        plays = place.bar >= heard.begins
        reply = responder.sample(state, rng, options.temperature, options.parts) if plays else EMPTY_REPLY
        bass = next_bass
        yield reply
