"""Chords under a line while it is played: a small causal network decides at every beat to hold or to change, and to
what.

The plain one is the usual online maximum likelihood (the last beat's notes and its own last chord into a recurrent
network). The other also sees pitch-class histograms and what followed here 1, 2, 4 and 8 bars ago from every root
alike (a convolution around the circle of pitch classes), and guesses the notes of the next half bar; when it plays,
chords are weighed by how much they contain of the notes it guesses and of those just heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from benchmarks.baselines.harmony_context import (
    CONDITIONS,
    PLANES,
    SCALARS,
    TONES,
    Line,
    conditions,
    context,
    coverage,
    hear,
    heard,
    line_of_songs,
    unheard,
)
from benchmarks.baselines.pop909 import CHORDS, NO_CHORD, QUALITIES, REST, Song, transposed
from models.backbones import registry

HEAD_CHANNELS = 64
NEXT_TICKS = 8  # how far the guess of the next notes reaches
GUARD = -1e9
UNFORESEEN = 0.05  # of the notes come from anywhere
ALARM_HURRY, ALARM_PRIOR = 3.0, 0.3  # in alarm: more towards a change; how much the network's own chords still count
ALARM_STAYS = 0.7  # per decision


@dataclass(frozen=True, slots=True)
class Config:
    """backbone: of models.backbones. stride_ticks: 4 decides on beats,
    where all chords of POP909 change; 1 on 16ths.
    """

    backbone: str = "lstm"
    hidden: int = 128
    layers: int = 1
    stride_ticks: int = 4
    plain: bool = False
    dropout: float = 0.1


@dataclass(frozen=True, slots=True)
class Taste:
    """How to choose from what the network says. All weights are in nats.

    next_weight, heard_weight: for a chord that contains all of the guessed notes, of those of the last heard_ticks.
    hurry: towards a change, when another chord would contain all of them and the one that holds none. hazard_bias:
    towards a change, always. alarm_weight: like heard_weight, while the notes come from another key than the guessed
    ones. tone_cost: of each tone beyond a triad, against chords that fit because they are full. modulation: how likely
    that is, per decision. top_p: the network's likeliest chords to choose among.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    next_weight: float = 0.0
    heard_weight: float = 0.0
    heard_ticks: int = 4
    hurry: float = 0.0
    hazard_bias: float = 0.0
    hazard_temperature: float = 1.0
    modulation: float = 0.0
    alarm_weight: float = 0.0
    tone_cost: float = 0.0


class Said(NamedTuple):
    """hazard [...]: logit of a change; chords [..., CHORDS]: logits of the next one;
    notes [..., 12]: of the next notes.
    """

    hazard: Tensor
    chords: Tensor
    notes: Tensor


