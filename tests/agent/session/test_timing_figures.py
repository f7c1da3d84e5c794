"""A sound card that was lost and came back is counted and said; it is no failure of the session."""

from __future__ import annotations

from dataclasses import replace

from agent.engine.reports import AudioReport
from agent.engine.timing_counts import Counts
from agent.session.timing_figures import Figures

PLAYS = AudioReport(0, 0, Counts(), (), (), False, card="Interface")
LOST = replace(PLAYS, card="", losses=1, cause="it was unplugged")
BACK = replace(PLAYS, losses=1, returns=1, silent_s=2.5)


def test_what_came_back_is_over_what_did_not_is_none() -> None:
    figures = Figures()
    (lost,) = [*figures.played(PLAYS), *figures.played(LOST)]
    assert "it was unplugged" in lost and lost not in figures.mended and not figures.over()
    (back,) = figures.played(BACK)
    assert {lost, back} <= figures.mended
    assert figures.over() == "the sound card was lost 1 time and came back; 2.5 s were silent"
    figures.new_life()
    figures.played(replace(LOST, cause="its driver is gone"))
    assert not figures.over() and figures.mended == {lost, back}


def test_an_instrument_that_is_gone_from_its_port_is_trouble_until_it_is_back() -> None:
    figures = Figures()
    (gone,) = figures.played(replace(PLAYS, port_cause="My Synth is gone"))
    assert gone not in figures.mended
    figures.played(PLAYS)
    assert gone in figures.mended
