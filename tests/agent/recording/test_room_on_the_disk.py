"""Recordings take little room: silence none, finished sessions are compressed, limits are kept and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from agent.core.settings import Config, PathsConfig, RecordingConfig
from agent.recording import disk_space
from agent.recording.disk_space import SpaceWatch, keep_of, may_go, measure, too_many
from agent.recording.flac_files import compress
from agent.recording.live_recording import LiveRecording
from agent.recording.recorder import Recorder
from agent.recording.recovery import recover
from listener.ring import Ring

RATE = 48_000


def noise(seconds: float, level: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-level, level, round(seconds * RATE)).astype(np.float32)


def record(folder: Path, keep: str = "all", seconds: float = 2.0) -> Recorder:
    recorder = Recorder(folder, RATE, ["drums"], {"drums": (10, 0)}, keep=keep)
    for _ in range(round(seconds * 10)):
        recorder.bass(noise(0.1, 0.2))
        recorder.stems(np.full((1, RATE // 10, 2), 0.25, np.float32))
    return recorder


@pytest.mark.parametrize(("keep", "names"), [("all", {"bass", "bass_mix", "drums", "mix"}), ("mix", {"bass", "mix"})])
def test_a_compressed_session_holds_the_same_sound(tmp_path: Path, keep: str, names: set[str]) -> None:
    record(tmp_path, keep).close()
    before = {path.stem: sf.read(path)[0] for path in tmp_path.glob("*.wav")}
    assert set(before) == names
    assert "compressed" in compress(tmp_path, keep)
    assert list(tmp_path.glob("*.wav")) == []
    for name, sound in before.items():
        after, rate = sf.read(tmp_path / f"{name}.flac")
        assert rate == RATE
        step = 2**-15 if (keep, name) == ("mix", "mix") else 0
        np.testing.assert_allclose(after, sound, atol=step)
    assert compress(tmp_path, keep) == ""


def test_without_sound_there_are_notes(tmp_path: Path) -> None:
    record(tmp_path, "midi").close()
    assert {path.name for path in tmp_path.iterdir()} == {"events.jsonl", "session.mid", "pianoroll.png"}


def test_a_mix_alone_is_recovered(tmp_path: Path) -> None:
    recorder = record(tmp_path, "mix", 6.0)
    for wav in recorder._wavs.values():
        wav.flush()
        wav._file.close()
    recorder._events.close()  # as a kill leaves it: the mix lags
    recover(tmp_path)
    assert {len(sf.read(path)[0]) for path in tmp_path.glob("*.wav")} == {6 * RATE}


def live(folder: Path) -> tuple[LiveRecording, Ring, Ring]:
    bass, stems = Ring(4 * RATE, 1, shared=False), Ring(4 * RATE, 4, shared=False)
    return LiveRecording(Recorder(folder, RATE, ["drums"], {"drums": (10, 0)}), RATE, bass, stems, None), bass, stems


@pytest.mark.parametrize("minutes", [10, pytest.param(60, marks=pytest.mark.slow)])
def test_a_silent_room_takes_no_room_and_what_comes_then_lies_at_its_time(tmp_path: Path, minutes: int) -> None:
    silent_s = 60 * minutes
    recording, bass, stems = live(tmp_path)
    room, note = noise(1.0, 0.001), noise(1.0, 0.3)
    for second in range(silent_s + 5):
        bass.write((note if second >= silent_s else room)[:, None])
        stems.write(np.zeros((RATE, 4), np.float32))
        recording.roll()
    recording.close()
    used = sum(path.stat().st_blocks * 512 for path in tmp_path.iterdir())
    assert used < 45e6, "the half minute before the rest and the seconds after it, 1 MB each"
    with sf.SoundFile(tmp_path / "bass.wav") as file:
        assert file.frames == (silent_s + 5) * RATE
        file.seek(silent_s * RATE)
        np.testing.assert_allclose(file.read(RATE), note, atol=1e-6)
        file.seek(300 * RATE)
        assert not file.read(RATE).any()
    assert '"gap"' in (tmp_path / "events.jsonl").read_text()


def test_the_bass_just_before_the_first_note_is_kept(tmp_path: Path) -> None:
    recording, bass, stems = live(tmp_path)
    room = noise(1.0, 0.001)
    for second in range(60):
        bass.write(room[:, None])
        stems.write(np.full((RATE, 4), 0.1 if second == 55 else 0.0, np.float32))
        recording.roll()
    recording.close()
    with sf.SoundFile(tmp_path / "bass.wav") as file:
        file.seek(54 * RATE)
        assert file.read(RATE).any()
        file.seek(40 * RATE)
        assert not file.read(RATE).any()
    drums, _ = sf.read(tmp_path / "drums.wav")
    assert np.flatnonzero(drums[:, 0])[0] == 55 * RATE


def test_the_mix_skips_when_all_has_died_away_and_is_as_if_it_had_not(tmp_path: Path) -> None:
    def mixed(folder: Path, skips: bool) -> np.ndarray:
        recorder = Recorder(folder, RATE, ["drums"], {"drums": (10, 0)})
        for second in range(20):
            silent = 3 <= second < 15
            sound = np.zeros(RATE, np.float32) if silent else noise(1.0, 0.3, second)
            if silent and skips:
                recorder.skip_bass(RATE)
                recorder.skip_stems(RATE)
            else:
                recorder.bass(sound)
                recorder.stems(np.repeat(sound[None, :, None], 2, axis=2))
        recorder.close()
        return sf.read(folder / "mix.wav")[0]

    np.testing.assert_allclose(mixed(tmp_path / "a", True), mixed(tmp_path / "b", False), atol=1e-3)


@pytest.fixture
def three(tmp_path: Path) -> tuple[Config, list[Path]]:
    folders = [tmp_path / "sessions" / name for name in ("20260101-1", "20260102-1", "20260103-1")]
    for folder in folders:
        record(folder, seconds=1.0).close()
    size = measure(tmp_path / "sessions", RecordingConfig()).used
    limits = RecordingConfig(max_gb=size * 0.5, min_free_gb=0)
    return replace(Config(), paths=PathsConfig(sessions=str(tmp_path / "sessions")), recording=limits), folders


def test_the_oldest_unmarked_sessions_are_offered(three: tuple[Config, list[Path]]) -> None:
    config, folders = three
    root = Path(config.paths.sessions)
    assert too_many(root, config.recording) == folders[:2]
    (folders[0] / disk_space.MARK).touch()
    assert may_go(root, besides=folders[2]) == [folders[1]]
    watch = SpaceWatch(config, root / "now")
    (line,) = watch.look()
    assert "over recording.max_gb" in line
    assert all(folder.exists() for folder in folders)


def test_they_are_dropped_where_that_is_configured(three: tuple[Config, list[Path]]) -> None:
    config, folders = three
    config = replace(config, recording=replace(config.recording, drop_oldest=True))
    said = SpaceWatch(config, Path(config.paths.sessions) / "now").look()
    assert [folder.exists() for folder in folders] == [False, False, True]
    assert sum("dropped" in line for line in said) == 2


def test_below_the_reserve_no_sound_is_recorded(tmp_path: Path) -> None:
    config = replace(
        Config(), paths=PathsConfig(sessions=str(tmp_path)), recording=RecordingConfig(min_free_gb=900_000.0)
    )
    watch = SpaceWatch(config, tmp_path / "now")
    assert "no sound is recorded" in watch.look()[0]
    assert watch.is_low
    recording, bass, _ = live(tmp_path / "now")
    recording.paused = watch.is_low
    bass.write(noise(1.0, 0.3)[:, None])
    recording.roll()
    recording.close()
    assert not sf.read(tmp_path / "now" / "bass.wav")[0].any()


def test_a_folder_that_was_named_keeps_everything(tmp_path: Path) -> None:
    config = replace(Config(), paths=PathsConfig(sessions=str(tmp_path / "sessions")))
    assert keep_of(config, tmp_path / "sessions" / "a") == "mix"
    assert keep_of(config, tmp_path / "elsewhere") == "all"
