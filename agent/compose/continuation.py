"""Reads a MIDI file that the music is to continue: its last bars as ticks, and key, meter and tempo at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.compose.composer import Moment, moments_of
from agent.core.errors import UserError
from agent.directions.key_filter import key_from
from listener.types import Key, Meter
from models.music.midi_reader import DEFAULT_QUARTER_US, DRUM_CHANNEL, Score, Unusable, read_score
from models.music.tick_grid import TickGrid, arrange

KEY_QUARTERS = 64  # the key is found in the last so many quarters


@dataclass(frozen=True, slots=True)
class Start:
    """What a file ends with. bpm: quarters a minute; swung: whether it is swung; context: its last bars."""

    key: Key
    meter: Meter
    bpm: float
    swung: bool
    context: tuple[Moment, ...]


def read(path: Path) -> Start:
    """Return how a MIDI file ends. Raises UserError when it cannot be read or has no bass."""
    try:
        score = read_score(path, near=True)
        piece = arrange(score, path.name, guess=True, min_bars=1)
    except Unusable as cause:
        raise UserError(str(cause)) from None
    quarter_us = score.tempi[-1][1] if score.tempi else DEFAULT_QUARTER_US
    return Start(key_at_end(score), piece.meters[-1], 60e6 / quarter_us, TickGrid.of(score).is_swung, moments_of(piece))


def key_at_end(score: Score) -> Key:
    """Return the key of the last KEY_QUARTERS, from how long each pitch class sounds."""
    weights = np.zeros(12)
    since = max(n.end for t in score.tracks for n in t.notes) - KEY_QUARTERS * score.per_quarter
    for track in score.tracks:
        for note in track.notes if track.channel != DRUM_CHANNEL else ():
            weights[note.pitch % 12] += max(note.end - max(note.start, since), 0)
    return key_from(weights)
