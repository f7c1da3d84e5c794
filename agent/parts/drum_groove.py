"""The drums of a section: a groove chosen among many candidates, committed, and varied as drummers do.

A groove is two bars of hits on the 16th grid. The same bass bar gets the same variation when it comes again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from agent.parts.bass_bar import BassBar, group_starts, jaccard
from agent.parts.groove_library import GrooveLibrary, PlayedGroove
from listener.types import Meter
from models.music.tokens import PIECES, DrumHit

TIME_PIECES = frozenset({"closed_hat", "open_hat", "ride", "shaker"})
SNARES = frozenset({"snare", "rim"})
TOMS = frozenset({"low_tom", "high_tom"})
LOUDEST = 118
CRASH_LOUDEST = 122
KICK_VELOCITY, SNARE_VELOCITY, MEAN_VELOCITY = 98.0, 103.0, 84.0  # means of kicks, of snares but ghosts, of the rest
GHOST_SHARE = 0.6  # of the loudest snare, under which a stroke is a ghost
TEMPO_SAY, FAST_SAY = 1.0, 0.5  # of the distance from a groove's own tempo in octaves, of strokes a hand cannot play
UNPLAYED = 0.25  # octaves for a groove that was written, not played
HALF_FEEL = 0.4  # octaves that playing a groove at half or double time counts
HAND_A_SECOND, LEAST_A_SECOND = 8.0, 2.2  # strokes of the timekeeper
BACKBEAT_SAY, HALF_TIME = 1.6, 0.75  # of a whole backbeat; what a snare on three alone is of it
MOST_LOUD = 3  # snares in a bar
GOOD_ENOUGH = 75  # percentile of worth without a bass, beyond which it counts no more
OWN_SAY, NEW_SAY = 0.2, 0.6  # of distance from the average groove, of likeness to one of this session
TIME_SPREAD = 0.6  # of the differences between strokes of hat and ride
WISHED_F1 = 0.58  # of kicks with bass onsets: human rhythm sections; copying the bass is no virtue
LIKELY, UNLIKELY = 0.55, 0.2  # shares of a section's bars with a bass onset at a tick
GHOST_VELOCITY = (26, 40)
STOP_VELOCITY = 102
RELATED, RELATED_SAY = 0.8, 0.9  # likeness of the two bars of a groove that is neither a copy nor a new one
FEW = 24  # played grooves of a meter, under which bars are joined from cells
JOINED = 64  # so many, to choose from

TWICE_FROM, HALVES_FROM = 0.8, 0.5  # likeness of a bass bar's halves, of a groove's, from which they are the same
TURN_FROM = 0.75  # likeness of a groove's bars from which one may stand in for the other

LIKELY_OF, LIKELY_SAY = 8, 0.25  # best candidates of which the likelihood is asked; its worth by standard deviation

Hits = tuple[DrumHit, ...]
DrumBar = tuple[Hits, ...]  # tick by tick
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Groove:
    """bars: one or two, played in turn. style: of the drummer's word for it; swung: played in triplets."""

    name: str
    style: str
    bars: tuple[DrumBar, ...]
    swung: bool = False
    quarter_bpm: float = 0.0  # it was played at, 0 = not known

    def bar(self, number: int) -> DrumBar:
        return self.bars[number % len(self.bars)]


