"""Right and wrong partners of a bass: windows of songs, and what takes the place of a part in them.

A window is a list of ticks of one song, so that every part can be cut alike; an odd meter is made of a 4/4 song by
leaving out whole beats of every part. A wrong partner is another place or song, the same part shifted, shuffled or
transposed, the commonest bar, or (drums) a kick that copies the bass.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from listener.types import Meter
from models.corpus.song import Song
from models.critic.windows import LONGEST
from models.music import tokens
from models.music.features import Ints
from models.music.tick_grid import fold
from models.music.tokens import LINE_LOW, LINE_ON, PIECES

Rng = np.random.Generator
KICK, SNARE = PIECES.index("kick"), PIECES.index("snare")
FOUR = Meter(4, 4)
CUT_TO = (Meter(3, 4), Meter(5, 4), Meter(6, 4), Meter(7, 4), Meter(7, 8))  # what 4/4 is cut down to
SHIFTS = {"shift_1": (-1, 1), "shift_2": (-2, 2)}
SHARED_KINDS = ("swapped", "other_bar", "shift_1", "shift_2", "beats", "bars", "common")
KINDS = {  # part -> kinds of wrong partners
    "drums": (*SHARED_KINDS, "copies_bass"),
    "comping": (*SHARED_KINDS, "swapped_in_key", "transposed_3", "transposed"),
    "line": (*SHARED_KINDS, "swapped_in_key", "transposed_3", "transposed"),
}
HAS = {"drums": 0, "comping": 1, "line": 2}  # index in Song.has
TRIES = 6


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one window: drums [T, pieces], chord [T, 4], line [T, 3]."""

    drums: Ints
    chord: Ints
    line: Ints


@dataclass(frozen=True, slots=True)
class Window:
    """at [T]: ticks of the song. ticks [T]: place in the bar of `meter`. bars: how many it has."""

    song: int
    at: Ints
    ticks: Ints
    meter: Meter
    bars: int

    def __len__(self) -> int:
        return len(self.at)


