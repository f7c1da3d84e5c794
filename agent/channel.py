"""Messages between the processes: bounded, whole or not at all, never waiting.

A pair of Unix SEQPACKET sockets: a message arrives whole or not, even when its sender is killed half-way, and a
full channel refuses the newest message instead of stalling its sender.
"""

from __future__ import annotations

import pickle
import socket
from typing import Any

BUFFER_BYTES = 1 << 20
MAX_MESSAGE_BYTES = 1 << 18


class Channel:
    """One end. dropped: messages refused so far because the other side did not read them in time."""

    def __init__(self, end: socket.socket) -> None:
        self._socket, self.dropped = end, 0

    def send(self, message: Any) -> bool:
        """Send one message; False if there was no room for it (it is dropped and counted) or nobody is there."""
        try:
            self._socket.send(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
        except BlockingIOError:
            self.dropped += 1
            return False
        except OSError:
            return False
        return True

    def receive(self) -> list[Any]:
        """Everything that has come, oldest first; empty if nothing has."""
        messages: list[Any] = []
        while True:
            try:
                data = self._socket.recv(MAX_MESSAGE_BYTES)
            except OSError:
                return messages
            if not data:
                return messages
            messages.append(pickle.loads(data))

    def close(self) -> None:
        self._socket.close()


def channel() -> tuple[Channel, Channel]:
    """(sending end, receiving end); either may be handed to a spawned process."""
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (a, b):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        end.setblocking(False)
    return Channel(a), Channel(b)
