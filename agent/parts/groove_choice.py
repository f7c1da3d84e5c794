"""Chooses the groove of a section among all that are known: rules, taste, novelty and, where it was asked, the
responder's word. All are judged at once, as arrays, so that a frame has the time for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from agent.parts.bass_bar import BassBar
from agent.parts.drum_groove import Groove, bass_halves
from agent.parts.groove_traits import Bools, Floats, Stock, Traits, pattern_in, pattern_of, pattern_row

TEMPO_SAY, FAST_SAY = 1.0, 0.5  # of the distance from a groove's own tempo in octaves, of strokes a hand cannot play
UNPLAYED = 0.25  # octaves for a groove that was written, not played
HALF_FEEL = 0.4  # octaves that playing a groove at half or double time counts
HAND_A_SECOND, LEAST_A_SECOND = 8.0, 2.2  # strokes of the timekeeper
GOOD_ENOUGH = 75  # percentile of worth without a bass, beyond which it counts no more
NEW_SAY = 0.6  # of likeness to a groove of this session
WISHED_F1 = 0.58  # of kicks with bass onsets: human rhythm sections; copying the bass is no virtue
KICKS, KICKS_BESIDE, KICKS_A_NOTE = 2.2, 1.7, 0.22  # of a bar, beside its backbeat, and more for each bass note
TASTE_SAY, LIKE_FROM = 1.6, 0.6  # of a groove as the player likes it; likeness to one from which it counts
PATTERN = "pattern "  # of what is wanted, before kicks and snares as text
LIKELY_OF, LIKELY_SAY = 8, 0.25  # best candidates of which the likelihood is asked; its worth by standard deviation

Likely = Callable[[Sequence[Groove], Sequence[BassBar]], Sequence[float]]  # -> bits of each groove over these bars


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate and what it is worth, reason by reason."""

    groove: Groove
    score: float
    reasons: Mapping[str, float]


def choose(
    found: Stock,
    bass: Sequence[BassBar],
    wanted: Mapping[str, float],
    rng: np.random.Generator,
    used: Sequence[Groove] = (),
    likely: Likely | None = None,
    beside: Sequence[Traits] = (),
) -> tuple[Judged, Judged]:
    """Return (the best groove for these bass bars, the runner-up).

    beside: candidates beside those of the stock. wanted: swung (0 or 1), density (bass onsets in 16 ticks), energy
    (-1 to 1); tempo (quarters a minute, 0 = not known); by "style NAME", the liking of a style; by "groove NAME", of a
    groove that is taken; by "pattern TEXT", the player's liking of grooves like one, -1 to 1; halves: of bars that
    repeat themselves where the bass does. chance: how much of luck is in it. used: grooves of this session: a new one
    is to be another. likely: says how surprising the best ones are to the responder.
    """
    judged = ranked(found, bass, wanted, rng, used, beside)
    heard = [bar for bar in bass if bar.ticks == found.kicks.shape[2] and bar.notes]
    if likely is not None and heard:
        judged = sorted(_with_likelihood(judged, likely, heard), key=lambda j: -j.score)
    return judged[0], judged[min(1, len(judged) - 1)]


def ranked(
    found: Stock,
    bass: Sequence[BassBar],
    wanted: Mapping[str, float],
    rng: np.random.Generator,
    used: Sequence[Groove] = (),
    beside: Sequence[Traits] = (),
) -> list[Judged]:
    """Return the best LIKELY_OF candidates, the best first; arguments as those of `choose`."""
    ticks = found.kicks.shape[2]
    heard = [bar for bar in bass if bar.ticks == ticks and bar.notes]
    known = [pattern_row(pattern_of(one), ticks) for one in used if len(one.bars[0]) == ticks]
    stocks = [found, Stock.of(beside)] if beside else [found]
    enough = float(np.percentile(np.concatenate([stock.own for stock in stocks]), GOOD_ENOUGH))
    judged = []
    for stock in stocks:
        reasons = _reasons(stock, heard, wanted, known, enough)
        reasons["chance"] = wanted.get("chance", 0.25) * rng.standard_normal(len(stock))
        score = stock.own + sum(reasons.values())
        judged += [
            Judged(
                stock[at].groove,
                float(score[at]),
                {**stock[at].own, **{name: float(worth[at]) for name, worth in reasons.items()}},
            )
            for at in np.argsort(-score, kind="stable")[:LIKELY_OF].tolist()
        ]
    return sorted(judged, key=lambda one: -one.score)[:LIKELY_OF]


