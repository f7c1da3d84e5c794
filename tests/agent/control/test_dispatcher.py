"""Lines of text become messages for the workers, are remembered, and keys of a terminal say them."""

from __future__ import annotations

import os
import pty
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.control.command_state import CommandState, initial_state
from agent.control.commands import TABLE
from agent.control.dispatcher import NO_HANDLERS, Dispatcher, Handlers
from agent.control.keyboard import KEYS
from agent.core.errors import UserError
from agent.core.messages import (
    LeadBar,
    LeadNothing,
    Panic,
    SetBehind,
    SetDial,
    SetFader,
    SetMeter,
    SetMode,
    SetPart,
    SetTempo,
    Tap,
)
from agent.core.settings import DEFAULT_PARTS, Config
from agent.core.types import MixWish

ROOT = Path(__file__).parents[3]


class FakeSession:
    def __init__(self, handlers: Handlers = NO_HANDLERS) -> None:
        self.mind: list[Any] = []
        self.audio: list[Any] = []
        self.stopped = False
        self.now_s: float | None = None
        workers = self.mind.append, self.audio.append
        self.dispatcher = Dispatcher(
            Config(), initial_state(Config()), *workers, self._stop, lambda: "all is well", lambda: self.now_s, handlers
        )

    def _stop(self) -> None:
        self.stopped = True


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


def test_a_click_goes_on_and_off_and_its_tempo_is_told_to_the_ears(session: FakeSession) -> None:
    assert session.dispatcher.command("click").startswith("a click")
    assert "90" in session.dispatcher.command("click 90 3/4")
    assert len([one for one in session.mind if isinstance(one, Tap)]) == 3
    assert session.dispatcher.command("click off") == "no click any more"
    assert [one.on for one in session.audio] == [True, True, False]
    with pytest.raises(UserError, match="quarters"):
        session.dispatcher.command("click 90 7/8")


def test_each_command_reaches_whom_it_concerns(session: FakeSession) -> None:
    for line in ("mode trade", "mute drums", "dial density 0.3", "behind 15", "panic"):
        assert session.dispatcher.command(line).startswith(line)
    mute = SetPart("drums", False)
    assert session.mind == [SetMode("trade"), mute, SetDial("density", 0.3), SetBehind(0.015)]
    assert session.audio == [mute, Panic()]
    assert session.dispatcher.command("status") == "all is well"
    session.dispatcher.command("stop")
    assert session.stopped


def test_mode_next_goes_round(session: FakeSession) -> None:
    for _ in range(5):
        session.dispatcher.command("mode next")
    assert [message.mode for message in session.mind] == ["trade", "loop", "listen", "accompany", "trade"]


def test_toggle_knows_what_plays(session: FakeSession) -> None:
    for line in ("toggle drums", "toggle drums", "toggle all", "toggle all"):
        session.dispatcher.command(line)
    states = [(message.part, message.enabled) for message in session.audio]
    assert states[:2] == [("drums", False), ("drums", True)]
    assert states[2:] == [(part, on) for on in (False, True) for part in DEFAULT_PARTS]


def test_what_was_told_can_be_told_again(session: FakeSession) -> None:
    for line in ("mode loop", "mute line", "dial tension 0.5", "dial style jazz", "dial tension off", "behind -5"):
        session.dispatcher.command(line)
    for line in (
        "tempo 100",
        "meter 7/8",
        "mix snare level -6",
        "mix snare reverb 0.5",
        "mix line pan -1",
        "mix line off",
    ):
        session.dispatcher.command(line)
    again = initial_state(Config())
    again.restore([*session.dispatcher.state.lines(), "mode polka", "dial nothing 3", ""])
    assert again == session.dispatcher.state
    assert set(map(repr, again.for_mind())) >= {repr(SetMode("loop")), repr(SetBehind(-0.005))}
    assert again.for_audio() == [SetPart("line", False), SetFader("snare", MixWish(level_db=-6.0, reverb=0.5))]
    assert SetTempo(100.0) in again.for_mind() and SetMeter("7/8") in again.for_mind()


