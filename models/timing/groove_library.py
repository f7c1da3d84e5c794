"""Build the library of played drum grooves: `python -m models.timing.groove_library [--shared ../shared]`.

Reads the train split of the Groove MIDI Dataset (CC BY 4.0) and Hydrogen's patterns (CC BY-SA) and writes
agent/assets/grooves.safetensors and .json: two-bar grooves with variations by the same drummer, and fills, as
velocities [ticks, pieces of models.music.tokens.PIECES]; 0 is no hit. `agent/parts/groove_library.py` reads them.
Nothing is drawn by chance: the same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from listener.types import Meter
from models.music.tokens import PIECES
from models.paths import ROOT, SHARED
from models.timing import groove_dataset, hydrogen_patterns
from models.timing.groove_dataset import LOOSE, Take
from models.timing.hydrogen_patterns import ACCENT_VELOCITY, Hits, bar_ticks

Floats = NDArray[np.float64]

ASSETS = ROOT / "agent" / "assets"
HYDROGEN = Path("data", "drums", "hydrogen-patterns.tar.xz")
KIND, FORMAT = "grooves", 1
STEM = "grooves"

KICK, SNARE, RIM, CRASH = (PIECES.index(piece) for piece in ("kick", "snare", "rim", "crash"))
KEEPERS = tuple(PIECES.index(piece) for piece in ("closed_hat", "open_hat", "ride", "shaker"))
CORE = (KICK, SNARE, RIM)  # what makes a groove that groove
WEIGHTS = np.array([1.0 if i in CORE else 0.5 for i in range(len(PIECES))])
SAME_GROOVE = 0.95  # Jaccard of kick, snare and time-keeper: above it two grooves are one
OTHER_LOUDNESS = 15.0  # mean velocities so far apart make two grooves of one pattern
VARIES = (0.5, 0.9)  # Jaccard of kick and snare between a groove's bar and a variation of it
VARIATIONS = 3
CRASH_COST, OFTEN = 0.15, 1 / 3  # of a bar with a crash, in mean Jaccard; in so many bars it keeps time
DIGITS = 9  # that scores are compared to: the same choice on every processor
FEWEST_FILL_HITS = {4: 3, 6: 3, 8: 4, 12: 4, 16: 5, 24: 5}  # by length in ticks
TRIPLET = 0.6  # of chance: a swung take is a 12/8 too when its hits lie so near to the triplets
OWN_STYLE = 0.1  # what a donor of velocities of the same style is worth in Jaccard
ACCENT = 8  # what is added to a drummer's velocity for an accent of Hydrogen's

STYLES_OF_WORDS: dict[str, str] = {  # of the sources, whole or their first word; to one of dials.STYLES
    "afro-cuban": "latin",
    "afrobeat": "funk",
    "afrocuban": "latin",
    "blues": "blues",
    "boogie": "blues",
    "bossa-nova": "latin",
    "cha-cha": "latin",
    "charleston": "jazz",
    "country": "country",
    "dance": "dance",
    "disco": "dance",
    "funk": "funk",
    "gospel": "soul",
    "highlife": "latin",
    "hiphop": "hiphop",
    "jazz": "jazz",
    "jazz-funk": "funk",
    "latin": "latin",
    "march": "jazz",
    "middleeastern": "latin",
    "neworleans": "funk",
    "paso-doble": "latin",
    "pop": "pop",
    "punk": "rock",
    "r-n-b": "soul",
    "reggae": "pop",
    "rock": "rock",
    "samba": "latin",
    "shuffle": "blues",
    "ska": "rock",
    "slow": "ballad",
    "soul": "soul",
    "swing": "jazz",
    "tango": "latin",
    "twist": "rock",
    "waltz": "jazz",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a groove (two bars) or a fill (one bar, its last half or last beat).

    tempo_bpm: quarters a minute, None where none is known. swung: a tick pair 1:1 stands for triplets 2:1.
    variations: bars of the same take.
    """

    name: str
    style: str
    source_style: str
    source: str
    meter: Meter
    tempo_bpm: float | None
    swung: bool
    hits: Hits
    variations: tuple[Hits, ...] = ()


