"""The founding story live: a bassist on a JACK server plays a riff, has it taken and looped, speaks, and plays on.

`python -m benchmarks.story --live`: the daemon runs as a user starts it; what each line changed is measured in what the
session recorded: levels and times in its stems, strokes and chords in what was sent to the synth. Then the player
refuses an odd bar that the band leads, and a week later (the memory's times put back) the same player comes again.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from agent.control.socket_server import ask
from benchmarks.story_record import BEATS, IDEA, LINES, ODD, RATE, THIN, Evening, kept
from tests.stage import Stage, wait

ASSETS = Path(__file__).parents[1] / "agent" / "assets"
RENDERS = Path(__file__).with_name("renders") / "live_story"
BEFORE_S, WEEK_S = 0.03, 7 * 86_400.0
ANSWERS_S = 90.0  # on a machine that is busy
IDEAS_MAX = 6
RIDES = "the ride keeps the time"  # what is answered where there are no hats
TRIAL_CYCLES, CYCLES = 1.7, 2.2  # that they listen before the next line; an idea leaves after two
SETTINGS = ("audio.echo_cancel=off", "conversation.player=Ann", "conversation.proposals=false", "recording.keep=all")
FLAGS = [word for setting in SETTINGS for word in ("--set", setting)]


def riff() -> NDArray[np.float32]:
    """Return the take's first four bars, which come round without a seam."""
    sound, rate = soundfile.read(ASSETS / "take.flac", dtype="float32")
    beats = json.loads((ASSETS / "take.json").read_text())["beats"]
    first, last = (round((beats[at] - BEFORE_S) * RATE) for at in (0, BEATS))
    return np.asarray(soxr.resample(sound, rate, RATE), np.float32)[first:last]


def run() -> tuple[dict[str, bool], dict[str, float]]:
    """Tell the story; return what it promises and whether that was kept, and figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = evening(folder)
        week_back(folder / "data")
        later = greeting(folder)
    promises, figures, measured = kept(first, later, len(riff()) / RATE)
    table = Table("said", "answered", "measured in the recording", title="the story, live", show_lines=True)
    for line, answer in (*first.said.items(), ("(a week later) hello", later)):
        table.add_row(line, answer, measured.get(line, ""))
    checks = Table("promise", "kept", title="what the story promises")
    for promise, held in promises.items():
        checks.add_row(promise, "yes" if held else "[red]no[/]")
    Console(width=150).print(table, checks, {name: round(value, 3) for name, value in figures.items()})
    return promises, figures


def evening(folder: Path) -> Evening:
    sound, found = riff(), Evening()
    cycle_s = len(sound) / RATE
    with Stage(folder, sound, *FLAGS) as stage:
        _up(stage)
        stage.room.playing = True
        wait(lambda: status_of(stage).get("state") == "playing", 120, "the band")
        time.sleep(2 * cycle_s)
        have_it_looped(stage, found.said, cycle_s)
        stage.room.playing = False
        time.sleep(2 * cycle_s)
        for line in LINES:
            _say(stage, found, line)
            time.sleep((TRIAL_CYCLES if line == IDEA else CYCLES) * cycle_s if line in LINES[:6] else 1.0)
        stage.room.playing = True  # and now they refuse
        found.said["loop off"] = _ask(stage, "loop off")
        time.sleep(3 * cycle_s)
        _say(stage, found, ODD)
        time.sleep(4.5 * cycle_s)
        stage.stop(90)
    (session,) = (folder / "sessions").iterdir()
    _keep(session)
    return found.read(session)


def have_it_looped(stage: Stage, said: dict[str, str], cycle_s: float) -> None:
    """Have the riff that is played taken and looped; once more where the bars were not sure yet. said: is answered."""
    for tries_left in (3, 2, 1, 0):
        for line in ("take", "loop"):
            said[line] = _ask(stage, line)
            time.sleep(4.0)
        try:
            wait(lambda: status_of(stage).get("turn") == "looping", 2 * cycle_s, f"the loop ({said})")
            return
        except TimeoutError:
            if not tries_left:
                raise


def _keep(session: Path) -> None:
    """Keep the session's mix and its takes, mixed, on one sheet."""
    shutil.rmtree(RENDERS, ignore_errors=True)
    RENDERS.mkdir(parents=True)
    takes = session / "riff-1"
    wait(lambda: (takes / "takes.png").exists(), 900, "the takes")  # beside all else, at the lowest priority
    for path in (*takes.glob("take-*.[wm]*"), takes / "takes.png", session / "session.mid", session / "mix.wav"):
        shutil.copy(path, RENDERS)


def greeting(folder: Path) -> str:
    with Stage(folder, riff(), *FLAGS) as stage:
        _up(stage)
        time.sleep(5.0)
        said = _ask(stage, "say hello")
        stage.stop()
    return said


def week_back(data: Path) -> None:
    """Put every time in the memory a week back, as if that had passed."""
    (path,) = data.rglob("memory.sqlite")
    with sqlite3.connect(path) as memory:
        for (table,) in memory.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for column in [row[1] for row in memory.execute(f"PRAGMA table_info({table})")]:
                memory.execute(
                    f"UPDATE {table} SET {column} = {column} - ? WHERE typeof({column}) = 'real' AND {column} > 1e9",
                    (WEEK_S,),
                )


def _up(stage: Stage) -> None:
    stage.start()
    wait(lambda: status_of(stage).get("listening"), 300, "the daemon")


def status_of(stage: Stage) -> dict[str, Any]:
    return dict(stage.send("status").get("status", {}))


def _ask(stage: Stage, line: str) -> str:
    return str(ask(stage.folder / "control.sock", line, ANSWERS_S)["says"])


def _idea(stage: Stage) -> str:
    message = str(status_of(stage).get("message", ""))
    return message if "What if" in message else ""


def _next_idea(stage: Stage, before: str) -> str:
    wait(lambda: _idea(stage) not in ("", before), 180, "an idea")
    return _idea(stage)


def _say(stage: Stage, found: Evening, line: str) -> None:
    found.said[line] = _ask(stage, f"say {line}")
    if line == THIN and RIDES in found.said[line]:  # the drummer has no hats to thin: they are told what has the time
        found.said[line] += " " + _ask(stage, f"say {line.replace('hats', 'ride')}")
    if line != IDEA:
        return
    for _ in range(IDEAS_MAX):  # until it is the founding story's; they are thought of beside the loop
        found.said[line] = _next_idea(stage, found.said[line])
        if "7/8" in found.said[line]:
            return
        _ask(stage, "say not that one")
        _ask(stage, f"say {line}")
