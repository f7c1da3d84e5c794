"""Writes the counter-line: silent until it has something to say; then motif, answer, rest.

A motif is rhythm and contour over two bars, taken from the riff or made new. It is stated, answered, moved with the
chords and transformed when its section comes back; every phrase of it ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, group_starts
from models.music.tokens import LINE_HIGH, LINE_LOW

LOW, HIGH = 71, LINE_HIGH  # MIDI: above the chord voicings (agent/parts/voicing.py)
HOME = 75
REGISTER_SPAN = (9, 4)  # semitones that the dial moves the line at its ends, down and up
NOTES = (5, 9)  # of a motif
LONGEST, LAST = 6, 8  # ticks of a note, of a motif's last one
LEGATO = (1.0, 1.0, 0.75, 0.5)  # shares of the way to the next note that a motif's notes sound
STEPS = {-3: 0.05, -2: 0.14, -1: 0.3, 0: 0.05, 1: 0.28, 2: 0.12, 3: 0.06}  # of the scale, and how often each is taken
WIDE = (-5, 6)  # steps from the first note that a motif reaches
QUICK_TO = 116.0  # quarters a minute, up to which a motif may have 16ths
TWICE, RIFF = 0.35, 0.35  # shares of motifs that say a short cell twice, that are made of the riff
SILENT = (64, 32, 0)  # ticks of a song before the line begins: as usual, when more is asked for, when much is
PATTERN = ("rest", "call", "rest", "answer", "call", "rest", "call", "answer")  # two bars each
SPARED = (6, 7, 4, 3)  # places of PATTERN that fall silent when less is asked for, one after the other
ADDED = ((5, "answer"), (2, "call"), (0, "call"))  # and those that speak when more is
RETURNS_AT = 3  # place of PATTERN with which a section begins that has come back
SEQUENCED, SEQUENCE = (4,), 4  # places of PATTERN that say the motif higher; semitones
ARCH = (0, 0, 4, 2)  # semitones that the line lies higher, cycle by cycle
PASSING = 2  # ticks, up to which a note may pass by beside the chord, on a beat too
FIRST_ANSWER, FEWEST = 3, 4  # place of PATTERN; notes of an answer
ANSWER_REACH = 7  # semitones between the first notes of call and answer
NEAR = 3  # steps to an answer's last note
LAST_CALL, TAIL = 6, 3  # place of PATTERN whose call ends otherwise; notes of that end
FULL, FULL_TICKS, FULL_SAY = 7.0, 32, 0.3  # notes in so many ticks that a longer motif has, too; worth of each
LONG_BAR = 26  # ticks, from which a motif is one bar long
VELOCITY = 84
CELLS: tuple[tuple[int, ...], ...] = (  # onsets in 16ths; as long as two bars of 4/4
    (2, 4, 6, 8, 12, 14, 20),
    (8, 10, 12, 14, 16, 20),
    (6, 8, 10, 12, 16, 18, 22),
    (0, 4, 6, 8, 12, 16, 20, 22),
    (4, 6, 8, 12, 14, 16, 20),
    (10, 12, 14, 16, 18, 20, 24),
    (8, 10, 12, 14, 16, 18, 22, 24),
    (2, 6, 8, 10, 14, 18, 22),
    (0, 2, 4, 6, 8, 12, 16, 18, 20),
    (12, 14, 16, 20, 22, 24, 26),
)
QUICK: tuple[tuple[int, ...], ...] = (  # likewise, with 16ths
    (0, 3, 4, 6, 8, 11, 12, 16),
    (4, 6, 7, 8, 10, 14, 16, 20),
    (8, 10, 11, 12, 14, 15, 16, 20),
    (2, 3, 4, 8, 10, 11, 12, 16, 20),
    (6, 8, 9, 10, 12, 16, 18, 19, 20, 24),
    (0, 2, 3, 6, 8, 10, 11, 14, 16),
)


@dataclass(frozen=True, slots=True)
class MotifNote:
    """tick: from the start of two bars; length: in ticks; step: of the scale, from the motif's first note."""

    tick: int
    length: int
    step: int


