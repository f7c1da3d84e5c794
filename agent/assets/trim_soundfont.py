"""Trims a SoundFont (sf2 or sf3) to a few presets.

Usage: `python -m agent.assets.trim_soundfont IN OUT --presets 128:0 0:4 0:11`. SoundFont 2.04 specification, section 7:
phdr/pbag/pmod/pgen, inst/ibag/imod/igen and shdr are tables that index one another; what the kept presets do not reach
is left out and the indices are written anew.
"""

from __future__ import annotations

import argparse
import itertools
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PHDR = struct.Struct("<20sHHHIII")
INST = struct.Struct("<20sH")
BAG = struct.Struct("<HH")
GEN = struct.Struct("<HH")
MOD_SIZE = 10
SHDR = struct.Struct("<20sIIIIIBbHH")
GEN_INSTRUMENT, GEN_SAMPLE = 41, 53
COMPRESSED = 0x10  # sample type flag of sf3: start and end are byte offsets of an Ogg stream
PADDING = 46  # silent samples the specification asks for after each sample
Chunks = dict[bytes, bytes]


@dataclass(frozen=True)
class Zone:
    generators: tuple[tuple[int, int], ...]
    modulators: bytes


def trim(source: Path, target: Path, presets: Sequence[tuple[int, int]]) -> None:
    """Writes `target` with the (bank, program) pairs of `presets`. Raises ValueError for one that is missing."""
    info, chunks, tables = _read(source.read_bytes())
    headers = list(PHDR.iter_unpack(tables[b"phdr"]))
    by_number = {(h[2], h[1]): i for i, h in enumerate(headers[:-1])}
    missing = [f"{bank}:{program}" for bank, program in presets if (bank, program) not in by_number]
    if missing:
        raise ValueError(f"{source.name} has no preset {', '.join(missing)}; presets are given as bank:program")
    kept = [by_number[p] for p in sorted(presets)]
    preset_zones = [_zones(tables, b"p", headers[i][3], headers[i + 1][3]) for i in kept]
    instruments = list(INST.iter_unpack(tables[b"inst"]))
    used_instruments = _reached(preset_zones, GEN_INSTRUMENT)
    zones = [_zones(tables, b"i", instruments[i][1], instruments[i + 1][1]) for i in used_instruments]
    samples = list(SHDR.iter_unpack(tables[b"shdr"]))
    used_samples = _with_partners(_reached(zones, GEN_SAMPLE), samples)
    sound, sample_table = _samples(chunks[b"smpl"], samples, used_samples)
    preset_part, preset_bags = _write_zones(preset_zones, b"p", GEN_INSTRUMENT, used_instruments)
    instrument_part, instrument_bags = _write_zones(zones, b"i", GEN_SAMPLE, used_samples)
    phdr = [(*headers[i][:3], bag, *headers[i][4:]) for i, bag in zip([*kept, -1], preset_bags, strict=True)]
    inst = [(instruments[i][0], bag) for i, bag in zip([*used_instruments, -1], instrument_bags, strict=True)]
    pdta = {
        b"phdr": b"".join(PHDR.pack(*h) for h in phdr),
        **preset_part,
        b"inst": b"".join(INST.pack(*h) for h in inst),
        **instrument_part,
        b"shdr": sample_table,
    }
    body = _list(b"INFO", info) + _list(b"sdta", {b"smpl": sound}) + _list(b"pdta", pdta)
    target.write_bytes(_chunk(b"RIFF", b"sfbk" + body))


def _read(data: bytes) -> tuple[Chunks, Chunks, Chunks]:
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise ValueError("not a SoundFont: a file that starts with RIFF....sfbk is expected")
    lists = {body[:4]: dict(_split(body[4:])) for _, body in _split(data[12:])}
    return lists[b"INFO"], lists[b"sdta"], lists[b"pdta"]


def _split(data: bytes) -> Iterable[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, data[at + 8 : at + 8 + size]
        at += 8 + size
        at += size % 2 and data[at : at + 1] == b"\0"  # MuseScore's writer leaves out the padding byte


def _zones(tables: Chunks, kind: bytes, first: int, last: int) -> list[Zone]:
    bags = list(BAG.iter_unpack(tables[kind + b"bag"][first * BAG.size : (last + 1) * BAG.size]))
    generators = list(GEN.iter_unpack(tables[kind + b"gen"]))
    modulators = tables[kind + b"mod"]
    return [
        Zone(tuple(generators[a[0] : b[0]]), modulators[a[1] * MOD_SIZE : b[1] * MOD_SIZE])
        for a, b in itertools.pairwise(bags)
    ]


def _reached(zones: list[list[Zone]], generator: int) -> list[int]:
    return sorted({amount for group in zones for z in group for kind, amount in z.generators if kind == generator})


def _with_partners(used: list[int], samples: list[tuple[int, ...]]) -> list[int]:
    partners = {samples[i][8] for i in used if samples[i][9] & 0x6}  # the other side of a stereo pair
    return sorted(set(used) | partners)


def _samples(sound: bytes, samples: list[tuple[int, ...]], used: list[int]) -> tuple[bytes, bytes]:
    new_index = {old: new for new, old in enumerate(used)}
    out, table = bytearray(), b""
    for i in used:
        name, start, end, loop_start, loop_end, rate, key, correction, link, kind = samples[i]
        width = 1 if kind & COMPRESSED else 2
        at = len(out) // width
        out += sound[start * width : end * width] + (b"" if kind & COMPRESSED else bytes(2 * PADDING))
        out += bytes(len(out) % 2)
        move = 0 if kind & COMPRESSED else at - start  # sf3 counts loop points from the sample's own start
        where = (at, at + end - start, loop_start + move, loop_end + move)
        table += SHDR.pack(name, *where, rate, key, correction, new_index.get(link, 0), kind)
    return bytes(out), table + SHDR.pack(b"EOS", *[0] * 9)


def _write_zones(groups: list[list[Zone]], kind: bytes, link: int, used: list[int]) -> tuple[Chunks, list[int]]:
    """The bag, mod and gen tables; and the first bag of each group, with the end."""
    new_index = {old: new for new, old in enumerate(used)}
    bags, generators, modulators, starts = b"", b"", b"", []
    for group in groups:
        starts.append(len(bags) // BAG.size)
        for zone in group:
            bags += BAG.pack(len(generators) // GEN.size, len(modulators) // MOD_SIZE)
            modulators += zone.modulators
            for generator, amount in zone.generators:
                generators += GEN.pack(generator, new_index[amount] if generator == link else amount)
    starts.append(len(bags) // BAG.size)
    bags += BAG.pack(len(generators) // GEN.size, len(modulators) // MOD_SIZE)
    tables = {b"bag": bags, b"mod": modulators + bytes(MOD_SIZE), b"gen": generators + bytes(GEN.size)}
    return {kind + name: table for name, table in tables.items()}, starts


def _list(name: bytes, chunks: Chunks) -> bytes:
    return _chunk(b"LIST", name + b"".join(_chunk(k, v) for k, v in chunks.items()))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--presets", nargs="+", required=True, metavar="BANK:PROGRAM")
    arguments = parser.parse_args()
    numbers = [tuple(map(int, p.split(":"))) for p in arguments.presets]
    trim(arguments.source, arguments.target, [(bank, program) for bank, program in numbers])


if __name__ == "__main__":
    main()
