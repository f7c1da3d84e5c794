"""The monitor shows what is the case, and never stops the music."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from agent.core.settings import Config
from agent.core.types import Decision, Plan, SongView
from agent.session.monitor import Monitor, Status, song_line
from agent.session.status import StatusBoard
from listener.types import Analysis, Chord, Grid, Key, Meter, Note

ROOT = Path(__file__).parents[3]
FOUR = Meter(4, 4)
BUSY = Status(
    elapsed_s=83.4,
    level_db=-18.25,
    note=Note(1.0, 1.03, None, 28, 90, cents=-7.0),
    tempo_bpm=98.3,
    meter=Meter(7, 8, (2, 2, 3)),
    confidence=0.87,
    bar=12,
    beat=3,
    key=Key(9, "min", 0.8),
    chord=Chord(2, "min7", 0.7),
    state="playing",
    parts={"drums": "plays", "chords": "plays", "line": "rests"},
    late=2,
    dropped=1,
    xruns=3,
)


def console(terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=110, color_system=None), text


def test_the_live_panel_shows_everything() -> None:
    screen, text = console(terminal=True)
    monitor = Monitor(screen, live=True)
    monitor.update(BUSY)
    monitor.close()
    for shown in ("01:23", "-18.2 dB", "E1 -7 ct", "98.3 bpm", "7/8", "12:3", "○ ○ ● ○ ○ ○ ○", "87% sure", "A minor"):
        assert shown in text.getvalue()
    for shown in ("Dm7", "PLAYING", "drums plays", "line rests", "late 2", "dropped 1", "xruns 3"):
        assert shown in text.getvalue()


def test_the_level_meter_grows_with_the_level() -> None:
    lengths = []
    for level_db in (-120.0, -60.0, -30.0, -6.0, 0.0, 20.0):
        screen, text = console(terminal=True)
        monitor = Monitor(screen, live=True)
        monitor.update(Status(level_db=level_db))
        lengths.append(text.getvalue().count("█"))
        monitor.close()
    assert lengths == [0, 0, 15, 27, 30, 30]


def test_without_a_terminal_a_line_comes_every_bar_or_two_seconds() -> None:
    screen, text = console(terminal=False)
    monitor = Monitor(screen, live=True)
    for step in range(100):
        monitor.update(replace(BUSY, elapsed_s=step * 0.1, bar=0))
    assert text.getvalue().count("\n") == 5
    for step in range(100):
        monitor.update(replace(BUSY, elapsed_s=10 + step * 0.01, bar=1 + step // 25))
    assert text.getvalue().count("\n") == 5 + 4
    last = text.getvalue().splitlines()[-1]
    for shown in ("00:10", "E1 -7 ct", "98.3 bpm  7/8", "bar 4:3", "Dm7", "playing (drums, chords)", "late 2"):
        assert shown in last
    assert "\x1b" not in text.getvalue()


def test_nothing_heard_yet_can_be_shown_both_ways() -> None:
    for live in (True, False):
        screen, text = console(terminal=live)
        monitor = Monitor(screen, live)
        monitor.update(Status())
        monitor.close()
        assert "no beat yet" in text.getvalue()
        assert "listening" in text.getvalue().lower()


def test_quiet_shows_nothing_and_a_closed_monitor_too() -> None:
    Monitor(None, live=True).update(BUSY)
    silent = io.StringIO()
    Monitor(Console(file=silent, quiet=True, force_terminal=True), live=True).update(BUSY)
    assert silent.getvalue() == ""
    screen, text = console(terminal=False)
    monitor = Monitor(screen, live=False)
    monitor.close()
    monitor.update(BUSY)
    assert text.getvalue() == ""


def test_the_beat_that_is_played_is_shown_and_what_is_heard_beside_it() -> None:
    board = StatusBoard(Config())
    heard, played = (
        Grid(0.0, 0, 1, period_s, meter, 0.9, 0.9) for period_s, meter in ((0.5, FOUR), (0.4, Meter(3, 4)))
    )
    analysis = Analysis(1.0, 1.0, 0.0, None, 0.0, -20.0, grid=heard)
    leads = Decision(analysis, Plan((), (), 0.0, 0.0, played), "playing", 3, ("drums",))
    for frame in (leads, replace(leads, plan=None)):
        board.decision(frame)
        shown = board.as_dict()
        assert (shown["tempo_bpm"], shown["meter"], shown["heard"]) == (150.0, "3/4", "120 in 4/4")
    board.decision(Decision(analysis, None, "listening", 4, ()))
    shown = board.as_dict()
    assert (shown["tempo_bpm"], shown["meter"], shown["heard"]) == (120.0, "4/4", ""), "it plays no longer"


class Gone(io.StringIO):
    def write(self, _: str) -> int:
        raise OSError("the terminal is gone")


def test_a_terminal_that_is_gone_stops_nothing() -> None:
    for live in (True, False):
        monitor = Monitor(Console(file=Gone(), force_terminal=live), live)
        for step in range(3):
            monitor.update(replace(BUSY, bar=step))
            time.sleep(0.1 if live else 0)
        assert monitor._live is None  # it has given the terminal up
        monitor.close()


ORPHAN = """
import os, sys
from rich.console import Console
from agent.session.monitor import Monitor, Status
sys.stdin.readline()
monitor = Monitor(Console(), live=False)
for bar in range(3):
    monitor.update(Status(bar=bar))
os.write(2, b"still playing")
"""


def test_a_reader_that_went_away_stops_nothing() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT) as child:
        assert child.stdin
        assert child.stdout
        assert child.stderr
        child.stdout.close()
        child.stdin.write(b"\n")
        child.stdin.close()
        assert child.stderr.read().startswith(b"still playing")


def test_an_update_is_cheap_between_refreshes() -> None:
    screen, _ = console(terminal=True)
    monitor = Monitor(screen, live=True)
    monitor.update(BUSY)
    start_s = time.perf_counter()
    for _ in range(200):
        monitor.update(BUSY)
    assert time.perf_counter() - start_s < 1.0
    monitor.close()


def test_the_song_is_shown_with_its_section_chords_and_what_comes() -> None:
    song = SongView("B", 2, 8, ((4, "min"), (4, "min"), (0, "maj")), "fill")
    assert song_line(Status(song=song)) == "B 3/8  Em C  fill"
    assert song_line(Status()) == "-"


def test_a_session_without_a_terminal_does_not_load_what_draws() -> None:
    code = "import sys; from agent.session import daemon; print('rich' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
