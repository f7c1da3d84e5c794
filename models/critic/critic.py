"""Says how well a part belongs to the bass it stands beside, in windows of up to 64 ticks (about two to four bars).

`Critic.drums`, `comping` and `line` judge one window of the dataclasses that the planner speaks; `score_drums`,
`score_comping` and `score_line` many candidates beside one bass, as rows of models.music.features.Events. A logit is
calibrated: 0 is as likely right as wrong, 2 is right in 88 of 100. numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models import checkpoint, paths
from models.critic import windows
from models.critic.shape import KERNEL, CriticConfig
from models.critic.windows import LONGEST, PARTS, Heard
from models.music.features import Floats, Ints, reply_events
from models.music.tokens import BassTick, Position, Reply

if TYPE_CHECKING:
    from models.critic.net import CriticNet

WEIGHTS = paths.WEIGHTS / "critic"


@dataclass(frozen=True, slots=True)
class Beside:
    """A bass in its place, read once for any number of candidates. place [1, T, P]."""

    heard: Heard
    place: Floats

    def __len__(self) -> int:
        return int(self.heard.pc.shape[1])


class Critic:
    """Judges whether parts belong together."""

    def __init__(self, config: CriticConfig, weights: Mapping[str, Floats]) -> None:
        """weights: arrays of config.shapes, by name."""
        self.config = config
        self._parts = {part: _PairNet(config, checkpoint.split(weights, f"{part}.")[1]) for part in PARTS}

    @classmethod
    def load(cls, path: str | Path = WEIGHTS) -> Critic:
        """Load the weights of a checkpoint stem; FileNotFoundError or ValueError when they are missing or others."""
        saved = checkpoint.load_arrays(path, "critic")
        try:
            net = saved.config["net"]
            config = CriticConfig(**{**net, "dilations": tuple(net["dilations"])})
            checkpoint.require_shapes(path, saved.arrays, config.shapes)
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path}: weights do not fit their config ({error}); {checkpoint.RETRAIN}") from None
        return cls(config, saved.arrays)

    @classmethod
    def of(cls, net: CriticNet) -> Critic:
        """Return the critic with the weights of a network in torch."""
        return cls(net.config, {name: value.detach().numpy() for name, value in net.named_parameters()})

    def drums(self, bass: Sequence[BassTick], drums: Sequence[Reply], positions: Sequence[Position]) -> float:
        """Return the logit that these drums belong to this bass. ValueError: lengths differ, none, or more than 64
        ticks."""
        _require_equal(bass=bass, drums=drums, positions=positions)
        return float(self.score_drums(beside(bass, positions), reply_events(drums)[0][None])[0])

    def comping(self, bass: Sequence[BassTick], chords: Sequence[Reply], positions: Sequence[Position]) -> float:
        """Return the logit that these chords belong to this bass. Before its first stroke no harmony holds. Errors as
        drums."""
        _require_equal(bass=bass, chords=chords, positions=positions)
        return float(self.score_comping(beside(bass, positions), reply_events(chords)[1][None])[0])

    def line(
        self,
        bass: Sequence[BassTick],
        chords: Sequence[Reply],
        line: Sequence[Reply],
        positions: Sequence[Position],
    ) -> float:
        """Return the logit that this line belongs to this bass and these chords (may be empty). Errors as drums."""
        _require_equal(bass=bass, chords=chords, line=line, positions=positions)
        chord, notes = reply_events(chords)[1], reply_events(line)[2]
        return float(self.score_line(beside(bass, positions), chord[None], notes[None])[0])

    def score_drums(self, beside: Beside, drums: Ints) -> Floats:
        """Score drums [N, T, pieces], levels of N candidates -> logits [N]."""
        _require_ticks(beside, drums, "drums")
        return self._score("drums", beside, windows.drum_features(beside.heard, drums))

    def score_comping(self, beside: Beside, chord: Ints) -> Floats:
        """Score chord [N, T, 4], action, level, root and quality of N candidates -> logits [N]."""
        _require_ticks(beside, chord, "chord")
        return self._score("comping", beside, windows.comping_features(beside.heard, chord))

    def score_line(self, beside: Beside, chord: Ints, line: Ints) -> Floats:
        """Score chord [N or 1, T, 4] and line [N, T, 3] of N candidates -> logits [N]."""
        _require_ticks(beside, chord, "chord")
        _require_ticks(beside, line, "line")
        if len(chord) not in (1, len(line)):
            raise ValueError(f"chord has {len(chord)} candidates, line {len(line)}: as many, or one chord for all")
        chord = np.broadcast_to(chord, (len(line), *chord.shape[1:]))
        return self._score("line", beside, windows.line_features(beside.heard, chord, line))

    def _score(self, part: str, beside: Beside, partner: Floats) -> Floats:
        return self._parts[part].logits(windows.context(part, beside.heard, beside.place), partner)


def beside(bass: Sequence[BassTick], positions: Sequence[Position]) -> Beside:
    """Read the bass of a window. ValueError: lengths differ, none, or more than 64 ticks."""
    _require_equal(bass=bass, positions=positions)
    rows = [[_or(b.onset_pitch), b.velocity if b.onset_pitch is not None else 0, _or(b.sounding_pitch)] for b in bass]
    place = windows.places([p.tick for p in positions], [p.meter for p in positions])
    return beside_rows(np.array(rows), np.array([b.known for b in bass]), place)


def beside_rows(bass: Ints, known: NDArray[np.bool_], place: Floats) -> Beside:
    """Return the same of rows: bass [T, 3], known [T], place [T, P] of windows.places."""
    _require_equal(bass=bass, known=known, place=place)
    if len(bass) > LONGEST:
        raise ValueError(f"a window of {len(bass)} ticks: the critic reads at most {LONGEST}; cut it")
    mask = np.ones((1, len(bass)), bool)
    return Beside(windows.hear(bass[None], known[None], mask, place[None]), place[None])


def _or(pitch: int | None) -> int:
    return -1 if pitch is None else pitch


def _require_equal(**parts: Any) -> None:
    """Raise ValueError in one line unless all have the same length, and one tick at least."""
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1 or not all(lengths.values()):
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"ticks of a window: {found}; all must have the same number, 1 to {LONGEST}")


def _require_ticks(beside: Beside, rows: Ints, name: str) -> None:
    if rows.ndim != 3 or rows.shape[1] != len(beside):
        raise ValueError(f"{name} of shape {rows.shape}: [candidates, {len(beside)} ticks, columns] is wanted")


class _PairNet:
    """net.PairNet in numpy, for many partners of one context."""

    def __init__(self, config: CriticConfig, weights: Mapping[str, Floats]) -> None:
        self._dilations = config.dilations
        self._w = {name: np.ascontiguousarray(value.T) for name, value in weights.items() if "convs" not in name}
        self._convs = [
            (np.ascontiguousarray(weights[f"convs.{i}.weight"].transpose(2, 1, 0)), weights[f"convs.{i}.bias"])
            for i in range(len(config.dilations))
        ]

    def logits(self, context: Floats, partner: Floats) -> Floats:
        """Score context [1, T, F] with partner [N, T, P] -> logits [N]."""
        w = self._w
        hidden = partner @ w["part.weight"]
        hidden += context @ w["context.weight"] + w["context.bias"]
        np.maximum(hidden, 0, out=hidden)
        for (kernel, bias), dilation in zip(self._convs, self._dilations, strict=True):
            hidden += _convolved(hidden, kernel, bias, dilation)
        pooled = np.concatenate([hidden.mean(1), hidden.max(1), partner.mean(1)], 1)
        embedded = np.maximum(pooled @ w["embed.weight"] + w["embed.bias"], 0)
        return np.asarray((embedded @ w["out.weight"] + w["out.bias"])[:, 0])


def _convolved(hidden: Floats, kernel: Floats, bias: Floats, dilation: int) -> Floats:
    """Return relu of a convolution over the ticks: hidden [N, T, C], kernel [KERNEL, C, C] -> [N, T, C]; zeros beyond
    the ends.
    """
    out = hidden @ kernel[KERNEL // 2]
    out += bias
    if dilation < hidden.shape[1]:
        out[:, dilation:] += hidden[:, :-dilation] @ kernel[0]
        out[:, :-dilation] += hidden[:, dilation:] @ kernel[2]
    return np.asarray(np.maximum(out, 0, out=out))


def save(stem: str | Path, net: CriticNet, about: dict[str, Any], card: str) -> str:
    """Write the checkpoint Critic.load reads; returns the SHA-256 of the weights."""
    return checkpoint.save(stem, net.state_dict(), {"net": asdict(net.config), **about}, card, "critic")