Likely = Callable[[Sequence[Groove], Sequence[BassBar]], Sequence[float]]  # -> bits of each groove over these bars


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and what it is worth, reason by reason."""

    groove: Groove
    score: float
    reasons: Mapping[str, float]


def rows_to_bar(rows: Bytes) -> DrumBar:
    """Return uint8 [ticks, pieces] of velocities as a bar of hits."""
    return tuple(tuple(DrumHit(PIECES[i], int(v)) for i, v in enumerate(row) if v) for row in rows)


def ticks_of(bar: DrumBar, pieces: frozenset[str] | set[str]) -> frozenset[int]:
    return frozenset(tick for tick, hits in enumerate(bar) for hit in hits if hit.piece in pieces)


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a groove before any bass is: kicks bool [bars, ticks]; own: its worth without a bass, by
    reason; kick_density: kicks in 16 ticks; pattern: (piece, tick) of kicks and snares of both bars."""

    groove: Groove
    kicks: NDArray[np.bool_]
    own: Mapping[str, float]
    kick_density: float
    hits: float
    pattern: frozenset[tuple[str, int]] = frozenset()
    strokes: float = 2.0  # of the timekeeper in a quarter
    halves: float = 1.0  # likeness of the second half of its bars to the first, in kick and snare


@lru_cache(maxsize=64)
def played_grooves(library: GrooveLibrary, meter: Meter, ticks: int) -> tuple[Traits, ...]:
    """Return the library's grooves for a meter with their traits; few are filled up with joined bars."""
    found = [_cut(one, ticks) for one in library.grooves(meter) if len(one.hits) >= ticks]
    if len(found) < FEW:
        rng = np.random.default_rng((ticks, meter.numerator, meter.denominator))
        for number in range(JOINED):
            both = library.joined(meter, rng)
            bars = tuple(rows_to_bar(both.bar(index)[:ticks]) for index in range(2))
            found.append(Groove(f"joined {number}", both.style, bars, both.swung, both.tempo_bpm or 0.0))
    return _with_voice([traits(usual_loudness(one), meter) for one in found])


def _with_voice(found: Sequence[Traits]) -> tuple[Traits, ...]:
    """Return grooves with how far each lies from the average of all: a voice, not the mean of all voices."""
    counts = Counter(hit for one in found for hit in one.pattern)
    shares = {hit: count / len(found) for hit, count in counts.items()}
    apart = [
        sum(1 - shares[hit] for hit in one.pattern) + sum(shares[hit] for hit in shares.keys() - one.pattern)
        for one in found
    ]
    mean, spread = float(np.mean(apart)), max(float(np.std(apart)), 1e-9)
    return tuple(
        replace(one, own={**one.own, "of its own": OWN_SAY * float(np.clip((far - mean) / spread, -1, 1))})
        for one, far in zip(found, apart, strict=True)
    )


def traits(groove: Groove, meter: Meter) -> Traits:
    """Return what a groove is worth by itself: a backbeat, steady time, two related bars, few toms."""
    bars = groove.bars
    ticks = len(bars[0])
    snares = [ticks_of(bar, SNARES) for bar in bars]
    loud = [frozenset(t for t in s if _velocity(bar, t, SNARES) >= 60) for s, bar in zip(snares, bars, strict=True)]
    starts = group_starts(meter, ticks)
    anchored = [_backbeat(snare, starts, ticks) for snare in loud]
    same = jaccard(_kick_snare(bars[0]), _kick_snare(bars[-1]))
    kicks = np.zeros((len(bars), ticks), bool)
    for number, bar in enumerate(bars):
        kicks[number, list(ticks_of(bar, {"kick"}))] = True
    own = {
        "kick on the one": 0.7 * float(kicks[:, 0].mean()),
        "backbeat": BACKBEAT_SAY * float(np.mean(anchored)),
        "two bars related": RELATED_SAY * (1 - abs(same - RELATED) / RELATED),
        "steady time": 1.1 * float(np.mean([_steady(ticks_of(bar, TIME_PIECES), ticks) for bar in bars])),
        "ghosts": -0.12 * max(float(np.mean([len(s) for s in snares])) - 3.5, 0.0),
        "toms": -0.8 * float(np.mean([len(ticks_of(bar, TOMS)) for bar in bars])),
    }
    hits = float(np.mean([sum(map(len, bar)) for bar in bars])) * 16 / ticks
    both = frozenset((piece, tick + i * ticks) for i, bar in enumerate(bars) for piece, tick in _kick_snare(bar))
    time = float(np.mean([len(ticks_of(bar, TIME_PIECES)) for bar in bars])) * 4 / ticks
    halves = float(np.mean([_halves_alike(_kick_snare(bar), ticks) for bar in bars]))
    return Traits(groove, kicks, own, float(kicks.sum(1).mean()) * 16 / ticks, hits, both, time, halves)


