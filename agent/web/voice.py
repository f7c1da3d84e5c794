"""Push-to-talk: what the phone's microphone recorded becomes a sentence, recognised on this machine."""

from __future__ import annotations

import asyncio

import numpy as np
from starlette.requests import Request

from agent.core.errors import UserError
from agent.language import speech_input
from agent.web.request_body import body

BYTES_MAX = 2 * round(speech_input.SAMPLE_RATE * speech_input.LONGEST_S) + 8_192
SHORTEST_S = 0.25


class Voice:
    """Recognises one recording at a time, in a thread."""

    def __init__(self) -> None:
        self._recognising = asyncio.Lock()

    async def words(self, request: Request) -> str:
        """Return what was said in a request's body, 16-bit samples, mono, 16 kHz.

        Raises UserError without the extra [voice], for what is no such recording and where no sentence was understood.
        """
        data = await body(request, BYTES_MAX)
        if len(data) % 2 or len(data) < 2 * SHORTEST_S * speech_input.SAMPLE_RATE:
            raise UserError("that was too short; hold the button while you speak")
        samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32_768)
        if self._recognising.locked():
            raise UserError("the sentence before is still being recognised; say it again in a moment")
        async with self._recognising:
            words = await asyncio.to_thread(speech_input.words_of, samples)
        if not words:
            raise UserError("no sentence was understood; short orders are, such as: less snare, lay back, undo that")
        return words
