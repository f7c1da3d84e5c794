"""What was played before the beat was found is known as soon as it is found."""

from __future__ import annotations

from agent.band.ticks import first_tick
from agent.mind.heard_before import heard_before
from listener.types import Grid, Meter, Note

GRID = Grid(4.0, 8, 1, 0.5, Meter(4, 4), 0.8, 0.3)  # beat 0 at 0 s; the one is every fourth


def test_the_notes_before_the_beat_lie_on_its_16ths_and_bars_count_from_the_first() -> None:
    notes = [Note(at_s, at_s + 0.06, 0.4, pitch, 90) for at_s, pitch in ((0.01, 40), (0.63, 43), (2.0, 45))]
    ticks, now = heard_before(notes, GRID, first_tick(GRID, 4.1))
    onsets = [(place.bar, place.tick, bass.onset_pitch) for place, bass in ticks if bass.onset_pitch]
    assert onsets == [(0, 0, 40), (0, 5, 43), (1, 0, 45)]
    assert len(ticks) == 32
    assert now.position.bar == 2
    assert ticks[2][1].sounding_pitch == 40
    assert ticks[4][1].sounding_pitch is None


def test_without_notes_the_song_begins_now() -> None:
    tick = first_tick(GRID, 4.1)
    assert heard_before([], GRID, tick) == ([], tick)