def _halves_alike(hits: Set[tuple[str | int, int]], ticks: int) -> float:
    """Return the likeness of the hits, (what, tick), in the second half of a bar to those in the first."""
    half = ticks // 2
    return jaccard({hit for hit in hits if hit[1] < half}, {(what, tick - half) for what, tick in hits if tick >= half})


def _backbeat(loud: frozenset[int], starts: Sequence[int], ticks: int) -> float:
    """Return 0 to 1: how much of the backbeat the loud snares are. In four that is two and four, or three alone (half
    time); one of them alone is hardly one. More than three loud snares are no backbeat.
    """
    beats = set(starts[1::2])
    if not loud or len(loud) > MOST_LOUD or not beats:
        return 0.0
    if ticks == 16 and 8 in loud and not loud & beats:
        return HALF_TIME
    return (len(loud & beats) / len(beats)) ** 2


def _cut(played: PlayedGroove, ticks: int) -> Groove:
    bars = tuple(rows_to_bar(played.hits[at : at + ticks]) for at in range(0, len(played.hits) - ticks + 1, ticks))
    return Groove(played.name, played.style, bars[:2], played.swung, played.tempo_bpm or 0.0)


def usual_loudness(groove: Groove) -> Groove:
    """Return the groove with each piece as loud as bands have it, accents kept, and the timekeeper's strokes closer.

    Electronic kits tell a hat's shoulder and tip more apart than they sound. Crashes of the take are left out.
    """
    hits = [hit for bar in groove.bars for hits in bar for hit in hits if hit.piece != "crash"]
    loudest = max((hit.velocity for hit in hits if hit.piece in SNARES), default=0)

    def mean_of(pieces: frozenset[str], least: float = 0.0) -> float:
        own = [hit.velocity for hit in hits if hit.piece in pieces and hit.velocity >= least]
        return max(float(np.mean(own)), 1.0) if own else 1.0

    time = mean_of(TIME_PIECES)
    gains = {"kick": KICK_VELOCITY / mean_of(frozenset({"kick"}))}
    gains |= dict.fromkeys(SNARES, SNARE_VELOCITY / mean_of(SNARES, GHOST_SHARE * loudest))
    gains |= dict.fromkeys(TIME_PIECES, MEAN_VELOCITY / time)
    gains |= dict.fromkeys(TOMS, SNARE_VELOCITY / mean_of(TOMS))

    def scaled(hit: DrumHit) -> DrumHit:
        loud = time + TIME_SPREAD * (hit.velocity - time) if hit.piece in TIME_PIECES else float(hit.velocity)
        return DrumHit(hit.piece, int(min(max(loud * gains[hit.piece], 14), LOUDEST)))

    return replace(
        groove,
        bars=tuple(tuple(tuple(scaled(h) for h in tick if h.piece != "crash") for tick in bar) for bar in groove.bars),
    )


def onset_shares(bars: Sequence[BassBar], ticks: int) -> NDArray[np.float64]:
    """Return for each tick of the bar the share of bars with a bass onset there, float64 [ticks]."""
    heard = [bar for bar in bars if bar.notes and bar.ticks == ticks]
    shares = np.zeros(ticks)
    for bar in heard:
        shares[[tick for tick in bar.rhythm if tick < ticks]] += 1 / len(heard)
    return shares