@dataclass(frozen=True, slots=True)
class Motif:
    """source: "riff", "twice", "new" or, of another band, "other"."""

    notes: tuple[MotifNote, ...]
    source: str = "new"


@dataclass(frozen=True, slots=True)
class LineNote:
    """tick: of the bar; length: in ticks (may go over the bar line); pitch: MIDI; velocity."""

    tick: int
    length: int
    pitch: int
    velocity: int


def bars_of_motif(ticks: int) -> int:
    """Return how many bars a motif takes: two, one where bars are as long as two of most songs."""
    return 1 if ticks >= LONG_BAR else 2


def motifs_for(
    bass: Sequence[BassBar], rng: np.random.Generator, tries: int = 60, kept: int = 12, quarter_bpm: float = 0.0
) -> list[tuple[float, Motif]]:
    """Return (worth, motif) of the best of many for two bars of a section, the best first.

    They lie in the bass's gaps, half on the beat, move by step and end.
    bass: the section's first bars; quarter_bpm: the tempo, 0 = not known. Empty where the meter leaves no room.
    """
    if not bass or bass[0].ticks < 6:
        return []
    ticks, count = bass[0].ticks, bars_of_motif(bass[0].ticks)
    onsets = {note.tick + i * ticks for i, bar in enumerate(bass[:count]) for note in bar.notes}
    beats = {start + i * ticks for i in range(count) for start in group_starts(bass[0].meter, ticks)}
    ticks = ticks * count // 2
    cells = CELLS if not 0 < quarter_bpm <= QUICK_TO else CELLS + QUICK
    drawn = [motif for _ in range(tries) if (motif := _draw(bass, ticks, rng, cells)) is not None]
    worth = [(_worth(motif, onsets, beats, 2 * ticks, rng), motif) for motif in drawn]
    return sorted(worth, key=lambda one: -one[0])[:kept]


def motif_of(notes: Sequence[tuple[int, int, int]], scale: frozenset[int], ticks: int) -> Motif:
    """Return somebody's phrase as a motif. notes: (tick, length, MIDI pitch), at least one; scale: pitch classes that
    steps are counted in; ticks: of the phrase."""
    ladder = [pitch for pitch in range(128) if pitch % 12 in scale]
    rungs = [min(range(len(ladder)), key=lambda rung: abs(ladder[rung] - pitch)) for _, _, pitch in notes]
    steps = [min(max(rung - rungs[0], WIDE[0]), WIDE[1]) for rung in rungs]
    return Motif(
        tuple(
            MotifNote(tick, min(length, LAST), step)
            for (tick, length, _), step in zip(notes, steps, strict=True)
            if tick < ticks
        ),
        "other",
    )


