"""Are the songs that `antiphon make` makes like a band's, in the mood that was asked for, and each its own?

    python benchmarks/made_songs.py [--only score,moods,themes,time] [--songs N] [--keep DIR]

score: songs of many prompts through the figures of ../shared/band_score/score.py, beside the true bands' mean and
standard deviation. within: the share of figures of drums, chords and line whose mean over the songs lies there. pairs:
the share of (song, figure) pairs that do; true_pairs: the same of the true bands themselves, song by song. moods:
pieces of six moods; a reader that knows neither words nor tables of the maker measures tempo, mode, density, register
and loudness in the MIDI file, compares them with the other pieces, and names the mood whose published cues fit best
(CUES). themes: songs of one prompt with other seeds; the longest run of bars of bass and line, in any key, that two of
them share. time: CPU of a song of two minutes with its sound.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import mido
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from agent.core.config import load
from agent.making import song_maker
from agent.making.brief_reader import brief_of
from agent.making.song_maker import Song
from agent.takes.take_midi import write_midi
from benchmarks.common import results
from listener.music.key import SCALES
from models.paths import SHARED
from models.responder.responder import Responder
from models.timing.drum_timing import Timing

SCORE = SHARED / "band_score"
WORST = 8  # figures that are named
BRISTOL = "slow, heavy, unresolved, early-90s Bristol, 90 bpm, a 7/8 bar before each chorus, two minutes"
PROMPTS = (
    BRISTOL,
    "dark, two minutes",
    "joyful pop, 100 seconds",
    "calm, 90 seconds",
    "rock, 110 seconds",
    "funk, 100 seconds",
    "drive, two minutes",
    "sad ballad, 100 seconds",
    "soul, 100 seconds",
    "metal, two minutes",
    "jazz, 90 seconds",
    "in 7/8, tense, 100 seconds",
    "techno, two minutes",
    "country, 90 seconds",
    "blues, 100 seconds",
    "latin, starts sparse, peaks at 1:20, ends alone, two minutes",
)
THEME = "dark trip hop, 40 seconds"
MOODS = ("calm", "focus", "drive", "dark", "joyful", "sad")
# Where the cues of each mood lie beside other music, -1 to 1, as listeners judge it: tempo, mode (major 1), density of
# notes, register, loudness. From Juslin & Laukka (J. New Music Research 33, 2004, table 1: happiness, sadness,
# tenderness, anger, fear), Gabrielsson & Lindstroem (2010); focus: no cue far from the middle, as study lists have it.
CUES = {
    "calm": (-0.8, 0.6, -0.8, 0.0, -0.9),
    "focus": (0.0, 0.0, 0.0, 0.0, 0.0),
    "drive": (0.9, -0.4, 0.9, 0.1, 0.9),
    "dark": (0.0, -1.0, 0.1, -1.0, 0.2),
    "joyful": (0.7, 1.0, 0.6, 0.9, 0.6),
    "sad": (-0.8, -1.0, -0.8, -0.2, -0.8),
}
Notes = list[tuple[float, float, int, int]]  # start and end in quarters, pitch, velocity


def made(prompts: Sequence[tuple[str, int]]) -> Iterator[Song]:
    """Make songs of (prompt, seed), one after the other."""
    responder = Responder.load()
    for prompt, seed in prompts:
        yield song_maker.make(brief_of([prompt]), responder, seed)


def written(prompts: Sequence[tuple[str, int]], paths: Sequence[Path]) -> None:
    """Write the MIDI files of songs; those that are there already stay."""
    config, timing = load(None, {}), Timing.load()
    wanted = [(one, path) for one, path in zip(prompts, paths, strict=True) if not path.exists()]
    for song, (one, path) in zip(made([one for one, _ in wanted]), wanted, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_midi(path, song.take, config, timing)
        print(f"  {path.name}: {one[0]}", file=sys.stderr, flush=True)


# -- figures of a band --------------------------------------------------------------------------------------


def scorer() -> Any:
    sys.path.insert(0, str(SCORE))
    spec = importlib.util.spec_from_file_location("score", SCORE / "score.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def band_figures(count: int, folder: Path) -> dict[str, Any]:
    """Return the share of figures within the truth's mean and deviation, by part."""
    score = scorer()
    prompts = [(PROMPTS[i % len(PROMPTS)], 40 + i) for i in range(count)]
    written(prompts, [folder / str(seed) / "make.mid" for _, seed in prompts])
    for _, seed in prompts:
        shutil.copyfile(folder / str(seed) / "make.mid", folder / str(seed) / "bass.mid")
    ours = _rows(score, sorted(folder.iterdir()), "make")
    truth = _rows(score, sorted((SCORE / "songs").iterdir()), "truth")
    figures: dict[str, Any] = {"songs": count}
    outside = []
    for part in ("drums", "chords", "line"):
        names = [name for name in truth if name.startswith(f"{part} |") and name in ours and len(truth[name]) > 3]
        far, pairs, true_pairs = {}, list[bool](), list[bool]()
        for name in names:
            mean, deviation = float(np.mean(truth[name])), max(float(np.std(truth[name])), 1e-9)
            far[name] = (float(np.mean(ours[name])) - mean) / deviation
            pairs += [abs(value - mean) <= deviation for value in ours[name]]
            true_pairs += [abs(value - mean) <= deviation for value in truth[name]]
        figures[f"{part}_within"] = round(float(np.mean([abs(x) <= 1 for x in far.values()])), 3)
        figures[f"{part}_figures"] = len(far)
        figures[f"{part}_pairs"] = round(float(np.mean(pairs)), 3)
        figures[f"{part}_true_pairs"] = round(float(np.mean(true_pairs)), 3)
        outside += [(abs(x), x, name) for name, x in far.items() if abs(x) > 1]
        for name, x in sorted(far.items(), key=lambda one: -abs(one[1])):
            flag = " " if abs(x) <= 1 else "*"
            print(
                f"{flag} {name:66s} {np.mean(ours[name]):8.2f}   truth {np.mean(truth[name]):7.2f} "
                f"+- {np.std(truth[name]):6.2f}   {x:+.1f} sd"
            )
    for _, x, name in sorted(outside, reverse=True)[:WORST]:
        figures[f"far: {name}"] = round(x, 2)
    return figures


