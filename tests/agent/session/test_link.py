"""Ableton Link: two peers, one of them aalink's, which nobody here wrote."""

from __future__ import annotations

import asyncio
import builtins
import time
from collections.abc import Callable, Iterator

import pytest

from agent.core.errors import UserError
from agent.session.link import LinkPeer
from listener.types import Grid, Meter
from tests.link_room import link_room
from tests.waiting import wait_for

FOUR, SEVEN = Meter(4, 4), Meter(7, 8)


def wait(until: Callable[[], object], what: str, timeout_s: float = 8.0) -> None:
    try:
        wait_for(until, timeout_s, what, 0.02)
    except TimeoutError:
        if what == "peers":
            pytest.skip("no multicast on this machine: peers")
        raise


@pytest.fixture(scope="module")
def room() -> Iterator[None]:
    with link_room():
        yield


@pytest.fixture
def pair(room: None) -> Iterator[tuple[LinkPeer, LinkPeer]]:
    first, second = LinkPeer(SEVEN, 100), LinkPeer(SEVEN, 100)
    try:
        wait(lambda: first.peers and second.peers, "peers")
        yield first, second
    finally:
        first.close()
        second.close()


def place(grid: Grid, now_s: float) -> float:
    """In the bar, beats."""
    return (grid.position - 1 + grid.beat_at(now_s) - grid.index) % grid.meter.numerator


def test_a_peer_follows_the_beat_that_is_given(pair: tuple[LinkPeer, LinkPeer]) -> None:
    giver, follower = pair
    ours = Grid(time.monotonic(), 40, 3, 0.31, SEVEN, 1.0, 1.0)
    giver.give(ours)
    wait(lambda: abs(follower.tempo_bpm - 60 / 0.31 / 2) < 0.01, "the tempo did not arrive")
    wait(lambda: apart_ms(ours, follower.grid()) < 1, "the beat did not arrive")
    giver.give(ours)
    assert giver.tempo_changes == giver.phase_changes == 1  # nothing changed: nothing is said again
    giver.stop()
    wait(lambda: follower.grid() is None, "the stop did not arrive")


def apart_ms(ours: Grid, theirs: Grid | None) -> float:
    if theirs is None:
        return float("inf")
    now_s, bar = time.monotonic(), ours.meter.numerator
    apart = (place(ours, now_s) - place(theirs, now_s)) % bar
    return 1000 * min(apart, bar - apart) * ours.period_s


def test_without_force_the_others_keep_their_beat(pair: tuple[LinkPeer, LinkPeer]) -> None:
    giver, follower = pair
    giver.give(Grid(time.monotonic(), 0, 1, 0.3, SEVEN, 1.0, 1.0))
    wait(lambda: abs(follower.tempo_bpm - 100) < 0.01 and follower.grid(), "the tempo did not arrive")
    time.sleep(0.3)
    before = follower.grid()
    assert before
    giver.give(Grid(before.anchor_s + 0.15, 0, 4, 0.3, SEVEN, 1.0, 1.0), force=False)
    time.sleep(0.3)
    assert apart_ms(before, follower.grid()) < 1


def test_the_beat_is_aalinks(room: None) -> None:
    """What we read from the session is what another wrapper of it reads."""
    aalink = pytest.importorskip("aalink")

    async def compare() -> tuple[float, float]:
        other = aalink.Link(90.0)
        other.enabled = True
        other.quantum = 4.0
        ours = LinkPeer(FOUR, 120.0)
        try:
            for _ in range(400):
                await asyncio.sleep(0.02)
                if ours.peers and ours.grid() and abs(ours.tempo_bpm - other.tempo) < 0.01:
                    break
            else:
                pytest.skip("no multicast on this machine: peers")
            await asyncio.sleep(0.3)
            grid = ours.grid()
            assert grid
            before_s, phase, after_s = time.monotonic(), other.phase, time.monotonic()
            apart = (place(grid, (before_s + after_s) / 2) - phase) % 4
            return min(apart, 4 - apart) * grid.period_s, ours.tempo_bpm - other.tempo
        finally:
            ours.close()
            other.enabled = False

    apart_s, tempo_apart = asyncio.run(compare())
    assert apart_s < 0.002 and abs(tempo_apart) < 0.01


def test_alone_there_is_nothing_to_follow(room: None) -> None:
    peer = LinkPeer(FOUR)
    assert peer.peers == 0 and peer.grid() is None
    peer.close()


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object) -> object:
        if name == "link":
            raise ImportError("No module named 'link'")
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"pip install 'antiphon\[link\]'"):
        LinkPeer(FOUR)