def of_length(motif: Motif, was: int, ticks: int) -> Motif | None:
    """Return the motif in bars of another length: each note keeps its place in its bar, those beyond the bar's end are
    left out; None where none is left.

    was, ticks: of a bar, before and now. A motif of two bars that has only one keeps its pace.
    """
    count = bars_of_motif(ticks)
    if count == bars_of_motif(was):
        places = [(note.tick // was * ticks, note.tick % was, note) for note in motif.notes]
        kept = [replace(note, tick=bar + tick) for bar, tick, note in places if tick < ticks]
    else:
        kept = [note for note in motif.notes if note.tick < count * ticks]
    if not kept:
        return None
    ends = (*(note.tick for note in kept[1:]), kept[-1].tick + LAST)
    notes = (replace(one, length=min(one.length, end - one.tick)) for one, end in zip(kept, ends, strict=True))
    return Motif(tuple(notes), motif.source)


def _draw(
    bass: Sequence[BassBar], ticks: int, rng: np.random.Generator, cells: Sequence[tuple[int, ...]]
) -> Motif | None:
    own = [(note.tick, note.pitch) for note in bass[0].notes if note.tick % 2 == 0]
    kind = float(rng.random())
    if kind < TWICE and ticks >= 12:  # a cell of one bar, said again in the next, a step away or the same
        size = int(rng.integers(4, 6))
        places = np.sort(rng.choice(np.arange(0, ticks - 2, 2), size, replace=False))
        steps = _walk(size, rng)
        again = int(rng.choice([-1, 0, 0, 1]))
        at = [*places.tolist(), *(places + ticks).tolist()]
        steps = [*steps, *(step + again for step in steps)]
        source = "twice"
    elif kind < TWICE + RIFF and len(own) >= NOTES[0]:  # the riff's own rhythm and contour, later and turned round
        shift = int(rng.choice([2, 4, 6]))
        picked = own[: int(rng.integers(NOTES[0], NOTES[1] + 1))]
        at = [tick + shift for tick, _ in picked]
        sign = int(rng.choice([-1, 1]))
        steps = [sign * int(np.clip(round((pitch - picked[0][1]) / 2), -4, 4)) for _, pitch in picked]
        source = "riff"
    else:
        cell = cells[int(rng.integers(len(cells)))]
        at = [tick for tick in cell if tick < 2 * ticks - 4]
        steps = _walk(len(at), rng)
        source = "new"
    if len(at) < NOTES[0] or at[-1] >= 2 * ticks - 2:
        return None
    legato = float(rng.choice(LEGATO))
    lengths = [max(min(round(legato * (b - a)), LONGEST), 1) for a, b in pairwise(at)]
    last = min(2 * ticks - at[-1], max(LAST, int(2 * np.median(lengths))))
    return Motif(tuple(MotifNote(t, n, s) for t, n, s in zip(at, [*lengths, last], steps, strict=True)), source)


def _walk(count: int, rng: np.random.Generator) -> list[int]:
    """Return steps of the scale from the first note, 0, on: mostly neighbours."""
    steps, here = [0], 0
    for _ in range(count - 1):
        here = int(np.clip(here + rng.choice([*STEPS], p=[*STEPS.values()]), *WIDE))
        steps.append(here)
    return steps


def _worth(motif: Motif, onsets: set[int], beats: set[int], ticks: int, rng: np.random.Generator) -> float:
    """Return how good a motif of so many ticks is; one over long bars is as full as others, else it is soon over."""
    at = [note.tick for note in motif.notes]
    steps = [note.step for note in motif.notes]
    moves = np.diff(steps)
    gaps = float(np.mean([tick not in onsets for tick in at]))
    on_beat = float(np.mean([tick in beats for tick in at]))
    leaps = float(np.mean(np.abs(moves) > 2)) if len(moves) else 0.0
    repeats = float(np.mean(moves == 0)) if len(moves) else 0.0
    arch = float(max(steps) > steps[-1])
    thin = max(FULL * ticks / FULL_TICKS - len(at), 0.0) if ticks > FULL_TICKS else 0.0
    return (
        1.5 * gaps
        - abs(on_beat - 0.5)
        - leaps
        - 0.8 * max(repeats - 0.34, 0)
        + 0.4 * arch
        + 0.2 * (len(set(steps)) >= 3)
        - FULL_SAY * thin
        + 0.2 * float(rng.standard_normal())
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """What the line does in a bar. says: "rest", "call" or "answer"; half: bar 0 or 1 of its two; number: of the two
    bars, counted from the section's first motif."""

    says: str
    half: int
    number: int = 0

    @property
    def place(self) -> int:
        return self.number % len(PATTERN)

    @property
    def cycle(self) -> int:
        return self.number // len(PATTERN)


def turn_of(bars_in_section: int, returns: int, density: float = 0.0, ticks: int = 16, opens: bool = True) -> Turn:
    """Return what the line does in a bar of a section that is here for the `returns`-th time (0: first).

    density: -1 (hardly ever) to 1 (nearly always). ticks: of a bar. opens: whether the song begins with this section;
    in a later one the line is known, and need not wait.
    """
    count = bars_of_motif(ticks)
    silent = SILENT[0 if density < 0.3 else 1 if density < 0.7 else 2]
    waits = max(silent // (count * ticks), 1) * count if silent else 0  # as long in every meter, in whole motifs
    bar = bars_in_section - waits if opens and not returns else bars_in_section
    if bar < 0:
        return Turn("rest", bar % count)
    turns = list(PATTERN)
    for place in SPARED[: round(-density * len(SPARED))] if density < 0 else ():
        turns[place] = "rest"
    for place, turn in ADDED[: round(density * len(ADDED))] if density > 0 else ():
        turns[place] = turn
    number = bar // count + (RETURNS_AT if returns else 0)
    return Turn(turns[number % len(turns)], bar % count, number)


def syncopated(motif: Motif, beats: Sequence[int], ticks: int, bend: float) -> Motif:
    """Return the motif with notes put an eighth before the beat, or on it. beats: of a bar; bend: -1 to 1."""
    on = {start + bar * ticks for bar in (0, 1) for start in beats}
    notes = motif.notes
    moving = [note.tick for note in notes if (note.tick in on) == (bend > 0)]
    moving = moving[: round(abs(bend) * len(moving))]
    out: list[MotifNote] = []
    for number, note in enumerate(notes):
        low = out[-1].tick + 1 if out else 0
        high = notes[number + 1].tick - 1 if number + 1 < len(notes) else 2 * ticks - 2
        tick = note.tick
        if tick in moving and bend > 0:
            tick = next((t for t in (tick - 2, tick + 2) if low <= t <= high and t not in on), tick)
        elif tick in moving:
            tick = min((t for t in on if low <= t <= high), key=lambda t: (abs(t - note.tick), t), default=tick)
        out.append(replace(note, tick=tick))
    return Motif(
        tuple(
            replace(note, length=max(min(note.length, after.tick - note.tick), 1)) if after else note
            for note, after in zip(out, [*out[1:], None], strict=True)
        ),
        motif.source,
    )


def developed(motif: Motif, turn: Turn, returns: int) -> Motif:
    """Return the motif as it is said now.

    An answer ends lower, on the note it began with where that is near, else a step away. The last call of every other
    cycle turns its end upwards; every fourth cycle, and every fourth time the section is here, the motif is turned
    upside down.
    """
    notes = motif.notes
    if (returns + turn.cycle) % 4 == 3:
        notes = tuple(replace(note, step=-note.step) for note in notes)
    if turn.says == "call" and turn.place == LAST_CALL and turn.cycle % 2 and len(notes) > TAIL:
        pivot = notes[-TAIL - 1].step
        tail = (replace(note, step=min(2 * pivot - note.step, WIDE[1])) for note in notes[-TAIL:])
        if notes[-1].step < pivot:
            notes = (*notes[:-TAIL], *tail)
    if turn.says == "answer" and len(notes) > 2:
        lower = notes[-2].step - 1
        end = 0 if abs(lower) <= NEAR else lower + (1 if lower < 0 else -1)
        notes = (*notes[:-2], replace(notes[-2], step=lower), replace(notes[-1], step=end))
    return Motif(notes, motif.source)


def lift_of(turn: Turn) -> int:
    """Return the semitones that a statement lies higher: a sequence from the second cycle on, an arch over four."""
    sequenced = turn.cycle > 0 and turn.place in SEQUENCED  # it has to be known first
    return ARCH[turn.cycle % len(ARCH)] + (SEQUENCE if sequenced else 0)


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
    low, high, home = LOW + shift, min(HIGH, HIGH + shift), HOME + shift + lift
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
