"""A riff and what was asked of it -> takes: the band's bars around it, drawn once and then revised only where asked.

A take keeps what the responder drew (`drawn`) beside what is played (`played`: after the moves that stand). An edit
draws anew only the parts it names, hearing the others as they were, so that what was not named stays as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from agent.barsettings import Settings
from agent.compose import Moment
from agent.edits import Edit
from agent.harmonymoves import Around, reharmonised, unresolved
from agent.inkey import InKey
from agent.material import REST, Bar, Riff
from agent.moves import Spot, moved
from agent.standing import Standing, density_moves
from listener.types import Meter
from models import phrasing
from models.responder import Responder, ResponderState
from models.tokens import EMPTY_REPLY, PARTS, BassTick, ChordHit, Position, Reply, TickInput

REPEATS = 2  # times the form is played in a take
WARM_UP_BARS = 2  # heard before the first bar, and not part of the take
AS_IT_COMES = 0.5  # variation where none was asked for: below it the bar before comes again, the more the lower
DRAWS: dict[str, tuple[str, ...]] = {  # dimension -> parts drawn anew when the band as a whole is named
    "density": PARTS,
    "syncopation": PARTS,
    "variation": PARTS,
    "dissonance": ("chords", "line"),
    "resolution": ("chords", "line"),
    "meter": PARTS,
    "key": ("chords", "line"),
}
PART_OF = {"harmony": ("chords",), "line": ("line",)} | dict.fromkeys(
    ("drums", "kick", "snare", "hat", "ride", "toms", "cymbals", "percussion"), ("drums",)
)


@dataclass(frozen=True, slots=True)
class Take:
    """number: from 1. bars: of the form, repeated REPEATS times. drawn, played: tick by tick over all of them;
    settings: bar by bar. says: one line of what was done."""

    number: int
    riff: Riff
    standing: Standing
    bars: tuple[Bar, ...]
    drawn: tuple[Reply, ...]
    played: tuple[Moment, ...]
    settings: tuple[Settings, ...]
    says: str = ""
    name: str = ""
    seed: int = 0

    @property
    def meters(self) -> tuple[Meter, ...]:
        return tuple(bar.meter for bar in self.bars)


@dataclass(frozen=True, slots=True)
class _Warm:
    """Where a take begins: the responder after the bars before, the tick before, and the harmony that holds."""

    state: ResponderState
    bass: BassTick
    reply: Reply
    held: tuple[int, str] | None


@dataclass
class Sketcher:
    """Makes takes of one riff; the same riff, edits and seed give the same takes."""

    responder: Responder
    temperature: float = 0.9
    repeats: int = REPEATS
    takes: list[Take] = field(default_factory=list)
    warm: dict[tuple[int, Riff], _Warm] = field(default_factory=dict)  # by seed and riff

    def begin(self, riff: Riff, standing: Standing | None = None, seed: int = 0) -> Take:
        """The first take."""
        return self._keep(self._draw(riff, standing or Standing(), seed, None, frozenset(PARTS)), "the first take")

    def imagine(self, take: Take, edits: Sequence[Edit]) -> Take:
        """What revise would make; it is not kept."""
        return self._draw(take.riff, take.standing.ask(tuple(edits)), take.seed, take, redrawn(edits))

    def revise(self, take: Take, edits: Sequence[Edit], says: str = "") -> Take:
        """What the edits ask, and nothing else; ends in a new take."""
        return self._keep(self.imagine(take, edits), says)

    def undo(self, take: Take) -> Take:
        """The take before this one's last edits, as it was."""
        standing = take.standing.undo()
        before = next((one for one in reversed(self.takes) if one.standing.asked == standing.asked), None)
        if before is None:
            before = self._draw(take.riff, standing, take.seed, take, frozenset())
        return self._keep(before, "as it was before")

    def _keep(self, take: Take, says: str) -> Take:
        kept = replace(take, number=len(self.takes) + 1, says=says)
        self.takes.append(kept)
        return kept

    def _draw(self, riff: Riff, standing: Standing, seed: int, before: Take | None, parts: frozenset[str]) -> Take:
        form = form_of(riff, standing)
        settings = tuple(standing.settings(bar, len(form)) for bar in range(self.repeats * len(form)))
        bars = tuple(
            form[i % len(form)].fitted(one.meter) if one.meter else form[i % len(form)]
            for i, one in enumerate(settings)
        )
        old = _by_place(before, settings) if before else {}
        return _Drawer(self, riff, bars, settings, seed, old, parts).take(standing)


