"""Colours a harmony: sevenths and tensions as asked for, and whether it comes to rest.

What is remembered of the harmony stays as it was, so that it comes back when it is asked for no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from agent.parts.bar_chords import ChordAt, fits
from agent.parts.bass_bar import BassBar, group_starts, middle_of
from agent.parts.song_key import SongKey
from models.music.tokens import QUALITIES

PLAINER = {"maj7": "maj", "7": "maj", "min7": "min", "min7b5": "dim", "sus4": "maj"}
FROM_TENSION = 0.12  # of the dial's bend, from which tensions are added
MOST_RUBS = 0.82  # share of chords with a tension when all of it is asked for
DOMINANT_FROM = 0.4  # of the bend, from which major chords may get a minor seventh
TWO_FROM = 0.75  # of the bend: from here on a chord has two tensions
MODES = {"maj": (6, 10), "min": (9, 11)}  # degrees that the key's modes add: lydian, mixolydian; dorian, harmonic
FIFTH = 7
OPEN_FROM, NEVER_FROM = -0.15, -0.6  # bend of resolution: phrases stay open; nothing falls by a fifth
CADENCE_FROM = (0.15, 0.4, 0.7)  # bend of resolution: a cadence before each phrase, each four bars, each two


def coloured(
    chords: Sequence[ChordAt],
    key: SongKey,
    share: float,
    tension: float,
    number: int,
    rng: np.random.Generator,
    luck: tuple[int, ...] = (),
) -> tuple[ChordAt, ...]:
    """Return the chords, some with the seventh that the key gives them, and with tensions where they are asked for.

    share: 0 to 1, how many have a seventh. tension: -1 to 1. number: of the bar, so that kinds of tension take turns.
    luck: a seed; a chord has the same luck whenever it comes again, but where tensions are asked for.
    """
    out = []
    for at, chord in enumerate(chords):
        draw = float(rng.random())
        if luck and abs(tension) <= FROM_TENSION:
            draw = float(np.random.default_rng((*luck, chord.root, list(QUALITIES).index(chord.quality))).random())
        quality = _seventh(chord, key) if draw < share else chord.quality
        if draw < -tension:
            quality = PLAINER.get(quality, quality)
        added: tuple[int, ...] = ()
        if tension > FROM_TENSION and draw < MOST_RUBS * tension:
            added = _tensions(ChordAt(0, chord.root, quality), key, number + at, 2 if tension > TWO_FROM else 1)
        if draw < tension - DOMINANT_FROM and quality in ("maj", "maj7") and _is_free(chord, key):
            quality = "7"
        out.append(replace(chord, quality=quality, added=added, voicing=()))
    return tuple(out)


def _seventh(chord: ChordAt, key: SongKey) -> str:
    minor, major = (chord.root + 10) % 12, (chord.root + 11) % 12
    if chord.quality == "min" and minor in key.scale:
        return "min7"
    if chord.quality == "maj" and key.tonic >= 0:
        if major in key.scale and (chord.root - key.tonic) % 12 != FIFTH:
            return "maj7"
        return "7" if minor in key.scale else chord.quality
    return chord.quality


def _is_free(chord: ChordAt, key: SongKey) -> bool:
    """Return whether a minor seventh on the chord is of the key or of one of its modes."""
    wide = key.scale | {(key.tonic + step) % 12 for step in MODES[key.mode]}
    return key.tonic >= 0 and (chord.root + 10) % 12 in wide


def _tensions(chord: ChordAt, key: SongKey, turn: int, count: int) -> tuple[int, ...]:
    """Return notes that rub with the root: second, ninth, tritone, major seventh, minor second, in turns.

    They are of the key or, for tritone and major seventh, of one of its modes.
    """
    if key.tonic < 0:
        return (2,)
    wide = key.scale | {(key.tonic + step) % 12 for step in MODES[key.mode]}
    minor = 3 in QUALITIES[chord.quality]
    have = {step % 12 for step in QUALITIES[chord.quality]}
    can = [
        step
        for step, scale in ((2, key.scale), (11, wide), (6, wide), (14, key.scale), (1, key.scale))
        if (chord.root + step) % 12 in scale and step % 12 not in have and not (step == 11 and 10 in have)
    ]
    if minor and 1 in can:
        can.remove(1)
    if 6 in can and (5 in have or (minor and (chord.root + 6) % 12 not in key.scale)):
        can.remove(6)
    if not can:
        return ()
    turned = [*can[turn % len(can) :], *can[: turn % len(can)]]
    taken = [turned[0]]
    for step in turned[1:]:
        if len(taken) < count and all((step - other) % 12 for other in taken):
            taken.append(step)
    return tuple(taken)


def unresolved(
    chords: Sequence[ChordAt], before: ChordAt | None, key: SongKey, bass: BassBar, resolution: float, starts: bool
) -> tuple[ChordAt, ...]:
    """Return the chords without falls to rest: dominants suspended, a fall by a fifth ending on the relative chord.

    resolution: -1 to 1. starts: whether a phrase begins here: the first place to be left open.
    """
    if resolution > OPEN_FROM or not (starts or resolution <= NEVER_FROM):
        return tuple(chords)
    out: list[ChordAt] = []
    last = before
    for at, chord in enumerate(chords):
        until = chords[at + 1].tick if at + 1 < len(chords) else bass.ticks
        heard = {note.pitch % 12 for note in bass.notes if chord.tick <= note.tick < until}
        if last and (last.root - chord.root) % 12 == FIFTH:
            chord = _deceptive(chord, key)
        elif 4 in QUALITIES[chord.quality] and _leads(chord, key):
            third = (chord.root + 4) % 12 in heard
            chord = replace(chord, quality="maj" if third else "sus4", added=tuple(t for t in chord.added if t != 10))
        if resolution <= NEVER_FROM:
            chord = _without_dominant(chord, heard)
        out.append(chord)
        last = chord
    return tuple(out)


def _without_dominant(chord: ChordAt, heard: set[int]) -> ChordAt:
    """Return the chord with as many of its tensions and its seventh as make no dominant seventh with the bass."""
    for one in (
        chord,
        replace(chord, added=()),
        replace(chord, quality=PLAINER.get(chord.quality, chord.quality), added=()),
    ):
        classes = one.tones | {(one.root + step) % 12 for step in one.added}
        roots = classes | heard
        if not any({(root + 4) % 12, (root + 10) % 12} <= roots and root in classes for root in roots):
            return one
    return replace(chord, quality=PLAINER.get(chord.quality, chord.quality), added=())


def _leads(chord: ChordAt, key: SongKey) -> bool:
    return chord.quality == "7" or (key.tonic >= 0 and (chord.root - key.tonic) % 12 == FIFTH)


def _deceptive(chord: ChordAt, key: SongKey) -> ChordAt:
    """Return the chord a third below, which has all tones of a triad: the bass stays right, rest does not come."""
    if 3 in QUALITIES[chord.quality]:
        down = 8 if key.tonic < 0 or (chord.root + 8) % 12 in key.scale else 9
        return replace(chord, root=(chord.root + down) % 12, quality="maj7" if down == 8 else "min7b5", added=())
    return replace(chord, root=(chord.root + 9) % 12, quality="min7", added=())


def with_cadence(
    chords: Sequence[ChordAt], coming: Sequence[ChordAt], bass: BassBar, resolution: float, bar: int, ends: bool
) -> tuple[ChordAt, ...]:
    """Return the chords with the dominant of what comes at the bar's end, where it is asked for and the bass allows it.

    coming: the chords of the next bar. bar: of the phrase. ends: whether the phrase ends.
    """
    phrase, four, two = CADENCE_FROM
    wanted = (ends and resolution >= phrase) or (bar % 4 == 3 and resolution >= four)
    wanted = wanted or (bar % 2 == 1 and resolution >= two)
    if not wanted or not chords or not coming:
        return tuple(chords)
    dominant = ChordAt(0, (coming[0].root + FIFTH) % 12, "7")
    if dominant.root == chords[-1].root:
        return (*chords[:-1], replace(chords[-1], quality="7", added=()))
    starts = group_starts(bass.meter, bass.ticks)
    for tick in (middle_of(bass.meter, bass.ticks), starts[-1]):
        notes = [note for note in bass.notes if note.tick >= tick and note.tick in starts]
        ringing = [note for note in bass.notes if note.tick < tick < note.tick + note.length]
        if tick and all(fits(dominant, note.pitch) for note in [*notes, *ringing]):
            return (*(one for one in chords if one.tick < tick), replace(dominant, tick=tick))
    return tuple(chords)
