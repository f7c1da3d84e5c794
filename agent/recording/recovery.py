"""Finishes sessions that crashed: WAV headers, equal lengths, the mix, session.mid and pianoroll.png.

Nothing in the folder is trusted: links are not followed, files that are not as they were made are set aside.
"""

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
from agent.core.plain_text import printable
from agent.core.stored import MOST_STREAM_S, set_aside
from agent.recording.derived_files import EVENTS, draw, read_facts, write_midi
from agent.recording.event_rows import SessionRow, rows
from agent.recording.live_mix import Mix
from agent.recording.recorder import BASS_MIX, LOOP
from agent.recording.wav_writer import (
    HEADER_BYTES,
    SAMPLE_BYTES,
    WavWriter,
    form_of,
    header,
    open_ours,
    repair,
)
from listener.plain_file import open_plain

NEWEST = 3  # unfinished sessions that are looked after by themselves
LOOKED_AT = 20
PIECE_S = 5.0
LATE_S = 60.0  # how much later than the end of the sound an event may lie
MIX, BASS = "mix", "bass"
DERIVED = ("session.mid", "pianoroll.png")
GIVEN_UP = "recovery-failed.txt"  # says why; such a session is left alone until somebody asks


def unfinished(root: Path) -> list[Path]:
    """Return the unfinished sessions that are not being played, newest first; at most NEWEST of them."""
    try:
        folders = sorted((folder for folder in root.iterdir() if is_session(folder)), reverse=True)
    except OSError:
        return []
    left = (f for f in folders[:LOOKED_AT] if not is_finished(f) and not (f / GIVEN_UP).exists() and not _is_played(f))
    return [folder for folder, _ in zip(left, range(NEWEST), strict=False)]


def is_session(folder: Path) -> bool:
    """Return whether a folder holds a session; a link to one does not count."""
    return not folder.is_symlink() and _filled(folder / EVENTS)


def is_finished(folder: Path) -> bool:
    """Return whether a session's derived files are there, with something in them."""
    return all(_filled(folder / name) for name in DERIVED)


def _filled(path: Path) -> bool:
    """Return whether a plain file with something in it is there."""
    try:
        return path.is_file() and not path.is_symlink() and path.stat().st_size > 0
    except OSError:
        return False


def to_compress(root: Path) -> list[Path]:
    """Return the finished sessions in `root` whose sound is not compressed yet."""
    try:
        folders = sorted(folder for folder in root.iterdir() if is_session(folder))
    except OSError:
        return []
    return [f for f in folders if is_finished(f) and any(f.glob("*.wav")) and not _is_played(f)][:LOOKED_AT]


