"""Maps each dimension of an edit to the function that changes a bar's settings: the table ACTS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from agent.directions.bar_settings import INSTRUMENTS, Settings
from agent.directions.drum_moves import MOVES
from agent.directions.edit import Edit
from agent.directions.harmony_moves import HARMONY_MOVES
from agent.directions.step_sizes import PER_OCTAVE, STEPS, number_in, step
from agent.sounds.instruments import named
from listener.types import Meter
from models.music.dials import STYLES

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

METER = re.compile(r"(\d+)/(\d+)(?: \(?(\d+(?:\+\d+)+)\)?)?")
WHOLE = frozenset({"band", "form", "feel"})
HALF = 0.5  # where a dial stands that was never set

Act = Callable[[Settings, Edit], Settings]
Fields = TypeVar("Fields", bound="DataclassInstance")


Value = Mapping[str, float] | tuple[str, ...] | float | str | None


def with_values(fields: Fields, values: Mapping[str, Value]) -> Fields:
    """Return settings or dials with these values, by name, in place of their own."""
    return replace(fields, **values)


def _per_voice(name: str, kind: str, scale: float = 1.0, off: float = 0.0) -> Act:
    """Return an act on the map `name` of Settings, for each voice of the target.

    more and less move the value by a step of STEPS[kind]; set takes the number given; `off` is what off sets it to.
    """

    def act(settings: Settings, edit: Edit) -> Settings:
        values = dict(getattr(settings, name))
        for voice in INSTRUMENTS[edit.target]:
            now = values.get(voice, 0.0) / scale
            given = number_in(edit.value) if edit.change == "set" else None
            after = given if given is not None else off if edit.change in ("off", "set") else step(edit, kind, now)
            values[voice] = min(max(after, STEPS[kind].low), STEPS[kind].high) * scale
        return with_values(settings, {name: values})

    return act


def _register(settings: Settings, edit: Edit) -> Settings:
    """Move the target; the band by anything but octaves takes the bass with it, as into another key."""
    settings = _per_voice("semitones", "register")(settings, edit)
    moved = settings.semitones.get("chords", 0.0)
    if edit.target in WHOLE and (moved % PER_OCTAVE or "bass" in settings.semitones):
        octaves = PER_OCTAVE * round(moved / PER_OCTAVE) if abs(moved) > PER_OCTAVE else 0.0
        return replace(settings, semitones={**settings.semitones, "bass": moved - octaves})
    return settings


def _timing(settings: Settings, edit: Edit) -> Settings:
    """Set how far voices play from the beat: less = behind, more = ahead, set = milliseconds behind.

    The targets feel and band move all voices together. The values tight and loose set Settings.looseness instead.
    """
    if edit.value in ("tight", "loose", "tighter", "looser"):
        given = replace(edit, change="less" if edit.value.startswith("tight") else "more", value=None)
        return replace(
            settings, looseness=step(given, "looseness", 0.6 if settings.looseness is None else settings.looseness)
        )
    late = dict(settings.late_s)
    for voice in INSTRUMENTS[edit.target]:
        now_ms = -1000 * late.get(voice, 0.0)  # ahead of the beat
        number = number_in(edit.value)
        if edit.change in ("set", "off"):
            ahead_ms = -(number or 0.0) if edit.change == "set" else 0.0
        else:
            ahead_ms = -min(max(-step_free(edit, "timing", now_ms), STEPS["timing"].low), STEPS["timing"].high)
        late[voice] = -ahead_ms / 1000
    return replace(settings, late_s=late)


def step_free(edit: Edit, kind: str, now: float) -> float:
    """Return what step_sizes.step returns, without its limits."""
    return now + (step(replace(edit, change="more"), kind, 0.0)) * (1 if edit.change in ("more", "on") else -1)


def _dial(name: str) -> Act:
    def act(settings: Settings, edit: Edit) -> Settings:
        now = getattr(settings.dials, name)
        if edit.change in ("off", "set") and number_in(edit.value) is None:
            value = 0.0 if edit.change == "off" else now
        else:
            value = step(edit, "dial", HALF if now is None else now)
        return replace(settings, dials=with_values(settings.dials, {name: value}))

    return act


def _density(settings: Settings, edit: Edit) -> Settings:
    """Set the responder's density dial for the whole band, else the density of the one target."""
    if edit.target in ("band", "feel", "form"):
        return _dial("density")(settings, edit)
    now = settings.density.get(edit.target, 0.0)
    return replace(settings, density={**settings.density, edit.target: step(edit, "density", now)})


