"""`song_of` makes a song from a typed chord chart: "Em7 | C | D/F# | Em", with repeats, sections and odd bars.

A line "[Verse]" or "Verse:" begins a section; bars are set apart by |; |: ... :| is played twice, :|x3 three times; %
repeats a bar; "7/8" before a bar's chords is that bar's meter; chords of one bar share it evenly.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from agent.core.errors import UserError
from agent.core.settings import STYLES
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar, BassNote
from agent.parts.groove_library import GrooveLibrary
from agent.parts.song_key import hear_bar
from agent.song.bar_planner import plan_bar
from agent.song.kept import BARS_MAX, KeptSection
from agent.song.song_plan import SongPlan
from agent.songbook.song_file import Song, path_of, plain
from listener.plain_file import read_plain
from listener.types import Meter
from models.music.tokens import Position, ticks_per_beat

CHARACTERS_MAX = 20_000
REPEATS_MAX = 16
LOWEST_BASS = 28  # MIDI, E1
VELOCITY = 84
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
CHORD = re.compile(r"([A-G])([#b♯♭]*)([^/\s]*)(?:/([A-G])([#b♯♭]*))?")
METER = re.compile(r"(\d{1,2})/(\d{1,2})")
HEADER = re.compile(r"\s*(?:\[([^\]|]{1,40})\]|([A-Za-z][\w '-]{0,39}):(?!\|))\s*(.*)", re.DOTALL)
QUALITY = {  # what stands behind the root -> the nearest quality that the band plays, and what is added
    **dict.fromkeys(("", "M", "maj", "major", "5", "6", "69", "+", "aug"), ("maj", ())),
    **dict.fromkeys(("add9", "2", "add2"), ("maj", (14,))),
    **dict.fromkeys(("m", "-", "min", "minor", "mi", "m6", "-6"), ("min", ())),
    **dict.fromkeys(("7", "dom7", "7b9", "7#9", "7alt", "7b5", "7#5", "7#11"), ("7", ())),
    **dict.fromkeys(("9", "11", "13"), ("7", (14,))),
    **dict.fromkeys(("maj7", "M7", "j7", "Δ", "Δ7", "^7", "^"), ("maj7", ())),
    **dict.fromkeys(("maj9", "M9"), ("maj7", (14,))),
    **dict.fromkeys(("m7", "-7", "min7", "mi7"), ("min7", ())),
    **dict.fromkeys(("m9", "-9", "m11"), ("min7", (14,))),
    **dict.fromkeys(("dim", "o", "°", "dim7", "o7", "°7"), ("dim", ())),
    **dict.fromkeys(("m7b5", "-7b5", "ø", "ø7", "min7b5"), ("min7b5", ())),
    **dict.fromkeys(("sus", "sus4", "7sus", "7sus4", "sus2", "9sus"), ("sus4", ())),
}
SPOKEN = (
    (r"\b(sharp)\b", "#"),
    (r"\b(flat)\b", "b"),
    (r"\b(minor|min)\b", "m"),
    (r"\b(major seven(?:th)?|major 7)\b", "maj7"),
    (r"\b(major|maj)\b(?! ?7)", ""),
    (r"\b(seven(?:th)?)\b", "7"),
    (r"\b(half diminished)\b", "m7b5"),
    (r"\b(diminished)\b", "dim"),
    (r"\b(then|to|and)\b", ","),
)

Bar = tuple[Meter | None, tuple[tuple[ChordAt, int], ...]]  # its own meter; (chord, pitch class of the bass)


def text_of(given: str) -> str:
    """Return a chart: the text itself, or that of a file of this name. Raises UserError."""
    if "|" in given or not Path(given).suffix:
        return given
    try:
        return read_plain(Path(given), CHARACTERS_MAX).decode("utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise UserError(f"chart {given}: {getattr(cause, 'strerror', None) or cause}") from None


def spoken(text: str) -> str:
    """Return spoken chords as a chart: "A minor, F sharp" -> "Am | F#"."""
    said = text.strip(" .!")
    for pattern, sign in SPOKEN:
        said = re.sub(rf"\s*{pattern}" if sign != "," else pattern, sign, said, flags=re.IGNORECASE)
    bars = [bar.strip() for bar in re.split(r"\s*[,|;]\s*", said) if bar.strip()]
    return " | ".join(" ".join(word[:1].upper() + word[1:] for word in bar.split()) for bar in bars)


def song_of(name: str, text: str, meter: str = "4/4", tempo_bpm: float | None = None, style: str | None = None) -> Song:
    """Return the song of a chart. tempo_bpm: beats of the meter a minute. Raises UserError, naming bar and chord."""
    path_of(name)
    usual = _meter(meter, "--meter")
    if style is not None and style not in STYLES:
        raise UserError(f"unknown style {style!r}; choose {', '.join(STYLES)}")
    if tempo_bpm is not None and not 30 <= tempo_bpm <= 300:
        raise UserError(f"tempo {tempo_bpm:g}: give a number from 30 to 300")
    if len(text) > CHARACTERS_MAX:
        raise UserError(f"the chart has {len(text)} characters; {CHARACTERS_MAX} are allowed")
    song = Song(" ".join(name.split()))
    quarter_bpm = tempo_bpm * 4 / usual.denominator if tempo_bpm else 0.0
    library, order = GrooveLibrary.load(), list[str]()
    for section, body in _sections(text):
        title = plain(section) or "chart"
        order.append(title)
        if not body.strip():
            song.section(title)  # a name alone: it is played again
            continue
        song = song.with_section(section_of(title, body, usual, quarter_bpm, style, library))
    if not song.sections:
        raise UserError("the chart has no chords; write bars such as: Em7 | C | D/F# | Em")
    return replace(song, order=tuple(order) if len(order) > 1 else ())


def section_of(
    name: str, body: str, usual: Meter, quarter_bpm: float, style: str | None, library: GrooveLibrary
) -> KeptSection:
    """Return a section from its bars of chords, with a groove and comping of the band's choice."""
    bars = _bars(body, name)
    odd = tuple((at, own) for at, (own, _) in enumerate(bars) if own is not None and own != usual)
    bass, chords = zip(*(_placed(bar, usual) for bar in bars), strict=True)
    plan = SongPlan(style=style, quarter_bpm=quarter_bpm)
    for one in bass:
        plan = replace(plan, key=hear_bar(plan.key, one))
    plan, _ = plan_bar(plan, list(bass), library, True)
    section = replace(plan.sections[plan.current], name=name)
    return KeptSection(name, section, bass, chords, plan.key.tonic, plan.key.mode, quarter_bpm, odd=odd, written=True)


