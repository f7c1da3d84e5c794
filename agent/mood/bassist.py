"""`Bassist` is the player of music without one: it has the beat, writes sections ahead and says each bar beforehand.

The band hears it as it hears a player whose every note and beat it may know beforehand. Nothing here reads a clock; a
section is written in a thread, some bars before it begins.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from agent.core.messages import LeadTempo, SetMood, SetSense
from agent.leading.led_grid import LedGrid, Span
from agent.making.moods import Cues, Mood, cues_of
from agent.mood.glide import Glide
from agent.mood.sections import KEPT_THEMES, Order, Section, Theme, next_order, write
from agent.parts.bass_bar import BassBar
from agent.song.live_song import ScoredBar
from listener.types import Grid, Key, Meter
from models.responder.responder import Responder

START_S = 1.0  # of the stream, before the first bar
LAID_S = 6.0  # so far ahead bars have their time and their mood
TOLD_BARS = 33  # that the band is told of, as far as they are written
KEPT_BARS = 4  # laid, that lie behind
WRITE_AHEAD = 24  # bars before its beginning in which a section is begun to be written
WAIT_BARS = 4  # by which a section grows while the next one is not written
STEEPEST = 0.13  # change of the tempo from bar to bar
BPM = (40.0, 240.0)
VELOCITY_SAY = 0.5  # of the distance between the mood of now and the one that the section was written in
PHRASE = 8  # bars
EARLY_S = 0.03  # that a note may begin before its bar
FIRST_RESTS, LINE_RESTS, CHORDS_REST = 0.6, 0.3, 0.1  # shares of the phrases: a section's first, others; of chords
ROOM_S, ROOM_DB = 10.0, (-60.0, -25.0)  # the loudness of a room: over so long; quiet, loud
DIALS = ("density", "intensity", "register", "tension", "resolution", "syncopation", "surprise")


@dataclass(frozen=True, slots=True)
class LaidBar:
    """A bar that has its time. number: from 0; beat: of its first; section: of the music; at: which of its bars; bass:
    as loud as its mood asks; rests: parts that rest in it."""

    number: int
    beat: int
    start_s: float
    period_s: float
    section: Section
    at: int
    mood: Mood
    bass: BassBar
    rests: frozenset[str]

    @property
    def bar(self) -> BassBar:
        return self.section.bars[self.at]

    @property
    def end_s(self) -> float:
        return self.start_s + self.period_s * self.bar.meter.numerator


class Bassist:
    """Call lay(now_s) once a frame; then grid(), told() and bar_at() say what is played. patient: wait for a section
    that is not written in time (faster than real time, so that a seed gives one result)."""

    def __init__(self, asked: SetMood, seed: int, patient: bool, rests: bool = True) -> None:
        """rests: whether line and chords rest phrase by phrase."""
        self._seed, self._patient, self._has_rests = seed, patient, rests
        self._asked = asked
        mood = mood_asked(asked)
        self._glide = Glide(mood, mood)
        self._cues_seed = float(np.random.default_rng((seed, 101)).uniform(-1, 1))
        self._meter = Meter(*asked.meter) if asked.meter else Meter(4, 4)
        self._bpm_factor = 1.0
        self._themes: tuple[Theme, ...] = ()
        self._section: Section | None = None
        self._laid: deque[LaidBar] = deque()
        self._at = 0  # the next bar of the section that is laid
        self._end = 0  # bars of the section that are played
        self._number = self._sections = 0
        self._order: Order | None = None  # that is being written
        self._written: Section | None = None
        self._room_db: float | None = None
        self._dials: dict[str, float | str] = {}
        self._choices: list[str] = []
        self._start_s = START_S

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_job": None, "_pool": None}

    _job: Future[Section] | None = None
    _pool: ThreadPoolExecutor | None = None

    # -- what is asked ----------------------------------------------------------------------------------------

    def send(self, message: SetMood | SetSense | LeadTempo) -> None:
        match message:
            case SetMood():
                self._change(message)
            case SetSense(name, value, moves, amount):
                self._glide = self._glide.sensed(name, moves, amount, value)
            case LeadTempo(bpm, factor):
                now = self._bpm(self._glide.at(self._number))
                self._bpm_factor *= (bpm / now) if bpm else factor

    def _change(self, asked: SetMood) -> None:
        if asked == self._asked:  # a mind that starts anew is told again
            return
        self._asked, self._bpm_factor = asked, 1.0
        self._glide = self._glide.to(mood_asked(asked), self._number, asked.bars)
        if asked.meter:
            self._meter = Meter(*asked.meter)
        # a section in the new mood comes when the glide is over
        left = -(-self._glide.bars // 4) * 4
        if self._section is not None:
            self._end = min(self._end, self._at + left)
        self._order = self._job = self._written = None

    def start(self, now_s: float, beat: Grid | None) -> None:
        """Begin START_S after now, or with the first bar line after that of a beat that others play to."""
        self._start_s = now_s + START_S
        if beat is not None:
            number = math.ceil(beat.beat_at(self._start_s))
            while beat.position_of(number) != 1:
                number += 1
            self._start_s = beat.time_of(number)

    def hear_room(self, now_db: float, seconds: float, moves: float) -> None:
        """Take how loud it is besides the band, dB re full scale: a loud room moves the mood. moves: 0 = not at all."""
        if not moves:
            return
        before = now_db if self._room_db is None else self._room_db
        self._room_db = before + (now_db - before) * min(seconds / ROOM_S, 1.0)
        quiet, loud = ROOM_DB
        level = min(max((self._room_db - quiet) / (loud - quiet), 0.0), 1.0)
        self._glide = self._glide.sensed("room", "arousal", moves, level)

    # -- bars -------------------------------------------------------------------------------------------------

    def lay(self, now_s: float, responder: Responder) -> bool:
        """Give the coming bars their time; return whether there are new ones."""
        new = False
        while not self._laid or self._laid[-1].end_s < now_s + LAID_S:
            self._laid.append(self._next(responder))
            new = True
        while len(self._laid) > KEPT_BARS and self._laid[KEPT_BARS].end_s < now_s:
            self._laid.popleft()
        self._write_ahead(responder)
        return new

    def _next(self, responder: Responder) -> LaidBar:
        before = self._laid[-1] if self._laid else None
        if self._section is None or self._at >= self._end:
            self._turn(responder)
        assert self._section
        self._glide = self._glide.next_bar()
        mood = self._glide.at(self._number)
        section, at = self._section, self._at % len(self._section.bars)
        bar = section.bars[at]
        wanted = 60 / self._bpm(mood) * 4 / bar.meter.denominator
        if before is not None:
            last = before.period_s * before.bar.meter.denominator / bar.meter.denominator
            wanted = min(max(wanted, last / (1 + STEEPEST)), last * (1 + STEEPEST))
        start_s = before.end_s if before else self._start_s
        beat = before.beat + before.bar.meter.numerator if before else 0
        bass, rests = self._struck(section, bar, mood), self._rests(section, at)
        laid = LaidBar(self._number, beat, start_s, wanted, section, at, mood, bass, rests)
        self._number, self._at = self._number + 1, self._at + 1
        return laid

    def _bpm(self, mood: Mood) -> float:
        bpm = self._asked.bpm or self._cues(mood).bpm
        return min(max(bpm * self._bpm_factor, BPM[0]), BPM[1])

    def _cues(self, mood: Mood) -> Cues:
        return cues_of(mood, self._cues_seed)

    def _turn(self, responder: Responder) -> None:
        """Begin the next section; the present one goes on where that is not written yet."""
        self._begin_writing(responder)
        ready = self._written
        if ready is None and self._job is not None and (self._patient or self._section is None or self._job.done()):
            ready = self._job.result()
        if ready is None:
            self._end += WAIT_BARS
            return
        self._order = self._job = self._written = None
        self._section, self._at, self._end = ready, 0, len(ready.bars)
        self._sections += 1
        kept = [one for one in self._themes if one.number != ready.theme.number]
        self._themes = tuple(sorted((*kept, ready.theme), key=lambda one: one.last)[-KEPT_THEMES:])
        self._choices.append(f"{ready.says}, {len(ready.bars)} bars")

    def _write_ahead(self, responder: Responder) -> None:
        if self._end - self._at <= WRITE_AHEAD:
            self._begin_writing(responder)
        if self._job is not None and self._job.done() and self._written is None:
            self._written = self._job.result()

    def _begin_writing(self, responder: Responder) -> None:
        if self._written is not None or self._job is not None:
            return
        if self._order is None:
            mood = self._glide.at(self._number + max(self._end - self._at, 0))
            bpm = self._bpm(mood)
            key = Key(*self._asked.key, 1.0) if self._asked.key else None
            self._order = next_order(
                self._seed,
                self._sections,
                self._themes,
                self._section,
                mood,
                bpm,
                self._meter,
                self._asked.style,
                key,
            )
        self._pool = self._pool or ThreadPoolExecutor(1, "bassist")
        self._job = self._pool.submit(write, self._order, responder)

    # -- what is played ---------------------------------------------------------------------------------------

    def grid(self, now_s: float) -> LedGrid:
        """Return the beat, bar by bar as far as bars are laid."""
        spans = [Span(one.beat, one.start_s, one.period_s, one.bar.meter) for one in self._laid]
        past = [span for span in spans if span.start_s <= now_s] or spans[:1]
        here = past[-2] if len(past) > 1 else past[-1]
        swing = self._laid[0].section.swing
        base = LedGrid(here.start_s, here.beat, 1, here.period_s, here.meter, 1.0, 1.0, swing)
        return replace(base, spans=tuple(span for span in spans if span.beat > here.beat))

    def laid_at(self, beat: int) -> LaidBar | None:
        """Return the bar that a beat lies in; None for one that is not laid."""
        found = (one for one in reversed(self._laid) if one.beat <= beat)
        bar = next(found, None)
        return bar if bar and beat < bar.beat + bar.bar.meter.numerator else None

    def _struck(self, section: Section, bar: BassBar, mood: Mood) -> BassBar:
        """Return a bar of a section as loud as the mood of now asks."""
        gain = 1 + VELOCITY_SAY * (self._cues(mood).intensity - self._cues(section.order.mood).intensity)
        notes = tuple(replace(note, velocity=int(min(max(round(note.velocity * gain), 20), 122))) for note in bar.notes)
        return replace(bar, notes=notes)

    def _rests(self, section: Section, at: int) -> frozenset[str]:
        """Return the parts that rest in a bar: phrase by phrase, so that what comes back is heard anew."""
        if not self._has_rests:
            return frozenset()
        phrase, number = at // PHRASE, section.order.number
        rng = np.random.default_rng((self._seed, 811, number, phrase))
        share = {"line": FIRST_RESTS if phrase == 0 and number else LINE_RESTS, "chords": CHORDS_REST}
        out = [part for part in share if float(rng.random()) < share[part]]
        return frozenset(out[:1])

    def rests_at(self, time_s: float) -> frozenset[str]:
        """Return the parts that rest at a time, seconds of the stream."""
        laid = next((one for one in reversed(self._laid) if one.start_s - EARLY_S <= time_s), None)
        return laid.rests if laid else frozenset()

    def told(self, number: int) -> list[ScoredBar]:
        """Return what comes from bar `number` on, as far as it is written."""
        out = [self._told(one.section, one.at) for one in self._laid if one.number >= number]
        if self._section is not None:
            out += [self._told(self._section, at % len(self._section.bars)) for at in range(self._at, self._end)]
        if self._written is not None:
            out += [self._told(self._written, at) for at in range(len(self._written.bars))]
        return out[:TOLD_BARS]

    @staticmethod
    def _told(section: Section, at: int) -> ScoredBar:
        return ScoredBar(section.bars[at], section.harmonies[at], section.theme.name, section.order.key)

    def dials(self, laid: LaidBar) -> Mapping[str, float | str]:
        """Return the dials of a bar that differ from those given before."""
        cues = self._cues(laid.mood)
        wanted: dict[str, float | str] = {name: round(float(getattr(cues, name)), 2) for name in DIALS}
        wanted["style"] = laid.section.style
        fresh = {name: value for name, value in wanted.items() if self._dials.get(name) != value}
        self._dials = {**self._dials, **wanted}
        return fresh

    def take_choices(self) -> list[str]:
        """Return what was decided of sections since the last call."""
        choices, self._choices = self._choices, []
        return choices


def mood_asked(asked: SetMood) -> Mood:
    """Return the mood that a message asks for."""
    return Mood(asked.valence, asked.arousal, (), asked.tension, asked.low, asked.minor, asked.steady)
