"""Compresses the sound of finished sessions: each WAV file becomes a FLAC file of the same samples.

With recording.keep: mix the mix is kept in 16 bits where it stands without its stems; all else in 24, as recorded.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import soundfile

from agent.core.whole_file import beside_of
from agent.recording.wav_writer import form_of
from listener.plain_file import open_plain

PIECE = 1 << 16
CHANNELS_MAX = 8  # of FLAC
SMALL_BYTES = 50_000_000


def uncompressed(folder: Path) -> list[Path]:
    """Return the WAV files of a session that the recorder wrote."""
    found = []
    for path in sorted(folder.glob("*.wav")):
        try:
            rate_hz, channels = form_of(path)
        except OSError:
            continue
        size = path.stat()
        used = size.st_blocks * 512
        is_mostly_rest = used < SMALL_BYTES and size.st_size > 10 * used  # holes, small as it is
        if channels <= CHANNELS_MAX and rate_hz < 655_350 and not is_mostly_rest:
            found.append(path)
    return found


def compress(folder: Path, keep: str) -> str:
    """Make FLAC of the session's WAV files; return one line, "" where there were none. Raises OSError.

    A WAV file goes only when its FLAC file was read back and holds the same sound; what is interrupted goes on later.
    """
    paths, before, after = uncompressed(folder), 0, 0
    alone = {path.stem for path in (*folder.glob("*.wav"), *folder.glob("*.flac"))} <= {"bass", "mix"}
    for path in paths:
        before += path.stat().st_blocks * 512
        after += _compressed(path, "PCM_16" if keep == "mix" and alone and path.stem == "mix" else "PCM_24")
    return f"{len(paths)} sound files compressed, {before / 1e6:.0f} to {after / 1e6:.0f} MB" if paths else ""


def _compressed(path: Path, subtype: str) -> int:
    target = path.with_suffix(".flac")
    beside = beside_of(target)
    try:
        with open_plain(path, follow_links=False) as raw, soundfile.SoundFile(raw) as wav:
            form = {"samplerate": wav.samplerate, "channels": wav.channels, "subtype": subtype, "format": "FLAC"}
            with soundfile.SoundFile(beside, "w", **form) as flac:
                for block in wav.blocks(PIECE, dtype="float64", always_2d=True):
                    flac.write(block)
            wav.seek(0)
            _require_same(wav, beside, 2.0**-15 if subtype == "PCM_16" else 2.0**-23)
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(target)
        path.unlink()
    except soundfile.LibsndfileError as cause:
        raise OSError(0, str(cause), str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
    return target.stat().st_blocks * 512


def _require_same(wav: soundfile.SoundFile, flac: Path, step: float) -> None:
    with soundfile.SoundFile(flac) as written:
        if written.frames != wav.frames:
            raise OSError(0, f"{written.frames} of {wav.frames} samples were written", str(flac))
        pairs = zip(
            wav.blocks(PIECE, dtype="float32", always_2d=True),
            written.blocks(PIECE, dtype="float32", always_2d=True),
            strict=True,
        )
        if any(np.abs(a - b).max(initial=0.0) > step for a, b in pairs):
            raise OSError(0, "it does not hold the same sound", str(flac))
