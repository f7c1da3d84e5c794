"""Starts a session's two workers, audio and mind, and owns what they share: rings, clock stamp, plan channel."""

from __future__ import annotations

from agent.audio.sound_card import Latency
from agent.audio.stream_clock import SharedStamp
from agent.core.channel import Channel, channel
from agent.core.fork_client import ForkServer
from agent.core.fork_server import Call
from agent.core.machine_limits import check_limits
from agent.core.messages import Go, SetLatency
from agent.core.settings import Config
from agent.core.stored import Json
from agent.engine.reports import NO_LATENCY, AudioCommand, AudioReport, AudioSetup, FromAudio, Planned, Ready
from agent.mind.mind_process import FromMind, MindCommand, MindEnded, MindReady, MindReports
from agent.mind.snapshot import SnapshotStore
from agent.session.setup import Setup, cancels_echo
from agent.session.supervisor import Process, Worker, is_stopped
from listener.ring import Ring

AUDIO, MIND = "agent.engine.audio_process", "agent.mind.mind_process"
LATENCY_STEP_S = 0.001  # a change of the latency that the mind is told of
RING_S = 10.0  # how far a restarted mind may fall behind before it loses sound
STEMS_S = 4.0  # how far the recorder may


class Workers:
    """The two workers; nothing is started yet. latency: of the sound card, once the audio process has reported it.

    Raises UserError where the machine does not let a session run.
    """

    def __init__(self, config: Config, setup: Setup) -> None:
        self._config, self.setup = config, setup
        lanes = setup.input_channels + 2 * (len(config.parts) + 1) + setup.output_channels
        check_limits(4 * lanes * round(RING_S * setup.rate))
        self.bass = self._ring(setup.input_channels)
        self.stems = Ring(round(STEMS_S * setup.rate), 2 * (len(config.parts) + 1))
        self._sent = self._ring(setup.output_channels) if cancels_echo(config, setup) else None
        self._stamp = SharedStamp()
        self.plans: Channel[Planned]
        self.plans, self._plans_in = channel()
        self._snapshots = SnapshotStore()
        self._server = _server_for(config, setup.rate)
        self.audio: Worker[AudioCommand, Ready | AudioReport] = Worker("audio", self._start_audio)
        self.mind: Worker[MindCommand, MindReady | MindReports | MindEnded] = Worker("model", self._start_mind)
        self.latency, self.lead_s = NO_LATENCY, 0.0
        self._told_s = 0.0  # the latency that the mind knows
        self.rolling = False  # whether the current audio process has been sent Go

    def _ring(self, channels: int) -> Ring:
        return Ring(round(RING_S * self.setup.rate), channels)

    def _start_audio(self, commands: Channel[AudioCommand], reports: Channel[FromAudio]) -> Process:
        setup = self.setup
        audio_setup = AudioSetup(
            config=self._config,
            rate=setup.rate,
            input_device=setup.input_device,
            output_device=setup.output_device,
            output_channels=setup.output_channels,
            take=setup.take,
            ring=self.bass,
            stems=self.stems,
            sent=self._sent,
            stamp=self._stamp,
            waits=setup.waits,
            silence_s=setup.silence_s,
        )
        call = Call(AUDIO, "main", (audio_setup, self._plans_in, commands, reports))
        return self._server.spawn(call, "antiphon-audio")

    def _start_mind(self, commands: Channel[MindCommand], reports: Channel[FromMind]) -> Process:
        setup, self._told_s = self.setup, self.latency_s
        shared = (self._config, self.bass, self._sent, setup.rate, setup.ring_channel, self._told_s, self.plans)
        call = Call(MIND, "main", (*shared, commands, reports, self._snapshots))
        return self._server.spawn(call, "antiphon-mind")

    @property
    def latency_s(self) -> float:
        """Seconds from when a note must be there to when it is heard, as far as the sound card is concerned."""
        return self.latency.input_s + self.latency.output_s + self.lead_s

    def heard_latency(self, latency: Latency, lead_s: float) -> None:
        """Take the sound card's latencies as the audio process reports them, and tell the mind of a change."""
        self.latency, self.lead_s = latency, lead_s
        if self.mind.ready and abs(self.latency_s - self._told_s) > LATENCY_STEP_S:
            self._told_s = self.latency_s
            self.mind.send(SetLatency(self.latency_s))

    def start(self) -> None:
        """Begin to load, and start the audio process; the mind is started once that is ready."""
        self.audio.start()

    def poll(self) -> None:
        """Kill a stopped fork server that a starting worker waits for."""
        for worker in (self.audio, self.mind):
            if worker.process and not worker.ready and is_stopped(self._server.fork_server_pid):
                self._server.kill_fork_server()

    def go(self) -> None:
        """Let the sound begin. A file waits for the mind, so that the same file and seed give the same session; a
        player does not."""
        if self.audio.ready and not self.rolling and (self.mind.ready or self.setup.take is None or self.bass.written):
            self.rolling = self.audio.send(Go())

    @property
    def up(self) -> bool:
        """Whether both have reported that they are ready."""
        return self.audio.ready and self.mind.ready

    @property
    def restarts(self) -> dict[str, int]:
        return {worker.name: worker.history.restarts for worker in (self.audio, self.mind)}

    @property
    def pids(self) -> dict[str, int | None]:
        return {worker.name: worker.process.pid for worker in (self.audio, self.mind) if worker.process}

    @property
    def lost_messages(self) -> int:
        """Commands that a worker did not read in time."""
        return self.audio.dropped + self.mind.dropped

    def figures(self) -> dict[str, Json]:
        """Return figures for the summary."""
        causes = [*self.audio.history.causes, *self.mind.history.causes]
        starts = {"audio_starts": self.audio.history.starts, "mind_starts": self.mind.history.starts}
        return starts | {"restart_causes": causes, "lost_commands": self.lost_messages}

    def end(self, patience_s: float) -> None:
        """Wait for both to end by themselves, then kill them."""
        for worker in (self.audio, self.mind):
            worker.end(patience_s)
        if not self._server.is_twin:
            self._server.close()
        for end in (self.plans, self._plans_in):
            end.close()


_kept: tuple[Config, int, ForkServer] | None = None  # the last one that was made here


def _server_for(config: Config, rate: int) -> ForkServer:
    """Return the fork server of both workers: it loads the synth first, so that the sound need not wait for the models.

    One that was forked from this process serves the next session, too: there is no other like it.
    """
    global _kept
    if _kept and _kept[2].is_twin:
        if _kept[:2] == (config, rate):
            return _kept[2]
        _kept[2].close()
    made = ForkServer("antiphon-fork", Call(AUDIO, "load", (config, rate)), Call(MIND, "load", (config,)))
    _kept = config, rate, made
    return made
