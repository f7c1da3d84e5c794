"""`Sketcher` makes takes of a riff: it draws the band's bars once, and revises them only where an edit asks.

A take keeps what the responder drew (`drawn`) beside what is played (`played`: after the moves in force). An edit draws
anew only the parts it names, given the others as they were, so that what was not named stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from agent.core.errors import UserError
from agent.core.music_names import key_of
from agent.directions.active import ActiveEdits
from agent.directions.bar_settings import Settings
from agent.directions.drum_moves import MOVES
from agent.directions.edit import Edit
from agent.directions.undo import undo
from agent.song.wish import HARMONY_PLANS
from agent.takes.edges import core_of, with_edges
from agent.takes.measures import Measured
from agent.takes.riff import Bar, Riff
from agent.takes.take import Take
from agent.takes.take_generator import Drawer
from listener.types import Key
from models.music.tokens import PARTS, Reply
from models.responder.responder import Responder

REPEATS = 2  # times the form is played in a take
IMAGINED_MAX = 8  # takes that are kept for when they are asked for
DRAWS: dict[str, tuple[str, ...]] = {  # dimension -> parts drawn anew when the band as a whole is named
    "density": PARTS,
    "syncopation": PARTS,
    "variation": PARTS,
    "dissonance": ("chords", "line"),
    "resolution": ("chords", "line"),
    "meter": PARTS,
    "key": ("chords", "line"),
}
COLOURS = frozenset({"dissonance", "resolution", "key"})  # dimensions that leave the strokes where they are
Old = dict[tuple[int, int], tuple[Reply, bool]]  # (bar, tick) -> what was drawn there, whether that bar stays
PART_OF = {"harmony": ("chords",), "line": ("line",)} | dict.fromkeys(
    ("drums", "kick", "snare", "hat", "ride", "toms", "cymbals", "percussion"), ("drums",)
)


@dataclass
class Sketcher:
    """Makes takes of one riff; the same riff, edits and seed give the same takes."""

    responder: Responder
    temperature: float = 0.9
    repeats: int = REPEATS
    takes: list[Take] = field(default_factory=list)
    rough: dict[tuple[int, int], float] = field(default_factory=dict)  # dissonance of takes that were compared
    imagined: dict[tuple[int, tuple[Edit, ...]], Take] = field(default_factory=dict)  # by take and edits, the last ones

    def begin(self, riff: Riff, edits: ActiveEdits | None = None, seed: int = 0) -> Take:
        """Make the first take of a riff. edits: in force from its start."""
        return self._keep(self._draw(riff, edits or ActiveEdits(), seed, None, frozenset(PARTS)), "the first take")

    def begin_drawn(self, riff: Riff, edits: ActiveEdits, seed: int, drawn: Mapping[tuple[int, int], Reply]) -> Take:
        """Make the first take of a riff of what a band has played over it. drawn: (bar, tick) -> what it decided."""
        old = {place: (reply, True) for place, reply in drawn.items()}
        return self._keep(self._draw(riff, edits, seed, old, frozenset()), "as it was played")

    def imagine(self, take: Take, edits: Sequence[Edit]) -> Take:
        """Return the take that `revise` would make, without keeping it; what was imagined lately is at hand."""
        key = (take.number, tuple(edits))
        made = self.imagined.get(key) or self._imagined(take, edits)
        newest = [one for one in self.imagined.items() if one[0] != key][1 - IMAGINED_MAX :]
        self.imagined = dict(newest) | {key: made}
        return made

    def _imagined(self, take: Take, edits: Sequence[Edit]) -> Take:
        active = take.active_edits.ask(tuple(edits))
        new = [edit for edit in edits if _changes(take, edit, self.repeats)]
        made = self._draw(take.riff, active, take.seed, take, redrawn(new), recoloured(new))
        way = sum((edit.change == "more") - (edit.change == "less") for edit in edits if edit.dimension == "dissonance")
        if way and way * (roughness_of(made) - self._roughness(take)) <= 0:
            made = self._draw(take.riff, active, take.seed, take, frozenset())  # the chords that were there do better
        return made

    def _roughness(self, take: Take) -> float:
        key = (take.number, len(take.active_edits.asked))
        if key not in self.rough:
            self.rough[key] = roughness_of(take)
        return self.rough[key]

    def revise(self, take: Take, edits: Sequence[Edit], says: str = "") -> Take:
        """Return a new take with these edits made and everything else as it was."""
        return self._keep(self.imagine(take, edits), says)

    def undo(self, take: Take) -> Take:
        """Return the take as it was before its last edits, as a new take."""
        active = undo(take.active_edits)
        before = next((one for one in reversed(self.takes) if one.active_edits.asked == active.asked), None)
        if before is None:
            before = self._draw(take.riff, active, take.seed, take, frozenset())
        return self._keep(before, "as it was before")

    def _keep(self, take: Take, says: str) -> Take:
        kept = replace(take, number=len(self.takes) + 1, says=says)
        self.takes.append(kept)
        return kept

    def _draw(
        self,
        riff: Riff,
        edits: ActiveEdits,
        seed: int,
        before: Take | Old | None,
        parts: frozenset[str],
        recolours: bool = False,
    ) -> Take:
        riff = in_key_asked(riff, edits)
        form = form_of(riff, edits)
        settings = tuple(edits.settings(bar, len(form)) for bar in range(self.repeats * len(form)))
        bars = tuple(
            form[i % len(form)].fitted(one.meter) if one.meter else form[i % len(form)]
            for i, one in enumerate(settings)
        )
        old = _by_place(core_of(before), settings, riff.key) if isinstance(before, Take) else before or {}
        own = (self.responder, self.temperature, self.repeats)
        drawn, played = Drawer(*own, riff, bars, settings, seed, old, parts, recolours).walk()
        return with_edges(Take(0, riff, edits, bars, drawn, played, settings, seed=seed), self.repeats)


def _changes(take: Take, edit: Edit, repeats: int) -> bool:
    """Return whether an edit changes the form, the key, or the settings of any bar of the take."""
    if edit.target == "form" or edit.dimension == "key":
        return True
    count = len(core_of(take).bars)
    form, asked, bars = count // repeats, take.active_edits.ask((edit,)), range(count)
    return any(asked.settings(bar, form) != take.active_edits.settings(bar, form) for bar in bars)


def redrawn(edits: Sequence[Edit]) -> frozenset[str]:
    """Return the parts that have to be drawn anew for these edits."""
    parts: set[str] = set()
    for edit in edits:
        draws = DRAWS.get(edit.dimension, ())
        if edit.dimension == "resolution" and edit.change in ("off", "less"):
            continue  # a harmony that would fall stays where it is: nothing new is needed
        own = PART_OF.get(edit.target)
        if edit.dimension == "density" and own:
            continue  # a move thins or thickens what is there
        if edit.dimension == "syncopation" and f"{edit.target}-offbeats" in MOVES:
            continue  # a move shifts that piece alone
        if edit.dimension == "pattern" and edit.value in HARMONY_PLANS:
            draws, own = ("chords", "line"), None  # the plan plays them
        parts |= set(draws) & set(own) if own else set(draws)
    return frozenset(parts)


def recoloured(edits: Sequence[Edit]) -> bool:
    """Return whether the edits ask only for another harmony on the same strokes."""
    return all(edit.dimension in COLOURS for edit in edits if DRAWS.get(edit.dimension))


def roughness_of(take: Take) -> float:
    """Return the take's dissonance (agent/takes/measures.py)."""
    return Measured(take).dissonance


