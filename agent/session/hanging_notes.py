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

from agent.core.midi_constants import NOTE_OFF
from agent.core.os_process import started_at
from agent.core.settings import Config

KEYS = range(128)
FOLDER = "sounding"  # in the state folder
PORTS_MAX = 64  # that are looked at
BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Sounding:
    """A port at which a session plays. channels: 0-15; started: when its process began, as the system counts."""

    port: str | int
    api: str | None
    channels: tuple[int, ...]
    pid: int
    started: str

    @classmethod
    def of(cls, config: Config) -> Sounding | None:
        """What this process is about to play to; None for no port, or one that goes when the process does."""
        port = config.midi.port
        if port is None or str(port).startswith("virtual"):
            return None
        return cls(port, config.midi.named_api, _channels(config), os.getpid(), started_at(os.getpid()))

    @classmethod
    def from_json(cls, text: str) -> Sounding:
        """Raises ValueError for what `remember` did not write."""
        try:
            read = json.loads(text)
            port, api, pid = read["port"], read["api"], read["pid"]
            channels = tuple(read["channels"])
        except (TypeError, KeyError, RecursionError) as cause:
            raise ValueError("not a record of a port") from cause
        numbers = (pid, *channels)
        if not all(type(number) is int and number >= 0 for number in numbers) or max(channels, default=0) > 15:
            raise ValueError("a channel is 0 to 15")
        if not isinstance(port, (str, int)) or not isinstance(api, (str, type(None))):
            raise ValueError("a port is a name or a number")
        return cls(port, api, channels[:16], pid, str(read.get("started", "")))


@contextlib.contextmanager
def remembered(config: Config, state: Path) -> Iterator[None]:
    """Keep on disk, while the session plays, which port it plays to."""
    sounding, file = Sounding.of(config), state / FOLDER / f"{os.getpid()}.json"
    with contextlib.suppress(OSError):
        if sounding:
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            file.write_text(json.dumps(asdict(sounding)))
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
            if file.is_symlink() or not file.is_file() or file.stat().st_size > BYTES_MAX:
                continue
            try:
                left = Sounding.from_json(file.read_text())
            except ValueError:
                file.unlink()
                continue
            if started_at(left.pid) == left.started != "":
                continue  # it plays
            why = silence_port(left.port, left.api, left.channels)
            file.unlink()
            said.append(f"MIDI port {left.port}: {why or 'notes that a killed session left sounding were ended'}")
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
