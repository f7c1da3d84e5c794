"""Opens what the band is heard through: the synth and the MIDI port, as config.yaml says."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from agent.errors import UserError
from agent.midi import MidiOutput, PartMidi, open_output
from agent.settings import Config
from agent.synth import DRUM_BANK, PartVoice, Synth, SynthUnavailable

SOUNDFONT = "band.sf3"


def shipped(name: str) -> Path:
    """A file of agent/assets."""
    return Path(str(resources.files("agent") / "assets" / name))


def open_synth(config: Config, rate: int) -> tuple[Synth | None, str]:
    """(the synth, "") or (None, why there is none)."""
    voices = [
        PartVoice(
            name, part.channel_index, part.program, DRUM_BANK if name == "drums" else part.bank, part.gain_db, part.pan
        )
        for name, part in config.parts.items()
    ]
    try:
        return Synth(Path(config.paths.soundfont or shipped(SOUNDFONT)), rate, voices), ""
    except SynthUnavailable as cause:
        return None, str(cause)


class MidiBand:
    """A MIDI port with each part on its channel."""

    def __init__(self, output: MidiOutput, parts: dict[str, PartMidi], sends_clock: bool = False) -> None:
        self._output, self._parts, self.sends_clock = output, parts, sends_clock
        for part in parts.values():
            for message in part.setup():
                output.send(message)

    def send(self, part: str, message: tuple[int, ...]) -> None:
        mapped = self._parts[part].apply(message)
        if mapped:
            self._output.send(mapped)

    def send_raw(self, message: tuple[int, ...]) -> None:
        """A message of no part: clock, start, stop."""
        self._output.send(message)

    def turn(self) -> None:
        """To be called often by the thread that sends."""

    def panic(self) -> None:
        self._output.panic()

    def close(self) -> None:
        self._output.close()


def open_port(config: Config) -> MidiBand | None:
    """The MIDI port of config.midi, or None where none is asked for. Raises UserError for an unknown one."""
    if config.midi.port is None:
        return None
    api = None if config.midi.api == "auto" else config.midi.api
    try:
        output = open_output(config.midi.port, api)
    except ValueError as cause:
        raise UserError(f"midi.port {config.midi.port!r}: {cause}") from None
    return MidiBand(output, {name: _part_midi(config, name) for name in config.parts}, config.sync.clock_out)


def _part_midi(config: Config, name: str) -> PartMidi:
    part = config.parts[name]
    return PartMidi(
        channel=part.channel_index,
        program=part.program,
        bank=part.bank,
        note_map=part.note_map,
        transpose=part.transpose,
        velocity_curve=part.velocity_curve,
    )
