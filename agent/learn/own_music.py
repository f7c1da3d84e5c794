"""Reads a folder of a player's own music as material to practise from: MIDI files, and sound of a bass by ear.

Beside the player's material, own/ holds a token file a piece, what was used and what was not (report.txt), and what
was learned when (learned.json). Some songs are held out: they are not learned from, and what was learned is compared
on them before it is used.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from tqdm import tqdm

from agent.core import stored
from agent.core.errors import UserError
from agent.core.whole_file import write_whole
from agent.listen.file_listener import listen_file
from agent.listen.gathered import Hearing
from agent.memory import practice
from agent.memory.store import Memory
from agent.takes.riff import Bar, runs_of
from models.corpus import own_midi, played_pieces
from models.corpus.song import SPLITS, Song
from models.music.tick_grid import MIN_BARS
from models.music.tokens import EMPTY_REPLY, PARTS, Position

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
LONGEST_S = 1200.0  # of a sound file
PIECES_MAX = 1000
REASONS_SHOWN = 5
STEPS, STEPS_A_PIECE, STEPS_MAX = 80, 2, 400


class Learned(msgspec.Struct, frozen=True):
    """What was learned last. folder: where it was read. before: version of the adapter then in use, 0 = none. steps: of
    the training."""

    folder: str
    before: int
    steps: int = STEPS


@dataclass(frozen=True, slots=True)
class OwnMusic:
    """What a folder gives to learn from. songs: each with its side; skipped: (name, reason)."""

    songs: tuple[Song, ...]
    skipped: tuple[tuple[str, str], ...]

    @property
    def held_out(self) -> int:
        return sum(song.split == "test" for song in self.songs)


def own_folder(memory: Memory, player_id: int) -> Path:
    return practice.folder_of(memory, player_id) / practice.OWN


def learn(
    memory: Memory, player_id: int, folder: Path, **options: int | str | Path
) -> tuple[OwnMusic, subprocess.Popen[bytes]]:
    """Read a folder, keep it as the player's own music in place of what was read before, and start practice.

    Returns what was read, and the practice's process. options: as of practice.practise. Raises UserError: no such
    folder, nothing or too little in it that can be used, or a practice is running.
    """
    if practice.is_running(memory, player_id):
        raise UserError("a practice is running; `antiphon learn` shows how far it is")
    found = read(folder)
    if not found.songs:
        raise UserError(f"{folder}: none of its {len(found.skipped)} files can be used; {_commonest(found.skipped)}")
    own, last = own_folder(memory, player_id), learned(memory, player_id)
    in_use = memory.adapter(player_id)
    before = last.before if last else in_use["version"] if in_use else 0
    steps = min(STEPS + STEPS_A_PIECE * len(found.songs), STEPS_MAX)
    shutil.rmtree(own, ignore_errors=True)
    for number, song in enumerate(found.songs):
        played_pieces.keep(own / f"{number:06d}.npz", song)
    write_whole(own / "report.txt", ("\n".join(report(folder, found)) + "\n").encode(), mode=0o600)
    write_whole(own / "learned.json", msgspec.json.encode(Learned(str(folder.resolve()), before, steps)), mode=0o600)
    process = practice.practise(memory, player_id, **{"steps": steps, **options})
    if process is None:
        raise UserError(f"{folder}: fewer than {practice.FEWEST_TICKS} sixteenths of music; give more than that")
    return found, process


def go_on(memory: Memory, player_id: int) -> None:
    """Start the practice again where one that learned from a folder was killed; else do nothing."""
    last, state = learned(memory, player_id), practice.next_stem(memory, player_id).name + "-state.json"
    if last and (practice.folder_of(memory, player_id) / state).exists():
        practice.practise(memory, player_id, steps=last.steps)


def learned(memory: Memory, player_id: int) -> Learned | None:
    """Return what was learned last; None where there is nothing."""
    try:
        found: Learned = stored.read(own_folder(memory, player_id) / "learned.json", Learned)
    except (OSError, stored.Damaged):
        return None
    return found


def progress(memory: Memory, player_id: int) -> tuple[int, int]:
    """Return (all steps, steps done) of the practice that runs."""
    words = practice.last_said(memory, player_id).split()
    if len(words) == 4 and words[0] == "step" and words[1].isdigit() and words[3].isdigit():
        return int(words[3]), int(words[1])
    return 0, 0


def outcome(memory: Memory, player_id: int) -> Iterator[str]:
    """Yield what came of the last practice, in words, and what was learned from."""
    last, done = learned(memory, player_id), practice.result(memory, player_id)
    if last:
        yield f"learned from: {last.folder}"
    if done is None:
        ended = practice.last_said(memory, player_id)
        yield f"the last practice did not end: {ended}" if ended else "nothing has been learned yet"
        return
    compared = "on what was held out" if done.held_out else "on pieces kept apart"
    change = 100 * (1 - done.after / done.before) if done.before else 0.0
    yield f"{compared}: {done.before:.3f} -> {done.after:.3f} nats a 16th ({change:.1f}% better foretold)"
    yield "used from the next session on" if done.is_used else "not used: it foretells hardly better than before"


def undo(memory: Memory, player_id: int) -> int:
    """Forget the player's own music and use the adapter from before it; return that one's version, 0 = none.

    Raises UserError: nothing was learned. What was practised since from playing is practised again, without it.
    """
    last = learned(memory, player_id)
    if last is None:
        raise UserError("nothing was learned from a folder; there is nothing to undo")
    practice.stop(memory, player_id)
    shutil.rmtree(own_folder(memory, player_id), ignore_errors=True)
    there = memory.versions(player_id)
    version = memory.roll_back(player_id, last.before if last.before in there else 0)
    practice.practise(memory, player_id)
    return version


def read(folder: Path) -> OwnMusic:
    """Read every MIDI and sound file below a folder. Raises UserError: no such folder, or none of them in it."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name one with MIDI files or recordings of your bass in it")
    paths = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink() and not p.name.startswith(".")]
    sounds = [path for path in paths if path.suffix.lower() in SOUNDS]
    songs: list[Song] = []
    skipped: list[tuple[str, str]] = []
    keys: dict[str, str] = {}
    file_of: dict[str, str] = {}
    if any(path.suffix.lower() in own_midi.SUFFIXES for path in paths):
        midi = own_midi.read(folder, alone=True)
        songs += [own_midi.song_of(piece, "train") for piece in midi.pieces]
        keys |= {piece.name: piece.keys[1] for piece in midi.pieces}
        file_of |= midi.song
        skipped += midi.skipped
    elif not sounds:
        kinds = ", ".join((*own_midi.SUFFIXES, *SOUNDS))
        raise UserError(f"{folder}: no MIDI and no sound files ({kinds}) in it or below")
    for path in tqdm(sounds, desc="listening", mininterval=2.0, disable=not sounds):
        name = path.relative_to(folder).as_posix()
        try:
            pieces = heard(path, name)
        except (UserError, ValueError, OSError) as why:
            skipped.append((name, str(why).removeprefix(f"{path}: ")))
            continue
        songs += pieces
        keys |= {piece.name: _key(piece) for piece in pieces}
        file_of |= {piece.name: name for piece in pieces}
    if len(set(file_of.values())) >= own_midi.MIN_SONGS:
        side = own_midi.sides(keys, file_of)
        songs = [replace(song, split=side[song.name]) for song in songs]
    return OwnMusic(tuple(songs[:PIECES_MAX]), (*skipped, *((s.name, "more than is used") for s in songs[PIECES_MAX:])))


