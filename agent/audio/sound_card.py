"""Runs a sound card's stream, whose callback only copies one block each way and stamps the time.

The callback is machine code where that can be (card_callback.py); the one in Python here does the same.
A card may be opened before the stream needs it and closed after: it uses the rings only while it is attached.
Sample k of the playback ring is what is played when sample k of the microphone comes in, so a block that was not
rendered in time is lost and never delays what follows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.audio import card_callback as machine
from agent.audio import device_list
from agent.audio.portaudio import BothWays, Flags, OneWay, OpenStream, Options, PortAudio
from agent.audio.portaudio import Samples as Block
from agent.core.errors import UserError
from listener.ring import Reader, Ring

XRUNS, MISSING, BLOCKS = range(3)
BURSTS = machine.BURSTS  # bursts of callbacks that are looked back on
NARROW_MAX = 8192  # samples that are folded to one loudspeaker in one go
ONE_CLOCK_APIS = frozenset({"JACK Audio Connection Kit"})  # every device of these runs by the server's clock


def has_own_period(*apis: str) -> bool:
    """Return whether all of these host APIs ("" = none) call back with the server's own period."""
    named = {api for api in apis if api}
    return bool(named) and named <= ONE_CLOCK_APIS


@dataclass(frozen=True, slots=True)
class Latency:
    """A card's latencies: seconds from the air to the callback, and from the callback to the air."""

    input_s: float = 0.0
    output_s: float = 0.0


MOST_LATENCY_S = 5.0  # more than any card or network has


@dataclass(frozen=True, slots=True)
class Pair:
    """The devices of one card and how many of their channels are used."""

    input_device: int | None
    output_device: int | None
    input_channels: int = 1
    output_channels: int = 2
    two_clocks: bool = False
    own_period: bool = False  # the host's period is the block: JACK's, where PortAudio's own blocks add one of latency


def _number(at: int) -> property:
    """A property kept in the array of integers that the callback reads and writes."""
    return property(lambda self: int(self.state[at]), lambda self, value: self.state.__setitem__(at, value))


def _moment(at: int) -> property:
    return property(lambda self: float(self.times[at]), lambda self, value: self.times.__setitem__(at, value))


