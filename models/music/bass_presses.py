"""Read the bass of a MIDI file as key presses in seconds, as if it were played on a port."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path

from listener.types import KeyPress
from models.music.midi_reader import DEFAULT_QUARTER_US, FASTEST_US, SLOWEST_US, Score, read_score
from models.music.part_roles import bass


def presses_of(path: Path) -> tuple[KeyPress, ...]:
    """Return the bass of a MIDI file, in order of time. Raises Unusable in one line."""
    score = read_score(path, near=True)
    track = bass(score.tracks, path.name, guess=True, sole=True)
    seconds = Seconds(score)
    downs = [KeyPress(seconds.at(n.start), n.pitch, max(n.velocity, 1), track.channel) for n in track.notes]
    ups = [KeyPress(seconds.at(n.end), n.pitch, 0, track.channel) for n in track.notes]
    return tuple(sorted([*downs, *ups], key=lambda press: (press.time_s, press.velocity)))


class Seconds:
    """Converts MIDI ticks of a score to seconds by its tempi; those outside 20 to 400 bpm count as these."""

    def __init__(self, score: Score) -> None:
        tempi = score.tempi if score.tempi and score.tempi[0][0] == 0 else ((0, DEFAULT_QUARTER_US), *score.tempi)
        self._ticks = [tick for tick, _ in tempi]
        self._tick_s = [min(max(us, FASTEST_US), SLOWEST_US) / 1e6 / score.per_quarter for _, us in tempi]
        self._starts_s = [0.0]
        for index in range(1, len(tempi)):
            passed = self._ticks[index] - self._ticks[index - 1]
            self._starts_s.append(self._starts_s[-1] + passed * self._tick_s[index - 1])

    def at(self, tick: int) -> float:
        """Return the seconds from the beginning to a tick."""
        index = bisect_right(self._ticks, tick) - 1
        return self._starts_s[index] + (tick - self._ticks[index]) * self._tick_s[index]
