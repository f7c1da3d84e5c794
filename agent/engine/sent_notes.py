"""Remembers sent notes, so that a restarted mind, which processes the last seconds again, repeats none."""

from __future__ import annotations

from collections import deque

from agent.core.types import PlannedNote

KEEP_TICKS_S = 10.0  # how long a sent note is remembered
OUT_OF_ORDER_S = 2.0  # notes are sent in the order of their onsets, give or take this
NOTES_MAX = 1024  # how many are remembered
SAME_TICK_S = (
    0.25  # two notes of one tick may lie so far apart when the grid has moved; further apart: the tick count restarted
)
SAME_MOMENT_S = 0.04  # notes of two counts of ticks that lie closer than this are the same one


class SentNotes:
    """The notes queued or sent lately: those of the last KEEP_TICKS_S seconds, at most NOTES_MAX."""

    def __init__(self) -> None:
        self._notes: deque[tuple[PlannedNote, bool]] = deque(maxlen=NOTES_MAX)

    def add(self, note: PlannedNote, spare: bool = False) -> None:
        """Remember a note. spare: it takes its part's place in the tick, whatever pitch a later plan names for it."""
        self._notes.append((note, spare))

    def has(self, note: PlannedNote, spare: bool = False) -> bool:
        """Return whether this note was sent, or, unless it is a spare itself, whether a spare took its place."""
        for sent, filled in reversed(self._notes):
            if sent.on_s < note.on_s - OUT_OF_ORDER_S:
                return False
            if _same(note, sent, filled and not spare):
                return True
        return False

    def forget(self, before_s: float) -> None:
        """Forget the notes that sounded more than KEEP_TICKS_S before this time."""
        while self._notes and self._notes[0][0].on_s < before_s - KEEP_TICKS_S:
            self._notes.popleft()


def _same(new: PlannedNote, sent: PlannedNote, any_pitch: bool) -> bool:
    apart_s = abs(new.on_s - sent.on_s)
    if apart_s > SAME_TICK_S or new.part != sent.part or (new.pitch != sent.pitch and not any_pitch):
        return False
    return new.tick == sent.tick or apart_s < SAME_MOMENT_S
