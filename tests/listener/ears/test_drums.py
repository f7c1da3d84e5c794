"""Drums beside the bass are heard as drums, on hits made here."""

import numpy as np

from listener.ears.ears import EarEvents, Ears
from listener.ears.frontend import HOP
from listener.types import ANALYSIS_RATE

T = np.arange(ANALYSIS_RATE // 3) / ANALYSIS_RATE
BEAT = 12_000  # samples: 120 bpm
RNG = np.random.default_rng(0)
KICK = 0.5 * np.sin(2 * np.pi * np.cumsum(52 + 160 * np.exp(-60 * T)) / ANALYSIS_RATE) * np.exp(-18 * T)
SNARE = 0.3 * RNG.normal(0, 0.4, len(T)) * np.exp(-22 * T) + 0.15 * np.sin(2 * np.pi * 190 * T) * np.exp(-30 * T)
BASS = 0.3 * sum(np.sin(2 * np.pi * 55 * k * T) / k * np.exp(-(1 + 0.4 * k) * T) for k in range(1, 12))
BASS *= np.minimum(1, (T[-1] - T) / 0.02)


def played(*parts: tuple[np.ndarray, range]) -> np.ndarray:
    """Sixteen beats of sound in which each part is struck at its eighths."""
    out = 1e-4 * RNG.normal(0, 1, 17 * BEAT)
    for sound, eighths in parts:
        for eighth in eighths:
            out[eighth * BEAT // 2 :][: len(sound)] += sound
    return out.astype(np.float32)


def hear(sound: np.ndarray) -> EarEvents:
    ears, heard = Ears(), EarEvents()
    for start in range(0, len(sound) - HOP + 1, HOP):
        heard = heard.and_then(ears.push(sound[start : start + HOP], start, 0.0))
    return heard


def test_drums_alone_are_hits_and_hardly_ever_notes():
    heard = hear(played((KICK, range(0, 32, 4)), (SNARE, range(2, 32, 4))))
    struck = np.arange(0, 32, 2) * BEAT / 2 / ANALYSIS_RATE
    near = [min(abs(struck - hit.onset_s)) < 0.03 for hit in heard.hits]
    assert sum(near) >= 14
    assert len(heard.notes) <= 2


def test_a_bass_beside_a_snare_keeps_its_notes_and_gets_no_more():
    heard = hear(played((0.5 * SNARE, range(2, 32, 4)), (BASS, range(1, 32, 2))))
    notes = {note.onset_s: note for note in (*heard.notes, *heard.revised)}
    right = [note for note in notes.values() if note.pitch == 33 and note.articulation != "ghost"]
    assert len(right) >= 14
    assert len(notes) <= 18


def test_a_bass_alone_hits_no_drum():
    heard = hear(played((BASS, range(0, 32, 2))))
    assert len(heard.onsets) == 16
    assert len(heard.hits) <= 2
