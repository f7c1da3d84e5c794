"""`Riff` holds a few recorded bars of bass on ticks, with tempo, meter, key and their place in the recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from agent.core.errors import UserError
from agent.directions.key_filter import key_from
from listener.types import Beat, Key, Meter, Note
from models.music.tokens import BassTick, ticks_per_beat

REST = BassTick(True)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a riff. basses: one a 16th; start_s, end_s: its place in the recording, in seconds."""

    meter: Meter
    basses: tuple[BassTick, ...]
    start_s: float
    end_s: float

    def fitted(self, meter: Meter) -> Bar:
        """Return the bar in another meter: cut short, or with its last note held."""
        length = meter.numerator * ticks_per_beat(meter)
        last = self.basses[-1].sounding_pitch if self.basses else None
        more = (BassTick(True, None, 0, last),) * max(length - len(self.basses), 0)
        tick_s = (self.end_s - self.start_s) / max(len(self.basses), 1)
        end_s = self.start_s + min(length, len(self.basses)) * tick_s
        return replace(self, meter=meter, basses=(*self.basses[:length], *more), end_s=end_s)


@dataclass(frozen=True, slots=True)
class Riff:
    """A recorded riff. tempo_bpm: quarters a minute; behind_s: how far behind the beat the player plays; hook: (beat,
    pitch) of the notes that "repeat the hook" plays, empty = the first bar's."""

    bars: tuple[Bar, ...]
    tempo_bpm: float
    key: Key
    behind_s: float = 0.0
    swing: float = 0.5
    hook: tuple[tuple[float, int], ...] = ()

    @property
    def meter(self) -> Meter:
        return self.bars[0].meter


def riff_of(notes: Sequence[Note], beats: Sequence[Beat], bars: int, first_s: float = 0.0) -> Riff:
    """Return the first `bars` whole bars in a row that begin at or after first_s. Raises UserError where there are
    fewer."""
    runs = runs_of(notes, beats, first_s)
    made = next((run[:bars] for run in runs if len(run) >= bars), None)
    if made is None:
        heard = sum(map(len, runs))
        raise UserError(f"{heard} whole bars were heard, but {bars} in a row are needed; play the riff a little longer")
    quarters = sum(bar.meter.numerator * 4 / bar.meter.denominator for bar in made)
    weights = [0.0] * 12
    for bar in made:
        for bass in bar.basses:
            if bass.sounding_pitch is not None:
                weights[bass.sounding_pitch % 12] += 1 + (bass.onset_pitch is not None)
    return Riff(made, 60 * quarters / (made[-1].end_s - made[0].start_s), key_from(weights))


def runs_of(notes: Sequence[Note], beats: Sequence[Beat], first_s: float = 0.0) -> list[tuple[Bar, ...]]:
    """Return the whole bars that begin at or after first_s, in runs without a gap."""
    ordered = _clean(beats)
    ones = [i for i, beat in enumerate(ordered) if beat.position == 1 and beat.time_s >= first_s - 0.05]
    runs: list[list[tuple[int, int]]] = []
    for a, b in pairwise(ones):
        if b - a != ordered[a].meter.numerator:
            continue
        if not runs or runs[-1][-1][1] != a:
            runs.append([])
        runs[-1].append((a, b))
    return [tuple(_bar(notes, ordered[a : b + 1]) for a, b in run) for run in runs]


def _clean(beats: Sequence[Beat]) -> list[Beat]:
    """Return the beats in order; of two for one place the one that was reported later."""
    kept: list[Beat] = []
    for beat in sorted(beats, key=lambda b: (b.time_s, b.emit_s)):
        if kept and beat.time_s - kept[-1].time_s < 30 / beat.tempo_bpm:
            kept.pop()
        kept.append(beat)
    return kept


def _bar(notes: Sequence[Note], beats: Sequence[Beat]) -> Bar:
    """Return one bar. beats: the bar's, and the first of the next."""
    meter, per_beat = beats[0].meter, ticks_per_beat(beats[0].meter)
    edges = [a.time_s + (b.time_s - a.time_s) * sub / per_beat for a, b in pairwise(beats) for sub in range(per_beat)]
    begun: dict[int, Note] = {}
    for one in notes:
        if edges[0] - 0.05 <= one.onset_s < beats[-1].time_s - 0.05 and one.articulation != "ghost":
            begun[min(range(len(edges)), key=lambda i: abs(edges[i] - one.onset_s))] = one
    basses: list[BassTick] = []
    sounding: Note | None = None
    for tick, edge_s in enumerate(edges):
        note = begun.get(tick)
        sounding = note or sounding
        if sounding and note is None and sounding.duration_s and edge_s > sounding.onset_s + sounding.duration_s:
            sounding = None
        pitch, velocity = (note.pitch, note.velocity) if note else (None, 0)
        basses.append(BassTick(True, pitch, velocity, sounding.pitch if sounding else None))
    return Bar(meter, tuple(basses), beats[0].time_s, beats[-1].time_s)
