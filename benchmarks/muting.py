"""Whether the drummer follows when the player mutes the strings with the palm: what no note says.

    python -m benchmarks.muting [--dry] [--seed 0] [-o DIR]

Takes of 28 bars of one riff on basses that nothing was learned from (shared/data/bass, the soundfont TimGM6mb): open
for 12 bars, then for 8 bars muted, or only softer, brighter, an octave higher, or as before; then open again. Each goes
through `antiphon jam --fast`, with the codec and without it. Beside them a rule on the notes alone: the last bar's
notes half as long as those before. A mute is followed in two bars when at most two whole bars pass before the drummer
is on the rim, and left likewise; anything else that puts the drummer there is a false one. With -o, sessions that are
there are not made again. Needs ../shared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from models.paths import SHARED
from models.sounds.bass_tones import RATE, Tone
from models.sounds.technique_notes import Bank, font_banks, palm, recorded_banks

BASSES = ("growl", "killer", "linguine", "spaghetti", "TimGM6mb-33", "TimGM6mb-34")
WAYS = ("muted", "same", "softer", "brighter", "higher")
OPEN, CHANGED, BARS = 12, 8, 28
RHYTHMS = ((0, 2, 4, 6, 8, 10, 12, 14), (0, 3, 6, 8, 11, 14), (0, 4, 6, 8, 12, 14))  # 16ths with an onset
STEPS = (0, 0, 7, 5, 3, 0, 10, 7)  # semitones above the root
SOFTER_DB, BRIGHTER_DB = -8.0, 12.0
RIM, SNARES = 37, (38, 40)
LEAST_VELOCITY = 45  # of a backbeat
DONE = "done"  # mark of a session that was made to its end
SHORT, FEWEST = 0.5, 4  # of the usual length; notes
WHOLE_BARS = 2  # that may pass
SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "antiphon": (),
    "without the codec": ("--set", "models.codec_enabled=false"),
}
Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Take:
    """sound at RATE; the changed bars last from changed_s to open_s."""

    name: str
    way: str
    sound: Sound
    bar_s: float
    changed_s: float
    open_s: float


def take(bank: Bank, way: str, seed: int) -> Take:
    """Play a riff on a bass; the same for the same seed."""
    rng = np.random.default_rng((seed, zlib.crc32(f"{bank.name} {way}".encode())))
    bar_s = 4 * 60 / rng.uniform(92, 126)
    rhythm, root = RHYTHMS[int(rng.integers(len(RHYTHMS)))], int(rng.integers(31, 37))
    lead_s, sixteenth_s = 0.5, bar_s / 16
    out = np.zeros(int((lead_s + (BARS + 1) * bar_s) * RATE))
    for bar in range(BARS):
        changed = OPEN <= bar < OPEN + CHANGED
        for number, tick in enumerate(rhythm):
            until = rhythm[number + 1] if number + 1 < len(rhythm) else 16
            pitch = root + STEPS[(number + 4 * (bar % 2)) % len(STEPS)] + 12 * (changed and way == "higher")
            sound = _note(bank.tones, pitch, rng)
            if changed and way == "muted":
                sound = palm(sound, rng)
            elif changed and way == "brighter":
                sound = sound + np.diff(sound, prepend=0.0) * 10 ** (BRIGHTER_DB / 20)
            held = sound[: int(0.9 * (until - tick) * sixteenth_s * RATE)].copy()
            held[-240:] *= np.linspace(1, 0, len(held[-240:]))
            gain_db = rng.uniform(-3, 0) + SOFTER_DB * (changed and way == "softer")
            at = int((lead_s + bar * bar_s + tick * sixteenth_s + rng.normal(0, 0.004)) * RATE)
            out[at : at + len(held)] += held * 10 ** (gain_db / 20)
    out += rng.normal(0, 10 ** (-75 / 20), len(out))
    heard = (0.5 * out / np.abs(out).max()).astype(np.float32)
    starts_s = [lead_s + bar * bar_s for bar in (OPEN, OPEN + CHANGED)]
    return Take(f"{bank.name} {way}", way, heard, bar_s, *starts_s)


def _note(tones: Sequence[Tone], pitch: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the nearest recorded note at a pitch, read faster or slower where it is another's."""
    near = min(abs(tone.pitch - pitch) for tone in tones)
    mine = [tone for tone in tones if abs(tone.pitch - pitch) == near]
    found = mine[int(rng.integers(len(mine)))]
    sound = found.samples.astype(np.float64) / np.abs(found.samples).max()
    at = np.arange(int(len(sound) / 2 ** ((pitch - found.pitch) / 12))) * 2 ** ((pitch - found.pitch) / 12)
    return np.interp(at, np.arange(len(sound)), sound)