def _is_played(folder: Path) -> bool:
    """Return whether a living recorder holds the lock of its events."""
    try:
        with open_plain(folder / EVENTS, follow_links=False) as events:
            fcntl.flock(events, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def recover(folder: Path) -> list[str]:
    """Finish one session; what was done, line by line. Raises UserError for no session, one that plays, a full disk."""
    name = printable(str(folder))
    if not (folder / EVENTS).exists():
        raise UserError(f"{name}: not a session folder (no {EVENTS}); give the folder of a session")
    if not _filled(folder / EVENTS):
        raise UserError(f"{name}: its {EVENTS} is empty, or no plain file; there is nothing to finish")
    if _is_played(folder):
        raise UserError(f"{name}: this session is playing; end it first with `antiphon ctl stop`")
    try:
        done = [*_Sound(folder).finish(), *_derived(folder)]
        (folder / GIVEN_UP).unlink(missing_ok=True)
    except OSError as cause:
        raise UserError(f"{name}: {cause.strerror or cause}") from None
    return done


def give_up(folder: Path, cause: Exception) -> None:
    """Note why a session could not be finished, so that it does not stand in the way of others."""
    with contextlib.suppress(OSError):
        if not is_session(folder) or _is_played(folder):
            return
        (folder / GIVEN_UP).write_text(f"{cause}\n{type(cause).__name__}\n")


class _Sound:
    """The sound files of a session: repaired, set aside where that cannot be, made equally long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: list[str] = []
        found = next((row for row in rows(folder / EVENTS) if isinstance(row, SessionRow)), None)
        self._rate = found.sample_rate if found else None
        self._parts = tuple(found.parts) if found else ()

    def finish(self) -> list[str]:
        """Return what was done. Raises OSError."""
        frames = {path: count for path in sorted(self._folder.glob("*.wav")) if (count := self._repaired(path))}
        if not frames:
            return self._said
        longest = max(frames.values())
        mix = self._folder / f"{MIX}.wav"
        made = [mix, self._folder / f"{BASS_MIX}.wav"]
        stems = [path for path in frames if path not in made]
        whole = all(path in frames and frames[path] == longest for path in made)
        for path in frames:
            _lengthen(path, longest)
        whole = whole or any(self._folder.glob("*.flac"))  # compressed in part: finished before
        has_band = any(path.stem not in (BASS, LOOP) for path in stems)
        if not whole and has_band:
            _remix(made, stems, longest)
            self._said.append(f"{mix.name} made again")
        rate_hz = form_of(stems[0] if stems else mix)[0]
        return [*self._said, f"{len(frames)} sound files, {longest / rate_hz:.1f} s"]

    def _repaired(self, path: Path) -> int | None:
        """Return the frames of a file of ours; None for others, and for one that is set aside."""
        if path.is_symlink() or not path.is_file():
            self._said.append(f"{printable(path.name)}: no plain file, left alone")
            return None
        known = self._known(path.stem)
        frames = repair(path, known)
        if frames is None:
            return None
        rate_hz, channels = form_of(path)
        is_ours = known is None or (rate_hz, channels) == known
        if not is_ours or frames > MOST_STREAM_S * rate_hz or channels > 2:
            self._said.append(f"{printable(path.name)}: damaged, set aside as {printable(set_aside(path).name)}")
            return None
        return frames

    def _known(self, stem: str) -> tuple[int, int] | None:
        """Return (sample rate, channels) that a file of this name was made with."""
        if self._rate is None or stem not in (BASS, MIX, BASS_MIX, LOOP, *self._parts):
            return None
        return self._rate, 1 if stem == BASS else 2


def _lengthen(path: Path, frames: int) -> None:
    rate_hz, channels = form_of(path)
    data_bytes = frames * channels * SAMPLE_BYTES
    with open_ours(path) as file:
        file.truncate(HEADER_BYTES + data_bytes)
        file.write(header(rate_hz, channels, data_bytes))


def _remix(made: list[Path], stems: list[Path], frames: int) -> None:
    """Make the mix and the bass in it anew. made: their paths."""
    rate_hz = form_of(stems[0])[0]
    writers = [WavWriter(path.with_suffix(".tmp"), rate_hz, 2) for path in made]
    mixer = Mix(rate_hz, writers[0].write, writers[1].write)
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
    """Return float32 [count, channels] of a file that WavWriter wrote."""
    _, channels = form_of(path)
    frame = channels * SAMPLE_BYTES
    with open_plain(path, follow_links=False) as file:
        file.seek(HEADER_BYTES + start * frame)
        raw = np.frombuffer(file.read(count * frame), np.uint8).reshape(-1, SAMPLE_BYTES)
    wide = np.zeros((len(raw), 4), np.uint8)
    wide[:, 1:] = raw
    samples: NDArray[np.float32] = (wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)).reshape(-1, channels)
    return samples


def _derived(folder: Path) -> Iterator[str]:
    facts = read_facts(folder / EVENTS, _longest_s(folder))
    write_midi(folder, facts)
    bad = f", {facts.bad} damaged lines left out" if facts.bad else ""
    yield f"session.mid: {len(facts.heard)} notes heard, {len(facts.band)} played{bad}"
    draw(folder, facts)
    yield "pianoroll.png"


def _longest_s(folder: Path) -> float:
    """Return the time after which nothing can lie, by the bass that was recorded."""
    try:
        rate_hz, channels = form_of(folder / f"{BASS}.wav")
        size = (folder / f"{BASS}.wav").stat().st_size - HEADER_BYTES
    except OSError:
        return MOST_STREAM_S
    return size / (channels * SAMPLE_BYTES * rate_hz) + LATE_S


@contextlib.contextmanager
def finish_soon(root: Path, keep: str = "all", besides: Path | None = None) -> Iterator[None]:
    """Finish the sessions under root, and compress them, in a child process of low priority while the block runs."""
    left = [str(folder) for folder in dict.fromkeys((*unfinished(root), *to_compress(root))) if folder != besides]
    child = None
    if left:
        command = [sys.executable, "-m", "agent", "recover", "--gently", "--compress", keep, *left]
        with contextlib.suppress(OSError):
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        if child:
            child.terminate()
            child.wait()
