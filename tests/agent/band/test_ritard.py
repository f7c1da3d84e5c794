"""A tempo that slows into an end is followed by who knows which note comes next."""

from __future__ import annotations

import numpy as np

from agent.band.tempo_follower import Tempo
from listener.types import FRAME_S, Grid, Meter, Note

BEAT_S, STEADY = 0.5, 24
SLOWS = (1.04, 1.12, 1.22, 1.34)  # lengths of the last beats
EARS = Grid(0.0, 0, 1, BEAT_S, Meter(4, 4), 0.9, 0.8)


def beats_s(slows: tuple[float, ...]) -> list[float]:
    lengths = [BEAT_S] * STEADY + [BEAT_S * slow for slow in slows]
    return [0.0, *np.cumsum(lengths).tolist()]


def apart_s(slows: tuple[float, ...], foretold: bool) -> tuple[list[float], float]:
    """Play a note on each beat; return how far the band's beat is from each of the last, a sixth of a beat before it
    falls, and how slow it is in the end."""
    tempo, times, out = Tempo(), beats_s(slows), []
    expected = [(float(beat), 40) for beat in range(len(times))] if foretold else []
    frame, due = 0, 0
    while due < len(times):
        now_s = frame * FRAME_S
        notes = ()
        if now_s >= times[due] + 0.05:
            notes, due = (Note(times[due], now_s, None, 40, 90),), due + 1
        grid = tempo.follow(EARS, notes, now_s, expected=expected)
        frame += 1
        if STEADY < due < len(times) and abs(now_s + BEAT_S / 6 - times[due]) < FRAME_S / 2:
            out.append(min((grid.time_of(beat) - times[due] for beat in range(grid.index, grid.index + 3)), key=abs))
    return out, tempo.slowed


def test_a_ritard_is_followed_by_the_notes_that_are_foretold() -> None:
    followed, slowed = apart_s(SLOWS, True)
    alone, _ = apart_s(SLOWS, False)
    assert max(map(abs, followed[1:])) < 0.08 < max(map(abs, alone[1:]))
    assert slowed > 1.2


def test_one_late_note_is_no_ritard() -> None:
    _, slowed = apart_s((1.2, 0.8, 1.0, 1.0), True)
    assert slowed == 1.0
