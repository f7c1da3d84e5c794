"""Turns the settings of a bar into what the mix is asked for: instruments, level, brightness, reverb, pan, width of a
lane."""

from __future__ import annotations

from agent.core.types import PARTS, MixWish
from agent.directions.bar_settings import Settings

LANES: dict[str, tuple[str, ...]] = {  # lane of agent/mixing -> voices of the settings; a part's own voice has its name
    "kick": ("kick",),
    "snare": ("snare", "rim"),
    "hat": ("closed_hat", "open_hat"),
    "high_tom": ("high_tom",),
    "low_tom": ("low_tom",),
    "crash": ("crash",),
    "ride": ("ride",),
    "percussion": ("shaker",),
    **{part: (part,) for part in PARTS},
}


def wishes_of(settings: Settings) -> dict[str, MixWish]:
    """Return the wish of each lane and part that is not as it was."""
    found = {}
    asked = (settings.level_db, settings.pan, settings.reverb, settings.bright_octaves, settings.width)
    for lane, voices in LANES.items():
        wish = MixWish(*(max((of.get(voice, 0.0) for voice in voices), key=abs) for of in asked))
        if wish != MixWish():
            found[lane] = wish
    return found


def sounds_of(settings: Settings) -> dict[str, str]:
    """Return the instrument asked for of each part; brushes are a pattern of the drums, too."""
    kit = {"drums": "brushes"} if "brushes" in settings.moves else {}
    return kit | dict(settings.sounds)
