"""Turns plans into sound and MIDI inside the audio process (agent/engine/audio_process.py). It never imports torch."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.audio.own_voice_synth import OwnVoice
from agent.core.messages import SetFader, SetMix
from agent.core.midi_constants import CONTROL, NOTE_ON, struck_at
from agent.core.types import Event, MixWish, Plan, PlannedNote, SentRecord, added
from agent.engine.mix_controllers import MIXES_MAX, MixControllers
from agent.engine.scheduler import Counts, Scheduler
from agent.midi.clock_out import ClockOut
from agent.mixing.lanes import lane_of

QUANTUM = 64  # samples; FluidSynth's own block, so events fall on the same samples whatever the device's block is
SILENCE_QUANTA = 16
TAIL_S = 1.5  # how long the last sounds may ring after the last note's end
RECORDS_MAX = 20_000  # about ten minutes without being fetched; later ones are played, not recorded

Stems = NDArray[np.float32]


class Instrument(Protocol):
    """The part of agent/audio/synth.py's Synth that is used here."""

    @property
    def silent(self) -> bool: ...
    def send(self, part: str, message: tuple[int, ...]) -> None: ...
    def render(self, n: int) -> Stems: ...
    def lead_in_s(self, part: str, key: int, velocity: int) -> float: ...
    def all_off(self) -> None: ...
    def wish(self, wishes: Mapping[str, MixWish]) -> None: ...
    def follow(self, away_db: float) -> None: ...
    def sound(self, asked: Mapping[str, str], style: str | None) -> None: ...
    def prepare(self, asked: Mapping[str, str], style: str | None) -> None: ...
    def take_voice(self, voice: OwnVoice) -> None: ...
    def take_technique(self, technique: str) -> None: ...


