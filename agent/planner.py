"""What the responder imagines + the state of the band -> Plan.

The responder lives on ticks (16th notes). Whenever a tick of the bass is fully heard, its state takes one step
with what the bass and the band really did; a copy of that state then imagines the ticks ahead with the bass
unknown. The first of them are committed, the rest is tentative and thrown away at the next tick.
"""

from __future__ import annotations

from collections import deque
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.drummer import Drummer
from agent.form import Form, Gate
from agent.messages import SetDial, SetMode, SetPart
from agent.settings import BandConfig, DialsConfig
from agent.ticks import Tick, first_tick, next_tick, straight
from agent.types import PARTS, Plan, PlannedNote
from agent.voicing import intervals_of, voice
from listener.harmony import QUALITIES
from listener.types import Analysis, Grid, Note
from models import phrasing
from models.dials import Dials
from models.responder import Responder, ResponderState
from models.timing import Timing
from models.tokens import (
    DRUM_PIECES,
    EMPTY_REPLY,
    BassTick,
    ChordHit,
    Position,
    Reply,
    TickInput,
    ticks_per_beat,
)

HEARD_AFTER_S = 0.060  # a note is named this long after its onset; a tick is complete then
DRUM_DURATION_S = 0.10
LEGATO = 0.98  # a stroke that the next one ends stops this little before it
FILL_BARS = 8  # a fill ends every so many bars
JUMP_BEATS = 0.5  # a grid that moves further than this between frames is a new grid

Latent = NDArray[np.float32]


