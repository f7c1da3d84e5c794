"""What comes next is what followed in the past; a bar with a misheard note is the bar it was meant to be."""

from __future__ import annotations

from agent.parts.bass_bar import BassBar, BassNote
from agent.song.expectation import expects_stop, foretell, recognised, turn_of_groove
from listener.types import Meter

FOUR = Meter(4, 4)


def bar(notes: dict[int, int]) -> BassBar:
    return BassBar(FOUR, 16, tuple(BassNote(tick, 2, pitch, 90) for tick, pitch in notes.items()))


A = bar({0: 40, 3: 40, 6: 43, 8: 45, 12: 45, 14: 43})
B = bar({0: 36, 4: 36, 8: 38, 10: 40, 12: 43})
C = bar({0: 41, 2: 41, 8: 48})


def test_what_followed_last_time_is_expected() -> None:
    assert foretell([A, B, A, C, A, B, A], FOUR, 16) == C


def test_a_bar_that_has_begun_says_itself_which_one_it_is() -> None:
    assert foretell([A, B, C, A, B, C, A], FOUR, 16, C.notes[:2], 8) == C


def test_without_a_past_the_bar_goes_on_as_it_is() -> None:
    assert foretell([A], FOUR, 16) == A
    assert foretell([], FOUR, 16) == BassBar(FOUR, 16)


def test_a_misheard_16th_or_octave_makes_no_other_bar_but_other_roots_do() -> None:
    late = bar({0: 40, 3: 40, 6: 43, 8: 45, 12: 45, 15: 43})
    octave = bar({0: 28, 3: 40, 6: 43, 8: 45, 12: 45, 14: 43})
    moved = bar({note.tick: note.pitch + 5 for note in A.notes})
    assert recognised(octave, [B, A, C]) == A
    assert recognised(late, [B, A, C]) in (A, late)
    assert recognised(moved, [B, A, C]) == moved


def test_a_bass_bar_gets_the_same_bar_of_the_groove_whenever_it_comes_and_on_another_root() -> None:
    past = [A, B, B, A, B]
    moved = bar({note.tick: note.pitch + 5 for note in A.notes})
    at_a, _ = turn_of_groove(past, A, 1)
    at_b, _ = turn_of_groove(past, B, 0)
    assert at_a % 2 != at_b % 2
    assert at_a == turn_of_groove([*past, A, B], A, 3)[0] == turn_of_groove(past, moved, 1)[0]


def test_a_bar_keeps_its_turn_when_a_bar_comes_that_is_more_like_it() -> None:
    first = bar({0: 40, 4: 40, 8: 40, 12: 40})
    kin = bar({0: 40, 4: 40, 8: 40, 11: 40, 12: 40})
    later = bar({0: 40, 3: 40, 4: 40, 8: 40, 11: 40, 12: 40, 14: 40})
    before, _ = turn_of_groove([first, kin], kin, 0)
    assert turn_of_groove([first, kin, later], kin, 0)[0] == before == turn_of_groove([], first, 0)[0]


def test_a_riff_of_one_bar_is_varied_at_the_end_of_four() -> None:
    assert [turn_of_groove([A] * 8, A, place) for place in range(4)] == [(0, False)] * 3 + [(0, True)]


def test_a_stop_is_expected_when_the_phrase_before_was_the_same_and_ended_so() -> None:
    stop = bar({0: 40})
    phrase = [A, B, A, B, A, B, A]
    assert expects_stop([*phrase, stop, *phrase], stop)
    assert not expects_stop([*phrase, A, *phrase], stop)
    assert not expects_stop([A, A, stop, A, A], stop)
