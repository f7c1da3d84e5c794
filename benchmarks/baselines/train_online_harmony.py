"""Train the network of online_harmony.py: crops of songs in every key, some with a sudden modulation, some with a wrong
past.

Seeded and resumable: step k draws from (seed, k), the optimizer's moments are kept beside the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax
from tqdm import tqdm

from benchmarks.baselines.harmony_context import Line, chords_of_songs, line_of, line_of_songs
from benchmarks.baselines.online_harmony import GUARD, NEXT_TICKS, Config, OnlineHarmony, Said, said_at
from benchmarks.baselines.pop909 import NO_CHORD, REST, Song, transposed
from models import checkpoint

KIND = "online_harmony"
PAST_TICKS = 512  # known before a crop begins
CROP_TICKS = 384
NOTES_WEIGHT = 0.5
PUSHED, MISLED = 0.3, 0.2  # of the crops: modulate somewhere; are told another key's chords as their past


@dataclass(frozen=True, slots=True)
class Plan:
    """steps of `batch` crops, learning rate at its highest."""

    steps: int = 800
    batch: int = 32
    rate: float = 3e-3
    seed: int = 0
    bass: bool = False
    save_every: int = 100


class Crops(NamedTuple):
    """line, told (chords as history), truth [B, W], at [B, T]: the decisions."""

    line: Line
    told: Tensor
    truth: Tensor
    at: Tensor


def train(songs: Sequence[Song], config: Config, plan: Plan, stem: Path, progress: bool = True) -> OnlineHarmony:
    """The trained network; goes on from stem's checkpoint where there is one of the same configuration and plan."""
    torch.manual_seed(plan.seed)
    net = OnlineHarmony(config)
    optimizer = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.01)
    begun = _resume(net, optimizer, config, plan, stem)
    losses = []
    for step in (bar := tqdm(range(begun, plan.steps), desc=stem.name, disable=not progress)):
        crops = draw(songs, config, plan, step)
        for group in optimizer.param_groups:
            group["lr"] = (
                plan.rate * min(1.0, (step + 1) / 30) * (0.02 + 0.98 * math.cos(math.pi * step / plan.steps / 2) ** 2)
            )
        net.train()
        torch.manual_seed(plan.seed * 1_000_003 + step)
        loss = torch.stack(nats(net, crops)).sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        losses.append(float(loss.detach()))
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
        if (step + 1) % plan.save_every == 0 or step + 1 == plan.steps:
            _keep(net, optimizer, config, plan, step + 1, stem)
    return net.eval()


def nats(net: OnlineHarmony, crops: Crops) -> tuple[Tensor, Tensor, Tensor]:
    """Mean cross-entropies: change or hold per decision, the chord per change, NOTES_WEIGHT * the next notes."""
    said, _ = said_at(net, crops.line, crops.told, crops.at)
    truth = crops.truth.gather(1, crops.at)
    before = crops.truth.gather(1, (crops.at - 1).clamp(min=0))
    change = truth != torch.where(crops.at > 0, before, NO_CHORD)
    hazard = binary_cross_entropy_with_logits(said.hazard, change.float())
    return hazard, chord_nats(said, crops, truth, change), NOTES_WEIGHT * notes_nats(said, crops)


def chord_nats(said: Said, crops: Crops, truth: Tensor, change: Tensor) -> Tensor:
    told = torch.where(crops.at > 0, crops.told.gather(1, (crops.at - 1).clamp(min=0)), NO_CHORD)
    barred = said.chords.scatter(-1, told[..., None], GUARD)
    logits = torch.where((told == truth)[..., None], said.chords, barred)
    return cross_entropy(logits[change], truth[change])


def notes_nats(said: Said, crops: Crops) -> Tensor:
    """Against the pitch classes that sound in the next NEXT_TICKS."""
    last = crops.line.counts.shape[1] - 1
    index = [crops.at, (crops.at + NEXT_TICKS).clamp(max=last)]
    start, end = (crops.line.counts.gather(1, i[..., None].expand(-1, -1, 12)) for i in index)
    count = (end - start).sum(-1, keepdim=True)
    shares = (end - start) / count.clamp(min=1)
    return -(shares * log_softmax(said.notes, -1)).sum() / (count > 0).sum().clamp(min=1)


