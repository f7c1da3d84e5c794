"""Draws the live panel of `antiphon listen --mic`: Board gathers analyses, panel() draws them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from rich.console import RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.core.level_meter import LEVEL_STYLES, METER_DB, SILENCE_DB
from agent.core.music_names import chord_name, key_name, pitch_name
from listener.types import Analysis, Chord, Feel, Grid, Hook, Key, Note, Phrase, Repetition, Timbre

CELLS = 45  # width of the level meter and of the tuner
TUNED_CENTS = 6.0
HISTORY = 14
CONTOUR_FRAMES, CONTOUR_EVERY = 60, 6  # the pitch of the last 4.8 s, a column per 80 ms
CONTOUR_PITCHES = (26, 55)
BARS = "▁▂▃▄▅▆▇█"
UNKNOWN = "unknown"  # a Feel that knows nothing yet
FALL_DB, PEAK_FALL_DB = 1.0, 0.15  # by which level and peak sink each frame
SURE_STYLES = ((0.7, "green"), (0.4, "yellow"), (0.0, "dim"))
MARKS = {"legato": "⌒", "slide": "/", "ghost": "×"}


@dataclass(slots=True)
class Board:
    """What has been heard so far. behind_s: how far the listener is behind the microphone. One thread."""

    source: str = ""
    time_s: float = 0.0
    level_db: float = SILENCE_DB
    peak_db: float = SILENCE_DB
    f0_hz: float | None = None
    notes: deque[Note] = field(default_factory=lambda: deque(maxlen=HISTORY))
    heard: int = 0
    revised: int = 0
    contour: deque[float | None] = field(default_factory=lambda: deque(maxlen=CONTOUR_FRAMES))
    grid: Grid | None = None
    bar: int = 0
    chord: Chord | None = None
    key: Key | None = None
    feel: Feel | None = None
    phrase: Phrase | None = None
    phrases: int = 0
    repetition: Repetition | None = None  # the last
    hook: Hook | None = None
    timbre: Timbre | None = None  # of the last note that has one
    behind_s: float = 0.0
    xruns: int = 0
    dropped: int = 0
    _frames: int = 0
    _beat: int | None = None

    def add(self, a: Analysis) -> None:
        """One frame's worth."""
        self.time_s, self.f0_hz = a.time_s, a.f0_hz
        self.level_db = max(a.rms_db, self.level_db - FALL_DB)
        self.peak_db = max(a.rms_db, self.peak_db - PEAK_FALL_DB)
        self._hear_notes(a)
        self._frames += 1
        if self._frames % CONTOUR_EVERY == 0:
            self.contour.append(69 + 12 * math.log2(a.f0_hz / 440) if a.f0_hz else None)
        self.chord, self.key, self.feel = a.chord, a.key, a.feel or self.feel
        self.repetition, self.hook = a.repetition or self.repetition, a.hook or self.hook
        self.timbre = a.timbre[-1] if a.timbre else self.timbre
        if a.phrase:
            self.phrases += a.phrase.end_s is None
            self.phrase = a.phrase
        self._count_bars(a.grid)

    def _hear_notes(self, a: Analysis) -> None:
        self.heard += len(a.notes)
        self.revised += len(a.revised)
        self.notes.extend(a.notes)
        for note in (*a.revised, *a.ended):
            for place, known in enumerate(self.notes):
                if known.onset_s == note.onset_s:
                    self.notes[place] = note

    def _count_bars(self, grid: Grid | None) -> None:
        self.grid = grid
        beat = math.floor(grid.beat_at(self.time_s)) if grid else None
        if grid and beat is not None and beat != self._beat:
            self.bar += grid.position_of(beat) == 1
        self._beat = beat


def summary(board: Board) -> str:
    """One line: what was heard."""
    words = [f"{board.heard} notes", f"{board.phrases} phrases"]
    if board.grid:
        words += [f"{60 / board.grid.period_s:.1f} bpm", str(board.grid.meter)]
    words += [key_name(board.key)] if board.key else []
    words += [str(board.feel)] if board.feel and str(board.feel) != UNKNOWN else []
    return f"listened {board.time_s:.1f} s: {', '.join(words)}; {board.xruns} xruns, {board.dropped} samples lost"


