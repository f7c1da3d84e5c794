"""Turns the JSON lines of `antiphon listen` into readable text, one function per type of line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.core.music_names import chord_name, key_name, pitch_name
from agent.core.plain_text import printable
from listener.types import Chord, Key

Line = dict[str, Any]
CLOSES: Mapping[bool | None, str] = {True: ", an answer", False: ", a question", None: ""}


def readable(line: Line) -> str | None:
    """Return a line as text; None for a line that only programs need."""
    words = WORDS.get(line["type"])
    said = words(line) if words else ""
    if not said or line["type"] in ("file", "input"):
        return printable(said) or None
    at_s = line.get("t_onset", line.get("t", line.get("t_emit", 0.0)))
    return f"{at_s:8.3f} s  {said}"


def _note(line: Line) -> str:
    return f"{pitch_name(line['midi']):4} velocity {line['velocity']:3}  {line['articulation']}"


def _revision(line: Line) -> str:
    return f"{pitch_name(line['midi']):4} corrected, was {pitch_name(line['was'])}"


def _timbre(line: Line) -> str:
    return (
        f"     {line['technique']} {line['confidence']:.0%}, {line['dynamic']}, bright {line['brightness_hz']:.0f} Hz"
    )


def _chord(line: Line) -> str:
    return f"     chord {chord_name(Chord(line['root'], line['quality'], 1.0))}"


def _feel(line: Line) -> str:
    behind, swing = line["behind_ms"], line["swing"]
    words = [] if behind is None else [f"{abs(behind)} ms {'behind' if behind >= 0 else 'ahead of'} the beat"]
    words += [] if swing is None else [f"swing {swing:.2f}"]
    return "     " + ", ".join(words) if words else ""


def _phrase(line: Line) -> str:
    if line["end_s"] is None:
        return "     a phrase begins"
    return f"     phrase of {line['notes']} notes, {line['end_s'] - line['start_s']:.1f} s{CLOSES[line['closes']]}"


def _repetition(line: Line) -> str:
    varied = ", ".join(line["varied"]) or "the same"
    return f"     the bar from {line['start_s']:.2f} s repeats the one {line['ago']} before: {varied}"


def _hook(line: Line) -> str:
    steps = " ".join(f"{step:+}" if step else "0" for _, step in line["notes"])
    return f"     hook of {line['length_beats']:g} beats, heard {line['times']} times: {steps}"


WORDS: Mapping[str, Callable[[Line], str]] = {
    "file": lambda line: f"--- {line['path']}",
    "input": lambda line: str(line["says"]),
    "note": _note,
    "ghost": lambda line: f"x    velocity {line['velocity']:3}  ghost",
    "revision": _revision,
    "beat": lambda line: f"     {'|' if line['beat'] == 1 else '.'} beat {line['beat']}",
    "tempo": lambda line: f"     tempo {line['bpm']:.1f} bpm",
    "meter": lambda line: f"     meter {line['num']}/{line['den']}",
    "key": lambda line: f"     key {key_name(Key(line['tonic'], line['mode'], 1.0, line['scale']))}",
    "chord": _chord,
    "timbre": _timbre,
    "feel": _feel,
    "phrase": _phrase,
    "repetition": _repetition,
    "hook": _hook,
}
