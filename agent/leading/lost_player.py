"""`LostPlayer` looks for a player who was lost: by what they play, in the riff as it was before the band led them."""

from __future__ import annotations

from collections import deque

from agent.leading.coming_along import Ring, found_at, since_a_rest

SEEN_TICKS, LEAST_SEEN, SEEKS_TICKS = 24, 12, 96  # 16ths: of what was played, needed of it, for which one is looked for
PER_BEAT = 4  # ticks between two looks


class LostPlayer:
    """ring: the riff. Call hear() with every tick."""

    def __init__(self) -> None:
        self.ring: Ring = ()
        self._played: deque[int | None] = deque(maxlen=SEEN_TICKS)  # pitches that began, tick by tick
        self._left = 0  # ticks for which they are still looked for

    @property
    def sought(self) -> bool:
        """Whether the player is looked for."""
        return self._left > 0

    def hear(self, pitch: int | None) -> None:
        """Take a tick: the pitch that began in it."""
        self._played.append(pitch)

    def seek(self, afresh: bool = False) -> None:
        """Begin to look. afresh: what was heard before lies on other ticks."""
        self._left = SEEKS_TICKS
        if afresh:
            self._played.clear()

    def found(self, tick: int, ticks: int) -> int | None:
        """Return the place in the riff that comes after this tick, once that is clear; then the search is over.

        tick: of its bar; ticks: of a bar. Call once a tick while they are sought.
        """
        self._left -= 1
        played = since_a_rest(tuple(self._played))
        if len(played) < LEAST_SEEN or tick % PER_BEAT != PER_BEAT - 1:
            return None
        found = found_at(self.ring, played, ticks)
        self._left = self._left if found is None else 0
        return found
