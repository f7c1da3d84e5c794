"""Find who plays what in a MIDI file: bass, drums, counter-line, by program, channel, name, and at last by range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Protocol, TypeVar

from models.music.midi_reader import DRUM_CHANNEL, Unusable
from models.music.tokens import LINE_HIGH, LINE_LOW

BASS_PROGRAMS = range(32, 40)
SOUND_EFFECTS = 112  # GM programs from here on have no pitch to speak of
BASS_NAMES, DRUM_NAMES = ("bass", "bajo", "basse"), ("drum", "perc", "kit")
BASS_HIGHEST = 52  # E3: the median pitch of a bass lies no higher
BASS_MIN_NOTES, ONE_VOICE = 8, 0.8
LINE_MIN_NOTES, LINE_MAX_PER_TICK, LINE_ONE_VOICE = 16, 0.5, 0.85


class _Note(Protocol):
    """What is read of a note."""

    @property
    def start(self) -> int: ...
    @property
    def pitch(self) -> int: ...


class _Track(Protocol):
    """What is read of a track."""

    @property
    def name(self) -> str: ...
    @property
    def channel(self) -> int: ...
    @property
    def program(self) -> int | None: ...
    @property
    def notes(self) -> Sequence[_Note]: ...


T = TypeVar("T", bound=_Track)


def bass(tracks: Iterable[T], name: str, guess: bool = False, sole: bool = False) -> T:
    """Return the track with the most notes of those with a bass program, else of those named bass. Unusable: there is
    none.

    guess: else the lowest one-voice track that lies as low as a bass. sole: else the only one with pitches.
    """
    everyone = [t for t in tracks if t.notes]
    pitched = [t for t in everyone if t.channel != DRUM_CHANNEL and not _called(t, DRUM_NAMES)]
    found = [t for t in pitched if t.program in BASS_PROGRAMS]
    found = found or [t for t in pitched if _is_named_bass(t)]
    if found:
        return max(found, key=lambda t: len(t.notes))
    if sole and len(pitched) == 1:
        return pitched[0]
    named = [t for t in everyone if guess and _is_named_bass(t) and one_voice(t) > ONE_VOICE]
    if named:  # on channel 10, which is for drums
        return max(named, key=lambda t: len(t.notes))
    low = [t for t in pitched if _as_low_as_a_bass(t)] if guess else []
    if not low:
        raise Unusable(
            f"{name}: no bass (programs 33-40, or a track called bass{', or a low one-voice track' * guess})"
        )
    return min(low, key=_middle)


def drums(tracks: Iterable[T], guess: bool = False) -> list[T]:
    """Return the tracks on channel 10; guess: else those named drums."""
    listed = list(tracks)
    found = [t for t in listed if t.channel == DRUM_CHANNEL]
    return found or [t for t in listed if guess and _called(t, DRUM_NAMES)]


def line(tracks: Iterable[T], length: int) -> T | None:
    """Return the one-voice track in the line's range with the most notes that is still a line, not a figure."""

    def fits(track: T) -> bool:
        enough = LINE_MIN_NOTES <= len(track.notes) <= LINE_MAX_PER_TICK * length
        return enough and LINE_LOW <= _middle(track) <= LINE_HIGH + 7 and one_voice(track) > LINE_ONE_VOICE

    return max((t for t in tracks if fits(t)), key=lambda t: len(t.notes), default=None)


def one_voice(track: _Track) -> float:
    """Return the share of a track's onsets that are a single note."""
    starts = Counter(note.start for note in track.notes)
    return sum(count == 1 for count in starts.values()) / max(len(starts), 1)


def _called(track: _Track, names: Sequence[str]) -> bool:
    return any(name in track.name.lower() for name in names)


def _is_named_bass(track: _Track) -> bool:
    return (_called(track, BASS_NAMES) or track.name.lower() == "base") and not _called(track, DRUM_NAMES)


def _as_low_as_a_bass(track: _Track) -> bool:
    enough = len(track.notes) >= BASS_MIN_NOTES and (track.program or 0) < SOUND_EFFECTS
    return enough and _middle(track) <= BASS_HIGHEST and one_voice(track) > ONE_VOICE


def _middle(track: _Track) -> float:
    return float(median(note.pitch for note in track.notes)) if track.notes else 0.0
