"""Contact sheets: what the band plays beside the rule and the true band, bar by bar, for every song; to be looked at.

    python -m benchmarks.renders -o OUT [--songs N] [--only GLOB] [--bars 4] [--replies DIR] [--antiphon CMD]

Songs of ../shared/band_score. OUT/<song>.png has band, rule and truth under each other in three excerpts: where the
bass comes in, the middle, and across the end of a phrase of eight bars (with the first bars of the next phrase).
OUT/index.html shows all of them, OUT/contact_sheet.png the phrase ends of all songs on one page. Blue: bass; orange:
chords; green: line; grey: what else a real band plays; below them the drums (kick, snare, toms, hat, ride, crash, from
below). The paler, the softer.
"""

from __future__ import annotations

import argparse
import html
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import band_score

matplotlib.use("Agg")
from matplotlib.figure import Figure

from benchmarks.common import band_picture

SYSTEMS = {"band": "reply", "rule": "rule", "truth": "truth"}  # as the sheet names them -> file of a song's folder
PHRASE = 8  # bars


def excerpts(bars: Sequence[Any], bass: Sequence[Any], count: int) -> dict[str, list[Any]]:
    """Return name -> `count` bars (fewer in a short song), from the bars between the bass's first note and its last.

    The middle and the phrase end are taken where the bass plays, near half and three quarters of the way.
    """

    def played(at: int) -> bool:
        some = bars[at : at + count]
        return len(some) == count and all(any(b.start <= n[0] < b.start + b.ticks for n in bass) for b in some)

    def nearest(share: float, phase: int) -> int:
        places = [at for at in range(len(bars)) if at % PHRASE == phase % PHRASE]
        order = sorted(places or [0], key=lambda at: abs(at - share * len(bars)))
        return next((at for at in order if played(at)), order[0])

    starts = {"start": 0, "middle": nearest(0.5, 0), "phrase end": nearest(0.75, -(count // 2))}
    return {name: list(bars[at : at + count]) for name, at in starts.items()}


def songs_of(folder: Path) -> dict[str, Any]:
    """Return system -> mid.Song, each with the bass that was answered."""
    bass = band_score.read(folder, "bass").parts["bass"]
    found = {}
    for system, file in SYSTEMS.items():
        if (folder / f"{file}.mid").exists():
            found[system] = band_score.read(folder, file)
            found[system].parts["bass"] = bass
    return found


def sheet(folder: Path, path: Path, count: int) -> None:
    """Draw one song: a system a row, an excerpt a column."""
    systems, bars = songs_of(folder), band_score.playing(folder)
    parts = excerpts(bars, systems[next(iter(systems))].parts["bass"], count)
    figure = Figure(figsize=(19, 2.9 * len(systems)), dpi=80, layout="constrained")
    grid = figure.subplots(len(systems), len(parts), squeeze=False)
    for row, (system, song) in enumerate(systems.items()):
        for column, (name, some) in enumerate(parts.items()):
            axes = grid[row, column]
            band_picture.draw_band(axes, song, some)
            meter = "{}/{}".format(*some[0].meter)
            axes.set_title(
                f"{system}: {folder.name}, {name}, {meter}, {song.bpm:.0f} bpm", fontsize=7, loc="left", pad=2
            )
    figure.savefig(path)


def page(folders: Sequence[Path], path: Path, count: int) -> None:
    """Draw the phrase ends of all songs: a song a row, a system a column."""
    figure = Figure(figsize=(19, 1.5 * len(folders)), dpi=70, layout="constrained")
    grid = figure.subplots(len(folders), len(SYSTEMS), squeeze=False)
    for row, folder in enumerate(tqdm(folders, desc="page", disable=None)):
        systems, bars = songs_of(folder), band_score.playing(folder)
        some = excerpts(bars, systems[next(iter(systems))].parts["bass"], count)["phrase end"]
        for axes, system in zip(grid[row], SYSTEMS, strict=True):
            if system in systems:
                band_picture.draw_band(axes, systems[system], some)
            axes.set_title(f"{system}: {folder.name}", fontsize=6, loc="left", pad=1)
    figure.savefig(path)


def main(argv: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.renders", description=__doc__, formatter_class=raw)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, help="so many, evenly spread (default: all)")
    parser.add_argument("--only", default="*", metavar="GLOB")
    parser.add_argument("--bars", type=int, default=4, help="of each excerpt")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replies", type=Path, metavar="DIR", help="what bandscore.py wrote, instead of fresh replies")
    parser.add_argument("--antiphon", metavar="CMD", default=band_score.OWN, help="another version's command")
    args = parser.parse_args(argv)
    if not band_score.is_there():
        print(band_score.ABSENT)
        return 0
    out = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if args.replies:
        folders = band_score.songs(args.only, args.songs, args.replies.resolve())
    else:
        found = band_score.songs(args.only, args.songs)
        folders = band_score.answered(found, out / "songs", args.antiphon, args.seed)
    if not folders:
        print(f"--only {args.only}: no song is called so")
        return 2
    for folder in tqdm(folders, desc="sheets", disable=None):
        sheet(folder, out / f"{folder.name}.png", args.bars)
    page(folders, out / "contact_sheet.png", args.bars)
    pictures = "".join(f'<h2>{html.escape(f.name)}</h2><img src="{html.escape(f.name)}.png">' for f in folders)
    text = f'<!doctype html><meta charset="utf-8"><title>Contact sheets</title>{pictures}'
    (out / "index.html").write_text(text, encoding="utf-8")
    print(f"written: {out / 'index.html'}, {out / 'contact_sheet.png'} ({len(folders)} songs)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
