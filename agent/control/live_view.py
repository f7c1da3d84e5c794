"""Gathers what a remote screen shows: levels, and the notes that were heard, are fixed and may still change.

Nothing is gathered while nobody watches. Every client of the control socket that watches
(agent/control/socket_server.py) takes views at its own pace: what it was too slow for is dropped, the oldest first, and
counted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.control.socket_server import Status, Watcher
from agent.control.view import NoteRow, View
from agent.core.level_meter import SILENCE_DB
from agent.core.types import Decision, PlannedNote
from listener.decibels import amplitude_db

NOTES_MAX = 512  # kept for those who watch; more than two views ever have
MAYBE_MAX = 256
EVERY_S = 1 / 28  # a turn of the session takes some 20 ms: 20 to 25 views a second
FALL_DB = 3.0  # a level falls by this from one block of the recorder to the next

HEARD = "bass"
ENDS_S = 0.25  # a note that still sounds is drawn so long


@dataclass(slots=True)
class LiveView:
    """Holds the newest notes and levels. One thread."""

    watched: bool = False
    channels: tuple[float, ...] = ()  # the peak of each channel of the input, 0-1, lately
    _notes: deque[tuple[int, NoteRow]] = field(default_factory=lambda: deque(maxlen=NOTES_MAX))
    _number: int = 0
    _maybe: list[NoteRow] = field(default_factory=list)
    _maybe_number: int = 0
    _parts_db: dict[str, float] = field(default_factory=dict)
    _time_s: float = 0.0
    _bar: list[float] | None = None  # when a bar began, the period, beats a bar
    _taken_s: float = 0.0

    def decision(self, decision: Decision) -> None:
        """Take what was heard and decided in one frame."""
        if not self.watched:
            return
        heard = decision.analysis
        self._time_s, self._taken_s = heard.time_s, time.monotonic()
        for note in (*heard.notes, *heard.revised, *heard.ended):
            off_s = note.onset_s + (note.duration_s or ENDS_S)
            self._add((HEARD, _ms(note.onset_s), _ms(off_s), note.pitch, note.velocity))
        if decision.plan:
            for planned in decision.plan.committed:
                self._add(_planned(planned))
            self._maybe = [_planned(one) for one in decision.plan.tentative[:MAYBE_MAX]]
            self._maybe_number += 1
        grid = heard.grid
        self._bar = (
            [_ms(grid.time_of(grid.index + 1 - grid.position)), round(grid.period_s, 5), grid.meter.numerator]
            if grid
            else None
        )

    def parts(self, peaks: Mapping[str, float]) -> None:
        """Take the peak of each part of the band since the last call, 0-1."""
        for part, peak in peaks.items():
            self._parts_db[part] = max(amplitude_db(peak), self._parts_db.get(part, SILENCE_DB) - FALL_DB)

    def for_(self, watcher: Watcher, status: Status) -> View | None:
        """Return what is new to this watcher, as plain data; None where the next view is not due yet."""
        now_s = time.monotonic()
        if now_s - watcher.at_s < EVERY_S:
            return None
        new = [note for number, note in self._notes if number > watcher.seen]
        watcher.lost += self._number - watcher.seen - len(new) if watcher.seen else 0
        watcher.seen, watcher.at_s = self._number, now_s
        view: View = {
            "t": round(self._time_s + (now_s - self._taken_s if self._taken_s else 0.0), 3),
            "levels": {part: round(level, 1) for part, level in self._parts_db.items()},
            "channels": [round(amplitude_db(peak)) for peak in self.channels],
            "notes": new,
            "lost": watcher.lost,
            "status": dict(status()),
        }
        if watcher.maybe != self._maybe_number:
            watcher.maybe, view["maybe"] = self._maybe_number, self._maybe
        if self._bar:
            view["bar"] = self._bar
        return view

    def _add(self, note: NoteRow) -> None:
        self._number += 1
        self._notes.append((self._number, note))


def _planned(note: PlannedNote) -> NoteRow:
    return note.part, _ms(note.on_s), _ms(note.off_s), note.pitch, note.velocity


def _ms(at_s: float) -> float:
    return round(at_s, 3)
