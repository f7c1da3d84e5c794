"""The audio process: sound card or paced file, synth, MIDI port. It never imports a model.

Its main loop renders ahead of the callback, sends MIDI at its moment and reports; the callback itself only copies.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.audio import MISSING, XRUNS, FilePlayback, Latency, SoundCard, Stream
from agent.channel import Channel
from agent.clock import StreamClock
from agent.errors import UserError
from agent.outputs import open_port, open_synth
from agent.player import QUANTUM, Player
from agent.scheduler import Counts
from agent.settings import Config
from agent.types import Plan, PlannedNote
from listener.capture import AudioFile
from listener.ring import Reader, Ring

POLL_S = 0.001
PRIORITY = 40
MIND_TIMEOUT_S = 2.0  # after the end of the file, for the mind's last word
REPORT_EVERY_S = 0.05
SPIN_S = 0.0003  # the last stretch before a MIDI message is due is waited for awake


@dataclass(frozen=True, slots=True)
class AudioSetup:
    """What the audio process is to open; devices already looked up. take: the file that stands for a microphone."""

    config: Config
    rate: int
    input_device: int | None
    output_device: int | None
    output_channels: int  # 0: nothing is played through a sound card
    take: Path | None
    ring: Ring
    stems: Ring
    sent: Ring | None = None  # what left for the loudspeaker, where the microphone hears it


@dataclass(frozen=True, slots=True)
class Ready:
    """band_delay_samples: how much later than rendered the band is heard. notes: what could not be opened and why."""

    band_delay_samples: int
    latency: Latency
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AudioReport:
    """Counts since the start, and what was sent since the last report."""

    xruns: int
    missing_samples: int
    counts: Counts
    records: tuple[dict[str, Any], ...]
    notes: tuple[PlannedNote, ...]
    finished: bool
    stopped: bool = False
    failed: str = ""


def main(setup: AudioSetup, plans: Channel, commands: Channel, reports: Channel) -> None:
    """Entry point of the spawned process; ends on the command "stop", at the end of the file, or with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process: AudioProcess | None = None
    try:
        process = AudioProcess(setup, plans, commands, reports)
        signal.signal(signal.SIGTERM, lambda *_: process.stop_soon())
        process.run()
    except (UserError, OSError, ValueError) as cause:
        reports.send(("failed", str(cause)))
    finally:
        if process:
            process.close()


