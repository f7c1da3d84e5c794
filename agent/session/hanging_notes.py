"""Ends the notes that a killed process left sounding at a MIDI port, also when everything died at once.

A session that plays to a port says so in a file of the state folder, and takes the file away when it has ended every
note. What lies there of a process that lives no more is a port at which notes may still sound.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from agent.core import stored
from agent.core.midi_constants import NOTE_OFF
from agent.core.os_process import started_at
from agent.core.plain_text import printable
from agent.core.settings import Config
from agent.core.whole_file import write_whole

KEYS = range(128)
FOLDER = "sounding"  # in the state folder
PORTS_MAX = 64  # that are looked at
BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Sounding:
    """A port at which a session plays. channels: 0-15; started: when its process began, as the system counts."""

    port: str | int
    api: str | None
    channels: Annotated[tuple[Annotated[int, Meta(ge=0, le=15)], ...], Meta(max_length=16)]
    pid: Annotated[int, Meta(ge=0)]
    started: str = ""

    @classmethod
    def of(cls, config: Config) -> Sounding | None:
        """What this process is about to play to; None for no port, or one that goes when the process does."""
        port = config.midi.port
        if port is None or str(port).startswith("virtual"):
            return None
        return cls(port, config.midi.named_api, _channels(config), os.getpid(), started_at(os.getpid()))


@contextlib.contextmanager
def remembered(config: Config, state: Path) -> Iterator[None]:
    """Keep on disk, while the session plays, which port it plays to."""
    sounding, file = Sounding.of(config), state / FOLDER / f"{os.getpid()}.json"
    with contextlib.suppress(OSError):
        if sounding:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(file, json.dumps(asdict(sounding)).encode())
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def silence_the_dead(state: Path) -> list[str]:
    """End the notes at every port that a dead process was playing to; return one line for each."""
    said = []
    for file in sorted((state / FOLDER).glob("*.json"))[:PORTS_MAX]:
        with contextlib.suppress(OSError):
            try:
                left: Sounding = stored.read(file, Sounding, BYTES_MAX)
            except stored.Damaged:
                file.unlink()
                continue
            if started_at(left.pid) == left.started != "":
                continue  # it plays
            why = silence_port(left.port, left.api, left.channels)
            file.unlink()
            done = why or "notes that a killed session left sounding were ended"
            said.append(f"MIDI port {printable(str(left.port))}: {done}")
    return said


def silence(config: Config) -> str:
    """End every note at the configured MIDI port, through a new port; return "" or why it could not be done."""
    if config.midi.port is None:
        return ""
    return silence_port(config.midi.port, config.midi.named_api, _channels(config))


def _channels(config: Config) -> tuple[int, ...]:
    return tuple(sorted({part.channel_index for part in config.parts.values()}))


def silence_port(port: str | int, api: str | None, channels: Sequence[int]) -> str:
    """Send a note-off for every key of these channels; return "" or why it could not be done.

    It sends every key, as nobody knows which notes a killed process left sounding.
    """
    from agent.midi.output import open_output

    try:
        with contextlib.closing(open_output(port, api)) as output:
            for channel in channels:
                for key in KEYS:
                    output.send((NOTE_OFF | channel, key, 0))
            output.panic()
    except Exception as cause:  # RtMidi's own types differ by platform, and the caller has more to end
        return str(cause) or type(cause).__name__
    return ""
