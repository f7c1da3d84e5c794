"""Pitch of steady tones whose frequency is known."""

import numpy as np
import pytest

from listener.ears.ears import Ears
from listener.ears.frontend import HOP
from listener.types import ANALYSIS_RATE

T = np.arange(ANALYSIS_RATE // 2) / ANALYSIS_RATE


def last_pitch(sound: np.ndarray) -> float | None:
    ears, heard = Ears(), None
    for i in range(0, len(sound) - HOP + 1, HOP):
        heard = ears.push(sound[i : i + HOP].astype(np.float32), i, 0.0)
    return heard.pitch[-1].f0_hz


@pytest.mark.parametrize("f0_hz", [27.5, 31.0, 41.2, 55.0, 98.0, 196.0, 392.0, 440.0])
def test_a_tone_is_heard_within_ten_cents(f0_hz):
    tone = sum(0.1 / k * np.sin(2 * np.pi * k * f0_hz * T) for k in range(1, 6))
    heard = last_pitch(tone)
    assert heard is not None
    assert abs(1200 * np.log2(heard / f0_hz)) < 10


def test_a_missing_fundamental_is_heard_all_the_same():
    tone = sum(0.05 * np.sin(2 * np.pi * k * 41.2 * T) for k in range(5, 12))
    heard = last_pitch(tone)
    assert heard is not None
    assert abs(1200 * np.log2(heard / 41.2)) < 20


def test_silence_has_no_pitch():
    assert last_pitch(np.zeros(ANALYSIS_RATE // 2)) is None