@torch.inference_mode()
def held_out(net: OnlineHarmony, songs: Sequence[Song], bass: bool) -> dict[str, float]:
    """Nats of whole songs, not transposed: per decision of the rhythm, per change of the chord."""
    net.eval()
    line, chords = line_of_songs(songs, bass), chords_of_songs(songs)
    at = torch.arange(0, min(len(s) for s in songs), net.config.stride_ticks).expand(len(songs), -1)
    hazard, chord, notes = nats(net, Crops(line, chords, chords, at))
    return {"hazard_nats": float(hazard), "chord_nats": float(chord), "notes_nats": float(notes) / NOTES_WEIGHT}


def draw(songs: Sequence[Song], config: Config, plan: Plan, step: int) -> Crops:
    """The crops of one step: random songs, places and keys."""
    rng = np.random.default_rng([plan.seed, step])
    rows = [_row(songs[int(rng.integers(len(songs)))], plan.bass, rng) for _ in range(plan.batch)]
    columns = list(zip(*rows, strict=True))
    pitch, onset, bar, truth = (torch.from_numpy(np.stack(part).astype(np.int64)) for part in columns[:4])
    line = line_of(pitch, onset, bar, torch.tensor([row[4] for row in rows]))
    shift = rng.integers(1, 12, (plan.batch, 1)) * (rng.random((plan.batch, 1)) < MISLED)
    told = truth if config.plain else torch.from_numpy(transposed(truth.numpy(), shift))
    at = torch.arange(PAST_TICKS, PAST_TICKS + CROP_TICKS, config.stride_ticks).expand(plan.batch, -1)
    return Crops(line, told, truth, at)


def _row(
    song: Song, bass: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """pitch, onset, bar, chord [PAST_TICKS + CROP_TICKS] and bar_ticks, transposed; before the song: rests."""
    beats = max((len(song) - CROP_TICKS // 2) // 4, 1)
    start = 4 * int(rng.integers(beats)) - PAST_TICKS
    shift = np.full(PAST_TICKS + CROP_TICKS, rng.integers(12))
    if rng.random() < PUSHED:
        start_tick = PAST_TICKS + 4 * int(rng.integers(CROP_TICKS // 4))
        shift[start_tick:] = (shift[start_tick:] + rng.integers(1, 12)) % 12
    pitch = _cut(song.bass if bass else song.melody, start, REST)
    moved = np.where(pitch == REST, REST, pitch + shift - 6)
    chord = transposed(_cut(song.chord, start, NO_CHORD), shift - 6)
    return (
        moved,
        _cut(song.bass_on if bass else song.melody_on, start, 0),
        _cut(song.bar, start, 1),
        chord,
        song.bar_ticks,
    )


def _cut(values: np.ndarray, start: int, fill: int) -> np.ndarray:
    length = PAST_TICKS + CROP_TICKS
    inside = values[max(start, 0) : start + length]
    left = max(-start, 0)
    return np.pad(inside, (left, length - left - len(inside)), constant_values=fill)


def _keep(
    net: OnlineHarmony, optimizer: torch.optim.Optimizer, config: Config, plan: Plan, step: int, stem: Path
) -> None:
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    for index, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{name}": value for name, value in moments.items()}
    meta = {"net": asdict(config), "plan": asdict(plan), "step": step}
    card = "Trained on POP909 (MIT; the compositions are commercial songs) for benchmarks/online_harmony.py.\n"
    checkpoint.save(stem, tensors, meta, card, KIND)


def _resume(net: OnlineHarmony, optimizer: torch.optim.Optimizer, config: Config, plan: Plan, stem: Path) -> int:
    """The step to go on from: 0 without a checkpoint, or with one of another configuration or plan."""
    try:
        kept = checkpoint.load(stem, KIND)
    except FileNotFoundError:
        return 0
    if (kept.config["net"], kept.config["plan"]) != (asdict(config), asdict(plan)):
        return 0
    net.load_state_dict({k[4:]: v for k, v in kept.tensors.items() if k.startswith("net.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in kept.tensors.items():
        if name.startswith("adam."):
            _, index, moment = name.split(".")
            state.setdefault(int(index), {})[moment] = value
    whole = optimizer.state_dict() | {"state": state}
    optimizer.load_state_dict(whole)
    return int(kept.config["step"])
