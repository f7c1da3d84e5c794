"""`in_key` keeps the responder's line in a key.

The key of a passage is found by the profiles of Krumhansl & Kessler (`key_from`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from listener.music.key import SCALES
from listener.types import Key
from models.music.tokens import LineHit, Reply

LEADING, DOMINANT = 11, (7, 11)  # the leading tone, and the degrees of minor whose chords have it


def in_key(reply: Reply, key: Key, holds: int) -> Reply:
    """Return the reply with the line's note moved by a semitone where it lies outside the key; in minor the leading
    tone over the dominant is inside. holds: root of the harmony that sounds, -1 = none."""
    root = reply.chord.root if reply.chord else holds
    scale = scale_of(key)
    dominant = key.mode == "min" and (root - key.tonic) % 12 in DOMINANT
    allowed = scale | {(key.tonic + LEADING) % 12} if dominant else scale
    if reply.line is None or reply.line.pitch % 12 in allowed:
        return reply
    pitch = next(p for p in (reply.line.pitch + 1, reply.line.pitch - 1) if p % 12 in scale)
    return replace(reply, line=LineHit(pitch, reply.line.velocity))


def scale_of(key: Key) -> frozenset[int]:
    """Return the pitch classes of the key's scale; of minor the natural one."""
    return frozenset((key.tonic + step) % 12 for step in SCALES[key.mode])


# correlation profiles of Krumhansl & Kessler 1982 (Krumhansl 1990, table 2.1)
PROFILES = {
    "maj": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "min": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def key_from(weights: Iterable[float]) -> Key:
    """Return the key whose profile correlates best with `weights` of pitch classes [12] (Krumhansl & Schmuckler)."""
    heard = np.array(list(weights), float)
    scores = {
        (tonic, mode): float(np.corrcoef(np.roll(profile, tonic), heard)[0, 1]) if heard.std() else 0.0
        for mode, profile in PROFILES.items()
        for tonic in range(12)
    }
    tonic, mode = max(scores, key=lambda pair: scores[pair])
    return Key(tonic, mode, max(scores[tonic, mode], 0.0))
