"""A riff that was taken while playing: from a kept section to the `Riff` that takes are made of, and from a take back
to what loops: the band's part (`LoopedTake`) and the sound of its bass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.audio.loop_sound import read_sound
from agent.band.loop_control import STEPS_PER_S, LoopedBar, LoopedTake
from agent.parts.bass_bar import BassBar
from agent.song.kept import KeptSection
from agent.takes.mixdown import RATE, Sound, bass_of
from agent.takes.performance import Clock, bass_shift
from agent.takes.riff import Bar, Riff
from agent.takes.take import Take
from listener.types import Key
from models.music.tokens import BassTick, Position

BEFORE_S = 0.25  # of a take's bass that lies before its first one
SILENT_DB = -120.0


@dataclass(frozen=True, slots=True)
class Captured:
    """A riff that loops. path: its sound; seconds: of its bars; before_s: of the sound before the first one; began:
    the band's bar with which it began to loop."""

    kept: KeptSection
    path: str
    seconds: float
    before_s: float
    began: int


def recording_of(captured: Captured) -> Sound:
    """Return a captured riff's sound, mono at RATE. Raises OSError, RuntimeError or ValueError."""
    return read_sound(Path(captured.path), RATE)


def riff_of_kept(captured: Captured, key: Key | None, swing: float = 0.5) -> Riff:
    """Return a captured riff as takes are made of it; its bars lie in its sound from before_s on."""
    kept = captured.kept
    odd, usual = dict(kept.odd), kept.section.meter
    meters = [odd.get(number, usual) for number in range(len(kept.bars))]
    ticks = [Position(0, 0, meter).ticks_per_bar for meter in meters]
    tick_s = captured.seconds / sum(ticks)
    made, at_s = list[Bar](), captured.before_s
    for number, (meter, count) in enumerate(zip(meters, ticks, strict=True)):
        made.append(Bar(meter, _basses(kept.bars[number], count), at_s, at_s + count * tick_s))
        at_s += count * tick_s
    mode = kept.mode if kept.mode in ("maj", "min") else "min"
    found = Key(kept.tonic, mode, 1.0) if kept.tonic >= 0 else key or Key(4, "min", 0.0)
    return Riff(tuple(made), 15 / tick_s, found, swing=swing)


def _basses(bar: BassBar, count: int) -> tuple[BassTick, ...]:
    notes = {note.tick: note for note in bar.notes}
    basses: list[BassTick] = []
    sounding, until = bar.sounding, count
    for tick in range(count):
        note = notes.get(tick)
        if note is not None:
            sounding, until = note.pitch, tick + note.length
        pitch, velocity = (note.pitch, note.velocity) if note else (None, 0)
        basses.append(BassTick(True, pitch, velocity, sounding if tick < until else None))
    return tuple(basses)


def looped_take(take: Take) -> LoopedTake:
    """Return a take as the band plays it over its loop, its intro once.

    Its length is a whole number of samples at every rate.
    """
    clock = Clock.of(take)
    whole_s = round(clock.bar_starts_s[-1] * STEPS_PER_S) / STEPS_PER_S
    factor = whole_s / clock.bar_starts_s[-1]
    bars, at = list[LoopedBar](), 0
    for number, bar in enumerate(take.bars):
        replies = tuple(one.reply for one in take.played[at : at + len(bar.basses)])
        seconds = (clock.bar_starts_s[number + 1] - clock.bar_starts_s[number]) * factor
        basses = _moved(bar.basses, bass_shift(take.settings[number]))
        bars.append(LoopedBar(bar.meter, seconds, basses, replies, take.settings[number]))
        at += len(bar.basses)
    return LoopedTake(take.number, tuple(bars), take.settings[0].swing or take.riff.swing, take.intro)


def _moved(basses: tuple[BassTick, ...], up: int) -> tuple[BassTick, ...]:
    """Return the ticks of a bass so many semitones higher."""
    if not up:
        return basses
    return tuple(
        replace(
            one,
            onset_pitch=None if one.onset_pitch is None else one.onset_pitch + up,
            sounding_pitch=None if one.sounding_pitch is None else one.sounding_pitch + up,
        )
        for one in basses
    )


def looped_sound(take: Take, recording: Sound) -> tuple[Sound, float]:
    """Return the take's bass for a loop, mono at RATE with BEFORE_S of its end before it, and its gain in dB.

    recording: mono at RATE, which the riff's bars point into.
    """
    looped = looped_take(take)
    length = round(sum(bar.seconds for bar in looped.bars) * RATE)
    bass = bass_of(take, recording, length)[:length]
    gains = [_gain_db(settings.level_db.get("bass", 0.0), "bass" in settings.muted) for settings in take.settings]
    if len(set(gains)) > 1:
        starts = np.round(np.cumsum([0.0, *(bar.seconds for bar in looped.bars)]) * RATE).astype(int)
        for gain_db, begin, end in zip(gains, starts[:-1], starts[1:], strict=True):
            bass[begin:end] *= np.float32(10 ** (gain_db / 20))
    before = round(BEFORE_S * RATE)
    around = np.concatenate([bass[-before:], bass])
    return around, gains[0] if len(set(gains)) == 1 else 0.0


def _gain_db(level_db: float, muted: bool) -> float:
    return SILENT_DB if muted else level_db
