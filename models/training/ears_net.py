"""Define the ear network in torch: features [B, T, SIZE] -> logits of onset age [B, T, AGES + 1], pitch and drum age.

Pitch logits are [B, T, PITCHES + 1], those of the newest drum hit's age [B, T, AGES + 1].
`listener/ears/ear_network.py` runs the same weights step by step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from listener.ears.frontend import BANDS, BINS_PER_SEMITONE, HIGHEST, HOP_S, LOWEST, SIZE, WINDOWS
from models.sounds.ears_corpus import AGES, SECONDS

PITCHES = HIGHEST - LOWEST + 1


@dataclass(frozen=True, slots=True)
class EarConfig:
    """Sizes of the ear network."""

    features: int = SIZE
    dense: int = 160
    hidden: int = 192
    head: int = 128
    ages: int = AGES  # and one class more: no onset so lately
    pitches: int = PITCHES  # and class 0: no pitch
    lowest: int = LOWEST


class EarNet(nn.Module):
    """The ear network, for training."""

    def __init__(self, config: EarConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.features, config.dense)
        self.gru = nn.GRU(config.dense, config.hidden, batch_first=True)
        self.head = nn.Linear(config.hidden + config.dense, config.head)
        self.age = nn.Linear(config.head, config.ages + 1)
        self.pitch = nn.Linear(config.head, config.pitches + 1)
        self.drum = nn.Linear(config.head, config.ages + 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        seen = torch.relu(self.dense(x))
        remembered, _ = self.gru(seen)
        head = torch.relu(self.head(torch.cat([remembered, seen], -1)))
        return self.age(head), self.pitch(head), self.drum(head)


@torch.no_grad()
def grow(net: EarNet, to: EarConfig, tensors: Mapping[str, NDArray[np.float32]], old: Mapping[str, Any]) -> None:
    """Give a fresh net the function of a smaller one (Net2Net, Chen et al. 2016), as far as their outputs agree.

    The smaller one may read fewer lags and name fewer pitches. New units start unheard, new pitches improbable.
    """
    units = {name: torch.arange(int(old[name])) for name in ("dense", "hidden", "head")}
    features = _features_of(int(old["lowest"]), int(old["pitches"]), int(old["features"]), to)
    gates = torch.cat([units["hidden"] + gate * to.hidden for gate in range(3)])
    heard = torch.cat([units["hidden"], to.hidden + units["dense"]])
    first = int(old["lowest"]) - to.lowest
    pitches = torch.cat([torch.zeros(1, dtype=torch.long), torch.arange(1, int(old["pitches"]) + 1) + first])
    every = torch.arange(to.ages + 1)
    net.get_parameter("pitch.bias").fill_(-4.0)
    places = {
        "dense": (units["dense"], features),
        "gru.ih": (gates, units["dense"]),
        "gru.hh": (gates, units["hidden"]),
        "head": (units["head"], heard),
        "age": (every, units["head"]),
        "pitch": (pitches, units["head"]),
        "drum": (every, units["head"]),
    }
    for name, tensor in tensors.items():
        layer, _, rest = name.partition(".")
        rows, columns = places[layer if layer != "gru" else f"gru.{rest.split('_')[1]}"]
        parameter, values = net.get_parameter(name), torch.from_numpy(np.array(tensor))
        if values.ndim == 1:
            parameter[rows] = values
        else:
            parameter[rows] = 0.0
            parameter[rows[:, None], columns] = values


def _features_of(lowest: int, pitches: int, size: int, to: EarConfig) -> torch.Tensor:
    """Return where the features of a net with fewer lags lie among those of `to`; what is new stands last."""
    lags, more = (BINS_PER_SEMITONE * n + 1 for n in (pitches, to.pitches))
    shift = BINS_PER_SEMITONE * (lowest - to.lowest)
    places = list(range(BANDS))
    for window in range(len(WINDOWS)):
        at = BANDS + window * (more + 1)
        places += [*range(at + shift, at + shift + lags), at + more]
    return torch.tensor(places + list(range(BANDS + len(WINDOWS) * (more + 1), to.features))[: size - len(places)])


@torch.no_grad()
def joined(new: EarNet, old: EarNet, neutral: Mapping[int, int]) -> tuple[EarNet, EarConfig]:
    """Return two networks as one: ages and drums as the new one says, pitch as the geometric mean of both.

    The mean of two softmaxes' logits is linear in both heads: the two are one network of blocks. neutral: classes the
    old one never learned -> the class whose logit it is to say for them.
    """
    sizes = [(n.dense.out_features, n.gru.hidden_size, n.head.out_features) for n in (new, old)]
    (d0, h0, c0), (d1, h1, c1) = sizes
    config = EarConfig(dense=d0 + d1, hidden=h0 + h1, head=c0 + c1)
    net = EarNet(config)
    for parameter in net.parameters():
        parameter.zero_()
    parts = (
        (new, slice(0, d0), slice(0, h0), slice(0, c0)),
        (old, slice(d0, d0 + d1), slice(h0, h0 + h1), slice(c0, c0 + c1)),
    )
    for part, dense, hidden, head in parts:
        net.dense.weight[dense, : part.dense.in_features] = part.dense.weight
        net.dense.bias[dense] = part.dense.bias
        size = part.gru.hidden_size
        for gate in range(3):
            rows = slice(gate * (h0 + h1) + hidden.start, gate * (h0 + h1) + hidden.stop)
            own = slice(gate * size, (gate + 1) * size)
            for name, columns in (("ih", dense), ("hh", hidden)):
                net.get_parameter(f"gru.weight_{name}_l0")[rows, columns] = part.get_parameter(f"gru.weight_{name}_l0")[
                    own
                ]
                net.get_parameter(f"gru.bias_{name}_l0")[rows] = part.get_parameter(f"gru.bias_{name}_l0")[own]
        seen = slice(h0 + h1 + dense.start, h0 + h1 + dense.stop)
        net.head.weight[head, hidden] = part.head.weight[:, :size]
        net.head.weight[head, seen] = part.head.weight[:, size:]
        net.head.bias[head] = part.head.bias
        pitch, bias = part.pitch.weight.clone(), part.pitch.bias.clone()
        for to, origin in neutral.items() if part is old else ():
            pitch[to], bias[to] = pitch[origin], bias[origin]
        net.pitch.weight[:, head] = pitch / 2
        net.pitch.bias.add_(bias / 2)
    for name in ("age", "drum"):
        net.get_parameter(f"{name}.weight")[:, :c0] = new.get_parameter(f"{name}.weight")
        net.get_parameter(f"{name}.bias").copy_(new.get_parameter(f"{name}.bias"))
    return net, config


def joined_with(net: EarNet, tensors: Mapping[str, NDArray[np.float32]], old: Mapping[str, Any]) -> EarNet:
    """Return `joined` of a net and older weights, which may know fewer features and pitches."""
    now = EarConfig()
    size = EarConfig(dense=int(old["dense"]), hidden=int(old["hidden"]), head=int(old["head"]))
    before = EarNet(size)
    grow(before, size, tensors, old)
    first = int(old["lowest"]) - now.lowest + 1
    last = first + int(old["pitches"]) - 1
    neutral = dict.fromkeys(range(1, first), first + 1) | dict.fromkeys(range(last + 1, now.pitches + 1), last)
    return joined(net, before, neutral)[0]


CARD = """# The ear network of Antiphon

