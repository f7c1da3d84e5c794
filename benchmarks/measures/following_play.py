"""Play along in benchmarks/following.py, offline at the virtual clock: the band itself, two rules, two peers.

Each learns of a beat only when its ears report it, and what sounds at a moment was decided COMMIT_S before it.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from agent.core.settings import BandConfig
from agent.engine.scheduler import Scheduler
from agent.mind.planner import Planner
from benchmarks.inputs.feel_lines import frames
from benchmarks.inputs.following_lines import Floats, Piece, Sound
from listener.analyzer import Analyzer
from listener.types import ANALYSIS_RATE, Analysis
from models.music.tokens import DrumHit, Position, Reply, TickInput, ticks_per_beat
from models.responder.shape import ResponderConfig
from models.timing.drum_timing import Timing

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "data_cache" / "following"
COMMIT_S, PLAN_S = 0.070, 0.030  # the commit that planning of 30 ms asks for, and that planning


# ---- what the ears heard, once


def listen(sound: Sound) -> list[Analysis]:
    """The whole Analysis of every frame; kept under a hash of the sound and of the listener's source."""
    path = CACHE / f"{_source()}-{hashlib.sha256(sound.tobytes()).hexdigest()[:24]}.pickle"
    if path.exists():
        return list(pickle.loads(path.read_bytes()))
    analyzer = Analyzer()
    heard = [analyzer.step(frame) for frame in frames(sound)]
    CACHE.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(heard))
    return heard