@dataclass(slots=True)
class Library:
    grooves: list[Row] = field(default_factory=list)
    fills: list[Row] = field(default_factory=list)


def style_of(words: str) -> str:
    """Return the style of dials.STYLES nearest to a source's own word: "funk-purdieshuffle" is funk.

    KeyError: unknown.
    """
    return STYLES_OF_WORDS[words] if words in STYLES_OF_WORDS else STYLES_OF_WORDS[words.split("-")[0]]


def jaccard(a: Hits, b: Hits, weights: Floats | None = None) -> float:
    """Return the share of two patterns' hits that both have, 1 for two empty ones."""
    own = np.ones(a.shape[1]) if weights is None else weights
    union = float((((a > 0) | (b > 0)) * own).sum())
    return float((((a > 0) & (b > 0)) * own).sum()) / union if union else 1.0


def jaccards(bars: Floats, weights: Floats) -> Floats:
    """Return the `jaccard` of every two of bars [N, ticks, pieces], [N, N]."""
    flat = (bars > 0).reshape(len(bars), -1).astype(float)
    heavy = flat * np.tile(weights, bars.shape[1])
    both = heavy @ flat.T
    own = heavy.sum(1)
    union = own[:, None] + own[None] - both
    return np.where(union > 0, both / np.maximum(union, 1e-9), 1.0)


def keeps_time(hits: Hits, meter: Meter) -> bool:
    """Say whether it has a kick, and hits of a time-keeper for three in four pulses.

    Pulses are quarters, or dotted ones in 6/8 and 12/8.
    """
    pulses = len(hits) / (6 if is_compound(meter) else 4)
    return bool((hits[:, KICK] > 0).any() and (hits[:, KEEPERS] > 0).any(1).sum() >= 0.75 * pulses)


def is_compound(meter: Meter) -> bool:
    return meter.denominator == 8 and meter.numerator % 3 == 0


# Groove MIDI Dataset


def grid_of(take: Take) -> Hits:
    """Return the take in whole bars, at least one: a last bar that stops before its last quarter is left out."""
    bar = bar_ticks(take.meter)
    ticks = np.maximum(take.tick, 0)
    bars = max(math.ceil((int(ticks.max()) + 5) / bar) - 1, 1)
    hits = np.zeros((max(bars, math.ceil((int(ticks.max()) + 1) / bar)) * bar, len(PIECES)), np.uint8)
    np.maximum.at(hits, (ticks, take.piece), take.velocity.astype(np.uint8))
    return hits[: bars * bar]


def as_triplets(take: Take) -> Take | None:
    """Return a swung 4/4 take as 12/8, every hit on the nearest triplet; None where it is not in triplets."""
    quarters = (take.tick + take.offset) / 4
    if not take.swung or take.meter != Meter(4, 4) or groove_dataset.distance(quarters, 3) > TRIPLET:
        return None
    ticks = 2 * np.floor(quarters * 3 + 0.5).astype(int)
    tempo_bpm = take.tempo_bpm * 1.5
    return replace(take, meter=Meter(12, 8), swung=False, tempo_bpm=tempo_bpm, tick=ticks)


def typical_start(bars: Floats) -> int:
    """Return the bar where the two bars begin that are most like the take's others."""
    if len(bars) < 3:
        return 0
    alike = jaccards(np.concatenate([bars[:-1], bars[1:]], 1), WEIGHTS)
    others = (alike.sum(1) - 1) / (len(alike) - 1)
    crashes = has_rare_crash(bars)
    marked = crashes[:-1] | crashes[1:]
    return int(np.argmax(np.round(others - CRASH_COST * marked, DIGITS)))


def has_rare_crash(bars: Floats) -> NDArray[np.bool_]:
    """Return which bars [N] have a crash that marks something: none where every third bar has one."""
    crashes: NDArray[np.bool_] = np.any(bars[:, :, CRASH] > 0, axis=1)
    return crashes if crashes.mean() < OFTEN else np.zeros_like(crashes)


