"""Writes the session folder: WAV stems and mix, events.jsonl, session.mid, pianoroll.png; loop.wav once a loop sounds.

bass.wav is the bass as recorded, bass_mix.wav as it is mixed: that and the band's stems sum to the mix, but for the
limiter.

It runs in the parent process, so no sound ever waits for it. One thread at a time may call it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from agent.core.stored import Json
from agent.recording.derived_files import EVENTS, Facts, draw, read_facts, write_midi
from agent.recording.full_disk import write_what_fits
from agent.recording.live_mix import Mix
from agent.recording.wav_writer import WavWriter

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Float32 = NDArray[np.float32]

LOOP = "loop"  # the stem that is no part
BASS_MIX = "bass_mix"  # the bass as it is in the mix
LINES_BYTES = 4 << 20  # of events.jsonl that wait for room on the disk; what comes after them is counted and lost

log = logging.getLogger(__name__)


def new_session_folder(root: Path) -> Path:
    """Make and return root/YYYYmmdd-HHMMSS, with -2, -3 ... where that exists. Raises UserError."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in range(1, 1000):
        folder = root / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not root.is_dir():
                raise unusable(root, "it is a file") from None
        except OSError as error:
            raise unusable(root, error.strerror) from error
        else:
            return folder
    raise unusable(root, "a thousand sessions began in this second")


def unusable(folder: Path, why: str | None) -> UserError:
    """Return the error of a folder that no session can be written to."""
    return UserError(f"cannot write a session to {folder}: {why}; give a writable folder with --out DIR")


def to_record(kind: str, fact: DataclassInstance, **more: Json) -> dict[str, object]:
    """Return a line for events.jsonl from one of the dataclasses: {"type": kind, its fields ..., more ...}."""
    return {"type": kind, **asdict(fact), **more}


