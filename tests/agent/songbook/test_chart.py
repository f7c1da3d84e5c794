"""A typed chord chart is a song; what cannot be read is one line that says where."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from agent.core.errors import UserError
from agent.core.music_names import chord_name
from agent.songbook.book import told
from agent.songbook.chart import song_of, spoken
from agent.songbook.export import write
from listener.types import Chord, Meter


def names(chart: str, section: str = "chart") -> list[str]:
    kept = song_of("song", chart).section(section)
    return [" ".join(chord_name(Chord(one.root, one.quality, 1.0)) for one in bar) for bar in kept.chords]


def test_a_line_of_bars_is_a_section() -> None:
    assert names("Em7 | C | D/F# | Em") == ["Em7", "C", "D", "Em"]
    kept = song_of("song", "Em7 | C | D/F# | Em", tempo_bpm=96).sections[0]
    assert [bar.notes[0].pitch % 12 for bar in kept.bars] == [4, 0, 6, 4]
    assert (kept.quarter_bpm, kept.section.meter) == (96, Meter(4, 4))


def test_repeats_and_two_chords_in_a_bar() -> None:
    assert names("|: Am G | F :| E7 | %") == ["Am G", "F", "Am G", "F", "E7", "E7"]
    assert names("|: Am :|x3") == ["Am"] * 3
    kept = song_of("song", "Am G").sections[0]
    assert [one.tick for one in kept.chords[0]] == [0, 8]


def test_sections_odd_bars_and_their_order() -> None:
    song = song_of("song", "[Verse]\nAm | F | 7/8 G | Am\nChorus: C | G\n[Verse]\n")
    assert song.order == ("verse", "chorus", "verse")
    assert song.section("verse").odd == ((2, Meter(7, 8)),)
    assert len(song.section("chorus").bars) == 2
    assert "bar 3 in 7/8" in told(song.section("verse")) and "7/8" not in told(song.section("chorus"))


@pytest.mark.parametrize(
    ("chart", "says"),
    [
        ("", "no chords"),
        ("Em | H7", "bar 2: 'H7' is no chord"),
        ("| % |", "none before it"),
        ("|: Em", "both its signs"),
        ("9/7 Em", "meter '9/7'"),
        ("Em | " * 40, "32 at most"),
        ("[verse]\nEm\n[nothing]", "no section 'nothing'"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(chart: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        song_of("song", chart)
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_chords_may_be_spoken() -> None:
    assert spoken("A minor, F sharp, B flat seven") == "Am | F# | Bb7"


def test_a_song_is_exported_with_its_odd_bar_and_markers(tmp_path: Path) -> None:
    write(song_of("song", "[A]\nAm | 7/8 F\n[B]\nC", tempo_bpm=120), tmp_path / "song.mid")
    file = mido.MidiFile(tmp_path / "song.mid")
    kinds = [(one.type, getattr(one, "text", "")) for one in file.tracks[0]]
    assert [text for kind, text in kinds if kind == "marker"] == ["a", "b"]
    assert file.length == pytest.approx((4 + 3.5 + 4) * 0.5, abs=0.01)
