"""Read pieces that have no band: songs with a piano, lead sheets, rock melodies and chorales, as counter-lines.

A melody is what a line does "given bass and chords". Where a source has no bass one is made of its chords; what is made
is never scored: `has` names the parts to learn from.

Sources in shared/data: POP909 (Wang et al. 2020), OpenEWLD, the rock corpus of de Clercq & Temperley (2011), Bach's
chorales (public domain).
"""

from __future__ import annotations

import io
import json
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import mido
import numpy as np

from listener.types import Meter
from models.corpus import bass_changes
from models.corpus.song import Song, split_of
from models.music import tick_grid, tokens
from models.music.features import Events, Ints
from models.music.tick_grid import Sounded, Track, bass_rows
from models.music.tokens import PIECES, QUALITY_NAMES

LEAST_BARS, MOST_BARS = 8, 256
LEFT_HAND = 53  # F3: piano notes below it are the bass's
MADE_VELOCITY, COMPING_VELOCITY, MELODY_VELOCITY = 84, 70, 88
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
KINDS = {  # of MusicXML, to our qualities; what is not here is left out
    "major": "maj", "minor": "min", "dominant": "7", "major-seventh": "maj7", "minor-seventh": "min7",
    "diminished": "dim", "half-diminished": "min7b5", "diminished-seventh": "dim", "suspended-fourth": "sus4",
    "major-sixth": "maj", "minor-sixth": "min", "dominant-ninth": "7", "major-ninth": "maj7", "minor-ninth": "min7",
    "dominant-11th": "7", "dominant-13th": "7", "minor-11th": "min7", "major-13th": "maj7", "power": "maj",
    "augmented": "maj", "augmented-seventh": "7", "suspended-second": "sus4",
}  # fmt: skip
DEGREES = (0, 2, 4, 5, 7, 9, 11)
ROMAN = {"i": 0, "ii": 1, "iii": 2, "iv": 3, "v": 4, "vi": 5, "vii": 6}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A melody over chords. chords: (tick, root, quality index); melody: notes on ticks; length: ticks."""

    name: str
    meter: Meter
    chords: tuple[tuple[int, int, int], ...]
    melody: tuple[Sounded, ...]
    length: int


def song_of(sheet: Sheet, source: str, seed: int) -> Song | None:
    """Return the sheet as a piece whose line is to be learned, over a bass made of its chords; None: too short."""
    per_bar = sheet.meter.numerator * tokens.ticks_per_beat(sheet.meter)
    length = -(-sheet.length // per_bar) * per_bar
    if not sheet.chords or not LEAST_BARS <= length // per_bar <= MOST_BARS or len(sheet.melody) < 16:
        return None
    chord = np.zeros((length, 4), int)
    chord[:, 2:] = -1
    before = (-1, -1)
    for (at, root, quality), until in zip(sheet.chords, [*(c[0] for c in sheet.chords[1:]), length], strict=True):
        chord[at:until, 2:] = root, quality
        if until > at:
            chord[at, :2] = tokens.SAME if before == (root, quality) else tokens.NEW, 2
            before = root, quality
    places = np.arange(length)
    beat = places % (4 if sheet.meter.denominator == 4 else 6 if sheet.meter.numerator % 3 == 0 else 2) == 0
    bass = _made_bass(chord, beat, places % per_bar == 0, np.random.default_rng(seed))
    events = _events(bass, chord, _line_rows(sheet.melody, length))
    meters = (sheet.meter,) * length
    has = (False, False, True)
    split = split_of(f"{source}/{sheet.name}")
    return Song(sheet.name, source, split, places % per_bar, places // per_bar, meters, events, has)


def _made_bass(chord: Ints, beat: bass_changes.Bools, one: bass_changes.Bools, rng: np.random.Generator) -> Ints:
    """Return a bass of the chords' roots: held, on every beat, in eighths, or walking."""
    kind = rng.choice(["held", "beats", "eighths", "walking"])
    if kind == "walking":
        empty = np.full((len(chord), 3), -1)
        empty[:, 1] = 0
        return bass_changes.walking(empty, beat, chord, rng)
    struck = chord[:, 0] == tokens.NEW
    if kind == "held":
        at = np.flatnonzero(struck | one)
    else:
        at = np.flatnonzero(struck | beat)
        if kind == "eighths":
            at = np.unique(np.concatenate([at, at + 2]))
    at = at[at < len(chord)]
    at = at[chord[at, 2] >= 0]
    ends = [*at[1:].tolist(), len(chord)]
    notes = [
        Sounded(int(a), int(min(b, a + 16)), 28 + int(chord[a, 2] - 4) % 12, MADE_VELOCITY)
        for a, b in zip(at, ends, strict=True)
    ]
    return bass_rows(notes, len(chord))


