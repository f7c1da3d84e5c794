"""`MOVES` maps the name of a drum pattern or habit ("half-time", "ghost-notes") to a function on one tick's drums.

A move takes the drums of one tick and returns them changed; it changes only the pieces it names, and the same seed
gives the same result. Ticks are 16ths, so a move written in quarters works in any meter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.music.tokens import DrumHit, Position, grouping_of, ticks_per_beat
from models.responder.phrasing import last_group

QUARTER, EIGHTH = 4, 2  # ticks
LOUD, FIRM, SOFT, GHOST = 108, 92, 66, 34  # velocities
TIMEKEEPERS = frozenset({"closed_hat", "open_hat", "ride", "shaker"})
Hits = tuple[DrumHit, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """One tick, as a move sees it. through: how far a gradual edit has come, 0 to 1. seed: the session's. bass: the
    pitch that the player begins in this tick, None = none."""

    position: Position
    through: float = 0.0
    seed: int = 0
    bass: int | None = None

    @property
    def tick(self) -> int:
        return self.position.tick

    def chance(self, kind: int) -> float:
        """Return a random number from 0 to 1, always the same for the same seed, tick, bar and kind."""
        return float(np.random.default_rng((self.seed, kind, self.position.bar, self.tick)).random())

    @property
    def groups(self) -> list[int]:
        """Ticks on which the bar's groups of beats begin."""
        per_beat, at, starts = ticks_per_beat(self.position.meter), 0, []
        for beats in grouping_of(self.position.meter):
            starts.append(at)
            at += beats * per_beat
        return starts

    @property
    def middle(self) -> int:
        """The first tick of the group that begins nearest to the middle of the bar, never the bar's first tick."""
        half = self.position.ticks_per_bar / 2
        return min(self.groups[1:] or [int(half)], key=lambda tick: abs(tick - half))


Move = Callable[[Hits, Spot], Hits]


def without(hits: Hits, *pieces: str) -> Hits:
    return tuple(hit for hit in hits if hit.piece not in pieces)


def struck(hits: Hits, piece: str, velocity: int) -> Hits:
    """Return the hits with this piece struck at `velocity`, or harder where it already is."""
    there = max((hit.velocity for hit in hits if hit.piece == piece), default=0)
    return (*without(hits, piece), DrumHit(piece, max(velocity, there)))


def _pattern(places: dict[str, Callable[[Spot], int]]) -> Move:
    """Return a move that strikes each piece named where its rule gives a velocity, and nowhere else."""

    def move(hits: Hits, spot: Spot) -> Hits:
        kept = without(hits, *places)
        new = ((piece, rule(spot)) for piece, rule in places.items())
        return (*kept, *(DrumHit(piece, velocity) for piece, velocity in new if velocity))

    return move


def _every(step: int, velocity: int, start: int = 0) -> Callable[[Spot], int]:
    return lambda spot: velocity if spot.tick % step == start else 0


def _at(ticks: Sequence[int], velocity: int, soft: Sequence[int] = ()) -> Callable[[Spot], int]:
    """Return a rule for ticks of a 16-tick bar; ticks that a shorter bar lacks are never reached."""
    return lambda spot: velocity if spot.tick in ticks else GHOST if spot.tick in soft else 0


def _on_middle(velocity: int) -> Callable[[Spot], int]:
    return lambda spot: velocity if spot.tick == spot.middle else 0


def _on_one(velocity: int) -> Callable[[Spot], int]:
    return lambda spot: velocity if spot.tick == 0 else 0


def _only(where: Callable[[int], bool], *pieces: str) -> Move:
    """Return a move that leaves the strokes of these pieces out where they are not wanted, and adds none."""
    return lambda hits, spot: hits if where(spot.tick) else without(hits, *pieces)


def _thinner(tick: int) -> bool:
    return tick % EIGHTH == 0 and tick % (2 * QUARTER) != EIGHTH


