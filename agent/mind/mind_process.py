"""Runs the mind's process: reads the ring, steps the mind, sends plans to the audio process and reports to the parent.

A fork server (agent/core/fork_server.py) starts it with the models loaded. Every second its whole state is saved to
shared memory; the mind that replaces it goes on from there, catches up, and reaches the state this one would have had.
"""

from __future__ import annotations

import gc
import signal
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.core.channel import Channel
from agent.core.messages import Failed, FollowGrid, HearPartner, InputEnded, MindToAudio, PlayBass, SetLatency, Stop
from agent.core.os_process import Priority, give_back_memory
from agent.core.settings import Config
from agent.core.types import Decision, Plan
from agent.directions.active import MindMessage
from agent.mind import snapshot
from agent.mind.lookahead import STALL_S, Pace
from agent.mind.snapshot import SnapshotStore
from listener.capture import Framer, first_start, to_mono
from listener.echo import EchoCanceller
from listener.input_mixer import InputMixer
from listener.ring import Reader, Ring
from listener.types import ANALYSIS_RATE, Frame

if TYPE_CHECKING:
    from agent.mind.mind import Mind

MAX_READ = 4_800  # samples at once: after a stall it catches up in steps and keeps answering
REJOINS_S = 0.5  # before the newest sample: where a mind goes on that is so late that sound was overwritten unread
WAIT_S = (0.001, 0.02)  # for the next frame: the least, and the most, so that a command is not kept waiting
RESTS_S = 0.08  # so much longer in silence: several frames at once cost less than one by one
LATE_S = 0.08  # further behind the stream than this, snapshots and pace measurements wait
SNAPSHOT_S, SNAPSHOT_LATEST_S = 1.0, 3.0  # how often, in seconds of the stream; when always late, and in silence
MESSAGE_SNAPSHOT_S = 0.2  # how often, after a message
PAST_S = 0.25  # notes due so long ago are not sent while catching up
_made: list[Mind] = []  # by `load`, unused: a fork has it in memory that all share


@dataclass(frozen=True, slots=True)
class MindReport:
    """One decision, sent to the parent.

    said_s: how far the stream had come by then. mended, dropped: samples so far that were no sound (NaN, infinite), or
    were lost before they were read. commit_s: how far ahead notes are final; plan_p95_s: how long a plan takes;
    snapshot_s: the longest time a snapshot has taken; unkept_bytes: size of a state too large to be saved.
    """

    decision: Decision
    said_s: float
    mended: int
    dropped: int
    commit_s: float = 0.0
    plan_p95_s: float = 0.0
    snapshot_s: float = 0.0
    unkept_bytes: int = 0

    @property
    def tells(self) -> bool:
        """Whether the report has news. In silence most have none."""
        heard = self.decision.analysis
        new = (heard.onsets, heard.notes, heard.revised, heard.ended, heard.beats, heard.phrase, self.decision.plan)
        return any(new)


@dataclass(frozen=True, slots=True)
class MindReports:
    """Decisions, sent to the parent together."""

    reports: tuple[MindReport, ...]


@dataclass(frozen=True, slots=True)
class MindReady:
    """The mind's first message. restored: whether it goes on from a snapshot."""

    restored: bool


@dataclass(frozen=True, slots=True)
class MindEnded:
    """The mind's last message: it has processed all of its input."""


FromMind = MindReady | MindReports | MindEnded | Failed
MindCommand = MindMessage | Stop
ToPlay = Plan | MindToAudio | InputEnded  # to the audio process


@dataclass(frozen=True, slots=True)
class EarsState:
    """What `Ears` goes on from. position, dropped: of the microphone's reader."""

    position: int
    dropped: int
    mended: int
    framer: Framer
    sent_framer: Framer
    canceller: EchoCanceller
    mixer: InputMixer


@dataclass(frozen=True, slots=True)
class State:
    """What a snapshot holds."""

    mind: Mind
    ears: EarsState
    pace: Pace


