"""The longest stretch of music that comes again is counted in bars."""

from __future__ import annotations

import pytest

from benchmarks.endless_mood import longest_again


@pytest.mark.parametrize(
    ("bars", "longest"),
    [([1, 2, 3, 4], 0), ([1, 2, 3, 1, 2, 4], 2), ([1, 1, 1, 1], 3), ([1, 2, 3, 9, 1, 2, 3, 8, 2, 3], 3)],
)
def test_the_longest_run_of_bars_that_came_before(bars: list[int], longest: int) -> None:
    assert longest_again(bars) == longest
