"""What the band has been told so far, so that a worker started anew, or a session resumed, can be told it again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agent.core.errors import UserError
from agent.core.messages import SetBehind, SetDial, SetMode, SetPart
from agent.core.settings import MODES, Config


@dataclass(slots=True)
class CommandState:
    """Only what differs from config.yaml counts as told; times in seconds."""

    mode: str
    mode_was_set: bool = False
    parts: dict[str, bool] = field(default_factory=dict)
    dials: dict[str, float | str | None] = field(default_factory=dict)
    behind_s: float | None = None

    def note(self, message: Any) -> None:
        """Remember one of messages.SetMode, SetPart, SetDial, SetBehind; anything else is for the moment only."""
        if isinstance(message, SetMode):
            self.mode, self.mode_was_set = message.mode, True
        elif isinstance(message, SetPart):
            self.parts[message.part] = message.enabled
        elif isinstance(message, SetDial):
            self.dials[message.name] = message.value
        elif isinstance(message, SetBehind):
            self.behind_s = message.behind_s

    def next_mode(self) -> SetMode:
        return SetMode(MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def for_mind(self) -> list[Any]:
        """Everything that a mind with no memory of it must be told."""
        told: list[Any] = [SetMode(self.mode)] if self.mode_was_set else []
        told += [SetDial(name, value) for name, value in self.dials.items()]
        told += [SetBehind(self.behind_s)] if self.behind_s is not None else []
        return told + self.for_audio()

    def for_audio(self) -> list[Any]:
        return [SetPart(part, enabled) for part, enabled in self.parts.items()]

    def restore(self, lines: Iterable[str]) -> None:
        """Take up command lines (`lines()` of an earlier session); what is no longer allowed is left out."""
        from agent.control.commands import parse

        for line in lines:
            try:
                message = parse(line).message
            except UserError:
                continue
            for item in message if isinstance(message, tuple) else (message,):
                self.note(item)

    def lines(self) -> list[str]:
        """The commands that lead here, each as `antiphon ctl` would say it."""
        said = [f"mode {self.mode}"] if self.mode_was_set else []
        said += [f"{'unmute' if enabled else 'mute'} {part}" for part, enabled in self.parts.items()]
        said += [f"dial {name} {'off' if value is None else value}" for name, value in self.dials.items()]
        return said + ([f"behind {self.behind_s * 1000:g}"] if self.behind_s is not None else [])


def initial_state(config: Config) -> CommandState:
    """Nothing told yet."""
    return CommandState(config.band.mode)
