"""Convert music that was played, tick by tick, to a piece of the responder's corpus (song.py) and back; keep it in
files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from models.corpus.song import Song, load_songs, save_songs
from models.music import tokens
from models.music.features import Events, reply_events
from models.music.tokens import (
    LEVEL_VELOCITY,
    LINE_LOW,
    LINE_OFF,
    LINE_ON,
    PIECES,
    QUALITY_NAMES,
    BassTick,
    ChordHit,
    DrumHit,
    LineHit,
    Position,
    Reply,
)

Played = tuple[Position, BassTick, Reply]  # one tick


def song_of(name: str, played: Sequence[Played], has: tuple[bool, bool, bool], source: str = "player") -> Song:
    """Make a song from the first bar line on. has: which of PARTS are to be learned; the bass always is."""
    first = next((i for i, (place, _, _) in enumerate(played) if place.tick == 0), 0)
    played = played[first:]
    places, basses, replies = zip(*played, strict=True)
    rows = [[_or(b.onset_pitch), b.velocity if b.onset_pitch is not None else 0, _or(b.sounding_pitch)] for b in basses]
    events = Events(np.array(rows), np.array([b.known for b in basses]), *reply_events(replies))
    ticks, bars = np.array([p.tick for p in places]), np.array([p.bar for p in places])
    return Song(name, source, "train", ticks, bars, tuple(p.meter for p in places), events, has)


def played(song: Song) -> Iterator[Played]:
    """Yield every tick of a piece, as the responder steps through it."""
    e = song.events
    places = zip(song.ticks.tolist(), song.bars.tolist(), song.meters, strict=True)
    rows = zip(e.bass.tolist(), e.known.tolist(), e.drums.tolist(), e.chord.tolist(), e.line.tolist(), strict=True)
    for (tick, bar, meter), (bass, known, drums, chord, line) in zip(places, rows, strict=True):
        heard = BassTick(True, _value(bass[0]), bass[1], _value(bass[2])) if known else BassTick.UNKNOWN
        yield Position(tick, bar, meter), heard, _reply(drums, chord, line)


def _reply(drums: list[int], chord: list[int], line: list[int]) -> Reply:
    hits = tuple(DrumHit(PIECES[i], LEVEL_VELOCITY[level]) for i, level in enumerate(drums) if level)
    struck = None
    if chord[0] >= tokens.SAME and chord[2] >= 0:
        struck = ChordHit(chord[2], QUALITY_NAMES[chord[3]], LEVEL_VELOCITY[chord[1]])
    sung = LineHit(line[2] + LINE_LOW, LEVEL_VELOCITY[line[1]]) if line[0] == LINE_ON else None
    return Reply(hits, struck, chord[0] == tokens.OFF, sung, line[0] == LINE_OFF)


def keep(path: Path, song: Song) -> None:
    """Write a piece as a token file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(path.name + ".part.npz")
    save_songs(part, [song])
    part.replace(path)


def kept(folder: Path) -> list[Song]:
    """Read the pieces of every token file in a folder, by name; damaged files are left out."""
    songs: list[Song] = []
    for path in sorted(folder.glob("*.npz")):
        if not path.name.endswith(".part.npz"):
            songs += _read(path)
    return songs


def _read(path: Path) -> list[Song]:
    try:
        return load_songs(path)
    except (ValueError, OSError):
        return []


def _or(pitch: int | None) -> int:
    return -1 if pitch is None else pitch


def _value(pitch: int) -> int | None:
    return pitch if pitch >= 0 else None
