"""Reads the bodies of requests, bounded."""

from __future__ import annotations

import json

from starlette.requests import Request

from agent.core.errors import UserError
from agent.core.yaml_file import Value

JSON_MAX = 1 << 16


async def body(request: Request, most: int) -> bytes:
    """Return a request's body. Raises UserError for one of more than `most` bytes."""
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > most:
            raise UserError(f"too long: at most {most} bytes")
    return data


async def json_body(request: Request) -> dict[str, Value]:
    """Return the JSON object of a request; {} where it is none. Raises UserError for one that is too long."""
    data = await body(request, JSON_MAX)
    try:
        found: Value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else {}