def redrawn(edits: Sequence[Edit]) -> frozenset[str]:
    """The parts that have to be drawn anew for these edits."""
    parts: set[str] = set()
    for edit in edits:
        draws = DRAWS.get(edit.dimension, ())
        own = PART_OF.get(edit.target)
        if edit.dimension == "density" and own:
            continue  # a move thins or thickens what is there
        parts |= set(draws) & set(own) if own else set(draws)
    return frozenset(parts)


def form_of(riff: Riff, standing: Standing) -> tuple[Bar, ...]:
    """The riff's bars, so many as form.length asks for."""
    count = len(riff.bars)
    for one in standing.asked:
        if (one.edit.target, one.edit.dimension) == ("form", "length"):
            wanted = int((one.edit.size or one.edit.value or "1").split()[0])
            count = (
                wanted
                if one.edit.change == "set"
                else count + (wanted if one.edit.change in ("more", "on") else -wanted)
            )
    count = min(max(count, 1), 64)
    return tuple(riff.bars[i % len(riff.bars)] for i in range(count))


def _by_place(take: Take, settings: Sequence[Settings]) -> dict[tuple[int, int], tuple[Reply, bool]]:
    """(bar, tick) -> what was drawn there, and whether that bar is to be played as it was."""
    stays = {i for i, (old, new) in enumerate(zip(take.settings, settings, strict=False)) if old == new}
    return {
        (m.place.bar, m.place.tick): (reply, m.place.bar in stays)
        for m, reply in zip(take.played, take.drawn, strict=True)
    }


