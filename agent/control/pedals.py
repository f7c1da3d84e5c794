"""Turns foot switches and buttons at midi.input into commands: learned by pressing them, kept in the state folder.

A switch is a note or a controller; it is pressed by a note-on, or when its controller rises to 64 or more.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

from agent.control.commands import parse
from agent.core import stored
from agent.core.errors import UserError
from agent.core.midi_constants import CONTROL, NOTE_ON
from agent.core.paths import state_folder
from agent.core.plain_text import printable
from agent.core.settings import Config
from agent.core.whole_file import write_whole
from agent.midi.input import MidiIn

log = logging.getLogger(__name__)

FILE = "pedals.json"
DEFAULTS = {"cc 64": "mode next"}  # sustain, on any channel
PRESSED, RELEASED = 64, 48  # a controller is pressed from here on, and again only after it fell below there
BOUNCE_S = 0.12  # a contact that closes twice within this was pressed once
LEARN_S = 60.0  # how long the next press is waited for
MOST_AT_ONCE = 4  # commands carried out in one poll(); more come from a broken switch
KINDS = {NOTE_ON: "note", CONTROL: "cc"}
SWITCH = re.compile(r"(channel ([1-9]|1[0-6]) )?(note|cc) (\d|[1-9]\d|1[01]\d|12[0-7])")
NOT_BY_FOOT = ("learn", "unlearn")


class Pedals:
    """Maps foot switches to commands.

    say: carries out a line of agent/control/commands.py; may raise UserError. midi: an input that is shared with
    others; None opens midi.input. One thread calls poll() regularly; it never waits.
    """

    def __init__(self, config: Config, say: Callable[[str], object], midi: MidiIn | None = None) -> None:
        self._say, self._path = say, state_folder(config.paths.state) / FILE
        self._own = midi is None and config.midi.input is not None
        self.midi = MidiIn(config.midi.input or "", config.midi.api) if self._own else midi
        self._tap = self.midi.tap() if self.midi else None
        self._learned = _read(self._path)
        self._down: set[tuple[int, int]] = set()  # (status, controller) that is pressed
        self._pressed_s: dict[str, float] = {}
        self._learning: tuple[str, float] | None = None  # the command, until when
        self.ignored = 0  # presses that were too many

    def poll(self) -> None:
        """Carry out the commands of the switches pressed since the last call."""
        messages = self._tap.poll() if self._tap else []
        presses = [switch for at_s, message in messages if (switch := self._press(at_s, message))]
        pressed = [switch for switch in presses if self._learning or self._command_of(switch)]
        self.ignored += max(len(pressed) - MOST_AT_ONCE, 0)
        for switch in pressed[:MOST_AT_ONCE]:
            self._act(switch)

    def _press(self, at_s: float, message: bytes) -> str | None:
        """Return the switch a message presses, such as 'channel 1 cc 64' (channels from 1); None for no press."""
        kind = KINDS.get(message[0] & 0xF0) if len(message) == 3 else None
        if kind is None or not self._rises(message):
            return None
        switch = f"channel {(message[0] & 15) + 1} {kind} {message[1]}"
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
        if (command := self._command_of(switch)) is None:
            return
        try:
            self._say(command)
        except UserError as cause:
            log.warning("pedal %s -> `%s` failed: %s", _shown(switch), command, cause)

    def _command_of(self, switch: str) -> str | None:
        return self._learned.get(switch) or DEFAULTS.get(_without_channel(switch))

    def _bind(self, switch: str, command: str) -> None:
        self._learning = None
        self._learned[switch] = command
        self._save()
        log.info("pedal learned: %s -> `%s`", _shown(switch), command)

    def learn(self, text: str) -> str:
        """Bind the command `text` to the next switch that is pressed. Raises UserError for an unknown command."""
        if parse(text).name in NOT_BY_FOOT:
            raise UserError(f"{text!r} cannot be bound to a pedal; try `mode next` or `mute drums`")
        self._learning = text, time.monotonic() + LEARN_S
        return f"press the pedal for `{text}` now (within {LEARN_S:.0f} s)"

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
        return parse(command).name not in NOT_BY_FOOT
    except UserError:
        return False


def _set_aside(path: Path, cause: str) -> None:
    try:
        log.warning("learned pedals %s: %s; the file is kept as %s", path, cause, stored.set_aside(path))
    except OSError as trouble:
        log.warning("learned pedals %s: %s; it could not be renamed: %s", path, cause, trouble)
