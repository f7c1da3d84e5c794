"""Writes session.mid: what was heard and played, in the bars that were heard. Seconds in, ticks out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from agent.core import midi_file_writer
from agent.core.midi_constants import BASS_PROGRAM
from agent.core.midi_file_writer import Part, TickNote, TimeMap, without_overlap
from agent.core.types import OPEN_NOTE_S, PlannedNote
from agent.recording.tempo_lines import corners, lines_of
from listener.types import Beat, Meter, Note

TICKS_PER_QUARTER = 480
DEFAULT_METER = Meter(4, 4)
DEFAULT_BPM = 120.0
BASS_CHANNEL = 1
SETTLED_BARS = 4  # for which a count has to stand
GAP_BEATS = 1.8  # between two heard beats: the count begins anew
SECTION = "section "  # how the marks of sections begin
LEAD_UNITS = (480, 240, 120, 60)  # ticks of the note values that a file's first bar may be counted in
LEAD_NEAR = 24  # ticks
NEAR_BEATS = 0.1  # of a quarter, how far a heard beat may lie from the file's: a 16th is still the same 16th

Timed = tuple[float, float, int, int]  # on_s, off_s, pitch, velocity


@dataclass(frozen=True, slots=True)
class Tempo:
    """A tempo change: from `time_s` = `tick` on, a quarter lasts `quarter_us` microseconds."""

    time_s: float
    tick: int
    quarter_us: int


@dataclass(frozen=True, slots=True)
class BeatMap:
    """Converts seconds to ticks along the heard beats; bars: (tick, meter) where the meter changes."""

    tempi: tuple[Tempo, ...]
    bars: tuple[tuple[int, Meter], ...]

    def tick_at(self, time_s: float) -> int:
        """Return the tick nearest to a stream time; before 0 is 0."""
        index = bisect_right(self.tempi, max(time_s, 0.0), key=lambda tempo: tempo.time_s) - 1
        tempo = self.tempi[index]
        return tempo.tick + round((max(time_s, 0.0) - tempo.time_s) * 1e6 / tempo.quarter_us * TICKS_PER_QUARTER)


def beat_map(beats: Iterable[Beat]) -> BeatMap:
    """Return the map of the heard beats; without any, 120 bpm in 4/4.

    Whole beats lie in gaps, at the tempo nearest to the one heard; before the first beat a rest in its tempo. A tempo
    stands for as long as the beats lie within NEAR_BEATS of it but for a few (agent/recording/tempo_lines.py).
    """
    heard = _recounted(_sensible(beats))
    if not heard:
        return BeatMap((Tempo(0.0, 0, round(60e6 / DEFAULT_BPM)),), ((0, DEFAULT_METER),))
    ticks = [0]
    for beat, following in pairwise(heard):
        ticks.append(ticks[-1] + _count(beat, following) * _ticks(beat.meter))
    quarters = [tick / TICKS_PER_QUARTER for tick in ticks]
    near_s = [NEAR_BEATS * _quarter_s(beat) for beat in heard]
    lines = lines_of([beat.time_s for beat in heard], quarters, near_s)
    quarter_s = lines[0].slope_s or _quarter_s(heard[0])
    lead = _lead(lines[0].start_s, quarter_s, _ticks(heard[0].meter))
    end = quarters[-1] + 1, lines[-1].at(quarters[-1]) + (lines[-1].slope_s or quarter_s)
    places = [(at + lead / TICKS_PER_QUARTER, at_s) for at, at_s in (*corners(lines, quarters), end)]
    ticks = [lead + tick for tick in ticks]
    return BeatMap(tuple(_tempi(places)), tuple(_rejoined(list(_bars(heard, ticks)))))


def _sensible(beats: Iterable[Beat]) -> list[Beat]:
    """Return them sorted, without those that come closer than half a beat to the one before."""
    kept: list[Beat] = []
    for beat in sorted(beats, key=lambda beat: beat.time_s):
        last = kept[-1] if kept else None
        near_s = 30 / max(beat.tempo_bpm, last.tempo_bpm) if last else 0.0
        if beat.time_s >= 0 and (last is None or beat.time_s - last.time_s > near_s):
            kept.append(beat)
    return kept


def _recounted(beats: Sequence[Beat]) -> list[Beat]:
    """Return the beats without counts that did not stand for SETTLED_BARS: such a one goes on with the count before it,
    or, at the beginning, leads up to the one after it. A bar in another meter stays."""
    runs: list[list[Beat]] = []
    for beat in beats:
        last = runs[-1][-1] if runs else None
        gap = last is not None and beat.time_s - last.time_s > GAP_BEATS * 60 / last.tempo_bpm
        if last and not gap and (beat.meter, beat.position) == (last.meter, last.position % last.meter.numerator + 1):
            runs[-1].append(beat)
        else:
            runs.append([beat])
    for number, run in enumerate(runs):
        meter = run[0].meter
        if len(run) >= SETTLED_BARS * meter.numerator:
            continue
        if number and runs[number - 1][-1].meter == meter:
            first = runs[number - 1][-1].position
        elif number == 0 and len(runs) > 1 and runs[1][0].meter == meter:
            first = runs[1][0].position - len(run) - 1
        else:
            continue
        runs[number] = [replace(beat, position=(first + at) % meter.numerator + 1) for at, beat in enumerate(run)]
    return [beat for run in runs for beat in run]


def _ticks(meter: Meter) -> int:
    """Return the ticks of one beat, which is one denominator unit: an eighth in 7/8."""
    return TICKS_PER_QUARTER * 4 // meter.denominator


def _count(beat: Beat, following: Beat) -> int:
    """Return whole beats from one to the next, at least one."""
    return max(1, round((following.time_s - beat.time_s) * beat.tempo_bpm / 60))


def _lead(first_s: float, quarter_s: float, unit: int) -> int:
    """Return the ticks from 0 s to the first beat in the tempo that it begins: a multiple of the longest note value
    that comes near enough. unit: ticks of a beat."""
    exact = first_s / quarter_s * TICKS_PER_QUARTER
    units = (unit, *LEAD_UNITS)
    near = next((one for one in units if abs(one * round(exact / one) - exact) <= LEAD_NEAR), units[-1])
    return near * round(exact / near)


def _quarter_s(beat: Beat) -> float:
    return 60 / beat.tempo_bpm * beat.meter.denominator / 4


def _tempi(places: Sequence[tuple[float, float]]) -> Iterator[Tempo]:
    """Return the tempi that lead from 0 s to one place (quarters, seconds) after the other; one that does not lie after
    the one before is left out. Each begins where the rounded tempi have got to, so that nothing adds up."""
    at, time_s = 0.0, 0.0
    for following, following_s in places:
        if following > at and following_s > time_s:
            quarter_us = _rounded((following_s - time_s) * 1e6 / (following - at))
            yield Tempo(time_s, round(at * TICKS_PER_QUARTER), quarter_us)
            at, time_s = following, time_s + quarter_us * (following - at) / 1e6


def _rounded(quarter_us: float) -> int:
    return min(max(round(quarter_us), 1), 2**24 - 1)


def _bars(beats: Sequence[Beat], ticks: Sequence[int]) -> Iterator[tuple[int, Meter]]:
    """Return the meter changes; a stretch between downbeats that is not whole bars ends with one bar of what is
    left, what comes before the first one begins with it."""
    downbeats = [(tick, beat.meter) for beat, tick in zip(beats, ticks, strict=True) if beat.position == 1]
    led_in = not downbeats or downbeats[0][0] > 0
    if led_in:
        downbeats.insert(0, (0, (downbeats or [(0, beats[0].meter)])[0][1]))
    current: Meter | None = None
    for index, (tick, meter) in enumerate(downbeats):
        following = downbeats[index + 1][0] if index + 1 < len(downbeats) else tick
        whole, left = divmod((following - tick) // _ticks(meter), meter.numerator)
        places = [(tick, meter)] if whole or not left else []
        if led_in and index == 0:  # what leads up to the first downbeat is a pick-up
            places = list(_pick_up(following, meter))
        elif left:
            places.append((tick + whole * meter.numerator * _ticks(meter), Meter(left, meter.denominator)))
        for place, shown in places:
            if str(shown) != str(current):
                yield place, shown
            current = shown


def _pick_up(ticks: int, meter: Meter) -> Iterator[tuple[int, Meter]]:
    """Return the bars that lead up to the first downbeat: what is left over first."""
    left = ticks % (meter.numerator * _ticks(meter))
    if left:
        unit = max(unit for unit in (_ticks(meter), *LEAD_UNITS) if left % unit == 0)
        yield 0, Meter(left // unit, TICKS_PER_QUARTER * 4 // unit)
    if ticks > left or not left:
        yield left, meter


def _rejoined(changes: Sequence[tuple[int, Meter]]) -> list[tuple[int, Meter]]:
    """Return the meter changes without an odd bar whose rest follows it at once: the band led it, and went back to the
    player's bar, which is a bar of the usual meter."""
    kept: list[tuple[int, Meter]] = []
    at = 0
    while at < len(changes):
        before, (odd, rest, after) = kept[-1:], [*changes[at : at + 3], None, None][:3]
        if before and odd and rest and after and before[0][1] == after[1]:
            lengths = [meter.numerator * _ticks(meter) for _, meter in (odd, rest, after)]
            whole = odd[0] + lengths[0] == rest[0] and rest[0] + lengths[1] == after[0]
            if whole and lengths[0] + lengths[1] == lengths[2]:
                at += 3  # the meter before goes on
                continue
        kept.append(changes[at])
        at += 1
    return kept


