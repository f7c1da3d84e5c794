"""`order_of` recognises sentences that are orders to the band as a whole, or to the conversation: undo, start over ...

They are no edits: what they mean depends on what stands, what plays and what was said before. `ORDERS` is the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.directions.edit import Edit
from agent.language.normalise import ONES

NUMBERS = {word: number for number, word in enumerate(ONES[:13])} | {"twice": 2, "couple": 2}
BARS = {"ones": "1", "twos": "2", "threes": "3", "fours": "4", "sixes": "6", "eights": "8"}
NUMBER = rf"\d{{1,3}}|{'|'.join(NUMBERS)}"
COUNT = rf"(?P<count>{NUMBER})"
TAKE_BACK = r"(?:undo|take back|revert|scrap)"
BEFORE = re.compile(r"^(?:(?:please|ok|okay|now|and|so|well|right|just|let us|lets|can you|could you|you can) )+")
AFTER = re.compile(r"(?: (?:please|now|then|for me|man|mate|guys|everybody))+$")
INTERVALS = {  # in semitones
    "semitone": 1, "half step": 1, "half tone": 1, "minor second": 1, "whole step": 2, "whole tone": 2, "tone": 2,
    "step": 2, "major second": 2, "minor third": 3, "major third": 4, "fourth": 5, "perfect fourth": 5, "tritone": 6,
    "fifth": 7, "perfect fifth": 7, "minor sixth": 8, "major sixth": 9, "minor seventh": 10, "major seventh": 11,
}  # fmt: skip
INTERVAL = rf"(?:by )?(?:(?:a|an|one) (?P<interval>{'|'.join(INTERVALS)})|(?P<semitones>{NUMBER}) semitones?)"
PART = r"(?P<alone>drums?|bass|chords|keys|harmony|melody|line)"
ALONE = rf"(?:a |an |the |my |just |only )?{PART}(?: alone| only| solo| by \w+)?"
START = r"(?:first|before|up front|(?:to|at the) (?:start|begin|beginning|front))"
PARTS = {"drum": "drums", "keys": "harmony", "chords": "harmony", "melody": "line"}  # else the word is the target
ALL_OF_IT = r"(?:it|it all|all of it|everything|the (?:whole )?(?:thing|band|song|tune|riff|loop)|us|the key)"
ROWS = (  # name of the order, pattern of the whole sentence without its politeness
    (
        "undo",
        rf"{TAKE_BACK}(?: the)?(?: last| previous)? {COUNT}(?: (?:things|changes|directions|steps|wishes|times))?",
    ),
    ("undo", rf"{TAKE_BACK} the last {COUNT} of (?:them|those)"),
    ("undo", rf"{TAKE_BACK} (?:that|it) {COUNT}(?: times)?"),
    ("undo all", rf"{TAKE_BACK} (?:everything|all|it all|the lot|all of (?:it|that|them)|all (?:the )?changes)"),
    ("undo all", rf"{TAKE_BACK} (?:everything|all)(?: that)? i (?:said|asked(?: for)?)"),
    ("start over", r"start (?:over|again|afresh|from (?:scratch|the beginning|zero))|from scratch|clean slate"),
    (
        "start over",
        r"reset(?: everything| all| it all)?|forget (?:all|everything)(?: (?:that|this|i said|i asked for))?",
    ),
    ("normal", r"play (?:it )?(?:normally|normal|as usual|as normal|like normal|straight through)(?: again)?"),
    ("normal", r"(?:go |get )?back to normal(?: again)?|normal(?:ly)? again|(?:business )?as usual(?: again)?"),
    ("quiet", r"(?:be|stay) (?:quiet|silent)(?: for (?:a (?:while|bit|moment)))?|shut up|silence|hush|not a sound"),
    ("stop loop", r"(?:stop|end|kill|cut|drop|leave|no more) (?:playing )?(?:the |that |this |your )?loop(?:ing)?"),
    ("stop loop", r"(?:stop|end|drop|leave) the loop and play(?: along)?|loop off"),
    ("loop", r"loop (?:it|this|that|me|the riff|what i (?:play|played))|start (?:a |the )?loop(?:ing)?|loop"),
    ("trade", rf"(?:trade|trading|swap)(?: (?P<bars>{'|'.join(BARS)}|bars|solos|phrases))?(?: with (?:me|you))?"),
    ("stop trade", r"(?:stop|no more|enough|end|quit) (?:of )?(?:the )?(?:trading|trades|trade)"),
    ("stop trade", r"(?:play|come|go) (?:along(?: with me)?|with me|together)(?: again)?|accompany(?: me)?(?: again)?"),
    ("stands", r"what (?:still )?(?:stands|is in force|holds|applies|is set|counts)|where do we stand"),
    ("stands", r"what (?:have|did) i (?:asked|ask|said|say)(?: for)?(?: so far)?|what are the (?:settings|directions)"),
    ("me", r"what do you (?:know|remember|have)(?: (?:about|of|on) (?:me|my (?:taste|playing|style)))?"),
    ("me", r"what have you learn(?:ed|t)(?: about me)?(?: so far)?|what is my taste|do you (?:know|remember) me"),
    ("sounds", r"what (?:are|do) you play(?:ing)?(?: right)?|what (?:sounds|plays|is playing)|who is playing"),
    ("sounds", r"what is (?:muted|off|out|on)|are you playing"),
    (
        "transpose",
        rf"(?:(?:transpose|take|move|shift|bring|put|raise|lower|play) )?(?:{ALL_OF_IT} )?(?P<way>up|down) {INTERVAL}",
    ),
    ("transpose", rf"(?:(?:transpose|play|move) )?(?:{ALL_OF_IT} )?{INTERVAL} (?P<way>up|down|higher|lower)"),
    ("transpose", rf"(?P<way>raise|lower) {ALL_OF_IT} {INTERVAL}"),
    ("intro", rf"(?:.* )?(?:{COUNT} bars? (?:of )?)?{ALONE} intro(?: (?:first|before|up front))?"),
    ("intro", rf"(?:.* )?{ALONE} intro of {COUNT} bars?"),
    (
        "intro",
        rf"(?:.* )?{COUNT} bars? of {ALONE} {START}.*",
    ),
    ("intro", rf"(?:start|begin|open)(?: it| us| off)? with {COUNT} bars? of {ALONE}"),
    ("outro", rf"(?:.* )?(?:{COUNT} bars? (?:of )?)?{ALONE} outro"),
    ("outro", rf"(?:.* )?{COUNT} bars? of {ALONE} (?:to (?:end|finish)|at the end|after(?:wards)?|last)"),
    ("outro", rf"(?:end|close|finish)(?: it| us| off)? with {COUNT} bars? of {ALONE}"),
    ("ideas off", r"keep quiet(?: about .*)?|stay quiet about .*|no (?:more )?(?:ideas|suggestions|proposals)"),
    ("ideas off", r"keep your (?:ideas|suggestions|proposals)(?: to yourself)?|shut up with the (?:ideas|suggestions)"),
    ("ideas off", r"(?:stop|quit|dont|do not) (?:suggest|propos|with the (?:ideas|suggestions)).*"),
)
ORDERS = tuple((name, re.compile(pattern)) for name, pattern in ROWS)


DOWN = ("down", "lower")


@dataclass(frozen=True, slots=True)
class Order:
    """An order. name: the first column of ROWS; count: how many steps to undo, semitones up, or bars of an intro; bars:
    of each turn of a trade, "" = as before; alone: the part that plays an intro or outro."""

    name: str
    count: int = 1
    bars: str = ""
    alone: str = ""


def order_of(sentence: str) -> Order | None:
    """Return the order that a whole sentence gives; None where it is anything else."""
    text = " ".join(re.findall(r"[a-z0-9]+", sentence.lower().replace("'", "").replace("’", "")))
    text = re.sub(r"^whats\b", "what is", AFTER.sub("", BEFORE.sub("", text)))
    for name, pattern in ORDERS:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            if way := found.get("way"):
                return Order(name, _semitones(found) * (-1 if way in DOWN else 1))
            alone = found.get("alone") or ""
            count = found.get("count") or ("2" if alone else "1")
            bars = BARS.get(found.get("bars") or "", "")
            number = int(count) if count.isdigit() else NUMBERS[count]
            return Order(name, number, bars, PARTS.get(alone, alone))
    return None


def _semitones(found: dict[str, str | None]) -> int:
    """Return the size of the interval that was named."""
    if interval := found.get("interval"):
        return INTERVALS[interval]
    number = found.get("semitones") or "1"
    return int(number) if number.isdigit() else NUMBERS[number]


def alone_for(part: str, bars: int) -> tuple[Edit, ...]:
    """Return the edits by which a part of a playing band, or the player's bass, is alone for some bars."""
    scope = f"bars:{bars}"
    rest = Edit("band", "mute", "on", scope=scope)
    return (rest,) if part == "bass" else (rest, Edit(part, "mute", "off", scope=scope))
