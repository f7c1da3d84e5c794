"""Our Butterworth sections are SciPy's."""

import numpy as np
import pytest
from scipy import signal

from listener.biquads import butterworth


@pytest.mark.parametrize(
    ("order", "cut_hz", "rate_hz", "kind"),
    [(2, 25, 24_000, "high"), (6, 1900, 24_000, "low"), (4, 60, 6_000, "high"), (8, 3, 50, "low")],
)
def test_the_sections_are_scipys(order, cut_hz, rate_hz, kind):
    wanted = signal.butter(order, cut_hz, kind, fs=rate_hz, output="sos")
    np.testing.assert_allclose(butterworth(order, cut_hz, rate_hz, kind == "high"), wanted, rtol=1e-9, atol=1e-15)
