"""`Leads` turns directions that only a band that leads can follow into commands: a bar in another meter, a tempo, a bar
more or fewer, a section. What it began under a number it takes back under it.

It is the `BandLead` of a live stage (agent/conversation/stage.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.core.errors import UserError
from agent.core.messages import LeadBar, LeadLength, LeadTempo
from agent.directions.edit import Edit

LED = frozenset({"tempo", "meter", "length", "section", "lead"})
BAR = re.compile(r"bar:(\d+)")
STEPS_KEPT = 64
ORDERS = {"count in": "count", "end": "end", "take": "take"}


@dataclass(frozen=True, slots=True)
class LedFacts:
    """What is known of the beat now."""

    tempo_bpm: float | None = None
    meter: str = ""


class Leads:
    """carry_out: carries out a line of agent/control/commands.py; may raise UserError. names: of the sections.

    facts: tempo_bpm and meter now.
    """

    def __init__(self, carry_out: Callable[[str], object], names: Callable[[], tuple[str, ...]] = tuple) -> None:
        self._carry_out, self._names = carry_out, names
        self._undo: dict[int, list[str]] = {}

    def can(self, edit: Edit, facts: object) -> str | None:
        """Return None where the band can lead this edit now, else why not, in one line."""
        line = command_of(edit, _tempo(facts), _meter(facts))
        return None if line and not line.startswith("!") else line[1:] if line else "I cannot lead that"

    def lead(self, edits: Sequence[Edit], step: int, facts: object) -> str:
        """Begin to lead; return when it is heard."""
        said: list[str] = []
        for edit in edits:
            line = command_of(edit, _tempo(facts), _meter(facts))
            if line is None or line.startswith("!"):
                continue
            try:
                said.append(str(self._carry_out(line)).removeprefix(f"{line}: "))
            except UserError as cause:
                said.append(str(cause))
                continue
            back = reverse_of(line, _tempo(facts))
            if back:
                self._undo.setdefault(step, []).append(back)
                self._undo = dict(list(self._undo.items())[-STEPS_KEPT:])
        return "; ".join(said)

    def release(self, step: int) -> None:
        """Take back what `lead` began under this number; unknown numbers are ignored."""
        for line in reversed(self._undo.pop(step, [])):
            self._carry_out(line)

    def order(self, order: str, value: str = "") -> str | None:
        """Carry out an order to the band as a whole; return what was done, None where it is not one of these."""
        line = f"section {value}" if order == "name" and value else ORDERS.get(order)
        return None if line is None else self._said(line)

    def names(self) -> tuple[str, ...]:
        """Return the names of the sections that `recall` knows."""
        return self._names()

    def recall(self, name: str) -> str | None:
        """Go to a section of this name, on the next one; return what is done, None where it is unknown."""
        return self._said(f"to {name}") if name in self.names() else None

    def lines(self) -> list[str]:
        """Return nothing: what the band has to say of it comes with its decisions."""
        return []

    def _said(self, line: str) -> str:
        try:
            return str(self._carry_out(line)).removeprefix(f"{line}: ")
        except UserError as cause:
            return str(cause)


def command_of(edit: Edit, tempo_bpm: float | None, meter: str) -> str | None:
    """Return the command that leads an edit; "!why" where it cannot be led, None where it is nothing to lead."""
    match edit.dimension, edit.change:
        case "tempo", "set" if edit.value:
            return f"lead {edit.value}"
        case "tempo", "more" | "less":
            return _tempo_step(edit, tempo_bpm)
        case "meter", "set" | "on" | "off":
            return _bar(edit, meter)
        case "length", "more" | "less" if edit.target == "form" and edit.size in (None, "small", "1 bar"):
            return "add bar" if edit.change == "more" else "drop bar"
        case "length", "more" | "less" if edit.target == "form":
            return "!one bar at a time: say `add a bar` again for the next"
        case "section", "set" if edit.value:
            return f"to {edit.value}"
        case "pattern", "set" if edit.value == "count-in":
            return "count"
        case "lead", "set":
            return "lead off"
        case _:
            return None


def edit_of(message: object) -> Edit | None:
    """Return the edit of a riff that a message to lead stands for; None where it is no edit of one."""
    match message:
        case LeadBar(0, None):
            return Edit("form", "meter", "off")
        case LeadBar(bar, None):
            return Edit("form", "meter", "off", scope=f"bar:{bar}")
        case LeadBar(bar, meter):
            return Edit("form", "meter", "set", value=meter, scope=f"bar:{bar}")
        case LeadLength(bars):
            return Edit("form", "length", "more" if bars > 0 else "less", size="1 bar")
        case LeadTempo(bpm, factor) if bpm is None:
            return Edit("band", "tempo", "more" if factor > 1 else "less", size=f"{100 * abs(factor - 1):.0f} %")
        case LeadTempo(bpm):
            return Edit("band", "tempo", "set", value=f"{bpm:g}")
        case _:
            return None


def reverse_of(line: str, tempo_bpm: float | None) -> str:
    """Return the command that takes one back; "" where nothing does."""
    verb, *rest = line.split()
    if verb == "bar":
        return f"bar {rest[0]} off"
    if verb == "lead" and rest != ["off"]:
        return f"lead {tempo_bpm:.0f}" if tempo_bpm else "lead off"
    return {"add": "drop bar", "drop": "add bar"}.get(verb, "")


def _tempo_step(edit: Edit, tempo_bpm: float | None) -> str:
    up = edit.change == "more"
    match = re.fullmatch(r"(\d+(?:\.\d+)?) (bpm|%)", edit.size or "")
    if match is None or tempo_bpm is None:
        return f"lead {'faster' if up else 'slower'}"
    by = float(match[1]) if match[2] == "bpm" else tempo_bpm * float(match[1]) / 100
    return f"lead {tempo_bpm + (by if up else -by):.0f}"


def _bar(edit: Edit, meter: str) -> str:
    place = BAR.fullmatch(edit.scope or "")
    if place and edit.change == "off":
        return f"bar {place[1]} off"
    if not re.fullmatch(r"\d+/\d+", edit.value or ""):
        return "!say which meter, such as: seven eight in bar three"
    if place:
        return f"bar {place[1]} {'off' if edit.value == meter else edit.value}"
    if edit.value == meter or edit.change == "off":
        return "bar all off"
    return f"!every bar in {edit.value}: play it and I follow, or say which bar, such as: {edit.value} in bar three"


def _tempo(facts: object) -> float | None:
    return getattr(facts, "tempo_bpm", None)


def _meter(facts: object) -> str:
    meter = getattr(facts, "meter", None)
    return str(meter) if meter else ""
