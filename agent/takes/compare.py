"""Compares two takes: what was asked in between, which measures moved, and a picture of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import UserError

if TYPE_CHECKING:
    from agent.takes.take_files import Sheet

FIGURE = {  # dimension -> the word in its figures' names
    "level": "level",
    "timing": "late",
    "density": "onsets",
    "register": "pitch",
    "dissonance": "dissonance",
    "resolution": "falling",
    "swing": "swing",
    "tempo": "tempo",
    "syncopation": "syncopation",
}


def account(before: Sheet, after: Sheet) -> str:
    """Return 'take 2 -> take 3: the snare down (you said: ...)'; edits that were undone are named too."""
    added = [one for one in after.asked if one not in before.asked]
    gone = [one for one in before.asked if one not in after.asked]
    said = f' (you said: "{after.sentence}")' if after.sentence else ""
    what = [*describe_short(added), *(f"no longer {one}" for one in describe_short(gone))]
    return f"take {before.number} -> take {after.number}: {'; '.join(what) or 'the same edits'}{said}"


def describe_short(shorts: Sequence[str]) -> list[str]:
    """Return edits in short form (agent/directions/edit.py) as a musician would say them."""
    from agent.directions.edit import Edit
    from agent.language.edit_text import describe_edits

    return list(describe_edits(map(Edit.read, shorts)))


def measured(before: Sheet, after: Sheet) -> list[str]:
    """Return a line such as 'snare level, dB: -10.6 -> -14.6' for each measure that moved, those asked for first, and
    one for the meters."""
    from agent.takes.measures import moved

    asked = {short.split()[0].split(".")[1] for short in after.asked if short not in before.asked}
    named = tuple(FIGURE[dimension] for dimension in asked if dimension in FIGURE)
    rows = [f"{what}: {x:.2f} -> {y:.2f}" for what, x, y in moved(before.measured(), after.measured())]
    rows.sort(key=lambda row: not any(name in row for name in named))
    meters = [" ".join(meter for _, meter in one.bars) for one in (before, after)]
    return [*([f"meters: {meters[0]} -> {meters[1]}"] if meters[0] != meters[1] else []), *rows]


def draw(path: Path, takes: Sequence[Sheet]) -> None:
    """Draw the takes below each other in a PNG. Raises UserError where it cannot be written."""
    from agent.takes.take_plot import contact_sheet

    try:
        contact_sheet(path, takes)
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another with --out") from None
