"""Keeps strangers and other sites' pages out: checks Host and Origin, limits requests, sets the page's policy."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " media-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
    "Cache-Control": "no-store",
}
ADDRESSES_MAX = 256


class Limit:
    """Lets each address do something `burst` times at once and `rate` times a second in the long run."""

    def __init__(self, rate: float, burst: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now_s = rate, burst, now_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, address: str) -> bool:
        """Return whether this address may do it once more now."""
        now_s = self._now_s()
        left, at_s = self._left.pop(address, (self._burst, now_s))
        left = min(self._burst, left + (now_s - at_s) * self._rate)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now_s)
        while len(self._left) > ADDRESSES_MAX:
            self._left.popitem(last=False)
        return allowed


class Guard:
    """ASGI middleware. names: host names besides addresses and localhost under which the page may be asked for."""

    def __init__(self, app: ASGIApp, names: frozenset[str], limit: Limit) -> None:
        self._app, self._names, self._limit = app, names, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status, why = self._refusal(scope)
        if status and scope["type"] == "websocket":
            await WebSocketClose(code=4000 + status)(scope, receive, send)
            return
        if status:
            await PlainTextResponse(why, status, HEADERS)(scope, receive, send)
            return

        async def with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_policy)

    def _refusal(self, scope: Scope) -> tuple[int, str]:
        """Return a status and the reason, or (0, "")."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._known(host):
            return 421, "this name is not one of the remote's; use the address that `antiphon web pair` shows\n"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "only the remote's own page may ask for this\n"
        if origin is None and changes and headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return 403, "only the remote's own page may ask for this\n"
        client = scope.get("client") or ("?", 0)
        if not self._limit.allows(client[0]):
            return 429, "too many requests; wait a moment\n"
        return 0, ""

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name == "localhost" or name in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
