"""Find the songs and scripts of ../shared/band_score, which measure a whole band, and run Antiphon on them.

The scripts there are imported from where they lie, not copied: `scripts("mid", "score")`.
"""

from __future__ import annotations

import contextlib
import fnmatch
import importlib
import io
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.paths import SHARED

FOLDER = SHARED / "band_score"
ABSENT = f"skipped: {FOLDER} is absent; it holds the songs that the band is measured on"
OWN = "this checkout's"  # the command that stands for it


def is_there() -> bool:
    """Return whether the songs are there; where they are not, ABSENT says so."""
    return (FOLDER / "songs").is_dir()


def scripts(*names: str) -> list[Any]:
    """Return modules of the folder: mid, score, rule, bandscore, live_bass, jam_to_song."""
    if str(FOLDER) not in sys.path:
        sys.path.insert(0, str(FOLDER))
    return [importlib.import_module(name) for name in names]


def songs(only: str = "*", count: int | None = None, root: Path | None = None) -> list[Path]:
    """Return song folders by name; count: so many of them, evenly spread."""
    found = [d for d in sorted((root or FOLDER / "songs").iterdir()) if (d / "bass.mid").exists()]
    found = [d for d in found if any(fnmatch.fnmatch(d.name, pattern) for pattern in only.split(","))]
    if count is None or count >= len(found):
        return found
    return [found[round(place)] for place in np.linspace(0, len(found) - 1, count)]


def read(folder: Path, system: str) -> Any:
    """Return a system's parts on the song's grid of 16ths (mid.Song); whether it swings is the truth's."""
    guide, file = folder / ("truth.mid" if (folder / "truth.mid").exists() else "bass.mid"), folder / f"{system}.mid"
    song = _read(file, file.stat().st_mtime_ns, _swings(guide, guide.stat().st_mtime_ns))
    return replace(song, parts=dict(song.parts))


def raw(path: Path) -> Any:
    """Return what mid.raw does: ticks a quarter, parts, meters, tempi; each file is read once."""
    return _raw(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _raw(path: Path, changed: int) -> Any:
    return scripts("mid")[0].raw(path)


@lru_cache(maxsize=16)
def _read(path: Path, changed: int, swung: bool) -> Any:
    return scripts("mid")[0].read(path, swung)


@lru_cache(maxsize=16)
def _swings(path: Path, changed: int) -> bool:
    return bool(scripts("mid")[0].is_swung(path))


def antiphon(command: str, args: Sequence[str | Path], cwd: Path) -> tuple[int, str]:
    """Run `COMMAND ARGS` and return (its exit code, what it said).

    OWN runs in this process, which loads everything once; another command runs in `cwd`, as its packages would be taken
    from a checkout that it stands in.
    """
    words = [*map(str, args)]
    if command != OWN:
        done = subprocess.run([*shlex.split(command), *words], capture_output=True, text=True, cwd=cwd)
        return done.returncode, done.stdout + done.stderr
    from agent.__main__ import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main(words)
        except SystemExit as ended:  # of --help
            code = int(ended.code or 0)
        except Exception as broken:  # a song on which it breaks is told, and the others are still answered
            return 1, f"{said.getvalue()}{type(broken).__name__}: {broken}"
    return code, said.getvalue()


def answered(found: Sequence[Path], out: Path, command: str, seed: int) -> list[Path]:
    """Return OUT/<song> with bass, truth, rule and reply (.mid) of each song; replies that stand there are kept."""
    (bandscore,) = scripts("bandscore")
    folders = []
    for song in tqdm(found, desc="reply", disable=None):
        folder = bandscore.place(song, out, song.name)
        made = folder / "reply.mid"
        if not made.exists():
            code, said = antiphon(command, ["reply", folder / "bass.mid", "-o", made, "--seed", str(seed)], out)
            if code:
                print(f"{song.name}: {said.strip()[-160:]}", file=sys.stderr)
                continue
        folders.append(folder)
    return folders


def playing(folder: Path) -> list[Any]:
    """Return the bars (mid.Bar) from the bass's first note to its last."""
    song = read(folder, "bass")
    bass = song.parts["bass"]
    first, last = min(n[0] for n in bass), max(n[0] for n in bass)
    return [bar for bar in song.bars if bar.start + bar.ticks > first and bar.start <= last]
