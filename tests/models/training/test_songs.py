"""Training on whole songs: lanes play songs to their end, a stopped run goes on as if it had not, state is carried."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.responder.net import ResponderConfig
from models.training.evaluate import nats_of
from models.training.songs.lanes import SHARES, Lanes, Songs, Ways, weights_of
from models.training.songs.trainer import Run, SongsConfig, train
from tests.models.responder.test_repeating import song

SMALL = ResponderConfig(16, 1, 4, 0.0, "elstm", True, True, True, True)
CONFIG = SongsConfig(steps=6, lanes=2, chunk=32, valid_every=3, warmup=2)
LEARNED = [replace(song(6, seed=seed), name=str(seed)) for seed in range(4)]


def songs() -> Songs:
    return Songs(LEARNED, CONFIG.seed, SMALL.sound_dim, chunk=CONFIG.chunk)


def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    whole = Run(CONFIG, SMALL)
    train(whole, songs(), LEARNED[:1], tmp_path / "whole")
    first = Run(CONFIG, SMALL)
    lanes = Lanes(songs(), CONFIG.lanes)
    for _ in range(4):
        first.train_step(*lanes.next())
        first.place = lanes.place.copy()
    first.save(tmp_path / "half")
    second = Run(CONFIG, SMALL)
    second.resume(tmp_path / "half")
    train(second, songs(), LEARNED[:1], tmp_path / "half")
    for name, value in whole.net.state_dict().items():
        assert torch.equal(value, second.net.state_dict()[name]), name


def test_a_state_of_another_run_is_refused(tmp_path: Path) -> None:
    Run(CONFIG, SMALL).save(tmp_path / "s")
    with pytest.raises(ValueError, match="use --fresh"):
        Run(replace(CONFIG, seed=1), SMALL).resume(tmp_path / "s")


def test_lanes_play_each_song_to_its_end_and_say_where_one_begins() -> None:
    lanes, begun = Lanes(songs(), 2), []
    for _ in range(8):
        batch, begins = lanes.next()
        begun.append(begins.tolist())
        assert batch.rows.shape[:2] == (2, 32) and batch.past is not None
    assert begun[0] == [True, True] and begun[1] == [False, False] and sum(map(sum, begun)) >= 4


def test_the_same_seed_draws_the_same_songs() -> None:
    one, two = songs().drawn(1, 5), songs().drawn(1, 5)
    assert np.array_equal(one.rows, two.rows) and np.array_equal(one.pointed, two.pointed)


def test_accompaniments_made_by_rule_are_at_most_a_fifth_of_what_is_drawn() -> None:
    sources = [source for source in SHARES for _ in range(3)]
    weights = weights_of([replace(song(4), source=source) for source in sources])
    made = sum(w for source, w in zip(sources, weights, strict=True) if source == "mma")
    bands = sum(w for s, w in zip(sources, weights, strict=True) if s in ("freedoom", "simutrans", "tanner", "easyrpg"))
    assert made <= 0.2 and bands > 0.5


def test_what_was_heard_long_ago_is_carried_into_a_chunk() -> None:
    run, lanes = Run(CONFIG, SMALL), Lanes(songs(), 2)
    run.train_step(*lanes.next())
    assert run.state is not None and run.state[0][0].abs().sum() > 0
    carried = run._carried(np.array([True, False]))
    assert carried is not None and not carried[0][0][0, 0].any() and carried[0][0][0, 1].any()


def test_without_the_past_nothing_is_pointed_to() -> None:
    plain = Songs(LEARNED, 0, 4, Ways(past=False, plan=False), chunk=32).drawn(0, 0)
    assert (plain.pointed == -1).all() and not plain.features.any() and not plain.votes.any()


def test_what_comes_later_changes_nothing_before() -> None:
    one, net = song(8), Run(CONFIG, SMALL).net.eval()
    cut = len(one) - 40
    other = one.events.drums.copy()
    other[cut:] = 0
    changed = replace(one, events=replace(one.events, drums=other))
    first, second = nats_of(net, [one])[0], nats_of(net, [changed])[0]
    np.testing.assert_allclose(first["drums"][:cut], second["drums"][:cut], atol=1e-6)
