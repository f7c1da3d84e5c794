"""What the record of the live story says (benchmarks/live_story.py): whether each line did what was asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from agent.core.midi_constants import VELOCITY_DB
from agent.directions.step_sizes import STEPS

RATE, BEATS = 48_000, 16
KICK, SNARE, HATS = (35, 36), (37, 38, 40), (42, 44, 46)
TIME = (*HATS, 51, 53, 59)  # what keeps time: hats or ride
CYMBALS = (49, 51, 52, 53, 55, 57, 59)
BEATEN = (*KICK, *SNARE)
BANDS_HZ = {  # in which a stroke is measured
    BEATEN: (35.0, 420.0),
    KICK: (35.0, 110.0),
    SNARE: (170.0, 420.0),
    HATS: (7_000.0, 16_000.0),
}
RINGS_S = 2.0  # for which a cymbal sounds in the band of the hats: strokes within it are not measured
STRUCK_S, ALONE_S = (
    0.08,
    0.06,
)  # after a stroke that are measured; around it without another of the kit, if there is one
IDEA, SNARE_DOWN, BRISTOL, THIN, FILL, UNDO, LOVE, LIKED, CHANGED = LINES = (
    "any ideas?",
    "I like the direction but the snare is too present. "
    "And I want more dissonance in the harmony, but don't resolve it.",
    "Think early-90s Bristol: slightly behind the beat, heavy bottom.",
    "thin the hats out a little",
    "a fill in bar four",
    "undo",
    "love it",
    "what did I like?",
    "what did you change?",
)
ODD = "seven eight in bar three"
LISTENS_S, PIECE_S = 10.5, 1.4  # before the next line in which the take of an idea is heard
CYCLE_NEAR_S = 0.010  # by which an odd cycle may be other than the player's own less an eighth
EARLY_S = 0.08  # by which a stroke may rise before its bar


@dataclass
class Evening:
    """What was answered, and the session's record. at_s: when each line was said, in seconds of the stream."""

    said: dict[str, str] = field(default_factory=dict)
    at_s: dict[str, float] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    bars: list[tuple[float, float]] = field(default_factory=list)  # of the band: when it began, seconds of a 16th
    lines: list[str] = field(default_factory=list)
    sounds: dict[str, NDArray[np.float64]] = field(default_factory=dict)  # mono, by file
    in_time: float = 0.0

    def read(self, session: Path) -> Evening:
        """Take in what the session recorded."""
        events = [json.loads(line) for line in (session / "events.jsonl").read_text().splitlines()]
        self.in_time = next(one["in_time_share"] for one in events if one["type"] == "summary")
        sent = [one for one in events if one["type"] == "sent" and one["on"] and one["output"] == "synth"]
        self.notes = [Note(one["due_s"], one["part"], one["pitch"], one["velocity"]) for one in sent]
        bars = [(one["start_s"], one["end_s"], one["meter"]) for one in events if one["type"] == "bar"]
        self.bars = sorted((s, (end_s - s) * m["denominator"] / (16 * m["numerator"])) for s, end_s, m in bars)
        self.lines = [one["says"] for one in events if one["type"] in ("says", "leads")]
        asked = {one["text"].removeprefix("say "): one["time_s"] for one in events if one["type"] == "command"}
        self.at_s = {line: asked[line] for line in (*LINES, "loop off", ODD) if line in asked}
        self.sounds = {name: soundfile.read(session / f"{name}.wav")[0].mean(axis=1) for name in ("mix", "drums")}
        return self


@dataclass(frozen=True, slots=True)
class Note:
    """A stroke or note that was sent to the synth."""

    at_s: float
    part: str
    pitch: int
    velocity: int


