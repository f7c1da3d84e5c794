"""Find other bars in the last notes: a new meter, a bar line that moved, bars of several lengths that come round.

Ways to bar the last notes are compared by how well each bar is foretold by those before it: where notes fall, and
whether they have the same pitch or move alike (a predictive code with an estimator after Krichevsky and Trofimov, The
performance of universal encoding, IEEE Trans. Inf. Theory 27, 1981). Against other bars stand: the line goes on; a new
figure began in the same bars; the figure is two or four bars long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
NEW_FIGURE, NEW_METER, MOVED, ALL_ALONG, CYCLE = 0.05, 0.015, 0.001, 0.001, 0.0003  # odds, of each
SETTLED_BARS = 8.0  # bars held, from which on new ones are half as likely: a song that never changed seldom does
RARE: dict[float, float] = {5: 0.15, 9: 0.5}  # of a meter so many beats long, against others
NOTES, RELAID_S, SAME_TEMPO = 128, 4.0, 0.08  # kept; laid anew on a new grid; of log tempo, within which it goes on
SAME_TIME_S = 0.1  # before a bar line a note may sound that is on it
OPENING = 16.0  # odds that the note after silence begins a bar
BREATH_BEATS, BREATH = 3.2, 1.3  # a silence longer than both of these: it, in beats, and times the line's other rests
ODD, LONGEST, AGAIN = (2.0, 3.0, 3.5, 4.0, 4.5, 5.0), 16.0, 1.25  # beats of an odd bar among others; of a cycle; rounds
TEMPER = 0.75  # of log-likelihoods: the notes of a bar depend on each other
SURE = 0.97  # of new bars: that they are so long
SURE_PLACE, SURE_MOVED = 0.5, 0.97  # that they lie there: new ones, bars as long as the held ones
MEANT, FORETOLD = -4.0, 2.5  # least log-likelihood of bars that are left for others (they were there), and of new ones
DOUBT, HEAD, FADE, SAME = 0.35, 0.9, 0.7, 0.55
KNOWN = 6.0  # notes that SAME counts for
FIRST, SPREAD, MARKED = 0.3, 0.65, 4.0  # how much lower and louder the first note of a bar is; spread; notes it counts
Line = tuple[Ints, Ints, Floats, Floats, Floats]  # of each note: slot, pitch, marks, how usual it is; density of slots
FIGURE_LOG: Floats = np.log([odds for _, odds in FIGURES])
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
class Span:
    """Notes from beat `start` on, read in bars so long, of which one begins on `line`."""

    line: float
    start: float
    sizes: Sizes


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

    def find(self, held: Bars, per_pulse: int, held_bars: float = 0.0) -> NewBars | None:
        """Return the new bars that the notes show, None when they show none. held_bars: how many bars were held."""
        n = self._count
        first = int(np.searchsorted(self._u[:n], self.since - 0.1))
        if n - first < FEWEST_NOTES:
            return None
        opening = self._opening[0] if self._opening else None
        line = self._u[first:n], self._pitch[first:n], self._marks[first:n]
        return find(*line, opening, held, per_pulse, SETTLED_BARS / (SETTLED_BARS + held_bars))


class _Notes:
    """The last notes on slots, of which there are `parts` a beat."""

    def __init__(self, u: Floats, pitch: Ints, marks: Floats, now: float, per_pulse: int) -> None:
        fits = {p: float(np.abs(u * p - np.round(u * p)).mean()) * (1 + (p == 3)) for p in PARTS[per_pulse]}
        self.parts = parts = min(fits, key=lambda p: fits[p])
        slots = np.round(u * parts).astype(np.int64)
        recent = slice(int(np.searchsorted(u, now - SPAN_BEATS * BEAT_OF[per_pulse])), len(u))
        self.first = float(u[recent.start])
        span = max(4.0, now - self.first)
        counted = np.bincount(slots[recent] % parts, minlength=parts)
        density: Floats = np.clip((counted + 0.25) / (span + 1), 0.04, 0.92)
        counts = np.bincount(np.maximum(pitch[recent], 0), minlength=128)
        usual = np.minimum(0.9, counts[np.maximum(pitch, 0)] / max(1, counts.sum()) + 0.1)
        centred = marks - marks[recent].mean(0)
        self._notes = slots, pitch, centred, usual, density
        self.end = int(slots[-1]) + 1

    def slot(self, beat: float) -> int:
        return round(beat * self.parts)

    def scores(self, spans: Sequence[Span]) -> Floats:
        """Return the log-likelihood of the notes of every span, from its start to the last note, in its bars."""
        if not spans:
            return np.zeros(0)
        heads = {span.sizes: _heads(span.sizes, self.parts) for span in spans}
        number = {sizes: i for i, sizes in enumerate(heads)}
        table = np.zeros((len(heads), max(map(len, heads.values()))), np.bool_)
        for i, row in enumerate(heads.values()):
            table[i, : len(row)] = row
        jobs = np.array([(self.slot(s.line), self.slot(s.start), number[s.sizes], len(heads[s.sizes])) for s in spans])
        return np.asarray(TEMPER * bar_scores(self._notes, jobs, self.end, self.parts, table))

    def figures(self, ways: Sequence[tuple[float, Sizes]]) -> Floats:
        """Return it for bars that begin on a beat, of so many beats, in figures of one bar or several."""
        spans = [Span(start, start, sizes * n) for start, sizes in ways for n, _ in FIGURES]
        return np.asarray(np.logaddexp.reduce(self.scores(spans).reshape(-1, len(FIGURES)) + FIGURE_LOG, axis=1))

    def until(self, start: float, sizes: Sizes) -> Floats:
        """Return the log-likelihood of the notes from beat `start` until every slot after it, in such figures."""
        rows = []
        for n, _ in FIGURES:
            heads = _heads(sizes * n, self.parts)
            rows.append(bar_score(self._notes, (self.slot(start), self.slot(start), self.end), self.parts, heads))
        return np.asarray(np.logaddexp.reduce(TEMPER * np.array(rows) + FIGURE_LOG[:, None], axis=0))


@lru_cache(512)
def _heads(sizes: Sizes, parts: int) -> NDArray[np.bool_]:
    """Return for each slot of the bars whether one begins there."""
    out = np.zeros(round(sum(sizes) * parts), np.bool_)
    out[[round(parts * sum(sizes[:n])) for n in range(len(sizes))]] = True
    return out


def find(
    u: Floats, pitch: Ints, marks: Floats, opening: float | None, held: Bars, per_pulse: int, turns_by: float = 1.0
) -> NewBars | None:
    """Return the new bars that the notes show, None when they show none.

    u, pitch: of the last notes, u in beats; marks [notes, 2]: how low and loud they are; opening: the note that opened
    the line, which is likely the first of a bar; turns_by: of the usual odds of new bars, 0 to 1.
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
    opens = {True: 0.0, False: 0.0 if opening is None else -math.log(OPENING)}
    from_held = opens[_begins(held, opening)]
    held_until = notes.until(start, held.sizes)
    ways: list[tuple[float, float, Sizes]] = []  # log odds, with those of the notes before; a bar line; sizes
    for size in SIMPLE[per_pulse]:
        for phase in range(int(size) if (size,) != held.sizes else 0):
            bars = Bars(start + phase, (size,))
            ways.append((math.log(ALL_ALONG) + opens[_begins(bars, opening)] - from_held, bars.line, bars.sizes))
    for b in turns:
        before = float(held_until[notes.slot(b) - notes.slot(start)])
        if now - b < ENOUGH_BEATS * BEAT_OF[per_pulse] or before < MEANT:
            continue
        for size in SIMPLE[per_pulse]:
            odds = NEW_FIGURE if (size,) == held.sizes else NEW_METER * RARE.get(size, 1.0) * turns_by
            ways.append((before + math.log(odds), b, (size,)))
    moved: list[tuple[float, float, Sizes]] = []
    for b in range(round(last - 2 * every), round(now - ENOUGH_BEATS) + 1):
        if abs((b - held.line) % every) < 0.1 or b < start + every:
            continue
        moved.append((float(held_until[notes.slot(b) - notes.slot(start)]) + math.log(MOVED), float(b), held.sizes))
    foretold = notes.figures([(line, sizes) for _, line, sizes in ways + moved])
    same, found = [float(held_until[-1])], []
    for (odds, line, sizes), score in zip(ways + moved, foretold.tolist(), strict=True):
        if sizes == held.sizes:
            same.append(odds + score)
        elif score > FORETOLD:
            found.append((odds + score, Bars(line, sizes)))
    if per_pulse == 1:
        cycles = _cycles(notes, start, held, _sum(same))
        found += [(score + opens[_begins(bars, opening)] - from_held, bars) for score, bars in cycles]
    return _likeliest(same, found, held)


