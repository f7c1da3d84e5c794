"""Asks the learned critic (models/critic) which comping figure and which motif belong to a section's bass.

Its word on drums is not asked for: held-out songs show that it cannot tell one groove in time from another.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, group_starts
from agent.parts.comping import Figure
from agent.parts.counter_line import Motif
from agent.parts.line_placing import line_of
from models.critic.critic import Critic, beside
from models.critic.windows import LONGEST
from models.music.features import reply_events
from models.music.tokens import EMPTY_REPLY, BassTick, ChordHit, LineHit, Position, Reply

BARS = 2
SURE = 2.0  # logits beyond this count no more
VELOCITY = 80


def comping_scores(
    critic: Critic, bass: Sequence[BassBar], chords: Sequence[tuple[ChordAt, ...]], figures: Sequence[Figure]
) -> list[float]:
    """Return a logit for each figure, within SURE: whether its strokes belong to these bars."""
    bars = _window(bass, chords)
    rows = [reply_events(_comped(bars, figure))[1] for figure in figures]
    found = critic.score_comping(beside(_ticks([bar for bar, _ in bars]), _places(bars)), np.stack(rows))
    return [float(one) for one in np.clip(found, -SURE, SURE)]


def motif_scores(
    critic: Critic,
    bass: Sequence[BassBar],
    chords: Sequence[tuple[ChordAt, ...]],
    motifs: Sequence[Motif],
    scale: frozenset[int],
) -> list[float]:
    """Return a logit for each motif, within SURE: whether it belongs to these bars and their chords."""
    bars = _window(bass, chords)
    if len(bars) < BARS or bars[0][0].ticks != bars[1][0].ticks or not all(chord for _, chord in bars):
        return [0.0] * len(motifs)
    harmony = reply_events(_comped(bars, Figure("held", ((0, bars[0][0].ticks),))))[1]
    rows = [reply_events(_sung(bars, motif, scale))[2] for motif in motifs]
    read = beside(_ticks([bar for bar, _ in bars]), _places(bars))
    return [float(one) for one in np.clip(critic.score_line(read, harmony[None], np.stack(rows)), -SURE, SURE)]


def _window(
    bass: Sequence[BassBar], chords: Sequence[tuple[ChordAt, ...]]
) -> list[tuple[BassBar, tuple[ChordAt, ...]]]:
    """Return the first bars, as many as the critic reads: two of 11/4 are too long."""
    bars = list(zip(bass[:BARS], chords[:BARS], strict=False))
    return bars if sum(bar.ticks for bar, _ in bars) <= LONGEST else bars[:1]


def _ticks(bars: Sequence[BassBar]) -> list[BassTick]:
    out, sounding, left = [], None, 0
    for bar in bars:
        notes = {note.tick: note for note in bar.notes}
        for tick in range(bar.ticks):
            note, left = notes.get(tick), left - 1
            if note:
                sounding, left = note.pitch, note.length
            out.append(
                BassTick(
                    True, note.pitch if note else None, note.velocity if note else 0, sounding if left > 0 else None
                )
            )
    return out


def _places(bars: Sequence[tuple[BassBar, object]]) -> list[Position]:
    return [Position(tick, number, bar.meter) for number, (bar, _) in enumerate(bars) for tick in range(bar.ticks)]


def _comped(bars: Sequence[tuple[BassBar, tuple[ChordAt, ...]]], figure: Figure) -> list[Reply]:
    out = []
    for bar, chords in bars:
        strokes = dict(figure.strokes)
        ends = {tick + length for tick, length in figure.strokes}
        for tick in range(bar.ticks):
            chord = next((one for one in reversed(chords) if one.tick <= tick), None)
            hit = ChordHit(chord.root, chord.quality, VELOCITY) if chord and tick in strokes else None
            out.append(Reply(chord=hit, chord_off=hit is None and tick in ends))
    return out


def _sung(bars: Sequence[tuple[BassBar, tuple[ChordAt, ...]]], motif: Motif, scale: frozenset[int]) -> list[Reply]:
    out = [EMPTY_REPLY] * sum(bar.ticks for bar, _ in bars)
    for number, (bar, chords) in enumerate(bars):
        beats = group_starts(bar.meter, bar.ticks)
        for note in line_of(motif, number, bar.ticks, chords, bars[0][1][0], scale, beats, 0.0):
            at = number * bar.ticks + note.tick
            out[at] = Reply(line=LineHit(min(note.pitch, 84), note.velocity))
            if at + note.length < len(out) and out[at + note.length] == EMPTY_REPLY:
                out[at + note.length] = Reply(line_off=True)
    return out
