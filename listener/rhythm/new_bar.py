"""Find other bars in the last notes: a new meter, a bar line that moved, bars of several lengths that come round.

Ways to bar the last notes are compared by how well each bar is foretold by those before it: where notes fall, and
whether they have the same pitch or move alike (a predictive code with an estimator after Krichevsky and Trofimov, The
performance of universal encoding, IEEE Trans. Inf. Theory 27, 1981). Against other bars stand: the line goes on; a new
figure began in the same bars; the figure is two or four bars long.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from listener.kernel import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Sizes = tuple[float, ...]  # of bars that come round, in beats
SIMPLE: dict[int, Sizes] = {1: (3, 4, 5), 3: (6, 9, 12)}  # bars thought of, in beats, by beats per pulse
PARTS = {1: (4, 3), 3: (2,)}  # parts of a beat
BEAT_OF = {1: 1.0, 3: 2.0}  # a beat in units of the meter, by beats per pulse
SPAN_BEATS, FEWEST_NOTES = 40.0, 12  # that are looked at
BACK_BEATS, ENOUGH_BEATS = 20.0, 3.0  # since bars changed: at most, at least
FIGURES = ((1, 0.55), (2, 0.25), (3, 0.05), (4, 0.15))  # bars of a figure, and how often it has so many
NEW_FIGURE, NEW_METER, MOVED, ALL_ALONG, CYCLE = 0.05, 0.015, 0.001, 0.0002, 0.0003  # odds, of each
RARE: dict[float, float] = {5: 0.15, 9: 0.5}  # of a meter so many beats long, against others
NOTES, RELAID_S, SAME_TEMPO = 128, 4.0, 0.08  # kept; laid anew on a new grid; of log tempo, within which it goes on
SAME_TIME_S = 0.1  # before a bar line a note may sound that is on it
OPENING = 16.0  # odds that the note after silence begins a bar
BREATH_BEATS, BREATH = 3.2, 1.3  # a silence longer than both of these: it, in beats, and times the line's other rests
ODD, LONGEST, AGAIN = (2.0, 3.0, 3.5, 4.0, 4.5, 5.0), 16.0, 1.25  # beats of an odd bar among others; of a cycle; rounds
TEMPER = 0.75  # of log-likelihoods: the notes of a bar depend on each other
SURE, SURE_CYCLE = 0.9, 0.97  # of new bars: that they are so long
SURE_PLACE, SURE_MOVED = 0.5, 0.97  # that they lie there: new ones, bars as long as the held ones
MEANT, FORETOLD = 2.0, 2.5  # least log-likelihood of bars that are left for others (they were there), and of new ones
DOUBT, HEAD, FADE, SAME = 0.35, 0.9, 0.7, 0.55
KNOWN = 6.0  # notes that SAME counts for
FIRST, SPREAD, MARKED = 0.3, 0.65, 4.0  # how much lower and louder the first note of a bar is; spread; notes it counts
fast = kernel(fastmath=False, error_model="numpy")


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars that come round. line: a beat on which the first of them begins; sizes: their lengths in beats."""

    line: float
    sizes: Sizes

    @property
    def beats(self) -> float:
        return sum(self.sizes)


@dataclass(frozen=True, slots=True)
class NewBars:
    """Other bars than the held ones, and how probable they are."""

    bars: Bars
    probability: float


