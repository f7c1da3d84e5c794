"""Sentences that are orders to the band as a whole and no change to how it plays: each is a command of the table.

`order_of("stop on the four") -> "break 4"`. Parts, sounds and places are read by agent/language/parser.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from agent.language.normalise import ONES

NUMBERS = {word: str(number) for number, word in enumerate(ONES[1:13], 1)}
NUMBER = rf"(\d+|{'|'.join(NUMBERS)})"
PLEASE = r"(?:(?:please|now|ok(?:ay)?|and|then|so|right|let'?s|let us|can (?:you|we)|could (?:you|we)|hey),? )*"
END = r"(?: (?:please|now|then|there|for (?:me|us)))*"
LEAD_IN = r"(?:just |go )?"


def _digits(text: str) -> str:
    return NUMBERS.get(text, text)


def _fixed(command: str) -> Callable[[re.Match[str]], str]:
    return lambda match: command


LOOP = "loop"
KINDS = (
    "verse|chorus|bridge|intro|outro|refrain|coda|interlude|solo|vamp|hook|breakdown|middle eight|middle 8|ending"
    "|turnaround|riff"
)
USUAL = re.compile(  # names of sections that need not have been kept to be understood
    rf"(?:(?:first|second|third|last|pre|new|old) ?)?(?:{KINDS})(?: (?:\d+|one|two|three|a|b))?"
    r"|(?:part |section )[a-h1-9]"
)
CLICK = r"(?:click(?: track)?|metronome)"
NAME = r"(?P<name>[\w#' ]{1,40}?)"


def _named(command: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"{command} {match['name']}"


SPOKEN_CHORD = r"[a-g](?:[#b]| sharp| flat)?(?: ?(?:major|minor|min|m|maj)?(?: ?(?:7|seven(?:th)?))?)?"
SPOKEN_CHORDS = rf"{SPOKEN_CHORD}(?:(?:,| then|, then| and) {SPOKEN_CHORD})*"


def _chart(match: re.Match[str]) -> str:
    return f"chart {match['name'].replace(' ', '-')} {match['chords']}"


def _start(match: re.Match[str]) -> str:
    meter = f" {_digits(match['beats'])}/4" if match["beats"] else ""
    return f"count {_digits(match['bpm'])}{meter}"


ROWS: tuple[tuple[str, Callable[[re.Match[str]], str]], ...] = (
    (rf"stop (?:dead |all together |together )?on (?:the |beat )?{NUMBER}", lambda m: f"break {_digits(m[1])}"),
    (rf"(?:give (?:me|us) )?a (?:stop|break) on (?:the |beat )?{NUMBER}", lambda m: f"break {_digits(m[1])}"),
    (r"count (?:us|me|it|them)? ?(?:in|off)|give (?:us|me) a count(?:-| )?in|count(?:-| )?in", _fixed("count")),
    (
        rf"(?:start|go|begin|count (?:us|me) in)(?: now)?(?: at| in)? (?:tempo )?(?P<bpm>\d{{2,3}})(?: bpm)?"
        rf"(?:,? (?:in|and in) (?P<beats>{NUMBER[1:-1]}))?",
        _start,
    ),
    (
        rf"(?:(?:give|get) (?:me|us) |play |turn on |start |put on )?(?:a |the )?{CLICK}(?: on)?"
        r"(?:,? at (?P<click>\d{2,3})(?: bpm)?)?",
        lambda m: f"click {m['click'] or 'on'}",
    ),
    (
        rf"(?:turn )?(?:the )?{CLICK} off|(?:turn off|stop|kill|lose|no|no more) (?:the |that )?{CLICK}",
        _fixed("click off"),
    ),
    (
        r"end it|end here|end the (?:song|tune)|(?:bring|take) it (?:home|to an end)|finish(?: it| the song)?",
        _fixed("end"),
    ),
    (r"(?:that is|that's) (?:it|the end)|last time(?: round)?", _fixed("end")),
    (r"add (?:a|one|another) (?:more )?bar|(?:one|a) bar more|one more bar", _fixed("add bar")),
    (r"(?:drop|leave out|skip|cut) (?:a|one) bar|(?:one|a) bar (?:less|fewer)", _fixed("drop bar")),
    (rf"(?:take|bring|get) it (?:up|down) to {NUMBER[:-1]}|\d{{2,3}})(?: bpm)?", lambda m: f"lead {_digits(m[1])}"),
    (r"(?:take|keep|grab|save) (?:that|this|the) ?(?:riff|one|loop|bit)?|got it,? keep that riff", _fixed("take")),
    (rf"(?:this|that) (?:is|was|will be|should be) (?:the|our|my|called(?: the)?) {NAME}", _named("section")),
    (rf"(?:call|name) (?:this|that|it)(?: section| part| bit| riff)? (?:the )?{NAME}", _named("section")),
    (
        rf"(?:make|keep|save|store|remember|mark) (?:this|that|it)(?: section| part| bit| riff)?(?: as)? "
        rf"(?:the |our |my |a )?{NAME}",
        _named("section"),
    ),
    (rf"(?:(?:go|jump|move|take it|over|straight) )?(?:back |on |over )?to (?:the )?{NAME}(?: again)?", _named("to")),
    (rf"(?:once more )?the {NAME} (?:again|next)", _named("to")),
    (rf"(?:the )?{NAME} (?:goes|is|has|chords are) (?P<chords>{SPOKEN_CHORDS})", _chart),
    (r"loop (?:it|this|that|them)(?: riff| one)?|loop the riff", _fixed(LOOP)),
    (rf"loop (?:the )?{NAME}", _named(LOOP)),
    (r"answer (?:me|my phrases?|what i play|each phrase|every phrase)(?: when i stop)?", _fixed("answer")),
    (r"call and (?:response|answer)|question and answer", _fixed("answer")),
    (r"(?:the )?next song(?: please)?", _fixed("song next")),
    (r"(?:do|play|open|start|try) (?P<song>[\w' -]{2,40}?)(?:'s|s)? song", lambda m: f"song {m['song']}"),
    (r"(?:do|play|open) the song (?P<song>[\w' -]{2,40})", lambda m: f"song {m['song']}"),
    (
        r"(?:call|name|save|keep|store) (?:this|the|that|our) song(?: as)? (?P<song>[\w' -]{1,40})",
        lambda m: f"song name {m['song']}",
    ),
    (
        r"(?:what|which) (?:sections|parts)(?: are there| do (?:we|you) have| have (?:we|you) got)?"
        r"|what(?: is|'s) in (?:the|this) song|which song is this",
        _fixed("song"),
    ),
    (r"follow me(?: again)?|i(?:'ll)? lead|you follow", _fixed("lead off")),
)
ORDERS = tuple((re.compile(rf"{PLEASE}{LEAD_IN}(?:{pattern}){END}"), make) for pattern, make in ROWS)


def order_of(sentence: str, names: Collection[str] = (), taken: bool = False) -> str | None:
    """Return the command line that a sentence stands for; None where it is no such order.

    names: of the sections that there are, besides the usual ones. taken: whether there is a riff with its sound, so
    that "loop that" is no new one.
    """
    said = " ".join(re.findall(r"[\w'/#-]+|,", sentence.lower().strip(" .!?"))).replace(" ,", ",")
    for pattern, make in ORDERS:
        if match := pattern.fullmatch(said):
            name = next((value for key, value in match.groupdict().items() if key.startswith("name") and value), "")
            command = make(match)
            known = not name or name in names or (USUAL.fullmatch(name) and not command.startswith(LOOP))
            if known and (taken or command != LOOP):
                return command
    return None
