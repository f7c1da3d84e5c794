"""The remote as an ASGI application: the page, pairing, one WebSocket for a phone, and the recorded sessions.

A phone sends {"say": "mute drums", "id": 7} and is sent {"view": ...} (agent/control/live_view.py; null while no
session runs), {"id": 7, "ok": ..., "says": ...}, and what others did: {"told": {"by": ..., "text": ..., "says": ...}}.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import NotRequired, TypedDict, final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.control.commands import DIALS, FADERS, LANES, TABLE
from agent.control.view import View
from agent.core.errors import UserError
from agent.core.settings import METERS
from agent.web.guard import Guard, Limit
from agent.web.recordings import Recordings
from agent.web.request_body import json_body
from agent.web.session_link import Said, SessionLink, Show
from agent.web.session_routes import Endpoint, session_routes
from agent.web.settings_file import SettingsFile
from agent.web.takes import Takes, take_routes
from agent.web.tokens import Device, Tokens
from agent.web.voice import Voice

COOKIE = "antiphon"
COOKIE_S = 400 * 86_400
PHONES_MAX = 16
WAITING_MAX = 24  # messages for a phone that does not read; the oldest view goes first
SEND_S = 5.0
CHECK_S = 1.0  # how often it is asked whether a phone is still paired
FRAME_MAX = 4_096
PAGE = (
    "index.html",
    "app.js",
    "roll.js",
    "talk.js",
    "takes.js",
    "microphone.js",
    "style.css",
    "manifest.webmanifest",
    "worker.js",
    "icon.svg",
)
TYPES = {"webmanifest": "application/manifest+json", "js": "text/javascript", "css": "text/css", "html": "text/html"}
TYPES |= {"svg": "image/svg+xml"}


class ViewMessage(TypedDict):
    """To a phone: what the session shows. dropped: views that it was too slow for."""

    view: View | None
    dropped: NotRequired[int]


@final
class AnswerMessage(TypedDict):
    """To the phone that asked under this id."""

    id: int | None
    ok: bool
    says: str


class Told(TypedDict):
    """What another device asked for, and the answer."""

    by: str
    text: str
    says: str
    ok: bool


@final
class ToldMessage(TypedDict):
    """To the other phones."""

    told: Told


ToPhone = ViewMessage | AnswerMessage | ToldMessage


@dataclass(frozen=True, slots=True)
class Asked:
    """What a phone sent: a command line, and the id that its answer is to have."""

    say: str | None = None
    id: int | None = None


@dataclass(eq=False)
class Phone:
    """A connected page. waiting: what it has still to be sent, bounded; dropped: views it was too slow for."""

    device: Device
    waiting: asyncio.Queue[ToPhone] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))
    dropped: int = 0

    def push(self, message: ToPhone) -> None:
        """Queue a message; where there is no room the oldest goes."""
        if self.waiting.full():
            self.waiting.get_nowait()
            self.dropped += 1
        self.waiting.put_nowait(message)


class Remote:
    """What the phones share: the link to the session, its last view, and who is there."""

    def __init__(
        self, socket: Path, tokens: Tokens, recordings: Recordings, takes: Takes, settings: SettingsFile
    ) -> None:
        self.tokens, self.recordings, self.takes, self.settings = tokens, recordings, takes, settings
        self.phones: set[Phone] = set()
        self.link = SessionLink(socket, self._show)
        self.voice = Voice()
        self.view: View | None = None
        self.watchers: list[Show] = []  # besides the phones
        self.pairs = Limit(rate=1 / 12, burst=5)  # of an address
        self.all_pairs = Limit(rate=1 / 6, burst=20)  # of all together

    def _show(self, view: View | None) -> None:
        self.view = view
        for phone in self.phones:
            phone.push({"view": view})
        for watcher in self.watchers:
            watcher(view)

    def folder(self) -> str:
        """Return the folder of the session that runs, "" for none."""
        return str(self.view["status"].get("folder", "")) if self.view else ""

    async def say(self, text: str, by: str, but: Phone | None = None) -> Said:
        """Carry out one command; everybody else is shown who asked for what. The last word wins."""
        answer = await self.link.say(text)
        if text.split()[:1] != ["status"]:
            told: Told = {"by": by, "text": text, "says": answer.says, "ok": answer.ok}
            for phone in self.phones - {but} if but else self.phones:
                phone.push({"told": told})
        return answer


def make_app(remote: Remote, names: frozenset[str], secure: bool) -> Guard:
    """Return the application. names: host names it answers to besides addresses; secure: served over TLS."""

    def paired(endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            if _device(remote, request.cookies) is None:
                return JSONResponse({"ok": False, "says": "this device is not paired"}, 401)
            try:
                return await endpoint(request)
            except UserError as mistake:
                return JSONResponse({"ok": False, "says": str(mistake)}, 404)

        return guarded

    async def page(request: Request) -> Response:
        name = request.path_params.get("file") or PAGE[0]
        if name not in PAGE:
            return Response("there is no such page\n", 404)
        data = (resources.files("agent.web") / "page" / name).read_bytes()
        return Response(data, media_type=TYPES[name.rsplit(".", 1)[1]], headers={"Cache-Control": "no-cache"})

    async def pair(request: Request) -> Response:
        address = request.client.host if request.client else "?"
        if not (remote.pairs.allows(address) and remote.all_pairs.allows("all")):
            return JSONResponse({"ok": False, "says": "too many tries; wait a minute"}, 429)
        given = await json_body(request)
        token = remote.tokens.pair(str(given.get("code", ""))[:40], str(given.get("name", "")))
        if token is None:
            return JSONResponse({"ok": False, "says": "that code does not count (any more); ask for a new one"}, 403)
        answer = JSONResponse({"ok": True, "says": "paired"})
        answer.set_cookie(COOKIE, token, COOKIE_S, httponly=True, samesite="strict", secure=secure)
        return answer

    async def who(request: Request) -> Response:
        device = _device(remote, request.cookies)
        verbs = {name: {"takes": word.takes, "means": word.means} for name, word in TABLE.items()}
        lists = {"dials": [one for one in DIALS if one != "style"], "lanes": LANES, "faders": FADERS, "meters": METERS}
        return JSONResponse(
            {"paired": device is not None, "name": device.name if device else "", "verbs": verbs} | lists
        )

    async def settings(request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse(await asyncio.to_thread(remote.settings.read))
        given = await json_body(request)
        says = await asyncio.to_thread(remote.settings.change, given)
        return JSONResponse({"ok": True, "says": says})

    async def tool(request: Request) -> Response:
        return JSONResponse({"says": await remote.settings.tool(request.path_params["name"])})

    async def voice(request: Request) -> Response:
        device = _device(remote, request.cookies)
        words = await remote.voice.words(request)
        mine = next((one for one in remote.phones if device and one.device.id == device.id), None)
        answer = await remote.say(f"say {words}", device.name if device else "?", mine)
        return JSONResponse({"ok": answer.ok, "heard": words, "says": answer.says})

    async def phone(socket: WebSocket) -> None:
        device = _device(remote, socket.cookies)
        if device is None or len(remote.phones) >= PHONES_MAX:
            await socket.close(4401 if device is None else 4429)
            return
        await socket.accept()
        await _serve(remote, socket, Phone(device))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(remote.link.watch())
        yield
        watching.cancel()
        remote.link.close()

    routes = [
        Route("/", page),
        Route("/{file}", page),
        Route("/api/pair", pair, methods=["POST"]),
        Route("/api/who", who),
        *session_routes(remote.recordings, paired, remote.folder),
        *take_routes(remote.takes, paired),
        Route("/api/settings", paired(settings), methods=["GET", "POST"]),
        Route("/api/tools/{name}", paired(tool)),
        Route("/api/voice", paired(voice), methods=["POST"]),
        WebSocketRoute("/api/live", phone),
    ]
    return Guard(Starlette(routes=routes, lifespan=lifespan), names, Limit(rate=30, burst=120))


async def _serve(remote: Remote, socket: WebSocket, phone: Phone) -> None:
    """Send and receive until either side ends."""
    remote.phones.add(phone)
    phone.push({"view": remote.view})
    frames = Limit(rate=20, burst=40)
    sending = asyncio.create_task(_send(remote, socket, phone))
    receiving = asyncio.create_task(_receive(remote, socket, phone, frames))
    try:
        await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        remote.phones.discard(phone)
        for task in (sending, receiving):
            task.cancel()
        await asyncio.gather(sending, receiving, return_exceptions=True)
        with contextlib.suppress(Exception):
            await socket.close()
        with contextlib.suppress(UserError):
            await asyncio.to_thread(remote.tokens.seen, phone.device.id)


async def _send(remote: Remote, socket: WebSocket, phone: Phone) -> None:
    checked_s = time.monotonic()
    while True:
        message = await phone.waiting.get()
        if time.monotonic() - checked_s > CHECK_S:
            checked_s = time.monotonic()
            if await asyncio.to_thread(remote.tokens.device_by_id, phone.device.id) is None:
                return  # revoked meanwhile
        if phone.dropped and "view" in message:
            message["dropped"] = phone.dropped
        await asyncio.wait_for(socket.send_text(json.dumps(message, ensure_ascii=False)), SEND_S)


async def _receive(remote: Remote, socket: WebSocket, phone: Phone, frames: Limit) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        asked = _frame(message.get("text"))
        if not frames.allows("frame"):
            phone.push({"id": asked.id, "ok": False, "says": "too fast; wait a moment"})
            continue
        if remote.tokens.device_by_id(phone.device.id) is None:
            return  # revoked meanwhile
        if asked.say is None:
            phone.push({"id": None, "ok": False, "says": 'expected {"say": "mute drums", "id": 1}'})
            continue
        answer = await remote.say(asked.say, phone.device.name, phone)
        phone.push({"id": asked.id, "ok": answer.ok, "says": answer.says})


def _frame(text: str | None) -> Asked:
    try:
        asked = json.loads(text) if text and len(text) <= FRAME_MAX else None
    except (ValueError, RecursionError):
        return Asked()
    if not isinstance(asked, dict):
        return Asked()
    say, number = asked.get("say"), asked.get("id")
    known = number if isinstance(number, int) and abs(number) < 1 << 53 else None
    return Asked(say if isinstance(say, str) else None, known)


def _device(remote: Remote, cookies: dict[str, str]) -> Device | None:
    token = cookies.get(COOKIE)
    return remote.tokens.device(token) if token else None
