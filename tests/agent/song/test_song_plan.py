"""The band commits to a song: a riff keeps its harmony and groove, a new one is a new section, fills end phrases."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from agent.parts.bass_bar import BassBar, BassNote, jaccard
from agent.parts.drum_groove import TIME_PIECES, Groove
from agent.parts.groove_choice import choose
from agent.parts.groove_library import GrooveLibrary
from agent.parts.groove_traits import played_grooves
from agent.parts.song_key import key_of
from agent.reply.planned_song import AHEAD
from agent.song.bar_planner import plan_bar
from agent.song.expectation import foretell
from agent.song.song_plan import BarPlan, SongPlan, Wish, hear
from listener.types import Meter

FOUR, SEVEN = Meter(4, 4), Meter(7, 8, (2, 2, 3))
VERSE = ((0, 40), (3, 40), (6, 43), (8, 45), (12, 43), (14, 40))
CHORUS = ((0, 36), (4, 36), (8, 43), (10, 43), (12, 43))


def bar(notes: Sequence[tuple[int, int]], meter: Meter = FOUR, velocity: int = 90) -> BassBar:
    ticks = meter.numerator * 16 // meter.denominator
    ends = [*(tick for tick, _ in notes[1:]), ticks]
    return BassBar(
        meter, ticks, tuple(BassNote(t, end - t, p, velocity) for (t, p), end in zip(notes, ends, strict=True))
    )


def played(bars: list[BassBar], certain: bool = True, seed: int = 1, **settings: object) -> list[BarPlan]:
    """Return the plan of every bar. certain: the bass is read beforehand, else foretold."""
    song = SongPlan(seed=seed, key=key_of(bars), **settings)  # type: ignore[arg-type]
    library, plans = GrooveLibrary.load(), []
    for number, one in enumerate(bars):
        ahead = bars[number : number + AHEAD] if certain else [foretell(song.bars, one.meter, one.ticks)]
        song, plan = plan_bar(song, ahead, library, certain)
        plans.append(plan)
        song = hear(song, one, plan)
    return plans


def groove_of(bars: list[BassBar], quarter_bpm: float) -> Groove:
    song = SongPlan(seed=1, key=key_of(bars), quarter_bpm=quarter_bpm)
    song, _ = plan_bar(song, bars, GrooveLibrary.load(), True)
    return song.sections[song.current].groove


def kick_and_snare(plan: BarPlan) -> set[tuple[str, int]]:
    return {
        (hit.piece, t) for t, hits in enumerate(plan.drums) for hit in hits if hit.piece in ("kick", "snare", "rim")
    }


SONG = [bar(VERSE)] * 16 + [bar(CHORUS)] * 8 + [bar(VERSE)] * 8


def test_the_same_riff_gets_the_same_harmony() -> None:
    plans = played(SONG)
    assert len({tuple((c.root, c.quality) for c in plan.harmony) for plan in plans[:16]}) == 1


def test_drums_stay_with_their_groove_and_are_never_copies_for_long() -> None:
    plans = played(SONG)
    patterns = [frozenset(kick_and_snare(plan)) for plan in plans[:16]]
    assert 2 <= len(set(patterns)) <= 8
    alike = [jaccard(patterns[i], patterns[i + 2]) for i in range(14)]
    assert sum(alike) / len(alike) > 0.6


def test_a_new_riff_is_a_new_section_with_a_fill_before_and_a_crash_on_its_one() -> None:
    plans = played(SONG)
    assert [plans[n].section for n in (15, 16, 23, 24)] == ["A", "B", "B", "A"]
    assert plans[15].is_fill
    assert plans[16].has_crash
    assert not plans[16].is_fill


def test_a_section_that_returns_gets_its_own_back() -> None:
    plans = played(SONG)
    assert plans[24].harmony == plans[0].harmony
    assert jaccard(kick_and_snare(plans[24]), kick_and_snare(plans[0])) > 0.6
    assert jaccard(*({stroke.tick for stroke in plans[n].strokes} for n in (9, 25))) > 0.5


def test_live_a_new_riff_is_noticed_after_two_bars_of_it() -> None:
    plans = played(SONG, certain=False)
    assert "B" in {plan.section for plan in plans[17:20]}
    assert plans[26].section == "A" or plans[27].section == "A"


@pytest.mark.parametrize(
    "meter", [FOUR, SEVEN, Meter(3, 4), Meter(5, 4), Meter(12, 8), Meter(13, 8), Meter(2, 4)], ids=str
)
def test_every_meter_has_a_kick_on_the_one_time_kept_and_chords(meter: Meter) -> None:
    ticks = meter.numerator * 16 // meter.denominator
    plans = played([bar(((0, 40), (ticks // 2, 47)), meter)] * 8)
    assert all(("kick", 0) in kick_and_snare(plan) for plan in plans)
    assert all(len(plan.drums) == ticks and plan.strokes for plan in plans)


ODD = bar(((0, 40), (4, 43), (8, 45)), SEVEN)


def test_the_one_of_a_new_meter_is_marked() -> None:
    plans = played([bar(VERSE)] * 5 + [ODD] * 5 + [bar(VERSE)] * 5)
    for number in (5, 10):
        assert {"crash", "kick"} <= {hit.piece for hit in plans[number].drums[0]}


def test_a_riff_of_several_meters_is_one_section_without_crashes_inside() -> None:
    plans = played(([bar(VERSE)] * 3 + [ODD]) * 4)
    assert {plan.section for plan in plans} == {"A"}
    assert [plan.number for plan in plans if plan.has_crash] == [0, 8]
    assert all(("kick", 0) in kick_and_snare(plan) for plan in plans)


@pytest.mark.parametrize("certain", [True, False])
def test_a_riff_of_several_meters_has_one_motif_that_keeps_its_places(certain: bool) -> None:
    plans = played(([bar(VERSE)] * 3 + [ODD]) * 12, certain)
    odd, even = ({tuple(n.tick for n in plans[at].line) for at in range(3, 48, 4)}, plans[1:48:4])
    assert any(odd) and {tick for ticks in odd for tick in ticks} <= {n.tick for plan in even for n in plan.line}


def test_another_bass_gets_another_groove_and_the_tempo_has_a_say() -> None:
    riffs = [bar(((0, 40), (tick, 43), (8, 45), (12, 40))) for tick in (2, 4, 6, 7)]
    slow = {groove_of([riff] * 2, 70.0).name for riff in riffs}
    assert len(slow) >= 3
    fast = groove_of([bar(VERSE)] * 2, 200.0)
    strokes = sum(hit.piece in TIME_PIECES for one in fast.bars for hits in one for hit in hits) / len(fast.bars)
    assert strokes <= 10


def test_a_chord_rings_and_no_line_plays_alone_while_the_bass_rests() -> None:
    plans = played([bar(VERSE)] * 6 + [BassBar(FOUR, 16)] * 2 + [bar(VERSE)] * 4)
    assert all(plan.strokes for plan in plans)
    assert not any(a.has_crash and b.has_crash for a, b in pairwise(plans))


def test_fills_come_at_most_every_four_bars_and_two_hands_play_them() -> None:
    plans = played([bar(VERSE)] * 32, quarter_bpm=196.0)
    fills = [plan.number for plan in plans if plan.is_fill]
    assert fills
    assert min(b - a for a, b in pairwise(fills)) >= 4
    assert all(sum(hit.piece != "kick" for hit in hits) <= 2 for plan in plans for hits in plan.drums)


def test_passing_notes_do_not_move_the_harmony() -> None:
    walk = bar(((0, 36), (4, 40), (8, 43), (12, 40), (14, 41), (15, 42)))
    assert {c.root for c in played([walk] * 4)[2].harmony} == {0}


def test_digging_in_is_answered_and_nothing_is_over_120_but_a_crash() -> None:
    soft, hard = bar(VERSE, velocity=60), bar(VERSE, velocity=118)
    plans = played([soft] * 8 + [hard] * 8 + [soft] * 8)

    def loudness(some: list[BarPlan]) -> float:
        hits = [hit.velocity for plan in some for hits in plan.drums for hit in hits if hit.piece != "crash"]
        assert max(hits) <= 120
        return sum(hits) / len(hits)

    assert loudness(plans[10:15]) > loudness(plans[17:22]) + 10


def test_the_input_gain_does_not_choose_the_bands_level() -> None:
    quiet, loud = (played([bar(VERSE, velocity=v)] * 8) for v in (40, 110))
    assert [plan.drums for plan in quiet] == [plan.drums for plan in loud]


def test_the_line_says_something_rests_and_stays_above_the_chords() -> None:
    plans = played([bar(VERSE)] * 24)
    said = [bool(plan.line) for plan in plans]
    assert not any(said[:4])
    assert 0.2 < sum(said) / len(said) < 0.8
    assert all(note.pitch >= 71 for plan in plans for note in plan.line)


def test_comping_sounds_between_half_and_four_fifths_of_the_time() -> None:
    plans = played(SONG)
    sounding = sum(stroke.length for plan in plans for stroke in plan.strokes) / (16 * len(plans))
    assert 0.4 < sounding < 0.85


def test_what_is_asked_for_is_heard() -> None:
    plain, rich = (played(SONG[:16], wish=Wish(tension=tension)) for tension in (0.2, 0.9))

    def sevenths(plans: list[BarPlan]) -> int:
        return sum(chord.quality in ("7", "maj7", "min7") for plan in plans for chord in plan.chords)

    assert sevenths(rich) > sevenths(plain)


def test_a_plan_is_a_value_that_goes_on_bit_for_bit_after_a_snapshot() -> None:
    song, library = SongPlan(seed=3, key=key_of(SONG)), GrooveLibrary.load()
    for number in range(12):
        song, plan = plan_bar(song, SONG[number : number + 9], library, True)
        song = hear(song, SONG[number], plan)
    again = pickle.loads(pickle.dumps(song))
    assert plan_bar(again, SONG[12:20], library, True) == plan_bar(song, SONG[12:20], library, True)
    assert plan_bar(replace(song, seed=4), SONG[12:20], library, True)[1].section == "A"


def test_every_decision_has_a_reason() -> None:
    choices = [choice for plan in played(SONG) for choice in plan.choices]
    assert {choice.what for choice in choices} == {"section", "groove", "comping"}
    assert all(choice.reason for choice in choices)
    assert all(choice.runner_up for choice in choices if choice.what == "groove")


def test_a_groove_is_judged_by_novelty_and_by_a_voice_of_its_own() -> None:
    library, bass, rng = GrooveLibrary.load(), [bar(VERSE)], np.random.default_rng(0)
    found = played_grooves(library, FOUR, 16)
    assert len({one.own["of its own"] for one in found}) > 10
    first, _ = choose(found, bass, {"chance": 0.0}, rng)
    again, _ = choose(found, bass, {"chance": 0.0}, rng, [first.groove])
    assert again.reasons["new in this session"] < 0
    assert again.groove.name != first.groove.name


def test_a_quiet_section_is_bare_and_a_lively_one_full() -> None:
    quiet, lively = bar(((0, 36),), velocity=60), bar([(t, 48 + t % 5) for t in range(0, 16, 2)], velocity=110)
    plans = played([bar(VERSE)] * 8 + [quiet] * 8 + [lively] * 8)

    def density(some: list[BarPlan]) -> float:
        return sum(sum(map(len, plan.drums)) + len(plan.strokes) * 3 for plan in some) / len(some)

    assert density(plans[16:24]) > 1.3 * density(plans[8:16])


def test_the_band_ends_together_with_the_bass_on_a_chord_that_rings() -> None:
    last = bar(((0, 40), (4, 40)))
    plan = played([bar(VERSE)] * 8 + [last])[-1]
    assert {hit.piece for hit in plan.drums[4]} == {"kick", "crash"}
    assert not any(plan.drums[5:])
    assert plan.strokes[-1].tick + plan.strokes[-1].length == 16


def timekeepers(plan: BarPlan) -> set[str]:
    return {hit.piece for hits in plan.drums for hit in hits if hit.piece in TIME_PIECES}


def test_one_riff_for_long_gets_more_than_one_groove_and_keeps_its_kick_and_snare() -> None:
    plans = played([bar(VERSE), bar(CHORUS)] * 48)
    phrases = [plans[at : at + 8] for at in range(0, 96, 8)]
    assert {"ride" in timekeepers(plan) for plan in plans} == {True, False}
    assert len({frozenset(frozenset(kick_and_snare(plan)) for plan in phrase[:2]) for phrase in phrases}) >= 2
    again = [jaccard(kick_and_snare(a), kick_and_snare(b)) for a, b in zip(plans, plans[2:], strict=False)]
    assert np.mean(again) > 0.8


def test_a_backbeat_is_two_and_four() -> None:
    loud = [
        {t for t, hits in enumerate(plan.drums) for hit in hits if hit.piece in ("snare", "rim") and hit.velocity > 60}
        for seed in range(12)
        for plan in played([bar(VERSE)] * 3, seed=seed)[:2]
    ]
    assert np.mean([{4, 12} <= one or (8 in one and not one & {4, 12}) for one in loud]) > 0.8


def test_a_drone_gets_no_full_groove_and_the_band_rises_over_it() -> None:
    plans = played([bar(((0, 33),))] * 32)
    hits = [sum(map(len, plan.drums)) for plan in plans]
    assert np.mean(hits[:8]) < np.mean([sum(map(len, plan.drums)) for plan in played([bar(VERSE)] * 8)]) - 3
    assert np.mean(hits[:8]) < np.mean(hits[24:])
    assert not any(hit.piece == "closed_hat" for plan in plans for hits_ in plan.drums for hit in hits_)


def test_chords_that_stay_change_their_position() -> None:
    plans = played([bar(VERSE)] * 16)
    assert len({plan.chords[0].voicing for plan in plans}) >= 3


STOPS = ((0, 40), (2, 40), (4, 43), (6, 45))


def test_a_stop_in_the_bar_is_hit_together_from_the_second_time_on() -> None:
    rest = BassNote(6, 2, 45, 90)
    stop = replace(bar(STOPS), notes=(*bar(STOPS).notes[:3], rest))
    plans = played([*[bar(VERSE)] * 7, stop] * 3)
    first, again = plans[7], plans[15]
    assert any(hits for hits in first.drums[8:])
    assert not any(hits for hits in again.drums[7:]) and {hit.piece for hit in again.drums[6]} >= {"kick", "snare"}
    assert max(stroke.tick for stroke in again.strokes) == 6


@pytest.mark.parametrize("certain", [True, False])
def test_phrases_of_twelve_and_sixteen_bars_are_found(certain: bool) -> None:
    blues = [bar(tuple((tick, 28 + root + step) for tick, step in ((0, 0), (4, 4), (8, 7), (12, 9)))) for root in
             (12, 12, 12, 12, 17, 17, 12, 12, 19, 17, 12, 19)]  # fmt: skip
    assert {plan.place.length for plan in played(blues * 4, certain)[36:]} == {12}
    sixteen = [
        bar(tuple((tick, 36 + (3 * number) % 11) for tick in (0, 3 + number % 4, 8, 12))) for number in range(16)
    ]
    assert {plan.place.length for plan in played(sixteen * 3, certain)[-8:]} == {16}


def test_over_muted_strings_the_drummer_plays_the_rim_and_closed_hats_softer_but_for_fills() -> None:
    plain, muted = played(SONG), played(SONG, muted=True)
    loud = [hit for plan in plain for hits in plan.drums for hit in hits]
    soft = [hit for plan in muted if not plan.is_fill for hits in plan.drums for hit in hits]
    assert {"rim", "closed_hat"} <= {hit.piece for hit in soft}
    assert not {"ride", "open_hat"} & {hit.piece for hit in soft}
    assert not [hit for hit in soft if hit.piece == "snare" and hit.velocity > 60]
    assert np.mean([hit.velocity for hit in soft]) < 0.92 * np.mean([hit.velocity for hit in loud])
    assert [plan.drums for plan in muted if plan.is_fill] == [plan.drums for plan in plain if plan.is_fill]
