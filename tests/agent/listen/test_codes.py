"""`antiphon codes`: what the agent would hear of a file as codes, held against the encodec package itself."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from agent.__main__ import main
from agent.core.errors import UserError
from agent.core.paths import shipped
from agent.core.settings import ModelsConfig
from agent.listen import codes as command
from agent.listen.codes_file import read_codes
from agent.mind.mind import open_codec
from listener.capture import file_frames
from models import checkpoint
from models.codec import official
from models.codec.codec import WEIGHTS, Codec
from models.codec.net import CodecConfig, build_encodec, codes_of, load_encodec

SECONDS = 4


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first seconds with sound of the take that ships, at its own rate."""
    sound, rate = soundfile.read(shipped("take.flac"), always_2d=True)
    path = tmp_path_factory.mktemp("takes") / "take.wav"
    soundfile.write(path, sound[rate // 2 : rate // 2 + SECONDS * rate - 77], rate)
    return path


@pytest.fixture(scope="module")
def stored(take: Path) -> Path:
    path = take.with_name("codes.npz")
    assert main(["codes", str(take), "-o", str(path)]) == 0
    return path


def run(*argv: object) -> int:
    return main(["codes", *map(str, argv)])


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    """The one line with which the command is refused."""
    capsys.readouterr()
    assert run(*argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def heard(path: Path) -> np.ndarray:
    return np.concatenate([frame.samples for frame in file_frames(path)])


def tiny(folder: Path, seed: int = 0, **shape: int) -> Path:
    """Untrained weights of ours on disk, whose codes are not all alike; the stem."""
    torch.manual_seed(seed)
    config = CodecConfig(**{"n_filters": 4, "dim": 16, "n_codebooks": 2, "bins": 1024, **shape})
    model = build_encodec(config)
    for layer in model.quantizer.vq.layers:
        layer._codebook.embed.normal_(0, 0.02)
    from dataclasses import asdict

    checkpoint.save(folder / f"tiny{seed}", model.state_dict(), asdict(config), "card", "codec")
    return folder / f"tiny{seed}"


def test_the_codes_written_are_the_packages_for_what_the_agent_hears(take: Path, stored: Path) -> None:
    saved = read_codes(stored)
    model = load_encodec(WEIGHTS)
    model.set_target_bandwidth(saved.kbps)
    wanted = codes_of(model, torch.from_numpy(heard(take))).numpy()
    assert saved.codes.dtype == np.uint16 and saved.codes.shape == wanted.shape == (4, 75 * SECONDS)
    assert (saved.codes != wanted)[:, 3:].sum() == 0
    assert (saved.kbps, saved.sample_rate_hz, saved.frame_rate_hz, saved.source) == (3.0, 24_000, 75.0, "take.wav")
    assert saved.weights_sha256 == hashlib.sha256(WEIGHTS.with_suffix(".safetensors").read_bytes()).hexdigest()


def test_the_file_needs_nothing_but_numpy(stored: Path) -> None:
    with np.load(stored, allow_pickle=False) as file:
        assert {"codes", "kbps", "frame_rate_hz", "sample_rate_hz", "samples", "weights_sha256", "source"} == set(file)


def test_the_sound_decoded_is_the_packages_and_the_takes(take: Path, stored: Path, tmp_path: Path) -> None:
    assert run(take, "--resynth", tmp_path / "a.wav") == 0
    assert run(stored, "--resynth", tmp_path / "b.wav") == 0
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    sound, rate = soundfile.read(tmp_path / "a.wav")
    assert (rate, len(sound)) == (24_000, read_codes(stored).samples)
    codes = torch.from_numpy(read_codes(stored).codes.astype(np.int64))
    with torch.no_grad():
        wanted = load_encodec(WEIGHTS).decode([(codes[None], None)])[0, 0].numpy()
    assert np.abs(sound - np.clip(wanted[: len(sound)], -1, 1)).max() < 1e-4
    assert np.corrcoef(sound, heard(take)[: len(sound)])[0, 1] > 0.8


def test_check_finds_no_difference_and_says_what_it_leaves_out(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(take, "--check") == 0
    said = capsys.readouterr().out
    assert f"0 of {4 * (75 * SECONDS - 3)} codes differ" in said
    assert "frames 0-2" in said


def test_check_finds_every_difference_and_since_when(
    take: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Codec.step

    def deaf_once(self: Codec, frame: np.ndarray, state: object) -> object:
        codes, state = step(self, frame, state)  # type: ignore[arg-type]
        return (codes + (state.frames in {1, 41}) * np.array([1, 0, 1, 0])) % self.bins, state

    monkeypatch.setattr(command.Codec, "step", deaf_once)
    assert run(take, "--check") == 1
    assert "2 of 1188 codes differ from encodec's offline codes, since frame 40 (0.533 s)" in capsys.readouterr().out


def test_untrained_weights_agree_in_double_precision(take: Path, tmp_path: Path) -> None:
    stem = tiny(tmp_path)
    assert run(take, "--check", "--float64", "--codec", stem, "--kbps", 1.5, "-o", tmp_path / "c.npz") == 0
    assert len(np.unique(read_codes(tmp_path / "c.npz").codes)) > 5  # an untrained encoder's latents hardly move


def test_the_official_weights_are_used_where_they_are(
    take: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    model = build_encodec(official.CONFIG)
    torch.save(model.state_dict(), folder / official.NAME)
    sha256 = hashlib.sha256((folder / official.NAME).read_bytes()).hexdigest()
    monkeypatch.setattr(official, "SHA256_START", sha256[:8])
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    soundfile.write(tmp_path / "a.wav", soundfile.read(take)[0][:12_000], 48_000)
    for number, codec in enumerate(("encodec", folder / official.NAME)):
        assert run(tmp_path / "a.wav", "-o", tmp_path / f"{number}.npz", "--kbps", 6, "--codec", codec) == 0
        saved = read_codes(tmp_path / f"{number}.npz")
        assert (saved.weights_sha256, saved.codes.shape) == (sha256, (8, 19))
    with pytest.raises(ValueError, match=r"latents of 128, the responder takes 64; leave models.codec null"):
        open_codec(ModelsConfig(codec="encodec"), sound_dim=64)
    assert open_codec(ModelsConfig(codec="encodec", codec_kbps=1.5), sound_dim=128).n_codebooks == 2


@pytest.mark.parametrize(
    ("rate", "channels", "name"), [(44_100, 2, "a.flac"), (8_000, 1, "a.ogg"), (24_000, 6, "a.aiff")]
)
def test_any_rate_channels_and_format_are_heard(tmp_path: Path, rate: int, channels: int, name: str) -> None:
    sound = 0.3 * np.sin(2 * np.pi * 110 * np.arange(rate) / rate)
    soundfile.write(tmp_path / name, np.stack([sound] * channels, 1), rate)
    assert run(tmp_path / name, "-o", tmp_path / "c.npz") == 0
    assert read_codes(tmp_path / "c.npz").codes.shape[1] == 75


def test_a_file_shorter_than_a_frame_has_one(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(100, 0.1), 24_000)
    assert run(tmp_path / "a.wav", "-o", tmp_path / "c.npz", "--resynth", tmp_path / "b.wav", "--check") == 0
    assert read_codes(tmp_path / "c.npz").codes.shape == (4, 1)
    assert soundfile.info(tmp_path / "b.wav").frames == 100


def test_of_a_file_that_breaks_off_what_precedes_the_damage_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(shipped("take.flac")).read_bytes()
    (tmp_path / "cut.flac").write_bytes(data[: len(data) // 8])
    assert run(tmp_path / "cut.flac", "-o", tmp_path / "c.npz") == 0
    assert "damaged after" in capsys.readouterr().err
    assert (tmp_path / "c.npz").stat().st_size > 0


def test_jam_refuses_at_the_start_a_codec_the_responder_cannot_take(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stem = tiny(tmp_path)
    told = {
        "latents of 16, the responder takes 64; leave models.codec null": [
            f"models.codec={stem}",
            "models.codec_kbps=1.5",
        ],
        "take a multiple of 0.75": ["models.codec_kbps=2"],
        "allowed: a number from 0.75 to 24": ["models.codec_kbps=96"],
        "no such weights file": [f"models.codec={tmp_path / 'none'}"],
        "are not there; get it with `antiphon weights fetch": [f"models.codec={tmp_path / 'none.th'}"],
    }
    for said, pairs in told.items():
        flags = [flag for pair in pairs for flag in ("--set", pair)]
        capsys.readouterr()
        assert main(["jam", "--fast", "--quiet", "--input", str(take), "--out", str(tmp_path / "out"), *flags]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert said in line
    assert not (tmp_path / "out").exists()


def test_what_is_no_sound_is_heard_as_silence_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sound = 0.2 * np.sin(np.arange(24_000) / 20)
    for name, damage in (("bad", np.nan), ("mended", 0.0)):
        sound[5_000:5_003] = damage
        soundfile.write(tmp_path / f"{name}.wav", sound, 24_000, subtype="FLOAT")
        assert run(tmp_path / f"{name}.wav", "-o", tmp_path / f"{name}.npz") == 0
    assert "3 samples are no sound" in capsys.readouterr().err
    assert (read_codes(tmp_path / "bad.npz").codes == read_codes(tmp_path / "mended.npz").codes).all()


def test_a_picture_is_drawn_of_all_or_of_a_span(take: Path, tmp_path: Path) -> None:
    assert run(take, "--plot", tmp_path / "all.png") == 0
    assert run(take, "--plot", tmp_path / "part.png", "--span", 1, 2) == 0
    pictures = [(tmp_path / name).read_bytes() for name in ("all.png", "part.png")]
    for span in ((2, 1), (0, 60), (-1, 2), ("nan", 2)):
        assert run(take, "--plot", tmp_path / "none.png", "--span", *span) == 2
    assert not (tmp_path / "none.png").exists()
    assert all(picture.startswith(b"\x89PNG") for picture in pictures) and pictures[0] != pictures[1]


def test_a_file_that_is_no_sound_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("not sound")
    for name, said in (("none.wav", "no such file"), ("empty.wav", "empty"), ("text.wav", "not an audio file")):
        assert said in refused(capsys, tmp_path / name, "--check")
    assert "folder" in refused(capsys, tmp_path, "--check")


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_done(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nothing to do" in refused(capsys, take)
    assert "ends in .npz" in refused(capsys, take, "-o", tmp_path / "codes")
    assert "ends in .wav" in refused(capsys, take, "--resynth", tmp_path / "a.mp3")
    assert "no folder" in refused(capsys, take, "--resynth", tmp_path / "none" / "a.wav")
    (tmp_path / "d.npz").mkdir()
    assert "is a folder" in refused(capsys, take, "-o", tmp_path / "d.npz")
    assert "could not be written" in refused(capsys, take, "-o", "/proc/codes.npz")


def test_the_sound_itself_is_never_written_over(take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = take.read_bytes()
    os.link(take, tmp_path / "link.wav")
    for place in (take, take.parent / "x" / ".." / take.name, tmp_path / "link.wav"):
        assert refused(capsys, take, "--resynth", place)
    assert take.read_bytes() == before


def test_a_kbps_the_codec_has_not_is_refused(take: Path, stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kbps in (2.0, 24, 0, -3, "nan"):
        line = refused(capsys, take, "--check", "--kbps", kbps)
        assert "kbps" in line and str(kbps) in line.replace("24.0", "24").replace("0.0", "0")
    assert "leave --kbps out" in refused(capsys, stored, "--resynth", "x.wav", "--kbps", 3)


def test_a_codec_that_is_not_there_is_refused(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    (tmp_path / "cut.th").write_bytes(b"PK")
    assert "antiphon weights fetch encodec" in refused(capsys, take, "--check", "--codec", "encodec")
    assert "2 bytes with SHA-256" in refused(capsys, take, "--check", "--codec", tmp_path / "cut.th")
    assert "no such weights file" in refused(capsys, take, "--check", "--set", f"models.codec={tmp_path}/none")


def test_codes_of_other_weights_are_refused(
    take: Path, stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, stored, "--resynth", tmp_path / "a.wav", "--codec", tiny(tmp_path))
    assert read_codes(stored).weights_sha256[:8] in line and "--codec" in line
    for flags in (["-o", tmp_path / "b.npz"], ["--check"], ["--plot", tmp_path / "a.png"]):
        assert "holds codes" in refused(capsys, stored, *flags)
    assert "--span" in refused(capsys, take, "--check", "--span", 0, 1)


def test_damaged_codes_are_refused(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with np.load(stored) as file:
        good = dict(file)
    damaged = {
        "few": {key: good[key] for key in ("codes", "kbps")},
        "float": good | {"codes": good["codes"].astype(float)},
        "pickle": good | {"codes": np.array([{"a": 1}], object)},
        "flat": good | {"codes": good["codes"][0]},
        "long": good | {"samples": np.asarray(10**9)},
        "high": good | {"codes": good["codes"] + np.uint16(60_000)},
        "book": good | {"codes": good["codes"][:2]},
        "kbps": good | {"kbps": np.asarray(2.0)},
    }
    for name, values in damaged.items():
        np.savez(tmp_path / f"{name}.npz", **values)
    (tmp_path / "text.npz").write_text("no zip")
    (tmp_path / "cut.npz").write_bytes(stored.read_bytes()[:2_000])
    (tmp_path / "empty.npz").write_bytes(b"")
    for name in (*damaged, "text", "cut", "empty", "absent"):
        line = refused(capsys, tmp_path / f"{name}.npz", "--resynth", tmp_path / "a.wav")
        assert f"{name}.npz" in line or name == "kbps", line
    assert not (tmp_path / "a.wav").exists()


def test_a_failed_write_leaves_no_half_file(stored: Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("mine")
    with pytest.MonkeyPatch.context() as patched:

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        patched.setattr("agent.recording.wav_writer.WavWriter.write", full)
        with pytest.raises(UserError, match="No space left"):
            command.run(command.Wish(stored, resynth=tmp_path / "a.wav"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]
    assert (tmp_path / "a.wav").read_text() == "mine"


def test_the_installed_command_runs(take: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "agent", "codes", str(take), "-o", str(tmp_path / "c.npz")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "frames of 4 codes at 75 Hz = 3 kbps" in done.stdout
    assert (tmp_path / "c.npz").stat().st_size < 4_000
