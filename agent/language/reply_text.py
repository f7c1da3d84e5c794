"""Words the reply to a sentence, in one line: what is done, asked, not understood or impossible."""

from __future__ import annotations

import re
from collections.abc import Sequence
from zlib import crc32

from agent.directions.edit import Edit
from agent.language.edit_text import describe_edit as said
from agent.language.edit_text import describe_edits

EMPTY = "I heard nothing; tell me what to change, such as: less snare, or a fill in bar 4."
NOISE = "I could not make that out. Say it like: less snare, or a fill in bar 4."
TOO_LONG = "That is {characters} characters; I follow up to {most} at once. One or two wishes at a time, please."
INJECTION = "I only change the music we play. Tell me what to change in it, such as: less snare."
INSULT = "Fair enough. Tell me what to change and I will: louder, sparser, no drums ..."
DECADE = "A decade alone tells me no sound; name what you hear in it, such as: a funk beat, or a synth for the chords."
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
    "português": "Por enquanto só entendo inglés (I follow English only so far), por exemplo: less snare.",
    "Nederlands": "Ik versta voorlopig alleen Engels (I follow English only so far), bijvoorbeeld: less snare.",
    "polski": "Na razie rozumiem tylko angielski (I follow English only so far), na przykład: less snare.",
    "svenska": "Jag förstår bara engelska än så länge (I follow English only so far), till exempel: less snare.",
    "other": "I follow English only so far; say it like: less snare, or 7/8 in bar three.",
}
TOPICS = (
    ("changes", r"\bchang|\bdid you (do|just|play)|\bdifferent\b|\bdid you\b"),
    ("key", r"\bkey\b|\bscale\b|\b(major|minor)\b"),
    ("meter", r"\bmeter\b|\bmetre\b|time signature|\d/\d|\bcount|beats in"),
    ("tempo", r"\btempo\b|\bbpm\b|\bspeed\b|how fast|how slow"),
    ("chord", r"\bchords?\b|\bharmony\b|\bchanges\b"),
    ("take", r"\btakes?\b|\bversions?\b"),
    ("bar", r"\bbars?\b|where are we"),
    ("feel", r"\bswing|\bfeel\b|\bgroove\b|\bbehind\b|\bahead\b|\brush|\bdrag|\bin time\b"),
    ("time", r"how long|\bwhen\b|what time|\bdate\b|\bweek\b"),
    ("idea", r"\bidea|\bsuggest|\bthink\b|\bshould\b|\bpropos"),
)
DONE = ("Got it: {}.", "OK: {}.", "Right, {}.", "Sure: {}.", "{}.")
WHICH = ("{} or {}?", "Do you mean {}, or {}?", "Which one: {}, or {}?")
SURE = ("{}, is that it?", "Do you want {}?", "Shall I: {}?")
LIKED = ("Good, noted.", "Glad you like it.", "Thanks. We keep at it.", "Nice to hear.")
DISLIKED = (
    "Noted. What shall I change: less of it, or none?",
    "All right. What should be different?",
    "OK. Tell me what bothers you: too loud, too busy, too fast?",
)
NOTHING = (
    "I heard no wish in that, so I change nothing.",
    "Nothing to change there, as I understand it.",
    "I take that as talk; nothing changed.",
    "No order in that for me. Nothing changed.",
)


def _pick(lines: Sequence[str], sentence: str) -> str:
    """Return one of the lines, the same for the same sentence."""
    return lines[crc32(sentence.encode()) % len(lines)]


def topic(text: str) -> str:
    for name, pattern in TOPICS:
        if re.search(pattern, text):
            return name
    return "other"


def done(edits: Sequence[Edit], sentence: str) -> str:
    """Return the line for edits that are made."""
    line = _pick(DONE, sentence).format("; ".join(describe_edits(edits)))
    return line[0].upper() + line[1:]


def which(unsure: Sequence[Edit]) -> str:
    """Return the question which of one or two readings is meant."""
    words = describe_edits(unsure)
    line = _pick(WHICH if len(words) > 1 else SURE, words[0]).format(*words)
    return f"{line[0].upper()}{line[1:]} Nothing changed yet."


def nothing(question: str | None, verdict: str | None, sentence: str, near: Sequence[str] = ()) -> str:
    """Return the line for a sentence that orders nothing. near: the terms nearest to its unknown words."""
    if question:
        return (
            f"You ask about the {question}; nothing changed." if question != "other" else "A question; nothing changed."
        )
    if near and not verdict:
        return f"I did not get an order in that; nearest I know: {', '.join(near)}. Nothing changed."
    return _pick({"liked": LIKED, "disliked": DISLIKED}.get(verdict or "", NOTHING), sentence)


__all__ = ["said"]
