"""An exception keeps one part out of a change of the whole."""

import pytest

from agent.directions.edit import Edit
from agent.directions.exceptions import without_exceptions


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        (["drums.level less", "kick.level keep"], "snare hat ride toms cymbals percussion"),
        (["band.level less", "harmony.level keep"], "drums line"),
        (["band.density less", "snare.density keep"], "kick hat ride toms cymbals percussion harmony line"),
        (["band.tempo more", "band.level keep"], "band"),
        (["drums.level less", "kick.pattern keep"], "drums"),
    ],
)
def test_the_excepted_part_stays_as_it_is(asked: list[str], left: str) -> None:
    done = [edit for edit in without_exceptions([*map(Edit.read, asked)]) if edit.change != "keep"]
    assert [edit.target for edit in done] == left.split()
    assert {edit.short().split(".")[1] for edit in done} == {asked[0].split(".")[1]}
