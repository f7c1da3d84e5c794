"""`Edit` is one direction as data: what is to change, how, by how much and where. Imports nothing heavy.

`Edit.from_json(edit.to_json()) == edit`; `Edit.read("snare.level less ~3 dB @bar:3")` is the short form of tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

TARGETS = (
    *("drums", "kick", "snare", "hat", "ride", "toms", "cymbals", "percussion"),
    *("harmony", "line", "bass", "band", "form", "feel"),
)
PIECES = frozenset({"kick", "snare", "hat", "ride", "toms", "cymbals", "percussion"})
DIMENSIONS = (
    *("level", "density", "register", "brightness", "dissonance", "resolution", "timing", "swing", "tempo", "meter"),
    *("syncopation", "intensity", "variation", "length", "mute", "pattern", "take"),
    *("reverb", "width", "pan", "key", "chord"),  # what mixing and harmony need beyond the printed list
    *("sound", "lead", "section"),  # the instrument; who leads: player or band; the section to go to
)
CHANGES = ("more", "less", "set", "on", "off", "keep", "undo", "recall")
SCOPE = re.compile(
    r"now|song|until-told|phrase-ends|bar:(\d+|last)|bars:(\d+|last)(-\d+)?|(from|until):\d+|every:\d+|section:[\w-]+"
)
SIZE = re.compile(r"small|large|\d+(\.\d+)? (dB|%|ms|bpm|octave|semitone|bar)")
SHORT = re.compile(
    r"(?P<target>\w+)\.(?P<dimension>\w+) (?P<change>\w+)(?: (?P<value>[^~@|]+?))?"
    r"(?: ~(?P<size>[^@|]+?))?(?: @(?P<scope>\S+))?(?: \|(?P<condition>.+))?"
)
VALUE_CHARACTERS = 80
EditJson = dict[str, str | float]  # the fields of an edit that are set
PITCHED = ("harmony", "line", "bass", "band")
PARTS = (*PIECES, "drums", *PITCHED)
CAN = {  # the targets a dimension has; all parts where it is not listed
    "tempo": ("band",),
    "meter": ("form",),
    "take": ("band", *PARTS),
    "lead": ("band",),
    "section": ("form",),
    "key": ("harmony",),
    "chord": ("harmony",),
    "resolution": ("harmony", "line"),
    "dissonance": ("harmony", "line", "bass"),
    "swing": ("feel", *(PIECES | {"drums", "line", "harmony", "bass"})),
    "timing": ("feel", *(part for part in PARTS if part != "band")),
    "register": ("line", *PITCHED, "toms"),
    "length": ("form", *PARTS),
    "syncopation": ("feel", *(part for part in PARTS if part != "band")),
}


@dataclass(frozen=True, slots=True)
class Edit:
    """One change that the player asked for. Raises ValueError, in one line, for a word that is not allowed.

    target, dimension, change: words of TARGETS, DIMENSIONS, CHANGES. value: "7/8", "96", "fill", a take's number.
    size: small, large, "3 dB", "10 %", "1 octave" ...; None = the usual step. scope: now, bar:N (bar:last), bars:N
    (the next N), bars:5-8, bars:last-4, from:N, until:N, every:N, phrase-ends, section:NAME, song, until-told; None =
    from the next bar line on. Bars are counted from 1. condition: what it is measured against ("than before", "than
    take 1"), "gradual", or what the player does ("when I stop"). confidence: 0 to 1.
    """

    target: str
    dimension: str
    change: str
    value: str | None = None
    size: str | None = None
    scope: str | None = None
    condition: str | None = None
    confidence: float = 1.0

    def __post_init__(self) -> None:
        _one_of("target", self.target, TARGETS)
        _one_of("dimension", self.dimension, DIMENSIONS)
        _one_of("change", self.change, CHANGES)
        _text("value", self.value)
        _text("condition", self.condition)
        _like("size", self.size, SIZE, "small, large or a number with dB, %, ms, bpm, octave, semitone or bar")
        _like(
            "scope",
            self.scope,
            SCOPE,
            "now, bar:N, bars:N, bars:M-N, bars:last-N, from:N, until:N, every:N, phrase-ends, section:NAME, song or "
            "until-told",
        )
        if type(self.confidence) not in (int, float) or not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence {self.confidence!r}; a number from 0 to 1 is allowed")

    def to_json(self) -> EditJson:
        """Return the fields that are set; confidence to two digits."""
        named = {item.name: getattr(self, item.name) for item in fields(self)}
        named["confidence"] = round(self.confidence, 2)
        return {name: value for name, value in named.items() if value is not None}

    @classmethod
    def from_json(cls, given: object) -> Edit:
        """Return the edit that `to_json` wrote. Raises ValueError, in one line, for unknown or missing fields and for
        words that are not allowed."""
        if not isinstance(given, Mapping):
            raise ValueError(f"an edit must be an object with target, dimension and change, not {str(given)[:40]!r}")
        known = {item.name for item in fields(cls)}
        unknown = sorted(str(name) for name in given if name not in known)
        missing = [name for name in ("target", "dimension", "change") if name not in given]
        if missing:
            raise ValueError(f"an edit needs target, dimension and change; {' and '.join(missing)} is missing")
        if unknown:
            raise ValueError(f"an edit has no field {', '.join(unknown)[:80]}; allowed: {', '.join(sorted(known))}")
        return cls(**given)

    @classmethod
    def read(cls, short: str) -> Edit:
        """Return the edit of the short form `target.dimension change [value] [~size] [@scope] [|condition]`."""
        match = SHORT.fullmatch(short.strip())
        if match is None:
            raise ValueError(f"{short!r}; target.dimension change [value] [~size] [@scope] [|condition] is allowed")
        target, dimension, change, value, size, scope, condition = match.groups()
        return cls(target, dimension, change, value, size, scope, condition)

    def short(self) -> str:
        """Return the short form that `read` reads; it leaves the confidence out."""
        marked = ((" ", self.value), (" ~", self.size), (" @", self.scope), (" |", self.condition))
        return f"{self.target}.{self.dimension} {self.change}" + "".join(sign + text for sign, text in marked if text)


def _one_of(what: str, word: object, allowed: tuple[str, ...]) -> None:
    if not isinstance(word, str) or word not in allowed:
        raise ValueError(f"{what} {str(word)[:40]!r}; one of {', '.join(allowed)} is allowed")


def _text(what: str, text: object) -> None:
    if text is not None and (not isinstance(text, str) or not 0 < len(text) <= VALUE_CHARACTERS):
        raise ValueError(f"{what} {str(text)[:40]!r}; a text of 1 to {VALUE_CHARACTERS} characters is allowed")


def _like(what: str, text: object, pattern: re.Pattern[str], allowed: str) -> None:
    if text is not None and (not isinstance(text, str) or not pattern.fullmatch(text)):
        raise ValueError(f"{what} {str(text)[:40]!r}; {allowed} is allowed")
