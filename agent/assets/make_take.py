"""Makes the included bass take: a line with feel, played by FluidSynth, with its ground truth.

`python -m agent.assets.make_take --out DIR` writes take.flac (48 kHz mono 16 bit), take.mid (as played: its note-ons
come early by the samples' lead-in) and take.json (ground truth: times at which notes sound, in seconds of the file).
"""

from __future__ import annotations

import argparse
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path

import mido
import numpy as np
import soundfile
from numpy.typing import NDArray

from agent.audio.synth import BLOCK, PartVoice, Synth, lead_in_of
from agent.core.midi_constants import BASS_PROGRAM, NOTE_OFF, NOTE_ON
from agent.core.paths import shipped
from agent.core.stored import Json

SAMPLE_RATE = 48_000
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
VOICE = PartVoice("bass", 0, BASS_PROGRAM)
SEED = 2
START_S = 0.5  # the first downbeat
TAIL_S = 1.5  # silence after the last note
NOMINAL_BPM = 104.0
BREATH = 0.03  # the tempo swings this far either side
BREATH_BARS = 9.0
BEATS_PER_BAR = 4
STEPS_PER_BEAT = 4
JITTER_S = 0.004
PEAK = 10 ** (-3 / 20)
GHOST_S = 0.055
VELOCITY = {"": 88, ">": 108, "-": 76, "x": 34}
ON_BEAT_VELOCITY = 5
VELOCITY_SPREAD = 3.5
LENGTH_SPREAD = 0.06
NAMES = {
    "C": 0,
    "C#": 1,
    "D": 2,
    "D#": 3,
    "E": 4,
    "F": 5,
    "F#": 6,
    "G": 7,
    "G#": 8,
    "A": 9,
    "A#": 10,
    "B": 11,
}


@dataclass(frozen=True)
class Section:
    """A section of bars: `step:note/length+accent` in 16ths (> accent, - soft, x ghost); one chord a bar, or None."""

    name: str
    bars: tuple[str, ...]
    chords: tuple[str | None, ...]
    behind_ms: float = 0.0


E_GROOVE = "0:E1/3> 3:E1/1x 4:E1/2 6:G1/1 7:A1/1- 8:B1/2> 10:E1/1x 11:D2/1 12:E2/2 14:B1/1- 15:D2/1-"
E_ANSWER = "0:E1/3> 3:E1/1- 4:E1/1x 6:E2/1> 7:D2/1- 8:B1/2 10:A1/1 11:A#1/1- 12:B1/2> 14:G1/1 15:F#1/1-"
E_TURN = "0:E1/3> 4:E1/1x 5:E1/1- 6:G1/2 8:A1/2> 10:A#1/1- 11:B1/1 12:D2/1> 13:B1/1- 14:A1/1 15:G1/1-"
C_BAR = "0:C2/3> 3:C2/1x 4:C2/2 6:G1/1- 7:C2/1 8:E2/2> 10:C2/1x 12:G1/2 14:A1/1- 15:B1/1-"
D_BAR = "0:D2/3> 3:D2/1x 4:D2/2 6:A1/1- 7:D2/1 8:F#2/2> 10:D2/1x 12:A1/2 14:F#1/1- 15:D#2/1-"
EIGHTHS = "0:{0}/2> 2:{0}/2- 4:{0}/2 6:{0}/2- 8:{0}/2> 10:{1}/2- 12:{2}/2 14:{3}/2-"
SECTIONS = (
    Section(
        "A",
        (E_GROOVE, E_GROOVE, E_GROOVE, E_ANSWER, E_GROOVE, E_GROOVE, E_GROOVE, E_TURN),
        ("E:min",) * 8,
    ),
    Section(
        "B",
        (C_BAR, D_BAR, E_GROOVE, "0:E1/4> 4:G1/2 6:A1/2- 8:B1/3> 12:E1/3>"),
        ("C:maj", "D:maj", "E:min", "E:min"),
    ),
    Section("silence", ("", ""), (None, None)),
    Section(
        "C",
        (
            EIGHTHS.format("E1", "E1", "G1", "B1"),
            EIGHTHS.format("E1", "E1", "D2", "B1"),
            EIGHTHS.format("C2", "C2", "G1", "B1"),
            EIGHTHS.format("D2", "D2", "A1", "F#1"),
            EIGHTHS.format("E1", "E1", "G1", "A1"),
            EIGHTHS.format("E1", "B1", "A1", "G1"),
        ),
        ("E:min", "E:min", "C:maj", "D:maj", "E:min", "E:min"),
        behind_ms=22.0,
    ),
    Section("D", (C_BAR, D_BAR, "0:E1/13>"), ("C:maj", "D:maj", "E:min")),
)


@dataclass
class Played:
    """One note: where it sounds and, once the lead-in is known, when its key goes down."""

    on_s: float
    off_s: float
    pitch: int
    velocity: int
    ghost: bool
    play_s: float = 0.0
    key_up_s: float = field(default=0.0)


