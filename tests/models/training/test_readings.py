"""The readings' trainer learns from made lines, and writes files that the listener loads."""

import numpy as np
import pytest

from benchmarks.inputs.level_kinds import KINDS, kind_line
from benchmarks.inputs.reading_samples import collect, made_jobs, write
from benchmarks.inputs.song_basses import measures, song_basses
from listener.rhythm import readings
from models import train


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    path = tmp_path_factory.mktemp("readings") / "samples.npz"
    write(path, [s for job in made_jobs(5, 3, 5) for s in collect(job)])
    return path


def test_training_lowers_the_loss_and_writes_what_the_listener_loads(samples, tmp_path, capsys):
    out = tmp_path / "readings"
    train.main(["readings", "--samples", str(samples), "--out", str(out), "--epochs", "40"])
    losses = [float(x) for x in capsys.readouterr().out.splitlines()[0].partition(":")[2].split(",")]
    assert losses[-1] < 0.8 * losses[0]
    made, shipped = readings.load(out), readings.load()
    assert made.keys() == shipped.keys() and made["linear"].shape == shipped["linear"].shape
    assert out.with_suffix(".md").read_text().startswith("# readings")


def test_further_networks_are_joined_to_those_that_are_there(samples, tmp_path, capsys):
    out, onto = tmp_path / "more", readings.WEIGHTS
    train.main(["readings", "--samples", str(samples), "--out", str(out), "--onto", str(onto), "--epochs", "2"])
    made, before = readings.load(out), readings.load()
    count = len(before["out"])
    assert len(made["out"]) > count and (made["hidden"][:, :count] == before["hidden"]).all()
    assert "## Further networks" in out.with_suffix(".md").read_text()


def test_the_labels_agree_with_what_ships(samples):
    """The shipped network, trained elsewhere, finds the pulse that the labels call right far above chance."""
    with np.load(samples) as file:
        ends = np.cumsum(file["counts"])[:-1]
        rows = list(zip(np.split(file["features"], ends), np.split(file["labels"], ends), strict=True))
    reader = readings.Reader(readings.load())
    right = [labels[reader._scores(x.astype(np.float32))[0].argmax()] & 1 for x, labels in rows]
    chance = np.mean([np.mean(labels & 1) for _, labels in rows])
    assert np.mean(right) > 5 * chance


def test_every_kind_of_line_can_be_read_as_it_is_written():
    """Off-beats have no note on their beats; the reading that is right is weighed all the same."""
    for number, name in enumerate(KINDS):
        if name in ("quarters", "off-beats", "walking in three", "six", "seven"):
            found = collect((kind_line(number)[0], 1))
            assert found and all((s.labels & 1).any() for s in found), name
            assert np.mean([(s.labels & 2).any() for s in found]) > 0.6, name


def test_without_samples_it_says_how_to_make_them(tmp_path):
    with pytest.raises(
        SystemExit, match=r"no such file; samples are made with `python -m benchmarks.inputs.reading_samples`"
    ):
        train.main(["readings", "--samples", str(tmp_path / "none.npz")])


def test_songs_that_measure_are_left_out(tmp_path):
    held = [("tanner", "Cyarons_Gate"), ("simutrans", "08-The-journey-home")]
    assert measures("tanner", "Cyaron's Gate", held) and measures("simutrans", "08-journey", held)
    assert not measures("tanner", "Another", held) and not measures("freedoom", "Cyarons_Gate", held)
    with pytest.raises(FileNotFoundError, match="cannot be told"):
        song_basses(tmp_path)
