"""What the player plays back is compared with what was called: right, wrong, missed, added; the octave is free."""

from agent.practice.copying import compared

CALL = [(0, 60), (4, 62), (10, 64), (16, 67)]


def test_an_octave_lower_and_a_16th_late_is_right():
    copy = compared(CALL, [(0, 36), (5, 38), (10, 40), (16, 43)], 16)
    assert (copy.right, copy.notes, copy.mistakes) == (4, 4, ())


def test_mistakes_are_named_by_their_place():
    copy = compared(CALL, [(0, 36), (4, 39), (13, 45), (16, 43)], 16)
    assert copy.right == 2
    assert str(copy) == "2 of 4 right: bar 1, 2: Eb for D; bar 1, 3&: E missed; bar 1, 4e: A too many"