def beat_times(n_beats: int) -> NDArray[np.float64]:
    """Seconds of beats 0..n_beats at the breathing tempo, integrated at 1/64 beat: float64 [n_beats + 1]."""
    fine = (np.arange(n_beats * 64) + 0.5) / 64
    bars = fine / BEATS_PER_BAR
    period_s = 60 / (NOMINAL_BPM * (1 + BREATH * np.sin(2 * np.pi * bars / BREATH_BARS)))
    return START_S + np.concatenate([[0.0], np.cumsum(period_s / 64)[63::64]])


def write_line(beats_s: NDArray[np.float64], rng: np.random.Generator) -> list[Played]:
    """The line as a person would play it: accents, jitter, lengths, and the sections' distance from the beat."""
    notes: list[Played] = []
    bar = 0
    for section in SECTIONS:
        for text in section.bars:
            first_beat = bar * BEATS_PER_BAR
            notes += [_play(token, first_beat, section.behind_ms / 1000, beats_s, rng) for token in text.split()]
            bar += 1
    for now, after in itertools.pairwise(notes):
        now.off_s = min(now.off_s, after.on_s - 0.008)
    return notes


def _play(
    token: str, first_beat: int, behind_s: float, beats_s: NDArray[np.float64], rng: np.random.Generator
) -> Played:
    step, _, rest = token.partition(":")
    name, _, length = rest.partition("/")
    accent = length.lstrip("0123456789")
    steps = int(length.removesuffix(accent))
    start = first_beat + int(step) / STEPS_PER_BEAT
    on_s, end_s = np.interp([start, start + steps / STEPS_PER_BEAT], np.arange(len(beats_s)), beats_s)
    on_s += behind_s + np.clip(rng.normal(0, JITTER_S), -2.5 * JITTER_S, 2.5 * JITTER_S)
    length_s = (end_s + behind_s - on_s) * (0.90 - abs(rng.normal(0, LENGTH_SPREAD)))
    velocity = VELOCITY[accent] + ON_BEAT_VELOCITY * (int(step) % STEPS_PER_BEAT == 0) + rng.normal(0, VELOCITY_SPREAD)
    ghost = accent == "x"
    pitch = NAMES[name[:-1]] + 12 * (int(name[-1]) + 1)
    return Played(on_s, on_s + (GHOST_S if ghost else length_s), pitch, round(velocity), ghost)


def strike(synth: Synth, pitch: int, velocity: int, seconds: float) -> NDArray[np.float32]:
    """One note alone, mono: float32 [n]."""
    synth.all_off()
    synth.render(BLOCK * 4)
    synth.send(VOICE.name, (NOTE_ON, pitch, velocity))
    return np.asarray(synth.render(int(seconds * SAMPLE_RATE))[0].mean(1), np.float32)


def cents_of(sound: NDArray[np.float32], pitch: int) -> float:
    """Deviation from equal temperament at A = 440 Hz, by the autocorrelation's peak near the nominal period."""
    sound = sound[int(0.15 * SAMPLE_RATE) :].astype(np.float64)
    period = SAMPLE_RATE / (440 * 2 ** ((pitch - 69) / 12))
    lags = np.arange(int(period * 0.96), int(period * 1.04) + 2)
    n = len(sound) - lags[-1]
    match = np.array([np.dot(sound[:n], sound[k : k + n]) / np.linalg.norm(sound[k : k + n]) for k in lags])
    best = int(np.clip(match.argmax(), 1, len(lags) - 2))
    left, centre, right = match[best - 1 : best + 2]
    exact = lags[best] + 0.5 * (left - right) / (left - 2 * centre + right)
    return float(1200 * np.log2(period / exact))


def time_keys(notes: list[Played], synth: Synth) -> None:
    """Moves each key down early by its measured lead-in, to FluidSynth's block, and says when it then sounds."""
    for note in notes:
        lead_s = lead_in_of(strike(synth, note.pitch, note.velocity, 0.12), SAMPLE_RATE)
        block = round((note.on_s - lead_s) * SAMPLE_RATE / BLOCK)
        note.play_s = block * BLOCK / SAMPLE_RATE
        note.on_s = note.play_s + lead_s
        note.key_up_s = round(note.off_s * SAMPLE_RATE / BLOCK) * BLOCK / SAMPLE_RATE
        note.off_s = note.key_up_s
    for now, after in itertools.pairwise(notes):  # one string: the next pluck's lead-in must not meet the old note
        now.key_up_s = min(now.key_up_s, after.play_s)


def render(notes: list[Played], synth: Synth) -> NDArray[np.float32]:
    """The line as sound: mono float32 [n], peak -3 dBFS, with TAIL_S of silence after the last release."""
    synth.all_off()
    synth.render(SAMPLE_RATE)
    events = [(n.play_s, 1, (NOTE_ON, n.pitch, n.velocity)) for n in notes]
    events += [(n.key_up_s, 0, (NOTE_OFF, n.pitch, 0)) for n in notes]
    sound, position = [], 0
    for at_s, _, message in sorted(events):
        sound.append(synth.render(round(at_s * SAMPLE_RATE) - position))
        position = round(at_s * SAMPLE_RATE)
        synth.send(VOICE.name, message)
    sound.append(synth.render(int((TAIL_S + 0.5) * SAMPLE_RATE)))
    mono = np.concatenate(sound, axis=1)[0].mean(1)
    return np.asarray(mono * (PEAK / np.abs(mono).max()), np.float32)


