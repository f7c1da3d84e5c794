"""Shows the takes over recorded riffs (`antiphon workshop`) to the page: lists, sound, names.

Nothing outside the takes folder is read or written: a riff is a folder of that name in the listing, no link is
followed, and a take is a file of that number.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from agent.core import stored
from agent.core.errors import UserError
from agent.core.stored import StreamTime, Word
from agent.core.whole_file import write_whole
from agent.web.request_body import json_body

RIFFS_MAX, TAKES_MAX, NAME_MAX = 40, 200, 40
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class About:
    """What the page shows of a take; see Sheet in agent/takes/take_files.py, whose files it reads."""

    number: Annotated[int, Meta(ge=0, le=1_000_000)]
    says: str
    name: str
    key: Word
    tempo_bpm: Annotated[float, Meta(ge=5.0, le=2_000.0)]
    end_s: StreamTime


@dataclass(frozen=True, slots=True)
class Riff:
    """A riff that has takes with sound: its folder's name, and its takes by number."""

    riff: str
    takes: tuple[About, ...]


class Takes:
    """The takes in one folder, a folder a riff. Raises UserError for what there is not, or what cannot be done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def all(self) -> list[Riff]:
        """Return each riff that has takes with sound, the newest first."""
        found = [Riff(riff, self._takes(riff)) for riff in sorted(self._riffs(), reverse=True)[:RIFFS_MAX]]
        return [one for one in found if one.takes]

    def sound(self, riff: str, number: int) -> Path:
        """Return a take's sound file, to be sent."""
        path = self._at(riff) / f"take-{number:03d}.wav"
        if path.is_symlink() or not path.is_file():
            raise UserError(f"{riff} has no sound of take {number}")
        return path

    def name(self, riff: str, number: int, name: str) -> str:
        """Keep a take's name; return it as it is kept."""
        path = self._at(riff) / f"take-{number:03d}.json"
        kept = "".join(c for c in name if c.isprintable())[:NAME_MAX].strip()
        try:
            whole = stored.read(path, dict[str, msgspec.Raw])
            whole["name"] = msgspec.Raw(msgspec.json.encode(kept))
            write_whole(path, msgspec.json.encode(whole))
        except stored.Damaged:
            raise UserError(f"{riff}: take {number} is damaged and cannot be named") from None
        except OSError as cause:
            raise UserError(f"{riff}: take {number} was not named: {cause.strerror or cause}") from None
        return kept

    def _riffs(self) -> list[str]:
        try:
            with os.scandir(self._folder) as found:
                return [one.name for one in found if one.is_dir(follow_symlinks=False) and not one.name.startswith(".")]
        except OSError:
            return []

    def _at(self, riff: str) -> Path:
        if riff not in self._riffs():
            raise UserError(f"no takes of {riff!r}; the list shows all")
        return self._folder / riff

    def _takes(self, riff: str) -> tuple[About, ...]:
        found = []
        for path in sorted((self._folder / riff).glob("take-*.json"))[:TAKES_MAX]:
            try:
                about: About = stored.read(path, About)
                self.sound(riff, about.number)
            except (OSError, stored.Damaged, UserError):
                continue
            found.append(about)
        return tuple(found)


def take_routes(takes: Takes, paired: Callable[[Endpoint], Endpoint]) -> list[Route]:
    """Return the routes below /api/takes. paired: lets paired devices only."""

    async def every(_: Request) -> Response:
        return JSONResponse([asdict(one) for one in await asyncio.to_thread(takes.all)])

    async def sound(request: Request) -> Response:
        return FileResponse(takes.sound(request.path_params["riff"], request.path_params["number"]))

    async def name(request: Request) -> Response:
        given = str((await json_body(request)).get("name", ""))
        kept = await asyncio.to_thread(takes.name, request.path_params["riff"], request.path_params["number"], given)
        return JSONResponse({"ok": True, "says": f"take {request.path_params['number']} is {kept!r}", "name": kept})

    at = "/api/takes/{riff}/{number:int}"
    return [
        Route("/api/takes", paired(every)),
        Route(f"{at}/sound", paired(sound)),
        Route(f"{at}/name", paired(name), methods=["POST"]),
    ]
