"""Bass lines with known chords and key: MMA accompaniments over McGill Billboard progressions (../shared/data)."""

from __future__ import annotations

import io
import json
import lzma
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import mido

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MMA = DATA / "band" / "mma"
BILLBOARD = DATA / "chords" / "mcgill-billboard.tar.xz"
NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORD = re.compile(r"([A-G])([b#]?)([^/]*)(/.*)?$")
MINOR = re.compile(r"m(?!aj)|-")
LOWEST_MEDIAN = 55  # a part called bass that plays higher is none


@dataclass(frozen=True)
class Piece:
    """notes: (onset, end, pitch, velocity) in quarters. chords: (start, end, root, minor) in quarters. tonic: 0-11."""

    number: int
    song: str
    numerator: int
    denominator: int
    tempo_bpm: float
    notes: tuple[tuple[float, float, int, int], ...]
    chords: tuple[tuple[float, float, int, bool], ...]
    tonic: int | None

    @property
    def mode(self) -> str:
        """Of the tonic triads, the kind that sounds longer; the data names no mode."""
        home = [0.0, 0.0]
        for start, end, root, minor in self.chords:
            if root == self.tonic:
                home[minor] += end - start
        return "min" if home[1] > home[0] else "maj"


def read_chord(name: str) -> tuple[int, bool] | None:
    """'Bbm7/Ab' -> (10, True); None for no chord."""
    found = CHORD.match(name)
    if not found:
        return None
    letter, accidental, kind, _ = found.groups()
    return (NATURAL[letter] + {"b": -1, "#": 1, "": 0}[accidental]) % 12, bool(MINOR.match(kind))


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def tonics() -> dict[str, int | None]:
    """Song number -> tonic, None when it changes."""
    out: dict[str, int | None] = {}
    with tarfile.open(BILLBOARD) as tar:
        for member in tar:
            if member.isfile() and member.name.endswith("salami_chords.txt"):
                text = _read(tar, member).decode()
                named = {line.split(":")[1].strip() for line in text.splitlines() if line.startswith("# tonic")}
                only = read_chord(named.pop()) if len(named) == 1 else None
                out[member.name.split("/")[-2]] = only[0] if only else None
    return out


class Row(TypedDict):
    """A row of the index that is read here. ts: the meter; chords: one text a bar."""

    ts: str
    chords: list[str]


def chords_of(row: Row) -> list[tuple[float, float, int, bool]]:
    """One bar a string, one chord or slash a beat; bars of several chords in eighth meters are left out."""
    numerator, denominator = map(int, row["ts"].split("/"))
    bar, out = numerator * 4 / denominator, []
    for i, text in enumerate(row["chords"]):
        tokens = text.split()
        while tokens and tokens[-1] == "/":
            tokens.pop()
        starts = [(k, t) for k, t in enumerate(tokens) if t != "/"]
        if denominator != 4 and len(starts) > 1:
            continue
        ends = [k for k, _ in starts[1:]] + [bar]
        for (k, token), end in zip(starts, ends, strict=True):
            if chord := read_chord(token):
                out.append((i * bar + k, i * bar + end, *chord))
    return out


def bass_of(data: bytes) -> list[tuple[float, float, int, int]]:
    """The part named Bass with most notes, highest voice dropped where it plays two: (onset, end, pitch, velocity)."""
    file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    parts = []
    for track in file.tracks:
        if not track.name.startswith("Bass"):
            continue
        now, held, notes = 0, {}, []
        for message in track:
            now += message.time
            if message.type == "note_on" and message.velocity:
                held[message.note] = (now, message.velocity)
            elif message.type in ("note_on", "note_off") and message.note in held:
                on, velocity = held.pop(message.note)
                notes.append((on / file.ticks_per_beat, now / file.ticks_per_beat, message.note, velocity))
        parts.append(sorted(notes))
    notes = max(parts, key=len, default=[])
    lowest = {}
    for note in notes:
        lowest.setdefault(round(note[0] * 12), note)
    return list(lowest.values())


def pieces(every: int = 10, first: int = 0) -> Iterator[Piece]:
    """Every `every`-th accompaniment from number `first`, those with a bass."""
    home = tonics()
    with lzma.open(MMA / "index.jsonl.xz", "rt") as lines:
        rows = {row["i"]: row for row in map(json.loads, lines)}
    with tarfile.open(MMA / "mma-accompaniments.tar.xz") as tar:
        for k, member in enumerate(tar):
            row = rows.get(int(member.name.split(".")[0]))
            if k % every != first or row is None:
                continue
            notes = bass_of(_read(tar, member))
            if len(notes) < 24 or sorted(n[2] for n in notes)[len(notes) // 2] > LOWEST_MEDIAN:
                continue
            numerator, denominator = map(int, row["ts"].split("/"))
            tonic = home.get(row["song"])
            moved = None if tonic is None else (tonic + row["transpose"]) % 12
            fixed = (row["i"], row["song"], numerator, denominator, float(row["tempo"]))
            yield Piece(*fixed, tuple(notes), tuple(chords_of(row)), moved)