def _with_likelihood(judged: Sequence[Judged], likely: Likely, heard: Sequence[BassBar]) -> list[Judged]:
    """Return candidates with one reason more: how likely they are to the responder beside each other."""
    bits = np.array(likely([one.groove for one in judged], heard))
    worth = LIKELY_SAY * np.clip((bits.mean() - bits) / max(float(bits.std()), 1e-9), -1.5, 1.5)
    return [
        Judged(one.groove, one.score + more, {**one.reasons, "likelihood": more})
        for one, more in zip(judged, worth.tolist(), strict=True)
    ]


def _reasons(
    stock: Stock, heard: Sequence[BassBar], wanted: Mapping[str, float], known: Sequence[Bools], enough: float
) -> dict[str, Floats]:
    """Return what each reason is worth for each groove of the stock."""
    density = min(wanted.get("density", 6.0), 10.0)
    halves = bass_halves(heard) if wanted.get("halves") else 0.0
    f1 = _kick_f1(stock, heard)
    styles = [wanted.get(f"style {one.groove.style}", 0.0) for one in stock]
    taken = [wanted.get(f"groove {one.groove.name}", 0.0) for one in stock]
    return {
        "good enough": np.minimum(enough - stock.own, 0.0),
        "kick with bass": 2.2 * (1 - abs(f1 - WISHED_F1) / WISHED_F1) if heard else np.full(len(stock), 0.8),
        "tempo": -TEMPO_SAY * _tempo_apart(stock, wanted.get("tempo", 0.0)),
        "kick density": -0.35 * _kicks_apart(stock, KICKS_A_NOTE * density),
        "halves": -wanted.get("halves", 0.0) * np.maximum(halves - stock.halves, 0.0),
        "energy": -0.06 * abs(stock.hits - (14.0 + 5.0 * wanted.get("energy", 0.0))),
        "swing": -0.8 * abs(stock.swung - wanted.get("swung", 0.0)),
        "style": np.array(styles),
        "taken": np.array(taken),
        "taste": TASTE_SAY * _liking(stock, wanted),
        "new in this session": -NEW_SAY * _likeness(stock, known),
    }


def _liking(stock: Stock, wanted: Mapping[str, float]) -> Floats:
    """Return -1 to 1: how much the player likes each groove, by those like it that they judged."""
    ticks, total = stock.kicks.shape[2], np.zeros(len(stock))
    for name, liking in wanted.items():
        text = name.removeprefix(PATTERN)
        if text != name and len(text) == 2 * ticks:
            near = _likeness(stock, [pattern_row(pattern_in(text), ticks)])
            total += liking * np.maximum(near - LIKE_FROM, 0.0) / (1 - LIKE_FROM)
    return np.asarray(np.clip(total, -1.0, 1.0))


def _likeness(stock: Stock, known: Sequence[Bools]) -> Floats:
    """Return the Jaccard likeness of each groove to the nearest of some patterns; 0 where there are none."""
    best = np.zeros(len(stock))
    for pattern in known:
        both = (stock.pattern & pattern).sum(1)
        either = (stock.pattern | pattern).sum(1)
        best = np.maximum(best, np.where(either > 0, both / np.maximum(either, 1), 1.0))
    return best


def _tempo_apart(stock: Stock, quarter_bpm: float) -> Floats:
    """Return how far each groove is from a tempo: octaves from its own, and strokes too many or too few for a hand."""
    if not quarter_bpm:
        return np.zeros(len(stock))
    octaves = np.log2(quarter_bpm / np.where(stock.bpm > 0, stock.bpm, quarter_bpm))
    other = np.minimum(abs(octaves - 1), abs(octaves + 1)) + HALF_FEEL
    apart = np.where(stock.bpm > 0, np.minimum(abs(octaves), other), UNPLAYED)
    strokes = stock.strokes * quarter_bpm / 60
    hand = np.maximum(strokes - HAND_A_SECOND, 0.0) + np.maximum(LEAST_A_SECOND - strokes, 0.0)
    return np.asarray(apart + FAST_SAY * hand)


def _kicks_apart(stock: Stock, more: float) -> Floats:
    """Return how many kicks in 16 ticks each groove has too many or too few, in all or beside the backbeat."""
    return np.asarray(np.maximum(abs(stock.kick_density - KICKS - more), abs(stock.answering - KICKS_BESIDE - more)))


def _kick_f1(stock: Stock, heard: Sequence[BassBar]) -> Floats:
    """Return the mean F1 of each groove's kicks with the bass onsets over the bars heard."""
    found = [np.zeros(len(stock))]
    for number, bar in enumerate(heard):
        kicks, onsets = stock.kicks[:, number % 2], sorted(bar.rhythm)
        found.append(2 * kicks[:, onsets].sum(1) / np.maximum(kicks.sum(1) + len(onsets), 1))
    return np.asarray(np.mean(found[1:] or found, axis=0))
