"""Reads and writes SoundFont 2.04 files as plain values: presets and instruments of zones, and samples.

`read` leaves the sound of an .sf2 on the disk until a sample is asked for; `write` gives an .sf2, or an .sf3 (samples
as Ogg Vorbis, as MuseScore and FluidSynth have them). The specification's section 7: phdr/pbag/pmod/pgen,
inst/ibag/imod/igen and shdr are tables that index one another.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PHDR = struct.Struct("<20sHHHIII")
INST = struct.Struct("<20sH")
BAG = struct.Struct("<HH")
GEN = struct.Struct("<HH")
MOD_SIZE = 10
SHDR = struct.Struct("<20sIIIIIBbHH")
KEYS, VELOCITIES, INSTRUMENT, SAMPLE, MODES, ROOT_KEY = 43, 44, 41, 53, 54, 58  # generators
ATTENUATION = 48  # of them, in centibels
MONO, RIGHT, LEFT, COMPRESSED = 1, 2, 4, 0x10  # kinds of samples
PADDING = 46  # silent samples the specification asks for after each sample
VORBIS_QUALITY = 0.55  # of libsndfile's 0 to 1
MOST_TABLES = 1 << 26  # bytes of tables that are read at most: real files have under 2 MB
REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
Pcm = NDArray[np.int16]
Chunks = dict[bytes, bytes]


class NotASoundFont(ValueError):
    """Raised, in one line, for a file that is no SoundFont or is cut short."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: generators as (kind, 16 bits) in the file's order, and modulators as they lie there."""

    generators: tuple[tuple[int, int], ...]
    modulators: bytes = b""

    def get(self, kind: int) -> int | None:
        return next((amount for generator, amount in self.generators if generator == kind), None)

    def with_(self, kind: int, amount: int) -> Zone:
        """Return the zone with one generator set; ranges stay first and links last, as the specification asks."""
        others = [pair for pair in self.generators if pair[0] != kind]
        order = {KEYS: -2, VELOCITIES: -1, INSTRUMENT: 100, SAMPLE: 100}
        return replace(self, generators=tuple(sorted([*others, (kind, amount)], key=lambda p: order.get(p[0], 0))))

    def range_of(self, kind: int) -> tuple[int, int]:
        """Return the lowest and highest key or velocity, both included."""
        amount = self.get(kind)
        return (0, 127) if amount is None else (amount & 0xFF, amount >> 8)


def span(low: int, high: int) -> int:
    """Return the amount of a range generator."""
    return low | high << 8


