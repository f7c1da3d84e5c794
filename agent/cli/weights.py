"""Runs `antiphon weights`, which lists the models' weights and downloads those that do not ship."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from agent.core.errors import UserError
from listener import paths
from listener.weight_file import beside
from models import paths as models_paths
from models.codec import official
from models.codec.official import CHOICE, cached, load_official, url

SHIPPED = {
    "ears": paths.WEIGHTS / "ears",
    "readings": paths.WEIGHTS / "readings",
    "timbre": paths.WEIGHTS / "timbre",
    "codec": models_paths.WEIGHTS / "codec",
    "responder": models_paths.WEIGHTS / "responder",
    "responder-lstm": models_paths.WEIGHTS / "responder-lstm",
    "responder-songs": models_paths.WEIGHTS / "responder-songs",
    "muting": models_paths.WEIGHTS / "muting",
    "timing": models_paths.WEIGHTS / "timing",
    "critic": models_paths.WEIGHTS / "critic",
    "reader": models_paths.WEIGHTS / "reader",
    "copycheck": models_paths.WEIGHTS / "copycheck",
}
OURS = "MIT"  # LICENSES.md
UNSTATED = "none stated"
QUESTION = """Licence: the EnCodec repository puts its code under MIT and states none for these weights (see its
issues 49 and 69); encodec 0.1.1's metadata says CC-BY-NC 4.0. They are not part of Antiphon. Unless Meta says
otherwise, do not use them commercially."""
SIZE = "93 MB"


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the table. state: what is wrong with the file, or "ok"; sha256: empty where there is no file."""

    name: str
    path: Path
    size_bytes: int | None
    sha256: str
    licence: str
    state: str


def entries() -> Iterator[Entry]:
    """What ships, then the official codec, whether it is there or not."""
    for name, stem in SHIPPED.items():
        card = beside(stem, "md")
        yield _entry(name, beside(stem, "safetensors"), f"{OURS}; {card.name}", _said_hash(beside(stem, "json")))
    yield _entry(CHOICE, cached(), f"{UNSTATED}; see fetch", official.SHA256_START)


def show(console: Console | None = None) -> int:
    """Print the table; 1 when something that ships is missing or damaged."""
    console = console or Console(soft_wrap=True)
    table = Table("name", "bytes", "sha256", "licence", "state", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    found = list(entries())
    for entry in found:
        size = "-" if entry.size_bytes is None else f"{entry.size_bytes:,}"
        table.add_row(entry.name, size, entry.sha256[:12] or "-", entry.licence, entry.state)
    console.print(table)
    for entry in found:
        console.print(f"{entry.name:10} {entry.path}", markup=False, highlight=False)
    return 1 if any(entry.state != "ok" for entry in found if entry.name in SHIPPED) else 0


def fetch(name: str, source: str | None = None) -> int:
    """Download `name` unless it is here; UserError when it cannot be had, with what to try."""
    if name != CHOICE:
        raise UserError(f"weights fetch {name}: allowed is {CHOICE}; everything else ships (see `antiphon weights`)")
    if _is_here():
        print(f"already here: {cached()}")
        return 0
    print(f"{source or url()}\n-> {cached()} ({SIZE})\n{QUESTION}", file=sys.stderr)
    try:
        path = official.fetch(source)
        load_official(path)
    except KeyboardInterrupt:
        print("antiphon: stopped; nothing was kept", file=sys.stderr)
        raise
    except (OSError, ValueError) as cause:
        raise UserError(
            f"weights fetch {CHOICE}: {_why(cause)}; try again, or download {url()} in a browser to {cached()}"
        ) from None
    print(f"fetched: {path} ({path.stat().st_size:,} bytes); use it with --codec {CHOICE} or models.codec: {CHOICE}")
    return 0


def _is_here() -> bool:
    try:
        load_official()
    except (OSError, ValueError):
        return False
    return True


def _why(cause: OSError | ValueError) -> str:
    return (str(getattr(cause, "reason", None) or cause).strip().splitlines() or [type(cause).__name__])[0]


def _said_hash(path: Path) -> str:
    """The hash in the JSON beside the weights, "" where it is not to be had."""
    try:
        return str(json.loads(path.read_bytes())["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _entry(name: str, path: Path, licence: str, said: str) -> Entry:
    try:
        data = path.read_bytes()
    except OSError as cause:
        state = "not fetched" if name == CHOICE and not path.exists() else (cause.strerror or "cannot be read")
        return Entry(name, path, None, "", licence, state)
    sha256 = hashlib.sha256(data).hexdigest()
    whole = bool(said) and sha256.startswith(said)
    return Entry(
        name, path, len(data), sha256, licence, "ok" if whole else f"damaged: {said[:8] or 'no hash'} expected"
    )
