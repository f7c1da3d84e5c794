"""`Form` shapes a composed tune: four-bar phrases as AABA, what they repeat, and when the harmony must move on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.compose.bass_line import group_starts
from agent.directions.key_filter import InKey, tones_of
from agent.parts.bar_chords import ChordAt
from listener.music.key import CHORD_SHARE
from listener.types import Meter
from models.music.tokens import ChordHit, Reply, ticks_per_beat

PHRASE_BARS = 4
LETTERS = "AABA"
LONGEST_BARS = 2  # bars that one harmony lasts at most

TRIADS = ("maj", "min")  # the rows of CHORD_SHARE
HEARD_WEIGHT = 0.2  # weight of a chord whose root came in this phrase already
MOVES_ON = 0.6  # chance that the harmony moves on with a bar
STALE, LEADS = 0.7, 0.8  # chance to pass over such a chord, and one with the leading tone of minor
Harmony = tuple[int, str]  # pitch class, a key of tokens.QUALITIES


@dataclass
class Form:
    """The form of one tune; it remembers what was played. Bars are counted from 0, the tune's first; bars: in all."""

    in_key: InKey
    meter: Meter
    bars: int
    ends: bool
    seed: int
    _played: dict[tuple[int, int], Reply] = field(default_factory=dict)  # (bar, tick)
    _changes: set[tuple[int, int]] = field(default_factory=set)  # where the harmony changed
    _since: int = 0  # bar in which the root that holds came

    def remember(self, bar: int, tick: int, reply: Reply, held: Harmony | None) -> None:
        """Remember the reply of a tick. held: the harmony before it; bars before the tune's first are negative."""
        self._played[bar, tick] = reply
        if reply.chord and (reply.chord.root, reply.chord.quality) != held:
            self._changes.add((bar, tick))
            self._since = bar if held is None or reply.chord.root != held[0] else self._since

    def harmony_at(self, bar: int, tick: int, holds: Harmony | None, coming: Harmony | None) -> Harmony | None:
        """Return the harmony to strike in a tick, None to leave it to the responder.

        holds: the harmony that sounds; coming: the one that the responder would play on the next downbeat.
        """
        if bar < 0:
            return self.in_key.tonic if tick == 0 else None
        if (turn := self._turn(bar, tick)) is not None:
            return turn
        first = self.original(bar)
        if first is not None:
            chord = self._played.get((first, tick), Reply()).chord
            return (chord.root, chord.quality) if chord and (tick == 0 or (first, tick) in self._changes) else None
        return self._downbeat(bar, holds, coming) if tick == 0 else None

    def _turn(self, bar: int, tick: int) -> Harmony | None:
        """Return the harmony that the form fixes: the tonic at the start, the dominant before the last A and the end;
        None elsewhere."""
        if bar == 0 and tick == 0:
            return self.in_key.tonic
        last_of_b = letter(bar) == "B" and bar % PHRASE_BARS == PHRASE_BARS - 1
        before_end = self.ends and bar == self.bars - 2
        return self.in_key.dominant if (last_of_b or before_end) and tick == middle(self.meter) else None

    def _downbeat(self, bar: int, holds: Harmony | None, coming: Harmony | None) -> Harmony:
        """Return the harmony of a downbeat: the responder's where it moves on, else the one that holds, but for no more
        than LONGEST_BARS."""
        begins_b = letter(bar) == "B" and bar % PHRASE_BARS == 0
        moves = coming is not None and (holds is None or coming[0] != holds[0])
        if coming and moves and not (begins_b and coming == self.in_key.tonic) and not self._is_stale(bar, coming):
            return coming
        if holds is None or begins_b or bar - self._since >= LONGEST_BARS:
            return self.elsewhere(bar, holds)
        return holds

    def elsewhere(self, bar: int, holds: Harmony | None) -> Harmony:
        """Return a triad of the key on another root, drawn by its share of time in songs (McGill Billboard, see
        listener/music/key.py). Roots that came in this phrase already are less likely.
        """
        shares, tonic = CHORD_SHARE[self.in_key.key.mode], self.in_key.key.tonic
        options = [c for c in self.in_key.chords if c[1] in TRIADS and (holds is None or c[0] != holds[0])]
        options = [c for c in options if c != self.in_key.tonic or letter(bar) != "B"]
        options = [c for c in options if tones_of(ChordHit(*c, 1)) <= self.in_key.scale]
        weights = np.array([shares[TRIADS.index(quality)][(root - tonic) % 12] for root, quality in options])
        lately = self._roots_lately(bar)
        weights = weights * [HEARD_WEIGHT if root in lately else 1.0 for root, _ in options]
        rng = np.random.default_rng((self.seed, 55, bar))
        return options[int(rng.choice(len(options), p=weights / weights.sum()))]

    def _is_stale(self, bar: int, coming: Harmony) -> bool:
        """Return whether to pass over a chord (seeded chance): its root came in this phrase, or it has the leading tone
        of minor, which is kept for cadences."""
        chance = np.random.default_rng((self.seed, 56, bar)).random()
        leads = self.in_key.key.mode == "min" and bool(tones_of(ChordHit(*coming, 1)) - self.in_key.scale)
        again = coming[0] in self._roots_lately(bar)
        return bool(chance < max(STALE * again, LEADS * leads))

    def _roots_lately(self, bar: int) -> set[int]:
        """Return the roots played in this phrase; in B also those of the phrase before, so that it differs."""
        first = bar - bar % PHRASE_BARS - PHRASE_BARS * (letter(bar) == "B")
        chords = [self._played[key].chord for key in self._changes if key[0] >= first]
        return {chord.root for chord in chords if chord}

    def original(self, bar: int) -> int | None:
        """Return the bar that this one repeats; None where it is new."""
        if bar < 0:
            return None
        first = LETTERS.index(letter(bar)) * PHRASE_BARS + bar % PHRASE_BARS
        return first if first < bar else None


def progression(form: Form) -> list[tuple[ChordAt, ...]]:
    """Return the chords of every bar of a tune: one, or two where the form turns; a phrase that comes again has its
    own again."""
    out: list[tuple[ChordAt, ...]] = []
    held: Harmony | None = None
    half = middle(form.meter)
    for bar in range(form.bars):
        rng = np.random.default_rng((form.seed, 57, bar))
        chords: list[ChordAt] = []
        for tick in dict.fromkeys((0, half)):
            coming = form.elsewhere(bar, held) if rng.random() < MOVES_ON else held
            harmony = form.harmony_at(bar, tick, held, coming)
            if form.ends and bar == form.bars - 1:
                harmony = form.in_key.tonic if tick == 0 else None
            if harmony:
                form.remember(bar, tick, Reply(chord=ChordHit(*harmony, 1)), held)
                chords.append(ChordAt(tick, *harmony))
                held = harmony
        out.append(tuple(chords))
    return out


def letter(bar: int) -> str:
    return LETTERS[bar // PHRASE_BARS % len(LETTERS)]


def middle(meter: Meter) -> int:
    """Return the tick of the group of beats that begins nearest to the middle of the bar."""
    return min(group_starts(meter), key=lambda beat: abs(beat - meter.numerator / 2)) * ticks_per_beat(meter)
