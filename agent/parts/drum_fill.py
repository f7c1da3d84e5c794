"""Chooses the fill at the end of a bar: which one, and how it takes the groove's place."""

from __future__ import annotations

import numpy as np

from agent.parts.drum_groove import LOUDEST, SNARES, TIME_PIECES, TOMS, Bytes, DrumBar, rows_to_bar
from agent.parts.groove_library import GrooveLibrary
from models.music.tokens import DrumHit

FAST_BPM = 150.0  # quarters a minute, above which 16ths are too fast for one stroke after the other


def filled(bar: DrumBar, fill: Bytes, loud: float = 1.0, quarter_bpm: float = 0.0) -> DrumBar:
    """Return the bar whose end is a fill, uint8 [fill ticks, pieces], in place of the groove's hands; its kicks stay.

    quarter_bpm: the tempo, above FAST_BPM the fill is played in eighths; 0 = not known.
    """
    start = max(len(bar) - len(fill), 0)
    rows = rows_to_bar(fill[-len(bar) :])
    out = list(bar)
    for i, hits in enumerate(rows):
        kept = tuple(h for h in bar[start + i] if h.piece == "kick")
        struck = [h for h in hits if h.piece != "crash" and (quarter_bpm <= FAST_BPM or (start + i) % 2 == 0)]
        hands = [h for h in struck if h.piece in SNARES | TOMS]
        if len(hands) > 1:
            hands = [max(hands, key=lambda h: h.velocity)]
        time = [h for h in struck if h.piece in TIME_PIECES] if not hands else []
        kicks = [h for h in struck if h.piece == "kick"]
        played = tuple(DrumHit(h.piece, int(min(max(h.velocity * loud, 30), LOUDEST))) for h in (*hands, *time, *kicks))
        pieces = {h.piece for h in played}
        out[start + i] = played + tuple(h for h in kept if h.piece not in pieces)
    return tuple(out)


def choose(library: GrooveLibrary, ticks: int, style: str, rng: np.random.Generator) -> Bytes | None:
    """Return a played fill of this length, uint8 [ticks, pieces], of the style where there is one; None without any."""
    fills = [one for one in library.fills(ticks) if one.style == style] or list(library.fills(ticks))
    return np.asarray(fills[int(rng.integers(len(fills)))].hits) if fills else None
