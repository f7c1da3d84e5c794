"""Gives the page the recorded sessions: what there is, sound, notes, a zip; names, marks, deletion."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from agent.web.recordings import Recordings, marks_of
from agent.web.request_body import json_body

Endpoint = Callable[[Request], Awaitable[Response]]


def session_routes(
    recordings: Recordings, paired: Callable[[Endpoint], Endpoint], running: Callable[[], str]
) -> list[Route]:
    """Return the routes below /api/sessions. paired: lets paired devices only; running: the folder of the session that
    runs, "" for none."""

    async def sessions(_: Request) -> Response:
        return JSONResponse([asdict(one) for one in await asyncio.to_thread(recordings.all)])

    async def notes(request: Request) -> Response:
        return JSONResponse(asdict(await asyncio.to_thread(recordings.notes, _named(request))))

    async def sound(request: Request) -> Response:
        return FileResponse(recordings.sound(_named(request), request.path_params["file"]))

    async def whole(request: Request) -> Response:
        recordings.sound(_named(request), "session.mid")
        named = {"Content-Disposition": f'attachment; filename="{_named(request)}.zip"'}
        return StreamingResponse(recordings.zip(_named(request)), media_type="application/zip", headers=named)

    async def label(request: Request) -> Response:
        given = await json_body(request)
        name, marks = given.get("name"), given.get("marks")
        wanted = None if marks is None else marks_of(marks)
        kept = recordings.label(_named(request), None if name is None else str(name), wanted)
        return JSONResponse({"ok": True, "says": "kept"} | asdict(kept))

    async def delete(request: Request) -> Response:
        await asyncio.to_thread(recordings.delete, _named(request), running())
        return JSONResponse({"ok": True, "says": "deleted"})

    at = "/api/sessions/{session}"
    return [
        Route("/api/sessions", paired(sessions)),
        Route(f"{at}/notes", paired(notes)),
        Route(f"{at}/zip", paired(whole)),
        Route(f"{at}/label", paired(label), methods=["POST"]),
        Route(f"{at}/delete", paired(delete), methods=["POST"]),
        Route(f"{at}/files/{{file}}", paired(sound)),
    ]


def _named(request: Request) -> str:
    return str(request.path_params["session"])
