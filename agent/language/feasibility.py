"""Checks whether edits can be carried out: that meters, tempi, bars and takes exist, and that no two contradict."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.directions.edit import Edit
from agent.language import reply_text
from agent.sounds.instruments import named

NOT_YET = {  # dimension or pattern -> why the band understands it and cannot do it
    "section": "I know no sections by name yet, so I stay in this one",
    "lead=band": "I only follow, so far: you lead",
    "count-in": "I cannot count in yet: play, and I come in with you",
    "when": "I cannot tie that to what you play yet, so I leave it",
}
SOUNDING = ("drums", "chords")  # what the line can play the chords can, too
TEMPO_BPM = (20.0, 480.0)
METER_BEATS = 32
METER_UNITS = (1, 2, 4, 8, 16, 32)


def trouble(edits: Sequence[Edit], bars: int | None = None, takes: Sequence[str] | None = None) -> str | None:
    """One line for the first edit that cannot be, else None. bars, takes: those there are, None = not known."""
    for edit in edits:
        found = _bad_meter(edit) or _bad_tempo(edit) or _bad_place(edit, bars) or _bad_take(edit, takes)
        if found:
            return found
    return contradiction(edits)


def not_yet(edit: Edit) -> str:
    """Return why an edit is understood and cannot be done yet, "" where it can."""
    if (edit.condition or "").startswith("when "):
        return NOT_YET["when"]
    if edit.change == "keep":
        return ""
    if edit.dimension == "sound" and edit.change != "off" and not any(named(edit.value, part) for part in SOUNDING):
        return f"I have no {edit.value}: `antiphon sounds list` says what I have"
    return (
        NOT_YET.get(edit.dimension)
        or NOT_YET.get(f"{edit.dimension}={edit.value}")
        or NOT_YET.get(edit.value or "", "")
    )


def _bad_meter(edit: Edit) -> str | None:
    match = re.fullmatch(r"(\d+)/(\d+)", edit.value or "") if edit.dimension == "meter" else None
    if match is None or (0 < int(match[1]) <= METER_BEATS and int(match[2]) in METER_UNITS):
        return None
    return reply_text.METER.format(meter=edit.value)


def _bad_tempo(edit: Edit) -> str | None:
    if (
        edit.dimension != "tempo"
        or not re.fullmatch(r"\d+(\.\d+)?", edit.value or "")
        or TEMPO_BPM[0] <= float(edit.value or 0) <= TEMPO_BPM[1]
    ):
        return None
    return reply_text.TEMPO.format(tempo=edit.value, low=TEMPO_BPM[0], high=TEMPO_BPM[1])


def _bad_place(edit: Edit, bars: int | None) -> str | None:
    named = [
        int(number)
        for number in re.findall(r"\d+", edit.scope or "")
        if str(edit.scope).startswith(("bar", "from", "until"))
    ]
    if not named or re.fullmatch(r"bars:(\d+|last-\d+)", edit.scope or ""):
        return None
    if min(named) >= 1 and (bars is None or max(named) <= bars):
        return None
    return reply_text.BAR.format(bar=min(named) or max(named) if bars is None else max(named), bars=bars or "known")


def _bad_take(edit: Edit, takes: Sequence[str] | None) -> str | None:
    if takes is None or edit.dimension != "take" or edit.change not in ("recall", "keep"):
        return None
    unknown = [take for take in (edit.value or "").split() if take.isdecimal() and take not in takes]
    return reply_text.TAKE.format(take=unknown[0], takes=", ".join(takes) or "none") if unknown else None


FEELS = {"half-time", "double-time"}


def contradiction(edits: Sequence[Edit]) -> str | None:
    """One line when two edits of one sentence pull the same thing both ways in the same place."""
    for number, one in enumerate(edits):
        for other in edits[number + 1 :]:
            same = (one.target, one.dimension) == (other.target, other.dimension)
            near = other.scope == one.scope or (other.scope is None and {one.change, other.change} == {"more", "less"})
            if same and near and other.condition == one.condition and _opposed(one, other):
                return reply_text.CONTRADICTION.format(one=reply_text.said(one), other=reply_text.said(other))
    return None


def _opposed(one: Edit, other: Edit) -> bool:
    if {one.change, other.change} == {"set"}:
        grouped = one.dimension == "meter" and ("+" in str(one.value)) != ("+" in str(other.value))
        either = one.dimension in ("tempo", "meter", "key", "timing", "pan") or {one.value, other.value} == FEELS
        return one.value != other.value and either and not grouped
    pairs = ({"more", "less"}, {"on", "off"}, {"more", "keep"}, {"less", "keep"}, {"more", "off"})
    return {one.change, other.change} in pairs and one.value == other.value
