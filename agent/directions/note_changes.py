"""What was asked of a voice, done to its notes: louder, later, higher, silent, a note that rubs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from agent.core.types import PlannedNote
from agent.directions.bar_settings import Settings

VELOCITY_DB = 40.0  # General MIDI level: 40 log10(velocity / 127) dB (RP-015; what FluidSynth does)
RUB_VELOCITY = 0.85


def of(values: Mapping[str, float], voices: Sequence[str]) -> float:
    """What is asked of a piece and of its kit adds up."""
    return sum(values.get(voice, 0.0) for voice in voices)


def nuanced(note: PlannedNote, settings: Settings, voices: Sequence[str]) -> PlannedNote | None:
    """The note as it was asked for; None where its voice is muted. voices: ("snare", "drums"), ("line",) ..."""
    if not settings.muted.isdisjoint(voices):
        return None
    late_s, gain_db = of(settings.late_s, voices), of(settings.level_db, voices)
    shift = 0 if note.part == "drums" else round(of(settings.semitones, voices))
    if not (late_s or gain_db or shift):
        return note
    return replace(
        note,
        on_s=note.on_s + late_s,
        off_s=note.off_s + late_s,
        pitch=min(max(note.pitch + shift, 0), 127),
        velocity=min(max(round(note.velocity * 10 ** (gain_db / VELOCITY_DB)), 1), 127),
    )


def rub(pitches: Collection[int], scale: frozenset[int]) -> int | None:
    """A pitch of the key a semitone from one of a chord's, the topmost first, and not in it: dissonant, not wrong."""
    classes = {pitch % 12 for pitch in pitches}
    beside = (pitch + way for pitch in sorted(pitches, reverse=True) for way in (-1, 1))
    return next((pitch for pitch in beside if pitch % 12 in scale - classes), None)
