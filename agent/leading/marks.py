"""How the band plays what it leads: the one marked after an odd bar, a break on a beat, sticks that count in."""

from __future__ import annotations

import re
from dataclasses import replace

from agent.song.ending import count_off
from listener.types import Meter
from models.music.tokens import DrumHit, Position, Reply, ticks_per_beat

CRASH, KICK, SNARE = 104, 112, 108  # velocities
METER = re.compile(r"(\d+)/(\d+)")


def meter_named(name: str) -> Meter:
    """Return the meter of a name such as "7/8". Raises ValueError."""
    match = METER.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no meter such as 7/8")
    return Meter(int(match[1]), int(match[2]))


def marked(reply: Reply) -> Reply:
    """Return the one of a bar with kick and crash."""
    rest = tuple(hit for hit in reply.drums if hit.piece not in ("kick", "crash", "closed_hat"))
    return replace(reply, drums=(DrumHit("kick", KICK), DrumHit("crash", CRASH), *rest))


def broken(reply: Reply, at: Position, beat: int) -> Reply:
    """Return a tick of a bar in which the band stops on beat `beat`, from 1, all together."""
    stops = min(beat - 1, at.meter.numerator - 1) * ticks_per_beat(at.meter)
    if at.tick < stops:
        return reply
    if at.tick == stops:
        drums = (DrumHit("kick", KICK), DrumHit("snare", SNARE), DrumHit("crash", CRASH))
        return replace(reply, drums=drums, line=None, line_off=True)
    return Reply(chord_off=True, line_off=True)


def counted(at: Position) -> Reply:
    """Return a tick of a bar that is counted in."""
    return Reply(drums=count_off(at.meter, at.ticks_per_bar)[at.tick])
