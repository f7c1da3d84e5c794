"""`Window` records what the player plays within some bars, on ticks: a phrase to answer or a riff to repeat."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from agent.band.ticks import Tick, straight
from listener.types import Analysis, Grid, Note
from models.music.tokens import BassTick

Latent = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Placed:
    """One note on ticks. tick: counted from the first bar line; ticks: its length."""

    tick: int
    pitch: int
    velocity: int
    ticks: int = 1


class Window:
    """Records notes from tick number `first` on, for `ticks` ticks. tick_s: approximate length of a tick."""

    def __init__(self, first: int, per_beat: int, ticks: int, tick_s: float) -> None:
        self._first, self.per_beat, self.ticks, self._tick_s = first, per_beat, ticks, tick_s
        self._heard: dict[float, tuple[int, Note]] = {}  # by onset
        self._sounds: dict[int, Latent] = {}  # by tick

    @classmethod
    def of(cls, first: int, per_beat: int, ticks: int, tick_s: float, notes: Iterable[Placed]) -> Window:
        """Return a window over notes that were played before."""
        window = cls(first, per_beat, ticks, tick_s)
        for one in notes:
            at_s = one.tick * tick_s
            window._heard[at_s] = one.tick, Note(at_s, at_s, one.ticks * tick_s, one.pitch, one.velocity)
        return window

    def push(self, analysis: Analysis, now: Tick, grid: Grid) -> None:
        """Take the notes that are new or corrected in this frame. now: any tick of the grid."""
        for note in analysis.notes:
            place = self.offset(now) + self._ticks_after(now, note, grid)
            if 0 <= place < self.ticks and note.articulation != "ghost":
                self._heard[note.onset_s] = place, note
        mended = [note for note in (*analysis.revised, *analysis.ended) if note.onset_s in self._heard]
        for note in mended:
            self._heard[note.onset_s] = self._heard[note.onset_s][0], note

    def _ticks_after(self, now: Tick, note: Note, grid: Grid) -> int:
        """Return the ticks from `now` to the note's own, without the player's swing and distance from the beat."""
        beat = grid.beat_at(note.onset_s - grid.behind_s)
        whole = math.floor(beat)
        return round((whole - now.beat + straight(beat - whole, grid.swing)) * self.per_beat - now.sub)

    def closed(self) -> Window:
        """Return a phrase that is over: from the beat of its first note to the beat of its last one's end."""
        notes = self.notes
        if not notes:
            return self
        first = notes[0].tick // self.per_beat * self.per_beat
        last = max(note.tick + min(note.ticks, self.per_beat) for note in notes)
        ticks = max(-(-(last - first) // self.per_beat) * self.per_beat, self.per_beat)
        window = Window(self._first + first, self.per_beat, ticks, self._tick_s)
        window._heard = {at_s: (place - first, note) for at_s, (place, note) in self._heard.items()}
        window._sounds = {place - first: sound for place, sound in self._sounds.items() if place >= first}
        return window

    def offset(self, tick: Tick) -> int:
        """Return the ticks from the first bar line."""
        return tick.number - self._first

    def keep(self, tick: Tick, sound: Latent | None) -> None:
        """Keep the latent `sound` of a tick of these bars."""
        if sound is not None and 0 <= self.offset(tick) < self.ticks:
            self._sounds[self.offset(tick)] = sound

    def again(self, offset: int, heard: BassTick, sound: Latent | None) -> tuple[BassTick, Latent | None]:
        """Return bass and sound of a tick when these bars repeat: the player's where they play, else those recorded."""
        bass = bass_at(self.notes, offset % self.ticks, heard)
        return (bass, sound) if bass is heard else (bass, self._sounds.get(offset % self.ticks))

    @property
    def notes(self) -> tuple[Placed, ...]:
        """Return the notes in order; of two in one tick the later."""
        by_tick = dict(sorted(self._heard.values(), key=lambda heard: heard[1].onset_s))
        return tuple(
            Placed(tick, by_tick[tick].pitch, by_tick[tick].velocity, self._length(by_tick[tick], after - tick))
            for tick, after in pairwise([*sorted(by_tick), self.ticks])
        )

    def _length(self, note: Note, room: int) -> int:
        if note.duration_s is None:
            return min(room, self.per_beat)
        return min(max(round(note.duration_s / self._tick_s), 1), room)


def bass_at(notes: Iterable[Placed], tick: int, heard: BassTick) -> BassTick:
    """Return the bass of a tick of a riff that repeats: the player's where they play, else the riff's."""
    if heard.onset_pitch is not None:
        return heard
    for note in notes:
        if note.tick == tick:
            return BassTick(True, note.pitch, note.velocity, note.pitch)
        if note.tick < tick < note.tick + note.ticks and heard.sounding_pitch is None:
            return BassTick(True, None, 0, note.pitch)
    return heard