def events(one: Take, options: Sequence[str], seed: int, out: Path) -> list[dict[str, Any]]:
    """Return what `antiphon jam` logs of a take."""
    folder, wav = out / f"{one.name} {seed} {len(options)}", out / f"{one.name} {seed}.wav"
    if (folder / DONE).exists():
        return _read(folder)
    soundfile.write(wav, one.sound, RATE)
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "agent", "jam", "--fast", "--quiet", "--input", str(wav), "--out", str(folder)]
    subprocess.run([*command, "--seed", str(seed), *options], cwd=ROOT, check=True, capture_output=True)
    (folder / DONE).touch()
    return _read(folder)


def _read(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def on_rim(found: Sequence[dict[str, Any]]) -> list[tuple[float, bool]]:
    """Return (when, whether it is the rim) of each backbeat that was played."""
    drums = [event for event in found if event["type"] == "sent" and event["part"] == "drums" and event["on"]]
    return [
        (float(event["sent_s"]), event["pitch"] == RIM)
        for event in drums
        if event["velocity"] >= LEAST_VELOCITY and event["pitch"] in (RIM, *SNARES)
    ]


def by_notes(found: Sequence[dict[str, Any]], bar_s: float) -> list[tuple[float, bool]]:
    """Return at each note whether the last bar's notes are half as long as those before it."""
    notes = [(float(e["onset_s"]), float(e["duration_s"] or 0)) for e in found if e["type"] == "note_end"]
    out = []
    for onset_s, _ in notes:
        lately = [length for at, length in notes if onset_s - bar_s < at <= onset_s]
        before = [length for at, length in notes if at <= onset_s - bar_s][-32:]
        if len(lately) >= FEWEST and len(before) >= FEWEST:
            out.append((onset_s, float(np.median(lately)) < SHORT * float(np.median(before))))
    return out


def judged(one: Take, told: Sequence[tuple[float, bool]]) -> dict[str, float]:
    """Return bars until the change was followed and until it was left again (none: 99), and the share of false ones."""
    own = [(at, rim) for at, rim in told if at < one.changed_s and at > one.changed_s - 8 * one.bar_s]
    usual = bool(own) and float(np.mean([rim for _, rim in own])) > 0.5  # the groove's own snare is a rim
    after = [at for at, rim in told if rim and one.changed_s <= at < one.open_s]
    if one.way != "muted":
        later = [rim for at, rim in told if at >= one.changed_s]
        return {"rim of its own": float(usual), "false": float(np.mean(later) > 0.25 if later else False)}
    back = [at for at, rim in told if not rim and at >= one.open_s]
    return {
        "rim of its own": float(usual),
        "followed after": (min(after) - one.changed_s) / one.bar_s if after else 99.0,
        "left after": (min(back) - one.open_s) / one.bar_s if back and after else 99.0,
        "false": float(any(rim for _, rim in own)),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--out", type=Path, help="keep sounds and sessions here")
    args = parser.parse_args()
    banks = [*recorded_banks(SHARED / "data" / "bass"), *font_banks("TimGM6mb")]
    takes = [take(bank, way, args.seed) for bank in banks if bank.name in BASSES for way in WAYS]
    rows: dict[str, list[tuple[str, dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        out = args.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        for one in tqdm(takes, desc="takes"):
            for system, options in SYSTEMS.items():
                if options and one.way != "muted":
                    continue  # no codec, no muting
                found = events(one, options, args.seed, out)
                rows.setdefault(system, []).append((one.name, judged(one, on_rim(found))))
                if not options:
                    rows.setdefault("note lengths", []).append((one.name, judged(one, by_notes(found, one.bar_s))))
    table = Table(title=f"{len(takes)} takes, {len(BASSES)} basses")
    names = ("followed in 2 bars", "median bars", "left in 2 bars", "false ones", "mutes", "others")
    for name in ("", *names):
        table.add_column(name)
    for system, judgements in rows.items():
        figures = summed([judgement for _, judgement in judgements], names)
        table.add_row(system, *(f"{figures[name]:.2f}" for name in names))
        if not args.dry:
            results.append("muting", system, figures)
    Console().print(table)
    for name, judgement in rows["antiphon"]:
        print(f"  {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in judgement.items()))
    return 0


def summed(found: Sequence[dict[str, float]], names: Sequence[str]) -> dict[str, float]:
    """Return the figures of a system; takes whose groove has the rim anyway are left out."""
    kept = [one for one in found if not one["rim of its own"]]
    mutes = [one for one in kept if "followed after" in one]
    others = [one for one in kept if "followed after" not in one]
    values = (
        float(np.mean([one["followed after"] < WHOLE_BARS + 1 for one in mutes])),
        float(np.median([one["followed after"] for one in mutes])),
        float(np.mean([one["left after"] < WHOLE_BARS + 1 for one in mutes])),
        float(np.mean([one["false"] for one in kept])),
        float(len(mutes)),
        float(len(others)),
    )
    return dict(zip(names, values, strict=True))


if __name__ == "__main__":
    sys.exit(main())
