"""A responder that is told of earlier bars and of the plan: streamed as trained, and its past is the song's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from listener.types import Meter
from models.corpus.plan_labels import labels_of
from models.corpus.played_pieces import played as ticks_of
from models.corpus.song import Song
from models.music import past
from models.music.past import NOTHING, PastState, content_of, lengths_of, recall_song
from models.music.plan_tick import PlanTick
from models.music.plan_values import NAMES, PlanRows, pointed_of, vector_of
from models.music.tokens import EMPTY_REPLY, LINE_ON, NEW, PIECES, SAME, BassTick, TickInput
from models.responder.net import ResponderConfig, ResponderNet
from models.responder.responder import Responder
from models.training.songs.lanes import collate, played

CONFIG = ResponderConfig(24, 2, 4, 0.0, "elstm", True, True, True, True)
FOUR = Meter(4, 4)
KICK, SNARE = PIECES.index("kick"), PIECES.index("snare")


def song(bars: int = 24, meter: Meter = FOUR, seed: int = 0) -> Song:
    """A song of three different bars in turn: bass, kick, snare, a chord, a line of one note."""
    rng = np.random.default_rng(seed)
    per_bar = meter.numerator * 16 // meter.denominator
    total = bars * per_bar
    drums = np.zeros((total, len(PIECES)), int)
    bass = np.tile([-1, 0, -1], (total, 1))
    chord, line = np.tile([0, 0, -1, -1], (total, 1)), np.tile([0, 0, -1], (total, 1))
    kinds = [rng.random((per_bar, 3)) < 0.3 for _ in range(3)]
    root = -1
    for bar in range(bars):
        at, kind = slice(bar * per_bar, (bar + 1) * per_bar), kinds[bar % 3]
        drums[at, KICK], drums[at, SNARE] = 3 * kind[:, 0], 4 * kind[:, 1]
        bass[at][kind[:, 2]] = 40 + bar % 3, 90, 40 + bar % 3
        new = (bar % 3) * 5
        chord[at, 2:] = new, 1
        chord[at.start, :2] = (SAME if new == root else NEW), 3
        root = new
        line[at.start] = LINE_ON, 2, 8 + bar % 3
    places = np.arange(total)
    events = past.Events(bass, np.ones(total, bool), drums, chord, line)
    return Song("x", "freedoom", "train", places % per_bar, places // per_bar, (meter,) * total, events, (True,) * 3)


def trained() -> ResponderNet:
    """A network whose heads, gates and couplings are not at their zeros."""
    torch.manual_seed(3)
    net = ResponderNet(CONFIG).eval()
    with torch.no_grad():
        for value in net.parameters():
            value.add_(0.1 * torch.randn_like(value))
    return net


@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(7, 8, (2, 2, 3))])
def test_tick_by_tick_it_recalls_what_a_whole_song_recalls(meter: Meter) -> None:
    one = song(20, meter)
    whole, content, lengths = (
        recall_song(one.events, one.ticks, one.bars, lengths_of(one.meters)),
        content_of(one.events),
        lengths_of(one.meters),
    )
    state = PastState()
    for tick in range(len(one)):
        before = content[tick - 1] if tick else NOTHING
        state, now = state.step(before, (int(one.bars[tick]), int(lengths[tick]), int(one.ticks[tick])))
        assert np.array_equal(now.rows, whole.rows[tick])
        np.testing.assert_allclose(now.votes, whole.votes[tick], atol=1e-5)
        np.testing.assert_allclose(now.features, whole.features[tick], atol=1e-4)


def test_the_bar_most_alike_is_the_one_that_came_before_in_the_same_place() -> None:
    one = song(24)
    recalled, content = recall_song(one.events, one.ticks, one.bars, lengths_of(one.meters)), content_of(one.events)
    late = one.bars >= 12
    assert np.array_equal(recalled.rows[late, -1, : past.DRUMS], content[late, : past.DRUMS])
    assert not np.array_equal(recalled.rows[late, 0, : past.DRUMS], content[late, : past.DRUMS])  # one bar ago: another


@pytest.mark.parametrize("plan", [frozenset(), frozenset(NAMES)])
def test_steps_give_the_logits_of_the_whole_song(plan: frozenset[str]) -> None:
    one, net = song(12), trained()
    responder = Responder.of(net)
    made = collate([(played(one, one.events, CONFIG.sound_dim, 0, plan), slice(0, len(one)))])
    with torch.inference_mode():
        wanted = net(made.rows, made.sound, made.cond, made.past)[0].numpy()
    told = labels_of(one.events, one.ticks, one.bars, lengths_of(one.meters), one.has).shown(plan)
    state, bass, reply = responder.initial_state(), BassTick(True), EMPTY_REPLY
    for tick, (place, heard, done) in enumerate(ticks_of(one)):
        x = TickInput(replace(place, bar=place.bar), bass, None, reply, plan=tick_of(told, tick))
        state = responder.step(x, state)
        np.testing.assert_allclose(state.logits, wanted[tick], atol=2e-4)
        bass, reply = heard, done


def test_what_a_reply_tells_is_what_training_counts() -> None:
    one, net = song(8), trained()
    responder, made = Responder.of(net), collate([(played(one, one.events, CONFIG.sound_dim), slice(0, len(one)))])
    with torch.inference_mode():
        nats = net.nll(net(made.rows, made.sound, made.cond, made.past)[0], made.rows[0], made.targets)
    wanted = sum(value.double().numpy() for value in nats.values())
    state, bass, reply, found = responder.initial_state(), BassTick(True), EMPTY_REPLY, []
    for place, heard, done in ticks_of(one):
        state = responder.step(TickInput(place, bass, None, reply), state)
        found.append(responder.information(state, done) * np.log(2))
        bass, reply = heard, done
    np.testing.assert_allclose(found, wanted, atol=1e-3)


def tick_of(rows: PlanRows, tick: int) -> PlanTick:
    root, quality, begins = rows.harmony[tick].tolist()
    age, returned = rows.section[tick].tolist()
    bar, bars = rows.phrase[tick].tolist()
    again = {0: None, 1: "new", 2: rows.again_rows[tick]}[int(rows.again[tick])]
    level = float(rows.level[tick])
    groove = tuple(rows.groove[tick].tolist())
    return PlanTick(
        (root, quality, bool(begins)) if quality >= 0 else None,
        (age, bool(returned)) if age >= 0 else None,
        (bar, bars) if bars else None,
        again,
        level if np.isfinite(level) else None,
        groove if groove[0] >= 0 else None,
    )


def test_a_tick_of_the_plan_is_read_as_in_a_whole_song() -> None:
    one = song(16)
    rows = labels_of(one.events, one.ticks, one.bars, lengths_of(one.meters), one.has)
    for shown in (frozenset(NAMES), frozenset({"groove"}), frozenset({"again", "level"}), frozenset[str]()):
        told = rows.shown(shown)
        for tick in range(0, len(one), 5):
            np.testing.assert_allclose(vector_of(tick_of(told, tick)), told.vectors[tick], atol=1e-6)
            assert np.array_equal(pointed_of(tick_of(told, tick)), told.pointed[tick])


def test_a_copy_that_imagines_leaves_the_past_as_it_was() -> None:
    responder, one = Responder.of(trained()), song(4)
    state, bass, reply = responder.initial_state(), BassTick(True), EMPTY_REPLY
    for place, heard, done in ticks_of(one):
        state = responder.step(TickInput(place, bass, None, reply), state)
        bass, reply = heard, done
    kept, now = state.past, state.past.now.copy() if state.past else None
    ahead, rng = state.copy(), np.random.default_rng(0)
    for place, _, _ in ticks_of(one):
        ahead = responder.step(
            TickInput(replace(place, bar=place.bar + 4), BassTick.UNKNOWN, None, responder.sample(ahead, rng)), ahead
        )
    assert state.past is kept and state.past is not None and np.array_equal(state.past.now, now)
