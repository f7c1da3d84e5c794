"""Do the drums play with the bass? Kick-bass agreement, density and syncopation on held-out songs, against the truth.

    python benchmarks/drums_with_bass.py [--weights STEM ...] [--per-meter 6] [--ticks 256]

Systems: each responder answering the songs' basses tick by tick (it hears tick t-1 when it plays t), the songs' own
drum bars shuffled, the drums of a training song in the meter (real, but deaf), the commonest bar of the meter. Every
measure is taken per bar; its distribution is compared with the true one by Jensen-Shannon divergence in bits (0: the
same, 1: disjoint). Shuffled bars have the true density and syncopation by construction: only what the drums do *with
the bass* can tell them from the truth. Needs ../shared (through data_cache/, which `python -m models.data` builds).
Appends to benchmarks/results.jsonl.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.baselines.rules import CommonBar
from benchmarks.common import results
from benchmarks.groove import jsd_bits
from benchmarks.measures.answering import Asked, replies
from listener.types import Meter
from models.corpus.song import CACHE, Song, load_songs
from models.music.features import Ints
from models.music.syncopation import syncopation
from models.music.tokens import PIECES, drum_levels, ticks_per_beat
from models.responder import responder
from models.responder.responder import Responder
from models.training.evaluate import held_out

TICKS, PER_METER, SEED = 256, 6, 0
DRUMS_ALONE = (True, False, False)
COUNTED = 30  # training songs of each source and meter the commonest bar is counted in
LEAST_BARS = 8  # of truth, for a row of its own
ALLOWED_LOSS = 0.15  # of likeness to truth, odd meters beside 4/4
ODD_ROWS = ("5/4", "7/8", "other odd", "mixed")
PLAIN = ("4/4", "3/4", "6/8", "2/4", "12/8", "6/4", "9/8")
EDGES = {  # of each measure's histogram
    "agreement": np.array([-0.01, 0.01, 0.2, 0.35, 0.5, 0.65, 0.8, 0.99, 1.01]),
    "density": np.array([-0.01, *np.arange(0.25, 6.1, 0.5), 99.0]),
    "syncopation": np.array([-0.01, 0.01, *np.arange(0.5, 4.1, 0.5), 99.0]),
}
BASS_EDGES = np.array([-0.01, 0.3, 0.8, 1.3, 2.3, 99.0])  # onsets per quarter, of the joint histogram
Floats = NDArray[np.float64]
Bars = dict[str, Floats]  # measure -> one number per bar
Drummer = Callable[[Song], Ints]  # a song's bass -> drum levels [T, pieces]


def answer(model: Responder, song: Song, ticks: int, seed: int) -> Ints:
    """The model's drums [T, pieces] to the song's bass; chords and line are its own as well."""
    return np.array([drum_levels(reply.drums) for reply in replies(model, song, ticks, Asked(seed=seed))], np.int64)


def bar_spans(song: Song, ticks: int) -> list[tuple[int, int]]:
    """(first tick, end) of every whole bar within the first ticks."""
    starts = np.flatnonzero(song.ticks[:ticks] == 0).tolist()
    sizes = [(s, s + song.meters[s].numerator * ticks_per_beat(song.meters[s])) for s in starts]
    nexts = [*starts[1:], min(ticks, len(song))]
    return [(start, end) for (start, end), until in zip(sizes, nexts, strict=True) if end <= until]


def shuffled(song: Song, ticks: int, seed: int) -> Ints:
    """The song's own drum bars in another order, each to a place of its length."""
    rng, out = np.random.default_rng(seed), song.events.drums[:ticks].copy()
    by_length: dict[int, list[int]] = defaultdict(list)
    for start, end in bar_spans(song, ticks):
        by_length[end - start].append(start)
    for length, starts in by_length.items():
        for to, origin in zip(starts, rng.permutation(starts), strict=True):
            out[to : to + length] = song.events.drums[origin : origin + length]
    return out


def commonest(rule: CommonBar, song: Song, ticks: int) -> Ints:
    said = [rule._said(song, "drums", index, len(PIECES))[:ticks] for index in range(len(PIECES))]
    return np.stack(said, 1)


