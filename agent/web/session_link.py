"""Links the remote's process with the running session through its control socket, and again after every loss."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.control.socket_server import WATCH
from agent.control.view import View

AGAIN_S = 0.5  # between two attempts to reach a session
ANSWER_S = 5.0
LINE_MAX = 1 << 20
Show = Callable[[View | None], None]


@dataclass(frozen=True, slots=True)
class Said:
    """What a session answered to a command: whether it was done, and its line."""

    ok: bool
    says: str


class SessionLink:
    """The way to the session at `path`. show: is given each view, and None when the session goes away."""

    def __init__(self, path: Path, show: Show) -> None:
        self._path, self._show = path, show
        self._asking = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.up = False

    async def watch(self) -> None:
        """Give every view to `show`, until cancelled."""
        while True:
            with contextlib.suppress(OSError, ValueError):
                await self._watch_one()
            if self.up:
                self.up = False
                self._show(None)
            await asyncio.sleep(AGAIN_S)

    async def _watch_one(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._path), limit=LINE_MAX)
        try:
            writer.write(WATCH + b"\n")
            await writer.drain()
            while line := await reader.readline():
                view: View | None = json.loads(line).get("view")
                if view is not None:
                    self.up = True
                    self._show(view)
        finally:
            writer.close()

    async def say(self, text: str) -> Said:
        """Send one command line; return the session's answer, or one that says why there is none."""
        if "\n" in text or "\r" in text or not text.strip():
            return Said(False, "one line, please")
        async with self._asking:
            for attempt in (1, 2):  # the connection may be of a session that has ended
                try:
                    return await asyncio.wait_for(self._ask(text), ANSWER_S)
                except asyncio.CancelledError:  # the phone is gone; its answer must not become the next one's
                    self._hang_up()
                    raise
                except TimeoutError:
                    self._hang_up()
                    return Said(False, "the band did not answer in time; try again")
                except (OSError, ValueError):
                    self._hang_up()
                    if attempt == 2:
                        break
        return Said(False, "no session is running: start `antiphon jam` or `antiphon daemon`")

    async def _ask(self, text: str) -> Said:
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_unix_connection(str(self._path), limit=LINE_MAX)
        self._writer.write(json.dumps({"say": text}).encode() + b"\n")
        await self._writer.drain()
        line = await self._reader.readline()
        if not line:
            raise ConnectionResetError
        answer = json.loads(line)
        if not isinstance(answer, dict):
            return Said(False, "the session's answer makes no sense")
        return Said(bool(answer.get("ok")), str(answer.get("says", "")))

    def _hang_up(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None

    def close(self) -> None:
        """Let go of the session."""
        self._hang_up()
