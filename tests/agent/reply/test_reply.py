"""`antiphon reply in.mid -o out.mid`: a bass in a file is answered as a live one would be."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import mido
import numpy as np
import pytest

from agent.__main__ import main
from agent.reply import reply
from agent.reply.generation_options import GenerationOptions
from agent.reply.multitrack import playable
from models import checkpoint
from models.music.dials import Dials
from models.music.midi_reader import RawNote, Score, read_score
from models.responder import responder
from models.responder.net import ResponderConfig
from models.responder.responder import Responder
from tests.models.music.midi_cases import BASS, LEAD, header, song, write

SMALL = ResponderConfig(hidden=32, sound_dim=4)
OPTIONS = GenerationOptions(3, 0.9, ("drums", "chords", "line"), Dials(), 1.0)


@pytest.fixture(scope="session")
def stem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a small responder that has learned nothing."""
    path = tmp_path_factory.mktemp("weights") / "small"
    responder.save(path, Responder.untrained(1, SMALL).net, {}, "")
    return path


@pytest.fixture
def bass(tmp_path: Path) -> Path:
    """Eight bars of 7/8 at 93, a tempo change, the bass beginning in bar 2."""
    notes = [(3.5 + b * 0.5, 0.4, 40 + b % 3) for b in range(49)]
    path = write(tmp_path / "in.mid", [(BASS, notes)], (7, 8), 93.0)
    file = mido.MidiFile(path)
    file.tracks[0].append(mido.MetaMessage("set_tempo", tempo=500_000, time=7 * 480))
    file.save(path)
    return path


def run(source: Path, out: Path, stem: Path, *options: object) -> Score:
    assert main(["reply", str(source), "-o", str(out), "--model", str(stem), *map(str, options)]) == 0
    return read_score(out)


def part(score: Score, name: str) -> tuple[RawNote, ...]:
    return next(track.notes for track in score.tracks if track.name == name)