def f1(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float | None:
    """Of the onsets of two parts on the tick grid; None when neither plays."""
    total = int(one.sum() + other.sum())
    return 2 * int((one & other).sum()) / total if total else None


def measures(song: Song, drums: Ints, ticks: int) -> Bars:
    """Per bar: F1 of kick and bass onsets (NaN: neither), drum onsets, syncopation and bass onsets per quarter."""
    count = min(ticks, len(song))
    kick = drums[:, PIECES.index("kick")] > 0
    bass = (song.events.bass[:count, 0] >= 0) & song.events.known[:count]
    hits, strength = (drums > 0).sum(1), syncopation(drums, song.ticks[:count], song.meters[:count])
    found: dict[str, list[float]] = defaultdict(list)
    for start, end in bar_spans(song, ticks):
        part, quarters = slice(start, end), (end - start) / 4
        together = f1(kick[part], bass[part])
        found["agreement"].append(np.nan if together is None else together)
        found["density"].append(hits[part].sum() / quarters)
        found["syncopation"].append(strength[part].sum() / quarters)
        found["bass"].append(bass[part].sum() / quarters)
    return {name: np.array(values) for name, values in found.items()}


def divergences(truth: Bars, made: Bars) -> dict[str, float]:
    """JSD in bits of each measure's distribution over bars, and of drum and bass density together."""
    out = {
        name: jsd_bits(_histogram(truth[name], edges), _histogram(made[name], edges)) for name, edges in EDGES.items()
    }
    joint = [np.histogram2d(bars["bass"], bars["density"], (BASS_EDGES, EDGES["density"]))[0] for bars in (truth, made)]
    return {f"{name} JSD bits": value for name, value in out.items()} | {"density with bass JSD bits": jsd_bits(*joint)}


def _histogram(values: Floats, edges: Floats) -> Ints:
    return np.asarray(np.histogram(values[np.isfinite(values)], edges)[0])


def row_of(song: Song) -> str:
    """The row a song belongs to: its meter, "other odd", or mixed."""
    meters: set[Meter] = set(song.meters)
    if len({(m.numerator, m.denominator) for m in meters}) > 1:
        return "mixed"
    name = str(song.meter)
    return name if name in PLAIN or name in ODD_ROWS else "other odd"


@dataclass(frozen=True, slots=True)
class Row:
    """One meter's songs: how many bars, the mean agreement of truth and of the system, and the divergences."""

    bars: int
    agreement: float
    figures: dict[str, float]


def table(songs: list[Song], drummer: Drummer, ticks: int, name: str = "") -> dict[str, Row]:
    """Row name -> figures of one system; "all" and "odd" (all odd and mixed meters) are rows too."""
    truth: dict[str, list[Bars]] = defaultdict(list)
    made: dict[str, list[Bars]] = defaultdict(list)
    for song in tqdm(songs, desc=name, mininterval=2.0, leave=False):
        mine, own = row_of(song), measures(song, song.events.drums[:ticks], ticks)
        theirs = measures(song, drummer(song), ticks)
        for row in ("all", mine, *(["odd"] if mine in ODD_ROWS else [])):
            truth[row].append(own)
            made[row].append(theirs)
    return dict(_rows(truth, made))


def _rows(truth: dict[str, list[Bars]], made: dict[str, list[Bars]]) -> Iterator[tuple[str, Row]]:
    for row in truth:
        own, theirs = ({name: np.concatenate([b[name] for b in x[row]]) for name in x[row][0]} for x in (truth, made))
        if len(own["density"]) >= LEAST_BARS:
            mean = float(np.nanmean(theirs["agreement"]))
            yield row, Row(len(own["density"]), mean, divergences(own, theirs))


def chosen(songs: list[Song], per_meter: int, ticks: int) -> list[Song]:
    """Return test songs with bass and drums: per_meter of each source and meter, and of mixed meter, spread evenly."""
    groups: dict[tuple[str, str], list[Song]] = defaultdict(list)
    for song in songs:
        bass = song.events.known[:ticks] & (song.events.bass[:ticks, 0] >= 0)
        if song.split == "test" and song.has[0] and bass.any() and song.events.drums[:ticks].any():
            groups[song.source, "mixed" if row_of(song) == "mixed" else str(song.meter)].append(song)
    picks = ((group, np.linspace(0, len(group) - 1, min(per_meter, len(group)))) for group in groups.values())
    return [group[round(place)] for group, places in picks for place in places.tolist()]


Pool = dict[str, list[Song]]


def pool_of(songs: list[Song]) -> Pool:
    """Meter -> songs with drums."""
    out: Pool = defaultdict(list)
    for song in songs:
        if song.has[0]:
            out[str(song.meter)].append(song)
    return out


def borrowed(pool: Pool, song: Song, ticks: int) -> Ints:
    """The drums of a song in that meter, repeated to the length; which one depends on the song's name alone."""
    fitting = pool.get(str(song.meter)) or next(iter(pool.values()))
    fitting = [other for other in fitting if other.source == song.source] or fitting
    other = fitting[zlib.crc32(song.name.encode()) % len(fitting)]
    spans = bar_spans(other, ticks) or [(0, len(other))]
    whole = other.events.drums[spans[0][0] : spans[-1][1]]
    return whole[np.arange(min(ticks, len(song))) % len(whole)]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", nargs="+", type=Path, default=[responder.WEIGHTS], help="path stems of responders")
    parser.add_argument("--per-meter", type=int, default=PER_METER, help="songs of each source and meter")
    parser.add_argument("--ticks", type=int, default=TICKS, help="first ticks of each song")
    args = parser.parse_args(argv)
    if not CACHE.exists():
        print(f"skipped: {CACHE} is absent; `python -m models.data` builds it from ../shared")
        return 0
    models = {f"responder {stem.name}": Responder.load(stem) for stem in args.weights}
    songs = load_songs()
    held = chosen(songs, args.per_meter, args.ticks)
    pool = pool_of(held_out(songs, "train", COUNTED))
    rule = CommonBar([replace(s, has=DRUMS_ALONE) for group in pool.values() for s in group], [])
    drummers: dict[str, Drummer] = {"truth": lambda s: s.events.drums[: args.ticks]}
    for name, model in models.items():
        drummers[name] = partial(answer, model, ticks=args.ticks, seed=SEED)
    drummers["the same bars shuffled"] = lambda s: shuffled(s, args.ticks, SEED)
    drummers["drums of a training song"] = lambda s: borrowed(pool, s, args.ticks)
    drummers["commonest bar of the meter"] = lambda s: commonest(rule, s, args.ticks)
    tables = {name: table(held, drummer, args.ticks, name) for name, drummer in drummers.items()}
    show(tables, len(held), args.ticks)
    for name, rows in tables.items():
        figures = {f"{row} {key}": round(v, 4) for row, r in rows.items() for key, v in _flat(r).items()}
        results.append("drums_with_bass", name, {"songs": len(held), "ticks": args.ticks, **figures})
    return 0 if verdict(tables) else 1


def _flat(row: Row) -> dict[str, float]:
    return {"bars": row.bars, "kick-bass F1": row.agreement, **row.figures}


def likeness(row: Row) -> float:
    """1 - the mean divergence of agreement, density and syncopation: 1 is the truth's own distributions."""
    return 1 - float(np.mean([row.figures[f"{name} JSD bits"] for name in EDGES]))


def show(tables: dict[str, dict[str, Row]], count: int, ticks: int) -> None:
    print(
        f"{count} held-out songs, first {ticks} ticks; JSD to truth in bits, lower is better; likeness: 1 - their mean"
    )
    keys = [*EDGES, "density with bass"]
    print(f"{'row':11}{'system':32}{'bars':>6}{'F1':>8}{'likeness':>10}" + "".join(f"{key:>20}" for key in keys))
    for row in tables["truth"]:
        for name, rows in tables.items():
            r = rows[row]
            numbers = "".join(f"{r.figures[f'{key} JSD bits']:20.3f}" for key in keys)
            print(f"{row:11}{name:32}{r.bars:6}{r.agreement:8.3f}{likeness(r):10.3f}{numbers}")


def verdict(tables: dict[str, dict[str, Row]]) -> bool:
    """Return whether the first responder beats the commonest bar in all measures, shuffled bars in agreement.

    Odd meters must hold, too.
    """
    ours = next(rows for name, rows in tables.items() if name.startswith("responder"))
    shuffle, common = tables["the same bars shuffled"]["all"], tables["commonest bar of the meter"]["all"]
    least = likeness(ours["4/4"]) * (1 - ALLOWED_LOSS) if "4/4" in ours else 0.0
    odd = {row: likeness(ours[row]) for row in ODD_ROWS if row in ours}
    for row, value in odd.items():
        print(
            f"{row}: likeness {value:.3f}, at least {least:.3f} wanted: {'holds' if value >= least else 'falls short'}"
        )
    beaten = all(ours["all"].figures[key] < common.figures[key] for key in common.figures)
    closer = ours["all"].figures["agreement JSD bits"] < shuffle.figures["agreement JSD bits"]
    holds = all(value >= least for value in odd.values())
    truth = tables["truth"]["all"].agreement
    gaps = [abs(row.agreement - truth) for row in (ours["all"], shuffle)]
    print(f"mean F1 from truth's: responder {gaps[0]:.3f}, shuffled {gaps[1]:.3f}")
    print(
        f"beats the commonest bar: {beaten}; nearer to truth's agreement than shuffled bars: {closer}; "
        f"odd meters: {holds}"
    )
    return beaten and closer and holds


if __name__ == "__main__":
    sys.exit(main())
