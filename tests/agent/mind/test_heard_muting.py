"""Muted strings are heard in the codec's latents, beside how the player played before; the drummer goes to the rim."""

from __future__ import annotations

import copy
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.mind.heard_muting import HeardMuting
from listener.types import FRAME_S, FRAME_SAMPLES
from models.codec import muting
from models.codec.codec import Codec
from models.codec.muting import MutedAxis
from models.sounds.bass_tones import RATE
from models.sounds.made_strings import PLAYED, MadeBass

STEP_S, NOTES = 0.32, 5  # of a bar
Samples = NDArray[np.float32]


@cache
def line(techniques: tuple[str, ...], level: float = 0.3) -> Samples:
    """A riff on strings made of partials, a note in each technique that is named."""
    rng = np.random.default_rng(5)
    bass, step = MadeBass(rng), round(STEP_S * RATE)
    out = np.zeros(step * (len(techniques) + 1))
    for number, technique in enumerate(techniques):
        tone = bass.tone((33, 33, 40, 38)[number % 4], PLAYED[technique], rng)[:step]
        out[number * step : number * step + len(tone)] += level * tone / np.abs(tone).max()
    return out.astype(np.float32)


def muted_after(sound: Samples, axis: MutedAxis | None) -> list[bool]:
    """Whether the strings are held to be muted, after each note."""
    codec, heard = Codec.load(), HeardMuting(axis)
    state, told = codec.initial_state(), []
    onsets = [number * STEP_S for number in range(int(len(sound) / RATE / STEP_S))]
    for number, frame in enumerate(sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)):
        end_s = (number + 1) * FRAME_S
        codes, state = codec.step(frame, state)
        heard.hear(end_s, codec.embed(codes), [onset for onset in onsets if end_s - FRAME_S <= onset < end_s])
        if end_s % (NOTES * STEP_S) < FRAME_S:
            heard.end_bar()
        told.append(heard.muted)
    return [told[min(int((onset + STEP_S) / FRAME_S), len(told) - 1)] for onset in onsets]


OPEN, MUTED = ("fingers",) * 20, ("mute",) * 10


def test_a_palm_on_the_strings_is_heard_after_a_bar_and_so_is_its_going() -> None:
    told = muted_after(line(OPEN + MUTED + OPEN[:15]), muting.load())
    assert not any(told[:21])
    assert all(told[27:30])
    assert not any(told[-5:])


def test_one_damped_note_in_a_bar_is_no_mute() -> None:
    assert not any(muted_after(line((*OPEN, "mute", *("fingers",) * 4) * 2), muting.load()))


@pytest.mark.parametrize("other", [line(OPEN + OPEN[:10]), line(OPEN + OPEN[:10], 0.05)])
def test_a_player_who_goes_on_as_before_mutes_nothing_however_loud_they_are(other: Samples) -> None:
    assert not any(muted_after(other, muting.load()))


def test_without_the_axis_of_this_codec_nothing_is_muted() -> None:
    assert not any(muted_after(line(OPEN + MUTED), None))
    assert not any(muted_after(line(OPEN + MUTED), MutedAxis(np.ones(2 * 128, np.float32))))


def test_a_copy_hears_on_as_the_first_does() -> None:
    axis, latent = muting.load(), np.zeros(muting.load().dim, np.float32)
    first = HeardMuting(axis)
    first.hear(FRAME_S, latent, [0.0])
    twin = copy.deepcopy(first)
    twin.hear(2 * FRAME_S, latent + 1, [])
    assert first.between(0, 1) is not None
    assert np.allclose(first.between(0, 1), 0)
