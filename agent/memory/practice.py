"""After a session the band practises: a background process learns the player's adapter, and nothing waits for it.

Beside the memory's file, players/ID/ holds what a player gave (material/*.npz: liked takes with all parts, the others for the
player's own line alone), adapters by version, and what is recalled. Each version is learned anew from all of it, rehearsing the base's material;
another player's is never touched. A guest has no memory: nothing is kept.

    finish(memory, player, session, takes)                 when the session is over: keep, practise; comes back at once
    responder_of(memory, player)                           when the next begins: the responder to play with;
                                                           its .learn(played) remembers a liked take at once
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from agent.memory.store import Memory
from models import paths
from models.corpus import played_pieces
from models.corpus.played_pieces import Played
from models.music.tokens import PARTS, BassTick, Position, Reply
from models.responder.recall import PlayerMemory, Recalling, remembered
from models.responder.responder import WEIGHTS, Responder

try:
    import fcntl
except ImportError:  # no such locks there: one practice at a time is not enforced
    fcntl = None  # type: ignore[assignment]

MATERIAL_MAX = 200  # newest pieces of a player
RECALLED_TICKS = 1024  # remembered when a session begins without a practised memory: half a second or so
FEWEST_TICKS = 256  # sixteen bars of 4/4: with less there is nothing to practise
GAIN = 0.01  # an adapter that gains less on what was kept apart is not taken up


class Moment(Protocol):
    """One tick of a take: where it lies, what the bass did and what the band answered."""

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
    """What to play with: Responder.load(adapter=stem), PlayerMemory.load(recall); None: none of it yet."""

    adapter: Path | None
    recall: Path | None
    version: int = 0


def folder_of(memory: Memory, player_id: int) -> Path:
    return memory.path.parent / "players" / str(player_id)


def keep(
    memory: Memory | None, player_id: int, session_id: int, number: int, played: Sequence[Played], liked: bool
) -> Path | None:
    """A take as material, over what was kept of it before. liked: all its parts are learned, else the bass alone."""
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
    """At the end of a session: its takes are kept, and practice begins behind. Liked: what a verdict says so of, and what
    the player ended with, unless it was disliked."""
    if memory is None or not takes:
        return
    rows = [row for row in memory.rows("verdicts", session_id) if row["subject"] == "take"]
    said = {int(row["subject_id"]): row["verdict"] for row in rows if row["subject_id"] is not None}
    for take in takes:
        liked = said.get(take.number, "liked" if take is takes[-1] else "") in ("liked", "more")
        played = [(moment.place, moment.bass, moment.reply) for moment in take.played]
        keep(memory, player_id, session_id, take.number, played, liked)
    practise(memory, player_id)


def forget(memory: Memory, player_id: int, session_id: int) -> None:
    """The material of a session; adapters that learned from it stay until the next practice."""
    for path in (folder_of(memory, player_id) / "material").glob(f"{session_id:06d}-*.npz"):
        path.unlink(missing_ok=True)


def practise(memory: Memory | None, player_id: int, **options: Any) -> subprocess.Popen[bytes] | None:
    """Begin, or go on with, the next version of this player's adapter; None: a guest, too little heard, or one is at it.

    options: of models.train_adapter, by name (steps=..., seed=..., base=..., weights=...).
    """
    if memory is None:
        return None
    take_up(memory, player_id)
    folder = folder_of(memory, player_id)
    if sum(map(len, played_pieces.kept(folder / "material"))) < FEWEST_TICKS:
        return None
    command = [sys.executable, "-m", "models.training.adapter", *_arguments(memory, player_id, options)]
    with (folder / "practice.lock").open("w") as lock, (folder / "practice.log").open("w") as log:
        if not _locked(lock.fileno()):
            return None
        return subprocess.Popen(
            command,
            cwd=paths.ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=(lock.fileno(),) if fcntl else (),  # the lock lives as long as the process
        )


def _locked(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _arguments(memory: Memory, player_id: int, options: dict[str, Any]) -> list[str]:
    folder = folder_of(memory, player_id)
    number = _next(memory, player_id)
    named = {
        "learn": folder / "material",
        "out": folder / f"adapter-{number}",
        "recall": folder / f"recall-{number}.npz",
    }
    return [word for name, value in (named | options).items() for word in (f"--{name}", str(value))]


def _next(memory: Memory, player_id: int) -> int:
    rows = [row for row in memory.everything()["adapters"] if row["player_id"] == player_id]
    return 1 + max((int(row["version"]) for row in rows), default=0)


def take_up(memory: Memory | None, player_id: int) -> int | None:
    """The version that a finished practice left, now in use; None when there is none, or it was no gain."""
    if memory is None:
        return None
    stem = folder_of(memory, player_id) / f"adapter-{_next(memory, player_id)}"
    try:
        scores = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))["config"]["scores"]
        before, after = scores["you"]
    except (OSError, ValueError, KeyError):
        return None
    if after > before * (1 - GAIN):
        for path in stem.parent.glob(f"{stem.name}.*"):
            path.unlink(missing_ok=True)
        return None
    return memory.adapted(player_id, str(stem), scores)


def ready(memory: Memory | None, player_id: int) -> Ready:
    """The adapter in use (after a roll-back: the earlier one), and the memory that goes with it."""
    if memory is None:
        return Ready(None, None)
    with contextlib.suppress(OSError):
        take_up(memory, player_id)
    row = memory.adapter(player_id)
    if row is None:
        return Ready(None, None)
    stem = Path(row["path"])
    recall = stem.with_name(f"recall-{row['version']}.npz")
    if not stem.with_suffix(".json").exists():
        return Ready(None, None)
    return Ready(stem, recall if recall.exists() else None, int(row["version"]))


def responder_of(memory: Memory | None, player_id: int, weights: str | Path = WEIGHTS) -> tuple[Recalling, str]:
    """The responder as this player's band plays: his adapter folded in, his music remembered; and a note, "" when all
    is well. What cannot be read is left out. Raises as Responder.load where the base weights are wrong."""
    there, note = ready(memory, player_id), ""
    try:
        base = Responder.load(weights, there.adapter)
    except (OSError, ValueError) as why:
        if there.adapter is None:
            raise
        base, note, there = Responder.load(weights), f"played without the player's adapter: {why}", Ready(None, None)
    try:
        recall = PlayerMemory.load(there.recall) if there.recall else _newest(memory, player_id, base)
    except (OSError, ValueError) as why:
        recall, note = PlayerMemory(), str(why)
    return Recalling.around(base, recall), note


def _newest(memory: Memory | None, player_id: int, responder: Responder) -> PlayerMemory:
    """What was liked last, remembered now: before the first practice, and after it was rolled back."""
    if memory is None:
        return PlayerMemory()
    songs, ticks = [], 0
    for song in reversed(played_pieces.kept(folder_of(memory, player_id) / "material")):
        if any(song.has) and ticks < RECALLED_TICKS:
            songs.append(song)
            ticks += len(song)
    return remembered(responder, reversed(songs))
