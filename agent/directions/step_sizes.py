"""`STEPS` gives the step of each dimension as numbers: the usual one, a smaller one ("a bit"), a larger one ("way")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.directions.edit import Edit

NUMBER = re.compile(r"([\d.]+) (dB|%|ms|bpm|octave|semitone|bar)")


@dataclass(frozen=True, slots=True)
class Step:
    """The steps of a dimension. usual, small, large: step sizes in `unit`; low, high: the range of the value."""

    unit: str
    usual: float
    small: float
    large: float
    low: float
    high: float


STEPS: dict[str, Step] = {
    "level": Step("dB", 4.0, 2.0, 8.0, -40.0, 12.0),
    "intensity": Step("dB", 3.0, 1.5, 6.0, -20.0, 9.0),
    "dial": Step("rank", 0.25, 0.12, 0.45, 0.0, 1.0),
    "density": Step("", 1.0, 0.5, 2.0, -2.0, 2.0),
    "timing": Step("ms", 12.0, 6.0, 22.0, -40.0, 60.0),
    "swing": Step("", 0.06, 0.03, 0.12, 0.5, 0.75),
    "tempo": Step("%", 6.0, 3.0, 15.0, 50.0, 200.0),
    "register": Step("semitone", 12.0, 12.0, 12.0, -24.0, 24.0),
    "brightness": Step("octave", 1.0, 0.5, 2.0, -4.0, 3.0),
    "reverb": Step("%", 20.0, 10.0, 40.0, -100.0, 100.0),
    "width": Step("%", 40.0, 20.0, 80.0, -100.0, 100.0),
    "variation": Step("", 0.25, 0.12, 0.45, 0.0, 1.0),
    "looseness": Step("", 0.4, 0.2, 0.6, 0.0, 2.0),
}
PER_OCTAVE = 12.0


def step(edit: Edit, kind: str, now: float) -> float:
    """Return the value `now` after the edit's more or less, within the limits of STEPS[kind].

    25 % counts as one usual step, unless the dimension itself is in percent.
    """
    rule = STEPS[kind]
    amount = _amount(edit.size, rule, now)
    sign = 1 if edit.change in ("more", "on") else -1
    return min(max(now + sign * amount, rule.low), rule.high)


def _amount(size: str | None, rule: Step, now: float) -> float:
    if size is None:
        return rule.usual
    if size in ("small", "large"):
        return rule.small if size == "small" else rule.large
    match = NUMBER.fullmatch(size)
    assert match, size
    number, unit = float(match[1]), match[2]
    if unit == rule.unit:
        return number
    if unit == "octave" and rule.unit == "semitone":
        return number * PER_OCTAVE
    if unit == "%":
        return rule.usual * number / 25  # a quarter more is a usual step
    return rule.usual


def number_in(value: str | None) -> float | None:
    """Return the first number in a value such as "96", "96 bpm" or "15 ms"; None where there is none."""
    match = re.search(r"-?\d+(\.\d+)?", value or "")
    return float(match[0]) if match else None
