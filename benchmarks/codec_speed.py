"""What a 13.3 ms frame of the codec costs on one core, beside the encodec package: `python benchmarks/codec_speed.py`.

Every way in one run, in turns of some frames, so that other load hits all alike. The package is called once per frame
(which loses its state: the share of wrong codes is printed) and once for the whole sound, per frame of it. Wall and CPU
time; a busy machine shows in the difference. Then the codes that differ from the package's offline ones, with the
shipped weights. Appends to results.jsonl. To be measured before others, on Linux:
`setsid sh -c 'echo -15 > /proc/self/autogroup; exec python benchmarks/codec_speed.py'`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_threads] = "1"

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.paths import shipped
from benchmarks.common import results
from listener.capture import file_frames
from models.codec.codec import START_FRAMES, WEIGHTS, Codec
from models.codec.net import CodecConfig, build_encodec, load_encodec

CLIPS = ROOT.parent / "shared" / "listening" / "clips"
REFERENCE = CodecConfig(n_filters=32, dim=128, n_codebooks=8)  # the 24 kHz model with the books that 6 kbps use
TURN = (
    100  # frames of one way before the next has its turn: the first of them find the caches full of another's weights
)
OFFLINE_FRAMES = 375  # 5 s
TARGET_MS = {"reference": (1.5, 2.5), "ours": (0.3, 0.5)}  # encode, p50 and p99
STREAMED = ("numpy", "compiled")


@dataclass
class Way:
    """One way to code: `turn(first)` codes the frames from `first` on, yielding after each; wall, cpu: ms per frame."""

    turn: Callable[[int], Iterator[None]]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    frames_each: int = 1

    def take_turn(self, first: int) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        for _ in self.turn(first):
            self.cpu.append(1000 * (time.thread_time() - cpu) / self.frames_each)
            self.wall.append(1000 * (time.perf_counter() - wall) / self.frames_each)
            wall, cpu = time.perf_counter(), time.thread_time()

    def figures(self) -> dict[str, float]:
        return {
            f"{name}_p{p}_ms": round(float(np.percentile(times, p)), 4)
            for name, times in (("wall", self.wall), ("cpu", self.cpu))
            for p in (50, 99)
        }


def sound_of(path: Path) -> np.ndarray:
    """Mono float32 at 24 kHz, whole frames, as the agent hears it."""
    return np.concatenate([frame.samples for frame in file_frames(path)])


def repeat(step: Callable[[int], Any]) -> Callable[[int], Iterator[None]]:
    """A turn of TURN calls, one per frame."""

    def turn(first: int) -> Iterator[None]:
        for frame in range(first, first + TURN):
            step(frame)
            yield

    return turn


def streaming(step: Callable[[Any, Any], tuple[Any, Any]], state: Any, frames: np.ndarray) -> Way:
    """A stream that goes on from turn to turn, past its start before it is measured."""
    for one in frames[:10]:
        _, state = step(one, state)
    held = [state]

    def one_frame(frame: int) -> None:
        _, held[0] = step(frames[frame % len(frames)], held[0])

    return Way(repeat(one_frame))


def ways_to_encode(model: Any, codecs: dict[str, Codec], frames: np.ndarray) -> dict[str, Way]:
    tensors = torch.from_numpy(frames)
    whole = tensors[:OFFLINE_FRAMES].reshape(1, 1, -1)

    def offline(_: int) -> Iterator[None]:
        model.encode(whole)
        yield

    naive = Way(repeat(lambda frame: model.encode(tensors[frame % len(frames)][None, None])))
    ways = {"package per frame": naive, "package offline": Way(offline, frames_each=OFFLINE_FRAMES)}
    return ways | {name: streaming(codec.step, codec.initial_state(), frames) for name, codec in codecs.items()}


def ways_to_decode(model: Any, codecs: dict[str, Codec], codes: np.ndarray) -> dict[str, Way]:
    tensors = torch.from_numpy(codes)[:, None]  # [K, 1, T]

    def decode(part: torch.Tensor) -> torch.Tensor:
        samples: torch.Tensor = model.decoder(model.quantizer.decode(part))
        return samples

    def offline(_: int) -> Iterator[None]:
        decode(tensors[..., :OFFLINE_FRAMES])
        yield

    def one(frame: int) -> torch.Tensor:
        at = frame % codes.shape[1]
        return decode(tensors[..., at : at + 1])

    ways = {"package per frame": Way(repeat(one)), "package offline": Way(offline, frames_each=OFFLINE_FRAMES)}
    frames = np.ascontiguousarray(codes.T)
    return ways | {
        name: streaming(codec.step_decode, codec.initial_decode_state(), frames) for name, codec in codecs.items()
    }


def naive_codes(model: Any, frames: np.ndarray) -> np.ndarray:
    """The package called once per frame [K, T]."""
    return np.concatenate([model.encode(torch.from_numpy(one)[None, None])[0][0][0].numpy() for one in frames], 1)


def offline_codes(model: Any, samples: np.ndarray) -> np.ndarray:
    codes: np.ndarray = model.encode(torch.from_numpy(samples)[None, None])[0][0][0].numpy()
    return codes


def differing(step_codec: Codec, samples: np.ndarray, wanted: np.ndarray) -> int:
    """Streamed codes that are not the package's, from the first that no later sound can change."""
    state, wrong = step_codec.initial_state(), 0
    for index, frame in enumerate(samples.reshape(-1, 320)):
        codes, state = step_codec.step(frame, state)
        wrong += int((codes != wanted[:, index]).sum()) if index >= START_FRAMES - 1 else 0
    return wrong


