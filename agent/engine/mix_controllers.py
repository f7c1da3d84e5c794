"""Turns what is asked of the mix into MIDI controllers, for a hardware synth that plays the band.

A piece of the kit has no channel of its own: its level is in how hard it is struck.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from agent.core.messages import SetMix
from agent.core.midi_constants import NOTE_ON, VELOCITY_DB, struck_at
from agent.core.types import MixWish, added
from agent.mixing.lanes import lane_of

LEVEL, PAN, BRIGHTNESS, REVERB = 7, 10, 74, 91  # General MIDI 2: volume, pan, filter cutoff, reverb send
CC_REST = {LEVEL: 100, PAN: 64, BRIGHTNESS: 64, REVERB: 40}  # where they stand after a reset
STEP_S, SHARE = 0.02, 0.5  # of the way that is left, each so often: a DIN cable takes 1,000 messages a second
MIXES_MAX = 64  # wishes that wait for their time


def controllers(wishes: Mapping[str, MixWish], parts: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Yield (part, controller, value 0-127); pieces of the kit have no channel of their own and are left out."""
    for part in parts:
        wish = wishes.get(part, MixWish())
        reverb = CC_REST[REVERB] * (1 + wish.reverb) if wish.reverb < 0 else CC_REST[REVERB] + 87 * wish.reverb
        level = CC_REST[LEVEL] * 10 ** (wish.level_db / VELOCITY_DB)
        bright = 64 + 32 * wish.bright_octaves
        values = {LEVEL: level, PAN: 64 + 63 * wish.pan, BRIGHTNESS: bright, REVERB: reverb}
        for number, value in values.items():
            yield part, number, min(max(round(value), 0), 127)


class MixControllers:
    """Says what is asked of the mix by controllers: each from its time on, in steps, once. One thread calls it."""

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = tuple(parts)
        self._waiting: deque[SetMix] = deque(maxlen=MIXES_MAX)
        self._asked: dict[str, MixWish] = {}  # by directions
        self._faders: dict[str, MixWish] = {}  # of the remote and controllers
        self._goals: dict[tuple[str, int], int] = {}
        self._said: dict[tuple[str, int], int] = {}
        self._stepped_s = -math.inf

    def ask(self, message: SetMix) -> None:
        """Mix as a direction says, from its time on."""
        self._waiting.append(message)

    def fade(self, faders: Mapping[str, MixWish]) -> None:
        """Have the faders stand so, from now on; they are added to what directions ask for."""
        self._faders = dict(faders)
        self._aim()

    def struck(self, part: str, message: tuple[int, ...]) -> tuple[int, ...]:
        """Return a message as it is sent: a piece of the kit is struck as loud as it is asked for."""
        kind, pitch, velocity = message
        lane = lane_of(part, pitch)
        wished = self._asked.get(lane), self._faders.get(lane)
        if kind != NOTE_ON or lane == part or not any(wished):
            return message
        return kind, pitch, struck_at(velocity, added(*wished).level_db)

    def forget(self) -> None:
        """Another instrument is at the port: it is told all that is not as after a reset."""
        self._said.clear()
        self._aim()

    def due(self, time_s: float) -> list[tuple[str, int, int]]:
        """Return (part, controller, value) of each step that is due for what is heard at this stream time."""
        if self._waiting and self._waiting[0].at_s <= time_s:
            while self._waiting and self._waiting[0].at_s <= time_s:
                self._asked = dict(self._waiting.popleft().wishes)
            self._aim()
        if not self._goals or time_s - self._stepped_s < STEP_S:
            return []
        self._stepped_s = time_s
        steps = []
        for (part, number), goal in list(self._goals.items()):
            at = self._said.get((part, number), CC_REST[number])
            value = at + round(math.copysign(math.ceil(SHARE * abs(goal - at)), goal - at))
            self._said[part, number] = value
            steps.append((part, number, value))
            if value == goal:
                del self._goals[part, number]
        return steps

    def _aim(self) -> None:
        wishes = {
            name: added(self._asked.get(name), self._faders.get(name)) for name in {**self._asked, **self._faders}
        }
        self._goals = {
            (part, number): value
            for part, number, value in controllers(wishes, self._parts)
            if self._said.get((part, number), CC_REST[number]) != value
        }
