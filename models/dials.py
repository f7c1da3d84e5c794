"""What a player can ask of the band, each from 0 to 1 or unknown, and how the same is measured in music that exists.

A dial's value is the rank of its measure among the training songs' phrases: 0.9 density is denser than nine in ten.
Learned by conditioning with random omission, so that classifier-free guidance (Ho & Salimans 2022) can strengthen it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from models import tokens
from models.tokens import LINE_LOW, LINE_ON, NEW, PIECES, SAME

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Knots = Mapping[str, list[float]]

LEARNED = ("density", "register", "tension", "resolution", "syncopation", "intensity")
STYLES = ("rock", "metal", "funk", "jazz", "latin", "hiphop", "soul", "blues", "country", "pop", "dance", "ballad")
PHRASE_BARS = 4
KNOTS = 33
USUAL_RATES = {"drums": 2.5, "chords": 0.5, "line": 0.5}  # onsets a beat, so that no part drowns the others
QUALITY_TENSION = {"maj": 0.0, "min": 0.1, "sus4": 0.3, "min7": 0.3, "maj7": 0.4, "7": 0.5, "dim": 0.8, "min7b5": 0.8}
OUTSIDE_TENSION = 0.5  # of a bass or line note that its chord lacks (an appoggiatura's worth; Lerdahl & Krumhansl 2007)
FIFTH_DOWN = 5
CHORD_TONES = np.zeros((len(tokens.QUALITIES) + 1, 12), bool)
for _index, _tones in enumerate(tokens.QUALITIES.values()):
    CHORD_TONES[_index, list(_tones)] = True
CHORD_TONES[-1] = True  # no chord: nothing is outside it


@dataclass(frozen=True, slots=True)
class Dials:
    """None: not asked for. resolution: how often harmony falls by a fifth. surprise: 0 to 1 of SURPRISE_BITS a tick.

    ValueError outside 0..1 or for a style that is not one of STYLES.
    """

    density: float | None = None
    register: float | None = None
    tension: float | None = None
    resolution: float | None = None
    syncopation: float | None = None
    intensity: float | None = None
    surprise: float | None = None
    style: str | None = None

    def __post_init__(self) -> None:
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} {value}: a dial goes from 0 to 1; leave it out for no wish")
        if self.style is not None and self.style not in STYLES:
            raise ValueError(f"style {self.style!r}: allowed are {', '.join(STYLES)}")

    @property
    def learned(self) -> Dials:
        """Without what the network does not read."""
        return replace(self, surprise=None)


NUMBERS = tuple(f.name for f in fields(Dials) if f.name != "style")
NO_DIALS = Dials()
SURPRISE_BITS = (1.0, 7.0)  # information content a tick that surprise 0 and 1 aim at
DIM = 2 * len(LEARNED) + len(STYLES)


def vector(dials: Dials) -> Floats:
    """[DIM]: value (-1..1) and whether known of each learned dial, then the style one-hot; all zero for no wish."""
    out = np.zeros(DIM, np.float32)
    for index, name in enumerate(LEARNED):
        value = getattr(dials, name)
        if value is not None:
            out[2 * index : 2 * index + 2] = 2 * value - 1, 1
    if dials.style is not None:
        out[2 * len(LEARNED) + STYLES.index(dials.style)] = 1
    return out


def vectors(ranks: Mapping[str, Floats], style: str | None, shown: Mapping[str, bool]) -> Floats:
    """ranks [T] per dial (NaN: unknown) -> [T, DIM]; what is not shown stays unknown."""
    length = len(next(iter(ranks.values())))
    out = np.zeros((length, DIM), np.float32)
    for index, name in enumerate(LEARNED):
        known = np.isfinite(ranks[name]) & shown[name]
        out[known, 2 * index], out[known, 2 * index + 1] = 2 * ranks[name][known] - 1, 1
    if style is not None and shown["style"]:
        out[:, 2 * len(LEARNED) + STYLES.index(style)] = 1
    return out


@dataclass(frozen=True, slots=True)
class Phrase:
    """Ticks of one phrase: bass [T, 3], drums [T, pieces], chord [T, 4], line [T, 3] as in features.Events;
    beat [T]: whether the tick is on a beat; has: which parts there are."""

    bass: Ints
    drums: Ints
    chord: Ints
    line: Ints
    beat: NDArray[np.bool_]
    has: tuple[bool, bool, bool]


def measure(phrase: Phrase) -> dict[str, float]:
    """Every learned dial's measure in its own unit; NaN where the phrase cannot tell."""
    return {
        "density": density(phrase),
        "register": register(phrase),
        "tension": tension(phrase),
        "resolution": resolution(phrase),
        "syncopation": syncopation(phrase),
        "intensity": intensity(phrase),
    }