def choose(
    found: Sequence[Traits],
    bass: Sequence[BassBar],
    wanted: Mapping[str, float],
    rng: np.random.Generator,
    used: Sequence[Groove] = (),
    likely: Likely | None = None,
) -> tuple[Judged, Judged]:
    """Return (the best groove for these bass bars, the runner-up).

    wanted: swung (0 or 1), density (bass onsets in 16 ticks), energy (-1 to 1), and, by "style NAME", the liking of a
    style; tempo (quarters a minute, 0 = not known);
    by "groove NAME", of a groove that is taken; halves: of bars that repeat themselves where the bass does.
    chance: how much of luck is in it. used: grooves of this
    session: a new one is to be another. likely: says how surprising the best ones are to the responder.
    """
    ticks = found[0].kicks.shape[1]
    heard = [bar for bar in bass if bar.ticks == ticks and bar.notes]
    known = [traits(one, bass[0].meter).pattern for one in used if len(one.bars[0]) == ticks]
    enough = float(np.percentile([sum(one.own.values()) for one in found], GOOD_ENOUGH))
    halves = _bass_halves(heard) if wanted.get("halves") else 0.0
    judged = sorted((_judge(one, heard, wanted, rng, known, enough, halves) for one in found), key=lambda j: -j.score)
    if likely is not None and heard:
        judged = sorted(_with_likelihood(judged[:LIKELY_OF], likely, heard), key=lambda j: -j.score)
    return judged[0], judged[min(1, len(judged) - 1)]


def _with_likelihood(judged: Sequence[Judged], likely: Likely, heard: Sequence[BassBar]) -> list[Judged]:
    """Return candidates with one reason more: how likely they are to the responder beside each other."""
    bits = np.array(likely([one.groove for one in judged], heard))
    worth = LIKELY_SAY * np.clip((bits.mean() - bits) / max(float(bits.std()), 1e-9), -1.5, 1.5)
    return [
        Judged(one.groove, one.score + more, {**one.reasons, "likelihood": more})
        for one, more in zip(judged, worth.tolist(), strict=True)
    ]


def _judge(
    one: Traits,
    heard: Sequence[BassBar],
    wanted: Mapping[str, float],
    rng: np.random.Generator,
    known: Sequence[frozenset[tuple[str, int]]],
    enough: float,
    halves: float,
) -> Judged:
    f1 = _kick_f1(one.kicks, heard)
    density = min(wanted.get("density", 6.0), 10.0)
    reasons = {
        **one.own,
        "good enough": min(enough - sum(one.own.values()), 0.0),
        "kick with bass": 2.2 * (1 - abs(f1 - WISHED_F1) / WISHED_F1) if f1 is not None else 0.8,
        "tempo": -TEMPO_SAY * _tempo_apart(one, wanted.get("tempo", 0.0)),
        "kick density": -0.35 * abs(one.kick_density - (2.2 + 0.22 * density)),
        "halves": -wanted.get("halves", 0.0) * max(halves - one.halves, 0.0),
        "energy": -0.06 * abs(one.hits - (14.0 + 5.0 * wanted.get("energy", 0.0))),
        "swing": -0.8 * abs(float(one.groove.swung) - wanted.get("swung", 0.0)),
        "style": wanted.get(f"style {one.groove.style}", 0.0),
        "taken": wanted.get(f"groove {one.groove.name}", 0.0),
        "new in this session": -NEW_SAY * max((jaccard(one.pattern, old) for old in known), default=0.0),
        "chance": wanted.get("chance", 0.25) * float(rng.standard_normal()),
    }
    return Judged(one.groove, sum(reasons.values()), reasons)


def _tempo_apart(one: Traits, quarter_bpm: float) -> float:
    """Return how far a groove is from a tempo: octaves from its own, and strokes too many or too few for a hand."""
    if not quarter_bpm:
        return 0.0
    own = one.groove.quarter_bpm
    octaves = float(np.log2(quarter_bpm / own)) if own else 0.0
    apart = min(abs(octaves), *(abs(octaves + way) + HALF_FEEL for way in (-1, 1))) if own else UNPLAYED
    strokes = one.strokes * quarter_bpm / 60
    return apart + FAST_SAY * (max(strokes - HAND_A_SECOND, 0.0) + max(LEAST_A_SECOND - strokes, 0.0))