def write(
    path: Path,
    heard: Sequence[Note],
    band: Sequence[PlannedNote],
    beats: Sequence[Beat],
    parts_midi: Mapping[str, tuple[int, int]],
    marks: Sequence[tuple[float, str]] = (),
) -> None:
    """Write a type 1 file: tempo and meter, the bass as heard, one track per part. Raises OSError.

    parts_midi: channel 1-16 and program 0-127 of each part. marks: a time and what is said at it.
    """
    grid = beat_map(beats)
    tempi = tuple((tempo.tick, tempo.quarter_us) for tempo in grid.tempi)
    marked = tuple(_marked(sorted(marks), grid, _recounted(_sensible(beats))))
    parts = [Part("Bass (heard)", BASS_CHANNEL, BASS_PROGRAM, _in_ticks(_heard_notes(heard), grid))]
    for part, (channel, program) in parts_midi.items():
        notes = [(note.on_s, note.off_s, note.pitch, note.velocity) for note in band if note.part == part]
        parts.append(Part(part.capitalize(), channel, program, _in_ticks(notes, grid)))
    midi_file_writer.write(path, TimeMap(TICKS_PER_QUARTER, tempi, grid.bars, (), marked), parts, "Antiphon session")


def _marked(marks: Sequence[tuple[float, str]], grid: BeatMap, beats: Sequence[Beat]) -> Iterator[tuple[int, str]]:
    """Yield (tick, text) of each mark; a section's lies on the bar line it begins with, and only where it changes."""
    lines, section, found = [beat.time_s for beat in beats if beat.position == 1], "", list[tuple[int, str]]()
    for time_s, text in marks:
        if text.startswith(SECTION):
            if text == section:
                continue
            section = text
            time_s = min(lines, key=lambda line_s: abs(line_s - time_s), default=time_s)
        found.append((grid.tick_at(time_s), text))
    yield from sorted(found)


def _heard_notes(heard: Sequence[Note]) -> list[Timed]:
    """Return the notes of the bass, which plays one at a time: an open one lasts until the next."""
    notes = sorted(heard, key=lambda note: note.onset_s)
    nexts = [note.onset_s for note in notes[1:]] + [float("inf")]
    return [
        (note.onset_s, _end_s(note, following), note.pitch, note.velocity)
        for note, following in zip(notes, nexts, strict=False)
    ]


def _end_s(note: Note, next_onset_s: float) -> float:
    if note.duration_s is not None:
        return note.onset_s + note.duration_s
    return min(note.onset_s + OPEN_NOTE_S, next_onset_s)


def _in_ticks(notes: Iterable[Timed], grid: BeatMap) -> tuple[TickNote, ...]:
    """Return the notes in ticks, the latest first, each at least a tick long."""
    ordered = sorted(notes, reverse=True)
    starts = [grid.tick_at(on_s) for on_s, *_ in ordered]
    ticks = (
        TickNote(start, max(start + 1, grid.tick_at(off_s)), pitch, velocity)
        for start, (_, off_s, pitch, velocity) in zip(starts, ordered, strict=True)
    )
    return tuple(without_overlap(ticks))
