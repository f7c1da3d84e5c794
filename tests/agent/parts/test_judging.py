"""The critic judges bars of any length: as many as it can read."""

from __future__ import annotations

import pytest

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, BassNote
from agent.parts.comping import figures_for
from agent.parts.judging import comping_scores
from listener.types import Meter
from models.critic.critic import Critic


@pytest.mark.parametrize(("meter", "ticks"), [(Meter(4, 4), 16), (Meter(7, 8, (2, 2, 3)), 14), (Meter(11, 4), 44)])
def test_a_figure_is_judged_in_every_meter(meter: Meter, ticks: int) -> None:
    bar = BassBar(meter, ticks, tuple(BassNote(tick, 2, 40, 90) for tick in range(0, ticks, 4)))
    figures = figures_for(meter, ticks)
    scores = comping_scores(Critic.load(), [bar, bar], [(ChordAt(0, 4, "min"),)] * 2, figures)
    assert len(scores) == len(figures)
