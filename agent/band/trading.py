"""`Trading` answers a phrase: the player's rhythm with another contour, moved up, fitted to the harmony and closed. Or
it calls: a phrase of its own, short and plain enough to be played back.

An answer keeps what makes the phrase this phrase (its rhythm, its gestures) and changes one thing at a time: after
Schoenberg, "Fundamentals of Musical Composition" (1967), ch. III, on developing variation. Deterministic: (phrase,
seed, turn, harmony) -> notes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import mean, median

import numpy as np

from agent.band.phrase_window import Placed
from models.music.tokens import LINE_HIGH, LINE_LOW, QUALITIES, ChordHit, DrumHit

CALL_CELLS = ((0,), (0,), (0, 1), (0, 1), (1,), ())  # halves of a beat on which a call has notes
CALL_STEPS = (-4, -2, -2, 2, 2, 3, 5)  # semitones from note to note of a call
CALL_REACH = 7  # semitones that a call goes from its middle
CALL_VELOCITY = 92
CENTRES = (69, 72, 75)  # MIDI; where an answer may lie
PUMPED = 4  # so many strokes of one pitch in a row have no contour: they are given WAVE
WAVE = (0, 4, 7, 4, 9, 7, 4, 2)  # semitones, stroke by stroke
SEQUENCE = (-5, -3, 2, 3, 5)  # semitones by which the second half may repeat the first
ACCENTS_IN_BAR = 2
ACCENT_VELOCITY = 6  # above the phrase's mean
MEAN_VELOCITY = 88
MODES_OF = {"maj": (0, 2, 4, 5, 7, 9, 11), "min": (0, 2, 3, 5, 7, 8, 10)}
SCALE_OF_CHORD = {  # where the key is not known: the scale that goes with a chord
    "maj": (0, 2, 4, 5, 7, 9, 11),
    "maj7": (0, 2, 4, 6, 7, 9, 11),
    "7": (0, 2, 4, 5, 7, 9, 10),
    "sus4": (0, 2, 4, 5, 7, 9, 10),
    "min": (0, 2, 3, 5, 7, 9, 10),
    "min7": (0, 2, 3, 5, 7, 9, 10),
    "dim": (0, 2, 3, 5, 6, 8, 9, 11),
    "min7b5": (0, 1, 3, 5, 6, 8, 10),
}


@dataclass(frozen=True, slots=True)
class Bars:
    """The length of a turn in ticks: of a beat, of a bar, in all."""

    per_beat: int
    per_bar: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Tone:
    """One note of an answer before the harmony is known. aim: the MIDI pitch it should lie near, fractions allowed."""

    tick: int
    aim: float
    velocity: int
    ticks: int
    stable: bool = False  # must be a tone of the chord
    home: bool = False  # the last note: the root, or the fifth where the phrase stays open


def _as_it_is(aims: list[float], rng: np.random.Generator) -> list[float]:
    return aims


def _inverted(aims: list[float], rng: np.random.Generator) -> list[float]:
    axis = aims[0]
    return [2 * axis - aim for aim in aims]


def _backwards(aims: list[float], rng: np.random.Generator) -> list[float]:
    return aims[::-1]


def _sequence(aims: list[float], rng: np.random.Generator) -> list[float]:
    step, half = int(rng.choice(SEQUENCE)), len(aims) // 2
    return [aim if i < half else aims[i - half] + step for i, aim in enumerate(aims)]


def _wider(aims: list[float], rng: np.random.Generator) -> list[float]:
    middle = median(aims)
    return [middle + 1.5 * (aim - middle) for aim in aims]


CONTOURS: tuple[Callable[[list[float], np.random.Generator], list[float]], ...] = (
    _as_it_is,  # the player's own contour, moved up
    _inverted,
    _sequence,
    _wider,
    _backwards,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a turn answers: contour (index of CONTOURS), centre (MIDI), open end, ornaments. Turns differ in contour."""

    contour: int
    centre: int
    opens: bool
    ornaments: bool
    seed: tuple[int, int]

    @classmethod
    def of(cls, seed: int, turn: int) -> Recipe:
        rng = np.random.default_rng((seed, turn))
        contour = (seed + turn // 2) % len(CONTOURS)
        return cls(contour, int(rng.choice(CENTRES)), rng.random() < 0.3, rng.random() < 0.6, (seed, turn))


def answer(phrase: Sequence[Placed], recipe: Recipe, bars: Bars) -> tuple[Tone, ...]:
    """Return the answer's tones in order; empty for an empty phrase."""
    kept = _end(_thinned(phrase, bars), bars)
    if not kept:
        return ()
    rng = np.random.default_rng((*recipe.seed, 1))
    aims = _moved(CONTOURS[recipe.contour](_contour(kept), rng), recipe.centre)
    loudness = MEAN_VELOCITY - mean(note.velocity for note in kept)
    tones = [
        Tone(n.tick, aim, int(np.clip(n.velocity + loudness, 50, 118)), n.ticks, n.tick % bars.per_beat == 0)
        for n, aim in zip(kept, aims, strict=True)
    ]
    if recipe.ornaments:
        tones = _ornamented(tones, bars)
    return (*tones[:-1], _last(tones[-1], bars))


def call(recipe: Recipe, bars: Bars) -> tuple[Tone, ...]:
    """Return a phrase to be played back: a bar's rhythm that comes again with another end, and a last beat of rest."""
    rng = np.random.default_rng((*recipe.seed, 3))
    half = max(bars.per_beat // 2, 1)
    beats = bars.per_bar // bars.per_beat
    cells = [CALL_CELLS[int(rng.integers(len(CALL_CELLS)))] for _ in range(beats)]
    cells[0] = cells[0] or (0,)
    rhythm = sorted(
        {
            beat * bars.per_beat + half * at
            for beat, cell in enumerate(cells)
            for at in cell
            if at * half < bars.per_beat
        }
    )
    ticks = [bar + at for bar in range(0, bars.ticks, bars.per_bar) for at in rhythm]
    end = bars.ticks - 2 * bars.per_beat  # its last note, which may ring for a beat
    ticks = [tick for tick in ticks if tick < end] + ([end] if end > 0 else [])
    aim, tones = float(recipe.centre), []
    for at, tick in enumerate(ticks or [0]):
        until = ticks[at + 1] if at + 1 < len(ticks) else tick + bars.per_beat
        stable = tick % bars.per_bar == 0
        tones.append(Tone(tick, aim, CALL_VELOCITY, min(until - tick, bars.per_beat), stable))
        aim += float(rng.choice(CALL_STEPS))
        aim = min(max(aim, recipe.centre - CALL_REACH), recipe.centre + CALL_REACH)
    return (*tones[:-1], replace(tones[-1], home=True))


def _contour(notes: Sequence[Placed]) -> list[float]:
    out: list[float] = []
    for pitch, run in groupby(note.pitch for note in notes):
        strokes = len(list(run))
        wave = WAVE if strokes >= PUMPED else (0,)
        out += [float(pitch + wave[i % len(wave)]) for i in range(strokes)]
    return out


def _moved(aims: list[float], centre: int) -> list[float]:
    """Return the aims moved by octaves to the centre; notes outside the line's range are moved back by an octave."""
    shift = 12 * round((centre - median(aims)) / 12)
    return [_within(aim + shift) for aim in aims]


def _within(aim: float) -> float:
    while aim > LINE_HIGH:
        aim -= 12
    while aim < LINE_LOW:
        aim += 12
    return aim


def _thinned(phrase: Sequence[Placed], bars: Bars) -> list[Placed]:
    """Merge repetitions of a pitch off the beat into one long note, since a melody would hold it."""
    kept: list[Placed] = []
    for note in phrase:
        last = kept[-1] if kept else None
        near = last is not None and last.pitch == note.pitch and note.tick - last.tick <= bars.per_beat // 2
        if last and near and note.tick % bars.per_beat:
            kept[-1] = replace(last, ticks=note.tick + note.ticks - last.tick)
        else:
            kept.append(note)
    return kept


def _end(notes: list[Placed], bars: Bars) -> list[Placed]:
    """Cut the answer so that it ends on the turn's last beat at the latest, and on a beat if it can."""
    latest = bars.ticks - bars.per_beat
    kept = [note for note in notes if note.tick <= latest]
    on_beat = [i for i, note in enumerate(kept) if note.tick % bars.per_beat == 0 and note.tick > latest - bars.per_bar]
    return kept[: on_beat[-1] + 1] if on_beat else kept


def _last(tone: Tone, bars: Bars) -> Tone:
    length = min(bars.ticks - tone.tick, 2 * bars.per_beat)
    return replace(tone, ticks=length, home=True, velocity=min(tone.velocity + 4, 118))


def _ornamented(tones: list[Tone], bars: Bars) -> list[Tone]:
    """Add, in the last two bars, a tone between two that lie one to two beats and a minor third or more apart."""
    out: list[Tone] = []
    for tone, after in zip(tones, [*tones[1:], None], strict=True):
        room = after.tick - tone.tick if after else 0
        late = tone.tick >= bars.ticks - 2 * bars.per_bar
        if after and late and bars.per_beat <= room <= 2 * bars.per_beat and abs(after.aim - tone.aim) >= 3:
            half = room // 2
            between = Tone(tone.tick + half, (tone.aim + after.aim) / 2, tone.velocity - 12, room - half)
            out += [replace(tone, ticks=min(tone.ticks, half)), between]
        else:
            out.append(tone)
    return out


def pitch_of(tone: Tone, chord: ChordHit | None, key: tuple[int, str] | None, opens: bool) -> int:
    """Return the pitch nearest to the tone's aim that chord and key allow. opens: end on the fifth, not the root."""
    allowed = _allowed(tone, chord, key, opens)
    places = [p for p in range(LINE_LOW, LINE_HIGH + 1) if p % 12 in allowed]
    return min(places, key=lambda p: (abs(p - tone.aim), p))


def _allowed(tone: Tone, chord: ChordHit | None, key: tuple[int, str] | None, opens: bool) -> frozenset[int]:
    if chord is None and key is None:
        return frozenset({round(tone.aim) % 12})
    tones = frozenset((chord.root + i) % 12 for i in QUALITIES[chord.quality]) if chord else frozenset()
    if chord and tone.home:
        return frozenset({(chord.root + 7) % 12} if opens else {chord.root})
    if chord and tone.stable:
        return tones
    if key is not None:
        return frozenset((key[0] + step) % 12 for step in MODES_OF[key[1]]) | tones
    assert chord
    return frozenset((chord.root + step) % 12 for step in SCALE_OF_CHORD[chord.quality]) | tones


def accents(phrase: Sequence[Placed], bars: Bars) -> dict[int, bool]:
    """Return the phrase's accents as {tick: whether it is the strongest of its bar}, ACCENTS_IN_BAR a bar.

    Accents are loud notes, and off-beats after them.
    """
    if not phrase:
        return {}
    average = mean(note.velocity for note in phrase)
    out: dict[int, bool] = {}
    for bar in range(-(-bars.ticks // bars.per_bar)):
        inside = [n for n in phrase if n.tick // bars.per_bar == bar]
        weights = {n.tick: (n.velocity - average >= ACCENT_VELOCITY, n.tick % bars.per_beat != 0) for n in inside}
        ranked = sorted((tick for tick in weights if any(weights[tick])), key=lambda tick: weights[tick], reverse=True)
        out |= {tick: rank == 0 for rank, tick in enumerate(ranked[:ACCENTS_IN_BAR])}
    return out


def with_accent(drums: tuple[DrumHit, ...], strongest: bool) -> tuple[DrumHit, ...]:
    """Return the drums of a tick with the player's accent added."""
    pieces = {"kick": 108, "open_hat": 92} if strongest else {"snare": 90}
    wanted = tuple(DrumHit(piece, velocity) for piece, velocity in pieces.items())
    return wanted + tuple(h for h in drums if h.piece not in pieces and not (strongest and h.piece == "closed_hat"))


class Trading:
    """Holds the answer to the phrase heard last; `line`, `ends` and `drums` take a tick of the answering turn."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made_of: tuple[tuple[Placed, ...], int, Bars] | None = None
        self._tones: dict[int, Tone] = {}
        self._ends: set[int] = set()
        self._accents: dict[int, bool] = {}
        self.recipe = Recipe.of(seed, 0)

    def prepare(self, phrase: tuple[Placed, ...], turn: int, bars: Bars) -> None:
        """Make the answer to a phrase, unless phrase, turn and bars are those of the last call."""
        if self._made_of == (phrase, turn, bars):
            return
        self._made_of = phrase, turn, bars
        self.recipe = Recipe.of(self._seed, turn)
        self._play(answer(phrase, self.recipe, bars))
        self._accents = accents(phrase, bars)

    def call(self, turn: int, bars: Bars) -> None:
        """Make a phrase of the band's own, unless turn and bars are those of the last call."""
        if self._made_of == ((), turn, bars):
            return
        self._made_of = (), turn, bars
        self.recipe = Recipe.of(self._seed, turn)
        self._play(call(self.recipe, bars))
        self._accents = {}

    def _play(self, tones: tuple[Tone, ...]) -> None:
        self._tones = {tone.tick: tone for tone in tones}
        self._ends = {tone.tick + tone.ticks for tone in tones}

    def line(self, tick: int, chord: ChordHit | None, key: tuple[int, str] | None) -> tuple[int, int] | None:
        """Return (pitch, velocity) of the note that begins in this tick; None where none does."""
        tone = self._tones.get(tick)
        return (pitch_of(tone, chord, key, self.recipe.opens), tone.velocity) if tone else None

    def ends(self, tick: int) -> bool:
        """Return whether a note ends as this tick begins."""
        return tick in self._ends

    def drums(self, tick: int, drums: tuple[DrumHit, ...]) -> tuple[DrumHit, ...]:
        return with_accent(drums, self._accents[tick]) if tick in self._accents else drums
