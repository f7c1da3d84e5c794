"""Make notes of onsets and pitch probabilities.

A note is named as soon as one pitch is probable enough for the note's age, corrected at most once when a later hop is
sure of another pitch, and ended when its sound or its pitch is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from listener.ears.frontend import HOP_S
from listener.ears.pitch import to_midi
from listener.types import Note, Onset

NAMING = ((0.020, 0.93), (0.032, 0.85), (0.050, 0.75), (0.065, 0.6), (0.080, 0.45), (0.100, 0.3))  # age s -> belief
BLEND = 0.5  # per hop, of the newest belief
GIVE_UP_S = 0.115  # an onset without a pitch by then is a ghost note
GHOST_DB = 4.0  # it must have risen by, or it was nothing
CORRECT_BELIEF, CORRECT_HOPS, CORRECT_S = 0.85, 4, 0.25
MOVED_BELIEF, MOVED_HOPS = 0.8, 10  # a pitch that changes without an onset: a slide has arrived
MOVED_BEHIND_S = 0.03
SILENT_HOPS = 6
RELEASE_DB = 34.0
LEGATO_ATTACK = 0.5  # of the player's usual stroke: a new pitch with less was hammered on or pulled off
STROKES, USUAL = 24, 0.75  # the usual stroke is this quantile of so many
ATTACK_HOPS = 3
SLIDE_HOPS = 8  # a pitch that sounded this long before it gave way was slid from, not misheard
LEVEL_HOPS = 4

Beliefs = NDArray[np.float32]


@dataclass(slots=True)
class _Pending:
    """An onset whose note has not been named yet."""

    onset_s: float
    before_db: float
    peak_db: float
    attack: float


class NoteTracker:
    """Follows one note at a time; a new note ends the last one."""

    def __init__(self, lowest: int, velocity_of: Callable[[float], int]) -> None:
        """lowest: MIDI pitch of the network's first class. velocity_of: peak level in dB -> MIDI velocity."""
        self._lowest, self._velocity_of = lowest, velocity_of
        self._pending: _Pending | None = None
        self._note: Note | None = None
        self._peak_db = -120.0
        self._levels: list[float] = [-120.0] * LEVEL_HOPS
        self._other, self._other_hops = 0, 0  # a pitch that is not the note's, and for how long
        self._silent_hops = 0
        self._attacks: list[float] = [0.0] * ATTACK_HOPS
        self._strokes: list[float] = []
        self._young: Beliefs = np.zeros(1, np.float32)  # belief in the pitch of a note not yet named, smoothed
        self._held_hops = 0  # for which the note's own pitch was the likeliest

    def step(
        self,
        hop_end_s: float,
        emit_s: float,
        onset: Onset | None,
        beliefs: Beliefs,
        f0_hz: float | None,
        peak_db: float,
        attack: float,
    ) -> tuple[Note | None, Note | None, Note | None]:
        """Read one hop; return the notes newly named, corrected and ended.

        beliefs: float32 [P + 1], the pitch probabilities of this hop. peak_db: its largest sample, dB re full scale.
        attack: FrontEnd's.
        """
        self._young = beliefs if onset else self._young + BLEND * (beliefs - self._young)
        now = self._young if onset or self._pending else beliefs
        best = int(np.argmax(now[1:]))
        pitch, belief = self._lowest + best, float(now[1 + best])
        if onset:
            self._pending = _Pending(onset.onset_s, min(self._levels), peak_db, max(self._attacks))
        self._levels, self._attacks = [*self._levels[1:], peak_db], [*self._attacks[1:], attack]
        if self._pending:
            self._pending.peak_db = max(self._pending.peak_db, peak_db)
            self._pending.attack = max(self._pending.attack, attack)
            new = self._name(self._pending, hop_end_s, emit_s, pitch, belief, f0_hz)
        else:
            new = self._moved(hop_end_s, emit_s, pitch, belief, f0_hz, peak_db)
        if new:
            return new, None, self._begin(new, peak_db)
        revised = self._correct(hop_end_s, emit_s, pitch, belief, f0_hz) if not self._pending else None
        return None, revised, self._follow(hop_end_s, float(beliefs[0]), peak_db)

    @property
    def idle(self) -> bool:
        """Whether no note sounds and none is about to be named."""
        return self._note is None and self._pending is None

    def _begin(self, note: Note, peak_db: float) -> Note | None:
        ended = self._finish(self._note, note.onset_s) if self._note else None
        self._note, self._pending = note, None
        self._peak_db, self._other_hops, self._silent_hops, self._held_hops = peak_db, 0, 0, 0
        return ended

    def _finish(self, note: Note, at_s: float) -> Note:
        done = replace(note, duration_s=max(at_s - note.onset_s, 0.01))
        self._note = None
        return done

    def _name(
        self, pending: _Pending, now_s: float, emit_s: float, pitch: int, belief: float, f0_hz: float | None
    ) -> Note | None:
        age_s = now_s - pending.onset_s
        needed = next((b for age, b in reversed(NAMING) if age_s >= age), 2.0)
        velocity = self._velocity_of(pending.peak_db)
        if belief >= needed and f0_hz:
            moved = self._note is not None and self._note.pitch != pitch  # and it has not ended
            soft = pending.attack < LEGATO_ATTACK * self._usual_stroke(pending.attack)
            kind = "legato" if moved and soft else "normal"
            return _note(pending.onset_s, emit_s, pitch, velocity, f0_hz, kind, belief)
        if age_s < GIVE_UP_S:
            return None
        self._pending = None
        if pending.peak_db - pending.before_db < GHOST_DB:
            return None
        return Note(pending.onset_s, emit_s, None, self._note.pitch if self._note else 28, velocity, 0.0, "ghost", 0.3)

    def _usual_stroke(self, attack: float) -> float:
        self._strokes = [*self._strokes[1 - STROKES :], attack]
        return sorted(self._strokes)[round(USUAL * (len(self._strokes) - 1))]

    def _moved(
        self, now_s: float, emit_s: float, pitch: int, belief: float, f0_hz: float | None, peak_db: float
    ) -> Note | None:
        """Return a new note when the pitch of the sounding one has gone elsewhere without an onset, and stayed."""
        if self._note is None or self._note.articulation == "ghost" or pitch == self._note.pitch:
            self._other_hops = 0
            self._held_hops += self._note is not None and belief > MOVED_BELIEF
            return None
        self._other_hops = self._other_hops + 1 if pitch == self._other and belief > MOVED_BELIEF else 0
        self._other = pitch
        if self._other_hops < MOVED_HOPS or not f0_hz or now_s - self._note.onset_s < CORRECT_S:
            return None
        onset_s = now_s - MOVED_HOPS * HOP_S - MOVED_BEHIND_S
        return _note(onset_s, emit_s, pitch, self._velocity_of(peak_db), f0_hz, "slide", belief)

    def _correct(self, now_s: float, emit_s: float, pitch: int, belief: float, f0_hz: float | None) -> Note | None:
        note = self._note
        if note is None or note.revises is not None or note.articulation == "ghost" or pitch == note.pitch:
            return None
        if self._other_hops < CORRECT_HOPS or now_s - note.onset_s > CORRECT_S or belief < CORRECT_BELIEF or not f0_hz:
            return None
        kind = "slide" if self._held_hops >= SLIDE_HOPS else note.articulation
        right = _note(note.onset_s, emit_s, pitch, note.velocity, f0_hz, kind, belief)
        self._note, self._other_hops = replace(right, revises=note.pitch), 0
        return self._note

    def _follow(self, now_s: float, unvoiced: float, peak_db: float) -> Note | None:
        if self._note is None:
            return None
        self._peak_db = max(self._peak_db, peak_db)
        self._silent_hops = self._silent_hops + 1 if unvoiced > 0.5 else 0
        if self._pending is None and (
            self._silent_hops >= SILENT_HOPS or max(self._levels) < self._peak_db - RELEASE_DB
        ):
            return self._finish(self._note, now_s - self._silent_hops * HOP_S)
        return None


def _note(
    onset_s: float, emit_s: float, pitch: int, velocity: int, f0_hz: float, articulation: str, confidence: float
) -> Note:
    cents = float(100 * (to_midi(f0_hz) - pitch))
    return Note(onset_s, emit_s, None, pitch, velocity, cents, articulation, confidence)
