"""What the audio process is told when it begins, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.audio.sound_card import MISSING, XRUNS, Latency
from agent.audio.stream import Stream
from agent.audio.stream_clock import SharedStamp
from agent.core.settings import Config
from agent.core.types import PlannedNote
from agent.engine.player import Player
from agent.engine.scheduler import Counts
from agent.engine.wake_timing import Wakes
from listener.ring import Ring

NO_LATENCY = Latency()


@dataclass(frozen=True, slots=True)
class AudioSetup:
    """What the audio process is to open. take: the file that stands for a microphone. output_channels: 0 = nothing is
    played through a sound card. waits: a card that is not there is waited for. stems: left and right of every part, of
    the loop last.

    A process started with the setup of one that died goes on in its place: rings and stamp say where that is.
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


@dataclass(frozen=True, slots=True)
class Ready:
    """band_delay_samples: how much later than rendered the band is heard. notes: what could not be opened and why.
    latency: of the card; zero while it is waited for (AudioReport tells it then)."""

    band_delay_samples: int
    latency: Latency
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AudioReport:
    """Counts since this process began, and what was sent since the last report."""

    xruns: int
    missing_samples: int
    counts: Counts
    records: tuple[dict[str, Any], ...]
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
    skipped_s: float = 0.0  # left out of the stream, as the process stood still
    cause: str = ""  # of the last loss, or why the card is not back
    port_cause: str = ""  # why no instrument is at the MIDI port now
    stuck: bool = False  # the driver does not let go: only a new process gets the card back
    latency: Latency = NO_LATENCY
    band_delay_samples: int = 0
    # how late the main loop woke up
    wakes_late_p99_s: float = 0.0
    wakes_late_max_s: float = 0.0


RECORDS_TOLD = (
    500  # in one report: a message is bounded (agent/core/channel.py), and what the parent missed comes in steps
)


def reported(
    line: Stream, player: Player, wakes: Wakes, failed: str, stopped: bool, latency: Latency, band_delay_samples: int
) -> AudioReport:
    """The state of now; records and notes: the oldest RECORDS_TOLD that the player still holds."""
    samples, monotonic_s, period_s = line.clock.pair if line.clock.running else (0, 0.0, 0.0)
    return AudioReport(
        xruns=line.count(XRUNS),
        missing_samples=line.count(MISSING),
        counts=player.counts,
        records=tuple(player.records[:RECORDS_TOLD]),
        notes=tuple(player.notes[:RECORDS_TOLD]),
        finished=player.finished,
        stopped=stopped,
        failed=failed,
        samples=samples,
        monotonic_s=monotonic_s,
        period_s=period_s,
        card=line.card.name if line.card else "",
        losses=line.losses,
        returns=line.returns,
        silent_s=line.silent_s,
        skipped_s=line.skipped_s,
        cause=line.cause,
        port_cause=player.port_cause,
        stuck=line.stuck,
        latency=latency,
        band_delay_samples=band_delay_samples,
        wakes_late_p99_s=wakes.p99_s,
        wakes_late_max_s=wakes.max_s,
    )
