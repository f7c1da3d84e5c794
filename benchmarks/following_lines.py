"""What the band follows in benchmarks/following.py: lines of ../shared/listening at other tempi, and with events.

Two ways to make sound: the clip's own notes, cut out and put where the new tempo wants them (real basses stay real),
and FluidSynth from the clip's truth where notes must sound longer or come from two clips. Beats are known in both.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from feel_lines import BLOCK, RATE, SOUNDFONT, lead_in_s
from numpy.typing import NDArray
from scipy.signal import resample_poly

from agent.audio.synth import PartVoice, Synth
from listener.types import ANALYSIS_RATE

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "listening" / "clips"
START_S, TAIL_S = 0.6, 1.5
BEFORE_S, FADE_S = 0.006, 0.005  # a note is cut out this long before its onset
EVENT_S = 15.0  # fermata, stop and jump come at the first bar line after this
RENDERED_PROGRAM = 33
Floats = NDArray[np.float64]
Sound = NDArray[np.float32]
Rate = Callable[[Floats], Floats]  # seconds since the start -> tempo, 1 = the clip's own


@dataclass
class Piece:
    """sound: float32 [n] at 24 kHz. beats_s: true beats; positions: 1 = downbeat. free: (start_s, end_s) where nobody
    can say where the beat is. events_s: where the player jumps."""

    name: str
    sound: Sound
    beats_s: Floats
    positions: NDArray[np.int64]
    meter: str
    free: tuple[tuple[float, float], ...] = ()
    events_s: tuple[float, ...] = ()


@dataclass
class Clip:
    """notes: (unit, units long, pitch or None of a dead note, velocity) with 0 = the first beat;
    units in the line, a whole number of bars.
    """

    name: str
    notes: list[tuple[float, float, int | None, int]]
    units: int
    bar: int
    meter: str
    period_s: float
    truth: dict[str, Any]


def clips(condition: str = "clean") -> list[Clip]:
    """Every clip of the condition whose beats can be known, by its number."""
    paths = sorted(CLIPS.glob(f"*_{condition}.json"))
    return [clip for path in paths if (clip := _clip(path)) is not None]


def _clip(path: Path) -> Clip | None:
    truth = json.loads(path.read_text())
    if not truth["score_beats"]:
        return None
    beats = np.array(truth["beats"])
    bar = max(truth["beat_pos"])
    units = (len(beats) - 1) // bar * bar
    at = [(_unit(n["t_on"], beats), _unit(n["t_off"], beats)) for n in truth["notes"]]
    notes = [(a, b - a, n["midi"], n["velocity"]) for (a, b), n in zip(at, truth["notes"], strict=True)]
    kept = [note for note in notes if note[0] < units - 0.2]
    period_s = float(beats[units] - beats[0]) / units
    return Clip(path.stem, kept, units, bar, truth["meter"], period_s, truth)


def _unit(time_s: float, beats_s: Floats) -> float:
    ends = np.concatenate([[2 * beats_s[0] - beats_s[1]], beats_s, [2 * beats_s[-1] - beats_s[-2]]])
    return float(np.interp(time_s, ends, np.arange(-1, len(beats_s) + 1)))


def warp(clip: Clip, rate: Rate, seconds: float) -> Callable[[Floats], Floats]:
    """Units since the start -> seconds, when the tempo goes as `rate`."""
    t = np.arange(0, seconds + 20, 0.005)
    units = np.concatenate([[0], np.cumsum(rate(t[:-1]) * 0.005 / clip.period_s)])
    return lambda u: START_S + np.interp(u, units, t) + np.minimum(u, 0) * clip.period_s


def as_it_is(clip: Clip) -> Piece:
    """The clip itself."""
    beats = np.array(clip.truth["beats"])
    return Piece(clip.name, _load(clip.name), beats, np.array(clip.truth["beat_pos"]), clip.meter)


def moved(clip: Clip, name: str, rate: Rate, seconds: float, late_s: float = 0.0) -> Piece:
    """The clip over and over, its notes cut out and put where the tempo wants them;
    late_s behind it from EVENT_S on.
    """
    place = warp(clip, rate, seconds)
    bars = int(np.searchsorted(place(np.arange(0.0, 1000, clip.bar)), seconds))
    total = max(bars, 4) * clip.bar
    notes = _repeated(clip, total)
    source = _load(clip.name)
    out = np.zeros(int((float(place(np.array(float(total)))) + TAIL_S) * ANALYSIS_RATE), np.float32)
    onsets = place(np.array([at for at, _ in notes]))
    onsets = onsets + late_s * (onsets > EVENT_S)
    for i, (_, n) in enumerate(notes):
        until_s = onsets[i + 1] if i + 1 < len(notes) else onsets[i] + 1.0
        _paste(out, _cut(clip, source, n), float(onsets[i]), float(until_s))
    units = np.arange(total)
    return Piece(f"{clip.name} {name}", out, place(units.astype(float)), units % clip.bar + 1, clip.meter)


def _repeated(clip: Clip, total: int) -> list[tuple[float, int]]:
    """(unit, number of the clip's note) until `total` units."""
    rounds = range(0, total, clip.units)
    found = [(start + note[0], n) for start in rounds for n, note in enumerate(clip.notes)]
    return sorted((at, n) for at, n in found if at < total - 0.1)


def _cut(clip: Clip, source: Sound, n: int) -> Sound:
    onsets = [note["t_on"] for note in clip.truth["notes"]]
    end_s = onsets[n + 1] - BEFORE_S if n + 1 < len(onsets) else len(source) / ANALYSIS_RATE
    return source[int((onsets[n] - BEFORE_S) * ANALYSIS_RATE) : int(end_s * ANALYSIS_RATE)]


def _paste(out: Sound, note: Sound, onset_s: float, until_s: float) -> None:
    fade = int(FADE_S * ANALYSIS_RATE)
    start = round((onset_s - BEFORE_S) * ANALYSIS_RATE)
    length = min(len(note), int((until_s - onset_s + BEFORE_S / 4) * ANALYSIS_RATE), len(out) - start)
    if start < 0 or length <= 2 * fade:
        return
    shape = np.ones(length, np.float32)
    shape[:fade], shape[-fade:] = np.linspace(0, 1, fade), np.linspace(1, 0, fade)
    out[start : start + length] += note[:length] * shape


@cache
def _load(name: str) -> Sound:
    sound, rate = soundfile.read(CLIPS / f"{name}.flac", dtype="float32")
    assert rate == RATE
    return np.asarray(resample_poly(sound, ANALYSIS_RATE, RATE), np.float32)


# ---- events, through FluidSynth

Events = list[tuple[float, float, int, int]]  # onset_s, offset_s, pitch, velocity


def render(events: Events, end_s: float, program: int = RENDERED_PROGRAM) -> Sound:
    """float32 [n] at 24 kHz: every note is heard when it should be, to 1.3 ms (FluidSynth's block)."""
    synth = Synth(SOUNDFONT, RATE, (PartVoice("bass", 0, program),))
    leads_s = {key: lead_in_s(synth, *key) for key in sorted({(p, v) for _, _, p, v in events})}
    synth.all_off()
    messages = []
    for on_s, off_s, p, v in events:
        messages += [(on_s - leads_s[p, v], 1, (0x90, p, v)), (off_s - leads_s[p, v] - 0.01, 0, (0x80, p, 0))]
    stems, now = [], 0
    for time_s, _, message in sorted(messages):
        block = round(time_s * RATE / BLOCK) * BLOCK
        if block > now:
            stems.append(synth.render(block - now)[0].mean(1))
            now = block
        synth.send("bass", message)
    stems.append(synth.render(max(int(end_s * RATE) - now, RATE // 2))[0].mean(1))
    synth.close()
    heard = np.asarray(resample_poly(np.concatenate(stems), ANALYSIS_RATE, RATE), np.float32)
    return (0.5 * heard / np.abs(heard).max()).astype(np.float32)


def _spans(clip: Clip, bars: int, start: int, place: Callable[[Floats], Floats]) -> Events:
    """`bars` of the clip from bar line `start` (units) on, as sounding notes in seconds."""
    total, notes = bars * clip.bar, [(at, clip.notes[n]) for at, n in _repeated(clip, bars * clip.bar)]
    ends = [min(at + note[1], notes[i + 1][0] if i + 1 < len(notes) else total) for i, (at, note) in enumerate(notes)]
    on_s = place(start + np.array([at for at, _ in notes]))
    off_s = place(start + np.array(ends))
    return [
        (float(a), float(max(b, a + 0.05)), note[2], _velocity(note[3]))
        for a, b, (_, note) in zip(on_s, off_s, notes, strict=True)
        if note[2] is not None
    ]


def _velocity(velocity: int) -> int:
    return min(127, max(20, 4 * round(velocity / 4)))  # fewer lead-ins to measure


def two_halves(clip: Clip, name: str, then: Clip, pause_s: float, ratio: float, hold_s: float = 0.0) -> Piece:
    """`clip` until EVENT_S, a held downbeat of hold_s or a silence of pause_s,
    then `then` at `ratio` times the tempo.
    """
    p, q = clip.period_s, clip.period_s / ratio
    bars = max(4, int(np.ceil(EVENT_S / p / clip.bar)))
    turn, more = bars * clip.bar, max(6, int(np.ceil(EVENT_S / q / then.bar)))
    at_s = START_S + turn * p
    resume_s = at_s + pause_s + hold_s
    events = _spans(clip, bars, 0, lambda u: START_S + u * p)
    if hold_s:
        events.append((at_s, resume_s - 0.03, clip.notes[0][2] or 33, 96))
    events += _spans(then, more, 0, lambda u: resume_s + u * q)
    after = np.arange(more * then.bar)
    first_half = np.arange(turn + (1 if hold_s else 0))
    beats_s = np.concatenate([START_S + first_half * p, resume_s + after * q])
    positions = np.concatenate([first_half % clip.bar + 1, after % then.bar + 1])
    free = ((at_s + (0.5 * p if hold_s else -0.5 * p), resume_s - 0.5 * q),) if pause_s or hold_s else ()
    end_s = float(beats_s[-1]) + TAIL_S
    return Piece(f"{clip.name} {name}", render(events, end_s), beats_s, positions, then.meter, free, (resume_s,))


# ---- tempo curves


def steady(t: Floats) -> Floats:
    return np.ones_like(t)


def ramp(total: float) -> Rate:
    """6 s steady, then to 1 + total over 24 s."""
    return lambda t: 1 + total * np.clip((t - 6) / 24, 0, 1)


def wave(depth: float, period_s: float) -> Rate:
    """6 s steady, then a sine of this depth."""
    return lambda t: 1 + depth * np.sin(2 * np.pi * np.maximum(t - 6, 0) / period_s)
