"""What can be told to a running band in a line of text: by `antiphon ctl`, a key, a pedal. One table.

`parse("mute drums") -> Command`; the session carries it out. Words: docs in `TABLE`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from typing import Any

from agent.core.errors import UserError
from agent.core.messages import Panic, SetBehind, SetDial, SetMode, SetPart
from agent.core.settings import DEFAULT_PARTS, MODES, STYLES, DialsConfig

BEHIND_MS = (-100.0, 100.0)
DIALS = tuple(item.name for item in fields(DialsConfig) if item.name != "guidance")


@dataclass(frozen=True, slots=True)
class Command:
    """name: its word in TABLE. message: what the workers are told, if anything. text: as it came."""

    name: str
    text: str
    message: Any = None
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """takes: what follows the word. means: one line for `help`. read: the arguments -> message; UserError if wrong."""

    takes: str
    means: str
    read: Callable[[Sequence[str]], Any]


def parse(text: str) -> Command:
    """Raises UserError in one line for an empty line, an unknown word or a wrong argument."""
    name, *arguments = text.split() or [""]
    word = TABLE.get(name.lower())
    if word is None:
        near = get_close_matches(name.lower(), TABLE, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"{name!r} is not something a running band can be told; one of {', '.join(TABLE)} is{hint}")
    return Command(name.lower(), text, word.read(arguments), " ".join(arguments))


def _nothing(arguments: Sequence[str]) -> None:
    if arguments:
        raise UserError(f"{' '.join(arguments)!r} is too much; the word stands alone")


def _panic(arguments: Sequence[str]) -> Panic:
    _nothing(arguments)
    return Panic()


def _something(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("say what? such as: say less snare, and don't resolve it")


def _anything(arguments: Sequence[str]) -> None:
    return None


def _mode(arguments: Sequence[str]) -> SetMode | None:
    """None: the next mode in turn."""
    wanted = " ".join(arguments).lower()
    if wanted == "next":
        return None
    if wanted not in MODES:
        raise UserError(f"mode {wanted!r}; {', '.join(MODES)} or next is allowed")
    return SetMode(wanted)


def _part(enabled: bool) -> Callable[[Sequence[str]], tuple[SetPart, ...]]:
    def read(arguments: Sequence[str]) -> tuple[SetPart, ...]:
        wanted = " ".join(arguments).lower() or "all"
        if wanted != "all" and wanted not in DEFAULT_PARTS:
            raise UserError(f"part {wanted!r}; {', '.join(DEFAULT_PARTS)} or all is allowed")
        return tuple(SetPart(part, enabled) for part in (DEFAULT_PARTS if wanted == "all" else (wanted,)))

    return read


def _behind(arguments: Sequence[str]) -> SetBehind:
    behind_ms = _number(arguments, "behind", *BEHIND_MS)
    return SetBehind(behind_ms / 1000)


def _dial(arguments: Sequence[str]) -> SetDial:
    name, *rest = (*arguments, "")
    if name not in DIALS:
        raise UserError(f"dial {name!r}; {', '.join(DIALS)} can be set")
    value = " ".join(rest).strip()
    if value in ("off", "none", "null"):
        return SetDial(name, None)
    if name == "style":
        if value not in STYLES:
            raise UserError(f"style {value!r}; {', '.join(STYLES)} or off is allowed")
        return SetDial(name, value)
    return SetDial(name, _number([value], name, 0.0, 1.0))


def _number(arguments: Sequence[str], what: str, low: float, high: float) -> float:
    try:
        value = float(" ".join(arguments))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UserError(f"{what} {' '.join(arguments)!r}; a number from {low:g} to {high:g} is allowed")
    return value


TABLE = {
    "status": Word("", "what is heard and played, and how well it keeps its time", _nothing),
    "mode": Word("accompany | trade | loop | listen | next", "how it plays along, from the next bar on", _mode),
    "mute": Word("[drums | chords | line | all]", "a part is silent, at once", _part(False)),
    "unmute": Word("[drums | chords | line | all]", "a part plays again, from the next bar on", _part(True)),
    "behind": Word("MS", "play so many milliseconds behind the beat, negative = ahead", _behind),
    "dial": Word("NAME VALUE | NAME off", "density, tension ... as in config.yaml", _dial),
    "say": Word("SENTENCE", "in your own words: less snare, lay back, any ideas? ...", _something),
    "yes": Word("", "what was just played, or proposed, is good", _nothing),
    "no": Word("", "it is not", _nothing),
    "idea": Word("", "propose something", _nothing),
    "undo": Word("", "take the last direction back", _nothing),
    "panic": Word("", "every note off", _panic),
    "learn": Word("COMMAND", "the next pedal, key or button pressed at midi.input will say COMMAND", _anything),
    "unlearn": Word("", "forget the pedals", _nothing),
    "pedals": Word("", "what the pedals say", _nothing),
    "help": Word("", "this table", _nothing),
    "stop": Word("", "end the session; everything is written", _nothing),
}
