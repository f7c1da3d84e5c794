"""Messages arrive whole and in order; a full channel refuses instead of waiting."""

from collections.abc import Iterator

import pytest

from agent.core.channel import Channel, channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    sender, receiver = channel()
    yield sender, receiver
    sender.close()
    receiver.close()


def test_messages_arrive_in_order(ends: tuple[Channel, Channel]) -> None:
    sender, receiver = ends
    for i in range(20):
        assert sender.send(("n", i))
    assert receiver.receive() == [("n", i) for i in range(20)]
    assert receiver.receive() == []


def test_a_full_channel_drops_and_counts_without_waiting(ends: tuple[Channel, Channel]) -> None:
    sender, receiver = ends
    sent = sum(sender.send(bytes(10_000)) for _ in range(1_000))
    assert 0 < sent < 1_000
    assert sender.dropped == 1_000 - sent
    assert len(receiver.receive()) == sent
    assert sender.send("room again")


def test_nobody_there_is_no_error(ends: tuple[Channel, Channel]) -> None:
    sender, receiver = ends
    receiver.close()
    assert not sender.send("anyone?")
