"""`Outline` decides all of a song but its notes: tempo, key, style, form, and how each bar is to be played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from agent.directions.apply_edit import ACTS, with_values
from agent.directions.bar_settings import Settings
from agent.directions.edit import Edit
from agent.making.brief import USUAL_S, Brief
from agent.making.form import Part, bar_s, form_of
from agent.making.moods import PLAIN, SCENES, Scene, cues_of
from agent.parts.bass_bar import BassBar
from agent.sounds.instruments import OWN
from listener.music.key import SCALES
from listener.types import Key, Meter
from models.music.dials import Dials
from models.music.tokens import PARTS

SLOW_BARS = 3
# what a level of 1 adds beside one of 0.5, to the dials
LEVEL_DIALS = {"density": 0.4, "intensity": 0.5, "register": 0.5}
PHRASE_BARS = 8  # through which the band plays as full
WHOLE = ("band", "feel", "form")  # targets that are the whole band
BARE_BARS, BARE_AGAIN = 4, 0.35  # of a section that begins without chords; chance that a later verse does
SPARSE_BARS = 4  # that a song which starts sparse begins with: the bass, and what keeps the time
FEW, FEWER = 0.16, 0.3  # levels below which parts are out, where an arc was asked for
FADE_S, FADE_DB = 10.0, -32.0
SLOWED = (0.94, 0.84, 0.7)  # tempo factors of the last bars of a song that slows down


@dataclass(frozen=True, slots=True)
class Given:
    """What a reference gives (agent/making/reference.py): None and () are left to the maker.

    riff: bars that the first kind of section plays; cycle: of its harmony, as degrees; other, other_cycle: likewise of
    the second kind; riffs, cycles: those of a song that is revised, by role; wishes: dials as the player likes them;
    said: what it was, in words; begun: whether music comes before, so that the song needs no intro.
    """

    quarter_bpm: float | None = None
    key: Key | None = None
    meter: Meter | None = None
    swing: float | None = None
    density: float | None = None
    riff: tuple[BassBar, ...] = ()
    cycle: tuple[tuple[int, str], ...] = ()
    other: tuple[BassBar, ...] = ()
    other_cycle: tuple[tuple[int, str], ...] = ()
    halves: bool = False  # of the cycle's bars: two chords in each
    riffs: Mapping[str, tuple[BassBar, ...]] = field(default_factory=dict)
    cycles: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    wishes: Mapping[str, float] = field(default_factory=dict)
    said: str = ""
    begun: bool = False
    voice: Path | None = None  # the player's own sound, which plays the line
    liking: Mapping[str, float] = field(default_factory=dict)  # of grooves, -1 to 1, by kicks and snares
    declined: frozenset[str] = frozenset()  # names of grooves that the player does not want


class Outline:
    """All that is decided before a note is played; the same brief, seed and reference give the same."""

    def __init__(self, brief: Brief, seed: int, given: Given) -> None:
        self.brief, self.given, self.seed = brief, given, seed
        luck = np.random.default_rng((seed, 101))
        self.cues = cues_of(brief.mood or PLAIN, float(luck.uniform(-1, 1)))
        scenes = [one for one in SCENES if set(one.words) & set(brief.scene_words)]
        song_wide = self._folded(Settings(), [one for one in brief.edits if one.scope in (None, "song", "now")])
        self.quarter_bpm = self._tempo(scenes, song_wide, luck)
        self.key = self._key(scenes, luck)
        self.meter = brief.meter or song_wide.meter or given.meter or Meter(4, 4)
        self.style = brief.style or self._style(luck)
        self.form = form_of(brief, self.meter, self.quarter_bpm, brief.seconds or USUAL_S, given.begun)
        self.swing = song_wide.swing or given.swing
        self.settings = tuple(self._settings(bar) for bar in range(len(self.form.meters)))

    @property
    def scale(self) -> frozenset[int]:
        return frozenset((self.key.tonic + step) % 12 for step in SCALES[self.key.mode])

    def _tempo(self, scenes: Sequence[Scene], settings: Settings, luck: np.random.Generator) -> float:
        where = float(luck.uniform(0.15, 0.85))
        if self.brief.bpm:
            low, high = self.brief.bpm
            bpm = low + where * (high - low)
        elif self.given.quarter_bpm:
            bpm = self.given.quarter_bpm
        elif scenes and self.brief.mood is None:
            low, high = scenes[0].bpm
            bpm = low + where * (high - low)
        elif scenes:
            low, high = scenes[0].bpm
            bpm = (low + where * (high - low) + self.cues.bpm) / 2
        else:
            bpm = self.cues.bpm + 8 * (where - 0.5)
        if settings.tempo_bpm:
            bpm = settings.tempo_bpm
        return float(round(min(max(bpm * settings.tempo_factor, 40.0), 240.0)))

    def _key(self, scenes: Sequence[Scene], luck: np.random.Generator) -> Key:
        tonic, chance = int(luck.integers(12)), float(luck.random())
        if self.brief.key:
            return self.brief.key
        minor = self.cues.minor
        if self.brief.mood is None and scenes:
            minor = scenes[0].minor
        mode = self.brief.mode or ("min" if chance < minor else "maj")
        if self.given.key:
            return replace(self.given.key, mode=self.brief.mode or self.given.key.mode)
        return Key(tonic, mode, 1.0)

    def _style(self, luck: np.random.Generator) -> str:
        """Return a style that goes with the mood where no scene was named."""
        arousal = self.brief.mood.arousal if self.brief.mood else 0.1
        calm, lively = ("ballad", "soul", "pop"), ("rock", "funk", "dance")
        usual = calm if arousal < -0.4 else lively if arousal > 0.5 else ("pop", "rock", "soul", "hiphop")
        return str(usual[int(luck.integers(len(usual)))])

    @staticmethod
    def _folded(settings: Settings, edits: Sequence[Edit]) -> Settings:
        for edit in edits:
            act = ACTS.get(edit.dimension)
            after = act(settings, edit) if act else settings
            if edit.dimension == "intensity" and edit.target in WHOLE:  # it is played harder, not turned up as well
                after = replace(after, touch_db=settings.touch_db)
            settings = after
        return settings

    def _settings(self, bar: int) -> Settings:
        """Return how a bar is to be played: the mood, the directions for it, its level in the arc."""
        cues, part, level = self.cues, self.form.part_at(bar), self.form.levels[bar]
        names = ("density", "intensity", "register", "tension", "resolution", "syncopation", "surprise")
        values: dict[str, float] = {name: getattr(cues, name) for name in names}
        if self.given.density is not None and self.brief.mood is None:
            values["density"] = self.given.density
        dials = with_values(Dials(style=self.style), {**values, **self.given.wishes})
        concerned = [one for one in self.brief.edits if self._concerns(one, bar, part)]
        settings = replace(
            self._folded(Settings(dials=dials), concerned), tempo_bpm=None, tempo_factor=1.0, meter=None, resolves=None
        )
        steady = self._phrase_level(bar, part)
        moved = {
            name: min(max((getattr(settings.dials, name) or 0.5) + share * (steady - 0.5), 0.02), 0.98)
            for name, share in LEVEL_DIALS.items()
        }
        settings = replace(settings, dials=with_values(settings.dials, moved), swing=settings.swing or self.swing)
        if self.given.voice and "line" not in settings.sounds:
            settings = replace(settings, sounds={**settings.sounds, "line": OWN})
        settings = replace(settings, muted=settings.muted | self._out(bar, part, level))
        return self._ending(settings, bar)

    def _phrase_level(self, bar: int, part: Part) -> float:
        """Return the level in the middle of a bar's phrase: a groove does not change from bar to bar."""
        first = part.first + (bar - part.first) // PHRASE_BARS * PHRASE_BARS
        own = self.form.levels[first : min(first + PHRASE_BARS, part.end)]
        return sum(own) / len(own)

    def _concerns(self, edit: Edit, bar: int, part: Part) -> bool:
        scope = edit.scope or ""
        if scope.startswith("section:"):
            return scope.removeprefix("section:") == part.role
        if scope == "bar:last":
            return bar == len(self.form.meters) - 1
        return True

    def _out(self, bar: int, part: Part, level: float) -> frozenset[str]:
        """Return which parts rest in a bar: an intro begins with fewer, an arc's edges are bare."""
        arc = self.brief.arc
        rest = part.end - bar
        if arc.ends == "alone" and rest <= self._alone() and part is self.form.parts[-1]:
            return frozenset({"drums", "chords", "line"})
        if arc.starts == "alone" and part is self.form.parts[0] and bar < max(min(4, part.bars // 2), 1):
            return frozenset({"drums", "chords", "line"})
        if arc.starts == "sparse" and bar < min(SPARSE_BARS, max(len(self.form.meters) // 4, 1)):
            return frozenset({"kick", "snare", "low_tom", "high_tom", "crash", "chords", "line"})
        asked = (arc.starts in ("sparse", "alone") and bar < len(self.form.meters) // 2) or (
            arc.ends in ("sparse", "alone") and bar >= len(self.form.meters) // 2
        )
        if asked and level < FEW:
            return frozenset({"kick", "snare", "low_tom", "high_tom", "crash", "line"})
        if (asked and level < FEWER) or part.role == "intro":
            early = part.role == "intro" and bar - part.first < part.bars // 2 and part.bars >= 4
            return frozenset(
                {"line"} | ({"snare", "low_tom", "high_tom", "chords"} if early and not arc.steady else set())
            )
        if self._begins_bare(bar, part):
            return frozenset({"chords"})
        return frozenset()

    def _begins_bare(self, bar: int, part: Part) -> bool:
        """Return whether bass and drums begin a section without chords, so that these are heard anew: the first verse
        and the bridge, some later verses, where nothing else was asked for."""
        arc = self.brief.arc
        asked = arc.steady or bool(arc.starts) or arc.peak_s is not None
        asked |= any(edit.target == "harmony" and self._concerns(edit, bar, part) for edit in self.brief.edits)
        luck = float(np.random.default_rng((self.seed, 103, part.first)).random())
        bare = part.role == "bridge" or (part.role == "verse" and (part.number == 0 or luck < BARE_AGAIN))
        alone = len(self.form.parts) == 1
        return bare and not asked and not alone and bar - part.first < min(BARE_BARS, part.bars // 2)

    def _alone(self) -> int:
        """Return the bars at the end that the bass plays alone."""
        return max(min(4, self.form.parts[-1].bars), 1)

    def _ending(self, settings: Settings, bar: int) -> Settings:
        last = len(self.form.meters) - 1
        if self.brief.arc.slows and last - bar < SLOW_BARS:
            settings = replace(settings, tempo_factor=SLOWED[SLOW_BARS - 1 - (last - bar)])
        if self.brief.arc.fades:
            left_s = sum(bar_s(meter, self.quarter_bpm) for meter in self.form.meters[bar:])
            if left_s < FADE_S:
                fade = FADE_DB * (1 - left_s / FADE_S)
                level = {part: settings.level_db.get(part, 0.0) + fade for part in (*PARTS, "bass")}
                settings = replace(settings, level_db={**settings.level_db, **level})
        return settings
