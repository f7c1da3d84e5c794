"""Applies a bar's settings to single notes: touch, timing, pitch, mute, and the dissonant note added to a chord."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from agent.core.midi_constants import struck_at
from agent.core.types import PlannedNote
from agent.directions.bar_settings import Settings

RUB_VELOCITY = 0.85


def of(values: Mapping[str, float], voices: Sequence[str]) -> float:
    """Return the sum of the values of these voices: what is asked of a drum piece and of the whole kit adds up."""
    return sum(values.get(voice, 0.0) for voice in voices)


def with_settings(note: PlannedNote, settings: Settings, voices: Sequence[str]) -> PlannedNote | None:
    """Return the note after a bar's settings; None where its voice is muted. voices: ("snare", "drums"), ("line",).

    Its level is the mixer's (agent/directions/mix_wishes.py).
    """
    if not settings.muted.isdisjoint(voices):
        return None
    late_s, louder_db = of(settings.late_s, voices), of(settings.touch_db, voices)
    shift = 0 if note.part == "drums" else round(of(settings.semitones, voices))
    if not (late_s or louder_db or shift):
        return note
    return replace(
        note,
        on_s=note.on_s + late_s,
        off_s=note.off_s + late_s,
        pitch=min(max(note.pitch + shift, 0), 127),
        velocity=struck_at(note.velocity, louder_db),
    )


def rub(pitches: Collection[int], scale: frozenset[int]) -> int | None:
    """Return a pitch of the scale a semitone from one of the chord's and not in it, near the top first; None if none.

    pitches: the chord's, MIDI. scale: pitch classes.
    """
    classes = {pitch % 12 for pitch in pitches}
    beside = (pitch + way for pitch in sorted(pitches, reverse=True) for way in (-1, 1))
    return next((pitch for pitch in beside if pitch % 12 in scale - classes), None)
