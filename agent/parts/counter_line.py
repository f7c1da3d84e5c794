"""Writes the counter-line: silent until it has something to say; then motif, answer, rest.

A motif is rhythm and contour over two bars, taken from the riff or made new. It is stated, answered, moved with the
chords and transformed when its section comes back; every phrase of it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from agent.parts.bass_bar import BassBar, group_starts

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
FIRST_ANSWER = 3  # place of PATTERN
NEAR = 3  # steps to an answer's last note
LAST_CALL, TAIL = 6, 3  # place of PATTERN whose call ends otherwise; notes of that end
FULL, FULL_TICKS, FULL_SAY = 7.0, 32, 0.3  # notes in so many ticks that a longer motif has, too; worth of each
LONG_BAR = 26  # ticks, from which a motif is one bar long
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
    """source: "riff", "twice", "new", "imagined" by the responder or, of another band, "other"."""

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
    bass: Sequence[BassBar],
    rng: np.random.Generator,
    tries: int = 60,
    kept: int = 12,
    quarter_bpm: float = 0.0,
    others: Sequence[Motif] = (),
) -> list[tuple[float, Motif]]:
    """Return (worth, motif) of the best of many for two bars of a section, the best first.

    They lie in the bass's gaps, half on the beat, move by step and end.
    bass: the section's first bars; quarter_bpm: the tempo, 0 = not known; others: judged beside those that are drawn.
    Empty where the meter leaves no room.
    """
    if not bass or bass[0].ticks < 6:
        return []
    ticks, count = bass[0].ticks, bars_of_motif(bass[0].ticks)
    onsets = {note.tick + i * ticks for i, bar in enumerate(bass[:count]) for note in bar.notes}
    beats = {start + i * ticks for i in range(count) for start in group_starts(bass[0].meter, ticks)}
    ticks = ticks * count // 2
    cells = CELLS if not 0 < quarter_bpm <= QUICK_TO else CELLS + QUICK
    drawn = [motif for _ in range(tries) if (motif := _draw(bass, ticks, rng, cells)) is not None]
    worth = [(_worth(motif, onsets, beats, 2 * ticks, rng), motif) for motif in [*drawn, *others]]
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
    bars, counted from the section's first motif; way: of agent/parts/tune.py, "" = as the motif is developed here."""

    says: str
    half: int
    number: int = 0
    way: str = ""

    @property
    def place(self) -> int:
        return self.number % len(PATTERN)

    @property
    def cycle(self) -> int:
        return self.number // len(PATTERN)


def bars_silent(density: float, ticks: int) -> int:
    """Return the bars of a song before the line begins: as long in every meter, in whole motifs."""
    count = bars_of_motif(ticks)
    silent = SILENT[0 if density < 0.3 else 1 if density < 0.7 else 2]
    return max(silent // (count * ticks), 1) * count if silent else 0


def turn_of(bars_in_section: int, returns: int, density: float = 0.0, ticks: int = 16, opens: bool = True) -> Turn:
    """Return what the line does in a bar of a section that is here for the `returns`-th time (0: first).

    density: -1 (hardly ever) to 1 (nearly always). ticks: of a bar. opens: whether the song begins with this section;
    in a later one the line is known, and need not wait.
    """
    count = bars_of_motif(ticks)
    bar = bars_in_section - bars_silent(density, ticks) if opens and not returns else bars_in_section
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
