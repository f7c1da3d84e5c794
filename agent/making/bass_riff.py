"""`imagine` lets the responder play bass: candidates for a section's riff, drawn from what it expects the bass to do.

The responder hears the band that it imagines and the bass drawn so far, and says of each 16th how likely the bass
begins a note and on which pitch class. That belief is multiplied by how often basses play a step of the chord that
stands (shares of listener/music/harmony.py) and by the key, and drawn from: a product of experts (Hinton 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.parts.bar_chords import ChordAt, place_of
from agent.parts.bass_bar import BassBar, BassNote, bass_bar
from listener.music.harmony import DOWN, KINDS, NOTES
from listener.types import Meter
from models.music.dials import Dials
from models.music.plan_tick import PlanTick
from models.music.tokens import EMPTY_REPLY, QUALITIES, BassTick, Position, TickInput, quality_index, ticks_per_beat
from models.responder.responder import Responder, ResponderState
from models.responder.sampling import NO_PUSH, Push

Floats = NDArray[np.float32]

LOW, HIGH = 28, 52  # E1 to E3
GUIDANCE, TEMPERATURE = 1.0, 0.9
HARMONY_SAY, KEY_SAY = 1.0, 3.0  # of the chord; nats that a note outside the key costs
STAY_SAY = 0.25  # nats a semitone from the home of the section's bass
ON_CHANGE = 4.0  # added to the logit of a note where the chord changes
WEAK_ODD = 1.2  # nats that a note on a weak 16th costs where no syncopation is asked for
DENSITY_SAY = 0.35  # how fast the logit follows a lack of notes
SHORT = 0.62  # share of its length that a note off the beat lasts
VELOCITY = {"one": 102, "group": 94, "beat": 88, "half": 80, "weak": 70}
PITCH_TEMPERATURE = 1.0
UNIFORM = 0.02  # beneath the shares, so that no step is impossible


@dataclass(frozen=True, slots=True)
class RiffWish:
    """What a riff is to be. chords: of each of its bars; scale: pitch classes of the key; density: onsets in 16 ticks;
    home: pitch around which it lies; length: share of the way to the next note that a note lasts; longest: ticks of a
    note; syncopation: 0 to 1."""

    meter: Meter
    chords: tuple[tuple[ChordAt, ...], ...]
    scale: frozenset[int]
    dials: Dials
    density: float = 6.0
    home: float = 36.0
    length: float = 0.9
    longest: int = 8
    syncopation: float = 0.5

    @property
    def ticks(self) -> int:
        return Position(0, 0, self.meter).ticks_per_bar


def imagine(
    responder: Responder,
    wish: RiffWish,
    rng: np.random.Generator,
    before: Sequence[BassBar] = (),
    target: int | None = None,
    free_from: int = 0,
) -> list[BassBar]:
    """Return the wish's bars, one draw. before: bars that are played first and heard. target: pitch class of what comes
    after the last bar, to lead to. free_from: tick of the last bar before which it is as the last of `before`."""
    state, reply, bass = responder.initial_state(), EMPTY_REPLY, BassTick(True)
    drawn = _Drawn(wish, rng)
    chords = [*(wish.chords[i % len(wish.chords)] for i in range(len(before))), *wish.chords]
    out: list[list[BassTick]] = []
    for number, own in enumerate(chords):
        given = before[number] if number < len(before) else None
        last = number == len(chords) - 1
        kept = before[-1] if last and before and free_from else given
        row: list[BassTick] = []
        for tick in range(wish.ticks):
            place = Position(tick, number, wish.meter)
            chord = next((one for one in reversed(own) if one.tick <= tick), own[0])
            told = PlanTick((chord.root, quality_index(chord.quality), chord.tick == tick))
            state = responder.step(TickInput(place, bass, None, reply, wish.dials, GUIDANCE, told), state)
            push = Push(harmony=(chord.root, chord.quality)) if chord.tick == tick else NO_PUSH
            reply = responder.sample(state, rng, TEMPERATURE, push=push)
            if kept is not None and (given is not None or tick < free_from):
                bass = _as_played(kept, tick, bass)
                drawn.follow(bass)
            else:
                leads = target if last and tick >= wish.ticks - max(ticks_per_beat(wish.meter), 2) else None
                bass = drawn.next(responder, state, place, chord, bass, leads)
            row.append(bass)
        out.append(row)
    return [_lasting(bass_bar(wish.meter, row), wish) for row in out[len(before) :]]


def _as_played(bar: BassBar, tick: int, before: BassTick) -> BassTick:
    note = next((one for one in bar.notes if one.tick == tick), None)
    if note:
        return BassTick(True, note.pitch, note.velocity, note.pitch)
    sounds = any(one.tick < tick < one.tick + one.length for one in bar.notes)
    return BassTick(True, None, 0, before.sounding_pitch if sounds else None)


class _Drawn:
    """Draws the notes of one candidate, one tick after the other."""

    def __init__(self, wish: RiffWish, rng: np.random.Generator) -> None:
        self._wish, self._rng = wish, rng
        self._last, self._owed, self._since = round(wish.home), 0.0, 99

    def follow(self, bass: BassTick) -> None:
        self._last = bass.onset_pitch or self._last
        self._since = 0 if bass.onset_pitch else self._since + 1

    def next(
        self,
        responder: Responder,
        state: ResponderState,
        at: Position,
        chord: ChordAt,
        before: BassTick,
        leads: int | None,
    ) -> BassTick:
        """Return the bass of the next tick. leads: pitch class that the note is to lead to, None = none."""
        wish = self._wish
        onset, classes = responder.bass_beliefs(state)
        self._owed += wish.density / 16
        logit = onset + DENSITY_SAY * 4 * self._owed + ON_CHANGE * (chord.tick == at.tick)
        weak = at.tick % 2 if ticks_per_beat(at.meter) > 1 else 0
        logit -= weak * WEAK_ODD * 2 * (1 - wish.syncopation) + weak * 1.5 * (self._since == 0)
        if self._rng.random() >= 1 / (1 + np.exp(-logit)):
            self._since += 1
            return BassTick(True, None, 0, before.sounding_pitch)
        self._owed -= 1
        pitch = self._pitch(classes, at, chord, leads)
        self._last, self._since = pitch, 0
        return BassTick(True, pitch, VELOCITY[_strength(at)], pitch)

    def _pitch(self, classes: Floats, at: Position, chord: ChordAt, leads: int | None) -> int:
        wish = self._wish
        place = place_of(BassNote(at.tick, 1, 0, 1), BassBar(at.meter, wish.ticks))
        kind = KINDS.index("dim" if 6 in QUALITIES[chord.quality] else _third(chord))
        place = DOWN if chord.tick == at.tick else place
        share = np.exp([NOTES[place, pc, chord.root, kind] for pc in range(12)]) + UNIFORM * (place != DOWN)
        own = classes - classes.max()
        logits = np.array([HARMONY_SAY * np.log(share[p % 12]) + own[p % 12] for p in range(LOW, HIGH + 1)])
        for at_, pitch in enumerate(range(LOW, HIGH + 1)):
            logits[at_] -= KEY_SAY * (pitch % 12 not in wish.scale)
            logits[at_] -= STAY_SAY * max(abs(pitch - wish.home) - 5, 0) + 0.12 * abs(pitch - self._last)
            if leads is not None:
                step = min((pitch - leads) % 12, (leads - pitch) % 12)
                logits[at_] += {1: 1.2, 2: 1.6, 5: 0.8}.get(step, -0.6 if step == 0 else 0.0)
        weights = np.exp((logits - logits.max()) / PITCH_TEMPERATURE)
        return LOW + int(self._rng.choice(len(weights), p=weights / weights.sum()))


def _third(chord: ChordAt) -> str:
    return "min" if 3 in QUALITIES[chord.quality] else "maj"


def _strength(at: Position) -> str:
    place = place_of(BassNote(at.tick, 1, 0, 1), BassBar(at.meter, at.ticks_per_bar))
    if at.tick == 0:
        return "one"
    if place != 3:
        return "group" if place == 1 else "beat"
    return "half" if at.tick % 2 == 0 else "weak"


def _lasting(bar: BassBar, wish: RiffWish) -> BassBar:
    """Return the bar with notes as long as they are to last; what would ring into the next bar ends with this one."""
    notes = []
    ends = [*(note.tick for note in bar.notes[1:]), bar.ticks][: len(bar.notes)]
    for note, end in zip(bar.notes, ends, strict=True):
        room = end - note.tick
        off = _strength(Position(note.tick, 0, wish.meter)) in ("half", "weak")
        length = min(max(round(room * wish.length * (SHORT if off else 1.0)), 1), wish.longest, room)
        notes.append(replace(note, length=length))
    return replace(bar, notes=tuple(notes), sounding=None)