def _events(bass: Ints, chord: Ints, line: Ints) -> Events:
    drums = np.zeros((len(bass), len(PIECES)), int)
    return Events(bass, np.ones(len(bass), bool), drums, chord, line)


def _line_rows(notes: Sequence[Sounded], length: int) -> Ints:
    return tick_grid.line_rows(Track("melody", 0, 0, tuple(notes)), length)


def chorales(shared: Path) -> Iterator[Song]:
    """Yield Bach's chorales: the soprano is the line, the bass the bass, the four voices the harmony of each beat."""
    with lzma.open(shared / "data" / "counterpoint" / "Jsb16thSeparated.json.xz", "rt") as file:
        splits = json.load(file)
    for split, pieces in splits.items():
        for number, rows in enumerate(pieces):
            voices = np.array([row if len(row) == 4 else [-1] * 4 for row in rows])
            melody, bass = _voice(voices[:, 0]), _voice(voices[:, 3])
            chords, before = [], (-1, -1)
            for at in range(0, len(voices), 4):
                weights = np.zeros(12)
                for pitch in voices[at : at + 4].ravel():
                    weights[pitch % 12] += pitch >= 0
                named = tick_grid.name_chord(weights)
                if named != before:
                    chords.append((at, *named))
                before = named
            sheet = Sheet(f"{split}-{number}", Meter(4, 4), tuple(chords), tuple(melody), len(voices))
            song = song_of(sheet, "chorales", number)
            if song is not None:
                rows_of_bass = np.full_like(song.events.bass, -1)
                rows_of_bass[:, 1] = 0
                rows_of_bass[: len(voices)] = bass_rows(bass, len(voices))
                events = _events(rows_of_bass, song.events.chord, song.events.line)
                yield Song(song.name, song.source, split, song.ticks, song.bars, song.meters, events, song.has)


def _voice(pitches: Ints) -> list[Sounded]:
    starts = np.flatnonzero((np.diff(pitches, prepend=-2) != 0) & (pitches >= 0)).tolist()
    changes = np.flatnonzero(np.diff(pitches, append=-2) != 0) + 1
    return [Sounded(a, int(changes[changes > a][0]), int(pitches[a]), MELODY_VELOCITY) for a in starts]


def pop_songs(shared: Path) -> Iterator[Song]:
    """Yield POP909's songs: the piano's left hand is the bass, the rest of it the comping, the melody the line."""
    with tarfile.open(shared / "data" / "pop909" / "pop909.tar.xz") as tar:
        data: dict[str, dict[str, bytes]] = {}
        for member in tar:
            path = Path(member.name)
            wanted = path.name == "beat_midi.txt" or (path.suffix == ".mid" and path.stem == path.parent.name)
            if wanted and (file := tar.extractfile(member)):
                data.setdefault(path.parent.name, {})[path.suffix] = file.read()
    for name in sorted(data):
        song = _pop_song(name, data[name][".mid"], data[name][".txt"].decode())
        if song is not None:
            yield song