def _dissonance(settings: Settings, edit: Edit) -> Settings:
    settings = _dial("tension")(settings, edit)
    return replace(settings, rubs=edit.change != "less" and (settings.dials.tension or 0.0) > HALF)


def _resolution(settings: Settings, edit: Edit) -> Settings:
    wants = edit.change in ("on", "more", "set")
    value = step(edit, "dial", settings.dials.resolution or HALF) if edit.change in ("more", "less") else float(wants)
    dials = replace(settings.dials, resolution=value)
    return replace(settings, dials=dials, resolves=wants)


def _intensity(settings: Settings, edit: Edit) -> Settings:
    if edit.target in ("band", "feel", "form"):
        settings = _dial("intensity")(settings, edit)
    return _per_voice("touch_db", "intensity")(settings, edit)


def _syncopation(settings: Settings, edit: Edit) -> Settings:
    """Set the dial and the moves of the band; of one piece of the kit only where that piece strikes."""
    if f"{edit.target}-offbeats" in MOVES:
        off = edit.change in ("more", "on", "set")
        settings = _with_move(settings, f"{edit.target}-onbeats", edit.change == "less")
        return _with_move(settings, f"{edit.target}-offbeats", off)
    settings = _dial("syncopation")(settings, edit)
    more = edit.change in ("more", "on", "set")
    return _with_move(_with_move(settings, "on-the-beat", not more), "off-the-beat", more)


def _swing(settings: Settings, edit: Edit) -> Settings:
    now = settings.swing or 0.5
    given = number_in(edit.value)
    if edit.change == "off" or edit.value in ("straight", "even"):
        return replace(settings, swing=0.5)
    if edit.value in ("shuffle", "triplet", "triplets") or (edit.change == "set" and given is None):
        return replace(settings, swing=2 / 3)
    if given is not None:
        return replace(settings, swing=min(max(given if given < 1 else given / 100, 0.5), 0.75))
    usual = replace(edit, change="more") if edit.change == "on" else edit
    return replace(settings, swing=step(usual, "swing", 0.58 if edit.change == "on" else now))


def _tempo(settings: Settings, edit: Edit) -> Settings:
    given = number_in(edit.value)
    if edit.change == "set" and given is not None:
        return replace(settings, tempo_bpm=min(max(given, 30.0), 400.0), tempo_factor=1.0)
    if edit.size and edit.size.endswith("bpm") and settings.tempo_bpm:
        change = (number_in(edit.size) or 0.0) * (1 if edit.change == "more" else -1)
        return replace(settings, tempo_bpm=settings.tempo_bpm + change)
    return replace(settings, tempo_factor=step(edit, "tempo", 100 * settings.tempo_factor) / 100)


def _meter(settings: Settings, edit: Edit) -> Settings:
    return (
        replace(settings, meter=meter_of(edit.value)) if edit.change in ("set", "on") else replace(settings, meter=None)
    )


def meter_of(value: str | None) -> Meter | None:
    """Return the Meter of "7/8", "7/8 2+2+3" or "3+2+2" (eighths); None where the text is none of these."""
    if value and re.fullmatch(r"\d+(\+\d+)+", value):
        groups = tuple(map(int, value.split("+")))
        return Meter(sum(groups), 8, groups)
    match = METER.fullmatch(value or "")
    if match is None:
        return None
    groups = tuple(map(int, match[3].split("+"))) if match[3] else ()
    return Meter(int(match[1]), int(match[2]), groups)


