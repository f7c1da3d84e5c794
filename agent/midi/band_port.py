"""Opens what the band is heard through: the synth and the MIDI port, as config.yaml says."""

from __future__ import annotations

from agent.core.errors import UserError
from agent.core.settings import Config
from agent.midi.output import MidiOutput, PartMidi, open_output
from agent.midi.port_keeper import PortKeeper, absent, keep


class MidiBand:
    """A MIDI port with each part on its channel. spec: what the port was opened by, to find it again when it vanishes;
    None: it is not looked after."""

    def __init__(
        self,
        output: MidiOutput,
        parts: dict[str, PartMidi],
        sends_clock: bool = False,
        spec: str | int | None = None,
    ) -> None:
        self._output, self._parts, self.sends_clock = output, parts, sends_clock
        self._set_up()
        self._keeper: PortKeeper | None = None
        if spec is not None:
            self._keeper = keep(output, spec, self._begin_anew)
            self._keeper.start()

    def _set_up(self) -> None:
        for part in self._parts.values():
            for message in part.setup():
                self._output.send(message)

    def _begin_anew(self) -> None:
        """The instrument came back: it may have forgotten its programs, and may still sound as when it went."""
        self._set_up()
        self._output.panic()

    @property
    def name(self) -> str:
        """Of the port, as its system tells it."""
        return self._output.name

    @property
    def unheard(self) -> int:
        """Note-ons while nobody was at the port."""
        return self._output.dropped

    @property
    def losses(self) -> int:
        """How often the instrument went."""
        return self._keeper.losses if self._keeper else 0

    @property
    def cause(self) -> str:
        """Why nothing is heard now, in a line; "" when all is well."""
        return self._keeper.cause if self._keeper else ""

    def send(self, part: str, message: tuple[int, ...]) -> None:
        mapped = self._parts[part].apply(message)
        if mapped:
            self._output.send(mapped)

    def send_raw(self, message: tuple[int, ...]) -> None:
        """A message of no part: clock, start, stop."""
        self._output.send(message)

    def poll(self) -> None:
        """To be called often by the thread that sends: this is where a port that came back is taken."""
        if self._keeper:
            self._keeper.poll()

    def panic(self) -> None:
        self._output.panic()

    def close(self) -> None:
        if self._keeper:
            self._keeper.close()
        self._output.close()


def open_port(config: Config, waits: bool = False) -> MidiBand | None:
    """The MIDI port of config.midi, or None where none is asked for. Raises UserError for an unknown one, unless
    `waits`: then it is looked for while the band plays."""
    if config.midi.port is None:
        return None
    api = None if config.midi.api == "auto" else config.midi.api
    try:
        output = open_output(config.midi.port, api)
    except ValueError as cause:
        if not waits:
            raise UserError(f"midi.port {config.midi.port!r}: {cause}") from None
        output = absent(config.midi.port, api)
    parts = {name: _part_midi(config, name) for name in config.parts}
    return MidiBand(output, parts, config.sync.clock_out, config.midi.port)


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
