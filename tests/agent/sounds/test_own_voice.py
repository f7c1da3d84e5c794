"""The player's own sound: clean notes are found, in tune, without seams; a guest's is gone, a player's is kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.audio.mixed_synth import MixedSynth
from agent.audio.own_voice_synth import OwnVoice
from agent.core.paths import shipped_fonts, voice_path
from agent.core.settings import DEFAULT_PARTS
from agent.sounds import own_voice, soundfont
from agent.sounds.own_voice import HeardNote, clean_notes, f0_of, voice

RATE = 48_000
NOISE = 1e-3
GAP_S = 0.55


def pluck(hz: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A string: decaying harmonics, the higher the sooner."""
    t = np.arange(round(seconds * RATE)) / RATE
    waves = [
        0.3 / h * np.sin(2 * np.pi * h * hz * t + rng.uniform(0, 6)) * np.exp(-t * (0.8 + 0.4 * h)) for h in range(1, 9)
    ]
    return np.sum(waves, axis=0) * np.minimum(t / 0.003, 1.0)


@pytest.fixture(scope="module")
def played() -> tuple[np.ndarray, list[HeardNote]]:
    """Twenty notes of a bass that is tuned 7 cents sharp, in noise."""
    rng = np.random.default_rng(3)
    pitches = [28, 33, 38, 43, 31, 36, 40, 45, 28, 35] * 2
    bass = NOISE * rng.standard_normal(round((len(pitches) + 1) * GAP_S * RATE))
    notes = []
    for i, pitch in enumerate(pitches):
        hz, at = 440 * 2 ** ((pitch - 69) / 12 + 7 / 1200), round((0.2 + i * GAP_S) * RATE)
        sound = pluck(hz, 0.5, rng) * (0.5 if i < 10 else 1.0)
        bass[at : at + len(sound)] += sound
        notes.append(HeardNote(at / RATE, 0.5, pitch, 60 if i < 10 else 100))
    return bass.astype(np.float32), notes


def test_notes_that_are_short_slid_or_over_another_are_not_clean(played: tuple[np.ndarray, list[HeardNote]]) -> None:
    bass, notes = played
    assert len(clean_notes(bass, RATE, notes)) == 20
    short = [HeardNote(n.onset_s, 0.1, n.pitch, n.velocity) for n in notes]
    slid = [HeardNote(n.onset_s, 0.5, n.pitch, n.velocity, "slide") for n in notes]
    wrong = [HeardNote(n.onset_s, 0.5, n.pitch + 4, n.velocity) for n in notes]
    over = [HeardNote(n.onset_s, 0.7, n.pitch, n.velocity) for n in notes]
    assert [len(clean_notes(bass, RATE, heard)) for heard in (short, slid, wrong, over)] == [0, 0, 0, 1]


def test_the_voice_is_in_tune_and_its_loops_have_no_seams(
    played: tuple[np.ndarray, list[HeardNote]], tmp_path: Path
) -> None:
    bass, notes = played
    soundfont.write(tmp_path / "own.sf2", voice(clean_notes(bass, RATE, notes), RATE))
    own = OwnVoice(tmp_path / "own.sf2", RATE)
    for key in (28, 34, 41, 45, 52):
        for velocity in (50, 110):
            own.send("line", (0x90, key, velocity))
            sound = np.concatenate([own.render_raw(6_400)[1].mean(axis=0) for _ in range(15)]).astype(np.float64)
            own.all_off()
            own.render_raw(6_400)
            hz = 440 * 2 ** ((key - 69) / 12)
            for begin in (7_200, 48_000):
                assert abs(1200 * np.log2(f0_of(sound[begin : begin + 24_000], RATE, hz) / hz)) < 5
            assert seams_db(sound[24_000:], hz) < noise_db(bass, notes) + 3
    own.close()


