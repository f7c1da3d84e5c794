"""`order_of` recognises sentences that are orders to the band as a whole, or to the conversation: undo, start over ...

They are no edits: what they mean depends on what stands, what plays and what was said before. `ORDERS` is the table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agent.language.normalise import ONES

NUMBERS = {word: number for number, word in enumerate(ONES[:13])} | {"twice": 2, "couple": 2}
BARS = {"ones": "1", "twos": "2", "threes": "3", "fours": "4", "sixes": "6", "eights": "8"}
COUNT = rf"(?P<count>\d{{1,3}}|{'|'.join(NUMBERS)})"
TAKE_BACK = r"(?:undo|take back|revert|scrap)"
BEFORE = re.compile(r"^(?:(?:please|ok|okay|now|and|so|well|right|just|let us|lets|can you|could you|you can) )+")
AFTER = re.compile(r"(?: (?:please|now|then|for me|man|mate|guys|everybody))+$")
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
    ("intro", r".*\bdrums? intro\b.*"),
    ("intro", r".*\bbars? of (?:just |only )?drums? (?:first|before|up front|to (?:start|begin)).*"),
    ("ideas off", r"keep quiet(?: about .*)?|stay quiet about .*|no (?:more )?(?:ideas|suggestions|proposals)"),
    ("ideas off", r"keep your (?:ideas|suggestions|proposals)(?: to yourself)?|shut up with the (?:ideas|suggestions)"),
    ("ideas off", r"(?:stop|quit|dont|do not) (?:suggest|propos|with the (?:ideas|suggestions)).*"),
)
ORDERS = tuple((name, re.compile(pattern)) for name, pattern in ROWS)


@dataclass(frozen=True, slots=True)
class Order:
    """An order. name: the first column of ROWS; count: how many steps to undo; bars: of each turn of a trade, "" = as
    before."""

    name: str
    count: int = 1
    bars: str = ""


def order_of(sentence: str) -> Order | None:
    """Return the order that a whole sentence gives; None where it is anything else."""
    text = " ".join(re.findall(r"[a-z0-9]+", sentence.lower().replace("'", "").replace("’", "")))
    text = re.sub(r"^whats\b", "what is", AFTER.sub("", BEFORE.sub("", text)))
    for name, pattern in ORDERS:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            count = found.get("count") or "1"
            bars = BARS.get(found.get("bars") or "", "")
            return Order(name, int(count) if count.isdigit() else NUMBERS[count], bars)
    return None