def variations_of(bars: Floats, start: int, groove: Hits, meter: Meter) -> tuple[Hits, ...]:
    """Return other bars of the take with much of the groove's kick and snare, the commonest first, no two alike."""
    core = np.zeros(len(PIECES))
    core[list(CORE)] = 1.0
    alike = jaccards(bars, core)
    length = bar_ticks(meter)
    chosen: list[int] = []
    for index in np.argsort(
        np.round(CRASH_COST * has_rare_crash(bars) - alike.mean(1), DIGITS), kind="stable"
    ).tolist():
        low, high = VARIES
        own = bars[index].astype(np.uint8)
        near = [jaccard(own[:, CORE], groove[at : at + length][:, CORE]) for at in (0, length)]
        fresh = all(alike[index, other] <= high for other in chosen)
        if all(low <= value <= high for value in near) and fresh and keeps_time(own, meter):
            chosen.append(index)
        if len(chosen) == VARIATIONS:
            break
    return tuple(bars[index].astype(np.uint8) for index in chosen)


def groove_of(take: Take) -> Row | None:
    """Return the two most typical bars of a take; None: no kick or nothing that keeps time."""
    hits = grid_of(take)
    bars = hits.reshape(-1, bar_ticks(take.meter), len(PIECES)).astype(float)
    start = typical_start(bars)
    pair = bars[[start, min(start + 1, len(bars) - 1)]]
    groove = pair.reshape(-1, len(PIECES)).astype(np.uint8)
    if not keeps_time(groove, take.meter):
        return None
    words = words_of(take)
    variations = variations_of(bars, start, groove, take.meter)
    name = f"{take.name}#{start + 1}"
    return Row(name, style_of(words), words, "groove", take.meter, take.tempo_bpm, take.swung, groove, variations)


def words_of(take: Take) -> str:
    """Return the style in the file's name: drummer1/session2/4_jazz-swing_120_beat_3-4 -> jazz-swing."""
    return take.name.rsplit("/", 1)[-1].split("_")[1]


def fills_of(take: Take) -> Iterator[Row]:
    """Yield the last bar of a fill, its last half and last beat; a lone hit on the next one is no part of it."""
    bar, words = bar_ticks(take.meter), words_of(take)
    inside = take.tick[take.tick >= 0]
    last = int(inside.max()) // bar
    if last and (inside >= last * bar).sum() and int(inside[inside >= last * bar].max()) - last * bar <= 1:
        last -= 1
    hits = np.zeros((bar, len(PIECES)), np.uint8)
    own = (take.tick >= last * bar) & (take.tick < (last + 1) * bar)
    np.maximum.at(hits, (take.tick[own] - last * bar, take.piece[own]), take.velocity[own].astype(np.uint8))
    row = Row(take.name, style_of(words), words, "groove", take.meter, take.tempo_bpm, take.swung, hits)
    yield from lengths_of(row)


