"""Replies to the bass of a MIDI file: the whole bass is read, then the band plays the song plan bar by bar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.parts.bass_bar import bass_bars
from agent.parts.song_key import key_of
from agent.reply.generation_options import GenerationOptions
from agent.reply.planned_song import Bars, Played, play
from agent.song.song_plan import SongPlan, wish_of
from models.music import part_roles
from models.music.midi_reader import RawTrack, Score
from models.music.tick_grid import TickGrid, bass_rows, positions
from models.music.tokens import BassTick, Position, Reply
from models.responder.responder import Responder


@dataclass(frozen=True, slots=True)
class BassPart:
    """A bass on the tick grid. places, basses: [T], up to the end of its last bar; begins: the bar it comes in;
    quarter_bpm: at the start, 0 = not known."""

    track: RawTrack
    grid: TickGrid
    places: tuple[Position, ...]
    basses: tuple[BassTick, ...]
    begins: int
    quarter_bpm: float = 0.0

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
    begins = places[min(note.start for note in notes)].bar
    return BassPart(track, grid, places, tuple(map(_bass_tick, rows)), begins, score.tempo_bpm)


def _bass_tick(row: Sequence[int]) -> BassTick:
    onset, velocity, sounding = row
    return BassTick(True, onset if onset >= 0 else None, velocity, sounding if sounding >= 0 else None)


def answer(responder: Responder, heard: BassPart, options: GenerationOptions) -> list[Reply]:
    """One reply a tick; silent in the bars before the bass comes in.

    The whole bass is known: the key is that of the song, sections are seen coming, each bar is planned on its own bass.
    """
    return [reply for reply, _ in planned(responder, heard, options)]


def planned(responder: Responder | None, heard: BassPart, options: GenerationOptions) -> list[Played]:
    """Return `answer` with the plan of each tick's bar, None before the bass comes in.

    responder: imagines grooves beside the library's; None = the library's alone, which takes a tenth of the time.
    """
    bars = bass_bars(heard.places, heard.basses)
    song = SongPlan(
        seed=options.seed,
        style=options.dials.style,
        swung=heard.grid.is_swung,
        quarter_bpm=heard.quarter_bpm,
        wish=wish_of(options.dials, options.guidance, options.temperature),
        key=key_of(bars),
    )
    return play(song, Bars(bars, heard.basses, heard.begins), options, responder)
