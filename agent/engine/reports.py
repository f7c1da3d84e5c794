"""Defines what the audio process is started with and what it reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from agent.audio.sound_card import MISSING, XRUNS, Latency
from agent.audio.stream import Stream
from agent.audio.stream_clock import SharedStamp
from agent.core.messages import Failed, Go, InputEnded, MindToAudio, Stop, ToAudio
from agent.core.settings import Config
from agent.core.types import Plan, PlannedNote, SentRecord
from agent.engine.player import Player
from agent.engine.scheduler import Counts
from agent.engine.wake_timing import Wakes
from listener.ring import Ring

NO_LATENCY = Latency()


@dataclass(frozen=True, slots=True)
class AudioSetup:
    """What the audio process is to open.

    take: the file that is played in place of the microphone. output_channels: 0 = nothing is played through a sound
    card. waits: wait for a card that is not there. A process started with the setup of one that died goes on where
    that one was, by the rings and the stamp.
    """

    config: Config
    rate: int
    input_device: int | None
    output_device: int | None
    output_channels: int
    take: Path | None
    ring: Ring
    stems: Ring
    sent: Ring | None = None  # what left for the loudspeaker, where the microphone hears it
    stamp: SharedStamp = field(default_factory=SharedStamp)
    waits: bool = False
    silence_s: float | None = None  # the bass comes as MIDI and the input is silent for so long; None = it is sound


@dataclass(frozen=True, slots=True)
class Ready:
    """The audio process's first message.

    band_delay_samples: how much later than rendered the band is heard. warnings: what could not be opened and why.
    lead_s: how much further ahead than configured it renders, as the card asks for more at once.
    latency: of the card; zero while the card is waited for (an AudioReport has it then).
    """

    band_delay_samples: int
    latency: Latency
    warnings: tuple[str, ...]
    lead_s: float = 0.0


@dataclass(frozen=True, slots=True)
class AudioReport:
    """A regular report of the audio process: counts since it began, and events sent since the last report."""

    xruns: int
    missing_samples: int
    counts: Counts
    records: tuple[SentRecord, ...]
    notes: tuple[PlannedNote, ...]
    finished: bool
    stopped: bool = False
    failed: str = ""
    # the clock: sample `samples` of the stream was at monotonic_s; period_s: seconds a sample; 0, 0, 0: not started
    samples: int = 0
    monotonic_s: float = 0.0
    period_s: float = 0.0
    # the sound card: "" while there is none
    card: str = ""
    losses: int = 0
    returns: int = 0
    silent_s: float = 0.0  # of the stream without a card
    skipped_s: float = 0.0  # left out of the stream, as the process was stopped
    cause: str = ""  # of the last loss, or why the card is not back
    port_cause: str = ""  # why no instrument is at the MIDI port now
    stuck: bool = False  # the driver does not answer: only a new process gets the card back
    latency: Latency = NO_LATENCY
    band_delay_samples: int = 0
    lead_s: float = 0.0
    # how late the main loop woke up
    wakes_late_p99_s: float = 0.0
    wakes_late_max_s: float = 0.0


FromAudio = Ready | AudioReport | Failed
AudioCommand = ToAudio | Go | Stop
Planned = Plan | MindToAudio | InputEnded  # what the mind sends to the audio process


# records in one report: a message's size is limited (agent/core/channel.py), so a backlog is sent in steps
RECORDS_PER_REPORT = 500


def reported(
    stream: Stream,
    player: Player,
    wakes: Wakes,
    failed: str,
    stopped: bool,
    latency: Latency,
    band_delay_samples: int,
    lead_s: float,
) -> AudioReport:
    """Make a report of the present state, with the oldest RECORDS_PER_REPORT records and notes of the player."""
    samples, monotonic_s, period_s = stream.clock.pair if stream.clock.running else (0, 0.0, 0.0)
    return AudioReport(
        xruns=stream.count(XRUNS),
        missing_samples=stream.count(MISSING),
        counts=player.counts,
        records=tuple(player.records[:RECORDS_PER_REPORT]),
        notes=tuple(player.notes[:RECORDS_PER_REPORT]),
        finished=player.finished,
        stopped=stopped,
        failed=failed,
        samples=samples,
        monotonic_s=monotonic_s,
        period_s=period_s,
        card=stream.card.name if stream.card else "",
        losses=stream.losses,
        returns=stream.returns,
        silent_s=stream.silent_s,
        skipped_s=stream.skipped_s,
        cause=stream.cause,
        port_cause=player.port_cause,
        stuck=stream.stuck,
        latency=latency,
        band_delay_samples=band_delay_samples,
        lead_s=lead_s,
        wakes_late_p99_s=wakes.p99_s,
        wakes_late_max_s=wakes.max_s,
    )
