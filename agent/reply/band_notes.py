"""Turns replies on ticks into the notes of each part in MIDI ticks, with chords voiced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from agent.band.voicing import intervals_of, voice
from agent.parts.bass_bar import end_of_note
from models.music.midi_reader import RawNote
from models.music.tokens import DRUM_PIECES, QUALITIES, BassTick, DrumHit, Reply

DRUM_TICKS = 1  # how long a drum's note is written
BASS_GAP = 0.95  # share of its ticks that a bass note is written, so that repeated notes stay apart

At = Callable[[int], int]  # 16th tick -> MIDI tick
Strike = Callable[[int, Reply], list[tuple[DrumHit, int]]]  # tick, reply -> hits, and MIDI ticks from the grid


def on_the_grid(tick: int, reply: Reply) -> list[tuple[DrumHit, int]]:
    """Return the drum hits of a reply without human timing: the plain Strike."""
    return [(hit, 0) for hit in reply.drums]


def band_notes(replies: Sequence[Reply], at: At, strike: Strike = on_the_grid) -> dict[str, tuple[RawNote, ...]]:
    """Return the notes of each of tokens.PARTS; all end with the last tick. strike is called tick by tick, in order."""
    return {
        "drums": tuple(_drums(replies, at, strike)),
        "chords": tuple(_chords(replies, at)),
        "line": tuple(_line(replies, at)),
    }


def bass_notes(basses: Sequence[BassTick], at: At) -> tuple[RawNote, ...]:
    """Return the bass's notes: each sounds until the bass rests, changes its pitch or begins another note."""
    return tuple(_bass(basses, at))


def _drums(replies: Sequence[Reply], at: At, strike: Strike) -> Iterator[RawNote]:
    end = at(len(replies))
    for tick, reply in enumerate(replies):
        for hit, late in strike(tick, reply):
            start = min(max(at(tick) + late, 0), end - 1)
            until = min(start + at(tick + DRUM_TICKS) - at(tick), end)
            yield RawNote(start, until, DRUM_PIECES[hit.piece].key, hit.velocity)


def _chords(replies: Sequence[Reply], at: At) -> Iterator[RawNote]:
    voicing: tuple[int, ...] = ()
    for tick, reply in enumerate(replies):
        if reply.chord is None:
            continue
        chord = reply.chord
        voicing = chord.voicing or voice(chord.root, intervals_of(chord.quality, QUALITIES), voicing)
        end = at(_until(replies, tick, _stops_chord))
        yield from (RawNote(at(tick), end, pitch, reply.chord.velocity) for pitch in voicing)


def _line(replies: Sequence[Reply], at: At) -> Iterator[RawNote]:
    for tick, reply in enumerate(replies):
        if reply.line:
            yield RawNote(at(tick), at(_until(replies, tick, _stops_line)), reply.line.pitch, reply.line.velocity)


def _bass(basses: Sequence[BassTick], at: At) -> Iterator[RawNote]:
    for tick, bass in enumerate(basses):
        if bass.onset_pitch is None:
            continue
        end = end_of_note(basses, tick)
        start = at(tick)
        yield RawNote(start, start + max(round((at(end) - start) * BASS_GAP), 1), bass.onset_pitch, bass.velocity)


def _until(replies: Sequence[Reply], tick: int, stops: Callable[[Reply], bool]) -> int:
    return next((later for later in range(tick + 1, len(replies)) if stops(replies[later])), len(replies))


def _stops_chord(reply: Reply) -> bool:
    return reply.chord is not None or reply.chord_off


def _stops_line(reply: Reply) -> bool:
    return reply.line is not None or reply.line_off
