"""Holds the drums of a section: a groove that is committed, and varied as drummers do.

A groove is two bars of hits on the 16th grid. The same bass bar gets the same variation when it comes again.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.parts.bass_bar import BassBar, group_starts, jaccard
from models.music.tokens import PIECES, DrumHit

TIME_PIECES = frozenset({"closed_hat", "open_hat", "ride", "shaker"})
SNARES = frozenset({"snare", "rim"})
TOMS = frozenset({"low_tom", "high_tom"})
LOUDEST = 118
CRASH_LOUDEST = 122
KICK_VELOCITY, SNARE_VELOCITY, MEAN_VELOCITY = 98.0, 103.0, 84.0  # means of kicks, of snares but ghosts, of the rest
GHOST_SHARE = 0.6  # of the loudest snare, under which a stroke is a ghost
TIME_SPREAD = 0.5  # of the differences between strokes of hat and ride
LIKELY, UNLIKELY = 0.55, 0.2  # shares of a section's bars with a bass onset at a tick
GHOST_VELOCITY = (26, 40)
STOP_VELOCITY = 102
TWICE_FROM, HALVES_FROM = 0.8, 0.5  # likeness of a bass bar's halves, of a groove's, from which they are the same
TURN_FROM = 0.75  # likeness of a groove's bars from which one may stand in for the other

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


def rows_to_bar(rows: Bytes) -> DrumBar:
    """Return uint8 [ticks, pieces] of velocities as a bar of hits."""
    return tuple(tuple(DrumHit(PIECES[i], int(v)) for i, v in enumerate(row) if v) for row in rows)


def ticks_of(bar: DrumBar, pieces: frozenset[str] | set[str]) -> frozenset[int]:
    return frozenset(tick for tick, hits in enumerate(bar) for hit in hits if hit.piece in pieces)


def halves_alike(hits: Set[tuple[str | int, int]], ticks: int) -> float:
    """Return the likeness of the hits, (what, tick), in the second half of a bar to those in the first."""
    half = ticks // 2
    return jaccard({hit for hit in hits if hit[1] < half}, {(what, tick - half) for what, tick in hits if tick >= half})


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


def bass_halves(heard: Sequence[BassBar]) -> float:
    """Return how far the bass repeats itself every half bar: a groove is to do so, too."""
    alike = [halves_alike({(note.pitch, note.tick) for note in bar.notes}, bar.ticks) for bar in heard]
    return float(np.mean(alike)) if alike else 0.0


def is_twice(bass: Sequence[BassBar]) -> bool:
    """Return whether bars of the bass are the same half bar twice, which is no quarter bar four times."""
    heard = [bar for bar in bass if bar.notes and bar.ticks % 4 == 0]
    quarters = [
        halves_alike({(n.pitch, n.tick) for n in bar.notes if n.tick < bar.ticks // 2}, bar.ticks // 2) for bar in heard
    ]
    return bool(heard) and bass_halves(heard) >= TWICE_FROM and float(np.mean(quarters)) < TWICE_FROM


def halved(groove: Groove) -> Groove:
    """Return the groove with the first half of each bar in place of its second, where both are alike; else as it is."""

    def twice(bar: DrumBar) -> DrumBar:
        half = len(bar) // 2
        alike = len(bar) % 2 == 0 and halves_alike(kick_snare(bar), len(bar)) >= HALVES_FROM
        return (*bar[:half], *bar[:half]) if alike else bar

    return replace(groove, bars=tuple(map(twice, groove.bars)))


def turned(bar: DrumBar, other: DrumBar) -> DrumBar:
    """Return a bar as it is varied once in a phrase: the other bar of its groove; where both have little in common, the
    bar itself with a kick of the other's in its second half, or, where that has none of its own, with that half."""
    if len(bar) != len(other) or jaccard(kick_snare(bar), kick_snare(other)) >= TURN_FROM:
        return other
    half, own = len(bar) // 2, {tick for _, tick in kick_snare(bar)}
    more = [tick for tick in ticks_of(other, {"kick"}) if tick >= half and tick not in own]
    if not more:
        return (*bar[:half], *other[half:])
    at = max(more)
    kicks = tuple(hit for hit in other[at] if hit.piece == "kick")
    return (*bar[:at], (*bar[at], *kicks), *bar[at + 1 :])


def kick_snare(bar: DrumBar) -> set[tuple[str, int]]:
    return {("kick", t) for t in ticks_of(bar, {"kick"})} | {("snare", t) for t in ticks_of(bar, SNARES)}


def velocity_at(bar: DrumBar, tick: int, pieces: frozenset[str]) -> int:
    return max((hit.velocity for hit in bar[tick] if hit.piece in pieces), default=0)


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
        snares = frozenset(t for t in ticks_of(bar, SNARES) if velocity_at(bar, t, SNARES) >= 60)
        kicks = {t: velocity_at(bar, t, frozenset({"kick"})) for t in ticks_of(bar, {"kick"})}
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
    snares = {t for t in ticks_of(last, SNARES) if velocity_at(last, t, SNARES) >= 60}
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


def with_push(bar: DrumBar, tick: int, velocity: int) -> DrumBar:
    """Return the bar with a crash and a kick on a note of the bass that leads over its bar line."""
    there = tuple(h for h in bar[tick] if h.piece not in (*TIME_PIECES, "kick"))
    struck = (*there, DrumHit("kick", 96), DrumHit("crash", min(velocity, CRASH_LOUDEST)))
    return (*bar[:tick], struck, *bar[tick + 1 :])


def thinned(bar: DrumBar) -> DrumBar:
    """Return the bar with time alone: hat or ride on the eighths, the kick on the one."""
    return tuple(
        tuple(h for h in hits if (h.piece in TIME_PIECES and tick % 2 == 0) or (h.piece == "kick" and tick == 0))
        for tick, hits in enumerate(bar)
    )


def on_ride(bar: DrumBar) -> DrumBar:
    """Return the bar with its closed hats played on the ride."""
    return tuple(tuple(DrumHit("ride", h.velocity) if h.piece == "closed_hat" else h for h in hits) for hits in bar)


def on_closed_hat(bar: DrumBar) -> DrumBar:
    """Return the bar with its ride played on the closed hat."""
    return tuple(tuple(DrumHit("closed_hat", h.velocity) if h.piece == "ride" else h for h in hits) for hits in bar)


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
