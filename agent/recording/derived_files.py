"""Makes session.mid and pianoroll.png from the lines of events.jsonl, after the session or after a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from agent.core.plain_text import printable
from agent.core.stored import MOST_STREAM_S
from agent.core.types import OPEN_NOTE_S, PlannedNote
from agent.core.whole_file import written_whole
from agent.recording.band_bars import BandBar, counted, marks_of
from agent.recording.event_rows import (
    BarRow,
    BeatRow,
    ChoiceRow,
    ChordRow,
    CommandRow,
    Count,
    NoteRow,
    Row,
    SentRow,
    SessionRow,
    SummaryRow,
    rows,
)
from listener.types import Beat, Chord, Note

EVENTS = "events.jsonl"
DRAWN_S = 1_200.0  # a picture of more is no picture
MARK_CHARACTERS = 60
FACTS_MAX = 1_000_000  # notes and beats that are kept; two days of playing have fewer


@dataclass(slots=True)
class Facts:
    """What events.jsonl says of a session. parts_midi: channel 1-16 and program 0-127 of each part."""

    heard: dict[float, Note] = field(default_factory=dict)  # by onset: the last word on it counts
    band: list[PlannedNote] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)  # of the band's bars; as heard where it did not play
    chords: list[tuple[float, Chord]] = field(default_factory=list)
    parts_midi: dict[str, tuple[int, int]] = field(default_factory=dict)
    marks: list[tuple[float, str]] = field(default_factory=list)  # sections, takes, and what the player said
    has_summary: bool = False  # whether the session was closed properly
    bad: int = 0  # lines that could not be used


def read_facts(path: Path, longest_s: float = MOST_STREAM_S) -> Facts:
    """Return the facts of a session; longest_s: nothing lies after it. Raises OSError."""
    count = Count()
    facts = gather(rows(path, count, longest_s))
    facts.bad += count.bad
    return facts


def gather(found: Iterable[Row]) -> Facts:
    """Return the facts of a session from its rows."""
    bars = list[BandBar]()
    facts, outputs = Facts(), {"synth": _Band(), "midi": _Band()}
    for number, row in enumerate(found):
        match row:
            case SentRow():
                outputs[row.output].take(row)
            case NoteRow():
                facts.heard[row.onset_s] = row.note()
            case BeatRow():
                try:
                    facts.beats.append(row.beat())
                except ValueError:
                    facts.bad += 1
            case BarRow():
                try:
                    bars.append(row.band_bar())
                except ValueError:
                    facts.bad += 1
            case ChordRow():
                facts.chords.append((row.time_s, row.chord()))
            case ChoiceRow():
                if row.what == "section":
                    facts.marks.append((row.time_s, f"section {printable(row.chosen)[:MARK_CHARACTERS]}"))
            case CommandRow():
                if row.text.startswith("say "):  # what a sentence made of commands goes by the sentence
                    facts.marks = [mark for mark in facts.marks if mark[0] != row.time_s or _is_section(mark[1])]
                facts.marks.append((row.time_s, printable(row.text.removeprefix("say "))[:MARK_CHARACTERS]))
            case SessionRow():
                facts.parts_midi = row.parts
            case SummaryRow():
                facts.has_summary = True
        if number > FACTS_MAX:
            break
    facts.beats, facts.marks = counted(facts.beats, bars), [*facts.marks, *marks_of(bars)]
    facts.band = outputs["synth"].notes() or outputs["midi"].notes()
    return facts


def _is_section(text: str) -> bool:
    return text.startswith("section ")


class _Band:
    """Pairs the note-ons and note-offs of one output."""

    def __init__(self) -> None:
        self._notes: list[PlannedNote] = []
        self._open: dict[tuple[str, int], SentRow] = {}

    def take(self, row: SentRow) -> None:
        key = (row.part, row.pitch)
        begun = self._open.pop(key, None)
        if begun is not None:
            cut_s = begun.due_s + OPEN_NOTE_S if row.on else row.due_s  # on again without an end: a crash
            self._add(begun, min(row.due_s, cut_s))
        if row.on:
            self._open[key] = row

    def _add(self, begun: SentRow, off_s: float) -> None:
        on_s = begun.due_s
        self._notes.append(
            PlannedNote(begun.part, on_s, max(off_s, on_s), begun.pitch, begun.velocity, len(self._notes))
        )

    def notes(self) -> list[PlannedNote]:
        for begun in self._open.values():
            self._add(begun, begun.due_s + OPEN_NOTE_S)
        self._open.clear()
        return sorted(self._notes, key=lambda note: (note.on_s, note.part, note.pitch))


def write_midi(folder: Path, facts: Facts) -> None:
    """Write session.mid. Raises OSError."""
    from agent.recording import session_midi as midifile  # loads mido: not while a session plays

    heard = list(facts.heard.values())
    midifile.write(folder / "session.mid", heard, facts.band, facts.beats, facts.parts_midi, facts.marks)


def draw(folder: Path, facts: Facts) -> None:
    """Draw pianoroll.png. Raises OSError."""
    from agent.recording import piano_roll as pianoroll  # matplotlib takes a second to import: after the music

    heard = sorted((n for n in facts.heard.values() if n.onset_s < DRAWN_S), key=lambda note: note.onset_s)
    band = [note for note in facts.band if note.on_s < DRAWN_S]
    beats = [beat for beat in facts.beats if beat.time_s < DRAWN_S]
    chords = [(time_s, chord) for time_s, chord in facts.chords if time_s < DRAWN_S]
    with written_whole(folder / "pianoroll.png") as file:
        pianoroll.draw(file, heard, band, beats, chords, printable(folder.name))
