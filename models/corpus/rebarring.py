"""Re-bar a piece in four: cut or repeat whole beats of every bar in all parts at once, so that it has odd meters.

Real bands in odd meters hardly exist with a free licence; a bar of 4/4 with its last beat played again is a 5/4 in
which all parts still belong together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from listener.types import Meter
from models.corpus.song import Song
from models.music import tokens
from models.music.features import Events, Ints
from models.music.tokens import LINE_OFF, LINE_ON

FOUR = Meter(4, 4)
BAR = 16
# meter -> ways to make one bar of it: ticks of `bars` bars of 4/4, in order
WAYS: Mapping[Meter, tuple[tuple[int, tuple[tuple[int, int], ...]], ...]] = {
    Meter(3, 4): ((1, ((0, 12),)), (1, ((0, 8), (12, 16)))),
    Meter(5, 4): ((1, ((0, 16), (12, 16))), (1, ((0, 12), (8, 16)))),
    Meter(6, 4): ((1, ((0, 16), (8, 16))), (2, ((0, 16), (24, 32)))),
    Meter(7, 4): ((2, ((0, 16), (16, 28))), (2, ((0, 16), (16, 24), (28, 32)))),
    Meter(7, 8, (2, 2, 3)): ((1, ((0, 14),)),),
    Meter(5, 8, (3, 2)): ((1, ((0, 10),)),),
}


def rebarred(song: Song, meter: Meter, way: int = 0) -> Song:
    """Return the piece in another meter. ValueError: a meter that is not among WAYS, or no whole bar of 4/4."""
    if meter not in WAYS:
        raise ValueError(f"{meter}: not made from 4/4; choose one of {', '.join(map(str, WAYS))}")
    bars, parts = WAYS[meter][way % len(WAYS[meter])]
    starts = _whole_bars(song)
    starts = starts[: len(starts) // bars * bars : bars]
    if not len(starts):
        raise ValueError(f"{song.name}: no whole bars of 4/4 to re-bar")
    one = np.concatenate([np.arange(a, b) for a, b in parts])
    index = (starts[:, None] + one).ravel()
    e = song.events
    events = Events(_bass(e.bass[index]), e.known[index], e.drums[index], _chord(e.chord[index]), _line(e.line[index]))
    length = len(one)
    places = np.arange(len(index))
    sound = None if song.sound is None else song.sound[index]
    return replace(
        song,
        ticks=places % length,
        bars=places // length,
        meters=(meter,) * len(index),
        events=events,
        sound=sound,
    )


def can_be_rebarred(song: Song) -> bool:
    """Return whether a piece is in 4/4 and long enough to be worth it."""
    return song.meter == FOUR and len(_whole_bars(song)) >= 8


def _whole_bars(song: Song) -> Ints:
    """Return the first ticks of the whole bars of 4/4 that follow each other, from the first on."""
    four = np.array([meter == FOUR for meter in song.meters])
    starts = np.flatnonzero((song.ticks == 0) & four)
    whole = [np.array_equal(song.ticks[start : start + BAR], np.arange(BAR)) for start in starts]
    return np.asarray(starts[np.array(whole, bool)])


def _bass(bass: Ints) -> Ints:
    """Silence what sounds on after its onset was cut."""
    out, holds = bass.copy(), -1
    for tick, (onset, _, sounding) in enumerate(bass.tolist()):
        holds = onset if onset >= 0 else holds if sounding == holds else -1
        out[tick, 2] = holds if sounding >= 0 else -1
    return out


def _chord(chord: Ints) -> Ints:
    """Let a harmony hold until its next stroke, and say of each stroke whether it is a new one."""
    out, root, quality = chord.copy(), -1, -1
    for tick, (action, level, now_root, now_quality) in enumerate(chord.tolist()):
        if action >= tokens.SAME:
            same = (now_root, now_quality) == (root, quality)
            root, quality = now_root, now_quality
            out[tick] = tokens.SAME if same else tokens.NEW, level, root, quality
        else:
            out[tick, 2:] = root, quality
    return out


def _line(line: Ints) -> Ints:
    """Leave out ends of notes that were cut."""
    out, sounds = line.copy(), False
    for tick, action in enumerate(line[:, 0].tolist()):
        if action == LINE_OFF and not sounds:
            out[tick] = tokens.LINE_HOLD, 0, -1
        sounds = action == LINE_ON or (sounds and action != LINE_OFF)
    return out
