"""What was liked is recalled at once, in any key;
the memory is bounded, small, and says nothing where it knows nothing.
"""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax

from models.music.features import Memory
from models.music.tokens import PIECES, BassTick, ChordHit, DrumHit, LineHit, Position, Reply, TickInput
from models.responder.net import ResponderConfig
from models.responder.recall import COLUMNS, KEY, Mixing, PlayerMemory, Recalling, key_of, pull, remembered, value_of
from models.responder.responder import Responder
from models.responder.shape import SLICES
from models.training.batches import transposed
from tests.models.training.test_responder import song

SMALL = ResponderConfig(hidden=16, layers=1, sound_dim=4, dropout=0.0)
PIECE = song(3)
GROOVE = Reply(drums=(DrumHit("kick", 90),), chord=ChordHit(7, "min7", 80), line=LineHit(74, 80))


@pytest.fixture(scope="module")
def responder() -> Responder:
    return Responder.untrained(3, SMALL)


def walk(responder: Responder, memory: PlayerMemory, piece: object = PIECE) -> float:
    """Bits a tick of the piece, with the memory's help."""
    from models.corpus.played_pieces import played

    state, bass, before, bits = responder.initial_state(), BassTick(True), Reply(), []
    for place, heard, reply in played(piece):  # type: ignore[arg-type]
        state = responder.step(TickInput(place, bass, None, before), state)
        bits.append(responder.information(memory.mixed(state), reply))
        bass, before = heard, reply
    return float(np.mean(bits))


def test_what_was_heard_is_likelier_the_second_time(responder: Responder) -> None:
    knowing = remembered(responder, [PIECE])
    assert len(knowing) == len(PIECE)
    assert walk(responder, knowing) < 0.7 * walk(responder, PlayerMemory())


def test_it_helps_in_another_key_too(responder: Responder) -> None:
    moved = replace(PIECE, events=transposed(PIECE.events, 5))
    assert walk(responder, remembered(responder, [PIECE]), moved) < 0.8 * walk(responder, PlayerMemory(), moved)


def test_a_recalling_responder_plays_what_it_has_just_been_told_to_keep(responder: Responder) -> None:
    from models.corpus.played_pieces import played

    plays = Recalling.around(responder, PlayerMemory())
    x = TickInput(Position(0, 0, PIECE.meter), BassTick(True), None, Reply())
    bare = responder.step(x, responder.initial_state())
    assert np.array_equal(plays.step(x, plays.initial_state()).logits, bare.logits)
    plays.learn(list(played(PIECE)))
    first = next(iter(played(PIECE)))[2]
    knowing = plays.step(x, plays.initial_state())
    assert plays.information(knowing, first) < plays.information(bare, first)
    assert len(pickle.loads(pickle.dumps(plays)).recall) == len(PIECE)


def test_pitches_are_kept_as_intervals() -> None:
    up = replace(GROOVE, chord=ChordHit(9, "min7", 80), line=LineHit(76, 80))
    a, b = value_of(GROOVE, Memory(bass_ref=0)), value_of(up, Memory(bass_ref=2))
    assert np.array_equal(a, b) and a[-3] == 7 and a[-1] == 7 and a[0] > 0


def test_the_mixture_is_that_of_the_papers_equation() -> None:
    """Khandelwal et al., equation 3: p = share p_memory + (1 - share) p_model."""
    logits = np.array([1.0, -2.0, 0.5, 3.0], np.float32)
    votes = np.array([0.2, 0.8, 0, 0], np.float32)
    mixed = np.exp(log_softmax(logits + pull(logits, votes, 0.4)))
    assert mixed == pytest.approx(0.6 * np.exp(log_softmax(logits)) + 0.4 * votes, abs=1e-4)


def test_an_empty_memory_and_one_of_other_moments_leave_the_state_alone(responder: Responder) -> None:
    x = TickInput(Position(0, 0, PIECE.meter), BassTick(True), None, Reply())
    state = responder.step(x, responder.initial_state())
    assert PlayerMemory().mixed(state) is state
    far = PlayerMemory(Mixing(reach=0.01))
    far.put(-key_of(state.logits), value_of(GROOVE, state.memory))
    assert np.array_equal(far.mixed(state).logits, state.logits)


def test_mixing_changes_nothing_but_the_logits_and_not_in_place(responder: Responder) -> None:
    memory = remembered(responder, [PIECE])
    x = TickInput(Position(0, 0, PIECE.meter), BassTick(True), None, Reply())
    state = responder.step(x, responder.initial_state())
    before = state.logits.copy()
    mixed = memory.mixed(state)
    assert np.array_equal(state.logits, before) and mixed.hidden is state.hidden and mixed.memory is state.memory
    assert not np.allclose(mixed.logits[SLICES["drums"]], before[SLICES["drums"]])


def test_parts_that_are_not_liked_are_not_recalled(responder: Responder) -> None:
    chords_alone = remembered(responder, [replace(PIECE, has=(False, True, False))])
    assert (chords_alone._values[: len(PIECE), : len(PIECES)] <= 0).all()
    assert not len(remembered(responder, [replace(PIECE, has=(False, False, False))]))


def test_it_is_bounded_and_the_oldest_go(tmp_path: Path) -> None:
    memory = PlayerMemory(entries=8)
    keys = np.eye(KEY, dtype=np.float32)
    for number in range(11):
        memory.put(keys[number], np.full(COLUMNS, number, np.int16))
    memory.save(tmp_path / "m.npz")
    again = PlayerMemory.load(tmp_path / "m.npz", entries=8)
    again.put(keys[11], np.full(COLUMNS, 11, np.int16))
    assert len(memory) == len(again) == 8
    assert sorted(again._values[:, 0]) == list(range(4, 12)), "the newest eight"
    assert pickle.loads(pickle.dumps(memory))._values.tolist() == memory._values.tolist()


def test_another_file_is_refused_in_one_line(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04torn")
    for name in ("other.npz", "torn.npz"):
        with pytest.raises(ValueError, match="player's memory"):
            PlayerMemory.load(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        PlayerMemory.load(tmp_path / "none.npz")