def _never(spot: Spot) -> int:
    return 0


def _backbeats(spot: Spot) -> int:
    """Strike on every second group of beats; in x/4 on every second beat."""
    groups = spot.groups
    return FIRM if spot.tick in groups[1::2] else 0


def _with_bass(spot: Spot) -> int:
    return LOUD if spot.bass is not None else 0


def _swapped(old: frozenset[str], new: str, scale: float = 1.0) -> Move:
    """Return a move that plays every hit on one of the old pieces on the new one."""

    def move(hits: Hits, spot: Spot) -> Hits:
        loudest = max((hit.velocity for hit in hits if hit.piece in old), default=0)
        kept = without(hits, *old)
        return struck(kept, new, max(round(loudest * scale), 1)) if loudest else kept

    return move


def _ghosts(hits: Hits, spot: Spot) -> Hits:
    """Add soft snare strokes on the 16ths beside the beat, where no snare is."""
    beside = spot.tick % QUARTER in (1, 3)
    busy = any(hit.piece in ("snare", "rim") for hit in hits)
    return (*hits, DrumHit("snare", GHOST)) if beside and not busy and spot.chance(1) < 0.55 else hits


def _no_ghosts(hits: Hits, spot: Spot) -> Hits:
    return tuple(hit for hit in hits if hit.piece != "snare" or hit.velocity >= 55)


def _open_offbeats(hits: Hits, spot: Spot) -> Hits:
    if spot.tick % QUARTER != EIGHTH:
        return hits
    return struck(without(hits, "closed_hat"), "open_hat", SOFT + 14)


def _crash_on_one(hits: Hits, spot: Spot) -> Hits:
    return struck(hits, "crash", LOUD) if spot.tick == 0 else hits


def _fill(hits: Hits, spot: Spot) -> Hits:
    """Play snare, then toms, over the bar's last group of beats; hats, ride and shaker rest."""
    start, length = last_group(spot.position), spot.position.ticks_per_bar
    if spot.tick < start:
        return hits
    share = (spot.tick - start) / max(length - start, 1)
    piece = "snare" if share < 0.5 else "high_tom" if share < 0.75 else "low_tom"
    return struck(tuple(h for h in hits if h.piece not in TIMEKEEPERS), piece, round(70 + 40 * share))


def _build(hits: Hits, spot: Spot) -> Hits:
    """Add a snare roll that grows from quarters to eighths to 16ths, louder and louder."""
    step = QUARTER if spot.through < 0.34 else EIGHTH if spot.through < 0.67 else 1
    if spot.tick % step:
        return hits
    return struck(hits, "snare", round(45 + 70 * spot.through))


def _stop_time(hits: Hits, spot: Spot) -> Hits:
    return (DrumHit("kick", LOUD), DrumHit("snare", FIRM)) if spot.tick == 0 else ()


def _break(hits: Hits, spot: Spot) -> Hits:
    """Play one stroke on the one, then nothing."""
    return (DrumHit("kick", LOUD), DrumHit("crash", FIRM)) if spot.tick == 0 else ()


def _thin(hits: Hits, spot: Spot) -> Hits:
    """Keep only some kicks and snares off the beat; change nothing on the beat."""
    if spot.tick % QUARTER == 0:
        return hits
    return tuple(h for h in hits if h.piece in ("kick", "snare") and h.velocity >= 55 and spot.chance(2) < 0.5)


def _sparser(hits: Hits, spot: Spot) -> Hits:
    """Remove hits on the weak 16ths, and keep time in quarters."""
    if spot.tick % EIGHTH:
        return ()
    return hits if spot.tick % QUARTER == 0 else tuple(h for h in hits if h.piece not in TIMEKEEPERS)


def _busier(hits: Hits, spot: Spot) -> Hits:
    """Keep time in 16ths and add ghost notes."""
    keeper = next((h.piece for h in hits if h.piece in TIMEKEEPERS), "closed_hat")
    return _ghosts(struck(hits, keeper, SOFT if spot.tick % EIGHTH == 0 else SOFT - 22), spot)


