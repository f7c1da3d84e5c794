"""Opens the sound card, closes a lost one and looks for it until it is back, all in the one thread that uses PortAudio.

PortAudio is not thread safe and notices new devices only when it is restarted; a driver may take long over both. The
main loop requests a card (`seek`) and collects it (`take`), and never waits.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable

from agent.audio import device_list
from agent.audio.sound_card import ONE_CLOCK_APIS, SoundCard
from agent.core.errors import UserError
from agent.midi.jack_client import release_memory

LOOK_EVERY_S = 1.0
PATIENCE_S = 2.0  # a card that is silent for less may come back by itself, its connections with it
STUCK_S = 10.0  # a driver that has not let go by then will not
CLOSE_S = 2.0
FIRST_BLOCK_S = 2.0
WAITS_FOR_THE_DEAD = ONE_CLOCK_APIS  # JACK: closing a stream of a dead server takes ten minutes
TICK_S = 0.02
IDLE_S = 20.0
ANSWERS_S = 0.2


class Keeper:
    """Looks after the card in a thread of its own.

    find: opens the card, detached and not started, or raises UserError. cause: why there is no card now.
    """

    def __init__(self, find: Callable[[], SoundCard]) -> None:
        self.cause = ""
        self._find = find
        self._found: SoundCard | None = None
        self._abandoned: list[SoundCard] = []
        self._lost: queue.SimpleQueue[SoundCard | None] = queue.SimpleQueue()
        self._done = threading.Event()  # the first look is over
        self._stop = threading.Event()
        self._busy_s = 0.0
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def seek(self, lost: SoundCard | None = None) -> None:
        """Close what was lost and find another, or the same."""
        self._found = None
        self._done.clear()
        self._lost.put(lost)

    def take(self) -> SoundCard | None:
        """A card that runs and is not attached yet; None while there is none."""
        found = self._found
        if found:
            self._found = None
        return found

    def first_look(self, timeout_s: float) -> SoundCard:
        """Wait until the card is open; return it (`take` takes it). Raises UserError with the cause why it is not."""
        if not self._done.wait(timeout_s):
            raise UserError(f"the sound card did not open within {timeout_s:.0f} s; close other programs that use it")
        found = self._found
        if found is None:
            raise UserError(self.cause)
        return found

    @property
    def stuck(self) -> bool:
        """Whether the driver has not answered for so long that only a new process will get its card back."""
        return self._busy_s > 0 and time.monotonic() - self._busy_s > STUCK_S

    def close(self, card: SoundCard | None) -> None:
        """Stop looking, close the card; waits no longer than CLOSE_S for the driver."""
        self._stop.set()
        self._lost.put(card)
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                lost = self._lost.get(timeout=IDLE_S)
            except queue.Empty:
                continue
            if lost and self._stop.is_set():
                self._let_go(lost)
            elif not self._stop.is_set():
                self._replace(lost)
        if self._found:
            self._let_go(self._found)

    def _replace(self, lost: SoundCard | None) -> None:
        if lost and self._came_back(lost):
            self._found = lost
            return
        if lost:
            self._let_go(lost)
        while not self._stop.is_set() and not self._look():
            self._stop.wait(LOOK_EVERY_S)

    def _came_back(self, card: SoundCard) -> bool:
        """Wait for a stalled JACK server as long as it lives: there is no other, and its connections stay."""
        patience_s = float("inf") if card.api in WAITS_FOR_THE_DEAD else PATIENCE_S
        seen_s, deadline_s = card.seen_s, time.monotonic() + patience_s
        while time.monotonic() < deadline_s and not self._stop.is_set() and card.alive:
            if card.seen_s != seen_s:
                return True
            time.sleep(TICK_S)
        return False

    def _let_go(self, card: SoundCard) -> None:
        """Close the card and PortAudio with it."""
        self._busy_s = time.monotonic()
        with contextlib.suppress(Exception):  # what it belongs to may be gone
            if card.api in WAITS_FOR_THE_DEAD and not self._answers(card) and device_list.renew():
                self._abandoned.append(card)  # its library may still call back
            else:
                card.close()
                device_list.release()
        self._busy_s = 0.0

    @staticmethod
    def _answers(card: SoundCard) -> bool:
        return card.alive and time.monotonic() - card.seen_s < ANSWERS_S

    def _look(self) -> bool:
        self._busy_s = time.monotonic()
        try:
            card = self._find()
            card.start()
            release_memory()
            self._found, self.cause = (card, "") if self._runs(card) else (None, self._dead(card))
        except Exception as cause:  # PortAudio's own errors come in many kinds
            self.cause = str(cause)
            device_list.release()  # at once: it aborts the process when its JACK server has died meanwhile
        self._busy_s = 0.0
        self._done.set()
        return self._found is not None

    def _runs(self, card: SoundCard) -> bool:
        """Whether its first block has come."""
        deadline_s = time.monotonic() + FIRST_BLOCK_S
        while not card.seen_s and time.monotonic() < deadline_s:
            time.sleep(0.001)
        return bool(card.seen_s > 0)

    def _dead(self, card: SoundCard) -> str:
        self._let_go(card)
        return f"{card.name} opens but brings no sound within {FIRST_BLOCK_S:g} s; check its connection and driver"