class Planner:
    """step(Analysis, latent) -> Plan | None, once a frame; deterministic in its input and the seed.

    latent: the frame's quantised EnCodec latent [D], or None. commit_s: how far ahead of now nothing is
    changed any more, output latency included.
    """

    def __init__(
        self,
        responder: Responder,
        config: BandConfig,
        parts: frozenset[str] = frozenset(PARTS),
        commit_s: float = 0.15,
        dials: DialsConfig | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.form = Form(config, parts)
        self._responder, self._config = responder, config
        self.commit_s, self.lookahead_s = commit_s, 2 * commit_s  # may be set anew while playing
        asked = dials or DialsConfig()
        self._dials = Dials(**{item.name: getattr(asked, item.name) for item in fields(Dials)})
        self._guidance = asked.guidance
        self._asked: dict[str, Any] = {}  # dials, from the next bar on
        self._drummer = Drummer(timing, config.looseness, asked.style, config.seed)
        self._latents: deque[tuple[float, Latent]] = deque(maxlen=512)
        self._reset()

    def _reset(self) -> None:
        self._state: ResponderState = self._responder.initial_state()
        self._tick: Tick | None = None  # the tick being heard now
        self._tick_s = 0.0
        self._grid: Grid | None = None
        self._replies: dict[int, Reply] = {}  # committed, from the tick being heard on
        self._notes: list[Note] = []  # heard, not yet given to a tick
        self._sounding: Note | None = None
        self._committed_s = float("-inf")
        self._voicing: tuple[int, ...] = ()
        self._last_chord: ChordHit | None = None
        self._level = 90.0  # how hard the player plays (velocity, running mean)

    @property
    def tick(self) -> Tick | None:
        return self._tick

    def tell(self, message: Any) -> None:
        """One of messages.SetMode, SetPart, SetDial; anything else is not for the planner."""
        match message:
            case SetMode(mode):
                self.form.ask(mode)
            case SetPart(part, enabled):
                self.form.enable(part, enabled)
            case SetDial(name, value):
                self._asked[name] = value

    def take_messages(self) -> list[Any]:
        """What the audio process is to be told besides plans: messages.PlayLoop, StopLoop. Once a frame."""
        return self.form.take_messages()

    def step(self, analysis: Analysis, latent: Latent | None) -> Plan | None:
        """Take one frame; a Plan whenever a tick is complete."""
        analysis = self.form.hear(analysis)
        self._hear(analysis, latent)
        if analysis.grid is None:
            return self._stop(analysis.time_s) if self._tick else None
        self._follow(analysis.grid, analysis.time_s)
        plan = None
        while self._is_heard(analysis.time_s):
            self._observe()
            plan = self._join(plan, self._plan(analysis.time_s))
        return plan

    def _hear(self, analysis: Analysis, latent: Latent | None) -> None:
        corrected = {note.onset_s: note for note in analysis.revised}
        self._notes = [corrected.get(note.onset_s, note) for note in self._notes] + list(analysis.notes)
        for note in analysis.notes:
            self._level += 0.05 * (note.velocity - self._level)
        if latent is not None:
            self._latents.append((analysis.time_s, latent))

    def _stop(self, now_s: float) -> Plan:
        self._reset()
        self.form.lost()
        return Plan((), (), now_s, now_s)

    def _follow(self, grid: Grid, now_s: float) -> None:
        """Keep the tick on the grid; a grid that jumped is taken up at the beat nearest to where we were."""
        if self._tick is None:
            self._tick = first_tick(grid, now_s)
        elif abs(self._tick.time_on(grid) - self._tick_s) > JUMP_BEATS * grid.period_s:
            self._tick = first_tick(grid, self._tick_s, self._tick)
        self._grid = grid
        self._tick_s = self._tick.time_on(grid)

    def _is_heard(self, now_s: float) -> bool:
        assert self._tick and self._grid
        half_s = 0.5 * self._grid.period_s / ticks_per_beat(self._tick.position.meter)
        return now_s >= self._tick_s + half_s + HEARD_AFTER_S

    def _observe(self) -> None:
        """The tick being heard is complete: step the state into the next one."""
        assert self._tick and self._grid
        tick, after = self._tick, next_tick(self._tick, self._grid)
        heard = self._bass_of(tick)
        bass, sound = self.form.hears(tick, heard, self._sound_of(tick, after))
        reply = self._replies.pop(tick.number, EMPTY_REPLY)
        self._state = self._responder.step(self._input(after.position, bass, sound, reply), self._state)
        self._tick, self._tick_s = after, after.time_on(self._grid)

    def _bass_of(self, tick: Tick) -> BassTick:
        mine = [n for n in self._notes if self._tick_number(n) <= tick.number]
        self._notes = [n for n in self._notes if n not in mine]
        played = [n for n in mine if n.articulation != "ghost"] or mine
        if played:
            self._sounding = played[-1]
        onset = played[-1] if played else None
        sounding = self._sounding.pitch if self._sounding and self.form.is_sounding else None
        return BassTick(True, onset.pitch if onset else None, onset.velocity if onset else 0, sounding)

    def _tick_number(self, note: Note) -> int:
        """The tick a note belongs to: where it was meant, the player's distance from the beat taken out."""
        assert self._tick and self._grid
        beat = self._grid.beat_at(note.onset_s - self._grid.behind_s)
        whole = int(np.floor(beat))
        per_beat = ticks_per_beat(self._tick.position.meter)
        sub = straight(beat - whole, self._grid.swing) * per_beat
        return self._tick.number + round((whole - self._tick.beat) * per_beat + sub - self._tick.sub)

    def _sound_of(self, tick: Tick, after: Tick) -> Latent | None:
        assert self._grid
        start_s, end_s = tick.time_on(self._grid), after.time_on(self._grid)
        inside = [latent for time_s, latent in self._latents if start_s <= time_s < end_s]
        return np.mean(inside, axis=0, dtype=np.float32) if inside else None

    def _plan(self, now_s: float) -> Plan:
        """Imagine ahead on a copy of the state; commit what must leave before the next tick is heard."""
        assert self._tick and self._grid
        grid, tick = self._grid, self._tick
        until_s = now_s + self.commit_s + grid.period_s / ticks_per_beat(tick.position.meter)
        path = self._imagine(tick, now_s, until_s)
        final = [(t, r) for t, r in path if t.time_on(grid) < until_s]
        committed: list[PlannedNote] = []
        for i, (t, reply) in enumerate(final):
            if t.number in self._replies or t.time_on(grid) <= self._committed_s:
                continue
            if t.position.tick == 0:
                self.form.downbeat(grid, now_s, t)
                self._turn_dials()
            committed += self._notes_of(t, reply, path[i + 1 :], self.form.gate(t.position, now_s, grid), final=True)
            self._replies[t.number] = reply
            self._committed_s = t.time_on(grid)
        tentative: list[PlannedNote] = []
        voicing, chord = self._voicing, self._last_chord
        for i, (t, reply) in enumerate(path[len(final) :], len(final)):
            tentative += self._notes_of(t, reply, path[i + 1 :], self.form.gate(t.position, now_s, grid))
        self._voicing, self._last_chord = voicing, chord
        return Plan(tuple(committed), tuple(tentative), max(until_s, self._committed_s), now_s, grid)

    def _turn_dials(self) -> None:
        """What was asked for since the last bar line counts from this one on."""
        self._guidance = self._asked.pop("guidance", self._guidance)
        self._dials, self._asked = replace(self._dials, **self._asked), {}

    def _imagine(self, tick: Tick, now_s: float, until_s: float) -> list[tuple[Tick, Reply]]:
        """(tick, reply) from `tick` to the end of the look-ahead: what is committed as it is, the rest imagined."""
        assert self._grid
        state = self._state
        path: list[tuple[Tick, Reply]] = []
        bars = self._config.lookahead_bars if tick.position.tick == 0 else 1
        last = tick.number + bars * tick.position.ticks_per_bar
        until_s = max(until_s, now_s + self.lookahead_s)
        while tick.number < last or tick.time_on(self._grid) < until_s:
            chord = next((r.chord for _, r in reversed(path) if r.chord), self._last_chord)
            reply = self._replies.get(tick.number) or self._sample(tick, state, chord)
            path.append((tick, reply))
            tick = next_tick(tick, self._grid)
            state = self._responder.step(self._input(tick.position, BassTick.UNKNOWN, None, reply), state)
        return path

    def _input(self, position: Position, bass: BassTick, sound: Latent | None, reply: Reply) -> TickInput:
        return TickInput(position, bass, sound, reply, self._dials, self._guidance)

    def _sample(self, tick: Tick, state: ResponderState, chord: ChordHit | None) -> Reply:
        rng = np.random.default_rng((self._config.seed, tick.number))
        bar = tick.position.bar
        fill = phrasing.Form(fill=bar % FILL_BARS == FILL_BARS - 1 or self.form.hands_over_after(bar))
        reply = phrasing.play(self._responder, state, tick.position, fill, rng, self._config.temperature)
        return self.form.reply(tick.position, reply, chord)

    def _notes_of(
        self, tick: Tick, reply: Reply, ahead: list[tuple[Tick, Reply]], gate: Gate, final: bool = False
    ) -> list[PlannedNote]:
        assert self._grid
        grid, on_s = self._grid, tick.time_on(self._grid)
        if gate.final:
            return self._final_stroke(tick, on_s)
        gain = gate.gain * min(max(self._level / 90.0, 0.7), 1.15)
        notes = []
        if "drums" in gate.parts:
            hits = [h for h in reply.drums if gate.pieces is None or h.piece in gate.pieces]
            quarter_s = grid.period_s * tick.position.meter.denominator / 4
            played = self._drummer.strike(tuple(hits), tick.position, tick.number, quarter_s) if final else None
            struck = played or [(hit, 0.0) for hit in hits]
            notes += [self._drum(hit.piece, hit.velocity * gain, tick, on_s + late_s) for hit, late_s in struck]
        if reply.chord and "chords" in gate.parts:
            self._last_chord = reply.chord
            off_s = self._until(tick, ahead, on_s, "chord")
            notes += self._chord(reply.chord, reply.chord.velocity * gain, tick, on_s, off_s)
        if reply.line and "line" in gate.parts:
            off_s = self._until(tick, ahead, on_s, "line")
            notes.append(_note("line", on_s, off_s, reply.line.pitch, reply.line.velocity * gain, tick))
        return notes

    def _drum(self, piece: str, velocity: float, tick: Tick, on_s: float) -> PlannedNote:
        return _note("drums", on_s, on_s + DRUM_DURATION_S, DRUM_PIECES[piece].key, velocity, tick)

    def _chord(self, chord: ChordHit, velocity: float, tick: Tick, on_s: float, off_s: float) -> list[PlannedNote]:
        self._voicing = voice(chord.root, intervals_of(chord.quality, QUALITIES), self._voicing)
        return [_note("chords", on_s, off_s, pitch, velocity, tick) for pitch in self._voicing]

    def _final_stroke(self, tick: Tick, on_s: float) -> list[PlannedNote]:
        assert self._grid
        bar_s = self._grid.period_s * self._grid.meter.numerator
        notes = [self._drum("kick", 100, tick, on_s), self._drum("crash", 84, tick, on_s)]
        if self._last_chord:
            notes += self._chord(self._last_chord, 72, tick, on_s, on_s + bar_s)
        return notes

    def _until(self, struck: Tick, ahead: list[tuple[Tick, Reply]], on_s: float, part: str) -> float:
        """When a sustained stroke ends: at the next stroke or release imagined, at the latest where that ends, or at
        the bar line where the part has to leave."""
        assert self._grid
        end_s = on_s + self._grid.period_s
        for tick, reply in ahead:
            end_s = tick.time_on(self._grid)
            if getattr(reply, part) or getattr(reply, f"{part}_off"):
                break
        if self.form.leaves_after({"chord": "chords"}.get(part, part), struck.position.bar):
            end_s = min(end_s, self._bar_line_s(struck))
        return on_s + LEGATO * (end_s - on_s)

    def _bar_line_s(self, tick: Tick) -> float:
        """When the bar of this tick ends."""
        assert self._grid
        left = tick.position.ticks_per_bar - tick.position.tick + tick.sub
        return self._grid.time_of(tick.beat + left / ticks_per_beat(tick.position.meter))

    @staticmethod
    def _join(first: Plan | None, second: Plan) -> Plan:
        if first is None:
            return second
        return replace(second, committed=first.committed + second.committed)


def _note(part: str, on_s: float, off_s: float, pitch: int, velocity: float, tick: Tick) -> PlannedNote:
    return PlannedNote(part, on_s, off_s, pitch, int(min(max(round(velocity), 1), 127)), tick.number)