def kept(first: Evening, later: str, plain_s: float) -> tuple[dict[str, bool], dict[str, float], dict[str, str]]:
    """Return the promises and whether they were kept, figures, and what was measured after each line.

    later: what was said a week later; plain_s: of the riff as it was played.
    """
    odd_s = plain_s * (BEATS - 0.5) / BEATS
    cycle_s = _period_s(first, SNARE_DOWN)
    cycles = [Cycle.of(first, following) for following in (*LINES[1:6], LOVE)]
    before, snare, late, thin, fill, undone = cycles
    behind = [cycle.behind_ms(BEATEN) for cycle in cycles]
    figures = {
        "cycle, s": cycle_s,
        "cycle asked for, s": odd_s,
        "snare as struck, dB": snare.struck_db(SNARE) - before.struck_db(SNARE),
        "snare, dB": snare.level_db(SNARE) - before.level_db(SNARE),
        "kick, dB": snare.louder_db(before, KICK),
        "hat, dB": snare.louder_db(before, HATS),
        "rubs a chord": snare.rubs() - before.rubs(),
        "later, ms": float(np.median(behind[2:]) - np.median(behind[:2])),  # as large is a drummer's own timing
        "hats or ride a cycle": thin.count(TIME) - late.count(TIME),
        "strokes of the fill": fill.unlike(thin),
        "strokes after undo": undone.unlike(thin),
        "in time": first.in_time,
    }
    promises = {
        "it proposes the 7/8 in bar three": any(
            "7/8" in line and "three" in line for line in (*first.lines, *first.said.values())
        ),
        "and plays it: the loop is an eighth shorter": abs(cycle_s - odd_s) < CYCLE_NEAR_S,
        "the snare is 4 dB softer in the recording, to 1 dB": abs(figures["snare, dB"] + STEPS["level"].usual) <= 1,
        "and struck as before; kick and hat as loud": abs(figures["snare as struck, dB"]) < 1
        and abs(figures["kick, dB"]) < 0.5
        and abs(figures["hat, dB"]) < 0.5,
        "more dissonance": figures["rubs a chord"] > 0,
        "behind the beat by 3 ms or more": figures["later, ms"] >= 3,
        "the hats are thinner, or the ride that keeps the time": figures["hats or ride a cycle"] < 0,
        "a fill": figures["strokes of the fill"] > 0,
        "undone: the drums are what they were": figures["strokes after undo"] == 0,
        "it knows that the 7/8 was liked": "odd bar" in first.said[LIKED],
        "a player who refuses is met again, and told": any("did not come along" in line for line in first.lines),
        "a week later it says so": "week" in later,
        "and what was liked": "odd bar" in later,
    }
    measured = {
        IDEA: f"the loop comes again after {plain_s:.3f} s before, {cycle_s:.3f} s after",
        SNARE_DOWN: ", ".join(f"{name.replace(',', '')} {figures[name]:+.1f}" for name in SOUND) + "; "
        f"dissonant pairs a chord {before.rubs():.1f} -> {snare.rubs():.1f}",
        BRISTOL: f"kick and snare {figures['later, ms']:+.1f} ms",
        THIN: f"hats and ride a cycle {late.count(TIME)} -> {thin.count(TIME)}",
        FILL: f"{figures['strokes of the fill']} strokes a cycle are others ({thin.count()} -> {fill.count()})",
        UNDO: f"{figures['strokes after undo']} strokes a cycle are others than before the fill",
        ODD: "; ".join(line for line in first.lines if "7/8" in line and "did not" in line),
    }
    return promises, figures, measured


SOUND = ("snare as struck, dB", "snare, dB", "kick, dB", "hat, dB")


