"""`PlayedBars` holds the bars that were played, as the band decided them before directions shaped them.

What edits do to bars like these is measured before they sound; what only the song plan can do, afterwards.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from agent.conversation.measuring import figure_of, measured
from agent.conversation.stage import Done
from agent.core.types import DrawnBar
from agent.directions.active import ActiveEdits
from agent.directions.drawn import music
from agent.directions.edit import Edit
from agent.directions.sounding import Heard
from agent.language.edit_text import describe_edit
from agent.song.wish import HARMONY_PLANS
from listener.types import Key

KEPT_BARS = 512
PLAN_DIALS = frozenset({"density", "dissonance", "resolution", "syncopation", "intensity"})
NOTICED = 0.02  # of a figure, by which it must have moved to have come
Measured = tuple[tuple[Done, ...], tuple[str, ...], bool]


@dataclass(frozen=True, slots=True)
class Pending:
    """An edit whose effect can only be told later. figure: before it; since: the bar it counts from."""

    edit: Edit
    figure: float
    since: int


class PlayedBars:
    """The bars of a session, the oldest first; stood: the directions that stood in each. form_bars: of the form."""

    def __init__(self, form_bars: int) -> None:
        self.form_bars = form_bars
        self.bars: deque[DrawnBar] = deque(maxlen=KEPT_BARS)
        self.stood: deque[ActiveEdits] = deque(maxlen=KEPT_BARS)
        self._pending: list[Pending] = []

    def push(self, bar: DrawnBar, stood: ActiveEdits) -> None:
        self.bars.append(bar)
        self.stood.append(stood)

    @property
    def last(self) -> list[DrawnBar]:
        """The newest bars, as many as the form has."""
        return list(self.bars)[-self.form_bars :]

    @property
    def sound(self) -> bool:
        """Whether the band was heard in the newest of them."""
        return any(bar.parts for bar in self.last)

    def coming(self, edits: ActiveEdits, bar: int, key: Key | None, parts: frozenset[str] = frozenset()) -> list[Heard]:
        """Return the bars of the form after this one as the last ones were decided, with these edits; none where the
        band is silent. parts: that are brought back, whoever muted them."""
        if not self.sound:
            return []
        bars, first = self.last, bar + 1
        placed = {one.bar % self.form_bars: one for one in bars}
        coming = [placed.get((first + n) % self.form_bars, bars[-1]) for n in range(self.form_bars)]
        return music(coming, first, edits, self.form_bars, key, parts)

    def measured(
        self,
        edits: Sequence[Edit],
        before: ActiveEdits,
        after: ActiveEdits,
        bar: int,
        key: Key | None,
        parts: frozenset[str],
    ) -> Measured:
        """Return what edits do to the bars to come, if the band decides as it did in the last ones: edit by edit, what
        else moves, whether anything does."""
        old, new = self.coming(before, bar, key), self.coming(after, bar, key, parts)
        if not new:
            return tuple(Done(edit, None) for edit in edits), (), False
        found = measured(edits, old, new, self.form_bars, bar, lambda edit: self._tells(edit, before, after, bar))
        for one in found[0]:
            if one.shown is None and (value := figure_of(one.edit, old)) is not None:
                self._pending.append(Pending(one.edit, value, bar + 1))
        return found

    def _tells(self, edit: Edit, before: ActiveEdits, after: ActiveEdits, bar: int) -> bool | None:
        """Return None for an edit that the song plan carries out, False for one that changes nothing."""
        plans = edit.dimension in PLAN_DIALS or (edit.dimension == "pattern" and edit.value in HARMONY_PLANS)
        old, new = (one.settings(bar + 1, self.form_bars) for one in (before, after))
        scoped = edit.scope not in (None, "now", "song", "until-told")
        styled = old.dials != new.dials or old.harmony_moves != new.harmony_moves
        return None if (styled or scoped) and (plans or edit.dimension == "pattern") else False

    def forget(self, edits: Sequence[Edit]) -> None:
        """These edits are taken back: nothing is to come of them."""
        self._pending = [one for one in self._pending if one.edit not in edits]

    def did_not_come(self, active: ActiveEdits) -> str:
        """Return a line for an edit that has not come in as many bars as the form has, "" for none."""
        for one in list(self._pending):
            bars = [bar for bar in self.bars if bar.bar > one.since and bar.parts][-self.form_bars :]
            if len(bars) < self.form_bars:
                continue
            self._pending.remove(one)
            now = figure_of(one.edit, music(bars, bars[0].bar, active, self.form_bars, None, frozenset()))
            way = 1 if one.edit.change in ("more", "on") else -1
            if now is not None and way * (now - one.figure) < NOTICED * max(abs(one.figure), 0.1):
                return f"You asked for {describe_edit(one.edit)}: so far nothing comes of it; say it again for more."
        return ""
