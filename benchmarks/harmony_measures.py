"""What is measured of chords under a line (arXiv 2506.14723, ReaLchords, where not said otherwise), over all songs.

note_in_chord: share of the sounding ticks of a line whose pitch class the chord contains; silence counts as a miss.
onset_emd_ticks: earth mover's distance, in 16ths, between the distributions of the time from the line's last onset to
each chord onset (0 to 16, more) of a system and of the ground truth. length_emd_ticks: the same of chord lengths.
length_entropy_bits: entropy of chord lengths. chord_entropy_bits: of chords by duration, root and quality.
distinct_chords. tones_per_chord, by duration: more tones contain more notes. vendi: Vendi score (Friedman & Dieng 2022)
over songs, kernel: cosine of the counts of chord changes (quality, interval, quality), which do not depend on the key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.baselines.pop909 import NO_CHORD, QUALITIES, REST, chord_tones

Array = NDArray[np.int64]
LONGEST_TICKS = 16
LONGEST_CHORD_TICKS = 64
TONES = chord_tones().astype(bool)
COUNT = len(QUALITIES)


def hits(pitch: Array, chord: Array) -> NDArray[np.bool_]:
    """[sounding ticks]: whether the chord contains the note."""
    on = pitch != REST
    return TONES[chord[on], pitch[on] % 12]


def note_in_chord(pitches: Sequence[Array], chords: Sequence[Array]) -> float:
    return float(np.concatenate([hits(p, c) for p, c in zip(pitches, chords, strict=True)]).mean())


def onsets(chord: Array) -> Array:
    """Ticks at which another chord begins (silence is none)."""
    before = np.concatenate([[NO_CHORD], chord[:-1]])
    return np.flatnonzero((chord != before) & (chord != NO_CHORD))


def onset_intervals(line_on: Array, chord: Array) -> Array:
    """From the line's last onset, if there was one, to each chord onset, in ticks."""
    line = np.flatnonzero(line_on)
    last = np.searchsorted(line, onsets(chord), side="right") - 1
    return (onsets(chord) - line[np.maximum(last, 0)])[last >= 0] if len(line) else np.zeros(0, np.int64)


def chord_lengths(chord: Array) -> Array:
    """In ticks; silence has none."""
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(chord)) + 1, [len(chord)]])
    return np.diff(cuts)[chord[cuts[:-1]] != NO_CHORD]


def distribution(values: Array, longest: int) -> NDArray[np.float64]:
    """Shares of 0, 1, ... longest, more."""
    counts = np.bincount(np.minimum(values, longest + 1), minlength=longest + 2)
    return counts / max(counts.sum(), 1)


def emd(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Earth mover's distance in bins between two distributions over the same bins."""
    return float(np.abs(np.cumsum(a - b)).sum())


def entropy_bits(counts: NDArray[np.float64]) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log2(p)).sum())


def changes(chord: Array) -> NDArray[np.float64]:
    """[COUNT * 12 * COUNT]: how often each change (quality, interval, quality) is made."""
    held = chord[onsets(chord)]
    root, quality = held // COUNT, held % COUNT
    index = (quality[:-1] * 12 + np.diff(root) % 12) * COUNT + quality[1:]
    return np.bincount(index, minlength=COUNT * 12 * COUNT).astype(float)


def vendi(vectors: NDArray[np.float64]) -> float:
    """vectors [N, D] -> 1 (all alike) to N (nothing in common); kernel: cosine. A zero vector is like itself alone."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(norms > 0, norms, 1)
    kernel = unit @ unit.T
    np.fill_diagonal(kernel, 1)
    values = np.linalg.eigvalsh(kernel / len(kernel)).clip(1e-12)
    return float(np.exp(-(values * np.log(values)).sum()))


def measures(
    pitches: Sequence[Array], line_on: Sequence[Array], chords: Sequence[Array], truth: Sequence[Array]
) -> dict[str, float]:
    """Every figure of one system over songs; all arrays [T] per song."""
    share = note_in_chord(pitches, chords)
    intervals, of_truth = (
        distribution(np.concatenate([onset_intervals(o, c) for o, c in zip(line_on, some, strict=True)]), LONGEST_TICKS)
        for some in (chords, truth)
    )
    lengths, true_lengths = (np.concatenate([chord_lengths(c) for c in some]) for some in (chords, truth))
    by_duration = np.bincount(np.concatenate(list(chords)), minlength=NO_CHORD + 1)[:NO_CHORD].astype(float)
    return {
        "note_in_chord": share,
        "of_ground_truth": share / note_in_chord(pitches, truth),
        "onset_emd_ticks": emd(intervals, of_truth),
        "length_emd_ticks": emd(*(distribution(some, LONGEST_CHORD_TICKS) for some in (lengths, true_lengths))),
        "length_entropy_bits": entropy_bits(np.bincount(lengths).astype(float)) if len(lengths) else 0.0,
        "distinct_chords": float((by_duration > 0).sum()),
        "chord_entropy_bits": entropy_bits(by_duration),
        "tones_per_chord": float(by_duration @ TONES[:NO_CHORD].sum(1) / by_duration.sum()),
        "vendi": vendi(np.stack([changes(c) for c in chords])),
    }


def recovery_beats(pushed: NDArray[np.float64], usual: NDArray[np.float64], share: float = 0.95) -> int:
    """pushed, usual [beats]: note-in-chord of each beat after a push, and of the same beats without it. How many beats
    pass before two beats running have `share` of the usual; all of them if none do."""
    back = np.flatnonzero((pushed[:-1] + pushed[1:]) >= share * (usual[:-1] + usual[1:]))
    return int(back[0]) if len(back) else len(pushed)
