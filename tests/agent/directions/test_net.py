"""What stands is the sum of what was said: steps add up, opposites cancel, what was brought back is not out."""

from __future__ import annotations

import pytest

from agent.directions.edit import Edit
from agent.directions.net import net_of


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        (["snare.level less"], ["snare.level less"]),
        (["snare.level less", "snare.level less"], ["snare.level less ~8 dB"]),
        (["snare.level less", "kick.level more", "snare.level more"], ["kick.level more"]),
        (["drums.mute on", "drums.mute off"], []),
        (["band.mute on", "drums.mute off"], ["harmony.mute on", "line.mute on"]),
        (["drums.pattern set half-time", "drums.pattern off half-time"], []),
        (["band.tempo set 96", "band.tempo set 120"], ["band.tempo set 120"]),
        (["snare.level less @bar:3", "snare.level more"], ["snare.level less @bar:3", "snare.level more"]),
        (["harmony.resolution off @until-told", "harmony.resolution off"], ["harmony.resolution off"]),
        (["drums.density more ~small"], ["drums.density more ~small"]),
    ],
)
def test_what_stands_is_the_net_of_what_was_said(said: list[str], stands: list[str]) -> None:
    assert [edit.short() for edit in net_of(map(Edit.read, said))] == stands
