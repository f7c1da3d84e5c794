"""The snapshot store in shared memory: the newest whole state, whatever was cut short."""

import pickle

import pytest

from agent.mind import snapshot
from agent.mind.snapshot import TRIES_MAX, SnapshotStore


class CutShort(bytes):
    """Cannot be copied to where it should go."""

    def __len__(self) -> int:
        return 3


def test_the_newest_counts():
    snapshots = SnapshotStore(1_000)
    assert snapshots.newest() is None
    for text in (b"one", b"two", b"three"):
        assert snapshots.put(text)
    assert snapshots.newest() == b"three"


def test_one_cut_short_leaves_the_one_before():
    snapshots = SnapshotStore(1_000)
    snapshots.put(b"one" * 100)
    snapshots.put(b"two" * 100)
    with pytest.raises(ValueError, match="assignment"):  # in the place of kill -9, in the middle of the copy
        snapshots.put(b"three" * 20, CutShort(b"four"))
    assert snapshots.newest() == b"two" * 100


def test_what_does_not_fit_is_said_and_the_one_before_stays():
    snapshots = SnapshotStore(1_000)
    snapshots.put(b"one")
    assert not snapshots.put(bytes(1_001))
    assert snapshots.newest() == b"one"


def test_a_state_that_kills_is_given_no_third_time():
    snapshots = SnapshotStore(1_000)
    snapshots.put(b"bad")
    assert [snapshots.newest() for _ in range(TRIES_MAX + 1)] == [b"bad"] * TRIES_MAX + [None]
    snapshots.put(b"good")
    assert snapshots.newest() == b"good"


class Model:
    def __getstate__(self):
        return {"own": "weights"}


def test_models_are_named_and_put_back():
    heavy, other = Model(), Model()
    data = snapshot.dumps({"model": heavy, "twice": heavy, "state": [1, 2]}, {"model": heavy})
    assert b"weights" not in data
    state = snapshot.loads(data, {"model": other}, dict)
    assert state["model"] is other is state["twice"] and state["state"] == [1, 2]


def test_nobody_else_reads_it_by_mistake():
    heavy = Model()
    data = snapshot.dumps(heavy, {"model": heavy})
    with pytest.raises(pickle.UnpicklingError, match=r"only loads"):
        pickle.loads(data)
