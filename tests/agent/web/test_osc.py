"""OSC reaches every command and answers; damaged datagrams and strangers change nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from agent.control.commands import TABLE, parse
from agent.web.osc import OscServer
from agent.web.session_link import Said


class Wire(asyncio.DatagramTransport):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[list[Any]] = []

    def sendto(self, data: bytes, address: Any = None) -> None:
        self.sent.append(OscMessage(data).params)


def message(address: str, *values: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return builder.build().dgram


def played(act: Callable[[OscServer], None], sender: str = "127.0.0.1") -> tuple[list[str], Wire]:
    """Return the commands that came of it, and what was sent back."""
    said: list[str] = []

    async def say(text: str) -> Said:
        parse(text)
        said.append(text)
        return Said(True, f"did {text}")

    async def run() -> Wire:
        wire, server = Wire(), OscServer(say, frozenset())
        server.connection_made(wire)
        act(server)
        await asyncio.sleep(0.01)
        return wire

    return said, asyncio.run(run())


class Asks(asyncio.DatagramProtocol):
    """A client on a UDP port of its own."""

    def __init__(self) -> None:
        self.answer = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.answer.set_result(OscMessage(data).params)


def test_the_answer_comes_back_over_udp() -> None:
    async def say(text: str) -> Said:
        return Said(True, f"did {text}")

    async def run() -> list[Any]:
        loop, here = asyncio.get_running_loop(), ("127.0.0.1", 0)
        serving, _ = await loop.create_datagram_endpoint(lambda: OscServer(say, frozenset()), local_addr=here)
        asking, asks = await loop.create_datagram_endpoint(Asks, local_addr=here)
        asking.sendto(message("/antiphon/mute", "drums"), serving.get_extra_info("sockname"))
        try:
            return await asyncio.wait_for(asks.answer, 5)
        finally:
            serving.close()
            asking.close()

    assert asyncio.run(run()) == ["mute", 1, "did mute drums"]


LEADS = {
    "bar": [3, "7/8"],
    "lead": [120.0],
    "feel": ["half"],
    "break": [4],
    "section": ["verse"],
    "to": ["verse"],
    "chart": ["bridge", "Am"],
    "mood": ["calm"],
    "practice": ["report"],
}


@pytest.mark.parametrize("verb", TABLE)
def test_every_command_is_reached_by_osc(verb: str) -> None:
    needs = {"mode": ["trade"], "behind": [10.0], "dial": ["density", 0.3], "say": ["less snare"], "tempo": [100]}
    given = (needs | {"meter": ["7/8"], "learn": ["mode next"], "mix": ["snare", "level", -3.0]} | LEADS).get(verb, [])
    said, wire = played(lambda server: server.datagram_received(message(f"/antiphon/{verb}", *given), ("127.0.0.1", 9)))
    assert said and parse(said[0]).name == verb
    assert wire.sent[0][:2] == [verb, 1]


def test_another_machine_is_not_heard() -> None:
    said, wire = played(lambda server: server.datagram_received(message("/antiphon/panic"), ("10.0.0.9", 9)))
    assert said == [] and wire.sent == []


def test_an_unknown_address_is_answered() -> None:
    said, wire = played(lambda server: server.datagram_received(message("/antiphon/polka"), ("127.0.0.1", 9)))
    assert said == [] and wire.sent[0][:2] == ["polka", 0]


def test_who_listens_is_sent_the_state() -> None:
    def act(server: OscServer) -> None:
        server.datagram_received(message("/antiphon/listen"), ("127.0.0.1", 9))
        asyncio.get_running_loop().call_later(0.002, server.show, {"status": {"tempo_bpm": 100.0, "bar": 3, "beat": 2}})

    _, wire = played(act)
    assert wire.sent[0][:3] == [100.0, 3, 2]


def test_damaged_datagrams_change_nothing() -> None:
    rng = random.Random(0)
    good = message("/antiphon/dial", "density", 0.3)

    def act(server: OscServer) -> None:
        for _ in range(500):
            data = bytearray(good)
            for _ in range(rng.randrange(1, 8)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            server.datagram_received(bytes(data[: rng.randrange(len(data))]), ("127.0.0.1", 9))
            server.datagram_received(b"#bundle\0" + bytes(rng.randrange(256) for _ in range(30)), ("127.0.0.1", 9))

    said, _ = played(act)
    assert said == []
