"""What differs between two versions of the music, and whether an edit shows in it where it was asked for.

`difference(before, after)` compares strokes (agent/directions/sounding.py) voice by voice; `shows` says whether the
change that an edit names is there, and `besides` what else moved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from agent.directions.bar_settings import INSTRUMENTS
from agent.directions.edit import Edit
from agent.directions.sounding import Place, Stroke, Strokes

PLAYED_ON = {"hat", "ride", "percussion"}  # pieces that keep time: a pattern of one may take the stroke of another
KEEPERS = frozenset({"closed_hat", "open_hat", "ride", "shaker", "low_tom"})
KIT = frozenset({"kick", "snare", "rim", "closed_hat", "open_hat", "ride", "crash", "low_tom", "high_tom", "shaker"})
ALL = KIT | {"chords", "line"}
HEARD = ("drums", "chords", "line", "bass")
MIXES = {"pan": "pan", "reverb": "reverb", "brightness": "bright_octaves", "width": "width"}
HARMONIC = ("dissonance", "resolution", "key", "chord")
LEAST_DB, LEAST_MS = 0.2, 0.5
NAMES = {"closed_hat": "closed hat", "open_hat": "open hat", "low_tom": "low tom", "high_tom": "high tom"}


@dataclass(frozen=True, slots=True)
class Moved:
    """How one voice differs. added, gone: strokes; kept: those in both; level_db, late_ms, semitones, length (16ths):
    means over them; others: names of what differs in the mix, the sound, the grid or the harmony."""

    voice: str
    bars: frozenset[int]
    added: int
    gone: int
    kept: int
    level_db: float = 0.0
    late_ms: float = 0.0
    semitones: float = 0.0
    length: float = 0.0
    others: Mapping[str, float] | None = None

    def has(self, what: str) -> float:
        """Return by how much something of `others` moved, as a mean; 0 where it did not."""
        return (self.others or {}).get(what, 0.0)


def difference(before: Strokes, after: Strokes, bars: Collection[int] | None = None) -> dict[str, Moved]:
    """Return the voices that differ. bars: only these."""
    found = {}
    for voice in {*before, *after}:
        old, new = (
            {place: one for place, one in version.get(voice, {}).items() if bars is None or place[0] in bars}
            for version in (before, after)
        )
        moved = _moved(voice, old, new)
        if moved.bars:
            found[voice] = moved
    return found


def _moved(voice: str, old: Mapping[Place, Stroke], new: Mapping[Place, Stroke]) -> Moved:
    kept = [place for place in new if place in old]
    differ = {place[0] for place in {*old, *new} if old.get(place) != new.get(place)}
    pairs = [(old[place], new[place]) for place in kept]
    if not pairs:
        return Moved(voice, frozenset(differ), len(new), len(old), 0)

    def mean(name: str) -> float:
        return fmean(getattr(b, name) - getattr(a, name) for a, b in pairs)

    others = {name: fmean(getattr(b.mix, of) - getattr(a.mix, of) for a, b in pairs) for name, of in MIXES.items()}
    for name in ("harmony", "sound", "grid", "velocity"):
        others[name] = fmean(getattr(a, name) != getattr(b, name) for a, b in pairs)
    return Moved(
        voice,
        frozenset(differ),
        len(new) - len(kept),
        len(old) - len(kept),
        len(kept),
        mean("level_db"),
        mean("late_ms"),
        mean("pitch"),
        mean("length"),
        {name: value for name, value in others.items() if value},
    )


def voices_of(target: str) -> frozenset[str]:
    """Return the voices that a target of an edit stands for."""
    if target == "drums":
        return KIT
    found = INSTRUMENTS[target]
    return frozenset(voice for one in found for voice in (KIT if one == "drums" else (one,)))


def allowed(edit: Edit) -> frozenset[str]:
    """Return the voices that may move by an edit without being named besides."""
    own = voices_of(edit.target)
    if edit.dimension in HARMONIC:
        return own | {"chords", "line"}
    if edit.target == "form" or (edit.dimension in ("meter", "tempo", "length") and edit.target in ("form", "band")):
        return ALL | {"bass"}
    if edit.dimension == "pattern" and edit.target in PLAYED_ON:
        return own | KEEPERS
    return own


def shows(edit: Edit, moved: Mapping[str, Moved]) -> bool:
    """Return whether the change that an edit names is there, in its direction, in the voices it names."""
    voices = allowed(edit) if edit.dimension in HARMONIC else voices_of(edit.target)
    mine = [one for voice, one in moved.items() if voice in voices]
    way = {"more": 1, "on": 1, "less": -1, "off": -1}.get(edit.change, 0)
    return any(_shows(edit, one, way) for one in mine)


def _shows(edit: Edit, one: Moved, way: int) -> bool:
    def goes(value: float, least: float = 1e-6) -> bool:
        return way * value > least or (not way and abs(value) > least)

    if edit.dimension in ("level", "intensity"):
        return goes(one.level_db, LEAST_DB) or (edit.change == "off" and abs(one.level_db) > LEAST_DB)
    if edit.dimension == "density":
        return goes(one.added - one.gone)
    if edit.dimension == "register":
        return goes(one.semitones)
    if edit.dimension == "timing":
        tight = edit.value in ("tight", "loose", "tighter", "looser")
        return tight or (abs(one.late_ms) > LEAST_MS if not way else -way * one.late_ms > LEAST_MS)
    if edit.dimension == "mute":
        return one.added > 0 if edit.change in ("off", "less") else one.gone > 0 or edit.value == "solo"
    if edit.dimension in MIXES:
        return goes(one.has(edit.dimension)) or (edit.change == "off" and bool(one.has(edit.dimension)))
    if edit.dimension == "sound":
        return bool(one.has("sound"))
    if edit.dimension == "swing":
        return bool(one.has("grid"))
    return bool(one.bars)


def besides(edits: Sequence[Edit], moved: Mapping[str, Moved]) -> tuple[Moved, ...]:
    """Return the voices that moved though no edit names them."""
    free = frozenset().union(*(allowed(edit) for edit in edits)) if edits else frozenset()
    return tuple(one for voice, one in sorted(moved.items()) if voice not in free and _audible(one))


def _audible(one: Moved) -> bool:
    return bool(one.added or one.gone or one.others or one.semitones or one.length) or (
        abs(one.level_db) > LEAST_DB or abs(one.late_ms) > LEAST_MS
    )


def figure(edit: Edit, moved: Mapping[str, Moved], bars: int) -> str:
    """Return what an edit moved as a number with its unit, such as "-4 dB" or "+3 strokes a bar"; "" for none."""
    mine = [one for voice, one in moved.items() if voice in voices_of(edit.target)]
    if not mine:
        return ""
    if edit.dimension in ("level", "intensity"):
        return _signed(max((one.level_db for one in mine), key=abs), "dB")
    if edit.dimension == "density":
        return _signed(sum(one.added - one.gone for one in mine) / max(bars, 1), "strokes a bar")
    if edit.dimension == "register":
        return _signed(max((one.semitones for one in mine), key=abs), "semitones")
    if edit.dimension == "timing":
        return _signed(max((one.late_ms for one in mine), key=abs), "ms")
    return ""


def _signed(value: float, unit: str) -> str:
    return f"{value:+.1f} {unit}".replace(".0 ", " ") if abs(value) >= 0.05 else ""


def named(voice: str) -> str:
    """Return a voice as a musician calls it."""
    return NAMES.get(voice, {"chords": "chords", "line": "melody"}.get(voice, voice))


def in_words(one: Moved, bars: int) -> str:
    """Return how a voice that nobody named moved: "the kick (+2 strokes a bar)"."""
    count = (one.added - one.gone) / max(bars, 1)
    what = _signed(count, "strokes a bar") or (_signed(one.level_db, "dB") if abs(one.level_db) > LEAST_DB else "")
    what = what or (_signed(one.late_ms, "ms") if abs(one.late_ms) > LEAST_MS else "")
    return f"the {named(one.voice)}" + (f" ({what})" if what else "")


def plays(part: str, music: Strokes) -> bool:
    """Return whether a part ("drums", "chords", "line", "bass") has a stroke."""
    return any(music.get(voice) for voice in (KIT if part == "drums" else (part,)))


def share(before: Strokes, after: Strokes) -> float:
    """Return the share of all strokes that differ, 0 to 1."""
    old, new = ({(voice, at): one for voice, here in of.items() for at, one in here.items()} for of in (before, after))
    places = {*old, *new}
    return sum(old.get(place) != new.get(place) for place in places) / len(places) if places else 0.0
