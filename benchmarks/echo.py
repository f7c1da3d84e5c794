"""Measure what the ears hear of a bass while the band plays into the same microphone.

`python benchmarks/echo.py [--only GLOB]`

Each clip of the shared set gets a band in its own tempo and chords, played by the synth that ships through a
loudspeaker in a simulated room (pyroomacoustics, image sources), the card's latency before it. Systems: no cancelling,
NLMS of the same length (Haykin, Adaptive Filter Theory, ch. 6), ours; all begin without knowing the room.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio.mixed_synth import MixedSynth, open_synth
from agent.audio.synth import BLOCK
from agent.core.settings import Config
from benchmarks.common import results, scorer
from listener.analyzer import Analyzer
from listener.capture import AudioFile, Framer
from listener.echo import TAPS, EchoCanceller
from listener.types import ANALYSIS_RATE, FRAME_SAMPLES, Frame

Sound = NDArray[np.float32]
RATE = 48_000
SHARED = Path(__file__).resolve().parents[2] / "shared" / "listening"
DEFAULT_CLIPS = "0[029]*clean,1[67]*clean,2[01]*clean"
LEVELS_DB = (-60.0, -20.0, -12.0, -6.0, 0.0)  # -60: what it costs a player whom no loudspeaker reaches
ALONE_S = 15.0  # of the band by itself
LEARN_S = 5.0
CHORD_TONES = {"min": (0, 3, 7), "dim": (0, 3, 6), "min7": (0, 3, 7, 10), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11)}
DRUM_HITS = ((0.0, 42, 80), (0.5, 42, 55))  # (beat, key, velocity) on every beat; kick and snare by turns
KICK, SNARE = (36, 105), (38, 100)


@dataclass(frozen=True)
class Room:
    """size_m, reverberation time, distance from loudspeaker to microphone, and the card's latency."""

    name: str
    size_m: tuple[float, float, float]
    rt60_s: float
    distance_m: float
    latency_s: float
    drive: float = 0.0  # of the loudspeaker: 0 linear; tanh saturation at 1 / drive of full scale

    def response(self) -> Sound:
        import pyroomacoustics as pra

        absorption, order = pra.inverse_sabine(self.rt60_s, self.size_m)
        room = pra.ShoeBox(self.size_m, fs=RATE, materials=pra.Material(absorption), max_order=min(order, 30))
        middle = np.array(self.size_m) / 2 + [0.13, -0.21, -0.2]
        room.add_source(middle + self.distance_m * np.array([0.8, 0.6, 0.0]))
        room.add_microphone(middle)
        room.compute_rir()
        bulk = np.zeros(round(self.latency_s * RATE))
        return np.concatenate([bulk, room.rir[0][0]]).astype(np.float32)

    def echo(self, sent: Sound) -> Sound:
        driven = np.tanh(self.drive * sent) / self.drive if self.drive else sent
        return fftconvolve(driven, self.response())[: len(sent)].astype(np.float32)


ROOMS = (
    Room("bedroom", (4.1, 3.3, 2.5), 0.30, 0.6, 0.020),
    Room("rehearsal", (6.2, 5.1, 2.8), 0.45, 1.5, 0.045),
    Room("saturated", (4.1, 3.3, 2.5), 0.30, 0.6, 0.020, drive=2.0),
)


def band(truth: dict[str, Any], seconds: float, synth: MixedSynth) -> Sound:
    """Drums, chords and an arpeggio on the clip's beats and chords, as sent to a loudspeaker: mono [n] at RATE."""
    events = sorted(_events(truth, seconds))
    blocks, at = [], 0
    for start in range(0, round(seconds * RATE), BLOCK):
        while at < len(events) and events[at][0] * RATE <= start:
            synth.send(events[at][1], events[at][2])
            at += 1
        blocks.append(synth.render(BLOCK).sum(axis=0).mean(axis=1))
    synth.all_off()
    synth.render(RATE)
    mono: Sound = np.concatenate(blocks)[: round(seconds * RATE)]
    return mono