@dataclass
class _Drawer:
    """One walk through the bars."""

    sketcher: Sketcher
    riff: Riff
    bars: tuple[Bar, ...]
    settings: tuple[Settings, ...]
    seed: int
    old: dict[tuple[int, int], tuple[Reply, bool]]
    parts: frozenset[str]
    held: tuple[int, str] | None = None
    line_sounds: bool = False
    fresh: dict[tuple[int, int], Reply] = field(default_factory=dict)  # by bar and tick, as drawn

    def take(self, standing: Standing) -> Take:
        """Where nothing is drawn anew nothing is asked of the responder, save in the bar before a drawn one."""
        warm = self.sketcher.warm.get((self.seed, self.riff)) or self._warmed()
        state, bass, reply, self.held = warm.state, warm.bass, warm.reply, warm.held
        drawn, played = [], []
        draws = [self._draws(number) for number in range(len(self.bars))] + [False]
        for number, (bar, settings) in enumerate(zip(self.bars, self.settings, strict=True)):
            for tick in range(len(bar.basses)):
                place = Position(tick, number + WARM_UP_BARS, bar.meter)
                if draws[number] or draws[number + 1]:
                    state = self.sketcher.responder.step(TickInput(place, bass, None, reply, settings.dials), state)
                fresh = self._one(state, place, number, settings)
                bass, reply = bar.basses[tick], self._shaped(fresh, place, number, bar, settings)
                self.fresh[number, tick] = fresh
                drawn.append(fresh)
                played.append(Moment(replace(place, bar=number), bass, reply))
        return Take(0, self.riff, standing, self.bars, tuple(drawn), tuple(played), self.settings, seed=self.seed)

    def _warmed(self) -> _Warm:
        """The riff's last bars, heard before the first take began; every take of it begins there."""
        state, bass, reply, bars = self.sketcher.responder.initial_state(), REST, EMPTY_REPLY, self.riff.bars
        for number in range(-WARM_UP_BARS, 0):
            bar, settings = bars[number % len(bars)], self.settings[0]
            for tick in range(len(bar.basses)):
                place = Position(tick, number + WARM_UP_BARS, bar.meter)
                state = self.sketcher.responder.step(TickInput(place, bass, None, reply, settings.dials), state)
                fresh = self._fresh(state, place, number, settings)
                bass, reply = bar.basses[tick], self._shaped(fresh, place, number, bar, settings)
        warm = _Warm(state, bass, reply, self.held)
        self.sketcher.warm[self.seed, self.riff] = warm
        return warm

    def _draws(self, number: int) -> bool:
        """Whether anything in this bar is drawn."""
        if self._repeats(number):
            return False
        known = [self.old.get((number, tick)) for tick in range(len(self.bars[number].basses))]
        return any(one is None or (self.parts and not one[1]) for one in known)

    def _repeats(self, number: int) -> bool:
        """Whether a bar is played as in the pass before: a band keeps what it found, unless it is to vary."""
        before = number - len(self.bars) // self.sketcher.repeats
        if before < 0 or (self.settings[number].variation or 0.0) > AS_IT_COMES:
            return False
        return self.settings[number] == self.settings[before] and self.bars[number] == self.bars[before]

    def _one(self, state: ResponderState, place: Position, number: int, settings: Settings) -> Reply:
        """What is drawn in this tick: new for the parts drawn anew, and where nothing was before."""
        before, stays = self.old.get((number, place.tick), (None, False))
        if before is not None and (stays or not self.parts):
            return before
        if self._repeats(number):
            fresh = self.fresh[number - len(self.bars) // self.sketcher.repeats, place.tick]
        else:
            fresh = self._fresh(state, place, number, settings)
        if before is None:
            return fresh
        if "drums" not in self.parts:
            fresh = replace(fresh, drums=before.drums)
        if "chords" not in self.parts:
            fresh = replace(fresh, chord=before.chord, chord_off=before.chord_off)
        return fresh if "line" in self.parts else replace(fresh, line=before.line, line_off=before.line_off)

    def _fresh(self, state: ResponderState, place: Position, number: int, settings: Settings) -> Reply:
        """What the responder draws, brought into the key, its harmony changed on the groups and to have the bass in it."""
        rng = np.random.default_rng((self.seed, number + WARM_UP_BARS, place.tick))
        varies = AS_IT_COMES if settings.variation is None else settings.variation
        temperature = self.sketcher.temperature * (1 + 2 * max(varies - AS_IT_COMES, 0.0))
        reply = self.sketcher.responder.sample(state, rng, temperature)
        again = self.fresh.get((number - 1, place.tick))
        if again is not None and varies < AS_IT_COMES:
            reply = phrasing.varied(again, reply, 2 * varies, rng)
        in_key, chord = InKey(self.riff.key, settings.dials.tension), reply.chord
        bass = self.bars[number % len(self.bars)].basses[place.tick].sounding_pitch
        if chord and self.held and place.tick not in Spot(place).groups:
            reply = replace(reply, chord=ChordHit(*self.held, chord.velocity))
        elif chord and (rng.random() >= in_key.colour or bass is None):
            reply = replace(reply, chord=ChordHit(*in_key.nearest_chord(chord, bass and bass % 12), chord.velocity))
        return in_key.mended(reply, self.held[0] if self.held else -1)

    def _shaped(self, reply: Reply, place: Position, number: int, bar: Bar, settings: Settings) -> Reply:
        spot = Spot(replace(place, bar=max(number, 0)), settings.through, self.seed)
        around = self._around(place, number, bar)
        reply = replace(
            reply, drums=moved(reply.drums, spot, (*density_moves(settings, "drums", "hat", "snare"), *settings.moves))
        )
        harmony = (*density_moves(settings, "harmony", "line"), *settings.harmony_moves)
        reply = unresolved(reharmonised(reply, spot, around, harmony), self.held, settings.resolves)
        self.held = (reply.chord.root, reply.chord.quality) if reply.chord else self.held
        self.line_sounds = reply.line is not None or (self.line_sounds and not reply.line_off)
        return reply

    def _around(self, place: Position, number: int, bar: Bar) -> Around:
        tick = place.tick
        near = any(b.onset_pitch is not None for b in bar.basses[max(tick - 1, 0) : tick + 2])
        riff = tuple((round(4 * beat), pitch) for beat, pitch in self.riff.hook) or tuple(
            (t, b.onset_pitch) for t, b in enumerate(self.riff.bars[0].basses) if b.onset_pitch is not None
        )
        key = (self.riff.key.tonic, self.riff.key.mode)
        return Around(self.held, key, bar.basses[tick].onset_pitch, near, riff, tick, self.line_sounds)
