"""Words the reply to a sentence, in one line: what was changed, asked, not understood or impossible."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.directions.edit import Edit
from agent.language import word_lists

EMPTY = "I heard nothing; tell me what to change, such as: less snare, or a fill in bar 4."
TOO_LONG = "That is {characters} characters; I follow up to {most} at once. One or two wishes at a time, please."
INJECTION = "I only change the music we play. Tell me what to change in it, such as: less snare."
INSULT = "Fair enough. Tell me what to change and I will: louder, sparser, no drums ..."
METER = "{meter} is not a meter I can count: 1 to 32 beats of 1, 2, 4, 8, 16 or 32, such as 7/8. Nothing changed."
TEMPO = "{tempo} beats a minute is not a tempo I can play; {low:g} to {high:g} is. Nothing changed."
BAR = "There is no bar {bar}: the form has {bars} bars. Nothing changed."
TAKE = "There is no take {take}; I have {takes}. Nothing changed."
CONTRADICTION = "{one} and {other} at once: I cannot do both. Which one? Nothing changed."
FOREIGN = {
    "Deutsch": "Ich verstehe bisher nur Englisch (I follow English only so far), zum Beispiel: less snare.",
    "español": "Por ahora solo entiendo inglés (I follow English only so far), por ejemplo: less snare.",
    "français": "Je ne comprends que l'anglais (I follow English only so far), par exemple : less snare.",
    "italiano": "Per ora capisco solo l'inglese (I follow English only so far), per esempio: less snare.",
    "português": "Por enquanto só entendo inglês (I follow English only so far), por exemplo: less snare.",
    "Nederlands": "Ik versta voorlopig alleen Engels (I follow English only so far), bijvoorbeeld: less snare.",
    "polski": "Na razie rozumiem tylko angielski (I follow English only so far), na przykład: less snare.",
    "svenska": "Jag förstår bara engelska än så länge (I follow English only so far), till exempel: less snare.",
    "other": "I follow English only so far; say it like: less snare, or 7/8 in bar three.",
}
TOPICS = (
    ("changes", r"\bchang|\bdid you (do|just|play)|\bdifferent\b|\bdid you\b"),
    ("key", r"\bkey\b|\bscale\b|\b(major|minor)\b|<key"),
    ("meter", r"\bmeter\b|\bmetre\b|time signature|\d/\d|\bcount|beats in"),
    ("tempo", r"\btempo\b|\bbpm\b|\bspeed\b|how fast|how slow"),
    ("chord", r"\bchords?\b|\bharmony\b|\bchanges\b"),
    ("take", r"\btakes?\b|\bversions?\b"),
    ("bar", r"\bbars?\b|where are we"),
    ("feel", r"\bswing|\bfeel\b|\bgroove\b|\bbehind\b|\bahead\b|\brush|\bdrag|\bin time\b"),
    ("time", r"how long|\bwhen\b|what time|\bdate\b|\bweek\b"),
    ("idea", r"\bidea|\bsuggest|\bthink\b|\bshould\b|\bpropos"),
)
WORDS = {
    "more": "more",
    "less": "less",
    "on": "on",
    "off": "off",
    "keep": "kept",
    "undo": "undone",
    "recall": "back",
    "set": "set",
}


def said(edit: Edit) -> str:
    """An edit in words: "snare: less level by 3 dB in bar 3"."""
    if edit.change == "undo":
        return "the last change undone"
    what = {"more": f"more {edit.dimension}", "less": f"less {edit.dimension}", "set": f"{edit.dimension} {edit.value}"}
    done = what.get(edit.change, f"{edit.dimension} {WORDS[edit.change]}")
    value = f" ({edit.value})" if edit.value and edit.change != "set" else ""
    size = {"small": ", a little", "large": ", a lot"}.get(edit.size or "", f" by {edit.size}" if edit.size else "")
    return f"{edit.target}: {done}{value}{size}{_where(edit.scope)}"


def _where(scope: str | None) -> str:
    if scope is None:
        return ""
    kind, _, name = scope.partition(":")
    named = {
        "bar": f"in bar {name}",
        "bars": f"in the last {name[5:]} bars"
        if "last" in name
        else f"in bars {name}"
        if "-" in name
        else f"for {name} bars",
        "section": f"in the {name}",
    }
    named |= {"now": "now", "song": "for the whole song", "until-told": "until you say", "every": f"every {name} bars"}
    return " " + (named | {"from": f"from bar {name} on", "until": f"until bar {name}"})[kind]


def asked(text: str) -> str | None:
    """The topic of a question in plain words, None when it is an order or a statement."""
    text = re.sub(
        r"^(?:hey|ok|okay|so|well|um|uh|wait|yo|man|dude|and|but|alright|right|hm+|antiphon|please|sorry|hi|hello)"
        r"[ ,]+",
        "",
        text.strip(),
    )
    if re.match(r"(?:what|how) (?:we|you|i|it) (?:had|played|did|was|were)\b", text) and not text.endswith("?"):
        return None
    if re.match(r"(?:is|are|was) (?:too|very|so|not|way|a bit|really) ", text) and not text.endswith("?"):
        return None
    start = text.split()[0].strip(",") if text.split() else ""
    if text.startswith(word_lists.ASKS):
        return topic(text)
    if text.startswith(word_lists.ORDER_STARTS):
        return None
    tag = re.search(
        r",\s*(yes|no|ok|okay|please|right|huh|eh|yeah|maybe|will you|can you|could you|would you|is it|is not it"
        r"|do not you think)\s*\?$",
        text,
    )
    if start in word_lists.QUESTION_STARTS and (
        text.endswith("?") or start not in ("am", "have", "had", "has", "do", "should", "when", "where", "does")
    ):
        return None if start == "when" and not text.endswith("?") else topic(text)
    if start in ("could", "would", "can", "will", "shall", "might", "may") or tag:
        return None
    return None


def topic(text: str) -> str:
    for name, pattern in TOPICS:
        if re.search(pattern, text):
            return name
    return "other"


def of(
    sure: Sequence[Edit], unsure: Sequence[Edit], question: str | None, verdict: str | None, near: Sequence[str]
) -> str:
    """The line for what was understood, or the nearest readings of what was not."""
    if sure:
        also = f"; not sure about {said(unsure[0])}" if unsure else ""
        return "; ".join(said(edit) for edit in sure) + also + "."
    if question:
        return (
            f"A question about the {question}; nothing changed."
            if question != "other"
            else "A question; nothing changed."
        )
    if unsure:
        return f"Did you mean {' or '.join(said(edit) for edit in unsure[:2])}? Nothing changed."
    if verdict:
        return "Good, noted." if verdict == "liked" else "Noted. What shall I change: less of it, or none?"
    return f"I did not get an order in that; nearest I know: {', '.join(near)}. Nothing changed."
