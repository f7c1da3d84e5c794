"""`BassWriter` writes a song's bass and harmony: a cycle and a riff for each kind of section, kept for its returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from agent.making import riff_judge
from agent.making.bass_riff import HIGH, LOW, RiffWish, imagine
from agent.making.form import bar_s, ticks_of
from agent.making.harmony_cycles import chords_of_cycle, cycle_for, halved, held, turn_for
from agent.making.outline import Outline
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, BassNote, middle_of
from listener.types import Meter
from models.critic.critic import Critic
from models.music.dials import Dials
from models.music.tokens import QUALITIES
from models.responder.responder import Responder

DRAWS = 12  # of the responder for each riff; each gives two candidates
RIFF_BARS, LONG_TICKS = 2, 26  # of a riff; a bar so long is a riff by itself
END_DRAWS = 4
FINAL_VELOCITY = 100
DENSITY = (2.6, 11.0)  # notes of the bass in 16 ticks at the dial's ends
ROLE_DENSITY = {"verse": 0.9, "chorus": 1.15, "bridge": 0.75}
LEVEL_VELOCITY = 0.26  # share of a velocity between the levels 0 and 1
TURNS = 0.5  # chance that the last bar of a cycle has a second chord
QUICK_FROM_S, QUICK_OVER_S, QUICK_MOST = 1.4, 1.8, 0.75  # bars longer than that may have two chords; chance at most
VAMPS = ("funk", "dance", "hiphop", "metal")  # styles that stay on a chord
VAMP_SHARE = 0.4  # of that chance, in them
HALF_VELOCITY = 88  # of a note that is added where a chord comes
ROLES = ("verse", "chorus", "bridge")
RIFF_OF = {"intro": "verse", "outro": "verse"}  # roles that play another one's riff


@dataclass(frozen=True, slots=True)
class Themes:
    """What the song is made of, by role. cycles: chords as degrees; riffs; worth: figures of the riff."""

    cycles: Mapping[str, tuple[tuple[int, str], ...]]
    riffs: Mapping[str, tuple[BassBar, ...]]
    worth: Mapping[str, Mapping[str, float]]


class BassWriter:
    """Writes the bass of one outline."""

    def __init__(self, outline: Outline, responder: Responder) -> None:
        self._outline, self._responder = outline, responder

    def themes(self, seed: int) -> Themes:
        """Return harmony and riff of each role that has its own."""
        cycles: dict[str, tuple[tuple[int, str], ...]] = {}
        riffs: dict[str, tuple[BassBar, ...]] = {}
        worth: dict[str, dict[str, float]] = {}
        critic = Critic.load()
        roles = dict.fromkeys(RIFF_OF.get(part.role, part.role) for part in self._outline.form.parts)
        given_to, second = [*roles, "", ""][:2]
        for number, role in enumerate(ROLES):
            if role not in roles:
                continue
            rng = np.random.default_rng((seed, 211, number))
            dials = self._dials_of(role)
            given = self._outline.given
            if role in given.riffs and role in given.cycles:
                cycles[role], riffs[role], worth[role] = given.cycles[role], self._in_key(given.riffs[role]), {}
                continue
            if role == given_to and given.cycle:
                cycles[role] = given.cycle
            elif role == second and given.other_cycle:
                cycles[role] = given.other_cycle
            else:
                lively = (dials.density or 0.5) * 0.7 + 0.3 * (role == "chorus")
                cycle = cycle_for(role, self._outline.key, dials.resolution or 0.0, lively, tuple(cycles.values()), rng)
                slow, long = self._slow_harmony(role, rng), 2 * len(cycle) <= self._longest(role)
                cycles[role] = held(cycle, 2) if slow and long else cycle
            if own := {given_to: given.riff, second: given.other}.get(role):
                riffs[role], worth[role] = self._in_key(own), {}
            else:
                riffs[role], worth[role] = self._riff(role, cycles[role], dials, list(riffs.values()), critic, rng)
        return Themes(cycles, riffs, worth)

    def _in_key(self, riff: Sequence[BassBar]) -> tuple[BassBar, ...]:
        """Return a riff of the reference, in the song's key."""
        given, tonic = self._outline.given, self._outline.key.tonic
        up = (tonic - given.key.tonic + 6) % 12 - 6 if given.key else 0
        lowest = min((note.pitch for bar in riff for note in bar.notes), default=LOW)
        up += 12 if up and lowest + up < LOW else 0
        return tuple(replace(bar, notes=tuple(replace(n, pitch=n.pitch + up) for n in bar.notes)) for bar in riff)

    def _slow_harmony(self, role: str, rng: np.random.Generator) -> bool:
        """Return whether each chord of a section lasts two bars: fast or sombre music moves slowly."""
        song = self._outline
        chance = 0.25 + 0.35 * (song.quarter_bpm > 132) + 0.25 * (song.cues.resolution < 0.4) - 0.2 * (role == "chorus")
        return float(rng.random()) < chance and ticks_of(song.meter) <= 16

    def _longest(self, role: str) -> int:
        """Return the bars of the longest section in which a role's harmony is heard."""
        return max(part.bars for part in self._outline.form.parts if RIFF_OF.get(part.role, part.role) == role)

    def _dials_of(self, role: str) -> Dials:
        """Return the dials in the middle of a role's first section."""
        part = next((one for one in self._outline.form.parts if one.role == role), self._outline.form.parts[0])
        return self._outline.settings[part.first + part.bars // 2].dials

    def _wish(self, role: str, chords: Sequence[tuple[ChordAt, ...]], dials: Dials) -> RiffWish:
        low, high = DENSITY
        density = dials.density or 0.5
        notes = (low + (high - low) * density) * ROLE_DENSITY[role]
        notes *= min(1.0, 132 / self._outline.quarter_bpm) if self._outline.quarter_bpm > 132 else 1.0
        length = self._outline.cues.length * (0.7 if self._outline.style in ("funk", "dance", "hiphop") else 1.0)
        longest = 16 if density < 0.35 else 8
        plain = Dials(density=dials.density, syncopation=dials.syncopation, style=self._outline.style)
        home = self._outline.cues.home + (2.0 if role == "bridge" else 0.0)
        off_beat = dials.syncopation or 0.5
        song = self._outline
        return RiffWish(song.meter, tuple(chords), song.scale, plain, notes, home, length, longest, off_beat)

    def _riff(
        self,
        role: str,
        cycle: Sequence[tuple[int, str]],
        dials: Dials,
        others: Sequence[tuple[BassBar, ...]],
        critic: Critic,
        rng: np.random.Generator,
    ) -> tuple[tuple[BassBar, ...], dict[str, float]]:
        """Return the best of the riffs that the responder imagines, and its figures."""
        size = 1 if ticks_of(self._outline.meter) >= LONG_TICKS else RIFF_BARS
        chords = chords_of_cycle(cycle, self._outline.key)[:size]
        wish = self._wish(role, chords, dials)
        tick_s = 15 / self._outline.quarter_bpm
        best: tuple[float, tuple[BassBar, ...], dict[str, float]] | None = None
        for _ in range(DRAWS):
            bars = imagine(self._responder, replace(wish, chords=(*wish.chords, *wish.chords)), rng)
            for riff in (tuple(bars[:size]), tuple(bars[size:])):
                worth, figures = riff_judge.judged(riff, wish, tick_s, critic)
                worth += 1.5 * riff_judge.unlike(riff, others)
                if best is None or worth > best[0]:
                    best = (worth, riff, {**figures, "worth": worth})
        assert best is not None
        return best[1], best[2]

    def written(self, seed: int, themes: Themes) -> tuple[list[BassBar], list[tuple[ChordAt, ...]]]:
        """Return the bass and the chords of every bar."""
        cycles, riffs = themes.cycles, themes.riffs
        bass: list[BassBar] = []
        harmonies: list[tuple[ChordAt, ...]] = []
        ends: dict[tuple[str, int, int], BassBar] = {}
        for number, part in enumerate(self._outline.form.parts):
            role = RIFF_OF.get(part.role, part.role)
            chords, plain = self._chords(role, cycles[role], seed), chords_of_cycle(cycles[role], self._outline.key)
            after = self._outline.form.parts[number + 1] if number + 1 < len(self._outline.form.parts) else None
            coming = cycles[RIFF_OF.get(after.role, after.role)][0][0] if after else 0
            target = (self._outline.key.tonic + coming) % 12
            for at in range(part.bars):
                own, riff = chords[at % len(chords)], riffs[role]
                bar = _over(riff[at % len(riff)], plain[at % len(riff)][0], own, self._outline.scale)
                phrase_end = at % 8 == 7 or (at == part.bars - 1 and at > 1)
                if phrase_end and part.role != "outro":
                    lead = target if at == part.bars - 1 else (self._outline.key.tonic + cycles[role][0][0]) % 12
                    place = (role, lead, own[0].root)
                    if place not in ends:
                        ends[place] = self._turned(role, bar, own, lead, bass[-1:] or [bar], seed)
                    bar = ends[place]
                bar = _fitted(bar, self._outline.form.meters[part.first + at])
                bass.append(self._struck(bar, part.first + at))
                harmonies.append(tuple(one for one in own if one.tick < bar.ticks))
        return self._ended(bass, harmonies, cycles)

    def _chords(self, role: str, cycle: Sequence[tuple[int, str]], seed: int) -> list[tuple[ChordAt, ...]]:
        """Return the chords of each bar of a cycle: one (some last bars turn to what comes in their middle), or two."""
        song = self._outline
        chords = chords_of_cycle(cycle, song.key)
        rng = np.random.default_rng((seed, 409, ROLES.index(role)))
        middle = middle_of(song.meter, ticks_of(song.meter))
        if middle and self.halves(role, cycle, seed):
            return halved(chords, middle)
        resolution = self._dials_of(role).resolution or 0.0
        if len(set(cycle)) > 1 and middle and float(rng.random()) < TURNS:
            degree, quality = turn_for(cycle, song.key, resolution, rng)
            chords[-1] = (*chords[-1], ChordAt(middle, (song.key.tonic + degree) % 12, quality))
        return chords

    def halves(self, role: str, cycle: Sequence[tuple[int, str]], seed: int) -> bool:
        """Return whether a section has two chords a bar: harmony moves by seconds, not by bars."""
        song = self._outline
        if song.given.cycle:
            return song.given.halves
        if any(one == other for one, other in pairwise(cycle)):
            return False
        chance = min((bar_s(song.meter, song.quarter_bpm) - QUICK_FROM_S) / QUICK_OVER_S, QUICK_MOST)
        chance *= VAMP_SHARE if song.style in VAMPS else 1.0
        return float(np.random.default_rng((seed, 411, ROLES.index(role))).random()) < chance

    def _turned(
        self, role: str, bar: BassBar, chords: tuple[ChordAt, ...], lead: int, before: Sequence[BassBar], seed: int
    ) -> BassBar:
        """Return the last bar of a phrase: begun as the riff, its second half imagined, leading to the next chord."""
        wish = replace(
            self._wish(role, (chords,), self._dials_of(role)), density=16 * len(bar.notes) / bar.ticks * 1.35 + 1
        )
        rng = np.random.default_rng((seed, 307, ROLES.index(role), lead))
        free = bar.ticks // 2 // 2 * 2
        heard = [one for one in before if one.ticks == bar.ticks and one.meter == bar.meter]
        best, worth = bar, -9.0
        for _ in range(END_DRAWS):
            one = imagine(self._responder, wish, rng, (*heard, bar), lead, free)[-1]
            last = one.notes[-1].pitch if one.notes else 0
            step = min((last - lead) % 12, (lead - last) % 12)
            figures = riff_judge.judged([one], wish, 15 / self._outline.quarter_bpm, None)[1]
            value = figures.get("play", 0.0) + 0.6 * (step in (1, 2, 5)) + 0.3 * figures.get("motion", 0.0)
            value -= 0.5 * (one.signature == bar.signature)
            if value > worth:
                best, worth = one, value
        return best

    def _struck(self, bar: BassBar, number: int) -> BassBar:
        """Return the bar as loud as its place in the arc: the band's level follows the bass."""
        level, loud = self._outline.form.levels[number], self._outline.settings[number].dials.intensity or 0.5
        gain = 1 + LEVEL_VELOCITY * (level - 0.5) + 0.3 * (loud - 0.5)
        notes = tuple(replace(n, velocity=int(min(max(round(n.velocity * gain), 20), 124))) for n in bar.notes)
        return replace(bar, notes=notes)

    def _ended(
        self,
        bass: list[BassBar],
        harmonies: list[tuple[ChordAt, ...]],
        cycles: Mapping[str, tuple[tuple[int, str], ...]],
    ) -> tuple[list[BassBar], list[tuple[ChordAt, ...]]]:
        """Return the bars with the last one as an end: one note that rings, on the tonic, or elsewhere where the song
        is not to resolve."""
        if self._outline.brief.arc.fades or self._outline.brief.arc.open:
            return bass, harmonies
        last = bass[-1]
        resolves = (self._outline.settings[-1].dials.resolution or 0.0) >= 0.15
        verse = next(iter(cycles.values()))
        home = (0, "min" if self._outline.key.mode == "min" else "maj")
        away = next((one for one in reversed(verse) if one[0] != 0), (5, home[1]))
        degree, quality = home if resolves else away
        root = (self._outline.key.tonic + degree) % 12
        length = 2 if self._outline.brief.arc.stops else last.ticks
        near = min((p for p in range(28, 48) if p % 12 == root), key=lambda p: abs(p - self._outline.cues.home))
        velocity = min(FINAL_VELOCITY, round(max((n.velocity for n in last.notes), default=90)))
        bass[-1] = replace(last, notes=(BassNote(0, length, near, velocity),))
        harmonies[-1] = (ChordAt(0, root, quality),)
        return bass, harmonies


def _over(bar: BassBar, old: ChordAt, new: Sequence[ChordAt], scale: frozenset[int]) -> BassBar:
    """Return a bar of a riff over the chords of another bar, each note over the chord that stands; a chord that comes
    within the bar has a note of its own."""
    notes: list[BassNote] = []
    for chord, until in zip(new, (*(one.tick for one in new[1:]), bar.ticks), strict=True):
        inside = [note for note in bar.notes if chord.tick <= note.tick < until]
        inside = [replace(note, length=min(note.length, until - note.tick)) for note in inside]
        if chord.tick and not any(note.tick <= chord.tick + 1 for note in inside):
            first = inside[0].tick if inside else until
            inside.insert(0, BassNote(chord.tick, first - chord.tick, _near(old.root, notes), HALF_VELOCITY))
        notes += moved(replace(bar, notes=tuple(inside)), old, chord, scale).notes
    return replace(bar, notes=tuple(notes))


def _near(root: int, before: Sequence[BassNote]) -> int:
    """Return the pitch of a root nearest to the last of the notes before it, in the bass's range."""
    home = before[-1].pitch if before else LOW + 8
    return min((pitch for pitch in range(LOW, HIGH + 1) if pitch % 12 == root), key=lambda pitch: abs(pitch - home))


def moved(bar: BassBar, old: ChordAt, new: ChordAt, scale: frozenset[int]) -> BassBar:
    """Return a bar of a riff over another chord: its tones go to the same tones, others stay as far from the root."""
    if (old.root, old.quality) == (new.root, new.quality):
        return bar
    shift = (new.root - old.root + 6) % 12 - 6
    lowest = min((note.pitch for note in bar.notes), default=36)
    highest = max((note.pitch for note in bar.notes), default=36)
    if lowest + shift < 28:
        shift += 12
    if highest + shift > 55:
        shift -= 12
    tones = dict(zip(QUALITIES[old.quality], QUALITIES[new.quality], strict=False))
    notes = []
    for note in bar.notes:
        step = (note.pitch - old.root) % 12
        pitch = note.pitch + shift + tones.get(step, step) - step
        if step not in tones and pitch % 12 not in scale:
            pitch += 1 if (pitch + 1) % 12 in scale else -1
        while pitch < 28:
            pitch += 12
        notes.append(replace(note, pitch=pitch))
    return replace(bar, notes=tuple(notes))


def _fitted(bar: BassBar, meter: Meter) -> BassBar:
    """Return a bar in another meter, cut short or with its last note held."""
    if bar.meter == meter:
        return bar
    ticks = ticks_of(meter)
    notes = tuple(replace(n, length=min(n.length, ticks - n.tick)) for n in bar.notes if n.tick < ticks)
    return BassBar(meter, ticks, notes)