def panel(board: Board) -> RenderableType:
    """The live display."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", min_width=7)
    grid.add_column(min_width=66)
    for name, cell in _rows(board):
        grid.add_row(name, cell)
    minutes, seconds = divmod(int(board.time_s), 60)
    title = f"[bold]Antiphon listens[/]  {minutes:02}:{seconds:02}"
    return Panel(grid, title=title, title_align="left", subtitle=Text(board.source, style="dim"), expand=False)


def _rows(board: Board) -> list[tuple[str, RenderableType]]:
    return [
        ("level", _level(board)),
        ("tuner", _tuner(board)),
        ("pitch", _contour(board)),
        ("notes", _history(board)),
        ("sound", _sound(board)),
        ("beat", _beat(board)),
        ("tempo", _tempo(board)),
        ("chord", _harmony(board)),
        ("feel", Text("-" if board.feel is None or str(board.feel) == UNKNOWN else str(board.feel))),
        ("phrase", _phrase(board)),
        ("form", _form(board)),
        ("", _counts(board)),
    ]


def _share(db: float) -> float:
    low, high = METER_DB
    return min(max((db - low) / (high - low), 0.0), 1.0)


def _level(board: Board) -> Text:
    cells, peak = round(CELLS * _share(board.level_db)), min(round(CELLS * _share(board.peak_db)), CELLS - 1)
    style = next(style for least_db, style in LEVEL_STYLES if board.level_db >= least_db)
    bar = Text("█" * cells, style=style) + Text("░" * (CELLS - cells), style="dim")
    if peak > cells:
        bar = bar[:peak] + Text("│", style="bold") + bar[peak + 1 :]
    return bar + Text(f" {board.level_db:6.1f} dB", style="none")


def _tuner(board: Board) -> Text:
    """The pitch that sounds, and a needle from -50 to +50 cents; green when in tune."""
    if not board.f0_hz:
        return Text("─" * (CELLS // 2) + "┼" + "─" * (CELLS // 2), style="dim")
    exact = 69 + 12 * math.log2(board.f0_hz / 440)
    cents = 100 * (exact - round(exact))
    place = round((cents + 50) / 100 * (CELLS - 1))
    style = "bold green" if abs(cents) <= TUNED_CENTS else "bold yellow"
    scale = ["─"] * CELLS
    scale[CELLS // 2] = "┼"
    needle = Text("".join(scale[:place]), style="dim") + Text("●", style=style)
    needle += Text("".join(scale[place + 1 :]), style="dim")
    name = f"{pitch_name(round(exact)):4}"
    return needle + Text(f" {name}", style=style) + Text(f"{cents:+3.0f} ct {board.f0_hz:6.1f} Hz", style="none")


def _contour(board: Board) -> Text:
    low, high = CONTOUR_PITCHES
    step = (high - low) / len(BARS)
    columns = [" " if p is None else BARS[min(max(int((p - low) / step), 0), len(BARS) - 1)] for p in board.contour]
    return Text("".join(columns).rjust(CONTOUR_FRAMES), style="cyan")


def _history(board: Board) -> Text:
    text = Text()
    for place, note in enumerate(reversed(board.notes)):
        mark = MARKS.get(note.articulation, "")
        name = mark if note.articulation == "ghost" else pitch_name(note.pitch) + mark
        name += "*" if note.revises is not None else ""
        style = "bold reverse" if place == 0 else "bold" if place < 4 else "none" if place < 8 else "dim"
        text.append(name, style=style).append("  ")
    return text if board.notes else Text("-")


def _sound(board: Board) -> Text:
    """How the last note was played, and who seems to play."""
    if board.timbre is None:
        return Text("-", style="dim")
    said, text = board.timbre, Text()
    text.append(f"{said.technique:9}", style="bold").append_text(_sure(said.confidence))
    text.append(f"   {said.dynamic:3} {said.brightness_hz:5.0f} Hz bright   plays {said.player} ")
    return text.append_text(_sure(said.player_confidence))


def _beat(board: Board) -> Text:
    if board.grid is None:
        return Text("no beat yet", style="dim")
    position = board.grid.position_of(math.floor(board.grid.beat_at(board.time_s)))
    dots = [
        Text("● " if place == position else "○ ", style="bold red" if place == position == 1 else "bold")
        for place in range(1, board.grid.meter.numerator + 1)
    ]
    return Text.assemble(
        *dots, f" bar {board.bar}:{position}   {board.grid.meter} ", _sure(board.grid.meter_confidence)
    )


def _tempo(board: Board) -> Text:
    if board.grid is None:
        return Text("-", style="dim")
    return Text(f"{60 / board.grid.period_s:.1f} bpm ") + _sure(board.grid.confidence)


def _sure(confidence: float) -> Text:
    style = next(style for least, style in SURE_STYLES if confidence >= least)
    return Text(f"{confidence:.0%} sure", style=style)


def _harmony(board: Board) -> Text:
    text = Text()
    if board.chord:
        text.append(f"{chord_name(board.chord):8}", style="bold").append_text(_sure(board.chord.confidence))
    if board.key:
        text.append(f"   in {key_name(board.key)} ").append_text(_sure(board.key.confidence))
    return text if text.plain else Text("-", style="dim")


def _phrase(board: Board) -> Text:
    if board.phrase is None:
        return Text("-", style="dim")
    if board.phrase.end_s is None:
        return Text(f"{board.phrases}, playing for {board.time_s - board.phrase.start_s:.1f} s", style="bold")
    length_s = board.phrase.end_s - board.phrase.start_s
    return Text(f"{board.phrases} ended: {len(board.phrase.notes)} notes, {length_s:.1f} s; rest")


def _form(board: Board) -> Text:
    """The last bar that came back, and the hook."""
    words = []
    if board.repetition:
        how = ", ".join(board.repetition.varied) or "the same"
        words.append(f"repeats the bar {board.repetition.ago} before: {how}")
    if board.hook:
        words.append(f"hook of {board.hook.length_beats:g} beats ×{board.hook.times}")
    return Text("   ".join(words) or "-", style="none" if words else "dim")


def _counts(board: Board) -> Text:
    style = "red" if board.xruns or board.dropped else "dim"
    text = Text(
        f"{board.heard} notes   {board.revised} corrected   ears {board.behind_s * 1000:.0f} ms behind   ", "dim"
    )
    return text + Text(f"xruns {board.xruns}   lost {board.dropped}   Ctrl-C ends", style=style)
