"""The peer is heard at its best: aligned, at the rate it really took. An untrained model is a fair one."""

import numpy as np
import pytest
import torch

from benchmarks.baselines.opus import aligned, opus
from benchmarks.baselines.untrained import untrained
from benchmarks.codec_quality import codebook_use
from models.codec.net import CodecConfig, codes_of
from models.training.codec_scores import si_sdr


def plucks(seconds: float, seed: int = 0) -> np.ndarray:
    """Decaying harmonic tones, two a second."""
    t, rng = np.arange(int(seconds * 24_000)) / 24_000, np.random.default_rng(seed)
    hz = np.repeat(rng.uniform(60, 200, int(2 * seconds)), 12_000)
    partials = sum(np.sin(2 * np.pi * k * np.cumsum(hz) / 24_000) / k for k in range(1, 12))
    return (0.2 * partials * np.exp(-5 * (t % 0.5))).astype(np.float32)


@pytest.mark.parametrize("lag", [-700, -1, 0, 1, 312])
def test_a_delayed_copy_is_put_back(lag: int) -> None:
    sound = plucks(2.0)
    moved = np.roll(np.pad(sound, 1000), lag)[1000:-1000]
    inner = slice(1000, -1000)
    np.testing.assert_array_equal(aligned(moved, sound)[inner], sound[inner])
    assert len(aligned(moved[:-500], sound)) == len(sound)


def test_opus_at_a_higher_rate_takes_more_and_sounds_closer() -> None:
    sound = plucks(6.0)
    (low, low_kbps), (high, high_kbps) = opus(sound, 6.0), opus(sound, 24.0)
    assert low_kbps == pytest.approx(6, abs=2.5)
    assert high_kbps == pytest.approx(24, abs=8)
    wanted = torch.from_numpy(sound)
    assert si_sdr(wanted, torch.from_numpy(high)) > si_sdr(wanted, torch.from_numpy(low)) > 0


def test_an_untrained_model_still_says_many_codes() -> None:
    sound = plucks(4.0)
    model = untrained(CodecConfig(n_codebooks=2, bins=128), [sound])
    codes = codes_of(model, torch.from_numpy(plucks(4.0, seed=1)))
    assert [len(row.unique()) > 30 for row in codes] == [True, True]
    with torch.no_grad():
        assert float(model.encoder(torch.from_numpy(sound)[None, None]).std()) == pytest.approx(1, rel=0.05)


def test_codebook_use_counts_the_codes_that_never_occur() -> None:
    codes = torch.tensor([[0, 1, 2, 3] * 5, [0] * 20])
    (even, unused), (one, rest) = codebook_use(codes, bins=4)
    assert (even, unused) == (pytest.approx(4), 0)
    assert (one, rest) == (pytest.approx(1), 0.75)
