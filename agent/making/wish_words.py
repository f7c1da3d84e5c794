"""The words of a song's length, tempo, key, meter, form and arc, and how a sentence falls into wishes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypedDict

from agent.language.normalise import plain, without_decades

NUMBERS = {"one": 1, "a": 1, "an": 1, "half a": 0.5, "half": 0.5, "a couple of": 2, "couple of": 2}  # not in digits
N = rf"(?P<n>\d+(?:\.\d+)?|{'|'.join(sorted(map(re.escape, NUMBERS), key=len, reverse=True))})"
DURATION = re.compile(
    rf"(?<!\w)(?P<minus>-)?(?:(?P<clock_m>\d{{1,3}}):(?P<clock_s>\d\d)(?: long| minutes?)?"
    rf"|{N}[ -]?(?P<and>and a half )?(?P<unit>minutes?|mins?|min\b|seconds?|secs?|sec\b|hours?)(?P<half> and a half)?"
    rf"(?: (?:long|in length))?)\b"
)
BARS = re.compile(rf"(?<!\w)(?P<minus>-)?{N}[ -]?bars?\b(?: long)?")
BPM = re.compile(
    r"(?<!\w)(?:at |around |about |and )?(?:(?P<n>-?\d+(?:\.\d+)?) ?(?:bpm|beats per minute|beats a minute)"
    r"|tempo (?:of )?(?P<m>\d+))\b"
)
METER = re.compile(
    r"\b(?:and )?(?:in )?(?P<meter>\d{1,3}/\d{1,2})"
    r"(?:(?: ?= ?| ?\(| grouped (?:as |in )?| as )(?P<groups>\d{1,2}(?: ?\+ ?\d{1,2})+)\)?)?"
    r"(?: time| meter| metre)?(?!\d)"
)
ROLE_WORDS = r"(?:intro|verse|chorus|bridge|middle eight|outro|coda|ending|hook|refrain)(?:s|es)?"
ODD = re.compile(
    rf"\b(?:an? |one |with an? )?(?P<meter>\d{{1,2}}/\d{{1,2}}) (?:bar|measure)s? "
    rf"(?:before|ahead of|into|leading into) (?:each|every|the|any|all)? ?(?P<role>{ROLE_WORDS}|section)?s?"
)
PEAK = re.compile(
    r"\b(?:and )?(?:peaks?|peaking|climax(?:es)?|culminat\w+|the peak|highest point|biggest)(?: is)? "
    r"(?:at|around|about|near) (?P<m>\d{1,2}):(?P<s>\d\d)"
)
SPARSE = r"(?:sparse(?:ly)?|thin(?:ly)?|empty|small|minimal(?:ly)?|bare(?:ly)?|with almost nothing)"
ALONE = r"(?:alone|with (?:the |just |only )*bass(?: alone| only)?|on (?:the )?bass alone|by itself|solo)"
START, END = (
    r"\b(?:and )?(?:starts?|begins?|opens?|starting|beginning|opening)",
    r"\b(?:and )?(?:ends?|finish(?:es)?|closes?|ending|finishing)",
)


class ArcChange(TypedDict, total=False):
    """What words say of a song's arc: fields of Arc (agent/making/brief.py)."""

    starts: str
    ends: str
    stops: bool
    fades: bool
    open: bool
    slows: bool
    steady: bool


