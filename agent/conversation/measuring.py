"""`measured` says edit by edit whether the music to come shows what was asked, and what else moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.conversation.stage import Done
from agent.directions import differences
from agent.directions.active import ActiveEdit
from agent.directions.edit import Edit
from agent.directions.sounding import Heard, Strokes, strokes

Sure = Callable[[Edit], bool | None]


def measured(
    edits: Sequence[Edit], before: Sequence[Heard], after: Sequence[Heard], form: int, since: int, knows: Sure
) -> tuple[tuple[Done, ...], tuple[str, ...], bool]:
    """Return (edit by edit, what else moved, whether anything differs).

    before, after: the same bars without and with the edits. form: bars of the form; since: the bar they were asked in.
    knows: answers for an edit that strokes do not show: True, False, or None = that can only be told later.
    """
    old, new = strokes(before), strokes(after)
    bars = sorted({one.position.bar for one in after})
    places = {edit: [bar for bar in bars if ActiveEdit(edit, 0, since).concerns(bar, form)] for edit in edits}
    done = tuple(_done(edit, old, new, places[edit], knows) for edit in edits)
    moved = differences.difference(old, new)
    beside = [differences.in_words(one, len(bars)) for one in differences.besides(edits, moved)]
    elsewhere = [bar for bar in bars if not any(bar in where for where in places.values())]
    spilled = differences.difference(old, new, elsewhere) if elsewhere else {}
    if spilled:
        beside.append(f"something in {_bars(sorted({bar % form for one in spilled.values() for bar in one.bars}))}")
    return done, tuple(beside), bool(moved)


def _done(edit: Edit, old: Strokes, new: Strokes, bars: Sequence[int], knows: Sure) -> Done:
    moved = differences.difference(old, new, bars)
    figure = differences.figure(edit, moved, len(bars))
    if differences.shows(edit, moved):
        return Done(edit, True, figures=(figure,) if figure else ())
    known = knows(edit)
    if known is not False:
        return Done(edit, known)
    voices = differences.voices_of(edit.target)
    if not any(voice in one for one in (old, new) for voice in voices):
        return Done(edit, False, "that is silent there")
    return Done(edit, False, "it is as far as it goes" if not moved and edit.change in ("more", "less") else "")


def _bars(bars: Sequence[int]) -> str:
    return f"bar {bars[0] + 1}" if len(bars) == 1 else f"bars {', '.join(str(bar + 1) for bar in bars)}"
