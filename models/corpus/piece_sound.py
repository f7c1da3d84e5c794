"""Compute how a piece's bass sounds to the responder: rendered with FluidSynth, through the codec, mean latent per
tick.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from listener.types import ANALYSIS_RATE, FRAME_S
from models.codec.codec import Codec
from models.music.tick_grid import Arrangement, Sounded
from models.sounds.codec_sounds import BASS_PROGRAMS, SOUNDFONT

HEARD_S = 45.0  # of a piece; the rest of its sound counts as unknown
GAIN = 0.5


class BassSound:
    """Holds FluidSynth and the codec, loaded once; FileNotFoundError when soundfont or codec weights are absent."""

    def __init__(self) -> None:
        import fluidsynth

        if not SOUNDFONT.exists():
            raise FileNotFoundError(f"{SOUNDFONT}: no such soundfont; install Debian's fluid-soundfont-gm")
        self._codec = Codec.load()
        self._synth = fluidsynth.Synth(gain=GAIN, samplerate=float(ANALYSIS_RATE))
        self._synth.setting("synth.reverb.active", 0)
        self._synth.setting("synth.chorus.active", 0)
        self._font = self._synth.sfload(str(SOUNDFONT))

    def latents(self, piece: Arrangement, seed: int) -> NDArray[np.float32]:
        """Return the mean quantised latent over each tick, [T, dim]; NaN where nothing was rendered."""
        tick_s = 60.0 / piece.tempo_bpm / 4
        count = min(len(piece.ticks), int(HEARD_S / tick_s))
        program = BASS_PROGRAMS[seed % len(BASS_PROGRAMS)]
        embedded = self._codec.embed(self._codec.forward(self._render(piece.bass, program, tick_s, count)))
        out = np.full((len(piece.ticks), self._codec.dim), np.nan, np.float32)
        edges = np.round(np.arange(count + 1) * tick_s / FRAME_S).astype(int)
        for tick in range(count):
            frames = embedded[edges[tick] : max(edges[tick + 1], edges[tick] + 1)]
            if len(frames):
                out[tick] = frames.mean(0)
        return out

    def _render(self, notes: tuple[Sounded, ...], program: int, tick_s: float, count: int) -> NDArray[np.float32]:
        synth = self._synth
        synth.system_reset()
        synth.program_select(0, self._font, 0, program)
        parts, now = [np.zeros(0, np.float32)], 0
        for at, pitch, velocity in _messages(notes, count):
            until = int(at * tick_s * ANALYSIS_RATE)
            if until > now:
                stereo = np.asarray(synth.get_samples(until - now), np.float32).reshape(-1, 2)
                parts.append(stereo.mean(1) / 32768)
                now = until
            if velocity:
                synth.noteon(0, pitch, velocity)
            else:
                synth.noteoff(0, pitch)
        return np.concatenate(parts)


def _messages(notes: tuple[Sounded, ...], count: int) -> Iterator[tuple[int, int, int]]:
    """Return (tick, pitch, velocity or 0) in time order, ends before beginnings; the last one marks the end."""
    inside = [n for n in notes if n.start < count]
    ends = [(min(n.end, count), 0, n.pitch, 0) for n in inside]
    begins = [(n.start, 1, n.pitch, n.velocity) for n in inside]
    for at, _, pitch, velocity in sorted([*ends, *begins]):
        yield at, pitch, velocity
    yield count, 0, 0
