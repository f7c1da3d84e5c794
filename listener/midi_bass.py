"""Hear a bass that comes as MIDI: note messages in, the events of listener/ears/ears.py out, without any sound.

One line is heard, as from a bass: of notes that begin within CHORD_S the lowest; a note more than an octave above the
lowest one that is held belongs to another hand; notes above HIGHEST (middle C) do, too. A note is said CHORD_S after it
began, its onset at once.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from listener.ears.ears import SILENCE_DB, EarEvents
from listener.types import Frame, KeyPress, Note, Onset, PitchPoint

HIGHEST = 60  # MIDI pitch
CHORD_S = 0.025
OCTAVE = 12
VELOCITY_DB = 40.0  # General MIDI level: 40 log10(velocity / 127) dB (RP-015)
SURE = 1.0


class MidiBass:
    """Hears one stream of key presses. Deterministic; a copy made with copy.deepcopy continues identically."""

    def __init__(self) -> None:
        self._waiting: deque[KeyPress] = deque()
        self._held: dict[tuple[int, int], int] = {}  # (channel, pitch) -> velocity
        self._pending: KeyPress | None = None  # began, not said yet
        self._note: Note | None = None
        self._key = (0, 0)  # of the note
        self._velocity = 0  # of the newest note, while it is held

    def play(self, presses: Iterable[KeyPress]) -> None:
        """Take key presses in their order in time; those of the past are heard in the next frame."""
        self._waiting.extend(presses)

    @property
    def level_db(self) -> float:
        """Return the level that a meter shows: that of the velocity that is held."""
        return VELOCITY_DB * math.log10(self._velocity / 127) if self._velocity else SILENCE_DB

    def step(self, frame: Frame) -> EarEvents:
        """Hear what was played up to the end of this frame."""
        heard = EarEvents()
        while self._waiting and self._waiting[0].time_s < frame.end_s:
            press = self._waiting.popleft()
            heard = heard.and_then(self._name(press.time_s, frame.emit_s))
            heard = heard.and_then(self._down(press, frame.emit_s) if press.velocity else self._up(press, frame.emit_s))
        heard = heard.and_then(self._name(frame.end_s, frame.emit_s))
        f0_hz = 440 * 2 ** ((self._note.pitch - 69) / 12) if self._note and self._velocity else None
        point = PitchPoint(frame.end_s, frame.emit_s, f0_hz, SURE if f0_hz else 0.0)
        return replace(heard, pitch=(point,))

    def _down(self, press: KeyPress, emit_s: float) -> EarEvents:
        lowest = min((pitch for _, pitch in self._held), default=press.pitch)
        self._held[press.channel, press.pitch] = press.velocity
        if press.pitch > HIGHEST or press.pitch > lowest + OCTAVE:
            return EarEvents()
        if self._pending:  # a chord: its lowest note is the bass, from when the chord began
            if press.pitch < self._pending.pitch:
                self._pending = replace(press, time_s=self._pending.time_s)
            return EarEvents()
        self._pending, self._velocity = press, press.velocity
        return EarEvents(onset_strength=SURE, onsets=(Onset(press.time_s, emit_s, SURE),))

    def _name(self, until_s: float, emit_s: float) -> EarEvents:
        """Say the pending note once no lower one can belong to it, and end the one before."""
        pending = self._pending
        if pending is None or until_s < pending.time_s + CHORD_S:
            return EarEvents()
        ended = self._end(pending.time_s, emit_s)
        self._pending, self._key = None, (pending.channel, pending.pitch)
        self._note = Note(pending.time_s, emit_s, None, pending.pitch, pending.velocity)
        return EarEvents(notes=(self._note,), ended=ended)

    def _up(self, press: KeyPress, emit_s: float) -> EarEvents:
        key = (press.channel, press.pitch)
        if self._held.pop(key, None) is None:
            return EarEvents()
        said = EarEvents()
        if self._pending and (self._pending.channel, self._pending.pitch) == key:  # shorter than CHORD_S
            said = self._name(self._pending.time_s + CHORD_S, emit_s)
        if self._note and self._key == key and not self._pending:
            self._velocity = 0
            said = said.and_then(EarEvents(ended=self._end(press.time_s, emit_s)))
        return said

    def _end(self, at_s: float, emit_s: float) -> tuple[Note, ...]:
        note, self._note = self._note, None
        if note is None:
            return ()
        return (replace(note, emit_s=emit_s, duration_s=max(at_s - note.onset_s, 0.01)),)
