"""config.yaml says what the dataclasses say, and a mistake is named in full."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from agent.core.config import find, flatten, load, parse_value, valid_keys
from agent.core.errors import UserError
from agent.core.settings import METERS, Config

SHIPPED = Path(__file__).parents[3] / "config.yaml"


def write(folder: Path, text: str) -> Path:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def refused(folder: Path, text: str) -> str:
    with pytest.raises(UserError) as caught:
        load(write(folder, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_shipped_file_states_the_defaults() -> None:
    assert load(SHIPPED) == Config()


def test_the_shipped_file_names_every_key_with_a_comment() -> None:
    lines = SHIPPED.read_text().splitlines()
    leaves = [line for line in lines if re.match(r" +\w+: \S", line)]
    assert len(leaves) == len(valid_keys())
    assert all(re.search(r"# .*default", line) for line in leaves)


def test_an_empty_file_and_an_empty_section_mean_the_defaults(tmp_path: Path) -> None:
    assert load(write(tmp_path, "")) == load(write(tmp_path, "audio:\nparts:\n  drums:\n")) == Config()


def test_a_value_in_the_file_counts_and_an_override_counts_more(tmp_path: Path) -> None:
    file = write(tmp_path, "band: {seed: 5, commit_ms: 200}\nparts: {line: {note_map: {60: 62}}}\n")
    config = load(file, {"band.seed": 7, "audio.input": None, "parts.drums.enabled": False})
    assert (config.band.seed, config.band.commit_ms) == (7, 200.0)
    assert config.parts["line"].note_map == {60: 62}
    assert not config.parts["drums"].enabled
    assert load(file).band.seed == 5


def test_on_and_off_are_words(tmp_path: Path) -> None:
    assert load(write(tmp_path, "audio: {monitor_input: off}")).audio.monitor_input == "off"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("audio: {inptu: 1}", ("audio.inptu", "audio.input?")),
        ("audoi: {input: 1}", ("audoi", "audio?")),
        ("parts: {drum: {channel: 1}}", ("parts.drum", "parts.drums?")),
        ("parts: {line: {chanel: 1}}", ("parts.line.chanel", "parts.line.channel?")),
        ("audio: {hold_bars: 1}", ("audio.hold_bars", "band.hold_bars?")),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path, text: str, named: tuple[str, str]) -> None:
    message = refused(tmp_path, text)
    assert all(name in message for name in named)


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ("audio: {block_samples: '128'}", "audio.block_samples", "whole number from 16 to 8192"),
        ("audio: {block_samples: 128.5}", "audio.block_samples", "whole number"),
        ("audio: {block_samples: true}", "audio.block_samples", "whole number"),
        ("audio: {block_samples: null}", "audio.block_samples", "whole number"),
        ("audio: {input: true}", "audio.input", "null"),
        ("audio: {input: -1}", "audio.input", "whole number"),
        ("audio: {output_enabled: 1}", "audio.output_enabled", "true or false"),
        ("audio: {monitor_input: maybe}", "audio.monitor_input", "auto, on, off"),
        ("band: {enter_confidence: .nan}", "band.enter_confidence", "from 0 to 1"),
        ("band: {enter_confidence: 1.01}", "band.enter_confidence", "from 0 to 1"),
        ("parts: {drums: {channel: 0}}", "parts.drums.channel", "from 1 to 16"),
        ("parts: {drums: {note_map: {36: 200}}}", "parts.drums.note_map", "0-127"),
        ("parts: {drums: {note_map: [36]}}", "parts.drums.note_map", "0-127"),
        ("paths: {sessions: ''}", "paths.sessions", "text"),
        ("log: 3", "log", "group of keys"),
        ("band: {meter: 6:8}", "band.meter", "6/8"),
        ("band: {seed: 0x10}", "band.seed", "whole number"),
        ("band: {seed: 0b1}", "band.seed", "whole number"),
        ("band: {seed: " + "7" * 5000 + "}", "band.seed", "whole number"),
        ('paths: {sessions: "a\\0b"}', "paths.sessions", "without control characters"),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_allowed(
    tmp_path: Path, text: str, key: str, allowed: str
) -> None:
    message = refused(tmp_path, text)
    assert f"{key} is" in message
    assert allowed in message


@pytest.mark.parametrize("text", ["audio:\n  input: [1\nmidi: 2\n", "log:\n  level: info\n  level: error\n"])
def test_malformed_yaml_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    assert ", line 3" in refused(tmp_path, text)


@pytest.mark.parametrize("text", ["just words", "- a\n- b\n", "\x00\x01", "? [1, 2]\n: 3\n", "[" * 5000])
def test_what_is_no_config_at_all_is_refused(tmp_path: Path, text: str) -> None:
    assert "config" in refused(tmp_path, text)


def test_only_decimal_numbers_are_numbers(tmp_path: Path) -> None:
    assert load(write(tmp_path, "midi: {port: 20:0}")).midi.port == "20:0"
    assert load(write(tmp_path, "band: {seed: 010}")).band.seed == 10
    assert load(write(tmp_path, "band: {temperature: 1e-1}")).band.temperature == 0.1


def test_anchors_may_be_used_but_not_expand_without_end(tmp_path: Path) -> None:
    text = "parts: {line: &loud {gain_db: 2.0}, chords: *loud}"
    assert load(write(tmp_path, text)).parts["chords"].gain_db == 2.0
    laughs = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else 'x, x'}]\n" for i in range(12))
    assert "10,000 values" in refused(tmp_path, laughs)
    assert "10,000 values" in refused(tmp_path, "audio: &a [*a]")


def test_a_dotted_key_is_explained(tmp_path: Path) -> None:
    assert "parts: {line: {program: ...}}" in refused(tmp_path, "parts.line.program: 4")


@pytest.mark.parametrize("codec", ["latin-1", "utf-16"])
def test_another_encoding_is_named_in_plain_words(tmp_path: Path, codec: str) -> None:
    file = tmp_path / "other.yaml"
    file.write_bytes("conversation:\n  player: José\n".encode(codec))
    with pytest.raises(UserError, match="save it as UTF-8"):
        load(file)


def test_what_a_terminal_would_act_on_is_written_out(tmp_path: Path) -> None:
    assert "\x1b" not in refused(tmp_path, '"\\e[31mEVIL": 3')


def test_a_fifo_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    with pytest.raises(UserError, match="not a file"):
        load(tmp_path / "fifo.yaml")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"log: \xff\xfe")
    for path in (tmp_path, tmp_path / "absent.yaml", tmp_path / "latin.yaml"):
        with pytest.raises(UserError, match="config"):
            load(path)


@pytest.mark.parametrize("override", [{"band.sede": 3}, {"band.seed": "3"}, {"nothing": 1}])
def test_an_override_is_checked_like_the_file(override: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="command line: "):
        load(SHIPPED, override)


def test_the_search_order_is_argument_then_here_then_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find(None) is None
    assert load() == Config()
    write(tmp_path, "band: {seed: 9}")
    assert load().band.seed == 9
    assert load(SHIPPED).band.seed == 0


def test_a_config_survives_the_way_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Config())) == Config()
    assert dict(flatten(Config()))["parts.drums.channel"] == 10


def test_reading_the_config_imports_nothing_heavy() -> None:
    code = "import sys, agent.core.config; print([m for m in ('numpy', 'torch', 'scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=SHIPPED.parent)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("0.5", 0.5), ("null", None), ("off", "off"), ("true", True), ("{36: 35}", {36: 35}), ("[", "[")],
)
def test_a_value_on_the_command_line_reads_as_in_the_file(text: str, value: Any) -> None:
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)
    assert parse_value("2020-99-99") == "2020-99-99"


def test_the_meters_that_can_be_given_are_those_that_can_be_heard() -> None:
    from listener.rhythm.hints import METERS as HEARD

    assert set(METERS) == set(HEARD)


@pytest.mark.parametrize(("key", "value"), [("band.meter", "13/8"), ("band.tempo_bpm", 20)])
def test_a_time_that_cannot_be_followed_is_refused(key: str, value: Any) -> None:
    with pytest.raises(UserError, match=f"{key}.*allowed"):
        load(None, {key: value})


def test_the_dials_of_the_config_are_the_models() -> None:
    """Two lists, because reading the config imports no model."""
    from models.music import dials

    names = [name for name, _ in flatten(Config()) if name.startswith("dials.")]
    assert names == [f"dials.{item.name}" for item in fields(dials.Dials)] + ["dials.guidance"]
    assert Config().dials.guidance == dials.GUIDANCE
