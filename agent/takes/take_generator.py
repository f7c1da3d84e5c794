"""`Drawer` goes through a take's bars tick by tick: the responder draws, the moves in force shape what is played."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from agent.compose.composer import Moment
from agent.directions.active import density_moves
from agent.directions.bar_settings import Settings
from agent.directions.drum_moves import Spot, moved
from agent.directions.harmony_moves import Around, reharmonised, unresolved
from agent.directions.key_filter import InKey
from agent.takes.riff import REST, Bar, Riff
from models.music.tokens import EMPTY_REPLY, BassTick, ChordHit, Position, Reply, TickInput
from models.responder import phrasing
from models.responder.responder import Responder, ResponderState

WARM_UP_BARS = 2  # bars that the responder hears before the first; they are not part of the take
AS_IT_COMES = 0.5  # variation where none was asked for; the lower it is, the more of the bar before is repeated
RINGS = 3  # ticks that a chord is left to ring before it is struck again
CADENCE_VELOCITY = 80
Drawn = tuple[tuple[Reply, ...], tuple[Moment, ...]]


@dataclass(frozen=True, slots=True)
class Warm:
    """Where a take begins: the responder's state after the warm-up bars, their last tick, and the harmony held."""

    state: ResponderState
    bass: BassTick
    reply: Reply
    held: tuple[int, str] | None


