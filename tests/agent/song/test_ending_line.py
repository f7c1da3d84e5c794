"""The line ends with the band: it begins no phrase over the last stroke that rings."""

from __future__ import annotations

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, BassNote
from agent.parts.counter_line import LineNote
from agent.song.ending import last_line
from listener.types import Meter

LAST = BassBar(Meter(4, 4), 16, (BassNote(0, 16, 40, 90),))
E_MINOR = (ChordAt(0, 4, "min", (), (59, 64, 67)),)


def test_a_phrase_over_the_last_stroke_is_one_note_of_its_chord() -> None:
    phrase = [LineNote(8, 2, 78, 80), LineNote(10, 2, 79, 80), LineNote(12, 4, 76, 80)]
    assert last_line(phrase, E_MINOR, LAST) == (LineNote(0, 16, 79, 80),)


def test_without_a_note_of_the_chord_the_line_is_silent() -> None:
    assert last_line([LineNote(8, 2, 78, 80)], E_MINOR, LAST) == ()


def test_what_was_played_before_the_stroke_stays() -> None:
    late = BassBar(Meter(4, 4), 16, (BassNote(0, 8, 43, 90), BassNote(8, 8, 40, 90)))
    phrase = [LineNote(4, 8, 78, 80), LineNote(10, 4, 76, 80)]
    assert last_line(phrase, E_MINOR, late) == (LineNote(4, 4, 78, 80), LineNote(8, 8, 76, 80))