def _mute(settings: Settings, edit: Edit) -> Settings:
    voices = frozenset(INSTRUMENTS[edit.target])
    if edit.value == "solo":
        return replace(settings, muted=frozenset({"drums", "chords", "line"}) - voices)
    off = edit.change in ("off", "less")
    return replace(settings, muted=settings.muted - voices if off else settings.muted | voices)


def _pattern(settings: Settings, edit: Edit) -> Settings:
    """Switch a move on or off by its name; the name of a style sets the responder's style dial."""
    name, on = edit.value or "", edit.change not in ("off", "less")
    if name == "triplets":
        voices = frozenset(INSTRUMENTS[edit.target])
        return replace(settings, triplets=settings.triplets | voices if on else settings.triplets - voices)
    if name == "backbeat" and edit.target == "harmony":
        return _with_move(settings, "chord-backbeats", on)
    if name == "power-chords":
        settings = replace(settings, open_fifths=on)
    if name in STYLES and name not in MOVES:
        return replace(settings, dials=replace(settings.dials, style=name if edit.change != "off" else None))
    return _with_move(settings, name, on)


def _with_move(settings: Settings, name: str, on: bool) -> Settings:
    for key, table in (("moves", MOVES), ("harmony_moves", HARMONY_MOVES)):
        if name in table:
            rest = tuple(move for move in getattr(settings, key) if move != name)
            settings = with_values(settings, {key: (*rest, name) if on else rest})
    return settings


def _length(settings: Settings, edit: Edit) -> Settings:
    """Set chord articulation, short or long. The number of bars is handled by agent/takes/sketcher.py."""
    if edit.target != "harmony":
        return settings
    short = edit.change in ("less", "off")
    return _with_move(_with_move(settings, "legato", not short), "staccato", short)


def _variation(settings: Settings, edit: Edit) -> Settings:
    return replace(
        settings, variation=step(edit, "variation", HALF if settings.variation is None else settings.variation)
    )


def _pan(settings: Settings, edit: Edit) -> Settings:
    """Set the pan: left, right, centre, or a number from -100 to 100."""
    pan = dict(settings.pan)
    sides = {"left": -0.7, "right": 0.7, "centre": 0.0, "center": 0.0, "middle": 0.0}
    number = number_in(edit.value)
    for voice in INSTRUMENTS[edit.target]:
        pan[voice] = sides.get(edit.value or "", 0.0 if number is None else min(max(number / 100, -1.0), 1.0))
    return replace(settings, pan=pan)


def _sound(settings: Settings, edit: Edit) -> Settings:
    """Set the instrument of each part that has such a one; off gives the style's back."""
    sounds = dict(settings.sounds)
    for part in {"drums": ("drums",), "line": ("line",), "harmony": ("chords",)}.get(edit.target, ("chords", "line")):
        asked = None if edit.change == "off" else named(edit.value, part)
        if edit.change == "off":
            sounds.pop(part, None)
        elif asked:
            sounds[part] = asked
    return replace(settings, sounds=sounds)


ACTS: dict[str, Act] = {
    "level": _per_voice("level_db", "level"),
    "intensity": _intensity,
    "density": _density,
    "register": _register,
    "brightness": _per_voice("bright_octaves", "brightness"),
    "reverb": _per_voice("reverb", "reverb", 0.01, off=-100.0),
    "dissonance": _dissonance,
    "resolution": _resolution,
    "timing": _timing,
    "swing": _swing,
    "tempo": _tempo,
    "meter": _meter,
    "syncopation": _syncopation,
    "variation": _variation,
    "length": _length,
    "mute": _mute,
    "pattern": _pattern,
    "width": _per_voice("width", "width", 0.01, off=-100.0),
    "pan": _pan,
    "sound": _sound,
}
