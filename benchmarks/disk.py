"""What recordings take on the disk: a day in which nobody plays, and an hour of playing, extrapolated.

    python benchmarks/disk.py [--minutes 20] [--session FOLDER]

The day: a room's noise goes into the live recorder as fast as it can, for so many minutes of sound; what the second
half took is counted on to 24 hours. The hour: of a recorded session (a copy of it), compressed as the program does it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from agent.core.settings import DEFAULT_PARTS
from agent.recording import flac_files
from agent.recording.disk_space import bytes_of
from agent.recording.live_recording import open_recording
from benchmarks.common.results import append
from listener.ring import Ring

RATE = 48_000
STEP_S = 0.1
NOISE_DB = -65.0
DAY_H, BYTES_PER_SAMPLE = 24.0, 3


def resting(minutes: float, folder: Path) -> dict[str, float]:
    """A room without a player: what is there after half of the time, after all of it, and after a day."""
    bass, stems = Ring(RATE, 1, shared=False), Ring(RATE, 2 * (len(DEFAULT_PARTS) + 1), shared=False)
    recording = open_recording(DEFAULT_PARTS, folder, RATE, (bass, stems, 0), 0, None, None, "mix")
    rng, count, taken = np.random.default_rng(0), round(STEP_S * RATE), []
    for step in range(1, round(60 * minutes / STEP_S) + 1):
        bass.write((10 ** (NOISE_DB / 20) * rng.standard_normal((count, 1))).astype(np.float32))
        stems.silence(step * count)
        recording.roll()
        if step == round(30 * minutes / STEP_S):
            taken.append(bytes_of(folder))
    taken.append(bytes_of(folder))
    recording.close()
    flac_files.compress(folder, "mix")
    grown = (taken[1] - taken[0]) / (minutes / 120)  # bytes an hour
    return {"half_mb": taken[0] / 1e6, "whole_mb": taken[1] / 1e6, "day_mb": (taken[1] + DAY_H * grown) / 1e6}


def playing(session: Path, folder: Path) -> dict[str, float]:
    """An hour of playing, of the length and the size of a session."""
    shutil.copytree(session, folder)
    seconds = (folder / "bass.wav").stat().st_size / BYTES_PER_SAMPLE / RATE
    flac_files.compress(folder, "mix")
    return {"seconds": seconds, "hour_mb": bytes_of(folder) / seconds * 3600 / 1e6}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--session", type=Path, help="the folder of one with bass.wav at 48 kHz and mix.wav")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        figures = resting(given.minutes, Path(temporary) / "rest")
        if given.session:
            figures |= playing(given.session, Path(temporary) / "session")
    append("disk", "recordings", figures)
    for name, value in figures.items():
        print(f"{name}: {value:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
