"""Find what comes back and what closes: step(...) -> FormEvents(phrase with its ending judged, repetition, hook).

Onsets are laid on the grid, swing removed; bars are compared with earlier bars at every distance, and runs of equal
bars at one distance are repetitions: the correlative matrix of Hsu, Liu and Chen, Discovering nontrivial repeating
patterns in music data, IEEE Trans. Multimedia 3(3), 2001. Of the patterns that recur the hook is the shortest that is
closed (none that contains it is heard as often: Lartillot, Multi-dimensional motivic pattern extraction, JNMR 34(4),
2005). Without a grid, phrases are compared, their onsets measured in the player's usual gap.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from listener.music.closure import closure
from listener.music.motif import Motif, Resemblance, content, motif_of_gaps, place_of, resemblance
from listener.types import Grid, Hook, Key, Note, Phrase, Repetition

SURE_GRID = 0.4
MEMORY_BARS, MEMORY_PHRASES = 32, 12
SAME = 0.70  # resemblance from which a bar or phrase is said to return
UNIT_BARS = (1, 2, 4)  # lengths tried for the hook
HOOK_SAME, HOOK_TIMES = 0.85, 3
FEWEST_NOTES = 3  # of a hook
LATE_BEATS = 0.3  # after the bar line a note of the old bar may still be named


@dataclass(frozen=True, slots=True)
class FormEvents:
    """What the form tracker found in one frame.

    phrase: as given, with its ending judged once it has ended; repetition: just recognised; hook: the present one.
    """

    phrase: Phrase | None = None
    repetition: Repetition | None = None
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar of notes on the grid."""

    start_s: float
    first_beat: int
    beats: int
    motif: Motif
    like: tuple[float, ...] = ()  # similarity to the bar 1, 2, ... before it


