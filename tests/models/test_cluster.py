"""Ray on two workers: the loss curve of one process, a killed worker goes on, MIDI is read as on one machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from models import cluster
from models.corpus import own_midi
from models.corpus.song import load_songs, save_songs
from tests.models.music.midi_cases import song as midi_song
from tests.models.training.test_responder import song
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--hidden", "16", "--layers", "1", "--dropout", "0", "--sound-dim", "4"]
needs_ray = pytest.mark.skipif("not __import__('importlib').util.find_spec('ray')", reason="needs antiphon[cluster]")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("songs") / "songs.npz"
    save_songs(path, [replace(song(i), source="own", split="valid" if i > 6 else "train") for i in range(9)])
    return path


def trainer(cache: Path, folder: Path, name: str, steps: int, every: int) -> list[str]:
    asked = {"steps": steps, "valid-every": every, "cache": cache, "shared": folder / "none"}
    asked |= {"state": folder / f"{name}-state", "out": folder / name}
    return [*SMALL, *(word for key, value in asked.items() for word in (f"--{key}", str(value)))]


def started(*words: str) -> subprocess.Popen[bytes]:
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-m", *words], env=env, cwd=ROOT)


def curve(folder: Path, name: str) -> list[float]:
    history = json.loads((folder / f"{name}-state.json").read_text())["config"]["history"]
    return [value for row in history for value in row.values()]


@pytest.mark.slow
@needs_ray
def test_two_workers_have_the_loss_curve_of_one_process(cache: Path, tmp_path: Path) -> None:
    one = started("models.train", "responder", *trainer(cache, tmp_path, "one", 30, 10))
    assert one.wait(300) == 0
    two = started(
        "models.cluster", "--workers", "2", "train", "responder", "--", *trainer(cache, tmp_path, "two", 30, 10)
    )
    assert two.wait(300) == 0
    assert curve(tmp_path, "two") == pytest.approx(curve(tmp_path, "one"), rel=1e-5)


@pytest.mark.slow
@needs_ray
def test_a_worker_that_is_killed_is_started_anew_and_the_training_ends_the_same(cache: Path, tmp_path: Path) -> None:
    one = started("models.train", "responder", *trainer(cache, tmp_path, "one", 400, 20))
    assert one.wait(300) == 0
    options = trainer(cache, tmp_path, "two", 400, 20)
    two = started("models.cluster", "--workers", "2", "train", "responder", "--", *options)
    wait_for((tmp_path / "two-state.json").exists, 200, "the first state", 0.1)
    workers = [p for p in psutil.Process(two.pid).children(recursive=True) if "RayTrainWorker" in p.name()]
    assert workers, "no worker was found"
    workers[0].kill()
    assert two.wait(300) == 0
    assert curve(tmp_path, "two") == pytest.approx(curve(tmp_path, "one"), rel=1e-4)


@pytest.mark.slow
@needs_ray
def test_midi_is_read_as_on_one_machine(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for number in range(6):
        midi_song(tmp_path / "mine" / f"song{number}.mid", roots=(0, number + 1, 7, number % 3))
    (tmp_path / "mine" / "letter.mid").write_text("Dear bassist,")
    alone, shared = tmp_path / "alone.npz", tmp_path / "shared.npz"
    own_midi.build(tmp_path / "mine", alone)
    read = started("models.cluster", "--workers", "2", "data", str(tmp_path / "mine"), "--cache", str(shared))
    assert read.wait(300) == 0
    ours, theirs = load_songs(alone), load_songs(shared)
    assert [s.name for s in ours] == [s.name for s in theirs] and len(ours) == 6
    assert all((a.events.bass == b.events.bass).all() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("words", ["train codec", "train", "--workers 0 train responder", "polka"])
def test_a_mistake_in_the_command_is_one_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cluster.main(words.split())
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
