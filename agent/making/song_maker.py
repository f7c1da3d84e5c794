"""`make` makes a song of a brief: form, key, harmony, a bass riff for each kind of section, and the band over it.

The band plays its song plan (agent/song) over the bass, as it does live; the song is a take (agent/takes), so that it
sounds, is written and measured as a workshop's takes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agent.directions.active import ActiveEdits
from agent.making.bass_writer import RIFF_OF, BassWriter, Themes
from agent.making.brief import Brief
from agent.making.form import Form, bar_s, ticks_of
from agent.making.outline import Given, Outline
from agent.parts.bar_chords import ChordAt
from agent.parts.bass_bar import BassBar
from agent.reply import copy_guard
from agent.song.song_plan import BarPlan
from agent.takes.riff import Bar, Riff
from agent.takes.take import Take
from agent.takes.take_generator import Drawer
from listener.types import Key
from models.music.tokens import PARTS, BassTick, Position
from models.responder.responder import Responder

TEMPERATURE = 0.9


@dataclass(frozen=True, slots=True)
class Song:
    """A song as it was made. plans: of the band, bar by bar; like: what the reference was; begun: whether
    the song goes on from it; revised: whether it has the riffs of the song before."""

    brief: Brief
    seed: int
    key: Key
    quarter_bpm: float
    form: Form
    themes: Themes
    bass: tuple[BassBar, ...]
    harmonies: tuple[tuple[ChordAt, ...], ...]
    take: Take
    plans: tuple[BarPlan, ...] = ()
    like: str = ""
    voice: Path | None = None
    begun: bool = False
    revised: bool = False

    @property
    def seconds(self) -> float:
        return sum(bar_s(meter, self.quarter_bpm) for meter in self.form.meters)


def make(brief: Brief, responder: Responder, seed: int = 0, given: Given | None = None) -> Song:
    """Return the song of a brief; the same brief, seed and reference give the same song. Raises UserError where all
    tries repeat a training song."""
    outline = Outline(brief, seed, given or Given())
    meters = outline.form.meters
    places = [Position(t, n, meter) for n, meter in enumerate(meters) for t in range(ticks_of(meter))]

    def song(offset: int) -> Song:
        return _played(outline, responder, seed + offset)

    return copy_guard.original(song, lambda made: [moment.reply for moment in made.take.played], places)


def _played(outline: Outline, responder: Responder, seed: int) -> Song:
    writer = BassWriter(outline, responder)
    themes = writer.themes(seed)
    bass, harmonies = writer.written(seed, themes)
    bars = tuple(Bar(bar.meter, _ticks(bar), 0.0, bar_s(bar.meter, outline.quarter_bpm)) for bar in bass)
    riff = Riff(bars, outline.quarter_bpm, outline.key, 0.0, outline.swing or 0.5)
    drawer = Drawer(
        responder,
        TEMPERATURE,
        1,
        riff,
        bars,
        outline.settings,
        seed,
        {},
        frozenset(PARTS),
        harmonies=tuple(harmonies),
        form=tuple(RIFF_OF.get(part.role, part.role) for part in outline.form.parts for _ in range(part.bars)),
        ends=True,
        liking=outline.given.liking,
        declined=outline.given.declined,
    )
    drawn, played = drawer.walk()
    take = Take(1, riff, ActiveEdits(), bars, drawn, played, outline.settings, "made from words", "", seed)
    return Song(
        outline.brief,
        outline.seed,
        outline.key,
        outline.quarter_bpm,
        outline.form,
        themes,
        tuple(bass),
        tuple(harmonies),
        take,
        tuple(drawer.plans),
        outline.given.said,
        outline.given.voice,
        outline.given.begun,
        bool(outline.given.riffs),
    )


def _ticks(bar: BassBar) -> tuple[BassTick, ...]:
    out = [BassTick(True)] * bar.ticks
    for note in bar.notes:
        out[note.tick] = BassTick(True, note.pitch, note.velocity, note.pitch)
        for tick in range(note.tick + 1, min(note.tick + note.length, bar.ticks)):
            out[tick] = BassTick(True, None, 0, note.pitch)
    return tuple(out)
