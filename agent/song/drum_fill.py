"""The fill at the end of a bar: which one, and how it takes the groove's place."""

from __future__ import annotations

import numpy as np

from agent.song.drum_groove import LOUDEST, Bytes, DrumBar, rows_to_bar
from agent.song.groove_library import GrooveLibrary
from models.music.tokens import DrumHit


def filled(bar: DrumBar, fill: Bytes, loud: float = 1.0) -> DrumBar:
    """Return the bar whose end is a fill, uint8 [fill ticks, pieces]; a kick of the groove under it stays."""
    start = max(len(bar) - len(fill), 0)
    rows = rows_to_bar(fill[-len(bar) :])
    out = list(bar)
    for i, hits in enumerate(rows):
        kept = tuple(h for h in bar[start + i] if h.piece == "kick")
        played = tuple(
            DrumHit(h.piece, int(min(max(h.velocity * loud, 30), LOUDEST))) for h in hits if h.piece != "crash"
        )
        pieces = {h.piece for h in played}
        out[start + i] = played + tuple(h for h in kept if h.piece not in pieces)
    return tuple(out)


def choose(library: GrooveLibrary, ticks: int, style: str, rng: np.random.Generator) -> Bytes | None:
    """Return a played fill of this length, uint8 [ticks, pieces], of the style where there is one; None without any."""
    fills = [one for one in library.fills(ticks) if one.style == style] or list(library.fills(ticks))
    return np.asarray(fills[int(rng.integers(len(fills)))].hits) if fills else None
