"""Writes and reads takes as small JSON files, `take-003.json` in the session's folder, for viewing and comparing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from agent.core import stored
from agent.core.errors import UserError
from agent.core.music_names import key_name
from agent.core.paths import FOLDER, data_folder
from agent.core.stored import Pitch, StreamTime, Velocity, Word
from agent.core.whole_file import write_whole
from agent.directions.edit import Edit
from agent.takes.measures import figures
from agent.takes.performance import Clock, notes_of
from agent.takes.take import Take
from models.timing.drum_timing import Timing

TAKES_MAX = 10_000  # of a session that are read
NAME = "take-{number:03d}.json"
NO_TAKES = "no takes are kept yet; `antiphon workshop TAKE.wav` makes some, or name a folder with --from"
Timed = tuple[StreamTime, StreamTime, Pitch, Velocity]  # on_s, off_s


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is saved of a take. sentence: that asked for it; bars: (start_s, meter); notes: by part; figures: the
    measures of agent/takes/measures.py, by name; asked: the edits in force, in short form."""

    number: Annotated[int, Meta(ge=0, le=1_000_000)]
    sentence: str
    says: str
    name: str
    key: Word
    tempo_bpm: Annotated[float, Meta(ge=5.0, le=2_000.0)]
    end_s: StreamTime
    bars: tuple[tuple[StreamTime, Word], ...]
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(asdict(sheet)).encode())
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another folder with --out") from None
    return path


def read(path: Path) -> Sheet:
    """Return the take of a file. Raises UserError where it is not one."""
    try:
        sheet: Sheet = stored.read(path, Sheet)
        return replace(sheet, asked=tuple(filter(_is_edit, sheet.asked)))
    except (OSError, stored.Damaged) as cause:
        reason = getattr(cause, "strerror", None) or cause
        raise UserError(f"{path}: not a take that can be read ({reason}); `antiphon workshop` writes them") from None


def _is_edit(short: str) -> bool:
    try:
        return bool(Edit.read(short))
    except ValueError:
        return False


def sheets(folder: Path) -> list[Sheet]:
    """Return every take of a session's folder that can be read, in order. Raises UserError where none can."""
    found, failed = list[Sheet](), list[UserError]()
    for path in sorted(folder.glob("take-*.json"))[:TAKES_MAX]:
        try:
            found.append(read(path))
        except UserError as cause:
            failed.append(cause)
    if failed and not found:
        raise failed[0]
    return found


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
