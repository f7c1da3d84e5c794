"""Measure how a line of notes suits readings of its meter, compiled; used by listener/rhythm/readings.py."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from listener.kernel import kernel

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Shares = tuple[float, float, float, float, float]  # same, moved, other, none, the weight of all
fast = kernel(fastmath=True, error_model="numpy")
ON, HALF, FIRST_QUARTER, LAST_QUARTER, FIRST_THIRD, LAST_THIRD, ELSE = range(7)
CLASSES = 7
SLOTS = 24  # places per pulse
KINDS = 6  # what is compared between places: any note, changed, low, long, loud, home
PULSE_FEATURES, BAR_FEATURES, EVIDENCE_FEATURES = 34, 33, 17
LAGS = 24
FEATURES = PULSE_FEATURES + BAR_FEATURES + EVIDENCE_FEATURES
MOST_EVIDENCE = 6.0  # standard errors
REST = 0.04  # of the notes, that break what returns by chance


@fast
def _soft_break(x: float) -> float:
    """Return the octaves by which a share of notes that break a return lies under a half."""
    return -float(np.log2(2.0 * max(x, 0.0) + REST))


@fast
def _moments(kinds: Floats, weight: Floats, count: int, out: Floats) -> None:
    """Fill out [KINDS] with the spread (standard deviation) of every kind over the notes, at least a tenth."""
    for k in range(KINDS):
        mass = first = second = 0.0
        for n in range(count):
            mass += weight[n]
            first += weight[n] * kinds[n, k]
            second += weight[n] * kinds[n, k] * kinds[n, k]
        out[k] = np.sqrt(max(second / mass - (first / mass) ** 2, 0.01))


@fast
def _contrast(here: float, here_mass: float, there: float, there_mass: float, spread: float) -> float:
    """Return how surely the notes here have more of a kind than those there: their difference in standard errors."""
    if here_mass < 0.5 or there_mass < 0.5:
        return 0.0
    apart = (here / here_mass - there / there_mass) / spread
    errors = apart * np.sqrt(here_mass * there_mass / (here_mass + there_mass))
    return float(min(MOST_EVIDENCE, max(-MOST_EVIDENCE, errors)))


@fast
def echoes(u: Floats, pitch: Ints, weight: Floats, count: int, lag: float, near: float, broke: Floats) -> Shares:
    """Return the shares of the notes' weight that had, `lag` before: the same pitch, a pitch moved alike, any note; and

    Only notes later than the first by `lag` count; the fifth value is their weight. broke [count]: filled with 1 where
    the repetition breaks (another pitch, reached by another interval), 0 where it goes on, -1 where none is known.
    """
    broke[:] = -1.0
    same = moved = other = none = total = 0.0
    i = 0
    for n in range(count):
        target = u[n] - lag
        if target < u[0] - near:
            continue
        while i < count - 1 and u[i] < target - near:
            i += 1
        best, gap = -1, near
        k = i
        while k < n and u[k] <= target + near:
            d = abs(u[k] - target)
            if d < gap:
                best, gap = k, d
            k += 1
        total += weight[n]
        if best < 0:
            none += weight[n]
        elif pitch[best] == pitch[n]:
            same += weight[n]
            broke[n] = 0.0
        elif best > 0 and n > 0 and pitch[n] - pitch[n - 1] == pitch[best] - pitch[best - 1]:
            moved += weight[n]
            broke[n] = 0.0
        else:
            other += weight[n]
            broke[n] = 1.0
    if total <= 0.0:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    return same / total, moved / total, other / total, none / total, total


@fast
def _echo(
    known: Floats, half_pulses: int, u: Floats, pitch: Ints, weight: Floats, count: int, pulse: float, near: float
) -> Shares:
    row = known[half_pulses]
    if row[4] < 0.0:
        lag = 0.5 * half_pulses * pulse
        row[0], row[1], row[2], row[3], row[4] = echoes(u, pitch, weight, count, lag, near, row[5 : 5 + count])
    return row[0], row[1], row[2], row[3], row[4]


@fast
def _breaks(broke: Floats, is_head: Bools, weight: Floats, count: int) -> float:
    """Return how much oftener the repetition breaks on a bar line than elsewhere, -1 to 1."""
    head = rest = 0.0
    head_mass = rest_mass = 0.7
    for n in range(count):
        if broke[n] >= 0.0:
            if is_head[n]:
                head += weight[n] * broke[n]
                head_mass += weight[n]
            else:
                rest += weight[n] * broke[n]
                rest_mass += weight[n]
    return head / head_mass - rest / rest_mass


@fast
def best_phases(u: Floats, weight: Floats, phases: Floats, pulse: float, pulse_size: float, count: int) -> Floats:
    """Return the phases, `count` at most, near which most notes lie. pulse_size: in standard deviations of a note."""
    fit = np.zeros(len(phases))
    for i in range(len(phases)):
        for n in range(len(u)):
            far = (u[n] - phases[i]) / pulse
            far = (far - np.round(far)) * pulse_size
            fit[i] += np.exp(-0.5 * far * far) * weight[n]
    best = np.empty(min(count, len(phases)))
    for i in range(len(best)):
        at = np.argmax(fit)
        best[i], fit[at] = phases[at], -1.0
    return best


@fast
def _lay(u: Floats, line: float, pulse: float, places: Floats, slots: Ints) -> None:
    """Fill places [note] with the pulses from `line` to every note, slots [note] with the same in slots."""
    for n in range(len(places)):
        places[n] = (u[n] - line) / pulse
        slots[n] = int(np.floor(places[n] * SLOTS + 0.5))


@fast
def measure(
    candidates: Floats,
    notes: tuple[Floats, Ints, Floats, Floats, Floats, float],
    count: int,
    period_s: float,
    tables: tuple[Floats, Ints, Ints, Ints],
    out: Floats32,
) -> None:
    """Fill out [candidate, FEATURES].

    candidates: [n, 3] pulse length and place of a bar line, both in reference beats, and number of the bar shape; those
    on the same pulses are neighbours, which saves time. notes: (u in reference beats, pitch, weight for the pulse,
    weight for the bar, kinds [note, KINDS], u of the opening note); tables: (bar lengths in pulses, class of a slot,
    head of a slot (0 = bar line, 1 = group, 2 = other), meter flags) each [shape] or [shape, slot].
    """
    u, pitch, weight, slow, kinds, opens = notes
    lengths, classes, heads, flags = tables
    mass, slow_mass, span_mass = weight[0], slow[0], 0.0
    for n in range(1, count):
        mass += weight[n]
        slow_mass += slow[n]
        span_mass += 0.5 * (weight[n] + weight[n - 1]) * min(u[n] - u[n - 1], 4.0 / period_s)
    strong, firm = min(1.0, mass / 12.0), min(1.0, slow_mass / 16.0)
    share = np.empty(CLASSES)
    on, off = np.empty(KINDS), np.empty(KINDS)
    spread, slow_spread = np.empty(KINDS), np.empty(KINDS)
    _moments(kinds, weight, count, spread)
    _moments(kinds, slow, count, slow_spread)
    head, mid, rest = np.empty(KINDS), np.empty(KINDS), np.empty(KINDS)
    is_head = np.empty(count, np.bool_)
    # by lag in half pulses: shares, their weight, where the repetition breaks
    known_echoes, bar_echoes = np.empty((LAGS, 5 + count)), np.empty((LAGS, 5 + count))
    near = 0.06 / period_s
    # of the candidates on the same pulses: where the notes lie, and in the bar of the shape
    places, slots, in_bar = np.empty(count), np.empty(count, np.int64), np.empty(count, np.int64)
    last_pulse, first_line, last_shape, last_uneven = -1.0, 0.0, -1, False
    rate = density = pulses = 0.0
    on_mass = slow_on = covered = 0.0
    for c in range(len(candidates)):
        pulse, line, shape = candidates[c, 0], candidates[c, 1], int(candidates[c, 2])
        bar, uneven = lengths[shape], flags[shape, 1] == 2
        size, unit = int(bar * SLOTS + 0.5), SLOTS // 2 if uneven else SLOTS
        steps = (line - first_line) / pulse * SLOTS / unit
        again = pulse == last_pulse and uneven == last_uneven and abs(steps - np.round(steps)) < 1e-6
        if pulse != last_pulse:
            known_echoes[:, 4], bar_echoes[:, 4] = -1.0, -1.0
            rate = np.log2(60.0 / (pulse * period_s) / 100.0)
            # notes per pulse: the weight of a pulse that lies as far back
            density = np.log2((mass + 1e-6) / (span_mass / pulse + 1e-6))
            pulses = span_mass / pulse + 1e-3
        if not again:
            last_pulse, first_line, last_uneven, last_shape, steps = pulse, line, uneven, -1, 0.0
            _lay(u, line, pulse, places, slots)
        if shape != last_shape:
            last_shape = shape
            for n in range(count):
                in_bar[n] = slots[n] % size
        step = int(np.round(steps))
        back = step * unit % size
        row = out[c]
        row[:] = 0.0
        share[:] = 0.0
        head[:], mid[:], rest[:] = 0.0, 0.0, 0.0
        head_mass = mid_mass = rest_mass = 1e-6
        for n in range(count):
            slot = in_bar[n] - back
            slot += size if slot < 0 else 0
            kind = classes[shape, slot]
            share[kind] += weight[n]
            is_head[n] = False
            if kind == ON:
                v, where = slow[n], heads[shape, slot]
                if where == 0:
                    is_head[n] = True
                    head_mass += v
                    for k in range(KINDS):
                        head[k] += v * kinds[n, k]
                elif where == 1:
                    mid_mass += v
                    for k in range(KINDS):
                        mid[k] += v * kinds[n, k]
                else:
                    rest_mass += v
                    for k in range(KINDS):
                        rest[k] += v * kinds[n, k]
        if uneven or not again:  # where pulses are even, whether a note is on one is the same for all bars
            on[:], off[:] = 0.0, 0.0
            on_mass = slow_on = 1e-6
            covered, last_at = 0.0, -1e9
            for n in range(count):
                slot = in_bar[n] - back
                slot += size if slot < 0 else 0
                if classes[shape, slot] == ON:
                    on_mass += weight[n]
                    slow_on += slow[n]
                    for k in range(KINDS):
                        on[k] += weight[n] * kinds[n, k]
                    at = np.floor(places[n] - step * unit / SLOTS + 0.25)
                    if at != last_at:
                        covered += weight[n]
                        last_at = at
                else:
                    for k in range(KINDS):
                        off[k] += weight[n] * kinds[n, k]
        first_mass, first_on, first_head = 0.0, 0.0, 0.0
        if opens > -1e8:
            slot = int(np.floor((opens - line) / pulse * SLOTS + 0.5)) % size
            first_mass = 1.0
            first_on = 1.0 if classes[shape, slot] == ON else 0.0
            first_head = 1.0 if classes[shape, slot] == ON and heads[shape, slot] == 0 else 0.0
        off_mass = mass - on_mass + 1e-6
        e = PULSE_FEATURES + BAR_FEATURES
        for k in range(1, KINDS):
            row[e + k - 1] = _contrast(on[k], on_mass, off[k], off_mass, spread[k])
        row[0], row[1] = rate, rate * rate
        row[2], row[3] = max(0.0, rate - 0.45), max(0.0, -rate - 0.6)
        row[4], row[5], row[6] = density, density * density, density * rate
        for k in range(CLASSES - 1):
            row[7 + k] = share[k] / mass
        row[13] = min(1.5, covered / pulses)
        for k in range(1, KINDS):
            row[13 + k] = (
                on[k] / on_mass - off[k] / off_mass if off_mass > 0.05 * mass and on_mass > 0.05 * mass else 0.0
            )
        row[19] = first_on / first_mass if first_mass > 0 else 0.0
        for k in range(4):
            same, moved, _, none, total = _echo(known_echoes, 2 * k + 2, u, pitch, weight, count, pulse, near)
            known = total / mass
            row[20 + 2 * k] = known * same
            row[21 + 2 * k] = known * none
            if k < 2:
                row[e + 5 + k] = known * _soft_break(none)
        row[28] = strong * row[7]
        row[29] = strong * row[8]
        row[30] = strong * row[13]
        row[31] = strong * row[14]
        row[32] = max(0.0, density - 1.2)
        row[33] = max(0.0, -density)
        b = PULSE_FEATURES
        row[b + flags[shape, 0]] = 1.0  # 8 kinds of meter
        compound = flags[shape, 1]
        if compound == 1:
            row[b + 8], row[b + 9] = rate, rate * rate
            row[b + 10], row[b + 11] = share[FIRST_THIRD] / mass, share[LAST_THIRD] / mass
            row[b + 12], row[b + 13] = share[HALF] / mass, (share[FIRST_QUARTER] + share[LAST_QUARTER]) / mass
        elif compound == 2:
            row[b + 14] = rate
        mids_in = flags[shape, 2]
        all_on = slow_on / flags[shape, 3]
        row[b + 15] = firm * np.log2((head_mass + 0.3) / (all_on + 0.3))
        row[b + 16] = firm * np.log2((mid_mass / mids_in + 0.3) / (all_on + 0.3)) if mids_in > 0 else 0.0
        for k in range(1, KINDS):
            row[b + 16 + k] = firm * (head[k] / (head_mass + 0.5) - (mid[k] + rest[k]) / (mid_mass + rest_mass + 0.5))
        row[b + 22] = first_head / first_mass if first_mass > 0 else 0.0
        same, moved, _, none, total = _echo(bar_echoes, int(2 * bar + 0.5), u, pitch, slow, count, pulse, near)
        known = total / slow_mass
        row[b + 23], row[b + 24], row[b + 25] = known * same, known * moved, known * none
        row[b + 26] = known
        row[e + 12], row[e + 13] = known * _soft_break(none), known * _soft_break(1 - same - moved)
        same, moved, _, none, total = _echo(bar_echoes, int(4 * bar + 0.5), u, pitch, slow, count, pulse, near)
        known = total / slow_mass
        row[b + 27], row[b + 28] = known * (same + moved), known * none
        row[e + 14], row[e + 15] = known * _soft_break(none), known * _soft_break(1 - same - moved)
        for k in range(1, KINDS):
            others, others_mass = mid[k] + rest[k], mid_mass + rest_mass
            row[e + 6 + k] = _contrast(head[k], head_mass, others, others_mass, slow_spread[k])
        if mids_in > 0:
            row[e + 16] = _contrast(mid[1], mid_mass, rest[1], rest_mass, slow_spread[1])
        if mids_in > 0:
            row[b + 29] = firm * (mid[1] / (mid_mass + 0.5) - rest[1] / (rest_mass + 0.5))
        one, two = int(2 * bar + 0.5), int(4 * bar + 0.5)
        row[b + 30] = firm * _breaks(bar_echoes[one, 5:], is_head, slow, count)
        row[b + 31] = firm * _breaks(bar_echoes[two, 5:], is_head, slow, count)
        row[b + 32] = firm * rate if flags[shape, 0] == 1 else 0.0


@fast
def support(
    belief: Floats32,
    folded: Floats32,
    candidates: Floats,
    shapes: tuple[Floats, Bools, Ints, Ints],
    scale: tuple[float, float, float, float, float],
    out: Floats32,
) -> None:
    """Fill out [candidate, 2]: logarithm of the bar filter's belief in the candidate's pulse and in its bar.

    shapes: (pulses, is uneven, bar models [shape, n], -1 = none), starts of the models; scale: (period_s, u
    now, log of the shortest period, log step, bins).
    """
    lengths, uneven, models, starts = shapes
    period_s, now, shortest, step, bins = scale
    bins = int(bins)
    last_pulse, last_phase, last_odd, pulse_log, low, high = -1.0, -1.0, -1, 0.0, 0, 0
    places = belief.shape[1]
    at_pulse, up_to = np.empty(places, np.float32), np.zeros(places + 1)  # near a pulse: by place, and summed
    for c in range(len(candidates)):
        pulse, line, shape = candidates[c, 0], candidates[c, 1], int(candidates[c, 2])
        if pulse != last_pulse:
            middle = (np.log(pulse * period_s) - shortest) / step
            low, high = max(0, int(middle - 1.5)), min(folded.shape[1], int(middle + 2.5) + 1)
            at_pulse[:] = 0.0
            for k in range(low, high):
                at_pulse += belief[k]
            for j in range(places):
                up_to[j + 1] = up_to[j] + at_pulse[j]
        place = (now - line) / pulse
        unit = 0.5 if uneven[shape] else 1.0
        phase = place / unit - np.floor(place / unit)
        if pulse != last_pulse or abs(phase - last_phase) > 1e-6 or last_odd != uneven[shape]:
            total = 0.0
            reach = int(0.12 * bins)
            centre = int(phase * unit * bins + 0.5)
            for k in range(low, high):
                for d in range(-reach, reach + 1):
                    total += folded[1 if uneven[shape] else 0, k, (centre + d) % bins]
            pulse_log = np.log(total + 1e-4)
            last_pulse, last_phase, last_odd = pulse, phase, uneven[shape]
        out[c, 0] = pulse_log
        n = int(lengths[shape] * bins + 0.5)
        centre = int((place - np.floor(place / lengths[shape]) * lengths[shape]) * bins + 0.5)
        total = 0.0
        first, end = centre - 9, centre + 10
        for m in models[shape]:
            if m >= 0:
                a = starts[m]
                total += up_to[a + min(end, n)] - up_to[a + max(first, 0)]
                if first < 0:
                    total += up_to[a + n] - up_to[a + n + first]
                if end > n:
                    total += up_to[a + end - n] - up_to[a]
        out[c, 1] = np.log(total + 1e-5)
