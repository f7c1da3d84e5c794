"""Chords hold their tones, stay in range, and move little."""

import pytest

from agent.band.voicing import HIGH, LOW, voice
from listener.music.harmony import QUALITIES


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("root", range(12))
def test_a_voicing_holds_the_chords_tones_within_range(root: int, quality: str) -> None:
    pitches = voice(root, QUALITIES[quality])
    assert {p % 12 for p in pitches} == {(root + i) % 12 for i in QUALITIES[quality][:4]}
    assert min(pitches) >= LOW
    assert max(pitches) <= HIGH


def test_voices_move_by_steps_from_c_to_a_minor() -> None:
    c = voice(0, QUALITIES["maj"])
    a_minor = voice(9, QUALITIES["min"], c)
    assert sum(abs(a - b) for a, b in zip(c, a_minor, strict=True)) <= 2
