"""Trains a player's adapter after a session, in a background process that nothing waits for.

Beside the memory's file, players/ID/ holds the player's material (material/*.npz: liked takes and passages with all
parts, the others with the player's own line alone) and adapters by version. Each version is trained anew from all of
it, together with the base model's material; another player's is never touched. A guest has no memory: nothing is kept.

    finish(memory, player, session, takes)    at the end of a session: keep its takes, start training; returns at once
    finish_live(memory, player, session, pieces)    the same of what was played live
    ready(memory, player)                     at the start of the next: the adapter to play with
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from agent.core import stored
from agent.core.whole_file import write_whole
from agent.memory.store import Memory
from models import paths
from models.corpus import played_pieces
from models.corpus.played_pieces import Played
from models.music.tokens import PARTS, BassTick, Position, Reply

try:
    import fcntl
except ImportError:  # Windows has no such locks: one practice at a time is not enforced
    fcntl = None  # type: ignore[assignment]

MATERIAL_MAX = 200  # newest pieces of a player
FEWEST_TICKS = 256  # sixteen bars of 4/4: less is not worth training on
OWN = "own"  # folder of the music that was learned beside what was played
LOG, LOCK, RESULT = "practice.log", "practice.lock", "practised.json"
STOP_S = 10.0
GAIN = 0.01  # an adapter whose held-out loss falls by a smaller share is dropped


class Moment(Protocol):
    """One tick of a take: its place, the player's bass and the band's reply."""

    @property
    def place(self) -> Position: ...
    @property
    def bass(self) -> BassTick: ...
    @property
    def reply(self) -> Reply: ...


class Take(Protocol):
    """What practice needs of a take (agent/takes/take.py)."""

    @property
    def number(self) -> int: ...
    @property
    def played(self) -> Sequence[Moment]: ...


@dataclass(frozen=True, slots=True)
class Ready:
    """What to play with: Responder.load(adapter=...); None = none yet."""

    adapter: Path | None
    version: int = 0


def folder_of(memory: Memory, player_id: int) -> Path:
    return memory.path.parent / "players" / str(player_id)


def keep(
    memory: Memory | None, player_id: int, session_id: int, number: int, played: Sequence[Played], liked: bool
) -> Path | None:
    """Write a take as material; return its path, None for a guest. liked: learn all its parts, else the bass alone."""
    if memory is None or not played:
        return None
    has = tuple(liked and _plays(part, played) for part in PARTS)
    path = folder_of(memory, player_id) / "material" / f"{session_id:06d}-{number:04d}.npz"
    played_pieces.keep(path, played_pieces.song_of(path.stem, played, (has[0], has[1], has[2])))
    _trim(path.parent)
    return path


def _plays(part: str, played: Sequence[Played]) -> bool:
    return any({"drums": r.drums, "chords": r.chord, "line": r.line}[part] for _, _, r in played)


def _trim(folder: Path) -> None:
    for old in sorted(folder.glob("*.npz"))[:-MATERIAL_MAX]:
        old.unlink(missing_ok=True)


def finish(memory: Memory | None, player_id: int, session_id: int, takes: Sequence[Take]) -> None:
    """Keep a session's takes as material and start practice in the background.

    A take counts as liked by its verdict; the last take also without one.
    """
    if memory is None or not takes:
        return
    rows = [row for row in memory.rows("verdicts", session_id) if row["subject"] == "take"]
    said = {row["subject_id"]: row["verdict"] for row in rows}
    for take in takes:
        liked = said.get(take.number, "liked" if take is takes[-1] else "") in ("liked", "more")
        played = [(moment.place, moment.bass, moment.reply) for moment in take.played]
        keep(memory, player_id, session_id, take.number, played, liked)
    practise(memory, player_id)


def finish_live(
    memory: Memory, player_id: int, session_id: int, pieces: Sequence[tuple[Sequence[Played], bool]]
) -> None:
    """Keep what was played in a live session, (music, whether it was praised), as material; start practice in the
    background."""
    for number, (played, liked) in enumerate(pieces, 1):
        keep(memory, player_id, session_id, number, played, liked)
    practise(memory, player_id)


def forget(memory: Memory, player_id: int, session_id: int) -> None:
    """Remove a session's material. Adapters trained on it stay until the next practice."""
    for path in (folder_of(memory, player_id) / "material").glob(f"{session_id:06d}-*.npz"):
        path.unlink(missing_ok=True)


def can_train() -> bool:
    """Return whether what training needs is installed (packaging/training.txt)."""
    return importlib.util.find_spec("torch") is not None


