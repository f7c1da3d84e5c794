"""Define the responder as it is trained: rows of tokens in, the likelihood of the band's next tick out.

A recurrent backbone reads the ticks; its output gives one block of logits H per tick (`LOGITS`), and small couplings
make the decisions of one tick depend on those before it: drums piece by piece, then the chord, then the line (the
autoregressive factorisation of NADE, Larochelle & Murray 2011). Roots and line pitches add logits that are relative to
the bass and to the harmony, so that what is learned in one key holds in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones import registry
from models.music import features, tokens
from models.music.features import COLUMN, NO_LINE, NO_PC, NO_QUALITY
from models.music.past import VOTE_SLICES
from models.music.plan_values import POINTED
from models.music.tokens import LINE_PITCHES, QUALITIES
from models.responder.adapter import Adapter
from models.responder.repeating import POINTED_AT, VOTE_FLOOR
from models.responder.shape import (
    BELOW,
    DRUM_LOGITS,
    FORESEEN,
    FORESIGHT,
    HEADS,
    PITCH_CLASS,
    QUALITY_HIDDEN,
    SAID_QUALITY,
    VOTED,
)
from models.responder.shape import SLICES as SLICES
from models.responder.shape import VELOCITIES as VELOCITIES
from models.responder.shape import ResponderConfig as ResponderConfig

FORESEE_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Targets:
    """What the band did: drums [N, pieces], chord [N, 4] action level root quality, line [N, 3] action level pitch.

    present [N, 3]: which parts the piece has; bass [N, FORESIGHT]: onset pitch from this tick on, -1 none, -2 unknown.
    """

    drums: Tensor
    chord: Tensor
    line: Tensor
    present: Tensor
    bass: Tensor


@dataclass(frozen=True, slots=True)
class PastTensors:
    """What is recalled of B lanes' T ticks: features [B, T, past.DIM], pointed int8 [B, T, pointers, POINTED], votes
    [B, T, past.VOTE_DIM].
    """

    features: Tensor
    pointed: Tensor
    votes: Tensor


def repeated(logits: Tensor, gates: Tensor, past: PastTensors) -> Tensor:
    """Return logits [B, T, H] with what the sources say added, each by its gate: logistic mixing (Mahoney 2005)."""
    sources = past.pointed.shape[2]
    pointing, voting = torch.split(gates, [sources * POINTED, len(VOTED)], -1)
    values = past.pointed.long()
    at = torch.as_tensor(POINTED_AT)
    says = values >= 0
    places = torch.where(says, values + at, 0).flatten(-2)
    added = torch.zeros_like(logits).scatter_add(
        -1, places, (pointing.reshape(*pointing.shape[:-1], sources, POINTED) * says).flatten(-2)
    )
    known = past.votes.sum(-1, keepdim=True) > 0
    blocks = []
    for index, name in enumerate(VOTED):
        own = torch.log(past.votes[..., VOTE_SLICES[name]] + VOTE_FLOOR)
        own = own[..., 1:] if name in ("root", "pitch") else own  # the first says: none
        blocks.append((own - own.mean(-1, keepdim=True)) * voting[..., index : index + 1] * known)
    placed = dict(zip(VOTED, blocks, strict=True))
    drums = torch.cat([placed[piece] for piece in tokens.PIECES], -1)
    for name, block in (("drums", drums), *((n, placed[n]) for n in ("action", "root", "line", "pitch"))):
        added[..., SLICES[name]] = added[..., SLICES[name]] + block
    return logits + added


def rolled(logits: Tensor, reference: Tensor) -> Tensor:
    """Turn logits [N, 12] by interval above reference [N] into logits by pitch class; zero where the reference is
    NO_PC.
    """
    interval = (torch.arange(12, device=logits.device) - reference[:, None]) % 12
    return logits.gather(1, interval) * (reference[:, None] < NO_PC)


class ResponderNet(nn.Module):
    """The responder's network. forward: tokens -> head logits [B, T, H]. nll: those and the truth -> nats per part."""

    below: Tensor

    def __init__(self, config: ResponderConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = registry.build(
            config.backbone, config.input_dim, config.cond_dim, config.hidden, config.layers, config.dropout
        )
        self.heads = nn.Linear(config.hidden + config.cond_dim, config.logits + config.gates)
        self.drums_to_drums = nn.Parameter(torch.zeros(DRUM_LOGITS, DRUM_LOGITS))
        self.drums_to_rest = nn.Parameter(torch.zeros(DRUM_LOGITS, 4 + VELOCITIES + 3 + VELOCITIES))
        self.action_to_line = nn.Parameter(torch.zeros(4, 3))
        self.quality_in = nn.Parameter(torch.randn(13 + 13 + NO_QUALITY + 1, QUALITY_HIDDEN) * 0.1)
        self.quality_out = nn.Linear(QUALITY_HIDDEN, len(QUALITIES))
        self.pitch_in_chord = nn.Parameter(torch.zeros(NO_QUALITY + 1, 12))
        with torch.no_grad():  # most ticks hold nothing new: begin there
            self.heads.bias[SLICES["drums"]].view(-1, tokens.LEVELS)[:, 0] = 4.0
            self.heads.bias[SLICES["action"].start] = self.heads.bias[SLICES["line"].start] = 2.0
        self.register_buffer("below", torch.from_numpy(BELOW), persistent=False)

    def add(self, adapter: Adapter) -> None:
        """Fold a player's adapter in."""
        plain = {name: value.detach().numpy() for name, value in self.named_parameters()}
        self.load_state_dict({name: torch.from_numpy(array) for name, array in adapter.merged(plain).items()})

    def forward(self, rows: Tensor, sound: Tensor, cond: Tensor, past: PastTensors | None = None) -> Tensor:
        """Return head logits [B, T, H].

        rows: int [B, T, 25]; sound: [B, T, sound_dim + 1] (the last says whether it is known); cond: [B, T, P + dials].
        """
        return self.carried(rows, sound, cond, past, None)[0]

    def carried(
        self, rows: Tensor, sound: Tensor, cond: Tensor, past: PastTensors | None, state: Any
    ) -> tuple[Tensor, Any]:
        """Do as forward, from the backbone's state on; return the state after it too."""
        cond = cond[..., : self.config.cond_dim]
        flat = rows + torch.as_tensor(features.OFFSETS, device=rows.device)
        events = torch.zeros(*rows.shape[:-1], features.EVENT_DIM, device=rows.device).scatter_(-1, flat, 1.0)
        told = [events, sound] + ([past.features] if past is not None else [])
        y, after = self.backbone(torch.cat(told, -1), cond, state)
        logits = self.heads(torch.cat([y, cond], -1))
        if past is None:
            return logits, after
        own, gates = torch.split(logits, [self.config.logits, self.config.gates], -1)
        return repeated(own, gates, past), after

    def nll(self, logits: Tensor, rows: Tensor, truth: Targets) -> dict[str, Tensor]:
        """Return nats [N] per part of logits [N, H] and rows [N, 25] of the same ticks; 0 for parts the piece lacks."""
        head = {name: logits[:, part] for name, part in SLICES.items()}
        if self.config.past:
            head["said"] = logits[:, SAID_QUALITY:]
        hits = F.one_hot(truth.drums, tokens.LEVELS).flatten(1).float()
        rest = (hits @ self.drums_to_rest).tensor_split([4, 4 + VELOCITIES, 7 + VELOCITIES], 1)
        drums = head["drums"] + hits @ (self.drums_to_drums * self.below)
        by_piece = drums.reshape(-1, tokens.LEVELS), truth.drums.reshape(-1)
        losses = {
            "drums": _nats(*by_piece).reshape(len(hits), -1).sum(1),
            "chords": self._chord_nll(head, rest[0], rest[1], rows, truth),
            "line": self._line_nll(head, rest[2], rest[3], rows, truth),
        }
        return {part: loss * truth.present[:, index] for index, (part, loss) in enumerate(losses.items())}

    def bass_nll(self, logits: Tensor, rows: Tensor, truth: Targets) -> Tensor:
        """Return nats [N] of the bass's next beat, onset and pitch class of each of its ticks; 0 where unknown."""
        if not self.config.foresee:
            return torch.zeros(len(logits), device=logits.device)
        onset, pitches = self.foreseen(logits, rows)
        said, struck = truth.bass > -2, truth.bass >= 0
        nats = F.binary_cross_entropy_with_logits(onset, struck.float(), reduction="none")
        pitch = _nats(pitches.flatten(0, 1), truth.bass.clamp(min=0).flatten() % 12).view_as(onset)
        return (said * nats + struck * pitch).sum(1)

    def foreseen(self, logits: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return onset logits [N, FORESIGHT] and pitch class logits [N, FORESIGHT, 12] of the bass's next beat."""
        own = logits[:, HEADS:SAID_QUALITY].view(-1, FORESIGHT, FORESEEN)
        bass = rows[:, COLUMN["bass_ref"]].repeat_interleave(FORESIGHT)
        over = rolled(own[..., 13:].reshape(-1, 12), bass).view(-1, FORESIGHT, 12)
        return own[..., 0], own[..., 1:13] + over

    def _chord_nll(
        self, head: dict[str, Tensor], action: Tensor, level: Tensor, rows: Tensor, truth: Targets
    ) -> Tensor:
        did, loud, root, quality = truth.chord.unbind(1)
        stroke, new = did >= tokens.SAME, did == tokens.NEW
        loss = _nats(head["action"] + action, did)
        loss = loss + stroke * _nats(head["level"] + level, (loud - 1).clamp(min=0))
        root_loss = _nats(self.root_logits(head, rows), root.clamp(min=0))
        return loss + new * (
            root_loss + _nats(self.quality_logits(head, rows, root.clamp(min=0)), quality.clamp(min=0))
        )

    def root_logits(self, head: dict[str, Tensor], rows: Tensor) -> Tensor:
        bass, old = rows[:, COLUMN["bass_ref"]], rows[:, COLUMN["root"]]
        return head["root"] + rolled(head["root_over_bass"], bass) + rolled(head["root_over_root"], old)

    def quality_logits(self, head: dict[str, Tensor], rows: Tensor, root: Tensor) -> Tensor:
        """Return the chord quality's logits [N, 8], given the root just chosen."""
        bass, old, quality = (rows[:, COLUMN[name]] for name in ("bass_ref", "root", "quality"))
        over_bass = torch.where(bass < NO_PC, (root - bass) % 12, NO_PC)
        over_root = torch.where(old < NO_PC, (root - old) % 12, NO_PC)
        table = self.quality_in
        hidden = head["quality"] + table[over_bass] + table[13 + over_root] + table[26 + quality]
        logits = torch.as_tensor(self.quality_out(F.relu(hidden)))
        return logits + head["said"] if "said" in head else logits

    def _line_nll(self, head: dict[str, Tensor], action: Tensor, level: Tensor, rows: Tensor, truth: Targets) -> Tensor:
        did, loud, pitch = truth.line.unbind(1)
        begins = did == tokens.LINE_ON
        loss = _nats(head["line"] + action + self.action_to_line[truth.chord[:, 0]], did)
        pitches = _nats(self.pitch_logits(head, rows, truth.chord[:, 2], truth.chord[:, 3]), pitch.clamp(min=0))
        return loss + begins * (pitches + _nats(head["line_level"] + level, (loud - 1).clamp(min=0)))

    def pitch_logits(self, head: dict[str, Tensor], rows: Tensor, root: Tensor, quality: Tensor) -> Tensor:
        """Return the line's logits [N, pitches], given the harmony that holds (-1: none)."""
        root = torch.where(root < 0, NO_PC, root)
        in_chord = head["pitch_over_root"] + self.pitch_in_chord[torch.where(quality < 0, NO_QUALITY, quality)]
        by_class = rolled(in_chord, root)[:, torch.as_tensor(PITCH_CLASS)]
        last = rows[:, COLUMN["line_last"]]
        leap = (torch.arange(LINE_PITCHES) - last[:, None] + LINE_PITCHES - 1).clamp(0, 2 * LINE_PITCHES - 2)
        return head["pitch"] + by_class + head["leap"].gather(1, leap) * (last[:, None] < NO_LINE)


def _nats(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits, target, reduction="none")