@dataclass(frozen=True)
class Cycle:
    """The band's strokes and notes of the last four whole bars before the next line, and the stem of its drums."""

    notes: tuple[Note, ...]
    drums: NDArray[np.float64]
    bars: Sequence[tuple[float, float]]
    cymbals_s: tuple[float, ...] = ()  # strokes on cymbals of the whole session, which ring

    @classmethod
    def of(cls, found: Evening, following: str) -> Cycle:
        *_, begin, _, _, _, end = (bar for bar in found.bars if bar[0] <= found.at_s[following])
        from_s, until_s = (start_s - tick_s / 2 for start_s, tick_s in (begin, end))
        mine = tuple(one for one in found.notes if from_s <= one.at_s < until_s)
        cymbals_s = tuple(one.at_s for one in found.notes if one.part == "drums" and one.pitch in CYMBALS)
        return cls(mine, found.sounds["drums"], found.bars, cymbals_s)

    def struck(self, pitches: Sequence[int] = ()) -> list[Note]:
        return [one for one in self.notes if one.part == "drums" and (not pitches or one.pitch in pitches)]

    def level_db(self, pitches: tuple[int, ...], even: bool = False) -> float:
        """Return the mean level of these strokes in their band of the stem: of those alone, where there are any, else
        less what the strokes beside them have without them. even: the median, as if all were struck fully."""
        velocities = {one.at_s: one.velocity for one in self.struck(pitches)}
        sound, strokes = _band(self.drums, BANDS_HZ[pitches]), [one.at_s for one in self.struck(pitches)]
        beside = [one.at_s for one in self.struck() if one.pitch not in pitches and one.pitch in (*KICK, *SNARE)]
        if pitches == HATS:
            clear = [at_s for at_s in strokes if all(not 0 <= at_s - begun_s < RINGS_S for begun_s in self.cymbals_s)]
            strokes = clear or strokes

        def power(times_s: Sequence[float]) -> float:
            pieces = [sound[round(at_s * RATE) : round((at_s + STRUCK_S) * RATE)] for at_s in times_s]
            return float(np.mean(np.square(pieces))) if pieces else 0.0

        if (alone := _far(strokes, beside)) and even:
            return float(np.median([_db(power([at_s])) - _struck_db(velocities[at_s]) for at_s in alone]))
        if alone:
            return _db(power(alone))
        level = _db(power(strokes) - power(_far(beside, strokes)))
        return level - self.struck_db(pitches) if even else level

    def struck_db(self, pitches: tuple[int, ...]) -> float:
        """Return how hard they are struck on average, in dB of General MIDI's velocity."""
        return _struck_db(float(np.mean([one.velocity for one in self.struck(pitches)])))

    def louder_db(self, other: Cycle, pitches: tuple[int, ...]) -> float:
        """Return how much louder these strokes are than another cycle's, beyond how they are struck."""
        if not (self.struck(pitches) and other.struck(pitches)):
            return 0.0
        return self.level_db(pitches, even=True) - other.level_db(pitches, even=True)

    def count(self, pitches: Sequence[int] = ()) -> int:
        return len(self.struck(pitches))

    def rubs(self) -> float:
        """Return the seconds and tritones in a chord, on average."""
        chords: dict[float, list[int]] = {}
        for one in sorted(self.notes, key=lambda one: one.pitch):
            if one.part == "chords":
                chords.setdefault(round(one.at_s, 1), []).append(one.pitch)
        pairs = [
            sum((b - a) % 12 in (1, 2, 6, 10, 11) for i, a in enumerate(one) for b in one[i + 1 :])
            for one in chords.values()
        ]
        return float(np.mean(pairs)) if pairs else 0.0

    def behind_ms(self, pitches: tuple[int, ...]) -> float:
        """Return how far behind the 16ths of the band's bars these strokes rise in the stem: the median, since one that
        rises in what another leaves ringing is measured wrongly."""
        off = []
        for rise_s in self._rises_s(pitches):
            start_s, tick_s = next((s, t) for s, t in reversed(self.bars) if s <= rise_s + EARLY_S)
            off.append((rise_s - start_s + tick_s / 2) % tick_s - tick_s / 2)
        return float(1000 * np.median(off)) if off else 0.0

    def _rises_s(self, pitches: tuple[int, ...]) -> list[float]:
        """Return when each of these strokes reaches half its height in its band of the stem."""
        sound = np.abs(_band(self.drums, BANDS_HZ[pitches]))
        rises = []
        for one in self.struck(pitches):
            begin = round((one.at_s - 0.03) * RATE)
            piece = np.maximum.accumulate(sound[begin : begin + round(0.1 * RATE)])
            rises.append((begin + int(np.argmax(piece >= piece[-1] / 2))) / RATE)
        return rises

    def unlike(self, other: Cycle) -> int:
        """Return how many strokes only one of two cycles has, piece by piece."""
        mine, theirs = (Counter(one.pitch for one in cycle.struck()) for cycle in (self, other))
        return ((mine - theirs) + (theirs - mine)).total()


def _far(times_s: Sequence[float], others_s: Sequence[float]) -> list[float]:
    return [at_s for at_s in times_s if all(abs(at_s - other_s) > ALONE_S for other_s in others_s)]


def _struck_db(velocity: float) -> float:
    return float(VELOCITY_DB * np.log10(velocity / 127))


def _db(power: float) -> float:
    return float(10 * np.log10(max(power, 1e-12)))


@cache
def _filter(band_hz: tuple[float, float]) -> NDArray[np.float64]:
    return np.asarray(butter(2, band_hz, "bandpass", fs=RATE, output="sos"), np.float64)


def _band(sound: NDArray[np.float64], band_hz: tuple[float, float]) -> NDArray[np.float64]:
    return np.asarray(sosfiltfilt(_filter(band_hz), sound), np.float64)


def _period_s(found: Evening, following: str) -> float:
    """Return after how many seconds the mix comes again before a line: its best match with itself."""
    until = round(found.at_s[following] * RATE)
    sound = found.sounds["mix"][until - round(LISTENS_S * RATE) : until]
    piece, later = sound[: round(PIECE_S * RATE)], sound[5 * RATE :]
    size = 1 << (len(later) + len(piece)).bit_length()
    match = np.fft.irfft(np.fft.rfft(later, size) * np.conj(np.fft.rfft(piece, size)))[: len(later) - len(piece)]
    return float(5 + np.argmax(match) / RATE)
