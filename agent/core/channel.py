"""Carries messages between the processes: each arrives whole or not at all, and neither side ever waits.

A pair of Unix SEQPACKET sockets: a message arrives whole or not, even when its sender is killed half-way, and a
full channel refuses the newest message instead of stalling its sender.
"""

from __future__ import annotations

import contextlib
import pickle
import socket
from typing import Generic, TypeVar

M = TypeVar("M")  # the messages that a channel carries
BUFFER_BYTES = 1 << 20
MAX_MESSAGE_BYTES = 1 << 18
TURN_MESSAGES = 1_000  # at most so many are read in one call, so that a flood of messages cannot block the reader


class Channel(Generic[M]):
    """One end of a message channel.

    dropped: messages refused so far, because the other side did not read them in time or because they were too large.
    gone: the other side was closed or its process has ended, and all its messages have been read.
    """

    def __init__(self, end: socket.socket) -> None:
        self._socket, self.dropped, self.gone = end, 0, False

    def send(self, message: M) -> bool:
        """Send one message; False if there was no room for it (it is dropped and counted) or the other side is gone."""
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        try:
            if len(data) > MAX_MESSAGE_BYTES:  # the other side would read a part of it
                raise BlockingIOError
            self._socket.send(data)
        except BlockingIOError:
            self.dropped += 1
            return False
        except OSError:
            return False
        return True

    def receive(self) -> list[M]:
        """Return the messages that have come, oldest first, at most TURN_MESSAGES. Unreadable ones are skipped."""
        messages: list[M] = []
        while len(messages) < TURN_MESSAGES:
            try:
                data = self._socket.recv(MAX_MESSAGE_BYTES)
            except OSError:
                return messages
            if not data:
                self.gone = True
                return messages
            with contextlib.suppress(pickle.UnpicklingError, EOFError):
                messages.append(pickle.loads(data))
        return messages

    def fileno(self) -> int:
        """For select(); -1 when closed."""
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


def channel() -> tuple[Channel[M], Channel[M]]:
    """(sending end, receiving end); either may be handed to a spawned process."""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (a, b):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        end.setblocking(False)
    return Channel(a), Channel(b)
