"""Finishes sessions that crashed: WAV headers, equal lengths, the mix, session.mid and pianoroll.png."""

from __future__ import annotations

import contextlib
import fcntl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from agent.recording.derived_files import EVENTS, draw, gather, lines, write_midi
from agent.recording.recorder import BASS_MIX, LOOP, Mix
from agent.recording.wav_writer import HEADER_BYTES, SAMPLE_BYTES, WavWriter, form_of, header, repair

NEWEST = 3  # unfinished sessions that are looked after by themselves
LOOKED_AT = 20
PIECE_S = 5.0
MIX, BASS = "mix", "bass"


def unfinished(root: Path) -> list[Path]:
    """Return the unfinished sessions that are not being played, newest first; at most NEWEST of them."""
    try:
        folders = sorted((folder for folder in root.iterdir() if (folder / EVENTS).exists()), reverse=True)
    except OSError:
        return []
    left = (f for f in folders[:LOOKED_AT] if not (f / "pianoroll.png").exists() and not _is_played(f))
    return [folder for folder, _ in zip(left, range(NEWEST), strict=False)]


def _is_played(folder: Path) -> bool:
    """Whether a living recorder holds the lock of its events."""
    try:
        with (folder / EVENTS).open("rb") as events:
            fcntl.flock(events, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def recover(folder: Path) -> list[str]:
    """Finish one session; what was done, line by line. Raises UserError for no session, one that plays, a full disk."""
    if not (folder / EVENTS).exists():
        raise UserError(f"{folder}: not a session folder (no {EVENTS}); give the folder of a session")
    if _is_played(folder):
        raise UserError(f"{folder}: this session is playing; end it first with `antiphon ctl stop`")
    try:
        return [*_sound(folder), *_derived(folder)]
    except OSError as cause:
        raise UserError(f"{folder}: {cause.strerror or cause}") from None


def _sound(folder: Path) -> Iterator[str]:
    frames = {path: found for path in sorted(folder.glob("*.wav")) if (found := repair(path)) is not None}
    if not frames:
        return
    longest = max(frames.values())
    mix = folder / f"{MIX}.wav"
    made = [mix, folder / f"{BASS_MIX}.wav"]
    stems = [path for path in frames if path not in made]
    whole = all(path in frames and frames[path] == longest for path in made)
    for path in stems:
        _lengthen(path, longest)
    if not whole and stems:
        _remix(made, stems, longest)
        yield f"{mix.name} made again"
    rate_hz = form_of(stems[0] if stems else mix)[0]
    yield f"{len(frames)} sound files, {longest / rate_hz:.1f} s"


def _lengthen(path: Path, frames: int) -> None:
    rate_hz, channels = form_of(path)
    data_bytes = frames * channels * SAMPLE_BYTES
    with path.open("r+b", buffering=0) as file:
        file.truncate(HEADER_BYTES + data_bytes)
        file.write(header(rate_hz, channels, data_bytes))


def _remix(made: list[Path], stems: list[Path], frames: int) -> None:
    """Make the mix and the bass in it anew. made: their paths."""
    rate_hz = form_of(stems[0])[0]
    writers = [WavWriter(path.with_suffix(".tmp"), rate_hz, 2) for path in made]
    mixer = Mix(rate_hz, *(writer.write for writer in writers))
    piece = round(PIECE_S * rate_hz)
    for start in range(0, frames, piece):
        count = min(piece, frames - start)
        parts = {path.stem: _read(path, start, count) for path in stems}
        bass, loop = parts.pop(BASS, np.zeros((count, 1), np.float32)), parts.pop(LOOP, None)
        mixer.add_bass(bass[:, 0])
        mixer.add_band(sum(parts.values(), np.zeros((count, 2), np.float32)), loop)
    mixer.finish()
    for path, writer in zip(made, writers, strict=True):
        writer.close()
        if writer.failure:
            raise OSError(0, writer.failure)
        writer.path.replace(path)


def _read(path: Path, start: int, count: int) -> NDArray[np.float32]:
    """Float32 [count, channels] of a file that WavWriter wrote."""
    _, channels = form_of(path)
    frame = channels * SAMPLE_BYTES
    with path.open("rb") as file:
        file.seek(HEADER_BYTES + start * frame)
        raw = np.frombuffer(file.read(count * frame), np.uint8).reshape(-1, SAMPLE_BYTES)
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw
    samples: NDArray[np.float32] = (wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)).reshape(-1, channels)
    return samples


def _derived(folder: Path) -> Iterator[str]:
    facts = gather(lines(folder / EVENTS))
    write_midi(folder, facts)
    yield f"session.mid: {len(facts.heard)} notes heard, {len(facts.band)} played"
    draw(folder, facts)
    yield "pianoroll.png"


@contextlib.contextmanager
def finish_soon(root: Path, besides: Path | None = None) -> Iterator[None]:
    """Finish the unfinished sessions under root in a child process of low priority while the block runs."""
    left = [str(folder) for folder in unfinished(root) if folder != besides]
    child = None
    if left:
        command = [sys.executable, "-m", "agent", "recover", "--gently", *left]
        with contextlib.suppress(OSError):
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        if child:
            child.terminate()
            child.wait()