def test_each_technique_with_enough_notes_is_played_as_the_player_plays_it(
    played: tuple[np.ndarray, list[HeardNote]], tmp_path: Path
) -> None:
    bass, notes = played
    dull = bass * 0.5 + 0.5 * np.concatenate([np.zeros(24), bass[:-24]]).astype(np.float32)  # a comb: no 1 kHz
    both = np.concatenate([bass, dull])
    later_s = len(bass) / RATE
    fingers = [replace(note, onset_s=note.onset_s + later_s, technique="fingers") for note in notes]
    slap = [replace(note, technique="slap") for note in notes[:17]]
    font = voice(clean_notes(both, RATE, [*slap, *fingers]), RATE)
    assert [(one.name, one.number) for one in font.presets] == [("fingers", (0, 0)), ("slap", (0, 1))]
    soundfont.write(tmp_path / "own.sf2", font)
    own, bright = OwnVoice(tmp_path / "own.sf2", RATE), []
    for technique in ("slap", "fingers", "pick"):
        own.play_in(technique)
        own.send("line", (0x90, 45, 100))
        sound = np.concatenate([own.render_raw(4_800)[1].mean(axis=0) for _ in range(4)])
        own.all_off()
        own.render_raw(6_400)
        spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
        bright.append(spectrum[240:520].max() / spectrum.max())  # 600 to 1,300 Hz
    own.close()
    assert bright[0] > 1.5 * bright[1] and bright[2] == pytest.approx(bright[1], rel=1e-3)  # no pick: as usual


def test_a_note_that_the_ears_are_unsure_of_was_played_as_those_around_it() -> None:
    """As on a real bass, whose notes are named right two times in three, hardly ever for sure."""
    rng = np.random.default_rng(0)
    truth = ["fingers"] * 30 + ["pick"] * 30
    named = {}
    for i, technique in enumerate(truth):
        right = rng.random() < 0.65
        named[float(i)] = (technique if right else str(rng.choice(["slap", "mute", "fretless"])), rng.uniform(0.3, 0.5))
    heard = own_voice.in_passages([HeardNote(float(i), 0.4, 40, 80) for i in range(60)], named)
    told = [note.technique == true for note, true in zip(heard, truth, strict=True) if note.technique]
    assert len(told) > 35 and np.mean(told) > 0.95


def seams_db(sound: np.ndarray, hz: float) -> float:
    """Return the loudest 10 ms above the voice's harmonics, re the sound."""
    spectrum = np.fft.rfft(sound * np.hanning(len(sound)))
    spectrum[: round(14 * hz * len(sound) / RATE)] = 0
    above = np.fft.irfft(spectrum, len(sound))
    return float(20 * np.log10(np.abs(above).max() / sound.std()))


def noise_db(bass: np.ndarray, notes: list[HeardNote]) -> float:
    """Return the peaks of the recording's noise, re its softer notes."""
    note = bass[round(notes[0].onset_s * RATE) :][: round(0.4 * RATE)]
    return float(20 * np.log10(4 * NOISE / note.std()))


def test_the_line_plays_the_own_sound_when_it_is_asked_for_and_as_loud_as_its_instrument(
    played: tuple[np.ndarray, list[HeardNote]], tmp_path: Path
) -> None:
    bass, notes = played
    soundfont.write(tmp_path / "own.sf2", voice(clean_notes(bass, RATE, notes), RATE))
    levels = {}
    for asked in ({}, {"line": "your bass"}):
        band = MixedSynth(shipped_fonts(), RATE, DEFAULT_PARTS)
        band.sound(asked, None)  # before it is there
        band.take_voice(OwnVoice(tmp_path / "own.sf2", RATE))
        band.send("line", (0x92, 69, 90))
        stem = band.render(25_600)[2]
        levels[bool(asked)] = 20 * np.log10(stem.std())
        band.send("line", (0x82, 69, 0))
        band.render(48_000)
        assert np.abs(band.render(9_600)).max() < 1e-3  # its note ended
        band.close()
    assert abs(levels[True] - levels[False]) < 9


def test_a_player_has_a_file_and_a_guest_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert voice_path("guest") is None
    path = voice_path("../Ann B")
    assert path is not None and path.parent == tmp_path / "antiphon" / "voices"


def test_too_few_clean_notes_make_no_voice(tmp_path: Path, played: tuple[np.ndarray, list[HeardNote]]) -> None:
    import json

    import soundfile

    bass, notes = played
    soundfile.write(tmp_path / "bass.wav", bass, RATE, subtype="PCM_24")
    lines = [
        {"type": "note_end", "onset_s": n.onset_s, "duration_s": n.duration_s, "pitch": n.pitch, "velocity": n.velocity,
         "articulation": n.articulation}
        for n in notes
    ]  # fmt: skip
    for count, expected in ((15, 0), (16, 16)):
        text = "".join(json.dumps(line) + "\n" for line in lines[:count])
        (tmp_path / "events.jsonl").write_text(text + '{"type": "note_')
        assert own_voice.make(tmp_path, tmp_path / "deep" / "own.sf2") == expected
    assert (tmp_path / "deep" / "own.sf2").stat().st_mode & 0o077 == 0