class Songs:
    """Songs that have a part, and where in them windows may begin."""

    def __init__(self, songs: Iterable[Song]) -> None:
        self.songs = list(songs)
        self._starts = [np.flatnonzero(np.diff(song.bars, prepend=-1)) for song in self.songs]
        self._meters = [
            [song.meters[at] for at in starts] for song, starts in zip(self.songs, self._starts, strict=True)
        ]
        self._whole = [self._whole_bars(index) for index in range(len(self.songs))]
        self.of_meter: dict[Meter, list[int]] = defaultdict(list)
        for index, meters in enumerate(self._meters):
            for meter, found in Counter(map(plain, meters)).items():
                if found >= 4:
                    self.of_meter[meter].append(index)

    def _whole_bars(self, index: int) -> list[bool]:
        """Return whether each bar is as long as its meter says."""
        ends = [*self._starts[index][1:].tolist(), len(self.songs[index])]
        found = zip(self._starts[index].tolist(), ends, self._meters[index], strict=True)
        return [end - at == meter.numerator * tokens.ticks_per_beat(meter) for at, end, meter in found]

    def bar_count(self, song: int) -> int:
        return len(self._starts[song])

    def window(self, song: int, bar: int, bars: int, cut_to: Meter | None = None) -> Window | None:
        """Return `bars` bars from bar `bar`, or None: not there, not whole, of two meters, or longer than LONGEST."""
        if bar >= self.bar_count(song):
            return None
        meter = self._meters[song][bar]
        target = cut_to or meter
        length = target.numerator * tokens.ticks_per_beat(target)
        sources = -(-length // 16) if cut_to else 1  # bars of the song for each bar of the window
        last = bar + bars * sources
        if length * bars > LONGEST or last > self.bar_count(song) or (cut_to and plain(meter) != FOUR):
            return None
        if not all(self._whole[song][bar:last]) or any(m != meter for m in self._meters[song][bar:last]):
            return None
        starts = self._starts[song][bar:last:sources]
        at = np.concatenate([start + np.arange(length) for start in starts])
        return Window(song, at, np.tile(np.arange(length), bars), target, bars)

    def rows(self, window: Window, delay: int = 0) -> Rows:
        """Return what the song has there, or `delay` ticks earlier."""
        events, at = self.songs[window.song].events, np.clip(window.at - delay, 0, len(self.songs[window.song]) - 1)
        return Rows(events.drums[at], events.chord[at], events.line[at])

    def bass(self, window: Window) -> Ints:
        return self.songs[window.song].events.bass[window.at]


def plain(meter: Meter) -> Meter:
    return Meter(meter.numerator, meter.denominator)


def enough(part: str, rows: Rows, bass: Ints) -> bool:
    """Return whether there is something to judge: bass notes, and strokes of the part."""
    if (bass[:, 0] >= 0).sum() < 2:
        return False
    if part == "drums":
        return int((rows.drums > 0).sum()) >= 4
    if part == "comping":
        return int((rows.chord[:, 0] >= tokens.SAME).sum()) >= 1
    return int((rows.line[:, 0] == LINE_ON).sum()) >= 3


def reference(bass: Ints) -> int:
    """Return the bass pitch class that sounds longest."""
    sounding = bass[bass[:, 2] >= 0, 2] % 12
    return int(np.bincount(sounding, minlength=12).argmax())


class Partners:
    """Draws wrong partners of windows."""

    def __init__(self, songs: Songs, part: str, common: Mapping[Meter, Ints]) -> None:
        """common: meter -> the bar for the kind "common" (`commonest`)."""
        self._songs, self._part, self._commonest = songs, part, common

    def wrong(self, kind: str, window: Window, cut_to: Meter | None, rng: Rng) -> Rows | None:
        """Return the rows with this part replaced; None where this kind has nothing else to offer here."""
        true = self._songs.rows(window)
        for _ in range(TRIES):
            found = self._one(kind, window, true, cut_to, rng)
            if found is not None and differs(self._part, found, true):
                return found
        return None

    def _one(self, kind: str, window: Window, true: Rows, cut_to: Meter | None, rng: Rng) -> Rows | None:
        if kind in SHIFTS:
            return self._with(true, self._songs.rows(window, int(rng.choice(SHIFTS[kind]))))
        if kind in ("swapped", "swapped_in_key"):
            return self._swapped(window, true, cut_to, rng, kind == "swapped_in_key")
        if kind == "other_bar":
            other = self._songs.window(
                window.song, int(rng.integers(self._songs.bar_count(window.song))), window.bars, cut_to
            )
            return None if other is None or other.meter != window.meter else self._with(true, self._songs.rows(other))
        if kind in ("beats", "bars"):
            chunk = len(window) // window.bars if kind == "bars" else 4 if window.meter.denominator == 4 else 2
            return self._with(true, _shuffled(true, chunk, rng))
        if kind == "common":
            return self._common(window, true)
        if kind == "copies_bass":
            return Rows(copying(true.drums, self._songs.bass(window)), true.chord, true.line)
        steps = (-3, 3) if kind == "transposed_3" else tuple(s for s in range(-5, 7) if s)
        return self._with(true, transposed(true, int(rng.choice(steps))))

    def _with(self, true: Rows, other: Rows) -> Rows:
        """Return `true` with this part of `other`; beside a line the true chords stay."""
        if self._part == "drums":
            return Rows(other.drums, true.chord, true.line)
        return Rows(true.drums, other.chord if self._part == "comping" else true.chord, other.line)

    def _swapped(self, window: Window, true: Rows, cut_to: Meter | None, rng: Rng, in_key: bool) -> Rows | None:
        pool = self._songs.of_meter[FOUR if cut_to else plain(window.meter)]
        song = pool[int(rng.integers(len(pool)))] if pool else window.song
        if song == window.song:
            return None
        other = self._songs.window(song, int(rng.integers(self._songs.bar_count(song))), window.bars, cut_to)
        if other is None or len(other) != len(window):
            return None
        rows = self._songs.rows(other)
        if not enough(self._part, rows, self._songs.bass(other)):
            return None
        if in_key:
            rows = transposed(rows, reference(self._songs.bass(window)) - reference(self._songs.bass(other)))
        return self._with(true, rows)

    def _common(self, window: Window, true: Rows) -> Rows | None:
        bar = self._commonest.get(plain(window.meter))
        if bar is None:
            return None
        rows = np.tile(bar, (window.bars, 1))
        base = reference(self._songs.bass(window))
        if self._part == "drums":
            return Rows(rows, true.chord, true.line)
        if self._part == "comping":
            rows[:, 2] = np.where(rows[:, 2] >= 0, (rows[:, 2] + base) % 12, -1)
            return Rows(true.drums, rows, true.line)
        rows[:, 2] = [fold(60 + value + base) - LINE_LOW if value >= 0 else -1 for value in rows[:, 2]]
        return Rows(true.drums, true.chord, rows)


def differs(part: str, one: Rows, other: Rows) -> bool:
    """Return whether more than loudness tells them apart."""
    if part == "drums":
        return bool(((one.drums > 0) != (other.drums > 0)).any())
    if part == "comping":
        return _sounding(one.chord) != _sounding(other.chord)
    notes = [np.where(rows.line[:, 0] == LINE_ON, rows.line[:, 2], -1) for rows in (one, other)]
    return bool((notes[0] != notes[1]).any())


def _sounding(chord: Ints) -> list[tuple[int, ...]]:
    """Return the strokes with their harmony, and what holds at first."""
    strokes = [(tick, *chord[tick, 2:].tolist()) for tick in np.flatnonzero(chord[:, 0] >= tokens.SAME).tolist()]
    return [tuple(chord[0, 2:].tolist()), *strokes]


def transposed(rows: Rows, steps: int) -> Rows:
    """Return chords and line `steps` semitones higher; the line is folded into its range as a whole where it can be."""
    chord, line = rows.chord.copy(), rows.line.copy()
    chord[:, 2] = np.where(chord[:, 2] >= 0, (chord[:, 2] + steps) % 12, -1)
    pitch, on = line[:, 2] + LINE_LOW, line[:, 0] == LINE_ON
    if on.any():
        moved = pitch[on] + steps
        moved = moved - 12 if moved.max() > tokens.LINE_HIGH else moved + 12 if moved.min() < LINE_LOW else moved
        line[on, 2] = [fold(int(p)) - LINE_LOW for p in moved]
    return Rows(rows.drums, chord, line)


def _shuffled(rows: Rows, chunk: int, rng: Rng) -> Rows:
    """Return the window's beats or bars in another order."""
    count = -(-len(rows.drums) // chunk)
    order = rng.permutation(count)
    at = np.concatenate([np.arange(i * chunk, min((i + 1) * chunk, len(rows.drums))) for i in order])
    return Rows(rows.drums[at], rows.chord[at], rows.line[at])


def copying(drums: Ints, bass: Ints) -> Ints:
    """Return the same drums with a kick on every bass note and nowhere else."""
    found = drums.copy()
    loud = int(max(drums[:, KICK].max(), 3))
    found[:, KICK] = np.where(bass[:, 0] >= 0, loud, 0)
    return found


def windows_of(songs: Songs, part: str, bars: int, per_song: int, rng: Rng) -> list[Window]:
    """Return up to per_song windows of each song that has the part, at different bars."""
    found = []
    for index, song in enumerate(songs.songs):
        if not song.has[HAS[part]]:
            continue
        own = []
        for bar in rng.permutation(songs.bar_count(index)).tolist():
            window = songs.window(index, bar, bars)
            if window is not None and enough(part, songs.rows(window), songs.bass(window)):
                own.append(window)
            if len(own) == per_song:
                break
        found += own
    return found
