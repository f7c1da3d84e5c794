"""Hold the drum grooves and fills that people played, for the band's song plan to choose from.

It builds bars of odd meters too.
The data (agent/assets/grooves.*, its licences in LICENSE-grooves.txt) is written by `models/timing/groove_library.py`.
A tick is a 16th; the columns of hits are the pieces of models.music.tokens.PIECES.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as arrays_from_bytes

from agent.core.errors import UserError
from agent.core.paths import shipped
from listener.types import Meter
from models.music import tokens
from models.music.dials import STYLES
from models.music.tokens import PIECES

Hits = NDArray[np.uint8]  # [ticks, pieces]: velocity 1-127, 0: no hit

STEM, KIND, FORMAT = "grooves", "grooves", 1
RESTORE = "restore it with `git checkout agent/assets` or install Antiphon again"
KICK, SNARE, RIM = (PIECES.index(piece) for piece in ("kick", "snare", "rim"))
KEEPERS = tuple(PIECES.index(piece) for piece in ("closed_hat", "open_hat", "ride", "shaker"))
NEAREST_STYLE = {"metal": "rock"}  # for a style that no source plays
BEAT = 4  # ticks of a quarter, the beat of the grooves that bars are joined from
TRIPLET_BEAT = 6  # ticks of a dotted quarter
SAME_LOUDNESS = 15.0  # mean velocities of two drummers' time-keepers that go together
TRIPLET_CELL = 0.5  # how often a group of three eighths is a beat of 12/8 where one fits


@dataclass(frozen=True, slots=True, eq=False)
class PlayedGroove:
    """Hold two bars of drumming.

    hits [ticks, pieces]; variations: bars [ticks of a bar, pieces] by the same drummer in the same take.
    source: "groove" (Groove MIDI Dataset) or "hydrogen". source_style: the source's own word. tempo_bpm: quarters a
    minute it was played at, None where nobody played it (Hydrogen). swung: off-beats are triplets, on straight ticks
    here.
    """

    name: str
    style: str
    meter: Meter
    tempo_bpm: float | None
    swung: bool
    hits: Hits
    variations: tuple[Hits, ...]
    source: str
    source_style: str

    @property
    def ticks_per_bar(self) -> int:
        return len(self.hits) // 2

    def bar(self, index: int) -> Hits:
        """Return the first bar (0), the second (1), and so on round."""
        start = index % 2 * self.ticks_per_bar
        return self.hits[start : start + self.ticks_per_bar]


@dataclass(frozen=True, slots=True, eq=False)
class PlayedFill:
    """Hold a bar's fill, or its last half or last beat: hits [ticks, pieces]. meter: of the bar it was played in."""

    ticks: int
    hits: Hits
    style: str
    source: str
    name: str
    meter: Meter
    swung: bool

    @property
    def density(self) -> float:
        """Return the share of its ticks that have a hit."""
        return float((self.hits > 0).any(1).mean())


