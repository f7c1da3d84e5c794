"""Carries out `antiphon codes FILE`: encodes a file as the agent would hear it, and decodes codes to sound.

The sound is processed as the microphone's is (mixed to mono, cleaned, resampled, cut into frames) and runs through the
streaming codec frame by frame; --check compares the result with the encodec package's for the whole file at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from agent.listen.codes_file import FRAME_RATE_HZ, SUFFIX, StoredCodes, read_codes, whole, write_codes
from listener.capture import DAMAGED, AudioFile, file_frames
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Samples
from models.codec.codec import START_FRAMES, Codec
from models.codec.official import CodecWeights, load_weights

T = TypeVar("T")
LONG_S = 30.0  # of sound: from here on progress is shown
FIRST_FRAMES = START_FRAMES - 1  # whose offline codes depend on sound that comes later
WHY_FIRST = "which offline depend on later sound, mirrored before the start"
OFFLINE_BYTES_MAX = 6e9  # what the package may take for the whole file at once
OFFLINE_COPIES = 5  # of its widest layer, alive at once

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wish:
    """The command's options. codec: as models.codec in config.yaml; float64: compute in double precision."""

    file: Path
    out: Path | None = None
    resynth: Path | None = None
    plot: Path | None = None
    check: bool = False
    codec: str | None = None
    kbps: float | None = None
    float64: bool = False
    span_s: tuple[float, float] | None = None  # of --plot; None: all

    @property
    def places(self) -> dict[str, tuple[Path, str]]:
        """Option -> (where it writes, the suffix that has)."""
        asked = {"-o": (self.out, SUFFIX), "--resynth": (self.resynth, ".wav"), "--plot": (self.plot, ".png")}
        return {option: (path, suffix) for option, (path, suffix) in asked.items() if path is not None}


def is_codes(file: Path) -> bool:
    """Whether the file is named as codes are, not sound."""
    return file.suffix.lower() == SUFFIX


def run(wish: Wish) -> int:
    """Run the command; return 1 when --check found a code that differs, else 0. Raises UserError and AudioFileError."""
    _refuse_mistakes(wish)
    stored = read_codes(wish.file) if is_codes(wish.file) else None
    kbps = stored.kbps if stored else wish.kbps
    weights = _weights(wish)
    if stored:
        _refuse_other_weights(wish, stored, weights)
    codec = _codec(weights, kbps, wish.float64)
    if stored:
        _refuse_misfit(wish, stored, codec)
        samples, codes = None, stored.codes.astype(np.int64)
    else:
        samples, stored = _encoded(wish, codec, weights)
        codes = stored.codes.astype(np.int64)
    _say(wish, stored)
    _write(wish, stored, codec, samples, codes)
    return _check(weights, codec, samples, codes) if wish.check and samples is not None else 0


# -- what is refused before anything is done ------------------------------------------------------------------------


def _refuse_mistakes(wish: Wish) -> None:
    if wish.span_s and not wish.plot:
        raise UserError(f"--span {wish.span_s[0]:g} {wish.span_s[1]:g}: is for --plot; give --plot out.png, too")
    if not wish.places and not wish.check:
        raise UserError("codes: nothing to do; give -o codes.npz, --resynth out.wav, --plot out.png or --check")
    if is_codes(wish.file):
        _refuse_what_needs_sound(wish)
    for option, (path, suffix) in wish.places.items():
        _refuse_place(option, path, suffix)
        others = [("FILE", wish.file)] + [(name, there) for name, (there, _) in wish.places.items() if name != option]
        for name, other in others:
            if path.resolve() == other.resolve() or (path.exists() and other.exists() and path.samefile(other)):
                raise UserError(f"{option} {path}: is the same file as {name} {other}; give another")


def _refuse_what_needs_sound(wish: Wish) -> None:
    asked = {"-o": wish.out, "--plot": wish.plot, "--check": wish.check}
    for option in (name for name, given in asked.items() if given):
        raise UserError(f"{option}: {wish.file} holds codes, not sound; decode it with --resynth out.wav")


