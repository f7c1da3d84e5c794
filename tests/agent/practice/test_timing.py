"""Clean playing is told from loose playing by the ears' own figures, place by place."""

import numpy as np
import pytest

from agent.practice.timing import TimingCounts, judged
from listener.types import NoteFeel


def notes(late_ms, position=1, place=0.0):
    return [NoteFeel(float(at), late / 1000, place, position, "given") for at, late in enumerate(late_ms)]


@pytest.mark.parametrize(
    ("late_ms", "clean"),
    [
        (np.full(16, 2.0), True),
        (np.full(16, 30.0), True),  # laid back, but steadily
        (np.full(16, 55.0), False),  # not with the beat
        (np.tile([-60.0, 60.0], 8), False),
        (np.full(4, 0.0), False),  # too few notes to tell
    ],
)
def test_clean_is_steady_and_with_the_beat(late_ms, clean):
    assert judged(notes(late_ms), 0.5).clean is clean


def test_the_report_counts_every_note_and_names_its_place():
    counts = TimingCounts()
    for note in [*notes([-70.0, 4.0, 6.0]), *notes([18.0, 22.0], position=2, place=0.5)]:
        counts.add(note)
    assert sum(count for _, count in counts.histogram()) == 5
    text = "\n".join(counts.lines())
    assert "5 notes" in text
    assert any(line.startswith("2&") and "+20 ms" in line for line in counts.lines())


def test_without_notes_it_says_so():
    assert "No note" in TimingCounts().lines()[0]
