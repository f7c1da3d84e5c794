"""Remembers the settings changed by commands, to repeat them to a restarted worker or a resumed session."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from agent.control.commands import FADERS, parse
from agent.control.words import Fader, Message
from agent.core.errors import UserError
from agent.core.messages import (
    LeadBar,
    LeadNothing,
    SetBehind,
    SetClick,
    SetDial,
    SetFader,
    SetMeter,
    SetMode,
    SetPart,
    SetTempo,
    ToAudio,
    ToMind,
)
from agent.core.settings import MODES, Config
from agent.core.types import MixWish


@dataclass(slots=True)
class CommandState:
    """The settings that commands have changed since config.yaml was read; times in seconds.

    time: "tempo" and "meter", as far as they were said.
    """

    mode: str
    mode_was_set: bool = False
    trade_bars: int | None = None
    parts: dict[str, bool] = field(default_factory=dict)
    dials: dict[str, float | str | None] = field(default_factory=dict)
    behind_s: float | None = None
    time: dict[str, SetTempo | SetMeter] = field(default_factory=dict)
    faders: dict[str, MixWish] = field(default_factory=dict)
    click: bool = False
    odd: dict[int, LeadBar] = field(default_factory=dict)  # bars of the cycle that the band leads in another meter

    def note(self, message: Message) -> None:
        """Remember a message of agent/core/messages.py that changes a setting; ignore others."""
        if isinstance(message, SetMode):
            self.mode, self.mode_was_set = message.mode, True
            self.trade_bars = message.bars or self.trade_bars
        elif isinstance(message, SetPart):
            self.parts[message.part] = message.enabled
        elif isinstance(message, SetDial):
            self.dials[message.name] = message.value
        elif isinstance(message, SetBehind):
            self.behind_s = message.behind_s
        elif isinstance(message, Fader):
            self._move(message)
        elif isinstance(message, SetTempo):
            self.time["tempo"] = message
        elif isinstance(message, SetMeter):
            self.time["meter"] = message
        elif isinstance(message, LeadBar):
            self._lead(message)
        elif isinstance(message, LeadNothing):
            self.odd.clear()

    def _lead(self, message: LeadBar) -> None:
        if message.meter is not None:
            self.odd[message.bar] = message
        elif message.bar:
            self.odd.pop(message.bar, None)
        else:
            self.odd.clear()

    def _move(self, fader: Fader) -> None:
        if fader.what is None:
            self.faders.pop(fader.lane, None)
        else:
            wish = self.faders.get(fader.lane, MixWish())
            self.faders[fader.lane] = replace(wish, **{FADERS[fader.what][0]: fader.value})

    def next_mode(self) -> SetMode:
        return SetMode(MODES[(MODES.index(self.mode) + 1) % len(MODES)])

    def _mode(self) -> SetMode:
        return SetMode(self.mode, self.trade_bars if self.mode == "trade" else None)

    def for_mind(self) -> list[ToMind]:
        """Return the messages that bring a restarted mind to these settings."""
        messages: list[ToMind] = [self._mode()] if self.mode_was_set else []
        messages += [SetDial(name, value) for name, value in self.dials.items()]
        messages += [SetBehind(self.behind_s)] if self.behind_s is not None else []
        return [*messages, *self.time.values(), *self._parts(), *self.odd.values()]

    def for_audio(self) -> list[ToAudio]:
        """Return the messages that bring a restarted audio process to these settings."""
        faders = (SetFader(lane, wish) for lane, wish in self.faders.items())
        return [*self._parts(), *faders, *([SetClick(True)] if self.click else [])]

    def _parts(self) -> list[SetPart]:
        return [SetPart(part, enabled) for part, enabled in self.parts.items()]

    def restore(self, lines: Iterable[str]) -> None:
        """Apply command lines (`lines()` of an earlier session); those no longer allowed are skipped."""
        for line in lines:
            try:
                messages = parse(line).messages
            except UserError:
                continue
            for message in messages:
                self.note(message)

    def lines(self) -> list[str]:
        """Return the commands that lead to these settings, as typed after `antiphon ctl`."""
        mode = self._mode()
        commands = [f"mode {mode.mode} {mode.bars or ''}".strip()] if self.mode_was_set else []
        commands += [f"{'unmute' if enabled else 'mute'} {part}" for part, enabled in self.parts.items()]
        commands += [f"dial {name} {'off' if value is None else value}" for name, value in self.dials.items()]
        said = {name: one.bpm if isinstance(one, SetTempo) else one.meter for name, one in self.time.items()}
        commands += [f"{name} {'off' if value is None else value}" for name, value in said.items()]
        for lane, wish in self.faders.items():
            values = {what: getattr(wish, name) for what, (name, _, _) in FADERS.items()}
            commands += [f"mix {lane} {what} {value:g}" for what, value in values.items() if value]
        return commands + ([f"behind {self.behind_s * 1000:g}"] if self.behind_s is not None else [])


def initial_state(config: Config) -> CommandState:
    """Return the state before any command: config.yaml's settings."""
    return CommandState(config.band.mode)
