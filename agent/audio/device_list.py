"""Lists audio devices and MIDI ports (`antiphon devices`) and finds devices by name or number."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from agent.audio.portaudio import NO_PORTAUDIO as NO_PORTAUDIO  # others have these from here
from agent.audio.portaudio import ApiEntry, DeviceEntry
from agent.audio.portaudio import release as release
from agent.audio.portaudio import renew as renew
from agent.audio.portaudio import sounddevice as sounddevice
from agent.core.errors import UserError
from agent.core.settings import AudioConfig
from listener.silence_stderr import quiet_stderr

if TYPE_CHECKING:
    from rtmidi import MidiIn, MidiOut

MANY_CHANNELS = 31  # only virtual devices (ALSA's "default": 32, 64, 128) claim more than this
STEREO = 2
PATTERN = frozenset("()[]{}.*+?^$|\\")  # of regular expressions


@dataclass(frozen=True, slots=True)
class AudioDevice:
    """One device as PortAudio reports it; latencies are its own low and high suggestions."""

    index: int
    host_api: str
    name: str
    inputs: int
    outputs: int
    rate: int  # Hz, its default
    input_latency_ms: tuple[float, float]  # low, high
    output_latency_ms: tuple[float, float]
    is_default_input: bool = False  # of its host API
    is_default_output: bool = False


@dataclass(frozen=True, slots=True)
class MidiApi:
    """One of RtMidi's APIs with its ports, or why it has none."""

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """The chosen sound card: input and output device numbers (None = no such side) and the rate of both, Hz."""

    rate: int
    input_device: int | None
    input_channels: int
    input_name: str
    output_device: int | None
    output_channels: int
    output_name: str
    input_api: str = ""
    output_api: str = ""


def audio_devices() -> tuple[AudioDevice, ...]:
    """Every audio device. Raises UserError where PortAudio is missing."""
    sound = sounddevice()
    apis = sound.query_hostapis()
    return tuple(_audio_device(index, entry, apis) for index, entry in enumerate(sound.query_devices()))


def midi_apis() -> tuple[MidiApi, ...]:
    """Every compiled MIDI API with its ports. Raises UserError where RtMidi is missing."""
    try:
        import rtmidi
    except ImportError as error:
        raise UserError(f"RtMidi cannot be loaded ({error}); try: pip install python-rtmidi") from error
    os.environ.setdefault("JACK_NO_START_SERVER", "1")
    with quiet_stderr():
        return tuple(_midi_api(rtmidi, api) for api in rtmidi.get_compiled_api())


def find_card(audio: AudioConfig, wants_input: bool) -> Card | None:
    """The sound card of config.audio, or None where this machine has nothing that is wanted.

    A side that was named must be there, or it is a UserError; a side left to the default may be missing.
    Two defaults are taken from one host API where possible, since a stream cannot span two.
    """
    named = (audio.input if wants_input else None, audio.output if audio.output_enabled else None)
    try:
        devices = audio_devices()
    except UserError:
        if named == (None, None):
            return None
        raise
    source = _side(audio.input, "input", devices, None) if wants_input else None
    sink = _side(audio.output, "output", devices, source) if audio.output_enabled else None
    if source and sink and audio.input is None and audio.output is not None:
        source = _side(None, "input", devices, sink)
    return _card(audio, source, sink) if source or sink else None


def run(as_json: bool) -> int:
    """Print the audio devices and MIDI ports; what cannot be asked is said in a line. Returns the exit code."""
    audio, midi, problems = _all()
    if as_json:
        ports = [asdict(api) for api in midi]
        print(json.dumps({"audio": [asdict(one) for one in audio], "midi": ports, "problems": problems}, indent=2))
        return 0
    print("\n".join([*_audio_lines(audio), "", *_midi_lines(midi), *problems]))
    return 0


def _all() -> tuple[tuple[AudioDevice, ...], tuple[MidiApi, ...], list[str]]:
    audio: tuple[AudioDevice, ...] = ()
    midi: tuple[MidiApi, ...] = ()
    problems = []
    try:
        audio = audio_devices()
    except UserError as error:
        problems.append(str(error))
    try:
        midi = midi_apis()
    except UserError as error:
        problems.append(str(error))
    return audio, midi, problems


