"""A session's control socket with made-up music behind it, and the remote served for real, each in a thread."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from agent.control.commands import parse
from agent.control.live_view import LiveView
from agent.control.socket_server import Answer, ControlServer
from agent.core.types import Decision, Plan, PlannedNote
from agent.web.app import FRAME_MAX, Remote, make_app
from agent.web.recordings import Recordings
from agent.web.settings_file import SettingsFile
from agent.web.takes import Takes
from agent.web.tokens import Tokens
from listener.types import Analysis, Note
from tests.waiting import wait_for

NEEDS = {  # what a command takes at least
    "mode": "trade",
    "behind": "10",
    "dial": "density 0.3",
    "say": "less snare",
    "tempo": "100",
    "meter": "7/8",
    "mix": "snare level -3",
    "bar": "3 7/8",
    "lead": "120",
    "feel": "half",
    "break": "4",
    "section": "verse",
    "to": "verse",
    "chart": "bridge Am | F",
    "mood": "calm",
    "practice": "report",
    "learn": "mute drums",
}


def whole(verb: str) -> str:
    """Return a command with the arguments it needs."""
    return f"{verb} {NEEDS.get(verb, '')}".strip()


@dataclass
class Band:
    """Stands for a session. said: the commands that came."""

    path: Path
    said: list[str] = field(default_factory=list)
    state: dict[str, Any] = field(
        default_factory=lambda: {"mode": "accompany", "on": {"drums": True}, "level_db": -20.0}
    )

    def __post_init__(self) -> None:
        self.state |= {"mode": "accompany", "on": {"drums": True}, "level_db": -20.0}
        self.view = LiveView()
        self._server = ControlServer(self.path)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def answer(self, text: str) -> Answer:
        parse(text)
        self.said.append(text)
        if text == "mute drums":
            self.state["on"] = {"drums": False}
        return f"did {text}", None

    def _run(self) -> None:
        at_s = 0.0
        while not self._ending.wait(0.01):
            at_s += 0.02
            self.view.decision(heard(at_s))
            self._server.show(self.view, lambda: self.state)
            self._server.poll(self.answer)

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self._server.close()


def heard(at_s: float) -> Decision:
    """A frame in which a note is heard and one is planned."""
    note = Note(at_s, at_s, 0.1, 40, 90)
    planned = PlannedNote("drums", at_s + 0.2, at_s + 0.3, 36, 100, 0)
    plan = Plan((planned,), (PlannedNote("chords", at_s + 1, at_s + 2, 60, 80, 4),), at_s + 0.2, at_s)
    return Decision(Analysis(at_s, at_s, 0.0, 41.2, 1.0, -20.0, notes=(note,)), plan, "playing", 0, ("drums",))


@dataclass
class Served:
    """The remote at http://127.0.0.1:port."""

    port: int
    tokens: Tokens
    remote: Remote

    def cookie(self, name: str = "phone") -> str:
        """Pair a device as a phone does; return its Cookie header."""
        status, _, headers = self.post("/api/pair", {"code": self.tokens.new_code(), "name": name})
        assert status == 200
        return str(headers["set-cookie"]).split(";")[0]

    def get(self, path: str, **headers: str) -> tuple[int, bytes, Any]:
        return self.ask(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers))

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, bytes, Any]:
        data = json.dumps(body).encode()
        return self.ask(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers))

    def ask(self, request: urllib.request.Request) -> tuple[int, bytes, Any]:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read(), refused.headers


@contextmanager
def served(folder: Path, socket: Path, port: int = 0) -> Iterator[Served]:
    """Serve the remote of a session at `socket`, with recordings and state under `folder`; port 0 = a free one."""
    tokens = Tokens(folder / "state")
    settings = folder / "config.yaml"
    settings.touch()
    remote = Remote(socket, tokens, Recordings(folder / "sessions"), Takes(folder / "takes"), SettingsFile(settings))
    app = make_app(remote, frozenset({"antiphon.local"}), secure=False)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws_max_size=2 * FRAME_MAX))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 20, "the page's server")
    try:
        yield Served(server.servers[0].sockets[0].getsockname()[1], tokens, remote)
    finally:
        server.should_exit = True
        thread.join(10)
