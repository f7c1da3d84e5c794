"""Compute the bar filter of listener/rhythm/meter.py, compiled: arrays are float32 [tempo, place], models side by side.

Rows are rotated into small buffers first, so that every inner loop runs over neighbours and is vectorised.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from listener.kernel import kernel

EXP_SQUARINGS = 10  # e^x = (1 + x / 2^10)^(2^10): vectorises, and is right to 0.1% for |x| < 1.4
FOLD_REACH = 0.12  # pulses around a phase that count as that phase
BAR_REACH = 0.2
Floats = NDArray[np.float64]
Belief = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
fast = kernel(fastmath=True, error_model="numpy")


@fast
def _shift(
    row: Belief,
    weight: Belief,
    surplus: Belief,
    out: Belief,
    shift: float,
    gain: float,
    spread: float,
    factor: np.float32,
    buffers: tuple[Belief, Belief, Belief],
) -> None:
    """Rotate one weighted bar of a row, times factor, by `shift` places in which no note came; blur it by `spread`."""
    ext, sur, late = buffers
    n = len(row)
    whole = math.floor(shift)
    part = np.float32(shift - whole)
    w = whole % n
    ext[0], sur[0] = row[n - 1 - w] * weight[n - 1 - w], surplus[n - 1 - w]
    for j in range(w):
        ext[j + 1], sur[j + 1] = row[n - w + j] * weight[n - w + j], surplus[n - w + j]
    for j in range(n - w):
        ext[w + 1 + j], sur[w + 1 + j] = row[j] * weight[j], surplus[j]
    one, rest, scale = np.float32(1), np.float32(1) - part, np.float32(gain / (1 << EXP_SQUARINGS))
    here, before = rest * np.float32(factor), part * np.float32(factor)
    for j in range(n):
        e = one - scale * (surplus[j] - (rest * sur[j + 1] + part * sur[j]))
        for _ in range(EXP_SQUARINGS):
            e = e * e
        late[j + 1] = (here * ext[j + 1] + before * ext[j]) * e
    late[0], late[n + 1] = late[n], late[1]
    blur, stay = np.float32(spread), np.float32(1 - 2 * spread)
    for j in range(n):
        out[j] = stay * late[j + 1] + blur * (late[j] + late[j + 2])


@fast
def accent(amount: float, strengths: Belief, rates: Belief, starts: Ints, lengths: Ints) -> Belief:
    """Return how well a note accented by `amount` suits every place, float32 [place], mean 1 over notes of a bar."""
    weight: Belief = np.exp(np.float32(amount) * strengths)
    for m in range(len(starts)):
        part, rate = weight[starts[m] : starts[m] + lengths[m]], rates[starts[m] : starts[m] + lengths[m]]
        part *= np.float32(len(part)) / (part * rate).sum()
    return weight


@fast
def update(
    p: Belief,
    layout: tuple[Floats, int, Ints, Ints, Ints],
    tables: tuple[Belief, Belief, Belief],
    motion: tuple[float, float, float, float, float],
    weights: tuple[Belief, Belief],
    gains: Floats,
    factors: Belief,
) -> float:
    """Move the belief from one note to the next, in place; return the sum over it.

    layout: periods_s [tempo], bins per pulse, starts, lengths, index of bar length (each [model]).
    tables: surplus, rates, prior (each [tempo, place]). motion: seconds between the notes, notes per second on average,
    share of belief that goes to either neighbour in tempo, seconds that the phase wanders, share that is kept.
    weights: how well the first note's length and the second's accent suit every place. gains: [tempo, bar length], of
    the second note; factors: [tempo, model], of the first.
    """
    (periods, bins, starts, lengths, bar_of), (surplus, rates, prior), (held, struck) = layout, tables, weights
    gap_s, quiet_hz, mix, blur_s, keep = motion
    tempi, places = p.shape
    moved = np.empty((3, places), np.float32)  # of the last three tempi
    longest = lengths.max() + 2
    buffers = np.empty(longest, np.float32), np.empty(longest, np.float32), np.empty(longest, np.float32)
    total = 0.0
    for k in range(tempi + 1):
        if k < tempi:
            per_place_s = periods[k] / bins
            spread = min(0.3, 0.5 * (blur_s / per_place_s) ** 2)
            shift, gain = gap_s / per_place_s, quiet_hz * per_place_s
            for m in range(len(starts)):
                a, z = starts[m], starts[m] + lengths[m]
                row, out = p[k, a:z], moved[k % 3, a:z]
                _shift(row, held[a:z], surplus[k, a:z], out, shift, gain, spread, factors[k, m], buffers)
        if k > 0:
            row = p[k - 1]
            _mix(row, moved[max(k - 2, 0) % 3], moved[(k - 1) % 3], moved[min(k, tempi - 1) % 3], np.float32(mix))
            _forget(row, prior[k - 1], rates[k - 1], np.float32(keep))
            for m in range(len(starts)):
                a, z = starts[m], starts[m] + lengths[m]
                total += float(_weigh(row[a:z], struck[a:z], np.float32(gains[k - 1, bar_of[m]])))
    return total


@fast
def _mix(out: Belief, low: Belief, mid: Belief, high: Belief, mix: np.float32) -> None:
    stay = np.float32(1) - 2 * mix
    for j in range(len(out)):
        out[j] = stay * mid[j] + mix * (low[j] + high[j])


@fast
def _forget(row: Belief, prior: Belief, rates: Belief, keep: np.float32) -> None:
    forget = np.float32(1) - keep
    for j in range(len(row)):
        row[j] = (keep * row[j] + forget * prior[j]) * rates[j]


@fast
def _weigh(row: Belief, struck: Belief, gain: np.float32) -> np.float32:
    total = np.float32(0)
    for j in range(len(row)):
        v = row[j] * (struck[j] * gain)
        row[j] = v
        total += v
    return total


@kernel()
def repeats(periods: Floats, bars: Floats, times: Floats, pitches: Ints, count: int, score: Floats) -> Floats:
    """Return the likelihood gain, [tempo, bar length in pulses], of the newest note given what came a bar before it."""
    out = np.zeros((len(periods), len(bars)))
    now = count - 1
    for k in range(len(periods)):
        for m in range(len(bars)):
            bar_s = periods[k] * bars[m]
            target = times[now] - bar_s
            if target < times[0] - 0.05:
                continue
            best, gap = -1, 0.03 + 0.015 * bar_s
            first = np.searchsorted(times[:now], target - gap)
            for i in range(first, now):
                d = abs(times[i] - target)
                if d < gap:
                    best, gap = i, d
                elif times[i] > target:
                    break
            if best < 0:
                out[k, m] = score[0]
                continue
            same = pitches[best] == pitches[now] and pitches[now] > 0
            moved = best > 0 and pitches[now] - pitches[now - 1] == pitches[best] - pitches[best - 1]
            out[k, m] = score[2] if same or moved else score[1]
    return np.exp(out)


@fast
def masses(p: Belief, starts: Ints, lengths: Ints) -> Belief:
    """Return the belief in every model at every tempo, float32 [tempo, model]."""
    out = np.empty((p.shape[0], len(starts)), np.float32)
    for k in range(p.shape[0]):
        for m in range(len(starts)):
            out[k, m] = p[k, starts[m] : starts[m] + lengths[m]].sum()
    return out


@fast
def fold(p: Belief, factor: float, bins: int, starts: Ints, lengths: Ints, halved: Bools) -> Belief:
    """Multiply the belief by factor, in place; return it by phase in the pulse, float32 [2, tempo, bins]: [0] of models
    of whole pulses, [1] of halved ones.
    """
    out = np.zeros((2, p.shape[0], bins), np.float32)
    half, scale = bins // 2, np.float32(factor)
    for k in range(p.shape[0]):
        belief = p[k]
        for j in range(len(belief)):
            belief[j] *= scale
        for m in range(len(starts)):
            row, unit = out[1 if halved[m] else 0, k], half if halved[m] else bins
            for at in range(starts[m], starts[m] + lengths[m], unit):
                pulse = p[k, at : at + unit]
                for j in range(unit):
                    row[j] += pulse[j]
        for j in range(half):
            out[1, k, half + j] = out[1, k, j]
    return out


@fast
def beat_mass(folded: Belief, bins: int, half: bool, k_mid: float, place: float) -> float:
    """Return the belief in any bar whose pulse is near tempo k_mid and near the phase of `place` (pulses)."""
    total = 0.0
    unit = 0.5 if half else 1.0
    for j in range(int(bins * unit)):
        far = (j / bins - place) / unit
        if abs(far - round(far)) * unit < FOLD_REACH:
            for k in range(max(0, int(k_mid - 1.5)), min(folded.shape[1], int(k_mid + 2.5) + 1)):
                total += folded[1 if half else 0, k, j]
    return total


@fast
def bar_mass(p: Belief, bins: int, start: int, length: int, k_mid: float, place: float) -> float:
    total, bar = 0.0, length / bins
    for j in range(length):
        far = abs(j / bins - place) % bar
        if min(far, bar - far) < BAR_REACH:
            for k in range(max(0, int(k_mid - 1.5)), min(p.shape[0], int(k_mid + 2.5) + 1)):
                total += p[k, start + j]
    return total


@fast
def peak(p: Belief, start: int, length: int) -> tuple[int, int]:
    """Return the likeliest (tempo, place) of one model."""
    best, k_best = np.float32(-1), 0
    for k in range(p.shape[0]):
        row_best, row = np.float32(-1), p[k, start : start + length]
        for j in range(length):
            row_best = max(row_best, row[j])
        if row_best > best:
            best, k_best = row_best, k
    for j in range(length):
        if p[k_best, start + j] == best:
            return k_best, j
    return k_best, 0


@fast
def around(p: Belief, start: int, length: int, k0: int, j0: int) -> tuple[float, float]:
    """Return the mean tempo index and mean place (bins) of one model's belief near (k0, j0)."""
    mass, tempo, place = 1e-30, 0.0, 0.0
    for k in range(max(0, k0 - 2), min(p.shape[0], k0 + 3)):
        for d in range(-6, 7):
            v = p[k, start + (j0 + d) % length]
            mass += v
            tempo += v * k
            place += v * d
    return tempo / mass, j0 + place / mass


@fast
def readings(p: Belief, bins: int, starts: Ints, lengths: Ints, halved: Bools, like: Bools, folded: Belief) -> Floats:
    """Return of every model: tempo index, place (pulses), belief in its beats, belief in its bar. float64 [model, 4]

    like: bool [model, model], the models of the same meter.
    """
    out = np.empty((len(starts), 4))
    for m in range(len(starts)):
        k0, j0 = peak(p, starts[m], lengths[m])
        k, j = around(p, starts[m], lengths[m], k0, j0)
        place = (j / bins) % (lengths[m] / bins)
        out[m, 0], out[m, 1] = k, place
        out[m, 2] = beat_mass(folded, bins, halved[m], k, place)
        out[m, 3] = 0.0
        for o in range(len(starts)):
            if like[m, o]:
                out[m, 3] += bar_mass(p, bins, starts[o], lengths[o], k, place)
    return out
