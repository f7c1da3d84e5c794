"""Odd and changing meters beside 4/4: ten 4/4 songs re-barred by cutting whole beats from every part, answered, scored.

    python -m benchmarks.odd_meters [-o OUT] [--songs 10] [--seed 1] [--antiphon CMD]
    python -m benchmarks.odd_meters -o OUT --score      only score what stands in OUT

Songs of ../shared/band_score, evenly spread over those in 4/4 throughout, with their whole band. 3/4 keeps the first
three beats of every bar; 5/4 three beats of one bar and two of the next; 7/4 two bars without their last beat; 11/4
three bars likewise; changing: four bars of 4/4, then four of 3/4, in turn. (7/8 would need half beats.) Every figure of
targets.json, as band_score/score.py measures it: its mean over the songs that have it both ways, and its ratio to
the 4/4 originals, over the first bars of them that last as long as what the cut has left: what recurs recurs less in a
shorter song. Beside it the ratio to the whole originals, and the true band's and the rule's own figures and ratios.
Worse: below 0.85 of 4/4 in the direction that is wanted, and outside the range that is wanted of all songs; few: so on
fewer than three songs, where no mean stands (a rank correlation over 8 bars needs seven of them). The songs
that were written in odd or changing meters stand on a row of their own, beside the same originals, whole. Appends to
benchmarks/results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import band_score, results

FOUR, LEAST_BARS, LEAST_RATIO, LEAST_SONGS = "4/4", 24, 0.85, 3
AS_WRITTEN = "odd, as written"
Signature = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cut:
    """How bars of 4/4 become others. kept: beats of each 4/4 bar that stay, in turn; bars: the new bars they make."""

    kept: tuple[int, ...]
    bars: tuple[Signature, ...]


CUTS = {
    "3/4": Cut((3,), ((3, 4),)),
    "5/4": Cut((3, 2), ((5, 4),)),
    "7/4": Cut((4, 3), ((7, 4),)),
    "11/4": Cut((4, 4, 3), ((11, 4),)),
    "changing": Cut((4,) * 4 + (3,) * 4, ((4, 4),) * 4 + ((3, 4),) * 4),
}


# ---- re-barring


@dataclass(frozen=True, slots=True)
class Kept:
    """The quarters of a song that stay. spans: (start, end) in quarters of the original, rising."""

    spans: tuple[tuple[float, float], ...]

    def has(self, quarter: float) -> bool:
        return any(start <= quarter < end for start, end in self.spans)

    def at(self, quarter: float) -> float:
        """Return where a quarter lies after the cut; what lies in a gap is brought to its edge."""
        return sum(min(max(quarter - start, 0.0), end - start) for start, end in self.spans)


def kept_of(cut: Cut, bars: int) -> Kept:
    """Return what stays of so many bars of 4/4: whole turns of the cut alone."""
    whole = bars // len(cut.kept) * len(cut.kept)
    return Kept(tuple((4.0 * bar, 4.0 * bar + cut.kept[bar % len(cut.kept)]) for bar in range(whole)))


def rebar(source: Path, target: Path, cut: Cut, bars: int) -> None:
    """Write a song's file with every part cut alike. bars: of the song, all in 4/4."""
    ppq, parts, _, tempi = band_score.raw(source)
    kept = kept_of(cut, bars)

    def tick(at: int) -> int:
        return round(kept.at(at / ppq) * ppq)

    head = [(tick(at), mido.MetaMessage("set_tempo", tempo=us)) for at, us in tempi or [(0, 500_000)]]
    place, before, turn = 0, None, 0
    while place < kept.at(4 * bars) * ppq:
        meter = cut.bars[turn % len(cut.bars)]
        if meter != before:
            head.append((place, mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])))
        place, before, turn = place + meter[0] * ppq * 4 // meter[1], meter, turn + 1
    file = mido.MidiFile(type=1, ticks_per_beat=ppq)
    file.tracks.append(_track(head))
    for number, (name, notes) in enumerate(parts.items()):
        channel = 9 if name == "drums" else number if number < 9 else number + 1
        messages: list[tuple[int, Any]] = [(0, mido.MetaMessage("track_name", name=name.title()))]
        if name == "bass":
            messages.append((0, mido.Message("program_change", channel=channel, program=33)))
        for start, end, pitch, velocity in notes:
            if kept.has(start / ppq):
                on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
                off = mido.Message("note_off", channel=channel, note=pitch)
                messages += [(tick(start), on), (max(tick(end), tick(start) + 1), off)]
        file.tracks.append(_track(messages))
    file.save(target)


