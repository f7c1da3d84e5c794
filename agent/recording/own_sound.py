"""Makes the player's own sound from what was recorded, when it is asked for and at the end of a session."""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Thread

from agent.core.messages import SetTechnique, SetVoice
from agent.core.os_process import set_nice_beside
from agent.core.paths import voice_path
from agent.sounds.own_voice import ENOUGH, make, technique_of
from listener.types import Timbre

log = logging.getLogger(__name__)
TEMPORARY = "voice.sf2"  # in the session's folder: a guest's, gone at the end
AGAIN_NOTES = 24  # so many more notes are heard before it is tried again
LAST, LEAST = 8, 0.4  # notes, and the share of what they are named that says how the player plays now
NICE = 15


class OwnSound:
    """One session's. send: gives a message to the audio process. Call it from one thread."""

    def __init__(
        self, folder: Path, player: str, send: Callable[[SetVoice | SetTechnique], object], keeps: bool = True
    ) -> None:
        """keeps: whether the sound is the player's, for the next session too; a file may be anybody's."""
        self._folder, self._send = folder, send
        voice = voice_path(player)
        self._kept = voice if keeps else None
        self._target = self._kept or folder / TEMPORARY
        self._there = voice is not None and voice.is_file()  # the audio process has it from its beginning
        self._made = False
        self._notes, self._tried_at, self._technique = 0, 0, ""
        self._named: deque[tuple[str, float]] = deque(maxlen=LAST)
        self._thread: Thread | None = None

    def heard(self, notes: int, asked: bool, waits: bool = False) -> None:
        """Take in how many more notes ended, and whether the player's own sound is asked for. waits: it is made before
        this returns (`--fast`), else meanwhile."""
        self._notes += notes
        busy = self._thread is not None and self._thread.is_alive()
        if not asked or self._there or busy or self._notes < max(ENOUGH, self._tried_at + AGAIN_NOTES):
            return
        self._tried_at = self._notes
        if waits:
            self._make()
            return
        self._thread = Thread(target=self._make_meanwhile, name="own sound", daemon=True)
        self._thread.start()

    def played(self, timbre: Iterable[Timbre]) -> None:
        """Take in how notes were played: the own sound is played in the player's technique."""
        for one in timbre:
            self._named.append((one.technique, one.confidence))
            if (technique := technique_of(self._named, LEAST)) not in ("", self._technique):
                self._technique = technique
                self._send(SetTechnique(technique))

    def again(self) -> list[SetVoice | SetTechnique]:
        """Return what an audio process that begins anew needs: it looks for what is kept by itself."""
        voice = [SetVoice(str(self._target))] if self._made and self._kept is None else []
        return [*voice, *([SetTechnique(self._technique)] if self._technique else [])]

    def _make_meanwhile(self) -> None:
        set_nice_beside(NICE)
        self._make()

    def _make(self) -> None:
        try:
            if make(self._folder, self._target):
                self._there = self._made = True
                self._send(SetVoice(str(self._target)))
        except (OSError, ValueError) as cause:
            log.warning("your own sound cannot be made: %s", cause)

    def close(self) -> None:
        """Keep the sound of this session's cleanest notes for the next one; a guest's, or a file's, is removed."""
        if self._thread:
            self._thread.join()
        if self._kept is None:
            with contextlib.suppress(OSError):
                (self._folder / TEMPORARY).unlink(missing_ok=True)
            return
        with contextlib.suppress(OSError, ValueError):
            make(self._folder, self._kept)
