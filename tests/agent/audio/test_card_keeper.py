"""The thread that looks for the card: it finds it when it comes, and no driver can hold up who asks it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from agent.audio import card_keeper
from agent.audio.card_keeper import Keeper
from agent.core.errors import UserError
from tests.waiting import wait_for


class FakeCard:
    """Runs as soon as it is started; `hangs`: its driver never lets go."""

    name, api = "card", ""

    def __init__(self, runs: bool = True, alive: bool = True, hangs: threading.Event | None = None) -> None:
        self.runs, self.alive, self.hangs = runs, alive, hangs
        self.seen_s, self.closed = 0.0, 0

    def start(self) -> None:
        self.seen_s = time.monotonic() if self.runs else 0.0

    def close(self) -> None:
        if self.hangs:
            self.hangs.wait(20)
        self.closed += 1


@contextmanager
def keeping(find: Callable[[], FakeCard]) -> Iterator[Keeper]:
    kept = Keeper(find)  # type: ignore[arg-type]
    try:
        yield kept
    finally:
        kept.close(None)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("LOOK_EVERY_S", 0.01), ("FIRST_BLOCK_S", 0.02), ("PATIENCE_S", 0.05), ("CLOSE_S", 0.2)):
        monkeypatch.setattr(card_keeper, name, seconds)
    monkeypatch.setattr(card_keeper.device_list, "release", lambda: None)


def taken(kept: Keeper) -> FakeCard | None:
    return wait_for(kept.take, 3, "a card")  # type: ignore[return-value]


def test_looks_again_until_the_card_is_there() -> None:
    looks, card = [], FakeCard()

    def find() -> FakeCard:
        looks.append(1)
        if len(looks) < 4:
            raise UserError("it is not plugged in")
        return card

    with keeping(find) as kept:
        kept.seek()
        with pytest.raises(UserError, match="not plugged in"):
            kept.first_look(3)
        assert taken(kept) is card
        assert len(looks) == 4
        assert kept.cause == ""
        assert kept.take() is None  # it is given once


def test_a_card_that_opens_but_brings_no_sound_is_closed_and_said() -> None:
    cards = [FakeCard(runs=False), FakeCard()]
    first = cards[0]
    with keeping(lambda: cards.pop(0)) as kept:
        kept.seek()
        with pytest.raises(UserError, match="brings no sound"):
            kept.first_look(3)
        assert taken(kept) is not None
        assert first.closed == 1


def test_a_card_that_was_only_silent_for_a_moment_keeps_its_connections() -> None:
    card = FakeCard()
    card.start()
    with keeping(FakeCard) as kept:
        kept.seek(card)  # type: ignore[arg-type]
        time.sleep(0.02)
        card.seen_s += 1.0
        assert taken(kept) is card
        assert card.closed == 0


def test_a_lost_card_is_closed_and_another_found() -> None:
    lost = FakeCard(alive=False)
    with keeping(FakeCard) as kept:
        kept.seek(lost)  # type: ignore[arg-type]
        assert taken(kept) is not lost
        assert lost.closed == 1


def test_a_driver_that_never_answers_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_keeper, "STUCK_S", 0.1)
    release = threading.Event()
    kept = Keeper(FakeCard)  # type: ignore[arg-type]
    try:
        kept.seek(FakeCard(alive=False, hangs=release))  # type: ignore[arg-type]
        wait_for(lambda: kept.stuck, 3, "the keeper's word that its driver is stuck")
        began_s = time.monotonic()
        kept.close(None)
        assert time.monotonic() - began_s < 1.0
    finally:
        release.set()
