"""Reads plain sentences that ask for an instrument: "rhodes instead of piano", "an organ", "answer in my sound"."""

from __future__ import annotations

import re

from agent.sounds.instruments import INSTRUMENTS, OWN, named

LINE = frozenset({"vibraphone", "flute", "synth lead", OWN})  # instruments of the line, where no part is named
PART_WORDS = {
    "drums": "drums|drummer|kit|drum kit|drumkit|groove|beat",
    "chords": "chords|keys|keyboard|keyboards|harmony|comping|accompaniment|pads",
    "line": "line|melody|lead line|counter melody|counter line|countermelody|answers|answer|solo|lead|motif",
}
LEAD_IN = re.compile(
    r"^(?:(?:please|ok|okay|now|hey|and|can we|can you|could you|could we|lets|let us|try|use|play|give me|give us|"
    r"i want|i would like|id like|how about|what about|make it|make that|switch to|change to|go to|put|take|get)\s+)*"
)
TAIL = re.compile(r"(?:\s+(?:please|now|this time|then|sound|sounds|instead|for a change|thanks|thank you))*$")
IN_MY_SOUND = re.compile(
    r"(?:(?P<chords>(?:the )?(?:chords|keys|harmony|comping)|harmoni[sz]e(?: (?:it|me|(?:the |my )?(?:loop|riff)))?)"
    r"|(?:answer|trade|reply|respond|play|solo|do it|echo me)(?: me)?(?: back)?(?: to me)?"
    r"|(?:play |bring back |repeat )?(?:the |my |that )?(?:answers?|line|melody|motif|hook|phrase))?"
    r"\s*(?:in|with|on|using|use) (?:my(?: own)? sound|my(?: own)? bass(?: sound)?|the sound of my bass|my tone)"
)
PART = "|".join(f"(?P<{part}>{words})" for part, words in PART_WORDS.items())
SHAPES = (
    re.compile(rf"(?P<new>[\w' -]+?) (?:instead of|rather than|not|for) (?:an? |the )?(?:{PART}|(?P<old>[\w' -]+))"),
    re.compile(rf"(?:the )?(?:{PART}) (?:on|with|as|by|to|from|in) (?P<new>[\w' -]+)"),
    re.compile(rf"(?P<new>[\w' -]+?) (?:on|as) (?:the )?(?:{PART})"),
    re.compile(r"(?P<new>[\w' -]+)"),
)


def asked_for(sentence: str) -> tuple[str, str] | None:
    """Return (part, instrument) where a whole sentence asks for one, None for every other sentence.

    What names a pattern as well as a sound ("brushes") is left to the patterns.
    """
    text = re.sub(r"[^\w' ]+", " ", sentence.lower().replace("'", "").replace("-", " "))
    text = re.sub(r"\s+", " ", text).strip()
    if own := IN_MY_SOUND.fullmatch(re.sub(r"^(?:please |now )| (?:please|now)$", "", text)):
        return "chords" if own["chords"] else "line", OWN
    text = TAIL.sub("", LEAD_IN.sub("", text))
    for shape in SHAPES:
        match = shape.fullmatch(text)
        if match and (found := _read(match.groupdict())):
            return found
    return None


def _read(groups: dict[str, str | None]) -> tuple[str, str] | None:
    part = next((part for part in PART_WORDS if groups.get(part)), None)
    new, old = groups["new"] or "", groups.get("old")
    if part is None and old:
        part = _part_of(old)
        if part is None:
            return None
    part = part or _part_of(new)
    instrument = named(new, part) if part else None
    return (part, instrument) if part and instrument and instrument != "brushes" else None


def _part_of(words: str) -> str | None:
    """Return the part that an instrument's words belong to; a word of two worlds ("electronic", "lead") has none."""
    kit, pitched = named(words, "drums"), named(words, "chords")
    if kit and not pitched:
        return "drums"
    if not pitched or kit or words in ("lead", "bass"):
        return None
    return "line" if pitched in LINE else "chords"


def shortest(instrument: str) -> str:
    """Return the value of an edit: the instrument's plainest word where one word names it alone."""
    plain = {"clean guitar": "guitar", "vibraphone": "vibes", "synth lead": "synth"}
    return plain.get(instrument, instrument) if instrument in INSTRUMENTS else instrument
