"""Bring a player of any input level to the level the ears were trained at, and measure dynamics within their own range.

Causal, without a clock: the gain follows the peaks of the notes heard so far, so the same sound gives the same gain.
"""

from __future__ import annotations

import numpy as np

FIRST_GAIN_DB = 8.0  # before anything was heard: from -40 to 0 dB peak a first note is heard at once
USUAL_DB = -11.0  # where the peak of a usual note is brought to
HIGHEST_DB = -5.0  # no hop may be brought beyond this: then the gain falls at once
GAIN_DB = (-24.0, 40.0)
SLACK_DB = 6.0  # the gain stays while the usual note is this near to USUAL_DB
VOICED, VOICED_HOPS = 0.5, 9  # belief in a pitch, for 30 ms: a note and not noise
GAIN_NOTES, RANGE_NOTES = 12, 64  # the notes that the gain, and the player's range, are taken from
USUAL = 0.75  # the usual note is this quantile of their peaks
MEAN_VELOCITY, VELOCITY_PER_DB = 90, 2.8  # of a note as strong as the player's mean


class InputGain:
    """Follows one player's level. gain: the factor for the next hop's samples."""

    def __init__(self) -> None:
        self._gain_db = FIRST_GAIN_DB
        self._peaks_db: list[float] = []  # of the newest notes; the last one may still sound
        self._mean_db: float | None = None  # of their peaks; None before the first
        self._voiced_hops = 0
        self._loudest_db = -120.0  # since the last onset

    @property
    def gain(self) -> float:
        return float(10 ** (self._gain_db / 20))

    def limit(self, peak_db: float) -> None:
        """Lower the gain where the next hop, of this peak before the gain, would be too loud."""
        self._gain_db = min(self._gain_db, max(HIGHEST_DB - peak_db, GAIN_DB[0]))

    def hear(self, peak_db: float, voiced: float, onset: bool) -> None:
        """Take one hop after it was heard: its peak in dB before the gain, belief in a pitch, whether a note begins."""
        if onset:
            self._loudest_db, self._voiced_hops = -120.0, 0
        self._loudest_db = max(self._loudest_db, peak_db)
        self._voiced_hops = self._voiced_hops + 1 if voiced > VOICED else 0
        if self._voiced_hops == VOICED_HOPS:
            self._peaks_db = [*self._peaks_db[1 - RANGE_NOTES :], self._loudest_db]
            self._mean_db = _mean(self._peaks_db)
            self._follow()

    def _follow(self) -> None:
        usual_db = _usual(self._peaks_db[-GAIN_NOTES:])
        if abs(usual_db + self._gain_db - USUAL_DB) > SLACK_DB:
            self._gain_db = min(max(USUAL_DB - usual_db, GAIN_DB[0]), GAIN_DB[1])

    def velocity(self, peak_db: float) -> int:
        """Return the MIDI velocity, 1 to 127, of a note with this peak before the gain, within the player's range."""
        above_db = peak_db - (_mean([peak_db]) if self._mean_db is None else self._mean_db)
        return min(max(round(MEAN_VELOCITY + VELOCITY_PER_DB * above_db), 1), 127)


def _mean(peaks_db: list[float]) -> float:
    """Return the mean of peaks, as amplitudes, in dB."""
    return float(20 * np.log10((10 ** (np.array(peaks_db) / 20)).mean()))


def _usual(peaks_db: list[float]) -> float:
    return sorted(peaks_db)[round(USUAL * (len(peaks_db) - 1))]