def _claim_priority() -> None:
    """Realtime scheduling where it is granted, below a sound server's own; where it is not, nothing changes."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))


class AudioProcess:
    """Owns the stream, the player and their outputs."""

    def __init__(self, setup: AudioSetup, plans: Channel, commands: Channel, reports: Channel) -> None:
        self._plans, self._commands, self._reports = plans, commands, reports
        self._setup, config = setup, setup.config
        self._parent, self._stopping = os.getppid(), False
        lead = config.audio.output_lead_blocks * config.audio.block_samples
        self._out = Ring(max(16 * lead, 1 << 14), max(setup.output_channels, 1)) if setup.output_channels else None
        self._open_streams(self._out.reader() if self._out else None)
        self._monitors = bool(self._out) and self._hears_file() and config.audio.monitor_input != "off"
        self._monitors |= bool(self._out) and config.audio.monitor_input == "on"
        # what comes from a file is heard when it leaves the loudspeaker, so the band is rendered beside it, not ahead
        self._lead = lead if self._out and not self._hears_file() else 0
        if self._out and self._hears_file():
            self._out.write(np.zeros((lead, self._out.channels), np.float32))
        self._monitor = setup.ring.reader() if self._monitors else None
        synth, synth_warning = open_synth(config, setup.rate)
        port = open_port(config)
        extra_s = (config.audio.output_latency_ms or 0.0) / 1000
        latency = self._stream.latency
        heard_s = latency.input_s + latency.output_s + extra_s if self._lead else 0.0
        behind_s = lead / setup.rate + latency.output_s if self._out and self._hears_file() else 0.0
        midi_s = (0.0 if self._hears_file() else latency.input_s) - behind_s + (config.midi.latency_ms or 0.0) / 1000
        self.player = Player(setup.rate, tuple(config.parts), synth, port, heard_s, midi_s)
        self._port = port
        self._clock = StreamClock(setup.rate)
        self._told_s = 0.0
        warnings = (synth_warning,) if synth_warning else ()
        reports.send(Ready(round(heard_s * setup.rate), latency, warnings))

    def _hears_file(self) -> bool:
        return self._setup.take is not None

    def _open_streams(self, playback: Reader | None) -> None:
        setup, audio = self._setup, self._setup.config.audio
        self._file: FilePlayback | None = None
        self._card: SoundCard | None = None
        if setup.take is None or playback:
            self._card = SoundCard(
                setup.input_device,
                setup.output_device,
                setup.rate,
                audio.block_samples,
                setup.ring,
                playback,
                reads_input=setup.take is None,
                sent=setup.sent,
            )
        if setup.take is not None:
            channel = audio.input_channel - 1 if audio.input_channel else None
            sound = AudioFile(setup.take, setup.rate, channel)
            self._file = FilePlayback(sound, audio.block_samples, setup.ring)
            if self._card:
                self._file.follow(self._card)
        stream: Stream | None = self._card or self._file
        assert stream
        self._stream = stream

    def run(self) -> None:
        self._wait_for_go()
        _claim_priority()
        gc.collect()
        gc.freeze()
        gc.disable()
        for stream in (self._card, self._file):
            if stream:
                stream.start()
        while not self._stopping and not self.player.finished:
            self._turn()
            self._sleep()
        self.player.stop()
        self._report(stopped=True)

    def _wait_for_go(self) -> None:
        while not self._stopping and not self._listen():
            time.sleep(0.005)

    def _listen(self) -> bool:
        """Read the commands; whether "go" was among them."""
        commands = self._commands.receive()
        self._stopping |= "stop" in commands or os.getppid() != self._parent
        return "go" in commands

    def stop_soon(self) -> None:
        self._stopping = True

    def _turn(self) -> None:
        self._listen()
        for plan in self._plans.receive():
            if isinstance(plan, Plan):
                self.player.accept(plan)
            else:  # the stream time at which the input ended
                self.player.end(plan)
        samples, at_s = self._stream.stamp()
        if samples:
            self._clock.update(samples, at_s)
        self._render()
        if self._clock.running:
            self.player.send_due(self._clock.stream_of(time.monotonic()))
        if time.monotonic() - self._told_s > REPORT_EVERY_S:
            self._report()

    def _render(self) -> None:
        ring, player = self._setup.ring, self.player
        target = ring.written + self._lead
        if ring.ended and self._clock.running and self._knows_the_end():
            # the clock goes on until the last note has rung out
            target = max(target, round(self._clock.stream_of(time.monotonic()) * self._setup.rate))
        while player.rendered + QUANTUM <= target and not player.finished:
            stems = player.render()
            self._setup.stems.write(stems.transpose(1, 0, 2).reshape(QUANTUM, -1))
            if self._out:
                self._out.write(self._mixed(stems))

    def _knows_the_end(self) -> bool:
        """Whether the mind has said where the music ends; one that says nothing is not waited for long."""
        ring, player = self._setup.ring, self.player
        end_s = ring.written / self._setup.rate
        if not player.told_to_end and self._clock.stream_of(time.monotonic()) > end_s + MIND_TIMEOUT_S:
            player.end(end_s)
        return player.told_to_end

    def _mixed(self, stems: Any) -> Any:
        mix = stems.sum(axis=0)
        if self._monitor:
            bass = self._monitor.read(QUANTUM)
            mix[: len(bass)] += np.nan_to_num(bass).mean(axis=1, keepdims=True)
        assert self._out
        channels = self._out.channels
        if channels == 1:
            mix = mix.mean(axis=1, keepdims=True)
        elif channels > 2:
            mix = np.pad(mix, ((0, 0), (0, channels - 2)))
        return np.clip(mix, -1.0, 1.0, dtype=np.float32)

    def _sleep(self) -> None:
        wait_s = POLL_S
        if self._clock.running:
            wait_s = min(wait_s, self._clock.monotonic_of(self.player.next_send_s()) - time.monotonic() - SPIN_S)
        if wait_s > 0:
            time.sleep(wait_s)

    def _report(self, stopped: bool = False) -> None:
        self._told_s = time.monotonic()
        player = self.player
        report = AudioReport(
            int(self._stream.counts[XRUNS]),
            int(self._stream.counts[MISSING]),
            replace(player.counts),
            tuple(player.records),
            tuple(player.notes),
            player.finished,
            stopped,
            self._lost(),
        )
        if self._reports.send(report):  # else it is told with the next one
            player.records.clear()
            player.notes.clear()

    def _lost(self) -> str:
        if self._card and not self._card.alive:
            return "the sound card has stopped"
        return self._file.failed if self._file else ""

    def close(self) -> None:
        """Nothing sounds after this, whatever happened."""
        if self._port:
            self._port.close()
        for stream in (self._file, self._card):
            if stream:
                stream.close()
