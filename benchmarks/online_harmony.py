"""Chords under POP909 while it is played, ours beside rules and peers: `python benchmarks/online_harmony.py`.

Split by song (baselines/pop909.py). Every system decides on beats, and knows on a beat only the notes before it, its
own chords and the metre; random and loop are given the annotated key as well. Input is the melody, then the lowest
notes of the piano. Settings were chosen with --split val; the nets are trained on the spot (data_cache/online_harmony)
where they are not yet. Then the push: the input goes up by six semitones from beat 17 of the singing on.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.baselines import pop909
from benchmarks.baselines.harmony_rules import Loop, NGram, greedy, random_in_key
from benchmarks.baselines.online_harmony import Config, OnlineHarmony, Taste, play
from benchmarks.baselines.pop909 import REST, Song
from benchmarks.baselines.train_online_harmony import Plan, train
from benchmarks.common import results
from benchmarks.measures.harmony_measures import hits, measures, recovery_beats

NETS = ROOT / "data_cache" / "online_harmony"
PLOT = ROOT / "docs" / "online_harmony.png"
STEPS = {"melody": 500, "bass": 300}
PUSH_BEATS, AFTER_BEATS, PUSH_SEMITONES = 16, 16, 6
NGRAM_WEIGHT = 0.4  # on validation
FOLLOWS = {"modulation": 0.05, "alarm_weight": 16.0}  # what the push needs; the rest is the usual harmony's
OURS = {  # name -> how the network's chords are weighed
    "likeliest (no fit)": Taste(),
    "adventurous": Taste(next_weight=8),
    "balanced": Taste(next_weight=16, hurry=3, hazard_bias=-0.5),
    "lean": Taste(next_weight=24, heard_weight=2, hurry=4, hazard_bias=-0.5, tone_cost=3),
    "no fuller than truth": Taste(next_weight=24, heard_weight=2, hurry=4, hazard_bias=-0.5, tone_cost=5),
    "follows a push": Taste(next_weight=16, heard_weight=3, hurry=3, hazard_bias=-0.5, **FOLLOWS),
}
PARTS = ("melody", "bass")
REFERENCES = "ReaLchords on Hooktheory: 0.543 of notes in chord (ground truth 0.709, online maximum likelihood 0.370)"
Array = NDArray[np.int64]
Player = Callable[[Sequence[Song], int], list[Any]]


def pitch_of(song: Song, bass: bool) -> Array:
    return np.asarray(song.bass if bass else song.melody, np.int64)


def net_of(songs: Sequence[Song], part: str, backbone: str, steps: int, plain: bool) -> OnlineHarmony:
    """Trained on songs, or taken from an earlier run with the same plan."""
    stem = NETS / f"{part}_{'plain' if plain else 'ours'}_{backbone}"
    return train(songs, Config(backbone, plain=plain), Plan(steps, bass=part == "bass"), stem)


def systems(training: Sequence[Song], part: str, backbone: str, steps: int, peer: bool) -> dict[str, Player]:
    """Name -> songs and a seed -> chords. peer: with the network of online maximum likelihood."""
    bass, loop = part == "bass", Loop(training)
    ngram = NGram(training, bass, NGRAM_WEIGHT)
    found: dict[str, Player] = {
        "ground truth": lambda songs, seed: [s.chord for s in songs],
        "random in key": lambda songs, seed: [random_in_key(s, seed) for s in songs],
        "commonest loop": lambda songs, seed: [loop(s) for s in songs],
        "greedy rule": lambda songs, seed: [greedy(pitch_of(s, bass)) for s in songs],
        "n-gram": lambda songs, seed: [ngram(s, seed) for s in songs],
    }
    if peer:
        net = net_of(training, part, backbone, steps, plain=True)
        found[f"{backbone} online ML"] = player(net, Taste(), bass)
    net = net_of(training, part, backbone, steps, plain=False)
    return found | {f"ours {name}": player(net, taste, bass) for name, taste in OURS.items()}


def player(net: OnlineHarmony, taste: Taste, bass: bool) -> Player:
    return lambda songs, seed: play(net, songs, taste, seed, bass)


def figures(songs: Sequence[Song], play_one: Player, bass: bool, seeds: int) -> dict[str, float]:
    """Every measure, averaged over seeds."""
    line = [pitch_of(s, bass) for s in songs]
    line_on = [np.asarray(s.bass_on if bass else s.melody_on) for s in songs]
    truth = [s.chord for s in songs]
    rows = [measures(line, line_on, play_one(songs, seed), truth) for seed in range(seeds)]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def pushed(song: Song, bass: bool) -> tuple[Song, int]:
    """The song with its input transposed from beat 17 of the singing (from its first bar on), and that tick."""
    line = pitch_of(song, bass)
    first = int(np.flatnonzero(line != REST)[0])
    tick = first - int(song.bar[first]) + PUSH_BEATS * pop909.TICKS_PER_BEAT
    moved = np.where((np.arange(len(line)) >= tick) & (line != REST), line + PUSH_SEMITONES, line)
    return replace(song, **{"bass" if bass else "melody": moved}), max(tick, 0)


def push_test(songs: Sequence[Song], play_one: Player, bass: bool, seeds: int) -> dict[str, Any]:
    """Note-in-chord of the 16 beats after the push, with and without it, pooled over songs and seeds."""
    moved = [pushed(song, bass) for song in songs]
    sides = [list(songs), [song for song, _ in moved]]
    curves = []
    for side in sides:
        played = [play_one(side, seed) for seed in range(seeds)]
        curves.append(
            [
                np.mean(
                    np.concatenate(
                        [
                            _hits_of_beat(s, c, bass, tick, k)
                            for run in played
                            for s, c, (_, tick) in zip(side, run, moved, strict=True)
                        ]
                    )
                )
                for k in range(AFTER_BEATS)
            ]
        )
    usual, after = np.array(curves)
    return {
        "push_recovery_beats": recovery_beats(after, usual),
        "push_usual": float(usual.mean()),
        "push_beats_1_to_4": [round(float(share), 3) for share in after[:4]],
    }


def _hits_of_beat(song: Song, chord: Array, bass: bool, tick: int, beat: int) -> NDArray[np.bool_]:
    span = slice(tick + 4 * beat, tick + 4 * beat + 4)
    return hits(pitch_of(song, bass)[span], np.asarray(chord)[span])


def row_text(name: str, row: dict[str, Any]) -> str:
    numbers = (
        f"{v:>9.3f}" if isinstance(v, float) else f"{v!s:>9}" for k, v in row.items() if k != "push_beats_1_to_4"
    )
    return f"{name:22}" + "".join(numbers)


HEADER = f"{'':22}" + "".join(
    f"{name:>9}"
    for name in (
        "in chord",
        "of truth",
        "onsetEMD",
        "len EMD",
        "len bits",
        "distinct",
        "bits",
        "tones",
        "Vendi",
        "push",
        "usual",
    )
)


def plot(tables: dict[str, dict[str, dict[str, Any]]], path: Path) -> None:
    """Note-in-chord against diversity (entropy) and rhythm (EMD): towards the upper right is better in both."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    fig, axes = plt.subplots(len(tables), 3, figsize=(15, 4.4 * len(tables)), squeeze=False)
    measured = (
        ("chord_entropy_bits", "chord entropy (bits)"),
        ("distinct_chords", "distinct chords"),
        ("onset_emd_ticks", "onset-interval EMD (16ths), less to the right"),
    )
    for row, (part, table) in zip(axes, tables.items(), strict=True):
        for ax, (key, label) in zip(row, measured, strict=True):
            for name, found in table.items():
                ours = name.startswith("ours")
                ax.plot(found[key], found["note_in_chord"], "o" if ours else "s", color="C3" if ours else "C0")
                ax.annotate(
                    name, (found[key], found["note_in_chord"]), fontsize=7, xytext=(4, 3), textcoords="offset points"
                )
            rule = table["greedy rule"]
            ax.axhline(rule["note_in_chord"], color="0.7", lw=0.8)
            ax.axvline(rule[key], color="0.7", lw=0.8)
            ax.set(xlabel=label, ylabel="note in chord", title=f"{part} in")
            ax.margins(x=0.15)
            if "EMD" in label:
                ax.invert_xaxis()
    fig.tight_layout()
    fig.savefig(path, dpi=70)
    plt.close(fig)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--part", choices=PARTS, action="append", help="what comes in; left out: both")
    parser.add_argument("--backbone", default="lstm", help="a name of models/backbones/registry.py")
    parser.add_argument("--steps", type=int, help=f"of training; left out: {STEPS}")
    parser.add_argument("--seeds", type=int, default=1, help="plays to average over")
    parser.add_argument("--no-peer", action="store_true", help="leave out online maximum likelihood: half the training")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl, draw nothing")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not pop909.CACHE.exists() and not pop909.ARCHIVE.exists():
        print(f"skipped: {pop909.ARCHIVE} of ../shared is absent, so there are no songs")
        return 0
    data = pop909.load()
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for part in args.part or PARTS:
        tables[part] = table = {}
        print(f"\n{part} in, {len(data[args.split])} songs of {args.split}\n{HEADER}", flush=True)
        for name, play_one in tqdm(
            systems(data["train"], part, args.backbone, args.steps or STEPS[part], not args.no_peer).items(), desc=part
        ):
            table[name] = figures(data[args.split], play_one, part == "bass", args.seeds)
            if name != "ground truth":
                table[name] |= push_test(data[args.split], play_one, part == "bass", args.seeds)
            tqdm.write(row_text(name, table[name]))
    print(REFERENCES)
    if not args.dry:
        keep(tables, args.split)
    return 0


def keep(tables: dict[str, dict[str, dict[str, Any]]], split: str) -> None:
    for part, table in tables.items():
        for name, row in table.items():
            rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
            results.append(f"online_harmony_{part}_{split}", name, rounded)
    plot(latest(split), PLOT)


def latest(split: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Part -> system -> the figures of its last row in results.jsonl; only of systems in the newest run."""
    rows = [json.loads(line) for line in results.RESULTS.read_text().splitlines()]
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for part in PARTS:
        found = [row for row in rows if row["benchmark"] == f"online_harmony_{part}_{split}"]
        starts = [k for k, row in enumerate(found) if row["system"] == "ground truth"]
        if starts:
            tables[part] = {row["system"]: row["figures"] for row in found[starts[-1] :]}
    return tables


if __name__ == "__main__":
    sys.exit(main())