def lengths_of(fill: Row) -> Iterator[Row]:
    """Yield the bar where its first half is played too, its last half and its last beat.

    What is too thin to be a fill is left out.
    """
    length = len(fill.hits)
    beat = 6 if is_compound(fill.meter) else 4
    lasts = [length] if fill.hits[: length // 2].any() else []
    lasts += [length // 2] if length // 2 % beat == 0 else []
    for last in [*lasts, beat]:
        row = replace(fill, hits=fill.hits[length - last :])
        if (row.hits > 0).sum() >= FEWEST_FILL_HITS.get(last, math.inf) and row.hits[-4:].any():
            yield row


def read_groove(takes: Iterable[Take]) -> Library:
    """Return the grooves and fills of the train split that lie on the grid."""
    found = Library()
    for take in takes:
        if take.split != "train" or take.looseness >= LOOSE:
            continue
        for own in filter(None, (take, as_triplets(take))):
            if take.kind == "fill":
                found.fills += fills_of(own)
            elif row := groove_of(own):
                found.grooves.append(row)
    return found


# Hydrogen's patterns


def read_hydrogen(archive: Path) -> Library:
    """Return every one-bar pattern: grooves twice over, breaks as fills.

    Velocities are the machine's (102, 114 the accents).
    """
    found = Library()
    for pattern in hydrogen_patterns.read(archive):
        hits = pattern.hits if pattern.is_break else np.concatenate([pattern.hits, pattern.hits])
        style = style_of(pattern.words)
        row = Row(pattern.name, style, pattern.words, "hydrogen", pattern.meter, None, pattern.swung, hits)
        if pattern.is_break:
            found.fills += lengths_of(row)
        elif keeps_time(hits, pattern.meter):
            found.grooves.append(row)
    return found


def touched(row: Row, played: Sequence[Row]) -> Row:
    """Return the pattern with the velocities of the drummer whose groove or fill of that length is most like it.

    A hit the drummer has in that tick is as loud as theirs, another as their median of that piece; accents are louder.
    """
    fitting = [p for p in played if (p.meter, p.swung, len(p.hits)) == (row.meter, row.swung, len(row.hits))]
    fitting = fitting or [p for p in played if len(p.hits) == len(row.hits)] or list(played)
    donor = max(fitting, key=lambda p: likeness(row, p))
    machine, human = row.hits, donor.hits
    everyone = np.concatenate([p.hits for p in fitting])
    has_accents = bool((machine == ACCENT_VELOCITY).any() and ((machine > 0) & (machine < ACCENT_VELOCITY)).any())
    out = np.zeros_like(machine)
    for tick, piece in np.argwhere(machine):
        strength = strengths(len(human)) == strengths(len(machine))[tick]
        pools = [
            human[tick : tick + 1, piece] if len(human) == len(machine) else human[:0, piece],
            human[strength, piece],
            human[:, piece],
            everyone[:, piece],
            human.ravel(),
        ]
        velocity = next(float(np.median(pool[pool > 0])) for pool in pools if (pool > 0).any())
        accent = ACCENT if has_accents and machine[tick, piece] == ACCENT_VELOCITY else 0
        out[tick, piece] = int(min(max(velocity + accent, 1), 127))
    return replace(row, hits=out)


def likeness(row: Row, other: Row) -> float:
    alike = jaccard(row.hits, other.hits) if len(row.hits) == len(other.hits) else 0.0
    return alike + OWN_STYLE * (row.style == other.style)


def strengths(length: int) -> NDArray[np.int64]:
    """Return how strong each tick is: 0 on the quarter, 1 on its half, 2 between."""
    ticks = np.arange(length)
    return np.where(ticks % 4 == 0, 0, np.where(ticks % 2 == 0, 1, 2))


# the whole


def distinct(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without near-duplicates.

    Those have the same meter and pieces, kick, snare and time-keeper alike, and are about as loud.
    """
    kept: list[Row] = []
    looked = [*CORE, *KEEPERS]
    for row in rows:
        pieces = (row.hits > 0).any(0)
        twins = (
            k
            for k in kept
            if (k.meter, k.swung, len(k.hits)) == (row.meter, row.swung, len(row.hits))
            and ((k.hits > 0).any(0) == pieces).all()
            and jaccard(k.hits[:, looked], row.hits[:, looked]) > SAME_GROOVE
            and abs(loudness(k.hits) - loudness(row.hits)) < OTHER_LOUDNESS
        )
        if next(twins, None) is None:
            kept.append(row)
    return kept


def distinct_fills(rows: Iterable[Row]) -> list[Row]:
    """Return the first fill of every pattern, length and meter."""
    kept: dict[tuple[Meter, bool, bytes], Row] = {}
    for row in rows:
        kept.setdefault((row.meter, row.swung, (row.hits > 0).tobytes()), row)
    return [*kept.values()]


def loudness(hits: Hits) -> float:
    return float(hits[hits > 0].mean())


def in_sixes(grooves: Iterable[Row]) -> Iterator[Row]:
    """Yield bars of 12/8 with the backbeat on 2 and 4 as two bars of 6/8: another way to write the same."""
    for row in grooves:
        first = row.hits[:24]
        backbeat = first[[6, 18]][:, [SNARE, RIM]].any(1).all()
        if row.meter == Meter(12, 8) and first[0, KICK] and backbeat and keeps_time(first, Meter(6, 8)):
            yield replace(row, meter=Meter(6, 8), hits=first, variations=())


def build(shared: Path, cache: Path = groove_dataset.CACHE) -> Library:
    """Read both sources of the shared folder; FileNotFoundError when one is missing."""
    takes = groove_dataset.takes(archive=groove_dataset.archive_in(shared), cache=cache)
    played = read_groove(sorted(takes, key=lambda take: take.name))
    written = read_hydrogen(shared / HYDROGEN)
    grooves = distinct([*played.grooves, *(touched(row, played.grooves) for row in written.grooves)])
    grooves = distinct([*grooves, *in_sixes(grooves)])
    fills = [*played.fills, *(touched(row, played.fills) for row in written.fills)]
    return Library(grooves, distinct_fills(fills))


def packed(library: Library) -> tuple[bytes, str]:
    """Return (bytes of the .safetensors file, text of the .json file).

    Hits lie one after another, each groove's variations behind it, then the fills: struck, one bit a tick and piece;
    velocities, one byte a hit.
    """
    blocks = [hits for row in [*library.grooves, *library.fills] for hits in (row.hits, *row.variations)]
    flat = np.concatenate([block.ravel() for block in blocks])
    data = save({"struck": np.packbits(flat > 0), "velocities": flat[flat > 0]})
    head = {"format": FORMAT, "kind": KIND, "sha256": hashlib.sha256(data).hexdigest(), "pieces": PIECES}
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    for key, rows in (("grooves", library.grooves), ("fills", library.fills)):
        listed = ",\n  ".join(json.dumps(columns(row, is_fill=key == "fills")) for row in rows)
        lines.append(f' "{key}": [\n  {listed}\n ]{"," if key == "grooves" else ""}')
    return data, "{\n" + "\n".join(lines) + "\n}\n"


def columns(row: Row, is_fill: bool) -> list[object]:
    """Return name, style, source's style, source, numerator, denominator, swung, ticks.

    Of a groove it returns tempo_bpm and number of variations too.
    """
    both = [row.name, row.style, row.source_style, row.source, row.meter.numerator, row.meter.denominator]
    both += [row.swung, len(row.hits)]
    tempo_bpm = None if row.tempo_bpm is None else round(row.tempo_bpm, 2)
    return both if is_fill else [*both, tempo_bpm, len(row.variations)]


def write(library: Library, folder: Path) -> list[Path]:
    """Write grooves.safetensors, then grooves.json: a run cut short is found by the hash."""
    data, text = packed(library)
    paths = [folder / f"{STEM}.safetensors", folder / f"{STEM}.json"]
    for path, content in zip(paths, (data, text.encode()), strict=True):
        part = path.with_name(path.name + ".part")
        part.write_bytes(content)
        os.replace(part, path)
    return paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m models.timing.groove_library", description=__doc__)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder of the training data")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder to write to")
    args = parser.parse_args(argv)
    library = build(args.shared)
    for path in write(library, args.out):
        print(f"{path}: {path.stat().st_size} bytes")
    grooves = Counter((str(row.meter), row.style) for row in library.grooves)
    for meter in sorted({meter for meter, _ in grooves}):
        styles = ", ".join(f"{style} {n}" for (own, style), n in sorted(grooves.items()) if own == meter)
        print(f"grooves in {meter}: {sum(n for (own, _), n in grooves.items() if own == meter)} ({styles})")
    print(f"variations: {sum(len(row.variations) for row in library.grooves)}")
    fills = Counter((str(row.meter), len(row.hits)) for row in library.fills)
    print("fills:", ", ".join(f"{n} of {ticks} ticks in {meter}" for (meter, ticks), n in sorted(fills.items())))


if __name__ == "__main__":
    main()
