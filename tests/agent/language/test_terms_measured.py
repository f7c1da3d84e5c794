"""Every row of the vocabulary, played: what it names moves the way it says, and what it does not name stays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from agent.directions.active import ActiveEdits
from agent.directions.edit import Edit
from agent.language import vocabulary
from agent.language.vocabulary import Term
from agent.takes.measures import Measured
from agent.takes.riff import Bar, Riff
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take
from listener.types import Key, Meter
from models.music.tokens import BassTick
from models.responder.responder import Responder
from models.timing.drum_timing import Timing

RIFF = ((0, 40), (3, 40), (6, 43), (8, 45), (11, 47), (14, 43))
REPLIES_ONLY = {  # handled by the conversation, not by the notes: tests/agent/conversation/test_riff_dialogue.py
    *("undo", "go back to that", "keep that", "repeat the hook", "loop it", "odd meter"),
    *("count in", "you lead", "i lead"),
    *("trade fours", "trade eights", "trade twos", "steady tempo", "come back in"),
}
THE_PLAYERS = {"two feel", "walking"}  # patterns of the bass: the player plays those
IN_THE_MIX = {
    "brighter",
    "darker",
    "wetter",
    "drier",
    "wider",
    "narrower",
    "brushes",
    "pan left",
    "pan right",
    "pan to the middle",
}


def riff() -> Riff:
    """Four bars in E minor, 100 quarters a minute."""
    bars = []
    for number in range(4):
        begun = dict(RIFF) if number < 3 else dict(RIFF[:4])
        sounding, ticks = None, []
        for tick in range(16):
            sounding = begun.get(tick, sounding)
            ticks.append(BassTick(True, begun.get(tick), 96 if tick in begun else 0, sounding))
        bars.append(Bar(Meter(4, 4), tuple(ticks), 2.4 * number, 2.4 * number + 2.4))
    return Riff(tuple(bars), 100.0, Key(4, "min", 0.9))


@cache
def sketcher() -> Sketcher:
    return Sketcher(Responder.load())


@cache
def base(*before: str) -> Take:
    """A take of the riff; before: what was asked already."""
    return sketcher().begin(riff(), ActiveEdits().ask(tuple(map(Edit.read, before))))


@cache
def hands() -> Timing:
    return Timing.load()


def after(take: Take, *edits: Edit) -> Take:
    return sketcher().imagine(take, edits)


def terms() -> list[Term]:
    tables = (getattr(vocabulary, name) for name in dir(vocabulary) if name.isupper())
    rows = [row for table in tables if isinstance(table, tuple) for row in table if isinstance(row, Term)]
    return list({row.name: row for row in rows}.values())


NUMBERS: dict[str, Callable[[Measured, str], float]] = {
    vocabulary.LEVEL: lambda m, voice: m.level_db(voice),
    vocabulary.DENSITY: lambda m, voice: m.onsets_a_bar(voice),
    vocabulary.PITCH: lambda m, voice: m.pitch(voice),
    vocabulary.ROUGH: lambda m, voice: m.dissonance,
    vocabulary.FIFTHS: lambda m, voice: m.falling_fifths,
    vocabulary.OFFSET: lambda m, voice: m.late_ms(voice),
    vocabulary.SPREAD: lambda m, voice: m.spread_ms(voice),
    vocabulary.SWING: lambda m, voice: m.swing,
    vocabulary.BPM: lambda m, voice: m.tempo_bpm,
    vocabulary.SYNCOPATION: lambda m, voice: m.syncopation(voice),
    vocabulary.VELOCITY: lambda m, voice: m.velocity(voice),
    vocabulary.CHANGE: lambda m, voice: m.change(),
    vocabulary.DURATION: lambda m, voice: m.held("chords"),
    vocabulary.BARS: lambda m, voice: float(len(m.take.bars)),
    vocabulary.SOUNDING: lambda m, voice: m.onsets_a_bar(voice),
    vocabulary.BACKBEATS: lambda m, voice: float(
        np.mean([tick in (4, 12) for bar in m.strokes for tick in bar] or [0])
    ),
    vocabulary.ANSWER: lambda m, voice: m.in_gaps(voice),
    "level below 120 Hz, dB RMS": lambda m, voice: m.level_db("kick"),
    "hat strokes a bar": lambda m, voice: m.onsets_a_bar("hat"),
    "side stick (37) strokes a bar": lambda m, voice: m.onsets_a_bar("rim"),
    "crash on beat 1": lambda m, voice: float(np.mean([0 in bar for bar in m.steps("crash")])),
    "snare strokes below velocity 50 a bar": lambda m, voice: (
        sum(n.velocity < 50 for n in m.of("snare")) / len(m.take.bars)
    ),
    "open hat (46) share of the hat's strokes": lambda m, voice: len(m.of("open_hat")) / max(len(m.of("hat")), 1),
    "closed hat (42) share of the hat's strokes": lambda m, voice: len(m.of("closed_hat")) / max(len(m.of("hat")), 1),
}
FIRST = {  # rows that can only be seen after something else was asked
    "come back in": ("band.mute on",),
    "closed hat": ("hat.pattern set open",),
    "straight": ("feel.swing more",),
    "more consonant": ("harmony.dissonance more ~large",),
    "tighter": ("feel.timing set loose",),
    "lighter bottom": ("kick.level more",),
    "legato chords": ("harmony.length less",),
    "ride instead of hat": ("hat.pattern set eighths",),
    "open hat": ("hat.pattern set eighths",),
    "comping": ("harmony.pattern set pads",),
    "resolve": ("harmony.resolution off",),
}
MEASURED = [
    term
    for term in terms()
    if term.moves in "+-" and term.measure in NUMBERS and term.name not in REPLIES_ONLY | IN_THE_MIX
]


@pytest.mark.parametrize("term", MEASURED, ids=lambda term: term.name)
def test_what_a_row_names_moves_as_it_says(term: Term) -> None:
    before = base(*FIRST.get(term.name, ()))
    edits, number = term.read(), NUMBERS[term.measure]
    changed = after(before, *edits)
    old, new = (number(Measured(take, hands()), edits[0].target) for take in (before, changed))
    moved = np.nan_to_num(new) - np.nan_to_num(old)
    assert moved * (1 if term.moves == "+" else -1) > 0, f"{term.name}: {old:.3f} -> {new:.3f}"


STEPS = [term for term in terms() if term.measure == vocabulary.STEPS and term.name not in REPLIES_ONLY]


@pytest.mark.parametrize("term", STEPS, ids=lambda term: term.name)
def test_a_pattern_strikes_otherwise_and_its_harmony_goes_on(term: Term) -> None:
    before = sketcher().begin(riff(), seed=3)  # whose kick is not on every quarter already
    changed = after(before, *term.read())
    pieces = ("kick", "snare", "rim", "closed_hat", "ride", "shaker", "open_hat")
    old, new = ({p: Measured(take).steps(p) for p in pieces} for take in (before, changed))
    assert old != new
    if term.read()[0].target != "band":
        assert notes_of_parts(before, "chords", "line") == notes_of_parts(changed, "chords", "line")


def notes_of_parts(take: Take, *parts: str) -> list[object]:
    measured = Measured(take)
    return [measured.notes[part] for part in parts]


NAMED_ALONE = {"level", "mute", "register", "timing", "reverb", "brightness", "pan", "length", "width"}


@pytest.mark.parametrize("target", ["kick", "snare", "hat", "harmony", "line"])
@pytest.mark.parametrize("dimension", ["level", "timing", "density"])
def test_what_is_not_named_stays_to_the_note(target: str, dimension: str) -> None:
    before = base()
    measured, changed = Measured(before), Measured(after(before, Edit.read(f"{target}.{dimension} less")))
    voices = {"kick": {"kick"}, "snare": {"snare", "rim"}, "hat": {"closed_hat", "open_hat"}}.get(target)
    others = {"kick", "snare", "rim", "closed_hat", "open_hat", "ride", "crash"} - (voices or set())
    for piece in others:
        assert measured.of(piece) == changed.of(piece), piece
    for part in {"chords", "line", "bass"} - ({"harmony": {"chords"}, "line": {"line"}}.get(target) or set()):
        assert measured.notes[part] == changed.notes[part], part


def test_a_seven_eight_bar_in_bar_three_is_there_and_only_there() -> None:
    before = base()
    changed = after(before, Edit.read("form.meter set 7/8 @bar:3"))
    assert [str(m) for m in changed.meters] == ["4/4", "4/4", "7/8", "4/4"] * 2
    old, new = Measured(before, bars=(0, 1)), Measured(changed, bars=(0, 1))
    assert [old.of(p) for p in ("drums", "chords", "line")] == [new.of(p) for p in ("drums", "chords", "line")]


def test_the_snare_comes_back_by_as_many_decibels_as_asked() -> None:
    before = base()
    changed = after(before, Edit.read("snare.level less ~6 dB"))
    assert Measured(changed).level_db("snare") - Measured(before).level_db("snare") == pytest.approx(-6, abs=0.3)


def test_fifteen_milliseconds_behind_are_fifteen() -> None:
    before = base("feel.timing set tight")
    changed = after(before, Edit.read("band.timing set 15 ms"))
    for part in ("drums", "chords", "line"):
        assert Measured(changed).late_ms(part) - Measured(before).late_ms(part) == pytest.approx(15, abs=1)


def test_not_resolving_leaves_no_falling_fifth() -> None:
    assert np.nan_to_num(Measured(after(base(), Edit.read("harmony.resolution off"))).falling_fifths) == 0


def test_the_table_has_sixty_rows_whose_sound_is_measured() -> None:
    assert len({t.name for t in (*MEASURED, *STEPS)} | IN_THE_MIX) >= 60