def identity(model: Any, codecs: dict[str, Codec], paths: list[Path]) -> dict[str, int]:
    """How many codes were compared, and by engine how many differ."""
    found = {"codes": 0} | dict.fromkeys(codecs, 0)
    for path in paths:
        samples = sound_of(path)
        wanted = offline_codes(model, samples)
        found["codes"] += wanted[:, START_FRAMES - 1 :].size
        for name, codec in codecs.items():
            found[name] += differing(codec, samples, wanted)
    return found


def line(name: str, figures: dict[str, float], note: str) -> str:
    keys = ("wall_p50_ms", "wall_p99_ms", "cpu_p50_ms", "cpu_p99_ms")
    return f"  {name:26}" + "".join(f"{figures[key]:10.3f}" for key in keys) + f"   {note}"


def measure(label: str, model: Any, kbps: float, frames: np.ndarray, rounds: int, dry: bool) -> None:
    """Print and append the table of one model."""
    model.set_target_bandwidth(kbps)
    codecs = {engine: Codec(model, kbps, engine=engine) for engine in STREAMED}
    wanted = offline_codes(model, frames.ravel())
    wrong = float((naive_codes(model, frames[:500]) != wanted[:, :500]).mean())
    groups = {"encode": ways_to_encode(model, codecs, frames), "decode": ways_to_decode(model, codecs, wanted)}
    for turn in range(rounds + 1):
        for ways in groups.values():
            for way in ways.values():
                way.take_turn(turn * TURN)
                if turn == 0:  # the first round only warms
                    way.wall.clear(), way.cpu.clear()
    print(f"{label}, {kbps:g} kbps: ms per frame        wall p50  wall p99   cpu p50   cpu p99")
    for direction, ways in groups.items():
        for name, way in ways.items():
            figures = way.figures()
            note = f"{wrong:.0%} of its codes wrong" if (direction, name) == ("encode", "package per frame") else ""
            if name == "compiled":
                note = verdict(figures, TARGET_MS[label])
            print(line(f"{direction}, {name}", figures, note))
            if not dry:
                results.append("codec_speed", f"{label} {direction}, {name}", figures | {"kbps": kbps})


def verdict(figures: dict[str, float], target_ms: tuple[float, float]) -> str:
    met = figures["wall_p50_ms"] <= target_ms[0] and figures["wall_p99_ms"] <= target_ms[1]
    return f"target {target_ms[0]:g} / {target_ms[1]:g} {'met' if met else 'MISSED'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8, help=f"turns of {TURN} frames for each way")
    parser.add_argument("--clips", type=int, default=5, help="clips of ../shared/listening to compare, with the take")
    parser.add_argument("--dry", action="store_true", help="append nothing to results.jsonl")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    take = shipped("take.flac")
    frames = sound_of(take).reshape(-1, 320)[:1500]
    ours = load_encodec(WEIGHTS)
    measure("reference", build_encodec(REFERENCE).eval(), 6.0, frames, args.rounds, args.dry)
    measure("ours", ours, 3.0, frames, args.rounds, args.dry)
    clips = sorted(CLIPS.glob("*.flac"))
    codecs = {engine: Codec(ours, 3.0, engine=engine) for engine in STREAMED}
    found = identity(ours, codecs, [take, *clips[:: max(1, len(clips) // max(args.clips, 1))][: args.clips]])
    print(f"codes that differ from the package's offline ones, of {found['codes']}: " + ", ".join(
        f"{engine} {found[engine]}" for engine in STREAMED))  # fmt: skip
    if not args.dry:
        results.append("codec_speed", "identity, ours at 3 kbps", found)
    return int(any(found[engine] for engine in STREAMED))


if __name__ == "__main__":
    sys.exit(main())
