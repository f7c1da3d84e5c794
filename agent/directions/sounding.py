"""What is heard of replies under the settings of their bars, stroke by stroke: `strokes` of any music of 16ths.

It is the common ground on which a direction is measured, live and over a riff, without synth and without human timing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.core.types import MixWish, added
from agent.directions.bar_settings import Settings
from agent.directions.mix_wishes import LANES, sounds_of, wishes_of
from agent.directions.note_changes import of
from models.music.tokens import BassTick, Position, Reply

Place = tuple[int, int]  # bar, tick in the bar
Mix = tuple[dict[str, MixWish], dict[str, str]]  # what a bar's settings ask of the mix: lanes, instruments
PLAIN_MIX = MixWish()


@dataclass(frozen=True, slots=True)
class Heard:
    """One tick of music as it is to be played: the band's reply is already shaped by the directions in force."""

    position: Position
    reply: Reply
    bass: BassTick
    settings: Settings


@dataclass(frozen=True, slots=True)
class Stroke:
    """One stroke of a voice (a drum piece, "chords", "line", "bass").

    pitch: of line and bass, MIDI; harmony: of chords, with what colours them; level_db, late_ms: what directions add;
    velocity: as drawn; length: in 16ths, 0 for drums; grid: what moves it off the straight 16ths; mix, sound: of its
    lane and part.
    """

    velocity: int
    level_db: float = 0.0
    late_ms: float = 0.0
    pitch: int = 0
    harmony: tuple[object, ...] = ()
    length: int = 0
    grid: tuple[object, ...] = ()
    mix: MixWish = PLAIN_MIX
    sound: str = ""


Strokes = dict[str, dict[Place, Stroke]]


def strokes(music: Sequence[Heard]) -> Strokes:
    """Return voice -> place -> stroke of everything that sounds; muted voices are not there."""
    found: Strokes = {}
    lengths = {part: _lengths(music, part) for part in ("chord", "line")}
    mixes: dict[int, Mix] = {}
    for number, one in enumerate(music):
        settings, reply, place = one.settings, one.reply, (one.position.bar, one.position.tick)
        if id(settings) not in mixes:
            mixes[id(settings)] = (wishes_of(settings), sounds_of(settings))
        mix = mixes[id(settings)]
        shift = {part: round(of(settings.semitones, (part,))) for part in ("chords", "line")}
        for hit in reply.drums:
            if settings.muted.isdisjoint((hit.piece, "drums")):
                found.setdefault(hit.piece, {})[place] = _stroke(one, mix, (hit.piece, "drums"), hit.velocity)
        if (chord := reply.chord) and "chords" not in settings.muted:
            made = _stroke(one, mix, ("chords",), chord.velocity, shift["chords"], lengths["chord"][number])
            colour = (chord.root, chord.quality, chord.voicing, settings.open_fifths, settings.rubs)
            found.setdefault("chords", {})[place] = replace(made, harmony=colour)
        if (line := reply.line) and "line" not in settings.muted:
            pitch, length = line.pitch + shift["line"], lengths["line"][number]
            found.setdefault("line", {})[place] = _stroke(one, mix, ("line",), line.velocity, pitch, length)
        if one.bass.onset_pitch is not None and "bass" not in settings.muted:
            level_db = settings.level_db.get("bass", 0.0)
            found.setdefault("bass", {})[place] = Stroke(one.bass.velocity, level_db, pitch=one.bass.onset_pitch)
    return found


def _stroke(one: Heard, asked: Mix, voices: tuple[str, ...], velocity: int, pitch: int = 0, length: int = 0) -> Stroke:
    settings, tick = one.settings, one.position.tick
    triplets = not settings.triplets.isdisjoint(voices) and tick % 4 in (1, 2, 3)
    lane = next((lane for lane, pieces in LANES.items() if voices[0] in pieces), voices[0])
    (wishes, sounds), part = asked, voices[-1]
    return Stroke(
        velocity,
        of(settings.level_db, voices) + of(settings.touch_db, voices),
        1000 * of(settings.late_s, voices),
        pitch,
        length=length,
        grid=(settings.swing if tick % 4 else None, triplets, settings.tempo_bpm, settings.tempo_factor),
        mix=added(wishes.get(lane), wishes.get(part) if part != lane else None),
        sound=sounds.get(part, ""),
    )


def _lengths(music: Sequence[Heard], part: str) -> list[int]:
    """Return for each tick in how many ticks the part begins anew or ends."""
    lengths, until = [0] * len(music), len(music)
    for number in range(len(music) - 1, -1, -1):
        lengths[number] = until - number
        reply = music[number].reply
        if getattr(reply, part) or getattr(reply, f"{part}_off"):
            until = number
    return lengths
