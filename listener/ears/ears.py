"""Hear onsets, pitch and notes in sound, hop by hop (3.3 ms): front end, ear network, note tracker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from listener.ears import ear_network
from listener.ears.frontend import HOP, FrontEnd
from listener.ears.input_gain import InputGain
from listener.ears.notes import NoteTracker
from listener.ears.onset import OnsetPicker
from listener.ears.pitch import PitchTracker
from listener.ears.quiet_room import QuietRoom
from listener.kernel import kernel
from listener.types import ANALYSIS_RATE, Note, Onset, PitchPoint, Samples

SILENCE_DB = -120.0
NET_HOPS = 8  # after a rest the network is given so many of the room's last hops
_T = TypeVar("_T")


@dataclass(slots=True)
class EarEvents:
    """What the ears heard in one hop, or in several. hits: of drums beside the bass."""

    onset_strength: float = 0.0
    onsets: tuple[Onset, ...] = ()
    hits: tuple[Onset, ...] = ()
    pitch: tuple[PitchPoint, ...] = ()
    notes: tuple[Note, ...] = ()
    revised: tuple[Note, ...] = ()
    ended: tuple[Note, ...] = ()

    def and_then(self, later: EarEvents) -> EarEvents:
        return EarEvents(
            max(self.onset_strength, later.onset_strength),
            self.onsets + later.onsets,
            self.hits + later.hits,
            self.pitch + later.pitch,
            self.notes + later.notes,
            self.revised + later.revised,
            self.ended + later.ended,
        )


class Ears:
    """Hears one stream. Deterministic; a copy made with copy.deepcopy continues identically."""

    def __init__(self) -> None:
        self._front, self._net = FrontEnd(), ear_network.load()
        self._onset, self._hit, self._pitch = OnsetPicker(), OnsetPicker(), PitchTracker(self._net.lowest)
        self._gain, self._applied = InputGain(), 1.0
        self._notes, self._room = NoteTracker(self._net.lowest, self._gain.velocity), QuietRoom()

    def push(self, samples: Samples, start_sample: int, lag_s: float) -> EarEvents:
        """Hear one hop of sound and return its events.

        start_sample: the hop's first sample in the stream at 24 kHz. lag_s: how long after its last sample the hop was
        available.
        """
        end_s = (start_sample + HOP) / ANALYSIS_RATE
        emit_s = end_s + lag_s
        level_db = peak_db(samples)
        if self._room.rests and not self._room.wakes(samples, level_db):
            return EarEvents(pitch=(PitchPoint(end_s, emit_s, None, 0.0),))
        self._catch_up(self._room.take_held())
        self._gain.limit(level_db)
        if self._gain.gain != self._applied:
            self._front.rescale(self._gain.gain / self._applied)
            self._applied = self._gain.gain
        ages, pitches, drums = self._net.step(self._front.step(samples * np.float32(self._applied)))
        belief, onset = self._onset.step(end_s, emit_s, ages, drums)
        _, hit = self._hit.step(end_s, emit_s, drums)
        self._gain.hear(level_db, float(1 - pitches[0]), onset is not None)
        if onset:
            self._pitch.onset_s = onset.onset_s
        point = self._pitch.step(end_s, emit_s, pitches, self._front)
        silent = onset is None and point.f0_hz is None and self._notes.idle
        self._room.heard(samples, level_db, self._applied, silent)
        new, revised, ended = self._notes.step(end_s, emit_s, onset, pitches, point.f0_hz, level_db, self._front.attack)
        return EarEvents(belief, _maybe(onset), _maybe(hit), (point,), _maybe(new), _maybe(revised), _maybe(ended))

    def _catch_up(self, hops: list[Samples]) -> None:
        """Hear what came just before the end of a rest: it was the room's noise."""
        for number, samples in enumerate(hops):
            features = self._front.step(samples * np.float32(self._applied))
            if number >= len(hops) - NET_HOPS:
                self._net.step(features)


@kernel()
def peak_db(samples: Samples) -> float:
    """Return the largest deviation from the mean of float32 [n] in dB re full scale, at least SILENCE_DB."""
    mean, peak = samples.mean(), 1e-9
    for sample in samples:
        peak = max(peak, abs(sample - mean))
    level_db: float = max(SILENCE_DB, 20 * np.log10(peak))
    return level_db


def _maybe(thing: _T | None) -> tuple[_T, ...]:
    return () if thing is None else (thing,)
