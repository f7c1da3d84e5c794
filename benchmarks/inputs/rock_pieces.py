"""Bass lines made over the songs of the Rock Corpus (de Clercq and Temperley; CC BY 4.0; ../shared/data/leadsheets).

Its chords are known; its basses are not: one of four common ways to play over a chord is drawn for each song.
"""

from __future__ import annotations

import io
import json
import re
import tarfile
import zlib
from collections.abc import Iterator

import numpy as np

from benchmarks.inputs.harmony_pieces import DATA, NATURAL, Piece

CORPUS = DATA / "leadsheets" / "rock-corpus.tar.xz"
DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
ROMAN = re.compile(r"^([b#]*)([IViv]+)([^/]*)(?:/(.+))?$")
BAR, LOWEST = 4, 28  # quarters, and MIDI number
FEWEST_BARS, FEWEST_NOTES = 12, 24
TEMPI = (75.0, 150.0)
STEPS = (0.5, 1.0, 1.0, 0.5)  # quarters between the notes of each way to play
LEFT_OUT, IN_THE_WAY = 0.15, 0.6
Chord = tuple[int, bool]  # (semitones above the tonic, minor)
Rng = np.random.Generator


def read_roman(name: str) -> Chord | None:
    """'bVII' -> (10, False), 'V/vi' -> (4, False); None for what is no chord."""
    found = ROMAN.match(name)
    if not found or found.group(2).lower() not in DEGREES:
        return None
    accidentals, numeral, _, of = found.groups()
    above = DEGREES[numeral.lower()] - accidentals.count("b") + accidentals.count("#")
    if of:
        home = read_roman(of)
        if home is None:
            return None
        above += home[0]
    return above % 12, numeral.islower()


def bars_of(text: str) -> tuple[int, list[list[tuple[float, float, Chord]]]] | None:
    """(tonic, bars of (start, end, chord) in shares of the bar); None where the key or the meter changes."""
    keys = set(re.findall(r"\[([A-G][b#]?)\]", text))
    if len(keys) != 1 or re.search(r"\[[0-9]", text):
        return None
    key = keys.pop()
    tonic = (NATURAL[key[0]] + key.count("#") - key[1:].count("b")) % 12
    chord: Chord | None = None
    bars = []
    for bar in re.sub(r"\[[^\]]*\]", " ", text).split("|"):
        tokens, row = bar.split() or ["."], []
        for i, token in enumerate(tokens):
            if token == "R":
                chord = None
            elif token != ".":
                chord = read_roman(token) or chord
            if chord is not None:
                row.append((i / len(tokens), (i + 1) / len(tokens), chord))
        bars.append(row)
    return tonic, bars


def piece_of(name: str, text: str) -> Piece | None:
    """Make a bass over a song; None where it cannot be used. The same for the same song."""
    read = bars_of(text)
    if read is None or len(read[1]) < FEWEST_BARS:
        return None
    tonic, bars = read
    song = zlib.crc32(name.encode())
    rng = np.random.default_rng((0, song))
    way, tempo_bpm = int(rng.integers(len(STEPS))), float(rng.uniform(*TEMPI))
    notes: list[tuple[float, float, int, int]] = []
    chords: list[tuple[float, float, int, bool]] = []
    for number, row in enumerate(bars):
        for start, end, (above, minor) in row:
            root, at, until = (tonic + above) % 12, BAR * (number + start), BAR * (number + end)
            if chords and chords[-1][2:] == (root, minor) and abs(chords[-1][1] - at) < 1e-6:
                chords[-1] = (chords[-1][0], until, root, minor)
            else:
                chords.append((at, until, root, minor))
            notes += _over(way, LOWEST + (root - LOWEST) % 12, minor, at, until, rng)
    return Piece(0, str(song), BAR, 4, tempo_bpm, tuple(notes), tuple(chords), tonic)


def _over(
    way: int, root: int, minor: bool, at: float, until: float, rng: Rng
) -> Iterator[tuple[float, float, int, int]]:
    third, fifth, place = root + (3 if minor else 4), root + 7, 0
    while at < until - 1e-6:
        pitch = root
        if way == 1:
            pitch = (root, root, fifth, root)[place % 4]
        elif way == 2:
            inside = (root, third, fifth, root + 12)[place % 4]
            pitch = inside if rng.random() < 0.8 else root + int(rng.choice([2, 5, 10 if minor else 9]))
        elif way == 3 and rng.random() >= IN_THE_WAY:
            pitch = int(rng.choice([fifth, root + 12, root + 10, third, root + 5]))
        if way == 0 or not place or rng.random() >= LEFT_OUT:
            yield at, min(at + 0.9 * STEPS[way], until), pitch, 90
        place, at = place + 1, at + STEPS[way]


def songs() -> Iterator[Piece]:
    """Every song of one key and one meter, in the corpus's order."""
    with tarfile.open(CORPUS) as tar:
        file = tar.extractfile("rock_corpus/corpus/chords.json")
        assert file is not None
        found = json.load(io.TextIOWrapper(file, "utf-8"))
    for name, song in found.items():
        piece = piece_of(name, song["harmony"][0])
        if piece is not None and len(piece.notes) > FEWEST_NOTES:
            yield piece
