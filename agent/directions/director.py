"""`Directing` applies the edits in force to the live band, bar by bar and tick by tick, in the mind.

New edits count from the next bar line on, the mix from the next beat. Deterministic and picklable: it is part of the
mind's snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from agent.directions.active import ActiveEdits, density_moves, drum_moves
from agent.directions.bar_settings import Settings
from agent.directions.drum_moves import Spot, moved
from agent.directions.harmony_moves import Around, reharmonised, unresolved
from agent.directions.key_filter import scale_of
from listener.types import Key
from models.music.dials import Dials
from models.music.tokens import ChordHit, Position, Reply

PLAIN = Settings()
KEPT_DRAWN = 64
NEAR_TICKS = 1  # where the line is to answer, it is silent this near to a note of the player's


def _no_take(bar: int) -> None:
    return None


class Directing:
    """Shapes the band's replies by the edits in force. form_bars: bars after which "bar three" comes round again."""

    def __init__(self, seed: int, form_bars: int = 4) -> None:
        self.form_bars, self._seed = form_bars, seed
        self._edits = ActiveEdits()
        self._next: ActiveEdits | None = None  # in force from the next bar line on
        self._settings: dict[int, Settings] = {}
        self.key: Key | None = None
        self._hook: tuple[tuple[int, int], ...] = ()
        self._drawn: dict[tuple[int, int], tuple[int, str]] = {}  # (bar, tick) -> harmony drawn there, the last ones
        self._rhythm: dict[int, int] = {}  # the player's last bar: tick -> pitch of the note that began there
        self._take: Callable[[int], Settings | None] = _no_take

    def ask(self, edits: ActiveEdits, hook: tuple[tuple[int, int], ...] = ()) -> None:
        """Replace the edits in force, from the next bar line on. hook: as in SetActiveEdits."""
        self._next, self._hook = edits, hook

    def downbeat(self, bar: int) -> None:
        """Begin bar `bar`, the next to be played."""
        if self._next is not None:
            self._edits, self._next = self._next, None
            self._settings.clear()
        self._settings = {at: one for at, one in self._settings.items() if at >= bar}

    def follow(self, take: Callable[[int], Settings | None]) -> None:
        """Take the settings of the bars for which this has some from it: those of a take, whose directions are in what
        it plays already."""
        self._take = take

    def settings(self, bar: int) -> Settings:
        """Return the settings of a bar, numbered as the planner counts."""
        if (taken := self._take(bar)) is not None:
            return taken
        if not self._edits.asked:
            return PLAIN
        if bar not in self._settings:
            self._settings[bar] = self._edits.settings(bar, self.form_bars)
        return self._settings[bar]

    def soon(self, bar: int) -> Settings:
        """Return what the settings of this bar would be with the edits that count from the next bar line on: the mix
        follows them from the next beat on."""
        if (taken := self._take(bar)) is not None:
            return taken
        edits = self._edits if self._next is None else self._next
        return edits.settings(bar, self.form_bars) if edits.asked else PLAIN

    def early_s(self, bar: int) -> float:
        """Return by how many seconds the earliest voice of a bar plays ahead of the beat."""
        return max((-late_s for late_s in self.settings(bar).late_s.values() if late_s < 0), default=0.0)

    def dials(self, own: Dials, bar: int) -> Dials:
        """Return the config's dials `own`, overridden by those the edits of this bar set."""
        asked = self.settings(bar).dials
        set_ = {item.name: getattr(asked, item.name) for item in fields(Dials) if getattr(asked, item.name) is not None}
        return replace(own, **set_) if set_ else own

    def push(self, tick: int, pitch: int | None) -> None:
        """Take the pitch that the bass began in a tick of the bar, None for no onset."""
        if pitch is None:
            self._rhythm.pop(tick, None)
        else:
            self._rhythm[tick] = pitch

    def shaped(self, reply: Reply, position: Position, held: ChordHit | None) -> Reply:
        """Return the reply after the edits of its bar. held: the harmony that sounds."""
        settings = self.settings(position.bar)
        if settings is PLAIN:
            return reply
        spot = Spot(position, settings.through, self._seed, self._rhythm.get(position.tick))
        harmony = (held.root, held.quality) if held else None
        reply = replace(reply, drums=moved(reply.drums, spot, drum_moves(settings)))
        moves = (*density_moves(settings, "harmony", "line"), *settings.harmony_moves)
        around = replace(self._around(position.tick, harmony), drawn=self._drawn_by(position, reply.chord))
        reply = reharmonised(reply, spot, around, moves)
        return unresolved(reply, harmony, settings.resolves)

    def _drawn_by(self, position: Position, chord: ChordHit | None) -> tuple[int, str] | None:
        """Return the harmony that was drawn last by a tick; ticks are asked for again when they are planned anew."""
        place = position.bar, position.tick
        self._drawn.pop(place, None)
        if chord is not None:
            self._drawn[place] = chord.root, chord.quality
            while len(self._drawn) > KEPT_DRAWN:
                del self._drawn[min(self._drawn)]
        before = [at for at in self._drawn if at <= place]
        return self._drawn[max(before)] if before else None

    def _around(self, tick: int, held: tuple[int, str] | None) -> Around:
        """Describe the tick by the player's last bar, since this bar has not been heard yet."""
        near = any(abs(at - tick) <= NEAR_TICKS for at in self._rhythm)
        tonic = (self.key.tonic, self.key.mode) if self.key else None
        riff = self._hook or tuple(sorted(self._rhythm.items()))
        return Around(held, tonic, self._rhythm.get(tick), near, riff, tick, True)

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the key; empty while it is not known."""
        return scale_of(self.key) if self.key else frozenset()