def _source() -> str:
    digest = hashlib.sha256()
    for path in sorted((ROOT / "listener").rglob("*")):
        if path.suffix in (".py", ".safetensors", ".json"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


# ---- the band


class OnEveryBeat:
    """A responder that only beats time: one stroke on every beat of the meter, so that every stroke has its beat."""

    config = ResponderConfig()

    def initial_state(self) -> Position | None:
        return None

    def step(self, x: TickInput, state: Position | None) -> Position:
        return x.position

    def sample(self, state: Position, rng: np.random.Generator, *_: Any, **__: Any) -> Reply:
        on_beat = state.tick % ticks_per_beat(state.meter) == 0
        return Reply((DrumHit("kick" if state.tick == 0 else "closed_hat", 90),) if on_beat else ())


@dataclass(frozen=True)
class Stroke:
    """One drum onset of the band, and whether it was meant on a beat."""

    time_s: float
    on_beat: bool


def band(
    heard: Sequence[Analysis],
    responder: Any = None,
    looseness: float = 0.0,
    commit_s: float = COMMIT_S,
    plan_s: float = PLAN_S,
    behind_s: float = 0.0,
    seed: int = 0,
) -> list[Stroke]:
    """Return what the drummer plays to what was heard, as agent/session/offline.py plays it; a plan takes plan_s."""
    settings = BandConfig(looseness=looseness, behind_ms=1000 * behind_s, seed=seed)
    timing = Timing.load() if looseness else None
    planner = Planner(responder or OnEveryBeat(), settings, commit_s=commit_s, timing=timing)
    scheduler, strokes = Scheduler(), []
    on_beat: dict[int, bool] = {}
    coming: list[tuple[float, Any]] = []
    for analysis in heard:
        plan = planner.step(analysis, None)
        if plan:
            on_beat |= _beats_of(planner, plan)
            coming.append((analysis.emit_s + plan_s, plan))
        while coming and coming[0][0] <= analysis.emit_s:
            strokes += _played(scheduler, coming[0][0])
            scheduler.accept(coming[0][1], coming[0][0])
            coming.pop(0)
        strokes += _played(scheduler, analysis.emit_s)
    return [Stroke(note.on_s, on_beat.get(note.tick, False)) for note in strokes]


def _played(scheduler: Scheduler, until_s: float) -> list[Any]:
    return [e.note for e in scheduler.due(until_s) if e.note and e.part == "drums"]


def _beats_of(planner: Planner, plan: Any) -> dict[int, bool]:
    """Which of the plan's ticks lie on a beat."""
    tick = planner.tick
    if tick is None:
        return {}
    per_beat = ticks_per_beat(tick.position.meter)
    notes = (*plan.committed, *plan.tentative)
    return {note.tick: (tick.sub + note.tick - tick.number) % per_beat == 0 for note in notes}


# ---- the rules and the peers: beats as they are said -> beats as they would be played

Said = list[tuple[float, float]]  # (time of a beat, when it was said)


def said_by_us(heard: Sequence[Analysis]) -> Said:
    """Notes of the player on a beat of the grid as it then was: what a rule can chase."""
    said: dict[int, tuple[float, float]] = {}
    for analysis in heard:
        if (grid := analysis.grid) is None or grid.confidence < 0.5:
            continue
        for note in analysis.notes:
            beat = round(grid.beat_at(note.onset_s))
            if abs(grid.time_of(beat) - note.onset_s) < 0.2 * grid.period_s:
                said.setdefault(beat, (note.onset_s, analysis.emit_s))
    return _with_gaps(said)


def _with_gaps(said: dict[int, tuple[float, float]]) -> Said:
    """Beats nobody played lie evenly between those that were."""
    if not said:
        return []
    beats = np.array(sorted(said))
    times, emits = np.array([said[beat] for beat in beats]).T
    every = np.arange(beats[0], beats[-1] + 1)
    heard = emits[np.searchsorted(beats, every)]
    return list(zip(np.interp(every, beats, times).tolist(), heard.tolist(), strict=True))


def chase(said: Said, end_s: float, commit_s: float = COMMIT_S + PLAN_S) -> NDArray[np.float64]:
    """The last interval played on from the last beat that was known commit_s before each stroke."""
    played: list[float] = []
    known, now = 0, 0.0
    while known < len(said) and now < end_s:
        while known < len(said) and said[known][1] <= now:
            known += 1
        if known >= 2:
            (before_s, _), (last_s, _) = said[known - 2], said[known - 1]
            step_s = max(last_s - before_s, 0.15)
            least_s = max(now + commit_s, (played[-1] + 0.5 * step_s) if played else 0.0)
            coming_s = last_s + max(1, np.ceil((least_s - last_s) / step_s)) * step_s
            if coming_s - now <= commit_s + 0.011:
                played.append(coming_s)
        now += 0.010
    return np.array(played)


def hold(said: Said, end_s: float, opening: int = 17) -> Floats:
    """The tempo of the opening's beats, for ever."""
    if len(said) < opening:
        return np.zeros(0)
    times = np.array([time_s for time_s, _ in said[:opening]])
    period_s, start_s = np.polyfit(np.arange(opening), times, 1)
    count = int((end_s - start_s) / period_s)
    beats = start_s + np.arange(count) * period_s
    return np.asarray(beats[beats > said[opening - 1][1] + COMMIT_S + PLAN_S])


PEERS = {
    "madmom online": (ROOT / ".bench-venv/bin/python", ROOT / "benchmarks/peers/madmom_online.py"),
    "aubio": (Path("/usr/bin/python3"), ROOT / "benchmarks/peers/aubio_listen.py"),
}


def peers_say(name: str, pieces: Sequence[Piece]) -> list[Said]:
    """Beats that the peer tracked in each piece; run once per sound (benchmarks/common/cached.py)."""
    python, script = PEERS[name]
    CACHE.mkdir(parents=True, exist_ok=True)
    wavs = []
    for piece in pieces:
        wav = CACHE / f"{hashlib.sha256(piece.sound.tobytes()).hexdigest()[:24]}.wav"
        if not wav.exists():
            soundfile.write(wav, piece.sound, ANALYSIS_RATE, "PCM_16")
        wavs.append(str(wav))
    cached = [
        sys.executable,
        str(ROOT / "benchmarks/common/cached.py"),
        "--python",
        str(python),
        "--script",
        str(script),
    ]
    done = subprocess.run([*cached, *wavs], stdout=subprocess.PIPE, text=True, check=True)
    said: list[Said] = []
    for line in map(json.loads, done.stdout.splitlines()):
        if line["type"] == "file":
            said.append([])
        elif line["type"] == "beat":
            said[-1].append((line["t"], line["t_emit"]))
    return said
