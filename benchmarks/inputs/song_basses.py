"""Read the basses of songs, with the beats that their MIDI files write, as lines to train the readings on.

Songs that benchmarks of shared/band_score measure are left out by name.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.lines import Event, Floats

BASSES = range(32, 40)  # programs of General MIDI
START_S = 0.5  # of the bar in which the line begins
SAME_NOTE_S = 0.03
FEWEST = 40  # notes of a line worth learning from
MMA_METERS = ("4/4", "3/4", "5/4", "7/8", "6/8", "11/8", "9/8")


@dataclass(frozen=True)
class Known:
    """A line whose beats are known. beats_s [n], positions (1 = downbeat) [n], meters [n]: of each beat.

    free: a made line, whose sound does not tell its level; any level that a player may tap is right.
    """

    name: str
    notes: list[Event]
    beats_s: Floats
    positions: NDArray[np.int64]
    meters: list[str]
    free: bool = False

    @property
    def end_s(self) -> float:
        return self.notes[-1][0]

    def scaled(self, factor: float) -> Known:
        """Return the line `factor` times as slow, about its start."""
        notes = [(START_S + (t - START_S) * factor, p, v, k) for t, p, v, k in self.notes]
        beats_s = START_S + (self.beats_s - START_S) * factor
        return Known(self.name, notes, beats_s, self.positions, self.meters)

    def cut(self, since_s: float, seconds: float, at_bar: bool = False) -> Known | None:
        """Return `seconds` of the line from its first note after since_s, moved to START_S; None if it is too short.

        at_bar: after the first bar line since then, where players mostly begin.
        """
        if at_bar:
            bars_s = self.beats_s[self.positions == 1]
            bar = int(np.searchsorted(bars_s, since_s - 1e-3))
            since_s = float(bars_s[bar]) - 0.02 if bar < len(bars_s) else np.inf
        notes = [n for n in self.notes if n[0] >= since_s - 1e-3]
        if len(notes) < 25:
            return None
        first = max(0, int(np.searchsorted(self.beats_s, notes[0][0] + 0.02)) - 1)
        shift = notes[0][0] - START_S
        kept = [(t - shift, p, v, k) for t, p, v, k in notes if t - shift < seconds]
        beats_s = self.beats_s[first:] - shift
        return Known(self.name, kept, beats_s, self.positions[first:], self.meters[first:]) if len(kept) > 19 else None


def bass_of(midi: Any, name: str, seconds: float, meter: str | None = None) -> Known | None:
    """Return the busiest bass of a file as mido reads it, or None without one. meter: instead of what is written."""
    meters, tempi, found = {0: "4/4"}, {0: 500_000}, dict[tuple[int, int], list[tuple[int, int, int]]]()
    for number, track in enumerate(midi.tracks):
        now, programs, held = 0, dict[int, int](), dict[tuple[int, int], tuple[int, int, int]]()
        for message in track:
            now += message.time
            if message.type == "time_signature":
                meters[now] = f"{message.numerator}/{message.denominator}"
            elif message.type == "set_tempo":
                tempi[now] = message.tempo
            elif message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type == "note_on" and message.velocity and message.channel != 9:
                program = programs.get(message.channel, 0)
                held[message.channel, message.note] = now, message.velocity, program
            elif message.type in ("note_on", "note_off"):
                start, velocity, program = held.pop((message.channel, message.note), (0, 0, 0))
                if program in BASSES:
                    found.setdefault((number, message.channel), []).append((start, message.note, velocity))
    played = sorted(max(found.values(), key=len, default=[]))
    if len(played) < FEWEST:
        return None
    return _placed(played, {0: meter} if meter else meters, tempi, midi.ticks_per_beat, name, seconds)


def _placed(
    played: list[tuple[int, int, int]],
    meters: dict[int, str],
    tempi: dict[int, int],
    per_quarter: int,
    name: str,
    seconds: float,
) -> Known:
    """Place notes (tick, pitch, velocity) and the beats of bars in seconds, the line's first bar at START_S."""
    turns = sorted(tempi)
    lengths = [
        (b - a) * tempi[a] * 1e-6 / per_quarter for a, b in zip(turns, [*turns[1:], turns[-1] + 10**7], strict=True)
    ]
    ticks, times_s = [*turns, turns[-1] + 10**7], np.cumsum([0.0, *lengths])
    bars, tick = list[tuple[int, str]](), 0
    while tick < played[-1][0] + 4 * per_quarter:
        meter = meters[max(t for t in meters if t <= tick)]
        bars.append((tick, meter))
        end = tick + _ticks(meter, per_quarter)
        tick = min([t for t in meters if tick < t < end], default=end)
    bars = bars[max(i for i, (at, _) in enumerate(bars) if at <= played[0][0]) :]
    zero_s = float(np.interp(bars[0][0], ticks, times_s)) - START_S
    notes: list[Event] = []
    for at, pitch, velocity in played:
        time_s = float(np.interp(at, ticks, times_s)) - zero_s
        if time_s <= seconds and (not notes or time_s - notes[-1][0] >= SAME_NOTE_S):
            notes.append((time_s, pitch, velocity, "normal"))
    beats = [
        (at + k * _ticks(meter, per_quarter) / int(meter.split("/")[0]), k + 1, meter)
        for at, meter in bars
        for k in range(int(meter.split("/")[0]))
    ]
    beats_s = np.interp([b[0] for b in beats], ticks, times_s) - zero_s
    kept = int(np.searchsorted(beats_s, seconds + 5))
    return Known(name, notes, beats_s[:kept], np.array([b[1] for b in beats[:kept]]), [b[2] for b in beats[:kept]])


