"""Plays a take in a loop through the sound card and changes to another take at the next bar line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.audio import device_list
from agent.core.errors import UserError
from agent.core.settings import AudioConfig

Sound = NDArray[np.float32]
Cut = tuple[Sound, NDArray[np.int64]]  # stereo [n, 2], and the samples at which its bars begin, the end included


class Round:
    """The looped take. The callback calls fill(), which only copies; any other thread may call follow()."""

    def __init__(self) -> None:
        self._now: Cut | None = None
        self._next: Cut | None = None
        self._at, self._bar = 0, 0

    def follow(self, sound: Sound, bars: NDArray[np.int64]) -> None:
        """From the next bar line on; at once where nothing sounds yet. ValueError for bars that are none."""
        if len(bars) < 2 or bars[0] != 0 or np.any(np.diff(bars) <= 0) or bars[-1] > len(sound):
            raise ValueError(f"bars at {bars[:4]} ... of {len(sound)} samples: they must be rising from 0 to the end")
        self._next = (np.ascontiguousarray(sound, np.float32), bars)

    def fill(self, out: Sound) -> None:
        """The next samples [n, 2]; silence before the first take."""
        done = 0
        if self._now is None and self._next is not None:
            self._now, self._next = self._next, None
        while done < len(out):
            if self._now is None:
                out[done:] = 0.0
                return
            sound, bars = self._now
            run = min(len(out) - done, int(bars[self._bar + 1]) - self._at)
            out[done : done + run] = sound[self._at : self._at + run]
            done, self._at = done + run, self._at + run
            if self._at == bars[self._bar + 1]:
                self._turn()

    def _turn(self) -> None:
        """A bar line: on in this take, round to its beginning, or into the next take at the same bar."""
        assert self._now
        if self._next is not None:
            self._now, self._next = self._next, None
        bars = self._now[1]
        self._bar = (self._bar + 1) % (len(bars) - 1)
        self._at = int(bars[self._bar])


class Playback:
    """Plays takes through the loudspeaker. Raises UserError where there is none."""

    def __init__(self, audio: AudioConfig, rate: int) -> None:
        card = device_list.find_card(audio, wants_input=False)
        if card is None or card.output_device is None:
            raise UserError("no sound card to play to; leave --play out: the mixes are written as files all the same")
        self._round = Round()
        sound = device_list.sounddevice()
        try:
            self._stream: Any = sound.OutputStream(
                device=card.output_device, samplerate=rate, channels=2, dtype="float32", callback=self._callback
            )
            self._stream.start()
        except (sound.PortAudioError, ValueError) as cause:
            raise UserError(f"the sound card would not open at {rate} Hz ({cause}); see `antiphon devices`") from None

    def _callback(self, out: Sound, frames: int, when: Any, status: Any) -> None:
        self._round.fill(out)

    def play(self, sound: Sound, bars: NDArray[np.int64]) -> None:
        """From the next bar line on."""
        self._round.follow(sound, bars)

    def close(self) -> None:
        self._stream.abort()
        self._stream.close()
        device_list.release()
