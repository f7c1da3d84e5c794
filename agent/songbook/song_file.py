"""`Song` is a named song as a file: its sections as they were kept, and the order they are played in.

Files are JSON under songs/ in the data folder, checked as they are read; a damaged one is refused in one line.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

import msgspec

from agent.core import stored
from agent.core.errors import UserError
from agent.core.paths import data_folder
from agent.core.whole_file import write_whole
from agent.song.kept import BARS_MAX, KeptSection
from models.music.tokens import QUALITIES

FOLDER, ENDING = "songs", ".json"
SET_LIST = "set-list.txt"  # names, one a line; without it all songs by name
EditJson = dict[str, str | float]  # of agent/directions/edit.py
SECTIONS_MAX, ORDER_MAX, NAME_MAX = 64, 256, 60
TICKS_MAX, HITS_MAX = 192, 16
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound of a riff. file: its name beside the song; seconds: of the riff; before_s: what lies before it."""

    file: str
    seconds: float
    before_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Song:
    """sections: each with a name of its own; order: names, () = as they are asked for; edits: directions in force in a
    section, as Edit.to_json; sounds: by section; began_s: when it was first saved, played_s: last played, both seconds
    since 1970."""

    name: str
    sections: tuple[KeptSection, ...] = ()
    order: tuple[str, ...] = ()
    edits: dict[str, tuple[EditJson, ...]] = field(default_factory=dict)
    began_s: float = 0.0
    played_s: float = 0.0
    sounds: dict[str, Sound] = field(default_factory=dict)

    def section(self, name: str) -> KeptSection:
        """Return a section by its name. Raises UserError, with the nearest names, where there is none."""
        wanted = plain(name)
        found = next((one for one in self.sections if plain(one.name) == wanted), None)
        if found is not None:
            return found
        names = [one.name for one in self.sections]
        if not names:
            raise UserError(f"no section has a name yet; play one and say: this is the {wanted}")
        near = get_close_matches(wanted, [plain(one) for one in names], 3, 0.5)
        there = [one for one in names if plain(one) in near] or names[:8]
        more = f" and {len(names) - len(there)} more" if len(names) > len(there) and not near else ""
        raise UserError(f"there is no section {name!r}; there is {', '.join(there)}{more}")

    def with_section(self, kept: KeptSection, edits: tuple[EditJson, ...] = ()) -> Song:
        """Return the song with a section put in, in place of one of the same name. Raises UserError for too many."""
        others = [one for one in self.sections if plain(one.name) != plain(kept.name)]
        if len(others) >= SECTIONS_MAX:
            raise UserError(f"a song has {SECTIONS_MAX} sections at most; keep this one under a name that it has")
        at = next((i for i, one in enumerate(self.sections) if plain(one.name) == plain(kept.name)), len(others))
        sections = (*others[:at], kept, *others[at:])
        return replace(self, sections=sections, edits={**self.edits, kept.name: edits})


def plain(name: str) -> str:
    """Return a name as it is compared: "The Verse" and "verse" are one."""
    return re.sub(r"^(?:the|this|our|my) ", "", " ".join(re.findall(r"[\w#]+", name.lower().replace("_", " "))))


def folder() -> Path:
    return data_folder() / FOLDER


def path_of(name: str) -> Path:
    """Return the file of a song. Raises UserError for a name that is none."""
    if not plain(name) or len(name) > NAME_MAX:
        raise UserError(f"song {name[:NAME_MAX]!r}: give a name of 1 to {NAME_MAX} letters")
    return folder() / (re.sub(r"[^\w-]+", "-", plain(name)) + ENDING)


def save(song: Song) -> Path:
    """Write a song whole, or not at all. Raises OSError."""
    path = path_of(song.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, msgspec.json.format(msgspec.json.encode(song), indent=1) + b"\n")
    return path


def load(path: Path) -> Song:
    """Return a song from its file. Raises UserError in one line for one that is missing or damaged."""
    try:
        song: Song = stored.read(path, Song)
    except FileNotFoundError:
        raise UserError(
            f"song {path.stem!r}: there is no such file; `antiphon songs list` says what there is"
        ) from None
    except stored.Damaged as cause:
        raise UserError(f"song {path}: damaged: {cause}") from None
    except OSError as cause:
        raise UserError(f"song {path}: {cause.strerror or cause}") from None
    if trouble := _unsound(song):
        raise UserError(f"song {path}: damaged: {trouble}")
    return song


