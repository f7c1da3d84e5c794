"""How true the player's own sound is as an instrument: pitch, seams of its loops, and how many notes it takes.

    python benchmarks/own_sound.py [--only GLOBS]

The take that ships and clips of the shared set are heard by the ears; the first 16 of the clean notes ("sixteen") and
all of them ("all") become a voice (agent/sounds/own_voice.py), which plays every key of its range softly and hard.
Columns: clean notes of those heard; the worst key's cents off, early or late in the note (f0 by the phases of its
harmonics); the loudest sample above the 14th harmonic of a held note, where a seam would stand, and the same of the
recorded notes, in dB of the note, as medians: a voice at or under the recording has no seams; the techniques with a
preset of their own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio.own_voice_synth import OwnVoice
from agent.sounds import soundfont
from agent.sounds.own_voice import ENOUGH, CleanNote, HeardNote, clean_notes, f0_of, in_passages, voice
from benchmarks.common import results
from listener.analyzer import Analyzer
from listener.capture import AudioFile, Framer
from listener.types import FRAME_SAMPLES, Frame

CLIPS = ROOT.parent / "shared" / "listening" / "clips"
DEFAULT_CLIPS = "21*clean,26*clean"
RATE = 48_000
HELD = 76_800  # samples of a held note
EARLY, LATE = slice(7_200, 31_200), slice(40_000, 64_000)
HARMONICS = 14  # a seam is heard above them
Sound = NDArray[np.float64]


def heard(bass: NDArray[np.float32]) -> list[HeardNote]:
    """Return the notes that the ears hear."""
    ears, ended, named = Analyzer(), {}, {}
    for index, frame in enumerate(Framer(RATE).push(bass)):
        heard = ears.step(Frame(frame.samples, index * FRAME_SAMPLES))
        ended |= {n.onset_s: n for n in heard.ended if n.duration_s}
        named |= {one.onset_s: (one.technique, one.confidence) for one in heard.timbre}
    notes = (ended[at] for at in sorted(ended))
    found = [HeardNote(n.onset_s, n.duration_s or 0.0, n.pitch, n.velocity, n.articulation) for n in notes]
    return in_passages(found, named)


def above_db(sound: Sound, hz: float) -> float:
    """Return the loudest sample above the harmonics, in dB of the sound."""
    spectrum = np.fft.rfft(sound * np.hanning(len(sound)))
    spectrum[: round(HARMONICS * hz * len(sound) / RATE)] = 0
    return float(20 * np.log10(np.abs(np.fft.irfft(spectrum, len(sound))).max() / sound.std()))


def measured(notes: Sequence[CleanNote], folder: Path) -> dict[str, float]:
    """Return the figures of the voice that these notes make."""
    soundfont.write(folder / "own.sf2", voice(notes, RATE))
    own, cents, above = OwnVoice(folder / "own.sf2", RATE), [], []
    roots = [note.root for note in notes]
    for key in range(min(roots), max(roots) + 1):
        hz = 440 * 2 ** ((key - 69) / 12)
        for velocity in (50, 110):
            own.send("line", (0x90, key, velocity))
            pieces = [own.render_raw(6_400)[1].mean(axis=0) for _ in range(HELD // 6_400)]
            own.all_off()
            own.render_raw(6_400)
            sound = np.concatenate(pieces).astype(np.float64)
            cents += [abs(1200 * np.log2(f0_of(sound[part], RATE, hz) / hz)) for part in (EARLY, LATE)]
            above.append(above_db(sound[RATE // 2 :], hz))
    own.close()
    recorded = [above_db(n.sound[RATE // 10 :], n.f0_hz) for n in notes if len(n.sound) > 0.25 * RATE]
    figures = {"keys": max(roots) - min(roots) + 1, "cents_worst": max(cents), "above_db": float(np.median(above))}
    return figures | {"recorded_above_db": float(np.median(recorded)) if recorded else float("nan")}


def main() -> None:
    """Print the table, append the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=DEFAULT_CLIPS, help="globs of clip names, besides the take")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    given = parser.parse_args()
    clips = [path for path in sorted(CLIPS.glob("*.flac")) if any(fnmatch(path.stem, g) for g in given.only.split(","))]
    heads = f"{'clean':>5} {'heard':>5} {'keys':>5} {'cents':>6} {'above dB':>9} {'recorded':>9}"
    print(f"{'sound':36} {'voice':8} {heads}  in")
    rows: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in (ROOT / "agent/assets/take.flac", *clips):
            bass = np.concatenate(list(AudioFile(path, RATE).blocks(4_800)))
            notes = heard(bass)
            clean = clean_notes(bass, RATE, notes)
            for name, used in (("sixteen", clean[:ENOUGH]), ("all", clean)):
                if len(clean) < ENOUGH:
                    print(f"{path.stem[:36]:36} {name:8} {len(clean):5} {len(notes):5}  too few to begin")
                    continue
                found = measured(used, Path(folder))
                rows.setdefault(name, []).append(found)
                print(
                    f"{path.stem[:36]:36} {name:8} {len(used):5} {len(notes):5} {found['keys']:5.0f} "
                    f"{found['cents_worst']:6.1f} {found['above_db']:9.1f} {found['recorded_above_db']:9.1f}  "
                    + ", ".join(preset.name for preset in voice(used, RATE).presets),
                    flush=True,
                )
    for name, each in rows.items() if not given.dry else ():
        worst = max(row["cents_worst"] for row in each)
        mean = {key: float(np.mean([row[key] for row in each])) for key in ("above_db", "recorded_above_db")}
        results.append("own_sound", name, {"cents_worst": round(worst, 2), "sounds": len(each)} | mean)


if __name__ == "__main__":
    main()