class BarNotes:
    """Holds the last notes by their place on the beat grid, through grids of the same tempo."""

    def __init__(self) -> None:
        self._u, self._time_s, self._pitch = np.zeros(NOTES), np.zeros(NOTES), np.zeros(NOTES, np.int64)
        self._marks = np.zeros((NOTES, 2))
        self._count = 0
        self._opening: tuple[float, float] | None = None  # u and time of the last note after silence
        self.since = -math.inf  # the beat on which the held bars began, where others were held before

    def push(self, time_s: float, u: float, pitch: int, marks: Floats, opens: bool) -> None:
        """Take a note. pitch 0: unknown; marks [2]: how low and how loud it is; opens: it comes after silence."""
        if self._count == NOTES:
            for array in (self._u, self._time_s, self._pitch, self._marks):
                array[:-1] = array[1:].copy()
            self._count -= 1
        n = self._count
        self._u[n], self._time_s[n], self._pitch[n], self._marks[n] = u, time_s, pitch, marks
        if opens:
            self._opening = u, time_s
        self._count += 1

    def place(self, u: float) -> None:
        """Say where the newest note lies."""
        self._u[self._count - 1] = u
        if self._opening and self._opening[1] == self._time_s[self._count - 1]:
            self._opening = u, self._opening[1]

    def begin(self, time_s: float) -> None:
        """Say when the held bars began: what was played before tells nothing of them."""
        n = self._count
        first = min(int(np.searchsorted(self._time_s[:n], time_s - SAME_TIME_S)), n - 1)
        self.since = float(self._u[first])

    def rebase(self, scale: float, shift: float) -> None:
        """Count places in another grid: u * scale + shift."""
        self._u[: self._count] = self._u[: self._count] * scale + shift
        self.since = self.since * scale + shift
        if self._opening:
            self._opening = self._opening[0] * scale + shift, self._opening[1]

    def leap(self, time_s: float, u: float, period_s: float) -> None:
        """Place the notes after time_s on a grid of even beats, u at time_s; the notes before keep their places."""
        since = slice(int(np.searchsorted(self._time_s[: self._count], time_s, side="right")), self._count)
        self._u[since] = u + (self._time_s[since] - time_s) / period_s

    def relay(self, time_s: float, u: float, period_s: float, before_s: float | None) -> float | None:
        """Place the last seconds' notes on a new grid of even beats, u at time_s; return by how many beats the older
        ones move. before_s: the period before; where it was another, or there was none, every note is placed and None
        returned.
        """
        n = self._count
        same = before_s is not None and abs(math.log(period_s / before_s)) < SAME_TEMPO
        since = slice(int(np.searchsorted(self._time_s[:n], time_s - RELAID_S)) if before_s else 0, n)
        placed = u + (self._time_s[since] - time_s) / period_s
        if not same or not len(placed):
            self._u[: len(placed)] = placed
            for array in (self._time_s, self._pitch, self._marks):
                array[: len(placed)] = array[since].copy()
            self._count, self.since = len(placed), -math.inf
            if self._opening:
                self._opening = u + (self._opening[1] - time_s) / period_s, self._opening[1]
            return None
        shift = round(2 * float(np.median(placed - self._u[since]))) / 2
        self._u[: since.start] += shift
        self.since += shift
        self._u[since] = placed
        if self._opening:
            self._opening = self._opening[0] + shift, self._opening[1]
        return shift

    def find(self, held: Bars, per_pulse: int) -> NewBars | None:
        """Return the new bars that the notes show, None when they show none."""
        n = self._count
        first = int(np.searchsorted(self._u[:n], self.since - 0.1))
        if n - first < FEWEST_NOTES:
            return None
        opening = self._opening[0] if self._opening else None
        return find(self._u[first:n], self._pitch[first:n], self._marks[first:n], opening, held, per_pulse)


class _Notes:
    """The last notes on slots, of which there are `parts` a beat."""

    def __init__(self, u: Floats, pitch: Ints, marks: Floats, now: float, per_pulse: int) -> None:
        fits = {p: float(np.abs(u * p - np.round(u * p)).mean()) * (1 + (p == 3)) for p in PARTS[per_pulse]}
        self.parts = parts = min(fits, key=lambda p: fits[p])
        slots = np.round(u * parts).astype(np.int64)
        recent = slice(int(np.searchsorted(u, now - SPAN_BEATS * BEAT_OF[per_pulse])), len(u))
        self.first = float(u[recent.start])
        span = max(4.0, now - self.first)
        density = np.bincount(slots[recent] % parts, minlength=parts)
        density = np.clip((density + 0.25) / (span + 1), 0.04, 0.92)
        counts = np.bincount(np.maximum(pitch[recent], 0), minlength=128)
        usual = np.minimum(0.9, counts[np.maximum(pitch, 0)] / max(1, counts.sum()) + 0.1)
        centred = marks - marks[recent].mean(0)
        self._notes = slots, pitch, centred, usual, density
        self.end = int(slots[-1]) + 1

    def slot(self, beat: float) -> int:
        return round(beat * self.parts)

    def score(self, start: float, end: float | None, sizes: Sizes, origin: float | None = None) -> float:
        """Return the log-likelihood of the notes from beat start to end (None: the last note) in these bars.

        origin: a beat on which the first of them begins, where it is not start.
        """
        until = self.end if end is None else self.slot(end)
        span = self.slot(start if origin is None else origin), self.slot(start), until
        memory = np.zeros((4, self.slot(sum(sizes))))
        return TEMPER * float(bar_score(self._notes, span, self.parts, _heads(sizes, self.parts), memory))

    def figures(self, start: float, end: float | None, sizes: Sizes) -> float:
        """Return it for figures of one bar or several."""
        return _sum([math.log(p) + self.score(start, end, sizes * n) for n, p in FIGURES])