def _pop_song(name: str, midi: bytes, beats: str) -> Song | None:
    rows = np.array([[float(x) for x in line.split()] for line in beats.splitlines() if line.strip()])
    downs = np.flatnonzero(rows[:, 2] > 0)
    if len(downs) < LEAST_BARS:
        return None
    per_bar = int(np.median(np.diff(downs)))
    if per_bar not in (3, 4, 6):
        return None
    first = int(downs[0]) % per_bar
    at_s, beat = rows[:, 0], np.arange(len(rows)) - first

    def tick(seconds: float) -> int:
        return round(4 * float(np.interp(seconds, at_s, beat)))

    tracks = {}
    for track_name, notes in _seconds(midi).items():
        tracks[track_name] = [
            Sounded(tick(a), max(tick(b), tick(a) + 1), p, v) for a, b, p, v in notes if at_s[0] <= a <= at_s[-1]
        ]
        tracks[track_name] = [n for n in tracks[track_name] if n.start >= 0]
    piano, melody = tracks.get("PIANO", []), tracks.get("MELODY", [])
    if len(piano) < 64 or len(melody) < 32:
        return None
    ticks = 4 * per_bar
    length = -(-max(n.end for n in piano + melody) // ticks) * ticks
    if length // ticks > MOST_BARS:
        return None
    lowest: dict[int, Sounded] = {}
    for note in piano:
        if note.pitch < LEFT_HAND and (note.start not in lowest or note.pitch < lowest[note.start].pitch):
            lowest[note.start] = note
    below = [Sounded(n.start, n.end, n.pitch - 12 if n.pitch >= 48 else n.pitch, n.velocity) for n in lowest.values()]
    bass = Track("bass", 1, 33, tuple(below))
    comping = Track("piano", 0, 0, tuple(n for n in piano if n not in set(lowest.values())))
    chord = tick_grid.chord_rows([comping], bass, length)
    events = _events(bass_rows(bass.notes, length), chord, _line_rows(melody, length))
    places, meter = np.arange(length), Meter(per_bar, 4)
    split = split_of(f"pop909/{name}")
    has = (False, True, True)
    return Song(name, "pop909", split, places % ticks, places // ticks, (meter,) * length, events, has)


def _seconds(midi: bytes) -> dict[str, list[tuple[float, float, int, int]]]:
    """Return the notes of each track by name: (start s, end s, pitch, velocity)."""
    file = mido.MidiFile(file=io.BytesIO(midi), clip=True)
    tempi = sorted(
        (at, message.tempo) for track in file.tracks for at, message in _timed(track) if message.type == "set_tempo"
    ) or [(0, 500_000)]
    marks, seconds = [(0, 0.0, tempi[0][1])], 0.0
    for at, tempo in tempi:
        seconds = marks[-1][1] + (at - marks[-1][0]) * marks[-1][2] / 1e6 / file.ticks_per_beat
        marks.append((at, seconds, tempo))

    def when(at: int) -> float:
        begun, since, tempo = next(m for m in reversed(marks) if m[0] <= at)
        return float(since + (at - begun) * tempo / 1e6 / file.ticks_per_beat)

    found: dict[str, list[tuple[float, float, int, int]]] = {}
    for track in file.tracks:
        own, open_notes = found.setdefault(track.name.strip(), []), dict[int, tuple[int, int]]()
        for at, message in _timed(track):
            if message.type not in ("note_on", "note_off"):
                continue
            if begun := open_notes.pop(message.note, None):
                own.append((when(begun[0]), when(at), message.note, begun[1]))
            if message.type == "note_on" and message.velocity:
                open_notes[message.note] = at, message.velocity
    return found


def _timed(track: mido.MidiTrack) -> Iterator[tuple[int, mido.Message]]:
    now = 0
    for message in track:
        now += message.time
        yield now, message


def lead_sheets(shared: Path) -> Iterator[Song]:
    """Yield OpenEWLD's lead sheets that stay in one meter."""
    with tarfile.open(shared / "data" / "leadsheets" / "openewld.tar.xz") as tar:
        found = [
            (Path(m.name).stem, file.read()) for m in tar if m.name.endswith(".mxl") and (file := tar.extractfile(m))
        ]
    for number, (name, data) in enumerate(sorted(found)):
        sheet = _sheet(name, data)
        song = song_of(sheet, "openewld", number) if sheet else None
        if song is not None:
            yield song


def _sheet(name: str, data: bytes) -> Sheet | None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            inner = next(n for n in archive.namelist() if n.endswith(".xml") and not n.startswith("META-INF"))
            root = ElementTree.fromstring(archive.read(inner))
    except (zipfile.BadZipFile, StopIteration, ElementTree.ParseError):
        return None
    part = root.find("part")
    times = {(t.findtext("beats"), t.findtext("beat-type")) for t in root.iter("time")}
    if part is None or len(times) != 1:
        return None
    beats, kind = times.pop()
    meter = Meter(2 if (beats, kind) == ("2", "2") else int(beats or 4), 2 if kind == "2" else int(kind or 4))
    meter = Meter(4, 4) if meter == Meter(2, 2) else meter
    if meter.denominator not in (4, 8) or not 2 <= meter.numerator <= 12:
        return None
    per_bar, divisions = meter.numerator * tokens.ticks_per_beat(meter), 1
    chords, melody, start = list[tuple[int, int, int]](), list[Sounded](), 0
    for measure in part.iter("measure"):
        divisions = int(measure.findtext("attributes/divisions") or divisions)
        now = 0.0
        for item in measure:
            if item.tag == "harmony" and (named := _harmony(item)):
                chords.append((start + min(round(now), per_bar - 1), *named))
            elif item.tag == "backup":
                break  # a second voice
            elif item.tag == "note" and item.find("chord") is None and item.find("grace") is None:
                length = 4 * float(item.findtext("duration") or 0) / divisions
                pitch = _pitch(item)
                tied = any(t.get("type") == "stop" for t in item.findall("tie"))
                first, end = start + round(now), start + max(round(now + length), round(now) + 1)
                if pitch is not None and tied and melody and melody[-1].pitch == pitch:
                    melody[-1] = Sounded(melody[-1].start, end, pitch, MELODY_VELOCITY)
                elif pitch is not None:
                    melody.append(Sounded(first, end, pitch, MELODY_VELOCITY))
                now += length
        start += per_bar
    kept = {at: (at, root, quality) for at, root, quality in chords}
    return Sheet(
        name, meter, tuple(kept[at] for at in sorted(kept)), tuple(n for n in melody if n.start < start), start
    )


def _harmony(item: ElementTree.Element) -> tuple[int, int] | None:
    kind = KINDS.get(item.findtext("kind") or "")
    step = STEPS.get(item.findtext("root/root-step") or "")
    if kind is None or step is None:
        return None
    return (step + int(float(item.findtext("root/root-alter") or 0))) % 12, QUALITY_NAMES.index(kind)


def _pitch(item: ElementTree.Element) -> int | None:
    step, octave = item.findtext("pitch/step"), item.findtext("pitch/octave")
    if step is None or octave is None:
        return None
    return 12 * (int(octave) + 1) + STEPS[step] + int(float(item.findtext("pitch/alter") or 0))


def rock_songs(shared: Path) -> Iterator[Song]:
    """Yield the rock corpus's melodies over its expanded harmonies, where both have the same bars and no odd ones."""
    with tarfile.open(shared / "data" / "leadsheets" / "rock-corpus.tar.xz") as tar:
        texts = {
            Path(m.name).parent.name + "/" + Path(m.name).name: file.read().decode("utf-8", "replace")
            for m in tar
            if m.name.endswith((".mel", ".txt")) and (file := tar.extractfile(m))
        }
    done = set()
    for path in sorted(p for p in texts if p.startswith("rs200_melody/")):
        name = Path(path).stem.rsplit("_", 1)[0]
        harmony = next((texts[h] for w in ("dt", "tdc") if (h := f"rs200_harmony_exp/{name}_{w}.txt") in texts), "")
        if name in done or not harmony:
            continue
        done.add(name)
        sheet = _rock_sheet(name, texts[path], harmony)
        song = song_of(sheet, "rock", len(done)) if sheet else None
        if song is not None:
            yield song


def _rock_sheet(name: str, melody: str, harmony: str) -> Sheet | None:
    if re.search(r"\[\d+/\d+\]", melody + harmony):  # another meter than 4/4
        return None
    chords, bars = _roman(harmony)
    notes, sung = _degrees(melody)
    if not notes or abs(bars - sung) > 2:
        return None
    return Sheet(name, Meter(4, 4), tuple(chords), tuple(notes), 16 * min(bars, sung))


def _roman(text: str) -> tuple[list[tuple[int, int, int]], int]:
    """Return (tick, root, quality) of chords in roman numerals, bars between |, and how many bars."""
    tonic, bar, chords = 0, 0, list[tuple[int, int, int]]()
    for cell in re.sub(r"%.*", "", text).split("|")[:-1]:
        names = cell.split()
        for key in [n for n in names if n.startswith("[")]:
            named_key = _key(key)
            tonic = tonic if named_key is None else named_key
        names = [n for n in names if not n.startswith("[")]
        for index, one in enumerate(names):
            named = _numeral(one, tonic)
            if named:
                chords.append((16 * bar + 16 * index // len(names), *named))
        bar += 1
    return chords, bar


def _numeral(text: str, tonic: int) -> tuple[int, int] | None:
    found = re.match(r"^([b#]*)([iIvV]+)(.*)$", text)
    if not found or found[2].lower() not in ROMAN:
        return None
    root = tonic + DEGREES[ROMAN[found[2].lower()]] + found[1].count("#") - found[1].count("b")
    seventh, minor = "7" in found[3], found[2].islower()
    if found[3].startswith(("o", "x", "h")):
        return root % 12, QUALITY_NAMES.index("min7b5" if found[3].startswith(("x", "h")) else "dim")
    name = ("min7" if seventh else "min") if minor else "maj7" if "d7" in found[3] else "7" if seventh else "maj"
    return root % 12, QUALITY_NAMES.index(name)


def _key(text: str) -> int | None:
    found = re.match(r"^\[([A-G])([b#]?)\]$", text)
    return (STEPS[found[1]] + found[2].count("#") - found[2].count("b")) % 12 if found else None


def _degrees(text: str) -> tuple[list[Sounded], int]:
    """Return the notes of scale degrees, bars between |, each cut into as many equal steps as it has signs."""
    tonic, octave, bar, notes = 0, 4, 0, list[Sounded]()
    last: int | None = None
    text = re.sub(r"%.*", "", text)
    text = re.sub(r"R\*(\d+)", lambda m: "|" * (int(m[1]) - 1), text)
    for cell in text.split("|")[:-1]:
        for mark in re.findall(r"\[[^\]]*\]", cell):
            if (key := _key(mark)) is not None:
                tonic = key
            elif found := re.match(r"\[OCT=(\d)\]", mark):
                octave, last = int(found[1]), None
        signs = re.findall(r"([v^]*)([b#n]?)([1-7.])", re.sub(r"\[[^\]]*\]|\s", "", cell))
        for index, (ways, bent, sign) in enumerate(signs):
            if sign == ".":
                continue
            own = tonic + DEGREES[int(sign) - 1] + (bent == "#") - (bent == "b")
            near = last if last is not None else 12 * (octave + 1) + tonic
            pitch = near + (own - near + 6) % 12 - 6 if last is not None else near + (own - near) % 12
            pitch += 12 * (ways.count("^") - ways.count("v"))
            start = 16 * bar + 16 * index // len(signs)
            notes.append(Sounded(start, start + 16 // max(len(signs), 1) or start + 1, pitch, MELODY_VELOCITY))
            last = pitch
        bar += 1
    return [Sounded(n.start, max(n.end, n.start + 1), n.pitch, n.velocity) for n in notes], bar
