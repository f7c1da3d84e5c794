"""A player's adapter: what is folded in is what was trained; it learns, rehearses, resumes;
others' files are refused.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.corpus import played_pieces
from models.corpus.song import save_songs
from models.music import tokens
from models.music.tokens import EMPTY_REPLY, BassTick, Position, TickInput
from models.responder import adapter, responder
from models.responder.adapter import Adapter
from models.responder.net import ResponderConfig, ResponderNet
from models.responder.responder import Responder
from models.training import adapter as train_adapter
from models.training.adapter import Practice, begun, chosen, drift, merged_net, nats, run
from models.training.adapter_course import AdapterConfig, Course, Material
from models.training.rehearsal import imagined, rehearsal
from tests.models.training.test_responder import song

SMALL = ResponderConfig(hidden=16, layers=1, sound_dim=4, dropout=0.0, dials=True, foresee=True)
CONFIG = AdapterConfig(steps=30, batch=4, rehearsed=4, length=32, rate=2e-2, save_every=10)
LEARN, BASE = [song(i) for i in range(4)], [replace(song(10 + i), source="simutrans") for i in range(4)]


@pytest.fixture(scope="module")
def stem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A responder's checkpoint, untrained."""
    torch.manual_seed(0)
    place = tmp_path_factory.mktemp("weights") / "responder"
    responder.save(place, ResponderNet(SMALL), {}, "untrained")
    return place


@pytest.fixture(scope="module")
def trained(stem: Path) -> Practice:
    base = Responder.load(stem)
    practice = Practice(CONFIG, base.net, base.sha256)
    run(practice, Material(LEARN, BASE))
    return practice


def test_the_numpy_player_with_the_adapter_is_the_network_it_was_trained_in(
    trained: Practice, stem: Path, tmp_path: Path
) -> None:
    adapter.save(tmp_path / "a", trained.adapter())
    plain, played = Responder.load(stem), Responder.load(stem, tmp_path / "a")
    x = TickInput(Position(0, 0, LEARN[0].meter), BassTick(True), None, EMPTY_REPLY)
    state, bare = (one.step(x, one.initial_state()) for one in (played, plain))
    with torch.no_grad():
        event = Course(CONFIG, Material(LEARN), SMALL.sound_dim).batches(0)[0]
        ours = merged_net(trained.net, trained.adapter())(event.rows, event.sound, event.cond)
        theirs = played.net(event.rows, event.sound, event.cond)
    assert torch.allclose(ours, theirs, atol=0.02), "half precision"
    assert state.hidden.shape == bare.hidden.shape and not np.allclose(state.logits, bare.logits)
    assert len((tmp_path / "a.safetensors").read_bytes()) < 100_000


def test_the_shipped_responders_adapter_is_below_100_kilobytes() -> None:
    shapes = adapter.targets(ResponderConfig(dials=True, foresee=True).shapes, AdapterConfig().rank, CONFIG.weights)
    assert 2 * sum(int(np.prod(shape)) for shape in shapes.values()) < 100_000


def test_a_session_begins_where_bars_of_the_player_had_led(trained: Practice, stem: Path, tmp_path: Path) -> None:
    made = begun(trained, trained.adapter(), LEARN)
    adapter.save(tmp_path / "begun", made)
    played, plain = Responder.load(stem, tmp_path / "begun"), Responder.load(stem)
    hidden = played.initial_state().hidden
    assert np.allclose(hidden, made.start, atol=0.01) and not plain.initial_state().hidden.any()
    hidden[:] = 0
    assert played.initial_state().hidden.any(), "every session has a state of its own"
    silent = [replace(one, has=(False, False, False)) for one in LEARN]
    assert begun(trained, trained.adapter(), silent).start is None, "a line alone says nothing of the band"
    adapter.save(tmp_path / "foreign", replace(made, arrays={**made.arrays, adapter.START: hidden[:, 1:]}))
    with pytest.raises(ValueError, match="does not fit the responder"):
        Responder.load(stem, tmp_path / "foreign")


