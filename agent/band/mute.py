"""Says which parts of the band are muted: at once when muted, from the next bar on when they come back."""

from __future__ import annotations

from collections.abc import Collection

from agent.core.types import PARTS


class Mute:
    """parts: those that may play in this bar."""

    def __init__(self, parts: Collection[str]) -> None:
        self.parts = frozenset(parts)
        self._muted = frozenset(PARTS) - self.parts

    def set(self, part: str, muted: bool) -> None:
        """Mute a part at once, or let it play again from the next bar on."""
        self._muted = self._muted | {part} if muted else self._muted - {part}
        self.parts = self.parts - self._muted

    def downbeat(self) -> None:
        """Begin a bar: what is no longer muted plays again."""
        self.parts = frozenset(PARTS) - self._muted
