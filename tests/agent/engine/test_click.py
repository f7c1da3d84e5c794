"""A click comes on each beat of the band's, is another on the one, and goes on where the beat is lost."""

from __future__ import annotations

import numpy as np

from agent.core.messages import SetClick
from agent.engine.click import Click
from listener.types import Grid, Meter

RATE, BLOCK = 48_000, 256


def played(click: Click, seconds: float, since: int = 0) -> np.ndarray:
    """Return what is heard of a click, mono."""
    out = np.zeros((round(seconds * RATE) // BLOCK * BLOCK, 2), np.float32)
    for at in range(0, len(out), BLOCK):
        click.mix_into(out[at : at + BLOCK], since + at)
    return out[:, 0]


def begins_s(sound: np.ndarray) -> list[float]:
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return [float(at) / RATE for at in loud[np.diff(loud, prepend=-RATE) > RATE // 10]]


def test_it_comes_on_the_band_s_beats_and_higher_on_the_one() -> None:
    click = Click(RATE)
    click.follow(Grid(0.25, 5, 4, 0.5, Meter(4, 4), 1.0, 1.0))
    click.obey(SetClick(True))
    sound = played(click, 2.6)
    assert np.allclose(begins_s(sound), [0.25, 0.75, 1.25, 1.75, 2.25], atol=0.001)
    peaks = [np.abs(sound[round(at * RATE) : round((at + 0.1) * RATE)]).max() for at in begins_s(sound)]
    assert np.argmax(peaks) == 1  # the beat after the fourth
    click.follow(None)  # the beat is lost
    assert len(begins_s(played(click, 2.0, since=round(2.6 * RATE) // BLOCK * BLOCK))) == 4
    click.obey(SetClick(False))
    assert not played(click, 2.0, since=5 * RATE).any()


def test_a_grid_that_is_mended_brings_no_second_click_and_loses_none() -> None:
    click = Click(RATE)
    click.obey(SetClick(True))
    out = []
    for n in range(40):
        off_s = 0.012 * (-1) ** n  # the beat is found a little to and fro
        click.follow(Grid(off_s, 0, 1, 0.5, Meter(4, 4), 1.0, 1.0))
        out.append(played(click, 0.1, since=n * 4_608))
    assert 7 <= len(begins_s(np.concatenate(out))) <= 8


def test_without_a_beat_it_clicks_at_the_tempo_that_is_given() -> None:
    click = Click(RATE)
    click.obey(SetClick(True, 0.5, 0.6, 3))
    click.delay = round(0.1 * RATE)  # it is heard so much later than rendered
    assert np.allclose(begins_s(played(click, 2.0))[:3], [0.4, 1.0, 1.6], atol=0.001)
