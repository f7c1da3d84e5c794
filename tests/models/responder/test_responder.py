"""The responder: step is forward, samples follow the likelihood, imagining changes nothing."""

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from listener.types import Meter
from models.corpus.song import Song
from models.music import features, tokens
from models.music.dials import Dials
from models.music.features import Events
from models.music.tokens import EMPTY_REPLY, BassTick, ChordHit, DrumHit, LineHit, Position, Reply, TickInput
from models.responder import responder
from models.responder.net import SLICES, ResponderConfig
from models.responder.responder import Responder, ResponderState
from models.responder.sampling import AS_IT_IS, NO_LEAN, Lean, Push
from models.training.batches import collate, crop_of

METER = Meter(7, 8, (2, 2, 3))


@pytest.fixture(scope="module", params=["lstm", "ssm"])
def model(request: pytest.FixtureRequest) -> Responder:
    config = ResponderConfig(hidden=48, sound_dim=6, backbone=request.param, dials=True, foresee=True)
    made = Responder.untrained(3, config)
    torch.manual_seed(5)
    with torch.no_grad():
        for name, value in made.net.named_parameters():
            if "_to_" in name or "pitch_in" in name:
                value.normal_(0, 0.5)
        made.net.heads.weight.normal_(0, 0.3)
    return Responder.of(made.net)


def random_session(ticks: int, seed: int) -> list[tuple[BassTick, Reply]]:
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(ticks):
        pitch = int(rng.integers(26, 60))
        bass = BassTick(True, pitch, int(rng.integers(1, 128)), pitch) if rng.random() < 0.5 else BassTick(True)
        bass = BassTick.UNKNOWN if rng.random() < 0.2 else bass
        drums = tuple(DrumHit(p, int(rng.integers(1, 128))) for p in tokens.PIECES if rng.random() < 0.2)
        chord = (
            ChordHit(int(rng.integers(12)), str(rng.choice(tokens.QUALITY_NAMES)), 90) if rng.random() < 0.3 else None
        )
        line = LineHit(int(rng.integers(55, 85)), 70) if rng.random() < 0.3 else None
        out.append((bass, Reply(drums, chord, rng.random() < 0.2, line, rng.random() < 0.2)))
    return out


