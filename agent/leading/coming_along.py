"""Does the player come along? `Departure` asks it after an odd bar, a bar more or one fewer; `Ramp` of another tempo.

Both are values: `heard(...)` returns the next one, `verdict` says what is known by then.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from statistics import median

from agent.parts.bass_bar import BassBar

Ring = tuple[int | None, ...]  # a riff tick by tick, 16ths: the pitch that begins there

SAME_PITCH, SAME_PLACE = 1.0, 0.3  # worth of a note where one was expected: of that pitch class, of another
CLEAR = 0.25  # of likeness between two ways to go on
LOST_BELOW = 0.3  # likeness to both
SAME, OCTAVE, OTHER, MISSES, ADDS = (math.log(share) for share in (0.82, 0.05, 0.03, 0.1, 0.05))  # of a riff's notes
FOUND_NATS = 4.0  # by which one place has to be likelier than those in other places of a bar
FOUND_FROM = 0.6  # likeness to one place of the riff, from which a player who was lost is found there
REST_TICKS = 12  # 16ths without a note, after which a player begins anew
LEAST_NOTES = 3  # heard, before anything is said
BEATEN_BARS, ENOUGH_BARS = 0.5, 1.5  # from the departure: first verdict, last one
SILENT_BARS = 4.0  # after which nothing more is waited for
AT_TEMPO = 0.8  # length of the notes' mean direction on the circle of one 8th, from which they are in that tempo
OFF_TEMPO = 0.7
EIGHTHS_FROM = 0.35  # beats between notes, median: from here on they are 8ths or longer
WINDOW_BARS = 1.25  # that are judged, of a sparse line more
ENOUGH_ONSETS, LEAST_ONSETS = 6, 3  # for a first verdict, for one at all
ARRIVED_BARS, REFUSES_BARS, PATIENCE_BARS = 1.5, 3.0, 4.0  # after the ramp: first verdict for it, against it, last one


class Verdict(StrEnum):
    """What the player does."""

    OPEN = "open"  # too little is known
    FOLLOWS = "follows"
    STAYS = "stays"  # plays on as if the band had asked nothing
    LOST = "lost"  # neither


def ring_of(bars: Sequence[BassBar], cycle: int) -> Ring:
    """Return the riff's last cycle, tick by tick; () where so much was not heard."""
    if cycle < 1 or len(bars) < cycle:
        return ()
    ring: list[int | None] = []
    for bar in bars[-cycle:]:
        onsets = {note.tick: note.pitch for note in bar.notes}
        ring += [onsets.get(tick) for tick in range(bar.ticks)]
    return tuple(ring)


@dataclass(frozen=True, slots=True)
class Departure:
    """Two places of the riff at which the player may be from now on: where the band is, and where nothing was asked.

    ring: the riff; led, straight: places in it; ticks: of a bar; played: what was heard since, tick by tick.
    """

    ring: Ring
    led: int
    straight: int
    ticks: int
    played: tuple[int | None, ...] = ()

    def heard(self, pitch: int | None) -> Departure:
        """Take the next tick: the pitch that began in it, None where none did."""
        return replace(self, played=(*self.played, pitch))

    @property
    def verdict(self) -> Verdict:
        bars = len(self.played) / self.ticks
        notes = sum(pitch is not None for pitch in self.played)
        if bars < BEATEN_BARS or not self.ring:
            return Verdict.FOLLOWS if bars >= ENOUGH_BARS else Verdict.OPEN
        if notes < LEAST_NOTES:
            return Verdict.FOLLOWS if bars >= SILENT_BARS else Verdict.OPEN  # a rest says nothing
        led, straight = self._like(self.led), self._like(self.straight)
        if abs(led - straight) >= CLEAR:
            return Verdict.FOLLOWS if led > straight else Verdict.STAYS
        if bars < ENOUGH_BARS:
            return Verdict.OPEN
        if max(led, straight) < LOST_BELOW:
            return Verdict.LOST
        return Verdict.STAYS if straight > led else Verdict.FOLLOWS  # much the same: nothing speaks against it

    def _like(self, place: int) -> float:
        return likeness_at(self.ring, place, self.played)


def likeness_at(ring: Ring, place: int, played: Sequence[int | None]) -> float:
    """Return how like the riff from this place on what was played is, 0 to 1 (Dice 1945, of onsets)."""
    expected = [ring[(place + tick) % len(ring)] for tick in range(len(played))]
    worth = sum(
        SAME_PITCH if now % 12 == told % 12 else SAME_PLACE
        for now, told in zip(played, expected, strict=True)
        if now is not None and told is not None
    )
    count = sum(one is not None for one in (*played, *expected))
    return 2 * worth / count if count else 1.0