Onset ages, pitch probabilities and drum ages from {features} features per 3.3 ms: dense {dense}, GRU {hidden}, head
{head}; {parameters:,} parameters, float32. `listener/ears/ear_network.py` runs it, `models/training/ears.py` trained
it.

## Data and licences
No recording of a player: lines made by `models/sounds/bass_lines.py` from `models/sounds/bass_tones.py`, degraded by
`models/sounds/degrade.py`, on
- the six multi-sampled basses of shared/data/bass (Karoryfer Samples; Killer Bass of the Discord GM bank): CC0;
- the GM basses of FluidR3_GM and FluidR3Mono_GM: MIT;
- strings of partials and synthesiser patches made by the program itself.
Beside them drummers of the train split of the Groove MIDI Dataset (Gillick et al. 2019, CC-BY-4.0), hit by hit, on the
kits of FluidR3_GM and FluidR3Mono_GM (the band's own kit among them; MIT) and on kits made by
`models/sounds/drum_kits.py`, each piece tuned, damped and mixed anew; and random tunes on other instruments of
FluidR3. Seen: {items} items of 8 s ({hours:.1f} h).
Known limits: the real basses of shared/listening are assembled from the same recorded sets; the scores below
show what an unknown instrument costs. Two strings at once are heard as the newer one.

## Made with
{made}

## Scores
On {held} items of instruments and kits never trained on (TimGM6mb, GPL, for measuring only; fresh made strings and
kits), clean and degraded: cross entropy of age {age:.3f}, of pitch {pitch:.3f}, of drum age {drum:.3f} nats per hop,
on the items with drums {drums_age:.3f} and {drums_pitch:.3f}; the pitch of sounding hops
right {right:.3f}, 30 to 50 ms after an onset {right_30_50_ms:.3f}. On the clips: `python benchmarks/listening.py`,
docs/benchmarks-listening.md; with drums: `python benchmarks/bleed.py`; other basses:
`python benchmarks/unknown_bass.py`.
"""
MADE = """`python -m models.train ears{options}`:
{steps} steps of {replicas} x {batch} segments of {seconds:.1f} s, one CPU core each, seed {seed}."""


def card(
    net: EarConfig, config: Mapping[str, Any], steps: int, items: int, figures: Mapping[str, float], held: int
) -> str:
    """Return the card as Markdown. config: TrainConfig's fields; figures: of the items held out."""
    options = "".join(f" --{name.replace('_', '-')} {value}" for name, value in config.items() if name != "replica")
    return CARD.format(
        **asdict(net),
        **figures,
        parameters=sum(p.numel() for p in EarNet(net).parameters()),
        items=items,
        hours=items * SECONDS / 3600,
        held=held,
        made=MADE.format(**{**config, "options": options, "steps": steps, "seconds": config["hops"] * HOP_S}),
    )
