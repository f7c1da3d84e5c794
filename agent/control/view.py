"""What the control socket sends: views of what is heard and played, and replies to commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict

from agent.core.stored import Json

NoteRow = tuple[str, float, float, int, int]
"""Part ("bass" = what was heard), on and off in seconds of the stream, MIDI pitch, velocity."""


class View(TypedDict):
    """What is new for one who watches. t: seconds of the stream; levels: of the parts, channels: of the input, dB re
    full scale; notes: heard and fixed, maybe: those that may still change; lost: notes that were too many; bar: when it
    began, the beat's period, beats a bar; status: what the band does, as the session has it for a screen."""

    t: float
    levels: dict[str, float]
    channels: list[int]
    notes: list[NoteRow]
    lost: int
    status: Mapping[str, Json]
    maybe: NotRequired[list[NoteRow]]
    bar: NotRequired[list[float]]


class Reply(TypedDict):
    """The answer to a command: whether it was done, what was done or why not, the status where it was asked for."""

    ok: bool
    says: str
    status: NotRequired[Mapping[str, Json]]