def test_a_responder_that_recalls_bars_begins_with_the_players_last_ones_in_mind(tmp_path: Path) -> None:
    base = Responder.untrained(config=ResponderConfig(32, 1, 64, 0.0, "elstm", True, True, True, True))
    responder.save(tmp_path / "base", base.net, {}, "")
    shipped = Responder.load(tmp_path / "base")
    bare = Practice(CONFIG, shipped.net, shipped.sha256)
    made = begun(bare, bare.adapter(0.0), LEARN)
    ((ticks, bars),) = made.bars.items()
    assert ticks == 16
    assert 1 <= len(bars) <= adapter.KEPT_BARS
    adapter.save(tmp_path / "own", made)
    past = Responder.load(tmp_path / "base", tmp_path / "own").initial_state().past
    assert past
    assert np.array_equal(past.newest(adapter.KEPT_BARS)[16], bars)
    adapter.save(tmp_path / "cut", replace(made, arrays={**made.arrays, "bars:16": made.arrays["bars:16"][:, 1:]}))
    with pytest.raises(ValueError, match="no bars that can be recalled"):
        Responder.load(tmp_path / "base", tmp_path / "cut")


def test_it_learns_the_player_and_the_base_weights_stay_as_they_are(trained: Practice, stem: Path) -> None:
    net = Responder.load(stem).net
    assert nats(merged_net(net, trained.adapter()), [song(5)]) < 0.95 * nats(net, [song(5)])
    assert all(torch.equal(a, b) for a, b in zip(trained.net.parameters(), net.parameters(), strict=True))


def test_without_strength_nothing_is_added(trained: Practice, stem: Path) -> None:
    net = Responder.load(stem).net
    assert nats(merged_net(net, trained.adapter(0.0)), LEARN) == pytest.approx(nats(net, LEARN), abs=1e-6)


def test_the_strength_is_what_the_base_can_bear(stem: Path) -> None:
    """Opposites: what the player likes is what the base never does, and nothing is rehearsed."""
    base = Responder.load(stem)
    practice = Practice(replace(CONFIG, rehearsed=0), base.net, base.sha256)
    silent = [replace(s, events=replace(s.events, drums=np.zeros_like(s.events.drums))) for s in LEARN]
    run(practice, Material(silent))
    apart = Material(silent, BASE)
    before = nats(base.net, BASE)
    made = chosen(practice, apart, allowed=0.001)
    assert nats(merged_net(base.net, practice.adapter()), BASE) > 1.001 * before, "it would have cost more"
    assert made.about["strength"] < 1 and nats(merged_net(base.net, made), BASE) <= 1.001 * before


def test_the_less_there_is_to_learn_from_the_shorter_the_training() -> None:
    steps = [AdapterConfig.of(ticks).steps for ticks in (64, 256, 1024, 5120)]
    assert steps == sorted(steps) and steps[-1] == AdapterConfig().steps
    assert AdapterConfig.of(64).length == 64, "no crop is longer than what was heard"


def test_drift_is_the_divergence_of_every_decision() -> None:
    before, after = (torch.randn(3, SMALL.logits) for _ in range(2))
    p, q = before[:, :50].reshape(3, 10, 5), after[:, :50].reshape(3, 10, 5)
    drums = torch.distributions.kl_divergence(
        torch.distributions.Categorical(logits=p), torch.distributions.Categorical(logits=q)
    ).sum(1)
    assert torch.allclose(drift(before, before), torch.zeros(3), atol=1e-5)
    assert (drift(before, after) > drums).all()


def test_a_stopped_practice_goes_on_as_if_it_had_not_stopped(trained: Practice, stem: Path, tmp_path: Path) -> None:
    base = Responder.load(stem)
    course = Course(CONFIG, Material(LEARN, BASE), SMALL.sound_dim)
    first = Practice(CONFIG, base.net, base.sha256)
    for step in range(7):
        first.train_step(course.batches(step))
    first.save(tmp_path / "state")
    second = Practice(CONFIG, base.net, base.sha256)
    second.resume(tmp_path / "state")
    run(second, Material(LEARN, BASE))
    for key, array in trained.adapter().arrays.items():
        np.testing.assert_allclose(second.adapter().arrays[key], array, atol=1e-6)
    with pytest.raises(ValueError, match="another run"):
        Practice(replace(CONFIG, seed=1), base.net, base.sha256).resume(tmp_path / "state")


