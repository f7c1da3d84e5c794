"""Whether the player's own sound answers each way of playing with notes that were played that way: real basses.

    python -m benchmarks.own_sound_techniques --packs FOLDER

FOLDER holds checkouts of CC0 libraries (models/sounds/technique_notes.py names them) in which one bass was recorded in
two techniques by one player: the Bass VI of karoryfer.pastabass with fingers (fetuccine) and muted with a pick
(tagliatelle). A session is laid together from its notes: half a minute in one technique, half a minute in the other,
then phrases of eight notes in turn, whose recordings were not in the first minute. The ears hear it; the clean notes
of the first minute become the own sound, and at the end of each phrase it is asked in which technique it answers, as
the audio process is told.
Columns: share of notes whose technique the ears name as recorded; share of samples of the preset that answers, by how
they were recorded; phrases answered by the right preset; share of answered notes that sound more like held-out notes of
their technique than of the other (distance of the spectra of attack and of what rings on), beside a voice of one preset
and beside the recordings themselves (told_apart).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio.own_voice_synth import OwnVoice
from agent.core.messages import SetTechnique
from agent.recording.own_sound import OwnSound
from agent.sounds import soundfont
from agent.sounds.own_voice import HeardNote, clean_notes, in_passages, voice
from benchmarks.common import results
from listener.analyzer import Analyzer
from listener.capture import Framer
from listener.types import FRAME_SAMPLES, Frame, Timbre
from models.sounds.technique_notes import PACKS, SETS, _pack_pitch

RATE, GAP_S, NOTE_S, BANDS = 48_000, 0.55, 0.5, 24
WINDOWS_S = ((0.0, 0.12), (0.2, 0.38))
LEARNED, PHRASES, PHRASE = 52, 12, 8  # notes in a technique, then phrases of so many
PAIRS = (("fetuccine", "tagliatelle"),)
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Played:
    """A note that lies in the session: where, how it was recorded, its pitch and sound."""

    onset_s: float
    technique: str
    pitch: int
    sound: Sound


def notes_in(folder: Path, name: str, repetitions: str, rng: np.random.Generator) -> list[tuple[int, Sound]]:
    """Return (pitch, sound) of a set's files of these round robins, those of a bass's usual range, shuffled."""
    place, shift = PACKS[name]
    found = []
    for path in sorted((folder / place).glob(f"*_rr[{repetitions}].wav")):
        pitch = _pack_pitch(path.name.split("_")[0]) + shift
        if 28 <= pitch <= 55:
            sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
            assert rate in (44_100, 48_000)
            at = np.arange(round(NOTE_S * RATE)) * rate / RATE
            mono = sound.mean(axis=1)
            mono = mono[max(int(np.argmax(np.abs(mono) > 0.02 * np.abs(mono).max())) - 48, 0) :]
            found.append((pitch, np.interp(at, np.arange(len(mono)), mono, right=0.0).astype(np.float32)))
    return [found[i] for i in rng.permutation(len(found))]


def session(folder: Path, pair: Sequence[str], seed: int) -> tuple[Sound, list[Played]]:
    """Return the bass and what lies in it: the two blocks to learn from, then the phrases."""
    rng = np.random.default_rng(seed)
    played: list[Played] = []

    def add(name: str, notes: Sequence[tuple[int, Sound]]) -> None:
        for pitch, sound in notes:
            played.append(Played(0.5 + len(played) * GAP_S, SETS[name][1], pitch, sound))

    for name in pair:
        known = notes_in(folder, name, "12", rng)
        add(name, [known[i % len(known)] for i in range(LEARNED)])
    unheard = {name: notes_in(folder, name, "34", rng) or notes_in(folder, name, "3", rng) for name in pair}
    for i in range(PHRASES):
        name = pair[i % 2]
        add(name, [unheard[name][(i // 2 * PHRASE + k) % len(unheard[name])] for k in range(PHRASE)])
    bass = 1e-4 * rng.standard_normal(round((played[-1].onset_s + 2) * RATE))
    fade = np.minimum(np.arange(round(NOTE_S * RATE))[::-1] / (0.02 * RATE), 1.0)
    for note in played:
        at = round(note.onset_s * RATE)
        bass[at : at + len(note.sound)] += note.sound * fade
    return (0.5 * bass / np.abs(bass).max()).astype(np.float32), played


def heard(bass: Sound) -> tuple[list[HeardNote], list[Timbre]]:
    """Return what the ears hear: the notes that ended, and the timbre of each."""
    ears, ended, timbre = Analyzer(), {}, []
    for index, frame in enumerate(Framer(RATE).push(bass)):
        said = ears.step(Frame(frame.samples, index * FRAME_SAMPLES))
        ended |= {n.onset_s: n for n in said.ended if n.duration_s}
        timbre += said.timbre
    notes = [
        HeardNote(n.onset_s, n.duration_s or 0.0, n.pitch, n.velocity, n.articulation) for _, n in sorted(ended.items())
    ]
    return in_passages(notes, {one.onset_s: (one.technique, one.confidence) for one in timbre}), timbre


def nearest(played: Sequence[Played], onset_s: float) -> Played | None:
    """Return the note that was played there."""
    found = min(played, key=lambda note: abs(note.onset_s - onset_s))
    return found if abs(found.onset_s - onset_s) < 0.1 else None


def spectra_db(sound: Sound) -> NDArray[np.float64]:
    """Return BANDS log-spaced bands of the attack and of what rings on, dB beside the attack's mean."""
    found = []
    for window in WINDOWS_S:
        piece = sound[slice(*(round(s * RATE) for s in window))].astype(np.float64)
        power = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), RATE // 5)) ** 2
        edges = np.geomspace(60, 6_000, BANDS + 1).astype(int) // 5
        means = [power[low : max(high, low + 1)].mean() for low, high in pairwise(edges)]
        found.append(10 * np.log10(np.array(means) + 1e-9))
    return np.concatenate(found) - found[0].mean()


