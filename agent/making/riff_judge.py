"""Judges a bass riff as a bassist would: can it be played, does it repeat, does it say the chord, is it as asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from agent.making.bass_riff import RiffWish
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, group_starts, jaccard, likeness
from agent.parts.comping import Figure
from agent.parts.judging import comping_scores
from models.critic.critic import Critic

STRINGS = (28, 33, 38, 43)  # E A D G
FRETS, SPAN = 17, 4  # of a hand's position
FASTEST_S = 0.095  # between two notes with two fingers
REACH_S = 0.28  # for a shift of an octave of frets
# weights of the figures, each 0 to 1 (1 is best) but the critic's logit
SAYS = {"play": 2.0, "answer": 1.2, "chord": 1.8, "density": 1.5, "pitches": 1.4, "motion": 0.6, "rests": 0.6}
CRITIC_SAY = 0.25


def effort(notes: Sequence[tuple[float, int]]) -> float:
    """Return 0 to 1, how hard notes (onset_s, pitch) are to play: shifts of the hand too quick, and notes too fast.

    The least effort over all ways of fingering them on a four-string bass (dynamic programming over strings).
    """
    if len(notes) < 2:
        return 0.0
    states = dict.fromkeys(_frets(notes[0][1]), 0.0)
    for (t0, _), (t1, pitch) in pairwise(notes):
        gap = max(t1 - t0, 1e-3)
        hurry = max(FASTEST_S / gap - 1, 0.0)
        states = {
            fret: min(cost + hurry + _shift(old, fret, gap) for old, cost in states.items()) for fret in _frets(pitch)
        }
        if not states:
            return 1.0
    return float(min(min(states.values()) / len(notes), 1.0))


def _frets(pitch: int) -> list[int]:
    return [pitch - string for string in STRINGS if 0 <= pitch - string <= FRETS]


def _shift(old: int, new: int, gap_s: float) -> float:
    if not old or not new:
        return 0.0  # an open string leaves the hand where it is
    beyond = max(abs(new - old) - SPAN, 0)
    return float(beyond / 12 * REACH_S / gap_s)


def judged(
    riff: Sequence[BassBar], wish: RiffWish, tick_s: float, critic: Critic | None
) -> tuple[float, dict[str, float]]:
    """Return (worth, figures) of a riff. tick_s: seconds of a 16th."""
    notes = [(number * bar.ticks + note.tick, note) for number, bar in enumerate(riff) for note in bar.notes]
    if not notes:
        return -9.0, {}
    ticks = sum(bar.ticks for bar in riff)
    figures = {
        "play": 1 - effort([(at * tick_s, note.pitch) for at, note in notes]),
        "answer": _answer(riff),
        "chord": _says_chord(riff, wish.chords),
        "density": float(np.exp(-abs(np.log2((16 * len(notes) / ticks + 0.5) / (wish.density + 0.5))) * 2)),
        "pitches": _variety(_steps(riff, wish.chords)),
        "motion": _motion([note.pitch for _, note in notes]),
        "rests": min(1.0, 3 * (1 - sum(note.length for _, note in notes) / ticks)),
    }
    worth = sum(SAYS[name] * value for name, value in figures.items())
    if critic:
        figures["critic"] = critic_says(riff, wish.chords, critic)
        worth += CRITIC_SAY * figures["critic"]
    return worth, figures


def _answer(riff: Sequence[BassBar]) -> float:
    """Return how well the second bar answers the first: the same figure, not the same bar."""
    if len(riff) < 2:
        return 0.5
    like = float(np.mean([jaccard(a.rhythm, b.rhythm) for a, b in pairwise(riff)]))
    return 1 - min(abs(like - 0.65) / 0.65, 1.0)


def _says_chord(riff: Sequence[BassBar], chords: Sequence[tuple[ChordAt, ...]]) -> float:
    """Return the share of notes on felt beats that belong to the chord, roots where it begins counted twice."""
    said, total = 0.0, 0.0
    for bar, own in zip(riff, chords, strict=False):
        beats = group_starts(bar.meter, bar.ticks)
        for note in bar.notes:
            chord = next((one for one in reversed(own) if one.tick <= note.tick), own[0])
            if chord.tick == note.tick:
                said, total = said + 2 * (note.pitch % 12 == chord.root), total + 2
            elif note.tick in beats:
                said, total = said + (note.pitch % 12 in chord.tones), total + 1
        missing = sum(all(note.tick != one.tick for note in bar.notes) for one in own)
        total += 2 * missing
    return said / total if total else 0.0


def _steps(riff: Sequence[BassBar], chords: Sequence[tuple[ChordAt, ...]]) -> list[int]:
    """Return each note's place above or below the root of its chord, in semitones from one octave."""
    steps = []
    for bar, own in zip(riff, chords, strict=False):
        for note in bar.notes:
            chord = next((one for one in reversed(own) if one.tick <= note.tick), own[0])
            steps.append((note.pitch - chord.root) % 12 + 12 * (note.pitch - bar.notes[0].pitch >= 12))
    return steps


def _variety(pitches: Sequence[int]) -> float:
    """Return 1 for three or four pitches, less for one and for many; much less where nearly all notes are the same."""
    count, most = len(set(pitches)), Counter(pitches).most_common(1)[0][1] / len(pitches)
    return {1: 0.1, 2: 0.6, 3: 1.0, 4: 1.0, 5: 0.8, 6: 0.5}.get(count, 0.25) * (1.0 if most < 0.75 else 0.7)


def _motion(pitches: Sequence[int]) -> float:
    """Return the share of moves that are repeats, steps, or leaps to a fifth or octave."""
    leaps = [abs(b - a) for a, b in pairwise(pitches)]
    good = [one in (0, 1, 2, 3, 5, 7, 12) for one in leaps]
    return float(np.mean(good)) if good else 0.5


def critic_says(riff: Sequence[BassBar], chords: Sequence[tuple[ChordAt, ...]], critic: Critic) -> float:
    """Return the critic's logit, within 2, that these chords, held, belong to this bass."""
    held = Figure("held", ((0, riff[0].ticks),))
    return comping_scores(critic, riff, chords, [held])[0]


def unlike(riff: Sequence[BassBar], others: Sequence[Sequence[BassBar]]) -> float:
    """Return 0 to 1: how unlike the riffs of other sections it is, by its most alike bar."""
    likes = [likeness(a, b) for other in others for a in riff for b in other]
    return 1 - max(likes, default=0.0)
