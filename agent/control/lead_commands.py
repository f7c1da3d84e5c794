"""The commands with which the band leads while the player plays on: rows of the table in commands.py."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.control.words import Click, Read, Word, nothing, number
from agent.core.errors import UserError
from agent.core.messages import (
    LED_BPM,
    AnswerPhrases,
    CountIn,
    EndSong,
    GoToSection,
    Lead,
    LeadBar,
    LeadBreak,
    LeadLength,
    LeadNothing,
    LeadTempo,
)

METER = re.compile(r"([1-9]|1\d|2[0-4])/(2|4|8|16)")
FACTORS = {"faster": 1.08, "slower": 1 / 1.08}
BARS_MAX, BEATS_MAX = 32, 24
FEELS = {"half": "half time", "double": "double time", "usual": "no half time, no double time"}  # as a sentence


def _meter(text: str) -> str:
    if not METER.fullmatch(text):
        raise UserError(f"meter {text!r}: give 1 to 24 beats of 2, 4, 8 or 16, such as 7/8")
    return text


def _bar(arguments: Sequence[str]) -> LeadBar:
    which, *rest = (*arguments, "")
    wanted = "".join(rest)
    if which == "all" and wanted == "off":
        return LeadBar(0, None)
    bar = round(number([which], "bar", 1, BARS_MAX))
    return LeadBar(bar, None if wanted == "off" else _meter(wanted))


def _length(bars: int) -> Read:
    def read(arguments: Sequence[str]) -> LeadLength:
        if list(arguments) not in ([], ["bar"], ["a", "bar"]):
            raise UserError(f"{' '.join(arguments)!r}: only a bar can be added or dropped: `add bar`, `drop bar`")
        return LeadLength(bars)

    return read


def _lead(arguments: Sequence[str]) -> Lead:
    wanted = " ".join(arguments).lower()
    if wanted in ("off", "nothing"):
        return LeadNothing()
    if wanted in FACTORS:
        return LeadTempo(factor=FACTORS[wanted])
    return LeadTempo(number(arguments, "lead", *LED_BPM))


def _break(arguments: Sequence[str]) -> LeadBreak:
    return LeadBreak(round(number(arguments, "break", 1, BEATS_MAX)))


def _count(arguments: Sequence[str]) -> CountIn:
    meters = [one for one in arguments if "/" in one]
    tempi = [one for one in arguments if "/" not in one]
    if len(meters) > 1 or len(tempi) > 1:
        raise UserError(f"count {' '.join(arguments)!r}: give at most a tempo and a meter, such as: count 100 3/4")
    return CountIn(number(tempi, "count", *LED_BPM) if tempi else None, _meter(meters[0]) if meters else None)


def _click(arguments: Sequence[str]) -> Click:
    """Return what is asked of the click; on: None = the other way round."""
    if list(arguments) in ([], ["on"], ["off"]):
        return Click({"on": True, "off": False}.get("".join(arguments)))
    counted = _count(arguments)
    meter = counted.meter or "4/4"
    if not meter.endswith("/4"):
        raise UserError(f"click {' '.join(arguments)!r}: clicks come on quarters, such as: click 100 3/4")
    return Click(True, counted.bpm or 0.0, int(meter.split("/")[0]))


def _end(arguments: Sequence[str]) -> EndSong:
    nothing(arguments)
    return EndSong()


def _feel(arguments: Sequence[str]) -> None:
    if " ".join(arguments) not in FEELS:
        raise UserError(f"feel {' '.join(arguments)!r}: choose {', '.join(FEELS)}")


def _named(what: str) -> Read:
    def read(arguments: Sequence[str]) -> None:
        if not arguments:
            raise UserError(f"`{what}` needs a name, such as: {what} verse")

    return read


def _anything(arguments: Sequence[str]) -> None:
    return None


def _answer(arguments: Sequence[str]) -> AnswerPhrases:
    nothing(arguments)
    return AnswerPhrases()


def _chart(arguments: Sequence[str]) -> None:
    if len(arguments) < 2:
        raise UserError("`chart` needs a name and chords, such as: chart bridge Am | F | C | G")


LEAD_WORDS = {
    "bar": Word("N 7/8 | N off | all off", "lead bar N of each cycle in another meter, announced a bar ahead", _bar),
    "add": Word("bar", "play this cycle a bar longer: its last bar twice", _length(1)),
    "drop": Word("bar", "play this cycle a bar shorter", _length(-1)),
    "lead": Word("BPM | faster | slower | off", "lead to another tempo over two bars; off = the player leads", _lead),
    "feel": Word("half | double | usual", "play in half time, in double time, or as usual", _feel),
    "break": Word("BEAT", "stop on this beat of the next bar, and come in again on the one", _break),
    "count": Word("[BPM] [3/4]", "count a bar in and begin", _count),
    "click": Word(
        "[on | off | BPM [3/4]]", "click on the beat, in the loudspeaker only; alone = on or off, in turn", _click
    ),
    "section": Word(
        "NAME", "keep what is played now under a name: riff, chords, groove, mix, tempo", _named("section")
    ),
    "to": Word("NAME | next", "go to a section, from the next one on", _named("to")),
    "answer": Word("", "answer each phrase on the pulse after its end, however long, until another mode", _answer),
    "chart": Word("NAME CHORDS", "write a section's chords: chart bridge Am | F | C | G", _chart),
    "take": Word("[NAME]", "keep the last riff, sound and notes, as a section", _anything),
    "loop": Word("[NAME] | off", "repeat a riff that was taken, from the next one on", _anything),
    "song": Word(
        "[NAME | next | name NAME | order NAME ...]", "open a song, or the set list's next; or say which", _anything
    ),
    "end": Word("", "end with this phrase, on the next one", _end),
}


def done(message: Lead) -> str:
    """Return what will be done, in one line."""
    match message:
        case LeadBar(0, None):
            return "all bars alike again"
        case LeadBar(bar, None):
            return f"bar {bar} as all others again"
        case LeadBar(bar, meter):
            return f"bar {bar} of each cycle in {meter}, from its next time on; the display says it a bar ahead"
        case LeadLength(bars):
            return "a bar more at the end of this cycle" if bars > 0 else "a bar less at the end of this cycle"
        case LeadTempo(bpm, factor):
            where = f"to {bpm:g}" if bpm else f"{100 * abs(factor - 1):.0f} % {'up' if factor > 1 else 'down'}"
            return f"{where}, over two bars from the bar after the next line on"
        case LeadBreak(beat):
            return f"a stop on beat {beat} of the next bar"
        case CountIn():
            return "counting you in"
        case EndSong():
            return "ending with this phrase"
        case GoToSection(kept):
            return f"to the {kept.name}, from the next one on"
        case LeadNothing():
            return "you lead, I follow"
