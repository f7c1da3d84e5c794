"""What the audio process tells of itself."""

from __future__ import annotations

from agent.audio import MISSING, XRUNS, Latency
from agent.audiowords import AudioReport
from agent.lateness import Wakes
from agent.line import Line
from agent.player import Player

RECORDS_TOLD = 500  # in one report: a message is bounded (agent/channel.py), and what the parent missed comes in steps


def reported(
    line: Line, player: Player, wakes: Wakes, failed: str, stopped: bool, latency: Latency, band_delay_samples: int
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