class OnlineHarmony(nn.Module):
    """forward: planes [B, T, K, 12], scalars [B, T, S], conditions [B, T, C] -> hidden states and Said."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        planes = PLANES[config.plain]
        inputs = 12 * planes + SCALARS[config.plain]
        args = (inputs, CONDITIONS, config.hidden, config.layers, config.dropout)
        self.backbone = registry.build(config.backbone, *args)
        self.hazard = nn.Linear(config.hidden, 1)
        self.notes = nn.Linear(config.hidden, 12)
        self.head: nn.Module = nn.Linear(config.hidden, CHORDS) if config.plain else CircleHead(planes, config.hidden)

    def forward(self, planes: Tensor, scalars: Tensor, c: Tensor, state: Any = None) -> tuple[Said, Any]:
        y, state = self.backbone(torch.cat([planes.flatten(2), scalars], -1), c, state)
        hazard = self.hazard(y)[..., 0]
        if self.config.plain:
            return Said(hazard, self.head(y), self.notes(y)), state
        chords, notes = self.head(planes.flatten(0, 1), y.flatten(0, 1))
        shape = y.shape[:2]
        return Said(hazard, chords.view(*shape, -1), notes.view(*shape, -1) + self.notes(y)), state


class CircleHead(nn.Module):
    """Planes [N, K, 12] and y [N, H] -> chord logits [N, CHORDS], note logits [N, 12]:
    the same weights for each root.
    """

    def __init__(self, planes: int, hidden: int) -> None:
        super().__init__()
        self.around = nn.Conv1d(planes, HEAD_CHANNELS, 12)
        self.state = nn.Linear(hidden, HEAD_CHANNELS)
        self.mix = nn.Conv1d(HEAD_CHANNELS, HEAD_CHANNELS, 1)
        self.out = nn.Conv1d(HEAD_CHANNELS, len(QUALITIES) + 1, 1)
        self.silence = nn.Linear(hidden, 1)

    def forward(self, planes: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        circle = torch.cat([planes, planes[..., :-1]], -1)
        z = torch.relu(self.around(circle) + self.state(y)[..., None])
        z = self.out(torch.relu(self.mix(z)))
        chords = z[:, :-1].transpose(1, 2).flatten(1)
        return torch.cat([chords, self.silence(y)], 1), z[:, -1]


def play(net: OnlineHarmony, songs: Sequence[Song], taste: Taste, seed: int, bass: bool = False) -> list[NDArray[Any]]:
    """Chord ids [T] for every song: at tick t from the notes before t and its own chords.
    bass: hear the bass instead.
    """
    line = line_of_songs(songs, bass)
    chords = play_line(net, line, taste, seed).numpy().astype(np.int16)
    return [row[: len(song)] for row, song in zip(chords, songs, strict=True)]


@torch.inference_mode()
def play_line(net: OnlineHarmony, line: Line, taste: Taste, seed: int) -> Tensor:
    """[B, W] chord ids; the same seed gives the same chords.

    The network stays in the key it began in: what it hears is moved down, its chords are moved up, by the modulation
    that KeyShift has found.
    """
    net.eval()
    (batch, width), stride = line.pitch.shape, net.config.stride_ticks
    rng, key, state = np.random.default_rng(seed), KeyShift(batch, taste.modulation), None
    own, known = torch.full((batch, width), NO_CHORD), unheard(line.bar, line.bar_ticks)
    played = own.clone()
    for tick in range(0, width, stride):
        if tick:
            new = slice(tick - stride, tick)
            pitch, onset = line.pitch[:, new], line.onset[:, new]
            key.push(pitch, onset)
            hear(known, key.lowered(pitch), onset, tick - stride)
        at = torch.full((batch, 1), tick)
        said, state = said_at(net, known, own, at, state)
        first = Said(*(part[:, 0] for part in said))
        key.expect(first.notes.softmax(-1))
        now = own[:, tick - 1] if tick else own[:, 0]
        draws = torch.from_numpy(rng.random((2, batch)))
        chosen = choose(first, now, heard(known, at, taste.heard_ticks)[:, 0], taste, draws, key.alarm)
        own[:, tick : tick + stride] = chosen[:, None]
        played[:, tick : tick + stride] = raised(chosen, key.shift)[:, None]
    return played


def raised(chords: Tensor, shift: Tensor) -> Tensor:
    return torch.from_numpy(transposed(chords.numpy(), shift.numpy()))


class KeyShift:
    """Notices that the player has modulated: a hidden Markov filter over 12 transpositions of the notes the network
    guessed, fed with each note that begins. shift [B]: semitones, -5 to 6. alarm [B]: 0..1, that it is not the one
    thought."""

    def __init__(self, batch: int, rate: float) -> None:
        """rate: chance of a modulation per decision; 0 never follows one."""
        self.shift = torch.zeros(batch, dtype=torch.long)
        self.alarm = torch.zeros(batch)
        self._rate = rate
        self._belief = torch.zeros(batch, 12)
        self._belief[:, 0] = 1
        self._guess = torch.full((batch, 12), 1 / 12)

    def expect(self, guess: Tensor) -> None:
        """guess [B, 12]: probabilities of the next notes' pitch classes, in the key of the network."""
        self._guess = (1 - UNFORESEEN) * guess + UNFORESEEN / 12

    def push(self, pitch: Tensor, onset: Tensor) -> None:
        """pitch, onset [B, N]: what sounded since expect."""
        began = (onset > 0) & (pitch != REST)
        classes = (pitch - self.shift[:, None])[..., None] - torch.arange(12)
        p = self._guess.gather(1, (classes % 12).flatten(1)).view(*classes.shape)
        likelihood = torch.where(began[..., None], p, 1.0).prod(1)
        belief = ((1 - self._rate) * self._belief + self._rate / 12) * likelihood
        self._belief = belief / belief.sum(1, keepdim=True)
        self._follow()

    def _follow(self) -> None:
        """Another transposition that is likelier than not becomes the shift."""
        p, best = self._belief.max(1)
        fresh = torch.where((p > 0.5) & (best != 0), torch.ones(()), 1 - self._belief[:, 0])
        self.alarm = torch.maximum(fresh, ALARM_STAYS * self.alarm)
        move = torch.where(p > 0.5, best, 0)
        self.shift = (self.shift + move + 5) % 12 - 5
        self._belief = self._belief.gather(1, (torch.arange(12) + move[:, None]) % 12)

    def lowered(self, pitch: Tensor) -> Tensor:
        return torch.where(pitch == REST, REST, pitch - self.shift[:, None])