class GrooveLibrary:
    """Give out the grooves and fills of one data file; every array is read-only."""

    def __init__(self, grooves: Iterable[PlayedGroove], fills: Iterable[PlayedFill]) -> None:
        self.all_grooves = tuple(grooves)
        self.all_fills = tuple(fills)
        self._bases: dict[bool, tuple[PlayedGroove, ...]] = {}
        self._cells: dict[tuple[int, int], tuple[tuple[float, Hits], ...]] = {}

    @classmethod
    def load(cls, folder: Path | None = None) -> GrooveLibrary:
        """Read the library of a folder (agent/assets), once for each.

        UserError in one line for a missing or damaged file.
        """
        return _load(folder or shipped())

    def grooves(self, meter: Meter, style: str | None = None) -> tuple[PlayedGroove, ...]:
        """Return those of a meter, whatever its grouping, and of a style where one is named.

        () where there is none (see `joined`). A style nobody plays here has the grooves of the nearest one.
        ValueError: not a style of dials.STYLES.
        """
        own = _played_style(style)
        size = (meter.numerator, meter.denominator)
        found = (g for g in self.all_grooves if (g.meter.numerator, g.meter.denominator) == size)
        return tuple(g for g in found if own is None or g.style == own)

    def fills(
        self, ticks: int, meter: Meter | None = None, style: str | None = None, swung: bool | None = None
    ) -> tuple[PlayedFill, ...]:
        """Return those of a length in ticks, and of a meter, a style, swung or not, where one is named."""
        own = _played_style(style)
        return tuple(
            fill
            for fill in self.all_fills
            if fill.ticks == ticks
            and (own is None or fill.style == own)
            and (swung is None or fill.swung == swung)
            and (
                meter is None or (fill.meter.numerator, fill.meter.denominator) == (meter.numerator, meter.denominator)
            )
        )

    def joined(self, meter: Meter, rng: np.random.Generator, style: str | None = None) -> PlayedGroove:
        """Build two bars of any meter from the beats of one played 4/4 groove.

        7/8 is built as 2+2+3 eighths, 5/4 as 3+2 quarters. The first group begins with a kick, a later one with the
        backbeat; the time-keeper goes on through the bar. Three eighths are a beat of 12/8 by a drummer as loud on the
        same time-keeper, or two eighths and one more of the time-keeper. Same meter, style and state of rng: same
        bars. ValueError: not a style of dials.STYLES.
        """
        lengths = [size * tokens.ticks_per_beat(meter) for size in _groups(meter)]
        in_eighths = any(length % BEAT for length in lengths)
        base = self._base(in_eighths, _played_style(style), rng)
        kinds = _kinds(lengths, rng)
        cells = [
            self._triplet_cell(base, kind, rng) if length == TRIPLET_BEAT else None
            for length, kind in zip(lengths, kinds, strict=True)
        ]
        bars = []
        for index in range(2):
            beats = base.bar(index).reshape(-1, BEAT, len(PIECES))
            count = [0, 0]
            for length, kind, cell in zip(lengths, kinds, cells, strict=True):
                bars.append(_group(beats, length, kind, count[kind]) if cell is None else cell)
                count[kind] += 1
        hits = np.concatenate(bars)
        hits.setflags(write=False)
        name = f"{'+'.join(map(str, _groups(meter)))} of {base.name}"
        return PlayedGroove(
            name, base.style, meter, base.tempo_bpm, base.swung, hits, (), base.source, base.source_style
        )

    def _base(self, in_eighths: bool, style: str | None, rng: np.random.Generator) -> PlayedGroove:
        """Return a played 4/4 groove with a kick on one, backbeats and a steady time-keeper.

        It is of any style where the style has none.
        """
        if in_eighths not in self._bases:
            self._bases[in_eighths] = tuple(g for g in self.all_grooves if _joins(g, in_eighths))
        fitting = self._bases[in_eighths]
        own = [g for g in fitting if g.style == style] or fitting
        if not own:
            raise UserError(f"{STEM}.json: no played 4/4 groove to build other meters from; {RESTORE}")
        return own[int(rng.integers(len(own)))]

    def _triplet_cell(self, base: PlayedGroove, kind: int, rng: np.random.Generator) -> Hits | None:
        """Return a played beat of 12/8 or 6/8 that begins with kick (0) or backbeat (1).

        None: none fits, or chance says no.
        """
        keeper = _keeper(base.hits)
        if (keeper, kind) not in self._cells:
            self._cells[keeper, kind] = tuple(_triplet_cells(self.all_grooves, keeper, kind))
        loudness = _loudness(base.hits, keeper)
        fitting = [cell for own, cell in self._cells[keeper, kind] if abs(own - loudness) < SAME_LOUDNESS]
        if not fitting or rng.random() >= TRIPLET_CELL:
            return None
        return fitting[int(rng.integers(len(fitting)))]