def _track(messages: Sequence[tuple[int, Any]]) -> mido.MidiTrack:
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(messages, key=lambda one: (one[0], one[1].type == "note_on")):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def meters_of(song: Path) -> set[Signature]:
    return {bar.meter for bar in band_score.playing(song)}


def is_odd(song: Path) -> bool:
    """Return whether a song changes its meter or stands in one of 5, 7, 11, ... beats."""
    meters = meters_of(song)
    return len(meters) > 1 or any(top % 2 and top % 3 for top, _ in meters)


def in_four(song: Path) -> bool:
    bars = band_score.read(song, "bass").bars
    whole = {(bar.meter, bar.ticks) for bar in bars[:-1]}
    return len(bars) >= LEAST_BARS and whole == {((4, 4), 16)} and (song / "truth.mid").exists()


def made(song: Path, folder: Path) -> dict[str, Path]:
    """Return row -> song folder: the original, and its re-barred versions, written into `folder`."""
    found, bars = {FOUR: song}, len(band_score.read(song, "bass").bars)
    for row, cut in CUTS.items():
        target = folder / f"{song.name}--{row.replace('/', '-')}"
        target.mkdir(parents=True, exist_ok=True)
        for name in ("bass.mid", "truth.mid"):
            rebar(song / name, target / name, cut, bars)
        found[row] = target
    return found


def as_long(four: Path, row: str, target: Path) -> Path:
    """Write a song in 4/4 with its reply as `target`, as long as its version in a row: score.py reads no bar beyond the
    bass's last one."""
    target.mkdir(parents=True, exist_ok=True)
    bars = len(band_score.read(four, "bass").bars)
    kept = round(kept_of(CUTS[row], bars).at(4.0 * bars) / 4)
    rebar(four / "bass.mid", target / "bass.mid", Cut((4,), ((4, 4),)), kept)
    for name in ("truth.mid", "rule.mid", "reply.mid"):
        shutil.copyfile(four / name, target / name)
    return target


# ---- figures

Scores = dict[str, dict[str, float]]  # system -> figure -> value


def targets() -> list[dict[str, Any]]:
    """Return the rows of targets.json that are wanted of `reply` as a mean."""
    rows = json.loads((band_score.FOLDER / "targets.json").read_text(encoding="utf-8"))
    return [row for row in rows if "reply" in row["for"] and not row.get("worst")]


def ratio(target: Mapping[str, Any], value: float, four: float) -> float:
    """Return value / four, upside down where only less is wanted."""
    above, below = (value, four) if "min" in target else (four, value)
    return above / below if abs(below) > 1e-9 else 1.0 if abs(above) < 1e-9 else float("inf")


def is_worse(target: Mapping[str, Any], value: float, four: float) -> bool:
    """Return whether a figure falls under LEAST_RATIO of 4/4 and misses what is wanted; beyond a maximum likewise."""
    low, high = target.get("min", -np.inf), target.get("max", np.inf)
    if value < low:
        return ratio(target, value, four) < LEAST_RATIO
    if value > high:
        return four / value < LEAST_RATIO
    return False


def beside(row: str) -> str:
    """Return the name under which the 4/4 originals stand, as long as their versions in a row."""
    return f"{FOUR}, as long as {row}"


def pairs(
    rows: Mapping[str, Mapping[str, Scores]], row: str, system: str, figure: str, whole: bool = False
) -> tuple[float, float, int]:
    """Return (mean in the row, mean of the 4/4 originals, songs): of the songs that have the figure both ways.

    rows: row -> song -> scores. whole: beside whole originals, also where those that are as long are there.
    """

    def values(name: str) -> dict[str, float]:
        found = {song: scores.get(system, {}).get(figure, np.nan) for song, scores in rows.get(name, {}).items()}
        return {song: value for song, value in found.items() if np.isfinite(value)}

    here, four = values(row), values(FOUR if whole or beside(row) not in rows else beside(row))
    common = set(here) if row == AS_WRITTEN else set(here) & set(four)
    originals = set(four) if row == AS_WRITTEN else common
    if not common or not originals:
        return float("nan"), float("nan"), 0
    return float(np.mean([here[s] for s in common])), float(np.mean([four[s] for s in originals])), len(common)


