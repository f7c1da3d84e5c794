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
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from agent.control.socket_lock import own_folder, take
from agent.core.errors import UserError

if TYPE_CHECKING:  # what a client need not load
    from agent.control.view import Reply, View
    from agent.core.stored import Json

log = logging.getLogger(__name__)

CLIENTS_MAX = 128
LINE_BYTES = 4_096
ANSWER_BYTES = 1 << 16  # waiting for a client that does not read
TURN_LINES = 8  # of one client in one poll
AGAIN_S = 0.05  # after which a busy session is asked again
BUSY = (errno.EAGAIN, errno.ECONNREFUSED, errno.ECONNRESET)
PATH_BYTES = 107  # sun_path

WATCH = b'{"watch": true}'

Later = Callable[[], str | None]  # an answer that takes a while: None until it is there
Answer: TypeAlias = "tuple[str | Later, Mapping[str, Json] | None]"
Handler = Callable[[str], Answer]
Status: TypeAlias = "Callable[[], Mapping[str, Json]]"  # is asked only where a view is due


@dataclass(slots=True)
class Watcher:
    """One who watches. seen: the number of the last note it was given; at_s: when (monotonic)."""

    seen: int = 0
    at_s: float = float("-inf")
    lost: int = 0
    maybe: int = 0


class Views(Protocol):
    """What gives clients their views: agent/control/live_view.py's LiveView. watched: whether anybody watches."""

    watched: bool

    def for_(self, watcher: Watcher, status: Status) -> View | None: ...


class _Client:
    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._asked, self._answers = b"", b""
        self._ended = False  # the client sends nothing more, but may still read
        self._later: Later | None = None  # the answer that is waited for: lines after it wait, too
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
            if self._later is not None:
                if (says := self._later()) is None:
                    return
                self._later = None
                self._put({"ok": True, "says": says})
            line, newline, rest = self._asked.partition(b"\n")
            if len(line) > LINE_BYTES:
                raise OSError(errno.EMSGSIZE, "the client's line is too long")
            if not newline:
                return
            self._asked = rest
            if line.strip() == WATCH:
                self.watcher = self.watcher or Watcher()
                continue
            answered = answer(line, handler)
            if callable(answered):
                self._later = answered
            else:
                self._put(answered)

    def _put(self, answered: Reply) -> None:
        self._answers += json.dumps(answered, ensure_ascii=False).encode() + b"\n"
        if len(self._answers) > ANSWER_BYTES:
            raise OSError(errno.ENOBUFS, "the client does not read its answers")

    def show(self, view: Views, status: Status) -> None:
        """Queue the next view for a client that watches and has read all before."""
        if self.watcher and not self._answers and (new := view.for_(self.watcher, status)):
            self._answers = json.dumps({"view": new}, ensure_ascii=False).encode() + b"\n"

    def _write(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            while self._answers:
                self._answers = self._answers[self._connection.send(self._answers) :]
        return bool(self._answers or self._later) or not self._ended

    def close(self) -> None:
        self._connection.close()


def answer(line: bytes, handler: Handler) -> Reply | Later:
    """Return the answer to one line of a client, whatever the line holds; what gives it where it takes a while."""
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
    if not isinstance(says, str):
        return says
    return {"ok": True, "says": says} if status is None else {"ok": True, "says": says, "status": status}


class ControlServer:
    """The listening control socket. Raises UserError where another session holds it or it cannot be made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clients: list[_Client] = []
        self._lock: int | None = None
        self._socket = self._open(path)
        self._made = _identity(path)

    def _open(self, path: Path) -> socket.socket:
        if len(os.fsencode(path)) > PATH_BYTES:
            raise UserError(
                f"control socket {path}: longer than {PATH_BYTES} bytes; set $ANTIPHON_SOCKET to a shorter path"
            )
        try:
            own_folder(path.parent)
            self._lock = take(path)
            if self._lock is None:
                raise _running(path)
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
            self._give_back()
            raise UserError(f"control socket {path}: {cause.strerror or cause}; set $ANTIPHON_SOCKET") from None
        except UserError:
            self._give_back()
            raise
        return listening

    def show(self, view: Views, status: Status) -> None:
        """Give the clients that watch what is new. Call this often, before poll(); it never waits."""
        watching = [client for client in self._clients if client.watcher]
        view.watched = bool(watching)
        for client in watching:
            client.show(view, status)

    def _give_back(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

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

    @property
    def connected(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

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
        self._give_back()


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns  # an inode number alone may be reused


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
    raise _running(path)


def _running(path: Path) -> UserError:
    return UserError(
        f"a session is running already ({path}); `antiphon ctl status` shows it, `antiphon ctl stop` ends it"
    )


def ask(path: Path, text: str, timeout_s: float = 5.0) -> Reply:
    """Send one command to a running session and return its answer. Raises UserError where none answers.

    A session that is busy, or just starting, is asked again until timeout_s is over; a command is sent only once.
    """
    until_s = time.monotonic() + timeout_s
    with _connected(path, until_s) as connection:
        try:
            connection.settimeout(max(until_s - time.monotonic(), 0.1))
            connection.sendall(json.dumps({"say": text}).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                got = connection.recv(LINE_BYTES)
                if not got:
                    raise ConnectionResetError(errno.ECONNRESET, "it hung up")
                reply += got
            answered: Reply = json.loads(reply)
        except TimeoutError:
            raise UserError(f"the session at {path} did not answer within {timeout_s:g} s; try again") from None
        except OSError as cause:
            raise UserError(f"the session at {path} could not be reached: {cause.strerror or cause}") from None
        except ValueError:
            raise UserError(f"{path}: what answers there is no session of Antiphon") from None
    return answered


def _connected(path: Path, until_s: float) -> socket.socket:
    """Return a connection to the session. Raises UserError where there is none by then."""
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(max(until_s - time.monotonic(), 0.1))
        try:
            connection.connect(str(path))
            return connection
        except OSError as cause:
            connection.close()
            is_gone = isinstance(cause, FileNotFoundError) or not _is_owned(path)
            if not is_gone and cause.errno in BUSY and time.monotonic() < until_s:
                time.sleep(AGAIN_S)
                continue
            if is_gone and isinstance(cause, (FileNotFoundError, ConnectionRefusedError)):
                raise UserError(
                    f"no session is running ({path}); start one with `antiphon daemon` or `antiphon jam`"
                ) from None
            raise UserError(f"the session at {path} could not be reached: {cause.strerror or cause}") from None


def _is_owned(path: Path) -> bool:
    """Return whether a living session owns the socket."""
    try:
        lock = take(path)
    except OSError:
        return True  # it cannot be said
    if lock is None:
        return True
    os.close(lock)
    return False


def others(path: Path) -> list[str]:
    """Return the names of the other sessions that run beside the one at `path`."""
    prefix = f"{path.stem}-"
    found = sorted(one for one in path.parent.glob(f"{prefix}*{path.suffix}") if one.is_socket() and _is_owned(one))
    return [one.stem.removeprefix(prefix) for one in found]
