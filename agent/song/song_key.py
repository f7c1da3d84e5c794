"""The key of the song: a belief over 24 keys that gathers over the session, and the scale that is really played.

Pitch-class and chord shares are those of listener/music/key.py (counted over songs). A modulation needs evidence:
the belief of the last bars has to beat the standing key by SWITCH_NATS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agent.song.bass_bar import BassBar, group_starts
from listener.music.key import MODES, PITCHES, PRIOR, SCALES
from listener.types import Key

SESSION_BARS = 64.0  # a bar's say has halved after so many
LATELY_BARS = 6.0
SWITCH_NATS = 6.0
NOTE_SAY = 0.35  # nats of one long note on the beat, before sharpening
VARIANTS = {
    "maj": ((10, 11),),
    "min": ((8, 9), (10, 11)),
}  # degrees that modes raise or lower: mixolydian; dorian, harmonic
VARIANT_USUAL = {"maj": (11,), "min": (8, 10)}


@dataclass(frozen=True, slots=True)
class SongKey:
    """evidence, lately: nats for each of 24 keys (12 major, 12 minor), over the session and of the last bars.
    weights: how much each pitch class was played. tonic, mode: the key that stands, tonic -1 before the first bar."""

    evidence: tuple[float, ...] = (0.0,) * 24
    lately: tuple[float, ...] = (0.0,) * 24
    weights: tuple[float, ...] = (0.0,) * 12
    tonic: int = -1
    mode: str = "maj"

    @property
    def scale(self) -> frozenset[int]:
        """Return the pitch classes in use: the key's seven, each variable degree as it is played (dorian ...)."""
        if self.tonic < 0:
            return frozenset(range(12))
        steps = set(SCALES[self.mode])
        for (low, high), usual in zip(VARIANTS[self.mode], VARIANT_USUAL[self.mode], strict=True):
            played = {step: self.weights[(self.tonic + step) % 12] for step in (low, high)}
            other = low if usual == high else high
            if played[other] > 1.5 * played[usual]:
                steps = (steps - {usual}) | {other}
        return frozenset((self.tonic + step) % 12 for step in steps)

    @property
    def key(self) -> Key | None:
        return Key(self.tonic, self.mode, self.sure) if self.tonic >= 0 else None

    @property
    def sure(self) -> float:
        """Return the belief in the key that stands, 0 to 1."""
        log = np.array(self.evidence) + PRIOR
        belief = np.exp(log - log.max())
        return float(belief[self._index] / belief.sum()) if self.tonic >= 0 else 0.0

    @property
    def _index(self) -> int:
        return MODES.index(self.mode) * 12 + self.tonic


def bar_evidence(bar: BassBar) -> tuple[np.ndarray, np.ndarray]:
    """Return (nats [24], weights [12]) of a bar's notes: long ones and those on a felt beat say more."""
    nats, weights = np.zeros(24), np.zeros(12)
    starts = group_starts(bar.meter, bar.ticks)
    for note in bar.notes:
        weight = min(note.length, 8) ** 0.5 * (1.0 if note.tick in starts else 0.5) * (1.5 if note.tick == 0 else 1.0)
        nats += NOTE_SAY * weight * PITCHES[:, note.pitch % 12]
        weights[note.pitch % 12] += weight
    return nats, weights


def hear_bar(key: SongKey, bar: BassBar) -> SongKey:
    """Return the belief after one more bar of the bass."""
    if not bar.notes:
        return key
    nats, weights = bar_evidence(bar)
    evidence = np.array(key.evidence) * 0.5 ** (1 / SESSION_BARS) + nats
    lately = np.array(key.lately) * 0.5 ** (1 / LATELY_BARS) + nats
    played = np.array(key.weights) * 0.5 ** (1 / SESSION_BARS) + weights
    best = int((evidence + PRIOR).argmax())
    after = replace(
        key, evidence=tuple(evidence.tolist()), lately=tuple(lately.tolist()), weights=tuple(played.tolist())
    )
    if (
        key.tonic >= 0
        and best != key._index
        and evidence[best] + PRIOR[best] < evidence[key._index] + PRIOR[key._index] + 1.0
    ):
        best = key._index
    newest = int((lately + PRIOR).argmax())
    if key.tonic >= 0 and lately[newest] - lately[key._index] > SWITCH_NATS:  # a modulation: begin anew from here
        best, after = newest, replace(after, evidence=after.lately)
    return replace(after, tonic=best % 12, mode=MODES[best // 12])


def key_of(bars: list[BassBar]) -> SongKey:
    """Return the key of a whole bass that can be read beforehand."""
    key = SongKey()
    for bar in bars:
        key = hear_bar(key, bar)
    if key.tonic < 0:
        return key
    total = np.sum([bar_evidence(bar)[0] for bar in bars], axis=0)
    best = int((total + PRIOR).argmax())
    return replace(
        key,
        evidence=tuple((total / max(len(bars) / SESSION_BARS, 1.0)).tolist()),
        tonic=best % 12,
        mode=MODES[best // 12],
    )