def _bass_halves(heard: Sequence[BassBar]) -> float:
    """Return how far the bass repeats itself every half bar: a groove is to do so, too."""
    alike = [_halves_alike({(note.pitch, note.tick) for note in bar.notes}, bar.ticks) for bar in heard]
    return float(np.mean(alike)) if alike else 0.0


def is_twice(bass: Sequence[BassBar]) -> bool:
    """Return whether bars of the bass are the same half bar twice, which is no quarter bar four times."""
    heard = [bar for bar in bass if bar.notes and bar.ticks % 4 == 0]
    quarters = [
        _halves_alike({(n.pitch, n.tick) for n in bar.notes if n.tick < bar.ticks // 2}, bar.ticks // 2)
        for bar in heard
    ]
    return bool(heard) and _bass_halves(heard) >= TWICE_FROM and float(np.mean(quarters)) < TWICE_FROM


def halved(groove: Groove) -> Groove:
    """Return the groove with the first half of each bar in place of its second, where both are alike; else as it is."""

    def twice(bar: DrumBar) -> DrumBar:
        half = len(bar) // 2
        alike = len(bar) % 2 == 0 and _halves_alike(_kick_snare(bar), len(bar)) >= HALVES_FROM
        return (*bar[:half], *bar[:half]) if alike else bar

    return replace(groove, bars=tuple(map(twice, groove.bars)))


def turned(bar: DrumBar, other: DrumBar) -> DrumBar:
    """Return a bar as it is varied once in a phrase: the other bar of its groove, or only its second half, where both
    have little in common."""
    if len(bar) != len(other) or jaccard(_kick_snare(bar), _kick_snare(other)) >= TURN_FROM:
        return other
    return (*bar[: len(bar) // 2], *other[len(bar) // 2 :])


def _kick_f1(kicks: NDArray[np.bool_], heard: Sequence[BassBar]) -> float | None:
    """Return the mean F1 of kicks and bass onsets over the bars heard; None without a bass."""
    found = []
    for number, bar in enumerate(heard):
        own = kicks[number % len(kicks)]
        hits = sum(own[tick] for tick in bar.rhythm)
        found.append(2 * hits / max(int(own.sum()) + len(bar.rhythm), 1))
    return float(np.mean(found)) if found else None


def _kick_snare(bar: DrumBar) -> set[tuple[str, int]]:
    return {("kick", t) for t in ticks_of(bar, {"kick"})} | {("snare", t) for t in ticks_of(bar, SNARES)}


def _velocity(bar: DrumBar, tick: int, pieces: frozenset[str]) -> int:
    return max((hit.velocity for hit in bar[tick] if hit.piece in pieces), default=0)


def _steady(time: frozenset[int], ticks: int) -> float:
    """Return the share of the commonest gap between strokes of the timekeeper; few strokes are none."""
    if len(time) * 16 / ticks < 3:
        return 0.2
    at = sorted(time)
    gaps = Counter(np.diff([*at, at[0] + ticks]).tolist())
    gap, count = gaps.most_common(1)[0]
    return count / sum(gaps.values()) * (1.0 if gap in (2, 4) else 0.8 if gap in (1, 3) else 0.5)


def with_bass(groove: Groove, bass: Sequence[BassBar]) -> Groove:
    """Return the groove with its free kicks moved to where the section's bass plays, never onto a loud snare.

    The one stays; a kick the bass never plays is moved by at most an eighth; an accent of the bass off the beat that
    nearly every bar has gets a kick where there are few.
    """
    bars = []
    for number, bar in enumerate(groove.bars):
        ticks = len(bar)
        beats = group_starts(bass[0].meter, ticks) if bass else ()
        own = [one for i, one in enumerate(bass) if one.ticks == ticks and i % len(groove.bars) == number] or list(bass)
        shares = onset_shares(own, ticks)
        snares = frozenset(t for t in ticks_of(bar, SNARES) if _velocity(bar, t, SNARES) >= 60)
        kicks = {t: _velocity(bar, t, frozenset({"kick"})) for t in ticks_of(bar, {"kick"})}
        moved: dict[int, int] = {}
        for tick in sorted(kicks):
            at = tick
            if tick and shares[tick] < UNLIKELY:
                near = [
                    t
                    for t in range(max(tick - 2, 1), min(tick + 3, ticks))
                    if shares[t] >= LIKELY and t not in snares and t not in kicks
                ]
                at = min(near, key=lambda t: (abs(t - tick), t % 2, t), default=tick)
            moved[at] = max(moved.get(at, 0), kicks[tick])
        f1 = 2 * sum(shares[t] for t in moved) / max(len(moved) + float(shares.sum()), 1e-9)
        for tick in sorted(range(ticks), key=lambda t: -shares[t]):
            free = tick not in moved and tick not in snares and tick not in beats and tick - 1 not in moved
            if shares[tick] >= 0.75 and free and f1 < 0.5 and len(moved) * 16 / ticks < 4.5:
                moved[tick] = 82
                f1 = 2 * sum(shares[t] for t in moved) / max(len(moved) + float(shares.sum()), 1e-9)
        bars.append(
            tuple(
                tuple(h for h in hits if h.piece != "kick") + ((DrumHit("kick", moved[t]),) if t in moved else ())
                for t, hits in enumerate(bar)
            )
        )
    return replace(groove, bars=tuple(bars))


def of_length(groove: Groove, ticks: int) -> Groove:
    """Return the groove in bars of another length: cut, or with its second beat on again."""

    def cut(bar: DrumBar) -> DrumBar:
        rest = bar[4:] if len(bar) > 4 else bar
        longer = bar
        while len(longer) < ticks:
            longer = (*longer, *rest)
        return longer[:ticks]

    return replace(groove, bars=tuple(map(cut, groove.bars)))


def with_kicks_of(groove: Groove, other: Groove) -> Groove:
    """Return the groove with another one's kicks in the second half of its last bar, but those on its loud snares:
    related and not the same."""
    bars = list(groove.bars)
    last, theirs = bars[-1], other.bar(len(bars) - 1)
    half = len(last) // 2
    snares = {t for t in ticks_of(last, SNARES) if _velocity(last, t, SNARES) >= 60}
    bars[-1] = (
        *last[:half],
        *(
            (
                *(h for h in last[t] if h.piece != "kick"),
                *(h for h in theirs[t] if h.piece == "kick" and t not in snares),
            )
            for t in range(half, len(last))
        ),
    )
    return replace(groove, bars=tuple(bars))


def two_handed(bar: DrumBar) -> DrumBar:
    """Return the bar with at most two strokes by hand on a tick: the timekeeper gives way, then the softest."""
    out = []
    for hits in bar:
        hands = sorted((h for h in hits if h.piece != "kick"), key=lambda h: (h.piece in TIME_PIECES, -h.velocity))
        out.append(tuple(h for h in hits if h.piece == "kick" or h in hands[:2]))
    return tuple(out)


def varied(bar: DrumBar, bass: BassBar, usual: NDArray[np.float64], rng: np.random.Generator, much: float) -> DrumBar:
    """Return the bar as a drummer varies it: a kick under a new accent of the bass, a ghost, an open hat.

    usual: float64 [ticks], shares of bass onsets in the section. much: 0 to 1.
    """
    ticks = len(bar)
    kicks, snares = ticks_of(bar, {"kick"}), ticks_of(bar, SNARES)
    mean = bass.velocity or 0.0
    adds: dict[int, list[DrumHit]] = {}
    fresh = [
        n.tick
        for n in bass.notes
        if n.tick < ticks
        and usual[n.tick] < 0.4
        and n.tick % 2 == 0
        and n.tick not in kicks | snares
        and n.velocity >= mean - 2
    ]
    if fresh and rng.random() < 0.35 + 0.5 * much:
        adds.setdefault(fresh[int(rng.integers(len(fresh)))], []).append(DrumHit("kick", 80))
    if rng.random() < 0.5 * much:
        free = [t for t in range(1, ticks, 2) if t not in snares and (t - 1 in snares or t + 1 in snares or t % 4 == 3)]
        if free:
            adds.setdefault(free[int(rng.integers(len(free)))], []).append(
                DrumHit("snare", int(rng.integers(*GHOST_VELOCITY)))
            )
    hats = sorted(ticks_of(bar, {"closed_hat"}))
    opened = -1
    if hats and rng.random() < 0.6 * much:
        late = [t for t in hats if t >= ticks - 6 and t % 4 == 2] or hats[-1:]
        opened = late[-1]
    return tuple(
        tuple(
            DrumHit("open_hat", min(h.velocity + 6, 112)) if h.piece == "closed_hat" and t == opened else h
            for h in hits
        )
        + tuple(adds.get(t, ()))
        for t, hits in enumerate(bar)
    )


def with_crash(bar: DrumBar, velocity: int) -> DrumBar:
    """Return the bar with a crash and a kick on its one, in place of the timekeeper's stroke."""
    first = tuple(h for h in bar[0] if h.piece not in TIME_PIECES)
    kick = () if any(h.piece == "kick" for h in first) else (DrumHit("kick", 96),)
    return ((*first, *kick, DrumHit("crash", min(velocity, CRASH_LOUDEST))), *bar[1:])


def thinned(bar: DrumBar) -> DrumBar:
    """Return the bar with time alone: hat or ride on the eighths, the kick on the one."""
    return tuple(
        tuple(h for h in hits if (h.piece in TIME_PIECES and tick % 2 == 0) or (h.piece == "kick" and tick == 0))
        for tick, hits in enumerate(bar)
    )


def on_ride(bar: DrumBar) -> DrumBar:
    """Return the bar with its closed hats played on the ride."""
    return tuple(tuple(DrumHit("ride", h.velocity) if h.piece == "closed_hat" else h for h in hits) for hits in bar)


def break_bar(bass: BassBar) -> DrumBar:
    """Return hits together with the bass, and nothing else: a stop the band knows."""
    onsets = {note.tick: note.velocity for note in bass.notes}
    return tuple(
        (DrumHit("kick", min(96, LOUDEST)), DrumHit("crash" if tick == 0 else "snare", 92)) if tick in onsets else ()
        for tick in range(bass.ticks)
    )


def stopped(bar: DrumBar, at: int) -> DrumBar:
    """Return the bar up to a stop: its last hit, with a snare, falls on tick `at`."""
    last = tuple(h for h in bar[at] if h.piece not in TIME_PIECES | SNARES | {"kick"})
    hit = (*last, DrumHit("kick", STOP_VELOCITY), DrumHit("snare", STOP_VELOCITY - 6))
    return tuple(hits if tick < at else hit if tick == at else () for tick, hits in enumerate(bar))


def at_level(bar: DrumBar, level: float, share: float = 0.13) -> DrumBar:
    """Return the bar louder or softer. level: -1.6 to 1.6 (agent/song/level.py)."""
    return gained(bar, 1 + share * level)


def gained(bar: DrumBar, gain: float) -> DrumBar:
    """Return the bar with every velocity times a factor, within what drums may have."""

    def scaled(hit: DrumHit) -> DrumHit:
        top = CRASH_LOUDEST if hit.piece == "crash" else LOUDEST
        return DrumHit(hit.piece, int(min(max(round(hit.velocity * gain), 8), top)))

    return tuple(tuple(map(scaled, hits)) for hits in bar)
