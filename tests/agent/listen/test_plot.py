"""`antiphon listen FILE --plot OUT.png`: what was heard lies where it was heard;
a bad path costs one line and exit 2.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile

from agent.__main__ import main
from agent.listen.gathered import Hearing, log_spectrum
from agent.listen.plot import GHOST, NOTE, REVISED, draw
from listener.types import ANALYSIS_RATE, Beat, Chord, Key, Meter, Note, Phrase

METER = Meter(4, 4)
LEFT, RIGHT = 0.05, 0.955  # of the picture's width: where time begins and ends


def hearing(end_s: float, *notes: Note) -> Hearing:
    heard = Hearing(end_s=end_s, notes={note.onset_s: note for note in notes})
    heard.blocks = [np.random.default_rng(0).normal(0, 1e-3, round(end_s * ANALYSIS_RATE)).astype(np.float32)]
    heard.beats = [Beat(i * 0.5, 0.0, i % 4 + 1, 120.0, METER, 0.9) for i in range(int(end_s * 2))]
    heard.tempo = [(beat.time_s, 120.0, 0.9) for beat in heard.beats]
    heard.chords, heard.keys = [(0.0, Chord(9, "min", 0.8))], [(0.0, Key(9, "min", 0.7))]
    heard.phrases = {1.0: Phrase((), 1.0, None, METER, 120.0)}
    return heard


def coloured(path: Path, colour: str) -> np.ndarray:
    """Seconds of a one-row picture of 10 s in which the sound lane has a colour at full strength."""
    picture = matplotlib.image.imread(path)[190:500, :, :3]
    wanted = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    columns = np.flatnonzero((np.abs(picture - wanted).max(axis=2) < 0.02).sum(axis=0) > 2)
    return (columns / picture.shape[1] - LEFT) / (RIGHT - LEFT) * 10.0


@pytest.mark.parametrize(
    ("colour", "note"),
    [
        (NOTE, Note(4.0, 4.0, 1.0, 33, 127)),
        (GHOST, Note(4.0, 4.0, 0.1, 33, 40, articulation="ghost")),
        (REVISED, Note(4.0, 4.0, 1.0, 33, 127, revises=45)),
    ],
)
def test_a_note_is_marked_for_what_it_is_where_it_begins(tmp_path: Path, colour: str, note: Note) -> None:
    (path,) = draw(tmp_path / "a.png", hearing(10.0, note), "test")
    assert coloured(path, colour)[0] == pytest.approx(4.0, abs=0.05)


def test_an_uncorrected_note_bears_no_mark_of_correction(tmp_path: Path) -> None:
    (path,) = draw(tmp_path / "a.png", hearing(10.0, Note(4.0, 4.0, 1.0, 33, 127)), "test")
    assert not len(coloured(path, REVISED))


@pytest.mark.slow
def test_a_long_take_becomes_rows_and_pages(tmp_path: Path) -> None:
    heights = [matplotlib.image.imread(draw(tmp_path / "a.png", hearing(s), "t")[0]).shape[0] for s in (10.0, 40.0)]
    pages = draw(tmp_path / "long.png", hearing(80.0), "long")
    assert heights[0] < heights[1]
    assert [page.name for page in pages] == ["long.png", "long-2.png"]
    assert all(page.exists() for page in pages)


def test_nothing_heard_is_a_picture_too(tmp_path: Path) -> None:
    assert draw(tmp_path / "a.png", Hearing(), "nothing")[0].exists()


def test_the_spectrogram_peaks_where_the_sound_is() -> None:
    t = np.arange(ANALYSIS_RATE) / ANALYSIS_RATE
    frequencies_hz = 30 * 2 ** (np.arange(0, 72, 0.5) / 12)
    for hz in (41.2, 110.0, 700.0):
        db = log_spectrum(0.5 * np.sin(2 * np.pi * hz * t).astype(np.float32), frequencies_hz, np.array([0.5]))
        assert frequencies_hz[db[:, 0].argmax()] == pytest.approx(hz, rel=0.03)
        assert db.max() == pytest.approx(-6.0, abs=1.0)  # dB of the amplitude


@pytest.fixture
def take(tmp_path: Path) -> str:
    t = np.arange(48_000) / 48_000
    pluck = 0.3 * np.exp(-3 * t) * sum(np.sin(2 * np.pi * 110 * k * t) / k for k in (1, 2, 3))
    soundfile.write(tmp_path / "a.wav", pluck, 48_000)
    return str(tmp_path / "a.wav")


def test_the_command_draws_what_it_hears(take: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", take, "--plot", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "A2" in capsys.readouterr().out


@pytest.mark.parametrize("where", ["none/a.png", "a.jpg", "folder.png"])
def test_a_place_that_cannot_be_drawn_to_costs_one_line(
    take: str, tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.png").mkdir()
    assert main(["listen", take, "--plot", str(tmp_path / where)]) == 2
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1 and "--plot" in said.err
    assert said.out == ""


def test_two_files_are_not_one_picture(take: str, tmp_path: Path) -> None:
    assert main(["listen", take, take, "--plot", str(tmp_path / "a.png")]) == 2
    assert not (tmp_path / "a.png").exists()
