"""A foot switch says what it was taught, once for each press, and remembers it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agent.control.pedals import FILE, Pedals
from agent.core.errors import UserError
from agent.core.settings import Config, PathsConfig
from agent.midi.input import MidiIn
from tests.agent.midi.test_input import FakeSource, wait_for


class Board:
    """Pedals on a port whose messages the test writes."""

    def __init__(self, folder: Path) -> None:
        self.source, self.said = FakeSource(), []
        self.midi = MidiIn("pedal", opener=lambda *_: self.source)
        self.pedals = Pedals(replace(Config(), paths=PathsConfig(state=str(folder))), self.said.append, self.midi)
        wait_for(lambda: self.midi.is_open)

    def press(self, *messages: tuple[int, int, int], gap_s: float = 1.0) -> list[str]:
        """gap_s: between the messages, by the port's clock."""
        self.said.clear()
        for message in messages:
            self.source.messages.append((list(message), 0.0))
            self.pedals._pressed_s = {k: t - gap_s for k, t in self.pedals._pressed_s.items()}
            self.pedals.poll()
        return list(self.said)


@pytest.fixture
def board(tmp_path: Path):
    board = Board(tmp_path)
    yield board
    board.midi.close()


def test_sustain_is_the_next_mode_on_any_channel_once_for_each_press(board: Board) -> None:
    assert board.press((0xB3, 64, 127), (0xB3, 64, 127), (0xB3, 64, 127), (0xB3, 64, 0)) == ["mode next"]
    assert board.press((0xB0, 64, 90), (0xB0, 64, 30), (0xB0, 64, 64)) == ["mode next", "mode next"]


def test_a_contact_that_bounces_or_trembles_is_pressed_once(board: Board) -> None:
    assert board.press((0xB0, 64, 127), (0xB0, 64, 0), (0xB0, 64, 127), gap_s=0.01) == ["mode next"]
    assert board.press((0xB0, 64, 0), (0xB0, 64, 66), (0xB0, 64, 61), (0xB0, 64, 66)) == ["mode next"]


def test_the_next_switch_pressed_learns_and_only_what_was_learned_is_said(board: Board) -> None:
    board.pedals.learn("mode trade")
    assert board.press((0x80, 36, 0), (0xB0, 20, 10), (0x90, 36, 0), (0x90, 36, 100)) == []
    assert board.press((0x90, 36, 100), (0x90, 37, 100), (0x91, 36, 100)) == ["mode trade"]
    assert "channel 1 note 36: mode trade" in board.pedals.describe()


def test_what_was_learned_is_there_the_next_time_and_can_be_forgotten(
    board: Board, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    board.pedals.learn("mute drums")
    board.press((0xB1, 20, 127))
    assert "pedal learned: channel 2 CC 20 -> `mute drums`" in caplog.messages
    assert json.loads((tmp_path / FILE).read_text()) == {"channel 2 cc 20": "mute drums"}
    again = Board(tmp_path)
    assert again.press((0xB1, 20, 127)) == ["mute drums"]
    again.pedals.unlearn()
    assert again.press((0xB1, 20, 0), (0xB1, 20, 127)) == []
    again.midi.close()
    assert json.loads((tmp_path / FILE).read_text()) == {}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"cc 64": 5}', '{"channel 17 cc 1": "panic"}', '{"cc 1": "sing"}', "\x00"]
)
def test_a_damaged_file_is_set_aside_and_the_rest_kept(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    pedals = Pedals(replace(Config(), paths=PathsConfig(state=str(tmp_path))), print)
    assert pedals.describe() == "cc 64: mode next"
    assert (tmp_path / "pedals.json.damaged").read_text() == text


def test_only_what_a_band_can_be_told_is_learned(board: Board) -> None:
    for text in ("sing", "mode waltz", "learn", "learn sing", "learn learn panic", ""):
        with pytest.raises(UserError):
            board.pedals.learn(text)


def test_pedals_are_learned_and_forgotten_by_foot(board: Board) -> None:
    board.pedals.learn("learn mute drums")
    assert board.press((0x90, 36, 100)) == []
    assert board.press((0x90, 36, 100)) == ["learn mute drums"]
    board.pedals.learn("unlearn")
    board.press((0x90, 37, 100))
    assert board.press((0x90, 37, 100)) == []  # one stray press forgets nothing
    assert board.press((0x90, 37, 100)) == ["unlearn"]
    assert board.press((0x90, 37, 100)) == []


def test_a_command_that_fails_or_a_state_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    def refuse(text: str) -> None:
        raise UserError("no")

    (tmp_path / "file").write_text("in the way")
    source = FakeSource()
    midi = MidiIn("pedal", opener=lambda *_: source)
    pedals = Pedals(replace(Config(), paths=PathsConfig(state=str(tmp_path / "file" / "in"))), refuse, midi)
    wait_for(lambda: midi.is_open)
    pedals.learn("panic")
    source.messages = [([0x90, 1, 1], 0.0), ([0x90, 2, 1], 1.0), ([0xB0, 64, 127], 1.0), ([0x90], 1.0), ([0xF8], 0.0)]
    pedals.poll()
    assert "channel 1 note 1: panic" in pedals.describe()
    midi.close()


def test_a_flood_of_messages_hides_no_press_and_says_nothing(board: Board) -> None:
    flood = [([0xB0, 1 + n % 60, n % 128], 0.005) for n in range(4_000)]  # 20 s at 200 a second
    board.source.messages = [*flood[:2_000], ([0xB0, 64, 127], 0.0), *flood[2_000:]]
    board.pedals.poll()
    assert board.said == ["mode next"]
    assert board.midi.dropped == 0


def test_general_midi_controllers_on_a_parts_channel_move_its_faders(board: Board) -> None:
    assert board.press((0xB9, 7, 100), (0xB9, 7, 0)) == ["mix drums level 0.00", "mix drums level -40.00"]
    assert board.press((0xB9, 10, 64), (0xB9, 91, 127), (0xB9, 74, 0)) == [
        "mix drums pan 0.00", "mix drums reverb 1.00", "mix drums bright -1.00"
    ]  # fmt: skip
    assert board.press((0xBF, 7, 100)) == []  # nobody's channel


def test_a_controller_learns_a_fader_and_of_a_sweep_the_last_place_counts(board: Board, tmp_path: Path) -> None:
    assert board.pedals.learn("mix snare reverb").startswith("move the controller")
    assert board.press((0xB0, 20, 3)) == ["mix snare reverb -0.95"]
    board.said.clear()
    board.source.messages.extend(([0xB0, 20, value], 0.0) for value in (10, 40, 64))
    board.pedals.poll()
    assert board.said == ["mix snare reverb 0.00"]
    assert json.loads((tmp_path / FILE).read_text()) == {"channel 1 cc 20": "mix snare reverb"}


def test_what_is_no_fader_is_not_learned(board: Board) -> None:
    with pytest.raises(UserError, match="width"):
        board.pedals.learn("mix snare loudness")
