"""What the reader's network is told of a word: misspelt ones stand for the known word they most likely are."""

import pytest

from agent.language.reader.reading import features


@pytest.mark.parametrize(
    ("written", "meant"),
    [("hta", "hat"), ("snaer", "snare"), ("drusm", "drums"), ("louuder", "louder"), ("chords", "chords"), ("ok", "ok")],
)
def test_a_misspelt_word_stands_for_the_likeliest_known_one(written: str, meant: str) -> None:
    assert features().corrected(written) == meant