class Recorder:
    """Writes one session folder. After the constructor nothing raises: a failing disk is counted and logged once.

    When the disk has room again recording goes on; lost sound becomes silence, so that everything stays in time.
    """

    def __init__(
        self,
        folder: Path,
        sample_rate: int,
        parts: Sequence[str],
        parts_midi: Mapping[str, tuple[int, int]],
        band_delay_samples: int = 0,
        continues: str | None = None,
        keep: str = "all",
    ) -> None:
        """parts: the order of the stems. parts_midi: channel 1-16 and program 0-127 of each part. continues: the
        folder's name of the session that a crash ended and this one resumes.

        band_delay_samples >= 0: stems sample k sounds with bass sample k + band_delay_samples; every file
        of the folder lies on the bass's time. keep: what sound is written, as recording.keep says. Raises UserError
        when the folder cannot be used.
        """
        self.folder, self.band_delay_samples = folder, band_delay_samples
        self.failures: dict[str, str] = {}  # file name -> first cause
        self.failed_writes = 0
        self._parts, self._keep = tuple(parts), keep
        self._rate_hz, self._rendered = sample_rate, 0  # samples of the band so far
        self._closed = False
        self._ailing: set[str] = set()  # files that cannot be written now
        self._lines = bytearray()  # waiting for room on the disk
        try:
            self._open(sample_rate)
        except OSError as error:
            raise unusable(folder, error.strerror) from error
        session = {"type": "session", "sample_rate": sample_rate, "parts": {part: parts_midi[part] for part in parts}}
        self.event(session | ({"continues": continues} if continues else {}))
        self._mix = Mix(
            sample_rate,
            lambda samples: self._wav("mix", samples),
            lambda samples: self._wav(BASS_MIX, samples),
            lambda count: self._skip(("mix", BASS_MIX), count),
        )
        self.stems(np.zeros((len(self._parts), band_delay_samples, 2), np.float32))

    def _open(self, rate_hz: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        mixes = {"bass": 1, "mix": 2} if self._keep != "midi" else {}
        channels = mixes | ({BASS_MIX: 2} | dict.fromkeys(self._parts, 2) if self._keep == "all" else {})
        self._wavs = {name: WavWriter(self.folder / f"{name}.wav", rate_hz, n) for name, n in channels.items()}
        self._events = (self.folder / EVENTS).open("wb", buffering=0)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(self._events, fcntl.LOCK_EX | fcntl.LOCK_NB)  # gone with this process: then it can be finished

    def bass(self, samples: Float32) -> None:
        """Append what was captured: float32 [n]."""
        self._wav("bass", samples)
        if self._keep != "midi":
            self._mix.add_bass(samples)

    def stems(self, samples: Float32, loop: Float32 | None = None) -> None:
        """Append what the band sounded: float32 [n_parts, n, 2], and the loop beside it [n, 2]; None is silence."""
        if self._keep == "midi":
            return
        for part, stem in zip(self._parts, samples, strict=True):
            self._wav(part, stem)
        played: Float32 = samples.sum(axis=0, dtype=np.float32)
        if self._keep == "all" and loop is not None and loop.any():
            self._try("loop.wav", self._open_loop)
        if LOOP in self._wavs:
            self._wav(LOOP, np.zeros_like(played) if loop is None else loop)
        self._mix.add_band(played, loop)
        self._rendered += len(played)

    def skip_bass(self, count: int) -> None:
        """Append silence where nothing was played: it takes no room."""
        self._skip(("bass",), count)
        if self._keep != "midi":
            self._mix.skip_bass(count)

    def skip_stems(self, count: int) -> None:
        """Append silence where the band was silent: it takes no room."""
        self._skip((*self._parts, LOOP), count)
        if self._keep != "midi":
            self._mix.skip_band(count)
        self._rendered += count

    def _skip(self, names: Sequence[str], count: int) -> None:
        for name in names:
            if name in self._wavs:
                self._wavs[name].skip(count)

    def _open_loop(self) -> None:
        """Make loop.wav when a loop first sounds: silence up to here."""
        if LOOP not in self._wavs:
            wav = WavWriter(self.folder / f"{LOOP}.wav", self._rate_hz, 2)
            wav.skip(self._rendered)
            self._wavs[LOOP] = wav

    def event(self, record: Mapping[str, object]) -> None:
        """Write one line of events.jsonl at once; dataclasses, arrays and NaN (null) may stand in it."""
        line = (json.dumps(_plain(record), ensure_ascii=False) + "\n").encode()
        if len(self._lines) + len(line) > LINES_BYTES:
            self.failed_writes += 1
            return
        self._lines += line
        self._try(EVENTS, self._write_lines)

    def _write_lines(self) -> None:
        write_what_fits(self._events, self._lines)

    @property
    def lost_frames(self) -> int:
        """Return the samples of the worst file that are silence because they could not be written."""
        return max((wav.lost_frames for wav in self._wavs.values()), default=0)

    def close(self) -> tuple[str, ...]:
        """Finish every file; returns the causes of what could not be written, () when all is well."""
        if not self._closed:
            self._closed = True
            self._finish_wavs()
            self._try(EVENTS, self._events.close)
            self._derive()
        return tuple(f"{name}: {cause}" for name, cause in self.failures.items())

    def _wav(self, name: str, samples: Float32) -> None:
        if wav := self._wavs.get(name):  # else recording.keep leaves it out
            wav.write(samples)
            self._noted(wav)

    def _noted(self, wav: WavWriter) -> None:
        """Log it once when a file cannot be written, and once when it can again."""
        name = wav.path.name
        if wav.failure:
            self.failed_writes += 1
            if name not in self.failures:
                self._failed(name, wav.failure)
                self._ailing.add(name)
        elif name in self._ailing:
            self._ailing.discard(name)
            lost = wav.lost_frames
            log.warning("%s: recording again; %d samples were lost and are silence", wav.path, lost)
            self.event({"type": "trouble", "cause": f"{name}: recording again; {lost} samples lost"})

    def _finish_wavs(self) -> None:
        self._mix.finish()
        length = max((wav.frames for wav in self._wavs.values()), default=0)
        for wav in self._wavs.values():
            wav.skip(length - wav.frames)
            wav.close()
            self._noted(wav)

    def _derive(self) -> None:
        found: list[Facts] = []
        self._try("session.mid", lambda: found.append(read_facts(self.folder / EVENTS)))
        facts = found[0] if found else Facts()
        self._try("session.mid", lambda: write_midi(self.folder, facts))
        self._try("pianoroll.png", lambda: draw(self.folder, facts))

    def _try(self, name: str, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:  # a watcher must not stop the music, whatever breaks
            self.failed_writes += 1
            if name not in self.failures:
                self._failed(name, getattr(error, "strerror", None) or str(error) or type(error).__name__)

    def _failed(self, name: str, cause: str) -> None:
        self.failures[name] = cause
        log.error("%s: cannot be written: %s", self.folder / name, cause)


class Unrecorded(Recorder):
    """Stands in for a recorder whose folder cannot be used: the music goes on, and nothing is recorded."""

    def __init__(self, folder: Path, parts: Sequence[str], band_delay_samples: int = 0) -> None:
        self.folder, self._parts, self.band_delay_samples = folder, tuple(parts), band_delay_samples
        self.failures, self.failed_writes = {}, 0

    def bass(self, samples: Float32) -> None:
        return

    def stems(self, samples: Float32, loop: Float32 | None = None) -> None:
        return

    def skip_bass(self, count: int) -> None:
        return

    def skip_stems(self, count: int) -> None:
        return

    def event(self, record: Mapping[str, object]) -> None:
        return

    def close(self) -> tuple[str, ...]:
        return ()


def _plain(value: object) -> Json:
    """Return only what JSON knows: NaN and infinities become null, arrays lists, dataclasses tables."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
