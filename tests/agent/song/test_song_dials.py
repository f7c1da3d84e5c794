"""Every dial acts on the song plan, in the direction of its name and more the further it is turned."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from agent.song.song_plan import BarPlan, SongPlan
from agent.song.wish import Wish, wish_of
from models.music.dials import Dials
from tests.agent.song.test_song_plan import CHORUS, VERSE, bar, played

SONG = [bar(VERSE), bar(CHORUS)] * 12
SETTINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
Measure = Callable[[list[BarPlan]], float]


def onsets(plans: list[BarPlan]) -> float:
    return sum(sum(map(len, plan.drums)) + len(plan.strokes) + len(plan.line) for plan in plans)


def off_the_beat(plans: list[BarPlan]) -> float:
    ticks = [stroke.tick for plan in plans for stroke in plan.strokes] + [n.tick for plan in plans for n in plan.line]
    ticks += [t for plan in plans for t, hits in enumerate(plan.drums) for hit in hits if hit.piece == "kick"]
    return float(np.mean([tick % 4 != 0 for tick in ticks]))


def loudness(plans: list[BarPlan]) -> float:
    drums = [hit.velocity for plan in plans for hits in plan.drums for hit in hits]
    return float(np.mean(drums + [stroke.velocity for plan in plans for stroke in plan.strokes]))


def height(plans: list[BarPlan]) -> float:
    return float(np.mean([pitch for plan in plans for chord in plan.chords for pitch in chord.voicing]))


def line_height(plans: list[BarPlan]) -> float:
    return float(np.mean([note.pitch for plan in plans for note in plan.line]))


def rubs(plans: list[BarPlan]) -> float:
    chords = [chord for plan in plans for chord in plan.chords]
    return float(np.mean([len({(p - chord.root) % 12 for p in chord.voicing} & {1, 2, 6, 11, 10}) for chord in chords]))


def falls(plans: list[BarPlan]) -> float:
    roots = [chord.root for plan in plans for chord in plan.chords]
    return float(sum((a - b) % 12 == 7 for a, b in itertools.pairwise(roots)))


def different_bars(plans: list[BarPlan]) -> float:
    return len({plan.drums for plan in plans})


@pytest.mark.parametrize(
    ("dial", "measure"),
    [
        ("density", onsets),
        ("syncopation", off_the_beat),
        ("intensity", loudness),
        ("register", height),
        ("register", line_height),
        ("tension", rubs),
        ("resolution", falls),
        ("surprise", different_bars),
    ],
)
def test_more_is_more(dial: str, measure: Measure) -> None:
    found = [measure(played(SONG, wish=Wish(**{dial: value}))) for value in SETTINGS]
    assert found[-1] > found[0]
    assert sum(after >= before for before, after in itertools.pairwise(found)) >= 3


def test_the_middle_is_what_nobody_asked_for() -> None:
    assert wish_of(Dials()) == Wish()
    assert wish_of(Dials(density=0.9), guidance=0.0) == Wish()


def test_guidance_says_how_strongly_a_dial_acts() -> None:
    weak, learned, strong = (wish_of(Dials(tension=0.7), guidance).tension for guidance in (1.0, 3.0, 5.0))
    assert 0.5 < weak < learned < strong


def test_a_dial_turned_in_mid_song_acts_in_the_next_bar() -> None:
    from dataclasses import replace

    from agent.parts.groove_library import GrooveLibrary
    from agent.parts.song_key import key_of
    from agent.song.bar_planner import plan_bar
    from agent.song.song_plan import hear

    song, library = SongPlan(seed=1, key=key_of(SONG)), GrooveLibrary.load()
    for number in range(9):
        song, plan = plan_bar(song, SONG[number : number + 4], library, False)
        song = hear(song, SONG[number], plan)
    bare, full = (
        plan_bar(replace(song, wish=Wish(density=value)), SONG[9:13], library, False)[1] for value in (0.0, 1.0)
    )
    assert sum(map(len, full.drums)) > 1.5 * sum(map(len, bare.drums))
    assert len(full.strokes) > len(bare.strokes)


def test_dont_resolve_leaves_no_dominant_seventh_before_its_tonic() -> None:
    fall = [bar(((0, 43), (4, 43), (8, 47), (12, 43))), bar(((0, 36), (8, 36)))] * 8
    for plan, after in zip((plans := played(fall, wish=Wish(tension=0.8, resolution=0.0))), plans[1:], strict=False):
        last, first = plan.chords[-1], after.chords[0]
        dominant = {(last.root + step) % 12 for step in (0, 4, 10)}
        assert not (dominant <= {p % 12 for p in last.voicing} and (last.root - first.root) % 12 == 7)


def test_a_cadence_is_played_where_it_is_asked_for() -> None:
    plans = played([bar(((0, 36), (8, 43)))] * 16, wish=Wish(resolution=1.0))
    assert any(chord.quality == "7" and chord.root == 7 for plan in plans for chord in plan.chords)
