"""Says edits as a musician would: "the snare down a little", "a fill in bar 4", "7/8 in bar 3"."""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.directions.edit import Edit

NAMES = {
    "drums": "the drums", "kick": "the kick", "snare": "the snare", "hat": "the hats", "ride": "the ride", "toms": "the toms", "cymbals": "the cymbals", "percussion": "the percussion",
    "harmony": "the chords", "line": "the melody", "bass": "the bass", "band": "everybody", "form": "the form", "feel": "the groove",
}  # fmt: skip
SIZES = {"small": "a little", "large": "a lot"}
SAID = {  # (dimension, change) -> words; {n} the part, {v} the value, {z} the size; "(...)" is left out without a size
    ("level", "more"): "{n} up {z}", ("level", "less"): "{n} down {z}", ("level", "keep"): "{n} no louder and no softer",
    ("intensity", "more"): "more energy from {n} {z}", ("intensity", "less"): "{n} gentler {z}", ("density", "more"): "{n} busier {z}", ("density", "less"): "{n} sparser {z}",
    ("register", "more"): "{n} higher {z}", ("register", "less"): "{n} lower {z}", ("brightness", "more"): "{n} brighter {z}", ("brightness", "less"): "{n} darker {z}",
    ("dissonance", "more"): "more tension {z}", ("dissonance", "less"): "less tension {z}", ("resolution", "on"): "it resolves", ("resolution", "off"): "it stays unresolved",
    ("timing", "less"): "{n} further behind the beat {z}", ("timing", "more"): "{n} further ahead {z}", ("swing", "more"): "{n} more swung {z}", ("swing", "less"): "{n} straighter {z}", ("swing", "off"): "{n} straight",
    ("tempo", "more"): "faster {z}", ("tempo", "less"): "slower {z}", ("tempo", "set"): "{v} beats a minute", ("tempo", "keep"): "the tempo stays", ("meter", "set"): "{v}", ("meter", "off"): "no more {v}", ("meter", "keep"): "{v} stays",
    ("syncopation", "more"): "{n} more off the beat {z}", ("syncopation", "less"): "{n} squarer {z}", ("variation", "more"): "more variety from {n} {z}", ("variation", "less"): "{n} steadier {z}",
    ("length", "more"): "{n} longer {z}", ("length", "less"): "{n} shorter {z}", ("mute", "on"): "{n} out", ("mute", "off"): "{n} in", ("reverb", "more"): "more room on {n} {z}", ("reverb", "less"): "{n} drier {z}", ("reverb", "off"): "{n} dry",
    ("width", "more"): "{n} wider {z}", ("width", "less"): "{n} narrower {z}", ("pan", "set"): "{n} to the {v}", ("key", "set"): "in {v}", ("chord", "set"): "{v}", ("sound", "set"): "{n} with the sound of {v}",
    ("lead", "set"): "the {v} leads", ("section", "set"): "on to the {v}", ("section", "off"): "no {v}", ("section", "on"): "one more {v}", ("section", "keep"): "we stay in this section",
    ("pattern", "set"): "{v} from {n}", ("pattern", "off"): "no {v} from {n}", ("pattern", "more"): "more {v} from {n} {z}", ("pattern", "less"): "less {v} from {n} {z}", ("pattern", "recall"): "the {v} again",
    ("take", "undo"): "the last change undone", ("take", "keep"): "kept", ("take", "set"): "this one is called {v}",
}  # fmt: skip
PLACES = (
    (r"bar:last", "in the last bar"), (r"bar:(\d+)", r"in bar \1"), (r"bars:last-(\d+)", r"in the last \1 bars"), (r"bars:(\d+)-(\d+)", r"in bars \1 to \2"), (r"bars:1", "for a bar"), (r"bars:(\d+)", r"for \1 bars"),
    (r"from:(\d+)", r"from bar \1 on"), (r"until:(\d+)", r"until bar \1"), (r"every:1", "every bar"), (r"every:(\d+)", r"every \1 bars"), (r"phrase-ends", "at the end of each phrase"), (r"song", "for the whole song"),
    (r"now", "now"), (r"until-told", "until you say otherwise"), (r"section:([a-h])", r"at letter \1"), (r"section:(.+)", r"in the \1"),
)  # fmt: skip
CONDITIONS = {
    "gradual": "gradually",
    "when I stop": "when you stop",
    "when I play": "when you play",
    "when I get louder": "when you get louder",
    "when I get softer": "when you get softer",
}


def describe_edits(edits: Iterable[Edit]) -> tuple[str, ...]:
    """Return the edits as a musician would say them; equal ones once."""
    return tuple(dict.fromkeys(describe_edit(edit) for edit in edits))


def describe_edit(edit: Edit) -> str:
    """Return an edit such as "the snare down a little", "7/8 in bar 3", "the groove further behind the beat"."""
    words = _what(edit)
    size = SIZES.get(edit.size or "", f"by {_amount(edit.size)}" if edit.size else "")
    value = (edit.value or "").replace("-", " ") if edit.dimension in ("pattern", "section") else edit.value or ""
    text = words.format(n=NAMES[edit.target], v=value, z=size)
    if edit.dimension == "pattern" and edit.change == "set" and edit.size:
        text += f", {edit.size.replace(' bar', ' bars')} each"
    ends = (_place(edit.scope), CONDITIONS.get(edit.condition or "", f"({edit.condition})" if edit.condition else ""))
    return " ".join(f"{text} {' '.join(ends)}".split())


def _what(edit: Edit) -> str:
    if edit.dimension == "take" and edit.change == "recall":
        part = "" if edit.target == "band" else f"{NAMES[edit.target]} of "
        return f"back to {part}take {{v}}" if (edit.value or "").isdecimal() else f"back to {part}how it was"
    if edit.dimension == "pattern" and edit.value is None:
        return {"keep": "{n} as now", "off": "{n} not like that"}.get(edit.change, "{n} as before")
    if edit.dimension == "length" and edit.target == "form" and (edit.size or "").endswith("bar"):
        return "{z} more".replace("{z}", _amount(edit.size)) if edit.change == "more" else _amount(edit.size) + " fewer"
    if edit.dimension == "timing" and edit.change == "set":
        return f"{{n}} {'tighter' if edit.value == 'tight' else 'looser'}"
    if edit.dimension == "swing" and edit.change == "set":
        return "a {v}"
    known = SAID.get((edit.dimension, edit.change))
    if known:
        return known
    if edit.change == "keep":
        return "{v} stays" if edit.value else f"the {edit.dimension} of {{n}} stays"
    return {
        "more": "more {d} {z}",
        "less": "less {d} {z}",
        "off": "no {d}",
        "on": "{d}",
        "recall": "{d} as before",
        "set": "{d} {v}",
    }.get(edit.change, "{d}").replace("{d}", edit.dimension)


def _amount(size: str | None) -> str:
    number, _, unit = (size or "").partition(" ")
    several = number != "1" and unit in ("bar", "octave", "semitone")
    return f"{number}{'' if unit == '%' else ' '}{unit}{'s' if several else ''}"


def _place(scope: str | None) -> str:
    for pattern, words in PLACES:
        if scope and (match := re.fullmatch(pattern, scope)):
            return match.expand(words).replace("-", " ")
    return ""
