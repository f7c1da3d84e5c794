"""What stands of the player's directions, in the mind: how each bar and tick of the live band is to be played.

A new standing counts from the next bar line on. Deterministic and picklable: it is part of the mind's snapshot.
"""

from __future__ import annotations

from dataclasses import fields, replace

from agent.directions.active import ActiveEdits, density_moves
from agent.directions.bar_settings import Settings
from agent.directions.drum_moves import Spot, moved
from agent.directions.harmony_moves import Around, reharmonised, unresolved
from agent.directions.key_filter import scale_of
from listener.types import Key
from models.music.dials import Dials
from models.music.tokens import ChordHit, Position, Reply

PLAIN = Settings()
NEAR_TICKS = 1  # the line keeps out of the player's way this near to a note of his, where it is to answer


class Directing:
    """form_bars: after how many bars "bar three" comes round again."""

    def __init__(self, seed: int, form_bars: int = 4) -> None:
        self.form_bars, self._seed = form_bars, seed
        self._standing = ActiveEdits()
        self._asked: ActiveEdits | None = None
        self._settings: dict[int, Settings] = {}
        self.key: Key | None = None
        self._rhythm: dict[int, int] = {}  # tick of the bar -> pitch: what the player did in his last bar

    def ask(self, standing: ActiveEdits) -> None:
        """From the next bar line on."""
        self._asked = standing

    def downbeat(self, bar: int) -> None:
        """Bar `bar` is next to be played."""
        if self._asked is not None:
            self._standing, self._asked = self._asked, None
            self._settings.clear()
        self._settings = {at: one for at, one in self._settings.items() if at >= bar}

    def settings(self, bar: int) -> Settings:
        """Of a bar as the planner counts them."""
        if not self._standing.asked:
            return PLAIN
        if bar not in self._settings:
            self._settings[bar] = self._standing.settings(bar, self.form_bars)
        return self._settings[bar]

    def early_s(self, bar: int) -> float:
        """How much before their places the earliest voices play."""
        return max((-late_s for late_s in self.settings(bar).late_s.values() if late_s < 0), default=0.0)

    def dials(self, own: Dials, bar: int) -> Dials:
        """The config's dials, and over them what was asked."""
        asked = self.settings(bar).dials
        set_ = {item.name: getattr(asked, item.name) for item in fields(Dials) if getattr(asked, item.name) is not None}
        return replace(own, **set_) if set_ else own

    def push(self, tick: int, pitch: int | None) -> None:
        """What the bass began in a tick of the bar."""
        if pitch is None:
            self._rhythm.pop(tick, None)
        else:
            self._rhythm[tick] = pitch

    def shaped(self, reply: Reply, position: Position, held: ChordHit | None) -> Reply:
        """A reply as it was asked to be played. held: the harmony that sounds."""
        settings = self.settings(position.bar)
        if settings is PLAIN:
            return reply
        spot = Spot(position, settings.through, self._seed)
        harmony = (held.root, held.quality) if held else None
        drums = (*density_moves(settings, "drums", "hat", "snare"), *settings.moves)
        reply = replace(reply, drums=moved(reply.drums, spot, drums))
        moves = (*density_moves(settings, "harmony", "line"), *settings.harmony_moves)
        reply = reharmonised(reply, spot, self._around(position.tick, harmony), moves)
        return unresolved(reply, harmony, settings.resolves)

    def _around(self, tick: int, held: tuple[int, str] | None) -> Around:
        """The player's last bar stands for this one: what he does now is not heard yet."""
        near = any(abs(at - tick) <= NEAR_TICKS for at in self._rhythm)
        tonic = (self.key.tonic, self.key.mode) if self.key else None
        return Around(held, tonic, self._rhythm.get(tick), near, tuple(sorted(self._rhythm.items())), tick, True)

    @property
    def scale(self) -> frozenset[int]:
        """Pitch classes of the key; none while it is not known."""
        return scale_of(self.key) if self.key else frozenset()
