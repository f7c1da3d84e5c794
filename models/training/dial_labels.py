"""Label crops with the dials a player would have set to get that music, phrase by phrase, as ranks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.music import dials, tokens
from models.music.dials import LEARNED, Floats, Knots
from models.music.features import Events, Ints
from models.music.tokens import LINE_LOW, LINE_ON, NEW, PIECES, SAME

SHOWN_SHARE = 0.5  # of the dials, where any is shown
NOTHING_SHARE = 0.3  # of the crops: what guidance is measured against

USUAL_RATES = {"drums": 2.5, "chords": 0.5, "line": 0.5}  # onsets a beat, so that no part drowns the others
QUALITY_TENSION = {"maj": 0.0, "min": 0.1, "sus4": 0.3, "min7": 0.3, "maj7": 0.4, "7": 0.5, "dim": 0.8, "min7b5": 0.8}
OUTSIDE_TENSION = 0.5  # of a bass or line note that its chord lacks (an appoggiatura's worth; Lerdahl & Krumhansl 2007)
FIFTH_DOWN = 5
CHORD_TONES = np.zeros((len(tokens.QUALITIES) + 1, 12), bool)
for _index, _tones in enumerate(tokens.QUALITIES.values()):
    CHORD_TONES[_index, list(_tones)] = True
CHORD_TONES[-1] = True  # no chord: nothing is outside it


@dataclass(frozen=True, slots=True)
class Phrase:
    """Ticks of one phrase: bass [T, 3], drums [T, pieces], chord [T, 4], line [T, 3] as in features.Events.

    beat [T]: whether the tick is on a beat; has: which parts there are.
    """

    bass: Ints
    drums: Ints
    chord: Ints
    line: Ints
    beat: NDArray[np.bool_]
    has: tuple[bool, bool, bool]


def measure(phrase: Phrase) -> dict[str, float]:
    """Return every learned dial's measure in its own unit; NaN where the phrase does not show it."""
    return {
        "density": density(phrase),
        "register": register(phrase),
        "tension": tension(phrase),
        "resolution": resolution(phrase),
        "syncopation": syncopation(phrase),
        "intensity": intensity(phrase),
    }


def density(phrase: Phrase) -> float:
    """Return onsets a beat, each part beside its usual rate, averaged over the parts there are."""
    counts = {
        "drums": (phrase.drums > 0).sum(),
        "chords": (phrase.chord[:, 0] >= SAME).sum(),
        "line": (phrase.line[:, 0] == LINE_ON).sum(),
    }
    beats = max(int(phrase.beat.sum()), 1)
    rates = [counts[p] / beats / USUAL_RATES[p] for p, there in zip(tokens.PARTS, phrase.has, strict=True) if there]
    return float(np.mean(rates)) if rates else np.nan


def register(phrase: Phrase) -> float:
    """Return the mean MIDI pitch of the line."""
    pitches = phrase.line[phrase.line[:, 0] == LINE_ON, 2]
    return float(pitches.mean() + LINE_LOW) if len(pitches) else np.nan


def tension(phrase: Phrase) -> float:
    """Return the mean tension of the chords that hold, and of bass and line notes that lie outside them."""
    root, quality = phrase.chord[:, 2], phrase.chord[:, 3]
    holds = root >= 0
    if not phrase.has[1] or not holds.any():
        return np.nan
    inner = np.array([QUALITY_TENSION[name] for name in tokens.QUALITIES])[quality[holds]].mean()
    line = np.where(phrase.line[:, 0] == LINE_ON, phrase.line[:, 2] + LINE_LOW, -1)
    outside = [_outside(pitch, root, quality) for pitch in (phrase.bass[:, 0], line)]
    return float(inner + OUTSIDE_TENSION * sum(outside))


def _outside(pitch: Ints, root: Ints, quality: Ints) -> float:
    """Return the share of the notes (pitch >= 0) that the chord of their tick lacks."""
    notes = (pitch >= 0) & (root >= 0)
    if not notes.any():
        return 0.0
    return float(1 - CHORD_TONES[quality[notes], (pitch[notes] - root[notes]) % 12].mean())


def resolution(phrase: Phrase) -> float:
    """Return the share of the changes of harmony whose root falls by a fifth."""
    roots = phrase.chord[phrase.chord[:, 0] == NEW, 2]
    moves = np.diff(roots) % 12
    moves = moves[moves != 0]
    return float((moves == FIFTH_DOWN).mean()) if len(moves) else np.nan


def syncopation(phrase: Phrase) -> float:
    """Return the share of kick, snare, chord and line onsets off the beat."""
    drums = phrase.drums[:, [PIECES.index("kick"), PIECES.index("snare")]] > 0
    onsets = drums.sum(1) + (phrase.chord[:, 0] >= SAME) + (phrase.line[:, 0] == LINE_ON)
    return float(onsets[~phrase.beat].sum() / onsets.sum()) if onsets.sum() else np.nan


def intensity(phrase: Phrase) -> float:
    """Return the mean loudness level of everything struck."""
    levels = np.concatenate(
        [
            phrase.drums[phrase.drums > 0],
            phrase.chord[phrase.chord[:, 0] >= SAME, 1],
            phrase.line[phrase.line[:, 0] == LINE_ON, 1],
        ]
    )
    return float(levels.mean()) if len(levels) else np.nan


def phrases_of(
    events: Events, beat: NDArray[np.bool_], phrase: Ints, has: tuple[bool, bool, bool]
) -> list[tuple[slice, Phrase]]:
    """Yield where each phrase lies, and the phrase. beat [T]; phrase [T]: the number of the phrase each tick is in."""
    starts = [0, *(np.flatnonzero(np.diff(phrase)) + 1).tolist(), len(phrase)]
    parts = [slice(a, b) for a, b in pairwise(starts)]
    e = events
    return [(at, Phrase(e.bass[at], e.drums[at], e.chord[at], e.line[at], beat[at], has)) for at in parts]


def ranks_of(phrases: list[tuple[slice, Phrase]], knots: Knots) -> dict[str, Floats]:
    """Return each dial's rank [T], NaN where it is unknown."""
    out = {name: np.full(phrases[-1][0].stop, np.nan, np.float32) for name in LEARNED}
    for at, phrase in phrases:
        for name, value in measure(phrase).items():
            out[name][at] = dials.rank(name, value, knots)
    return out


def shown_by(rng: np.random.Generator) -> dict[str, bool]:
    """Draw which dials a training crop shows: none of them in NOTHING_SHARE, else each by the toss of a coin."""
    nothing = rng.random() < NOTHING_SHARE
    return {name: not nothing and rng.random() < SHOWN_SHARE for name in (*LEARNED, "style")}
