"""Shapes a bar of drums as the dials and the arrangement ask: fuller or barer, on or off the beat, harder or softer.

Each change goes through its places in a fixed order and as far as it is asked, so that more is never less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from agent.parts.bass_bar import group_starts
from agent.parts.drum_groove import GHOST_VELOCITY, LOUDEST, SNARES, TIME_PIECES, DrumBar, Hits, ticks_of
from listener.types import Meter
from models.music.syncopation import longuet_higgins_lee, metric_weights
from models.music.tokens import DrumHit

GHOST_BELOW = 60  # velocity
STROKE = {"on": 92, "eighth": 84, "sixteenth": 66}  # velocities of added hats
SIXTEENTHS_TO = 112.0  # quarters a minute: above, 16ths on hat or ride are too fast for one hand
OPEN_FROM, CLOSED_FROM, RIM_FROM = 0.4, -0.2, -0.5  # bend of intensity


def at_density(bar: DrumBar, meter: Meter, bend: float, time_alone: bool = False, quarter_bpm: float = 0.0) -> DrumBar:
    """Return the bar with more or fewer strokes of the timekeeper and ghosts.

    bend: -1 to 1. time_alone: kicks and snares stay as they are, and no 16ths are added above SIXTEENTHS_TO.
    quarter_bpm: the tempo, 0 = not known.
    """
    ticks = len(bar)
    if bend < 0:
        beats = set(group_starts(meter, ticks))
        ghosts = [(t, h) for t, h in _hits(bar, SNARES) if h.velocity < GHOST_BELOW]
        time = [(t, h) for t, h in _hits(bar, TIME_PIECES) if t not in beats]
        odd, even = [one for one in time if one[0] % 2], [one for one in time if not one[0] % 2]
        order = [*odd, *even[::-1]] if time_alone else [*odd, *ghosts, *even[::-1]]
        gone = set(order[: round(-bend * len(order))])
        return tuple(tuple(h for h in hits if (t, h) not in gone) for t, hits in enumerate(bar))
    time_at = ticks_of(bar, TIME_PIECES)
    piece = "ride" if ticks_of(bar, {"ride"}) else "closed_hat"
    snares = ticks_of(bar, SNARES)

    def spread(tick: int) -> tuple[bool, int, int]:
        """Order 16ths over the whole bar: before every other beat, before each, then after."""
        return tick % 4 == 1, -(tick % 8), -tick

    eighths = [(t, DrumHit(piece, STROKE["on" if t % 4 == 0 else "eighth"])) for t in range(0, ticks, 2)]
    sixteenths = [(t, DrumHit(piece, STROKE["sixteenth"])) for t in sorted(range(1, ticks, 2), key=spread)]
    if time_alone and quarter_bpm > SIXTEENTHS_TO:
        sixteenths = []
    ghosts = [(t, DrumHit("snare", GHOST_VELOCITY[1])) for t in range(ticks) if t % 4 == 3 and t not in snares]
    order = [*(one for one in (*eighths, *sixteenths) if one[0] not in time_at), *([] if time_alone else ghosts)]
    return _with(bar, order[: round(bend * len(order))])


def syncopated(bar: DrumBar, meter: Meter, bend: float) -> DrumBar:
    """Return the bar with kicks put before the beat, or on it; the one and the backbeat stay. bend: -1 to 1."""
    ticks = len(bar)
    beats = set(group_starts(meter, ticks))
    kicks, snares = sorted(ticks_of(bar, {"kick"})), ticks_of(bar, SNARES)
    if bend < 0:
        off = [t for t in kicks if t not in beats]
        ghosts = [t for t in sorted(snares - beats) if _loudest(bar, t, SNARES) < GHOST_BELOW]
        for tick in [*[t for t in off if t % 2], *ghosts, *[t for t in off if t % 2 == 0]][
            : round(-bend * (len(off) + len(ghosts)))
        ]:
            bar = _without(bar, tick, frozenset({"kick"}) if tick in off else SNARES)
            near = min(beats, key=lambda t: (abs(t - tick), t))
            if tick in off and near not in snares:
                bar = _with(bar, [(near, DrumHit("kick", 88))])
        return bar
    moves: list[tuple[int, int]] = [(t, t - 2) for t in kicks if t in beats and t and t - 2 not in snares]
    adds = [t for t in (ticks - 2, 6, 10, 3, ticks - 5) if 0 < t < ticks and t not in snares and t not in kicks]
    steps: list[tuple[int | None, int]] = [*moves, *((None, t) for t in adds if t not in {to for _, to in moves})]
    for _ in range(round(bend * len(steps))):
        made = [(_moved(bar, start, to), (start, to)) for start, to in steps]
        best, step = max(made, key=lambda one: _syncopation(one[0], meter))
        if _syncopation(best, meter) <= _syncopation(bar, meter):
            break
        bar = best
        steps.remove(step)
    return bar


def _moved(bar: DrumBar, start: int | None, to: int) -> DrumBar:
    """Return the bar with a kick on a tick, taken from `start` if it is one."""
    without = bar if start is None else _without(bar, start, frozenset({"kick"}))
    return _with(without, [(to, DrumHit("kick", 86))])


def _syncopation(bar: DrumBar, meter: Meter) -> int:
    """Return how syncopated kick and snare are (Longuet-Higgins & Lee 1984)."""
    weights = np.array(metric_weights(meter))
    struck = np.zeros(len(weights), bool)
    struck[[t for t in ticks_of(bar, SNARES | {"kick"}) if t < len(weights)]] = True
    return int(np.sum(longuet_higgins_lee(struck, weights)))


def at_intensity(bar: DrumBar, meter: Meter, bend: float) -> DrumBar:
    """Return the bar harder (open hats, on the beats) or softer (rim for snare, closed hats).

    Velocities move with it. bend: -1 to 1.
    """
    beats = set(group_starts(meter, len(bar)))

    def played(tick: int, hit: DrumHit) -> DrumHit:
        piece = hit.piece
        if bend <= RIM_FROM and piece == "snare" and hit.velocity >= GHOST_BELOW:
            piece = "rim"
        elif bend <= CLOSED_FROM and piece == "open_hat":
            piece = "closed_hat"
        elif bend >= OPEN_FROM and piece == "closed_hat" and tick in beats:
            piece = "open_hat"
        low = 8 if piece == "crash" else 4
        return DrumHit(piece, int(min(max(round(hit.velocity * (1 + 0.3 * bend)), low), LOUDEST)))

    return tuple(tuple(played(tick, hit) for hit in hits) for tick, hits in enumerate(bar))


def half_time(bar: DrumBar) -> DrumBar:
    """Return a bar of 16 ticks with its backbeat on three alone and the kick before it; other bars as they are."""
    if len(bar) != 16:
        return bar
    snare = max((h for _, h in _hits(bar, SNARES)), key=lambda h: h.velocity, default=DrumHit("snare", 92))
    kept = tuple(
        tuple(
            h
            for h in hits
            if not (h.piece in SNARES and h.velocity >= GHOST_BELOW) and not (h.piece == "kick" and t in (8, 12))
        )
        for t, hits in enumerate(bar)
    )
    return _with(kept, [(8, snare), (0, DrumHit("kick", 92))])


def with_kicks(bar: DrumBar, ticks: Sequence[int]) -> DrumBar:
    """Return the bar with a kick on each of some ticks."""
    return _with(bar, [(tick, DrumHit("kick", 92)) for tick in ticks])


def _hits(bar: DrumBar, pieces: frozenset[str] | set[str]) -> list[tuple[int, DrumHit]]:
    return [(tick, hit) for tick, hits in enumerate(bar) for hit in hits if hit.piece in pieces]


def _loudest(bar: DrumBar, tick: int, pieces: frozenset[str]) -> int:
    return max((hit.velocity for hit in bar[tick] if hit.piece in pieces), default=0)


def _with(bar: DrumBar, added: Sequence[tuple[int, DrumHit]]) -> DrumBar:
    new: dict[int, Hits] = {}
    for tick, hit in added:
        if all(one.piece != hit.piece for one in (*bar[tick], *new.get(tick, ()))):
            new[tick] = (*new.get(tick, ()), hit)
    return tuple((*hits, *new.get(tick, ())) for tick, hits in enumerate(bar))


def _without(bar: DrumBar, at: int, pieces: frozenset[str]) -> DrumBar:
    return tuple(tuple(h for h in hits if tick != at or h.piece not in pieces) for tick, hits in enumerate(bar))