class Stream:
    """A stream's stamp: the sample count after the last block and its monotonic second."""

    _burst, _n_bursts = _number(machine.BURST), _number(machine.N_BURSTS)
    _asked_s, seen_s = _moment(machine.ASKED_S), _moment(machine.SEEN_S)

    def __init__(self, rate: int, ring: Ring, playback: Reader | None) -> None:
        self.rate, self.ring, self.playback = rate, ring, playback
        self.latency = Latency()
        self.state, self.times = np.zeros(machine.SIZE, np.int64), np.zeros(4)  # the callback's
        self.state[machine.ATTACHED] = True
        self.counts = self.state[machine.XRUNS : machine.BLOCKS + 1]
        self._stamp = self.times[machine.STAMP_SAMPLES : machine.STAMP_S + 1]  # samples, monotonic seconds
        self._bursts = self.state[machine.BURSTS_AT :][:BURSTS]  # samples asked for in the newest bursts

    @property
    def asks(self) -> int:
        """How many samples the device asks for at once: the median of its newest bursts; 0 before the first two.

        A host that cuts its period into callbacks asks for all of them within a moment.
        """
        known = sorted(self._bursts[: min(self._n_bursts, BURSTS)].tolist())
        return int((known[(len(known) - 1) // 2] + known[len(known) // 2]) / 2) if known else 0

    def _count_burst(self, frames: int, now_s: float) -> None:
        """The callback's: one more call for so many samples."""
        if now_s - self._asked_s < machine.QUARTER * frames / self.rate:
            self._burst += frames
        else:
            if self._burst:
                self._bursts[self._n_bursts % BURSTS] = self._burst
                self._n_bursts += 1
            self._burst = frames
        self._asked_s = now_s

    def stamp(self) -> tuple[int, float]:
        """(samples, monotonic seconds) of the last block; read twice in case the callback is writing it."""
        while True:
            samples, at_s = self._stamp
            if samples == self._stamp[0]:
                return int(samples), float(at_s)


class SoundCard(Stream):
    """A sounddevice stream: input, output or both.

    pair: its devices, as PortAudio numbers them; sent: a ring to which the loudspeaker's samples are copied,
    sample k beside sample k of the microphone. measured: returns the latency for what the card says of it. Raises
    UserError where it does not open. One thread opens and closes it; the main loop calls `attach` and `detach`.
    """

    attached = _number(machine.ATTACHED)  # whether the callback touches the rings
    quiet = _number(machine.QUIET)  # whether what is missing now is silence anyway
    _position = _number(machine.POSITION)  # of the stream, where the card is only played to
    _two_clocks = False
    _narrow: NDArray[np.float32] | None = None

    def __init__(
        self,
        pair: Pair,
        rate: int,
        block_samples: int,
        ring: Ring,
        playback: Reader | None,
        reads_input: bool = True,
        sent: Ring | None = None,
        name: str = "",
        api: str = "",
        measured: Callable[[Latency], Latency] = lambda said: said,
    ) -> None:
        super().__init__(rate, ring, playback)
        self._block, self._sent, self._reads = block_samples, sent, reads_input
        self.name, self.api = name, api
        self.out_stamp = np.zeros(2)  # likewise of an output with a clock of its own: samples played, monotonic seconds
        wide = playback.ring.channels if playback else 0
        if playback and pair.output_channels < wide:
            self._narrow = np.zeros((NARROW_MAX, wide), np.float32)
        self._two_clocks = pair.two_clocks
        if pair.own_period:
            self._block = 0
        sd = device_list.sounddevice()
        try:
            self._streams = self._open(sd, pair)
        except (sd.PortAudioError, ValueError) as cause:
            raise UserError(
                f"the sound card would not open at {rate} Hz ({cause}); "
                "see `antiphon devices`, or set audio.input, audio.output, audio.sample_rate"
            ) from None
        only_plays = playback is not None and not reads_input
        self.latency = measured(latency_of(self._streams, 2 * block_samples / rate, only_plays))

    def _open(self, sd: PortAudio, pair: Pair) -> list[OpenStream]:
        same: Options = {"samplerate": self.rate, "blocksize": self._block, "dtype": "float32", "latency": "low"}
        source: Options = {"device": pair.input_device, "channels": pair.input_channels, **same}
        sink: Options = {"device": pair.output_device, "channels": pair.output_channels, **same}
        if not self.playback:
            return [self._opened(sd, pair, sd.InputStream, "input", machine.INPUT, self._input, source)]
        if not self._reads:
            return [self._opened(sd, pair, sd.OutputStream, "output", machine.OUTPUT, self._output, sink)]
        if pair.two_clocks:
            heard = sd.InputStream(callback=self._input, **source)
            return [heard, sd.OutputStream(callback=self._own_output, **sink)]
        devices, channels = (pair.input_device, pair.output_device), (pair.input_channels, pair.output_channels)
        both: Options = {"device": devices, "channels": channels, **same}
        return [self._opened(sd, pair, sd.Stream, "duplex", machine.DUPLEX, self._duplex, both)]

    def _opened(
        self,
        sd: PortAudio,
        pair: Pair,
        of: type[OpenStream],
        kind: str,
        mode: int,
        python: OneWay | BothWays,
        given: Options,
    ) -> OpenStream:
        """Open a stream with the callback in machine code, or, where there is none, the one in Python."""
        address = machine.address()
        if not address:
            return of(callback=python, **given)
        self.set_up_callback(pair, mode)
        stream = of.__new__(of)
        function, own = sd._ffi.cast("PaStreamCallback *", address), sd._ffi.cast("void *", self.state.ctypes.data)
        sd._StreamBase.__init__(stream, kind, callback=function, userdata=own, **given)
        return stream

    def set_up_callback(self, pair: Pair, mode: int) -> None:
        """Tell the callback in machine code what it reads and writes."""
        state = self.state
        state[machine.MODE], state[machine.RATE] = mode, self.rate
        state[machine.IN_CHANNELS], state[machine.OUT_CHANNELS] = pair.input_channels, pair.output_channels
        machine.describe(state, self.times, machine.MIC_AT, self.ring)
        machine.describe(state, self.times, machine.PLAY_AT, self.playback.ring if self.playback else None)
        machine.describe(state, self.times, machine.SENT_AT, self._sent)

    # -- the callbacks ----------------------------------------------------------------------------------------

    def _duplex(self, indata: Block, outdata: Block, frames: int, when: object, status: Flags) -> None:
        playback = self.playback
        if playback is None or not self.attached:
            self._idle(outdata, frames)
            return
        playback.position = self.ring.written
        self.ring.write(indata)
        missing = self._play(playback, outdata)
        if self._sent is not None:
            self._sent.write(outdata)
        self._mark(self.ring.written, frames, status or missing)

    def _input(self, indata: Block, frames: int, when: object, status: Flags) -> None:
        if not self.attached:
            self._idle(None, frames)
            return
        self.ring.write(indata)
        self._mark(self.ring.written, frames, status)

    def _output(self, outdata: Block, frames: int, when: object, status: Flags) -> None:
        """The card is only played to: it counts what it played."""
        playback = self.playback
        if playback is None or not self.attached:
            self._idle(outdata, frames)
            return
        playback.position = self._position
        missing = self._play(playback, outdata)
        self._position += frames
        self._mark(self._position, frames, status or missing)

    def _own_output(self, outdata: Block, frames: int, when: object, status: Flags) -> None:
        """An output with a clock of its own: its reader runs freely, the main loop resamples to meet it."""
        playback = self.playback
        if playback is not None and self.attached:
            at = playback.position
            missing = self._play(playback, outdata)
            playback.position = at + frames  # what was missing is lost, not late
            self.counts[XRUNS] += bool(status or missing)
            self.out_stamp[1] = time.monotonic()
            self.out_stamp[0] = at + frames
        else:
            outdata.fill(0)

    def _idle(self, outdata: Block | None, frames: int) -> None:
        if outdata is not None:
            outdata.fill(0)
        self.counts[BLOCKS] += 1
        self.seen_s = time.monotonic()
        self._count_burst(frames, self.seen_s)

    def _play(self, playback: Reader, outdata: Block) -> bool:
        """Fill `outdata` from the playback ring; return whether samples were missing that would have been heard."""
        missing = 0
        if self._narrow is None:
            missing = playback.read_into(outdata)
        else:  # one loudspeaker for a stereo band
            for start in range(0, len(outdata), NARROW_MAX):
                part = outdata[start : start + NARROW_MAX]
                missing += playback.read_into(self._narrow[: len(part)])
                np.mean(self._narrow[: len(part)], axis=1, keepdims=True, out=part)
        if not missing or self.quiet:
            return False
        self.counts[MISSING] += missing
        return True

    def _mark(self, samples: int, frames: int, trouble: Flags) -> None:
        self.counts[BLOCKS] += 1
        if trouble:
            self.counts[XRUNS] += 1
        self.seen_s = time.monotonic()
        self._count_burst(frames, self.seen_s)
        self._stamp[1] = self.seen_s
        self._stamp[0] = samples

    # -- the main loop's --------------------------------------------------------------------------------------

    def attach(self, position: int) -> None:
        """From the next block on the rings are filled and played; that block is the stream's from `position` on."""
        self._position = position
        self._stamp[:] = position, self.seen_s
        self.out_stamp[:] = 0
        self.attached = True

    def detach(self) -> None:
        """The rings are someone else's: what comes from now on is not heard, silence is played."""
        self.attached = False

    def played(self) -> tuple[int, float]:
        """Of an output with a clock of its own: samples played, and the monotonic second; (0, 0) before the first."""
        while True:
            samples, at_s = self.out_stamp
            if samples == self.out_stamp[0]:
                return int(samples), float(at_s)

    @property
    def two_clocks(self) -> bool:
        return self._two_clocks

    # -- whoever opened it ------------------------------------------------------------------------------------

    def start(self) -> None:
        for stream in self._streams:
            stream.start()

    @property
    def alive(self) -> bool:
        return all(bool(stream.active) for stream in self._streams)

    def close(self) -> None:
        for stream in self._streams:
            stream.abort()
            stream.close()


def latency_of(streams: Sequence[OpenStream], usual_s: float, only_plays: bool = False) -> Latency:
    """Return the latencies that a card's stream or streams report; what cannot be is taken for usual_s.

    PipeWire's JACK says 2^32 samples of a port that leads to no device.
    """
    pair = (0.0, 0.0)
    match [stream.latency for stream in streams]:
        case [tuple(both)]:
            pair = both
        case [float(one_s)]:
            pair = (0.0, one_s) if only_plays else (one_s, 0.0)
        case [float(heard_s), float(played_s)]:
            pair = heard_s, played_s
    return Latency(*(float(told_s) if 0.0 <= told_s <= MOST_LATENCY_S else usual_s for told_s in pair))
