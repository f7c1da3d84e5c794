"""Technique, brightness and dynamics of single notes: when they are said, what does not change them, who agrees."""

import copy
import json
from pathlib import Path

import librosa
import numpy as np
import pytest

from listener.timbre import timbre
from listener.timbre.features import LEAD, NAMES, WINDOW, brightness_hz, features
from listener.timbre.timbre import MARKS, Dynamics, TimbreTracker
from listener.types import ANALYSIS_RATE, FRAME_S, FRAME_SAMPLES, Frame, Note, Timbre

NAMED_AFTER_S = 0.05


def string(f0_hz: float, seconds: float, damping: float = 2.0, level: float = 0.3) -> np.ndarray:
    """A plucked string: 30 partials, the upper ones dying sooner, and a little noise where it is plucked."""
    t, k = np.arange(int(seconds * ANALYSIS_RATE)) / ANALYSIS_RATE, np.arange(1, 31)[:, None]
    partials = np.sin(2 * np.pi * f0_hz * k * t) / k * np.exp(-damping * np.sqrt(k) * t)
    click = np.random.default_rng(0).normal(0, 0.2, len(t)) * np.exp(-t / 0.003)
    return level * (partials[k[:, 0] * f0_hz < 10_000].sum(0) + click)


def line(levels_db: list[float], step_s: float = 0.4, hold_s: float = 0.3) -> tuple[np.ndarray, list[Note]]:
    sound, notes = np.zeros(int((len(levels_db) * step_s + 0.5) * ANALYSIS_RATE)), []
    for i, db in enumerate(levels_db):
        onset_s = 0.1 + i * step_s
        tone = string(55.0, hold_s, level=10 ** (db / 20))
        start = round(onset_s * ANALYSIS_RATE)
        sound[start : start + len(tone)] += tone
        notes.append(Note(onset_s, onset_s + NAMED_AFTER_S, hold_s, 33, 90))
    return sound, notes