def _a_little_busier(hits: Hits, spot: Spot) -> Hits:
    """Add ghost notes, and soft 16ths of what keeps time towards the beats that end each half of the bar."""
    if spot.tick % (2 * QUARTER) not in (5, 7):
        return hits
    keeper = next((h.piece for h in hits if h.piece in TIMEKEEPERS), "closed_hat")
    return _ghosts(struck(hits, keeper, SOFT - 22), spot)


def _a_little_sparser(hits: Hits, spot: Spot) -> Hits:
    """Remove ghost notes and what keeps time on the weak 16ths, else every other off-beat of what keeps time."""
    if spot.tick % EIGHTH:
        return tuple(h for h in hits if h.piece not in TIMEKEEPERS and h.velocity >= 55)
    thin = spot.tick % (2 * QUARTER) == QUARTER + EIGHTH
    return tuple(h for h in hits if h.piece not in TIMEKEEPERS) if thin else hits


def _offbeats(*pieces: str) -> Move:
    """Return a move that strikes the first of these pieces on the "and" of each beat, and them nowhere else."""

    def move(hits: Hits, spot: Spot) -> Hits:
        kept = without(hits, *pieces)
        return (*kept, DrumHit(pieces[0], FIRM - 14)) if spot.tick % QUARTER == EIGHTH else kept

    return move


def _backbeats_late(hits: Hits, spot: Spot) -> Hits:
    """Play the backbeat an eighth after its beats."""
    kept = without(hits, "snare", "rim")
    return (*kept, DrumHit("snare", FIRM)) if spot.tick - EIGHTH in spot.groups[1::2] else kept


def _onbeats(*pieces: str) -> Move:
    """Return a move that keeps these pieces only where a beat begins."""
    return lambda hits, spot: without(hits, *pieces) if spot.tick % QUARTER else hits


def _displaced(hits: Hits, spot: Spot) -> Hits:
    """Play kick and snare an eighth after their beats; leave the other pieces where they are."""
    kept = tuple(hit for hit in hits if hit.piece not in ("kick", "snare", "rim"))
    late = spot.tick % QUARTER == EIGHTH
    beat = spot.tick // QUARTER
    if not late:
        return kept
    return (*kept, DrumHit("snare", FIRM) if beat % 2 else DrumHit("kick", LOUD))


def _solo(hits: Hits, spot: Spot) -> Hits:
    """Play snare and toms in running 16ths, with the kick on every eighth."""
    piece = ("snare", "snare", "high_tom", "low_tom")[int(spot.chance(7) * 4)]
    run = (DrumHit(piece, FIRM if spot.tick % QUARTER == 0 else SOFT),)
    return (*run, DrumHit("kick", LOUD)) if spot.tick % EIGHTH == 0 else run


def _on_the_beat(hits: Hits, spot: Spot) -> Hits:
    """Keep kick and snare only where a quarter begins, and add a kick on the one and at the middle of the bar."""
    if spot.tick % QUARTER:
        return without(hits, "kick", "snare", "rim")
    return struck(hits, "kick", FIRM) if spot.tick in (0, spot.middle) else hits


def _off_the_beat(hits: Hits, spot: Spot) -> Hits:
    """Move 60 % of the kicks an eighth ahead of their beats, as a drummer who pushes; the kick on the one stays."""
    beat, inside = divmod(spot.tick, QUARTER)
    coming = beat + (inside > 0)
    pushes = coming > 0 and np.random.default_rng((spot.seed, 9, spot.position.bar, coming)).random() < 0.6
    if inside == EIGHTH and pushes:
        return struck(hits, "kick", FIRM)
    return without(hits, "kick") if inside == 0 and pushes else hits


def _march(spot: Spot) -> int:
    return (FIRM if spot.tick % QUARTER == 0 else SOFT) if spot.tick % EIGHTH == 0 else 0


