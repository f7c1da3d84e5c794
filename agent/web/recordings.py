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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

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


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a session that the player marked."""

    at_s: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """What the player gave a session: a name, and marks in their order."""

    name: str = ""
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class About:
    """A session as the list shows it. mix, stems: names of files; midi: whether there is a session.mid."""

    session: str
    seconds: float
    bytes: int
    mix: str | None
    stems: tuple[str, ...]
    midi: bool
    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes of a session, each (part, on in seconds, off, pitch, velocity), and where the last one ends."""

    notes: tuple[tuple[str, float, float, int, int], ...]
    seconds: float


class Recordings:
    """The sessions in one folder. Raises UserError for what there is not, or what cannot be done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[About]:
        """Return each session, the newest first: its folder, name, seconds, marks, and what there is to play."""
        return [self._about(one) for one in sorted(self._sessions(), reverse=True)]

    def sound(self, session: str, file: str) -> Path:
        """Return a file of a session, to be sent."""
        found = self._files(session).get(file)
        if found is None:
            raise UserError(f"{session} has no file {file!r}")
        return found

    def notes(self, session: str) -> Notes:
        """Return the notes of session.mid: part, on and off in seconds, pitch, velocity; and the length."""
        path = self._files(session).get(MIDI)
        if path is None:
            raise UserError(f"{session} has no {MIDI} yet")
        try:
            return _notes(mido.MidiFile(path, clip=True))
        except (OSError, ValueError, EOFError, IndexError, KeyError):
            raise UserError(f"{session}: {MIDI} is damaged; `antiphon recover` makes it anew") from None

    def label(self, session: str, name: str | None, marks: Sequence[Mark] | None) -> Label:
        """Keep a name or marks; return what is kept now. Such a session is not dropped for room."""
        folder = self._at(session)
        old = _label(folder)
        kept = Label(
            old.name if name is None else "".join(c for c in name if c.isprintable())[:NAME_MAX].strip(),
            old.marks if marks is None else _sorted(marks),
        )
        try:
            write_whole(folder / LABEL, json.dumps(asdict(kept), ensure_ascii=False).encode(), mode=0o600)
            if kept.name or kept.marks:
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
        pipe = _Pipe()
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

    def _about(self, session: str) -> About:
        files = self._files(session)
        mix = next((name for name in files if name.startswith("mix.")), None)
        seconds = 0.0
        if mix:
            with contextlib.suppress(sf.LibsndfileError, OSError):
                seconds = float(sf.info(files[mix]).duration)
        size = sum(path.stat().st_size for path in files.values() if path.exists())
        stems = tuple(sorted(name for name in files if name.endswith(SOUNDS) and name != mix))
        label = _label(self._folder / session)
        return About(session, round(seconds, 1), size, mix, stems, MIDI in files, label.name, label.marks)


class _Pipe:
    """What zipfile writes to: keeps the bytes until they are taken."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def write(self, piece: bytes) -> int:
        self._kept += piece
        return len(piece)

    def flush(self) -> None:
        return

    def close(self) -> None:
        return

    def taken(self) -> bytes:
        taken, self._kept = bytes(self._kept), bytearray()
        return taken


def _label(folder: Path) -> Label:
    try:
        found: Label = stored.read(folder / LABEL, Label)
    except (OSError, stored.Damaged):
        return Label()
    return Label(found.name[:NAME_MAX], _sorted(found.marks))


def marks_of(given: object) -> list[Mark]:
    """Return marks as a page sends them. Raises UserError for anything else."""
    try:
        found: list[Mark] = stored.convert(given, list[Mark])
    except stored.Damaged:
        raise UserError('marks are a list such as [{"at_s": 12.5, "text": "the good bit"}]') from None
    return found


def _sorted(marks: Sequence[Mark]) -> tuple[Mark, ...]:
    kept = [Mark(round(one.at_s, 2), one.text[:NAME_MAX]) for one in marks if 0 <= one.at_s < 1e6]
    return tuple(sorted(kept, key=lambda one: one.at_s)[:MARKS_MAX])


def _notes(file: mido.MidiFile) -> Notes:
    notes: list[tuple[str, float, float, int, int]] = []
    tempi = _tempo_map(file)
    for track in file.tracks:
        tick, part = 0, track.name.split(" ")[0].lower() or "?"
        open_notes: dict[int, tuple[int, int]] = {}
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                open_notes[message.note] = (tick, message.velocity)
            elif message.type in ("note_on", "note_off") and message.note in open_notes:
                on, velocity = open_notes.pop(message.note)
                notes.append((part, tempi(on), tempi(tick), message.note, velocity))
    notes.sort(key=lambda one: one[1])
    return Notes(tuple(notes[:NOTES_MAX]), max((one[2] for one in notes), default=0.0))


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
