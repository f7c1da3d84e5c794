"""A tune states its motif, answers it and rests; the second half of a section goes on with something else."""

from __future__ import annotations

import pytest

from agent.parts.counter_line import Motif, MotifNote
from agent.parts.tune import HIGHER, OTHER, Stretch, lift_of, said_as, turn_in

MOTIF = Motif(tuple(MotifNote(tick, 2, step) for tick, step in ((2, 0), (4, 1), (6, 2), (10, 1), (16, -1), (22, 0))))


def said(bars: int, returns: int = 0, lively: bool = False, density: float = 1.0) -> list[str]:
    """Return what is said in each two bars of a section."""
    turns = [turn_in(Stretch(bar, bars, returns, lively), density, 16) for bar in range(0, bars, 2)]
    return [turn.way or turn.says for turn in turns]


@pytest.mark.parametrize("lively", [False, True])
@pytest.mark.parametrize("bars", [8, 12, 16])
@pytest.mark.parametrize("returns", [0, 1, 2, 3])
def test_no_section_says_its_motif_the_same_way_all_along(bars: int, returns: int, lively: bool) -> None:
    pairs = said(bars, returns, lively)
    assert len(set(pairs)) >= 3
    half = -(-len(pairs) // 2)
    assert pairs[0] == "call" and pairs[:half] != pairs[half:]
    assert {OTHER, HIGHER, "rest"} & set(pairs[half:])
    assert all(pairs[at : at + 3] != [pairs[at]] * 3 for at in range(len(pairs) - 2))


def test_a_section_that_returns_is_told_otherwise() -> None:
    assert said(8, 0) != said(8, 1) and said(8, 0) == said(8, 2)


def test_a_sparse_tune_says_less() -> None:
    assert said(16, density=0.1).count("rest") > said(16).count("rest")


def test_the_other_idea_is_made_of_the_motifs_first_notes() -> None:
    other = said_as(MOTIF, OTHER, 16)
    first, second = ([note for note in other.notes if note.tick // 16 == bar] for bar in (0, 1))
    assert [note.tick for note in first] == [2, 4, 6, 10] == [note.tick - 16 for note in second]
    assert [note.step for note in first] == [0, 1, 2, 1]
    assert [note.step for note in second] == [-1, 0, 1, 0], "again a step lower"
    assert other.notes[-1].length > 2
    assert said_as(MOTIF, HIGHER, 16) == MOTIF


def test_verses_lie_lower_than_choruses() -> None:
    verse, chorus = Stretch(0, 8), Stretch(0, 8, lively=True)
    assert lift_of(verse, "", MOTIF) < lift_of(chorus, "", MOTIF) < lift_of(chorus, HIGHER, MOTIF)
    assert lift_of(verse, OTHER, MOTIF) < lift_of(verse, "", MOTIF)


def test_a_motif_without_room_above_goes_on_lower() -> None:
    wide = Motif(tuple(MotifNote(tick, 2, step) for tick, step in ((0, 0), (4, -5), (8, 1))))
    assert lift_of(Stretch(0, 8, lively=True), HIGHER, wide) < 0
