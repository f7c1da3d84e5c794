"""A motif comes back developed: higher, with another end, upside down, and then as it was."""

from __future__ import annotations

from dataclasses import replace

from agent.parts.bar_chords import ChordAt
from agent.parts.counter_line import NEAR, Motif, MotifNote, Turn, developed, lift_of, of_length, turn_of
from agent.parts.line_placing import line_of

MOTIF = Motif(tuple(MotifNote(2 * at, 2, step) for at, step in enumerate((0, 1, 2, 1, 0, -1, -2))))


def steps(motif: Motif) -> list[int]:
    return [note.step for note in motif.notes]


def statements(bars: int) -> list[tuple[Turn, Motif]]:
    turns = [turn_of(bar, 0) for bar in range(0, bars, 2)]
    return [(turn, developed(MOTIF, turn, 0)) for turn in turns if turn.says != "rest"]


def test_no_three_statements_in_a_row_are_the_same_and_five_are_heard() -> None:
    said = [(steps(motif), lift_of(turn)) for turn, motif in statements(80)]
    assert all(not said[at] == said[at + 1] == said[at + 2] for at in range(len(said) - 2))
    assert len({tuple(one) for one, _ in said}) >= 5


def test_what_is_developed_keeps_its_rhythm_and_its_beginning_or_turns_it_upside_down() -> None:
    for _, motif in statements(80):
        assert [note.tick for note in motif.notes] == [note.tick for note in MOTIF.notes]
        assert steps(motif)[:4] in (steps(MOTIF)[:4], [-step for step in steps(MOTIF)[:4]])


def test_the_line_rises_over_three_cycles_and_comes_down() -> None:
    highest = [max(lift_of(turn) for turn, _ in statements(4 + 64) if turn.cycle == cycle) for cycle in range(4)]
    assert highest[0] < highest[1] < highest[2] > highest[3]


def test_an_answer_begins_on_another_tone_of_the_chord_than_its_call() -> None:
    chord, scale = ChordAt(0, 0, "maj"), frozenset({0, 2, 4, 5, 7, 9, 11})
    call, answer = (line_of(MOTIF, 0, 16, [chord], chord, scale, (0, 8), 0.0, answers=way) for way in (False, True))
    assert call[0].pitch != answer[0].pitch and answer[0].pitch % 12 in {0, 4, 7}
    assert [note.tick for note in call] == [note.tick for note in answer]


def test_a_motif_without_room_for_that_is_answered_by_its_end() -> None:
    wide = Motif(tuple(MotifNote(2 * at, 2, step) for at, step in enumerate((0, 2, 4, 5, 6, 3, -1))))
    chord, scale = ChordAt(0, 0, "maj"), frozenset({0, 2, 4, 5, 7, 9, 11})
    call, answer = (
        line_of(wide, 0, 16, [chord], chord, scale, (0, 8), 0.0, answers=way, first=way) for way in (False, True)
    )
    assert len(call) == 7 and answer == call[-4:]


def test_in_bars_of_another_length_a_motif_keeps_its_places_and_ends_with_them() -> None:
    two = Motif(tuple(MotifNote(tick, 2, 0) for tick in (8, 10, 12, 14, 16, 20)))
    shorter, longer = of_length(two, 16, 12), of_length(two, 16, 20)
    assert shorter and [(n.tick, n.length) for n in shorter.notes] == [(8, 2), (10, 2), (12, 2), (16, 2)]
    assert longer and [n.tick for n in longer.notes] == [8, 10, 12, 14, 20, 24]
    one = of_length(two, 16, 28)  # long bars have a motif each
    assert one and [n.tick for n in one.notes] == [8, 10, 12, 14, 16, 20]
    assert of_length(two, 16, 6) is not None and of_length(Motif(two.notes[1:4]), 16, 8) is None


def test_only_a_short_note_passes_by_beside_the_chord() -> None:
    chord, scale = ChordAt(0, 0, "maj"), frozenset({0, 2, 4, 5, 7, 9, 11})
    second_on_three = [MotifNote(tick, 2, step) for tick, step in zip((0, 2, 4, 6, 8), (0, 1, 2, 3, 1), strict=True)]
    passing = Motif((*second_on_three, MotifNote(12, 4, 0)))
    held = Motif(tuple(replace(note, length=4) for note in passing.notes))
    pitches = [
        line_of(one, 0, 16, [chord], chord, scale, (0, 4, 8, 12), 0.0)[4].pitch % 12 in chord.tones
        for one in (passing, held)
    ]
    assert pitches == [False, True]


def test_an_answer_does_not_leap_to_its_last_note() -> None:
    falling = Motif(tuple(MotifNote(2 * at, 2, -at) for at in range(6)))
    end = steps(developed(falling, Turn("answer", 0, 3), 0))
    assert abs(end[-1] - end[-2]) <= NEAR
