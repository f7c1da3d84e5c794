"""Turns foot switches, buttons and faders at midi.input into commands: learned by using them, kept in the state folder.

A switch is a note or a controller; it is pressed by a note-on, or when its controller rises to 64 or more. A controller
that is bound to a fader of the mix (agent/control/midi_faders.py) moves it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.control.commands import parse
from agent.control.midi_faders import is_fader, moved, plain_faders
from agent.core import stored
from agent.core.errors import UserError
from agent.core.midi_constants import CONTROL, NOTE_ON
from agent.core.paths import state_folder
from agent.core.plain_text import printable
from agent.core.settings import Config
from agent.core.whole_file import write_whole
from agent.midi.input import Message, MidiIn

log = logging.getLogger(__name__)

FILE = "pedals.json"
DEFAULTS = {"cc 64": "mode next"}  # sustain, on any channel
PRESSED, RELEASED = 64, 48  # a controller is pressed from here on, and again only after it fell below there
BOUNCE_S = 0.12  # a contact that closes twice within this was pressed once
LEARN_S = 60.0  # how long the next press is waited for
MOST_AT_ONCE = 4  # commands carried out in one poll(); more come from a broken switch
NO_SENSES: Mapping[str, str] = {}
KINDS = {NOTE_ON: "note", CONTROL: "cc"}
SWITCH = re.compile(r"(channel ([1-9]|1[0-6]) )?(note|cc) (\d|[1-9]\d|1[01]\d|12[0-7])")
TWICE = "unlearn"  # one stray press must not forget every pedal
AGAIN_S = 3.0  # within which it is pressed again


class Pedals:
    """Maps foot switches to commands.

    say: carries out a line of agent/control/commands.py; may raise UserError. midi: an input that is shared with
    others; None opens midi.input. One thread calls poll() regularly; it never waits.
    """

    def __init__(
        self,
        config: Config,
        say: Callable[[str], object],
        midi: MidiIn | None = None,
        senses: Mapping[str, str] = NO_SENSES,
    ) -> None:
        self._say, self._path = say, state_folder(config.paths.state) / FILE
        self._own = midi is None and config.midi.input is not None
        self.midi = MidiIn(config.midi.input or "", config.midi.api) if self._own else midi
        self._tap = self.midi.tap() if self.midi else None
        self._learned = _read(self._path)
        self._plain = plain_faders(config.parts)
        self._senses = senses
        self._down: set[tuple[int, int]] = set()  # (status, controller) that is pressed
        self._pressed_s: dict[str, float] = {}
        self._learning: tuple[str, float] | None = None  # the command, until when
        self._once: tuple[str, float] = ("", 0.0)  # the switch of TWICE that was pressed, until when it counts
        self.ignored = 0  # presses that were too many

    def poll(self) -> None:
        """Carry out the commands of the switches pressed and the faders moved since the last call."""
        messages = self._tap.poll() if self._tap else []
        messages = self._move([message for message in messages if len(message[1]) == 3])
        presses = [switch for at_s, message in messages if (switch := self._press(at_s, message))]
        pressed = [switch for switch in presses if self._learning or self._command_of(switch)]
        self.ignored += max(len(pressed) - MOST_AT_ONCE, 0)
        for switch in pressed[:MOST_AT_ONCE]:
            self._act(switch)

    def _move(self, messages: list[Message]) -> list[Message]:
        """Put each fader where its controller stands last; return the messages that moved none."""
        positions: dict[str, int] = {}
        others = []
        for at_s, message in messages:
            switch = _switch(message)
            if switch and self._learning and is_fader(self._learning[0]) and message[0] & 0xF0 == CONTROL:
                self._act(switch)
            fader = self._fader(switch)
            if fader:
                positions[fader] = message[2]
            else:
                others.append((at_s, message))
        for fader, position in positions.items():
            self._carry_out(fader, moved(fader, position))
        return others

    def _fader(self, switch: str | None) -> str | None:
        """Return the fader that a controller moves: a learned one, else General MIDI's of a part."""
        bound = self._learned.get(switch or "")
        plain = self._senses.get(switch or "") or self._plain.get(switch or "")
        return (bound if is_fader(bound) else None) if bound else plain

    def _press(self, at_s: float, message: bytes) -> str | None:
        """Return the switch a message presses, such as 'channel 1 cc 64' (channels from 1); None for no press."""
        switch = _switch(message)
        if switch is None or not self._rises(message):
            return None
        before_s = self._pressed_s.get(switch, float("-inf"))
        self._pressed_s[switch] = at_s
        return switch if at_s - before_s > BOUNCE_S else None

    def _rises(self, message: bytes) -> bool:
        if message[0] & 0xF0 == NOTE_ON:
            return message[2] > 0
        place, value = (message[0], message[1]), message[2]
        if value < RELEASED:
            self._down.discard(place)
        if value < PRESSED or place in self._down:
            return False
        self._down.add(place)
        return True

    def _act(self, switch: str) -> None:
        if self._learning and time.monotonic() < self._learning[1]:
            self._bind(switch, self._learning[0])
            return
        command = self._command_of(switch)
        if command is not None and (command != TWICE or self._again(switch)):
            self._carry_out(switch, command)

    def _again(self, switch: str) -> bool:
        """Return whether a switch was pressed before within AGAIN_S; else remember that it was pressed."""
        now_s, before = time.monotonic(), self._once
        again = before[0] == switch and now_s < before[1]
        self._once = ("", 0.0) if again else (switch, now_s + AGAIN_S)
        if not again:
            log.info("pedal %s -> `%s`: press again within %.0f s", _shown(switch), TWICE, AGAIN_S)
        return again

    def _carry_out(self, by: str, command: str) -> None:
        try:
            self._say(command)
        except UserError as cause:
            log.warning("pedal %s -> `%s` failed: %s", _shown(by), command, cause)

    def _command_of(self, switch: str) -> str | None:
        return self._learned.get(switch) or DEFAULTS.get(_without_channel(switch))

    def _bind(self, switch: str, command: str) -> None:
        self._learning = None
        self._learned[switch] = command
        self._save()
        log.info("pedal learned: %s -> `%s`", _shown(switch), command)

    def learn(self, text: str) -> str:
        """Bind the command `text` to the next switch that is pressed, or a fader to the next controller that is moved.

        A switch may be bound to `learn COMMAND`, too, and to `unlearn`, which counts when it is pressed twice. Raises
        UserError for an unknown command.
        """
        _check(text)
        self._learning = text, time.monotonic() + LEARN_S
        asks = f"move the controller for `{text}`" if is_fader(text) else f"press the pedal for `{text}`"
        return f"{asks} now (within {LEARN_S:.0f} s)"

    def unlearn(self) -> str:
        """Forget all learned switches; the defaults stay."""
        self._learning, count = None, len(self._learned)
        self._learned.clear()
        self._save()
        left = ", ".join(f"{_shown(switch)} -> `{command}`" for switch, command in DEFAULTS.items())
        return f"pedals forgotten: {count}; still bound: {left}"

    def describe(self) -> str:
        """Return one line for each switch and its command, and one for the port's state."""
        commands = DEFAULTS | self._learned
        lines = [f"{switch}: {command}" for switch, command in commands.items()]
        lines += [f"{switch}: {fader}" for switch, fader in self._plain.items() if self.midi and switch not in commands]
        lines += [f"waiting for the pedal to bind to `{self._learning[0]}`"] if self._learning else []
        lines += [self.midi.state] if self.midi else []
        lost = (self.midi.dropped if self.midi else 0) + self.ignored
        return "\n".join([*lines, f"{lost} MIDI messages lost"] if lost else lines)

    def _save(self) -> None:
        """Write the file whole or not at all. A full disk is logged; the session goes on."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self._learned, indent=2, sort_keys=True) + "\n"
            write_whole(self._path, text.encode(), sync=True)
        except OSError as cause:
            log.warning("the learned pedals could not be saved to %s: %s", self._path, cause)

    def close(self) -> None:
        """Close the port if this object opened it. May be called twice."""
        if self._own and self.midi:
            self.midi.close()


def _switch(message: bytes) -> str | None:
    """Return the name of a note or controller, such as 'channel 1 cc 64' (channels from 1); None for other messages."""
    kind = KINDS.get(message[0] & 0xF0) if len(message) == 3 else None
    return f"channel {(message[0] & 15) + 1} {kind} {message[1]}" if kind else None


def _without_channel(switch: str) -> str:
    """Return the switch without its channel: 'channel 1 cc 64' -> 'cc 64'."""
    return switch.split(" ", 2)[2]


def _shown(switch: str) -> str:
    """Return a switch as a musician writes it: 'channel 1 cc 64' -> 'channel 1 CC 64'."""
    return switch.replace("cc ", "CC ")


def _read(path: Path) -> dict[str, str]:
    """Read the learned switches. A damaged file is set aside and logged; what in it can be used counts."""
    try:
        entries: dict[str, object] = stored.read(path, dict[str, object])
    except FileNotFoundError:
        return {}
    except OSError as cause:
        log.warning("learned pedals %s: %s", path, cause.strerror or cause)
        return {}
    except stored.Damaged as cause:
        _set_aside(path, str(cause))
        return {}
    good = {switch: str(command) for switch, command in entries.items() if _is_sound(switch, command)}
    if good != entries:
        bad = printable(", ".join(sorted(entries.keys() - good.keys()))[:200])
        _set_aside(path, f"{bad} cannot be understood")
        with contextlib.suppress(OSError):
            write_whole(path, json.dumps(good, indent=2, sort_keys=True).encode())
    return good


def _is_sound(switch: object, command: object) -> bool:
    if not (isinstance(switch, str) and isinstance(command, str) and SWITCH.fullmatch(switch)):
        return False
    try:
        _check(command)
    except UserError:
        return False
    return True


def _check(text: str, by_foot: bool = False) -> None:
    """Raise UserError for what cannot be bound to a pedal. by_foot: it is what a pedal bound to `learn` binds."""
    if is_fader(text):
        return
    command = parse(text)
    if command.name == "learn":
        if by_foot or not command.argument:
            raise UserError(f"{text!r} cannot be bound to a pedal; try `learn mute drums`, `mode next` or `mute drums`")
        _check(command.argument, by_foot=True)


def _set_aside(path: Path, cause: str) -> None:
    try:
        log.warning("learned pedals %s: %s; the file is kept as %s", path, cause, stored.set_aside(path))
    except OSError as trouble:
        log.warning("learned pedals %s: %s; it could not be renamed: %s", path, cause, trouble)