def test_a_practice_ends_when_its_players_folder_is_removed(stem: Path, tmp_path: Path) -> None:
    base, folder = Responder.load(stem), tmp_path / "player"
    folder.mkdir()
    practice = Practice(replace(CONFIG, steps=10_000), base.net, base.sha256)
    steps = practice.train_step

    def step(batches: Any) -> Any:
        if practice.step == 2:
            folder.rmdir()
        return steps(batches)

    practice.train_step = step  # type: ignore[method-assign]
    assert not run(practice, Material(LEARN, BASE), folder / "state")
    assert practice.step == 3 and not folder.exists()


def test_an_adapter_of_other_weights_or_other_shapes_is_refused_in_one_line(stem: Path, tmp_path: Path) -> None:
    base = Responder.load(stem)
    bias = np.zeros(SMALL.logits, np.float32)
    adapter.save(tmp_path / "other", Adapter({"heads.bias:add": bias}, "0" * 64, {}))
    adapter.save(tmp_path / "shape", Adapter({"heads.bias:add": bias[:-1]}, base.sha256, {}))
    adapter.save(tmp_path / "half", Adapter({"heads.weight:up": np.zeros((9, 2), np.float32)}, base.sha256, {}))
    for name, why in (("other", "other weights"), ("shape", "does not fit"), ("half", "does not fit")):
        with pytest.raises(ValueError, match=why) as told:
            Responder.load(stem, tmp_path / name)
        assert "\n" not in str(told.value)


def test_music_kept_as_material_comes_back(tmp_path: Path) -> None:
    one = song(3)
    again = played_pieces.song_of(one.name, list(played_pieces.played(one)), one.has, one.source)
    played_pieces.keep(tmp_path / "1.npz", again)
    (tmp_path / "2.npz").write_bytes(b"not a token file")
    (kept,) = played_pieces.kept(tmp_path)
    assert (kept.name, kept.has, kept.meters) == (one.name, one.has, one.meters)
    assert np.array_equal(kept.events.bass[:, (0, 2)], one.events.bass[:, (0, 2)])
    for name in ("known", "drums", "line"):
        assert np.array_equal(getattr(kept.events, name), getattr(one.events, name)), name
    assert np.array_equal(kept.events.chord[:, 0] >= tokens.SAME, one.events.chord[:, 0] >= tokens.SAME)
    assert np.array_equal(kept.events.chord[:, 1], one.events.chord[:, 1])


def test_without_the_corpus_the_base_rehearses_what_it_plays_by_itself(stem: Path, tmp_path: Path) -> None:
    base = Responder.load(stem)
    one, again = (imagined(base, 5, 48) for _ in range(2))
    assert np.array_equal(one.events.drums, again.events.drums) and str(one.meter) == "3/4" and len(one) == 48
    assert (one.events.bass[:, 0] >= 0).any() and one.events.drums.any() and one.has == (True, True, True)
    save_songs(tmp_path / "made.npz", [one])
    assert [s.name for s in rehearsal(base, tmp_path / "none.npz", tmp_path / "made.npz")] == [one.name]


def test_the_command_writes_an_adapter_and_a_card(stem: Path, tmp_path: Path) -> None:
    for number, one in enumerate(LEARN):
        played_pieces.keep(tmp_path / "mine" / f"{number}.npz", one)
    corpus = tmp_path / "corpus.npz"
    save_songs(corpus, BASE)
    given = {"learn": tmp_path / "mine", "out": tmp_path / "adapter-1"}
    responder.save(tmp_path / "adapter-1-state", ResponderNet(SMALL), {}, "a state that is none: begun anew")
    given |= {"weights": stem, "base": corpus, "steps": 4}  # type: ignore[dict-item]
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    assert train_adapter.main(words) == 0
    scores = json.loads((tmp_path / "adapter-1.json").read_text())["config"]["scores"]
    assert set(scores) == {"you", "base"} and "(4 pieces, 384 ticks)" in (tmp_path / "adapter-1.md").read_text()
    assert not list(tmp_path.glob("*state*"))
    assert train_adapter.main(["--learn", str(tmp_path / "none"), "--out", str(tmp_path / "x")]) == 2
