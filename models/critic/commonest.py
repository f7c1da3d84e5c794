"""Finds the commonest bar of a part in each meter: what a critic must not prefer to what was written for a bass."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from listener.types import Meter
from models.critic.perturb import HAS, Rows, Songs, enough, plain, reference
from models.music import tokens
from models.music.features import Ints
from models.music.tokens import LINE_LOW, LINE_ON

COUNTED = 8  # times that a bar counts in one song


def commonest(part: str, songs: Songs) -> dict[Meter, Ints]:
    """Return meter -> the commonest bar of composed songs, without its loudness, pitches above the bass's reference.

    A song that loops counts a bar COUNTED times at most, or one loop would be everybody's.
    """
    votes: dict[Meter, Counter[bytes]] = defaultdict(Counter)
    shape: dict[Meter, tuple[int, ...]] = {}
    for index, song in enumerate(songs.songs):
        if song.source == "mma" or not song.has[HAS[part]]:
            continue
        own: dict[Meter, Counter[bytes]] = defaultdict(Counter)
        for bar in range(songs.bar_count(index)):
            window = songs.window(index, bar, 1)
            if window is not None and enough(part, songs.rows(window), songs.bass(window)):
                content = _plain_bar(part, songs.rows(window), reference(songs.bass(window)))
                own[plain(window.meter)][content.tobytes()] += 1
                shape[plain(window.meter)] = content.shape
        for meter, counts in own.items():
            votes[meter].update({content: min(count, COUNTED) for content, count in counts.items()})
    first = {meter: found.most_common(1)[0][0] for meter, found in votes.items()}
    return {meter: np.frombuffer(bar, np.int64).reshape(shape[meter]).copy() for meter, bar in first.items()}


def _plain_bar(part: str, rows: Rows, base: int) -> Ints:
    """Return the bar without its loudness: level 3 everywhere; pitches above the reference."""
    if part == "drums":
        return np.where(rows.drums > 0, 3, 0).astype(np.int64)
    if part == "comping":
        chord = rows.chord.astype(np.int64).copy()
        chord[:, 1] = np.where(chord[:, 0] >= tokens.SAME, 3, 0)
        chord[:, 2] = np.where(chord[:, 2] >= 0, (chord[:, 2] - base) % 12, -1)
        if not (chord[:, 0] >= tokens.SAME).any() or chord[0, 0] < tokens.SAME:
            chord[: int(np.argmax(chord[:, 0] >= tokens.SAME)), 2:] = -1
        return chord
    line = rows.line.astype(np.int64).copy()
    on = line[:, 0] == LINE_ON
    line[:, 1] = np.where(on, 3, 0)
    line[:, 2] = np.where(on, (line[:, 2] + LINE_LOW - base) % 12, -1)
    return line
