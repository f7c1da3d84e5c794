"""The listener's door: `Analyzer.step(Frame) -> Analysis` runs every estimator of the listener on one frame of sound.

Every estimator is streaming and has a small state that can be copied.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np

from listener.ears.ears import SILENCE_DB, EarEvents, Ears
from listener.ears.frontend import HOP
from listener.ears.quiet_room import QuietRoom
from listener.midi_bass import MidiBass
from listener.music.feel import FeelTracker
from listener.music.form import FormTracker
from listener.music.harmony import Harmony
from listener.music.phrase import Phrases
from listener.rhythm import new_bar, tempo_jump
from listener.rhythm.beat import BeatTracker
from listener.timbre.timbre import TimbreTracker
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Analysis, Frame, Grid, KeyPress


def rms_db(samples: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    """Return the level of float32 [n] in dB re full scale, at least SILENCE_DB; an offset (DC) does not count."""
    return float(max(SILENCE_DB, 20 * np.log10(float(np.std(samples)) + 1e-9)))


class Analyzer:
    """Hears a stream of frames: onsets, notes, beats, key, chords, phrases, feel, form and timbre.

    Causal and deterministic: the same frames give the same answers, and a copy made with copy.deepcopy continues
    identically.
    """

    def __init__(self) -> None:
        self._ears, self._heard, self._hops = Ears(), EarEvents(), 0
        self._midi: MidiBass | None = None  # heard in place of the sound
        self.beat, self.harmony, self.phrases = BeatTracker(), Harmony(), Phrases()
        self.feel, self.form = FeelTracker(), FormTracker()
        self.timbre = TimbreTracker()

    def push(self, hop: Frame) -> EarEvents:
        """Hear the next 80 samples, for callers that need an onset as soon as it is heard.

        `step` must still be given the whole frame afterwards.
        """
        assert hop.samples.shape == (HOP,), f"a hop is [{HOP}], not {hop.samples.shape}"
        heard = self._ears.push(hop.samples, hop.start_sample, hop.lag_s)
        self._heard, self._hops = self._heard.and_then(heard), self._hops + 1
        return heard

    def _hear_rest(self, frame: Frame) -> EarEvents:
        """Return the ears' events of the whole frame, those of the hops that `push` has already heard included."""
        for start in range(self._hops * HOP, FRAME_SAMPLES, HOP):
            self.push(Frame(frame.samples[start : start + HOP], frame.start_sample + start, frame.lag_s))
        heard, self._heard, self._hops = self._heard, EarEvents(), 0
        return heard

    def play(self, presses: Iterable[KeyPress]) -> None:
        """Hear the bass from MIDI, from now on and not from the sound: these key presses, in their order in time."""
        self._midi = self._midi or MidiBass()
        self._midi.play(presses)

    def given(self, meter: str | None = None, tempo_bpm: float | None = None) -> None:
        """Take a meter ("7/8") and a tempo, in beats of that meter per minute, from the player. Raises ValueError."""
        self.beat.given(meter, tempo_bpm)

    def play_on(self, grid: Grid | None) -> None:
        """Measure the player's feel against this beat, which they do not move, until told otherwise.

        None: there is none.
        """
        self.feel.play_on(grid)

    def tap(self, time_s: float) -> None:
        """Take a tap of the player on the beat, at time_s of the stream.

        The first tap is a downbeat; three even taps give the tempo.
        """
        self.beat.tap(time_s)

    def step(self, frame: Frame) -> Analysis:
        """Return everything heard in `frame`, the next 320 samples, all finite.

        Raises AssertionError for a frame of another shape.
        """
        assert frame.samples.shape == (FRAME_SAMPLES,), f"a frame is [{FRAME_SAMPLES}], not {frame.samples.shape}"
        if self._midi:
            heard = self._midi.step(frame)
            level_db = self._midi.level_db
        else:
            heard = self._hear_rest(frame)
            level_db = rms_db(frame.samples)
        notes, ended, revised = heard.notes, heard.ended, heard.revised
        beats, grid = self.beat.step(frame, heard.onset_strength, heard.onsets, notes)
        chord, key = self.harmony.step(frame.end_s, notes, ended, grid, revised)
        phrase = self.phrases.step(frame.end_s, notes, ended, grid, revised)
        form = self.form.step(frame.end_s, notes, ended, grid, key, phrase, revised)
        placed, feel = self.feel.step(frame.end_s, notes, ended, grid)
        return Analysis(
            time_s=frame.end_s,
            emit_s=frame.emit_s,
            onset_strength=heard.onset_strength,
            f0_hz=heard.pitch[-1].f0_hz,
            voiced_prob=heard.pitch[-1].voiced_prob,
            rms_db=level_db,
            onsets=heard.onsets,
            pitch=heard.pitch,
            notes=notes,
            revised=revised,
            ended=ended,
            beats=beats,
            grid=grid,
            rival=self.beat.rival(frame.emit_s),
            chord=chord,
            key=key,
            phrase=form.phrase,
            placed=placed,
            feel=feel,
            repetition=form.repetition,
            hook=form.hook,
            timbre=() if self._midi else self.timbre.step(frame, notes, ended, revised),
        )


@cache
def warm_up() -> None:
    """Compile the numba kernels, or load them from the cache: half a minute in a new checkout, then a moment.

    Call it before the first frame.
    """
    t = np.arange(ANALYSIS_RATE // 4) / ANALYSIS_RATE
    pluck = sum(np.sin(2 * np.pi * 55 * k * t) / k for k in range(1, 9)) * np.exp(-6 * t) * 0.2
    line = np.resize(pluck, 2 * ANALYSIS_RATE).astype(np.float32)
    analyzer = Analyzer()
    for start in range(0, len(line) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        analyzer.step(Frame(line[start : start + FRAME_SAMPLES], start))
    QuietRoom().heard(np.zeros(HOP, np.float32), SILENCE_DB, 1.0, True)
    new_bar.warm_up()  # these two need more notes
    tempo_jump.warm_up()
