"""Records a live session: both rings into the recorder, facts into the event log. Used by the parent's thread only."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.core.errors import UserError
from agent.core.settings import PartConfig
from agent.core.types import Decision
from agent.recording.event_log import EventLog
from agent.recording.recent_sound import RecentSound
from agent.recording.recorder import Recorder, Unrecorded
from agent.recording.rest_gate import RestGate, is_silent
from listener.input_mixer import InputMixer
from listener.ring import Ring

SENT_S = 30.0  # of the band's sound that are held
EVERY_S = 0.1  # larger pieces cost less


class LiveRecording:
    """Reads both rings and feeds the recorder."""

    def __init__(self, recorder: Recorder, rate: int, bass: Ring, stems: Ring, channel: int | None) -> None:
        self.recorder, self.event_log = recorder, EventLog(recorder)
        self.mixer = InputMixer(bass.channels, rate, channel)  # as the mind's
        self._bass, self._stems = bass.reader(), stems.reader()
        self.recent, self._sent = RecentSound(rate), RecentSound(rate, SENT_S)
        self._rolled_s = 0.0
        self._delay = recorder.band_delay_samples
        self.peaks: tuple[float, ...] = ()  # of each part and the loop, 0-1, in what was recorded last; () once taken
        self.channel_peaks: tuple[float, ...] = ()  # of each channel of the input, 0-1, in what was read last
        self._gate, self._rate_hz = RestGate(rate), rate
        self._bass_count = self._rest_from = 0  # samples so far; where the rest began
        self.paused = False  # whether no sound is recorded, as the disk is nearly full
        self._surplus = 0  # samples of the band still to be left out, as it is heard sooner than before

    def delay(self, band_delay_samples: int) -> None:
        """Set how much later than rendered the band is heard from now on: the sound card has changed."""
        later, self._delay = band_delay_samples - self._delay, band_delay_samples
        self._surplus += max(-later, 0)
        if later > 0:
            self._put(np.zeros((later, self._stems.ring.channels), np.float32))

    def roll(self, now: bool = True) -> None:
        """Record the samples since the last call; with now=False only once enough have come."""
        at_s = time.monotonic()
        if not now and at_s - self._rolled_s < EVERY_S:
            return
        self._rolled_s = at_s
        bass = self._bass.read(self._bass.available)
        if len(bass):
            self.channel_peaks = tuple(np.abs(bass).max(axis=0).tolist())
            mono = self.mixer.push(bass)[0]
            self.recent.put(mono, self._bass.position)
            self._put_bass(mono)
        stems = self._stems.read(self._stems.available)
        left_out = min(self._surplus, len(stems))
        self._surplus, stems = self._surplus - left_out, stems[left_out:]
        if len(stems):
            self._sent.put(stems.sum(axis=1) / 2, self._stems.position + self._delay)
            self._put(stems)

    def heard(self, seconds: float) -> tuple[NDArray[np.float32], NDArray[np.float32], int] | None:
        """Return the last so many seconds of the bass's microphone and of what the band sounded meanwhile, mono, and
        the rate; None where nothing has come."""
        self.roll()
        end = min(self.recent.end, self._sent.end) if self._sent.end else self.recent.end
        start = max(end - round(seconds * self._rate_hz), 0)
        if end <= start:
            return None
        return self.recent.last(start, end), self._sent.last(start, end), self._rate_hz

    def decision(self, decision: Decision, said_s: float) -> None:
        """Write what was heard and decided."""
        if decision.analysis.onsets or decision.analysis.notes:
            self._gate.happened()
        self.event_log.decision(decision, said_s)

    def _put_bass(self, samples: NDArray[np.float32]) -> None:
        self._bass_count += len(samples)
        was_closed = self._gate.closed
        left_out, pieces = self._gate.bass(samples)
        if self.paused:
            self.recorder.skip_bass(left_out + sum(map(len, pieces)))
            return
        if left_out:
            self.recorder.skip_bass(left_out)
        if self._gate.closed and not was_closed:
            self._rest_from = self._bass_count
        for piece in pieces:
            self.recorder.bass(piece)
        if was_closed and not self._gate.closed:
            self._note_rest(self._bass_count - sum(map(len, pieces)))

    def _note_rest(self, until: int) -> None:
        """Write down between which times no sound was recorded."""
        from_s, until_s = self._rest_from / self._rate_hz, until / self._rate_hz
        if until > self._rest_from:
            self.recorder.event({"type": "gap", "from_s": round(from_s, 3), "until_s": round(until_s, 3)})

    def _put(self, stems: NDArray[np.float32]) -> None:
        """Record what the band and, last, the loop sounded [n, 2 * (parts + 1)]."""
        if not stems.any():
            self.peaks = (0.0,) * (stems.shape[1] // 2)
            self.recorder.skip_stems(len(stems))
            return
        lanes = np.ascontiguousarray(stems.reshape(len(stems), -1, 2).transpose(1, 0, 2))
        self.peaks = tuple(np.abs(lanes).max(axis=(1, 2)).tolist())
        silent = is_silent(stems)
        if not silent:
            self._gate.happened()
        if self.paused or (silent and self._gate.closed):
            self.recorder.skip_stems(len(stems))
            return
        self.recorder.stems(lanes[:-1], lanes[-1])

    @property
    def lost_samples(self) -> int:
        """Return the samples that were overwritten before they were read."""
        return self._bass.dropped + self._stems.dropped

    def close(self) -> tuple[str, ...]:
        """Finish the folder; the causes of what could not be written."""
        held = self._gate.held()
        if held and not self.paused:
            self._note_rest(self._bass_count - sum(map(len, held)))
            for piece in held:
                self.recorder.bass(piece)
        if self.lost_samples:
            self.event_log.cause(f"samples not recorded: bass {self._bass.dropped}, band {self._stems.dropped}")
        return self.recorder.close()


def open_recording(
    parts: Mapping[str, PartConfig],
    folder: Path,
    rate: int,
    rings: tuple[Ring, Ring, int | None],
    band_delay_samples: int,
    continues: str | None,
    instead: Callable[[str], object] | None,
    keep: str = "all",
) -> LiveRecording:
    """Start recording the rings (bass, stems, the bass's channel); keep: what sound is written, as recording.keep says.

    Where the folder cannot be used: raises UserError, or, with `instead`, calls it with the cause and records nothing.
    """
    programs = {name: (part.channel, part.program) for name, part in parts.items()}
    try:
        recorder = Recorder(folder, rate, tuple(parts), programs, band_delay_samples, continues, keep)
    except UserError as cause:
        if instead is None:
            raise
        instead(f"nothing is recorded: {cause}")
        recorder = Unrecorded(folder, tuple(parts), band_delay_samples)
    return LiveRecording(recorder, rate, *rings)