MOVES: dict[str, Move] = {
    "four-on-the-floor": _pattern({"kick": _every(QUARTER, LOUD)}),
    "half-time": _pattern({"snare": _on_middle(FIRM), "rim": _never, "kick": _on_one(LOUD)}),
    "double-time": _pattern({"snare": _every(QUARTER, FIRM, EIGHTH), "kick": _every(QUARTER, LOUD)}),
    "backbeat": _pattern({"snare": _backbeats, "rim": _never}),
    "one-drop": _pattern({"kick": _on_middle(LOUD), "rim": _on_middle(FIRM), "snare": _never}),
    "steppers": _pattern({"kick": _every(QUARTER, LOUD), "rim": _on_middle(FIRM), "snare": _never}),
    "disco": _pattern(
        {
            "kick": _every(QUARTER, LOUD),
            "snare": _backbeats,
            "open_hat": _every(QUARTER, SOFT + 14, EIGHTH),
            "closed_hat": _every(QUARTER, SOFT),
        }
    ),
    "motorik": _pattern(
        {"kick": _at((0, 2, 8, 10), LOUD), "snare": _backbeats, "closed_hat": _every(EIGHTH, SOFT + 8)}
    ),
    "breakbeat": _pattern(
        {"kick": _at((0, 2, 10, 11), LOUD), "snare": _at((4, 12), LOUD, (7, 9, 15)), "closed_hat": _every(EIGHTH, SOFT)}
    ),
    "trip-hop": _pattern(
        {"kick": _at((0, 7, 10), LOUD), "snare": _at((4, 12), FIRM, (9, 15)), "closed_hat": _every(EIGHTH, SOFT - 8)}
    ),
    "bossa": _pattern(
        {"rim": _at((0, 3, 6, 10, 13), FIRM - 10), "kick": _at((0, 6, 8, 14), SOFT + 10), "snare": _never}
    ),
    "train-beat": _pattern({"snare": _march, "kick": _every(QUARTER, FIRM)}),
    "rock": _pattern({"kick": _at((0, 8, 10), LOUD), "snare": _backbeats, "closed_hat": _every(EIGHTH, SOFT + 12)}),
    "funk": _pattern(
        {"kick": _at((0, 3, 6, 10), LOUD), "snare": _at((4, 12), LOUD, (7, 9, 15)), "closed_hat": _every(1, SOFT - 4)}
    ),
    "jazz": _pattern(
        {
            "ride": lambda spot: FIRM - 14 if spot.tick % 8 in (0, 4, 7) else 0,
            "closed_hat": lambda spot: SOFT if spot.tick % 8 == 4 else 0,
            "kick": _every(QUARTER, GHOST),
            "snare": _never,
            "open_hat": _never,
        }
    ),
    "latin": _pattern(
        {
            "rim": _at((0, 3, 6, 10, 12), FIRM - 8),
            "kick": _at((3, 6, 11, 14), FIRM),
            "shaker": _every(EIGHTH, SOFT),
            "snare": _never,
        }
    ),
    "hip-hop": _pattern(
        {"kick": _at((0, 7, 8), LOUD), "snare": _at((4, 12), LOUD), "closed_hat": _every(EIGHTH, SOFT)}
    ),
    "house": _pattern(
        {"kick": _every(QUARTER, LOUD), "open_hat": _every(QUARTER, SOFT + 20, EIGHTH), "snare": _backbeats}
    ),
    "blast-beat": _pattern(
        {
            "kick": _every(EIGHTH, LOUD),
            "snare": _every(EIGHTH, FIRM, 1),
            "ride": _every(EIGHTH, FIRM),
            "closed_hat": _never,
        }
    ),
    "motown": _pattern(
        {
            "snare": _every(QUARTER, FIRM),
            "kick": _at((0, 6, 8, 14), LOUD),
            "closed_hat": _every(EIGHTH, SOFT),
            "rim": _never,
        }
    ),
    "follow-bass": _pattern({"kick": _with_bass}),
    "double-kick": _pattern({"kick": _every(1, FIRM)}),
    "solo": _solo,
    "displaced": _displaced,
    "16th-hats": _pattern({"closed_hat": lambda spot: SOFT if spot.tick % EIGHTH == 0 else SOFT - 22}),
    "8th-hats": _pattern({"closed_hat": _every(EIGHTH, SOFT + 8)}),
    "16th-ride": _pattern({"ride": lambda spot: SOFT if spot.tick % EIGHTH == 0 else SOFT - 22}),
    "hats-on-quarters": _only(lambda tick: tick % QUARTER == 0, "closed_hat", "open_hat"),
    "thinner-hats": _only(_thinner, "closed_hat", "open_hat"),
    "ride-on-quarters": _only(lambda tick: tick % QUARTER == 0, "ride"),
    "thinner-ride": _only(_thinner, "ride"),
    "quarter-hats": _pattern({"closed_hat": _every(QUARTER, SOFT + 14), "open_hat": _never}),
    "ride-instead-of-hat": _swapped(frozenset({"closed_hat", "open_hat"}), "ride"),
    "hat-instead-of-ride": _swapped(frozenset({"ride"}), "closed_hat"),
    "shaker-instead-of-hat": _swapped(frozenset({"closed_hat", "open_hat"}), "shaker"),
    "toms-instead-of-hat": _swapped(frozenset({"closed_hat", "open_hat", "ride"}), "low_tom"),
    "side-stick": _swapped(frozenset({"snare"}), "rim"),
    "snare-instead-of-rim": _swapped(frozenset({"rim"}), "snare"),
    "brushes": _swapped(TIMEKEEPERS - {"shaker"}, "shaker", 0.8),
    "ghost-notes": _ghosts,
    "no-ghost-notes": _no_ghosts,
    "three-over-four": _pattern({"closed_hat": _every(3, FIRM), "open_hat": _never, "ride": _never}),
    "open-hat": _open_offbeats,
    "all-open": _swapped(frozenset({"closed_hat"}), "open_hat"),
    "on-the-beat": _on_the_beat,
    "off-the-beat": _off_the_beat,
    "closed-hat": _swapped(frozenset({"open_hat"}), "closed_hat"),
    "crash-on-one": _crash_on_one,
    "fill": _fill,
    "build": _build,
    "stop-time": _stop_time,
    "break": _break,
    "thin": _thin,
    "sparser": _sparser,
    "busier": _busier,
    "a-little-busier": _a_little_busier,
    "a-little-sparser": _a_little_sparser,
    "kick-offbeats": _offbeats("kick"),
    "snare-offbeats": _backbeats_late,
    "hat-offbeats": _offbeats("closed_hat", "open_hat"),
    "ride-offbeats": _offbeats("ride"),
    "percussion-offbeats": _offbeats("shaker"),
    "kick-onbeats": _onbeats("kick"),
    "snare-onbeats": _onbeats("snare", "rim"),
    "hat-onbeats": _onbeats("closed_hat", "open_hat"),
    "ride-onbeats": _onbeats("ride"),
    "percussion-onbeats": _onbeats("shaker"),
}


ALIASES = {  # names that agent/language/vocabulary.py uses
    "open": "all-open",
    "closed": "closed-hat",
    "sixteenths": "16th-hats",
    "eighths": "8th-hats",
    "quarters": "quarter-hats",
    "train": "train-beat",
    "reggae": "one-drop",
    "polyrhythm": "three-over-four",
}
MOVES |= {alias: MOVES[name] for alias, name in ALIASES.items()}


def moved(hits: Hits, spot: Spot, moves: Sequence[str]) -> Hits:
    """Return the drums of one tick after every move named, in order. Raises KeyError for an unknown move."""
    for name in moves:
        hits = MOVES[name](hits, spot)
    return hits