class Ears:
    """Reads the microphone's ring as frames, with the band's sound removed where `sent` holds what was played.

    Both rings are read in step: sample k of one belongs to sample k of the other. Sound that was overwritten before it
    was read is left out: a mind on a machine that is too busy would else hear nothing but what it has lost. One thread.
    """

    def __init__(self, mic: Ring, sent: Ring | None, rate: int, channel: int | None) -> None:
        self._mic, self._rate = mic.reader(), rate
        self._mixer = InputMixer(mic.channels, rate, channel)
        self._mic.skip_to_multiple(first_start(rate))
        self._sent = Reader(sent, self._mic.position) if sent else None
        self._framer = Framer(rate, self._mic.position)
        self._sent_framer, self._canceller = Framer(rate, self._mic.position), EchoCanceller()
        self.mended = 0  # samples that were no sound

    @property
    def _rings(self) -> list[Ring]:
        return [reader.ring for reader in (self._mic, self._sent) if reader]

    @property
    def at_end(self) -> bool:
        return self._mic.at_end

    @property
    def dropped(self) -> int:
        """Samples lost before they were read."""
        return self._mic.dropped

    @property
    def behind_s(self) -> float:
        """Seconds of sound that have come and were not read yet."""
        return self._mic.available / self._rate

    @property
    def next_in_s(self) -> float:
        """Seconds until the next frame can be complete."""
        return (self._framer.wants - self._mic.available) / self._rate

    def state(self) -> EarsState:
        """Return the read position and the filters' state, for `restore`."""
        places = (self._mic.position, self._mic.dropped, self.mended)
        return EarsState(*places, self._framer, self._sent_framer, self._canceller, self._mixer)

    def restore(self, state: EarsState) -> bool:
        """Go on from a saved state; False, and as new, when the ring no longer holds that position."""
        if not all(
            ring.written - ring.capacity + self._rate // 2 < state.position <= ring.written for ring in self._rings
        ):
            return False
        self._mic.position, self._mic.dropped, self.mended = state.position, state.dropped, state.mended
        self._framer, self._sent_framer = state.framer, state.sent_framer
        self._canceller, self._mixer = state.canceller, state.mixer
        if self._sent:
            self._sent.position = state.position
        return True

    def _rejoin(self) -> None:
        """Go on REJOINS_S before the newest sample of either ring; what lies between is lost."""
        before, step = self._mic.position, first_start(self._rate)
        newest = min(ring.written for ring in self._rings) - round(REJOINS_S * self._rate)
        self._mic.position = max(newest // step * step, before)
        self._mic.dropped += self._mic.position - before
        if self._sent:
            self._sent.position = self._mic.position
        self._framer, self._sent_framer = (Framer(self._rate, self._mic.position) for _ in range(2))

    def read(self) -> list[Frame]:
        """Return the frames since the last call, from at most MAX_READ samples."""
        if any(ring.written - ring.capacity > self._mic.position for ring in self._rings):
            self._rejoin()
        n = min(self._mic.available, MAX_READ, self._sent.available if self._sent else MAX_READ)
        mono, bad = self._mixer.push(self._mic.read(n))
        self.mended += bad
        frames = self._framer.push(mono)
        if self._sent is None:
            return frames
        band = self._sent_framer.push(to_mono(self._sent.read(n))[0])
        return [
            replace(frame, samples=self._canceller.step(frame.samples, sent.samples))
            for frame, sent in zip(frames, band, strict=True)
        ]


class Listener:
    """Feeds the mind from its ring. One thread calls poll() again and again."""

    def __init__(
        self, mind: Mind, ears: Ears, config: Config, ring: Ring, rate: int, latency_s: float, snapshots: SnapshotStore
    ) -> None:
        fixed_ms = config.band.commit_ms
        self.mind, self.ears, self.pace = mind, ears, Pace(None if fixed_ms is None else fixed_ms / 1000)
        self._ring, self._rate, self._snapshots, self._latency_s = ring, rate, snapshots, latency_s
        self._kept_s = ring.written / rate
        self._snapshot_s, self._has_message = 0.0, False
        self._catches_up = True  # until it has once been up to date
        self._unkept_bytes = 0

    def restore(self) -> bool:
        """Load the newest snapshot, if there is one and the ring still holds the sound since then."""
        data = self._snapshots.newest()
        if data is None:
            return False
        state = snapshot.loads(data, self.mind.shared_models.by_name, State)
        if not self.ears.restore(state.ears):
            return False
        state.mind.share_models(self.mind.shared_models, self._latency_s)
        self.mind, self.pace = state.mind, state.pace
        return True

    def send(self, message: MindMessage) -> None:
        """Pass a message to the mind; a snapshot follows soon, so that a restart does not lose what was asked."""
        self.mind.send(message)
        self._has_message |= not isinstance(message, (FollowGrid, HearPartner, PlayBass))

    def save_snapshot(self) -> None:
        """Save the whole state to the snapshot store."""
        began_s = time.perf_counter()
        self._kept_s, self._has_message = self._ring.written / self._rate, False
        state = State(self.mind, self.ears.state(), self.pace)
        pieces = snapshot.pieces(state, self.mind.shared_models.by_name)
        self._unkept_bytes = 0 if self._snapshots.put(*pieces) else sum(map(len, pieces))
        self._snapshot_s = max(self._snapshot_s, time.perf_counter() - began_s)

    @property
    def snapshot_due(self) -> bool:
        """True when a snapshot is due. Skipped while behind the stream, but never for longer than SNAPSHOT_LATEST_S."""
        age_s = self._ring.written / self._rate - self._kept_s
        if self.ears.behind_s > LATE_S or (self.mind.resting and not self._has_message):
            return age_s > SNAPSHOT_LATEST_S
        return age_s > (MESSAGE_SNAPSHOT_S if self._has_message else SNAPSHOT_S)

    @property
    def wait_s(self) -> float:
        """Seconds to wait for the next frame, or, in silence, for several."""
        spare_s = RESTS_S if self.mind.resting else 0.0
        return min(max(self.ears.next_in_s + spare_s, WAIT_S[0]), WAIT_S[1] + spare_s)

    def poll(self, plans: Channel[ToPlay], reports: Channel[FromMind]) -> bool:
        """Process the frames that have come and report them; False when none has."""
        behind_s = self.ears.behind_s
        self._catches_up = behind_s > (LATE_S if self._catches_up else STALL_S)
        frames = self.ears.read()
        heard = [said for frame in frames if (said := self._hear(frame, plans))]
        if heard:
            told = [one for one in heard[:-1] if one.tells] + heard[-1:] if self.mind.resting else heard
            reports.send(MindReports(tuple(told)))
            self._snapshots.said = round(heard[-1].decision.analysis.time_s * ANALYSIS_RATE)
        if self.snapshot_due:
            self.save_snapshot()
        return bool(frames)

    def _hear(self, frame: Frame, plans: Channel[ToPlay]) -> MindReport | None:
        decision = self.mind.step(frame)
        messages = self.mind.take_messages()
        end = frame.start_sample + len(frame.samples)
        now_s = self._ring.written / self._rate
        if decision.plan and not self._catches_up:
            self.pace.record_planning(now_s - decision.plan.created_s)
            self.mind.look_ahead(self.pace.ahead)
        if end <= self._snapshots.said:
            return None  # the process before this one has reported it
        if decision.plan:
            plans.send(_still_to_come(decision.plan, now_s))
        for message in messages:
            plans.send(message)
        ahead = self.pace.ahead
        heard = (decision, now_s, self.ears.mended, self.ears.dropped)
        return MindReport(*heard, ahead.commit_s, ahead.plan_p95_s, self._snapshot_s, self._unkept_bytes)


def _still_to_come(plan: Plan, now_s: float) -> Plan:
    """Return the plan without notes that should have been heard more than PAST_S ago."""
    if now_s - plan.created_s < PAST_S:
        return plan
    return replace(plan, committed=tuple(note for note in plan.committed if note.on_s > now_s - PAST_S))


def load(config: Config) -> None:
    """Make the mind of those that are forked from this process. Raises OSError or ValueError."""
    from agent.mind.mind import Mind

    mind = Mind(config)
    mind.read_all_grooves()
    _made.append(mind)


def main(
    config: Config,
    ring: Ring,
    sent: Ring | None,
    rate: int,
    channel: int | None,
    latency_s: float,
    plans: Channel[ToPlay],
    commands: Channel[MindCommand],
    reports: Channel[FromMind],
    snapshots: SnapshotStore | None = None,
) -> None:
    """Run the process; it ends on the message Stop, at the end of the ring, or with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ears = Ears(ring, sent, rate, channel)  # what comes while the mind is made is not lost
    try:
        if not _made:
            load(config)
        mind = _made.pop()
        mind.send(SetLatency(latency_s))
        listener = Listener(mind, ears, config, ring, rate, latency_s, snapshots or SnapshotStore())
    except (OSError, ValueError) as cause:
        reports.send(Failed(str(cause)))
        return
    restored = listener.restore()
    gc.collect()
    give_back_memory()
    gc.freeze()  # what is here now stays: the collector need not look at it again
    gc.set_threshold(20_000, 20, 50)
    reports.send(MindReady(restored))
    _listen(listener, ring, rate, plans, commands, reports)


def _listen(
    listener: Listener,
    ring: Ring,
    rate: int,
    plans: Channel[ToPlay],
    commands: Channel[MindCommand],
    reports: Channel[FromMind],
) -> None:
    priority = Priority()
    while not listener.ears.at_end:
        for message in commands.receive():
            if isinstance(message, Stop):
                return
            listener.send(message)
        if commands.gone:
            return
        if not listener.poll(plans, reports):
            priority.keep()
            time.sleep(listener.wait_s)
    plans.send(InputEnded(ring.written / rate))
    reports.send(MindEnded())
