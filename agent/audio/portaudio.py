"""Loads PortAudio without its printing, releases it, and loads it a second time where the first copy is stuck."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from ctypes.util import find_library
from pathlib import Path
from typing import Literal, Protocol, Self, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from listener.silence_stderr import quiet_stderr

NO_PORTAUDIO = "PortAudio is not installed, so no sound card can be used; on Debian: apt install libportaudio2"
JACK_CLIENT = ctypes.c_char_p(b"Antiphon-audio")
Samples = NDArray[np.float32]  # [n, channels]
Number = int | None  # of a device
OneWay = Callable[[Samples, int, object, "Flags"], None]  # samples, frames, times, what went wrong
BothWays = Callable[[Samples, Samples, int, object, "Flags"], None]


class Flags(Protocol):
    """What PortAudio has to complain of in a callback; false where there is nothing."""

    def __bool__(self) -> bool: ...


class DeviceEntry(TypedDict):
    """A device as PortAudio reports it."""

    name: str
    hostapi: int
    max_input_channels: int
    max_output_channels: int
    default_samplerate: float
    default_low_input_latency: float
    default_low_output_latency: float
    default_high_input_latency: float
    default_high_output_latency: float


class ApiEntry(TypedDict):
    """A host API as PortAudio reports it."""

    name: str
    default_input_device: int
    default_output_device: int


class Options(TypedDict, total=False):
    """What a stream is opened with. device, channels: pairs (input, output) where it runs both ways."""

    device: Number | tuple[Number, Number]
    channels: int | tuple[int, int]
    samplerate: int
    blocksize: int
    dtype: Literal["float32"]
    latency: Literal["low"]


class OpenStream(Protocol):
    """The part of sounddevice's streams that is used here."""

    def __init__(self, *, callback: OneWay | BothWays | None = None, **options: Unpack[Options]) -> None: ...
    @property
    def active(self) -> bool: ...
    @property
    def latency(self) -> float | tuple[float, float]: ...
    def start(self) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...
    def write(self, data: Samples) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *cause: object) -> None: ...


class Pointer(Protocol):
    """A pointer of cffi's."""


class Cffi(Protocol):
    """The part of cffi that is used here."""

    def cast(self, kind: str, address: int) -> Pointer: ...


class BaseStream(Protocol):
    """What sounddevice's streams have in common: it takes a callback that is no Python."""

    def __init__(self, kind: str, *, callback: Pointer, userdata: Pointer, **options: Unpack[Options]) -> None: ...


class PortAudio(Protocol):
    """The part of the module sounddevice that is used here."""

    PortAudioError: type[Exception]
    InputStream: type[OpenStream]
    OutputStream: type[OpenStream]
    Stream: type[OpenStream]
    _StreamBase: type[BaseStream]
    _ffi: Cffi

    def query_devices(self) -> Sequence[DeviceEntry]: ...
    def query_hostapis(self) -> Sequence[ApiEntry]: ...


def release() -> None:
    """Let go of PortAudio in this process: having looked is no reason to stay a client of the sound server."""
    sounddevice = sys.modules.get("sounddevice")
    if sounddevice and sounddevice._initialized:
        sounddevice._terminate()


_copies: list[int] = []  # file descriptors that libraries were loaded from


def renew() -> bool:
    """Load PortAudio a second time and leave the first as it is; whether that could be done (on Linux only).

    Of a JACK server that died PortAudio waits ten minutes for the last word when a stream is closed, and will not look
    for another server before. A library is loaded twice only from another file, so a copy in memory is.
    """
    sound = sys.modules["sounddevice"]
    path = next((line.split()[-1] for line in _maps() if "/libportaudio" in line), "")
    if not path or not hasattr(os, "memfd_create"):
        return False
    _copies.append(copy := os.memfd_create("portaudio"))
    os.write(copy, Path(path).read_bytes())
    _name_client(ctypes.CDLL(f"/proc/self/fd/{copy}"))
    vars(sound).update(_lib=sound._ffi.dlopen(f"/proc/self/fd/{copy}"), _initialized=0)
    return True


def _maps() -> list[str]:
    try:
        return Path("/proc/self/maps").read_text().splitlines()
    except OSError:  # not Linux
        return []


def _prepare_jack() -> None:
    """Looking must not start a JACK server."""
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    path = find_library("portaudio")
    if path and "sounddevice" not in sys.modules:
        _name_client(ctypes.CDLL(path))


def _name_client(library: ctypes.CDLL) -> None:
    """PortAudio calls itself "PortAudio" in JACK unless told before it starts (it keeps the pointer it is given)."""
    set_name = getattr(library, "PaJack_SetClientName", None)
    if set_name:
        set_name(JACK_CLIENT)


def sounddevice() -> PortAudio:
    try:
        with quiet_stderr():
            _prepare_jack()
            import sounddevice

            if not sounddevice._initialized:
                sounddevice._initialize()
    except OSError as error:  # the module is there, the C library is not
        raise UserError(NO_PORTAUDIO) from error
    except ImportError as error:
        raise UserError(f"sounddevice cannot be loaded ({error}); try: pip install sounddevice") from error
    except Exception as error:  # PortAudio is there but does not start
        raise UserError(f"PortAudio does not start ({error}); close other programs that use the sound card") from error
    loaded: PortAudio = sounddevice
    return loaded