class FormTracker:
    """Follows the form; give it every frame. Only the last bars and phrases are kept."""

    def __init__(self) -> None:
        self._bars: deque[_Bar] = deque(maxlen=MEMORY_BARS)
        self._runs = [0] * (MEMORY_BARS + 1)  # bars in a row that equal those this many bars before
        self._phrases: deque[tuple[float, Motif]] = deque(maxlen=MEMORY_PHRASES)
        self._notes: dict[float, tuple[float, Note]] = {}  # of the bar being played: beat and note by onset_s
        self._first: int | None = None  # beat that opens the bar being played
        self._beats = 0
        self._start_s = 0.0
        self._hook: Hook | None = None
        self._unheard_bars = 0

    def step(
        self,
        time_s: float,
        notes: tuple[Note, ...],
        ended: tuple[Note, ...],
        grid: Grid | None,
        key: Key | None = None,
        phrase: Phrase | None = None,
        revised: tuple[Note, ...] = (),
    ) -> FormEvents:
        """Read one frame.

        time_s: its end; notes, revised, ended: new, corrected and completed notes; phrase: of this frame.
        """
        for note in (*revised, *ended):
            if note.onset_s in self._notes:
                self._notes[note.onset_s] = (self._notes[note.onset_s][0], note)
        repetition = None
        if grid is not None and grid.confidence >= SURE_GRID:
            repetition = self._bar(time_s, notes, grid)
        if phrase is not None and phrase.end_s is not None:
            phrase = self._judge(phrase, grid, key)
        return FormEvents(phrase, repetition, self._hook)

    def _bar(self, time_s: float, notes: tuple[Note, ...], grid: Grid) -> Repetition | None:
        """Collect the notes of the bar; compare it with the earlier ones when it is over."""
        repetition = None
        if self._first is not None and abs(grid.beat_at(time_s) - self._first) > 2 * self._beats:
            self._first, self._notes = None, {}  # the beats were counted anew
        late_s = LATE_BEATS * grid.period_s
        over_s = math.inf if self._first is None else grid.time_of(self._first + self._beats) + late_s
        placed = [(place_of(note, grid), note) for note in notes]
        if self._first is not None and (
            time_s > over_s or any(b >= self._first + self._beats + LATE_BEATS for b, _ in placed)
        ):
            repetition = self._complete(self._first)
        if self._first is None and (placed or self._bars):
            self._open(placed[0][0] if placed else grid.beat_at(time_s), grid)
        for beat, note in placed:
            if note.articulation != "ghost":
                self._notes[note.onset_s] = (beat, note)
        return repetition

    def _open(self, beat: float, grid: Grid) -> None:
        whole = math.floor(beat + 0.01)
        self._first = whole - (grid.position_of(whole) - 1)
        self._beats, self._start_s = grid.meter.numerator, grid.time_of(self._first)

    def _complete(self, first: int) -> Repetition | None:
        beats = self._beats
        inside = [(b - first, n.pitch) for b, n in self._notes.values() if b < first + beats]
        self._notes = {on: (b, n) for on, (b, n) in self._notes.items() if b >= first + beats}
        bar = _Bar(self._start_s, first, beats, tuple(sorted(inside)))
        likeness = [self._likeness(bar, earlier) for earlier in reversed(self._bars)]
        repetition = self._repeated(bar, likeness)
        self._bars.append(replace(bar, like=tuple(alike.similarity for alike in likeness)))
        self._find_hook()
        self._first = None
        return repetition

    @staticmethod
    def _likeness(bar: _Bar, earlier: _Bar) -> Resemblance:
        if bar.beats != earlier.beats:
            return Resemblance(0.0)
        return resemblance(earlier.motif, bar.motif) if bar.motif or earlier.motif else Resemblance(1.0)

    def _repeated(self, bar: _Bar, likeness: list[Resemblance]) -> Repetition | None:
        """Return the earlier bar that this one repeats, if any: the one most alike.

        Among equals: untransposed first, then the longest run, then the nearest.
        """
        runs = [0] * (MEMORY_BARS + 1)
        for ago, alike in enumerate(likeness, 1):
            runs[ago] = self._runs[ago] + 1 if alike.similarity >= SAME else 0
        self._runs = runs
        found = [ago for ago in range(1, len(likeness) + 1) if runs[ago] and bar.motif]
        if not found:
            return None

        def rank(ago: int) -> tuple[float, bool, int, int]:
            alike = likeness[ago - 1]
            return round(alike.similarity, 2), not alike.transposed, min(runs[ago], ago), -ago

        ago = max(found, key=rank)
        alike, earlier = likeness[ago - 1], self._bars[-ago]
        known = (alike.similarity, alike.varied, alike.transposed, runs[ago])
        return Repetition(bar.start_s, earlier.start_s, ago, *known)

    def _find_hook(self) -> None:
        """Return the shortest closed pattern that ends with the bar just heard."""
        times, unit = 0, 0
        for bars in UNIT_BARS:
            heard = self._times(bars)
            if heard < HOOK_TIMES or heard < times - 1:
                break
            times, unit = heard, bars
        hook = self._hook_of(times, unit) if unit else None
        self._unheard_bars += 1
        if hook is not None and self._better(hook):
            self._hook = hook
        if hook is not None and self._hook == hook:
            self._unheard_bars = 0

    def _better(self, hook: Hook) -> bool:
        """Return whether a hook replaces the present one; a longer one contains it, a shorter one is part of it."""
        old = self._hook
        if old is None or self._unheard_bars > MEMORY_BARS:
            return True
        if hook.length_beats != old.length_beats:
            longer = hook.length_beats > old.length_beats
            return hook.times >= (old.times - 1 if longer else 2 * old.times)
        same = resemblance(old.notes, hook.notes).similarity >= HOOK_SAME
        return hook.times >= old.times if same else hook.times > old.times + 1

    def _times(self, unit: int) -> int:
        """Return how often the last `unit` bars were heard, without overlap, themselves included."""
        last = list(self._bars)[-unit:]
        if len(last) < unit or not any(bar.motif for bar in last):
            return 0
        times, ago = 1, unit
        while ago <= len(self._bars) - unit:
            if all(bar.like[ago - 1] >= HOOK_SAME for bar in last):
                times, ago = times + 1, ago + unit
            else:
                ago += 1
        return times

    def _hook_of(self, times: int, unit: int) -> Hook | None:
        """Return the last `unit` bars as a hook; None when they hold too little."""
        motif = _joined(list(self._bars)[-unit:])
        if len(motif) < FEWEST_NOTES or content(motif) < 2:
            return None
        first = motif[0][1]
        notes = tuple((round(beat, 3), pitch - first) for beat, pitch in motif)
        return Hook(notes, float(unit * self._bars[-1].beats), times)

    def _judge(self, phrase: Phrase, grid: Grid | None, key: Key | None) -> Phrase:
        """Return the ended phrase with the earlier one it repeats and whether it closes."""
        motif = motif_of_gaps(phrase.notes)
        alike = [(resemblance(earlier, motif), start_s, i) for i, (start_s, earlier) in enumerate(self._phrases)]
        best = max(alike, key=lambda a: (a[0].similarity, a[2]), default=None)
        repeats = None
        if best is not None and best[0].similarity >= SAME:
            ago = len(self._phrases) - best[2]
            repeats = Repetition(phrase.start_s, best[1], ago, best[0].similarity, best[0].varied, best[0].transposed)
        if motif:
            self._phrases.append((phrase.start_s, motif))
        closes, sure = closure(phrase.notes, grid if grid and grid.confidence >= SURE_GRID else None, key)
        return replace(phrase, repeats=repeats, closes=closes, closes_confidence=sure)


def _joined(bars: list[_Bar]) -> Motif:
    """Return the notes of consecutive bars, beats counted from the first."""
    return tuple((i * bar.beats + beat, pitch) for i, bar in enumerate(bars) for beat, pitch in bar.motif)