def found_at(ring: Ring, played: Sequence[int | None], ticks: int) -> int | None:
    """Return the place in the riff that comes after what was played; None where that is not clear.

    ticks: of a bar; places in the same place of two bars are not told apart for that.
    """
    if not ring or sum(pitch is not None for pitch in played) < LEAST_NOTES:
        return None
    odds = [odds_at(ring, place, played) for place in range(len(ring))]
    best = max(range(len(ring)), key=lambda place: odds[place])
    others = (one for place, one in enumerate(odds) if (place - best) % ticks)
    if likeness_at(ring, best, played) < FOUND_FROM or odds[best] - max(others, default=0.0) < FOUND_NATS:
        return None
    return (best + len(played)) % len(ring)


def odds_at(ring: Ring, place: int, played: Sequence[int | None]) -> float:
    """Return the log of how likely what was played is in this place of the riff, for one who knows it: one note an
    octave off tells two places of even eighths apart."""
    expected = (ring[(place + tick) % len(ring)] for tick in range(len(played)))
    return sum(_odds(now, told) for now, told in zip(played, expected, strict=True))


def _odds(now: int | None, told: int | None) -> float:
    if now is None or told is None:
        return 0.0 if now == told else MISSES if now is None else ADDS
    return SAME if now == told else OCTAVE if now % 12 == told % 12 else OTHER


def since_a_rest(played: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return what was played since the last rest of REST_TICKS or more, from its first note on."""
    silent, first = REST_TICKS, len(played)
    for at, pitch in enumerate(played):
        if pitch is None:
            silent += 1
            continue
        first = at if silent >= REST_TICKS else first
        silent = 0
    return tuple(played[first:])


@dataclass(frozen=True, slots=True)
class Ramp:
    """A tempo that the band leads to. before_s, after_s: the period of a beat; begins_s, ends_s: of the ramp itself.

    onsets: of the player since it began, seconds. beats: of a bar.
    """

    before_s: float
    after_s: float
    begins_s: float
    ends_s: float
    beats: int
    onsets: tuple[float, ...] = ()

    def heard(self, onset_s: float) -> Ramp:
        return replace(self, onsets=(*self.onsets, onset_s)[-64:])

    def bars_since(self, now_s: float) -> float:
        """Return the bars since the ramp ended, in the new tempo."""
        return (now_s - self.ends_s) / (self.after_s * self.beats)

    def verdict(self, now_s: float) -> Verdict:
        """Return what the player does by now. Nobody who is silent has refused: a rest says nothing."""
        bars, lately = self.bars_since(now_s), self._lately(now_s)
        if bars < ARRIVED_BARS or (len(lately) < ENOUGH_ONSETS and bars < PATIENCE_BARS):
            return Verdict.OPEN
        if len(lately) < LEAST_ONSETS:
            return Verdict.FOLLOWS
        at_new, at_old = abs(self._mean(lately, self.after_s)), abs(self._mean(lately, self.before_s))
        if at_new >= AT_TEMPO and at_new > at_old:
            return Verdict.FOLLOWS
        if at_old >= AT_TEMPO and at_new < OFF_TEMPO and bars >= REFUSES_BARS:
            return Verdict.STAYS
        if bars < PATIENCE_BARS:
            return Verdict.OPEN
        return Verdict.STAYS if at_old > at_new and at_old >= OFF_TEMPO else Verdict.LOST

    def apart_s(self, now_s: float) -> float:
        """Return how late the player is in the new tempo, seconds."""
        lately = self._lately(now_s)
        if not lately:
            return 0.0
        return cmath.phase(self._mean(lately, self.after_s)) / (2 * math.pi) * self._unit(lately) * self.after_s

    def _lately(self, now_s: float) -> tuple[float, ...]:
        """Return the onsets that are judged: the last bar's, of a sparse line as many since the ramp as are enough."""
        since_s = now_s - WINDOW_BARS * self.after_s * self.beats
        window = sum(onset_s > since_s for onset_s in self.onsets)
        after = sum(onset_s > self.ends_s for onset_s in self.onsets)
        kept = max(window, min(after, ENOUGH_ONSETS))
        return self.onsets[len(self.onsets) - kept :]

    def _mean(self, onsets: Sequence[float], period_s: float) -> complex:
        """Return the mean direction of onsets on the circle of an 8th (a 16th, where they are that short)."""
        unit_s = self._unit(onsets) * period_s
        turns = ((onset_s - self.ends_s) / unit_s for onset_s in onsets)
        return sum(cmath.exp(2j * math.pi * turn) for turn in turns) / len(onsets)

    @staticmethod
    def _gaps(onsets: Sequence[float]) -> list[float]:
        return [after - before for before, after in pairwise(onsets)]

    def _unit(self, onsets: Sequence[float]) -> float:
        gaps = self._gaps(onsets)
        return 0.5 if not gaps or median(gaps) >= EIGHTHS_FROM * min(self.before_s, self.after_s) else 0.25


def ramp_periods(before_s: float, after_s: float, beats: int) -> tuple[float, ...]:
    """Return the period of each beat of a ramp, even steps of tempo as a listener hears them (in logarithms)."""
    return tuple(before_s * (after_s / before_s) ** ((beat + 1) / beats) for beat in range(beats))
