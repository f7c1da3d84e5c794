"""Serves the control socket: JSON lines over a Unix socket that only its owner can open.

{"say": "mode loop"} -> {"ok": true, "says": "...", "status": {...}?} or {"ok": false, "says": "why not"}.
{"watch": true} -> {"view": {...}}, again and again (agent/control/live_view.py). The session polls it and never waits:
a client that is slow, silent or sends too much loses its connection; one that watches and is slow gets fewer views.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from agent.control.live_view import LiveView, Watcher
from agent.core.errors import UserError
from agent.core.paths import NAME

log = logging.getLogger(__name__)

CLIENTS_MAX = 8
LINE_BYTES = 4_096
ANSWER_BYTES = 1 << 16  # waiting for a client that does not read
TURN_LINES = 8  # of one client in one poll
PATH_BYTES = 107  # sun_path

WATCH = b'{"watch": true}'

Answer = tuple[str, dict[str, Any] | None]
Handler = Callable[[str], Answer]


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._asked, self._answers = b"", b""
        self._ended = False  # the client sends nothing more, but may still read
        self.watcher: Watcher | None = None

    def poll(self, handler: Handler) -> bool:
        """Read, answer, write; False when this client is done or broke a limit."""
        try:
            self._read()
            self._answer(handler)
            return self._write()
        except OSError:
            return False

    def _read(self) -> None:
        if self._ended or len(self._asked) > LINE_BYTES:
            return
        with contextlib.suppress(BlockingIOError):
            got = self._connection.recv(LINE_BYTES)
            self._ended = not got
            self._asked += got

    def _answer(self, handler: Handler) -> None:
        for _ in range(TURN_LINES):
            line, newline, rest = self._asked.partition(b"\n")
            if len(line) > LINE_BYTES:
                raise OSError(errno.EMSGSIZE, "the client's line is too long")
            if not newline:
                return
            self._asked = rest
            if line.strip() == WATCH:
                self.watcher = self.watcher or Watcher()
                continue
            self._answers += json.dumps(answer(line, handler), ensure_ascii=False).encode() + b"\n"
            if len(self._answers) > ANSWER_BYTES:
                raise OSError(errno.ENOBUFS, "the client does not read its answers")

    def show(self, view: LiveView, status: Mapping[str, Any]) -> None:
        """Queue the next view for a client that watches and has read all before."""
        if self.watcher and not self._answers and (new := view.for_(self.watcher, status)):
            self._answers = json.dumps({"view": new}, ensure_ascii=False).encode() + b"\n"

    def _write(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            while self._answers:
                self._answers = self._answers[self._connection.send(self._answers) :]
        return bool(self._answers) or not self._ended

    def close(self) -> None:
        self._connection.close()


def answer(line: bytes, handler: Handler) -> dict[str, Any]:
    """Return the answer to one line of a client, whatever the line holds."""
    try:
        asked = json.loads(line)
        text = asked["say"]
        if not isinstance(text, str):
            raise TypeError
        text.encode()  # half a character ("\\ud800") can be neither kept nor answered
    except (ValueError, TypeError, KeyError, RecursionError):
        return {"ok": False, "says": 'expected a line of JSON such as {"say": "mode loop"}'}
    try:
        says, status = handler(text)
    except UserError as mistake:
        return {"ok": False, "says": str(mistake)}
    except Exception as cause:  # of which the session must not die
        log.exception("%r failed", text)
        return {"ok": False, "says": f"{text!r} failed ({type(cause).__name__}); see the log for details"}
    return {"ok": True, "says": says} | ({"status": status} if status is not None else {})


class ControlServer:
    """The listening control socket. Raises UserError where another session holds it or it cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clients: list[_Client] = []
        self._socket = self._open(path)
        self._made = _identity(path)

    def _open(self, path: Path) -> socket.socket:
        if len(os.fsencode(path)) > PATH_BYTES:
            raise UserError(
                f"control socket {path}: longer than {PATH_BYTES} bytes; set $ANTIPHON_SOCKET to a shorter path"
            )
        try:
            _own_folder(path.parent)
            _remove_stale(path)
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            before = os.umask(0o177)  # 0600 from its first moment on
            try:
                listening.bind(str(path))
            finally:
                os.umask(before)
            listening.listen(CLIENTS_MAX)
            listening.setblocking(False)
        except OSError as cause:
            raise UserError(f"control socket {path}: {cause.strerror or cause}; set $ANTIPHON_SOCKET") from None
        return listening

    def show(self, view: LiveView, status: Callable[[], Mapping[str, Any]]) -> None:
        """Give the clients that watch what is new. Call this often, before poll(); it never waits."""
        watching = [client for client in self._clients if client.watcher]
        view.watched = bool(watching)
        if watching:
            now = status()
            for client in watching:
                client.show(view, now)

    def poll(self, handler: Handler) -> None:
        """Read and answer what has come. Call this often; it never waits."""
        self._accept()
        for client in list(self._clients):
            if not client.poll(handler):
                client.close()
                self._clients.remove(client)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if len(self._clients) >= CLIENTS_MAX:  # the oldest client is disconnected, one that watches last
                oldest = next((client for client in self._clients if not client.watcher), self._clients[0])
                self._clients.remove(oldest)
                oldest.close()
            self._clients.append(_Client(connection))

    def close(self, handler: Handler | None = None) -> None:
        """Answer what was asked, then close and remove the socket. Never raises."""
        if handler:
            self.poll(handler)
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._socket.close()
        with contextlib.suppress(OSError):
            if _identity(self.path) == self._made:
                self.path.unlink()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns  # an inode number alone may be reused


def _own_folder(folder: Path) -> None:
    """Make the folder. Raises OSError, or UserError for a folder in which others could put their own socket."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.stat()
    if found.st_uid not in (os.getuid(), 0):
        raise UserError(f"{folder} belongs to another user; set $ANTIPHON_SOCKET to a path in a folder of your own")
    if found.st_uid == os.getuid() and folder.name == NAME:
        folder.chmod(0o700)


def _remove_stale(path: Path) -> None:
    """Remove the socket of a dead session. Raises UserError for a running session's."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise UserError(f"{path} is in the way: it is not a socket; remove it, or set $ANTIPHON_SOCKET to another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
        except OSError:  # it is running and busy
            pass
    raise UserError(
        f"a session is running already ({path}); `antiphon ctl status` shows it, `antiphon ctl stop` ends it"
    )


def ask(path: Path, text: str, timeout_s: float = 5.0) -> dict[str, Any]:
    """Send one command to a running session and return its answer. Raises UserError where none answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps({"say": text}).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                got = connection.recv(LINE_BYTES)
                if not got:
                    raise ConnectionResetError(errno.ECONNRESET, "it hung up")
                reply += got
        except TimeoutError:
            raise UserError(f"the session at {path} did not answer within {timeout_s:g} s; try again") from None
        except (FileNotFoundError, ConnectionRefusedError):
            raise UserError(
                f"no session is running ({path}); start one with `antiphon daemon` or `antiphon jam`"
            ) from None
        except OSError as cause:
            raise UserError(f"the session at {path} could not be reached: {cause.strerror or cause}") from None
    answered: dict[str, Any] = json.loads(reply)
    return answered
