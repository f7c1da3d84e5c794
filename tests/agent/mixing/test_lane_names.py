"""The lanes of the mix have one set of names: in the mixer, in the commands of a session and in what directions ask."""

from __future__ import annotations

from agent.control import commands
from agent.core.types import PARTS
from agent.directions import mix_wishes
from agent.mixing import lanes
from models.music.tokens import DRUM_PIECES


def test_commands_directions_and_mixer_name_the_same_lanes() -> None:
    mixed = {lane.name for part in PARTS for lane in lanes.lanes_of(part)} | set(PARTS)
    assert mixed == set(commands.LANES) == set(mix_wishes.LANES)


def test_every_piece_of_the_kit_is_in_the_lane_that_directions_change() -> None:
    for lane, voices in mix_wishes.LANES.items():
        for piece in set(voices) & set(DRUM_PIECES):
            assert lanes.lane_of("drums", DRUM_PIECES[piece].key) == lane
