"""Turns the settings of a bar into what the mix is asked for: instruments, brightness, reverb, pan, width of a lane."""

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


def wishes_of(settings: Settings, struck: Settings | None = None) -> dict[str, MixWish]:
    """Return the wish of each lane and part that is not as it was.

    The levels are in the notes already. struck: the settings by which the notes were struck, where these are others:
    the mixer then makes up for the difference.
    """
    found = {}
    for lane, voices in LANES.items():
        pan, reverb, bright, width = (
            max((of.get(voice, 0.0) for voice in voices), key=abs)
            for of in (settings.pan, settings.reverb, settings.bright_octaves, settings.width)
        )
        level_db = 0.0
        if struck is not None:
            louder = [settings.level_db.get(v, 0.0) - struck.level_db.get(v, 0.0) for v in voices]
            level_db = max(louder, key=abs)
        wish = MixWish(level_db, pan, reverb, bright, width)
        if wish != MixWish():
            found[lane] = wish
    return found


def sounds_of(settings: Settings) -> dict[str, str]:
    """Return the instrument asked for of each part; brushes are a pattern of the drums, too."""
    kit = {"drums": "brushes"} if "brushes" in settings.moves else {}
    return kit | dict(settings.sounds)
