"""Which notes were said already, so that a restarted mind, which hears the last seconds again, doubles none."""

from __future__ import annotations

from collections import deque

from agent.core.types import PlannedNote

KEEP_TICKS_S = 10.0  # how long what was said is remembered
OUT_OF_ORDER_S = 2.0  # notes are said in the order of their onsets, but for so much
NOTES_MAX = 1024  # and how much of it
SAME_TICK_S = 0.25  # two notes of one tick may lie so far apart when the grid has moved; further: ticks counted anew
SAME_MOMENT_S = 0.04  # notes of two counts of ticks that lie closer than this are the same one


class SentNotes:
    """The notes queued or sent lately."""

    def __init__(self) -> None:
        self._notes: deque[tuple[PlannedNote, bool]] = deque(maxlen=NOTES_MAX)

    def add(self, note: PlannedNote, spare: bool = False) -> None:
        """spare: it fills its part's place in the tick, whatever pitch a plan may name for it later."""
        self._notes.append((note, spare))

    def has(self, note: PlannedNote, spare: bool = False) -> bool:
        """Whether this note was said, or, for one that is no spare itself, a spare one is in its place."""
        for said, filled in reversed(self._notes):
            if said.on_s < note.on_s - OUT_OF_ORDER_S:
                return False
            if _same(note, said, filled and not spare):
                return True
        return False

    def forget(self, before_s: float) -> None:
        """Let go of what was said to sound more than KEEP_TICKS_S before this."""
        while self._notes and self._notes[0][0].on_s < before_s - KEEP_TICKS_S:
            self._notes.popleft()


def _same(new: PlannedNote, said: PlannedNote, any_pitch: bool) -> bool:
    apart_s = abs(new.on_s - said.on_s)
    if apart_s > SAME_TICK_S or new.part != said.part or (new.pitch != said.pitch and not any_pitch):
        return False
    return new.tick == said.tick or apart_s < SAME_MOMENT_S