def practise(memory: Memory | None, player_id: int, **options: int | str | Path) -> subprocess.Popen[bytes] | None:
    """Start training the next version of a player's adapter and return the process.

    None for a guest, with too little material, without PyTorch, or while another practice runs. options: those of
    models/training/adapter.py, by name (steps=..., seed=..., base=..., weights=...).
    """
    if memory is None or not can_train():
        return None
    take_up(memory, player_id)
    folder = folder_of(memory, player_id)
    learn = [there for there in (folder / "material", folder / OWN) if there.is_dir()]
    if sum(len(song) for there in learn for song in played_pieces.kept(there)) < FEWEST_TICKS:
        return None
    named = {"out": next_stem(memory, player_id), **options}
    words = [word for name, value in named.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "models.training.adapter", *words, "--learn", *map(str, learn)]
    with (folder / LOCK).open("a") as lock, (folder / LOG).open("a") as log:
        if not _locked(lock.fileno()):
            return None
        lock.truncate(0)
        log.truncate(0)
        process = subprocess.Popen(
            command,
            cwd=paths.ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock.fileno(),) if fcntl else (),  # the lock lives as long as the process
        )
        lock.write(str(process.pid))
        return process


def _locked(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_running(memory: Memory, player_id: int) -> bool:
    """Return whether this player's practice runs now."""
    try:
        with (folder_of(memory, player_id) / LOCK).open("r+") as lock:
            return not _locked(lock.fileno())
    except OSError:
        return False


def last_said(memory: Memory, player_id: int) -> str:
    """Return the last line that this player's practice wrote, "" where there is none."""
    try:
        lines = (folder_of(memory, player_id) / LOG).read_text(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def stop(memory: Memory, player_id: int) -> None:
    """Stop this player's practice, if one runs, and remove what it left."""
    folder, began_s = folder_of(memory, player_id), time.monotonic()
    while is_running(memory, player_id) and (waited_s := time.monotonic() - began_s) < 2 * STOP_S:
        with contextlib.suppress(OSError, ValueError):
            if (pid := int((folder / LOCK).read_text())) > 1:
                os.kill(pid, signal.SIGTERM if waited_s < STOP_S else signal.SIGKILL)
        time.sleep(0.1)
    for path in folder.glob(next_stem(memory, player_id).name + "*"):
        path.unlink(missing_ok=True)


def next_stem(memory: Memory, player_id: int) -> Path:
    """Return the path stem of the next version of a player's adapter."""
    return folder_of(memory, player_id) / f"adapter-{_next(memory, player_id)}"


def _next(memory: Memory, player_id: int) -> int:
    return 1 + max(memory.versions(player_id), default=0)


class _Config(msgspec.Struct):
    scores: dict[str, tuple[float, float]]


class _Trained(msgspec.Struct):
    """What is read of an adapter's JSON. scores: name -> (before, after) the practice."""

    config: _Config


class Practised(msgspec.Struct, frozen=True):
    """How the last practice ended. before, after: nats a tick; is_used: whether the adapter was taken up; held_out:
    whether that is of pieces that took no part at all."""

    before: float
    after: float
    is_used: bool
    held_out: bool


def result(memory: Memory, player_id: int) -> Practised | None:
    """Return how the last practice that ended did; None where there is none. Takes up what it left."""
    take_up(memory, player_id)
    try:
        found: Practised = stored.read(folder_of(memory, player_id) / RESULT, Practised)
    except (OSError, stored.Damaged):
        return None
    return found


def take_up(memory: Memory | None, player_id: int) -> int | None:
    """Put the adapter that a finished practice left into use and return its version; None where there is none, or where
    it gained less than GAIN."""
    if memory is None:
        return None
    stem = next_stem(memory, player_id)
    try:
        trained: _Trained = stored.read(stem.with_suffix(".json"), _Trained)
    except (OSError, stored.Damaged):
        return None
    scores = trained.config.scores
    if "you" not in scores:
        return None
    before, after = scores.get("held out") or scores["you"]
    is_better = after <= before * (1 - GAIN)
    done = Practised(before, after, is_better, "held out" in scores)
    write_whole(stem.parent / RESULT, msgspec.json.encode(done), mode=0o600)
    if not is_better:
        for path in stem.parent.glob(f"{stem.name}.*"):
            path.unlink(missing_ok=True)
        return None
    return memory.adapted(player_id, str(stem), scores)


def ready(memory: Memory | None, player_id: int) -> Ready:
    """Return the adapter in use, after a roll-back the earlier one."""
    if memory is None:
        return Ready(None)
    with contextlib.suppress(OSError):
        take_up(memory, player_id)
    row = memory.adapter(player_id)
    if row is None:
        return Ready(None)
    stem = Path(row["path"])
    if not stem.with_suffix(".json").exists():
        return Ready(None)
    return Ready(stem, row["version"])