def _ticks(meter: str, per_quarter: int) -> int:
    above, below = map(int, meter.split("/"))
    return above * per_quarter * 4 // below


def measured(shared: Path) -> list[tuple[str, str]]:
    """Return (collection, title) of every song that measures. Raises FileNotFoundError without their folder."""
    songs = shared / "band_score" / "songs"
    if not songs.is_dir():
        raise FileNotFoundError(f"{songs}: no such folder, so that songs that measure cannot be told from others")
    names = [path.name.partition("__") for path in sorted(songs.iterdir())]
    return [(collection, title) for collection, _, title in names]


def measures(collection: str, title: str, held: list[tuple[str, str]]) -> bool:
    """Return whether a song is one of those held: the same title within the other's, or the same number of an album."""
    for other, name in held:
        mine, theirs = re.sub(r"\W|_", "", title.lower()), re.sub(r"\W|_", "", name.lower())
        number = re.match(r"\d\d-", name)
        if other == collection and (theirs in mine or mine in theirs or (number and title.startswith(number[0]))):
            return True
    return False


def song_basses(shared: Path, seconds: float = 200.0) -> list[Known]:
    """Return the basses of shared/data/band/*/*.mid but those that measure. Raises FileNotFoundError."""
    found, held = [], measured(shared)
    files = sorted((shared / "data" / "band").glob("*/*.mid"))
    if not files:
        raise FileNotFoundError(f"{shared / 'data' / 'band'}: no MIDI files in its folders")
    for path in files:
        if measures(path.parent.name, path.stem, held):
            continue
        try:
            line = bass_of(mido.MidiFile(path, clip=True), f"song:{path.parent.name}:{path.stem}", seconds)
        except (OSError, EOFError, ValueError, KeyError, IndexError, mido.KeySignatureError):
            continue  # not a file that mido can read
        if line and len(line.notes) >= FEWEST:
            found.append(line)
    return found


def mma_basses(shared: Path, count: int = 24, seconds: float = 35.0, seed: int = 5) -> list[Known]:
    """Return basses of MMA's grooves, at most `count` of every meter. Raises FileNotFoundError."""
    folder, random = shared / "data" / "band" / "mma", np.random.default_rng(seed)
    with lzma.open(folder / "index.jsonl.xz", "rt") as rows:
        index = [json.loads(row) for row in rows]
    wanted = dict[str, str]()
    for meter in MMA_METERS:
        of = [row for row in index if row["ts"] == meter]
        wanted |= {f"{of[i]['i']:05d}.mid": meter for i in random.permutation(len(of))[:count]}
    found = []
    with tarfile.open(folder / "mma-accompaniments.tar.xz") as archive:
        for member in archive:
            meter_of = wanted.get(Path(member.name).name)
            data = archive.extractfile(member) if meter_of else None
            if data is not None:
                midi = mido.MidiFile(file=io.BytesIO(data.read()), clip=True)
                line = bass_of(midi, f"mma:{member.name}", seconds, meter_of)
                found += [line] if line else []
    return found
