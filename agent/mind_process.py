"""The mind's process: reads the ring, steps the mind, sends plans to the audio process and facts to the parent."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.channel import Channel
from agent.processname import call_me
from agent.settings import Config
from agent.types import Thought
from listener.capture import Framer, first_start, to_mono
from listener.echo import EchoCanceller
from listener.ring import Reader, Ring
from listener.types import Frame

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


class Ears:
    """The microphone's ring as frames, the band taken out where `sent` tells what left for the loudspeaker.

    Both rings are read in step from now on: sample k of one lies beside sample k of the other. One thread.
    """

    def __init__(self, mic: Ring, sent: Ring | None, rate: int, channel: int | None) -> None:
        self._mic, self._channel = mic.reader(), channel
        self._mic.skip_to_multiple(first_start(rate))
        self._sent = Reader(sent, self._mic.position) if sent else None
        self._framer = Framer(rate, self._mic.position)
        self._sent_framer, self._canceller = Framer(rate, self._mic.position), EchoCanceller()
        self.mended = 0  # samples that were no sound

    @property
    def at_end(self) -> bool:
        return self._mic.at_end

    @property
    def dropped(self) -> int:
        """Samples lost before they were heard."""
        return self._mic.dropped

    def read(self) -> list[Frame]:
        """What has come since the last time, at most MAX_READ samples at once."""
        n = min(self._mic.available, MAX_READ, self._sent.available if self._sent else MAX_READ)
        mono, bad = to_mono(self._mic.read(n), self._channel)
        self.mended += bad
        frames = self._framer.push(mono)
        if self._sent is None:
            return frames
        band = self._sent_framer.push(to_mono(self._sent.read(n))[0])
        return [
            replace(frame, samples=self._canceller.step(frame.samples, sent.samples))
            for frame, sent in zip(frames, band, strict=True)
        ]


def main(
    config: Config,
    ring: Ring,
    sent: Ring | None,
    rate: int,
    channel: int | None,
    latency_s: float,
    plans: Channel,
    commands: Channel,
    reports: Channel,
) -> None:
    """Entry point of the spawned process; ends on the command "stop", at the end of the ring, or with its parent."""
    call_me("antiphon-mind")
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
    _listen(mind, Ears(ring, sent, rate, channel), ring, rate, plans, commands, reports)


def _listen(mind: Mind, ears: Ears, ring: Ring, rate: int, plans: Channel, commands: Channel, reports: Channel) -> None:
    parent = os.getppid()
    while not ears.at_end:
        if "stop" in commands.receive() or os.getppid() != parent:
            return
        frames = ears.read()
        if not frames:
            time.sleep(POLL_S)
        for frame in frames:
            thought = mind.step(frame)
            if thought.plan:
                plans.send(thought.plan)
            reports.send(Heard(thought, ring.written / rate, ears.mended, ears.dropped))
    plans.send(ring.written / rate)
    reports.send(("ended", None))
