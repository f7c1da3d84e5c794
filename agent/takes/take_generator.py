"""`Drawer` goes through a take's bars: the band plays its song plan over them, the moves in force shape it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat

from agent.directions.active import density_moves, drum_moves
from agent.directions.bar_settings import Settings
from agent.directions.drum_moves import Spot, moved
from agent.directions.harmony_moves import Around, reharmonised, unresolved
from agent.directions.key_filter import in_key
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import bass_bar
from agent.parts.song_key import key_given
from agent.reply.generation_options import GenerationOptions
from agent.reply.planned_song import Bars, Moment, play
from agent.song.song_plan import BarPlan, SongPlan, Wish, wish_of
from agent.takes.riff import Bar, Riff
from models.music.dials import GUIDANCE
from models.music.tokens import EMPTY_REPLY, PARTS, ChordHit, Position, Reply
from models.responder.responder import Responder

CADENCE_VELOCITY = 80
SWUNG_FROM = 0.58  # share of a beat that its first eighth takes, from which the band swings
Drawn = tuple[tuple[Reply, ...], tuple[Moment, ...]]


@dataclass
class Drawer:
    """Draws one take; use it for one `walk`.

    old: (bar, tick) -> (the reply drawn there before, whether that bar stays as it was). parts: to be drawn anew.
    recolours: draw only another harmony for the same strokes. repeats: times the form is played. harmonies, form:
    chords and section of each bar where they are given, () = found from the bass. ends: whether the form ends, and does
    not begin again. liking, declined: of grooves, as SongPlan has them. plans: of each bar, once it was planned.
    """

    responder: Responder
    temperature: float
    repeats: int
    riff: Riff
    bars: tuple[Bar, ...]
    settings: tuple[Settings, ...]
    seed: int
    old: dict[tuple[int, int], tuple[Reply, bool]]
    parts: frozenset[str]
    recolours: bool = False
    harmonies: tuple[tuple[ChordAt, ...], ...] = ()
    form: tuple[str, ...] = ()
    ends: bool = False
    line_leads: bool = True
    liking: Mapping[str, float] = field(default_factory=dict)
    declined: frozenset[str] = frozenset()
    plans: list[BarPlan] = field(default_factory=list)
    held: tuple[int, str] | None = None
    drawn: tuple[int, str] | None = None  # the harmony before it is shaped
    line_sounds: bool = False
    drawn_harmony: ChordHit | None = None

    def walk(self) -> Drawn:
        """Return the take (as drawn, as played), tick by tick; nothing is planned where everything stays."""
        drawn, played = [], []
        fresh = iter(self._planned() if any(map(self._draws, range(len(self.bars)))) else repeat(EMPTY_REPLY))
        for number, (bar, settings) in enumerate(zip(self.bars, self.settings, strict=True)):
            for tick, bass in enumerate(bar.basses):
                place = Position(tick, number, bar.meter)
                one = self._one(next(fresh), place, number)
                drawn.append(one)
                played.append(Moment(place, bass, self._shaped(one, place, number, bar, settings)))
        return tuple(drawn), tuple(played)

    def _planned(self) -> list[Reply]:
        """Return what the band plays by its song plan, tick by tick, with the dials of each bar."""
        bars = [bass_bar(bar.meter, bar.basses) for bar in self.bars]
        basses = [bass for bar in self.bars for bass in bar.basses]
        dials = self.settings[0].dials
        song = SongPlan(
            seed=self.seed,
            style=dials.style,
            swung=self.riff.swing > SWUNG_FROM,
            quarter_bpm=self.riff.tempo_bpm,
            key=key_given(self.riff.key),
            line_leads=self.line_leads,
            settled=bool(self.form),
            liking=self.liking,
            declined=self.declined,
        )
        wishes = [self._wish(settings) for settings in self.settings]
        options = GenerationOptions(self.seed, self.temperature, PARTS, dials, GUIDANCE)
        heard = Bars(bars, basses, 0, wishes, self.harmonies, not self.ends, self.form)
        made = play(song, heard, options, self.responder)
        replies = [reply for reply, _ in made]
        plans = {plan.number: plan for _, plan in made if plan is not None}
        self.plans = [plans[number] for number in sorted(plans)]
        return [in_key(reply, self.riff.key, -1) for reply in replies]

    def _wish(self, settings: Settings) -> Wish:
        wish = wish_of(settings.dials, GUIDANCE, self.temperature, settings.harmony_moves)
        return wish if settings.variation is None else replace(wish, surprise=settings.variation)

    def _draws(self, number: int) -> bool:
        """Return whether anything in this bar is drawn anew."""
        known = [self.old.get((number, tick)) for tick in range(len(self.bars[number].basses))]
        return any(one is None or (self.parts and not one[1]) for one in known)

    def _one(self, fresh: Reply, place: Position, number: int) -> Reply:
        """Return the reply drawn in this tick: new for the parts drawn anew and where there was none, else the old."""
        before, stays = self.old.get((number, place.tick), (None, False))
        if before is None:
            return fresh
        if stays or not self.parts:
            return before
        if self.recolours:
            return self._recoloured(before, fresh)
        if "drums" not in self.parts:
            fresh = replace(fresh, drums=before.drums)
        if "chords" not in self.parts:
            fresh = replace(fresh, chord=before.chord, chord_off=before.chord_off)
        return fresh if "line" in self.parts else replace(fresh, line=before.line, line_off=before.line_off)

    def _recoloured(self, before: Reply, fresh: Reply) -> Reply:
        """Return the strokes that were there, on the harmony that is drawn; a line that is silent stays silent."""
        self.drawn_harmony = fresh.chord or self.drawn_harmony
        if "chords" in self.parts and before.chord and self.drawn_harmony:
            before = replace(before, chord=replace(self.drawn_harmony, velocity=before.chord.velocity))
        root = self.drawn_harmony.root if self.drawn_harmony else -1
        return in_key(before, self.riff.key, root)

    def _shaped(self, reply: Reply, place: Position, number: int, bar: Bar, settings: Settings) -> Reply:
        self.drawn = (reply.chord.root, reply.chord.quality) if reply.chord else self.drawn
        around = self._around(place, number, bar)
        spot = Spot(replace(place, bar=max(number, 0)), settings.through, self.seed, around.bass)
        reply = replace(reply, drums=moved(reply.drums, spot, drum_moves(settings)))
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
        return Around(self.held, key, bar.basses[tick].onset_pitch, near, riff, tick, self.line_sounds, self.drawn)