def test_a_tap_is_where_the_player_is(session: FakeSession) -> None:
    with pytest.raises(UserError, match="nothing is heard yet"):
        session.dispatcher.command("tap")
    session.now_s = 12.5
    session.dispatcher.command("tap")
    assert session.mind == [Tap(12.5)]


def test_moods_practice_and_the_bass_are_for_sessions_that_have_them(session: FakeSession) -> None:
    for text, says in (
        ("mood calm", "plays no moods"),
        ("practice drop 4", "no player"),
        ("mute bass", "bass is yours"),
    ):
        with pytest.raises(UserError, match=says):
            session.dispatcher.command(text)
    assert session.mind == session.audio == []
    session = FakeSession(Handlers(mood=lambda words: f"went to {words}"))
    assert session.dispatcher.command("mood calm, over 8 bars") == "went to calm, over 8 bars"


def test_who_is_counted_in_while_the_band_plays_is_told_at_once() -> None:
    session = FakeSession(Handlers(plays=lambda: True))
    with pytest.raises(UserError, match="playing already"):
        session.dispatcher.command("count 100")
    assert session.mind == []


def test_a_sentence_that_stands_for_a_command_is_answered_as_one() -> None:
    session = FakeSession(Handlers(orders=lambda sentence: "break 4"))
    assert session.dispatcher.command("say stop on the four") == "A stop on beat 4 of the next bar."


def test_help_names_every_word_and_pedals_need_an_input(session: FakeSession) -> None:
    assert all(word in session.dispatcher.command("help") for word in TABLE)
    with pytest.raises(UserError, match=r"midi\.input"):
        session.dispatcher.command("learn mode next")
    with pytest.raises(UserError, match=r"^unknown command 'statsu'; did you mean 'status'\? \(`help` lists all\)$"):
        session.dispatcher.command("statsu")
    with pytest.raises(UserError, match=r"^unexpected argument 'now': this command takes none$"):
        session.dispatcher.command("stop now")


def test_every_key_says_something_that_is_understood(session: FakeSession) -> None:
    refused: list[str] = []
    for command in KEYS.values():
        try:
            session.dispatcher.command(command)
        except UserError as cause:
            refused.append(str(cause))
    assert not any("unknown" in says or "unexpected" in says for says in refused), refused
    assert session.stopped and Panic() in session.audio


TYPIST = """
import sys, time, termios
from agent.control.keyboard import Keys
keys, heard = Keys(), []
print("listening", flush=True)
deadline = time.monotonic() + 10
while len(heard) < 3 and time.monotonic() < deadline:
    keys.poll(heard.append)
    time.sleep(0.01)
print(heard, flush=True)
if heard[-1:] == ["stop"]:
    raise SystemExit  # without close(): as in a crash
"""


def test_single_keys_are_heard_on_a_terminal_which_is_given_back() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", TYPIST])
    import termios

    before = termios.tcgetattr(terminal)[3]
    said = _read_until(terminal, b"listening")
    during = termios.tcgetattr(terminal)[3]
    os.write(terminal, b" xDq")
    said += _read_until(terminal, b"]")
    os.waitpid(pid, 0)
    assert b"['mode next', 'toggle drums', 'stop']" in said
    assert not during & (termios.ICANON | termios.ECHO)
    assert termios.tcgetattr(terminal)[3] == before
    os.close(terminal)


def _read_until(terminal: int, what: bytes) -> bytes:
    said, deadline_s = b"", time.monotonic() + 15
    while what not in said and time.monotonic() < deadline_s:
        said += os.read(terminal, 1_024)
    return said


def test_a_restarted_mind_is_told_of_the_bars_that_are_led() -> None:
    state = CommandState("accompany")
    for message in (LeadBar(3, "7/8"), LeadBar(4, "5/4"), LeadBar(4, None)):
        state.note(message)
    assert state.for_mind() == [LeadBar(3, "7/8")]
    state.note(LeadNothing())
    assert state.for_mind() == []


def test_it_is_known_who_muted_the_parts(session: FakeSession) -> None:
    assert session.dispatcher.muted_by() == []
    session.dispatcher.command("mute drums")
    assert session.dispatcher.muted_by() == ["a key, pedal or command (drums)"]
