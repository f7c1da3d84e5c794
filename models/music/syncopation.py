"""Measure how syncopated a drum part is, in any meter and grouping.

Longuet-Higgins & Lee 1984 (Music Perception 1(4)): a note followed by silence on a stronger place. Witek et al. 2014
(PLOS ONE 9(4) e94446): the same between instruments, with weights for which instrument marks the stronger place.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.music.features import Ints
from models.music.tokens import PIECES, grouping_of, ticks_per_beat

Bools = NDArray[np.bool_]

KICK = ("kick",)
SNARE = ("snare", "rim")
TIME = ("closed_hat", "open_hat", "ride", "shaker")
# (who was struck on the weak place, who is on the strong one) -> Witek's weight; time: hi-hat or ride
INSTRUMENT_WEIGHT = {
    ("kick", "snare"): 2,
    ("snare", "kick"): 1,
    ("kick", "time"): 5,
    ("snare", "time"): 5,
}


@lru_cache(maxsize=256)
def metric_weights(meter: Meter) -> tuple[int, ...]:
    """Return one weight per tick of the bar: 0 the downbeat, -1 for each level further down.

    4/4 gives the papers' weights.
    """
    levels = _levels(meter)
    bar = meter.numerator * ticks_per_beat(meter)
    return tuple(-next(depth for depth, starts in enumerate(levels) if tick in starts) for tick in range(bar))


def _levels(meter: Meter) -> list[set[int]]:
    """Return the ticks where each level of the meter begins something, the bar first, single ticks last."""
    beat, groups = ticks_per_beat(meter), _groups(meter)
    starts = np.cumsum([0, *groups[:-1]]) * beat
    bar = meter.numerator * beat
    levels = [{0}]
    if len(groups) == 4 and len(set(groups)) == 1:
        levels.append({0, bar // 2})
    levels.append(set(starts.tolist()))
    step = beat
    while step >= 1:
        levels.append(set(range(0, bar, step)))
        step //= 2
    return [level for index, level in enumerate(levels) if index == 0 or level != levels[index - 1]]


def _groups(meter: Meter) -> tuple[int, ...]:
    """Return the meter's grouping; without one, 4/4 and 6/4 are two halves, 3/4 is not divided."""
    groups = grouping_of(meter)
    if set(groups) == {1} and meter.numerator % 2 == 0 and meter.numerator > 2:
        return (meter.numerator // 2,) * 2
    return groups


def longuet_higgins_lee(struck: Bools, weights: Ints) -> Ints:
    """Return how strongly the note of each tick is syncopated, R - N of the paper, 0 where it is not: [T] bool, [T] ->
    [T].

    N: the note's weight. R: the strongest place after it before the next note or the end. A tie is a silence.
    """
    out = np.zeros(len(struck), np.int64)
    places = np.flatnonzero(struck)
    for place, until in pairwise([*places.tolist(), len(struck)]):
        silent = weights[place + 1 : until]
        out[place] = max(int(silent.max(initial=-99)) - int(weights[place]), 0)
    return out


def witek(kick: Bools, snare: Bools, time: Bools | None, weights: Ints) -> Ints:
    """Return Witek's index of every tick's kick or snare, 0 where it is not syncopated: [T] each -> [T].

    Against a stronger silence: R - N. Against a stronger tick where the next thing struck is another instrument: Ndi -
    N + I. A departure: equal weights (which the paper counts) are not a syncopation, as in published code.
    """
    streams = {"kick": kick, "snare": snare, "time": np.zeros_like(kick) if time is None else time}
    anything = np.any(list(streams.values()), axis=0)
    places = np.flatnonzero(anything)
    out = np.zeros(len(kick), np.int64)
    for place, until in pairwise([*places.tolist(), len(kick)]):
        struck = [name for name in ("kick", "snare") if streams[name][place]]
        silent = int(weights[place + 1 : until].max(initial=-99)) - int(weights[place])
        against = int(weights[until]) - int(weights[place]) if until < len(kick) else 0
        there = {name for name, stream in streams.items() if until < len(kick) and stream[until]}
        if struck and silent > 0 and silent >= against:
            out[place] = silent
        elif against > 0:
            out[place] = max((against + _instrument(name, there) for name in struck if name not in there), default=0)
    return out


def _instrument(name: str, there: set[str]) -> int:
    """Name the instrument of a tick: kick and snare outweigh a hi-hat that is struck with them."""
    other = next(other for other in ("kick", "snare", "time") if other in there)
    return INSTRUMENT_WEIGHT[name, other]


def streams_of(drums: Ints) -> tuple[Bools, Bools, Bools]:
    """Split levels [T, pieces] into kick, snare and time keeper, each [T]."""
    columns = ([PIECES.index(piece) for piece in role] for role in (KICK, SNARE, TIME))
    kick, snare, time = (np.asarray((drums[:, own] > 0).any(1)) for own in columns)
    return kick, snare, time


def syncopation(drums: Ints, ticks: Ints, meters: tuple[Meter, ...]) -> Ints:
    """Return Witek's index over kick and snare, [T]. Given: levels [T, pieces], tick in bar [T], meter of each tick."""
    weights = np.array([metric_weights(meter)[tick] for tick, meter in zip(ticks.tolist(), meters, strict=True)])
    kick, snare, _ = streams_of(drums)
    return witek(kick, snare, None, weights)
