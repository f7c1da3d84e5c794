"""Shows on the terminal what is heard and played. Runs in the parent; a closed terminal stops nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.core.level_meter import LEVEL_STYLES, METER_DB, SILENCE_DB
from agent.core.music_names import chord_name, key_name, pitch_name
from agent.core.types import SongView
from listener.types import Chord, Key, Meter, Note

if TYPE_CHECKING:  # rich is loaded where there is a terminal: the daemon has none
    from rich.console import Console, RenderableType
    from rich.live import Live
    from rich.text import Text

REFRESH_S = 1 / 15
LINE_EVERY_S = 2.0  # plain lines when no bar goes by
PLAYS = "plays"
USUAL_MODE = "accompany"
METER_CELLS = 30
STATE_STYLES: Mapping[str, str] = {
    "listening": "cyan",
    "waiting": "cyan",
    "entering": "bold green",
    "playing": "bold green",
    "holding": "yellow",
    "thinning": "yellow",
    "ending": "magenta",
}


@dataclass(frozen=True, slots=True)
class Status:
    """What the monitor shows. elapsed_s: of the capture stream. parts: plays | rests | off for each part."""

    elapsed_s: float = 0.0
    level_db: float = SILENCE_DB
    note: Note | None = None  # the last one heard
    tempo_bpm: float | None = None
    meter: Meter | None = None
    heard: str = ""  # the player's tempo and meter, where the band plays another; "" = the same
    confidence: float = 0.0  # 0-1, in tempo and meter
    rival: str = ""  # another tempo and meter that are about as likely; "" = none
    bar: int = 0  # counted from 1; 0 = not begun
    beat: int = 0  # place in the bar, 1 = downbeat; 0 = unknown
    key: Key | None = None
    chord: Chord | None = None
    state: str = "listening"  # listening | waiting | entering | playing | holding | thinning | ending
    mode: str = USUAL_MODE  # as it counts in this bar
    song: SongView | None = None
    leads: str = ""  # what the band leads in this bar and the next
    turn: str = ""  # in mode trade: whose bars these are, which of how many: "yours 2/4"
    parts: Mapping[str, str] = field(default_factory=dict)
    late: int = 0
    dropped: int = 0
    xruns: int = 0
    restarts: int = 0  # of the audio and the model process
    message: str = ""  # the latest message for the player


class Monitor:
    """Shows a live panel on a terminal, else (or not live) a plain line per bar or every two seconds.

    Shows nothing on a console that is None or quiet.
    """

    def __init__(self, console: Console | None, live: bool) -> None:
        self._console = None if console and console.quiet else console
        self._shown_s = float("-inf")
        self._line_s = float("-inf")
        self._line_bar = 0
        self._live: Live | None = None
        if self._console and live and self._console.is_terminal:
            from rich.live import Live

            self._live = Live(console=self._console, auto_refresh=False, screen=False)
            self._guarded(self._live.start)

    def update(self, status: Status) -> None:
        """Show the status if it is time to; cheap otherwise. Never raises."""
        if self._live:
            self._update_live(self._live, status)
        elif self._console:
            self._update_lines(self._console, status)

    def close(self) -> None:
        """Release the terminal; what was shown last stays. Never raises."""
        if self._live:
            self._guarded(self._live.stop)
        self._live = self._console = None

    def _update_live(self, live: Live, status: Status) -> None:
        now_s = time.monotonic()
        if now_s - self._shown_s >= REFRESH_S:
            self._shown_s = now_s
            self._guarded(lambda: live.update(panel(status), refresh=True))

    def _update_lines(self, console: Console, status: Status) -> None:
        if status.bar == self._line_bar and status.elapsed_s - self._line_s < LINE_EVERY_S:
            return
        self._line_bar, self._line_s = status.bar, status.elapsed_s
        self._guarded(lambda: console.print(line(status), highlight=False, markup=False, soft_wrap=True))

    def _guarded(self, action: Callable[[], object]) -> None:
        """The terminal may be closed while the band plays (rich raises SystemExit for a broken pipe)."""
        try:
            action()
        except (OSError, ValueError, SystemExit):
            self._live = self._console = None


def line(status: Status) -> str:
    """Return the status as one plain line."""
    troubles = ", ".join(f"{name} {count}" for name, count in _counts(status) if count) or "all in time"
    parts = ", ".join(part for part, does in status.parts.items() if does == PLAYS)
    mode = "" if status.mode == USUAL_MODE else f"{status.mode} {status.turn}".rstrip() + ": "
    band = mode + status.state + (f" ({parts})" if parts else "") + (f" leads {status.leads}" if status.leads else "")
    heard = f"{_clock(status.elapsed_s)}  {status.level_db:6.1f} dB  {_note(status):9}  {_tempo(status):18}"
    return f"{heard}  bar {_place(status):6}  {_harmony(status):16}  {band}  {troubles}".rstrip()


def panel(status: Status) -> RenderableType:
    """Return the live display."""
    from rich.panel import Panel
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", min_width=6)
    grid.add_column(min_width=60)
    for name, cell in _rows(status):
        grid.add_row(name, cell)
    title = f"[bold]Antiphon[/]  {_clock(status.elapsed_s)}"
    return Panel(grid, title=title, title_align="left", expand=False, border_style="dim")


def _rows(status: Status) -> list[tuple[str, RenderableType]]:
    from rich.text import Text

    rows: list[tuple[str, RenderableType]] = [
        ("level", _level(status.level_db)),
        ("hears", Text(f"{_note(status):11} {_harmony(status)}")),
        ("beat", Text.assemble(f"{_tempo(status):20} bar {_place(status):6} ", _dots(status), _sure(status))),
        ("band", _band(status)),
        ("song", Text(song_line(status))),
        ("counts", _troubles(status)),
    ]
    return [*rows, ("", Text(status.message, style="yellow"))] if status.message else rows


def song_line(status: Status) -> str:
    """Return section, bar of the phrase, the chords from here on, and what comes: "A 3/8  Em C D  fill"; or "-"."""
    song = status.song
    if song is None:
        return "-"
    names = [chord_name(Chord(root, quality, 1.0)) for root, quality in song.chords]
    chords = " ".join(name for i, name in enumerate(names) if i == 0 or name != names[i - 1])
    coming = "  ".join(part for part in (song.coming, status.leads) if part)
    return f"{song.section} {song.bar + 1}/{song.bars}  {chords}  {coming}".rstrip()


def _level(level_db: float) -> Text:
    from rich.text import Text

    low, high = METER_DB
    cells = round(METER_CELLS * min(max((level_db - low) / (high - low), 0.0), 1.0))
    style = next(style for least_db, style in LEVEL_STYLES if level_db >= least_db or least_db == float("-inf"))
    bar = Text("█" * cells, style=style) + Text("░" * (METER_CELLS - cells), style="dim")
    return bar + Text(f" {max(level_db, SILENCE_DB):6.1f} dB", style="none")


def _note(status: Status) -> str:
    return f"{pitch_name(status.note.pitch)} {status.note.cents:+.0f} ct" if status.note else "-"


def _tempo(status: Status) -> str:
    if status.tempo_bpm is None:
        return "no beat yet"
    heard = f"  (you: {status.heard})" if status.heard else ""
    return f"{status.tempo_bpm:.1f} bpm" + (f"  {status.meter}" if status.meter else "") + heard


def _place(status: Status) -> str:
    return f"{status.bar}:{status.beat}" if status.bar else "-"


def _harmony(status: Status) -> str:
    chord = chord_name(status.chord) if status.chord else ""
    key = f"in {key_name(status.key)}" if status.key else ""
    return f"{chord:5} {key}".strip() or "-"


def _dots(status: Status) -> Text:
    from rich.text import Text

    count = status.meter.numerator if status.meter else 0
    return Text(" ".join("●" if place == status.beat else "○" for place in range(1, count + 1)), style="bold")


def _sure(status: Status) -> Text:
    from rich.text import Text

    return Text(f"  {status.confidence:.0%} sure", style="dim") if status.tempo_bpm is not None else Text()


def _band(status: Status) -> Text:
    from rich.text import Text

    words = [(status.state.upper(), STATE_STYLES.get(status.state, "none"))]
    words += [(f"   {status.mode} {status.turn}".rstrip(), "bold")] if status.mode != USUAL_MODE else []
    words += [(f"   {part} {does}", "none" if does == PLAYS else "dim") for part, does in status.parts.items()]
    return Text.assemble(*words)


def _counts(status: Status) -> tuple[tuple[str, int], ...]:
    return (
        ("late", status.late),
        ("dropped", status.dropped),
        ("xruns", status.xruns),
        ("restarts", status.restarts),
    )


def _troubles(status: Status) -> Text:
    from rich.text import Text

    return Text("   ").join(Text(f"{name} {count}", style="red" if count else "dim") for name, count in _counts(status))


def _clock(elapsed_s: float) -> str:
    minutes, seconds = divmod(max(0, int(elapsed_s)), 60)
    return f"{minutes:02}:{seconds:02}"