def _rows(score: Any, folders: Sequence[Path], system: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for folder in folders:
        if not (folder / f"{system}.mid").exists():
            continue
        got = score.score(folder, [system])
        for name, value in (got or {}).get(system, {}).items():
            if value == value:
                found.setdefault(name, []).append(float(value))
    return found


# -- the mood -----------------------------------------------------------------------------------------------


def read(path: Path) -> tuple[dict[str, Notes], float]:
    """Return (notes of each track, quarters a minute at the start)."""
    file, parts, tempo = mido.MidiFile(path), dict[str, Notes](), 500_000
    for track in file.tracks:
        now, held, notes, name = 0, dict[int, tuple[int, int]](), Notes(), track.name.lower()
        for message in track:
            now += message.time
            if message.type == "set_tempo" and now == 0:
                tempo = message.tempo
            if message.type == "note_on" and message.velocity:
                held[message.note] = (now, message.velocity)
            elif message.type in ("note_on", "note_off") and message.note in held:
                start, velocity = held.pop(message.note)
                quarter = file.ticks_per_beat
                notes.append((start / quarter, now / quarter, message.note, velocity))
        if notes:
            parts[name] = notes
    return parts, 60e6 / tempo


def cues(path: Path) -> np.ndarray:
    """Return what is measured of a piece: log tempo, mode, log notes a second, register, loudness."""
    parts, bpm = read(path)
    pitched = [note for name, notes in parts.items() if name != "drums" for note in notes]
    everything = [note for notes in parts.values() for note in notes]
    seconds = max(note[1] for note in everything) * 60 / bpm
    weights = np.zeros(12)
    for start, end, pitch, _ in pitched:
        weights[pitch % 12] += end - start
    bass = np.zeros(12)
    for start, end, pitch, _ in parts["bass"]:
        bass[pitch % 12] += end - start
    fits = {}
    for mode, steps in SCALES.items():
        third = 4 if mode == "maj" else 3
        for tonic in range(12):
            inside = sum(weights[(tonic + step) % 12] for step in steps) / weights.sum()
            home = bass[tonic] / bass.sum() + 0.5 * weights[[tonic, (tonic + third) % 12]].sum() / weights.sum()
            fits[mode, tonic] = 2 * inside + home
    major = max(value for (mode, _), value in fits.items() if mode == "maj")
    minor = max(value for (mode, _), value in fits.items() if mode == "min")
    loud = sum(note[3] ** 2 for note in everything) / len(everything)
    register = np.mean([note[2] for note in parts["bass"]]) + np.mean([note[2] for note in parts.get("line", pitched)])
    return np.array([np.log(bpm), major - minor, np.log(len(everything) / seconds), register, np.log(loud)])


def mood_figures(count: int, folder: Path) -> dict[str, Any]:
    """Return how often the reader names the mood that was asked for."""
    wanted = [MOODS[i % len(MOODS)] for i in range(count)]
    prompts = [(f"{mood}, 25 seconds", 200 + i) for i, mood in enumerate(wanted)]
    paths = [folder / f"mood-{seed}.mid" for _, seed in prompts]
    written(prompts, paths)
    table = np.array([cues(path) for path in paths])
    table = (table - np.median(table, axis=0)) / np.maximum(table.std(axis=0), 1e-9)
    centres = np.array([CUES[mood] for mood in MOODS])
    named = [MOODS[int(((np.clip(row, -1.2, 1.2) - centres) ** 2).sum(axis=1).argmin())] for row in table]
    figures: dict[str, Any] = {"pieces": count, "found": round(float(np.mean(np.array(named) == wanted)), 3)}
    for mood in MOODS:
        own = [i for i, one in enumerate(wanted) if one == mood]
        figures[mood] = round(float(np.mean([named[i] == mood for i in own])), 2)
        taken = {one: sum(named[i] == one for i in own) for one in MOODS}
        mean = ", ".join(f"{x:+.1f}" for x in table[own].mean(axis=0))
        said = ", ".join(f"{k} {v}" for k, v in taken.items() if v)
        print(f"{mood:8s} read as {said}; tempo, mode, density, register, loudness {mean}")
    return figures


# -- themes -------------------------------------------------------------------------------------------------


def theme(song: Song) -> list[tuple[Any, ...]]:
    """Return the bars of a song in any key: bass and line, by tick, from the tonic."""
    lines: dict[int, list[tuple[int, int]]] = {}
    for moment in song.take.played:
        if moment.reply.line:
            step = (moment.reply.line.pitch - song.key.tonic) % 12
            lines.setdefault(moment.place.bar, []).append((moment.place.tick, step))
    return [
        (
            tuple((note.tick, (note.pitch - song.key.tonic) % 12) for note in bar.notes),
            tuple(lines.get(number, ())),
        )
        for number, bar in enumerate(song.bass)
    ]


def longest_shared(one: Sequence[Any], other: Sequence[Any]) -> int:
    """Return the longest run of bars that both have."""
    best, before = 0, [0] * (len(other) + 1)
    for a in one:
        row = [0] * (len(other) + 1)
        for j, b in enumerate(other, 1):
            if a == b and (a[0] or a[1]):
                row[j] = before[j - 1] + 1
                best = max(best, row[j])
        before = row
    return best


def themes_of(seeds: Sequence[int], folder: Path) -> list[Any]:
    """Return the bars of songs of one prompt; those that lie in the folder are not made again."""
    paths = [folder / f"theme-{seed}.json" for seed in seeds]
    missing = [(seed, path) for seed, path in zip(seeds, paths, strict=True) if not path.exists()]
    for song, (_, path) in zip(made([(THEME, seed) for seed, _ in missing]), missing, strict=True):
        path.write_text(json.dumps(theme(song)))
    return [json.loads(path.read_text()) for path in paths]


def theme_figures(count: int, folder: Path) -> dict[str, Any]:
    """Return the longest run of bars that two songs of one prompt share; of bass and line, and of the bass alone."""
    songs = themes_of([500 + i for i in range(count)], folder)
    whole = [longest_shared(a, b) for a, b in combinations(songs, 2)]
    bass = [[(bar[0], []) for bar in song] for song in songs]
    alone = [longest_shared(a, b) for a, b in combinations(bass, 2)]
    return {
        "songs": count,
        "longest_shared_bars": max(whole),
        "pairs_over_4": sum(x > 4 for x in whole),
        "bass_longest_shared_bars": max(alone),
        "bass_pairs_over_4": sum(x > 4 for x in alone),
    }


def time_figures(folder: Path) -> dict[str, Any]:
    """Return the CPU seconds of the whole command, sound included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "agent", "make", BRISTOL, "-o", str(folder / "time"), "--seed", "1"]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1), "music_s": 119.3}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="score,moods,themes,time", help="what is measured")
    parser.add_argument("--songs", type=int, help="how many of each (default: 16, 60, 50)")
    parser.add_argument("--keep", type=Path, help="keep what is made here; what is there is not made again")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in given.only.split(","):
            if name == "score":
                figures = band_figures(given.songs or 16, folder / "score")
            elif name == "moods":
                figures = mood_figures(given.songs or 60, folder)
            elif name == "themes":
                figures = theme_figures(given.songs or 50, folder)
            elif name == "time":
                figures = time_figures(folder)
            else:
                parser.error(f"--only {name}: allowed are score, moods, themes, time")
            print(name, figures)
            if not given.dry:
                results.append("made_songs", name, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
