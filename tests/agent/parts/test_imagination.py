"""Bars that the responder imagines are candidates for groove, comping and line, each judged beside the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.parts.bass_bar import BassBar, BassNote
from agent.parts.counter_line import motifs_for
from agent.parts.drum_groove import Groove
from agent.parts.imagination import ImaginedBars, imagined
from listener.types import Meter
from models.music.tokens import ChordHit, DrumHit, LineHit, Position, Reply
from models.responder.proposal import Proposal
from models.responder.responder import Responder

FOUR = Meter(4, 4)
MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
TUNE = {4: 72, 6: 74, 10: 76, 14: 74, 20: 72, 24: 71}


def bars(strokes: Sequence[int], tune: dict[int, int], kicks: bool = True) -> ImaginedBars:
    replies = [
        Reply(
            (DrumHit("kick", 90),) if kicks and tick % 8 == 0 else (),
            ChordHit(0, "maj", 80) if tick in strokes else None,
            False,
            LineHit(tune[tick], 80) if tick in tune else None,
        )
        for tick in range(32)
    ]
    state = Responder.untrained().initial_state()
    return imagined(Proposal(state, Position(0, 0, FOUR), [], replies=replies), 3)


def drums(kicks: Sequence[int]) -> Groove:
    replies = [Reply((DrumHit("kick", 90),) if tick in kicks else ()) for tick in range(32)]
    found = imagined(Proposal(Responder.untrained().initial_state(), Position(0, 0, FOUR), [], replies=replies), 0)
    assert found.drums
    return found.drums.groove


def test_a_figure_that_comes_again_in_the_second_bar_is_a_candidate_and_a_ramble_is_none() -> None:
    figure = bars((0, 6, 12, 16, 22, 28), {}).figure
    assert figure
    assert figure.strokes == ((0, 6), (6, 6), (12, 4))
    assert figure.name == "imagined 3"
    assert bars((0, 6, 12, 17, 19, 31), {}).figure is None
    assert bars((), {}).figure is None


def test_a_phrase_of_the_line_is_a_motif_in_steps_of_the_key() -> None:
    motif = bars((), TUNE).motif(MAJOR)
    assert motif
    assert [note.tick for note in motif.notes] == list(TUNE)
    assert [note.step for note in motif.notes] == [0, 1, 2, 1, 0, -1]
    assert motif.source == "imagined"
    assert bars((), {4: 72}).motif(MAJOR) is None


def test_bars_without_a_kick_are_no_groove() -> None:
    assert bars((), {}).drums
    assert bars((), {}, kicks=False).drums is None


def test_of_two_bars_that_are_not_one_groove_the_first_is_kept() -> None:
    assert len(drums(range(0, 32, 4)).bars) == 2
    assert len(drums((0, 8, 18, 22, 27)).bars) == 1


def test_an_imagined_motif_is_kept_where_it_is_better_than_those_that_are_drawn() -> None:
    bass = [BassBar(FOUR, 16, tuple(BassNote(tick, 3, 40, 90) for tick in (0, 8, 12)))] * 2
    own = bars((), TUNE).motif(MAJOR)
    assert own
    found = [
        [motif.source for _, motif in motifs_for(bass, np.random.default_rng(seed), tries=6, kept=3, others=[own])]
        for seed in range(20)
    ]
    assert sum("imagined" in sources for sources in found) >= 1
    assert not any("imagined" in [m.source for _, m in motifs_for(bass, np.random.default_rng(s))] for s in range(20))
