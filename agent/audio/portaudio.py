"""Loads PortAudio without its printing, releases it, and loads it a second time where the first copy is stuck."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes.util import find_library
from pathlib import Path
from typing import Any

from agent.core.errors import UserError
from listener.silence_stderr import quiet_stderr

NO_PORTAUDIO = "PortAudio is not installed, so no sound card can be used; on Debian: apt install libportaudio2"
JACK_CLIENT = ctypes.c_char_p(b"Antiphon-audio")


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
    sound: Any = sys.modules["sounddevice"]
    path = next((line.split()[-1] for line in _maps() if "/libportaudio" in line), "")
    if not path or not hasattr(os, "memfd_create"):
        return False
    _copies.append(copy := os.memfd_create("portaudio"))
    os.write(copy, Path(path).read_bytes())
    _name_client(ctypes.CDLL(f"/proc/self/fd/{copy}"))
    sound._lib = sound._ffi.dlopen(f"/proc/self/fd/{copy}")
    sound._initialized = 0
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


def _name_client(library: Any) -> None:
    """PortAudio calls itself "PortAudio" in JACK unless told before it starts (it keeps the pointer it is given)."""
    set_name = getattr(library, "PaJack_SetClientName", None)
    if set_name:
        set_name(JACK_CLIENT)


def sounddevice() -> Any:
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
    return sounddevice
