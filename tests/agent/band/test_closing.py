"""A last note on the one that stands alone is told from a line that goes on, from long notes and from a rest."""

from __future__ import annotations

from agent.band.closing import Closing
from agent.band.fermata import Fermata
from listener.types import Analysis, Grid, Key, Meter, Note

BEAT_S = 0.5
GRID = Grid(0.0, 0, 1, BEAT_S, Meter(4, 4), 0.9, 0.8)
KEY = Key(4, "min", 0.9)
FRAME_S = 0.02


def note(onset_s: float, length_s: float | None = None, pitch: int = 40) -> Note:
    return Note(onset_s, onset_s, length_s, pitch, 90)


def closing(
    notes: list[tuple[float, float]], until_s: float, into: Closing | Fermata, expected: tuple[float, ...] = ()
) -> None:
    """Push frames with notes (onset in beats, length in beats); each is told when it begins and when it ends."""
    frame = 0.0
    while frame < until_s:
        begun = tuple(note(at * BEAT_S) for at, _ in notes if frame <= at * BEAT_S < frame + FRAME_S)
        over = tuple(
            note(at * BEAT_S, length * BEAT_S)
            for at, length in notes
            if frame <= (at + length) * BEAT_S < frame + FRAME_S
        )
        frame += FRAME_S
        analysis = Analysis(frame, frame, 0.0, None, 0.0, -20.0, notes=begun, ended=over, grid=GRID, key=KEY)
        into.push(analysis, GRID) if isinstance(into, Fermata) else into.push(analysis, expected)


LINE = [(beat / 2, 0.4) for beat in range(64)]  # eighths for eight bars


def test_a_long_last_note_on_the_one_is_held_and_then_over() -> None:
    one = Closing()
    closing([*LINE, (32, 2.5)], 33.5 * BEAT_S, one)
    assert not one.holds
    one = Closing()
    closing([*LINE, (32, 2.5)], 35.5 * BEAT_S, one)
    assert one.holds
    assert one.first
    assert one.ended


def test_a_last_note_is_held_sooner_where_the_riff_says_that_others_should_have_come() -> None:
    eighths = tuple(32 + beat / 2 for beat in range(8))
    for length, expected, holds in ((2.5, eighths, True), (2.5, (32.0, 34.0), False), (0.4, eighths, False)):
        one = Closing()
        closing([*LINE, (32, length)], 33.5 * BEAT_S, one, expected)
        assert one.holds == holds


def test_as_soon_as_a_note_of_the_riff_is_overdue_under_a_last_note_the_end_is_in_doubt() -> None:
    eighths = tuple(32.5 + 0.5 * n for n in range(6))
    for expected, until, doubtful in ((eighths, 33.0, True), (eighths, 32.4, False), ((), 33.0, False)):
        one = Closing()
        closing([*LINE, (32, 2.5)], until * BEAT_S, one, expected)
        assert (one.doubtful, one.holds) == (doubtful, False)


def test_neither_a_short_stop_nor_a_note_off_the_one_nor_whole_notes_end_a_song() -> None:
    for notes in ([*LINE, (32, 0.4)], [*LINE, (33, 2.5)], [*LINE, (32, 3.9), (36, 3.9), (40, 3.9)]):
        one = Closing()
        closing(notes, notes[-1][0] * BEAT_S + 3.5 * BEAT_S, one)
        assert not one.ended


def test_a_rest_is_no_long_note_to_a_fermata() -> None:
    held = Fermata()
    rest = [(beat / 2 + 44, 0.4) for beat in range(16)]
    closing([*LINE, *rest, (52, 6.0)], 56.5 * BEAT_S, held)
    assert held.waiting
