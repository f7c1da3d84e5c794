"""How the mix sounds, in figures: balance, loudness, peaks, width, and what mixing costs.

    python benchmarks/mix.py [--only GLOBS] [--sessions DIR ...] [--cost]

Each input (the take that ships, clips of the shared set) is played with `jam --fast`; the notes the band played are
then rendered three ways: raw FluidSynth beside the bass as recorded, the balance of version 0.4.0, and the mixer.
--sessions: folders of sessions that are there already, in place of playing. Loudness is measured by pyloudnorm (ITU-R
BS.1770-4), true peak fourfold oversampled. early_off_lu: how far the part that is furthest off lies from its place
beside the bass in the first 16 s (about eight bars) after it came in; a part that sounds for less than 2 s counts
nowhere. residual_db: of the mix and the limited sum of the stems; limiter_db: of the mix and the sum itself, which is
what the limiter did. The bass counts as in the mix, on both sides.
--cost: only what a block of 128 frames takes, without and with the mixer, turn by turn (a minute, on an idle machine):
half a block is the budget of p99; a block that takes longer than it lasts would be an xrun but for the lead. Not kept.
Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import resample_poly

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio.mixed_synth import MixedSynth
from agent.audio.synth import BLOCK, DRUM_BANK, PartVoice, Synth
from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.paths import SOUNDFONT, shipped, shipped_fonts
from agent.core.settings import DEFAULT_PARTS
from agent.mixing.bass_reference import BassReference
from agent.mixing.master import limited
from agent.recording.recorder import Mix
from benchmarks.common import results

CLIPS = ROOT.parent / "shared" / "listening" / "clips"
DEFAULT_CLIPS = "00_*clean,04_*clean,09_*clean,11_*clean"
TAKE = ROOT / "agent/assets/take.flac"
OLD_GAIN_DB = {"drums": (0.0, 0.0), "chords": (-3.0, -0.25), "line": (-3.0, 0.25)}  # gain and pan of version 0.4.0
FIGURES = (
    "drums_lu", "chords_lu", "line_lu", "early_off_lu", "lufs", "true_peak_db", "side_mid_db", "mono_loss_lu",
    "residual_db", "limiter_db",
)  # fmt: skip
WORST = ("early_off_lu", "lufs", "true_peak_db", "side_mid_db", "mono_loss_lu", "residual_db", "limiter_db")
EARLY_S = 16.0  # about eight bars
SHORT_S = 2.0
TARGETS_LU = {"drums": -2.0, "chords": -6.0, "line": -7.0}  # beside the bass
SILENT_DB = -60.0
Sound = np.ndarray
Limits = Callable[[Sound, int], Sound]
Message = tuple[int, str, tuple[int, int, int]]  # sample, part, MIDI


def play(take: Path, folder: Path) -> None:
    """Write a session of this sound into `folder`."""
    arguments = ["jam", "--input", str(take), "--fast", "--seed", "0", "--quiet", "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "agent", *arguments], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def sent(folder: Path, lead_in: Synth, rate: int) -> list[Message]:
    """Return what the session sent to its synth, in order; ons and offs as early as the instrument needs."""
    found = []
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["type"] == "sent" and event["output"] == "synth":
            part, pitch, velocity = event["part"], event["pitch"], event["velocity"]
            early_s = lead_in.lead_in_s(part, pitch, velocity or 80)
            sample = max(round((event["due_s"] - early_s) * rate / BLOCK), 0) * BLOCK
            message = (NOTE_ON if event["on"] else NOTE_OFF, pitch, velocity)
            found.append((sample, int(event["on"]), part, message))
    return [(sample, part, message) for sample, _, part, message in sorted(found)]


def rendered(synth: Any, messages: Iterable[Message], length: int, bass: Sound | None = None, rate: int = 0) -> Sound:
    """Play messages; return stems [parts, length, 2]. bass: what the mixer follows, as in a session."""
    pieces, done, reference = [], 0, BassReference(rate) if bass is not None else None
    for at, part, message in [*messages, (length, "", (0, 0, 0))]:
        while done < min(at, length):
            if reference and bass is not None:
                reference.hear(bass[done : min(at, done + 4_096)])
                synth.follow(reference.away_db)
            pieces.append(synth.render(min(at - done, 4_096)).copy())
            done += pieces[-1].shape[1]
        if part:
            synth.send(part, message)
    return np.concatenate(pieces, axis=1)[:, :length]


def dry(rate: int, gains: dict[str, tuple[float, float]]) -> Synth:
    """Return the synth of version 0.4.0."""
    voices = [
        PartVoice(name, p.channel_index, p.program, DRUM_BANK if name == "drums" else p.bank, *gains.get(name, (0, 0)))
        for name, p in DEFAULT_PARTS.items()
    ]
    return Synth(Path(shipped(SOUNDFONT)), rate, voices)


def mixed(bass: Sound, band: Sound, rate: int) -> tuple[Sound, Sound]:
    """Return (the mix, the bass in it) as a recorded session has them."""
    mix: list[Sound] = []
    strip: list[Sound] = []
    mixer = Mix(rate, mix.append, strip.append)
    for at in range(0, len(bass), rate):
        mixer.add_bass(bass[at : at + rate])
        mixer.add_band(band[at : at + rate])
    mixer.finish()
    return np.concatenate(mix), np.concatenate(strip)


def systems(folder: Path) -> Iterator[tuple[str, dict[str, Sound], Sound, Limits, int]]:
    """Yield (system, stems, mix, what limits it, rate) of a session, each rendered from its notes and its bass."""
    bass, rate = soundfile.read(folder / "bass.wav", dtype="float32")
    length = len(bass) // BLOCK * BLOCK
    both = np.repeat(bass[:length, None], 2, axis=1)
    raw = dry(rate, {})
    messages = sent(folder, raw, rate)
    for name, synth in (("raw", raw), ("0.4.0", dry(rate, OLD_GAIN_DB))):
        stems = rendered(synth, messages, length)
        synth.close()
        named = dict(zip(DEFAULT_PARTS, stems, strict=True)) | {"bass": both}
        yield name, named, both + stems.sum(axis=0), _as_it_is, rate
    synth = MixedSynth(shipped_fonts(), rate, DEFAULT_PARTS)
    stems = rendered(synth, messages, length, bass, rate)
    synth.close()
    mix, strip = mixed(bass[:length], stems.sum(axis=0), rate)
    yield "mixer", dict(zip(DEFAULT_PARTS, stems, strict=True)) | {"bass": strip}, mix, limited, rate


def db(x: float) -> float:
    return float(20 * np.log10(max(float(x), 1e-9)))


def _as_it_is(mix: Sound, rate: int) -> Sound:
    return mix


def figures_of(stems: dict[str, Sound], mix: Sound, limits: Limits, rate: int) -> dict[str, float]:
    """Return FIGURES of one mix; NaN for a stem that is silent."""
    meter = pyloudnorm.Meter(rate)
    bass = meter.integrated_loudness(stems["bass"])
    out = {"bass_lufs": bass, "lufs": meter.integrated_loudness(mix)}
    for part in DEFAULT_PARTS:
        short = _sounds_s(stems[part], rate) < SHORT_S
        out[f"{part}_lu"] = np.nan if short else meter.integrated_loudness(stems[part]) - bass
    out["early_off_lu"] = max(_early_off_lu(stems[part], part, stems["bass"], rate) for part in DEFAULT_PARTS)
    out["true_peak_db"] = max(db(np.abs(resample_poly(mix[:, side], 4, 1)).max()) for side in (0, 1))
    middle, side = mix.mean(axis=1), (mix[:, 0] - mix[:, 1]) / 2
    out["side_mid_db"] = db(side.std()) - db(middle.std())
    out["mono_loss_lu"] = out["lufs"] - meter.integrated_loudness(np.repeat(middle[:, None], 2, axis=1))
    total = np.sum(list(stems.values()), axis=0)
    out["residual_db"] = db((mix - limits(total, rate)).std()) - db(mix.std())
    out["limiter_db"] = db((mix - total).std()) - db(mix.std())
    return out


def _sounds_s(stem: Sound, rate: int) -> float:
    """Return for how long a stem lies within 30 dB of its loudest 50 ms."""
    n = rate // 20
    powers = (stem[: len(stem) // n * n].astype(np.float64) ** 2).reshape(-1, n * 2).mean(axis=1)
    loud = powers.max(initial=0.0)
    return float((powers > loud / 1e3).sum() / 20) if 10 * np.log10(loud + 1e-12) > SILENT_DB else 0.0


def _early_off_lu(stem: Sound, part: str, bass: Sound, rate: int) -> float:
    """Return how far a part lies from its place in the first EARLY_S after it came in; 0 if it plays less than 2 s."""
    loud = np.nonzero(np.abs(stem).max(axis=1) > 10 ** (SILENT_DB / 20))[0]
    if not len(loud) or _sounds_s(stem, rate) < SHORT_S:
        return 0.0
    meter, some = pyloudnorm.Meter(rate), slice(loud[0], loud[0] + round(EARLY_S * rate))
    away = meter.integrated_loudness(stem[some]) - meter.integrated_loudness(bass[some])
    return float(abs(away - TARGETS_LU[part])) if np.isfinite(away) else 0.0


def cost_us(blocks: int = 12_000, frames: int = 128, rate: int = 48_000) -> dict[str, dict[str, float]]:
    """Return microseconds a block of 128 frames of a busy bar takes, without and with the mixer, turn by turn."""
    synths = {"raw": dry(rate, {}), "mixer": MixedSynth(shipped_fonts(), rate, DEFAULT_PARTS)}
    wall: dict[str, list[float]] = {name: [] for name in synths}
    cpu: dict[str, list[float]] = {name: [] for name in synths}
    for k in range(blocks):
        for name, synth in synths.items():
            for part, message in _bar(k):
                synth.send(part, message)
            began_s, used_s = time.perf_counter(), time.thread_time()
            synth.render(frames)
            wall[name].append(1e6 * (time.perf_counter() - began_s))
            cpu[name].append(1e6 * (time.thread_time() - used_s))
    lasts_us = 1e6 * frames / rate
    return {
        name: {f"{kind}_p{q}_us": float(np.percentile(times[name], q)) for q in (50, 99) for kind, times in
               (("wall", wall), ("cpu", cpu))}
        | {"budget_us": lasts_us / 2, "too_long": sum(took > lasts_us for took in wall[name]), "blocks": blocks}
        for name in synths
    }  # fmt: skip


def _bar(k: int) -> Iterator[tuple[str, tuple[int, int, int]]]:
    """Yield what begins in block k: hats in 16ths at 120, kick, snare and crash, four-note chords, a line."""
    tick, inside = divmod(k, 47)
    if inside:
        return
    yield "drums", (NOTE_ON, 42, 90)
    if tick % 4 == 0:
        yield "drums", (NOTE_ON, 38 if tick % 8 else 36, 110)
        for key in (52, 57, 60, 64):
            yield "chords", (NOTE_OFF, key, 0)
            yield "chords", (NOTE_ON, key, 80)
        yield "line", (NOTE_OFF, 72, 0)
        yield "line", (NOTE_ON, 72, 90)
    if tick % 64 == 0:
        yield "drums", (NOTE_ON, 49, 100)


def folders(given: argparse.Namespace, place: Path) -> Iterator[Path]:
    """Yield the folders of the sessions that are measured."""
    if given.sessions:
        yield from given.sessions
        return
    clips = [path for path in sorted(CLIPS.glob("*.flac")) if any(fnmatch(path.stem, g) for g in given.only.split(","))]
    for sound in (TAKE, *clips):
        play(sound, place / sound.stem)
        yield place / sound.stem


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=DEFAULT_CLIPS, help="globs of clip names, besides the take")
    parser.add_argument("--sessions", type=Path, nargs="+", help="folders of sessions that are there already")
    parser.add_argument("--cost", action="store_true", help="only what a block takes")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    given = parser.parse_args()
    rows: dict[str, list[dict[str, float]]] = {}
    if given.cost:
        for system, cost in cost_us().items():
            print(f"{system:7} a block of 128 frames: { {name: round(value, 1) for name, value in cost.items()} }")
        return 0
    print(f"targets, LU of the bass: {TARGETS_LU}")
    print(f"{'session':24} {'system':7}" + "".join(f"{name:>14}" for name in FIGURES))
    with tempfile.TemporaryDirectory() as temporary:
        for folder in folders(given, Path(temporary)):
            for system, stems, mix, limits, rate in systems(folder):
                found = figures_of(stems, mix, limits, rate)
                rows.setdefault(system, []).append(found)
                print(_line(folder.name, system, found), flush=True)
    costs = cost_us()
    for system, found in rows.items():
        mean = {name: round(float(np.nanmean([row[name] for row in found])), 3) for name in found[0]}
        worst = {f"{name}_worst": round(float(np.nanmax([row[name] for row in found])), 3) for name in WORST}
        print(_line("mean", system, mean))
        cost = {name: round(value, 1) for name, value in costs.get(system, {}).items()}
        if cost:
            print(f"{'':24} {system:7} a block of 128 frames, us: {cost}")
        if not given.dry:
            results.append("mix", system, mean | worst | cost | {"sessions": len(found)})
    return 0


def _line(name: str, system: str, found: dict[str, float]) -> str:
    return f"{name[:24]:24} {system:7}" + "".join(f"{found[figure]:14.1f}" for figure in FIGURES)


if __name__ == "__main__":
    raise SystemExit(main())