ARCS: tuple[tuple[re.Pattern[str], ArcChange], ...] = (
    (re.compile(rf"{START} {SPARSE}"), {"starts": "sparse"}),
    (re.compile(rf"{START} {ALONE}"), {"starts": "alone"}),
    (re.compile(rf"{START} (?:quiet|soft|gentl)\w*"), {"starts": "quiet"}),
    (re.compile(rf"{START} (?:full|loud|big|huge|hard|with everything)\w*"), {"starts": "full"}),
    (re.compile(rf"{END} {SPARSE}"), {"ends": "sparse"}),
    (re.compile(rf"{END} {ALONE}"), {"ends": "alone"}),
    (re.compile(rf"{END} (?:quiet|soft|gentl)\w*"), {"ends": "quiet"}),
    (re.compile(rf"{END} (?:full|loud|big|huge|hard|with everything|with a bang)\w*"), {"ends": "full"}),
    (
        re.compile(rf"{END} (?:abrupt|sudden|cut|dead)\w*(?: short| off)?|\bstops? (?:dead|abruptly|suddenly|short)"),
        {"stops": True},
    ),
    (re.compile(r"\b(?:with a )?(?:fad(?:es?|ing)[ -]?out|fade-out|fades? away|dies away)"), {"fades": True}),
    (
        re.compile(
            r"\b(?:(?:with )?an? open end(?:ing)?|ends? open|(?:with no|without an|no) end(?:ing)?|goes on and on)"
        ),
        {"open": True},
    ),
    (re.compile(r"\b(?:with a )?(?:ritard\w*|slows? down (?:at|to|towards) the end)"), {"slows": True}),
    (
        re.compile(
            r"\b(?:slowly |steadily |gradually )?(?:builds?|building|grows?|growing)"
            r"(?: up)?(?: slowly| steadily| gradually)?(?: to(?:wards)? the end| all the way| throughout)?$"
        ),
        {"starts": "sparse", "ends": "full"},
    ),
    (
        re.compile(r"\b(?:stays? (?:steady|level|the same)|no (?:build|arc|dynamics)|without (?:an arc|a build))"),
        {"steady": True},
    ),
)
NOT_BOTH: Mapping[str, tuple[str, ...]] = {  # fields of the arc that contradict each other
    "fades": ("stops", "open"),
    "stops": ("fades", "open"),
    "open": ("fades", "stops", "slows", "ends"),
    "slows": ("open",),
    "ends": ("open", "steady"),
    "starts": ("steady",),
    "peak_s": ("steady",),
    "steady": ("starts", "ends", "peak_s"),
}
KEY = re.compile(
    r"\b(?:in |the key of |key of |key )+(?!a (?:minor|major) (?:key|mode))"
    r"(?P<root>[a-g])(?P<sign>#|b|♯|♭| sharp| flat)?[ -]?"
    r"(?P<mode>major|minor|maj|min|m)\b"
)
MODE = re.compile(r"\b(?:in (?:an? )?)?(minor|major)(?: keys?| mode)?\b")
FORM = re.compile(rf"\b{ROLE_WORDS}(?:(?:[ ,-]+|, ?| then | and )+{ROLE_WORDS})+\b")
LETTERS = re.compile(r"\b[abcd]{3,12}\b(?= form|$)")
LEVELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"sparse|thin|empty|minimal|bare", ("band.density less ~large",)),
    (r"quiet|soft|gentle|small|calm|low", ("band.intensity less ~large", "band.density less ~small")),
    (r"busy|dense|full|thick", ("band.density more ~large",)),
    (
        r"loud|big|huge|massive|explosive|heavy|hard|wild|exploding|soaring|anthemic",
        ("band.intensity more ~large", "band.density more"),
    ),
)
OPPOSITES: tuple[tuple[str, str], ...] = (  # of the whole song, beside what moods and directions contradict
    (r"quiet|soft|gentle|silent", r"loud|explosive|exploding|massive"),
    (r"sparse|thin|empty|minimal|bare", r"busy|dense|full|thick"),
)
SIZES = "|".join((*(pattern for pattern, _ in LEVELS), *(pattern for pair in OPPOSITES for pattern in pair)))
FEW, MANY = OPPOSITES[1]
PART = "drums?|drumming|beat|chords?|harmony|keys|line|melody|lead"
PART_SIZE = re.compile(rf"(?:a |the )?(?P<size>{FEW}|{MANY})(?:er|ly)? (?P<part>{PART})")
TARGETS = {"d": "drums", "b": "drums", "c": "harmony", "h": "harmony", "k": "harmony", "l": "line", "m": "line"}
STOP = frozenset(
    re.findall(
        r"\S+",
        """a an the and or but with in of at to for it is be make me please some very really quite rather kind sort song
        music piece track tune something feel feeling vibe mood style sound sounding like beat groove long short that
        has have i want would bit little then from on by my your our no about around key sections section pretty
        number instrumental bassline form this""",
    )
)
NEGATIONS = re.compile(r"\b(?:no|not|without|never|isn't|less|don't|nothing)\b[\w ']*$")