def as_song(session: list[tuple[BassTick, Reply]], sound: np.ndarray) -> Song:
    """The same session as a training piece."""
    bass, drums, chord, line, known = [], [], [], [], []
    memory = features.Memory()
    for heard, reply in session:
        action = tokens.chord_action(reply, memory.root, memory.quality)
        _, memory = memory.read(heard, reply)
        bass.append([-1 if p is None else p for p in (heard.onset_pitch, heard.velocity, heard.sounding_pitch)])
        known.append(heard.known)
        drums.append(tokens.drum_levels(reply.drums))
        chord.append([action, tokens.level_of(reply.chord.velocity) if reply.chord else 0, memory.root, memory.quality])
        pitch = reply.line.pitch - tokens.LINE_LOW if reply.line else -1
        line.append([tokens.line_action(reply), tokens.level_of(reply.line.velocity) if reply.line else 0, pitch])
    events = Events(np.array(bass), np.array(known), np.array(drums), np.array(chord), np.array(line))
    count = len(session)
    ticks = np.arange(count) % 14
    return Song("x", "mma", "test", ticks, np.arange(count) // 14, (METER,) * count, events, (True,) * 3, sound)


def play(model: Responder, session: list[tuple[BassTick, Reply]], sound: np.ndarray) -> list[ResponderState]:
    """The state before each tick is played."""
    states, state = [], model.initial_state()
    before: list[tuple[BassTick, Reply]] = [(BassTick(True), EMPTY_REPLY), *session[:-1]]
    for tick, (bass, reply) in enumerate(before):
        heard = sound[tick - 1] if tick and bass.known else None
        state = model.step(TickInput(Position(tick % 14, tick // 14, METER), bass, heard, reply), state)
        states.append(state)
    return states


def test_step_equals_forward(model: Responder) -> None:
    session = random_session(150, 0)
    sound = np.random.default_rng(1).normal(size=(150, model.sound_dim)).astype(np.float32)
    batch = collate([crop_of(as_song(session, sound), 0, 150, model.sound_dim)])
    with torch.inference_mode():
        whole = model.net(batch.rows, batch.sound, batch.cond)[0].numpy()
    stepped = np.array([state.logits for state in play(model, session, sound)])
    assert np.abs(stepped - whole).max() < 1e-4


def test_samples_come_as_often_as_their_likelihood_says(model: Responder) -> None:
    """The commonest sampled drums and whole replies, against exp(-nll) of the training side."""
    session, sound = random_session(40, 2), np.zeros((40, model.sound_dim), np.float32)
    state = play(model, session, sound)[-1]
    rng = np.random.default_rng(0)
    draws = [model.sample(state, rng, 1.0, taste=AS_IT_IS, lean=NO_LEAN) for _ in range(4000)]
    drums = Counter(reply.drums for reply in draws).most_common(3)
    for hits, count in drums:
        expected = np.exp(-nll_of(model, session, Reply(hits), sound)["drums"])
        assert abs(count / len(draws) - expected) < 4 * np.sqrt(expected / len(draws))
    reply, count = Counter(draws).most_common(1)[0]
    expected = np.exp(-sum(nll_of(model, session, reply, sound).values()))
    assert abs(count / len(draws) - expected) < 4 * np.sqrt(expected / len(draws))


def nll_of(
    model: Responder, session: list[tuple[BassTick, Reply]], reply: Reply, sound: np.ndarray
) -> dict[str, float]:
    song = as_song([*session[:-1], (session[-1][0], reply)], sound)
    batch = collate([crop_of(song, 0, len(song), model.sound_dim)])
    with torch.inference_mode():
        logits = model.net(batch.rows, batch.sound, batch.cond).flatten(0, 1)
        nats = model.net.nll(logits, batch.rows.flatten(0, 1), batch.targets)
    return {part: float(values[-1]) for part, values in nats.items()}


def test_chord_and_line_draw_from_the_trained_distribution(model: Responder) -> None:
    """Root and pitch logits of the player are those of the trainer."""
    session = random_session(60, 5)
    sound = np.zeros((60, model.sound_dim), np.float32)
    state = play(model, session, sound)[-1]
    batch = collate([crop_of(as_song(session, sound), 0, 60, model.sound_dim)])
    row = batch.rows[0, -1:]
    head = {name: torch.from_numpy(state.logits[part])[None] for name, part in SLICES.items()}
    with torch.inference_mode():
        roots = model.net.root_logits(head, row)[0].numpy()
        qualities = model.net.quality_logits(head, row, torch.tensor([5]))[0].numpy()
        pitches = model.net.pitch_logits(head, row, torch.tensor([5]), torch.tensor([1]))[0].numpy()
    assert np.allclose(model._walk._root_logits(state.logits, state.memory), roots, atol=1e-5)
    assert np.allclose(model._walk._quality_logits(state.logits, state.memory, 5), qualities, atol=1e-5)
    assert np.allclose(model._walk._pitch_logits(state.logits, state.memory.line_last, (5, 1)), pitches, atol=1e-5)


def test_the_harmony_leans_to_the_bass_just_heard(model: Responder) -> None:
    """More strokes hold the bass note with the pull than without; none is pulled once the bass is long unknown."""
    session, sound = random_session(60, 8), np.zeros((60, model.sound_dim), np.float32)
    session[-2] = (BassTick(True, 40, 90, 40), EMPTY_REPLY)
    state = play(model, session, sound)[-1]
    shares = []
    for lean in (Lean(0.0, 0.0, kit=0.0), Lean(3.0, 3.0)):
        rng = np.random.default_rng(0)
        chords = [model.sample(state, rng, taste=AS_IT_IS, lean=lean).chord for _ in range(400)]
        fits = [(40 - c.root) % 12 in tokens.QUALITIES[c.quality] for c in chords if c]
        shares.append(np.mean(fits))
    assert shares[1] > shares[0] + 0.2


def test_imagining_on_a_copy_leaves_the_state_as_it_was(model: Responder) -> None:
    state = play(model, random_session(20, 3), np.zeros((20, model.sound_dim), np.float32))[-1]
    before = state.hidden.copy(), state.logits.copy()
    ahead = state.copy()
    for tick in range(30):
        reply = model.sample(ahead, np.random.default_rng(tick))
        ahead = model.step(TickInput(Position(tick % 14, 0, METER), BassTick.UNKNOWN, None, reply), ahead)
    assert np.array_equal(state.hidden, before[0])
    assert np.array_equal(state.logits, before[1])


def test_the_same_seed_gives_the_same_reply_and_parts_can_be_silenced(model: Responder) -> None:
    state = play(model, random_session(20, 4), np.zeros((20, model.sound_dim), np.float32))[-1]
    replies = [model.sample(state, np.random.default_rng(7)) for _ in range(2)]
    assert replies[0] == replies[1]
    for seed in range(20):
        reply = model.sample(state, np.random.default_rng(seed), parts=("drums",))
        assert reply == Reply(reply.drums)


def test_any_metre_can_be_played(model: Responder) -> None:
    for meter in (Meter(1, 4), Meter(19, 16), Meter(5, 2), Meter(13, 8, (3, 3, 3, 2, 2))):
        state = model.initial_state()
        for tick in range(Position(0, 0, meter).ticks_per_bar):
            state = model.step(TickInput(Position(tick, 9, meter), BassTick(True), None, EMPTY_REPLY), state)
        assert np.isfinite(state.logits).all()


def test_a_sound_of_another_width_is_refused(model: Responder) -> None:
    x = TickInput(Position(0, 0, METER), BassTick(True), np.zeros(3, np.float32), EMPTY_REPLY)
    with pytest.raises(ValueError, match=r"takes \[6\]"):
        model.step(x, model.initial_state())


def test_saved_weights_play_the_same(model: Responder, tmp_path: Path) -> None:
    responder.save(tmp_path / "r", model.net, {}, "# card")
    again = Responder.load(tmp_path / "r")
    session, sound = random_session(10, 6), np.zeros((10, model.sound_dim), np.float32)
    assert np.array_equal(play(model, session, sound)[-1].logits, play(again, session, sound)[-1].logits)


def test_copying_a_state_takes_microseconds_and_a_step_stays_flat() -> None:
    shipped = Responder.load()
    state, x = shipped.initial_state(), TickInput(Position(0, 0, METER), BassTick(True), None, EMPTY_REPLY)
    spent = []
    for _ in range(300):
        started = time.perf_counter()
        state.copy()
        spent.append(time.perf_counter() - started)
        state = shipped.step(x, state)
    assert np.median(spent) < 50e-6


def wished(model: Responder, dials: Dials, guidance: float, ticks: int = 40) -> ResponderState:
    """The state after some ticks with these dials."""
    state = model.initial_state()
    for tick, (bass, reply) in enumerate(random_session(ticks, 11)):
        state = model.step(TickInput(Position(tick % 14, tick // 14, METER), bass, None, reply, dials, guidance), state)
    return state


def test_guidance_goes_from_no_dials_through_the_dials_beyond(model: Responder) -> None:
    """0: as if nothing were asked for; 1: as learned; 2: twice the difference (Ho & Salimans 2022)."""
    dials = Dials(density=0.9, tension=0.2, style="jazz")
    free, none, one, two = (
        wished(model, d, g).logits for d, g in ((Dials(), 1.5), (dials, 0.0), (dials, 1.0), (dials, 2.0))
    )
    assert np.abs(none - free).max() < 1e-4
    assert np.abs(one - free).max() > 1e-3
    assert np.abs(two - (2 * one - free)).max() < 1e-3


def test_the_information_of_a_reply_is_its_likelihood_in_training(model: Responder) -> None:
    session, sound = random_session(60, 12), np.zeros((60, model.sound_dim), np.float32)
    state = play(model, session, sound)[-1]
    nats = sum(nll_of(model, session, session[-1][1], sound).values())
    assert model.information(state, session[-1][1]) == pytest.approx(nats / np.log(2), rel=1e-4)


def test_more_surprise_asked_for_gives_more_bits_a_tick() -> None:
    model, found = Responder.load(), []
    for surprise in (0.0, 0.5, 1.0):
        state, reply, bits = model.initial_state(), EMPTY_REPLY, []
        for tick in range(300):
            x = TickInput(Position(tick % 14, tick // 14, METER), BassTick(True), None, reply, Dials(surprise=surprise))
            state = model.step(x, state)
            reply = model.sample(state, np.random.default_rng(tick))
            bits.append(model.information(state, reply))
        found.append(np.mean(bits[100:]))
    assert found[0] < found[1] < found[2]


def test_a_harmony_that_is_asked_for_is_struck_now(model: Responder) -> None:
    state = wished(model, Dials(), 1.0)
    reply = model.sample(state, np.random.default_rng(0), push=Push(harmony=(7, "7")))
    assert reply.chord is not None
    assert (reply.chord.root, reply.chord.quality) == (7, "7")
    with pytest.raises(ValueError, match="pitch class goes from 0"):
        Push(harmony=(12, "7"))


def test_a_fill_moves_strokes_from_the_hat_to_the_drums(model: Responder) -> None:
    state, counts = wished(model, Dials(), 1.0), {}
    for fill in (0.0, 3.0):
        push = Push(fill=fill)
        replies = [model.sample(state, np.random.default_rng(i), lean=NO_LEAN, push=push) for i in range(300)]
        counts[fill] = Counter(hit.piece for reply in replies for hit in reply.drums)
    assert counts[3.0]["low_tom"] >= counts[0.0]["low_tom"]
    assert counts[3.0]["high_tom"] >= counts[0.0]["high_tom"]
    assert counts[3.0]["closed_hat"] <= counts[0.0]["closed_hat"]
    assert counts[3.0] != counts[0.0]


def test_the_bass_it_foresees_is_near_where_it_was_asked_for(model: Responder) -> None:
    state = wished(model, Dials(), 1.0)
    imagined = [model.imagine_bass(state, np.random.default_rng(i), near=40) for i in range(100)]
    pitches = [bass.onset_pitch for bass in imagined if bass and bass.onset_pitch]
    assert pitches
    assert all(34 <= pitch <= 45 for pitch in pitches)
