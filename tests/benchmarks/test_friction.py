"""The friction benchmark on chords made by hand, where the tension is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import friction
from benchmarks.common import band_score
from benchmarks.friction import Stroke

C, E, G, B, D, F = 60, 64, 67, 71, 74, 65
BASS_C, BASS_G = 36, 43


def test_a_triad_on_its_root_has_no_tension() -> None:
    assert Stroke(0, (C, E, G), BASS_C).kinds == frozenset()


@pytest.mark.parametrize(
    ("pitches", "bass", "kinds"),
    [
        ((C, E, G, B), BASS_C, {"major seventh"}),
        ((C, 62, E, G), None, {"second"}),
        ((C, E, G, D), None, {"ninth"}),
        ((C, 63, 66), None, {"tritone"}),
        ((C, E, G), 38, {"ninth"}),  # E over a bass D
    ],
)
def test_a_tension_is_named_by_its_distance_from_root_and_bass(
    pitches: tuple[int, ...], bass: int | None, kinds: set[str]
) -> None:
    assert Stroke(0, pitches, bass).kinds == kinds


def test_the_root_is_found_in_an_inversion_and_is_the_bass_where_both_fit() -> None:
    assert Stroke(0, (E, G, 72), None).root == 0
    assert Stroke(0, (C, E, G, 69), 45).root == 9  # C6 over A is A minor seventh
    assert Stroke(0, (C, E, G, 69), BASS_C).root == 0


def test_an_added_semitone_is_rougher_and_rubs_inside() -> None:
    plain, rubbed = Stroke(0, (C, E, G), None), Stroke(0, (C, E, F, G), None)
    assert rubbed.roughness > 1.2 * plain.roughness
    assert rubbed.rubs_inside and not plain.rubs_inside


def test_a_dominant_seventh_that_goes_home_is_a_resolution_and_one_that_stays_is_none() -> None:
    dominant, home = Stroke(0, (59, 62, F, G), BASS_G), Stroke(8, (C, E, G), BASS_C)
    assert friction.resolutions([dominant, home]) == 1
    assert friction.resolutions([dominant, dominant]) == 0
    assert friction.resolutions([dominant, Stroke(8, (57, C, E), 45)]) == 0  # deceptive


def test_chord_notes_of_one_tick_are_a_stroke_over_the_bass_that_sounds() -> None:
    chords = [(0, 4, C, 80), (0, 4, E, 80), (4, 8, G, 80), (8, 12, C, 80), (8, 12, G, 80)]
    found = friction.strokes_of(chords, [(0, 6, BASS_C, 90)])
    assert [(one.tick, one.bass) for one in found] == [(0, BASS_C), (8, None)]


def test_the_sentence_turns_the_dials_of_reply_where_it_cannot_be_said() -> None:
    asked = friction.ASKED["friction"]
    assert friction.options_for(asked, True) == ["--say", asked]
    dials = friction.options_for(asked, False)
    assert dials[0] == "--tension" and float(dials[1]) > 0.5
    assert dials[2:] == ["--resolution", "0"]
    assert friction.options_for("", True) == []


@pytest.mark.skipif(not band_score.is_there(), reason="../shared/band_score is absent")
def test_a_chromatic_note_is_foreign_unless_it_goes_on_into_the_scale_or_the_bass_plays_it() -> None:
    (mid,) = band_score.scripts("mid")
    bars = [mid.Bar(0, 16, (4, 4), 0), mid.Bar(16, 16, (4, 4), 1)]
    chromatic = (0, 4, 61, 80)  # C# in C major
    assert friction.outside([chromatic, (4, 8, 67, 80)], [], bars, 0, 0) == pytest.approx(0.5)
    assert friction.outside([chromatic, (4, 8, 62, 80)], [], bars, 0, 0) == 0
    assert friction.outside([chromatic, (4, 8, 67, 80)], [(8, 12, 37, 80)], bars, 0, 0) == 0


def test_without_the_songs_it_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(band_score, "FOLDER", tmp_path)
    assert friction.main([]) == 0
    assert "skipped" in capsys.readouterr().out