def refused(capsys: pytest.CaptureFixture[str], *argv: object) -> str:
    capsys.readouterr()
    assert main(["reply", *map(str, argv)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_the_file_keeps_its_bass_tempi_and_meter(bass: Path, tmp_path: Path, stem: Path) -> None:
    score, source = run(bass, tmp_path / "out.mid", stem), read_score(bass)
    assert part(score, "Bass") == source.tracks[0].notes
    assert (score.tempi, score.meters, score.per_quarter) == (source.tempi, source.meters, source.per_quarter)
    assert len(score.tempi) == 2
    assert {t.name: t.channel for t in score.tracks}["Drums"] == 9
    assert score.end == 8 * 7 * 240


def test_every_note_that_begins_ends_and_the_band_waits_for_the_bass(bass: Path, tmp_path: Path, stem: Path) -> None:
    score = run(bass, tmp_path / "out.mid", stem, "--looseness", 0)
    assert dict(score.mended) == {}
    for track in mido.MidiFile(tmp_path / "out.mid").tracks:
        kinds = [m.type for m in track if m.type in ("note_on", "note_off")]
        assert kinds.count("note_on") == kinds.count("note_off")
    assert min(n.start for name in ("Drums", "Chords", "Line") for n in part(score, name)) >= 7 * 240


def test_the_same_seed_gives_the_same_bytes_another_another(bass: Path, tmp_path: Path, stem: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        run(bass, tmp_path / f"{name}.mid", stem, "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
    assert a == b != c


def test_the_drummer_is_human_where_he_may_be(bass: Path, tmp_path: Path, stem: Path) -> None:
    grid, human = (part(run(bass, tmp_path / "out.mid", stem, "--looseness", x), "Drums") for x in (0, 1))
    assert {n.start % 120 for n in grid} == {0}
    late = [(n.start + 60) % 120 - 60 for n in human]
    assert len(set(late)) > 5
    assert abs(np.median(late)) < 25  # of 480 a quarter


def test_only_the_parts_that_are_named_are_written(bass: Path, tmp_path: Path, stem: Path) -> None:
    score = run(bass, tmp_path / "out.mid", stem, "--parts", "line,drums")
    assert {track.name for track in score.tracks} == {"Bass", "Drums", "Line"}


def test_the_file_is_read_before_the_band_plays(tmp_path: Path) -> None:
    """A fill comes in the bar before another part of the song, which nobody could know who had not read on."""
    model = Responder.untrained(1, SMALL)
    verse = [(bar * 4 + beat, 0.9, 40 if beat < 2 else 43) for bar in range(6) for beat in range(4)]
    chorus = [(bar * 4 + half / 2, 0.4, 45 + half % 3) for bar in range(6, 14) for half in range(8)]
    heard = reply.bass_part(read_score(write(tmp_path / "x.mid", [(BASS, verse + chorus)])), "x")
    replies = reply.answer(model, heard, OPTIONS)
    crashes = [tick for tick, one in enumerate(replies) if any(hit.piece == "crash" for hit in one.drums)]
    assert 6 * 16 in crashes, "the chorus begins with a crash"
    last = [hit.piece for one in replies[5 * 16 + 8 : 6 * 16] for hit in one.drums]
    assert sum(piece in ("snare", "low_tom", "high_tom") for piece in last) >= 3, "a fill announces it"


def test_a_lone_high_track_is_taken_for_the_bass(tmp_path: Path, stem: Path) -> None:
    path = write(tmp_path / "in.mid", [(LEAD, [(b * 0.5, 0.4, 72) for b in range(32)])])
    assert len(part(run(path, tmp_path / "out.mid", stem), "Bass")) == 32


def test_notes_never_overlap_on_one_pitch() -> None:
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 200, 300)
    notes = [RawNote(int(s), int(s + rng.integers(1, 50)), int(rng.integers(40, 44)), 90) for s in starts]
    kept = list(playable(notes))
    for pitch in range(40, 44):
        own = [n for n in kept if n.pitch == pitch]
        assert {n.start for n in own} == {n.start for n in notes if n.pitch == pitch}
        assert all(a.end <= b.start for a, b in pairwise(own))


WRONG = {
    ("--density", "1.2"): "--density 1.2: give a number from 0 to 1",
    ("--tension", "much"): "--tension much: give a number from 0 to 1",
    ("--surprise", "nan"): "--surprise nan: give a number from 0 to 1",
    ("--style", "polka"): "--style polka: allowed are rock, metal",
    ("--temperature", "0"): "--temperature 0: give a number from 0.01 to 5",
    ("--looseness", "3"): "--looseness 3: give a number from 0 to 2",
    ("--seed", "-1"): "--seed -1: give a number from 0",
    ("--seed", "1.5"): "--seed 1.5: give a whole number",
    ("--parts", "drums,sax"): "--parts drums,sax: allowed are drums, chords, line",
    ("--parts", ""): "allowed are drums, chords, line",
    ("--model", "transformer"): "--model transformer: no such weights; allowed: ",
    ("--model", "./none"): "none.json: no such weights file",
}


@pytest.mark.parametrize("option", WRONG)
def test_a_wrong_option_is_one_line_and_code_2(
    bass: Path, tmp_path: Path, stem: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str], monkeypatch
) -> None:
    monkeypatch.setitem(responder.NAMED, responder.SHIPPED, stem)
    assert WRONG[option] in refused(capsys, bass, "-o", tmp_path / "out.mid", *option)
    assert not (tmp_path / "out.mid").exists()


BAD_FILES = {
    "empty": (b"", "it is empty"),
    "garbage": (bytes(range(256)) * 4, "no MThd header"),
    "no notes": (header(1, 0, 480), "no notes"),
    "truncated": (None, "truncated"),
    "drums only": (None, "no bass"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_file_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    data, reason = BAD_FILES[case]
    path = tmp_path / "in.mid"
    if case == "truncated":
        data = song(path, bars=4).read_bytes()[:40]
    if case == "drums only":
        data = write(path, [((9, 0, "Drums"), [(float(b), 0.1, 36) for b in range(9)])]).read_bytes()
    path.write_bytes(data)
    assert reason in refused(capsys, path, "-o", tmp_path / "out.mid")


def test_bad_places_are_one_line_and_code_2(
    bass: Path, tmp_path: Path, stem: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "a folder, a MIDI file is needed" in refused(capsys, tmp_path, "-o", tmp_path / "out.mid")
    assert "cannot be read" in refused(capsys, tmp_path / "none.mid", "-o", tmp_path / "out.mid")
    assert "is the input file" in refused(capsys, bass, "-o", bass)
    assert "there is no folder" in refused(capsys, bass, "-o", tmp_path / "no" / "out.mid")
    assert "a folder; name" in refused(capsys, bass, "-o", tmp_path)


def test_bad_weights_are_one_line_and_code_2(
    bass: Path, tmp_path: Path, stem: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of another version, of another net, altered, with NaN inside."""
    tensors = dict(Responder.untrained(1, SMALL).net.state_dict())
    name = next(iter(tensors))
    checkpoint.save(
        tmp_path / "nan", tensors | {name: tensors[name] * float("nan")}, {"net": SMALL.to_dict()}, "", "responder"
    )
    checkpoint.save(tmp_path / "other", {"w": tensors[name]}, {"net": SMALL.to_dict()}, "", "responder")
    checkpoint.save(tmp_path / "altered", tensors, {"net": SMALL.to_dict()}, "", "responder")
    (tmp_path / "altered.safetensors").write_bytes(b"x" * 100)
    checkpoint.save(tmp_path / "newer", tensors, {"net": SMALL.to_dict()}, "", "responder")
    newer = tmp_path / "newer.json"
    newer.write_text(newer.read_text().replace('"format": 1', '"format": 2'))
    said = {
        "newer": "checkpoint format 2, this Antiphon reads 1",
        "nan": "NaN or infinite",
        "other": "do not fit their config",
        "altered": "truncated or altered",
    }
    for weights, reason in said.items():
        assert reason in refused(capsys, bass, "-o", tmp_path / "out.mid", "--model", tmp_path / weights)


def test_a_bar_of_sticks_stands_before_the_bass(bass: Path, tmp_path: Path, stem: Path) -> None:
    at_once = write(tmp_path / "at_once.mid", [(BASS, [(b * 0.5, 0.4, 40 + b % 3) for b in range(32)])], (4, 4), 120.0)
    for source, bar, moved in ((bass, 7 * 240, 0), (at_once, 4 * 480, 4 * 480)):
        plain, counted = run(source, tmp_path / "a.mid", stem), run(source, tmp_path / "b.mid", stem, "--count-in")
        ones = [next(track.notes for track in score.tracks if track.name == "Bass")[0] for score in (plain, counted)]
        drums = next(track.notes for track in counted.tracks if track.name == "Drums")
        one = ones[1].start // bar * bar
        assert ones[1].start - ones[0].start == counted.end - plain.end == moved
        assert {n.pitch for n in drums if n.start < one - 60} == {37}
        assert min(n.start for n in drums) == one - bar
