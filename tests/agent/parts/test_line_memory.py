"""What the line said comes back note for note where it suits the chords again, and is placed anew where it does not."""

from __future__ import annotations

from collections.abc import Mapping

from agent.parts.bar_chords import ChordAt
from agent.parts.counter_line import LineNote, Motif, MotifNote
from agent.parts.line_memory import Saying, suits_again
from agent.parts.line_placing import line_of

C_MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
MOTIF = Motif(tuple(MotifNote(4 * at, 4, step) for at, step in enumerate((0, 1, 2, 0))))
C, A_MINOR, F_SHARP = ChordAt(0, 0, "maj"), ChordAt(0, 9, "min"), ChordAt(0, 6, "maj")


def said_over(chord: ChordAt, known: Mapping[int, int] | None = None) -> tuple[LineNote, ...]:
    return line_of(MOTIF, 0, 16, [chord], chord, C_MAJOR, (0, 4, 8, 12), 0.0, known=known)


def remembered(chord: ChordAt) -> Saying:
    return Saying(MOTIF, False, 0, tuple((note.tick, note.pitch) for note in said_over(chord)))


def test_a_statement_is_said_again_with_its_own_notes_over_a_chord_that_they_suit() -> None:
    first = remembered(C)
    again = suits_again([first], Saying(MOTIF, False, 0), 0, lambda known: said_over(A_MINOR, known))
    assert again is first
    assert [note.pitch for note in said_over(A_MINOR, dict(again.pitches))] == [pitch for _, pitch in first.pitches]


def test_it_is_placed_anew_where_most_of_it_would_clash_or_where_something_else_is_said() -> None:
    first = remembered(C)

    def over_f_sharp(known: Mapping[int, int]) -> tuple[LineNote, ...]:
        return said_over(F_SHARP, known)

    assert suits_again([first], Saying(MOTIF, False, 0), 0, over_f_sharp) is None
    for other in (Saying(MOTIF, True, 0), Saying(MOTIF, False, 4), Saying(Motif(MOTIF.notes[1:]), False, 0)):
        assert suits_again([first], other, 0, lambda known: said_over(C, known)) is None


def test_of_two_statements_the_one_that_has_to_be_bent_less_is_said() -> None:
    over_c, over_f_sharp = remembered(C), remembered(F_SHARP)
    found = suits_again([over_f_sharp, over_c], Saying(MOTIF, False, 0), 0, lambda known: said_over(C, known))
    assert found is over_c