def _refuse_place(option: str, path: Path, suffix: str) -> None:
    if path.suffix.lower() != suffix:
        raise UserError(f"{option} {path}: give a name that ends in {suffix}")
    if path.is_dir():
        raise UserError(f"{option} {path}: is a folder; give the name of a file in it")
    if not path.absolute().parent.is_dir():
        raise UserError(f"{option} {path}: there is no folder {path.parent}; create it, or give another place")


def _refuse_other_weights(wish: Wish, stored: StoredCodes, weights: CodecWeights) -> None:
    if stored.weights_sha256 != weights.sha256:
        raise UserError(
            f"{wish.file}: codes of the weights {stored.weights_sha256[:8]}, but {weights.path} is "
            f"{weights.sha256[:8]}; give the codec they were made with: --codec STEM, FILE.th or encodec"
        )


def _refuse_misfit(wish: Wish, stored: StoredCodes, codec: Codec) -> None:
    if len(stored.codes) != codec.n_codebooks or stored.codes.max() >= codec.bins:
        raise UserError(
            f"{wish.file}: {len(stored.codes)} codebooks, codes up to {stored.codes.max()}; at {stored.kbps:g} kbps "
            f"this codec has {codec.n_codebooks} of {codec.bins}; the file is damaged, write it again from the sound"
        )


def _refuse_span(span_s: tuple[float, float] | None, sound: AudioFile) -> None:
    if span_s and not 0 <= span_s[0] < span_s[1] <= sound.duration_s + 1:
        raise UserError(f"--span {span_s[0]:g} {span_s[1]:g}: {sound.path} has seconds 0 to {sound.duration_s:.2f}")


def _refuse_too_long(sound: AudioFile, weights: CodecWeights, codec: Codec) -> None:
    """Before --check: the package takes the whole file at once."""
    sample_bytes = OFFLINE_COPIES * weights.model.encoder.n_filters * np.dtype(codec.dtype).itemsize
    longest_s = OFFLINE_BYTES_MAX / (sample_bytes * ANALYSIS_RATE)
    if sound.duration_s > longest_s:
        raise UserError(
            f"--check: {sound.path} lasts {sound.duration_s:.0f} s; the encodec package takes a file whole, which "
            f"needs too much memory beyond {longest_s:.0f} s; give a shorter cut of it"
        )


# -- sound to codes and back ----------------------------------------------------------------------------------------


def _weights(wish: Wish) -> CodecWeights:
    try:
        return load_weights(wish.codec, in_torch=wish.check or wish.float64)
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None


def _codec(weights: CodecWeights, kbps: float | None, float64: bool) -> Codec:
    if float64:
        weights.model.double()
    try:
        return Codec(weights.model, kbps, np.float64 if float64 else np.float32)
    except ValueError as cause:
        raise UserError(f"{weights.path}: {cause}") from None


def _encoded(wish: Wish, codec: Codec, weights: CodecWeights) -> tuple[Samples | None, StoredCodes]:
    """The samples [T * 320] as the codec heard them, where something is to be done with them, and their codes."""
    sound = _examined(wish.file)
    _refuse_span(wish.span_s, sound)
    if wish.check:
        _refuse_too_long(sound, weights, codec)
    total = int(np.ceil(sound.duration_s * FRAME_RATE_HZ))
    state, heard, codes = codec.initial_state(), [], []
    for frame in _shown(file_frames(wish.file), "encoding", total):
        row, state = codec.step(frame.samples, state)
        codes.append(row.astype(np.uint16))
        if wish.check or wish.plot:
            heard.append(frame.samples)
    samples = min(round(sound.duration_s * ANALYSIS_RATE) or 1, len(codes) * FRAME_SAMPLES)
    stored = StoredCodes(np.stack(codes, axis=1), samples, codec.kbps, weights.sha256, wish.file.name)
    return np.concatenate(heard) if heard else None, stored


def _examined(path: Path) -> AudioFile:
    """The file, read through once: what in it is no sound, or damaged, is said."""
    sound = AudioFile(path)
    for _ in sound.blocks(2**16):
        pass
    for line in sound.take_lines():
        if DAMAGED in line:
            _warn(path, line.removeprefix(f"{path}: "))
    if sound.mended:
        _warn(path, f"{sound.mended} samples are no sound (NaN, infinite, far beyond full scale): silenced or clipped")
    return sound