def form_of(riff: Riff, edits: ActiveEdits) -> tuple[Bar, ...]:
    """Return the riff's bars, as many as the edits of form.length ask for, 1 to 64."""
    count = len(riff.bars)
    for one in edits.asked:
        if (one.edit.target, one.edit.dimension) == ("form", "length"):
            wanted = int((one.edit.size or one.edit.value or "1").split()[0])
            count = (
                wanted
                if one.edit.change == "set"
                else count + (wanted if one.edit.change in ("more", "on") else -wanted)
            )
    count = min(max(count, 1), 64)
    return tuple(riff.bars[i % len(riff.bars)] for i in range(count))


def in_key_asked(riff: Riff, edits: ActiveEdits) -> Riff:
    """Return the riff in the key that was last asked for; the riff itself where none was."""
    for one in reversed(edits.asked):
        if (one.edit.dimension, one.edit.change) == ("key", "set") and one.edit.value:
            with suppress(UserError):
                return replace(riff, key=key_of(one.edit.value))
    return riff


def _by_place(take: Take, settings: Sequence[Settings], key: Key) -> Old:
    """Return {(bar, tick): (the reply drawn there, whether that bar keeps its settings and key)}."""
    pairs = enumerate(zip(take.settings, settings, strict=False))
    stays = {i for i, (old, new) in pairs if old == new and take.riff.key == key}
    return {
        (m.place.bar, m.place.tick): (reply, m.place.bar in stays)
        for m, reply in zip(take.played, take.drawn, strict=True)
    }
