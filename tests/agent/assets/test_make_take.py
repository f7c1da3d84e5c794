"""The take that ships: what its truth says is what the file holds."""

import itertools
import json
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from agent.assets.make_take import SOUNDFONT, cents_of, make
from agent.audio.synth import lead_in_of

ASSETS = Path(__file__).parents[3] / "agent" / "assets"


@pytest.fixture(scope="module")
def take():
    return soundfile.read(ASSETS / "take.flac", dtype="float32"), json.loads((ASSETS / "take.json").read_text())


def deviations_s(truth, section):
    beats = np.array(truth["beats"])
    sixteenths = np.interp(np.arange(4 * len(beats) - 3) / 4, np.arange(len(beats)), beats)
    part = next(s for s in truth["sections"] if s["name"] == section)
    onsets = [n["t_on"] for n in truth["notes"] if part["start"] - 0.05 <= n["t_on"] < part["end"] - 0.05]
    return np.array([t - sixteenths[np.abs(sixteenths - t).argmin()] for t in onsets])


def test_length_and_level(take):
    (sound, rate), truth = take
    assert 45 < len(sound) / rate == truth["duration"] < 58
    assert 20 * np.log10(np.abs(sound).max()) == pytest.approx(-3, abs=0.05)
    assert not sound[-rate:].any()


def test_notes_sound_where_the_truth_says(take):
    (sound, rate), truth = take
    notes = truth["notes"]
    alone = [notes[0]] + [b for a, b in itertools.pairwise(notes) if b["t_play"] - a["t_off"] > 0.25]
    for note in alone:
        start = round(note["t_play"] * rate)
        heard_s = note["t_play"] + lead_in_of(sound[start : start + rate // 8], rate)
        assert heard_s == pytest.approx(note["t_on"], abs=0.001)


def test_long_notes_have_the_pitch_the_truth_says(take):
    (sound, rate), truth = take
    long_ones = [n for n in truth["notes"] if n["t_off"] - n["t_on"] > 0.35]
    assert len(long_ones) > 10
    for note in long_ones:
        cents = cents_of(sound[round(note["t_on"] * rate) : round(note["t_off"] * rate)], note["midi"])
        assert cents == pytest.approx(note["cents"], abs=10)


def test_the_tempo_breathes_three_percent_and_smoothly(take):
    bpm = np.array([b for _, b in take[1]["bpm"]])
    assert (bpm.min() / 104, bpm.max() / 104) == (
        pytest.approx(0.97, abs=0.002),
        pytest.approx(1.03, abs=0.002),
    )
    assert np.abs(np.diff(bpm)).max() < 1


def test_one_section_lies_behind_the_beat_and_the_others_on_it(take):
    for section, late_s in (("A", 0.0), ("B", 0.0), ("C", 0.022), ("D", 0.0)):
        assert np.median(deviations_s(take[1], section)) == pytest.approx(late_s, abs=0.003)


def test_two_bars_are_silent_and_every_section_starts_and_ends_on_the_one(take):
    (sound, rate), truth = take
    rest = next(s for s in truth["sections"] if s["name"] == "silence")
    quiet = sound[int((rest["start"] + 0.1) * rate) : int((rest["end"] - 0.05) * rate)]
    assert np.abs(quiet).max() < 1e-3
    ones = np.array(truth["beats"])[np.array(truth["beat_pos"]) == 1]
    assert all(np.abs(ones - s["start"]).min() < 1e-6 for s in truth["sections"])
    assert abs(truth["notes"][-1]["t_on"] - ones[-1]) < 0.012


def test_the_midi_file_holds_the_line_as_played(take):
    notes, at_s = [], 0.0
    for message in mido.MidiFile(ASSETS / "take.mid"):
        at_s += message.time
        if message.type == "note_on" and message.velocity:
            notes.append((at_s, message.note, message.velocity))
    played = [(n["t_play"], n["midi"], n["velocity"]) for n in take[1]["notes"]]
    assert [n[1:] for n in notes] == [n[1:] for n in played]
    np.testing.assert_allclose([n[0] for n in notes], [n[0] for n in played], atol=0.002)


@pytest.mark.skipif(not SOUNDFONT.exists(), reason="needs Debian's fluid-soundfont-gm")
def test_the_take_is_made_by_the_code_beside_it(take, tmp_path):
    make(tmp_path)
    again = soundfile.read(tmp_path / "take.flac", dtype="float32")[0]
    np.testing.assert_allclose(again, take[0][0], atol=1e-3)
    assert (tmp_path / "take.json").read_text() == (ASSETS / "take.json").read_text()
