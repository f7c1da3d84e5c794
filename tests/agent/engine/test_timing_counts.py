"""How late and how fresh: against numpy's quantiles and StreamMUSE's own formula."""

import pickle

import numpy as np
import pytest

from agent.engine.timing_counts import FRESH_TICKS, Counts


def test_quantiles_are_numpys_to_a_bins_width():
    lateness = np.random.default_rng(0).lognormal(np.log(3e-4), 1.0, 5000)
    counts = Counts()
    for one in lateness:
        counts.left(one)
    for share in (0.5, 0.9, 0.99):
        true = 1000 * np.quantile(lateness, share)
        assert true <= counts.lateness_ms(share) * 1.01 <= 1.15 * true
    assert len(pickle.dumps(counts)) < 1500


def test_nothing_played_and_extremes_are_in_the_scale():
    counts = Counts()
    assert (counts.in_time_share, counts.freshness, counts.lateness_ms(0.99)) == (1.0, 1.0, 0.0)
    counts.left(-1.0)
    counts.left(1e9)
    assert sum(counts.lateness) == 2


def test_the_product_is_streammuses_weighted_share_when_all_is_in_time():
    backup = np.random.default_rng(1).integers(0, 60, 200)  # ticks; its evaluation clamps them to C
    counts = Counts(sent=200, stale_ticks=float(np.minimum(backup, FRESH_TICKS).sum()))
    assert counts.timeliness == pytest.approx(np.mean((32 - np.clip(backup, 0, 32)) / 32))
