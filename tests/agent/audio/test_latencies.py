"""Measured latencies: kept per device, a number in config.yaml wins, a damaged file loses nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.__main__ import main
from agent.audio import latencies
from agent.audio.card_finder import Finder
from agent.audio.device_list import Card
from agent.audio.latencies import CLICK, LOOP, CardLatency, Latencies, MidiLatency
from agent.audio.sound_card import Latency
from agent.core.config import load
from agent.core.settings import Config
from listener.ring import Ring

CARD = CardLatency("USB In", "USB Out", 48_000, 128, 960, 20.0, 15.0, 40.0, "2026-01-01T00:00:00+00:00")
SYNTH = MidiLatency("Volca (128:0)", CLICK, 7.5, 0.2, "2026-01-01T00:00:00+00:00")
NAMES = ("USB In", "USB Out")


def config(folder: Path, **keys: object) -> Config:
    return load(None, {"paths.state": str(folder)} | {name.replace("__", "."): value for name, value in keys.items()})


def test_what_is_kept_is_read_again_and_a_new_measurement_replaces_the_old(tmp_path: Path) -> None:
    here = config(tmp_path / "new" / "folder")
    newer, other = replace(CARD, round_trip_samples=970), replace(CARD, block_samples=256)
    known = Latencies().having(CARD).having(SYNTH).having(other).having(newer)
    latencies.store(here, known)
    assert latencies.load(here) == (Latencies((other, newer), (SYNTH,)), "")
    assert [file.name for file in latencies.path(here).parent.iterdir()] == ["latencies.json"]


def test_the_measured_round_trip_replaces_what_the_driver_says_unless_config_says_a_number(tmp_path: Path) -> None:
    known = Latencies().having(CARD)
    said = (0.005, 0.010)
    audio = config(tmp_path).audio
    assert said[0] + latencies.output_s(known, audio, NAMES, 48_000, said) == pytest.approx(960 / 48_000)
    assert latencies.output_s(known, audio, ("USB In", "other"), 48_000, said) == said[1]
    assert latencies.output_s(known, audio, NAMES, 44_100, said) == said[1]
    told = config(tmp_path, audio__output_latency_ms=3.0).audio
    assert latencies.output_s(known, told, NAMES, 48_000, said) == said[1]


def test_an_instrument_is_known_by_its_port_whatever_number_it_has_today(tmp_path: Path) -> None:
    known = Latencies().having(SYNTH).having(replace(SYNTH, how=LOOP, latency_ms=2.0))
    midi = config(tmp_path).midi
    assert latencies.midi_s(known, midi, "Volca (131:0)") == 0.0075  # the click, which was heard
    assert latencies.midi_s(known, midi, "Minilogue") == latencies.midi_s(known, midi, None) == 0.0
    assert latencies.midi_s(known, config(tmp_path, midi__latency_ms=4).midi, "Volca") == 0.004


def test_a_port_that_is_not_there_yet_is_known_by_what_the_config_calls_it(tmp_path: Path) -> None:
    known, midi = Latencies().having(SYNTH), config(tmp_path).midi
    assert latencies.midi_s(known, midi, "volca") == 0.0075
    assert latencies.midi_s(known.having(replace(SYNTH, port="Volca Bass")), midi, "vol") == 0.0  # which of the two?
    assert latencies.midi_s(known.having(replace(SYNTH, port="MIDI 2")), midi, "2") == 0.0


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"audio": 3}', '{"audio": [{"input": 1}], "midi": []}', '{"audio": [], "midi": [{"port": "x"}]}'],
)
def test_a_damaged_file_is_set_aside_and_said_in_one_line(tmp_path: Path, text: str) -> None:
    here = config(tmp_path)
    latencies.path(here).write_text(text)
    known, line = latencies.load(here)
    assert known == Latencies() and "damaged" in line and "\n" not in line
    assert (tmp_path / "latencies.json.damaged").read_text() == text
    assert latencies.load(here) == (Latencies(), "")


def test_a_wild_number_is_damage(tmp_path: Path) -> None:
    here = config(tmp_path)
    tree = json.loads(latencies.store(here, Latencies().having(CARD)).read_text())
    tree["audio"][0]["round_trip_samples"] = float("nan")
    latencies.path(here).write_text(json.dumps(tree))
    assert latencies.load(here)[0] == Latencies()


def test_show_and_forget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    here = config(tmp_path)
    state = ["--set", f"paths.state={tmp_path}"]
    assert main(["calibrate", "--show", *state]) == 0 and "nothing measured" in capsys.readouterr().out
    latencies.store(here, Latencies().having(CARD).having(SYNTH))
    assert main(["calibrate", "--show", *state]) == 0
    said = capsys.readouterr().out
    assert "960 samples (20.00 ms" in said and "Volca" in said and "7.50 ms" in said
    assert main(["calibrate", "--forget", *state]) == 0
    assert latencies.load(here) == (Latencies(), "")


@pytest.mark.parametrize(
    "flags", [["--listen"], ["--midi-in", "x"], ["--chirps", "1"], ["--level", "3"], ["--midi", "x", "--note", "128"]]
)
def test_what_does_not_go_together_is_one_line_and_exit_2(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", *flags]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_card_that_is_opened_for_a_session_has_the_measured_latency(tmp_path: Path) -> None:
    card = Card(48_000, 0, 1, "USB In", 1, 2, "USB Out")
    finder = Finder(config(tmp_path).audio, 48_000, Ring(256, 1), None, True, known=Latencies().having(CARD))
    heard = finder._measured(card, Latency(0.005, 0.010))
    assert heard.input_s == 0.005 and heard.input_s + heard.output_s == pytest.approx(960 / 48_000)
