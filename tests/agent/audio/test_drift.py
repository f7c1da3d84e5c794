"""Two clocks 200 ppm apart: the loudspeaker's ring neither runs dry nor over, and nobody hears the pitch change."""

from __future__ import annotations

import numpy as np
import pytest

from agent.audio.drift import Bridge, Resampler
from agent.audio.stream_clock import StreamClock
from listener.ring import Ring

RATE, BLOCK, LEAD = 48_000, 128, 512


class TwoCards:
    """A microphone and a loudspeaker with jittery callbacks, and the main loop between them, in simulated time."""

    def __init__(self, heard_ppm: float, played_ppm: float, jitter_s: float = 0.0005, wake_s: float = 0.003) -> None:
        self.rates = RATE * (1 + heard_ppm * 1e-6), RATE * (1 + played_ppm * 1e-6)
        self.out = Ring(1 << 14, 1)
        self.bridge = Bridge(self.out, RATE, 0)
        self.stream = StreamClock(RATE)
        self.rng, self.jitter_s, self.wake_s = np.random.default_rng(0), jitter_s, wake_s
        self.heard, self.played, self.rendered, self.now_s = 0, 0, 0, 0.0
        self.fills: list[int] = []
        self.steps: list[float] = []
        self.errors: list[float] = []

    def run(self, seconds: float, sound: bool = False) -> None:
        """sound False: the resampler counts only, so that an hour takes seconds."""
        played_at, end_s = (0, 0.0), self.now_s + seconds
        if not sound:
            self.bridge._resampler._interpolate = lambda whole, phase: np.zeros((len(whole), 1), np.float32)
        late = self.rng.exponential(self.jitter_s, round(seconds / self.wake_s) + 2)
        for delay_s in late:
            self.now_s += self.wake_s
            if self.now_s > end_s:
                return
            heard = int(self.now_s * self.rates[0]) // BLOCK * BLOCK
            if heard > self.heard:
                self.heard = heard
                self.stream.update(heard, heard / self.rates[0] + min(delay_s, 0.004))
            if heard + LEAD > self.rendered:
                n = heard + LEAD - self.rendered
                self.bridge.write(np.sin(2 * np.pi * 440 / RATE * np.arange(self.rendered, heard + LEAD))[:, None])
                self.rendered += n
            played = int(self.now_s * self.rates[1] + 50) // BLOCK * BLOCK
            if played > self.played:
                self.fills.append(self.out.written - played)
                self.played, played_at = played, (played, played / self.rates[1] + min(delay_s, 0.004))
            self.bridge.steer(played_at, self.stream, self.now_s)
            self.steps.append(self.bridge.step)
            self.errors.append(self.bridge.error)


@pytest.mark.parametrize(("heard_ppm", "played_ppm"), [(200, 0), (-200, 0), (0, 0)])
def test_the_ring_stays_half_full_and_the_pitch_true(heard_ppm: float, played_ppm: float) -> None:
    check(heard_ppm, played_ppm, 60)


@pytest.mark.slow
@pytest.mark.parametrize("ppm", [-200, 200])
def test_for_an_hour(ppm: float) -> None:
    check(ppm, 0, 3_600)


def check(heard_ppm: float, played_ppm: float, seconds: float) -> None:
    cards = TwoCards(heard_ppm, played_ppm)
    cards.run(seconds)
    true_step = (1 + heard_ppm * 1e-6) / (1 + played_ppm * 1e-6)
    settled = np.array(cards.steps[len(cards.steps) * 2 // 3 if seconds < 100 else round(60 / cards.wake_s) :])
    assert cards.bridge.jumps <= 1  # the first alignment
    fills = np.array(cards.fills[round(5 / 0.003) :])
    assert fills.min() > BLOCK  # the next block is always there
    assert fills.max() < 2 * LEAD
    assert np.abs(1200 * np.log2(settled / true_step)).max() < 0.5  # cents
    wander_s = np.array(cards.errors[-len(settled) :]) / RATE
    assert np.abs(wander_s).max() < 0.001


def test_a_tone_comes_out_clean_and_at_its_pitch() -> None:
    """Against the same tone computed at the output's positions."""
    for step in (1.0, 1.0002, 0.9998):
        made, tone, at = Resampler(1), np.sin(2 * np.pi * 1_000 / RATE * np.arange(RATE)), 0
        pieces = []
        for n in np.random.default_rng(1).integers(1, 700, 200):
            pieces.append(made.push(tone[at : at + n, None].astype(np.float32), step))
            at = min(at + n, RATE)
        out = np.concatenate(pieces)[:, 0]
        expected = np.sin(2 * np.pi * 1_000 / RATE * (step * np.arange(len(out)) - 16))
        noise = out[100:-100] - expected[100:-100]
        assert 10 * np.log10(np.mean(expected**2) / np.mean(noise**2)) > 80
        assert made.next_input == pytest.approx(step * len(out) - 16)


def test_a_gap_in_the_loudspeaker_is_jumped_not_chased() -> None:
    cards = TwoCards(0, 0)
    cards.run(10)
    cards.bridge._out.silence(cards.out.written + RATE // 4)  # a quarter of a second too much
    jumps = cards.bridge.jumps
    cards.run(15)
    assert cards.bridge.jumps > jumps
    assert abs(cards.errors[-1]) < 0.002 * RATE
    assert max(cards.fills[-1_000:]) < 2 * LEAD
