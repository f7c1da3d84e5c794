"""Bass lines whose lateness and swing are known, as notes and as sound (FluidSynth, lead-ins taken out)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from agent.audio.synth import ATTACK_S, BLOCK, PartVoice, Synth, lead_in_of
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
RATE = 48_000
START_S = 1.0
BEATS = 4
JITTER_S = 0.003
GROOVES: tuple[tuple[float, ...], ...] = ((0, 0.5, 1, 2, 2.5, 3, 3.5), (0, 1, 1.5, 2, 3, 3.5), (0, 0.5, 1, 1.5, 2, 3))
STEPS = (0, 0, 7, 12, 7, 5, 0)
ROOTS = (28, 33, 31, 35)


@dataclass(frozen=True)
class Played:
    """A line. late_s: added to every note from bar `turn` on; swing: place of the off-beats from the start."""

    bpm: float = 110.0
    bars: int = 20
    turn: int = 8
    late_s: float = 0.0
    swing: float = 0.5
    groove: int = 0
    program: int = 33
    seed: int = 0

    @property
    def beat_s(self) -> float:
        return 60 / self.bpm

    def notes(self) -> list[tuple[float, int, int]]:
        """(onset_s, pitch, velocity) of every note; jitter is normal, JITTER_S."""
        rng = np.random.default_rng(self.seed)
        out = []
        for bar in range(self.bars):
            for i, place in enumerate(GROOVES[self.groove]):
                whole = int(place)
                beat = BEATS * bar + whole + (self.swing if place - whole == 0.5 else place - whole)
                late_s = (self.late_s if bar >= self.turn else 0.0) + rng.normal(0, JITTER_S)
                velocity = (105 if place == 0 else 88) + int(rng.integers(-6, 7))
                out.append((START_S + beat * self.beat_s + late_s, ROOTS[bar % 4] + STEPS[i], velocity))
        return out


def lead_in_s(synth: Synth, pitch: int, velocity: int) -> float:
    """Seconds from note-on to -20 dB of the attack's peak, of this very note: its neighbours may use other samples."""
    synth.all_off()
    synth.render(8 * BLOCK)
    synth.send("bass", (0x90, pitch, velocity))
    return lead_in_of(synth.render(int(ATTACK_S * RATE))[0].mean(1), RATE)


def sound(line: Played) -> NDArray[np.float32]:
    """float32 [n] at 24 kHz: every note is heard when it should be, to 1.3 ms (FluidSynth's block)."""
    synth = Synth(SOUNDFONT, RATE, (PartVoice("bass", 0, line.program),))
    notes = line.notes()
    leads_s = {note: lead_in_s(synth, *note) for note in sorted({(pitch, velocity) for _, pitch, velocity in notes})}
    synth.all_off()
    events = []
    for (onset_s, pitch, velocity), (next_s, _, _) in zip(notes, [*notes[1:], (notes[-1][0] + 0.5, 0, 0)], strict=True):
        lead_s = leads_s[pitch, velocity]
        events.append((onset_s - lead_s, 1, (0x90, pitch, velocity)))
        events.append((min(next_s - 0.05, onset_s + 0.8 * line.beat_s) - lead_s, 0, (0x80, pitch, 0)))
    stems, now = [], 0
    for time_s, _, message in sorted(events):
        block = round(time_s * RATE / BLOCK) * BLOCK
        if block > now:
            stems.append(synth.render(block - now)[0].mean(1))
            now = block
        synth.send("bass", message)
    stems.append(synth.render(RATE // 2)[0].mean(1))
    synth.close()
    heard = np.asarray(resample_poly(np.concatenate(stems), ANALYSIS_RATE, RATE), np.float32)
    return (0.5 * heard / np.abs(heard).max()).astype(np.float32)


def frames(samples: NDArray[np.float32]) -> list[Frame]:
    whole = len(samples) // FRAME_SAMPLES
    return [
        Frame(chunk, i * FRAME_SAMPLES) for i, chunk in enumerate(np.split(samples[: whole * FRAME_SAMPLES], whole))
    ]