def truth(notes: list[Played], beats_s: NDArray[np.float64], synth: Synth, duration_s: float) -> dict[str, Json]:
    """The fields of the listening clips' truth, and the sections."""
    cents = {p: cents_of(strike(synth, p, 90, 0.7), p) for p in sorted({n.pitch for n in notes})}
    beats = beats_s[:-BEATS_PER_BAR]  # the last bar's note dies away on its one
    bpm = [[round(float(a), 5), round(60 / float(b - a), 3)] for a, b in itertools.pairwise(beats_s[: len(beats) + 1])]
    return {
        "notes": [_note_truth(n, cents[n.pitch]) for n in notes],
        "beats": [round(float(b), 5) for b in beats],
        "beat_pos": [i % BEATS_PER_BAR + 1 for i in range(len(beats))],
        "meter": f"{BEATS_PER_BAR}/4",
        "bpm": bpm,
        "bpm_nominal": NOMINAL_BPM,
        "key": {"tonic": 4, "mode": "min"},
        **_form(beats_s),
        "clip": "take",
        "condition": "clean",
        "source": "synth",
        "sound": "FluidR3_GM-p33",
        "duration": duration_s,
        "score_beats": True,
        "score_key": True,
    }


def _note_truth(note: Played, cents: float) -> dict[str, Json]:
    return {
        "t_on": round(note.on_s, 5),
        "t_off": round(note.key_up_s, 5),
        "midi": note.pitch,
        "velocity": note.velocity,
        "art": "ghost" if note.ghost else "normal",
        "cents": round(cents, 1),
        "t_play": round(note.play_s, 5),
        "care_onset": not note.ghost,
        "care_pitch": not note.ghost,
    }


def _form(beats_s: NDArray[np.float64]) -> dict[str, Json]:
    sections, chords, bar = list[Json](), list[Json](), 0
    for section in SECTIONS:
        start, end = beats_s[bar * BEATS_PER_BAR], beats_s[(bar + len(section.bars)) * BEATS_PER_BAR]
        times = {"start": round(float(start), 5), "end": round(float(end), 5)}
        sections.append({"name": section.name, **times, "behind_ms": section.behind_ms, "bar": bar})
        for chord in section.chords:
            root, _, quality = (chord or "").partition(":")
            fact: dict[str, Json] = (
                {"root": NAMES[root], "quality": quality} if chord else {"root": None, "quality": "none"}
            )
            chords.append({"t": round(float(beats_s[bar * BEATS_PER_BAR]), 5), **fact})
            bar += 1
    return {"sections": sections, "chords": chords}


def midi_file(notes: list[Played], beats_s: NDArray[np.float64]) -> mido.MidiFile:
    """The line as played, on a track of its own, under the tempo map of the beats."""
    file = mido.MidiFile(ticks_per_beat=960)
    tempo = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=BEATS_PER_BAR, denominator=4)])
    spans = np.diff(np.concatenate([[beats_s[0] - START_S], beats_s]))  # the lead-in is one slow beat
    for i, span_s in enumerate(spans):
        tempo.append(mido.MetaMessage("set_tempo", tempo=round(span_s * 1e6), time=960 if i else 0))
    events = [(n.play_s, mido.Message("note_on", note=n.pitch, velocity=n.velocity)) for n in notes]
    events += [(n.key_up_s, mido.Message("note_off", note=n.pitch)) for n in notes]
    at_tick, track = 0, mido.MidiTrack([mido.MetaMessage("track_name", name="bass")])
    track.append(mido.Message("program_change", program=VOICE.program))
    grid_s = np.concatenate([[0.0], beats_s])
    for at_s, message in sorted(events, key=lambda event: event[0]):
        tick = round(960 * float(np.interp(at_s, grid_s, np.arange(len(grid_s)))))
        track.append(message.copy(time=tick - at_tick))
        at_tick = tick
    file.tracks += [tempo, track]
    return file


def make(out: Path, soundfont: Path = SOUNDFONT) -> None:
    """Writes take.flac, take.mid and take.json into `out`; the same bytes of line for the same SEED."""
    n_bars = sum(len(section.bars) for section in SECTIONS)
    beats_s = beat_times(n_bars * BEATS_PER_BAR)
    notes = write_line(beats_s, np.random.default_rng(SEED))
    synth = Synth(soundfont, SAMPLE_RATE, [VOICE])
    time_keys(notes, synth)
    sound = render(notes, synth)
    facts = truth(notes, beats_s, synth, len(sound) / SAMPLE_RATE)
    synth.close()
    out.mkdir(parents=True, exist_ok=True)
    soundfile.write(out / "take.flac", sound, SAMPLE_RATE, subtype="PCM_16")
    midi_file(notes, beats_s).save(out / "take.mid")
    (out / "take.json").write_text(json.dumps(facts, separators=(",", ":")) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=shipped())
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT)
    arguments = parser.parse_args()
    make(arguments.out, arguments.soundfont)


if __name__ == "__main__":
    main()
