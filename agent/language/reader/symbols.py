"""Writes edits as symbols and pointers to the words of a sentence, and reads them back: what the reader predicts.

An edit is an act ("level less"), what the act takes (a pointer to a number, key, chord ...), a target, and where they are
said a size, a place and a condition. `SYMBOLS` lists all symbols; `following` says which may come next.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.directions.edit import CAN, TARGETS, Edit
from agent.language.reader.tokens import Token

PLAIN_ACTS = {  # dimension -> changes that stand without a value
    "level": "more less keep recall", "density": "more less keep recall", "register": "more less keep", "brightness": "more less keep", "dissonance": "more less keep off", "resolution": "on off keep less",
    "timing": "more less keep recall", "swing": "more less off keep", "tempo": "more less keep recall", "meter": "off keep recall", "syncopation": "more less keep", "intensity": "more less keep",
    "variation": "more less keep", "length": "more less keep", "mute": "on off keep", "pattern": "off keep recall more less", "take": "undo recall keep", "reverb": "more less off keep", "width": "more less keep",
    "pan": "keep", "key": "keep recall", "chord": "keep", "sound": "keep", "lead": "keep", "section": "keep",
}  # fmt: skip
PATTERNS = ["half-time", "double-time", "break", "fill", "solo", "brushes", "disco", "motorik", "breakbeat", "trip-hop", "bossa", "funk", "rock", "jazz", "latin", "hip-hop", "house", "blast-beat", "train", "one-drop", "motown", "reggae", "polyrhythm", "four-on-the-floor", "double-kick", "follow-bass", "ghost-notes", "side-stick", "backbeat", "crash-on-one", "open", "closed", "sixteenths", "eighths", "quarters", "triplets", "unison", "counter-melody", "answer", "trade", "arpeggio", "comping", "pedal", "sus", "modal", "chromatic", "power-chords", "sevenths", "triads", "reharmonised", "walking", "two-feel", "stop-time", "loop", "count-in", "displaced"]  # fmt: skip
SOUNDS = [
    "piano",
    "rhodes",
    "organ",
    "clavinet",
    "strings",
    "synth",
    "pad",
    "guitar",
    "brass",
    "choir",
    "vibes",
    "flute",
    "sax",
    "trumpet",
    "electronic",
    "acoustic",
    "fat",
]
VALUED_ACTS = (
    *(f"pattern {change} {value}" for value in PATTERNS for change in ("set", "off", "keep", "more", "less")),
    *(f"{dimension} {change} fill" for dimension in ("level", "density", "length", "timing") for change in ("more", "less")), "level less ghost-notes", "level more ghost-notes",
    *(f"sound set {sound}" for sound in SOUNDS), "pattern recall hook", "timing set tight", "timing set loose", "swing set shuffle", "meter set odd", "meter keep odd", "meter off odd", "take recall previous",
    "pan set left", "pan set right", "pan set centre", "lead set player", "lead set band",
)  # fmt: skip
POINTING_ACTS = {  # act -> what its pointers stand for; + = one or more
    "tempo set": "number", "take recall #": "number+", "take keep #": "number", "meter set": "meter", "meter keep #": "meter", "meter off #": "meter", "key set": "key", "chord set": "chord+",
    "section set": "section", "section off": "section", "section on": "section", "pattern more #": "number",
}  # fmt: skip
del POINTING_ACTS["pattern more #"]
UNITS = ("dB", "%", "ms", "bpm", "octave", "semitone", "bar")
SCOPES = {
    "@bar:last": "", "@song": "", "@phrase-ends": "", "@bar:#": "number", "@bars:#": "number", "@bars:1-#": "number", "@bars:last-#": "number", "@bars:#-#": "two numbers", "@from:#": "number", "@from:#+1": "number",
    "@until:#": "number", "@every:#": "number", "@section": "section",
}  # fmt: skip
CONDITIONS = {
    "|gradual": "", "|than before": "", "|than now": "", "|than usual": "", "|than me": "", "|when I stop": "", "|when I play": "", "|when I get louder": "", "|when I get softer": "", "|than take #": "number",
    "|than": "part",
}  # fmt: skip
LITERALS = [
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "12",
    "16",
    "0.5",
    "1.5",
    "20",
    "25",
    "30",
    "33",
    "50",
    "75",
    "100",
    "200",
    "300",
    "3/4",
    "4/4",
    "2/4",
    "12/8",
]
PREFIXES = ["first", "second", "third", "fourth", "last", "next"]
SECTIONS = (
    ["verse", "chorus", "bridge", "intro", "outro", "solo", "head", "middle-8", "coda", "refrain", "pre-chorus", "breakdown", "drop", "hook", "tag", "turnaround", "interlude", "ending", "half", "refrain", "release", "a", "b", "c", "d", "e", "f", "g", "h"]
)  # fmt: skip
SECTIONS = list(dict.fromkeys(SECTIONS))
CLASSES: dict[str, tuple[str, ...]] = {
    "end": ("END",),
    "act": (
        *(f"{dimension} {change}" for dimension, changes in PLAIN_ACTS.items() for change in changes.split()),
        *VALUED_ACTS,
        *POINTING_ACTS,
    ),
    "target": TARGETS,
    "size": ("~small", "~large", *(f"~# {unit}" for unit in UNITS)),
    "scope": tuple(SCOPES),
    "condition": tuple(CONDITIONS),
    "literal": tuple(f"={value}" for value in LITERALS),
    "prefix": tuple(f"^{name}" for name in PREFIXES),
    "section": tuple(f"§{name}" for name in SECTIONS),
}
SYMBOLS = tuple(symbol for symbols in CLASSES.values() for symbol in symbols)
NUMBER = {symbol: n for n, symbol in enumerate(SYMBOLS)}
CLASS = {symbol: name for name, symbols in CLASSES.items() for symbol in symbols}
Piece = str | int  # a symbol, or a pointer: the place of a token
MOST_EDITS = 7


class Unsayable(ValueError):
    """Raised for an edit that the symbols cannot say."""


def value_of(token: Token, slot: str) -> str:
    """Return what a token stands for where a number, meter, key or chord is wanted, "" where it cannot."""
    kind, value = token.kind, token.value
    if slot == "number":
        return value if kind in ("number", "ordinal") else ""
    if slot == "meter":
        if kind == "number" and value.isdecimal() and 1 < int(value) < 20:
            return f"{value}/{8 if int(value) in (6, 7, 9, 11, 12, 13) else 4}"
        return value if kind in ("meter", "group") else ""
    if slot == "key":
        if kind == "key":
            return value
        if kind == "note":
            return f"{value} major"
        minor = re.fullmatch(r"([A-G][#b]?)m", value) if kind == "chord" else None
        return f"{minor[1]} minor" if minor else ""
    if kind in ("chord", "note"):
        return value
    if kind == "key" and value.endswith((" major", " minor")):
        return value.replace(" major", "").replace(" minor", "m")
    return ""


@dataclass(frozen=True, slots=True)
class Written:
    """Edits as pieces, and the tokens that their own values would be (for edits that are themselves a context)."""

    pieces: tuple[Piece, ...]


class Writer:
    """Writes edits as pieces. tokens: those a pointer may point to; None: values are written out as tokens."""

    def __init__(self, tokens: Sequence[Token] | None, first: int = 0) -> None:
        self._tokens, self._first = tokens, first
        self.pieces: list[Piece | Token] = []
        self._used: set[int] = set()

    def edit(self, edit: Edit) -> None:
        act = f"{edit.dimension} {edit.change}"
        value = edit.value
        if value is not None and f"{act} {value}" in NUMBER:
            self.pieces.append(f"{act} {value}")
        elif value is None:
            self._symbol(act)
        else:
            self._pointing(act, value, edit)
        self._symbol(edit.target)
        if edit.size:
            self._size(edit.size)
        if edit.scope not in (None, "now", "until-told"):
            self._scope(str(edit.scope))
        if edit.condition:
            self._condition(edit.condition)

    def _symbol(self, symbol: str) -> None:
        if symbol not in NUMBER:
            raise Unsayable(symbol)
        self.pieces.append(symbol)

    def _pointing(self, act: str, value: str, edit: Edit) -> None:
        name = act if act in POINTING_ACTS else f"{act} #"
        slot = POINTING_ACTS.get(name)
        if slot is None:
            raise Unsayable(edit.short())
        self.pieces.append(name)
        if slot == "section":
            self._section(value)
            return
        for one in value.split() if slot in ("number+", "chord+") else [value]:
            self._value(one, slot.removesuffix("+"))

    def _value(self, value: str, slot: str) -> None:
        if self._tokens is None:
            self.pieces.append(
                Token(value, {"number": "number", "meter": "meter", "key": "key", "chord": "chord"}[slot], value)
            )
            return
        fits = [at for at, token in enumerate(self._tokens) if value_of(token, slot) == value]
        fits.sort(key=lambda at: (at < self._first, at in self._used, at))
        if fits:
            self._used.add(fits[0])
            self.pieces.append(fits[0])
        else:
            self._symbol(f"={value}")

    def _has(self, value: str) -> bool:
        return self._tokens is not None and any(
            value_of(token, "number") == value for token in self._tokens[self._first :]
        )

    def _size(self, size: str) -> None:
        if size in ("small", "large"):
            self._symbol(f"~{size}")
            return
        number, _, unit = size.partition(" ")
        self._symbol(f"~# {unit}")
        self._value(number, "number")

    def _scope(self, scope: str) -> None:
        kind, _, name = scope.partition(":")
        if kind == "section":
            self._symbol("@section")
            self._section(name)
        elif f"@{scope}" in SCOPES:
            self._symbol(f"@{scope}")
        elif kind == "bars" and name.startswith("last-"):
            self._symbol("@bars:last-#")
            self._value(name[5:], "number")
        elif kind == "bars" and "-" in name:
            first, _, last = name.partition("-")
            if first == "1" and not self._has("1"):
                self._symbol("@bars:1-#")
            else:
                self._symbol("@bars:#-#")
                self._value(first, "number")
            self._value(last, "number")
        elif kind == "from" and self._tokens is not None and not self._has(name) and self._has(str(int(name) - 1)):
            self._symbol("@from:#+1")
            self._value(str(int(name) - 1), "number")
        else:
            self._symbol(f"@{kind}:#")
            self._value(name, "number")

    def _section(self, name: str) -> None:
        prefix, _, rest = name.partition("-")
        if f"§{name}" in NUMBER:
            self._symbol(f"§{name}")
            return
        self._symbol(f"^{prefix}")
        self._symbol(f"§{rest}")

    def _condition(self, condition: str) -> None:
        if f"|{condition}" in CONDITIONS:
            self._symbol(f"|{condition}")
        elif condition.startswith("than take "):
            self._symbol("|than take #")
            self._value(condition.removeprefix("than take "), "number")
        else:
            self._symbol("|than")
            self._symbol(condition.removeprefix("than "))


def pieces_of(edits: Sequence[Edit], tokens: Sequence[Token], first: int = 0) -> tuple[Piece, ...]:
    """Return edits as symbols and pointers into `tokens`, END last. Raises Unsayable. first: where the sentence begins."""
    writer = Writer(tokens, first)
    for edit in edits:
        writer.edit(edit)
    return (*(piece for piece in writer.pieces if not isinstance(piece, Token)), "END")


def spelt(edits: Sequence[Edit]) -> tuple[str | Token, ...]:
    """Return edits as symbols and tokens of their own, as they stand before a sentence as its context."""
    out: list[str | Token] = []
    for edit in edits:
        writer = Writer(None)
        try:
            writer.edit(edit)
        except (Unsayable, ValueError):
            continue
        out += [piece for piece in writer.pieces if not isinstance(piece, int)]
    return tuple(out)


# -- what may follow ------------------------------------------------------------------------------------------------

START = "start"


def following(state: str) -> tuple[str, ...]:
    """Return the classes that may come next, "pointer:SLOT" for a pointer. state: see `after`."""
    kind, _, slot = state.partition(":")
    if kind == START:
        return ("act", "end")
    if kind == "act":
        if slot == "section":
            return ("prefix", "section")
        return (f"pointer:{slot.removesuffix('+')}", "literal")
    if kind == "more":  # pointers of an act that takes several
        return (f"pointer:{slot}", "target")
    if kind == "target":
        return (f"target:{slot}",)
    if kind == "name":
        return ("section",)
    if kind == "number":
        return ("pointer:number", "literal")
    if kind == "part":
        return ("target",)
    return {
        "done": ("size", "scope", "condition", "act", "end"),
        "sized": ("scope", "condition", "act", "end"),
        "placed": ("condition", "act", "end"),
        "whole": ("act", "end"),
    }[kind]


@dataclass(slots=True)
class Reading:
    """A sequence of pieces while it is made: which comes next, and the edits so far."""

    tokens: Sequence[Token]
    state: str = START
    edits: tuple[Edit, ...] = ()
    ended: bool = False
    _rest: tuple[str, ...] = ()
    _now: dict[str, str] | None = None

    def copy(self) -> Reading:
        return Reading(
            self.tokens, self.state, self.edits, self.ended, self._rest, dict(self._now) if self._now else None
        )

    def fits(self, at: int, slot: str) -> bool:
        return bool(value_of(self.tokens[at], slot))

    def add(self, piece: Piece) -> None:
        """Take the next piece, which must be one of those that may follow."""
        now = self._now or {}
        kind = CLASS[piece] if isinstance(piece, str) else "pointer"
        said = str(piece)
        if kind == "end":
            self._close()
            self.ended = True
        elif kind == "act":
            self._close()
            self._begin(said)
        elif kind == "target" and self.state == "part":
            now["condition"] = f"than {said}"
            self.state = "whole"
        elif kind == "target":
            now["target"] = said
            self.state = "done"
        elif kind == "size":
            now["size"] = said[1:]
            self.state = "number:sized" if "#" in said else "sized"
        elif kind == "scope":
            now["scope"] = said[1:]
            self._take(SCOPES[said], "placed", "scope")
        elif kind == "condition":
            now["condition"] = said[1:]
            self._take(CONDITIONS[said], "whole", "condition")
        elif kind == "prefix":
            now["prefix"] = said[1:] + "-"
            self.state = (
                "name" + self.state.removeprefix("act:section")
                if self.state.startswith("name")
                else f"name:{self.state}"
            )
        elif kind == "section":
            self._sectioned(now, said[1:])
        else:
            self._valued(now, piece)

    def _begin(self, act: str) -> None:
        slot = POINTING_ACTS.get(act, "")
        dimension, change, *value = act.removesuffix(" #").split(" ")
        self._now = {"dimension": dimension, "change": change}
        if value:
            self._now["value"] = value[0]
        self.state = f"act:{slot}" if slot else f"target:{dimension}"

    def _take(self, takes: str, then: str, name: str) -> None:
        if takes == "section":
            self.state = "act:section"
            (self._now or {})["in scope"] = "yes"
        elif takes == "part":
            self.state = "part"
        elif takes:
            self.state = f"number:{then}"
            (self._now or {})["left"] = "2" if takes == "two numbers" else "1"
        else:
            self.state = then

    def _sectioned(self, now: dict[str, str], name: str) -> None:
        name = now.pop("prefix", "") + name
        if now.pop("in scope", ""):
            now["scope"] = f"section:{name}"
            self.state = "placed"
        else:
            now["value"] = name
            self.state = "target:section"

    def _valued(self, now: dict[str, str], piece: Piece) -> None:
        kind, _, rest = self.state.partition(":")
        slot = "number" if kind == "number" else rest.removesuffix("+")
        value = piece[1:] if isinstance(piece, str) else value_of(self.tokens[piece], slot)
        if kind in ("act", "more"):
            now["value"] = f"{now['value']} {value}" if "value" in now else value
            self.state = f"more:{slot}" if rest.endswith("+") or kind == "more" else f"target:{now['dimension']}"
            return
        if rest == "sized":
            now["size"] = now["size"].replace("#", value, 1)
            self.state = "sized"
            return
        name = "scope" if rest == "placed" else "condition"
        if "#+1" in now[name]:
            value = str(int(float(value)) + 1)
            now[name] = now[name].replace("#+1", value)
        now[name] = now[name].replace("#", value, 1)
        left = int(now.get("left", "1")) - 1
        now["left"] = str(left)
        self.state = f"number:{rest}" if left else rest

    def _close(self) -> None:
        now, self._now = self._now, None
        if now:
            kept = {
                name: now[name]
                for name in ("target", "dimension", "change", "value", "size", "scope", "condition")
                if name in now
            }
            self.edits += (Edit.from_json(kept),)


def allows(dimension: str, target: str) -> bool:
    """Return whether an edit of this dimension may have this target."""
    can = CAN.get(dimension)
    return can is None or target in can