def _unsound(song: Song) -> str:
    """Return what in a file cannot be played, "" where all can."""
    if len(song.sections) > SECTIONS_MAX or len(song.order) > ORDER_MAX or not 0 < len(song.name) <= NAME_MAX:
        return "too many sections, or no name"
    if any(Path(one.file).name != one.file or not 0 < one.seconds < 600 for one in song.sounds.values()):
        return "a sound that is none"
    for kept in song.sections:
        section, where = kept.section, f"section {kept.name[:NAME_MAX]!r}"
        if (
            not 0 < section.ticks <= TICKS_MAX
            or not 0 < len(kept.bars) <= BARS_MAX
            or len(kept.chords) != len(kept.bars)
        ):
            return f"{where}: bars that cannot be played"
        notes = [note for bar in (*kept.bars, *section.examples) for note in bar.notes]
        if any(
            not (0 <= note.tick < TICKS_MAX and 0 <= note.pitch < 128 and 0 < note.velocity < 128) for note in notes
        ):
            return f"{where}: a note that is none"
        if any(not 0 <= pitch < 128 for one in section.said for _, pitch in one.pitches):
            return f"{where}: a line that cannot be played"
        if any(bar.ticks != section.ticks for bar in kept.bars):
            return f"{where}: bars of another length"
        chords = [chord for bar in kept.chords for chord in bar]
        if any(chord.quality not in QUALITIES or not 0 <= chord.root < 12 for chord in chords):
            return f"{where}: a chord that is none"
        bars = (*section.groove.bars, *(section.beside.bars if section.beside else ()))
        hits = [hit for bar in bars for tick in bar for hit in tick]
        if not section.groove.bars or any(not 0 < hit.velocity < 128 for hit in hits):
            return f"{where}: no groove"
        if kept.quarter_bpm and not 20 <= kept.quarter_bpm <= 400:
            return f"{where}: a tempo of {kept.quarter_bpm:g}"
    return ""


def saved() -> list[Path]:
    """Return the files of all songs, by name."""
    return sorted(path for path in folder().glob(f"*{ENDING}") if path.is_file())


def named(name: str, now_s: float | None = None) -> Song:
    """Return the song of a name, "tuesday" being the newest that was begun on a Tuesday. Raises UserError."""
    wanted = re.sub(r"(?:'s|s)? song$", "", name.lower().strip()).removesuffix("'s")
    files = saved()
    if exact := next((path for path in files if path == path_of(wanted or name)), None):
        return load(exact)
    day = next((day for day in DAYS if day.lower() == plain(wanted)), None)
    if day:
        songs = [song for path in files if (song := _readable(path)) and day_of(song) == day]
        if songs:
            return max(songs, key=lambda song: song.began_s)
    near = get_close_matches(path_of(name).stem, [path.stem for path in files], 3, 0.5)
    there = ", ".join(near or [path.stem for path in files[:8]])
    raise UserError(f"there is no song {name!r}; there is {there}" if there else f"there is no song {name!r} yet")


def _readable(path: Path) -> Song | None:
    try:
        return load(path)
    except UserError:
        return None


def day_of(song: Song) -> str:
    """Return the weekday on which a song was begun."""
    return DAYS[datetime.fromtimestamp(song.began_s).weekday()]


def set_list() -> list[str]:
    """Return the names of the songs in the order of the set list, or all songs by name."""
    path = folder() / SET_LIST
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()[:ORDER_MAX]]
    except (OSError, UnicodeDecodeError):
        lines = []
    return [line for line in lines if line and not line.startswith("#")] or [path.stem for path in saved()]


def ago(then_s: float, now_s: float | None = None) -> str:
    """Return how long ago something was, in words: "a week ago"; "" for never."""
    if not then_s:
        return ""
    days = int(((time.time() if now_s is None else now_s) - then_s) / 86_400)
    if days < 1:
        return "today"
    if days == 1:
        return "yesterday"
    if days < 7:
        return f"{days} days ago"
    weeks = days // 7
    return "a week ago" if weeks == 1 else f"{weeks} weeks ago"
