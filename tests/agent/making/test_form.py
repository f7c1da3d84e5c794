"""The form of a song that is made: of the length asked for, with its peak where it is asked for."""

from __future__ import annotations

import pytest

from agent.making.brief_reader import brief_of
from agent.making.form import Form, bar_s, form_of
from agent.making.outline import Given, Outline
from listener.types import Meter

FOUR = Meter(4, 4)


def form(text: str, meter: Meter = FOUR, bpm: float = 100.0) -> Form:
    brief = brief_of([text])
    return form_of(brief, meter, bpm, brief.seconds or 120.0)


@pytest.mark.parametrize("seconds", [8, 15, 30, 61, 120, 333, 900])
@pytest.mark.parametrize(("meter", "bpm"), [(FOUR, 60), (FOUR, 180), (Meter(7, 8), 130), (Meter(5, 4), 100)])
def test_a_song_is_as_long_as_asked_to_half_a_bar(seconds: int, meter: Meter, bpm: float) -> None:
    made = form(f"{seconds} seconds", meter, bpm)
    assert abs(sum(bar_s(one, bpm) for one in made.meters) - seconds) <= 0.501 * bar_s(meter, bpm)
    assert made.parts[-1].end == len(made.meters) == len(made.levels)


def test_sections_return_and_grow() -> None:
    made = form("three minutes")
    chorus = [part for part in made.parts if part.role == "chorus"]
    assert len(chorus) > 1
    assert made.levels[chorus[-1].first] > made.levels[chorus[0].first] > made.levels[0]


def test_the_peak_lies_where_it_was_asked_for() -> None:
    made = form("two minutes, starts sparse, peaks at 1:20, ends alone")
    at_s = max(range(len(made.levels)), key=lambda bar: made.levels[bar]) * bar_s(FOUR, 100.0)
    assert abs(at_s - 80) < 3 * bar_s(FOUR, 100.0)
    assert made.levels[0] < 0.3 and made.levels[-1] < 0.3


def test_the_odd_bar_stands_before_each_chorus() -> None:
    made = form("two minutes, a 7/8 bar before each chorus")
    odd = [bar for bar, meter in enumerate(made.meters) if meter == Meter(7, 8)]
    assert odd == [part.first - 1 for part in made.parts if part.role == "chorus"]


def test_a_form_that_is_named_is_kept() -> None:
    made = form("90 seconds, verse chorus verse chorus bridge chorus")
    assert [part.role for part in made.parts] == ["verse", "chorus", "verse", "chorus", "bridge", "chorus"]


def test_bass_and_drums_begin_the_first_verse_the_bridge_and_some_other_verses_alone() -> None:
    brief, again = brief_of(["rock, 120 bpm, 56 bars, verse chorus verse chorus bridge chorus outro"]), set()
    for seed in range(12):
        outline = Outline(brief, seed, Given())
        bare = [bar for bar, own in enumerate(outline.settings) if "chords" in own.muted]
        first, other = (part for part in outline.form.parts if part.role == "verse")
        bridge = next(part for part in outline.form.parts if part.role == "bridge")
        usual = {*range(first.first, first.first + 4), *range(bridge.first, bridge.first + 4)}
        more = set(bare) - usual
        assert usual <= set(bare) and more in (set(), {*range(other.first, other.first + 4)})
        again.add(bool(more))
    assert again == {True, False}


def test_what_is_to_rise_begins_no_section_without_chords() -> None:
    outline = Outline(brief_of(["rock, 120 bpm, 56 bars, starts quiet, peaks at 1:20"]), 1, Given())
    verse = next(part for part in outline.form.parts if part.role == "verse")
    assert not any("chords" in own.muted for own in outline.settings[verse.first :])


def test_chords_that_are_asked_for_play_from_the_first_bar_on() -> None:
    form = "rock, 120 bpm, 56 bars, verse chorus verse chorus bridge chorus outro"
    for more in ("brighter chords", "starts full", "no dynamics"):
        outline = Outline(brief_of([f"{form}, {more}"]), 1, Given())
        assert "chords" not in outline.settings[0].muted, more


@pytest.mark.parametrize("sections", ["", ", verse chorus verse chorus", ", intro verse chorus"])
def test_what_starts_sparse_begins_with_the_bass_and_one_that_keeps_the_time(sections: str) -> None:
    for seed in range(4):
        outline = Outline(brief_of([f"rock, 120 bpm, 32 bars, starts sparse{sections}"]), seed, Given())
        assert all({"kick", "snare", "chords", "line"} <= own.muted for own in outline.settings[:4])
        assert not any({"kick", "chords"} & own.muted for own in outline.settings[16:24])
