"""Whether the ears hear the same at any input gain: `python benchmarks/input_level.py [--every N] [--levels DB,..]`.

The shared clips are scaled to a peak, and the listener's ears hear them. onset_f, note_f: against the truth
(listening/eval_listen.py). same: F1 of the notes (onset within 25 ms, same pitch) against those of the same clip at
REFERENCE_DB. velocity: mean of the notes. velocity_rank: Spearman's rank correlation with the true velocities, mean
over clips. One row of results.jsonl per level.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np
from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results, scorer
from listener.capture import file_frames
from listener.ears.ears import Ears
from listener.ears.frontend import HOP
from listener.types import FRAME_SAMPLES, Frame

CLIPS = ROOT.parent / "shared" / "listening" / "clips"
LEVELS_DB = (0.0, -12.0, -24.0, -30.0, -36.0, -40.0, -46.0)
REFERENCE_DB = -12.0
SAME_S = 0.025
Events = dict[str, list[Any]]


def hear(frames: list[Frame], gain: float) -> Events:
    """Return the onsets and notes, pitches as finally corrected, as eval_listen.py takes them."""
    ears, onsets, notes = Ears(), list[tuple[float, float]](), dict[float, dict[str, Any]]()
    for frame in frames:
        sound = (frame.samples * gain).astype(np.float32)
        for at in range(0, FRAME_SAMPLES, HOP):
            heard = ears.push(sound[at : at + HOP], frame.start_sample + at, frame.lag_s)
            onsets += [(onset.onset_s, onset.emit_s) for onset in heard.onsets]
            for note in heard.notes:
                if note.articulation != "ghost":
                    said = {"t_onset": note.onset_s, "midi": note.pitch, "velocity": note.velocity}
                    notes[note.onset_s] = said | {"t_emit": note.emit_s}
            for note in heard.revised:
                if note.onset_s in notes:
                    notes[note.onset_s]["midi"] = note.pitch
            for note in heard.ended:
                if note.onset_s in notes:
                    notes[note.onset_s]["t_off"] = note.onset_s + (note.duration_s or 0.0)
    return {"onsets": onsets, "notes": sorted(notes.values(), key=lambda note: note["t_onset"])}


def same(one: Events, other: Events) -> float:
    """Return the F1 of two lists of notes."""
    pairs = mir_eval.util.match_events(
        np.array([n["t_onset"] for n in one["notes"]]), np.array([n["t_onset"] for n in other["notes"]]), SAME_S
    )
    hits = sum(one["notes"][i]["midi"] == other["notes"][j]["midi"] for i, j in pairs)
    return 2 * hits / max(len(one["notes"]) + len(other["notes"]), 1)


def rank(truth: dict[str, Any], notes: list[dict[str, Any]]) -> float | None:
    """Return the rank correlation of true and heard velocities of the notes found."""
    pairs = []
    for note in (n for n in truth["notes"] if n["care_pitch"]):
        near = min(notes, key=lambda n: abs(n["t_onset"] - note["t_on"]), default=None)
        if near and abs(near["t_onset"] - note["t_on"]) <= 0.05:
            pairs.append((note["velocity"], near["velocity"]))
    true, heard = {a for a, _ in pairs}, {b for _, b in pairs}
    known = len(pairs) > 5 and len(true) > 1 and len(heard) > 1
    return float(spearmanr(*zip(*pairs, strict=True)).statistic) if known else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="use every N-th clip; nothing is kept of such a part")
    parser.add_argument("--levels", default=",".join(f"{db:g}" for db in LEVELS_DB), help="peaks in dB re full scale")
    args = parser.parse_args()
    if not CLIPS.exists():
        print(f"input_level: skipped, {CLIPS} is absent")
        return 0
    score = scorer.load()
    levels = [float(text) for text in args.levels.split(",")]
    rows: dict[float, list[dict[str, float | None]]] = {level: [] for level in levels}
    for path in sorted(CLIPS.glob("*.flac"))[:: args.every]:
        truth, frames = json.loads(path.with_suffix(".json").read_text()), list(file_frames(path))
        if not truth["notes"]:
            continue
        peak = max(float(np.abs(frame.samples).max()) for frame in frames)
        heard = {db: hear(frames, 10 ** (db / 20) / peak) for db in {*levels, REFERENCE_DB}}
        for db in levels:
            events = heard[db]
            note = score.score_notes(truth["notes"], events["notes"]).get("note")
            velocities = [n["velocity"] for n in events["notes"]]
            rows[db].append(
                {
                    "onset_f": score.score_onsets(truth["notes"], events["onsets"])["on50"]["f"],
                    "note_f": note["f"] if note else None,
                    "same": same(events, heard[REFERENCE_DB]),
                    "velocity": float(np.mean(velocities)) if velocities else None,
                    "velocity_rank": rank(truth, events["notes"]),
                }
            )
    for db in levels:
        known = {name: [row[name] for row in rows[db] if row[name] is not None] for name in rows[db][0]}
        figures = {name: round(float(np.mean(values)), 4) for name, values in known.items() if values}
        print(f"{db:6.0f} dB ", "  ".join(f"{name} {value:.3f}" for name, value in figures.items()), flush=True)
        if args.every == 1:
            results.append("input_level", f"peak {db:g} dB", figures | {"clips": len(rows[db])})
    return 0


if __name__ == "__main__":
    sys.exit(main())