def clauses(sentence: str) -> list[str]:
    """Return the wishes of a sentence, in small letters and plain signs."""
    text = plain(without_decades(sentence)).lower().replace("’", "'")
    if form := FORM.search(text):  # its commas do not part it
        text = text.replace(form[0], re.sub(r"[ ,-]+", " ", form[0]))
    text = re.sub(rf"\b({SIZES}) (?:and|but) (?=(?:{SIZES})\b)", r"\1, ", text)
    parts = re.split(r"[,;\n]+|\.(?=\s|$)|\bbut\b|(?<!\d)\s-\s|\s(?:and|with) (?=starts?|ends?|peaks?|a \d+/)", text)
    return [part.strip(" !?\"'") for part in parts if part.strip(" !?\"'.")]


def scoped(clause: str) -> tuple[str, str]:
    """Return (role of the section that a wish is for, "" = the song; the wish without it)."""
    match = re.search(rf"\b(?:in|during|for|on) (?:the |each |every |all )*(?P<role>{ROLE_WORDS})\b", clause) or (
        re.search(rf"\b(?:the |an? )?(?P<role>{ROLE_WORDS})\b", clause)
    )
    if match is None:
        return "", clause
    rest = f"{clause[: match.start()]} {clause[match.end() :]}"
    return (role_of(match["role"]), rest) if content(rest) else ("", clause)


def role_of(word: str) -> str:
    """Return the role that a word names, "" for none."""
    for role, names in {
        "intro": "intro",
        "verse": "verse",
        "chorus": "chorus|hook|refrain",
        "bridge": "bridge|middle eight",
        "outro": "outro|coda|ending",
    }.items():
        if re.fullmatch(rf"(?:{names})(?:s|es)?", word.strip()):
            return role
    return ""


def roles_of_letters(letters: str) -> tuple[str, ...]:
    """Return the roles of a form in letters: of AABA, A is the verse."""
    return tuple({"a": "verse", "b": "chorus", "c": "bridge", "d": "outro"}[letter] for letter in letters)


def content(clause: str) -> str:
    """Return a wish without the words that say nothing by themselves."""
    return " ".join(word for word in re.findall(r"[\w'/#&+-]+", clause) if word not in STOP)


def refused(before: str) -> bool:
    """Return whether the words before another say that it is not wanted."""
    return bool(NEGATIONS.search(before))


def level_of(words: str) -> tuple[str, ...]:
    """Return what a plain adjective of size asks for, as edits in short form; () where it is none."""
    return next((edits for pattern, edits in LEVELS if re.fullmatch(rf"(?:{pattern})(?:er|ly)?", words)), ())


def part_level(clause: str) -> tuple[str, ...]:
    """Return what an adjective of size asks of a part ("busy drums"), as edits in short form; () where it is none."""
    match = PART_SIZE.fullmatch(clause.strip())
    if match is None:
        return ()
    change = "less" if re.fullmatch(FEW, match["size"]) else "more"
    return (f"{TARGETS[match['part'][0]]}.density {change}",)


def sizes(clause: str) -> list[tuple[int, int, str]]:
    """Return (pair of OPPOSITES, side, word) of the adjectives of size in a wish for the whole song."""
    return [
        (pair, side, match[0])
        for pair, sides in enumerate(OPPOSITES)
        for side, pattern in enumerate(sides)
        for match in re.finditer(rf"\b(?:{pattern})\b(?! (?:{PART}|bass)\b)", clause)
        if not refused(clause[: match.start()])
    ]


def number(text: str) -> float:
    found = NUMBERS.get(text)
    return float(text) if found is None else float(found)


def seconds_of(match: re.Match[str]) -> float:
    """Return the seconds of a match of DURATION."""
    sign = -1.0 if match["minus"] else 1.0
    if match["clock_m"]:
        return sign * (60.0 * int(match["clock_m"]) + int(match["clock_s"]))
    unit = {"m": 60.0, "s": 1.0, "h": 3600.0}[match["unit"][0]]
    return sign * (number(match["n"]) + 0.5 * bool(match["half"] or match["and"])) * unit
