"""Carries out `antiphon listen FILE...`: prints what is heard in files, as JSON lines or readable text.

Times in the JSON lines are seconds of the file; t_emit is the time at which enough had been heard to know the fact.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from agent.core.errors import UserError
from agent.listen.text import readable
from listener.analyzer import Analyzer, warm_up
from listener.capture import AudioFile, frames_of
from listener.types import Analysis, Beat, Feel, Grid, Note, Onset, Phrase, Timbre

if TYPE_CHECKING:
    from agent.listen.gathered import Hearing

TEMPO_CHANGE = 0.01  # a tempo this much off the last one said is said again
Line = dict[str, Any]


class Lines:
    """Turns analyses into lines to print: every event once, estimates when they change."""

    def __init__(self) -> None:
        self._tempo_bpm = 0.0
        self._said: dict[str, Any] = {}

    def of(self, a: Analysis) -> Iterator[Line]:
        for onset in a.onsets:
            yield onset_line(onset)
        for note in a.notes:
            yield _note_line(note)  # a ghost's has no "midi": it has no pitch worth naming
        for note in a.revised:
            said = {"t_onset": note.onset_s, "t_emit": note.emit_s, "midi": note.pitch, "was": note.revises}
            yield {"type": "revision", **said, "articulation": note.articulation}
        for note in a.ended:
            off_s = note.onset_s + (note.duration_s or 0.0)
            yield {"type": "note_off", "t_onset": note.onset_s, "t_off": off_s, "t_emit": a.emit_s}
        for timbre in a.timbre:
            yield _timbre(timbre)
        for point in a.pitch:
            sounds = {"f0": round(point.f0_hz or 0.0, 3), "conf": round(point.voiced_prob, 4)}
            yield {"type": "pitch", "t": point.time_s, **sounds, "t_emit": point.emit_s}
        yield from self._musical(a)

    def _musical(self, a: Analysis) -> Iterator[Line]:
        for beat in a.beats:
            yield {"type": "beat", "t": beat.time_s, "t_emit": beat.emit_s, "beat": beat.position}
        if a.grid and a.beats:
            yield _grid_line(a.grid, a.beats[-1], a.emit_s)
        if a.grid:
            bpm = 60 / a.grid.period_s
            if abs(bpm - self._tempo_bpm) > TEMPO_CHANGE * self._tempo_bpm:
                self._tempo_bpm = bpm
                yield {"type": "tempo", "bpm": bpm, "t_emit": a.emit_s}
            meter = {"num": a.grid.meter.numerator, "den": a.grid.meter.denominator}
            yield from self._changed("meter", meter, a.emit_s)
        if a.key:
            yield from self._changed("key", {"tonic": a.key.tonic, "mode": a.key.mode, "scale": a.key.scale}, a.emit_s)
        if a.chord:
            yield from self._changed("chord", {"root": a.chord.root, "quality": a.chord.quality}, a.emit_s)
        if a.feel:
            yield from self._changed("feel", _feel(a.feel), a.emit_s)
        yield from self._form(a)

    def _form(self, a: Analysis) -> Iterator[Line]:
        if a.phrase:
            yield {"type": "phrase", **_phrase(a.phrase), "t_emit": a.emit_s}
        if a.repetition:
            yield {"type": "repetition", **asdict(a.repetition), "t_emit": a.emit_s}
        if a.hook:
            yield from self._changed("hook", asdict(a.hook), a.emit_s)

    def _changed(self, kind: str, value: Line, emit_s: float) -> Iterator[Line]:
        if self._said.get(kind) != value:
            self._said[kind] = value
            yield {"type": kind, **value, "t_emit": emit_s}


def _phrase(phrase: Phrase) -> Line:
    said: Line = {"start_s": phrase.start_s, "end_s": phrase.end_s, "notes": len(phrase.notes)}
    if phrase.end_s is None:
        return said
    return said | {"closes": phrase.closes, "repeats": asdict(phrase.repeats) if phrase.repeats else None}


def _timbre(timbre: Timbre) -> Line:
    said: Line = {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(timbre).items()}
    del said["onset_s"], said["emit_s"]
    return {"type": "timbre", "t_onset": timbre.onset_s, "t_emit": timbre.emit_s, **said}


def onset_line(onset: Onset) -> Line:
    return {"type": "onset", "t_onset": onset.onset_s, "t_emit": onset.emit_s}


def input_line(text: str) -> Line:
    """Return the line that tells the player something of the input, such as the channel that carries the bass."""
    return {"type": "input", "says": text}


def _feel(feel: Feel) -> Line:
    """Rounded, so that it is said again only when it has changed."""
    times = {"behind_ms": feel.behind_s, "spread_ms": feel.spread_s, "backbeat_ms": feel.backbeat_s}
    said: Line = {name: None if time_s is None else round(1000 * time_s) for name, time_s in times.items()}
    return said | {"swing": None if feel.swing is None else round(feel.swing, 2), "reference": feel.reference}


def _grid_line(grid: Grid, beat: Beat, emit_s: float) -> Line:
    """Return the line with the confidence in the beat just reported and in the downbeat that follows it."""
    to_downbeat = (1 - beat.position) % grid.meter.numerator
    return {
        "type": "grid",
        "t_beat": beat.time_s,
        "t_downbeat": beat.time_s + to_downbeat * grid.period_s,
        "bpm": 60 / grid.period_s,
        "num": grid.meter.numerator,
        "den": grid.meter.denominator,
        "confidence": round(grid.confidence, 4),
        "meter_confidence": round(grid.meter_confidence, 4),
        "swing": round(grid.swing, 3),
        "behind_s": round(grid.behind_s, 4),
        "t_emit": emit_s,
    }


def _note_line(note: Note) -> Line:
    ghost = note.articulation == "ghost"
    pitch = {} if ghost else {"midi": note.pitch, "cents": round(note.cents, 1)}
    return {
        "type": "ghost" if ghost else "note",
        "t_onset": note.onset_s,
        "t_emit": note.emit_s,
        **pitch,
        "velocity": note.velocity,
        "articulation": note.articulation,
        "confidence": round(note.confidence, 3),
    }


def listen_file(
    path: str,
    hearing: Hearing | None = None,
    time_given: tuple[str | None, float | None] = (None, None),
    channel: int | None = None,
    most_s: float = math.inf,
) -> Iterator[Line]:
    """All lines of one file, "timing" last; hearing: gathers it all for a picture. Raises ValueError, OSError.

    time_given: meter and tempo in its beats per minute, where they are told beforehand. channel: of the file, from 1;
    None = found by ear. most_s: seconds after which listening ends.
    """
    sound = AudioFile(path, channel=channel - 1 if channel else None, most_s=most_s)
    analyzer, lines, audio_s = Analyzer(), Lines(), 0.0
    analyzer.given(*time_given)
    cpu, wall = time.process_time(), time.monotonic()
    for frame in frames_of(sound):
        yield from map(input_line, sound.take_lines())
        analysis = analyzer.step(frame)
        yield from lines.of(analysis)
        if hearing:
            hearing.add(frame, analysis)
        audio_s = frame.end_s
    yield from map(input_line, sound.take_lines())
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    yield {"type": "timing", "cpu": cpu, "wall": wall, "audio": audio_s}


def run(
    paths: list[str],
    json_lines: bool = False,
    out: TextIO | None = None,
    plot: Path | None = None,
    time_given: tuple[str | None, float | None] = (None, None),
    channel: int | None = None,
) -> int:
    """Print what is heard in the files; the exit code: a bad file raises; among several, it is a line and code 2.

    plot: where to draw it, for one file. channel: of the files, from 1. Raises UserError when it cannot be written.
    """
    out, code = out or sys.stdout, 0
    hearing = _hearing_for(paths, plot) if plot else None
    show = json.dumps if json_lines else readable
    warm_up()
    for path in paths:
        try:
            if len(paths) > 1:
                print(show({"type": "file", "path": path}), file=out)
            for line in listen_file(path, hearing, time_given, channel):
                if (text := show(line)) is not None:
                    print(text, file=out)
        except (ValueError, OSError) as error:
            if len(paths) == 1:
                raise
            print(error, file=sys.stderr)
            code = 2
    if plot and hearing:
        _draw(plot, hearing, paths[0])
    return code


def _hearing_for(paths: list[str], plot: Path) -> Hearing:
    from agent.listen.gathered import Hearing
    from agent.listen.plot import check

    if len(paths) > 1:
        raise UserError(f"--plot {plot}: draws one file, and {len(paths)} were given; give one at a time")
    check(plot)
    return Hearing()


def _draw(plot: Path, hearing: Hearing, path: str) -> None:
    from agent.listen.plot import draw

    try:
        pages = draw(plot, hearing, Path(path).name)
    except OSError as cause:
        raise UserError(f"--plot {plot}: could not be written ({cause}); give another path") from None
    print("drawn: " + ", ".join(str(page) for page in pages), file=sys.stderr)