def warm_up() -> None:
    """Compile what `find` calls, or load it."""
    beats = np.arange(40.0)
    find(beats, np.full(len(beats), 33), np.zeros((len(beats), 2)), None, Bars(0.0, (4,)), 1)


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
    if sizes[best[0]] < SURE or places[best] < (SURE_MOVED if best[0] == held.sizes else SURE_PLACE):
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
    totals = sorted({sum(shape) for shape in shapes if notes.end / notes.parts - start > AGAIN * sum(shape)})
    if not totals:
        return []
    lengths = notes.scores([Span(start, start, (total,)) for total in totals]) + math.log(CYCLE)
    if lengths.max() < same - 3:
        return []
    best = totals[int(lengths.argmax())]
    places = np.arange(0.0, best, 0.5)
    each = math.log(CYCLE / len(places))
    spans = [Span(float(start + at), start, shape) for shape in shapes if sum(shape) == best for at in places]
    scores = notes.scores(spans)
    return [(float(score) + each, Bars(span.line, span.sizes)) for span, score in zip(spans, scores, strict=True)]


def _sum(logs: list[float]) -> float:
    top = max(logs)
    return top + math.log(sum(math.exp(x - top) for x in logs))


@fast
def bar_score(notes: Line, span: tuple[int, int, int], parts: int, starts: NDArray[np.bool_]) -> Floats:
    """Return the log-likelihood of the notes from slot start up to every slot until end, [end - start + 1], foretold by
    bars, against usual notes.

    span: a slot on which the bars begin, start, end; starts [size]: whether a bar begins there.
    """
    slots, pitch, marks, usual, density = notes
    origin, start, end = span
    total, head, size = 0.0, 0.0, len(starts)
    # by place: notes and bars counted, last pitch, the first pitch of its bar
    hits, bars, before, heads = np.zeros(size), np.zeros(size), np.zeros(size), np.zeros(size)
    out = np.zeros(max(end - start, 0) + 1)
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
        out[slot - start + 1] = total
    return out


@fast
def bar_scores(notes: Line, jobs: Ints, end: int, parts: int, heads: NDArray[np.bool_]) -> Floats:
    """Return `bar_score` at the end of every job: a slot on which its bars begin, start, a row of heads, its length."""
    out = np.empty(len(jobs))
    for j in range(len(jobs)):
        origin, start, row, size = jobs[j]
        out[j] = bar_score(notes, (origin, start, end), parts, heads[row, :size])[-1]
    return out
