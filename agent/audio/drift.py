"""Resamples what is rendered by the microphone's clock so that it can be played by the loudspeaker's clock.

The idea and the loop are zita-ajbridge's (F. Adriaensen, "Controlling adaptive resampling", LAC 2012): a delay-locked
loop on each side gives smooth positions, a second-order loop turns the error between them into a resampling ratio.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from agent.audio.stream_clock import StreamClock
from listener.resampler import KAISER_BETA
from listener.ring import Ring

Block = NDArray[np.float32]

HALF, PHASES = 16, 256  # zero crossings each side of the filter; table entries between two samples
BANDWIDTH_HZ, DAMPING = 0.05, 0.7
SWING = 0.002  # the ratio never leaves 1 by more: 3.5 cents
LOST_S = 0.040  # an error too large for the ratio to correct: silence is put in, or sound left out


class Resampler:
    """Streaming resampler of [n, channels] whose ratio may change from call to call.

    It is a windowed sinc whose table is read with linear interpolation (J. O. Smith, "Digital audio resampling").
    Cost: 2 HALF products a sample.
    """

    def __init__(self, channels: int) -> None:
        t = (np.arange(-HALF + 1, HALF + 1)[None, :] - np.arange(PHASES + 1)[:, None] / PHASES).astype(np.float64)
        window = np.i0(KAISER_BETA * np.sqrt(np.maximum(0, 1 - (t / HALF) ** 2))) / np.i0(KAISER_BETA)
        bank = np.sinc(0.95 * t) * window
        self._bank: Block = (bank / bank.sum(axis=1, keepdims=True)).astype(np.float32)
        self._buffer: Block = np.zeros((2 * HALF, channels), np.float32)
        self._at = float(HALF)  # of the next output sample, in the buffer
        self._taken = 0

    @property
    def next_input(self) -> float:
        """Where the next output sample lies, in input samples since the start."""
        return self._taken - len(self._buffer) + self._at

    def push(self, block: Block, step: float) -> Block:
        """Every output sample [m, channels] that has become known; step: input samples from one to the next."""
        self._buffer = np.concatenate([self._buffer, block])
        self._taken += len(block)
        count = max(math.ceil((len(self._buffer) - HALF - self._at) / step), 0)
        at = self._at + step * np.arange(count, dtype=np.float64)
        whole = at.astype(np.int64)
        out = self._interpolate(whole, (at - whole) * PHASES)
        self._at += step * count
        spare = max(int(self._at) - HALF + 1, 0)
        self._buffer, self._at = self._buffer[spare:], self._at - spare
        return out

    def _interpolate(self, whole: NDArray[np.int64], phase: NDArray[np.float64]) -> Block:
        low = np.minimum(phase.astype(np.int64), PHASES - 1)
        part = (phase - low).astype(np.float32)[:, None]
        weights = self._bank[low] * (1 - part) + self._bank[low + 1] * part
        windows = self._buffer[whole[:, None] + np.arange(-HALF + 1, HALF + 1)]
        out: Block = np.einsum("ntc,nt->nc", windows, weights)
        return out


class Servo:
    """Turns a position error in samples into a resampling ratio; second order, so a constant drift leaves no error."""

    def __init__(self, rate: int) -> None:
        self._rate, self._integral, self.step = rate, 0.0, 1.0

    def update(self, error: float, elapsed_s: float) -> float:
        """error: by how many samples what is played now is ahead of where it should be."""
        omega = 2 * math.pi * BANDWIDTH_HZ
        late = error / self._rate
        self._integral = _within(self._integral - omega * omega * late * elapsed_s)
        self.step = 1.0 + _within(self._integral - 2 * DAMPING * omega * late)
        return self.step


def _within(change: float) -> float:
    return min(max(change, -SWING), SWING)


class Bridge:
    """Writes stream samples to an output with its own clock: sample m is played when the microphone has reached m.

    start: the first stream sample that will be written. out: the output's ring, empty, its reader at 0.
    """

    def __init__(self, out: Ring, rate: int, start: int) -> None:
        self._out, self._rate, self._start = out, rate, start
        self._resampler, self._servo = Resampler(out.channels), Servo(rate)
        self._played = StreamClock(rate)
        self._steered_s = 0.0
        self._leave_out = 0
        self.error = 0.0  # samples
        self.jumps = 0

    @property
    def step(self) -> float:
        return self._servo.step

    def write(self, block: Block) -> None:
        made = self._resampler.push(block, self._servo.step)
        left_out = min(self._leave_out, len(made))
        self._leave_out -= left_out
        self._out.write(made[left_out:])

    def steer(self, played: tuple[int, float], stream: StreamClock, now_s: float) -> None:
        """played: count and monotonic second of the loudspeaker's last block; stream: the microphone's clock."""
        if not played[1] or not stream.running:
            return
        self._played.update(*played)
        ahead = self._out.written + self._leave_out - self._played.stream_of(now_s) * self._rate
        sounding = self._start + self._resampler.next_input - ahead * self._servo.step
        self.error = sounding - stream.stream_of(now_s) * self._rate
        if abs(self.error) > LOST_S * self._rate:
            self._jump(round(self.error))
        elif self._steered_s:
            self._servo.update(self.error, now_s - self._steered_s)
        self._steered_s = now_s

    def _jump(self, error: int) -> None:
        self.jumps += 1
        if error > 0:  # too early: silence before what comes
            self._out.silence(self._out.written + min(error, self._out.capacity))
        else:
            self._leave_out = -error