def rendered(own: OwnVoice, technique: str, pitch: int, velocity: int) -> Sound:
    """Return a note of the own sound in a technique."""
    own.play_in(technique)
    own.send("line", (0x90, pitch, velocity))
    sound = np.concatenate([own.render_raw(6_400)[1].mean(axis=0).copy() for _ in range(3)])
    own.all_off()
    own.render_raw(6_400)
    loud = int(np.argmax(np.abs(sound) > 0.02 * np.abs(sound).max()))
    return sound[max(loud - 48, 0) :]


def like_right(own: OwnVoice, technique: str, phrase: Sequence[Played], recorded: Sequence[Played]) -> float:
    """Return the share of a phrase's notes, played by the own sound in a technique, whose nearest recording of about
    their pitch was played as the phrase was."""
    right = []
    for note in phrase:
        mine = spectra_db(rendered(own, technique, note.pitch, 90))
        near = [one for one in recorded if abs(one.pitch - note.pitch) <= 3]
        far_db = [float(np.abs(mine - spectra_db(one.sound)).mean()) for one in near]
        right.append(near[int(np.argmin(far_db))].technique == note.technique)
    return float(np.mean(right))


def _nearest_is_alike(i: int, recorded: Sequence[Played]) -> float:
    """Whether the recording that is nearest to one of them was played in its technique: what can be reached."""
    mine = spectra_db(recorded[i].sound)
    near = [o for o in recorded if o.sound is not recorded[i].sound and abs(o.pitch - recorded[i].pitch) <= 3]
    best = min(near, key=lambda one: float(np.abs(mine - spectra_db(one.sound)).mean()))
    return float(best.technique == recorded[i].technique)


def measured(folder: Path, pair: Sequence[str], seed: int, place: Path) -> dict[str, float]:
    """Return the figures of one session."""
    bass, played = session(folder, pair, seed)
    notes, timbre = heard(bass)
    truth = {note.onset_s: true.technique for note in notes if (true := nearest(played, note.onset_s))}
    named = [note.technique == truth.get(note.onset_s) for note in notes if note.technique]
    learned = [note for note in notes if note.onset_s < played[2 * LEARNED].onset_s - 0.2]
    clean = clean_notes(bass, RATE, learned)
    as_recorded = [replace(note, technique=truth.get(note.onset_s, "")) for note in learned]
    truths = [one.technique for one in clean_notes(bass, RATE, as_recorded)]
    font = voice(clean, RATE)
    soundfont.write(place / "own.sf2", font)
    soundfont.write(place / "one.sf2", voice([replace(one, technique="") for one in clean], RATE))
    own, single = OwnVoice(place / "own.sf2", RATE), OwnVoice(place / "one.sf2", RATE)
    figures: dict[str, list[float]] = {"purity": [], "answered_right": [], "like_right": [], "like_right_one": []}
    phrases = [played[2 * LEARNED + i * PHRASE :][:PHRASE] for i in range(PHRASES)]
    recorded = played[2 * LEARNED :]
    for phrase in phrases:
        asked, end_s = phrase[0].technique, phrase[-1].onset_s + NOTE_S
        told: list[SetTechnique] = []
        OwnSound(place, "", lambda message, told=told: told.append(message)).played(
            t for t in timbre if t.onset_s < end_s
        )
        technique = told[-1].technique if told and told[-1].technique in own.techniques else font.presets[0].name
        inside = [true for one, true in zip(clean, truths, strict=True) if one.technique == technique] or truths
        share = inside.count(asked) / len(inside)
        figures["purity"].append(share)
        figures["answered_right"].append(share > 0.5)
        figures["like_right"].append(like_right(own, technique, phrase, recorded))
        figures["like_right_one"].append(like_right(single, "", phrase, recorded))
    own.close()
    single.close()
    figures["told_apart"] = [_nearest_is_alike(i, recorded) for i in range(len(recorded))]
    means = {name: float(np.mean(values)) for name, values in figures.items()}
    return {"clean": len(clean), "presets": len(font.presets), "named_right": float(np.mean(named))} | means


def main() -> None:
    """Print the table, append the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packs", type=Path, required=True, help="a folder of checkouts")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    given = parser.parse_args()
    for pair in PAIRS:
        with tempfile.TemporaryDirectory() as place:
            rows = [measured(given.packs, pair, seed, Path(place)) for seed in range(given.seeds)]
        mean = {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}
        print(f"{' and '.join(pair)}: {mean}")
        if not given.dry:
            results.append("own_sound_techniques", " and ".join(pair), mean | {"sessions": len(rows)})


if __name__ == "__main__":
    main()
