"""Places a motif over the chords: which pitches its notes have, near those it had when it was said before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from agent.parts.bar_chords import ChordAt
from agent.parts.counter_line import LineNote, Motif
from models.music.tokens import LINE_HIGH, LINE_LOW

LOW, HIGH = 71, LINE_HIGH  # MIDI: above the chord voicings (agent/parts/voicing.py)
HOME = 75
LOWEST = 60  # of a line that is moved down: under it, it lies among the chords' roots
REGISTER_SPAN = (9, 4)  # semitones that the dial moves the line at its ends, down and up
PASSING = 2  # ticks, up to which a note may pass by beside the chord, on a beat too
FEWEST = 4  # notes of an answer
ANSWER_REACH = 7  # semitones between the first notes of call and answer
VELOCITY = 84


def shift_of(register: float) -> int:
    """Return the semitones by which the dial, -1 to 1, moves the line."""
    return round((REGISTER_SPAN[0] if register < 0 else REGISTER_SPAN[1]) * register)


def line_of(
    motif: Motif,
    half: int,
    ticks: int,
    chords: Sequence[ChordAt],
    first_chord: ChordAt,
    scale: frozenset[int],
    beats: Sequence[int],
    level: float,
    register: float = 0.0,
    loud: float = 1.0,
    lift: int = 0,
    answers: bool = False,
    first: bool = False,
    known: Mapping[int, int] | None = None,
) -> tuple[LineNote, ...]:
    """Return the notes of one bar of a statement.

    half: which of its two bars. chords: of this bar. first_chord: that the statement began on: it places the motif.
    beats: ticks of the felt beats. register: -1 to 1. loud: times the usual velocity.
    lift: semitones above the usual place. answers: on another tone of the chord than its call would be; first: it is
    the section's first answer: a motif that has no room there is then answered by its end alone. known: the MIDI
    pitches of an earlier statement by the motif's ticks, which is said again; only what it has is said.
    """
    shift = shift_of(register)
    low, high, home = max(LOW + shift + min(lift, 0), LOWEST), min(HIGH, HIGH + shift), HOME + shift + lift
    ladder = [pitch for pitch in range(LINE_LOW, LINE_HIGH + 1) if pitch % 12 in scale]
    again = known is not None  # what was heard before is bent where it clashes alone
    if known is None:
        known = _placed(motif, first_chord, ladder, (low, high, home), answers, first)
    strong = {0, *beats[len(beats) // 2 : len(beats) // 2 + 1]}
    notes: list[LineNote] = []
    for note in motif.notes:
        if note.tick not in known or not half * ticks <= note.tick < (half + 1) * ticks:
            continue
        tick = note.tick - half * ticks
        pitch = known[note.tick]
        chord = next((c for c in reversed(chords) if c.tick <= tick), chords[0] if chords else None)
        ends, long = note is motif.notes[-1], note.length > PASSING
        if (
            chord
            and pitch % 12 not in chord.tones
            and (ends or long)
            and (_clashes(pitch, chord) or (not again and (ends or tick in strong)))
        ):
            last = notes[-1].pitch if notes else None  # a step is not to become a repeated note
            near = [p for p in range(pitch - 3, pitch + 4) if p % 12 in chord.tones and low <= p <= high]
            pitch = min(near, key=lambda p: (abs(p - pitch) + 2 * (p == last), p), default=pitch)
        elif pitch % 12 not in scale and not (chord and pitch % 12 in chord.tones):  # the key is another by now
            pitch = min(ladder, key=lambda p: (abs(p - pitch), p), default=pitch)
        velocity = VELOCITY * (1 + 0.13 * level) * loud + (4 if tick in beats else 0)
        notes.append(LineNote(tick, note.length, pitch, int(min(max(velocity, 20), 116))))
    return tuple(notes)


def _placed(
    motif: Motif, chord: ChordAt, ladder: Sequence[int], room: tuple[int, int, int], answers: bool, first: bool
) -> dict[int, int]:
    """Return the MIDI pitches of a statement by the motif's ticks, as the chord on which it begins places it.

    room: (lowest, highest, usual) pitch.
    """
    anchor = _anchor(ladder, motif, chord, *room, answers)
    stays = answers and first and anchor == _anchor(ladder, motif, chord, *room, False)
    said = motif.notes[-max(FEWEST, len(motif.notes) // 2) :] if stays else motif.notes
    rungs = (min(max(anchor + note.step - motif.notes[0].step, 0), len(ladder) - 1) for note in said)
    return {note.tick: ladder[rung] for note, rung in zip(said, rungs, strict=True)}


def _anchor(ladder: Sequence[int], motif: Motif, chord: ChordAt, low: int, high: int, home: int, answers: bool) -> int:
    """Return the rung of the ladder for the motif's first note: a tone of the chord near home from which the whole
    motif stays between low and high, as far as there is one.

    answers: another one near it, from which the motif has the same intervals as far as there is one.
    """
    steps = [note.step - motif.notes[0].step for note in motif.notes]

    def pitch_at(rung: int) -> int:
        inside = min(max(rung, 0), len(ladder) - 1)
        return ladder[inside] + 2 * (rung - inside)

    def over(rung: int) -> int:
        return max(low - pitch_at(rung + min(steps)), 0) + max(pitch_at(rung + max(steps)) - high, 0)

    rungs = [rung for rung, pitch in enumerate(ladder) if pitch % 12 in chord.tones] or range(len(ladder))
    usual = min(rungs, key=lambda rung: (over(rung), abs(ladder[rung] - home)))
    if not answers:
        return usual

    def intervals(rung: int) -> list[int]:
        return [pitch_at(rung + after) - pitch_at(rung + before) for before, after in pairwise(steps)]

    own = intervals(usual)

    def apart(rung: int) -> tuple[int, int]:
        differ = sum(a != b for a, b in zip(intervals(rung), own, strict=True))
        return differ, abs(ladder[rung] - ladder[usual])

    near = [rung for rung in rungs if 0 < abs(ladder[rung] - ladder[usual]) <= ANSWER_REACH and not over(rung)]
    return min(near, key=apart, default=usual)


def _clashes(pitch: int, chord: ChordAt) -> bool:
    """Return whether a note lies a semitone above a tone of the chord (an avoid note)."""
    return (pitch - 1) % 12 in chord.tones
