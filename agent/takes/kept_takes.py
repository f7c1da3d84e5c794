"""Keeps the takes of a riff that looped: as JSON, MIDI and mixes, and all of them on one sheet (takes.png).

`keep_takes` starts a process of its own for it, since a mix takes seconds of processor and the band plays on.
`python -m agent.takes.kept_takes FILE` is that process. It outlives the session, however that ended, so that no take is
lost; it stops where the session's folder has gone, and after `CPU_S` at most.
"""

from __future__ import annotations

import logging
import os
import pickle
import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import soundfile

from agent.core.settings import Config
from agent.takes import take_files
from agent.takes.captured import Captured, recording_of
from agent.takes.mixdown import RATE, render
from agent.takes.take import Take
from agent.takes.take_midi import write_midi
from models import paths
from models.timing.drum_timing import Timing

log = logging.getLogger(__name__)

WANTED = ".takes"  # of the file that says what is to be kept
NICE = 15
CPU_S = 600  # of processor, for all takes of a riff


def keep_takes(folder: Path, takes: Sequence[Take], captured: Captured) -> subprocess.Popen[bytes] | None:
    """Write every take into a folder, in the background; return the process, None where it could not be begun."""
    wanted = folder / WANTED
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(wanted, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            pickle.dump((tuple(takes), captured), file)
        return subprocess.Popen(
            [sys.executable, "-m", "agent.takes.kept_takes", str(wanted)],
            cwd=paths.ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as cause:
        log.warning("takes: not kept in %s: %s", folder, cause)
        return None


def write_all(folder: Path, takes: Sequence[Take], captured: Captured) -> list[take_files.Sheet]:
    """Write every take: take-001.json, .mid and .wav, and takes.png with all of them. Raises OSError, UserError."""
    timing, recording = Timing.load(), recording_of(captured)
    sheets = [take_files.sheet_of(take, "", timing) for take in takes]
    for take, sheet in zip(takes, sheets, strict=True):
        if not folder.is_dir():
            return sheets
        take_files.write(folder, sheet)
        stem = folder / f"take-{take.number:03d}"
        write_midi(stem.with_suffix(".mid"), take, Config(), timing)
        soundfile.write(stem.with_suffix(".wav"), render(take, recording, timing).mix, RATE, subtype="PCM_16")
    from agent.takes.take_plot import contact_sheet  # matplotlib is 25 MB: after the music

    contact_sheet(folder / "takes.png", sheets)
    return sheets


def main() -> None:
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    wanted = Path(sys.argv[1])
    with wanted.open("rb") as file:
        takes, captured = pickle.load(file)
    wanted.unlink()
    write_all(wanted.parent, takes, captured)


if __name__ == "__main__":
    main()
