"""Garbage in: what is heard where no bass plays, beside aubio: `python benchmarks/garbage.py [--seconds 40]`.

Prints notes (named, not ghosts), ghosts and onsets per minute for each kind of garbage. Where a bass does play
(clipped, NaN), only what matches no true note counts. Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import results
import soundfile
from garbage_sounds import CLIP, CLIPS, KINDS, RATE, Unavailable

ROOT = Path(__file__).resolve().parent.parent
NEAR_S = 0.05
TARGETS = {"silence": 3, "dither": 3, "DC": 3, "hum 50 Hz": 3, "hum 60 Hz": 3, "drums only": 20}  # notes per minute
COMMANDS = {
    "antiphon": [sys.executable, "-m", "agent", "listen", "--json"],
    "aubio": ["/usr/bin/python3", str(ROOT / "benchmarks/peers/aubio_listen.py")],
}
Truth = list[dict[str, Any]]


def truth_of(kind: str, end_s: float) -> Truth:
    """The notes that are there."""
    if not kind.startswith("bass"):
        return []
    notes = json.loads((CLIPS / f"{CLIP}.json").read_text())["notes"]
    return [note for note in notes if note["t_on"] < end_s]


def false_notes(said: list[dict[str, Any]], truth: Truth) -> dict[str, int]:
    """How many notes, ghosts and onsets match nothing that was played."""
    times = np.array([note["t_on"] for note in truth] or [-1e9])
    none = [e["type"] for e in said if "t_onset" in e and np.abs(times - e["t_onset"]).min() > NEAR_S]
    return {f"{kind}s": none.count(kind) for kind in ("note", "ghost", "onset")}


def listen(system: str, paths: list[Path]) -> list[list[dict[str, Any]]] | None:
    """What a system says about each file; None where it cannot run."""
    done = subprocess.run([*COMMANDS[system], *map(str, paths)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(f"{system}: failed: {done.stderr.strip()[-200:]}")
        return None
    said: list[list[dict[str, Any]]] = []
    for line in map(json.loads, done.stdout.splitlines()):
        if line["type"] == "file":
            said.append([])
        else:
            said[-1].append(line)
    return said


def make(seconds: float, folder: Path) -> dict[str, Path]:
    """A file for each kind that can be made here."""
    made = {}
    for kind, maker in KINDS.items():
        try:
            sound = maker(round(seconds * RATE))
        except Unavailable as reason:
            print(f"{kind}: skipped, {reason}")
            continue
        made[kind] = folder / f"{kind.replace(' ', '_').replace(':', '')}.wav"
        soundfile.write(made[kind], sound.astype(np.float32), RATE, subtype="FLOAT")
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each kind")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the sounds there")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        made = make(args.seconds, args.keep or Path(name))
        heard = {system: listen(system, list(made.values())) for system in COMMANDS}
        table = {system: _per_minute(made, said) for system, said in heard.items() if said}
        print(_report(list(made), table))
    for system, rows in table.items() if not args.dry else ():
        results.append(
            "garbage", system, {f"{kind}, {what}/min": v for kind, row in rows.items() for what, v in row.items()}
        )
    return 0


def _per_minute(made: dict[str, Path], said: list[list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    rows = {}
    for (kind, path), lines in zip(made.items(), said, strict=True):
        length_s = soundfile.info(path).duration
        counts = false_notes(lines, truth_of(kind, length_s))
        rows[kind] = {what: round(60 * count / length_s, 1) for what, count in counts.items()}
    return rows


def _report(kinds: list[str], table: dict[str, dict[str, dict[str, float]]]) -> str:
    lines = [
        f"{'false, per minute':18}" + "".join(f"{system + ' notes':>16} ghosts onsets" for system in table) + "  target"
    ]
    for kind in kinds:
        cells = "".join(
            f"{r[kind]['notes']:16.1f} {r[kind]['ghosts']:6.1f} {r[kind]['onsets']:6.1f}" for r in table.values()
        )
        target = TARGETS.get(kind)
        met = table.get("antiphon", {}).get(kind, {}).get("notes", np.inf) < (target or np.inf)
        lines.append(f"{kind:18}{cells}" + (f"  < {target} {'met' if met else 'MISSED'}" if target else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