class Port(Protocol):
    """The part of agent/midi/band_port.py's MidiBand that is used here."""

    @property
    def sends_clock(self) -> bool: ...
    @property
    def unheard(self) -> int: ...
    @property
    def losses(self) -> int: ...
    @property
    def cause(self) -> str: ...
    def send(self, part: str, message: tuple[int, ...]) -> None: ...
    def send_raw(self, message: tuple[int, ...]) -> None: ...
    def panic(self) -> None: ...
    def poll(self) -> None: ...


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
        self.records: list[SentRecord] = []  # what was sent; whoever writes it down takes it away
        self.notes: list[PlannedNote] = []  # likewise
        self._clock = ClockOut() if port and port.sends_clock else None
        self.retime(synth_advance_s, midi_advance_s)
        self._to_synth = Scheduler(self._synth_advance)
        self._to_port = Scheduler(lambda note: self._advance_s["midi"])
        self._mixes: deque[SetMix] = deque(maxlen=MIXES_MAX)
        self._played: dict[str, MixWish] = {}  # by directions, of parts and lanes, that count now
        self._faders: dict[str, MixWish] = {}  # likewise, of the remote and controllers
        self._controllers = MixControllers(self.parts)
        self._losses = 0  # of the port, when it was last told the mix
        self._silence = np.zeros((len(self.parts), SILENCE_QUANTA * QUANTUM, 2), np.float32)
        self.quiet = False  # whether what was rendered last is silence
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

    @property
    def port_cause(self) -> str:
        """Why no instrument is at the MIDI port now; "" when one is, or none is asked for."""
        return self._port.cause if self._port else ""

    def accept(self, plan: Plan) -> None:
        now_s = self.rendered / self.rate
        self._to_synth.accept(plan, now_s)
        if self._port:
            self._to_port.accept(plan, now_s)
        if self._clock:
            self._clock.push(plan, now_s)

    def render(self, most: int = QUANTUM) -> Stems:
        """The next samples of every part [parts, n, 2]: n a multiple of 64, at most `most` (of 64 at least), and so few
        that no event falls between them: the sound does not depend on `most`. To be read before the next call."""
        at = self.rendered
        self._turn_mix(at)
        for event in self._to_synth.due((at + QUANTUM / 2) / self.rate):
            if self._synth:
                self._synth.send(event.part, event.message)
            self._record("synth", event, at / self.rate + (event.due_s - event.send_s))
        n = QUANTUM * self._free_quanta(max(most // QUANTUM, 1))
        self.rendered += n
        self.quiet = self._synth is None or self._synth.silent
        return self._synth.render(n) if self._synth and not self.quiet else self._silence[:, :n]

    def fade(self, message: SetFader) -> None:
        """Move a fader, at once; the mixer smooths it. It is added to what directions ask for."""
        self._faders.pop(message.name, None)
        if message.wish is not None:
            self._faders[message.name] = message.wish
        if self._synth:
            self._synth.wish(self._with_faders(self._played))
        self._controllers.fade(self._faders)

    def _with_faders(self, wishes: Mapping[str, MixWish]) -> dict[str, MixWish]:
        return {name: added(wishes.get(name), self._faders.get(name)) for name in {**wishes, **self._faders}}

    def mix(self, message: SetMix) -> None:
        """Mix as a direction says, from its time on; the instrument at the MIDI port is told by controllers."""
        self._mixes.append(message)
        if self._synth:
            self._synth.prepare(message.sounds, message.style)
        self._controllers.ask(message)

    def follow(self, away_db: float) -> None:
        """Play so much louder than usual as the bass is in the mix; see Mixer.follow."""
        if self._synth:
            self._synth.follow(away_db)

    def take_voice(self, voice: OwnVoice) -> None:
        """Have the player's own sound (agent/audio/own_voice_synth.py) from the next block on."""
        if self._synth:
            self._synth.take_voice(voice)

    def take_technique(self, technique: str) -> None:
        """Play the player's own sound in this technique from the next block on, where it has notes of it."""
        if self._synth:
            self._synth.take_technique(technique)

    def _turn_mix(self, at: int) -> None:
        """Take over each wish whose time has come by the middle of this quantum."""
        while self._mixes and self._mixes[0].at_s - self._advance_s["synth"] < (at + QUANTUM / 2) / self.rate:
            message = self._mixes.popleft()
            self._played = dict(message.wishes)
            if self._synth:
                self._synth.wish(self._with_faders(self._played))
                self._synth.sound(message.sounds, message.style)

    def _free_quanta(self, most: int) -> int:
        """How many quanta from here to the next event or the end, at most `most` and SILENCE_QUANTA."""
        ends = (self._ends_at - self.rendered) // QUANTUM if self._ends_at is not None else most
        n, send_s = max(min(most, ends, SILENCE_QUANTA), 1), self._to_synth.next_send_s()
        if self._mixes:
            send_s = min(send_s, self._mixes[0].at_s - self._advance_s["synth"])
        while n > 1 and send_s < (self.rendered + (n - 1) * QUANTUM + QUANTUM / 2) / self.rate:
            n -= 1
        return n

    def send_due(self, now_s: float) -> None:
        """Send every MIDI message whose time has come at stream time now_s."""
        if not self._port:
            return
        began_s = time.perf_counter()
        self._port.poll()
        if self._clock:
            self._send_clock(self._clock, self._port, now_s)
        for event in self._to_port.due(now_s, now_s):
            self._port.send(event.part, self._controllers.struck(event.part, event.message))
            sent_s = now_s + time.perf_counter() - began_s
            self._to_port.counts.left(sent_s - event.send_s)
            self._record("midi", event, sent_s + (event.due_s - event.send_s))
        self._send_controllers(self._port, now_s)

    def send(self, message: tuple[int, ...]) -> None:
        """Send a message that is no note and no controller at once."""
        if self._port:
            self._port.send_raw(message)

    def _send_controllers(self, port: Port, now_s: float) -> None:
        if port.losses != self._losses:
            self._losses = port.losses
            self._controllers.forget()
        for part, number, value in self._controllers.due(now_s + self._advance_s["midi"]):
            port.send(part, (CONTROL, number, value))

    def _send_clock(self, clock: ClockOut, port: Port, now_s: float) -> None:
        due_s = clock.next_send_s()
        messages = clock.due(now_s)
        for message in messages:
            port.send_raw(message)
        if messages and math.isfinite(due_s):  # else they were to leave at once
            self._to_port.counts.left(now_s - due_s)

    def next_send_s(self) -> float:
        """Stream time of the next MIDI message; infinity without one."""
        if not self._port:
            return float("inf")
        clock_s = self._clock.next_send_s() if self._clock else float("inf")
        return min(self._to_port.next_send_s(), clock_s)

    @property
    def next_sound_s(self) -> float:
        """Stream time at which the next event is rendered; infinity without one."""
        return self._to_synth.next_send_s()

    def _record(self, output: str, event: Event, sent_s: float) -> None:
        if len(self.records) >= RECORDS_MAX:
            self.counts.unrecorded += 1
            return
        kind, pitch, velocity = event.message
        self.records.append(
            {
                "type": "sent",
                "output": output,
                "part": event.part,
                "on": kind == NOTE_ON,
                "pitch": pitch,
                "velocity": velocity,
                "due_s": event.due_s,
                "sent_s": sent_s,
            }
        )
        if event.note and output == ("midi" if self._port and not self._synth else "synth"):
            self.notes.append(self._as_mixed(event.note))

    def _as_mixed(self, note: PlannedNote) -> PlannedNote:
        """Return a note struck as loud as directions have it in the mix: a file of notes has no mixer."""
        wished = [self._played[name] for name in {note.part, lane_of(note.part, note.pitch)} if name in self._played]
        louder_db = sum(wish.level_db for wish in wished)
        return replace(note, velocity=struck_at(note.velocity, louder_db)) if louder_db else note

    def end(self, end_s: float) -> None:
        """The input ended at end_s: what has begun is played out, nothing new begins."""
        for scheduler in (self._to_synth, self._to_port):
            scheduler.forget_after(end_s)
        if self._clock:
            self._clock.follow(None, end_s)
        last_s = max(end_s, self._to_synth.ends_s()) + TAIL_S
        self._ends_at = math.ceil(last_s * self.rate / QUANTUM) * QUANTUM

    @property
    def knows_end(self) -> bool:
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
