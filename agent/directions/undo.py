"""Takes back the newest of the player's directions."""

from __future__ import annotations

from dataclasses import replace

from agent.directions.active import ActiveEdits


def undo(edits: ActiveEdits) -> ActiveEdits:
    """Return the edits without the newest group, which is what one sentence asked for; the same where there is none."""
    last = max((one.group for one in edits.asked), default=None)
    return replace(edits, asked=tuple(one for one in edits.asked if one.group != last))
