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
    ("lead", "set"): "{v}", ("section", "set"): "on to the {v}", ("section", "off"): "no {v}", ("section", "on"): "one more {v}", ("section", "keep"): "we stay in this section",
    ("pattern", "recall"): "the {v} again",
    ("take", "undo"): "the last change undone", ("take", "keep"): "kept", ("take", "set"): "this one is called {v}",
}  # fmt: skip
GROOVES = (
    "disco",
    "motorik",
    "breakbeat",
    "trip-hop",
    "bossa",
    "funk",
    "rock",
    "jazz",
    "latin",
    "hip-hop",
    "house",
    "motown",
    "reggae",
)
PLAYED = {  # pattern -> how it is said when it begins, {n} the part; and what it is called when there is none, more or less of it
    "half-time": ("{n} in half-time", "half-time"), "double-time": ("{n} in double time", "double time"), "break": ("a break from {n}", "breaks"), "fill": ("a fill on {n}", "fills"), "solo": ("a solo from {n}", "solos"),
    "brushes": ("brushes on {n}", "brushes"), "blast-beat": ("blast beats on {n}", "blast beats"), "train": ("a train beat on {n}", "train beat"), "one-drop": ("a one drop on {n}", "one drop"),
    "polyrhythm": ("a polyrhythm on {n}", "polyrhythms"), "four-on-the-floor": ("{n} four on the floor", "four on the floor"), "double-kick": ("double kick", "double kick"), "follow-bass": ("{n} locked to your bass", "following of your bass"),
    "ghost-notes": ("ghost notes on {n}", "ghost notes"), "side-stick": ("side stick on {n}", "side stick"), "backbeat": ("{n} on two and four", "backbeat"), "crash-on-one": ("a crash on the one", "crashes on the one"), "open": ("{n} open", "open strokes"),
    "closed": ("{n} closed", "closed strokes"), "sixteenths": ("sixteenths on {n}", "sixteenths"), "eighths": ("eighths on {n}", "eighths"), "quarters": ("quarters on {n}", "quarters"), "triplets": ("triplets on {n}", "triplets"),
    "unison": ("{n} in unison with you", "unison"), "counter-melody": ("a counter-melody against yours", "counter-melody"), "answer": ("{n} answering you", "answers"), "trade": ("trading with {n}", "trading"), "arpeggio": ("{n} in arpeggios", "arpeggios"),
    "comping": ("{n} comping", "comping"), "pedal": ("a pedal point", "pedal point"), "sus": ("sus chords", "sus chords"), "modal": ("modal harmony", "modal harmony"), "chromatic": ("chromatic notes in {n}", "chromatic notes"), "power-chords": ("power chords", "power chords"),
    "sevenths": ("seventh chords", "sevenths"), "triads": ("plain triads", "triads"), "reharmonised": ("other chords", "new chords"), "walking": ("a walking bass", "walking"), "two-feel": ("a two feel", "two feel"), "stop-time": ("stops with {n}", "stops"),
    "intro": ("{n} alone as an intro", "intro"), "outro": ("{n} alone as an outro", "outro"),
    "loop": ("round again", "looping"), "count-in": ("a count-in", "count-in"), "displaced": ("{n} displaced", "displacement"),
    **{name: (f"{name.replace('trip-hop', 'trip hop').replace('hip-hop', 'hip hop')} from {{n}}", name.replace("-", " ")) for name in GROOVES},
}  # fmt: skip
AMOUNTS = {"off": "no {}", "more": "more {} {{z}}", "less": "less {} {{z}}", "keep": "the {} as now"}
KEPT = {  # dimension -> how it is said that it stays
    "density": "{n} as busy as now", "intensity": "{n} as hard as now", "brightness": "{n} as bright as now", "register": "{n} at the same pitch", "dissonance": "the tension as it is", "variation": "{n} as varied as now", "mute": "{n} as they are",
    "key": "the same key", "chord": "the same chords", "reverb": "the room on {n} as it is", "swing": "the swing of {n} as it is", "timing": "the timing of {n} as it is", "length": "{n} as long as now", "width": "{n} as wide as now", "pan": "{n} in the same place",
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
    if edit.size in SIZES and not words.startswith(("{n} up", "{n} down")):
        subject = "{n} " if words.startswith("{n} ") else ""
        words = f"{subject}{{z}} {words.removeprefix(subject).removesuffix('{z}')}"  # "the hats a little darker"
    value = (edit.value or "").replace("-", " ") if edit.dimension == "section" else edit.value or ""
    if edit.dimension == "lead":
        value = "you lead" if edit.value == "player" else "I lead"
    text = words.format(n=NAMES[edit.target], v=value, z=size)
    if edit.dimension == "pattern" and edit.change == "set" and edit.size:
        text += f", {_amount(edit.size)}{' each' if edit.value == 'trade' else ''}"
    return " ".join(f"{text} {_place(edit.scope)} {_condition(edit.condition)}".replace(" ,", ",").split())


def _condition(condition: str | None) -> str:
    """Return when it counts, or what it is compared with."""
    if condition is None or condition in CONDITIONS:
        return CONDITIONS.get(condition or "", "")
    other = condition.removeprefix("than ")
    return f"compared with {'you' if other == 'me' else NAMES.get(other, other)}"


def _what(edit: Edit) -> str:
    if edit.dimension == "take" and edit.change == "recall":
        part = "" if edit.target == "band" else f"{NAMES[edit.target]} of "
        return f"back to {part}take {{v}}" if (edit.value or "").isdecimal() else f"back to {part}how it was"
    if edit.dimension == "pattern" and edit.value is None:
        return {"keep": "{n} as now", "off": "{n} not like that"}.get(edit.change, "{n} as before")
    if edit.dimension == "pattern" and edit.value in PLAYED:
        begun, thing = PLAYED[edit.value]
        if edit.change in ("set", "on", "recall"):
            return begun
        words = AMOUNTS.get(edit.change, "{}").format(thing)
        return words.replace("less", "fewer") if thing.endswith("s") else words
    if edit.dimension in ("level", "density", "length", "timing") and edit.value in PLAYED:
        return f"{PLAYED[edit.value][1]} {SAID[edit.dimension, edit.change].removeprefix('{n} ')}"
    if edit.dimension == "meter" and edit.value == "odd":
        return {"set": "an odd meter", "off": "no odd meter"}.get(edit.change, "the odd meter stays")
    if edit.dimension == "length" and edit.target == "form" and (edit.size or "").endswith("bar"):
        return "{z} more".replace("{z}", _amount(edit.size)) if edit.change == "more" else _amount(edit.size) + " fewer"
    if edit.dimension == "timing" and edit.change == "set":
        return f"{{n}} {'tighter' if edit.value == 'tight' else 'looser'}"
    if edit.dimension == "swing" and edit.change == "set":
        return "a {v}"
    known = SAID.get((edit.dimension, edit.change))
    if known:
        return known
    if edit.change == "keep" and edit.dimension in KEPT and not edit.value:
        return KEPT[edit.dimension]
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
