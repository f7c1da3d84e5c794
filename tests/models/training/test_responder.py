"""Training the responder: two processes learn what one does, a resumed run repeats,
dials are ranks of what is there.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from listener.types import Meter
from models.corpus.song import Song
from models.corpus.styles import style_of
from models.music import dials
from models.music.dials import Dials
from models.music.features import Events
from models.music.tokens import LINE_ON, NEW, PIECES
from models.responder.net import ResponderConfig
from models.training.batches import Sampler, collate, crop_of
from models.training.dial_labels import Phrase, measure
from models.training.responder import Run, TrainConfig, train

SMALL = ResponderConfig(hidden=16, layers=1, sound_dim=4, dropout=0.0, dials=True, foresee=True)
CONFIG = TrainConfig(steps=6, batch=4, length=32, valid_every=3, warmup=2)


def song(seed: int, ticks: int = 96) -> Song:
    rng = np.random.default_rng(seed)
    bass = np.full((ticks, 3), -1)
    bass[::4, 0], bass[:, 2], bass[:, 1] = 40 + seed % 5, 40 + seed % 5, 90
    drums = (rng.random((ticks, len(PIECES))) < 0.3) * 3
    chord = np.tile([0, 0, seed % 12, 0], (ticks, 1))
    chord[::16, :2] = NEW, 3
    line = np.tile([0, 0, -1], (ticks, 1))
    line[::8] = LINE_ON, 2, 10
    events = Events(bass, np.ones(ticks, bool), drums.astype(np.int64), chord, line)
    places = np.arange(ticks)
    return Song(f"{seed}", "mma", "train", places % 16, places // 16, (Meter(4, 4),) * ticks, events, (True,) * 3)


def sampler() -> Sampler:
    return Sampler(
        [song(i) for i in range(4)], CONFIG.length, SMALL.sound_dim, CONFIG.seed, ["jazz", None, "rock", None]
    )


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole = Run(CONFIG, SMALL)
    train(whole, sampler(), [song(9)], tmp_path / "whole")
    first = Run(CONFIG, SMALL)
    drawn = sampler()
    first.knots = drawn.knots = drawn.measured(600)
    for _ in range(3):
        first.train_step(drawn.batch(first.step, CONFIG.batch))
    first.save(tmp_path / "half")
    second = Run(CONFIG, SMALL)
    second.resume(tmp_path / "half")
    train(second, sampler(), [song(9)], tmp_path / "half")
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, second.net.state_dict()[name]), name


def test_a_state_of_another_run_is_refused(tmp_path: Path) -> None:
    Run(CONFIG, SMALL).save(tmp_path / "s")
    with pytest.raises(ValueError, match="use --fresh"):
        Run(CONFIG, ResponderConfig(hidden=32, dials=True)).resume(tmp_path / "s")


WORKER = """
import sys; sys.path.insert(0, {root!r})
from tests.models.training.test_responder import CONFIG, SMALL, sampler
from models.training.responder import Run, Team
import torch
torch.set_num_threads(1)
team = Team.join()
run, drawn = Run(CONFIG, SMALL, team), sampler()
drawn.knots = drawn.measured(20)
for step in range(CONFIG.steps):
    shown = run.train_step(drawn.batch(step, CONFIG.batch, team.rank, team.world))
    if team.rank == 0:
        print(sum(shown.values()), flush=True)
"""


def losses(world: int) -> list[float]:
    """The loss curve of a run of so many processes, as torchrun would start them."""
    root = str(Path(__file__).parents[3])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER.format(root=root)],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(world)
    ]
    outputs = [process.communicate(timeout=120)[0] for process in started]
    assert all(process.returncode == 0 for process in started)
    return [float(line) for line in outputs[0].split()]


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one_at_equal_batch() -> None:
    one, two = losses(1), losses(2)
    assert len(one) == CONFIG.steps
    assert one == pytest.approx(two, rel=1e-4)


def test_a_dial_is_the_rank_of_what_is_measured() -> None:
    knots = {name: np.linspace(0, 10, dials.KNOTS).tolist() for name in dials.LEARNED}
    assert dials.rank("density", 2.5, knots) == pytest.approx(0.25)
    assert dials.rank("density", 99.0, knots) == 1.0
    assert np.isnan(dials.rank("density", float("nan"), knots))


def phrase(**parts: np.ndarray) -> Phrase:
    empty = {
        "bass": np.full((16, 3), -1),
        "drums": np.zeros((16, len(PIECES)), int),
        "chord": np.tile([0, 0, -1, -1], (16, 1)),
        "line": np.tile([0, 0, -1], (16, 1)),
    }
    return Phrase(**(empty | parts), beat=np.arange(16) % 4 == 0, has=(True, True, True))


def test_measures_say_what_is_there() -> None:
    drums = np.zeros((16, len(PIECES)), int)
    drums[[0, 4, 8, 10], PIECES.index("kick")] = 2, 2, 4, 4
    chord = np.tile([0, 0, 7, 2], (16, 1))
    chord[0, :2], chord[8:, 2:], chord[8, :2] = (NEW, 3), (0, 0), (NEW, 3)
    found = measure(phrase(drums=drums, chord=chord))
    assert found["syncopation"] == pytest.approx(1 / 6)  # the kick on tick 10, of four kicks and two chords
    assert found["resolution"] == 1.0  # G7 falls to C
    assert found["tension"] == pytest.approx(0.25)  # half of it a dominant seventh
    assert found["intensity"] == pytest.approx(3.0)
    assert np.isnan(found["register"])  # no line
    assert found["density"] == pytest.approx((4 / 4 / 2.5 + 2 / 4 / 0.5) / 3)


def test_unknown_dials_are_zeros_and_wrong_ones_one_clear_line() -> None:
    assert not dials.vector(Dials()).any()
    assert not dials.vector(Dials(surprise=0.4)).any()  # the sampler's business
    with pytest.raises(ValueError, match=r"density 1\.5: a dial goes from 0 to 1"):
        Dials(density=1.5)
    with pytest.raises(ValueError, match="style 'polka': allowed are rock"):
        Dials(style="polka")


def test_a_training_crop_shows_some_dials_and_often_none() -> None:
    drawn = sampler()
    drawn.knots = drawn.measured(40)
    shown = [drawn.batch(step, 4).cond[:, 0, -dials.DIM :].abs().sum(1) > 0 for step in range(30)]
    assert 0.4 < torch.cat(shown).float().mean() < 0.85


def test_the_bass_ahead_is_what_comes_and_ends_with_the_piece() -> None:
    piece = song(0, 32)
    batch = collate([crop_of(piece, 0, 40, SMALL.sound_dim)])
    ahead = batch.targets.bass.numpy()
    assert ahead[0].tolist() == [40, -1, -1, -1]
    assert ahead[2].tolist() == [-1, -1, 40, -1]
    assert (ahead[34:] == -2).all()


def test_styles_are_read_from_groove_names() -> None:
    assert style_of("stdlib/jazzwaltz.mma") == "jazz"
    assert style_of("casio/heavymetal.mma") == "metal"
    assert style_of("something") is None
