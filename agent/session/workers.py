"""Both workers of a session and what they share: rings, the clock's stamp, the channel of plans."""

from __future__ import annotations

import multiprocessing
from typing import Any

from agent.audio.stream_clock import SharedStamp
from agent.core.channel import Channel, channel
from agent.core.settings import Config
from agent.engine.reports import NO_LATENCY, AudioSetup
from agent.mind.fork_client import MindServer
from agent.session.setup import Rig, cancels_echo
from agent.session.supervisor import Process, Worker, enter, is_stopped
from listener.ring import Ring

RING_S = 10.0  # what the recorder, or a mind that starts anew, may fall behind before it loses sound


class Workers:
    """audio, mind: the places; nothing is started yet. latency: of the sound card, once the audio process has told."""

    def __init__(self, config: Config, rig: Rig) -> None:
        self._config, self.rig = config, rig
        self._spawn = multiprocessing.get_context("spawn")
        self.bass = self._ring(rig.input_channels)
        self.stems = self._ring(2 * (len(config.parts) + 1))
        self._sent = self._ring(rig.output_channels) if cancels_echo(config, rig) else None
        self._stamp = SharedStamp()
        self.plans, self._plans_in = channel()
        self._minds = MindServer(config)
        self.audio = Worker("audio", self._start_audio, self._start_spare)
        self.mind = Worker("model", self._start_mind)
        self.latency = NO_LATENCY
        self.rolling = False  # whether the audio process of now was told to go

    def _ring(self, channels: int) -> Ring:
        return Ring(round(RING_S * self.rig.rate), channels)

    def _start_audio(self, commands: Channel, reports: Channel) -> Process:
        return self._spawned("agent.engine.audio_process", commands, reports)

    def _start_spare(self, commands: Channel, reports: Channel) -> Process:
        return self._spawned("agent.engine.spare_process", commands, reports)

    def _spawned(self, module: str, commands: Channel, reports: Channel) -> Process:
        rig = self.rig
        setup = AudioSetup(
            config=self._config,
            rate=rig.rate,
            input_device=rig.input_device,
            output_device=rig.output_device,
            output_channels=rig.output_channels,
            take=rig.take,
            ring=self.bass,
            stems=self.stems,
            sent=self._sent,
            stamp=self._stamp,
            waits=rig.waits,
        )
        args = (module, "main", setup, self._plans_in, commands, reports)
        process = self._spawn.Process(target=enter, args=args, name="antiphon-audio", daemon=True)
        process.start()
        return process

    def _start_mind(self, commands: Channel, reports: Channel) -> Process:
        rig, latency_s = self.rig, self.latency.input_s + self.latency.output_s
        shared = (self._config, self.bass, self._sent, rig.rate, rig.ring_channel, latency_s, self.plans)
        process: Process = self._minds.spawn((*shared, commands, reports))
        return process

    def start(self) -> None:
        """Begin: what a mind needs is loaded beside the audio process; the mind is started when that has told."""
        self._minds.prepare()
        self.audio.start()

    def poll(self) -> None:
        """In each turn: a mind that is to be born waits for no process that stands still; a spare is kept."""
        if self.mind.process and not self.mind.ready and is_stopped(self._minds.nursery_pid):
            self._minds.kill_nursery()
        if self.up:
            self.audio.keep_spare()

    def go(self) -> None:
        """Let the sound begin. A file waits for the mind, so that the same file and seed give the same session; a
        player does not."""
        if self.audio.ready and not self.rolling and (self.mind.ready or self.rig.take is None or self.bass.written):
            self.rolling = self.audio.send("go")

    @property
    def up(self) -> bool:
        """Whether both have said that they are ready."""
        return self.audio.ready and self.mind.ready

    @property
    def restarts(self) -> dict[str, int]:
        return {worker.name: worker.history.restarts for worker in (self.audio, self.mind)}

    @property
    def pids(self) -> dict[str, int | None]:
        return {worker.name: worker.process.pid for worker in (self.audio, self.mind) if worker.process}

    @property
    def lost_messages(self) -> int:
        """Commands that a worker did not take in time."""
        return self.audio.dropped + self.mind.dropped

    def figures(self) -> dict[str, Any]:
        """For the summary."""
        causes = [*self.audio.history.causes, *self.mind.history.causes]
        starts = {"audio_starts": self.audio.history.starts, "mind_starts": self.mind.history.starts}
        return starts | {"restart_causes": causes, "lost_commands": self.lost_messages}

    def end(self, patience_s: float) -> None:
        """Wait for both to end by themselves, then end them."""
        for worker in (self.audio, self.mind):
            worker.end(patience_s)
        self._minds.close()
        for end in (self.plans, self._plans_in):
            end.close()
