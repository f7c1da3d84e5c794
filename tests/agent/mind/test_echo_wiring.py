"""What the callback sends to the loudspeaker is read in step with the microphone and taken out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import fftconvolve

from agent.audio.sound_card import Pair
from agent.core.settings import AudioConfig, Config
from agent.mind.mind_process import Ears
from agent.session.setup import Setup, cancels_echo
from listener.capture import Framer, to_mono
from listener.ring import Ring
from tests.portaudio import opened

RATE, BLOCK, SECONDS = 44_100, 128, 10
MICROPHONE = Setup(
    rate=RATE,
    input_device=0,
    input_channels=1,
    output_device=0,
    output_channels=2,
    take=None,
    channel=None,
    says="",
)
rng = np.random.default_rng(0)
BAND = (0.1 * rng.standard_normal((RATE * SECONDS, 2))).astype(np.float32)
BAND[:, 1] = 0.7 * BAND[:, 0]
PATH = 10 ** (-3 * np.arange(8_000) / 8_000) * rng.standard_normal(8_000) / 10
ECHO = fftconvolve(np.concatenate([np.zeros(2_000), BAND.mean(axis=1)]), PATH)[: len(BAND)].astype(np.float32)
BASS = (0.1 * np.sin(2 * np.pi * 55 * np.arange(len(BAND)) / RATE)).astype(np.float32)


def blocks(sound: np.ndarray) -> list[np.ndarray]:
    return [sound[at : at + BLOCK] for at in range(0, len(sound) - BLOCK + 1, BLOCK)]


def heard(mic: np.ndarray, sent: np.ndarray | None) -> np.ndarray:
    """What comes out of Ears when both rings are filled as the callback does, read at odd moments."""
    bass = Ring(RATE, 1)
    played = Ring(RATE, 2) if sent is not None else None
    ears, frames = Ears(bass, played, RATE, None), []
    for count, block in enumerate(blocks(mic[:, None])):
        bass.write(block)
        frames += ears.read() if count % 3 == 0 else []  # between the two writes, too
        if played is not None and sent is not None:
            played.write(sent[count * BLOCK : (count + 1) * BLOCK])
        frames += ears.read() if count % 7 == 0 else []
    return np.concatenate([frame.samples for frame in frames])


def plain(mic: np.ndarray) -> np.ndarray:
    framer = Framer(RATE)
    return np.concatenate([f.samples for block in blocks(mic[:, None]) for f in framer.push(to_mono(block)[0])])


def test_without_a_loudspeaker_the_ears_hear_the_microphone() -> None:
    said = heard(BASS, None)
    assert len(said) > 9.9 * 24_000
    assert np.array_equal(said, plain(BASS)[: len(said)])


def test_while_nothing_is_played_the_ears_hear_the_microphone() -> None:
    said = heard(BASS, np.zeros_like(BAND))
    assert np.array_equal(said, plain(BASS)[: len(said)])


def test_the_band_is_taken_out_of_the_microphone() -> None:
    said, bass, echo = heard(BASS + ECHO, BAND), plain(BASS), plain(ECHO)
    late = slice(5 * 24_000, len(said))
    assert np.sum((said - bass[: len(said)])[late] ** 2) < 0.01 * np.sum(echo[late] ** 2)


def test_the_callback_writes_down_what_it_sent_beside_what_it_heard() -> None:
    playback, mic, sent = Ring(1_024, 2), Ring(1_024, 1), Ring(1_024, 2)
    _, callback = opened(Pair(0, 0), RATE, BLOCK, mic, playback.reader(), sent=sent)
    playback.write(BAND[:100])
    readers, out = (mic.reader(), sent.reader()), np.full((BLOCK, 2), np.nan, np.float32)
    callback(BASS[:BLOCK, None], out, BLOCK, None, None)
    assert np.array_equal(readers[0].read(BLOCK)[:, 0], BASS[:BLOCK])
    assert np.array_equal(readers[1].read(BLOCK), out)
    assert np.array_equal(out, np.concatenate([BAND[:100], np.zeros((28, 2), np.float32)]))


@pytest.mark.parametrize(
    ("audio", "setup", "cancels"),
    [
        (AudioConfig(), MICROPHONE, True),
        (AudioConfig(), replace(MICROPHONE, take=Path("take.wav")), False),
        (AudioConfig(), replace(MICROPHONE, output_device=None, output_channels=0), False),
        (AudioConfig(monitor_input="on"), MICROPHONE, False),
        (AudioConfig(monitor_input="on", echo_cancel="on"), MICROPHONE, True),
        (AudioConfig(echo_cancel="off"), MICROPHONE, False),
        (AudioConfig(echo_cancel="on"), replace(MICROPHONE, take=Path("take.wav")), False),
    ],
)
def test_where_a_microphone_may_hear_the_band_it_is_cancelled(audio: AudioConfig, setup: Setup, cancels: bool) -> None:
    assert cancels_echo(Config(audio=audio), setup) is cancels
