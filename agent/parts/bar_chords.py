"""Finds the chords of a bar: one, or two where the bass says so; remembered by the bass bar they went with.

A note speaks for the chords it belongs to by its place in the bar (shares of listener/music/harmony.py), the key for
those that belong to it. Passing notes do not move the harmony.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from agent.parts.bass_bar import BassBar, BassNote, group_starts, middle_of
from agent.parts.song_key import SongKey
from listener.music.harmony import DOWN, KINDS, MIDDLE, NOTES, OFF, ON, PLACE_WEIGHT
from listener.music.key import CHORD_PRIORS, MODES
from listener.types import Meter
from models.music.tokens import QUALITIES

Floats = NDArray[np.float64]

SPLIT_COST = 2.6  # nats that two chords in a bar have to gain over one
OFF_MIDDLE_COST = 0.6  # nats more, where the second does not begin in the middle of the bar
STAY, HOME = 0.5, 0.35  # nats for the chord that holds, for the tonic
PRIOR_SAY, GIVEN_SAY = 0.8, 2.0  # of the key in the choice of a chord; times it where a key was asked for
DIMINISHED = -1.2  # nats
ROOT_ON_ONE = 0.9  # nats for the root of the first note of the bar or half
SEVENTH_SHARE = 0.18  # of what sounds in a segment, from which a played seventh belongs to the chord
PASSING = 0.2
LONGEST_BAR, FOUR_TICKS = 32, 16  # ticks of a bar, beyond which it is read as several of four quarters
OUTSIDE = 1.2  # nats for a tone outside the scale that is played


@dataclass(frozen=True, slots=True)
class ChordAt:
    """A chord from a tick of the bar on. root: pitch class; quality: a name of models/music/tokens.QUALITIES.

    added: tensions, semitones above the root (2: second, 14: ninth). voicing: its pitches, () before it is voiced.
    """

    tick: int
    root: int
    quality: str
    added: tuple[int, ...] = ()
    voicing: tuple[int, ...] = ()

    @property
    def tones(self) -> frozenset[int]:
        return _tones(self.root, self.quality)


@cache
def _tones(root: int, quality: str) -> frozenset[int]:
    return frozenset((root + step) % 12 for step in QUALITIES[quality])


def place_of(note: BassNote, bar: BassBar) -> int:
    """Return DOWN, MIDDLE, ON or OFF."""
    if note.tick == 0:
        return DOWN
    starts = group_starts(bar.meter, bar.ticks)
    if note.tick == middle_of(bar.meter, bar.ticks):
        return MIDDLE
    return ON if note.tick in starts else OFF


def says(bar: BassBar, start: int, end: int) -> tuple[Floats, Floats]:
    """Return (nats [12 roots, 3 kinds], weight of each pitch class [12]) of the notes that begin in start..end."""
    nats, weights = np.zeros((12, len(KINDS))), np.zeros(12)
    notes = bar.notes
    for i, note in enumerate(notes):
        if not start <= note.tick < end:
            continue
        place = place_of(note, bar)
        weight = PLACE_WEIGHT[place] * min(note.length, 8) ** 0.5
        after = notes[i + 1] if i + 1 < len(notes) else None
        if after and place == OFF and abs(after.pitch - note.pitch) in (1, 2) and note.length <= 2:
            weight *= PASSING
        nats += weight * NOTES[place, note.pitch % 12]
        weights[note.pitch % 12] += weight
        if note.tick == start:
            nats[note.pitch % 12] += ROOT_ON_ONE
    return nats, weights


def key_prior(key: SongKey) -> Floats:
    """Return log shares [12 roots, 3 kinds] of chords in the key that stands; flat before there is one.

    Thirds and fifths outside the scale that is played cost as much as a chord the key never has.
    """
    if key.tonic < 0:
        return np.zeros((12, len(KINDS)))
    share = CHORD_PRIORS[MODES.index(key.mode) * 12 + key.tonic]
    log = np.log(np.maximum(np.asarray(share), 0.003))
    for root in range(12):
        for k, kind in enumerate(KINDS):
            outside = sum((root + step) % 12 not in key.scale for step in QUALITIES[kind])
            log[root, k] -= OUTSIDE * outside
    log[:, KINDS.index("dim")] += DIMINISHED
    log[key.tonic] += HOME
    return np.asarray(PRIOR_SAY * (GIVEN_SAY if key.given else 1.0) * (log - log.max()))


def chords_of(
    bar: BassBar,
    key: SongKey,
    held: ChordAt | None,
    remembered: Sequence[ChordAt] = (),
    sevenths: bool = False,
    falls: float = 0.0,
) -> tuple[ChordAt, ...]:
    """Return the chords of a bar from its bass, the key, the chord that holds and what the same bar had before.

    An empty bar keeps the chord that holds (nothing before there is one). falls: nats for a chord a fifth below the
    one that holds.
    """
    if remembered:
        return tuple(remembered)
    if not bar.notes:
        return (ChordAt(0, held.root, held.quality),) if held else ()
    if bar.ticks > LONGEST_BAR:
        return _by_fours(bar, key, held, sevenths, falls)
    prior = key_prior(key)
    if held and falls:
        prior[(held.root + 5) % 12] += falls
    whole, weights = says(bar, 0, bar.ticks)
    one, one_nats = _best(whole + prior, held)
    chords: tuple[ChordAt, ...] = (_named(0, one, weights, key, sevenths),)
    most = one_nats
    middle = middle_of(bar.meter, bar.ticks)
    for beat in group_starts(bar.meter, bar.ticks)[1:]:
        first, first_weights = says(bar, 0, beat)
        second, second_weights = says(bar, beat, bar.ticks)
        if not second_weights.sum() or not first_weights.sum() or (beat != middle and beat not in bar.rhythm):
            continue
        a, a_nats = _best(first + prior, held)
        b, b_nats = _best(second + prior, None)
        nats = a_nats + b_nats - prior[b] - SPLIT_COST - OFF_MIDDLE_COST * (beat != middle)
        if a[0] != b[0] and nats >= most:
            chords = _named(0, a, first_weights, key, sevenths), _named(beat, b, second_weights, key, sevenths)
            most = nats
    return chords


def _by_fours(bar: BassBar, key: SongKey, held: ChordAt | None, sevenths: bool, falls: float) -> tuple[ChordAt, ...]:
    """Return the chords of a long bar, read as several of four quarters and what is left."""
    out: list[ChordAt] = []
    for start in range(0, bar.ticks, FOUR_TICKS):
        ticks = min(FOUR_TICKS, bar.ticks - start)
        notes = tuple(replace(n, tick=n.tick - start) for n in bar.notes if start <= n.tick < start + ticks)
        part = BassBar(Meter(max(ticks // 4, 1), 4), ticks, notes)
        for chord in chords_of(part, key, held, (), sevenths, falls):
            if not out or (chord.root, chord.quality) != (out[-1].root, out[-1].quality):
                out.append(replace(chord, tick=start + chord.tick))
            held = chord
    return tuple(out) if out and not out[0].tick else (replace(out[0], tick=0), *out[1:]) if out else ()


def _best(nats: Floats, held: ChordAt | None) -> tuple[tuple[int, int], float]:
    nats = nats.copy()
    if held:
        kind = _kind(held.quality)
        nats[held.root, kind] += STAY
    at = np.unravel_index(int(nats.argmax()), nats.shape)
    return (int(at[0]), int(at[1])), float(nats.max())


def _kind(quality: str) -> int:
    third = QUALITIES[quality][1]
    return KINDS.index("dim" if 6 in QUALITIES[quality] else "min" if third == 3 else "maj")


def _named(tick: int, chord: tuple[int, int], weights: Floats, key: SongKey, sevenths: bool) -> ChordAt:
    """Return the chord with its seventh where the bass plays it or the style asks for it."""
    root, kind = chord[0], KINDS[chord[1]]
    minor, major = (root + 10) % 12, (root + 11) % 12
    total = max(float(weights.sum()), 1e-9)
    played = weights[minor] / total > SEVENTH_SHARE
    if kind == "min" and (played or (sevenths and minor in key.scale)):
        return ChordAt(tick, root, "min7")
    if kind == "maj" and played and minor in key.scale:
        return ChordAt(tick, root, "7")
    if kind == "maj" and sevenths and key.tonic >= 0:
        return ChordAt(tick, root, "7" if minor in key.scale else "maj7" if major in key.scale else "maj")
    if kind == "dim":
        return ChordAt(tick, root, "min7b5" if played else "dim")
    return ChordAt(tick, root, kind)


def fits(chord: ChordAt, pitch: int) -> bool:
    """Return whether a bass note belongs to a chord."""
    return pitch % 12 in chord.tones
