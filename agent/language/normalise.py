"""Turns a sentence as typed into plain words and marks: numbers, units, scopes, sizes and values become <kind=value>.

`words("Turn the snare down 3 dB in bar three") -> ["turn", "the", "snare", "down", "<size=3 dB>", "<scope=bar:3>"]`
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache

ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
]
ONES += ["seventeen", "eighteen", "nineteen"]
TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
NUMBERS = {word: number for number, word in enumerate(ONES) if number != 1} | TENS
ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
]
ORDINAL = "|".join(ORDINALS)


def _place_named(word: str) -> str:
    return ORDINALS[(int(word) if word.isdecimal() else ONES.index(word)) - 1]


SHORT_FORMS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"[’‘´`]", "'"), (r"[–—]", " , "), (r"&", " and "),
    (r"\b(do|does|did|is|are|was|were|would|should|could|has|have|ai)n'?t\b", r"\1 not"), (r"\b(snr|sd)\b", "snare"),
    (r"\bi'?d (?=\w)", "i would "), (r"\b(you|we|they)'re\b", r"\1 are"), (r"(?<=\w)'s\b", " is"),
    (r"(?<=s)'(?=\s)", ""), (r"\bbehind (?:the |of the )?(?:beat|click|grid|metronome|pulse)\b", "behind"),
    (r"\bahead of (?:the )?(?:beat|click|grid|metronome|pulse)\b", "ahead"),
    (r"\brather (?:have |hear |use |want |see |get |play )?((?:\w+ ){1,4}?)than\b", r"\1instead of"),
    (
        r"(\bas \w+(?: \w+)?) as (?:before|it was|last time|you were|earlier|it used to be|in the beginning)\b",
        r"\1 than before",
    ),
    (r"\bbase(?= |$|[.,!?])(?! (?:of|on))", "bass"),
    (
        r"\b(take|leave|pull|cut|filter) ((?:the |that |those |all |all the |some "
        r"|some of the )?\w+(?: \w+)?) out\b",
        r"\1 out \2",
    ),
    (r"(?<![\w.])([+-]) ?(?=\d+(?:\.\d+)? ?(?:db|ms|%))", lambda m: " more " if m[1] == "+" else " less "),
    (r"\.{2,}|…", " "), (r"\bto (?:like |about |around )?half\b(?![ -](?:time|feel|speed))", "by half"),
    (r"\bi would kill for\b", "i want"),
    (
        r"\b(verse|chorus|bridge) (?:number |no )?(1|2|3|4|one|two|three|four)\b(?! bar)",
        lambda m: f"{_place_named(m[2])} {m[1]}",
    ),
    (r"\bhalve\b|\bhalf the (?!time|speed[ -]feel|feel)", "less 50 % "),
    (
        r"\bdouble the (?=tempo|speed|length|density|volume|level|swing|reverb|energy|tension|number|amount)",
        "more 100 % ",
    ),
    (
        r"(?<!on )\b(?:my|that|this|the|our|the opening|the main) (?:riff|hook|motif|theme"
        r"|motive)\b(?! section)",
        "the hook",
    ),
    (r"\blower (?=(?:the|my|your|that|those|all the) )", "reduce "),
    (r"\b(?:every time|each time|whenever|when|if|as soon as|once) (?:i|we) [^,.]*,", ""),
    (r"(\bas \w+(?: \w+)?) as (?=(?:in )?(?:the \w+ )?(?:take|version))", r"\1 than "), (r"\btite\b", "tight"),
    (r"\bcall it a (?:day|night)\b", "thanks"),
    (r"\b(?:can|could) (?:hardly|barely|not) make out ((?:the |my )?\w+)", r"\1 is buried"),
    (
        r"\btake the (ride|hat|snare|kick|toms)\b(?= (?:an? |much |way |a bit |slightly )*(?:\w+ )?(?:later"
        r"|earlier|up|down|back))",
        r"the \1",
    ),
    (r"\bluv\b", "love"),
    (
        r"\b(with|to|under|over|behind|around|against|on|of|from|on top of) my (?:own |low |high |long "
        r"|short |little |big )?(?:bass|line|riff|playing|part|groove|notes|lines|bassline|bass line|melody"
        r"|fingers|tone)\b(?= |$|\W)(?! in)",
        r"\1 me",
    ),
    (r"(?<!up )(?<!down )(?<!back )(?<!lower )(?<!lost )(?<!low )\bin the mix\b", ""),
    (r"\b2 (?=(loud|busy|much|fast|slow|quiet|many|bright|dark|soft|hard|dense|high|low)\b)", "too "),
)  # fmt: skip
PLACES = (
    r"(?:(?:but |only |just |starting |right )?(?:in|at|on|for|during|into|going into|of|over|through|leading into"
    r"|before|inside|within|to|by)\s+)?(?:the )?"
)
SECTIONS = (
    r"verse|chorus|bridge|intro|outro|middle 8|pre chorus|prechorus|coda|a section|b section|c section|"
    r"interlude|solo section|breakdown section|second half|first half"
)
TAKES = r"take|version|try|attempt|pass|run|one|go"
CHORD = re.compile(
    r"\b([A-G](?:#|b(?=m|maj|\d|sus|dim|add|aug))?(?:(?:maj|min|m|dim|aug|sus|add)\d{0,2}"
    r"|\d{1,2})(?:[b#]\d{1,2})?)(?![\w/+])(?! I\b)"
)
KEY = re.compile(
    r"\b(?:(?:in|to|into) )?(?:the )?(?:key (?:of|to|is)? ?(?:of )?)?([a-g])(?: ?(sharp|flat|#|b))? (major|minor"
    r"|dorian|mixolydian|phrygian|lydian|aeolian)\b"
)
KEY_ALONE = re.compile(r"\bkey (?:of|to) ([a-g])(?: ?(sharp|flat|#|b)\b)?(?! \w*(?:ord|ar)\b)")
INTERVALS = {
    "semitone": 1,
    "half step": 1,
    "whole step": 2,
    "tone": 2,
    "whole tone": 2,
    "third": 4,
    "fourth": 5,
    "fifth": 7,
}
SMALL = (
    r"ever so slightly|(?:just )?(?:a|an|the) (?:(?:tiny|little|wee|small|slight|teeny|smallest|lil) )?"
    r"(?:bit|touch|tad|hair|smidge|smidgen|shade|taste|whisker|fraction|dash|pinch|hint|nudge|skosh|amount|tick|drop"
    r"|click)(?: of)?(?! (?:out|the|mute)\b)|"
    r"(?:just )?a (?:little|lil|wee)|slightly|somewhat|kinda|sort of|kind of|lil|an? (?:small |tiny )?notch|marginally"
    r"|a few notches|(?:(?:tiny|little|wee|lil|small) )?bit(?! in)|a few db"
)
LARGE = (
    r"way(?! (?:it|you|to|we|that|the)\b)|a whole lot|a lot|lots|loads|far(?! back| forward| away| behind| ahead| out"
    r"| up| down| too)|massively|hugely|considerably|significantly|seriously|a ton|tons|drastically|dramatically|super"
    r"|"
    r"very|extremely|miles|a great deal|big time|heaps|substantially|much(?= \w+er\b| more| less| busier)|radically"
    r"|insanely|bags|plenty|quite a bit|quite a lot|a good deal"
)
THAN = (
    r"than (?:(?:it|you|we) (?:is|are|was|were|did|had|have)(?: (?:now|before))?|before|last time|earlier|usual|that"
    r"|this|now|what you did|the original|previously)"
)


def _meter_of(match: re.Match[str]) -> str:
    beats = int(match[1])
    return f" <meter={beats}/{8 if beats in (6, 7, 9, 11, 12, 13) else 4}> "


def _interval(match: re.Match[str]) -> str:
    return f" <size={INTERVALS[match[1]]} semitone> "


def _unit(match: re.Match[str]) -> str:
    names = {"d": "dB", "p": "%", "%": "%", "m": "ms", "o": "octave", "s": "semitone", "h": "semitone", "b": "bpm"}
    factor = 2 if match[2].startswith("whole") else 1
    return f" <size={float(match[1]) * factor:g} {'semitone' if factor == 2 else names[match[2][0]]}> "


def _span(match: re.Match[str]) -> str:
    return f" <scope=bars:{match[1]}-{match[2]}> "


def _take(match: re.Match[str]) -> str:
    order = {word: str(number) for number, word in enumerate(ORDINALS, 1)}
    name = re.sub(r"(?<=\d)(st|nd|rd|th)$", "", match[1])
    return f" <take={order.get(name, {'previous': 'previous', 'original': '1', 'very first': '1'}.get(name, name))}> "


def _section(match: re.Match[str]) -> str:
    name = match[2].replace("prechorus", "pre chorus").removesuffix(" section").replace(" ", "-")
    return f" <scope=section:{(match[1] or '').replace('next ', '').replace(' ', '-')}{name}> "


def _key(match: re.Match[str]) -> str:
    sign = {"sharp": "#", "flat": "b"}.get(match[2] or "", match[2] or "")
    mode = match[3] if match.lastindex and match.lastindex >= 3 else ""
    return f" <key={match[1].upper()}{sign}{' ' + mode if mode else ''}> "


def _than(match: re.Match[str]) -> str:
    last = match[0].split()[-1]
    now = last in ("that", "this", "now", "is", "are")
    return f" <cond=than {'now' if now else 'usual' if last == 'usual' else 'before'}> "


MARKS: tuple[tuple[str | re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (r"\b(?:a |one )(minor|major) third\b(?= |$|[.,!])", lambda m: f" <size={3 if m[1] == 'minor' else 4} semitone> "),
    (KEY, _key), (KEY_ALONE, _key), (r"\b(\d+) ?/ ?(\d+)\b(?! of)", r" <meter=\1/\2> "),
    (r"\b([5-9]|1\d) over (4|8|16)\b", r" <meter=\1/\2> "),
    (
        r"(?<![\d.])(?<!2 )\b([2-9]|1[0-9]) (4|8|16)(?:ths?|s)?(?= (?:time|feel|bar|meter|metre|in|for|and|from|there"
        r"|instead|please|on|until|groove|but|throughout|then|all|as|or|with)\b|\s*$|[.,!?])",
        r" <meter=\1/\2> ",
    ),
    (r"\b([2-9]|1[0-9]) (?:eighths?|eights|8ths)\b(?= (?:time|bar|in|for|feel)|\s*$|[.,!?])", r" <meter=\1/8> "),
    (r"\b([2-7]) (?:quarters?|fours?)\b(?! notes?)", r" <meter=\1/4> "),
    (r"\b(?:a )?waltz(?: time| feel)?\b", " <meter=3/4> "), (r"\b(?:common|regular|normal) time\b", " <meter=4/4> "),
    (
        r"\b\d(?: ?\+ ?\d)+\b|\b\d(?: plus \d)+\b|\b\d(?:-\d){2,}\b|(?<=grouped )\d(?: \d)+\b"
        r"|(?<=grouped as )\d(?: \d)+\b",
        lambda m: f" <group={'+'.join(re.findall(chr(92) + 'd', m[0]))}> ",
    ),
    (r"\bper cent\b", "percent"),
    (rf"\b{PLACES}(?:next |first )?bars? (\d+) ?(?:-|to|through|thru|until|till|up to) ?(?:bar )?(\d+)\b", _span),
    (
        rf"\b{PLACES}bars? (\d+) and (?:bar )?(\d+)\b",
        lambda m: _span(m) if int(m[2]) == int(m[1]) + 1 else f" <scope=bar:{m[1]}> <scope=bar:{m[2]}> ",
    ),
    (r"\b(?:a )?(\d+) bars? (build|break|fill|solo|breakdown|crescendo|pause|loop|vamp)\b", r" \2 <scope=bars:\1> "),
    (
        rf"\b{PLACES}bars?\s(\d+) (?:on|onwards?|and on|forward)\b|\b(?:from|starting (?:in|at|from|with)|as of"
        rf"|beginning (?:in|at)) (?:the )?bar (\d+)(?: on(?:wards?)?)?\b",
        lambda m: f" <scope=from:{m[1] or m[2]}> ",
    ),
    (r"\b(?:un)?till? (?:the )?bar (\d+)\b|\bup to bar (\d+)\b", lambda m: f" <scope=until:{m[1] or m[2]}> "),
    (r"\bafter (?:the )?bar (\d+)\b", lambda m: f" <scope=from:{int(m[1]) + 1}> "),
    (rf"\b{PLACES}first (\d+) bars\b", r" <scope=bars:1-\1> "),
    (rf"\b{PLACES}last (\d+) bars\b", r" <scope=bars:last-\1> "),
    (rf"\b{PLACES}bars? (?:number )?(\d+)\b", r" <scope=bar:\1> "),
    (r"\bevery (\d+)(?:th|nd|rd|st)?(?: bars?)?\b(?! on)", r" <scope=every:\1> "),
    (rf"\bevery ({ORDINAL}) bar\b", lambda m: f" <scope=every:{ORDINALS.index(m[1]) + 1}> "),
    (rf"\b{PLACES}({ORDINAL}|\d+(?:st|nd|rd|th)|last|final) bar\b", lambda m: f" <scope=bar:{_bar_number(m[1])}> "),
    (
        rf"\bin the ({ORDINAL}|last)(?: one)?(?= *(?:$|[.,!?;]|and\b|but\b|then\b))",
        lambda m: f" <scope=bar:{_bar_number(m[1])}> ",
    ),
    (
        r"\b(?:for |over |through |in |during )*(?:the )?(?:next|following|coming) (\d+) bars\b|\b(?:for|over|through"
        r"|during)(?: about| like| just| only)* (?:the )?(?:last |first )?(\d+)(?: more| whole| full)? bars?\b",
        lambda m: f" <scope=bars:{m[1] or m[2]}> ",
    ),
    (
        r"\b(?:for |over |in |during |on |at )*(?:the )?(?:next|following|coming) bar\b|\bfor (?:a"
        r"|one)(?: single)? bar\b",
        " <scope=bars:1> ",
    ),
    (r"\b(?:for |over )(?:a |the next )?(?:couple|few)(?: of)? bars\b|\bfor a couple\b", " <scope=bars:2> "),
    (r"\bevery other bar\b", " <scope=every:2> "), (r"\b(?:in )?every bar\b|\beach bar\b", " <scope=every:1> "),
    (rf"\b{PLACES}(?:letter|rehearsal mark|rehearsal letter) ([a-h])\b", r" <scope=section:\1> "),
    (rf"\b{PLACES}(?:next )?((?:{ORDINAL}|last|final|next) )?({SECTIONS})(?:s|es)?\b", _section),
    (
        r"\b(?:in|on|at|for|during|into|through|under|behind) (?:the|my|your|each|every) ()(solo|hook|drop|breakdown"
        r"|head|tag|refrain|ending|release|turnaround)s?\b",
        _section,
    ),
    (
        r"\bfrom (?:here|now|there|then)(?: on)?(?: out| in| forward| onwards?)?\b|\bfrom this point(?: on"
        r"| forward)?\b|\b(?:un)?till? (?:i|we) (?:say|tell|shout|ask|signal|give)(?: so| otherwise| you| stop"
        r"| the word| to stop| when| enough| different| you otherwise| a sign)*\b|"
        r"\b(?:until|till) (?:further notice|told otherwise|told|you hear from me)\b|\bgoing forward\b|\bfor good\b"
        r"|\bpermanently\b|\bfor the time being\b|\bfor now\b|\bas long as i do not say otherwise\b",
        " <scope=until-told> ",
    ),
    (r"\bthin (the|those|these) (\w+)(?: out)?\b", r"thin out \1 \2"),
    (
        r"\b(?:for|in|through|over|across|during|on) the (?:whole|entire|full|rest of the) (?:song|tune|piece|thing"
        r"|track|number|way|time)\b|\bthroughout(?: the (?:song|tune|piece|track))?\b|\ball (?:the way )?through\b"
        r"|\bthe (?:whole|entire) (?:time|way|song|tune)\b|"
        r"\bfor the rest of the (?:song|tune|piece|track)\b|\b(?:from )?start to finish\b|\b(?:from )?top to bottom\b"
        r"|\beverywhere\b|\bthe whole way through\b|\bto the end\b|\ball song(?: long)?\b|\bin all the song\b"
        r"|\buntil the end\b|\btill the end\b",
        " <scope=song> ",
    ),
    (
        r"\b(?:right|just|starting) now\b|\bright away\b|\bstraight away\b|\bimmediately\b|\b(?:in )?this bar\b"
        r"|\bat once\b|\bhere\b(?! is| comes| we|'s)|\basap\b|\bnow\b(?! that)",
        " <scope=now> ",
    ),
    (r"\b(?:gradually|progressively|bit by bit|little by little|step by step|over time)\b", " <cond=gradual> "),
    (r"\b(?:whatever (?:i|you|we|they) (?:do|play|say)|whatever happens|no matter what)\b", " <scope=until-told> "),
    (r"\bthan (me|us|you|mine)\b", r" <cond=than \1> "),
    (
        THAN,
        _than,
    ),
    (
        r"\b(?:compare|between|a/b|ab|a b|contrast) (?:take |version )?(?:number )?(\d+|one) (?:and|with|to|against|vs"
        r"|versus|or) (?:take |version )?(\d+)\b",
        lambda m: f" compare <take={'1' if m[1] == 'one' else m[1]} {m[2]}> ",
    ),
    (
        r"\b(?:(?<!i )(?<!we )like |as |back to |to |in |from )?(?:the |my |your )?take (?:number |#|nr )?(\d+|one)\b",
        lambda m: f" <take={'1' if m[1] == 'one' else m[1]}> ",
    ),
    (rf"\b(?:the )?({ORDINAL}|very first|\d+(?:st|nd|rd|th)|last|previous|original|latest) (?:{TAKES})\b", _take),
    (r"\bhalf an octave\b", " <size=6 semitone> "),
    (r"\b(?:by )?(?:an|one|1|a whole|a full|another|a) octave\b", " <size=1 octave> "),
    (r"\bby a (quarter|third)\b", lambda m: f" <size={25 if m[1] == 'quarter' else 33} %> "),
    (rf"\b(?:by )?(?:a|an|one|1) ({'|'.join(INTERVALS)})\b(?! (?:of|bar|chord|take))", _interval),
    (r"\b(?:a |one )?half a db\b", " <size=0.5 dB> "), (r"\b(?:by )?(?:a|one|another) (db|decibel)\b", " <size=1 dB> "),
    (r"\b(?:by )?a (?:couple|few)(?: of)? (?:db|decibels?)\b", " <size=2 dB> "),
    (
        r"(?:\bby |\babout |\bmaybe |\baround |\blike |\banother |\broughly )*[+-]?(?<!\d)(\d+(?:\.\d+)?) ?(db"
        r"|decibels?|%|percent|ms|milliseconds?|millis|octaves?|semitones?|half steps?|whole steps?"
        r"|whole tones?)(?!\w)",
        _unit,
    ),
    (
        r"\b(?:by |another )(\d+(?:\.\d+)?) ?(?:bpm|clicks|beats per minute|beats a minute|bpms)\b"
        r"|\b(\d{1,2}(?:\.\d+)?) ?(?:bpm|clicks)(?= (?:faster|slower|up|down|quicker|more|less|off))"
        r"|(?<=up )([1-2]?\d) ?(?:bpm|clicks)\b|(?<=down )([1-2]?\d) ?(?:bpm|clicks)\b",
        lambda m: f" <size={next(filter(None, m.groups()))} bpm> ",
    ),
    (
        r"(?<=slower )(?:by )?(\d{1,2})\b(?! ?(?:db|%|ms|bar|percent))|(?<=faster )(?:by )?(\d{1,2})\b(?! ?(?:db|%|ms"
        r"|bar|percent))|(?<=tempo )(?:up|down) (?:by )?(\d{1,2})\b",
        lambda m: f" <size={next(filter(None, m.groups()))} bpm> ",
    ),
    (
        r"(?:\b(?:to|at|around|about|exactly) )?\b(\d+(?:\.\d+)?) ?(?:bpm|beats per minute|beats a minute|bpms)\b",
        r" <tempo=\1> ",
    ),
    (
        r"\b(?:tempo|speed|bpm) ?:?(?: (?:to|at|of|is|should be|around|about|down to|up to|go to|set to"
        r"|on))? (\d{1,4})\b(?! bars)",
        r" <tempo=\1> ",
    ),
    (
        r"\b(?:to|at|around|say|make it|try|try it at|play it at|it at) (\d{2,3})\b(?! (?:bars|bar|percent|ms|db"
        r"|takes))",
        r" <tempo=\1> ",
    ),
    (
        r"^(\d{2,3})(?= please|$|[.!,])|(?<=, )(\d{2,3})(?=\s*(?:please)?\s*(?:$|[.!,]))",
        lambda m: f" <tempo={m[1] or m[2]}> ",
    ),
    (
        r"\b(?:in|back to|back in|feel it in|count in|count it in|go to|to) ([3-9]|11|13)\b(?! (?:bars?|beats|takes"
        r"|notes|bpm|parts?))(?=\s|$|[.,!?])",
        _meter_of,
    ),
    (r"\bhalf as (?:much )?", " less <size=50 %> "), (r"\btwice as (?:much )?", " more <size=100 %> "),
    (r"\bby half\b|\bin half\b(?! time| feel)|\bhalve\b|\bhalf the\b(?! time| speed feel)", " <size=50 %> "),
    (r"\b(?:twice|double) the\b(?! time| speed)", " <size=100 %> "),
    (
        r"\b(\d+)(?: (more|extra|fewer|less))? bars\b",
        lambda m: f" {'less' if m[2] in ('fewer', 'less') else 'more' if m[2] else ''} <size={m[1]} bar> ",
    ),
    (r"\b(?:too (?:much|many)|so (?:much|many)|that much)\b", lambda m: f" {m[0].replace(' ', '_')} "),
    (rf"\b(?:{LARGE})\b", " <size=large> "), (rf"\b(?:{SMALL})\b(?! up)", " <size=small> "),
)  # fmt: skip


def _bar_number(word: str) -> str:
    if word in ("last", "final"):
        return "last"
    return str(ORDINALS.index(word) + 1) if word in ORDINALS else re.sub(r"\D", "", word)


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]:
    return tuple((re.compile(pattern) if isinstance(pattern, str) else pattern, put) for pattern, put in MARKS)


DECADE = re.compile(
    r"(?:\b(?:in the style of|from|of|in|like|since|circa) )?(?:\bthe )?(?:\b(?:early|mid|late)[ -])?"
    r"(?:(?<!\w)['’]?(?:19|20)?[2-9]0(?:['’]?s)\b|\b(?:twen|thir|for|fif|six|seven|eigh|nine)ties\b"
    r"|(?<=from |like )(?:19[2-9]\d|20[0-2]\d)\b)",
    re.IGNORECASE,
)


def without_decades(text: str) -> str:
    """Return the text without decades and years ("70s soul", "like the eighties"): they name a style, no tempo."""
    return re.sub(r"[ \t]+", " ", DECADE.sub(" ", text)).strip() if DECADE.search(text) else text


def plain(text: str) -> str:
    """Lower case, short forms written out, hyphens open, numbers in digits."""
    text = (
        text
        if "<chord=" in text
        else CHORD.sub(lambda m: f" <chord={m[1].replace('#', '♯')}> ", unicodedata.normalize("NFKC", text))
    )
    kept = [m.group() for m in re.finditer(r"<chord=\S+>", text)]
    text = re.sub(r"<chord=\S+>", "\x00", text).replace("⁄", "/").lower()
    for pattern, put in SHORT_FORMS:
        text = re.sub(pattern, put, text)
    text = re.sub(r"(?<=[a-z])-(?=\w)|(?<=\d)-(?=[a-z])", " ", text)
    text = re.sub(r"(?<=\d) (?=\d{3}\b)", "", numbers(text))
    for chord in kept:
        text = text.replace("\x00", chord.replace("♯", "#"), 1)
    return re.sub(r"[ \t]+", " ", text).strip()


def numbers(text: str) -> str:
    """Number words as digits, "one" only where it counts: bar one, one twenty (120)."""
    hundreds = {word: n for n, word in enumerate(ONES) if 0 < n < 10} | {"a": 1}
    text = re.sub(rf"\b({'|'.join(hundreds)}) hundred(?: and)?(?: |$)", lambda m: f"{hundreds[m[1]]}00+ ", text)
    text = re.sub(r"\b(bar|take|bars|beat) one\b", r"\1 1", text)
    text = re.sub(rf"\bone ({'|'.join(TENS)})\b", r"100+ \1", text)
    words = [str(NUMBERS[word]) if word in NUMBERS else word for word in re.split(r"(\W+)", text) if word]
    text = "".join(words)
    text = re.sub(r"\b([2-9]0)[ -]([1-9])\b(?! ?/)", lambda m: str(int(m[1]) + int(m[2])), text)
    return re.sub(
        r"\b(\d)00\+ +(?:(\d{1,2})\b)?", lambda m: f"{m[1]}{int(m[2] or 0):02d}" + ("" if m[2] else " "), text
    )


def marked(text: str) -> str:
    """`plain` text with every scope, size and value as a mark."""
    for pattern, put in _compiled():
        if pattern.search(text):
            text = "".join(
                part if part.startswith("<") else pattern.sub(put, part) for part in re.split(r"(<[^>]+>)", text)
            )
    return text


def words(text: str) -> list[str]:
    """Words, marks and the separators , . ! ? ; : of a sentence."""
    return re.findall(r"<[^>]+>|[\w'♯#_]+|[,;:.!?()]", marked(plain(text)))
