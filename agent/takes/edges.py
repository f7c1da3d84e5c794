"""An intro or an outro of one part alone: bars of the riff before or after a take's form, in which the others rest.

They belong to the take, not to its form: bars are counted from the form's first one, and what directions do to the form
is compared without them (`core_of`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from agent.directions.active import ActiveEdits
from agent.directions.bar_settings import INSTRUMENTS, Settings
from agent.directions.edit import Edit
from agent.reply.planned_song import Moment
from agent.takes.take import Take
from models.music.tokens import Reply

INTRO, OUTRO = EDGES = ("intro", "outro")  # values of an edit's pattern
EVERYBODY = frozenset({"drums", "chords", "line", "bass"})
BARS, BARS_MAX = 2, 16


@dataclass(frozen=True, slots=True)
class Edge:
    """An intro or outro. alone: the part that plays (of INSTRUMENTS); bars: how many."""

    alone: str
    bars: int


def edge_of(edits: ActiveEdits, which: str) -> Edge | None:
    """Return the intro or outro that stands; None where there is none."""
    found = None
    for edit in (one.edit for one in edits.asked if is_edge(one.edit, which)):
        bars = int((edit.size or str(BARS)).split()[0])
        found = Edge(edit.target, min(max(bars, 1), BARS_MAX)) if edit.change in ("set", "on", "more") else None
    return found


def is_edge(edit: Edit, which: str = "") -> bool:
    """Return whether an edit asks for an intro or outro, or takes it away."""
    return edit.dimension == "pattern" and edit.value in ((which,) if which else EDGES)


def core_of(take: Take) -> Take:
    """Return a take without its intro and outro; itself where it has none."""
    if not (take.intro or take.outro):
        return take
    return _of_bars(take, [(bar, take.settings[bar]) for bar in range(take.intro, len(take.bars) - take.outro)])


def with_edges(core: Take, repeats: int) -> Take:
    """Return a take without edges with those that its directions ask for."""
    intro, outro = (edge_of(core.active_edits, which) for which in EDGES)
    form = len(core.bars) // repeats
    order = [(bar, core.settings[bar]) for bar in range(len(core.bars))]
    if intro:  # drums lead on into the one, all others begin at the beginning
        first = form - intro.bars if intro.alone == "drums" else 0
        order = [*_alone(core, intro, first, form), *order]
    order += list(_alone(core, outro, 0, form)) if outro else []
    made = _of_bars(core, order) if intro or outro else core
    return replace(made, intro=intro.bars if intro else 0, outro=outro.bars if outro else 0)


def _alone(core: Take, edge: Edge, first: int, form: int) -> Iterator[tuple[int, Settings]]:
    rest = EVERYBODY - set(INSTRUMENTS[edge.alone])
    for bar in range(first, first + edge.bars):
        settings = core.settings[bar % form]
        yield bar % form, replace(settings, muted=(settings.muted | rest) - EVERYBODY.difference(rest))


def _of_bars(take: Take, order: Sequence[tuple[int, Settings]]) -> Take:
    """Return a take of some of a take's bars, in this order, each with these settings."""
    begins = [0, *accumulate(len(bar.basses) for bar in take.bars)]
    ticks = list(pairwise(begins))
    drawn, played = list[Reply](), list[Moment]()
    for number, (bar, _) in enumerate(order):
        begin, end = ticks[bar]
        drawn += take.drawn[begin:end]
        played += [replace(one, place=replace(one.place, bar=number)) for one in take.played[begin:end]]
    bars, settings = tuple(take.bars[bar] for bar, _ in order), tuple(one for _, one in order)
    return replace(take, bars=bars, settings=settings, drawn=tuple(drawn), played=tuple(played), intro=0, outro=0)