def _events(truth: dict[str, Any], seconds: float) -> Iterator[tuple[float, str, tuple[int, int, int]]]:
    beat_s = float(np.median(np.diff(truth["beats"])))
    start_s, bar = truth["beats"][0], max(truth["beat_pos"])
    for beat in range(int((seconds - start_s) / beat_s)):
        at_s = start_s + beat * beat_s
        chord = _chord_at(truth, at_s)
        hits = [*DRUM_HITS, (0.0, *(SNARE if beat % bar % 2 else KICK))]
        yield from (note for by, key, v in hits for note in _note("drums", key, v, at_s + by * beat_s, beat_s / 4))
        if beat % bar in (0, bar // 2):
            yield from (note for key in chord for note in _note("chords", 60 + key, 80, at_s, 1.5 * beat_s))
        for half in (0, 1):
            key = 72 + chord[(2 * beat + half) % len(chord)]
            yield from _note("line", key, 75, at_s + half * beat_s / 2, beat_s / 2)


def _chord_at(truth: dict[str, Any], at_s: float) -> list[int]:
    now = [c for c in truth["chords"] if c["t"] <= at_s + 1e-3] or truth["chords"][:1]
    root, quality = (now[-1]["root"], now[-1]["quality"]) if now else (0, "min")
    return [(root + tone) % 12 for tone in CHORD_TONES.get(quality, (0, 4, 7))]


def _note(
    part: str, key: int, velocity: int, at_s: float, for_s: float
) -> list[tuple[float, str, tuple[int, int, int]]]:
    return [(at_s, part, (0x90, key, velocity)), (at_s + for_s, part, (0x80, key, 0))]


def frames(sound: Sound) -> Sound:
    """[n] at RATE -> [frames, 320] at 24 kHz."""
    return np.stack([frame.samples for frame in Framer(RATE).push(sound)])


def nothing(mic: Sound, reference: Sound) -> Sound:
    return mic


def ours(mic: Sound, reference: Sound, ducks: bool = True) -> Sound:
    canceller = EchoCanceller(ducks)
    return np.stack([canceller.step(m, r) for m, r in zip(mic, reference, strict=True)])


def subtraction(mic: Sound, reference: Sound) -> Sound:
    """Ours without the ducking: what ERLE is measured on."""
    return ours(mic, reference, ducks=False)


def nlms(mic: Sound, reference: Sound, step: float = 0.5) -> Sound:
    """Normalised least mean squares, TAPS long."""
    x = np.concatenate([np.zeros(TAPS - 1, np.float32), reference.ravel()])
    taps, out = np.zeros(TAPS, np.float32), mic.ravel().copy()
    power = np.convolve(x**2, np.ones(TAPS), "valid") if len(x) < TAPS else _running_sum(x**2, TAPS)
    for k in range(len(out)):
        window = x[k : k + TAPS]
        out[k] -= taps @ window
        taps += np.float32(step * out[k] / (power[k] + 1e-3)) * window
    return out.reshape(mic.shape)


def _running_sum(x: Sound, width: int) -> NDArray[np.float64]:
    total = np.concatenate([[0.0], np.cumsum(x, dtype=np.float64)])
    return total[width:] - total[:-width]


SYSTEMS: dict[str, Callable[[Sound, Sound], Sound]] = {"none": nothing, "nlms": nlms, "antiphon": ours}


def heard(sound: Sound) -> list[dict[str, Any]]:
    """What the ears say, as the scorer's lines."""
    ears, lines = Analyzer(), []
    for index, samples in enumerate(sound):
        said = ears.step(Frame(samples, index * FRAME_SAMPLES))
        lines += [{"type": "onset", "t_onset": o.onset_s, "t_emit": o.emit_s} for o in said.onsets]
        lines += [{"type": "note", "t_onset": n.onset_s, "t_emit": n.emit_s, "midi": n.pitch} for n in said.notes]
    return lines


def erle_db(echo: Sound, left: Sound, from_s: float) -> float:
    """Echo return loss enhancement (ITU-T G.168): power of the echo over what is left of it, from from_s on."""
    start = round(from_s * ANALYSIS_RATE / FRAME_SAMPLES)
    return 10 * float(np.log10(np.sum(echo[start:] ** 2) / (np.sum(left[start:] ** 2) + 1e-20)))


@dataclass
class Case:
    """A clip with its band in one room, everything at RATE."""

    truth: dict[str, Any]
    bass: Sound
    sent: Sound
    echo: Sound
    alone: tuple[Sound, Sound]  # sent, echo

    def at(self, level_db: float) -> float:
        return float(10 ** (level_db / 20) * np.std(self.bass) / np.std(self.echo))


def cases(names: list[str], room: Room) -> Iterator[Case]:
    synth, why = open_synth(Config(), RATE)
    assert synth, why
    for name in names:
        truth = json.loads((SHARED / "clips" / f"{name}.json").read_text())
        bass = np.concatenate(list(AudioFile(SHARED / "clips" / f"{name}.flac", RATE).blocks(4_800)))
        sent = band(truth, len(bass) / RATE, synth)
        alone = band(truth, ALONE_S, synth)
        yield Case(truth, bass, sent, room.echo(sent), (alone, room.echo(alone)))


def measure(case: Case, system: str, level_db: float, score: Any) -> dict[str, float]:
    gain, cancel = case.at(level_db), SYSTEMS[system]
    bass, echo, reference = frames(case.bass), frames(case.echo * gain), frames(case.sent)
    began_s = time.process_time()
    cleaned = cancel(bass + echo, reference)
    cpu_s = time.process_time() - began_s
    linear = subtraction if cancel is ours else cancel
    figures = {"erle_double_db": erle_db(echo, linear(bass + echo, reference) - bass, LEARN_S)}
    alone, reference = frames(case.alone[1] * gain), frames(case.alone[0])
    figures["erle_alone_db"] = erle_db(alone, linear(alone, reference), LEARN_S)
    said = score.score_clip(case.truth, heard(cleaned))
    figures |= {"note_f1": said["note"]["f"], "onset_f1": said["on50"]["f"]}
    return figures | {"cpu_per_s": cpu_s / (bass.size / ANALYSIS_RATE)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=DEFAULT_CLIPS, help="globs of clip names")
    parser.add_argument("--rooms", default=",".join(room.name for room in ROOMS))
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--levels", default=",".join(map(str, LEVELS_DB)), help="echo over bass, dB")
    parser.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    args = parser.parse_args()
    names = [p.stem for p in sorted((SHARED / "clips").glob("*.flac"))]
    names = [name for name in names if any(fnmatch(name, glob) for glob in args.only.split(","))]
    score = scorer.load()
    print(
        f"{len(names)} clips\n{'room':10} {'echo dB':>7} {'system':9} note F1  (free) onset F1  ERLE alone  double  CPU"
    )
    for room in (room for room in ROOMS if room.name in args.rooms.split(",")):
        made = list(cases(names, room))
        free = float(np.mean([score.score_clip(c.truth, heard(frames(c.bass)))["note"]["f"] for c in made]))
        for level_db in map(float, args.levels.split(",")):
            for system in args.systems.split(","):
                rows = [measure(case, system, level_db, score) for case in made]
                mean = {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}
                _say(room, level_db, system, mean, free)
                if not args.dry:
                    about = {
                        "room": room.name,
                        "echo_db": level_db,
                        "clips": len(names),
                        "note_f1_free": round(free, 4),
                    }
                    results.append("echo", system, mean | about)
    return 0


def _say(room: Room, level_db: float, system: str, f: dict[str, float], free: float) -> None:
    print(
        f"{room.name:10} {level_db:7.0f} {system:9} {f['note_f1']:7.3f} ({free:.3f}) {f['onset_f1']:8.3f} "
        f"{f['erle_alone_db']:11.1f} {f['erle_double_db']:7.1f} {f['cpu_per_s']:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