def joined(library: GrooveLibrary, meter: Meter, rng: np.random.Generator, style: str | None = None) -> Hits:
    """Return one bar [ticks, pieces] of any meter, as GrooveLibrary.joined builds them."""
    return library.joined(meter, rng, style).bar(0)


def _played_style(style: str | None) -> str | None:
    if style is not None and style not in STYLES:
        raise ValueError(f"style {style!r}: allowed are {', '.join(STYLES)}")
    return NEAREST_STYLE.get(style, style) if style is not None else None


def _groups(meter: Meter) -> tuple[int, ...]:
    """Return the meter's groups of beats.

    A meter that has none is split into fours, threes and twos (twos and a three in eighths).
    """
    groups, count = tokens.grouping_of(meter), meter.numerator
    if set(groups) != {1} or count == 1:
        return groups
    if tokens.ticks_per_beat(meter) < BEAT:
        return (2,) * (count // 2 - 1) + (2 + count % 2,)
    fours, rest = divmod(count, 4)
    if rest == 1:
        return (4,) * (fours - 1) + (3, 2)
    return (4,) * fours + (rest,) * (rest > 0)


def _kinds(lengths: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Return for each group 0 (begins with a kick) or 1 (with the backbeat).

    They alternate, from the first or so that the last is a backbeat. A group of two beats and more has a backbeat of
    its own and begins with a kick.
    """
    late = int(rng.integers(2)) if len(lengths) % 2 else 0
    long = [length >= 2 * BEAT for length in lengths]
    if any(long):
        return [0] * len(lengths)
    return [int(i > 0 and (i + late) % 2 == 1) for i in range(len(lengths))]


def _group(beats: NDArray[np.uint8], length: int, kind: int, count: int) -> Hits:
    """Return `length` ticks out of the beats [beats, ticks, pieces] of a 4/4 bar.

    count: how many groups of the kind came before. What is left over after whole beats is the last beat's second half
    again, its time-keeper alone.
    """
    whole = max(length // BEAT, 1)
    first = kind + 2 * (count % 2)
    if kind == 0 and count % 2 and (whole > 2 or (whole == 1 and beats[2, 0, [SNARE, RIM]].any())):
        first = 0
    run = np.concatenate([beats[(first + i) % len(beats)] for i in range(whole)])
    if length <= len(run):
        return run[:length]
    more = np.zeros_like(run[-2:])
    more[:, KEEPERS] = run[-2:, KEEPERS]
    return np.concatenate([run, np.resize(more, (length - len(run), len(PIECES)))])


def _joins(groove: PlayedGroove, in_eighths: bool) -> bool:
    if groove.source != "groove" or groove.meter != Meter(4, 4) or (in_eighths and groove.swung):
        return False
    beats = groove.hits.reshape(-1, BEAT, len(PIECES))
    keeper = _keeper(groove.hits)
    steady = groove.hits[:: 2 if in_eighths else BEAT, keeper].all()
    backbeat = beats[1::2, 0][:, [SNARE, RIM]].any(1).all()
    return bool(steady and backbeat and beats[::4, 0, KICK].all())


def _triplet_cells(grooves: Iterable[PlayedGroove], keeper: int, kind: int) -> Iterator[tuple[float, Hits]]:
    """Yield (how loud the drummer's time-keeper is, beat) of every beat in triplets that fits.

    A beat fits that begins with kick (kind 0) or backbeat (1) and keeps time throughout.
    """
    for groove in grooves:
        if groove.source != "groove" or (groove.meter.numerator, groove.meter.denominator) not in ((12, 8), (6, 8)):
            continue
        for beat in groove.hits.reshape(-1, TRIPLET_BEAT, len(PIECES)):
            kick, backbeat = bool(beat[0, KICK]), bool(beat[0, [SNARE, RIM]].any())
            if beat[::2, keeper].all() and ((kick and not backbeat) if kind == 0 else backbeat):
                yield _loudness(groove.hits, keeper), beat


def _keeper(hits: Hits) -> int:
    """Return the time-keeper with the most hits."""
    return max(KEEPERS, key=lambda piece: int((hits[:, piece] > 0).sum()))


def _loudness(hits: Hits, piece: int) -> float:
    own = hits[:, piece]
    return float(own[own > 0].mean()) if own.any() else 0.0


# reading


_Fill = tuple[str, str, str, str, int, int, bool, int]  # name, style, words, source, meter, swung, ticks
_Groove = tuple[str, str, str, str, int, int, bool, int, float | None, int]  # ... tempo, variations


class _Table(msgspec.Struct):
    """The JSON beside the hits. sha256: of their file."""

    sha256: str
    kind: str = ""
    format: int = 0
    pieces: tuple[str, ...] = ()
    grooves: list[_Groove] = []
    fills: list[_Fill] = []


@lru_cache(maxsize=2)
def _load(folder: Path) -> GrooveLibrary:
    table_path, data_path = folder / f"{STEM}.json", folder / f"{STEM}.safetensors"
    table = _table(table_path)
    data = _read(data_path)
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != table.sha256:
        raise UserError(
            f"{data_path}: {len(data)} bytes with SHA-256 {sha256[:8]}, but {table_path.name} says "
            f"{table.sha256[:8]}: truncated or altered; {RESTORE}"
        )
    try:
        arrays = arrays_from_bytes(data)
        return _library(table, arrays["struck"], arrays["velocities"])
    except (SafetensorError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{table_path}: its table does not fit the hits of {data_path.name} ({reason}); {RESTORE}"
        ) from None


def _library(table: _Table, struck: Hits, velocities: Hits) -> GrooveLibrary:
    flat: Hits = np.unpackbits(struck)
    flat[flat > 0] = velocities
    ticks = flat[: len(flat) // len(PIECES) * len(PIECES)].reshape(-1, len(PIECES))
    ticks.setflags(write=False)
    at = 0

    def take(count: int) -> Hits:
        nonlocal at
        at += count
        if at > len(ticks):
            raise ValueError(f"more than {len(ticks)} ticks")
        return ticks[at - count : at]

    grooves, fills = [], []
    for name, style, words, source, numerator, denominator, swung, length, tempo_bpm, count in table.grooves:
        meter = Meter(numerator, denominator)
        hits = take(length)
        variations = tuple(take(length // 2) for _ in range(count))
        grooves.append(PlayedGroove(name, style, meter, tempo_bpm, swung, hits, variations, source, words))
    for name, style, _, source, numerator, denominator, swung, length in table.fills:
        fills.append(PlayedFill(length, take(length), style, source, name, Meter(numerator, denominator), swung))
    if len(flat) - at * len(PIECES) >= 8:
        raise ValueError(f"{len(ticks)} ticks, {at} are named")
    return GrooveLibrary(grooves, fills)


def _table(path: Path) -> _Table:
    try:
        table = msgspec.json.decode(_read(path), type=_Table)
    except msgspec.ValidationError as error:
        raise UserError(f"{path}: not a table of grooves ({error}); {RESTORE}") from None
    except msgspec.DecodeError as error:
        raise UserError(f"{path}: not readable as JSON ({error}); {RESTORE}") from None
    if table.kind != KIND:
        raise UserError(f"{path}: not a table of grooves, which says kind {KIND!r} and sha256; {RESTORE}")
    if table.format != FORMAT:
        raise UserError(f"{path}: grooves of format {table.format}, this Antiphon reads {FORMAT}; {RESTORE}")
    if table.pieces != PIECES:
        raise UserError(f"{path}: grooves for the pieces {table.pieces}, the band has {', '.join(PIECES)}; {RESTORE}")
    return table


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {RESTORE}") from None
