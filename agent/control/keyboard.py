"""Turns single key presses in the terminal into commands while a session runs there."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from collections.abc import Callable

MODES_BY_KEY = {"1": "mode accompany", "2": "mode trade", "3": "mode loop", "4": "mode listen"}
KEYS = MODES_BY_KEY | {
    " ": "mode next",
    "d": "toggle drums",
    "c": "toggle chords",
    "l": "toggle line",
    "a": "toggle all",
    "y": "yes",
    "n": "no",
    "i": "idea",
    "u": "undo",
    "b": "tap",
    "+": "lead faster",
    "-": "lead slower",
    "o": "count",
    "m": "click",
    "k": "take",
    "v": "voice",
    ">": "song next",
    "e": "end",
    "p": "panic",
    "q": "stop",
}
TALK, ENTER, ERASE, ESCAPE = "t", "\r\n", "\x7f\b", "\x1b"
LONGEST = 400  # characters of a sentence
HINT = "your words, then Enter: "
HELP = (
    "t type, v speak, y n i u: yes, no, idea, undo; space next mode, 1-4 modes, d c l parts, b tap, + - tempo, "
    "o count in, m click, e end, k keep the riff, > next song, p panic, q stop"
)


class Keys:
    """Reads single keys from the terminal until close(); does nothing where standard input is no terminal."""

    def __init__(self, source: int | None = None) -> None:
        self._source = self._usable(source)
        self._sentence: str | None = None  # being typed
        self._before: list[int | list[bytes | int]] = []
        if self._source is not None:
            self._take()

    @property
    def active(self) -> bool:
        return self._source is not None

    @staticmethod
    def _usable(source: int | None) -> int | None:
        try:
            source = sys.stdin.fileno() if source is None else source
            mine = os.isatty(source) and os.tcgetpgrp(source) == os.getpgrp()  # a background job must not read
        except (OSError, ValueError, AttributeError):
            return None
        return source if mine else None

    def _take(self) -> None:
        import termios
        import tty

        assert self._source is not None
        try:
            self._before = termios.tcgetattr(self._source)
            tty.setcbreak(self._source, termios.TCSANOW)
        except termios.error:
            self._source = None
            return
        atexit.register(self.close)

    def pressed(self) -> list[str]:
        """Return the keys pressed since the last call; never waits."""
        import select

        if self._source is None:
            return []
        try:
            if not select.select([self._source], [], [], 0)[0]:
                return []
            typed = os.read(self._source, 64)
        except (OSError, ValueError):
            typed = b""
        if not typed:  # the terminal is gone
            self._source = None
        return list(typed.decode(errors="ignore"))

    def poll(self, carry_out: Callable[[str], object], show: Callable[[str], object] = lambda line: None) -> None:
        """Pass each known key's command to carry_out, and a sentence being typed to show."""
        for key in self.pressed():
            if self._sentence is not None:
                self._type(key, carry_out, show)
            elif key.lower() == TALK:
                self._sentence = ""
                show(HINT)
            elif command := KEYS.get(key.lower()):
                carry_out(command)

    def _type(self, key: str, carry_out: Callable[[str], object], show: Callable[[str], object]) -> None:
        sentence = self._sentence or ""
        if key in ENTER or key == ESCAPE:
            self._sentence = None
            if sentence.strip() and key in ENTER:
                carry_out(f"say {sentence}")
            else:
                show("")
            return
        self._sentence = (sentence[:-1] if key in ERASE else sentence + key)[:LONGEST]
        show(HINT + self._sentence)

    def close(self) -> None:
        """Restore the terminal's settings. May be called twice; never raises."""
        source, self._source = self._source, None
        if source is None:
            return
        import termios

        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(source, termios.TCSANOW, self._before)
        atexit.unregister(self.close)
