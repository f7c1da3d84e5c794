"""Pedal, suspended and modal harmony on request: a plan while it is asked for, and what was there before comes back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from agent.song.song_plan import BarPlan, Wish
from tests.agent.song.test_song_plan import CHORUS, VERSE, bar, played

RIFF = [bar(VERSE), bar(CHORUS)] * 8


def asked(harmony: str) -> list[BarPlan]:
    return played(RIFF, wish=Wish(harmony=harmony))


def test_a_pedal_holds_one_note_under_chords_that_move() -> None:
    plans = asked("pedal")
    lowest = {chord.voicing[0] % 12 for plan in plans for chord in plan.chords}
    assert len(lowest) == 1
    assert len({(chord.root, chord.quality) for plan in plans for chord in plan.chords}) >= 3


def test_suspended_chords_have_a_fourth_and_no_third() -> None:
    for plan in asked("sus"):
        for chord in plan.chords:
            steps = {(pitch - chord.root) % 12 for pitch in chord.voicing}
            assert 5 in steps and not steps & {3, 4}


def test_modal_harmony_falls_by_no_fifth_and_moves_in_fourths_of_the_scale() -> None:
    plans = asked("modal")
    chords = [chord for plan in plans for chord in plan.chords]
    assert not any((b.root - a.root) % 12 == 5 for a, b in pairwise(chords))
    assert len({chord.voicing for chord in chords}) >= 3
    assert all(5 <= high - low <= 6 for chord in chords for low, high in pairwise(chord.voicing))


@pytest.mark.parametrize("harmony", ["pedal", "sus", "modal"])
def test_what_is_remembered_of_the_harmony_stays(harmony: str) -> None:
    assert [plan.harmony for plan in asked(harmony)] == [plan.harmony for plan in asked("")]
