"""Render excerpts of songs with the same instruments for every band, matched in loudness, for blind ratings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from agent.audio.synth import DRUM_BANK, PartVoice, Synth
from agent.core.midi_constants import BASS_PROGRAM, NOTE_OFF, NOTE_ON
from agent.core.paths import SOUNDFONT, shipped
from agent.core.settings import DEFAULT_PARTS
from benchmarks.common import band_score

RATE = 48_000
BLOCK = 64
LEAD_S, TAIL_S = 0.05, 0.8  # before an excerpt (its first stroke may be early) and after it
LOUDNESS = -20.0  # LUFS of every clip
CEILING = 0.97
PARTS = ("bass", "drums", "chords", "line")
Sound = NDArray[np.float32]
Seconds = tuple[float, float, int, int]  # on, off, pitch, velocity
K_WEIGHTING = (  # of ITU-R BS.1770 at 48 kHz: the head's shelf, the high-pass; second-order sections
    (1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585),
    (1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621),
)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The tempo map of a song's bass, which all its bands are played in."""

    quarters: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @classmethod
    def of(cls, bass: Path) -> Timeline:
        ppq, _, _, tempi = band_score.raw(bass)
        places, now_s, before, tempo = [(0.0, 0.0)], 0.0, 0.0, 500_000
        for tick, us in sorted(tempi):
            now_s, before, tempo = now_s + (tick / ppq - before) * tempo / 1e6, tick / ppq, us
            places.append((before, now_s))
        places.append((before + 1e6, now_s + tempo))
        quarters, seconds = zip(*places, strict=True)
        return cls(np.array(quarters), np.array(seconds))

    def at(self, quarter: float) -> float:
        return float(np.interp(quarter, self.quarters, self.seconds))


def notes_of(path: Path, time: Timeline) -> dict[str, list[Seconds]]:
    """Return the notes of each of PARTS in seconds; what else a real band plays ("Other") is left out."""
    ppq, parts, _, _ = band_score.raw(path)
    return {
        name: [(time.at(s / ppq), time.at(e / ppq), pitch, velocity) for s, e, pitch, velocity in parts.get(name, [])]
        for name in PARTS
    }


class Band:
    """Plays notes on the instruments that ship: one synth for all clips, so that all sound alike."""

    def __init__(self) -> None:
        def voice(name: str) -> PartVoice:
            if name == "bass":
                return PartVoice("bass", 0, BASS_PROGRAM)
            part = DEFAULT_PARTS[name]
            bank = DRUM_BANK if name == "drums" else 0
            return PartVoice(name, part.channel_index, part.program, bank, part.gain_db, part.pan)

        self._synth = Synth(Path(shipped(SOUNDFONT)), RATE, [voice(name) for name in PARTS])

    def play(self, notes: Mapping[str, Sequence[Seconds]], start_s: float, end_s: float) -> Sound:
        """Return [n, 2]: the notes that begin in start_s..end_s, cut off at its end but for TAIL_S."""
        events: list[tuple[float, int, str, tuple[int, int, int]]] = []
        for part, found in notes.items():
            for on_s, off_s, pitch, velocity in found:
                if start_s <= on_s < end_s:
                    events.append((on_s - start_s, 1, part, (NOTE_ON, pitch, velocity)))
                    events.append((min(off_s, end_s) - start_s, 0, part, (NOTE_OFF, pitch, 0)))
        length, done, pieces = round((end_s - start_s + TAIL_S) * RATE), 0, []
        for at_s, _, part, message in sorted(events):
            until = min(round(at_s * RATE) // BLOCK * BLOCK, length)
            if until > done:
                pieces.append(self._synth.render(until - done).sum(0))
                done = until
            self._synth.send(part, message)
        pieces.append(self._synth.render(max(length - done, BLOCK)).sum(0))
        self._synth.all_off()
        self._synth.render(BLOCK * 8)
        sound: Sound = np.concatenate(pieces)[:length]
        fade = round(TAIL_S * RATE / 2)
        sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
        return sound

    def close(self) -> None:
        self._synth.close()


def loudness(sound: Sound) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4: K-weighted, 400 ms blocks, gated at -70 and -10 LU)."""
    weighted = signal.sosfilt(np.array(K_WEIGHTING), np.atleast_2d(sound.T).astype(float), axis=-1)
    size, hop = round(0.4 * RATE), round(0.1 * RATE)
    starts = range(0, max(weighted.shape[1] - size, 0) + 1, hop)
    power = np.array([np.mean(weighted[:, at : at + size] ** 2, axis=1).sum() for at in starts])

    def level(values: Any) -> float:
        return float(-0.691 + 10 * np.log10(np.mean(values))) if len(values) and np.mean(values) > 0 else -np.inf

    heard = power[-0.691 + 10 * np.log10(power + 1e-12) > -70]
    return level(heard[-0.691 + 10 * np.log10(heard + 1e-12) > level(heard) - 10]) if len(heard) else -np.inf


def matched(sound: Sound, lufs: float = LOUDNESS) -> Sound:
    """Return the sound at a loudness; quieter where its peak would pass CEILING."""
    now = loudness(sound)
    gain = 10 ** ((lufs - now) / 20) if np.isfinite(now) else 1.0
    peak = float(np.abs(sound).max()) * gain
    return (sound * gain * min(1.0, CEILING / max(peak, 1e-9))).astype(np.float32)
