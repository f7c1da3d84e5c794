"""How much of what the band plays in the player's own sound is heard in it, in a live session on a JACK server.

    python -m benchmarks.own_sound_live [--seconds 40] [--only GLOB]

The take that ships is played again and again through `antiphon jam`; it is asked for answers, the line, a harmonised
loop and chords "in my sound". Afterwards each note of the recorded stem (line.wav, chords.wav) is laid beside two
renderings of what was sent to the synth, in the player's own sound and in the part's usual instrument, within 30 ms.
Columns: notes while it was asked for; the share that is more like the own sound; correlations with both, as medians;
the level of the stem beside the bass, LU (asked: chords -6, line -7).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.audio.mixed_synth import MixedSynth
from agent.audio.own_voice_synth import OwnVoice
from agent.audio.synth import BLOCK
from agent.control.socket_server import ask
from agent.core.errors import UserError
from agent.core.midi_constants import NOTE_OFF, NOTE_ON
from agent.core.paths import shipped, shipped_fonts
from agent.core.settings import DEFAULT_PARTS
from agent.sounds.instruments import OWN
from benchmarks.common import results
from tests.rig import jack_server

STARTS_S, SETTLES_S = 120.0, 6.0
NEAR_S, NOTE_S = 0.03, 0.25
Sound = np.ndarray


@dataclass(frozen=True, slots=True)
class Phase:
    """What is asked for, and the part that is to play it."""

    name: str
    commands: tuple[str, ...]
    part: str


PHASES = (
    Phase("answers", ("say answer in my sound", "mode trade 2"), "line"),
    Phase("motif", ("mode accompany", "say play the motif in my sound"), "line"),
    Phase("loop harmonised", ("take", "loop", "say harmonise the loop in my sound"), "chords"),
)


def session(
    folder: Path, phases: Sequence[Phase], seconds: float, env: dict[str, str]
) -> list[tuple[Phase, float, float]]:
    """Play; return each phase with the stream seconds between which it was in force."""
    take, rate = soundfile.read(shipped("take.flac"), dtype="float32")
    count = int(np.ceil((len(phases) * (seconds + 2 * SETTLES_S) + STARTS_S) * rate / len(take)))
    soundfile.write(folder / "long.wav", np.tile(take, count), rate)
    socket = folder / "control.sock"
    mine = {**os.environ, **env, "ANTIPHON_SOCKET": str(socket), "XDG_DATA_HOME": str(folder / "data")}
    flags = ["--input", str(folder / "long.wav"), "--out", str(folder / "out"), "--quiet", "--set", "midi.port=null"]
    jam = subprocess.Popen([sys.executable, "-m", "agent", "jam", *flags], env=mine, cwd=ROOT)
    found = []
    try:
        _until(socket, lambda status: status["state"] == "playing" and status["bar"] > 8)
        for phase in phases:
            for command in phase.commands:
                print(f"  {command}: {ask(socket, command, 30.0)['says']}", flush=True)
                time.sleep(2.0)
            time.sleep(SETTLES_S)
            began_s = ask(socket, "status", 30.0)["status"]["elapsed_s"]
            time.sleep(seconds)
            found.append((phase, began_s, ask(socket, "status", 30.0)["status"]["elapsed_s"]))
        for voice in (*(folder / "data").rglob("*.sf2"), *(folder / "out").glob("*.sf2")):
            shutil.copy(voice, folder / "voice.sf2")  # at the end it is made anew
        ask(socket, "stop", 30.0)
        jam.wait(60)
    finally:
        if jam.poll() is None:
            jam.send_signal(signal.SIGINT)
            jam.wait(60)
    return found


def _until(socket: Path, holds: Any) -> None:
    until_s = time.monotonic() + STARTS_S
    while time.monotonic() < until_s:
        try:
            if holds(ask(socket, "status")["status"]):
                return
        except (UserError, KeyError):
            pass
        time.sleep(0.5)
    raise SystemExit("the band did not come in")


def sent(folder: Path, part: str, rate: int) -> list[tuple[int, int, int, int]]:
    """Return (sample, status, pitch, velocity) of what a part was sent, in order."""
    found = []
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["type"] == "sent" and event["output"] == "synth" and event["part"] == part:
            at = max(round(event["due_s"] * rate), 0) // BLOCK * BLOCK
            found.append((at, NOTE_ON if event["on"] else NOTE_OFF, event["pitch"], event["velocity"]))
    return sorted(found, key=lambda one: (one[0], one[1]))


def rendered(part: str, messages: list[tuple[int, int, int, int]], voice: Path | None, length: int, rate: int) -> Sound:
    """Return a part [length] as the mixer plays it, mono; voice: in the player's own sound."""
    synth = MixedSynth(shipped_fonts(), rate, DEFAULT_PARTS)
    if voice:
        synth.take_voice(OwnVoice(voice, rate))
        synth.sound({part: OWN}, None)
    index, pieces, done = tuple(DEFAULT_PARTS).index(part), [], 0
    for at, status, pitch, velocity in [*messages, (length, 0, 0, 0)]:
        early = round(synth.lead_in_s(part, pitch, velocity or 80) * rate) // BLOCK * BLOCK if status else 0
        while done < min(at - early, length):
            pieces.append(synth.render(min(at - early - done, 4_096))[index].mean(axis=1))
            done += len(pieces[-1])
        if status:
            synth.send(part, (status, pitch, velocity))
    synth.close()
    return np.concatenate([*pieces, np.zeros(max(length - done, 0), np.float32)])[:length]


