"""Says what the bass is expected to play next, and which bar of the song a heard one was meant to be."""

from __future__ import annotations

from collections.abc import Sequence

from agent.parts.bass_bar import BassBar, BassNote, jaccard, likeness
from listener.types import Meter

LOOK_BACK = 96  # bars
CONTEXT = (1.0, 0.6, 0.4, 0.3)  # weights of the bars before, the nearest first
SO_FAR = 2.5  # weight of what was already heard of the bar
FORM = ((4, 0.15), (2, 0.05), (8, 0.05))  # music goes in twos, fours and eights: (bars ago, its say)
NEWEST = 0.01  # of the newer one of two equals
KNOWN_FROM = 0.5  # share of the best possible score, from which the past says how it goes on
KINDRED_FROM = 0.6  # likeness from which a bar is the same one ornamented or half misheard
SAME_RHYTHM = 0.75  # share of the onsets of two bars from which a drummer plays the same to both
SAME_FROM = 0.8  # likeness from which a heard bar is an earlier one, misheard or ornamented


def foretell(
    bars: Sequence[BassBar], meter: Meter, ticks: int, heard: Sequence[BassNote] = (), until: int = 0
) -> BassBar:
    """Return the bass bar that is expected after `bars`: what followed where the past was most like this.

    heard, until: the notes of this bar's first `until` ticks, where it has begun.
    """
    lately = bars[-LOOK_BACK:]
    newest = lately[-1] if lately and lately[-1].ticks == ticks else BassBar(meter, ticks)
    best, best_score = newest, 0.0
    for at in range(1, len(lately)):
        if lately[at].ticks != ticks or lately[at].meter != meter:
            continue
        score = sum(
            weight * likeness(lately[at - back], lately[-back]) for back, weight in enumerate(CONTEXT, 1) if back <= at
        )
        ago = len(lately) - at
        score += sum(say for every, say in FORM if ago % every == 0) - NEWEST * ago / LOOK_BACK
        score += SO_FAR * _begins_like(lately[at], heard, until)
        if score > best_score:
            best, best_score = lately[at], score
    possible = sum(CONTEXT) + SO_FAR * bool(until)
    if best_score >= KNOWN_FROM * possible:
        return best
    return newest


def expects_stop(bars: Sequence[BassBar], told: BassBar) -> bool:
    """Return whether a bar in which the bass is to stop is expected so surely that the band may stop with it.

    The phrase before, of eight bars or four, has to have ended so, and to have been this one bar by bar.
    """

    def ended_so(phrase: int) -> bool:
        if len(bars) < 2 * phrase - 1 or bars[-phrase].signature != told.signature:
            return False
        return all(likeness(bars[-i], bars[-phrase - i]) >= SAME_FROM for i in range(1, phrase))

    return ended_so(8) or ended_so(4)


def recognised(bar: BassBar, bars: Sequence[BassBar]) -> BassBar:
    """Return the earlier bar that this one was meant to be, or the bar itself where it is like none."""
    if not bar.notes:
        return bar
    known = [old for old in bars[-LOOK_BACK:] if old.meter == bar.meter and old.ticks == bar.ticks and old.notes]
    best = max(reversed(known), key=lambda old: likeness(bar, old), default=bar)
    return best if likeness(bar, best) >= SAME_FROM else bar


def _begins_like(bar: BassBar, heard: Sequence[BassNote], until: int) -> float:
    if not until:
        return 0.0
    begun = [note for note in bar.notes if note.tick < until]
    rhythm = jaccard((note.tick for note in begun), (note.tick for note in heard))
    pitch = jaccard(((note.tick, note.pitch % 12) for note in begun), ((note.tick, note.pitch % 12) for note in heard))
    return (rhythm + pitch) / 2


def _one_kick_figure(bar: BassBar, other: BassBar) -> bool:
    """Return whether two bars are one, half misheard or ornamented, or have one rhythm on another root."""
    return likeness(bar, other) >= KINDRED_FROM or jaccard(bar.rhythm, other.rhythm) >= SAME_RHYTHM


def turn_of_groove(bars: Sequence[BassBar], now: BassBar, bar_of_phrase: int) -> tuple[int, bool]:
    """Return which bar of a groove goes with a bass bar: the same one whenever it, or a kindred one, comes again; and
    whether it is varied.

    A riff of one bar is varied in the middle of a phrase, whose end has its fill.
    """
    known: list[BassBar] = []  # each of another figure
    turns: dict[frozenset[tuple[int, int]], int] = {}
    for bar in bars[-LOOK_BACK:]:
        if bar.notes and bar.signature not in turns:
            turns[bar.signature] = turn = _nearest(bar, known)
            if turn == len(known):
                known.append(bar)
    turn = turns.get(now.signature, _nearest(now, known) if now.notes else 0)
    again = bool(bars) and likeness(bars[-1], now) >= KINDRED_FROM
    return turn, again and bar_of_phrase % 8 == 3


def _nearest(bar: BassBar, known: Sequence[BassBar]) -> int:
    """Return the place in `known` of the bar most like this one among those of its kick figure; its length for none."""
    kin = [at for at, old in enumerate(known) if _one_kick_figure(bar, old)]
    return max(
        kin, key=lambda at: (jaccard(bar.rhythm, known[at].rhythm), likeness(bar, known[at])), default=len(known)
    )