@lru_cache(512)
def _heads(sizes: Sizes, parts: int) -> NDArray[np.bool_]:
    """Return for each slot of the bars whether one begins there."""
    out = np.zeros(round(sum(sizes) * parts), np.bool_)
    out[[round(parts * sum(sizes[:n])) for n in range(len(sizes))]] = True
    return out


def find(u: Floats, pitch: Ints, marks: Floats, opening: float | None, held: Bars, per_pulse: int) -> NewBars | None:
    """Return the new bars that the notes show, None when they show none.

    u, pitch: of the last notes, u in beats; marks [notes, 2]: how low and loud they are; opening: the note that opened
    the line, which is likely the first of a bar.
    """
    breath, now = _breath(u), float(u[-1])
    u, pitch, marks = u[breath:], pitch[breath:], marks[breath:]
    if per_pulse not in SIMPLE or len(u) < FEWEST_NOTES:
        return None
    notes, every = _Notes(u, pitch, marks, now, per_pulse), held.beats
    last = held.line + math.floor((now - held.line) / every + 0.02) * every
    start = held.line + math.ceil((notes.first - 0.1 - held.line) / every) * every
    turns = [b for b in np.arange(last, now - BACK_BEATS * BEAT_OF[per_pulse], -every).tolist() if b >= start + every]
    if not turns:
        return None
    known = notes.figures
    same, found = [known(start, None, held.sizes)], []
    opens = {True: 0.0, False: 0.0 if opening is None else -math.log(OPENING)}
    from_held = opens[_begins(held, opening)]
    for size in SIMPLE[per_pulse]:
        if (size,) != held.sizes:
            for phase in range(int(size)):
                bars = Bars(start + phase, (size,))
                odds, foretold = opens[_begins(bars, opening)] - from_held, known(bars.line, None, (size,))
                if foretold > FORETOLD:
                    found.append((foretold + math.log(ALL_ALONG) + odds, bars))
    for b in turns:
        if now - b < ENOUGH_BEATS * BEAT_OF[per_pulse]:
            continue
        before = known(start, b, held.sizes)
        if before < MEANT:
            continue
        for size in SIMPLE[per_pulse]:
            foretold = known(b, None, (size,))
            if (size,) == held.sizes:
                same.append(before + foretold + math.log(NEW_FIGURE))
            elif foretold > FORETOLD:
                found.append((before + foretold + math.log(NEW_METER * RARE.get(size, 1.0)), Bars(b, (size,))))
    for b in range(round(last - 2 * every), round(now - ENOUGH_BEATS) + 1):
        if abs((b - held.line) % every) > 0.1 and b >= start + every:
            same.append(known(start, b, held.sizes) + known(b, None, held.sizes) + math.log(MOVED))
    if per_pulse == 1:
        cycles = _cycles(notes, start, held, _sum(same))
        found += [(score + opens[_begins(bars, opening)] - from_held, bars) for score, bars in cycles]
    return _likeliest(same, found, held)


def _likeliest(same: list[float], found: list[tuple[float, Bars]], held: Bars) -> NewBars | None:
    """Return the bars found that are likely enough against the held ones; same, found: log-likelihoods."""
    if not found:
        return None
    everything = _sum(same + [score for score, _ in found])
    sizes: dict[Sizes, float] = {}
    places: dict[tuple[Sizes, float], float] = {}
    for score, bars in found:
        share, place = math.exp(score - everything), (bars.sizes, round(bars.line % bars.beats, 2))
        sizes[bars.sizes] = sizes.get(bars.sizes, 0.0) + share
        places[place] = places.get(place, 0.0) + share
    best = max(places, key=lambda place: places[place])
    sure = SURE if len(best[0]) == 1 else SURE_CYCLE
    if sizes[best[0]] < sure or places[best] < (SURE_MOVED if best[0] == held.sizes else SURE_PLACE):
        return None
    _, line = max((score, bars.line) for score, bars in found if (bars.sizes, round(bars.line % bars.beats, 2)) == best)
    return NewBars(Bars(line, best[0]), places[best])


