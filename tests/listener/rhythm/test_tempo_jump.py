"""A tempo that changes at once, on lines whose beats are known."""

from __future__ import annotations

import numpy as np
import pytest

QUARTERS = [(0, 0), (1, 7), (2, 12), (3, 7)]
RIFF = [(0, 0), (0.5, 0), (1.5, 7), (2, 0), (3, 10), (3.5, 12)]


def one_after_another(line, pieces):
    """pieces: (pattern, bpm, bars), all in 4/4. Return the line and when the last piece begins."""
    start_s, parts = 0.5, []
    for pattern, bpm, bars in pieces:
        parts.append(line.of(pattern, 4, bpm, bars, start_s))
        start_s, turn_s = start_s + bars * 4 * 60 / bpm, start_s
    notes = [[n for part in parts for n in getattr(part, name)] for name in ("onsets_s", "pitches", "velocities")]
    return line(*notes, parts[-1].beat_s, 4), turn_s


@pytest.mark.parametrize("pattern", [QUARTERS, RIFF], ids=["quarters", "riff"])
@pytest.mark.parametrize(("first", "second"), [(100, 130), (120, 88)])
def test_pulse_and_bar_go_on_at_another_tempo_within_six_beats(first, second, pattern, play, line):
    take, turn_s = one_after_another(line, [(pattern, first, 6), (pattern, second, 5)])
    after = [(t, g) for t, g in play(take).grids if turn_s + 6 * take.beat_s < t < take.onsets_s[-1]]
    beats = np.array([(g.time_of(round(g.beat_at(t))) - turn_s) / take.beat_s for t, g in after])
    positions = [g.position_of(round(g.beat_at(t))) - 1 for t, g in after]
    assert np.abs(beats - np.round(beats)).max() * take.beat_s < 0.05
    assert (np.round(beats) % 4 == positions).all()


@pytest.mark.parametrize(
    "fill",
    [
        [(2 * i / 3, 0) for i in range(6)],
        [(0.75 * i, 0) for i in range(5)],
        [(i + 0.5, 0) for i in range(4)],
        [(i / 3, 0) for i in range(12)],
    ],
    ids=["quarter triplets", "dotted eighths", "off-beats", "eighth triplets"],
)
def test_a_bar_of_other_divisions_is_no_other_tempo(fill, play, line):
    take, _ = one_after_another(line, [(RIFF, 104, 6), (fill, 104, 1), (RIFF, 104, 3)])
    periods_s = [g.period_s for t, g in play(take).grids if g and t > 8]
    assert np.ptp(periods_s) < 0.03 * take.beat_s
