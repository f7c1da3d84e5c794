"""Find the sound in WAV files whose headers are wrong: a data chunk of size 0 before sound, or several data chunks.

A recorder that crashed leaves the size at 0 (or at its largest), and the sound behind it; libsndfile believes it.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from listener.plain_file import open_plain

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNKS_MAX = 10_000
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
SUBTYPES = {(PCM, 8): "PCM_U8", (PCM, 16): "PCM_16", (PCM, 24): "PCM_24", (PCM, 32): "PCM_32"} | {
    (FLOAT, 32): "FLOAT",
    (FLOAT, 64): "DOUBLE",
}


@dataclass(frozen=True, slots=True)
class WavSound:
    """The sound of a WAV file. subtype: libsndfile's name; spans: (first byte, bytes) of the data chunks in order."""

    rate: int
    channels: int
    subtype: str
    spans: tuple[tuple[int, int], ...]


def find_sound(path: Path) -> WavSound | None:
    """Return where the sound lies; None for what is no WAV file, one without sound, or one that is compressed."""
    with open_plain(path) as file:
        length = file.seek(0, io.SEEK_END)
        file.seek(0)
        if file.read(4) != b"RIFF" or file.seek(8) != 8 or file.read(4) != b"WAVE":
            return None
        form, spans = b"", list[tuple[int, int]]()
        at = 12
        for _ in range(CHUNKS_MAX):
            file.seek(at)
            head = file.read(8)
            if len(head) < 8:
                break
            name, size = struct.unpack("<4sI", head)
            at += 8
            if name == b"fmt ":
                form = file.read(min(size, 40))
            elif name == b"data":
                if size == 0 or at + size > length:
                    size = length - at  # its header was never finished
                spans.append((at, size))
            at += size + size % 2
    return _sound(form, spans)


def _sound(form: bytes, spans: list[tuple[int, int]]) -> WavSound | None:
    if len(form) < 16:
        return None
    kind, channels, rate, _, frame, bits = struct.unpack_from("<HHIIHH", form)
    if kind == EXTENSIBLE and len(form) >= 26:
        kind = struct.unpack_from("<H", form, 24)[0]
    subtype = SUBTYPES.get((kind, bits))
    if subtype is None or not channels or frame != channels * bits // 8:
        return None
    whole = tuple((start, size - size % frame) for start, size in spans if size >= frame)
    return WavSound(rate, channels, subtype, whole) if whole else None


class Spans(io.RawIOBase):
    """Reads spans of a file as if they were one file."""

    def __init__(self, path: Path, spans: tuple[tuple[int, int], ...]) -> None:
        """Raises OSError."""
        super().__init__()
        self._file: BinaryIO = open_plain(path)
        self._spans, self._at = spans, 0
        self._length = sum(size for _, size in spans)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = min(max(base + offset, 0), self._length)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        done, before = 0, 0
        for start, size in self._spans:
            inside = self._at - before
            if 0 <= inside < size and done < len(view):
                self._file.seek(start + inside)
                got = self._file.read(min(size - inside, len(view) - done))
                view[done : done + len(got)] = got
                done += len(got)
                self._at += len(got)
            before += size
        return done

    def close(self) -> None:
        self._file.close()
        super().close()
