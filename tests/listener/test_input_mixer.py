"""Which channel carries the bass, on sounds whose channels are made here."""

import numpy as np
import pytest

from listener.input_mixer import InputMixer

RATE = 48_000
RNG = np.random.default_rng(1)
REST, SECONDS = RATE // 2, 4


def bass(gain: float = 0.3) -> np.ndarray:
    """Plucked notes after half a second of silence, float32 [n]."""
    t = np.arange(RATE // 2) / RATE
    notes = [
        sum(gain / k * np.sin(2 * np.pi * k * f0 * t) * np.exp(-(2 + k) * t) for k in range(1, 9))
        for f0 in np.resize([41.2, 55.0, 73.4], 2 * SECONDS)
    ]
    return np.concatenate([np.zeros(REST), *notes]).astype(np.float32)


def mixed(sound: np.ndarray, block: int = 128, channel: int | None = None) -> tuple[np.ndarray, InputMixer]:
    mixer = InputMixer(sound.shape[1], RATE, channel)
    parts = [mixer.push(sound[at : at + block])[0] for at in range(0, len(sound), block)]
    return np.concatenate(parts), mixer


def hiss(channels: int) -> np.ndarray:
    return RNG.normal(0, 10 ** (-80 / 20), (len(bass()), channels)).astype(np.float32)


def test_the_one_channel_of_18_that_carries_the_bass_is_found_and_named():
    sound = hiss(18)
    sound[:, 1] += bass(10 ** (-24 / 20))
    mono, mixer = mixed(sound)
    np.testing.assert_array_equal(mono[REST + RATE // 10 :], sound[REST + RATE // 10 :, 1])
    assert mixer.take_lines() == ["the bass is on channel 2 of 18 (another one: audio.input_channel, 1 to 18)"]


def test_two_channels_that_cancel_are_subtracted():
    sound = np.stack([bass(), -bass()], axis=1)
    mono, mixer = mixed(sound)
    np.testing.assert_allclose(np.abs(mono[RATE:]), np.abs(bass()[RATE:]), atol=1e-6)
    assert "cancel" in mixer.take_lines()[0]


def test_channels_that_carry_the_same_are_their_mean_and_nothing_is_said():
    mono, mixer = mixed(np.stack([bass(), bass()], axis=1))
    np.testing.assert_array_equal(mono, bass())
    assert mixer.take_lines() == []


def test_hum_before_the_first_note_does_not_decide():
    sound = hiss(2)
    sound = np.concatenate([np.zeros((3 * RATE, 2), np.float32), sound])
    sound[:, 0] += 0.003 * np.sin(2 * np.pi * 50 * np.arange(len(sound)) / RATE)
    sound[3 * RATE :, 1] += bass()
    mono, _ = mixed(sound)
    np.testing.assert_array_equal(mono[5 * RATE :], sound[5 * RATE :, 1])


@pytest.mark.parametrize("block", [1, 64, 1000, 48_000])
def test_the_mix_is_the_same_at_any_block_size(block):
    sound = hiss(3)[: 2 * RATE]
    sound[:, 2] += bass()[: 2 * RATE]
    np.testing.assert_array_equal(mixed(sound, block)[0], mixed(sound)[0])


def test_a_chosen_channel_is_obeyed():
    sound = hiss(2)
    sound[:, 1] += bass()
    np.testing.assert_array_equal(mixed(sound, channel=0)[0], sound[:, 0])


@pytest.mark.parametrize(
    ("levels_db", "channel", "says"),
    [
        ((-56,), None, "hardly any sound arrives (peak -56 dB): turn the input up"),
        ((-200,), None, "no sound arrives: turn the input up"),
        ((-200, -20), 0, "no sound arrives on channel 1, but channel 2 has some (-20 dB): set audio.input_channel=2"),
    ],
)
def test_hardly_any_sound_is_said_once_with_the_channel_that_has_some(levels_db, channel, says):
    t = np.arange(12 * RATE) / RATE
    sound = np.stack([10 ** (db / 20) * np.sin(2 * np.pi * 55 * t) for db in levels_db], axis=1).astype(np.float32)
    _, mixer = mixed(sound, 1024, channel)
    (line,) = [line for line in mixer.take_lines() if "sound" in line]
    assert line.startswith(says)
