"""A song that is made of words: seeded, playable, its riffs kept, its files whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest
import soundfile

from agent.__main__ import main
from agent.making import bass_writer, riff_judge, song_folder
from agent.making.account import account
from agent.making.brief_reader import brief_of
from agent.making.outline import Given, Outline
from agent.making.song_maker import Song, make
from agent.reply import generation_options
from models.responder.net import ResponderConfig
from models.responder.responder import Responder


@pytest.fixture(scope="module")
def responder() -> Responder:
    """A small responder that has learned nothing."""
    return Responder.untrained(1, ResponderConfig(hidden=16, sound_dim=4, dials=True, foresee=True))


@pytest.fixture(autouse=True, scope="module")
def few_draws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bass_writer, "DRAWS", 2)
        patch.setattr(bass_writer, "END_DRAWS", 1)
        yield


@pytest.fixture(scope="module")
def song(responder: Responder) -> Song:
    brief = "dark, 140 bpm, 10 bars, intro verse chorus outro, a 7/8 bar before each chorus, ends alone"
    return make(brief_of([brief]), responder, 3)


def test_the_same_seed_gives_the_same_song_another_another(song: Song, responder: Responder) -> None:
    again = make(song.brief, responder, 3)
    assert again.take.played == song.take.played
    other = bass_writer.BassWriter(Outline(song.brief, 4, Given()), responder)
    assert other.themes(4).riffs != song.themes.riffs


def test_a_section_that_returns_has_its_riff_again(song: Song) -> None:
    verses = [part for part in song.form.parts if part.role in ("intro", "verse")]
    first, second = (song.bass[part.first].rhythm for part in verses[:2])
    assert first == second and song.form.parts[-1].role == "outro"


def test_the_bass_is_in_reach_of_a_hand(song: Song) -> None:
    notes = []
    for number, bar in enumerate(song.bass):
        notes += [((16 * number + note.tick) * 0.15, note.pitch) for note in bar.notes]
    assert all(28 <= pitch <= 60 for _, pitch in notes)
    assert riff_judge.effort(notes) < 0.1


def test_a_line_that_no_hand_plays_is_effort() -> None:
    assert riff_judge.effort([(0.05 * i, 28 if i % 2 else 59) for i in range(16)]) > 0.5
    assert riff_judge.effort([(0.25 * i, 33 + i % 3) for i in range(16)]) == 0.0


def test_it_ends_alone_where_that_was_asked(song: Song) -> None:
    last = song.form.parts[-1]
    assert song.take.settings[last.end - 1].muted >= {"drums", "chords", "line"}


@pytest.mark.parametrize("text", ["in 3/16, 200 bpm, 8 bars", "2/4, 240 bpm, 4 bars", "in 23/16, 2 bars, fades out"])
def test_a_meter_of_any_length_is_played(text: str, responder: Responder) -> None:
    brief = brief_of([text])
    assert len(make(brief, responder, 1).bass) == brief.bars


def test_the_band_knows_the_form(song: Song) -> None:
    names = {plan.number: plan.section for plan in song.plans}
    assert [names[part.first] for part in song.form.parts] == [
        {"intro": "verse", "outro": "verse"}.get(part.role, part.role) for part in song.form.parts
    ]


@pytest.mark.slow  # it renders sound
def test_a_folder_has_what_a_musician_opens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "song"
    assert main(["make", "calm, 8 seconds, with lyrics", "-o", str(out)]) == 0
    assert "no lyrics" in capsys.readouterr().out
    mix, rate = soundfile.read(out / "song.wav")
    assert 8 <= len(mix) / rate < 12 and 0.05 < abs(mix).max() <= 1.0
    assert {path.name for path in (out / "stems").iterdir()} == {"bass.wav", "drums.wav", "chords.wav", "line.wav"}
    assert [track.name for track in mido.MidiFile(out / "song.mid").tracks[1:]] == ["Bass", "Drums", "Chords", "Line"]
    assert (out / "pianoroll.png").stat().st_size > 10_000
    assert "## The bass" in (out / "account.md").read_text()


@pytest.mark.slow  # three songs by the weights that ship
def test_a_song_is_revised_as_in_a_conversation(tmp_path: Path) -> None:
    out = tmp_path / "song"
    assert main(["make", "rock, 100 bpm, 4 bars", "-o", str(out), "--midi-only", "--seed", "2"]) == 0
    before = (out / "song.mid").read_bytes()
    assert main(["make", "--continue", str(out), "120 bpm", "--midi-only"]) == 0
    assert "120 quarters" in (out / "account.md").read_text()
    assert main(["make", "--continue", str(out), "--instead", "100 bpm", "--midi-only"]) == 0
    assert (out / "song.mid").read_bytes() == before


def test_a_revision_keeps_the_riffs_of_which_nothing_else_is_asked(
    tmp_path: Path, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_options, "open_responder", lambda *_: responder)
    out = tmp_path / "song"
    assert main(["make", "joyful, 8 bars, intro verse chorus", "-o", str(out), "--midi-only"]) == 0
    before = song_folder.read(out).riffs
    assert set(before) == {"verse", "chorus"}
    assert main(["make", "--continue", str(out), "faster, less snare", "--midi-only"]) == 0
    assert song_folder.read(out).riffs == before
    said = (out / "account.md").read_text()
    assert "that of the song before" in said
    assert re.search(r"- tempo: (\d+) quarters a minute, before (?!\1)\d+ ", said) and "the riff of" not in said
    assert main(["make", "--continue", str(out), "--instead", "in 7/8", "--midi-only"]) == 0
    assert song_folder.read(out).riffs != before
    said = (out / "account.md").read_text()
    assert "- meter: 7/8, before 4/4" in said and "- the riff of the verse is another" in said


def test_a_chord_within_a_bar_has_a_bass_note_of_its_own(responder: Responder) -> None:
    """Bars of four seconds: most sections have two chords in each."""
    found = 0
    for seed in range(4):
        slow = make(brief_of(["60 bpm, 8 bars, verse chorus"]), responder, seed)
        ends = {part.end - 1 for part in slow.form.parts}
        for number, chords in enumerate(slow.harmonies):
            for chord in chords[1:] if number not in ends else ():
                notes = [note for note in slow.bass[number].notes if 0 <= note.tick - chord.tick <= 1]
                found += 1
                assert notes and not any(
                    note.tick < chord.tick < note.tick + note.length for note in slow.bass[number].notes
                )
    assert found > 4


def test_the_account_says_in_which_bars_parts_rest(song: Song) -> None:
    rows = [line for line in account(song).splitlines() if line.startswith("| 0:")]
    assert rows[-1].endswith("chords, drums, line |") or "chords, drums, line in bar" in rows[-1]
    assert not rows[2].endswith("drums |")


def test_a_midi_file_may_be_all_that_is_written(tmp_path: Path, responder: Responder, monkeypatch) -> None:
    monkeypatch.setattr(generation_options, "open_responder", lambda *_: responder)
    first, more = tmp_path / "tune.mid", tmp_path / "more.mid"
    words = "4 bars in D minor, in 7/8 as 2+2+3, 96 bpm"
    assert main(["make", words, "-o", str(first), "--set", "dials.tension=0.8"]) == 0
    assert main(["make", "--continue", str(first), "2 bars", "-o", str(more)]) == 0
    one, other = mido.MidiFile(first), mido.MidiFile(more)
    assert other.length == pytest.approx(one.length / 2, rel=0.05)
    assert {path.name for path in tmp_path.iterdir()} == {"tune.mid", "more.mid"}


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["dark"],
        ["fast and slow", "-o", "x"],
        ["dark", "-o", "x", "--seed", "1.5"],
        ["dark", "-o", "x", "--like", "nothing.mid"],
        ["--continue", "nothing"],
        ["dark", "-o", "x", "--instead", "calm"],
        ["dark", "-o", "none/x.mid"],
        ["dark", "-o", "x.mid", "--continue", "none.mid"],
        ["dark", "-o", "x.mid", "--continue", "none.mid", "--like", "take.wav"],
    ],
)
def test_bad_input_is_one_line_and_code_2(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["make", *argv]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_line_goes_on_within_a_section_and_lies_higher_in_the_chorus(responder: Responder) -> None:
    song = make(brief_of(["rock, 110 bpm, verse chorus, 16 bars"]), responder, 1)
    places: dict[str, list[float]] = {}
    for part in song.form.parts:
        lines = [song.plans[bar].line for bar in range(part.first, part.end)]
        said = [
            tuple((16 * bar + note.tick, note.pitch) for bar, line in enumerate(lines[at : at + 2]) for note in line)
            for at in range(0, part.bars, 2)
        ]
        assert len(set(said)) >= 3, "no motif is said all along"
        assert set(said[: len(said) // 2]).isdisjoint(said[-1:])
        places[part.role] = [note.pitch for line in lines for note in line]
    assert sum(places["verse"]) / len(places["verse"]) + 2 < sum(places["chorus"]) / len(places["chorus"])


def test_a_drummer_crashes_with_the_bass_at_the_end_of_some_phrases(responder: Responder) -> None:
    crashes = []
    for seed in range(3):
        song = make(brief_of(["rock, 120 bpm, verse chorus verse chorus, 24 bars"]), responder, seed)
        for plan in song.plans:
            struck = [tick for tick, hits in enumerate(plan.drums) if any(hit.piece == "crash" for hit in hits)]
            late = [tick for tick in struck if tick]
            assert all(tick in {note.tick for note in song.bass[plan.number].notes} for tick in late)
            crashes += struck
    assert 0 < sum(tick > 0 for tick in crashes) < len(crashes) / 2 + 1