def signed(amount: int) -> int:
    """Return a generator's amount as the 16 bits of a negative number have it in the file."""
    return amount & 0xFFFF


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample. loop: first sample and the one after the last, from the sample's start. cents: what is added to its
    pitch. partner: index of the other side of a stereo pair. pcm: None where it was not read (an .sf3)."""

    name: str
    rate: int
    root: int
    cents: int
    loop: tuple[int, int]
    kind: int
    partner: int
    pcm: Pcm | None


@dataclass(frozen=True, slots=True)
class Voices:
    """A preset or an instrument: a name and its zones. number: (bank, program) of a preset."""

    name: str
    zones: tuple[Zone, ...]
    number: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Font:
    """A SoundFont. info: the texts of its INFO list, e.g. b"INAM"."""

    presets: tuple[Voices, ...]
    instruments: tuple[Voices, ...]
    samples: tuple[Sample, ...]
    info: Chunks


def presets_of(path: Path) -> dict[tuple[int, int], str]:
    """Return (bank, program) -> name of every preset. Raises NotASoundFont and OSError."""
    _, _, tables = _lists(path)
    rows = list(PHDR.iter_unpack(tables[b"phdr"]))
    return {(row[2], row[1]): _name(row[0]) for row in rows[:-1]}


def read(path: Path) -> Font:
    """Return a whole SoundFont. Raises NotASoundFont, in one line, and OSError."""
    info, (start, size), tables = _lists(path)
    sound = np.memmap(path, np.dtype("<i2"), "r", start, (size // 2,)) if size > 1 else np.zeros(0, np.int16)
    headers = list(PHDR.iter_unpack(tables[b"phdr"]))
    instruments = list(INST.iter_unpack(tables[b"inst"]))
    samples = []
    for name, first, end, loop_start, loop_end, rate, key, cents, link, kind in list(SHDR.iter_unpack(tables[b"shdr"]))[
        :-1
    ]:
        packed = bool(kind & COMPRESSED)
        loop = (loop_start, loop_end) if packed else (loop_start - first, loop_end - first)
        samples.append(Sample(_name(name), rate, key, cents, loop, kind, link, None if packed else sound[first:end]))
    return Font(
        tuple(
            Voices(_name(a[0]), _zones(tables, b"p", a[3], b[3]), (a[2], a[1])) for a, b in itertools.pairwise(headers)
        ),
        tuple(Voices(_name(a[0]), _zones(tables, b"i", a[1], b[1])) for a, b in itertools.pairwise(instruments)),
        tuple(samples),
        info,
    )


def write(path: Path, font: Font, compressed: bool = False) -> None:
    """Write a font; what no preset reaches is left out. compressed: as .sf3. The same font gives the same bytes."""
    used_instruments = _reached(font.presets, INSTRUMENT)
    kept = [font.instruments[i] for i in used_instruments]
    used = _reached(kept, SAMPLE)
    used = sorted({*used, *(font.samples[i].partner for i in used if font.samples[i].kind & (LEFT | RIGHT))})
    sound, shdr = _sample_table(font.samples, used, compressed)
    preset_tables, preset_bags = _zone_tables(font.presets, b"p", INSTRUMENT, used_instruments)
    instrument_tables, instrument_bags = _zone_tables(kept, b"i", SAMPLE, used)
    rows = zip(font.presets, preset_bags[:-1], strict=True)
    phdr = [PHDR.pack(_bytes(p.name), p.number[1], p.number[0], bag, 0, 0, 0) for p, bag in rows]
    phdr.append(PHDR.pack(b"EOP", 0, 0, preset_bags[-1], 0, 0, 0))
    inst = [INST.pack(_bytes(i.name), bag) for i, bag in zip(kept, instrument_bags[:-1], strict=True)]
    inst.append(INST.pack(b"EOI", instrument_bags[-1]))
    pdta = {b"phdr": b"".join(phdr), **preset_tables, b"inst": b"".join(inst), **instrument_tables, b"shdr": shdr}
    version = struct.pack("<HH", 3 if compressed else 2, 1)
    info = {b"ifil": version, **{k: v for k, v in font.info.items() if k != b"ifil"}}
    body = _list(b"INFO", info) + _list(b"sdta", {b"smpl": sound}) + _list(b"pdta", pdta)
    path.write_bytes(_chunk(b"RIFF", b"sfbk" + body))


def text(given: str) -> bytes:
    """Return a text of the INFO list: Latin letters, ended by one or two zeros to an even length."""
    encoded = given.encode("ascii", "replace")
    return encoded + b"\0" * (2 - len(encoded) % 2)


# -- reading --------------------------------------------------------------------------------------------------


def _lists(path: Path) -> tuple[Chunks, tuple[int, int], Chunks]:
    """Return (the INFO texts, where the sound lies and its length in bytes, the tables); the sound is not read."""
    texts: Chunks = {}
    tables: Chunks = {}
    where = (0, 0)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] != b"sfbk":
            raise NotASoundFont(f"{path.name} is not a SoundFont: it does not begin with RIFF....sfbk")
        if 8 + int.from_bytes(head[4:8], "little") > size + 1:
            raise NotASoundFont(f"{path.name} is cut short: {size} bytes of {8 + int.from_bytes(head[4:8], 'little')}")
        for kind, start, length in _chunks_in(file, 12, size):
            if kind != b"LIST":
                continue
            file.seek(start)
            name = file.read(4)
            for sub, at, n in _chunks_in(file, start + 4, start + length):
                if name == b"sdta":
                    where = (at, n) if sub == b"smpl" else where
                elif n <= MOST_TABLES:
                    file.seek(at)
                    (texts if name == b"INFO" else tables)[sub] = file.read(n)
    missing = [name for name in (b"phdr", b"pbag", b"pgen", b"inst", b"ibag", b"igen", b"shdr") if name not in tables]
    if missing:
        raise NotASoundFont(f"{path.name} is not a whole SoundFont: it has no table {missing[0].decode()}")
    return texts, where, tables


def _chunks_in(file: io.BufferedReader, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start of the body, length) of each chunk."""
    while at + 8 <= end:
        file.seek(at)
        name, size = struct.unpack("<4sI", file.read(8))
        yield name, at + 8, size
        at += 8 + size
        if size % 2:
            file.seek(at)
            at += file.read(1) == b"\0"  # MuseScore's writer leaves out the padding byte