def play(tracker: TimbreTracker, sound: np.ndarray, notes: list[Note], first: int = 0) -> list[Timbre]:
    out: list[Timbre] = []
    for index in range(first, len(sound) // FRAME_SAMPLES):
        at = index * FRAME_SAMPLES
        frame = Frame(sound[at : at + FRAME_SAMPLES].astype(np.float32), at)
        new = tuple(n for n in notes if frame.start_s < n.emit_s <= frame.end_s)
        ends = tuple(n for n in notes if frame.start_s < n.onset_s + (n.duration_s or 9) <= frame.end_s)
        out.extend(tracker.step(frame, new, ends))
    return out


def test_every_note_is_told_once_about_140_ms_after_its_onset() -> None:
    sound, notes = line([-20.0] * 6)
    told = play(TimbreTracker(), sound, notes)
    assert [t.onset_s for t in told] == [n.onset_s for n in notes]
    assert all(0.14 <= t.emit_s - t.onset_s <= 0.14 + FRAME_S for t in told)


def test_a_short_note_is_told_when_it_ends_with_the_technique_of_the_player() -> None:
    sound, notes = line([-20.0] * 6)
    short = Note(notes[-1].onset_s + 0.35, notes[-1].onset_s + 0.38, 0.04, 33, 90)
    told = play(TimbreTracker(), sound, [*notes, short])
    assert told[-1].emit_s - short.onset_s <= 0.04 + FRAME_S
    assert told[-1].technique == told[-1].player == told[-2].player
    assert told[-1].bite_db is None


def test_brightness_is_librosas_spectral_centroid() -> None:
    tone = string(80.0, 0.12).astype(np.float32)
    theirs = librosa.feature.spectral_centroid(
        y=tone, sr=ANALYSIS_RATE, n_fft=len(tone), hop_length=len(tone), center=False
    )
    assert brightness_hz(tone) == pytest.approx(float(theirs[0, 0]), rel=1e-3)


def test_a_gain_changes_the_level_and_nothing_else() -> None:
    levels = [-30.0, -21.0, -14.0, -26.0, -17.5, -23.0]
    loud, quiet = line(levels), line([db - 12 for db in levels])
    for a, b in zip(play(TimbreTracker(), *loud), play(TimbreTracker(), *quiet), strict=True):
        assert (a.technique, a.dynamic) == (b.technique, b.dynamic)
        assert a.confidence == pytest.approx(b.confidence, abs=1e-3)
        assert a.brightness_hz == pytest.approx(b.brightness_hz, rel=1e-3)
        assert a.level_db - b.level_db == pytest.approx(12, abs=0.05)


def test_a_crescendo_climbs_through_the_marks() -> None:
    dynamics = Dynamics()
    for db in np.tile([-40.0, -34.0, -28.0, -22.0, -16.0, -10.0], 4):
        dynamics.mark(float(db))
    assert [dynamics.mark(db) for db in (-40.0, -34.0, -27.0, -22.0, -16.0, -10.0)] == list(MARKS)


def test_an_even_player_is_neither_soft_nor_loud() -> None:
    dynamics = Dynamics()
    assert {dynamics.mark(-20.0 + 0.3 * (i % 3)) for i in range(30)} <= {"mp", "mf"}


def test_features_know_damping_and_noise() -> None:
    lead = np.zeros(LEAD)
    rings, dies = (np.concatenate([lead, string(55.0, 0.2, damping)])[:WINDOW] for damping in (1.0, 30.0))
    of = {name: index for index, name in enumerate(NAMES)}
    assert features(rings, 55.0)[of["decay_180"]] > features(dies, 55.0)[of["decay_180"]] + 6
    noisy = rings + np.random.default_rng(1).normal(0, 0.05, len(rings))
    assert features(noisy, 55.0)[of["noise1_high"]] > features(rings, 55.0)[of["noise1_high"]] + 3


def test_a_bent_pitch_is_seen_to_settle() -> None:
    t = np.arange(WINDOW) / ANALYSIS_RATE
    bend = 2 ** (0.6 * np.exp(-t / 0.03) / 12)
    glides, stays = (np.sin(2 * np.pi * 82.4 * np.cumsum(b) / ANALYSIS_RATE) for b in (bend, np.ones(WINDOW)))
    at = NAMES.index("glide")
    assert features(glides, 82.4)[at] > 0.15
    assert abs(features(stays, 82.4)[at]) < 0.03


def test_a_copy_goes_on_identically() -> None:
    sound, notes = line([-20.0, -25.0, -15.0, -22.0])
    tracker, half = TimbreTracker(), 60
    before = play(tracker, sound[: half * FRAME_SAMPLES], notes)
    twin = copy.deepcopy(tracker)
    assert before and play(tracker, sound, notes, half) == play(twin, sound, notes, half) != []


def test_silence_and_noise_before_the_stream_are_not_needed() -> None:
    told = play(TimbreTracker(), np.zeros(ANALYSIS_RATE), [Note(0.0, 0.05, None, 28, 60)])
    assert len(told) == 1 and np.isfinite(told[0].confidence) and told[0].level_db <= -119


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    for suffix in (".json", ".safetensors"):
        (tmp_path / f"timbre{suffix}").write_bytes(timbre.WEIGHTS.with_suffix(suffix).read_bytes())
    meta = json.loads((tmp_path / "timbre.json").read_text())
    meta["config"]["features"] -= 1
    (tmp_path / "timbre.json").write_text(json.dumps(meta))
    with pytest.raises(ValueError, match="features"):
        timbre.load(tmp_path / "timbre")
    (tmp_path / "timbre.safetensors").write_bytes(b"none")
    with pytest.raises(ValueError, match="truncated or altered"):
        timbre.load.__wrapped__(tmp_path / "timbre")


def test_an_unseen_soundfont_is_told_better_than_by_chance() -> None:
    """TimGM6mb was never trained on: its fingered, picked, fretless and slapped basses, six notes each."""
    fluidsynth = pytest.importorskip("fluidsynth")
    font = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")
    if not font.exists():
        pytest.skip("TimGM6mb is not installed")
    synth = fluidsynth.Synth(gain=0.8, samplerate=float(ANALYSIS_RATE))
    synth.setting("synth.reverb.active", 0)
    handle, right = synth.sfload(str(font)), 0
    played = {33: "fingers", 34: "pick", 35: "fretless", 36: "slap", 37: "slap"}
    for program, technique in played.items():
        for pitch in (28, 33, 36, 40, 45, 50):
            synth.system_reset()
            synth.program_select(0, handle, 0, program)
            synth.noteon(0, pitch, 100)
            stereo = np.asarray(synth.get_samples(ANALYSIS_RATE), np.float64).reshape(-1, 2)
            sound = np.concatenate([np.zeros(4800), stereo.mean(1) / 32768])
            loud = np.abs(sound) > 0.1 * np.abs(sound).max()
            onset_s = int(np.argmax(loud)) / ANALYSIS_RATE
            told = play(TimbreTracker(), sound, [Note(onset_s, onset_s + NAMED_AFTER_S, None, pitch, 90)])
            right += told[0].technique == technique
    assert right >= 12  # of 30; chance would be 5


def test_strength_rises_with_the_level_and_is_surer_the_more_notes_were_heard() -> None:
    levels = [-30.0, -14.0, -26.0, -18.0, -22.0, -30.0, -14.0]
    told = play(TimbreTracker(), *line(levels))
    last = {db: t.strength for db, t in zip(levels, told, strict=True)}
    assert 0 <= last[-30.0] < last[-22.0] < last[-14.0] <= 1
    sure = [t.strength_sure for t in told]
    assert sure == sorted(sure) and sure[0] < 0.2 < sure[-1]


def test_what_another_note_still_rings_under_is_less_sure() -> None:
    apart, under = line([-20.0] * 4), line([-20.0] * 4)
    ringing = string(41.2, len(under[0]) / ANALYSIS_RATE, damping=0.2, level=0.3)
    alone, covered = (
        play(TimbreTracker(), sound, apart[1])[-1] for sound in (apart[0], under[0] + 3 * ringing[: len(under[0])])
    )
    assert covered.brightness_sure < alone.brightness_sure
    assert covered.attack_sure < alone.attack_sure


def test_the_attack_of_a_swell_is_long() -> None:
    sound, notes = line([-20.0] * 3)
    swell = sound.copy()
    for note in notes:
        start, length = round(note.onset_s * ANALYSIS_RATE), round(0.045 * ANALYSIS_RATE)
        swell[start : start + length] *= np.linspace(0.05, 1, length) ** 2
    plucked, swelled = play(TimbreTracker(), sound, notes)[-1], play(TimbreTracker(), swell, notes)[-1]
    assert plucked.attack_ms is not None and swelled.attack_ms is not None
    assert plucked.attack_ms < 10 < 20 < swelled.attack_ms
