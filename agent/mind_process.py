"""The mind's process: reads the ring, steps the mind, sends plans to the audio process and facts to the parent."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.channel import Channel
from agent.config import Config
from agent.types import Thought
from listener.capture import Framer, first_start, to_mono
from listener.ring import Ring

if TYPE_CHECKING:
    from agent.mind import Mind

POLL_S = 0.002
MAX_READ = 4_800  # samples at once: after a stall it catches up in steps and goes on answering


@dataclass(frozen=True, slots=True)
class Heard:
    """One thought for the parent. said_s: how far the stream had come when it was thought; so far: mended samples
    that were no sound, dropped ones that were lost before they were heard."""

    thought: Thought
    said_s: float
    mended: int
    dropped: int


def main(
    config: Config,
    ring: Ring,
    rate: int,
    channel: int | None,
    latency_s: float,
    plans: Channel,
    commands: Channel,
    reports: Channel,
) -> None:
    """Entry point of the spawned process; ends on the command "stop", at the end of the ring, or with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        import torch

        from agent.mind import Mind

        torch.set_num_threads(1)  # two threads on busy cores ran 8 times slower
        mind = Mind(config, latency_s)
    except (OSError, ValueError) as cause:
        reports.send(("failed", str(cause)))
        return
    reports.send(("ready", None))
    _listen(mind, ring, rate, channel, plans, commands, reports)


def _listen(
    mind: Mind, ring: Ring, rate: int, channel: int | None, plans: Channel, commands: Channel, reports: Channel
) -> None:
    parent, mended = os.getppid(), 0
    reader = ring.reader()
    reader.skip_to_multiple(first_start(rate))
    framer = Framer(rate, reader.position)
    while not reader.at_end:
        if "stop" in commands.receive() or os.getppid() != parent:
            return
        block = reader.read(min(reader.available, MAX_READ))
        if not len(block):
            time.sleep(POLL_S)
            continue
        mono, bad = to_mono(block, channel)
        mended += bad
        for frame in framer.push(mono):
            thought = mind.step(frame)
            if thought.plan:
                plans.send(thought.plan)
            reports.send(Heard(thought, ring.written / rate, mended, reader.dropped))
    plans.send(ring.written / rate)
    reports.send(("ended", None))