@dataclass
class Drawer:
    """Draws one take; use it for one `walk`.

    old: (bar, tick) -> (the reply drawn there before, whether that bar stays as it was). parts: to be drawn anew.
    recolours: draw only another harmony for the same strokes. repeats: times the form is played. warm: cache of where
    takes begin, by seed and riff.
    """

    responder: Responder
    temperature: float
    repeats: int
    warm: dict[tuple[int, Riff], Warm]
    riff: Riff
    bars: tuple[Bar, ...]
    settings: tuple[Settings, ...]
    seed: int
    old: dict[tuple[int, int], tuple[Reply, bool]]
    parts: frozenset[str]
    recolours: bool = False
    held: tuple[int, str] | None = None
    line_sounds: bool = False
    drawn_harmony: tuple[int, str] | None = None
    ringing: int = RINGS  # ticks since a chord was drawn
    fresh: dict[tuple[int, int], Reply] = field(default_factory=dict)  # by bar and tick, as drawn

    def walk(self) -> Drawn:
        """Return the take (as drawn, as played), tick by tick.

        The responder steps only through bars with something to draw, and the bar before each.
        """
        warm = self.warm.get((self.seed, self.riff)) or self._warmed()
        state, bass, reply, self.held = warm.state, warm.bass, warm.reply, warm.held
        drawn, played = [], []
        draws = [self._draws(number) for number in range(len(self.bars))] + [False]
        for number, (bar, settings) in enumerate(zip(self.bars, self.settings, strict=True)):
            for tick in range(len(bar.basses)):
                place = Position(tick, number + WARM_UP_BARS, bar.meter)
                if draws[number] or draws[number + 1]:
                    state = self.responder.step(TickInput(place, bass, None, reply, settings.dials), state)
                fresh = self._one(state, place, number, settings)
                bass, reply = bar.basses[tick], self._shaped(fresh, place, number, bar, settings)
                self.fresh[number, tick] = fresh
                drawn.append(fresh)
                played.append(Moment(replace(place, bar=number), bass, reply))
        return tuple(drawn), tuple(played)

    def _warmed(self) -> Warm:
        """Return where every take of this riff begins: after its last WARM_UP_BARS bars."""
        state, bass, reply, bars = self.responder.initial_state(), REST, EMPTY_REPLY, self.riff.bars
        for number in range(-WARM_UP_BARS, 0):
            bar, settings = bars[number % len(bars)], self.settings[0]
            for tick in range(len(bar.basses)):
                place = Position(tick, number + WARM_UP_BARS, bar.meter)
                state = self.responder.step(TickInput(place, bass, None, reply, settings.dials), state)
                fresh = self._fresh(state, place, number, settings)
                bass, reply = bar.basses[tick], self._shaped(fresh, place, number, bar, settings)
        warm = Warm(state, bass, reply, self.held)
        self.warm[self.seed, self.riff] = warm
        return warm

    def _draws(self, number: int) -> bool:
        """Return whether anything in this bar is drawn anew."""
        if self._repeats(number):
            return False
        known = [self.old.get((number, tick)) for tick in range(len(self.bars[number].basses))]
        return any(one is None or (self.parts and not one[1]) for one in known)

    def _repeats(self, number: int) -> bool:
        """Return whether a bar is played as in the repeat before: same bar, same settings, no variation asked for."""
        before = number - len(self.bars) // self.repeats
        if before < 0 or (self.settings[number].variation or 0.0) > AS_IT_COMES:
            return False
        return self.settings[number] == self.settings[before] and self.bars[number] == self.bars[before]

    def _one(self, state: ResponderState, place: Position, number: int, settings: Settings) -> Reply:
        """Return the reply drawn in this tick: new for the parts drawn anew and where there was none, else the old."""
        before, stays = self.old.get((number, place.tick), (None, False))
        if before is not None and (stays or not self.parts):
            return before
        if self._repeats(number):
            fresh = self.fresh[number - len(self.bars) // self.repeats, place.tick]
        else:
            fresh = self._fresh(state, place, number, settings)
        if before is None:
            return fresh
        if self.recolours:
            return self._recoloured(before, fresh, place, settings)
        if "drums" not in self.parts:
            fresh = replace(fresh, drums=before.drums)
        if "chords" not in self.parts:
            fresh = replace(fresh, chord=before.chord, chord_off=before.chord_off)
        return fresh if "line" in self.parts else replace(fresh, line=before.line, line_off=before.line_off)

    def _recoloured(self, before: Reply, fresh: Reply, place: Position, settings: Settings) -> Reply:
        """Return the strokes that were there, on the harmony that is drawn; a line that is silent stays silent."""
        if fresh.chord and place.tick in Spot(place).groups:
            self.drawn_harmony = (fresh.chord.root, fresh.chord.quality)
        if "chords" in self.parts and before.chord and self.drawn_harmony:
            before = replace(before, chord=ChordHit(*self.drawn_harmony, before.chord.velocity))
        root = self.drawn_harmony[0] if self.drawn_harmony else -1
        return InKey(self.riff.key, settings.dials.tension).corrected(before, root)

    def _fresh(self, state: ResponderState, place: Position, number: int, settings: Settings) -> Reply:
        """Return the responder's reply, brought into the key; the harmony changes only on groups of beats and contains
        the bass."""
        rng = np.random.default_rng((self.seed, number + WARM_UP_BARS, place.tick))
        varies = AS_IT_COMES if settings.variation is None else settings.variation
        temperature = self.temperature * (1 + 2 * max(varies - AS_IT_COMES, 0.0))
        reply = self.responder.sample(state, rng, temperature)
        again = self.fresh.get((number - 1, place.tick))
        if again is not None and varies < AS_IT_COMES:
            reply = phrasing.varied(again, reply, 2 * varies, rng)
        in_key, chord = InKey(self.riff.key, settings.dials.tension), reply.chord
        bass = self.bars[number % len(self.bars)].basses[place.tick].sounding_pitch
        if chord and self.held and place.tick not in Spot(place).groups:
            reply = replace(reply, chord=ChordHit(*self.held, chord.velocity))
        elif chord and (rng.random() >= in_key.colour or bass is None):
            reply = replace(reply, chord=ChordHit(*in_key.nearest_chord(chord, bass and bass % 12), chord.velocity))
        return in_key.corrected(self._rung(reply, settings), self.held[0] if self.held else -1)

    def _rung(self, reply: Reply, settings: Settings) -> Reply:
        """Return the reply without a chord that repeats the last within RINGS ticks, unless a density is asked for."""
        self.ringing += 1
        chord = reply.chord
        if chord and (chord.root, chord.quality) == self.held and self.ringing < RINGS:
            reply = replace(reply, chord=None) if settings.dials.density is None else reply
        self.ringing = 0 if reply.chord else self.ringing
        return reply

    def _shaped(self, reply: Reply, place: Position, number: int, bar: Bar, settings: Settings) -> Reply:
        around = self._around(place, number, bar)
        spot = Spot(replace(place, bar=max(number, 0)), settings.through, self.seed, around.bass)
        reply = replace(
            reply, drums=moved(reply.drums, spot, (*density_moves(settings, "drums", "hat", "snare"), *settings.moves))
        )
        harmony = (*density_moves(settings, "harmony", "line"), *settings.harmony_moves)
        reply = unresolved(reharmonised(reply, spot, around, harmony), self.held, settings.resolves)
        reply = self._resolved(reply, place, number, bar) if settings.resolves else reply
        self.held = (reply.chord.root, reply.chord.quality) if reply.chord else self.held
        self.line_sounds = reply.line is not None or (self.line_sounds and not reply.line_off)
        return reply

    def _resolved(self, reply: Reply, place: Position, number: int, bar: Bar) -> Reply:
        """Return the reply with a cadence where the form repeats: the dominant in its last group of beats, the tonic on
        the next one."""
        form, spot, tonic = len(self.bars) // self.repeats, Spot(place), self.riff.key.tonic
        velocity = reply.chord.velocity if reply.chord else CADENCE_VELOCITY
        if number % form == 0 and place.tick == 0:
            mode = "maj" if self.riff.key.mode == "maj" else "min"
            return replace(reply, chord=ChordHit(tonic, mode, velocity), chord_off=False)
        if number % form == form - 1 and (reply.chord or place.tick == spot.groups[-1]):
            if place.tick < spot.groups[-1]:
                return reply
            bass = bar.basses[place.tick].sounding_pitch
            fits = bass is None or (bass - tonic - 7) % 12 in (0, 4, 7, 10)
            return replace(reply, chord=ChordHit((tonic + 7) % 12, "7" if fits else "sus4", velocity), chord_off=False)
        return reply

    def _around(self, place: Position, number: int, bar: Bar) -> Around:
        tick = place.tick
        near = any(b.onset_pitch is not None for b in bar.basses[max(tick - 1, 0) : tick + 2])
        riff = tuple((round(4 * beat), pitch) for beat, pitch in self.riff.hook) or tuple(
            (t, b.onset_pitch) for t, b in enumerate(self.riff.bars[0].basses) if b.onset_pitch is not None
        )
        key = (self.riff.key.tonic, self.riff.key.mode)
        return Around(self.held, key, bar.basses[tick].onset_pitch, near, riff, tick, self.line_sounds)
