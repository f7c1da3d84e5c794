"""A drummer's timing is theirs: a stroke that comes again in every bar mostly lies where it lay before."""

from __future__ import annotations

import numpy as np

from agent.band.drum_timing import Drummer
from listener.types import Meter
from models.music.tokens import DrumHit, Position
from models.timing.drum_timing import Timing

GROOVE = {0: ("kick",), 2: ("snare",), 4: ("snare",), 7: ("snare",), 8: ("kick",), 11: ("kick",), 12: ("snare",)}


def test_a_stroke_of_a_groove_comes_back_where_it_was() -> None:
    drummer = Drummer(Timing.load(), 1.0, None, 1)
    late_ms: dict[int, list[float]] = {}
    for number in range(16 * 24):
        at = Position(number % 16, number // 16, Meter(4, 4))
        hits = tuple(DrumHit(piece, 60 if at.tick % 2 else 92) for piece in GROOVE.get(at.tick, ()))
        for _, offset_s in drummer.strike(hits, at, number, 0.6):
            late_ms.setdefault(at.tick, []).append(1000 * offset_s)
    within = np.mean([np.std(offsets) for offsets in late_ms.values()])
    overall = np.std(np.concatenate([*late_ms.values()]))
    assert 2 < within < 0.75 * overall
