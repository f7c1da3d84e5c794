"""Find the style of a training piece, where its source names it: MMA's groove names and the Groove dataset's labels."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

from models.corpus.song import Song
from models.music.dials import STYLES

WORDS: dict[str, str] = {  # the first style with a word in the groove's name has it
    "metal": "metal",
    "blues": "blues boogie boggie",
    "jazz": "jazz swing bebop bigband basie foxtrot charleston dixie broadway softshoe",
    "latin": "latin samba salsa bossa mambo rhumba beguine bolero tango merengue son. chacha afro quando highlife",
    "funk": "funk fusion neworleans",
    "hiphop": "hiphop hip-hop r+b rb. modernrb",
    "soul": "soul motown gospel",
    "country": "country folk bluegrass western zydeco polka desert",
    "dance": "dance techno trance house rave disco ambient boneym",
    "ballad": "ballad serenade",
    "rock": "rock twist punk ska 8beat 16beat",
    "pop": "pop 16shuffle reggae",
}


def style_of(name: str) -> str | None:
    """Return the style of a path, 'stdlib/jazzwaltz.mma' -> 'jazz'; None when no word fits."""
    if name in STYLES:
        return name
    own = name.rsplit("/", 1)[-1]
    return next((style for style, words in WORDS.items() if any(word in own for word in words.split())), None)


def mma_styles(shared: Path) -> dict[str, str | None]:
    """Map the MIDI file name of every MMA piece to its style; OSError without the data."""
    with lzma.open(shared / "data" / "band" / "mma" / "index.jsonl.xz", "rt", encoding="utf-8") as lines:
        entries = [json.loads(line) for line in lines]
    return {f"{entry['i']:05d}.mid": style_of(entry["groove"]) for entry in entries}


def styles_of(songs: list[Song], shared: Path) -> list[str | None]:
    """Return the style of each song; composed sources name none."""
    mma = mma_styles(shared) if any(song.source == "mma" for song in songs) else {}
    return [mma.get(song.name) if song.source == "mma" else _groove_style(song) for song in songs]


def _groove_style(song: Song) -> str | None:
    return style_of(song.name.split(":", 1)[0]) if song.source == "groove" else None