def heard(path: Path, name: str) -> list[Song]:
    """Return the pieces of a recorded bass: its runs of whole bars. UserError: too few bars were heard."""
    hearing = Hearing()
    for _ in listen_file(str(path), hearing, (None, None), None, LONGEST_S):
        pass
    runs = [run for run in runs_of(list(hearing.notes.values()), hearing.beats) if len(run) >= MIN_BARS]
    if not runs:
        raise UserError(f"{path}: fewer than {MIN_BARS} whole bars of bass in a row were heard")
    return [_song(f"{name} ({number})", run) for number, run in enumerate(runs, 1)]


def _song(name: str, bars: Sequence[Bar]) -> Song:
    played = [
        (Position(tick, number, bar.meter), bass, EMPTY_REPLY)
        for number, bar in enumerate(bars)
        for tick, bass in enumerate(bar.basses)
    ]
    return played_pieces.song_of(name, played, (False, False, False), own_midi.SOURCE)


def _key(song: Song) -> str:
    return own_midi.digest([(int(tick), False, int(pitch)) for tick, (pitch, _, _) in enumerate(song.events.bass)])


def report(folder: Path, found: OwnMusic) -> Iterator[str]:
    """Yield what was used and what was not and why: counts first, then every file."""
    yield from summary(folder, found)
    yield ""
    for song in found.songs:
        parts = " ".join(part for part, there in zip(PARTS, song.has, strict=True) if there) or "bass alone"
        kept = "held out" if song.split == "test" else "learned"
        yield f"{kept:9s} {song.name}: {int(song.bars[-1]) + 1} bars of {song.meter}, {parts}"
    for name, why in found.skipped:
        yield f"{'not used':9s} {name}: {why}"


def summary(folder: Path, found: OwnMusic) -> Iterator[str]:
    sides = Counter(song.split for song in found.songs)
    learning = len(found.songs) - sides[SPLITS[-1]]
    bars = sum(int(song.bars[-1]) + 1 for song in found.songs)
    yield f"{folder}: {len(found.songs)} pieces of {bars} bars are used, {len(found.skipped)} files are not"
    if found.held_out:
        yield f"{learning} are learned from, {found.held_out} held out to compare before and after"
    else:
        yield f"all {learning} are learned from: fewer than {own_midi.MIN_SONGS} songs leave none to compare on"
    for why, count in Counter(own_midi.general(why) for _, why in found.skipped).most_common(REASONS_SHOWN):
        yield f"not used: {count} × {why}"


def _commonest(skipped: Sequence[tuple[str, str]]) -> str:
    (why, count), *_ = Counter(own_midi.general(why) for _, why in skipped).most_common(1)
    return f"mostly ({count}): {why}"
