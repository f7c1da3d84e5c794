"""Track tempo, beat, meter and downbeat of a solo bass, causally: Frame + onsets + notes -> (new Beats, Grid).

A Bayesian bar filter (listener/rhythm/meter.py) finds which grid is being played; a Kalman filter
(listener/rhythm/grid_clock.py) finds exactly where it lies. The grid is held through rests and left only for strong
evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from listener.rhythm.bar_cycle import METERS, BarCycle, cycle_from
from listener.rhythm.change_cost import YOUNG_S, ChangeCost
from listener.rhythm.confidence import BAR_TRUST, BEATS_TRUST, trust
from listener.rhythm.count_in import CountIn
from listener.rhythm.grid_clock import GridClock
from listener.rhythm.hints import Taps, check_tempo, likely, meter_of
from listener.rhythm.meter import BarFilter, Hypothesis
from listener.rhythm.new_bar import BarNotes, Bars, NewBars
from listener.rhythm.readings import RATIOS, SHAPE_OF, SHAPES, Reader, Reading, Weighed, load
from listener.rhythm.tempo_jump import Jump, TempoJumps
from listener.types import Beat, Frame, Grid, Note, Onset

SETTLE_S = 0.100  # how long an onset waits for its note (pitch, velocity)
SAME_EVENT_S = 0.045
LEAD_BEATS, LEAD_MAX_S = 0.3, 0.060  # before it falls a beat is said: the Grid looks further ahead, and moves
BREATH, BREATH_GAPS = 1.5, 12  # a silence this many times the longest of the last gaps: the player stopped
FIRST_NOTES, FIRST_BELIEF = 4, 0.30
SURE_PULSE = 0.5  # belief from which another level replaces that of a first grid at once
FIRST_S, LEAST_BELIEF = 3.0, 0.12  # the longer than FIRST_S it takes, the less sure a first grid must be
NEW_BEATS_BELIEF, NEW_BEATS_RATIO, NEW_BEATS_NOTES = 0.45, 2.0, 2
LOST, LOST_BELIEF = 0.10, 0.20  # a grid less probable than LOST is given up as easily as a first one is taken
RESTED_S, RETURNED_S = 4.0, 15.0  # of a rest in which beats drift; after it, in which they may be found a 16th off
SHIFTED_NOTES = 4  # for which these are clearly the likelier ones
LEVEL_KEPT_S = 8.0  # after another tempo was taken, while the pulse before it says which level to expect
TAPPED_NEAR = 0.14  # of log time, within which a tap's distance is a pulse
RELATED = 0.035  # of log tempo, within which a tempo is a level of another
NEW_TEMPO_S = 4.0  # of notes that are kept when the tempo changes
LEVELS = (
    (0.5, (0.0,)),
    (1.0, (0.0,)),
    (2.0, (0.0, 1.0)),
    (3.0, (0.0, 1.0, 2.0)),
    (1.5, (0.0, 0.5, 1.0)),
    (2 / 3, (0.0, 1 / 3)),
)
DOUBTED = 0.03  # belief in the beat below which its bars are not judged
TURN_S = 2.0  # a grid is held so long before other bars are looked for
NEW_METER_S = 12.0  # bars found in the last notes are kept, while older ones speak against them
MARKS = [2, 4]  # of a note's kinds: low, loud
OPENS_S = 2.5  # a note after so much silence opens a line
ACCENT_GAIN = 2.2
SWUNG = 0.75  # share of belief in swung bars that makes the grid swing
APPROACHED = 0.35  # accent of a note reached by a semitone
SMOOTHING = 0.35  # of published confidences, per note
PATIENCE_BEATS, FADE_BEATS = 4.0, 16.0
DENSITY_PULSES = 12  # over which notes per pulse are counted
SPARSE, DENSE = 0.52, 0.60  # notes per pulse: isolated notes make no groove
SPARSE_TRUST = 0.5  # share of the confidence that they keep: long notes mostly are a slow line


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

    def __init__(self, reader: Reader | None = None) -> None:
        """reader: in place of the one that ships."""
        self._filter = BarFilter()
        self._clock: GridClock | None = None
        self._pending: list[_Event] = []
        self._unplaced_s: float | None = None  # a note that was heard, but not yet laid on the grid
        self._unjudged_s: float | None = None  # a note on the grid by which it was not yet judged
        self._best: Hypothesis | None = None  # of the filter, at that note
        self._taps, self._count_in = Taps(), CountIn()
        self._last_event_s = -math.inf
        self._returned_s = -math.inf  # the last note that came after a long rest
        self._gaps_s: list[float] = []
        self._heard = 0
        self._began_s = 0.0  # the first note
        self._velocity = 80.0
        self._pitch = 40.0
        self._recent: list[tuple[float, int]] = []
        self._beat_belief = self._bar_belief = 0.0
        self._challenge_beats = 0
        self._reader = reader or Reader(load())
        self._cost = ChangeCost()
        self._jumps = TempoJumps()
        self._cycle: BarCycle | None = None  # of several bars
        self._bar_notes = BarNotes()
        self._new: NewBars | None = None  # bars found in the last notes
        self._turned_s = -math.inf  # when they were found
        self._unturned_s: float | None = None  # a note after which the bars may be new
        self._found_s = 0.0  # when this grid was found
        self._before_s: float | None = None  # the pulse of the grid before
        self._told_level = False  # the player tapped or gave the tempo
        self._told_meter: str | None = None
        self._rival: Reading | None = None
        self._enough = 1.0  # 0-1, whether there are notes enough per pulse to trust a grid
        self._said = -1  # index of the last beat emitted
        self._said_s = -math.inf

    def given(self, meter: str | None, tempo_bpm: float | None) -> None:
        """Take meter ("7/8") and tempo, in beats of that meter per minute, from the player. Raises ValueError.

        None leaves the value to be heard.
        """
        self._told_meter, self._told_level, self._best = meter, tempo_bpm is not None, None
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
        if self._unplaced_s is not None:  # a frame after it was heard: no frame does the work of two
            self._lay(self._unplaced_s)
            self._best = self._filter.best()
            self._unplaced_s, self._unjudged_s = None, self._unplaced_s
        elif self._unjudged_s is not None:
            self._decide(self._unjudged_s)
            self._unjudged_s, self._unturned_s = None, self._unjudged_s
        elif self._unturned_s is not None:
            self._turn(self._unturned_s)
            self._unturned_s = None
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
        else:
            self._began_s = event.onset_s
        self._heard += 1
        loud = (event.velocity - self._velocity) / 20.0 if event.velocity else 0.0
        gap_s = event.onset_s - self._last_event_s
        if gap_s > RESTED_S:
            self._returned_s = event.onset_s
        memory, opens = self._reader.memory, gap_s > OPENS_S
        memory.push(event.onset_s, 0.0, event.pitch, max(-1.0, min(1.0, loud)), opens)
        self._bar_notes.push(event.onset_s, 0.0, event.pitch, memory.kinds[memory.count - 1, MARKS], opens)
        self._last_event_s = event.onset_s
        self._filter.note(event.onset_s, event.pitch, self._accent(event))
        self._unplaced_s = event.onset_s
        count_s = self._count_in.push(event.onset_s, event.dead)
        if count_s is not None:
            self._set(event.onset_s, count_s, 1.0)

    def _take_tap(self, time_s: float) -> None:
        period_s = self._taps.tap(time_s)
        if self._clock is not None and self._tap_level(self._clock, time_s):
            return
        if period_s is not None:
            self._set(time_s, period_s, None)
        elif self._taps.is_first:
            self._filter.tap(time_s, 0.0)

    def _tap_level(self, clock: GridClock, time_s: float) -> bool:
        """Read the held beats so that the tap falls on one of them; from the second tap on, on every one.

        The first tap moves the beat by a half or a third of it, and is a downbeat.
        """
        per_pulse = float(clock.model.beats_per_pulse)
        now, ratio = clock.beat_at(time_s), per_pulse
        gap_s = self._taps.last_gap_s
        if gap_s is not None:
            ratio = min((r * per_pulse for r in RATIOS), key=lambda r: abs(math.log(gap_s / clock.period_s / r)))
            if abs(math.log(gap_s / clock.period_s / ratio)) > TAPPED_NEAR:
                return False
        unit = min(ratio, per_pulse)
        fine = min((unit / 4, unit / 3), key=lambda u: abs(now / u - round(now / u)) * u)
        line = round(now / fine) * fine
        shape = SHAPES[SHAPE_OF[clock.model.meter]] if ratio == per_pulse else SHAPES[0]
        if gap_s is not None:  # the first tap was the downbeat
            line -= ratio * (self._taps.count - 1)
        self._told_level = True
        self._take(clock, Reading(ratio, line, shape, 1.0, 1.0), time_s)
        return True

    def _set(self, time_s: float, period_s: float, pulses_to_downbeat: float | None) -> None:
        """Set the grid from taps or a count-in: beats are period_s long and one falls at time_s."""
        self._filter.suppose(likely(None, 60 / period_s))
        self._filter.tap(time_s, pulses_to_downbeat)
        best = self._filter.best()
        if self._clock is None or not self._same_beats(self._clock, best):
            self._lock(best)

    def _lay(self, onset_s: float) -> None:
        """Correct the grid by the newest note, at onset_s, and go on at another tempo where the last notes show one."""
        if self._clock is None:
            return
        clock, memory = self._clock, self._reader.memory
        foreseen = clock.beat_at(onset_s)
        clock.push(onset_s)
        memory.u[memory.count - 1] = clock.beat_at(onset_s)
        self._bar_notes.place(clock.beat_at(onset_s))
        self._jumps.push(onset_s, foreseen, clock)
        jump = self._jumps.find(clock.model.meter.numerator, clock.index - clock.position + 1)
        if jump is not None:
            self._leap(clock, jump, onset_s)

    def _turn(self, time_s: float) -> None:
        """Take other bars, where the last notes show them."""
        clock = self._clock
        if clock is None or self._told_meter is not None or time_s - self._found_s < TURN_S:
            return
        if self._beat_belief < DOUBTED:
            return
        per_pulse = clock.model.beats_per_pulse
        held = Bars(float(clock.index - clock.position + 1), (float(clock.model.meter.numerator),))
        if self._cycle is not None:
            held = Bars(self._cycle.line, self._cycle.sizes)
        held_bars = (time_s - max(self._turned_s, self._began_s)) / (clock.period_s * clock.model.meter.numerator)
        new = self._bar_notes.find(held, per_pulse, held_bars)
        if new is None:
            return
        sizes, belief = new.bars.sizes, self._beat_belief
        if len(sizes) > 1:
            said = clock.beat_at(self._said_s if self._said >= 0 else time_s)
            self._cycle = cycle_from(new.bars.line, sizes, per_pulse, self._said + 1, said)
        else:
            shape = SHAPES[SHAPE_OF[METERS[per_pulse][sizes[0]]]]
            reading = Reading(float(per_pulse), new.bars.line, shape, belief, belief * new.probability)
            at_s = clock.anchor_s + (new.bars.line - clock.index) * clock.period_s
            self._take(clock, reading, time_s)
            self._bar_notes.begin(at_s)
        self._cost.clear()
        self._new, self._turned_s = new, time_s
        self._bar_belief, self._rival = belief * new.probability, None

    def _decide(self, onset_s: float) -> None:
        """Update the grid by the newest note, at onset_s."""
        best = self._best or self._filter.best()
        memory = self._reader.memory
        if self._clock is None:
            waited = min(1.0, max(0.0, (onset_s - self._began_s - FIRST_S) / FIRST_S))
            enough = FIRST_BELIEF + waited * (LEAST_BELIEF - FIRST_BELIEF)
            if self._heard >= FIRST_NOTES - (waited > 0) and self._levels_belief(best) > enough:
                clock = self._lock(best)
                self._found_s = onset_s
                self._read(clock, onset_s, 0.0)
            return
        gap_s = onset_s - memory.time_s[max(memory.count - 2, 0)]
        self._judge(self._clock, best, float(gap_s))
        self._enough += SMOOTHING * (self._count(self._clock, onset_s) - self._enough)

    def _count(self, clock: GridClock, time_s: float) -> float:
        """Return 0 when notes are isolated, 1 when there are enough of them per pulse."""
        pulse_s = clock.period_s * clock.model.beats_per_pulse
        density = self._filter.notes_since(time_s - DENSITY_PULSES * pulse_s) / DENSITY_PULSES
        return min(1.0, max(0.0, (density - SPARSE) / (DENSE - SPARSE)))

    def _lock(self, best: Hypothesis) -> GridClock:
        """Start another grid at another tempo, and return it."""
        since_s = best.time_s - NEW_TEMPO_S if self._clock else -math.inf
        if self._clock and best.time_s - self._found_s > YOUNG_S:
            self._before_s = self._clock.period_s * self._clock.model.beats_per_pulse
        before_s, cycle, new = self._clock.period_s if self._clock else None, self._cycle, self._new
        clock = self._start(best)
        now = clock.beat_at(best.time_s)
        self._jumps.clear()
        self._reader.memory.lay(best.time_s, now, clock.period_s, since_s)
        moved = self._bar_notes.relay(best.time_s, now, clock.period_s, before_s)
        if cycle is not None and moved is not None:  # the same tempo, found anew
            self._cycle, self._new = replace(cycle, line=cycle.line + moved), new
        self._found_s = best.time_s
        return clock

    def _start(self, best: Hypothesis) -> GridClock:
        """Start another grid; its beats are numbered on from the last one reported."""
        clock = GridClock(best, 0)
        if self._said >= 0:
            after_said = (self._said_s + 0.45 * clock.period_s - clock.anchor_s) / clock.period_s
            clock.index = self._said + 1 - math.ceil(after_said)
        self._clock = clock
        self._beat_belief, self._bar_belief = best.beat_belief, best.bar_belief
        self._challenge_beats = 0
        self._cost.clear()
        self._rival, self._new, self._cycle = None, None, None
        return clock

    def _leap(self, clock: GridClock, jump: Jump, time_s: float) -> None:
        """Keep pulse, bar and swing at another tempo."""
        now, per_pulse = jump.beat_at(time_s), clock.model.beats_per_pulse
        place = (now - clock.index + clock.position - 1) / per_pulse % clock.model.pulses
        belief = jump.probability * self._bar_belief
        new = self._start(Hypothesis(clock.model, time_s, jump.period_s * per_pulse, place, jump.probability, belief))
        new.swing = clock.swing
        shift = new.beat_at(time_s) - now
        self._reader.memory.leap(jump.time_s, jump.beat, jump.period_s)
        self._reader.memory.rebase(1.0, shift)
        self._bar_notes.leap(jump.time_s, jump.beat, jump.period_s)
        self._bar_notes.rebase(1.0, shift)
        self._jumps.leap(jump)
        self._jumps.rebase(1.0, shift)
        self._filter.suppose(likely(None, 60 / jump.period_s))

    def _judge(self, clock: GridClock, best: Hypothesis, gap_s: float) -> None:
        """Keep the held grid, read it on another level or with another bar, or leave it for the best hypothesis."""
        lattice = self._lattice(clock, best.time_s)
        if self._same_beats(clock, best):
            self._judge_swing(clock, best)
        related = self._related(clock, best)
        shifted = related and lattice < LOST and best.time_s - self._returned_s < RETURNED_S  # drifted in a rest
        enough = LOST_BELIEF if lattice < LOST and not shifted else NEW_BEATS_BELIEF
        if related and not shifted:
            self._challenge_beats = 0
        elif best.beat_belief > max(enough, NEW_BEATS_RATIO * lattice):
            self._challenge_beats += 1
            if self._challenge_beats >= (SHIFTED_NOTES if shifted else NEW_BEATS_NOTES):
                self._told_level = False
                self._lock(best)
                self._read(self._clock or clock, best.time_s, 0.0)
                return
        else:
            self._challenge_beats = 0
        weighed = self._read(clock, best.time_s, gap_s)
        self._beat_belief += SMOOTHING * (weighed.held_pulse * lattice - self._beat_belief)
        self._bar_belief += SMOOTHING * (weighed.held_bar * lattice - self._bar_belief)

    def _lattice(self, clock: GridClock, time_s: float) -> float:
        """Return the bar filter's belief in the held pulse or one that shares its beats."""
        pulse_s = clock.period_s * clock.model.beats_per_pulse
        return self._levels_belief(Hypothesis(clock.model, time_s, pulse_s, clock.place(time_s), 0.0, 0.0))

    def _levels_belief(self, of: Hypothesis) -> float:
        """Return the bar filter's belief in a pulse and in its halves, doubles and thirds together."""
        total = 0.0
        for ratio, phases in LEVELS:
            for phase in phases:
                total += self._filter.beat_belief(of.model, ratio * of.period_s, (of.place + phase) / ratio)
        return min(1.0, total)

    def _related(self, clock: GridClock, best: Hypothesis) -> bool:
        """Return whether the best hypothesis is a reading of the same notes on another level."""
        pulse_s = clock.period_s * clock.model.beats_per_pulse
        ratio = min(RATIOS, key=lambda r: abs(math.log(best.period_s / pulse_s / r)))
        if abs(math.log(best.period_s / pulse_s / ratio)) > RELATED:
            return False
        unit = 0.25 if abs(4 * ratio - round(4 * ratio)) < 0.01 else 1 / 6
        apart = (clock.place(best.time_s) - (best.place % 1.0) * ratio) / unit
        return abs(apart - round(apart)) < 0.3

    def _read(self, clock: GridClock, time_s: float, gap_s: float) -> Weighed:
        """Weigh the readings of the line, and change level or bar when another has been better for long enough."""
        per_pulse = float(clock.model.beats_per_pulse)
        held = per_pulse, float(clock.index - clock.position + 1), SHAPE_OF[clock.model.meter]
        belief = self._filter.belief, self._filter.folded
        age_s, period_s = time_s - self._found_s, clock.period_s
        expected = self._before_s / period_s if self._before_s and age_s < LEVEL_KEPT_S else None
        now = clock.beat_at(time_s)
        weighed = self._reader.weigh(period_s, held, belief, now, self._told_meter, expected)
        fresh_s = 0.5 if not gap_s else min(gap_s, 2.0)
        level = self._cost.level(weighed, per_pulse, 60 / period_s / per_pulse, fresh_s, age_s)
        bar = self._cost.bar(weighed, fresh_s, age_s)
        if not gap_s and weighed.held_pulse < SURE_PULSE < weighed.best.pulse_belief:
            level = True  # nobody plays yet on a grid that was found just now
        if self._new is not None and (self._cycle is not None or time_s < self._turned_s + NEW_METER_S):
            self._cost.clear()
            return replace(weighed, held_bar=max(weighed.held_bar, weighed.held_pulse * self._new.probability))
        self._rival = weighed.rival
        if level and not self._told_level:
            self._take(clock, weighed.best, time_s)
            self._cost.clear()
        elif bar:
            self._take(clock, weighed.on_held, time_s)
            self._cost.clear_bar()
        if level or bar:
            self._rival = None  # until the next note
        return weighed

    def _take(self, clock: GridClock, reading: Reading, time_s: float) -> None:
        """Read the held beats as another pulse or bar."""
        now = clock.beat_at(time_s)
        place = (now - reading.line) / reading.pulse % reading.shape.pulses
        found = Hypothesis(
            self._filter.model_for(reading.shape.meter, reading.pulse * clock.period_s, place),
            time_s,
            reading.pulse * clock.period_s,
            place,
            reading.pulse_belief,
            reading.bar_belief,
        )
        same = clock.model.beats_per_pulse == found.model.beats_per_pulse == 1 and abs(reading.pulse - 1) < 0.01
        if same and self._cycle is None:
            apart = (clock.place(time_s) - place) % 1.0
            if min(apart, 1 - apart) < 0.12:
                clock.retime(found)
                return
        period_s = clock.period_s
        new = self._start(found)
        scale = period_s / new.period_s
        self._reader.memory.rebase(scale, new.beat_at(time_s) - now * scale)
        self._bar_notes.rebase(scale, new.beat_at(time_s) - now * scale)
        self._jumps.rebase(scale, new.beat_at(time_s) - now * scale)

    def _judge_swing(self, clock: GridClock, best: Hypothesis) -> None:
        if str(best.model.meter) != str(clock.model.meter):
            return
        swung = self._filter.swing_share(best)
        if best.model.swing == clock.model.swing or (swung > SWUNG if best.model.swing else swung < 1 - SWUNG):
            clock.become(best.model)

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
        fade *= SPARSE_TRUST + (1 - SPARSE_TRUST) * self._enough
        beats, bar = trust(self._beat_belief, BEATS_TRUST), trust(self._bar_belief, BAR_TRUST)
        grid = clock.grid(beats * fade, min(beats, bar) * fade)
        return grid if self._cycle is None else self._cycle.lay(grid, now_s)

    def rival(self, now_s: float) -> Grid | None:
        """Return the other reading of what is played where it is about as likely as the grid, None where none is.

        Its beats are numbered from its last bar line; its confidences are the reader's, as they are.
        """
        if self._clock is None or self._rival is None or self._cycle is not None:
            return None
        clock, reading = self._clock, self._rival
        pulse_s = reading.pulse * clock.period_s
        line_s = clock.anchor_s + clock.offset_s + (reading.line - clock.index) * clock.period_s
        bar_s = pulse_s * reading.shape.pulses
        line_s += math.floor((now_s - line_s) / bar_s) * bar_s
        beat_s = pulse_s / reading.shape.beats_per_pulse
        return Grid(line_s, 0, 1, beat_s, reading.shape.meter, reading.pulse_belief, reading.bar_belief)

    def _say(self, grid: Grid, now_s: float) -> tuple[Beat, ...]:
        beats = []
        playing = self._plays(grid, now_s)
        lead_s = min(LEAD_MAX_S, LEAD_BEATS * grid.period_s)
        index = max(self._said + 1, math.ceil(grid.beat_at(now_s) + 1e-6))
        while grid.time_of(index) - lead_s <= now_s:
            time_s = grid.time_of(index)
            bpm = 60.0 / grid.period_s
            if playing:
                beats.append(Beat(time_s, now_s, grid.position_of(index), bpm, grid.meter_at(index), grid.confidence))
            self._said, self._said_s = index, time_s
            index += 1
        return tuple(beats)

    def _plays(self, grid: Grid, now_s: float) -> bool:
        """Return whether the player is still playing, judged by the gaps of the line so far."""
        heard_s = max([self._last_event_s, *(e.onset_s for e in self._pending)])
        return now_s - heard_s < BREATH * max([0.7 * grid.period_s, *self._gaps_s])
