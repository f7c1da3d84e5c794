"""OSC: every command of agent/control/commands.py as /antiphon/COMMAND, answered at the sender's port.

/antiphon/mute drums, /antiphon/dial density 0.3, /antiphon/say "less snare". The answer comes as /antiphon/answer with
the command, 1 or 0 and the text; /antiphon/listen asks for ten seconds of /antiphon/state (tempo, bar, beat, level,
state). Datagrams from other machines than this one are dropped unless web.osc_allowed names them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec
from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from agent.control.commands import TABLE
from agent.control.view import View
from agent.core import stored
from agent.web.session_link import Said

ROOT = "/antiphon"
DATAGRAM_MAX = 4_096
LISTENS_S = 10.0
LISTENERS_MAX = 8
WAITING_MAX = 32  # commands that are not carried out yet; more are dropped
Address = tuple[str, int]
Say = Callable[[str], Awaitable[Said]]


class Shown(msgspec.Struct):
    """What is read of a session's status."""

    tempo_bpm: float | None = None
    bar: int | None = None
    beat: int | None = None
    level_db: float | None = None
    state: str = "down"


class OscServer(asyncio.DatagramProtocol):
    """The OSC side of the remote. say: carries out one command line. allowed: addresses besides this machine's."""

    def __init__(self, say: Say, allowed: frozenset[str]) -> None:
        self._say, self._allowed = say, allowed | {"127.0.0.1", "::1"}
        self._transport: asyncio.DatagramTransport | None = None
        self._listeners: dict[Address, float] = {}
        self._doing: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # before Python 3.12 it is of another class

    def datagram_received(self, data: bytes, sender: Address) -> None:
        """Take one datagram: a message, or a bundle of them."""
        address = sender[0], sender[1]  # IPv6 has more
        if address[0] not in self._allowed or len(data) > DATAGRAM_MAX or len(self._doing) >= WAITING_MAX:
            self.dropped += 1
            return
        for message in _messages(data):
            task = asyncio.ensure_future(self._obey(message, address))
            self._doing.add(task)
            task.add_done_callback(self._doing.discard)

    async def _obey(self, message: OscMessage, sender: Address) -> None:
        name = message.address.removeprefix(f"{ROOT}/")
        words = [_spelled(one) for one in message.params]
        if name == "listen":
            self._listen(sender)
            return
        if message.address == name or name not in TABLE:
            self._send("answer", sender, name, 0, f"unknown; {ROOT}/COMMAND with one of: {', '.join(TABLE)}")
            return
        answer = await self._say(" ".join([name, *words]).strip())
        self._send("answer", sender, name, int(answer.ok), answer.says)

    def show(self, view: View | None) -> None:
        """Send the state to those that listen."""
        now_s = time.monotonic()
        self._listeners = {one: until_s for one, until_s in self._listeners.items() if until_s > now_s}
        status = Shown() if view is None else stored.convert(view["status"], Shown)
        for one in self._listeners:
            figures = (status.tempo_bpm or 0.0, status.bar or 0, status.beat or 0)
            self._send("state", one, *figures, status.level_db or -120.0, status.state)

    def _listen(self, sender: Address) -> None:
        if sender in self._listeners or len(self._listeners) < LISTENERS_MAX:
            self._listeners[sender] = time.monotonic() + LISTENS_S

    def _send(self, name: str, to: Address, *values: str | int | float) -> None:
        builder = OscMessageBuilder(f"{ROOT}/{name}")
        for value in values:
            builder.add_arg(value)
        if self._transport:
            self._transport.sendto(builder.build().dgram, to)


def _messages(data: bytes) -> list[OscMessage]:
    """Return the messages of a datagram; none where it is damaged."""
    try:
        if OscBundle.dgram_is_bundle(data):
            return [one for one in OscBundle(data) if isinstance(one, OscMessage)]
        return [OscMessage(data)]
    except Exception:  # the library raises a class of its own for each kind of damage
        return []


def _spelled(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(str(value).split())
