"""Which notes a player played in a take: how many, which most, how evenly struck, and which lie outside the key."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from agent.core.music_names import class_name, key_name, pitch_name
from agent.practice.timing import spread
from listener.music.key import NAMED_SCALES, SCALES
from listener.types import Key, Note

SURE_KEY = 0.6  # confidence below which no note is said to lie outside a key
MOST = 3  # pitches that are named


@dataclass
class NoteCounts:
    """Counts the notes of a take. pitches, ghosts, velocities: of all; outside: pitch classes beside the key that was
    heard with them; keyed: notes with a key that was sure; key: the last one."""

    pitches: Counter[int] = field(default_factory=Counter)
    velocities: list[float] = field(default_factory=list)
    ghosts: int = 0
    outside: Counter[int] = field(default_factory=Counter)
    keyed: int = 0
    key: Key | None = None

    def add(self, note: Note, key: Key | None) -> None:
        """Take a note that has ended. key: in which it was heard, None = not known."""
        if note.articulation == "ghost":
            self.ghosts += 1
            return
        self.pitches[note.pitch] += 1
        self.velocities.append(float(note.velocity))
        if key is None or key.confidence < SURE_KEY:
            return
        self.key, self.keyed = key, self.keyed + 1
        if (note.pitch - key.tonic) % 12 not in _scale(key):
            self.outside[note.pitch % 12] += 1

    def lines(self) -> list[str]:
        """Return the report, as text; nothing where no note was played."""
        if not self.pitches:
            return []
        most = ", ".join(f"{pitch_name(pitch, self.key)} {count}" for pitch, count in self.pitches.most_common(MOST))
        low, high = (pitch_name(pitch, self.key) for pitch in (min(self.pitches), max(self.pitches)))
        ghosts = f", {self.ghosts} ghosts" if self.ghosts else ""
        out = [
            f"played {self.pitches.total()} notes{ghosts}, {low} to {high}, mostly {most}; "
            f"struck within {spread(self.velocities):.0f} of 127"
        ]
        if self.key is not None:
            beside = ", ".join(f"{class_name(one, self.key)} {count}" for one, count in self.outside.most_common())
            which = f" ({beside})" if beside else ""
            out.append(f"outside {key_name(self.key)}: {self.outside.total()} of {self.keyed}{which}")
        return out


def _scale(key: Key) -> tuple[int, ...]:
    return NAMED_SCALES[key.mode][key.scale][0] if key.scale else SCALES[key.mode]
