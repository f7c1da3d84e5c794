"""Opens the MIDI port the band plays to, each part on its own channel, as config.yaml says."""

from __future__ import annotations

from agent.core.errors import UserError
from agent.core.settings import Config
from agent.midi.output import MidiOutput, PartMidi, open_output
from agent.midi.port_keeper import PortKeeper, absent, keep


class MidiBand:
    """A MIDI port with each part on its channel.

    spec: the name or number the port was opened by, so that it can be found again when it vanishes; None: a port that
    vanishes is not looked for.
    """

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
            self._keeper = keep(output, spec, self._start_over)
            self._keeper.start()

    def _set_up(self) -> None:
        for part in self._parts.values():
            for message in part.setup():
                self._output.send(message)

    def _start_over(self) -> None:
        """Set the instrument up again: it came back, may have forgotten its programs and may still be sounding."""
        self._set_up()
        self._output.panic()

    @property
    def name(self) -> str:
        """The port's name, as the MIDI system reports it."""
        return self._output.name

    @property
    def unheard(self) -> int:
        """How many note-ons were sent while no instrument was connected."""
        return self._output.dropped

    @property
    def losses(self) -> int:
        """How often the instrument was lost."""
        return self._keeper.losses if self._keeper else 0

    @property
    def cause(self) -> str:
        """Why nothing is heard now, in one line; "" when all is well."""
        return self._keeper.cause if self._keeper else ""

    def send(self, part: str, message: tuple[int, ...]) -> None:
        mapped = self._parts[part].apply(message)
        if mapped:
            self._output.send(mapped)

    def send_raw(self, message: tuple[int, ...]) -> None:
        """Send a message that belongs to no part: clock, start, stop."""
        self._output.send(message)

    def poll(self) -> None:
        """Take over a port that came back. The thread that sends must call this often."""
        if self._keeper:
            self._keeper.poll()

    def panic(self) -> None:
        self._output.panic()

    def close(self) -> None:
        if self._keeper:
            self._keeper.close()
        self._output.close()


def open_port(config: Config, waits: bool = False) -> MidiBand | None:
    """Open the MIDI port of config.midi; None where none is set.

    Raises UserError for an unknown port, unless `waits`: then it is looked for while the band plays.
    """
    if config.midi.port is None:
        return None
    api = config.midi.named_api
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
