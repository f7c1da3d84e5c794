"""What the audio process is told when it begins, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.audio import Latency
from agent.clock import SharedStamp
from agent.scheduler import Counts
from agent.settings import Config
from agent.types import PlannedNote
from listener.ring import Ring

NO_LATENCY = Latency()


@dataclass(frozen=True, slots=True)
class AudioSetup:
    """What the audio process is to open. take: the file that stands for a microphone. output_channels: 0 = nothing is
    played through a sound card. waits: a card that is not there is waited for.

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