def said_at(net: OnlineHarmony, line: Line, chords: Tensor, at: Tensor, state: Any = None) -> tuple[Said, Any]:
    """What the network says for the decisions at ticks `at` [B, T] after the given chords [B, W]."""
    planes, scalars = context(line, chords, at, net.config.plain)
    said: tuple[Said, Any] = net(planes, scalars, conditions(line, at), state)
    return said


def choose(said: Said, now: Tensor, just_heard: Tensor, taste: Taste, draws: Tensor, alarm: Tensor) -> Tensor:
    """[B] chord ids: `now` [B] held or another one. just_heard [B, 12]; draws [2, B] uniform in 0..1; alarm [B]."""
    fit = coverage(said.notes.softmax(-1)), coverage(just_heard)
    doubt = (alarm * (taste.alarm_weight > 0))[:, None]
    score = _scores(said, now, fit, taste, doubt)
    both = (1 - doubt) / 2 * fit[0] + (1 + doubt) / 2 * fit[1]
    lost = torch.where(score > GUARD / 2, both, 0).amax(-1) - both.gather(-1, now[:, None])[:, 0]
    hurry = taste.hurry + ALARM_HURRY * doubt[:, 0]
    logit = said.hazard / taste.hazard_temperature + taste.hazard_bias + hurry * lost
    return torch.where(draws[0] < logit.double().sigmoid(), _drawn(score.softmax(-1), draws[1]), now)


def _scores(said: Said, now: Tensor, fit: tuple[Tensor, Tensor], taste: Taste, doubt: Tensor) -> Tensor:
    """[B, CHORDS] nats of every chord but `now`; the more doubt [B, 1], the more by what was just heard."""
    logp = log_softmax(said.chords.scatter(-1, now[:, None], GUARD) / taste.temperature, -1)
    usual = logp + taste.next_weight * fit[0] + taste.heard_weight * fit[1]
    score = (1 - doubt) * usual + doubt * (ALARM_PRIOR * logp + taste.alarm_weight * fit[1])
    score = score - taste.tone_cost * (TONES.sum(-1) - 3).clamp(min=0)
    among = _nucleus(logp, taste.top_p) | (doubt > 0.5)
    return torch.where(among, score, GUARD).scatter(-1, now[:, None], GUARD)


def _nucleus(logp: Tensor, top_p: float) -> Tensor:
    """True for the likeliest chords, until together they have top_p."""
    p, order = logp.exp().sort(-1, descending=True)
    kept = p.cumsum(-1) - p < top_p
    return torch.zeros_like(kept).scatter(-1, order, kept)


def _drawn(p: Tensor, draw: Tensor) -> Tensor:
    sums = p.double().cumsum(-1)
    return (sums < draw[:, None] * sums[:, -1:]).sum(-1).clamp(max=p.shape[-1] - 1)
