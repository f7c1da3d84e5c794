"""What stands of many directions, summed up: "louder", "louder", "softer" is one step louder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent.directions.active import EVERYWHERE
from agent.directions.edit import Edit
from agent.directions.exceptions import HOLDS
from agent.directions.step_sizes import STEPS, step

WAYS = {"more": 1, "less": -1}
OPPOSITE = {"on": "off", "off": "on"}
KIND = {dimension: dimension for dimension in STEPS} | dict.fromkeys(
    ("dissonance", "resolution", "syncopation"), "dial"
)
STATES = ("tempo", "meter", "key", "sound", "pan", "swing", "section", "lead", "timing")  # "set" replaces what was set


def net_of(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return edits that come to the same, without those that cancel each other out, in the order asked."""
    found: dict[tuple[str, ...], Edit] = {}
    sums: dict[tuple[str, ...], float] = {}
    for edit in edits:
        if edit.change in ("keep", "undo", "recall"):
            continue
        scope = "" if edit.scope in EVERYWHERE else edit.scope or ""
        key: tuple[str, ...] = (edit.target, edit.dimension, scope, edit.condition or "")
        if edit.dimension == "pattern":
            key = (*key, edit.value or "")
        before = found.pop(key, None)
        if edit.change in WAYS and before is None:
            sums[key], found[key] = WAYS[edit.change] * _amount(edit), edit
        elif edit.change in WAYS:
            amount = WAYS[edit.change] * _amount(edit)
            sums[key] = amount + (sums.get(key, 0.0) if before and before.change in WAYS else 0.0)
            if before and before.change not in WAYS:  # a step away from what was set
                found[(*key, "from")] = before
            if abs(sums[key]) > 1e-9:
                found[key] = _of(edit, sums[key])
        elif edit.dimension == "mute" and edit.change == "off":
            found = _unmuted(found, edit)
        elif edit.dimension == "pattern" and edit.change == "off" and before:
            pass
        else:
            found[key] = edit
    return tuple(found.values())


def _amount(edit: Edit) -> float:
    """Return the size of a step in its dimension's unit; 1 where it has none."""
    kind = KIND.get(edit.dimension)
    return abs(step(replace(edit, change="more"), kind, 0.0)) if kind else 1.0


def _of(edit: Edit, amount: float) -> Edit:
    """Return the edit that makes this step, with the size said where it is not the usual one."""
    way, kind = "more" if amount > 0 else "less", STEPS.get(KIND.get(edit.dimension, ""))
    size = None
    if kind and kind.unit and abs(abs(amount) - kind.usual) > 1e-6:
        size = f"{abs(amount):g} {kind.unit}" if kind.unit in ("dB", "%", "ms", "semitone") else "large"
    elif kind and abs(amount) > 1.5 * kind.usual:
        size = "large"
    elif kind and abs(amount) < 0.75 * kind.usual:
        size = "small"
    return replace(edit, change=way, size=size)


def _unmuted(found: dict[tuple[str, ...], Edit], edit: Edit) -> dict[tuple[str, ...], Edit]:
    """Return what stands without the mutes that this edit takes back; of a whole the other parts stay muted."""
    left: dict[tuple[str, ...], Edit] = {}
    for key, one in found.items():
        if one.dimension != "mute" or not (_inside(one.target, edit.target) or _inside(edit.target, one.target)):
            left[key] = one
        elif not _inside(one.target, edit.target):
            parts = (part for part in HOLDS[one.target] if not _inside(edit.target, part))
            left |= {(part, *key[1:]): replace(one, target=part) for part in parts}
    return left


def _inside(target: str, whole: str) -> bool:
    inside = HOLDS.get(whole, ())
    return target == whole or target in inside or any(_inside(target, part) for part in inside)
