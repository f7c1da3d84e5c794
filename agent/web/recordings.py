"""Shows the recorded sessions to the page: lists, notes, sound, a zip, names and marks; deletes on request.

Nothing outside the sessions folder is read or written: a session is a folder of that name in the listing, no link is
followed, and a file is one of those that a session has.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mido
import soundfile as sf

from agent.core import stored
from agent.core.errors import UserError
from agent.core.whole_file import write_whole
from agent.recording.disk_space import MARK

LABEL = "label.json"  # of a session: its name and its marks, as the player gave them
EVENTS, MIDI, MIX = "events.jsonl", "session.mid", "mix.wav"
SOUNDS = (".wav", ".flac", ".mp3", ".opus", ".ogg")
MORE = (MIDI, "pianoroll.png")
MARKS_MAX, NAME_MAX = 200, 60
PIECE_BYTES = 1 << 20
NOTES_MAX = 20_000


class Recordings:
    """The sessions in one folder. Raises UserError for what there is not, or what cannot be done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[dict[str, Any]]:
        """Return each session, the newest first: its folder, name, seconds, marks, and what there is to play."""
        return [self._about(one) for one in sorted(self._sessions(), reverse=True)]

    def sound(self, session: str, file: str) -> Path:
        """Return a file of a session, to be sent."""
        found = self._files(session).get(file)
        if found is None:
            raise UserError(f"{session} has no file {file!r}")
        return found

    def notes(self, session: str) -> dict[str, Any]:
        """Return the notes of session.mid: part, on and off in seconds, pitch, velocity; and the length."""
        path = self._files(session).get(MIDI)
        if path is None:
            raise UserError(f"{session} has no {MIDI} yet")
        try:
            return _notes(mido.MidiFile(path, clip=True))
        except (OSError, ValueError, EOFError, IndexError, KeyError):
            raise UserError(f"{session}: {MIDI} is damaged; `antiphon recover` makes it anew") from None

    def label(self, session: str, name: str | None, marks: list[dict[str, Any]] | None) -> dict[str, Any]:
        """Keep a name or marks (at_s, text); return what is kept now. Such a session is not dropped for room."""
        folder = self._at(session)
        kept = _label(folder)
        if name is not None:
            kept["name"] = "".join(c for c in name if c.isprintable())[:NAME_MAX].strip()
        if marks is not None:
            kept["marks"] = _marks(marks)
        try:
            write_whole(folder / LABEL, json.dumps(kept, ensure_ascii=False).encode(), mode=0o600)
            if kept["name"] or kept["marks"]:
                (folder / MARK).touch(mode=0o600)
        except OSError as cause:
            raise UserError(f"{session}: the name was not kept: {cause.strerror or cause}") from None
        return kept

    def delete(self, session: str, playing: str) -> None:
        """Delete a session's folder, unless it is the one that is being recorded."""
        folder = self._at(session)
        if session == playing:
            raise UserError(f"{session} is being recorded; stop the session first")
        try:
            shutil.rmtree(folder)
        except OSError as cause:
            raise UserError(f"{session} was not deleted: {cause.strerror or cause}") from None

    def zip(self, session: str) -> Iterator[bytes]:
        """Yield a zip archive of a session's MIDI, stems and mix, piece by piece: never more than a piece in memory."""
        files = self._files(session)
        pipe: Any = _Pipe()
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
            for name, path in sorted(files.items()):
                about = zipfile.ZipInfo.from_file(path, f"{session}/{name}")
                with contextlib.suppress(OSError), path.open("rb") as source, archive.open(about, "w") as target:
                    while piece := source.read(PIECE_BYTES):
                        target.write(piece)
                        yield pipe.taken()
        yield pipe.taken()

    def _sessions(self) -> list[str]:
        try:
            with os.scandir(self._folder) as found:
                folders = [one for one in found if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")]
        except OSError:
            return []
        return [one.name for one in folders if (Path(one.path) / EVENTS).is_file()]

    def _at(self, session: str) -> Path:
        if session not in self._sessions():
            raise UserError(f"no session {session!r}; the list shows all")
        return self._folder / session

    def _files(self, session: str) -> dict[str, Path]:
        with os.scandir(self._at(session)) as found:
            plain = [one for one in found if one.is_file(follow_symlinks=False)]
        return {one.name: Path(one.path) for one in plain if one.name.endswith(SOUNDS) or one.name in MORE}

    def _about(self, session: str) -> dict[str, Any]:
        files = self._files(session)
        mix = next((name for name in files if name.startswith("mix.")), None)
        seconds = 0.0
        if mix:
            with contextlib.suppress(sf.LibsndfileError, OSError):
                seconds = float(sf.info(files[mix]).duration)
        size = sum(path.stat().st_size for path in files.values() if path.exists())
        sounds = sorted(name for name in files if name.endswith(SOUNDS) and name != mix)
        about = {"session": session, "seconds": round(seconds, 1), "bytes": size, "mix": mix, "stems": sounds}
        return about | {"midi": MIDI in files} | _label(self._folder / session)


class _Pipe:
    """What zipfile writes to: keeps the bytes until they are taken."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def write(self, piece: bytes) -> int:
        self._kept += piece
        return len(piece)

    def flush(self) -> None:
        return

    def taken(self) -> bytes:
        taken, self._kept = bytes(self._kept), bytearray()
        return taken


def _label(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = stored.read(folder / LABEL, dict[str, Any])
        return {"name": str(found.get("name", ""))[:NAME_MAX], "marks": _marks(found.get("marks", []))}
    except (OSError, stored.Damaged, UserError):
        return {"name": "", "marks": []}


def _marks(given: Any) -> list[dict[str, Any]]:
    try:
        marks: list[dict[str, Any]] = [
            {"at_s": round(float(one["at_s"]), 2), "text": str(one.get("text", ""))[:NAME_MAX]} for one in given
        ]
    except (TypeError, ValueError, KeyError, AttributeError):
        raise UserError('marks are a list such as [{"at_s": 12.5, "text": "the good bit"}]') from None
    kept = [one for one in marks if 0 <= one["at_s"] < 1e6]
    return sorted(kept, key=lambda one: one["at_s"])[:MARKS_MAX]


def _notes(file: mido.MidiFile) -> dict[str, Any]:
    notes: list[list[Any]] = []
    tempi = _tempo_map(file)
    for track in file.tracks:
        tick, open_notes, part = 0, {}, track.name.split(" ")[0].lower() or "?"
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                open_notes[message.note] = (tick, message.velocity)
            elif message.type in ("note_on", "note_off") and message.note in open_notes:
                on, velocity = open_notes.pop(message.note)
                notes.append([part, tempi(on), tempi(tick), message.note, velocity])
    notes.sort(key=lambda one: one[1])
    return {"notes": notes[:NOTES_MAX], "seconds": max((one[2] for one in notes), default=0.0)}


def _tempo_map(file: mido.MidiFile) -> Callable[[int], float]:
    """Return what turns a tick of the file into seconds."""
    changes, seconds = [(0, 0.0, 500_000)], 0.0
    tick = 0
    for message in file.tracks[0] if file.tracks else ():
        tick += message.time
        if message.type == "set_tempo":
            last, since_s, tempo = changes[-1]
            seconds = since_s + mido.tick2second(tick - last, file.ticks_per_beat, tempo)
            changes.append((tick, seconds, message.tempo))
    ticks = [one[0] for one in changes]

    def seconds_at(tick: int) -> float:
        since, seconds, tempo = changes[bisect_right(ticks, tick) - 1]
        return round(seconds + float(mido.tick2second(tick - since, file.ticks_per_beat, tempo)), 3)

    return seconds_at