def likeness(stem: Sound, other: Sound, at: int, rate: int) -> float:
    """Return the greatest correlation of a note of the stem with the other, shifted by up to NEAR_S."""
    near, n = round(NEAR_S * rate), round(NOTE_S * rate)
    mine, theirs = stem[at : at + n], other[at - near : at + n + near]
    if len(mine) < n or len(theirs) < n + 2 * near or mine.std() < 1e-6 or theirs.std() < 1e-6:
        return float("nan")
    size = 1 << (len(theirs) - 1).bit_length()
    products = np.fft.irfft(np.fft.rfft(theirs, size) * np.conj(np.fft.rfft(mine, size)), size)[: 2 * near + 1]
    energy = np.convolve(theirs**2, np.ones(n), "valid")
    return float((products / np.sqrt(np.maximum(energy, 1e-12) * (mine**2).sum())).max())


def figures_of(folder: Path, voice: Path, phase: Phase, begin_s: float, end_s: float) -> dict[str, float]:
    """Return the figures of one phase."""
    stem, rate = soundfile.read(folder / f"{phase.part}.wav", dtype="float32")
    bass, _ = soundfile.read(folder / "bass_mix.wav", dtype="float32")
    messages = sent(folder, phase.part, rate)
    both = [rendered(phase.part, messages, one, len(stem), rate) for one in (voice, None)]
    mono = stem.mean(axis=1)
    ons = sorted({at for at, status, _, _ in messages if status == NOTE_ON and begin_s < at / rate < end_s})
    alike = np.array([[likeness(mono, other, at, rate) for other in both] for at in ons if at > rate])
    alike = alike[~np.isnan(alike).any(axis=1)] if len(alike) else np.zeros((0, 2))
    span = slice(round(begin_s * rate), round(end_s * rate))
    meter = pyloudnorm.Meter(rate)
    bass = bass if bass.ndim == 2 else np.repeat(bass[:, None], 2, axis=1)
    away = meter.integrated_loudness(stem[span]) - meter.integrated_loudness(bass[span])
    if not len(alike):
        return {"notes": 0}
    own, usual = np.median(alike, axis=0)
    share = float(np.mean(alike[:, 0] > alike[:, 1]))
    return {"notes": len(alike), "own_share": share, "own": float(own), "usual": float(usual), "level_lu": float(away)}


def main() -> None:
    """Print the table, append the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40.0, help="of each phase")
    parser.add_argument("--only", default="*", help="glob of phases")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, jack_server() as env:
        folder = Path(name)
        asked = [phase for phase in PHASES if fnmatch(phase.name, given.only)]
        phases = session(folder, asked, given.seconds, env)
        if not (folder / "voice.sf2").exists():
            raise SystemExit("no own sound was made")
        print(f"{'asked for':18}{'part':8}{'notes':>6}{'own share':>11}{'own':>7}{'usual':>7}{'level LU':>10}")
        for phase, begin_s, end_s in phases:
            found = figures_of(folder / "out", folder / "voice.sf2", phase, begin_s, end_s)
            shown = [found.get(name, float("nan")) for name in ("own_share", "own", "usual", "level_lu")]
            print(f"{phase.name:18}{phase.part:8}{found['notes']:6}" + "".join(f"{value:9.2f}" for value in shown))
            if not given.dry:
                results.append("own_sound_live", phase.name, {key: round(value, 3) for key, value in found.items()})


if __name__ == "__main__":
    main()
