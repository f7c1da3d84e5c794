"""Writes title, tempo and key into a sound file: ID3v2.4 in MP3, Vorbis comments in FLAC.

ID3v2.4: https://id3.org/id3v2.4.0-structure; FLAC's metadata blocks: RFC 9639, section 8.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

VENDOR = b"antiphon"
VORBIS_COMMENT, LAST = 4, 0x80  # type of a FLAC metadata block; the bit of the last one


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself; None: not known. tempo_bpm: quarters a minute. key: as a musician names it."""

    title: str
    tempo_bpm: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        known = [f"{self.tempo_bpm} bpm" if self.tempo_bpm else "", self.key or ""]
        return ", ".join([repr(self.title), *filter(None, known)])

    @property
    def id3_key(self) -> str:
        """Return the key as TKEY wants it: 'E minor' is 'Em', at most three characters."""
        tonic, _, mode = (self.key or "").partition(" ")
        return tonic.replace("♭", "b").replace("♯", "#")[:2] + ("m" if mode.startswith("min") else "")


def tag(path: Path, tags: Tags) -> None:
    """Write the tags into an MP3 or FLAC file that was just made; others are left alone. Raises OSError."""
    if path.suffix.lower() == ".mp3":
        path.write_bytes(_id3(tags) + path.read_bytes())
    elif path.suffix.lower() == ".flac":
        path.write_bytes(_with_comments(path.read_bytes(), tags))


def _id3(tags: Tags) -> bytes:
    texts = {"TIT2": tags.title, "TBPM": str(tags.tempo_bpm or ""), "TKEY": tags.id3_key if tags.key else ""}
    frames = b"".join(
        name.encode() + _syncsafe(len(body)) + b"\0\0" + body
        for name, text in texts.items()
        if text and (body := b"\x03" + text.encode())
    )
    return b"ID3\x04\0\0" + _syncsafe(len(frames)) + frames


def _syncsafe(size: int) -> bytes:
    """Return seven bits a byte, so that no size looks like the beginning of a frame."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def _with_comments(flac: bytes, tags: Tags) -> bytes:
    """Return the FLAC file with its comment block written anew, behind STREAMINFO."""
    texts = [f"TITLE={tags.title}", *([f"BPM={tags.tempo_bpm}"] if tags.tempo_bpm else [])]
    texts += [f"INITIALKEY={tags.key}"] if tags.key else []
    body = struct.pack("<I", len(VENDOR)) + VENDOR + struct.pack("<I", len(texts))
    body += b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in texts)
    at, blocks = 4, []
    while True:
        kind, size = flac[at], int.from_bytes(flac[at + 1 : at + 4], "big")
        if kind & ~LAST != VORBIS_COMMENT:
            blocks.append((kind & ~LAST, flac[at + 4 : at + 4 + size]))
        at += 4 + size
        if kind & LAST:
            break
    blocks.insert(1, (VORBIS_COMMENT, body))
    made = [
        bytes([kind | (LAST if i + 1 == len(blocks) else 0)]) + len(data).to_bytes(3, "big") + data
        for i, (kind, data) in enumerate(blocks)
    ]
    return flac[:4] + b"".join(made) + flac[at:]
