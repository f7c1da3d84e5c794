"""Plans in, sound and MIDI out. Imports no torch: this is what runs in the audio process (agent/audio_process.py)."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.midiclock import ClockOut
from agent.scheduler import Counts, Scheduler
from agent.types import Event, Plan, PlannedNote

QUANTUM = 64  # samples; FluidSynth's own block, so events fall on the same samples whatever the device's block is
TAIL_S = 1.5  # how long the last sounds may ring after the last note's end
NOTE_ON = 0x90

Stems = NDArray[np.float32]


class Instrument(Protocol):
    """What agent.synth.Synth offers."""

    def send(self, part: str, message: tuple[int, ...]) -> None: ...
    def render(self, n: int) -> Stems: ...
    def lead_in_s(self, part: str, key: int, velocity: int) -> float: ...
    def all_off(self) -> None: ...


class Port(Protocol):
    """What agent.outputs.MidiBand offers."""

    @property
    def sends_clock(self) -> bool: ...
    @property
    def unheard(self) -> int: ...
    @property
    def losses(self) -> int: ...
    def send(self, part: str, message: tuple[int, ...]) -> None: ...
    def send_raw(self, message: tuple[int, ...]) -> None: ...
    def panic(self) -> None: ...
    def turn(self) -> None: ...


class Player:
    """Renders the synth by the sample count and sends MIDI by the clock; one thread calls it.

    synth_advance_s: how much earlier than it is heard a sample is rendered; midi_advance_s: likewise a message.
    """

    def __init__(
        self,
        rate: int,
        parts: Sequence[str],
        synth: Instrument | None,
        port: Port | None,
        synth_advance_s: float = 0.0,
        midi_advance_s: float = 0.0,
        start_sample: int = 0,
    ) -> None:
        """start_sample: the first that is rendered, a multiple of QUANTUM."""
        self.rate, self.parts, self._synth, self._port = rate, tuple(parts), synth, port
        self.rendered = start_sample
        self.records: list[dict[str, Any]] = []  # what was sent; whoever writes it down takes it away
        self.notes: list[PlannedNote] = []  # likewise
        self._clock = ClockOut() if port and port.sends_clock else None
        self.retime(synth_advance_s, midi_advance_s)
        self._to_synth = Scheduler(self._synth_advance)
        self._to_port = Scheduler(lambda note: self._advance_s["midi"])
        self._silence = np.zeros((len(self.parts), QUANTUM, 2), np.float32)
        self._ends_at: int | None = None  # sample after which nothing sounds

    def retime(self, synth_advance_s: float, midi_advance_s: float) -> None:
        """What is planned from now on leaves so much earlier than it is heard: another sound card, other latencies."""
        self._advance_s = {"synth": synth_advance_s, "midi": midi_advance_s}
        if self._clock:
            self._clock.advance_s = midi_advance_s

    def _synth_advance(self, note: PlannedNote) -> float:
        lead_in_s = self._synth.lead_in_s(note.part, note.pitch, note.velocity) if self._synth else 0.0
        return self._advance_s["synth"] + lead_in_s

    @property
    def counts(self) -> Counts:
        """Of the output that matters most: what others play from, else what is heard here."""
        if not self._port:
            return self._to_synth.counts
        counts = self._to_port.counts
        counts.unheard, counts.port_losses = self._port.unheard, self._port.losses
        return counts

    def accept(self, plan: Plan) -> None:
        now_s = self.rendered / self.rate
        self._to_synth.accept(plan, now_s)
        if self._port:
            self._to_port.accept(plan, now_s)
        if self._clock:
            self._clock.hear(plan, now_s)

    def render(self) -> Stems:
        """The next 64 samples of every part [parts, 64, 2]."""
        middle_s = (self.rendered + QUANTUM / 2) / self.rate
        for event in self._to_synth.due(middle_s):
            if self._synth:
                self._synth.send(event.part, event.message)
            self._record("synth", event, self.rendered / self.rate + (event.due_s - event.send_s))
        self.rendered += QUANTUM
        return self._synth.render(QUANTUM) if self._synth else self._silence

    def send_due(self, now_s: float) -> None:
        """Send every MIDI message whose time has come at stream time now_s."""
        if not self._port:
            return
        began_s = time.perf_counter()
        self._port.turn()
        if self._clock:
            for message in self._clock.due(now_s):
                self._port.send_raw(message)
        for event in self._to_port.due(now_s, now_s):
            self._port.send(event.part, event.message)
            sent_s = now_s + time.perf_counter() - began_s
            self._to_port.counts.left(sent_s - event.send_s)
            self._record("midi", event, sent_s + (event.due_s - event.send_s))

    def next_send_s(self) -> float:
        """Stream time of the next MIDI message; infinity without one."""
        if not self._port:
            return float("inf")
        clock_s = self._clock.next_send_s() if self._clock else float("inf")
        return min(self._to_port.next_send_s(), clock_s)

    def _record(self, output: str, event: Event, sent_s: float) -> None:
        kind, pitch, velocity = event.message
        on = kind == NOTE_ON
        record = {"type": "sent", "output": output, "part": event.part, "on": on, "pitch": pitch}
        self.records.append({**record, "velocity": velocity, "due_s": event.due_s, "sent_s": sent_s})
        if event.note and output == ("midi" if self._port and not self._synth else "synth"):
            self.notes.append(event.note)

    def end(self, end_s: float) -> None:
        """The input ended at end_s: what has begun is played out, nothing new begins."""
        for scheduler in (self._to_synth, self._to_port):
            scheduler.forget_after(end_s)
        if self._clock:
            self._clock.follow(None, end_s)
        last_s = max(end_s, self._to_synth.ends_s()) + TAIL_S
        self._ends_at = math.ceil(last_s * self.rate / QUANTUM) * QUANTUM

    @property
    def told_to_end(self) -> bool:
        return self._ends_at is not None

    @property
    def finished(self) -> bool:
        """Whether the last note has rung out after end()."""
        return self._ends_at is not None and self.rendered >= self._ends_at

    def set_part(self, part: str, enabled: bool) -> None:
        """Switch a part off: what sounds of it ends now, its notes are counted, not played; or on again from now."""
        now_s = self.rendered / self.rate
        self._silence_synth(self._to_synth.set_part(part, enabled, now_s), now_s)
        self._silence_port(self._to_port.set_part(part, enabled, now_s), now_s)

    def panic(self, now_s: float) -> None:
        """Every note off now, with the controllers that make sure of it; what is planned goes on after it."""
        self._silence_synth(self._to_synth.release(now_s), now_s)
        self._silence_port(self._to_port.release(now_s), now_s)
        self._all_off()

    def stop(self) -> None:
        """At once: every sounding note off, everything planned forgotten."""
        now_s = self.rendered / self.rate
        self._silence_synth(self._to_synth.stop(now_s), now_s)
        self._silence_port(self._to_port.stop(now_s), now_s)
        if self._clock and self._port:
            self._clock.follow(None, now_s)
            for message in self._clock.due(now_s):
                self._port.send_raw(message)
        self._all_off()

    def _silence_synth(self, events: list[Event], now_s: float) -> None:
        for event in events:
            if self._synth:
                self._synth.send(event.part, event.message)
            self._record("synth", event, now_s)

    def _silence_port(self, events: list[Event], now_s: float) -> None:
        for event in events:
            if self._port:
                self._port.send(event.part, event.message)
                self._record("midi", event, now_s)

    def _all_off(self) -> None:
        if self._synth:
            self._synth.all_off()
        if self._port:
            self._port.panic()
