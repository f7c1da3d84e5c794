"""Makes session.mid and pianoroll.png from the lines of events.jsonl, after the session or after a crash."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from agent.core.types import OPEN_NOTE_S, PlannedNote
from listener.types import Beat, Chord, Meter, Note

EVENTS = "events.jsonl"
HEARD = frozenset({"note", "note_revised", "note_end"})
DRAWN_S = 1_200.0  # a picture of more is no picture


@dataclass(slots=True)
class Facts:
    """What events.jsonl says of a session. parts_midi: channel 1-16 and program 0-127 of each part."""

    heard: dict[float, Note] = field(default_factory=dict)  # by onset: the last word on it counts
    band: list[PlannedNote] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    chords: list[tuple[float, Chord]] = field(default_factory=list)
    parts_midi: dict[str, tuple[int, int]] = field(default_factory=dict)
    has_summary: bool = False  # whether the session was closed properly


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line; what a crash or a full disk broke is left out. Raises OSError."""
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def gather(records: Iterable[Mapping[str, Any]]) -> Facts:
    """The facts of a session from its lines."""
    facts, outputs = Facts(), {"synth": _Band(), "midi": _Band()}
    for record in records:
        kind = record.get("type")
        try:
            if kind == "sent":
                outputs[record["output"]].take(record)
            elif kind in HEARD:
                note = _built(Note, record)
                facts.heard[note.onset_s] = note
            elif kind == "beat":
                facts.beats.append(_built(Beat, {**record, "meter": _meter(record["meter"])}))
            elif kind == "chord":
                facts.chords.append((record["time_s"], _built(Chord, record)))
            elif kind == "session":
                facts.parts_midi = {part: (midi[0], midi[1]) for part, midi in record["parts"].items()}
        except (KeyError, TypeError, ValueError, IndexError):
            continue  # half a line that is JSON all the same
        facts.has_summary |= kind == "summary"
    facts.band = outputs["synth"].notes() or outputs["midi"].notes()
    return facts


class _Band:
    """Pairs the note-ons and note-offs of one output."""

    def __init__(self) -> None:
        self._notes: list[PlannedNote] = []
        self._open: dict[tuple[str, int], Mapping[str, Any]] = {}

    def take(self, record: Mapping[str, Any]) -> None:
        key = (record["part"], record["pitch"])
        begun = self._open.pop(key, None)
        if begun is not None:
            cut_s = (
                begun["due_s"] + OPEN_NOTE_S if record["on"] else record["due_s"]
            )  # on again without an end: a crash
            self._add(begun, min(record["due_s"], cut_s))
        if record["on"]:
            self._open[key] = record

    def _add(self, begun: Mapping[str, Any], off_s: float) -> None:
        on_s = begun["due_s"]
        self._notes.append(
            PlannedNote(begun["part"], on_s, max(off_s, on_s), begun["pitch"], begun["velocity"], len(self._notes))
        )

    def notes(self) -> list[PlannedNote]:
        for begun in self._open.values():
            self._add(begun, begun["due_s"] + OPEN_NOTE_S)
        self._open.clear()
        return sorted(self._notes, key=lambda note: (note.on_s, note.part, note.pitch))


def _built(kind: Any, record: Mapping[str, Any]) -> Any:
    known = {item.name for item in fields(kind)}
    return kind(**{name: _tuples(value) for name, value in record.items() if name in known})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _meter(given: Mapping[str, Any]) -> Meter:
    return Meter(given["numerator"], given["denominator"], tuple(given.get("grouping") or ()))


def write_midi(folder: Path, facts: Facts) -> None:
    """Raises OSError."""
    from agent.recording import session_midi as midifile  # loads mido: not while a session plays

    midifile.write(folder / "session.mid", list(facts.heard.values()), facts.band, facts.beats, facts.parts_midi)


def draw(folder: Path, facts: Facts) -> None:
    """Raises OSError."""
    from agent.recording import piano_roll as pianoroll  # matplotlib takes a second to import: after the music

    heard = sorted((n for n in facts.heard.values() if n.onset_s < DRAWN_S), key=lambda note: note.onset_s)
    band = [note for note in facts.band if note.on_s < DRAWN_S]
    beats = [beat for beat in facts.beats if beat.time_s < DRAWN_S]
    chords = [(time_s, chord) for time_s, chord in facts.chords if time_s < DRAWN_S]
    pianoroll.draw(folder / "pianoroll.png", heard, band, beats, chords, folder.name)
