"""Stores the latencies that `antiphon calibrate` measured, per device in the state folder, and says which apply.

A number in config.yaml wins; where it says null the measured value counts, and where nothing was measured what the
sound card itself reports, and 0 for an instrument at the MIDI port.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.core import paths, stored
from agent.core.settings import AudioConfig, Config, MidiConfig
from agent.core.whole_file import write_whole

Samples = Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000)]
Number = Annotated[float, Meta(gt=-1e9, lt=1e9)]

FILE = "latencies.json"
# how a MIDI latency was measured: heard in the microphone; half a round trip
CLICK: Literal["click"] = "click"
LOOP: Literal["loop"] = "loop"
_NUMBERS = re.compile(r"\s*\(\d+(:\d+)?\)|\s+\d+:\d+$")  # ALSA's client numbers, process ids: others every time


@dataclass(frozen=True, slots=True)
class CardLatency:
    """A sound card's round trip: from a sample given to the loudspeaker until it is in the microphone's stream."""

    input: str
    output: str
    rate_hz: Samples
    block_samples: Samples
    round_trip_samples: Samples
    round_trip_ms: Number
    reported_ms: Number  # what the driver says it is
    clarity_db: Number  # the chirp's peak over the largest other one
    measured: str  # ISO 8601

    @property
    def key(self) -> tuple[str, str, int, int]:
        return self.input, self.output, self.rate_hz, self.block_samples


@dataclass(frozen=True, slots=True)
class MidiLatency:
    """A MIDI port's latency: from a message to the instrument's sound (how: click), or half a MIDI loop (how: loop)."""

    port: str
    how: Literal["click", "loop"]
    latency_ms: Number
    spread_ms: Number  # half the distance of the quartiles
    measured: str

    @property
    def key(self) -> tuple[str, str]:
        return stable(self.port), self.how


@dataclass(frozen=True, slots=True)
class Latencies:
    """All measured latencies, one entry for each device."""

    audio: tuple[CardLatency, ...] = ()
    midi: tuple[MidiLatency, ...] = ()

    def card(self, source: str, sink: str, rate_hz: int, block_samples: int) -> CardLatency | None:
        return next((one for one in self.audio if one.key == (source, sink, rate_hz, block_samples)), None)

    def port(self, name: str) -> MidiLatency | None:
        """That of the port, or of the one port whose name holds `name` (a port that is not there yet is known by what
        config.yaml calls it); a click, which was heard, before a loop, which was not."""
        found = [one for one in self.midi if stable(one.port) == stable(name)]
        if not found and not name.isdecimal():
            found = [one for one in self.midi if name.casefold() in stable(one.port).casefold()]
        if len({stable(one.port) for one in found}) != 1:
            return None
        return min(found, key=lambda one: (CLICK, LOOP).index(one.how))

    def having(self, new: CardLatency | MidiLatency) -> Latencies:
        """With `new` in the place of what was known of the same device."""
        if isinstance(new, CardLatency):
            return Latencies((*(one for one in self.audio if one.key != new.key), new), self.midi)
        return Latencies(self.audio, (*(one for one in self.midi if one.key != new.key), new))


class _File(msgspec.Struct):
    audio: list[msgspec.Raw]
    midi: list[msgspec.Raw]


NOTHING = Latencies()


def stable(port: str) -> str:
    """A MIDI port's name without the numbers that are others after the next start."""
    return _NUMBERS.sub("", port)


def path(config: Config) -> Path:
    return paths.state_folder(config.paths.state) / FILE


def load(config: Config) -> tuple[Latencies, str]:
    """(what was measured, "" or one line that says what is wrong with the file). A damaged file is set aside under
    another name, so that nothing in it is lost; what in it can be used stays. Never raises."""
    file = path(config)
    try:
        found: _File = stored.read(file, _File)
        audio, bad_audio = stored.each(found.audio, CardLatency)
        midi, bad_midi = stored.each(found.midi, MidiLatency)
        if bad := bad_audio or bad_midi:
            said = _set_aside(file, bad)
            with contextlib.suppress(OSError):
                store(config, Latencies(audio, midi))
            return Latencies(audio, midi), said
        return Latencies(audio, midi), ""
    except FileNotFoundError:
        return Latencies(), ""
    except OSError as cause:
        return Latencies(), f"measured latencies could not be read ({cause}); using what the devices report"
    except stored.Damaged as cause:
        return Latencies(), _set_aside(file, cause)


def store(config: Config, known: Latencies) -> Path:
    """Write all at once or not at all. Raises OSError where the folder cannot be written."""
    file = path(config)
    file.parent.mkdir(parents=True, exist_ok=True)
    tree = {"audio": [asdict(one) for one in known.audio], "midi": [asdict(one) for one in known.midi]}
    write_whole(file, (json.dumps(tree, indent=2, ensure_ascii=False) + "\n").encode(), sync=True)
    return file


def output_s(
    known: Latencies, audio: AudioConfig, names: tuple[str, str], rate_hz: int, reported_s: tuple[float, float]
) -> float:
    """How long a sample given to the loudspeaker takes to be heard, seconds: the measured round trip less the input's
    share that is reported, so that both together are what was measured.

    names: of input and output; reported_s: of input and output, what the driver says and what counts where nothing
    was measured or audio.output_latency_ms is set (it is added elsewhere).
    """
    card = known.card(*names, rate_hz, audio.block_samples)
    if card is None or audio.output_latency_ms is not None:
        return reported_s[1]
    return max(card.round_trip_samples / rate_hz - reported_s[0], 0.0)


def midi_s(known: Latencies, midi: MidiConfig, port: str | None) -> float:
    """How late the instrument at the port of this name sounds, seconds; 0 where nothing says."""
    if midi.latency_ms is not None:
        return midi.latency_ms / 1000
    found = known.port(port) if port else None
    return found.latency_ms / 1000 if found else 0.0


def _set_aside(file: Path, cause: Exception) -> str:
    try:
        aside = stored.set_aside(file)
    except OSError as trouble:
        return f"{file} is damaged ({cause}) and could not be renamed ({trouble}); run `antiphon calibrate` again"
    return f"{file} was damaged ({cause}) and is kept as {aside.name}; run `antiphon calibrate` again"