def show(rows: Mapping[str, Mapping[str, Scores]]) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Print a table a row; return row -> figure -> value and the lines of what is worse."""
    told: dict[str, dict[str, float]] = {}
    worse: list[str] = []
    titles = ("4/4", "here", "songs", "ratio", "(whole)", "truth", "ratio", "rule", "ratio")
    for row in (name for name in rows if not name.startswith(FOUR)):
        print(f"\n{row}: {len(rows[row])} songs\n{'figure':66}{''.join(f'{title:>8}' for title in titles)}")
        told[row] = {}
        for target in targets():
            figure = target["figure"]
            value, four, count = pairs(rows, row, "reply", figure)
            if not count:
                continue
            others: list[float] = []
            for system in ("truth", "rule"):
                there, before, n = pairs(rows, row, system, figure)
                others += [there, ratio(target, there, before)] if n else [float("nan")] * 2
            off = is_worse(target, value, four)
            bad = off and count >= LEAST_SONGS
            mine = ratio(target, value, four)
            whole = ratio(target, *pairs(rows, row, "reply", figure, whole=True)[:2])
            cells = "".join(f"{x:8.2f}" for x in (mine, whole, *others))
            print(f"{figure:66}{four:8.2f}{value:8.2f}{count:8}{cells}{'  WORSE' if bad else '  few' if off else ''}")
            told[row] |= {figure: value, f"{figure}, ratio": mine, f"{figure}, truth": others[0]}
            if bad:
                worse.append(f"{row}: {figure}: {value:.2f} beside {four:.2f} in 4/4 ({mine:.2f})")
    return told, worse


def main(argv: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.odd_meters", description=__doc__, formatter_class=raw)
    parser.add_argument("-o", "--out", type=Path, help="folder of songs and replies; replies that stand there are kept")
    parser.add_argument("--songs", type=int, default=10)
    parser.add_argument("--only", default="*", metavar="GLOB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--antiphon", metavar="CMD", default=band_score.OWN, help="another version's command")
    parser.add_argument("--score", action="store_true", help="only score what stands in OUT")
    args = parser.parse_args(argv)
    if not band_score.is_there():
        print(band_score.ABSENT)
        return 0
    out = (args.out or Path(tempfile.mkdtemp(prefix="odd-meters-"))).resolve()
    (out / "replies").mkdir(parents=True, exist_ok=True)
    everything = band_score.songs(args.only)
    fours = [song for song in everything if in_four(song)]
    chosen = [fours[round(at)] for at in np.linspace(0, len(fours) - 1, min(args.songs, len(fours)))] if fours else []
    versions = {song.name: made(song, out / "songs") for song in chosen}
    odd = {song.name: {AS_WRITTEN: song} for song in everything if is_odd(song)}
    if not args.score:
        wanted = [folder for of_song in (versions | odd).values() for folder in of_song.values()]
        band_score.answered(wanted, out / "replies", args.antiphon, args.seed)
    (score,) = band_score.scripts("score")
    rows: dict[str, dict[str, Scores]] = {}
    for name, of_song in (versions | odd).items():
        for row, folder in of_song.items():
            reply = out / "replies" / folder.name
            if (reply / "reply.mid").exists() and (got := score.score(reply, ["reply", "truth", "rule"])):
                rows.setdefault(row, {})[name] = got
            if row in CUTS and (out / "replies" / name / "reply.mid").exists():
                four = as_long(out / "replies" / name, row, out / "as-long" / folder.name)
                if got := score.score(four, ["reply", "truth", "rule"]):
                    rows.setdefault(beside(row), {})[name] = got
    if FOUR not in rows:
        print(f"-o {out}: holds no reply to a song in 4/4")
        return 1
    told, worse = show(rows)
    print(f"\n{len(worse)} figures worse than {LEAST_RATIO} of 4/4", *worse, sep="\n")
    if not args.score:
        for row, figures in told.items():
            kept = {name: round(value, 4) for name, value in figures.items() if np.isfinite(value)}
            results.append("odd_meters", row, {"songs": len(rows[row]), **kept})
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
