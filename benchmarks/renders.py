"""Ear test on paper: 12 held-out basses of different style and meter, answered, rendered, and drawn on one page.

    python -m benchmarks.renders [--weights STEM] [--bars 16]

Writes benchmarks/renders/NN-name.mid (and .wav where fluidsynth is installed; neither is committed) and the contact
sheet docs/contact_sheet.png. The judgement of each is written by hand in docs/ear_test.md. Needs
data_cache/responder.npz.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.compose.band_notes import band_notes, bass_notes
from agent.compose.multitrack import parts_of, write
from agent.core import config
from agent.core.midi_file_writer import TimeMap
from benchmarks.measures.answering import Asked, bass_tick, events_of, replies, spread
from models.corpus.song import CACHE, Song, load_songs
from models.music.features import Events
from models.music.tokens import LINE_LOW, LINE_ON, PIECES, QUALITIES, Reply
from models.responder.responder import WEIGHTS, Responder

FOLDER, SHEET = ROOT / "benchmarks" / "renders", ROOT / "docs" / "contact_sheet.png"
SOUNDFONT = ROOT / "agent" / "assets" / "band.sf3"
COUNT, PER_TICK = 12, 120  # basses; MIDI ticks a 16th
QUARTER_US = 545_455  # 110 bpm
COLOURS = {"bass": "#1f4e8c", "chords": "#d9822b", "line": "#2e8b57"}


def chosen(songs: list[Song]) -> list[Song]:
    """Basses of different meters and sources, at most two of one meter."""
    turns = spread([s for s in songs if s.split == "test" and s.has[0] and s.has[1] and s.bars[-1] >= 16], 60)
    kept: list[Song] = []
    for song in turns:
        if sum(other.meter == song.meter for other in kept) < 2:
            kept.append(song)
    return kept[:COUNT]


def render(song: Song, made: list[Reply], stem: Path) -> None:
    """The bass and its answer as MIDI, and as sound where there is a synth."""
    basses = [bass_tick(song.events, tick) for tick in range(len(made))]
    notes = band_notes(made, lambda tick: PER_TICK * tick) | {"bass": bass_notes(basses, lambda tick: PER_TICK * tick)}
    time = TimeMap(4 * PER_TICK, ((0, QUARTER_US),), ((0, song.meters[0]),))
    midi = stem.with_suffix(".mid")
    write(midi, time, parts_of(config.Config(), notes), PER_TICK * len(made), stem.name)
    if shutil.which("fluidsynth"):
        command = [
            "fluidsynth",
            "-ni",
            "-q",
            "-r",
            "44100",
            "-F",
            str(stem.with_suffix(".wav")),
            str(SOUNDFONT),
            str(midi),
        ]
        subprocess.run(command, check=True, capture_output=True)


def draw(axes: Any, song: Song, events: Events, title: str) -> None:
    """One piano-roll: bass, chord tones and line by pitch, drums as lanes below."""
    for tick in range(len(events)):
        bass = events.bass[tick, 2]
        if bass >= 0:
            axes.broken_barh([(tick, 1)], (bass - 0.5, 1), color=COLOURS["bass"])
        if events.chord[tick, 0] > 1:
            root, quality = events.chord[tick, 2:]
            for step in list(QUALITIES.values())[quality]:
                axes.broken_barh([(tick, 1.5)], (54.5 + (root + step - 55) % 12, 1), color=COLOURS["chords"])
        if events.line[tick, 0] == LINE_ON:
            axes.broken_barh([(tick, 1.5)], (events.line[tick, 2] + LINE_LOW - 0.5, 1), color=COLOURS["line"])
        for piece in np.flatnonzero(events.drums[tick]):
            axes.plot(tick, 18 - piece, ".", markersize=1.0 + events.drums[tick, piece], color="#444444")
    for bar_line in np.flatnonzero(song.ticks[: len(events)] == 0):
        axes.axvline(bar_line, color="#cccccc", linewidth=0.6, zorder=0)
    axes.set(xlim=(0, len(events)), ylim=(18 - len(PIECES), 90), yticks=[28, 40, 60, 72, 84])
    axes.tick_params(labelsize=5)
    axes.set_xticks([])
    axes.set_title(title, fontsize=7, loc="left", pad=2)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.renders", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--bars", type=int, default=16)
    args = parser.parse_args(argv)
    if not CACHE.exists():
        print("skipped: data_cache/responder.npz is absent; it is built from ../shared by `python -m models.data`")
        return 0
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    FOLDER.mkdir(exist_ok=True)
    songs, model = chosen(load_songs()), Responder.load(args.weights)
    figure, places = plt.subplots(6, 2, figsize=(15, 15), layout="constrained")
    for number, (song, axes) in enumerate(zip(tqdm(songs, desc="renders"), places.flat, strict=False), 1):
        ticks = int(np.count_nonzero(song.bars < args.bars))
        made = replies(model, song, ticks, Asked(seed=number))
        name = (
            f"{number:02d}-{song.source}-{str(song.meter).replace('/', '_').replace('=', '-')}-{Path(song.name).stem}"
        )
        render(song, made, FOLDER / name)
        draw(axes, song, events_of(song, made), f"{number}. {song.source} {song.name}, {song.meter}")
    figure.savefig(SHEET, dpi=90)
    print(f"written: {FOLDER} ({len(songs)} replies), {SHEET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
