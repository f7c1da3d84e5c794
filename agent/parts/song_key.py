"""Finds the key of the song: a belief over 24 keys that gathers over the session, and the scale that is really played.

Pitch-class and chord shares are those of listener/music/key.py (counted over songs). A modulation needs evidence:
the belief of the last bars has to beat the standing key by SWITCH_NATS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.parts.bass_bar import BassBar, group_starts
from listener.music.key import FIRST_SHARE, FOREIGN, MODES, PITCHES, PRIOR, SCALES
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
# of a bass that is known whole; fitted on 148 true bands (training: Freedoom, Simutrans, Tanner Helland, EasyRPG)
WHOLE_BARS = 32  # bars, beyond which more say no more
NOTES_SAY, SCALE_SAY, ONES_SAY = 0.4, 0.4, 0.05  # nats a bar: of the notes, of the scale, of the notes on the one
FIRST_SAY, MINOR_SAY = 2.0, 1.5  # of the first note; of minor, where nothing tells
GIVEN_NATS = 50.0  # for a key that is given
SWITCH_SETTLED = 12.0  # nats of the last bars, for a modulation in a song that is known whole
WHOLE_SCALES: dict[str, tuple[tuple[tuple[int, ...], float], ...]] = {  # (steps, nats a note that it is rarer by)
    "maj": ((SCALES["maj"], 0.0), ((0, 2, 4, 5, 7, 9, 10), 0.04)),
    "min": (
        (SCALES["min"], 0.0),
        ((0, 2, 3, 5, 7, 9, 10), 0.04),
        ((0, 2, 3, 5, 7, 8, 11), 0.06),
        ((0, 1, 3, 5, 7, 8, 10), 0.06),
    ),
}
FIRSTS = np.array([np.roll(np.log(FIRST_SHARE[mode]), tonic) for mode in MODES for tonic in range(12)])


@dataclass(frozen=True, slots=True)
class SongKey:
    """evidence, lately: nats for each of 24 keys (12 major, 12 minor), over the session and of the last bars.
    weights: how much each pitch class was played. tonic, mode: the key that stands, tonic -1 before the first bar.
    settled: the whole song was read; only a modulation changes the key. given: it was asked for: chords keep to it."""

    evidence: tuple[float, ...] = (0.0,) * 24
    lately: tuple[float, ...] = (0.0,) * 24
    weights: tuple[float, ...] = (0.0,) * 12
    tonic: int = -1
    mode: str = "maj"
    settled: bool = False
    given: bool = False

    @property
    def scale(self) -> frozenset[int]:
        """Return the pitch classes in use: the key's seven, each variable degree as it is played (dorian ...)."""
        if self.tonic < 0:
            return frozenset(range(12))
        steps = set(SCALES[self.mode])
        for (low, high), usual in zip(VARIANTS[self.mode], VARIANT_USUAL[self.mode], strict=True):
            played = {step: self.weights[(self.tonic + step) % 12] for step in (low, high)}
            other = low if usual == high else high
            if 11 in (low, high) and self.mode == "min" and not self.weights[(self.tonic + 8) % 12]:
                continue  # a leading tone without the minor sixth is no harmonic minor
            if played[other] > 1.5 * played[usual] and not self.given:
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
    if key.settled:
        best, after = key._index, replace(after, evidence=key.evidence)
    elif (
        key.tonic >= 0
        and best != key._index
        and evidence[best] + PRIOR[best] < evidence[key._index] + PRIOR[key._index] + 1.0
    ):
        best = key._index
    newest = int((lately + PRIOR).argmax())
    switch = SWITCH_SETTLED if key.settled else SWITCH_NATS
    if key.tonic >= 0 and lately[newest] - lately[key._index] > switch:  # a modulation: begin anew from here
        best, after = newest, replace(after, evidence=after.lately)
    return replace(after, tonic=best % 12, mode=MODES[best // 12])


def key_of(bars: Sequence[BassBar]) -> SongKey:
    """Return the key of a whole bass that can be read beforehand."""
    heard = [bar for bar in bars if bar.notes]
    key = SongKey()
    for bar in heard:
        key = hear_bar(key, bar)
    if not heard:
        return key
    weights = np.sum([bar_evidence(bar)[1] for bar in heard], axis=0)
    played = weights / weights.sum()
    ones = np.zeros(12)
    for bar in heard:
        ones[bar.notes[0].pitch % 12] += bar.notes[0].tick == 0
    many = min(len(heard), WHOLE_BARS)
    nats = many * (NOTES_SAY * PITCHES + SCALE_SAY * _in_scales(played)[:, None]) @ played
    nats += FIRST_SAY * FIRSTS[:, heard[0].notes[0].pitch % 12] + ONES_SAY * many * FIRSTS @ (ones / max(ones.sum(), 1))
    nats += np.repeat([0.0, MINOR_SAY], 12)
    best = int(nats.argmax())
    return replace(
        key,
        evidence=tuple(nats.tolist()),
        weights=tuple(weights.tolist()),
        tonic=best % 12,
        mode=MODES[best // 12],
        settled=True,
    )


def key_given(key: Key) -> SongKey:
    """Return the belief in a key that is given: it stands until a modulation."""
    evidence = np.zeros(24)
    evidence[MODES.index(key.mode) * 12 + key.tonic] = GIVEN_NATS
    return SongKey(evidence=tuple(evidence.tolist()), tonic=key.tonic, mode=key.mode, settled=True, given=True)


def _in_scales(played: np.ndarray) -> np.ndarray:
    """Return for each of 24 keys the mean nats of what is played, float64 [12] of shares, in the best of its scales."""
    out = np.zeros(24)
    for index in range(24):
        scales = WHOLE_SCALES[MODES[index // 12]]
        out[index] = max(_scale_nats(np.roll(played, -(index % 12)), steps) - rare for steps, rare in scales)
    return out


def _scale_nats(played: np.ndarray, steps: tuple[int, ...]) -> float:
    inside = float(played[list(steps)].sum())
    return inside * float(np.log((1 - FOREIGN) / 7)) + (1 - inside) * float(np.log(FOREIGN / 5))
