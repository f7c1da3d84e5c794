"""The grid that the ears publish moves little with a note, wherever in the beat it lies."""

from __future__ import annotations

import numpy as np
import pytest

from listener.rhythm.bar_models import MODELS
from listener.rhythm.grid_clock import GridClock
from listener.rhythm.meter import Hypothesis

BEAT_S = 0.5


@pytest.mark.parametrize("seed", range(4))
def test_a_late_note_on_the_off_beat_never_moves_the_grid_by_a_beat(seed: int) -> None:
    clock = GridClock(Hypothesis(MODELS[0], 0.0, BEAT_S, 0.0, 0.9, 0.9), 0)
    scatter_s = np.random.default_rng(seed).normal(0, 0.008, 200)
    off_s = []
    for k, late_s in enumerate(scatter_s, start=1):
        clock.push(0.5 * k * BEAT_S + late_s)
        clock.glide(0.25)
        clock.move_anchor(k // 2 - clock.index)
        off_s.append(clock.grid(0.9, 0.9).time_of(k // 2) - k // 2 * BEAT_S)
    assert np.abs(np.diff(off_s)).max() < 0.1 * BEAT_S


def test_a_correction_is_not_seen_at_once() -> None:
    clock = GridClock(Hypothesis(MODELS[0], 0.0, BEAT_S, 0.0, 0.9, 0.9), 0)
    for time_s, place in ((0.51, 1), (0.76, 1.5), (1.02, 2), (1.24, 2.5), (1.51, 3)):
        near = round(place)
        before_s = clock.grid(0.9, 0.9).time_of(near)
        clock.push(time_s)
        assert abs(clock.grid(0.9, 0.9).time_of(near) - before_s) < 0.006
