"""`Glide` says which mood each bar is in: it moves to a new one over some bars, and senses move it from there."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from agent.making.moods import Mood

LEAST_BARS, MOST_BARS = 4, 16  # of a change of mood
FAR = 1.6  # distance in the plane of valence and arousal that takes the most bars
SENSE_SHARE = 0.2  # of what a sense has still to move, bar by bar
FOLLOW_BARS = 10  # after which nine tenths of it are done
MOVES = ("arousal", "valence", "tension")
NUMBERS = tuple(item.name for item in fields(Mood) if item.name not in ("words", "minor"))


def between(one: Mood, other: Mood, share: float) -> Mood:
    """Return the mood `share` of the way from one to another, 0 to 1. A key's mode does not glide: it is the other's
    from half the way on."""
    numbers = {name: (1 - share) * getattr(one, name) + share * getattr(other, name) for name in NUMBERS}
    return Mood(**{**numbers, "words": (), "minor": (other if share >= 0.5 else one).minor})


@dataclass(frozen=True, slots=True)
class Sense:
    """Something from 0 to 1 that moves the mood, such as a heart rate. 0.5 moves nothing. moves: one of MOVES; amount:
    of it, at either end; now: as far as the music has followed."""

    moves: str
    amount: float
    value: float = 0.5
    now: float = 0.5

    @property
    def offset(self) -> float:
        return (self.now - 0.5) * 2 * self.amount


@dataclass(frozen=True, slots=True)
class Glide:
    """before, after: moods; first, bars: the bars over which one becomes the other; senses: by name."""

    before: Mood
    after: Mood
    first: int = 0
    bars: int = 0
    senses: tuple[tuple[str, Sense], ...] = ()

    def asked(self, bar: int) -> Mood:
        """Return the mood of a bar without what the senses say."""
        if bar >= self.first + self.bars:
            return self.after
        share = min(max((bar - self.first + 1) / (self.bars + 1), 0.0), 1.0)
        return between(self.before, self.after, share * share * (3 - 2 * share))

    def at(self, bar: int) -> Mood:
        """Return the mood of a bar."""
        mood = self.asked(bar)
        moved: dict[str, float] = {}
        for _, sense in self.senses:
            moved[sense.moves] = moved.get(sense.moves, getattr(mood, sense.moves)) + sense.offset
        inside = {name: min(max(value, -1.0), 1.0) for name, value in moved.items()}
        return replace(
            mood,
            valence=inside.get("valence", mood.valence),
            arousal=inside.get("arousal", mood.arousal),
            tension=inside.get("tension", mood.tension),
        )

    def to(self, mood: Mood, bar: int, bars: int | None = None) -> Glide:
        """Return the glide to another mood from a bar on. bars: over how many; None = by how far it is."""
        now = self.asked(bar)
        far = ((mood.valence - now.valence) ** 2 + (mood.arousal - now.arousal) ** 2) ** 0.5
        usual = LEAST_BARS * round((LEAST_BARS + (MOST_BARS - LEAST_BARS) * min(far / FAR, 1.0)) / LEAST_BARS)
        return replace(self, before=now, after=mood, first=bar, bars=usual if bars is None else bars)

    def sensed(self, name: str, moves: str, amount: float, value: float) -> Glide:
        """Return the glide once a sense has said its value."""
        known = dict(self.senses)
        before = known.get(name, Sense(moves, amount))
        known[name] = replace(before, moves=moves, amount=amount, value=value)
        return replace(self, senses=tuple(sorted(known.items())))

    def next_bar(self) -> Glide:
        """Return the glide a bar later: the music follows its senses by steps."""
        senses = ((name, replace(one, now=one.now + SENSE_SHARE * (one.value - one.now))) for name, one in self.senses)
        return replace(self, senses=tuple(senses))