def _audio_device(index: int, entry: DeviceEntry, apis: Sequence[ApiEntry]) -> AudioDevice:
    api = apis[entry["hostapi"]]
    return AudioDevice(
        index=index,
        host_api=api["name"],
        name=entry["name"],
        inputs=entry["max_input_channels"],
        outputs=entry["max_output_channels"],
        rate=round(entry["default_samplerate"]),
        input_latency_ms=(_ms(entry["default_low_input_latency"]), _ms(entry["default_high_input_latency"])),
        output_latency_ms=(_ms(entry["default_low_output_latency"]), _ms(entry["default_high_output_latency"])),
        is_default_input=index == api["default_input_device"],
        is_default_output=index == api["default_output_device"],
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _midi_api(rtmidi: ModuleType, api: int) -> MidiApi:
    name = str(rtmidi.get_api_display_name(api))
    try:
        return MidiApi(name, _ports(rtmidi.MidiIn, api), _ports(rtmidi.MidiOut, api))
    except Exception as error:  # RtMidi's own classes: no sequencer device, no JACK server
        return MidiApi(name, (), (), str(error).split(": ", 1)[-1].rstrip("."))


def _ports(kind: type[MidiIn] | type[MidiOut], api: int) -> tuple[str, ...]:
    client = kind(api, name="antiphon devices")
    try:
        return tuple(client.get_ports())
    finally:
        client.delete()


def _channels(device: AudioDevice, side: str) -> int:
    return device.inputs if side == "input" else device.outputs


def _find(spec: str | int, side: str, devices: Sequence[AudioDevice]) -> AudioDevice:
    usable = [device for device in devices if _channels(device, side)]
    matches = _matches(spec, usable)
    if len(matches) == 1:
        return matches[0]
    hidden = [] if matches else [one for one in _matches(spec, devices) if _is_hidden(one)]
    if hidden:
        raise UserError(
            f"audio.{side} {spec!r}: PortAudio reads the JACK client's name {hidden[0].name!r} as a pattern and finds "
            "no channels; give that client a name without brackets, or name another device and connect ports by hand"
        )
    what = "matches several devices" if matches else "was not found"
    candidates = "; ".join(f"{one.index}: {_full_name(one)}" for one in matches or usable) or "none"
    raise UserError(f"audio.{side} {spec!r} {what}; {side} devices: {candidates}")


def _is_hidden(device: AudioDevice) -> bool:
    """Return whether a JACK client may have ports that PortAudio does not find: it takes its name for a pattern."""
    return (
        "JACK" in device.host_api and not device.inputs and not device.outputs and set(device.name) & PATTERN != set()
    )


def _matches(spec: str | int, usable: Sequence[AudioDevice]) -> list[AudioDevice]:
    """By number, else by the whole name, else by a part of "name, host API"; case does not matter."""
    if isinstance(spec, int) or spec.isdecimal():
        by_number = [device for device in usable if device.index == int(spec)]
        if by_number or isinstance(spec, int):
            return by_number
    wanted = spec.casefold()
    whole = [one for one in usable if wanted in (one.name.casefold(), _full_name(one).casefold())]
    return whole or [one for one in usable if wanted in _full_name(one).casefold()]


def _full_name(device: AudioDevice) -> str:
    return f"{device.name}, {device.host_api}"


def _default(side: str, usable: Sequence[AudioDevice], beside: AudioDevice | None) -> AudioDevice | None:
    """The system's default, rather one of the same host API as the device it is to work beside."""
    defaults = [one for one in usable if (one.is_default_input if side == "input" else one.is_default_output)]
    near = [one for one in (*defaults, *usable) if beside and one.host_api == beside.host_api]
    return next(iter((*near, *defaults, *usable)), None)


def _side(
    spec: str | int | None, side: str, devices: Sequence[AudioDevice], beside: AudioDevice | None
) -> AudioDevice | None:
    if spec is not None:
        return _find(spec, side, devices)
    return _default(side, [device for device in devices if _channels(device, side)], beside)


def _card(audio: AudioConfig, source: AudioDevice | None, sink: AudioDevice | None) -> Card:
    first = source or sink
    assert first
    return Card(
        rate=audio.sample_rate or first.rate,
        input_device=source.index if source else None,
        input_channels=_input_channels(audio, source) if source else 0,
        input_name=source.name if source else "",
        output_device=sink.index if sink else None,
        output_channels=min(sink.outputs, STEREO) if sink else 0,
        output_name=sink.name if sink else "",
        input_api=source.host_api if source else "",
        output_api=sink.host_api if sink else "",
    )


def _input_channels(audio: AudioConfig, source: AudioDevice) -> int:
    wanted = audio.input_channel
    if wanted and wanted > source.inputs:
        raise UserError(
            f"audio.input_channel is {wanted}, but {source.name} has {source.inputs}; choose 1 to {source.inputs}"
        )
    return wanted or (source.inputs if source.inputs <= MANY_CHANNELS else STEREO)


def _audio_lines(audio: Sequence[AudioDevice]) -> Iterator[str]:
    yield "Audio devices (index, inputs/outputs, rate, latency low-high in / out; * = default of its host API)"
    for one in audio:
        star = "*" if one.is_default_input or one.is_default_output else " "
        sides = [
            f"{low:g}-{high:g} ms" if count else "-"
            for count, (low, high) in ((one.inputs, one.input_latency_ms), (one.outputs, one.output_latency_ms))
        ]
        facts = f"{one.inputs:3}/{one.outputs:<3} {one.rate:6} Hz  {sides[0]:>14} / {sides[1]:<14}"
        yield f"{star}{one.index:3}  {facts} {_full_name(one)}"
    if not audio:
        yield "  none: `antiphon jam` plays the take that ships"


def _midi_lines(midi: Sequence[MidiApi]) -> Iterator[str]:
    yield "MIDI ports (RtMidi)"
    for api in midi:
        yield f"  {api.name}: {api.error}" if api.error else f"  {api.name}:"
        for number, port in enumerate(api.outputs):
            yield f"    out {number}: {port}"
        for number, port in enumerate(api.inputs):
            yield f"    in  {number}: {port}"
        if not (api.error or api.inputs or api.outputs):
            yield "    no ports; --midi virtual opens one"
