"""Turns plans into events for one output, each early by that output's latency. No note is left sounding."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.types import SUSTAINED, Event, Plan, PlannedNote
from agent.engine.fallback_pattern import FallbackPattern, Spare
from agent.engine.sent_notes import KEEP_TICKS_S as KEEP_TICKS_S
from agent.engine.sent_notes import SAME_TICK_S, SentNotes
from agent.engine.timing_counts import FRESH_TICKS, LATE_S
from agent.engine.timing_counts import Counts as Counts  # others have it from here

TOO_LATE_S = 0.040  # a note later than this is worse than none


@dataclass(order=True, slots=True)
class _Due:
    """A queued event, sorted by content only, so the output does not depend on the order in which plans arrive."""

    send_s: float
    is_on: bool  # what ends goes before what begins
    part: str
    pitch: int
    note: PlannedNote = field(compare=False)
    spare: Spare | None = field(default=None, compare=False)


class Scheduler:
    """One output's queue of events. advance_s(note): how much earlier than it is heard a note must be sent."""

    def __init__(self, advance_s: Callable[[PlannedNote], float] = lambda note: 0.0) -> None:
        self.counts = Counts()
        self._advance_s = advance_s
        self._queue: list[_Due] = []
        self._reserve = FallbackPattern()
        self._spares: list[_Due] = []  # a heap: what the reserve gave out
        self._sent_notes = SentNotes()
        self._sounding: dict[tuple[str, int], PlannedNote] = {}
        self._muted: set[str] = set()

    def accept(self, plan: Plan, now_s: float) -> None:
        """Take a plan at stream time now_s: queue what is final, keep the rest in case no other plan comes."""
        spares = self._reserve.accept(plan, now_s)
        self._sent_notes.forget(now_s)
        for note in plan.committed:
            if self._sent_notes.has(note):  # it was sent before, or a spare took its place
                self.counts.repeated += 1
            elif now_s - (note.on_s - self._advance_s(note)) > TOO_LATE_S:
                self.counts.dropped += 1
            else:
                self._take(self._due(note, True))
        if spares is not None:
            self._set_spares(spares)

    def _set_spares(self, spares: list[Spare]) -> None:
        self._spares = [self._due(spare.note, True, spare) for spare in spares]
        heapq.heapify(self._spares)

    def _due(self, note: PlannedNote, is_on: bool, spare: Spare | None = None) -> _Due:
        at_s = (note.on_s if is_on else note.off_s) - self._advance_s(note)
        return _Due(at_s, is_on, note.part, note.pitch, note, spare)

    def _take(self, due: _Due) -> None:
        heapq.heappush(self._queue, due)
        self._sent_notes.add(due.note, due.spare is not None)
        self._reserve.played(due.note)

    def next_send_s(self) -> float:
        """When the next event must leave (stream seconds); infinity if none is waiting."""
        first_s = self._queue[0].send_s if self._queue else math.inf
        return min(first_s, self._spares[0].send_s) if self._spares else first_s

    def due(self, until_s: float, now_s: float | None = None) -> list[Event]:
        """Every event that must leave before until_s, in order. now_s (default: until_s): what is later than
        its own send time by more than a millisecond at now_s counts as late."""
        self._take_spares(until_s)
        events: list[Event] = []
        while self._queue and self._queue[0].send_s < until_s:
            due = heapq.heappop(self._queue)
            if due.is_on:
                events += self._begin(due, now_s)
            elif self._sounding.get((due.part, due.pitch)) is due.note:
                events.append(self._end(due.note, due.note.off_s, due.send_s))
        return events

    def _take_spares(self, until_s: float) -> None:
        while self._spares and self._spares[0].send_s < until_s:
            due = heapq.heappop(self._spares)
            if until_s - due.send_s <= TOO_LATE_S and not self._sent_notes.has(due.note, spare=True):
                self._improvise(due)
            while not self._spares and not self._reserve.exhausted:
                self._set_spares(self._reserve.next_bar())

    def _improvise(self, due: _Due) -> None:
        patterned = due.spare is not None and due.spare.patterned
        self.counts.patterned += patterned
        self.counts.improvised += not patterned
        self._take(due)

    def _begin(self, due: _Due, now_s: float | None) -> list[Event]:
        note = due.note
        if note.part in self._muted:
            self.counts.muted += 1
            return []
        if now_s is not None and now_s - due.send_s > TOO_LATE_S:  # the machine slept: silence, not a burst
            self.counts.dropped += 1
            return []
        events = [self._end(n, note.on_s, due.send_s) for n in self._cut_by(note)]
        self._sounding[note.part, note.pitch] = note
        heapq.heappush(self._queue, self._due(note, False))
        self.counts.sent += 1
        self.counts.late += now_s is not None and now_s - due.send_s > LATE_S
        self.counts.stale_ticks += min(due.spare.stale_ticks, FRESH_TICKS) if due.spare else 0.0
        message = (NOTE_ON, note.pitch, note.velocity)
        return [*events, Event(note.on_s, due.send_s, note.part, message, note)]

    def _cut_by(self, new: PlannedNote) -> list[PlannedNote]:
        return [
            old
            for (part, pitch), old in self._sounding.items()
            if part == new.part and (pitch == new.pitch or (part in SUSTAINED and not _one_stroke(old, new)))
        ]

    def _end(self, note: PlannedNote, due_s: float, send_s: float) -> Event:
        del self._sounding[note.part, note.pitch]
        return Event(due_s, send_s, note.part, (NOTE_OFF, note.pitch, 0))

    def release(self, now_s: float, part: str | None = None) -> list[Event]:
        """The note-offs of all that sounds, or of one part; what is planned stays."""
        ending = [note for note in self._sounding.values() if part in (None, note.part)]
        return [self._end(note, now_s, now_s) for note in ending]

    def set_part(self, part: str, enabled: bool, now_s: float) -> list[Event]:
        """Switch a part off, with the note-offs of what sounds, or on again from its next note."""
        if enabled:
            self._muted.discard(part)
            return []
        self._muted.add(part)
        return self.release(now_s, part)

    def stop(self, now_s: float) -> list[Event]:
        """Forget everything planned; the note-offs of all that sounds."""
        self._queue.clear()
        self._forget_spares()
        return self.release(now_s)

    def forget_after(self, end_s: float) -> None:
        """The music ends at end_s: nothing that begins later will be played; what sounds still ends."""
        self._queue = [d for d in self._queue if not d.is_on or d.note.on_s < end_s]
        heapq.heapify(self._queue)
        self._forget_spares()

    def _forget_spares(self) -> None:
        self._spares.clear()
        self._reserve.forget()

    def ends_s(self) -> float:
        """When the last note now queued or sounding ends (stream seconds, latency taken out); -infinity if none."""
        return max((d.note.off_s - self._advance_s(d.note) for d in self._queue), default=float("-inf"))

    @property
    def idle(self) -> bool:
        return not self._queue and not self._sounding


def _one_stroke(a: PlannedNote, b: PlannedNote) -> bool:
    return a.tick == b.tick and abs(a.on_s - b.on_s) < SAME_TICK_S