def _begins(bars: Bars, beat: float | None) -> bool:
    """Return whether the bars, or their cycle, begin on a beat."""
    return beat is not None and abs((beat - bars.line + 0.2) % bars.beats - 0.2) < 0.2


def _breath(u: Floats) -> int:
    """Return the first note after a silence longer than the line's other rests, 0 without one."""
    gaps = np.diff(u)
    if len(gaps) < 3:
        return 0
    longest = int(gaps.argmax())
    others = np.delete(gaps, longest)
    return longest + 1 if gaps[longest] > max(BREATH_BEATS, BREATH * float(others.max())) else 0


def _cycles(notes: _Notes, start: float, held: Bars, same: float) -> list[tuple[float, Bars]]:
    """Return cycles of held bars and an odd one that foretell the notes nearly as well as the held bars, which do so
    by `same`.
    """
    one, odds = held.sizes[0], [odd for odd in ODD if odd * notes.parts % 1 == 0]
    shapes = [(one,) * n + (odd,) for n in (1, 2, 3) for odd in odds if odd != one and n * one + odd <= LONGEST]
    out: list[tuple[float, Bars]] = []
    lengths = {}
    for total in sorted({sum(shape) for shape in shapes}):
        if notes.end / notes.parts - start > AGAIN * total:
            lengths[total] = notes.score(start, None, (total,)) + math.log(CYCLE)
    if not lengths:
        return []
    best = max(lengths, key=lambda total: lengths[total])
    if lengths[best] < same - 3:
        return []
    places = np.arange(0.0, best, 0.5)
    each = math.log(CYCLE / len(places))
    for shape in (shape for shape in shapes if sum(shape) == best):
        for at in places:
            score = notes.score(start, None, shape, origin=float(start + at))
            out.append((score + each, Bars(float(start + at), shape)))
    return out


def _sum(logs: list[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(x - top) for x in logs))


@fast
def bar_score(notes, span, parts, starts, memory):  # type: ignore[no-untyped-def]
    """Log-likelihood of the notes from slot start to end, foretold by bars, against usual notes.

    span: a slot on which the bars begin, start, end; starts [size]: whether a bar begins there; memory [4, size],
    changed: notes and bars counted, last pitch and last first pitch of the bar, by place.
    """
    slots, pitch, marks, usual, density = notes
    origin, start, end = span
    hits, bars, before, heads = memory[0], memory[1], memory[2], memory[3]
    total, head, size = 0.0, 0.0, len(starts)
    known, alike = KNOWN, KNOWN * SAME
    count = np.full(2, MARKED)
    mean = np.zeros((marks.shape[1], 2))  # of each mark, within the bar and on bar lines
    mean[:, 1] = FIRST
    i = 0
    for slot in range(start, end):
        while i < len(slots) and slots[i] < slot:
            i += 1
        hit = i < len(slots) and slots[i] == slot
        k = (slot - origin) % size
        first = 1 if starts[k] else 0
        d = density[slot % parts]
        own = max(d, HEAD) if first else d
        p = min(0.97, max(0.03, (hits[k] + DOUBT * own) / (bars[k] + DOUBT)))
        total += math.log(p / d) if hit else math.log((1 - p) / (1 - d))
        if first:
            head = float(pitch[i]) if hit else 0.0
        if hit and pitch[i] > 0:
            q = float(pitch[i])
            if before[k] > 0:
                moved = not first and head > 0 and heads[k] > 0 and q - head == before[k] - heads[k]
                same = alike / known
                known += 1
                if q == before[k] or moved:
                    total += math.log((same + (1 - same) * usual[i]) / usual[i])
                    alike += 1
                else:
                    total += math.log(1 - same)
            before[k], heads[k] = q, head
        if hit:
            for j in range(marks.shape[1]):
                x = marks[i, j]
                total += 0.5 * (x * x - (x - mean[j, first]) ** 2) / SPREAD**2
                mean[j, first] += (x - mean[j, first]) / (count[first] + 1)
            count[first] = min(count[first] + 1, 12.0)
        hits[k] = FADE * hits[k] + (1.0 if hit else 0.0)
        bars[k] = FADE * bars[k] + 1.0
    return total
