"""Writes and reads takes as small JSON files, `take-003.json` in the session's folder, for viewing and comparing."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent.core.errors import UserError
from agent.core.music_names import key_name
from agent.core.paths import FOLDER, data_folder
from agent.takes.measures import figures
from agent.takes.performance import Clock, notes_of
from agent.takes.take import Take
from models.timing.drum_timing import Timing

NAME = "take-{number:03d}.json"
NO_TAKES = "no takes are kept yet; `antiphon workshop TAKE.wav` makes some, or name a folder with --from"
Timed = tuple[float, float, int, int]  # on_s, off_s, pitch, velocity


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is saved of a take. sentence: that asked for it; bars: (start_s, meter); notes: by part; figures: the
    measures of agent/takes/measures.py, by name; asked: the edits in force, in short form."""

    number: int
    sentence: str
    says: str
    name: str
    key: str
    tempo_bpm: float
    end_s: float
    bars: tuple[tuple[float, str], ...]
    notes: Mapping[str, tuple[Timed, ...]]
    figures: Mapping[str, float | None]
    asked: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        named = f" {self.name!r}" if self.name else ""
        return f"take {self.number}{named}: {self.says or 'as it came'}"

    def measured(self) -> dict[str, float]:
        return {what: math.nan if value is None else value for what, value in self.figures.items()}


def sheet_of(take: Take, sentence: str = "", timing: Timing | None = None) -> Sheet:
    """Return what is saved of a take; times in seconds. sentence: the one that asked for it."""
    clock = Clock.of(take)
    notes = {
        part: tuple((round(n.on_s, 4), round(n.off_s, 4), n.pitch, n.velocity) for n in played)
        for part, played in notes_of(take, timing).items()
    }
    measured = {what: None if math.isnan(x) else round(x, 4) for what, x in figures(take, timing).items()}
    return Sheet(
        take.number,
        sentence,
        take.says,
        take.name,
        key_name(take.riff.key),
        round(take.riff.tempo_bpm, 2),
        round(clock.starts_s[-1], 4),
        tuple((round(at, 4), str(meter)) for at, meter in zip(clock.bar_starts_s, take.meters, strict=False)),
        notes,
        measured,
        tuple(one.edit.short() for one in take.active_edits.asked),
    )


def write(folder: Path, sheet: Sheet) -> Path:
    """Write a take's file, whole or not at all, and return its path. Raises UserError where it cannot be written."""
    path = folder / NAME.format(number=sheet.number)
    part = path.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(asdict(sheet)), encoding="utf-8")
        os.replace(part, path)
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another folder with --out") from None
    return path


def read(path: Path) -> Sheet:
    """Return the take of a file. Raises UserError where it is not one."""
    try:
        given: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        bars = tuple((float(at), str(meter)) for at, meter in given.pop("bars"))
        notes = {part: tuple(tuple(note) for note in rows) for part, rows in given.pop("notes").items()}
        return Sheet(**{**given, "bars": bars, "notes": notes, "asked": tuple(given["asked"])})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as cause:
        raise UserError(f"{path}: not a take that can be read ({cause}); `antiphon workshop` writes them") from None


def sheets(folder: Path) -> list[Sheet]:
    """Return every take of a session's folder, in order."""
    return [read(path) for path in sorted(folder.glob("take-*.json"))]


def newest() -> Path:
    """Return the folder of the session whose take was written last. Raises UserError where there is none."""
    found = list((data_folder() / FOLDER).glob("*/take-*.json"))
    if not found:
        raise UserError(NO_TAKES)
    return max(found, key=lambda path: path.stat().st_mtime_ns).parent


def chosen(kept: list[Sheet], wanted: str) -> Sheet:
    """Return the take of this number or name, or the last for "last". Raises UserError where there is none."""
    for one in reversed(kept):
        if wanted.lower() in (str(one.number), one.name.lower()) or (wanted == "last" and one is kept[-1]):
            return one
    there = ", ".join(str(one.number) + (f" ({one.name})" if one.name else "") for one in kept)
    raise UserError(f"take {wanted!r}: there is none; allowed: {there}" if there else NO_TAKES)
