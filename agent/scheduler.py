"""Plan -> events that are due on one output, each early by that output's latency. No note is left sounding."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.types import SUSTAINED, Event, Plan, PlannedNote

NOTE_ON, NOTE_OFF = 0x90, 0x80
TOO_LATE_S = 0.040  # a note later than this is worse than none
KEEP_TICKS_S = 10.0  # how long a tick played from the tentative plan is remembered


@dataclass(slots=True)
class Counts:
    """What became of the band's notes at one output."""

    sent: int = 0
    late: int = 0  # sent after their time
    dropped: int = 0  # came so late that silence was better
    improvised: int = 0  # taken from the tentative plan because no newer one came

    @property
    def in_time_share(self) -> float:
        """ISR: notes that left at their time, of all that were asked for."""
        asked = self.sent + self.dropped
        return 1.0 - (self.late + self.dropped) / asked if asked else 1.0


@dataclass(order=True, slots=True)
class _Due:
    """Ordered by what it is, never by when it was heard of: the same plans give the same order of events."""

    send_s: float
    is_on: bool  # what ends goes before what begins
    part: str
    pitch: int
    note: PlannedNote = field(compare=False)


class Scheduler:
    """One output's queue. advance_s(note): how much earlier than it is heard a note must leave."""

    def __init__(self, advance_s: Callable[[PlannedNote], float] = lambda note: 0.0) -> None:
        self.counts = Counts()
        self._advance_s = advance_s
        self._queue: list[_Due] = []
        self._tentative: list[PlannedNote] = []
        self._sounding: dict[tuple[str, int], PlannedNote] = {}
        self._improvised: dict[tuple[str, int], float] = {}  # (part, tick) -> when

    def accept(self, plan: Plan, now_s: float) -> None:
        """Take a plan at stream time now_s: queue what is final, keep the rest in case no other plan comes."""
        for note in plan.committed:
            if (note.part, note.tick) in self._improvised:
                continue  # its place was filled already
            if now_s - (note.on_s - self._advance_s(note)) > TOO_LATE_S:
                self.counts.dropped += 1
            else:
                self._push(note, True)
        self._tentative = sorted(plan.tentative, key=lambda n: n.on_s)

    def _push(self, note: PlannedNote, is_on: bool) -> None:
        at_s = (note.on_s if is_on else note.off_s) - self._advance_s(note)
        heapq.heappush(self._queue, _Due(at_s, is_on, note.part, note.pitch, note))

    def next_send_s(self) -> float:
        """When the next event must leave (stream seconds); infinity if none is waiting."""
        return self._queue[0].send_s if self._queue else float("inf")

    def due(self, until_s: float, now_s: float | None = None) -> list[Event]:
        """Every event that must leave before until_s, in order. now_s (default: until_s): what is later than
        its own send time by more than a millisecond at now_s counts as late."""
        self._take_tentative(until_s)
        events: list[Event] = []
        while self._queue and self._queue[0].send_s < until_s:
            due = heapq.heappop(self._queue)
            if due.is_on:
                events += self._begin(due, now_s)
            elif self._sounding.get((due.note.part, due.note.pitch)) is due.note:
                events.append(self._end(due.note, due.note.off_s, due.send_s))
        return events

    def _take_tentative(self, until_s: float) -> None:
        while self._tentative and self._tentative[0].on_s - self._advance_s(self._tentative[0]) < until_s:
            note = self._tentative.pop(0)
            self._improvised[note.part, note.tick] = note.on_s
            self.counts.improvised += 1
            self._push(note, True)
        for key, at_s in list(self._improvised.items()):
            if at_s < until_s - KEEP_TICKS_S:
                del self._improvised[key]

    def _begin(self, due: _Due, now_s: float | None) -> list[Event]:
        note = due.note
        events = [self._end(n, note.on_s, due.send_s) for n in self._cut_by(note)]
        self._sounding[note.part, note.pitch] = note
        self._push(note, False)
        self.counts.sent += 1
        self.counts.late += now_s is not None and now_s - due.send_s > 0.001
        message = (NOTE_ON, note.pitch, note.velocity)
        return [*events, Event(note.on_s, due.send_s, note.part, message, note)]

    def _cut_by(self, new: PlannedNote) -> list[PlannedNote]:
        return [
            old
            for (part, pitch), old in self._sounding.items()
            if part == new.part and (pitch == new.pitch or (part in SUSTAINED and old.tick != new.tick))
        ]

    def _end(self, note: PlannedNote, due_s: float, send_s: float) -> Event:
        del self._sounding[note.part, note.pitch]
        return Event(due_s, send_s, note.part, (NOTE_OFF, note.pitch, 0))

    def stop(self, now_s: float) -> list[Event]:
        """Forget everything planned; the note-offs of all that sounds."""
        self._queue.clear()
        self._tentative.clear()
        return [self._end(note, now_s, now_s) for note in list(self._sounding.values())]

    def forget_after(self, end_s: float) -> None:
        """The music ends at end_s: nothing that begins later will be played; what sounds still ends."""
        self._queue = [d for d in self._queue if not d.is_on or d.note.on_s < end_s]
        heapq.heapify(self._queue)
        self._tentative.clear()

    def ends_s(self) -> float:
        """When the last note now queued or sounding ends (stream seconds, latency taken out); -infinity if none."""
        return max((d.note.off_s - self._advance_s(d.note) for d in self._queue), default=float("-inf"))

    @property
    def idle(self) -> bool:
        return not self._queue and not self._sounding
