"""Turns decisions and sent events into lines of events.jsonl, live and with --fast alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from agent.core.stored import Json
from agent.core.types import Decision, PlannedNote, SentRecord
from agent.recording.recorder import Recorder, to_record
from listener.types import Chord, Key

CHORD_CONFIDENCE = 0.3  # below this an estimate is not worth a line


class EventLog:
    """Writes decisions and sent events to the recorder; each fact once, when it is new."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._chord: tuple[int, str] | None = None
        self._key: tuple[int, str] | None = None
        self._state = ""

    def decision(self, decision: Decision, said_s: float | None = None) -> None:
        """Write all that one frame newly heard and decided; said_s: where the stream was by then, if live."""
        recorder, heard = self._recorder, decision.analysis
        live = {} if said_s is None else {"said_s": said_s}
        for onset in heard.onsets:
            recorder.event(to_record("onset", onset, **live))
        for kind, notes in (("note", heard.notes), ("note_revised", heard.revised), ("note_end", heard.ended)):
            for note in notes:
                recorder.event(to_record(kind, note, **live))
        for timbre in heard.timbre:
            told = {"technique": timbre.technique, "confidence": round(timbre.confidence, 3)}
            recorder.event({"type": "timbre", "onset_s": timbre.onset_s, **told})
        for beat in heard.beats:
            recorder.event(to_record("beat", beat))
        if heard.phrase:
            recorder.event(to_record("phrase", heard.phrase))
        self._harmony(heard.time_s, heard.chord, heard.key)
        self._decided(decision)
        for says in decision.says:
            recorder.event({"type": "leads", "time_s": heard.time_s, "says": says})

    def _harmony(self, time_s: float, chord: Chord | None, key: Key | None) -> None:
        if chord and chord.confidence >= CHORD_CONFIDENCE and (chord.root, chord.quality) != self._chord:
            self._chord = (chord.root, chord.quality)
            self._recorder.event(to_record("chord", chord, time_s=time_s))
        if key and (key.tonic, key.mode) != self._key:
            self._key = (key.tonic, key.mode)
            self._recorder.event(to_record("key", key, time_s=time_s))

    def _decided(self, decision: Decision) -> None:
        if decision.state != self._state:
            self._state = decision.state
            self._recorder.event({"type": "band", "time_s": decision.analysis.time_s, "state": decision.state})
        for choice in decision.choices:
            self._recorder.event(to_record("choice", choice, time_s=decision.analysis.time_s))
        if (bar := decision.drawn) is not None and bar.parts:
            place = {"bar": bar.bar, "start_s": bar.start_s, "end_s": bar.end_s}
            self._recorder.event({"type": "bar", **place, "meter": asdict(bar.meter), "take": bar.take})
        for note in decision.plan.committed if decision.plan else ():
            self._recorder.event(to_record("planned", note, created_s=decision.analysis.time_s))

    def sent(self, records: Iterable[SentRecord], notes: Iterable[PlannedNote] = ()) -> None:
        """Write the events that left for the synth or the MIDI port."""
        for record in records:
            self._recorder.event(record)

    def command(self, time_s: float, text: str, says: str) -> None:
        """Write what the player asked for by word, key, pedal or command, and what was answered."""
        self._recorder.event({"type": "command", "time_s": time_s, "text": text, "says": says})

    def remark(self, what: str) -> None:
        """Write what the player was told of the input, such as the channel that carries the bass."""
        self._recorder.event({"type": "input", "says": what})

    def says(self, line: str, time_s: float) -> None:
        """Write what the band said unasked: an idea, a verdict that it drew itself, why it is silent."""
        self._recorder.event({"type": "says", "time_s": time_s, "says": line})

    def cause(self, what: str, time_s: float | None = None) -> None:
        """Write that something went wrong while the music went on."""
        self._recorder.event({"type": "trouble", "time_s": time_s, "cause": what})

    def summary(self, **figures: Json) -> None:
        """Write the session's summary, at its end."""
        self._recorder.event({"type": "summary", **figures})
