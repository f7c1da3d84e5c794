"""Pairs phones with this machine: a short code, good once, becomes a token that is kept as a hash alone.

`web.json` in the state folder, 0600, holds both. Every change is made under a lock and written beside, then renamed, so
that the server and `antiphon web pair` may work on it at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from agent.core import stored
from agent.core.errors import UserError
from agent.core.whole_file import write_whole

FILE = "web.json"
LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that looks like another
CODE_LETTERS = 8  # 39 bits
CODE_S = 600.0
TOKENS_MAX = 32
CODES_MAX = 8
NAME_MAX = 40


@dataclass(frozen=True, slots=True)
class Device:
    """A paired device. id: to revoke it by; made_s, seen_s: wall-clock seconds."""

    id: str
    name: str
    made_s: float
    seen_s: float


@dataclass(frozen=True, slots=True)
class Token:
    """A device as it is kept: of its token only the hash."""

    id: str
    hash: str
    name: str
    made_s: float
    seen_s: float

    @property
    def device(self) -> Device:
        return Device(self.id, self.name, self.made_s, self.seen_s)


@dataclass(frozen=True, slots=True)
class Code:
    """A code that was shown and not yet used: its hash, and the wall-clock second until which it counts."""

    hash: str
    until_s: float


@dataclass(slots=True)
class Kept:
    """What web.json holds, the oldest first."""

    tokens: list[Token] = field(default_factory=list)
    codes: list[Code] = field(default_factory=list)


class Tokens:
    """The pairings of one state folder. now_s: the wall clock, replaceable for tests.

    Raises UserError where the folder cannot be written.
    """

    def __init__(self, folder: Path, now_s: Callable[[], float] = time.time) -> None:
        self._path, self._now_s = folder / FILE, now_s
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as cause:
            raise UserError(f"{folder}: {cause.strerror or cause}; set paths.state to a folder you may write") from None

    def new_code(self) -> str:
        """Return a code that pairs one device within CODE_S seconds."""
        code = "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))
        with self._changed() as kept:
            kept.codes = [*kept.codes, Code(_hash(code), self._now_s() + CODE_S)][-CODES_MAX:]
        return code

    def pair(self, code: str, name: str) -> str | None:
        """Return the new device's token for a code that counts; None for any other."""
        wanted = _hash("".join(code.lower().split()).replace("-", ""))
        with self._changed() as kept:
            rest = [one for one in kept.codes if not hmac.compare_digest(one.hash, wanted)]
            if len(rest) == len(kept.codes):
                return None
            token = secrets.token_urlsafe(32)
            shown = "".join(c for c in name if c.isprintable())[:NAME_MAX].strip() or "a device"
            now_s = self._now_s()
            new = Token(secrets.token_hex(3), _hash(token), shown, now_s, now_s)
            kept.codes, kept.tokens = rest, [*kept.tokens, new][-TOKENS_MAX:]
            return token

    def device(self, token: str) -> Device | None:
        """Return whose token this is; None for one that was never given or was revoked."""
        wanted = _hash(token)
        found = (one.device for one in self._read().tokens if hmac.compare_digest(one.hash, wanted))
        return next(found, None)

    def device_by_id(self, id: str) -> Device | None:
        """Return the device of this id; None for one that was revoked."""
        return next((one for one in self.devices() if one.id == id), None)

    def seen(self, id: str) -> None:
        """Note that a device is here now."""
        with self._changed() as kept:
            kept.tokens = [replace(one, seen_s=self._now_s()) if one.id == id else one for one in kept.tokens]

    def devices(self) -> list[Device]:
        """Return the paired devices, the newest last."""
        return [one.device for one in self._read().tokens]

    def revoke(self, which: str) -> list[Device]:
        """Revoke the device of this id or name, or `all`; return those that are revoked."""
        gone = [one for one in self.devices() if which in ("all", one.id, one.name)]
        with self._changed() as kept:
            ids = {one.id for one in gone}
            kept.tokens = [one for one in kept.tokens if one.id not in ids]
            if which == "all":
                kept.codes = []
        return gone

    @contextlib.contextmanager
    def _changed(self) -> Iterator[Kept]:
        """Read, let the caller change, write. Raises UserError where it cannot be written."""
        try:
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = self._read()
                yield kept
                write_whole(self._path, json.dumps(asdict(kept)).encode(), mode=0o600)
            finally:
                os.close(lock)
        except OSError as cause:
            raise UserError(f"{self._path}: {cause.strerror or cause}; the pairing was not kept") from None

    def _read(self) -> Kept:
        """Return what is kept; a damaged file counts as no pairing at all."""
        try:
            found: Kept = stored.read(self._path, Kept)
        except (OSError, stored.Damaged):
            return Kept()
        codes = [one for one in found.codes if one.until_s > self._now_s()]
        return Kept(found.tokens[-TOKENS_MAX:], codes[-CODES_MAX:])


def _hash(secret: str) -> str:
    """A token and a code are drawn at random, so a plain hash cannot be searched in the time they count."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
