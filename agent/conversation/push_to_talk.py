"""`PushToTalk` turns what is said into the session's own microphone into a sentence: a key before and after it.

The band's sound is taken out first (listener/echo.py); recognition (agent/language/speech_input.py) runs in a thread.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from math import gcd
from threading import Thread

import numpy as np

from agent.core.errors import UserError
from agent.core.os_process import set_nice_beside
from agent.language import speech_input
from listener.capture import Framer
from listener.echo import EchoCanceller
from listener.types import ANALYSIS_RATE, Samples

log = logging.getLogger(__name__)

LEARNS_S = 12.0  # of sound before the sentence, from which the room is learned
NICE = 2  # half a second of processor, for which somebody waits
HEARS = "I am listening: say it, then press again"
NOTHING_UNDERSTOOD = "No sentence was understood; short orders are, such as: less snare, lay back, undo that."
Heard = tuple[Samples, Samples, int]  # the microphone, what the band sounded (mono, as long), samples a second


class PushToTalk:
    """recent: returns the last so many seconds of both. Call it from the parent's loop only."""

    def __init__(self, recent: Callable[[float], Heard | None], now_s: Callable[[], float] = time.monotonic) -> None:
        self._recent, self._now_s = recent, now_s
        self._since_s: float | None = None
        self._said: list[str] = []
        self._thread: Thread | None = None

    def press(self) -> str:
        """Begin to listen, or end it; return what is done, in one line. Raises UserError without the extra [voice]."""
        if not speech_input.available():
            raise UserError(speech_input.NO_EXTRA)
        if self._thread is not None and self._thread.is_alive():
            raise UserError("the sentence before is still being recognised; say it again in a moment")
        if self._since_s is None:
            self._since_s = self._now_s()
            return HEARS
        seconds, self._since_s = min(self._now_s() - self._since_s, speech_input.LONGEST_S), None
        heard = self._recent(seconds + LEARNS_S)
        if heard is None:
            raise UserError("nothing is heard yet; try again when the session listens")
        self._thread = Thread(target=self._understand, args=(heard, seconds), name="voice", daemon=True)
        self._thread.start()
        return "let me see what that was"

    def _understand(self, heard: Heard, seconds: float) -> None:
        set_nice_beside(NICE)
        words = ""
        try:
            words = speech_input.words_of(voice_of(*heard, seconds))
        except Exception:
            log.exception("voice: could not be understood")
        self._said.append(words)  # `take` may have begun another list meanwhile

    def take(self) -> list[str]:
        """Return the sentences that were understood since the last call, "" for one that was not."""
        said, self._said = self._said, []
        return said


def voice_of(mic: Samples, band: Samples, rate: int, seconds: float) -> Samples:
    """Return the last seconds of the microphone without the band, float32 [n] at speech_input.SAMPLE_RATE.

    mic, band: float32 [n] at rate; what comes before is what the room is learned from.
    """
    from scipy.signal import resample_poly  # the parent's start does not wait for it

    mics, bands, canceller = Framer(rate).push(mic), Framer(rate).push(band), EchoCanceller(ducks=False)
    frames = [canceller.step(one.samples, other.samples) for one, other in zip(mics, bands, strict=True)]
    if not frames:
        return np.zeros(0, np.float32)
    clean = np.concatenate(frames)[-round(seconds * ANALYSIS_RATE) :]
    common = gcd(ANALYSIS_RATE, speech_input.SAMPLE_RATE)
    ratio = speech_input.SAMPLE_RATE // common, ANALYSIS_RATE // common
    return np.asarray(resample_poly(clean, *ratio), np.float32)
