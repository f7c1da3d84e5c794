"""What was written into a ring, for tests that look at the sound of a callback."""

from __future__ import annotations

from listener.ring import Block, Reader, Ring


def written(ring: Ring, start: int = 0, end: int | None = None) -> Block:
    """Return samples start to end [n, channels], to the newest where end is None; zeros for what is lost."""
    return Reader(ring, start).read((ring.written if end is None else end) - start)
