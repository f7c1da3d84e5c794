"""Design Butterworth filters as cascades of biquads, without importing scipy.

The same as `scipy.signal.butter(..., output="sos")`, whose import takes 70 MB.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def butterworth(order: int, cut_hz: float, rate_hz: float, high: bool = False) -> NDArray[np.float64]:
    """Return the sections [order / 2, 6] (b0 b1 b2 1 a1 a2) of a Butterworth filter of even order.

    The sharpest section comes last; the gain lies in the first. The analogue poles lie on a circle (Butterworth 1930)
    and go through the bilinear transform, with the cut-off pre-warped.
    """
    assert order % 2 == 0, f"order {order}: even ones are made"
    warped = 4 * np.tan(np.pi * cut_hz / rate_hz)
    circle = np.exp(1j * np.pi * (np.arange(order // 2) * 2 + order + 1) / (2 * order))  # one of each pair
    analogue = warped / circle if high else warped * circle
    poles = (4 + analogue) / (4 - analogue)
    poles = poles[np.argsort(np.abs(poles))]
    zeros = (4.0 if high else warped) ** order  # of the numerator at 4
    gain = zeros / np.prod(np.abs(4 - analogue) ** 2)
    ends = [1.0, -2.0 if high else 2.0, 1.0]
    sections = np.array([[*ends, 1.0, -2 * pole.real, abs(pole) ** 2] for pole in poles])
    sections[0, :3] *= gain
    return sections