def _sections(text: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for line in text.splitlines():
        match = HEADER.fullmatch(line)
        if match:
            out.append((match[1] or match[2], match[3]))
        elif line.strip():
            name, body = out.pop() if out else ("", "")
            out.append((name, f"{body} | {line}" if body.strip() else line))
    return out


def _bars(body: str, section: str) -> list[Bar]:
    """Return the bars of a section, repeats written out."""
    out: list[Bar] = []
    for part, times in _repeats(body):
        bars: list[Bar] = []
        for written in (one.strip() for one in part.split("|")):
            if not written:
                continue
            before = (bars or out)[-1:]
            if written in ("%", ".", "/."):
                if not before:
                    raise UserError(f"{section}: % repeats a bar, and there is none before it")
                bars += before
                continue
            bars.append(_bar(written, section, len(out) + len(bars) + 1))
        out += bars * times
    if not out:
        raise UserError(f"{section}: no chords; write bars such as: Em7 | C | D/F# | Em")
    if len(out) > BARS_MAX:
        raise UserError(f"{section}: {len(out)} bars; a section has {BARS_MAX} at most: give the rest another name")
    return out


def _repeats(body: str) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    at = 0
    for match in re.finditer(r"\|?\|:(.*?):\|\|?\s*(?:x ?(\d{1,2}))?", body, re.DOTALL):
        parts += [(body[at : match.start()], 1), (match[1], int(match[2] or 2))]
        at = match.end()
        if not 1 <= parts[-1][1] <= REPEATS_MAX:
            raise UserError(f"x{match[2]}: a part is repeated 1 to {REPEATS_MAX} times")
    rest = body[at:]
    if ":" in rest:
        raise UserError("a repeat is written |: ... :| with both its signs")
    return [*parts, (rest, 1)]


def _bar(written: str, section: str, number: int) -> Bar:
    where = f"{section}, bar {number}"
    first, *others = written.strip("() ").split()
    own = _meter(first.strip("():"), where) if METER.fullmatch(first.strip("():")) else None
    names = others if own else [first, *others]
    return own, tuple(_chord(name, where) for name in names)


def _chord(name: str, where: str) -> tuple[ChordAt, int]:
    match = CHORD.fullmatch(name.strip("(),"))
    kind = QUALITY.get(match[3]) if match else None
    if match is None or kind is None:
        raise UserError(f"{where}: {name[:20]!r} is no chord that I know; such as Em7, C, D/F#, Bbmaj7 or Asus4")
    root = _pitch_class(match[1], match[2])
    bass = _pitch_class(match[4], match[5]) if match[4] else root
    return ChordAt(0, root, *kind), bass


def _pitch_class(letter: str, signs: str) -> int:
    up = sum(sign in "#♯" for sign in signs) - sum(sign in "b♭" for sign in signs)
    return (ROOTS[letter] + up) % 12


def _meter(text: str, where: str) -> Meter:
    match = METER.fullmatch(text)
    if match is None or not 0 < int(match[1]) <= 24 or int(match[2]) not in (2, 4, 8, 16):
        raise UserError(f"{where}: meter {text!r}; give 1 to 24 beats of 2, 4, 8 or 16, such as 7/8")
    return Meter(int(match[1]), int(match[2]))


def _placed(bar: Bar, usual: Meter) -> tuple[BassBar, tuple[ChordAt, ...]]:
    """Return (the bass that is expected: roots, on each chord; the chords at their ticks)."""
    ticks, per_beat = Position(0, 0, usual).ticks_per_bar, ticks_per_beat(usual)
    own = min(Position(0, 0, bar[0]).ticks_per_bar, ticks) if bar[0] else ticks
    count = max(len(bar[1]), 1)
    starts = [round(own * at / count / per_beat) * per_beat for at in range(len(bar[1]))]
    chords = tuple(replace(chord, tick=tick) for tick, (chord, _) in zip(starts, bar[1], strict=True))
    notes = tuple(
        BassNote(tick, max(after - tick, 1), _low(bass), VELOCITY)
        for tick, after, (_, bass) in zip(starts, [*starts[1:], ticks], bar[1], strict=True)
    )
    return BassBar(usual, ticks, notes), chords


def _low(pitch_class: int) -> int:
    return LOWEST_BASS + (pitch_class - LOWEST_BASS) % 12
