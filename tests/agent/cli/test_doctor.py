"""The doctor says what is wrong and what to try, and is never itself the patient."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from agent.audio import device_list
from agent.cli import doctor
from agent.cli.doctor import GREEN, RED, YELLOW, Check, Library
from agent.core.errors import UserError
from agent.core.settings import AudioConfig, Config, MidiConfig, ModelsConfig, PathsConfig


def weights(folder: Path, data: bytes = b"tensors") -> Path:
    (folder / "net.safetensors").write_bytes(data)
    (folder / "net.json").write_text(json.dumps({"sha256": hashlib.sha256(data).hexdigest()}))
    return folder / "net"


def levels(found: Iterator[Check]) -> dict[str, str]:
    return {check.name: check.level for check in found}


def examined(what: str, config: Config | None = None) -> Iterator[Check]:
    return iter(doctor.EXAMINATIONS[what](config or Config()))


def report(config_path: Path | None = None) -> tuple[int, str]:
    text = io.StringIO()
    code = doctor.run(config_path, Console(file=text, width=200))
    return code, text.getvalue()


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """An empty table of examinations to fill."""
    table: dict[str, object] = {}
    monkeypatch.setattr(doctor, "EXAMINATIONS", table)
    return table


def test_the_exit_code_is_1_only_when_a_line_is_red(only: dict[str, object]) -> None:
    only["x"] = lambda config: [Check(GREEN, "a", "fine"), Check(YELLOW, "b", "so so", "try this")]
    code, text = report()
    assert code == 0
    assert "try this" in text
    assert "antiphon jam can run" in text
    only["y"] = lambda config: [Check(RED, "c", "broken", "mend it")]
    code, text = report()
    assert code == 1
    assert "cannot run: 1 red line above" in text


def test_an_examination_that_raises_is_a_red_line(only: dict[str, object]) -> None:
    def broken(config: Config) -> Iterator[Check]:
        yield Check(GREEN, "first", "fine")
        raise RuntimeError("half an install\nwith a long tail")

    only["thing"] = broken
    only["next"] = lambda config: [Check(GREEN, "next", "still asked")]
    found = list(doctor.checks())
    assert [check.name for check in found[2:]] == ["first", "thing", "next"]
    assert (found[3].level, found[3].text) == (RED, "half an install")


@pytest.mark.usefixtures("only")
def test_a_bad_config_is_a_red_line_and_the_rest_is_still_asked(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("audio: {inptu: 1}")
    code, text = report(tmp_path / "bad.yaml")
    assert code == 1
    assert "did you mean audio.input?" in text


def test_a_missing_library_is_as_bad_as_the_table_says(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = [Library("no-such", "no_such_module", level, "try this") for level in (RED, YELLOW)]
    monkeypatch.setattr(doctor, "LIBRARIES", (Library("numpy", "numpy"), *missing))
    found = list(examined("libraries"))
    assert [check.level for check in found] == [GREEN, RED, YELLOW]
    assert found[1].hint == "try this"


def test_weights_are_compared_with_their_hash(tmp_path: Path) -> None:
    stem = weights(tmp_path)

    def responder(stem: Path) -> Check:
        return next(examined("weights", Config(models=ModelsConfig(responder=str(stem), codec_enabled=False))))

    assert responder(stem).level == GREEN
    (tmp_path / "net.safetensors").write_bytes(b"tens")
    assert responder(stem).level == RED
    (tmp_path / "net.json").write_text("[]")
    assert "damaged" in responder(stem).text
    assert "No such file" in responder(tmp_path / "absent").text


def test_the_weights_in_the_config_are_the_ones_looked_at(tmp_path: Path) -> None:
    stem = str(weights(tmp_path))
    config = Config(models=ModelsConfig(responder=stem, codec=str(tmp_path / "absent")))
    assert levels(examined("weights", config)) == {"responder weights": GREEN, "codec weights": RED}
    config = Config(models=ModelsConfig(responder=stem, codec_enabled=False))
    assert levels(examined("weights", config)) == {"responder weights": GREEN}


def test_no_microphone_is_only_yellow_but_a_named_one_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_list, "audio_devices", lambda: ())
    assert levels(examined("sound card")) == {"PortAudio": GREEN, "microphone": YELLOW, "loudspeaker": YELLOW}
    assert levels(examined("sound card", Config(audio=AudioConfig(input="Scarlett"))))["sound card"] == RED


def test_no_portaudio_is_only_yellow(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise UserError(device_list.NO_PORTAUDIO)

    monkeypatch.setattr(device_list, "audio_devices", missing)
    found = list(examined("sound card"))
    assert {check.level for check in found} == {YELLOW}
    assert "libportaudio2" in found[0].text


def test_no_midi_matters_only_to_who_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_list, "midi_apis", lambda: (device_list.MidiApi("ALSA", (), (), "no sequencer"),))
    assert levels(examined("RtMidi")) == {"RtMidi": YELLOW}
    assert levels(examined("RtMidi", Config(midi=MidiConfig(port="synth")))) == {"RtMidi": RED}


def test_the_session_folder_must_be_writable(tmp_path: Path) -> None:
    def level(folder: Path) -> str:
        return levels(examined("sessions", Config(paths=PathsConfig(sessions=str(folder)))))["sessions"]

    assert level(tmp_path / "not" / "yet") == GREEN
    assert not (tmp_path / "not").exists()
    (tmp_path / "file").write_text("")
    assert level(tmp_path / "file") == RED
    assert level(Path("/proc/sessions")) == RED


def test_a_soundfont_that_is_not_there_is_yellow_and_named(tmp_path: Path) -> None:
    config = Config(paths=PathsConfig(soundfont=str(tmp_path / "absent.sf2")))
    found = list(examined("FluidSynth", config))
    assert [check.level for check in found] == [YELLOW]
    assert "absent.sf2" in found[0].text and "the sounds that ship play" in found[0].text
