"""While the bars are in doubt the band plays what both readings have: time, kicks with the bass, no backbeat."""

from __future__ import annotations

from dataclasses import replace

from agent.mind.common_ground import CommonGround, common
from listener.types import FRAME_S, Analysis, Grid, Meter
from models.music.tokens import ChordHit, DrumHit, Position, Reply

FOUR = Grid(0.5, 0, 1, 0.5, Meter(4, 4), 0.6, 0.2)
THREE = replace(FOUR, meter=Meter(3, 4))
LATER = replace(FOUR, position=3)  # its one is our three
BEAT_LATER = replace(FOUR, position=4)  # its one is our two


def hits(tick: int) -> tuple[DrumHit, ...]:
    """Return a plain beat with a crash on the one, a kick with the bass on tick 6 and a fill's tom at the end."""
    pieces = {0: ("kick", "crash"), 4: ("snare",), 6: ("kick",), 8: ("kick",), 12: ("snare",), 15: ("low_tom",)}
    return tuple(DrumHit(piece, 90) for piece in (*pieces.get(tick, ()), *(("closed_hat",) if tick % 2 == 0 else ())))


def played(other: Grid) -> dict[str, list[int]]:
    """Return the ticks of the second bar at which each piece is struck when it fits another reading, too."""
    out: dict[str, list[int]] = {}
    for tick in range(16):
        reply = Reply(hits(tick), ChordHit(0, "min", 80) if tick % 4 == 0 else None)
        shared = common(reply, Position(tick, 1, Meter(4, 4)), 2.5 + tick * 0.125, other, tick == 6)
        for piece in [hit.piece for hit in shared.drums] + ["chord"] * (shared.chord is not None):
            out.setdefault(piece, []).append(tick)
    return out


def doubted(ears: Grid, rival: Grid | None, seconds: float, bars_in: int = 0) -> bool:
    ground = CommonGround()
    for frame in range(round(seconds / FRAME_S)):
        told = rival if frame * FRAME_S < 1 else None
        ground.hear(Analysis(frame * FRAME_S, 0, 0, None, 0, -20, grid=ears, rival=told), FOUR, bars_in)
    return ground.other is not None


def test_a_backbeat_stays_only_where_both_have_it_and_time_goes_on() -> None:
    assert played(BEAT_LATER).get("snare", []) == [] and played(LATER)["snare"] == [4, 12]
    for other in (THREE, LATER, BEAT_LATER):
        band = played(other)
        assert band["closed_hat"] == list(range(0, 16, 2)), "time goes on; a crash marks no bar"
        assert 6 in band["kick"] and "low_tom" not in band and "crash" not in band
    assert played(LATER)["kick"] == [0, 6, 8] and played(BEAT_LATER)["kick"] == [6]


def test_chords_are_struck_on_beats_of_both() -> None:
    slower = replace(FOUR, period_s=0.75)
    assert played(slower)["chord"] == [8] and played(THREE)["chord"] == [0, 4, 8, 12]


def test_there_is_doubt_while_another_reading_is_told_and_the_ears_were_never_sure() -> None:
    assert doubted(FOUR, THREE, 2) and doubted(LATER, None, 2)
    assert not doubted(FOUR, replace(FOUR, period_s=1.0), 2), "half the tempo is the same music"
    assert not doubted(replace(FOUR, meter_confidence=0.7), THREE, 2)
    assert not doubted(FOUR, THREE, 5) and not doubted(FOUR, THREE, 2, bars_in=8)
