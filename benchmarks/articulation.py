"""How each way of playing a note is heard, on basses never trained on: `python benchmarks/articulation.py [--lines 4]`.

Lines of one articulation each, on TimGM6mb's basses and made strings, clean; onset F1 and note F1 at +-50 ms with the
scorer of shared/listening, how many notes bear the right mark, the delay of the first pitch, beside aubio on the same
files. Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results, scorer
from benchmarks.garbage import listen
from listener.ears.frontend import HOP
from models.sounds import bass_lines, bass_tones
from models.sounds.bass_lines import Played
from models.sounds.bass_tones import RATE, Instrument, MadeString, Rng, Sampled

FONT = "TimGM6mb"
SECONDS, FIRST_S = 12, 0.3
MARKS = {"ghost": ("ghost",), "legato": ("legato", "slide"), "slide": ("slide", "legato")}


def _repeated(share: float) -> Step:
    return lambda rng, index, gap: (36, share * gap, "pluck", None)


def _ghosts(rng: Rng, index: int, gap_s: float) -> Note:
    return (36, 0.05, "ghost", None) if index % 2 else (36, gap_s / 2, "pluck", None)


def _hammer_ons(rng: Rng, index: int, gap_s: float) -> Note:
    pitch = 31 + (index // 2 * 5) % 13
    return (pitch + 2 + index % 4 // 2, gap_s, "legato", None) if index % 2 else (pitch, gap_s, "pluck", None)


def _slides(rng: Rng, index: int, gap_s: float) -> Note | None:
    pitch = int(rng.integers(31, 46))
    return None if index % 2 else (pitch, 2 * gap_s, "slide", pitch - float(rng.choice([-3, -2, 2, 3])))


def _between(low: int, high: int, more_s: float = 0.0) -> Step:
    return lambda rng, index, gap: (int(rng.integers(low, high)), gap + more_s, "pluck", None)


Note = tuple[int, float, str, float | None]  # pitch, seconds held, kind, pitch slid from
Step = Callable[[Rng, int, float], Note | None]  # (rng, index, seconds to the next note) -> what is played there
KINDS: dict[str, Step] = {
    "repeated legato": _repeated(1.0),
    "repeated staccato": _repeated(0.5),
    "hammer-ons": _hammer_ons,
    "slides": _slides,
    "ghosts": _ghosts,
    "ringing strings": _between(28, 50, 0.25),
    "low B to E": _between(23, 29),
    "high to 400 Hz": _between(55, 68),
}


def line(kind: str, rng: Rng) -> list[Played]:
    """One line of an articulation: every note (of hammer-ons and ghosts: every second) is played so."""
    gap_s, notes = float(rng.uniform(0.2, 0.4)), []
    for index, at_s in enumerate(np.arange(FIRST_S, SECONDS - 1, gap_s)):
        if (step := KINDS[kind](rng, index, gap_s)) is not None:
            pitch, held_s, played, slid_from = step
            gain = float(10 ** (-rng.uniform(0, 6) / 20))
            end = round((at_s + held_s) * RATE)
            notes.append(Played(round(at_s * RATE), end, float(pitch), played, gain, slid_from))
    return notes


def truth(notes: list[Played]) -> list[dict[str, Any]]:
    """In the form of the scorer's clips."""
    return [
        {
            "t_on": note.onset / RATE,
            "t_off": note.end / RATE,
            "midi": round(note.pitch),
            "velocity": round(127 * note.gain),
            "art": note.kind,
            "cents": 0.0,
            "care_onset": note.kind != "ghost",
            "care_pitch": note.kind not in ("ghost", "slide"),
        }
        for note in notes
    ]


def lines(
    kind: str, count: int, seed: int, tones: dict[str, list[bass_tones.Tone]]
) -> Iterator[tuple[NDArray[np.float32], list[Played]]]:
    for index in range(count):
        rng = np.random.default_rng((seed, list(KINDS).index(kind), index))
        name = sorted(tones)[int(rng.integers(len(tones)))]
        instrument: Instrument = MadeString(rng) if index % 3 == 2 else Sampled(tones[name], rng)
        notes = line(kind, rng)
        sound, _ = bass_lines.render(instrument, notes, SECONDS * RATE, HOP, rng)
        yield 0.5 * sound / np.abs(sound).max(), notes


def score(eval_listen: Any, said: list[list[dict[str, Any]]], played: list[list[Played]]) -> dict[str, float]:
    """Pooled over the lines of one articulation."""
    rows, marked, due = [], 0, 0
    for events, notes in zip(said, played, strict=True):
        named = [e for e in events if e["type"] == "note"]
        onsets = [(e["t_onset"], e.get("t_emit")) for e in events if e["type"] == "onset"]
        rows.append(
            eval_listen.score_onsets(truth(notes), sorted(onsets)) | eval_listen.score_notes(truth(notes), named)
        )
        for note in (n for n in notes if n.kind in MARKS):
            due += 1
            near = [
                e
                for e in events
                if e["type"] in ("note", "ghost", "revision") and abs(e["t_onset"] - note.onset / RATE) < 0.06
            ]
            marked += any(e.get("articulation") in MARKS[note.kind] for e in near)
    figures = {name: _f1(rows, key) for name, key in (("onset F1", "on50"), ("note F1", "note"))}
    delays = [d for row in rows for d in row.get("note_delay", [])]
    figures["pitch p50 ms"] = round(1000 * float(np.median(delays)), 1) if delays else float("nan")
    if not any(note.kind != "slide" and note.kind != "ghost" for notes in played for note in notes):
        figures = {"onset F1": figures["onset F1"]}  # the scorer does not judge the pitch of a slide
    return figures | ({"marked": round(marked / due, 3)} if due else {})


def _f1(rows: list[dict[str, Any]], key: str) -> float:
    hit, wanted, found = (sum(row[key][k] for row in rows if key in row) for k in ("nm", "nr", "ne"))
    return round(2 * hit / max(wanted + found, 1), 3)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=4, help="of each articulation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    args = parser.parse_args()
    for needed, where in (
        (Path(bass_tones.FONTS[FONT]), "apt install timgm6mb-soundfont"),
        (scorer.PATH, "shared/ beside it"),
    ):
        if not needed.exists():
            print(f"articulation: skipped, {needed} is absent ({where})")
            return 0
    judge = scorer.load()
    tones, everything = bass_tones.font_tones(FONT), {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            made = list(lines(kind, args.lines, args.seed, tones))
            paths = [Path(folder) / f"{kind.replace(' ', '_')}{i}.wav" for i in range(len(made))]
            for path, (sound, _) in zip(paths, made, strict=True):
                soundfile.write(path, sound, RATE, subtype="FLOAT")
            everything[kind] = (paths, [notes for _, notes in made])
        table = Table("articulation", "system", "onset F1", "note F1", "pitch p50 ms", "marked")
        for system in ("antiphon", "aubio"):
            said = listen(system, [path for paths, _ in everything.values() for path in paths])
            if said is None:
                continue
            kept = {}
            for kind, (_, played) in everything.items():
                mine, said = said[: len(played)], said[len(played) :]
                kept[kind] = score(judge, mine, played)
                shown = [str(kept[kind].get(name, "")) for name in ("onset F1", "note F1", "pitch p50 ms", "marked")]
                table.add_row(kind, system, *shown)
            if not args.dry:
                results.append("articulation", system, kept)
    Console(width=100).print(table)
    print(json.dumps({"lines": args.lines, "seed": args.seed}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
