"""The echo canceller against rooms convolved by scipy, with a made-up band and bass."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

from listener.echo import TAPS, EchoCanceller, _Foreground
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES

Sound = NDArray[np.float32]
SECOND = ANALYSIS_RATE // FRAME_SAMPLES  # frames


def band(seconds: float, seed: int = 0) -> Sound:
    """Hits of coloured noise eight times a second with a chord that changes every second: [frames, 320]."""
    rng, n = np.random.default_rng(seed), round(seconds * ANALYSIS_RATE)
    t = np.arange(n) / ANALYSIS_RATE
    hits = lfilter([0.3], [1, -0.7], rng.standard_normal(n)) * np.exp(-25 * (t % 0.125))
    keys = rng.integers(48, 84, (3, int(seconds) + 1))[:, t.astype(int)]
    chord = np.sin(2 * np.pi * 440 * 2 ** ((keys - 69) / 12) * (t % 1.0)).sum(axis=0) * np.exp(-3 * (t % 1.0))
    return frames(0.1 * hits + 0.03 * chord)


def bass(seconds: float) -> Sound:
    """Eighth notes with twelve harmonics at 120 bpm: [frames, 320]."""
    t = np.arange(round(seconds * ANALYSIS_RATE)) / ANALYSIS_RATE
    f0_hz = np.take([41.2, 55.0, 49.0, 61.7], (t / 0.5).astype(int) % 4)
    at = t % 0.25
    line = sum(np.sin(2 * np.pi * k * f0_hz * at) / k**1.5 for k in range(1, 13))
    return frames(0.2 * line * np.exp(-4 * at) * np.minimum(at / 0.005, 1))


def room(seed: int, gain: float = 1.0) -> Sound:
    """30 ms of latency, then a response that falls 60 dB in 0.3 s."""
    rng, n = np.random.default_rng(seed), round(0.3 * ANALYSIS_RATE)
    tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / n)
    return np.concatenate([np.zeros(720), gain * tail / np.sqrt(np.sum(tail**2))]).astype(np.float32)


def frames(sound: Sound) -> Sound:
    whole = len(sound) // FRAME_SAMPLES
    return sound[: whole * FRAME_SAMPLES].reshape(whole, FRAME_SAMPLES).astype(np.float32)


def through(reference: Sound, response: Sound) -> Sound:
    return frames(fftconvolve(reference.ravel(), response)[: reference.size])


def cancel(canceller: EchoCanceller, mic: Sound, reference: Sound) -> Sound:
    return np.stack([canceller.step(m, r) for m, r in zip(mic, reference, strict=True)])


def erle_db(echo: Sound, left: Sound) -> float:
    return 10 * float(np.log10(np.sum(echo**2) / np.sum(left**2)))


def test_while_the_band_is_silent_the_microphone_is_untouched() -> None:
    sent = band(3)
    canceller = EchoCanceller()
    cancel(canceller, through(sent, room(0)), sent)
    mic, silence = bass(2), np.zeros((2 * SECOND, FRAME_SAMPLES), np.float32)
    heard = cancel(canceller, mic, silence)
    assert np.array_equal(heard[TAPS // FRAME_SAMPLES :], mic[TAPS // FRAME_SAMPLES :])
    assert np.array_equal(cancel(EchoCanceller(), mic, silence), mic)


def test_the_foreground_is_a_convolution_without_delay() -> None:
    sent, taps = band(2), np.random.default_rng(1).standard_normal(TAPS).astype(np.float32)
    foreground = _Foreground()
    foreground.set_taps(taps)
    echo = np.stack([foreground.step(block) for block in sent])
    assert np.allclose(echo, through(sent, taps), atol=1e-4)


@pytest.mark.parametrize("gain", [0.1, 1.0, 10.0])
def test_after_five_seconds_the_echo_is_20_db_down(gain: float) -> None:
    sent = band(10)
    echo = through(sent, room(2, gain))
    left = cancel(EchoCanceller(ducks=False), echo, sent)
    assert erle_db(echo[5 * SECOND :], left[5 * SECOND :]) >= 20


def test_double_talk_neither_undoes_what_was_learnt_nor_takes_the_bass_away() -> None:
    sent, player = band(25), bass(25)
    echo = through(sent, room(3))
    player[: 5 * SECOND] = 0
    player[5 * SECOND :] *= 2 * np.std(echo) / np.std(player[5 * SECOND :])  # 6 dB above the echo
    left = cancel(EchoCanceller(ducks=False), echo + player, sent) - player
    before, first, last = left[4 * SECOND : 5 * SECOND], left[5 * SECOND : 10 * SECOND], left[-5 * SECOND :]
    assert erle_db(echo[4 * SECOND : 5 * SECOND], before) >= 20
    assert erle_db(echo[5 * SECOND : 10 * SECOND], first) >= 18
    assert erle_db(echo[-5 * SECOND :], last) >= 20


def test_it_learns_while_the_bass_plays() -> None:
    sent, player = band(20), bass(20)
    echo = through(sent, room(4))
    player *= 2 * np.std(echo) / np.std(player)
    left = cancel(EchoCanceller(ducks=False), echo + player, sent) - player
    assert erle_db(echo[-5 * SECOND :], left[-5 * SECOND :]) >= 15


def test_a_loudspeaker_that_is_moved_is_learnt_anew() -> None:
    sent = band(20)
    echo = np.concatenate([through(sent, room(5))[: 8 * SECOND], through(sent, room(6))[8 * SECOND :]])
    left = cancel(EchoCanceller(ducks=False), echo, sent)
    assert erle_db(echo[-5 * SECOND :], left[-5 * SECOND :]) >= 20


def test_what_is_left_of_the_band_is_turned_down_while_nobody_plays_and_a_bass_is_not() -> None:
    sent, player = band(12), bass(12)
    echo = through(sent, room(10))
    player[: 10 * SECOND] = 0
    canceller, subtraction = EchoCanceller(), EchoCanceller(ducks=False)
    ducked, plain = (cancel(c, echo + player, sent) for c in (canceller, subtraction))
    alone, together = slice(6 * SECOND, 10 * SECOND), slice(10 * SECOND, None)
    assert erle_db(plain[alone], ducked[alone]) > 20
    assert erle_db(player[together], (ducked - plain)[together]) > 20


@pytest.mark.parametrize("damage", [np.nan, np.inf, -np.inf, 1e30])
def test_a_damaged_reference_passes_the_microphone_through_and_is_forgotten(damage: float) -> None:
    sent = band(12)
    echo = through(sent, room(7))
    bent = sent.copy()
    bent[3 * SECOND, 17] = damage
    left = cancel(EchoCanceller(), echo, bent)
    assert np.isfinite(left).all()
    assert np.array_equal(left[3 * SECOND], echo[3 * SECOND])
    assert erle_db(echo[-2 * SECOND :], left[-2 * SECOND :]) >= 20


def test_a_damaged_microphone_never_makes_a_damaged_sound() -> None:
    sent = band(2)
    mic = through(sent, room(8))
    mic[SECOND, 3:9] = np.nan
    assert np.isfinite(cancel(EchoCanceller(), mic, sent)).all()


def test_a_copy_continues_identically() -> None:
    sent = band(4)
    mic = through(sent, room(9)) + bass(4)
    canceller = EchoCanceller()
    cancel(canceller, mic[: 2 * SECOND], sent[: 2 * SECOND])
    twin = deepcopy(canceller)
    rest = slice(2 * SECOND, None)
    assert np.array_equal(cancel(canceller, mic[rest], sent[rest]), cancel(twin, mic[rest], sent[rest]))
