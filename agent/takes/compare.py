"""Two takes beside each other: what was asked, what moved, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.core.errors import UserError

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


def account(before: Any, after: Any) -> str:
    """'take 2 -> take 3: snare: less level (you said: ...)'; of an undo what is gone as well."""
    added = [one for one in after.asked if one not in before.asked]
    gone = [one for one in before.asked if one not in after.asked]
    said = f' (you said: "{after.sentence}")' if after.sentence else ""
    what = [*in_words(added), *(f"no longer {one}" for one in in_words(gone))]
    return f"take {before.number} -> take {after.number}: {'; '.join(what) or 'nothing asked differs'}{said}"


def in_words(shorts: Sequence[str]) -> list[str]:
    from agent.directions.edit import Edit
    from agent.language.edit_text import in_words as told

    return list(told(map(Edit.read, shorts)))


def measured(before: Any, after: Any) -> list[str]:
    """'snare level, dB: -10.6 -> -14.6' of every figure that moved, those asked for first; and the meters."""
    from agent.takes.measures import moved

    asked = {short.split()[0].split(".")[1] for short in after.asked if short not in before.asked}
    named = tuple(FIGURE[dimension] for dimension in asked if dimension in FIGURE)
    rows = [f"{what}: {x:.2f} -> {y:.2f}" for what, x, y in moved(before.measured(), after.measured())]
    rows.sort(key=lambda row: not any(name in row for name in named))
    meters = [" ".join(meter for _, meter in one.bars) for one in (before, after)]
    return [*([f"meters: {meters[0]} -> {meters[1]}"] if meters[0] != meters[1] else []), *rows]


def draw(path: Path, takes: Sequence[Any]) -> None:
    """Raises UserError where it cannot be written."""
    from agent.takes.take_plot import contact_sheet

    try:
        contact_sheet(path, takes)
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another with --out") from None
