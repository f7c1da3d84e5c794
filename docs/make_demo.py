"""Make the sound and the picture of the README: `make demo`, or `python docs/make_demo.py [--session DIR]`.

Plays the take that ships (agent/assets/take.flac) faster than real time with seed 0, cuts the 30 s in which bass and
band play the most notes, and writes docs/antiphon.mp3 and docs/pianoroll.png. The same code gives the same files.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from agent.mixing.master import mastered

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
TAKE = ROOT / "agent/assets/take.flac"
SECONDS = 30.0
LEAD_S = 0.05  # cut so long before the bar line
FADE_IN_S, FADE_OUT_S = 0.02, 1.5
MAX_BYTES = 600_000


def play(folder: Path) -> None:
    """Write a session of the shipped take into `folder`."""
    arguments = ["jam", "--input", str(TAKE), "--fast", "--seed", "0", "--quiet", "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "agent", *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def events(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of a session's events.jsonl."""
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def best_start_s(lines: Iterable[dict[str, Any]], end_s: float, seconds: float = SECONDS) -> float:
    """Return the bar line, in seconds, after which bass and band play the most notes within `seconds`."""
    notes_s, bars_s = [], [0.0]
    for line in lines:
        if line["type"] == "note":
            notes_s.append(line["onset_s"])
        elif line["type"] == "sent" and line["on"]:
            notes_s.append(line["due_s"])
        elif line["type"] == "beat" and line["position"] == 1 and line["time_s"] + seconds <= end_s:
            bars_s.append(line["time_s"])
    found = np.array(notes_s)
    return max(bars_s, key=lambda bar_s: np.count_nonzero((found >= bar_s) & (found < bar_s + seconds)))


def cut(folder: Path, out: Path) -> float:
    """Write the best part of the session's mix as MP3; return where it begins, in seconds."""
    mix, rate = soundfile.read(folder / "mix.wav", dtype="float32", always_2d=True)
    start_s = best_start_s(events(folder), len(mix) / rate)
    first = max(0, round((start_s - LEAD_S) * rate))
    sound = mix[first : first + round(SECONDS * rate)].copy()
    rise, fall = round(FADE_IN_S * rate), round(FADE_OUT_S * rate)
    sound[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)[:, None]
    sound[-fall:] *= np.linspace(1, 0, fall, dtype=np.float32)[:, None] ** 2
    sound = mastered(sound, rate)[1]
    soundfile.write(out, sound, rate, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.45)
    return start_s


def main() -> int:
    """Make both files; exit code 1 when the sound is too large for the repository."""
    parser = argparse.ArgumentParser(description="Make docs/antiphon.mp3 and docs/pianoroll.png.")
    parser.add_argument("--session", type=Path, help="a session of the shipped take that is there already")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.session or Path(temporary) / "the take that ships"
        if given.session is None:
            print("playing the take that ships (about a minute) ...")
            play(folder)
        start_s = cut(folder, DOCS / "antiphon.mp3")
        shutil.copyfile(folder / "pianoroll.png", DOCS / "pianoroll.png")
    size = (DOCS / "antiphon.mp3").stat().st_size
    print(f"docs/antiphon.mp3: {SECONDS:g} s from {start_s:.1f} s on, {size / 1000:.0f} kB; docs/pianoroll.png")
    if size >= MAX_BYTES:
        print(f"docs/antiphon.mp3 has {size} bytes; {MAX_BYTES} are allowed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
