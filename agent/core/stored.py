"""Reads what was stored and may have been damaged since: checked against a schema, bounded, links and pipes refused.

A schema is any type that msgspec knows: a dataclass, a Struct, Annotated[int, Meta(ge=0, le=127)] ...
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from listener.plain_file import read_plain

MOST_BYTES = 4 << 20  # of a file of settings or facts
MOST_STREAM_S = 200_000.0  # of a session: two days

Pitch = Annotated[int, Meta(ge=0, le=127)]
Velocity = Annotated[int, Meta(ge=0, le=127)]
StreamTime = Annotated[float, Meta(ge=-60.0, le=MOST_STREAM_S)]
Duration = Annotated[float, Meta(ge=0.0, le=MOST_STREAM_S)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Word = Annotated[str, Meta(max_length=80)]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | None"
T = TypeVar("T")


class Damaged(ValueError):
    """What was stored does not fit its schema; the message says where, in one line."""


def decode(data: bytes | str, kind: type[T]) -> T:
    """Return the JSON as a value of this type. Raises Damaged."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError, ValueError, TypeError) as cause:
        raise Damaged(_reason(cause)) from None


def convert(value: object, kind: type[T]) -> T:
    """Return plain data as a value of this type. Raises Damaged."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError, ValueError, TypeError) as cause:
        raise Damaged(_reason(cause)) from None


def each(rows: Iterable[msgspec.Raw], kind: type[T]) -> tuple[tuple[T, ...], Damaged | None]:
    """Return the rows that fit, and what is wrong with the first that does not."""
    found, bad = list[T](), None
    for row in rows:
        try:
            found.append(decode(bytes(row), kind))
        except Damaged as cause:
            bad = bad or cause
    return tuple(found), bad


def read(path: Path, kind: type[T], most_bytes: int = MOST_BYTES) -> T:
    """Return what a JSON file holds. Raises OSError, and Damaged for what does not fit."""
    return decode(read_plain(path, most_bytes, follow_links=False), kind)


def set_aside(path: Path) -> Path:
    """Move a damaged file to a free name beside it and return that. Raises OSError."""
    taken = (path.with_name(f"{path.name}.damaged{f'-{number}' if number > 1 else ''}") for number in range(1, 1_000))
    aside = next((one for one in taken if not one.exists() and not one.is_symlink()), None)
    if aside is None:
        raise OSError(0, "a thousand damaged files lie there already", str(path))
    shutil.move(path, aside)
    return aside


def _reason(cause: Exception) -> str:
    lines = str(cause).splitlines()
    return lines[0][:200] if lines else type(cause).__name__
