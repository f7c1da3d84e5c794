"""Two takes beside each other: the words say what was asked, the figures what moved, the picture shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from agent.cli.diff import pair
from agent.core.errors import UserError
from agent.directions.edit import Edit
from agent.takes import take_files
from agent.takes.compare import account, draw, measured
from agent.takes.sketcher import Sketcher
from agent.takes.take_files import Sheet
from tests.agent.conversation.test_riff_dialogue import RESPONDER, riff


@pytest.fixture(scope="module")
def sheets() -> list[Sheet]:
    sketcher = Sketcher(RESPONDER)
    take = sketcher.begin(riff(bars=2))
    for short in ("snare.level less", "form.meter set 7/8 @bar:2"):
        take = sketcher.revise(take, [Edit.read(short)], short)
    return [take_files.sheet_of(one, one.says) for one in sketcher.takes]


def test_a_take_comes_back_from_disk_as_it_was(sheets: list[Sheet], tmp_path: Path) -> None:
    for sheet in sheets:
        take_files.write(tmp_path, sheet)
    assert take_files.sheets(tmp_path) == sheets


def test_it_says_what_was_asked_and_what_moved(sheets: list[Sheet]) -> None:
    first, second, third = sheets
    assert account(first, second) == 'take 1 -> take 2: the snare down (you said: "snare.level less")'
    assert account(second, first).startswith("take 2 -> take 1: no longer the snare down")
    moved = {line.split(" level")[0] for line in measured(first, second)}
    assert "snare" in moved and moved <= {"snare", "rim", "drums"}
    assert measured(second, third)[0] == "meters: 4/4 4/4 4/4 4/4 -> 4/4 7/8 4/4 7/8"
    assert measured(first, first) == []


def test_takes_are_chosen_by_number_by_name_or_as_the_last_two(sheets: list[Sheet]) -> None:
    named = [sheets[0], replace(sheets[1], name="Bristol"), sheets[2]]
    assert pair(named, []) == (named[1], named[2])
    assert pair(named, ["bristol", "1"]) == (named[1], named[0])
    assert pair(named, ["2"]) == (named[0], named[1])
    for wrong, said in ((["9"], "take '9'"), (["1", "2", "3"], "name one or two"), (["1"], "is the first")):
        with pytest.raises(UserError, match=said):
            pair(named, wrong)


def test_the_picture_shows_a_change_where_it_is(sheets: list[Sheet], tmp_path: Path) -> None:
    """Two pictures differ where the takes do: below in the second row, and nowhere in the first."""
    draw(tmp_path / "same.png", (sheets[0], sheets[0]))
    draw(tmp_path / "other.png", (sheets[0], sheets[1]))
    same, other = (matplotlib.image.imread(tmp_path / name) for name in ("same.png", "other.png"))
    changed = np.any(same != other, axis=(1, 2))
    half = len(changed) // 2
    assert not changed[:half].any() and changed[half:].any()


def test_a_broken_take_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "take-001.json").write_text('{"number": 1}')
    with pytest.raises(UserError, match="not a take"):
        take_files.sheets(tmp_path)
