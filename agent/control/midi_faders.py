"""Moves the mixer's faders by MIDI controllers: General MIDI's on the channel of each part, and learned ones.

A fader is written as its command without the value: "mix snare reverb". Controllers 7 (level), 10 (pan), 91 (reverb)
and 74 (brightness) on a part's own channel move that part's, without learning.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from agent.control.commands import FADERS, LANES
from agent.core.settings import PartConfig

PLAIN = {7: "level", 10: "pan", 91: "reverb", 74: "bright"}
UNITY, MIDDLE, MOST = 100, 64, 127  # positions: level at 0 dB (the General MIDI recommendation); 0 of the others


def plain_faders(parts: Mapping[str, PartConfig]) -> dict[str, str]:
    """Return switch, such as 'channel 10 cc 7' -> fader, for the parts whose channel is theirs alone."""
    channels = [part.channel for part in parts.values()]
    return {
        f"channel {part.channel} cc {number}": f"mix {name} {what}"
        for name, part in parts.items()
        if channels.count(part.channel) == 1
        for number, what in PLAIN.items()
    }


def is_fader(text: str) -> bool:
    """Whether a text names a fader: 'mix LANE level|pan|reverb|bright|width'."""
    words = text.split()
    return len(words) == 3 and words[0] == "mix" and words[1] in LANES and words[2] in FADERS


def moved(fader: str, position: int) -> str:
    """Return the command that puts a fader, or a sense of a mood ("mood NAME"), where its controller, 0-127, stands.

    A level follows 40 log10(position / 100) dB, General MIDI's curve; the others are linear about 64 = as it was.
    """
    if fader.startswith("mood "):
        return f"{fader} {position / MOST:.3f}"
    _, low, high = FADERS[fader.split()[2]]
    if fader.endswith(" level"):
        value = low if position <= 0 else min(max(40 * math.log10(position / UNITY), low), high)
    else:
        end, span = (high, MOST - MIDDLE) if position > MIDDLE else (-low, MIDDLE)
        value = end * (position - MIDDLE) / span
    return f"{fader} {value:.2f}"
