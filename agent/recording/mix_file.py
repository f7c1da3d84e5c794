"""Writes a recorded session's mix as one file to pass on: at one loudness, limited, tagged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Required, TypedDict

import numpy as np
import soundfile

from agent.core.errors import UserError
from agent.core.music_names import key_name
from agent.mixing.block_filter import BLOCK
from agent.mixing.limiter import CEILING_DB, Limiter, TruePeak
from agent.mixing.loudness import LoudnessMeter, Sound
from agent.mixing.master import MASTER_LUFS
from agent.recording.derived_files import EVENTS
from agent.recording.event_rows import BeatRow, KeyRow, rows
from agent.recording.file_tags import Tags, tag
from listener.decibels import amplitude_db

PIECE = 1 << 16  # samples, a multiple of 64


class Kind(TypedDict, total=False):
    """What soundfile is asked for."""

    format: Required[str]
    subtype: Required[str]
    compression_level: float


KINDS: dict[str, Kind] = {
    ".mp3": {"format": "MP3", "subtype": "MPEG_LAYER_III", "compression_level": 0.0},
    ".flac": {"format": "FLAC", "subtype": "PCM_24"},
    ".opus": {"format": "OGG", "subtype": "OPUS"},
    ".ogg": {"format": "OGG", "subtype": "VORBIS"},
    ".wav": {"format": "WAV", "subtype": "PCM_24"},
}
RATES = {".opus": (8_000, 12_000, 16_000, 24_000, 48_000), ".mp3": (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)}
LOSSY_DB = {".mp3": -1.0, ".opus": -1.0, ".ogg": -1.0}  # further below the ceiling: coding lifts peaks
PEAK_DB = -1.0  # the true peak that is promised, also after decoding
TRIES, MARGIN_DB = 3, 0.2  # to meet it, each time as far below the last as it was over
ABSENT = frozenset({"mix", "bass", "loop"})  # no stems of the mix: bass_mix holds bass and loop


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be written: sound files that sum to the mix before its limiter, or the mix itself."""

    files: tuple[Path, ...]
    rate: int

    def pieces(self) -> Iterator[Sound]:
        """Yield the sum, float32 [n, 2], a multiple of 64 samples but for the last."""
        with ExitStack() as stack:
            opened = [stack.enter_context(soundfile.SoundFile(path)) for path in self.files]
            while True:
                read = [file.read(PIECE, dtype="float32", always_2d=True) for file in opened]
                longest = max(len(piece) for piece in read)
                if not longest:
                    return
                total = np.zeros((longest, 2), np.float32)
                for piece in read:
                    total[: len(piece)] += piece
                yield total


def write_mix(folder: Path, target: Path, title: str | None = None) -> str:
    """Write the mix of a session's folder to `target`; return a line about it. Raises UserError."""
    kind = KINDS.get(target.suffix.lower())
    if kind is None:
        raise UserError(f"{target}: unknown ending {target.suffix!r}; allowed: {' '.join(KINDS)}")
    try:
        source = _source(folder)
        if source.rate not in RATES.get(target.suffix.lower(), (source.rate,)):
            raise UserError(f"{target.suffix} cannot hold {source.rate} Hz; write .flac or .wav")
        gain_db, seconds = _gain_db(source)
        tags = _tags(folder, title)
        room_db = LOSSY_DB.get(target.suffix.lower(), 0.0)
        for _ in range(TRIES):
            _write(source, target, kind, 10 ** (gain_db / 20), tags, CEILING_DB + room_db)
            over_db = _peak_db(target) - PEAK_DB if room_db else 0.0
            if over_db <= 0.0:
                break
            room_db -= over_db + MARGIN_DB
        tag(target, tags)
    except (OSError, soundfile.LibsndfileError) as cause:
        target.unlink(missing_ok=True)
        raise UserError(f"{target}: cannot be written ({getattr(cause, 'strerror', None) or cause})") from None
    return f"{target}: {seconds:.0f} s at {MASTER_LUFS:g} LUFS ({gain_db:+.1f} dB); {tags}"


def source_of(folder: Path) -> Source:
    """Return what there is to hear of a session: its stems, its mix, or a workshop's newest take. Raises UserError."""
    if takes := sorted(folder.glob("take-*.wav")):
        return Source((takes[-1],), soundfile.info(takes[-1]).samplerate)
    return _source(folder)


def _source(folder: Path) -> Source:
    if not (folder / EVENTS).exists():
        raise UserError(f"{folder}: not a session folder (no {EVENTS}); give the folder of a session")
    found = sorted([*folder.glob("*.flac"), *folder.glob("*.wav")], key=lambda path: path.suffix)  # of two the WAV
    sounds = {path.stem: path for path in found if path.is_file() and not path.is_symlink()}
    stems = [path for name, path in sounds.items() if name not in ABSENT]
    files = stems if "bass_mix" in sounds else [sounds[name] for name in ("mix",) if name in sounds]  # an older session
    if not files:
        raise UserError(f"{folder}: no sound is left of this session (recording.keep says what is kept)")
    return Source(tuple(files), soundfile.info(files[0]).samplerate)


def _gain_db(source: Source) -> tuple[float, float]:
    """Return the gain to MASTER_LUFS, and the length in seconds. Raises UserError for silence."""
    meter, count = LoudnessMeter(source.rate, 2), 0
    for piece in source.pieces():
        meter.add(piece)
        count += len(piece)
    if not np.isfinite(meter.lufs):
        raise UserError("nothing is heard in this session; there is no mix to write")
    return MASTER_LUFS - meter.lufs, count / source.rate


def _peak_db(path: Path) -> float:
    """Return the true peak of a sound file, dB."""
    peak = TruePeak()
    with soundfile.SoundFile(path) as file:
        pieces = file.blocks(PIECE, dtype="float32", always_2d=True, fill_value=0.0)
        loudest = max((float(peak(piece).max()) for piece in pieces), default=0.0)
    return amplitude_db(loudest, least=1e-9)


def _write(source: Source, target: Path, kind: Kind, gain: float, tags: Tags, ceiling_db: float) -> None:
    limiter = Limiter(source.rate, ceiling_db)
    skip, count, written = BLOCK, 0, 0
    with soundfile.SoundFile(target, "w", source.rate, 2, **kind) as file:
        if kind["format"] in ("WAV", "OGG"):  # others get more than libsndfile's fields
            file.title, file.comment = tags.title, str(tags)
        for piece in source.pieces():
            count += len(piece)
            filled = np.concatenate([piece * np.float32(gain), np.zeros((-len(piece) % BLOCK, 2), np.float32)])
            ready = limiter.step(filled)[skip:]
            file.write(ready)
            written, skip = written + len(ready), 0
        file.write(limiter.flush()[: count - written])


def _tags(folder: Path, title: str | None) -> Tags:
    """Gather tempo and key from the session's events, as they were heard most."""
    tempi, keys = [], Counter[tuple[int, str]]()
    for row in rows(folder / EVENTS):
        match row:
            case BeatRow():
                tempi.append(row.tempo_bpm)
            case KeyRow():
                keys[row.tonic, row.mode] += 1
    key = keys.most_common(1)[0][0] if keys else None
    return Tags(title or folder.resolve().name, round(median(tempi)) if tempi else None, _named(key))


def _named(key: tuple[int, str] | None) -> str | None:
    from listener.types import Key

    return key_name(Key(*key, confidence=1.0)) if key else None
