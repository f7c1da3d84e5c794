"""Track tempo, beat, meter and downbeat of a solo bass, causally: Frame + onsets + notes -> (new Beats, Grid).

A Bayesian bar filter (listener/rhythm/meter.py) finds which grid is being played; a Kalman filter
(listener/rhythm/grid_clock.py) finds exactly where it lies. The grid is held through rests and left only for strong
evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from listener.rhythm.confidence import BAR_TRUST, BEATS_TRUST, trust
from listener.rhythm.count_in import CountIn
from listener.rhythm.grid_clock import GridClock
from listener.rhythm.hints import Taps, check_tempo, likely, meter_of
from listener.rhythm.meter import BarFilter, Hypothesis
from listener.types import Beat, Frame, Grid, Note, Onset

SETTLE_S = 0.100  # how long an onset waits for its note (pitch, velocity)
SAME_EVENT_S = 0.045
LEAD_BEATS, LEAD_MAX_S = 0.3, 0.060  # before it falls a beat is said: the Grid looks further ahead, and moves
BREATH, BREATH_GAPS = 1.5, 12  # a silence this many times the longest of the last gaps: the player stopped
FIRST_NOTES, FIRST_BELIEF = 4, 0.30
NEW_BEATS_BELIEF, NEW_BEATS_RATIO, NEW_BEATS_NOTES = 0.45, 2.0, 2
LOST, LOST_BELIEF = 0.10, 0.20  # a grid less probable than LOST is given up as easily as a first one is taken
NEW_BAR_BELIEF, NEW_BAR_RATIO, NEW_BAR_NOTES = 0.45, 1.5, 2
# a bar that was this probable is left only for much stronger and longer evidence: a band plays on it
HELD_BELIEF, HELD_MEMORY = 0.55, 0.98  # memory per note
LEAVE_BELIEF, LEAVE_RATIO, LEAVE_NOTES = 0.85, 6.0, 10
ACCENT_GAIN = 2.2
SWUNG = 0.75  # share of belief in swung bars that makes the grid swing
APPROACHED = 0.35  # accent of a note reached by a semitone
SMOOTHING = 0.35  # of published confidences, per note
PATIENCE_BEATS, FADE_BEATS = 4.0, 16.0
DENSITY_PULSES = 12  # over which notes per pulse are counted
SPARSE, DENSE = 0.52, 0.60  # notes per pulse: isolated notes make no groove


@dataclass(slots=True)
class _Event:
    """A note or onset, as the beat tracker weighs it."""

    onset_s: float
    due_s: float
    pitch: int = 0
    velocity: int = 0
    dead: bool = False
    tapped: bool = False


class BeatTracker:
    """Tracks the beat: step(frame, onset_strength, onsets, notes) -> (new beats, grid; None before there is one)."""

    def __init__(self) -> None:
        self._filter = BarFilter()
        self._clock: GridClock | None = None
        self._pending: list[_Event] = []
        self._unjudged_s: float | None = None
        self._taps, self._count_in = Taps(), CountIn()
        self._last_event_s = -math.inf
        self._gaps_s: list[float] = []
        self._heard = 0
        self._velocity = 80.0
        self._pitch = 40.0
        self._recent: list[tuple[float, int]] = []
        self._beat_belief = self._bar_belief = 0.0
        self._held = 0.0  # how probable this bar has been, slowly forgotten
        self._challenge_beats = self._challenge_bar = 0
        self._enough = 1.0  # 0-1, whether there are notes enough per pulse to trust a grid
        self._said = -1  # index of the last beat emitted
        self._said_s = -math.inf

    def given(self, meter: str | None, tempo_bpm: float | None) -> None:
        """Take meter ("7/8") and tempo, in beats of that meter per minute, from the player. Raises ValueError.

        None leaves the value to be heard.
        """
        self._filter.given(
            str(meter_of(meter)) if meter is not None else None,
            check_tempo(tempo_bpm) if tempo_bpm is not None else None,
        )

    def tap(self, time_s: float) -> None:
        """Take a tap of the player on the beat, at time_s; the first is a downbeat, three even ones give the tempo."""
        self._pending.append(_Event(time_s, time_s + SETTLE_S, tapped=True))
        self._pending.sort(key=lambda e: e.onset_s)

    def step(
        self, frame: Frame, onset_strength: float, onsets: tuple[Onset, ...], notes: tuple[Note, ...]
    ) -> tuple[tuple[Beat, ...], Grid | None]:
        """Read one frame. Times are seconds of the stream; `onsets`, `notes`: those first reported in this frame."""
        for onset in onsets:
            self._expect(onset.onset_s, frame.emit_s)
        for note in notes:
            self._name(note, frame.emit_s)
        if self._unjudged_s is not None:  # a frame after it was heard: no frame does the work of two
            self._decide(self._unjudged_s)
            self._unjudged_s = None
        elif self._pending and self._pending[0].due_s <= frame.emit_s:
            event = self._pending.pop(0)
            if event.tapped:
                self._take_tap(event.onset_s)
            else:
                self._hear(event)
        if self._clock is None:
            return (), None
        self._clock.glide(frame.end_s - frame.start_s)
        self._roll(self._clock, frame.emit_s)
        grid = self._grid(self._clock, frame.emit_s)
        return self._say(grid, frame.emit_s), grid

    def _expect(self, onset_s: float, now_s: float) -> None:
        if onset_s > self._last_event_s + SAME_EVENT_S:
            self._pending.append(_Event(onset_s, now_s + SETTLE_S))
            self._pending.sort(key=lambda e: e.onset_s)

    def _name(self, note: Note, now_s: float) -> None:
        """Give a waiting onset its pitch and velocity, or add an event for a note that had none."""
        near = [e for e in self._pending if not e.tapped and abs(e.onset_s - note.onset_s) <= SAME_EVENT_S]
        event = min(near, key=lambda e: abs(e.onset_s - note.onset_s), default=None)
        if event is None:
            if note.onset_s <= self._last_event_s + SAME_EVENT_S:
                return
            event = _Event(note.onset_s, now_s)
            self._pending.append(event)
            self._pending.sort(key=lambda e: e.onset_s)
        event.dead = note.articulation == "ghost"
        event.pitch, event.velocity = (note.pitch if note.articulation != "ghost" else 0), note.velocity
        event.due_s = min(event.due_s, now_s)

    def _accent(self, event: _Event) -> float:
        """Measure how much this note stands out: loud, low, a pitch class not heard lately."""
        accent = 0.0
        if event.velocity:
            accent += max(-1.0, min(1.0, (event.velocity - self._velocity) / 20.0)) * 0.5
            self._velocity += 0.1 * (event.velocity - self._velocity)
        if event.pitch:
            accent += max(-0.6, min(0.6, (self._pitch - event.pitch) / 12.0)) * 0.5
            lately = [p % 12 for t, p in self._recent if event.onset_s - t < 2.0]
            if lately:
                accent += 0.4 if event.pitch % 12 not in lately else -0.15
            if self._recent and abs(event.pitch - self._recent[-1][1]) == 1:
                accent += APPROACHED
            self._pitch += 0.1 * (event.pitch - self._pitch)
            self._recent = [*self._recent[-15:], (event.onset_s, event.pitch)]
        else:
            accent -= 0.3
        return ACCENT_GAIN * accent

    def _hear(self, event: _Event) -> None:
        if event.onset_s <= self._last_event_s + SAME_EVENT_S:
            return
        if self._heard:
            self._gaps_s = [*self._gaps_s[1 - BREATH_GAPS :], event.onset_s - self._last_event_s]
        self._last_event_s = event.onset_s
        self._heard += 1
        self._filter.note(event.onset_s, event.pitch, self._accent(event))
        self._unjudged_s = event.onset_s
        count_s = self._count_in.push(event.onset_s, event.dead)
        if count_s is not None:
            self._set(event.onset_s, count_s, 1.0)

    def _take_tap(self, time_s: float) -> None:
        period_s = self._taps.tap(time_s)
        if period_s is not None:
            self._set(time_s, period_s, None)
        elif self._taps.is_first:
            self._filter.tap(time_s, 0.0)

    def _set(self, time_s: float, period_s: float, pulses_to_downbeat: float | None) -> None:
        """Set the grid from taps or a count-in: beats are period_s long and one falls at time_s."""
        self._filter.suppose(likely(None, 60 / period_s))
        self._filter.tap(time_s, pulses_to_downbeat)
        best = self._filter.best()
        if self._clock is None or not self._same_beats(self._clock, best):
            self._lock(best)

    def _decide(self, onset_s: float) -> None:
        """Update the grid by the newest note, at onset_s."""
        best = self._filter.best()
        if self._clock is None:
            if self._heard >= FIRST_NOTES and best.beat_belief > FIRST_BELIEF:
                self._lock(best)
            return
        self._clock.push(onset_s)
        self._judge(self._clock, best)
        self._enough += SMOOTHING * (self._count(self._clock, onset_s) - self._enough)

    def _count(self, clock: GridClock, time_s: float) -> float:
        """Return 0 when notes are isolated, 1 when there are enough of them per pulse."""
        pulse_s = clock.period_s * clock.model.beats_per_pulse
        density = self._filter.notes_since(time_s - DENSITY_PULSES * pulse_s) / DENSITY_PULSES
        return min(1.0, max(0.0, (density - SPARSE) / (DENSE - SPARSE)))

    def _lock(self, best: Hypothesis) -> None:
        """Start another grid; its beats are numbered on from the last one reported."""
        clock = GridClock(best, 0)
        if self._said >= 0:
            after_said = (self._said_s + 0.45 * clock.period_s - clock.anchor_s) / clock.period_s
            clock.index = self._said + 1 - math.ceil(after_said)
        self._clock = clock
        self._beat_belief, self._bar_belief, self._held = best.beat_belief, best.bar_belief, 0.0
        self._challenge_beats = self._challenge_bar = 0

    def _judge(self, clock: GridClock, best: Hypothesis) -> None:
        """Keep the held grid, turn its bar, or leave it for the best hypothesis."""
        pulse_s = clock.period_s * clock.model.beats_per_pulse
        place = clock.place(best.time_s)
        beat = self._filter.beat_belief(clock.model, pulse_s, place)
        bar = self._filter.bar_belief(clock.model, pulse_s, place)
        self._beat_belief += SMOOTHING * (beat - self._beat_belief)
        self._bar_belief += SMOOTHING * (bar - self._bar_belief)
        if self._same_beats(clock, best):
            self._challenge_beats = 0
            self._judge_swing(clock, best)
            self._judge_bar(clock, best, bar)
        elif best.beat_belief > max(LOST_BELIEF if beat < LOST else NEW_BEATS_BELIEF, NEW_BEATS_RATIO * beat):
            self._challenge_beats += 1
            if self._challenge_beats >= NEW_BEATS_NOTES:
                self._lock(best)
        else:
            self._challenge_beats = 0

    def _judge_swing(self, clock: GridClock, best: Hypothesis) -> None:
        if str(best.model.meter) != str(clock.model.meter):
            return
        swung = self._filter.swing_share(best)
        if best.model.swing == clock.model.swing or (swung > SWUNG if best.model.swing else swung < 1 - SWUNG):
            clock.become(best.model)

    def _judge_bar(self, clock: GridClock, best: Hypothesis, bar: float) -> None:
        self._held = max(HELD_MEMORY * self._held, self._bar_belief)
        held = self._held > HELD_BELIEF
        belief, ratio = (LEAVE_BELIEF, LEAVE_RATIO) if held else (NEW_BAR_BELIEF, NEW_BAR_RATIO)
        strong = best.bar_belief > max(belief, ratio * bar)
        weakly_held = not held and self._bar_belief < 0.3 and best.bar_belief > 1.3 * bar
        self._challenge_bar = self._challenge_bar + 1 if strong or weakly_held else 0
        if self._challenge_bar >= (LEAVE_NOTES if held else NEW_BAR_NOTES):
            if clock.model.beats_per_pulse == best.model.beats_per_pulse == 1:
                clock.retime(best)
                self._bar_belief = self._held = best.bar_belief
            else:
                self._lock(best)
            self._challenge_bar = 0

    def _same_beats(self, clock: GridClock, best: Hypothesis) -> bool:
        per_pulse = clock.model.beats_per_pulse
        period_s = best.period_s / best.model.beats_per_pulse
        if best.model.beats_per_pulse != per_pulse or abs(math.log(period_s / clock.period_s)) > 0.06:
            return False
        apart = (clock.place(best.time_s) - best.place) * per_pulse
        return abs(apart - round(apart)) < 0.2

    def _roll(self, clock: GridClock, now_s: float) -> None:
        """Move the anchor to the beat last passed, without changing the estimate."""
        clock.move_anchor(math.floor((now_s - clock.anchor_s) / clock.period_s))

    def _grid(self, clock: GridClock, now_s: float) -> Grid:
        silent_beats = (now_s - self._last_event_s) / clock.period_s / clock.model.beats_per_pulse
        fade = math.exp(-max(0.0, silent_beats - PATIENCE_BEATS) / FADE_BEATS)
        fade *= self._enough
        beats, bar = trust(self._beat_belief, BEATS_TRUST), trust(self._bar_belief, BAR_TRUST)
        return clock.grid(beats * fade, min(beats, bar) * fade)

    def _say(self, grid: Grid, now_s: float) -> tuple[Beat, ...]:
        beats = []
        playing = self._plays(grid, now_s)
        lead_s = min(LEAD_MAX_S, LEAD_BEATS * grid.period_s)
        index = max(self._said + 1, math.ceil(grid.beat_at(now_s) + 1e-6))
        while grid.time_of(index) - lead_s <= now_s:
            time_s = grid.time_of(index)
            bpm = 60.0 / grid.period_s
            if playing:
                beats.append(Beat(time_s, now_s, grid.position_of(index), bpm, grid.meter, grid.confidence))
            self._said, self._said_s = index, time_s
            index += 1
        return tuple(beats)

    def _plays(self, grid: Grid, now_s: float) -> bool:
        """Return whether the player is still playing, judged by the gaps of the line so far."""
        heard_s = max([self._last_event_s, *(e.onset_s for e in self._pending)])
        return now_s - heard_s < BREATH * max([0.7 * grid.period_s, *self._gaps_s])
