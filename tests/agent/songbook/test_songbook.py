"""Sections are kept, come back on the next one as they were, and are saved; what is damaged or unknown is one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.core.errors import UserError
from agent.core.messages import CountIn, GoToSection, KeepSection
from agent.core.types import Decision
from agent.parts.groove_library import GrooveLibrary
from agent.song.kept import KeptSection
from agent.song.live_song import LiveSong
from agent.songbook import song_file
from agent.songbook.book import Songbook
from agent.songbook.shown import ShownSong
from agent.songbook.song_file import Song, ago, load, save
from listener.types import Meter
from models.music.tokens import BassTick, Position, Reply
from tests.agent.fakes import PatternGrooves

FOUR = Meter(4, 4)
VERSE = [{0: 40, 6: 43, 8: 45}, {0: 36, 6: 40, 8: 43}]
CHORUS = [dict.fromkeys(range(0, 16, 2), pitch) for pitch in (45, 38, 43, 47)]


class Playing:
    """A song and a bassist, bar by bar; the band commits two ticks before they are heard."""

    def __init__(self, library: GrooveLibrary | None = None) -> None:
        self.song, self.bar = LiveSong(library or PatternGrooves(), 1), 0
        self.replies: dict[int, list[Reply]] = {}
        self._ahead = 2

    def play(self, bars: list[dict[int, int]]) -> None:
        for notes in bars:
            for tick in range(16):
                self._commit(tick + self._ahead)
                self.song.on_tick(Position(tick, self.bar, FOUR), _tick(notes, tick))
                self.song.sounds = True
            self.bar += 1

    def _commit(self, tick: int) -> None:
        bar, tick = self.bar + tick // 16, tick % 16
        self.replies.setdefault(bar, []).append(self.song.reply(Position(tick, bar, FOUR), True))

    def keep(self, name: str) -> KeptSection:
        kept = self.song.keep(name, 100.0)
        assert kept is not None
        return kept


def _tick(notes: dict[int, int], tick: int) -> BassTick:
    pitch = notes.get(tick)
    return BassTick(True, pitch, 90 if pitch else 0, pitch)


@pytest.fixture(scope="module")
def two() -> tuple[Playing, KeptSection, KeptSection]:
    band = Playing()
    band.play(VERSE * 6)
    verse = band.keep("verse")
    band.play(CHORUS * 4)
    return band, verse, band.keep("chorus")


def test_a_kept_section_has_its_riff_and_the_chords_of_each_bar(two: Any) -> None:
    _, verse, chorus = two
    assert [sorted(note.tick for note in bar.notes) for bar in chorus.bars] == [list(range(0, 16, 2))] * 4
    assert len(verse.bars) in (2, 4)
    assert all(verse.chords)
    assert verse.section.name == "verse"


def test_a_recalled_section_starts_on_the_next_one_20_times_of_20(two: Any) -> None:
    band, verse, chorus = two
    as_they_were = 0
    for time in range(20):
        kept, riff = ((verse, VERSE), (chorus, CHORUS))[time % 2]
        band.song.recall(band.bar + 1, kept)
        band.play([riff[0]])  # the rest of what was played
        band.play(riff * (4 // len(riff)))
        here = band.song.song.sections[band.song.song.current]
        roots = [one.chord.root for one in band.replies[band.bar - 4] if one.chord]
        began = band.song.song.began
        as_they_were += (
            here.name == kept.name
            and here.groove == kept.section.groove
            and here.figure == kept.section.figure
            and here.motif == kept.section.motif
            and roots[:1] == [kept.chords[0][0].root]
            and band.song.song.heard - began in (3, 4)
        )
    assert as_they_were == 20


def test_a_song_is_read_as_it_was_saved(two: Any, songs: Path) -> None:
    _, verse, chorus = two
    song = Song("Tuesday", (verse, chorus), ("verse", "chorus"), {"verse": ({"target": "snare"},)}, 1.0, 2.0)
    assert load(save(song)) == song


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"velocity": 90', '"velocity": 900', 1),
        lambda text: text.replace('"quality": "', '"quality": "x', 1),
        lambda text: text.replace('"pitches": [', '"pitches": [[0, 999],', 1),
        lambda text: text.replace('"ticks": 16', '"ticks": -16'),
        lambda text: "[]",
    ],
)
def test_a_damaged_song_is_refused_in_one_line(two: Any, songs: Path, spoil: Any) -> None:
    path = save(Song("Tuesday", (two[1],)))
    text = path.read_text()
    assert spoil(text) != text
    path.write_text(spoil(text))
    with pytest.raises(UserError, match="damaged") as refused:
        load(path)
    assert "\n" not in str(refused.value)


def test_an_unknown_section_is_answered_with_the_nearest_names(two: Any) -> None:
    song = Song("Tuesday", (two[1], two[2]))
    with pytest.raises(UserError, match="'corus'; there is chorus"):
        song.section("corus")
    assert song.section("The Verse").name == "verse"


def test_forty_sections_are_fine_and_too_many_are_refused(two: Any, songs: Path) -> None:
    song = Song("long")
    for number in range(40):
        song = song.with_section(replace(two[1], name=f"part {number}"))
    assert load(save(song)).section("part 39")
    for number in range(40, song_file.SECTIONS_MAX):
        song = song.with_section(replace(two[1], name=f"part {number}"))
    with pytest.raises(UserError, match="at most"):
        song.with_section(replace(two[1], name="one more"))


def decision(bar: int = 0, **more: Any) -> Decision:
    return Decision(None, None, "playing", bar, ("drums",), **more)  # type: ignore[arg-type]


def test_a_song_grows_is_saved_and_is_known_a_week_later(two: Any, songs: Path) -> None:
    sent: list[Any] = []
    stood: list[Any] = []
    now_s = 1_700_000_000.0  # a Tuesday
    book = Songbook(sent.append, lambda: ({"target": "snare"},), stood.append, lambda: now_s)
    book.push(decision())
    assert book.keep("the verse") == "keeping this as verse"
    assert sent == [KeepSection("verse", False)]
    assert book.push(decision(kept=two[1])).startswith("Kept as verse: ")
    later = Songbook(sent.append, tuple, stood.append, lambda: now_s + 7 * 86_400)
    said = later.do("tuesday's song")
    assert said == "tuesday: verse; last played a week ago"
    counted, gone = sent[-2:]
    assert isinstance(counted, CountIn) and counted.bpm == 100.0
    assert isinstance(gone, GoToSection) and gone.kept.name == "verse"
    assert stood[-1] == ({"target": "snare"},)


def test_a_set_list_is_stepped_through(two: Any, songs: Path) -> None:
    for name in ("one", "two", "three"):
        save(Song(name, (two[1],), began_s=1.0))
    (song_file.folder() / song_file.SET_LIST).write_text("three\none\n")
    book = Songbook(lambda message: None)
    assert [book.do("next").split(":")[0] for _ in range(3)] == ["three", "one", "three"]


def test_what_cannot_be_kept_is_said_at_once_and_not_taken_back_later(songs: Path) -> None:
    sent: list[Any] = []
    book = Songbook(sent.append)
    with pytest.raises(UserError, match="nothing to keep yet"):
        book.keep("", True)
    book.push(decision(not_kept="nothing is played"))
    with pytest.raises(UserError, match="nothing is played"):
        book.keep("verse")
    book.push(decision(bars_sure=False))
    with pytest.raises(UserError, match="not sure of your bars"):
        book.keep("", True)
    assert not sent
    assert book.keep("verse") == "keeping this as verse", "a section without its sound needs no bar lines"


def test_nothing_kept_is_one_line(songs: Path) -> None:
    book = Songbook(lambda message: None)
    with pytest.raises(UserError, match="no section has a name yet"):
        book.to("bridge")
    with pytest.raises(UserError, match="no song 'polka' yet"):
        book.do("polka")
    assert LiveSong(PatternGrooves(), 1).keep("verse", 100.0) is None


def test_how_long_ago_it_was_is_said_in_words() -> None:
    assert [ago(1.0, 1.0 + days * 86_400) for days in (0, 1, 3, 7, 20)] == [
        "today",
        "yesterday",
        "3 days ago",
        "a week ago",
        "2 weeks ago",
    ]


@pytest.fixture
def songs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def test_what_a_screen_shows_follows_the_song(two: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    _, verse, chorus = two
    book = Songbook(lambda message: None)
    shown = ShownSong(book)
    assert shown.view() == {"name": "", "sections": [], "order": [], "playing": "", "coming": "", "songs": []}
    for kept in (verse, chorus):
        book.push(Decision(None, None, "playing", 0, (), kept=kept))
    book.do("name blue")
    book.to("verse")
    view = shown.view()
    assert [one["name"] for one in view["sections"]] == ["verse", "chorus"]
    assert (view["name"], view["playing"], view["coming"]) == ("blue", "chorus", "verse")
    assert "blue" in view["songs"]
    assert shown.view() is view