def _zones(tables: Chunks, kind: bytes, first: int, last: int) -> tuple[Zone, ...]:
    bags = [BAG.unpack_from(tables[kind + b"bag"], i * BAG.size) for i in range(first, last + 1)]
    generators, modulators = tables[kind + b"gen"], tables.get(kind + b"mod", b"")
    return tuple(
        Zone(
            tuple(GEN.iter_unpack(generators[a[0] * GEN.size : b[0] * GEN.size])),
            modulators[a[1] * MOD_SIZE : b[1] * MOD_SIZE],
        )
        for a, b in itertools.pairwise(bags)
    )


def _name(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("latin-1")


# -- writing --------------------------------------------------------------------------------------------------


def _reached(groups: Iterable[Voices], generator: int) -> list[int]:
    found = {zone.get(generator) for group in groups for zone in group.zones}
    return sorted(index for index in found if index is not None)


def _sample_table(samples: Sequence[Sample], used: list[int], compressed: bool) -> tuple[bytes, bytes]:
    new_index = {old: new for new, old in enumerate(used)}
    out, table = bytearray(), b""
    for sample in (samples[i] for i in used):
        if sample.pcm is None:
            raise ValueError(f"sample {sample.name} has no sound: it comes from an .sf3")
        at = len(out) if compressed else len(out) // 2
        packed = _ogg(sample) if compressed else np.asarray(sample.pcm, "<i2").tobytes()
        out += packed if compressed else packed + bytes(2 * PADDING)
        end, moved = (at + len(packed), 0) if compressed else (at + len(sample.pcm), at)
        kind = (sample.kind & ~COMPRESSED) | (COMPRESSED if compressed else 0)
        loop = (sample.loop[0] + moved, sample.loop[1] + moved)
        link = new_index.get(sample.partner, 0)
        table += SHDR.pack(_bytes(sample.name), at, end, *loop, sample.rate, sample.root, sample.cents, link, kind)
    return bytes(out), table + SHDR.pack(b"EOS", *[0] * 9)


def _ogg(sample: Sample) -> bytes:
    import soundfile

    out = io.BytesIO()
    assert sample.pcm is not None
    soundfile.write(
        out, sample.pcm, sample.rate, format="OGG", subtype="VORBIS", compression_level=1.0 - VORBIS_QUALITY
    )
    return _numbered(out.getvalue())


def _numbered(ogg: bytes) -> bytes:
    """Return an Ogg stream with the serial number 1 in place of a random one: the same sound, the same bytes."""
    out, at = bytearray(), 0
    while at < len(ogg):
        header = 27 + ogg[at + 26]
        size = header + sum(ogg[at + 27 : at + header])
        page = bytearray(ogg[at : at + size])
        page[14:18], page[22:26] = (1).to_bytes(4, "little"), bytes(4)
        page[22:26] = _ogg_crc(bytes(page)).to_bytes(4, "little")
        out += page
        at += size
    return bytes(out)


def _ogg_crc(page: bytes) -> int:
    """Return Ogg's CRC: zlib's polynomial, most significant bit first, from 0 (RFC 3533)."""
    reflected = zlib.crc32(page.translate(REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)


def _zone_tables(groups: Iterable[Voices], kind: bytes, link: int, used: list[int]) -> tuple[Chunks, list[int]]:
    """Return the bag, mod and gen tables; and the first bag of each group, with the end."""
    new_index = {old: new for new, old in enumerate(used)}
    bags, generators, modulators, starts = b"", b"", b"", []
    for group in groups:
        starts.append(len(bags) // BAG.size)
        for zone in group.zones:
            bags += BAG.pack(len(generators) // GEN.size, len(modulators) // MOD_SIZE)
            modulators += zone.modulators
            for generator, amount in zone.generators:
                generators += GEN.pack(generator, new_index[amount] if generator == link else amount)
    starts.append(len(bags) // BAG.size)
    bags += BAG.pack(len(generators) // GEN.size, len(modulators) // MOD_SIZE)
    tables = {b"bag": bags, b"mod": modulators + bytes(MOD_SIZE), b"gen": generators + bytes(GEN.size)}
    return {kind + name: table for name, table in tables.items()}, starts


def _bytes(name: str) -> bytes:
    return name.encode("latin-1", "replace")[:20]


def _list(name: bytes, chunks: Chunks) -> bytes:
    return _chunk(b"LIST", name + b"".join(_chunk(k, v) for k, v in chunks.items()))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
