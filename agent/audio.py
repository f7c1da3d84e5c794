"""Where sound comes from and goes to: the sound card's one callback, or a file played at the pace of a clock.

Both write into the same ring and stamp the same clock; after the ring nothing can tell them apart.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent import devices
from agent.errors import UserError
from listener.capture import AudioFile
from listener.ring import Reader, Ring

XRUNS, MISSING, BLOCKS = range(3)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from the air to the callback, and from the callback to the air."""

    input_s: float = 0.0
    output_s: float = 0.0


class Stream:
    """What both kinds have in common: the ring they fill and the moment of the last block."""

    def __init__(self, rate: int, ring: Ring, playback: Reader | None) -> None:
        self.rate, self.ring, self.playback = rate, ring, playback
        self.latency = Latency()
        self.counts = np.zeros(3, np.int64)
        self._stamp = np.zeros(2)  # samples, monotonic seconds

    def stamp(self) -> tuple[int, float]:
        """(samples, monotonic seconds) of the last block; read twice in case the callback is writing it."""
        while True:
            samples, at_s = self._stamp
            if samples == self._stamp[0]:
                return int(samples), float(at_s)


class SoundCard(Stream):
    """A sounddevice stream: input, output or both. The callback copies one block each way and stamps the time."""

    def __init__(
        self,
        input_device: int | None,
        output_device: int | None,
        rate: int,
        block_samples: int,
        ring: Ring,
        playback: Reader | None,
        reads_input: bool = True,
        sent: Ring | None = None,
    ) -> None:
        """sent: where what leaves for the loudspeaker is written too, sample k beside sample k of the microphone."""
        sd = devices.sounddevice()

        super().__init__(rate, ring, playback)
        self._block, self._sent = block_samples, sent
        settings: dict[str, Any] = {
            "samplerate": rate,
            "blocksize": block_samples,
            "dtype": "float32",
            "latency": "low",
        }
        try:
            if reads_input and playback:
                both, channels = (input_device, output_device), (ring.channels, playback.ring.channels)
                self._stream = sd.Stream(device=both, channels=channels, callback=self._duplex, **settings)
            elif reads_input:
                self._stream = sd.InputStream(
                    device=input_device, channels=ring.channels, callback=self._input, **settings
                )
            else:
                assert playback
                self._stream = sd.OutputStream(
                    device=output_device, channels=playback.ring.channels, callback=self._output, **settings
                )
        except (sd.PortAudioError, ValueError) as cause:
            raise UserError(
                f"the sound card would not open at {rate} Hz ({cause}); "
                "see `antiphon devices`, or set audio.input, audio.output, audio.sample_rate"
            ) from None
        self.latency = _latency(self._stream)

    def _duplex(self, indata: Any, outdata: Any, frames: int, when: Any, status: Any) -> None:
        self.ring.write(indata)
        self._play(outdata, status)
        if self._sent is not None:
            self._sent.write(outdata)

    def _input(self, indata: Any, frames: int, when: Any, status: Any) -> None:
        self.ring.write(indata)
        self._mark(status)

    def _output(self, outdata: Any, frames: int, when: Any, status: Any) -> None:
        self._play(outdata, status)

    def _play(self, outdata: Any, status: Any) -> None:
        assert self.playback
        self.counts[MISSING] += self.playback.read_into(outdata)
        self._mark(status)

    def _mark(self, status: Any) -> None:
        self.counts[BLOCKS] += 1
        if status:
            self.counts[XRUNS] += 1
        self._stamp[1] = time.monotonic()
        self._stamp[0] = self.counts[BLOCKS] * self._block

    def start(self) -> None:
        self._stream.start()

    @property
    def alive(self) -> bool:
        return bool(self._stream.active)

    @property
    def played(self) -> int:
        """Samples the callback has been asked for."""
        return int(self.counts[BLOCKS]) * self._block

    def close(self) -> None:
        self._stream.abort()
        self._stream.close()


def _latency(stream: Any) -> Latency:
    given = stream.latency
    if isinstance(given, tuple):
        return Latency(given[0], given[1])
    return Latency(0.0, given) if hasattr(stream, "write") else Latency(given, 0.0)


class FilePlayback(Stream):
    """A file read into the ring at the pace of a clock: now_samples() says how far it should be."""

    def __init__(self, sound: AudioFile, block_samples: int, ring: Ring) -> None:
        super().__init__(sound.rate, ring, None)
        self._sound, self._block = sound, block_samples
        self.failed = ""  # why the file could not be read to its end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="file", daemon=True)
        self.pace: Callable[[], float] = self._elapsed_samples
        self._started_s = 0.0

    def start(self) -> None:
        self._started_s = time.monotonic()
        self._thread.start()

    def follow(self, card: SoundCard) -> None:
        """Read as fast as this sound card plays instead of by the system's clock."""
        self.pace = lambda: float(card.played)

    def _elapsed_samples(self) -> float:
        return (time.monotonic() - self._started_s) * self.rate

    def _run(self) -> None:
        try:
            for block in self._sound.blocks(self._block):
                while self.ring.written + len(block) > self.pace():
                    if self._stop.wait(0.001):
                        return
                self.ring.write(block[:, None])
                self.counts[BLOCKS] += 1
                self._stamp[1] = self._started_s + self.ring.written / self.rate
                self._stamp[0] = self.ring.written
        except Exception as cause:  # a file that breaks off is the end of the music, not of the session
            self.failed = f"{self._sound.path}: could not be read to its end ({cause})"
        self.ring.end()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
