"""The corpus of whole songs: basses change and the band stays, bars change their beats in all parts, measured songs
stay out, what a plan would have decided is found.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from listener.types import Meter
from models.corpus import bass_changes, corpus_figures, held_songs, melodies, pairing, rebarring
from models.corpus.held_songs import HeldSongs, title_of
from models.corpus.melodies import Sheet, song_of
from models.corpus.plan_labels import labels_of
from models.corpus.song import Song, load_songs, save_songs
from models.music.features import Events
from models.music.past import lengths_of
from models.music.tick_grid import Sounded, bass_rows
from models.music.tokens import HOLD, LINE_ON, NEW, OFF, PIECES, SAME

KICK, SNARE, HAT = (PIECES.index(piece) for piece in ("kick", "snare", "closed_hat"))


def song(kinds: str = "aabb", times: int = 4, name: str = "a song") -> Song:
    """Bars of 4/4 by letter, each letter with its own riff, chord and drums; a bass note on every beat."""
    bars = kinds * times
    total = 16 * len(bars)
    bass, drums = np.tile([-1, 0, -1], (total, 1)), np.zeros((total, len(PIECES)), int)
    chord, line = np.tile([0, 0, -1, -1], (total, 1)), np.tile([0, 0, -1], (total, 1))
    before = -1
    for number, kind in enumerate(bars):
        at, own = 16 * number, ord(kind) - ord("a")
        for beat in range(4):
            pitch = 36 + 5 * own + (0, 4, 7, 2)[beat]
            bass[at + 4 * beat : at + 4 * beat + 3, 2] = pitch
            bass[at + 4 * beat, :2] = pitch, 90
        drums[at : at + 16 : 4, HAT], drums[at, KICK], drums[at + 8, SNARE] = 2, 4, 4
        drums[at + 10 + own % 6, KICK] = 3
        chord[at : at + 16, 2:] = 5 * own % 12, 0
        chord[at, :2] = (SAME if own == before else NEW), 3
        line[at + 4] = LINE_ON, 3, 10 + own
        before = own
    places = np.arange(total)
    meters = (Meter(4, 4),) * total
    events = Events(bass, np.ones(total, bool), drums, chord, line)
    return Song(name, "freedoom", "train", places % 16, places // 16, meters, events, (True,) * 3, None, 120.0)


def beats(one: Song) -> bass_changes.Bools:
    return np.asarray(one.ticks % 4 == 0)


@pytest.mark.parametrize("name", bass_changes.CHANGES)
def test_a_changed_bass_is_another_bass_still(name: str) -> None:
    one = song()
    found = bass_changes.CHANGES[name](one.events.bass, beats(one), one.events.chord, np.random.default_rng(1))
    onsets = found[:, 0] >= 0
    assert not np.array_equal(found, one.events.bass) or name == "plain"
    assert onsets.sum() > 8 and (found[onsets, 0] > 20).all() and (found[onsets, 0] < 72).all()
    assert (found[onsets, 2] == found[onsets, 0]).all()  # what begins sounds


def test_a_bass_without_notes_can_be_changed() -> None:
    empty, rng = np.tile([-1, 0, -1], (32, 1)), np.random.default_rng(0)
    chord = np.tile([0, 0, -1, -1], (32, 1))
    for change in bass_changes.CHANGES.values():
        assert not (change(empty, np.arange(32) % 4 == 0, chord, rng)[:, 0] >= 0).any()


def test_a_walking_bass_walks_in_chord_tones() -> None:
    one = song()
    found = bass_changes.walking(one.events.bass, beats(one), one.events.chord, np.random.default_rng(2))
    assert np.array_equal(np.flatnonzero(found[:, 0] >= 0), np.flatnonzero(beats(one)))
    inside = (found[::4, 0] - one.events.chord[::4, 2]) % 12
    assert np.isin(inside, [0, 4, 7]).mean() > 0.8


def test_perturbed_basses_no_longer_lie_under_the_kick() -> None:
    one, rng = song(), np.random.default_rng(3)
    changed = [bass_changes.changed(one.events.bass, beats(one), one.events.chord, rng)[0] for _ in range(60)]
    shares = [corpus_figures.bass_on_kicks(replace(one, events=replace(one.events, bass=bass))) for bass in changed]
    assert np.std([share for share in shares if share is not None]) > 0.05


@pytest.mark.parametrize("meter", rebarring.WAYS)
@pytest.mark.parametrize("way", [0, 1])
def test_a_rebarred_song_has_whole_bars_in_all_parts(meter: Meter, way: int) -> None:
    one = song()
    found = rebarring.rebarred(one, meter, way)
    length = int(lengths_of([meter])[0])
    assert len(found) % length == 0 and set(found.meters) == {meter} and found.ticks.max() == length - 1
    e = found.events
    assert (e.drums[found.ticks == 0, KICK] == 4).all()  # the one of every bar is the one of a bar
    root, quality = -1, -1
    for action, _, now, kind in e.chord.tolist():
        if action in (HOLD, OFF):
            assert (now, kind) == (root, quality)
        assert action != NEW or (now, kind) != (root, quality)
        root, quality = now, kind
    holds = e.bass[:, 2] >= 0
    assert (e.bass[holds & (e.bass[:, 0] >= 0), 2] == e.bass[holds & (e.bass[:, 0] >= 0), 0]).all()


def test_a_meter_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of"):
        rebarring.rebarred(song(), Meter(9, 16))


def test_titles_are_compared_as_words() -> None:
    assert title_of("09-A_Memory Away.mid") == title_of("A Memory_Away") == ("a", "memory", "away")


def test_a_measured_song_is_known_by_title_and_by_its_bass() -> None:
    riff = song("abcdefgh", 2, "Riff")
    runs = dict.fromkeys(held_songs.phrases(riff.events, riff.bars), "Riff")
    held = HeldSongs(frozenset({"mma/1.mid"}), frozenset({("freedoom", ("riff",))}), runs)
    other = song("hgfedcba", 2, "Other")
    assert held.why(replace(other, name="Riff (remix).mid")) == "titled as riff"
    up = replace(
        riff.events, bass=np.where(riff.events.bass > 30, riff.events.bass + np.array([3, 0, 3]), riff.events.bass)
    )
    assert "shares" in (held.why(replace(riff, name="x", events=up)) or "")
    assert held.why(other) is None
    assert held.why(replace(other, source="mma", name="1.mid")) == "in the split file"


def test_no_song_of_the_split_that_measures_is_offered_for_training() -> None:
    listed = json.loads(held_songs.SPLIT_FILE.read_text())
    held = HeldSongs.of(Path("/nowhere"))
    for name in listed["test"]:
        source, file = name.split("/")
        assert held.why(replace(song(), source=source, name=file)) is not None


def test_a_sheet_becomes_a_line_over_a_made_bass() -> None:
    melody = tuple(Sounded(4 * i, 4 * i + 3, 60 + i % 7, 90) for i in range(64))
    sheet = Sheet("x", Meter(4, 4), tuple((32 * i, 5 * i % 12, 0) for i in range(8)), melody, 256)
    for seed in range(6):
        made = song_of(sheet, "openewld", seed)
        assert made is not None and made.has == (False, False, True)
        assert (made.events.line[:, 0] == LINE_ON).sum() == 64
        onsets = made.events.bass[:, 0] >= 0
        assert onsets.sum() >= 8 and np.isin(made.events.chord[onsets, 2], [5 * i % 12 for i in range(8)]).all()


def test_chords_and_degrees_are_read() -> None:
    assert pairing.chord_named("Em7b5") == (4, 6) and pairing.chord_named("Bb7") == (10, 2)
    chords, bars = melodies._roman("[C] I | IV V7 | vi |")
    assert bars == 3 and chords == [(0, 0, 0), (16, 5, 0), (24, 7, 2), (32, 9, 1)]
    notes, count = melodies._degrees("[C] [OCT=4] 1.3. | ^1... | R*2 | 5 |")
    assert count == 5 and [n.pitch % 12 for n in notes] == [0, 4, 0, 7]
    assert [n.start for n in notes] == [0, 8, 16, 64]


def test_drums_alone_find_a_bass_of_their_meter_and_tempo() -> None:
    drums = replace(song("a", 8), name="rock:take", source="groove", has=(True, False, False), tempo_bpm=120.0)
    slow, waltz = replace(song(), tempo_bpm=70.0), rebarring.rebarred(song(), Meter(3, 4))
    near = replace(song("ab", 8, "near"), tempo_bpm=126.0)
    found = list(pairing.paired([drums], [slow, waltz, near], 0, 3))
    assert [one.name for one in found] == ["rock:take over near"]
    assert np.array_equal(found[0].events.drums, drums.events.drums) and found[0].has == (True, False, False)


def test_a_song_without_a_bass_is_kept_as_one(tmp_path: Path) -> None:
    one = song()
    silent = replace(one, events=replace(one.events, known=np.zeros(len(one), bool)))
    save_songs(tmp_path / "s.npz", [one, silent])
    first, second = load_songs(tmp_path / "s.npz")
    assert first.events.known.all() and not second.events.known.any() and first.tempo_bpm == 120.0
    assert np.array_equal(first.events.bass, one.events.bass)


def test_a_plan_finds_sections_returns_and_repeats() -> None:
    one = song("aaaabbbbaaaa", 1)
    rows = labels_of(one.events, one.ticks, one.bars, lengths_of(one.meters), one.has)
    age, returned = rows.section[::16].T
    assert age.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]
    assert returned.tolist() == [0] * 8 + [1] * 4
    assert rows.again[::16].tolist() == [1, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2]
    assert (rows.groove[:, KICK] == one.events.drums[:, KICK]).all()
    assert (rows.harmony[:, 0] == one.events.chord[:, 2]).all()


def test_what_is_not_shown_is_unknown() -> None:
    one = song()
    rows = labels_of(one.events, one.ticks, one.bars, lengths_of(one.meters), one.has)
    assert not rows.shown(frozenset()).vectors.any() and (rows.shown(frozenset()).pointed == -1).all()
    assert rows.shown({"level"}).vectors.any() and (rows.shown({"level"}).pointed == -1).all()


def test_figures_say_how_often_the_kick_copies_the_bass() -> None:
    one = song("ab", 8)
    figures = corpus_figures.figures([one])
    assert figures["kicks on a bass onset"] == pytest.approx(0.5, abs=0.01)
    assert figures["distinct drum bars"] == pytest.approx(2 / 16)
    assert "| song |" in corpus_figures.table({"song": figures})


def test_a_note_that_sounds_is_found_again() -> None:
    notes = [Sounded(0, 3, 40, 90), Sounded(4, 5, 43, 80), Sounded(8, 16, 40, 70)]
    assert bass_changes.notes_of(bass_rows(notes, 16)) == notes
