"""Find a new meter in the last bars: from some bar line on, bars of another length foretell the notes better.

Bars are compared by how well each one is foretold by those before it since the change: where notes fall, and whether
they have the same pitch or move alike (a predictive code with an estimator after Krichevsky and Trofimov, The
performance of universal encoding, IEEE Trans. Inf. Theory 27, 1981). Against a new meter stands: the line goes on; a
new figure began, in the same meter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SIZES = {1: (3, 4, 5), 3: (6, 9, 12)}  # beats of the bars thought of, by beats per pulse
BACK, BEFORE = 3, 4  # bars back at which it may have changed; bars before that, which foretell
SPAN_BEATS = 32.0  # over which notes are counted
NEW_FIGURE, NEW_METER, SURE = 0.05, {3: 0.001, 4: 0.001, 5: 0.0003, 6: 0.001, 9: 0.0003, 12: 0.0003}, 0.9  # by beats
ENOUGH_BEATS = 4.0  # since a change
PARTS = {1: (4, 3), 3: (2,)}  # parts of a beat
fast = njit(cache=True, fastmath=False, error_model="numpy")
DOUBT, HEAD, FADE, SAME = 0.5, 0.8, 0.7, 0.55


@dataclass(frozen=True, slots=True)
class NewBar:
    """Bars of `beats` began at the bar line on beat `line`."""

    line: int
    beats: int
    probability: float


class NewBars:
    """Weighs, note by note, whether the bars became longer or shorter."""

    def __init__(self) -> None:
        self.probability = 0.0

    def find(self, u: Floats, pitch: Ints, now: float, line: int, beats: int, per_pulse: int) -> NewBar | None:
        """Return the new bar that the notes show, None when they show none.

        u, pitch: of the last notes, u in beats; line: a held bar line, of bars of `beats`.
        """
        self.probability = 0.0
        if per_pulse not in SIZES or beats not in SIZES[per_pulse] or len(u) < 12:
            return None
        parts = min(PARTS[per_pulse], key=lambda p: float(np.abs(u * p - np.round(u * p)).mean()) * (1 + (p == 3)))
        slots = np.round(u * parts).astype(np.int64)
        recent = slice(int(np.searchsorted(u, now - SPAN_BEATS)), len(u))
        span = max(4.0, now - max(float(u[0]), now - SPAN_BEATS))
        density = np.bincount(slots[recent] % parts, minlength=parts)
        density = np.clip((density + 0.25) / (span + 1), 0.04, 0.92)
        counts = np.bincount(np.maximum(pitch[recent], 0), minlength=128)
        usual = np.minimum(0.9, counts[np.maximum(pitch, 0)] / max(1, counts.sum()) + 0.1)
        last = line + math.floor((now - 0.1 - line) / beats) * beats
        first = last - BACK * beats
        start = max(first - BEFORE * beats, line + math.ceil((float(u[0]) - 0.1 - line) / beats) * beats)
        if start > first - beats:
            return None
        notes, end = (slots, pitch, usual, density), int(now * parts)
        memory = np.zeros((4, beats * parts))
        bar_score(notes, start * parts, first * parts, beats * parts, parts, memory)
        kept = bar_score(notes, first * parts, end, beats * parts, parts, memory.copy())
        same, found = [kept], []
        for b in range(first, last + 1, beats):
            before = bar_score(notes, first * parts, b * parts, beats * parts, parts, memory.copy())
            if now - b < ENOUGH_BEATS:
                continue
            for size in SIZES[per_pulse]:
                new = np.zeros((4, size * parts))
                score = before + bar_score(notes, b * parts, end, size * parts, parts, new)
                if size == beats:
                    same.append(score + math.log(NEW_FIGURE))
                else:
                    found.append((score + math.log(NEW_METER[size]), b, size))
        if not found:
            return None
        scores = np.array(same + [f[0] for f in found])
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        sizes = np.array([beats] * len(same) + [f[2] for f in found])
        best = max(found)
        self.probability = float(shares[sizes == best[2]].sum())
        return NewBar(best[1], best[2], self.probability) if self.probability > SURE else None


@fast
def bar_score(notes, start, end, size, parts, memory):  # type: ignore[no-untyped-def]
    """Log-likelihood of the notes from slot start to end, foretold by bars of `size` slots, against usual notes.

    memory [4, size], changed: notes and bars counted, last pitch and last first pitch of the bar, by place.
    """
    slots, pitch, usual, density = notes
    hits, bars, before, heads = memory[0], memory[1], memory[2], memory[3]
    total, head = 0.0, 0.0
    i = 0
    for slot in range(start, end):
        while i < len(slots) and slots[i] < slot:
            i += 1
        hit = i < len(slots) and slots[i] == slot
        k = (slot - start) % size
        d = density[slot % parts]
        own = max(d, HEAD) if k == 0 else d
        p = min(0.97, max(0.03, (hits[k] + DOUBT * own) / (bars[k] + DOUBT)))
        total += math.log(p / d) if hit else math.log((1 - p) / (1 - d))
        if k == 0:
            head = float(pitch[i]) if hit else 0.0
        if hit and pitch[i] > 0:
            q = float(pitch[i])
            if before[k] > 0:
                alike = q == before[k] or (k > 0 and head > 0 and heads[k] > 0 and q - head == before[k] - heads[k])
                total += math.log((SAME + (1 - SAME) * usual[i]) / usual[i]) if alike else math.log(1 - SAME)
            before[k], heads[k] = q, head
        hits[k] = FADE * hits[k] + (1.0 if hit else 0.0)
        bars[k] = FADE * bars[k] + 1.0
    return total