def density(phrase: Phrase) -> float:
    """Onsets a beat, each part beside its usual rate, averaged over the parts there are."""
    counts = {
        "drums": (phrase.drums > 0).sum(),
        "chords": (phrase.chord[:, 0] >= SAME).sum(),
        "line": (phrase.line[:, 0] == LINE_ON).sum(),
    }
    beats = max(int(phrase.beat.sum()), 1)
    rates = [counts[p] / beats / USUAL_RATES[p] for p, there in zip(tokens.PARTS, phrase.has, strict=True) if there]
    return float(np.mean(rates)) if rates else np.nan


def register(phrase: Phrase) -> float:
    """Mean MIDI pitch of the line."""
    pitches = phrase.line[phrase.line[:, 0] == LINE_ON, 2]
    return float(pitches.mean() + LINE_LOW) if len(pitches) else np.nan


def tension(phrase: Phrase) -> float:
    """Mean tension of the chords that hold, and of bass and line notes that lie outside them."""
    root, quality = phrase.chord[:, 2], phrase.chord[:, 3]
    holds = root >= 0
    if not phrase.has[1] or not holds.any():
        return np.nan
    inner = np.array([QUALITY_TENSION[name] for name in tokens.QUALITIES])[quality[holds]].mean()
    line = np.where(phrase.line[:, 0] == LINE_ON, phrase.line[:, 2] + LINE_LOW, -1)
    outside = [_outside(pitch, root, quality) for pitch in (phrase.bass[:, 0], line)]
    return float(inner + OUTSIDE_TENSION * sum(outside))


def _outside(pitch: Ints, root: Ints, quality: Ints) -> float:
    """Share of the notes (pitch >= 0) that the chord of their tick lacks."""
    notes = (pitch >= 0) & (root >= 0)
    if not notes.any():
        return 0.0
    return float(1 - CHORD_TONES[quality[notes], (pitch[notes] - root[notes]) % 12].mean())


def resolution(phrase: Phrase) -> float:
    """Share of the changes of harmony whose root falls by a fifth."""
    roots = phrase.chord[phrase.chord[:, 0] == NEW, 2]
    moves = np.diff(roots) % 12
    moves = moves[moves != 0]
    return float((moves == FIFTH_DOWN).mean()) if len(moves) else np.nan


def syncopation(phrase: Phrase) -> float:
    """Share of kick, snare, chord and line onsets off the beat."""
    drums = phrase.drums[:, [PIECES.index("kick"), PIECES.index("snare")]] > 0
    onsets = drums.sum(1) + (phrase.chord[:, 0] >= SAME) + (phrase.line[:, 0] == LINE_ON)
    return float(onsets[~phrase.beat].sum() / onsets.sum()) if onsets.sum() else np.nan


def intensity(phrase: Phrase) -> float:
    """Mean loudness level of everything struck."""
    levels = np.concatenate(
        [
            phrase.drums[phrase.drums > 0],
            phrase.chord[phrase.chord[:, 0] >= SAME, 1],
            phrase.line[phrase.line[:, 0] == LINE_ON, 1],
        ]
    )
    return float(levels.mean()) if len(levels) else np.nan


def knots_of(values: Mapping[str, Floats]) -> dict[str, list[float]]:
    """Measures over the training phrases -> the quantiles that turn a measure into a rank."""
    at = np.linspace(0, 1, KNOTS)
    return {name: np.quantile(values[name][np.isfinite(values[name])], at).tolist() for name in LEARNED}


def rank(name: str, value: float, knots: Knots) -> float:
    """0..1, the middle of the ranks where many phrases share the value; NaN stays NaN."""
    own = np.asarray(knots[name])
    first, last = np.searchsorted(own, value, "left"), np.searchsorted(own, value, "right")
    if last > first:
        return float((first + last - 1) / 2 / (len(own) - 1))
    return float(np.interp(value, own, np.linspace(0, 1, len(own)))) if np.isfinite(value) else np.nan
