"""The sound card's callback in machine code: PortAudio calls it, so that no Python runs in the sound card's thread and
no block waits for the interpreter's lock.

What it reads and writes lies in one array of integers per card, whose address PortAudio passes on (`userdata`), and in
rings. The same is written in Python in sound_card.py, for systems without numba and cards with two clocks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from listener.kernel import c_function
from listener.ring import Ring

if TYPE_CHECKING:
    from llvmlite.ir import IRBuilder, Value
    from numba.core.base import BaseContext
    from numba.core.types import Type
    from numba.core.typing.templates import Signature

Number = TypeVar("Number", bound=np.generic)
DUPLEX, INPUT, OUTPUT = range(3)  # modes
MODE, ATTACHED, QUIET, XRUNS, MISSING, BLOCKS, POSITION, PLAY_POSITION, BURST, N_BURSTS = range(10)
BURSTS_AT, BURSTS = 10, 8  # the newest bursts of callbacks, in samples
SELF, TIMES, RATE, IN_CHANNELS, OUT_CHANNELS, SECONDS, NANOSECONDS = range(18, 25)
MIC_AT, PLAY_AT, SENT_AT = 25, 29, 33  # where a ring's numbers begin: addresses of samples and counter, size, channels
SIZE = 37
STAMP_SAMPLES, STAMP_S, SEEN_S, ASKED_S = range(4)  # of times
MONOTONIC = 1  # Linux's number of the clock that time.monotonic reads
QUARTER = 0.25  # a callback this share of its own length after the one before belongs to the same burst


def describe(state: NDArray[np.int64], times: NDArray[np.float64], at: int, ring: Ring | None) -> None:
    """Write a ring's numbers into the state from `at` on."""
    state[SELF], state[TIMES] = state.ctypes.data, times.ctypes.data
    if ring is not None:
        samples, counter = ring.addresses
        state[at : at + 4] = samples, counter, ring.capacity, ring.channels


def address() -> int:
    """Return the callback's address, 0 where there is none for this system."""
    return _callback.address if sys.platform == "linux" else 0


def _env() -> dict[str, object]:
    """What numba needs besides to compile the callback."""
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic
    from numba.np.numpy_support import carray

    @intrinsic
    def pointer(typing: BaseContext, number: Type) -> tuple[Signature, Callable[..., Value]]:
        def code(context: BaseContext, builder: IRBuilder, signature: Signature, args: tuple[Value, ...]) -> Value:
            return builder.inttoptr(args[0], cgutils.voidptr_t)

        return types.voidptr(types.int64), code

    clock = types.ExternalFunction("clock_gettime", types.int32(types.int32, types.voidptr))
    return {"carray": carray, "pointer": pointer, "clock_gettime": clock}


# what `_env` gives to the compiler stands here for whoever reads


def carray(address: int, shape: tuple[int], dtype: type[Number]) -> NDArray[Number]:
    """Return the array of so many numbers that begins at an address."""
    raise NotImplementedError("numba has it")


def pointer(address: int) -> int:
    """Return a number as an address."""
    raise NotImplementedError("numba has it")


def clock_gettime(clock: int, to: int) -> int:
    """Write a clock's seconds and nanoseconds to an address."""
    raise NotImplementedError("the C library has it")


@c_function("int32(voidptr, voidptr, uint64, voidptr, uint64, voidptr)", _env, error_model="numpy")
def _callback(heard: int, played: int, frames: int, when: int, status: int, userdata: int) -> int:
    state = carray(userdata, (SIZE,), np.int64)
    times = carray(pointer(state[TIMES]), (4,), np.float64)
    n, mode, out_channels = np.int64(frames), state[MODE], state[OUT_CHANNELS]
    written = missing = 0
    attached = state[ATTACHED] != 0
    if not attached:
        if mode != INPUT:
            out = carray(played, (n * out_channels,), np.float32)
            for i in range(n * out_channels):
                out[i] = 0.0
    else:
        if mode != OUTPUT:
            counter = carray(pointer(state[MIC_AT + 1]), (2,), np.int64)
            written, size, channels = counter[0], state[MIC_AT + 2], state[MIC_AT + 3]
            ring = carray(pointer(state[MIC_AT]), (size * channels,), np.float32)
            given = state[IN_CHANNELS]
            source = carray(heard, (n * given,), np.float32)
            for i in range(n):
                to = (written + i) % size * channels
                for c in range(channels):
                    ring[to + c] = source[i * given + min(c, given - 1)]
        if mode != INPUT:
            position = written if mode == DUPLEX else state[POSITION]
            counter = carray(pointer(state[PLAY_AT + 1]), (2,), np.int64)
            size, channels = state[PLAY_AT + 2], state[PLAY_AT + 3]
            ring = carray(pointer(state[PLAY_AT]), (size * channels,), np.float32)
            out = carray(played, (n * out_channels,), np.float32)
            there = min(n, max(counter[0] - position, 0))
            for i in range(there):
                at = (position + i) % size * channels
                if out_channels < channels:  # one loudspeaker for a stereo band
                    total = np.float32(0)
                    for c in range(channels):
                        total += ring[at + c]
                    for c in range(out_channels):
                        out[i * out_channels + c] = total / np.float32(channels)
                else:
                    for c in range(out_channels):
                        out[i * out_channels + c] = ring[at + c]
            for i in range(there * out_channels, n * out_channels):
                out[i] = 0.0
            state[PLAY_POSITION] = position + there
            missing = 0 if state[QUIET] else n - there
            state[MISSING] += missing
            if mode == DUPLEX and state[SENT_AT]:
                counter = carray(pointer(state[SENT_AT + 1]), (2,), np.int64)
                size, channels = state[SENT_AT + 2], state[SENT_AT + 3]
                ring = carray(pointer(state[SENT_AT]), (size * channels,), np.float32)
                for i in range(n):
                    to = (counter[0] + i) % size * channels
                    for c in range(channels):
                        ring[to + c] = out[i * out_channels + min(c, out_channels - 1)]
    clock_gettime(MONOTONIC, pointer(state[SELF] + 8 * SECONDS))
    # what was written above is there for others before they read how much is
    if attached:
        if mode != OUTPUT:
            counter = carray(pointer(state[MIC_AT + 1]), (2,), np.int64)
            counter[0] = written + n
        if mode == DUPLEX and state[SENT_AT]:
            counter = carray(pointer(state[SENT_AT + 1]), (2,), np.int64)
            counter[0] += n
    now_s = state[SECONDS] + 1e-9 * state[NANOSECONDS]
    state[BLOCKS] += 1
    times[SEEN_S] = now_s
    if now_s - times[ASKED_S] < QUARTER * n / state[RATE]:
        state[BURST] += n
    else:
        if state[BURST]:
            state[BURSTS_AT + state[N_BURSTS] % BURSTS] = state[BURST]
            state[N_BURSTS] += 1
        state[BURST] = n
    times[ASKED_S] = now_s
    if attached:
        if status != 0 or missing > 0:
            state[XRUNS] += 1
        if mode == OUTPUT:
            state[POSITION] += n
            written = state[POSITION] - n
        times[STAMP_S] = now_s
        times[STAMP_SAMPLES] = written + n
    return 0