def _shown(steps: Iterable[T], doing: str, total: int) -> Iterator[T]:
    """The steps, with a bar on a terminal where there are many."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    hidden = not console.is_terminal or total < LONG_S * FRAME_RATE_HZ
    yield from track(steps, doing, total, console=console, transient=True, disable=hidden)


def _decoded(codec: Codec, stored: StoredCodes, codes: Codes) -> Samples:
    """float32 [stored.samples] at 24 kHz."""
    return codec.decode(codes)[: stored.samples].astype(np.float32)


def _write(wish: Wish, stored: StoredCodes, codec: Codec, samples: Samples | None, codes: Codes) -> None:
    decoded = _decoded(codec, stored, codes) if wish.resynth or wish.plot else np.zeros(0, np.float32)
    for option, (path, _) in wish.places.items():
        try:
            if option == "-o":
                write_codes(path, stored)
            elif option == "--resynth":
                _write_wav(path, decoded)
            elif samples is not None:
                _draw(path, wish, stored, samples[: stored.samples], decoded)
        except OSError as cause:
            raise UserError(f"{option} {path}: could not be written ({cause.strerror}); give another place") from None
        print(f"written: {path} ({path.stat().st_size:,} bytes)")


def _write_wav(path: Path, sound: Samples) -> None:
    from agent.recording.wav_writer import WavWriter

    clipped = int(np.count_nonzero(np.abs(sound) > 1))
    with whole(path) as part:
        writer = WavWriter(part, ANALYSIS_RATE, 1)
        try:
            writer.write(sound)
        finally:
            writer.close()
    if clipped:
        _warn(path, f"{clipped} samples went beyond full scale and are clipped")


def _draw(path: Path, wish: Wish, stored: StoredCodes, before: Samples, after: Samples) -> None:
    from agent.listen.codes_plot import draw

    count = len(stored.codes)
    said = f"after: {count} codes per frame, {stored.kbps:g} kbps, weights {stored.weights_sha256[:8]}"
    with whole(path) as part:
        draw(part, (before, after), (f"before: {stored.source}, 24 kHz mono", said), wish.span_s)


# -- what is said ---------------------------------------------------------------------------------------------------


def _say(wish: Wish, stored: StoredCodes) -> None:
    books, frames = stored.codes.shape
    rate = f"{frames} frames of {books} codes at {FRAME_RATE_HZ:g} Hz = {stored.kbps:g} kbps"
    print(f"{wish.file}: {stored.samples / ANALYSIS_RATE:.2f} s, {rate}, weights {stored.weights_sha256[:8]}")


def _warn(path: Path, what: str) -> None:
    print(f"antiphon: {path}: {what}", file=sys.stderr)


def _check(weights: CodecWeights, codec: Codec, samples: Samples, codes: Codes) -> int:
    """Streamed codes against the package's own of the whole signal; 1 when any differs that may not."""
    wanted = _offline(weights, codec, samples)
    differ = codes != wanted
    first, rest = differ[:, :FIRST_FRAMES], differ[:, FIRST_FRAMES:]
    at = int(np.flatnonzero(differ.any(0) & (np.arange(differ.shape[1]) >= FIRST_FRAMES))[0]) if rest.any() else None
    since = "" if at is None else f", since frame {at} ({at / FRAME_RATE_HZ:.3f} s)"
    if at is not None and codec.dtype == np.float32:
        since += "; near-ties fall either way in float32: --float64 shows whether they were"
    print(f"check: {rest.sum()} of {rest.size} codes differ from encodec's offline codes{since}")
    print(f"       left out: frames 0-{FIRST_FRAMES - 1} ({first.sum()} of {first.size} differ), {WHY_FIRST}")
    return int(rest.any())


def _offline(weights: CodecWeights, codec: Codec, samples: Samples) -> Codes:
    """encodec.EncodecModel.encode of the whole signal: codes [K, T]."""
    import torch

    from models.codec.net import codes_of

    weights.model.set_target_bandwidth(codec.kbps)
    wanted: Codes = codes_of(weights.model, torch.from_numpy(samples.astype(codec.dtype))).numpy()
    return wanted
