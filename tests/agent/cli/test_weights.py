"""`antiphon weights`: what is here is shown as it is; what is fetched is whole or not there."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from agent.__main__ import main
from agent.cli import doctor, weights
from agent.core.settings import Config, ModelsConfig
from models.codec import official as codec_official
from models.codec.net import build_encodec


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of the official form, somewhere on the net."""
    path = tmp_path_factory.mktemp("net") / "official.th"
    torch.save(build_encodec(codec_official.CONFIG).state_dict(), path)
    return path


@pytest.fixture
def place(tmp_path: Path, official: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the official weights belong; what they should be is what `official` is."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(codec_official, "SHA256_START", hashlib.sha256(official.read_bytes()).hexdigest()[:8])
    return tmp_path / "hub" / "checkpoints" / codec_official.NAME


def fetched(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(["weights", "fetch", *argv])
    said = capsys.readouterr()
    return code, said.out, said.err


def table() -> tuple[int, str]:
    text = io.StringIO()
    return weights.show(Console(file=text, width=200)), text.getvalue()


def test_what_ships_is_listed_with_its_hash_and_is_sound(place: Path) -> None:
    code, text = table()
    assert code == 0
    found = {entry.name: entry for entry in weights.entries()}
    responders = {"responder", "responder-lstm", "responder-songs"}
    models = {"codec", "muting", "timing", "critic", "reader", "copycheck"}
    shipped = {"ears", "readings", "timbre"} | responders | models
    assert set(found) == shipped | {"encodec"}
    for entry in found.values():
        if entry.name != "encodec":
            assert entry.state == "ok" and str(entry.path) in text
            assert hashlib.sha256(entry.path.read_bytes()).hexdigest()[:12] in text
    assert (found["encodec"].state, found["encodec"].path) == ("not fetched", place)


def test_every_file_of_weights_that_ships_is_listed() -> None:
    listed = {entry.path for entry in weights.entries()}
    root = Path(weights.__file__).parents[2]
    assert {
        path for name in ("listener", "models") for path in (root / name / "weights").glob("*.safetensors")
    } <= listed


def test_damaged_weights_are_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    stem = weights.SHIPPED["timbre"]
    for suffix in ("json", "safetensors", "md"):
        data = stem.with_name(f"timbre.{suffix}").read_bytes()
        (tmp_path / f"timbre.{suffix}").write_bytes(data[:-1] if suffix == "safetensors" else data)
    monkeypatch.setitem(weights.SHIPPED, "timbre", tmp_path / "timbre")
    monkeypatch.setitem(weights.SHIPPED, "ears", tmp_path / "absent")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half of it")
    code, text = table()
    assert code == 1
    states = {entry.name: entry.state for entry in weights.entries()}
    assert states["timbre"].startswith("damaged") and "No such file" in states["ears"]
    assert states["encodec"].startswith("damaged") and "damaged" in text


def test_fetched_once_whole_and_found_from_then_on(
    place: Path, official: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = fetched(capsys, "encodec", "--url", official.as_uri())
    assert (code, place.read_bytes()) == (0, official.read_bytes())
    assert f"fetched: {place}" in out
    assert "Licence" in err and "CC-BY-NC 4.0" in err and "none for these weights" in err
    code, out, _ = fetched(capsys, "encodec", "--url", "http://127.0.0.1:9/not-asked-again")
    assert (code, out) == (0, f"already here: {place}\n")
    assert [entry.state for entry in weights.entries()][-1] == "ok"


def test_a_damaged_file_is_fetched_anew(place: Path, official: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(official.read_bytes()[:1000])
    assert fetched(capsys, "encodec", "--url", official.as_uri())[0] == 0
    assert place.read_bytes() == official.read_bytes()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("http://127.0.0.1:9/closed", "refused"),
        ("file:///none/at/all", "No such file"),
        ("no url", "unknown url type"),
        (Path(__file__).as_uri(), "hash"),
    ],
)
def test_a_failed_fetch_is_one_line_that_says_what_to_try_and_leaves_nothing(
    place: Path, capsys: pytest.CaptureFixture[str], source: str, why: str
) -> None:
    code, out, err = fetched(capsys, "encodec", "--url", source)
    last = err.splitlines()[-1]
    assert (code, out) == (2, "")
    assert why in last and str(place) in last and "browser" in last and codec_official.url() in last
    assert not place.parent.exists() or list(place.parent.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_line(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "file"))
    code, _, err = fetched(capsys, "encodec")
    assert code == 2 and "Not a directory" in err.splitlines()[-1]


def test_ctrl_c_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.hub, "urlopen", stopped)
    code, _, err = fetched(capsys, "encodec")
    assert (code, err.splitlines()[-1]) == (130, "antiphon: stopped; nothing was kept")
    assert list(place.parent.iterdir()) == []


def test_only_what_does_not_ship_can_be_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = fetched(capsys, "responder")
    assert code == 2 and "allowed is encodec" in err and len(err.splitlines()) == 1


def test_the_doctor_says_which_codec_is_in_use(place: Path, official: Path) -> None:
    def said(codec: str | None) -> doctor.Check:
        return list(doctor.EXAMINATIONS["weights"](Config(models=ModelsConfig(codec=codec))))[-1]

    assert said(None).level == doctor.GREEN and str(weights.SHIPPED["codec"]) in said(None).text
    assert (said("encodec").level, said("encodec").hint) == (doctor.RED, "antiphon weights fetch encodec")
    assert said(str(official)).level == doctor.GREEN and "official EnCodec 24 kHz" in said(str(official)).text
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half of it")
    assert said("encodec").level == doctor.RED and "truncated" in said("encodec").text
