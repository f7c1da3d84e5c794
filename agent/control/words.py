"""What a row of the table of commands is made of, what commands ask for, and the readers of arguments that several rows
share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from agent.core.errors import UserError
from agent.core.messages import Panic, SetPart, ToMind


@dataclass(frozen=True, slots=True)
class Fader:
    """One fader of a lane or part: which of FADERS, and its value; what None = all of this lane back as they were."""

    lane: str
    what: str | None
    value: float


@dataclass(frozen=True, slots=True)
class Click:
    """What is asked of the click. on: None = the other way round; bpm: 0 = the beat's own."""

    on: bool | None
    bpm: float = 0.0
    beats: int = 4


Message = ToMind | Panic | Fader | Click
Read: TypeAlias = Callable[[Sequence[str]], Message | tuple[SetPart, ...] | None]


@dataclass(frozen=True, slots=True)
class Word:
    """One row of TABLE. takes: its arguments; means: one line for `help`; read: the arguments -> the message to send.

    read raises UserError for wrong arguments.
    """

    takes: str
    means: str
    read: Read


def nothing(arguments: Sequence[str]) -> None:
    """Raise UserError for any argument."""
    if arguments:
        raise UserError(f"unexpected argument {' '.join(arguments)!r}: this command takes none")


def number(arguments: Sequence[str], what: str, low: float, high: float) -> float:
    """Return the one number. Raises UserError for anything else and for one out of range."""
    try:
        value = float(" ".join(arguments))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UserError(f"{what} {' '.join(arguments)!r}: give a number from {low:g} to {high:g}")
    return value
