"""Define the responder's sizes: its blocks of logits, its config, and the shapes of its weights. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from models.backbones import registry
from models.music import dials, features, past, plan_values, tokens
from models.music.features import NO_QUALITY
from models.music.tokens import LINE_PITCHES, PIECES, QUALITIES

DRUM_LOGITS = len(PIECES) * tokens.LEVELS
VELOCITIES = tokens.LEVELS - 1  # a stroke is never silent
QUALITY_HIDDEN = 48
LOGITS: dict[str, int] = {  # name -> how many of H
    "drums": DRUM_LOGITS,
    "action": 4,
    "root": 12,
    "root_over_bass": 12,
    "root_over_root": 12,
    "quality": QUALITY_HIDDEN,
    "level": VELOCITIES,
    "line": 3,
    "pitch": LINE_PITCHES,
    "pitch_over_root": 12,
    "leap": 2 * LINE_PITCHES - 1,
    "line_level": VELOCITIES,
}
_ENDS = np.cumsum(list(LOGITS.values()))
SLICES = {name: slice(int(end) - size, int(end)) for (name, size), end in zip(LOGITS.items(), _ENDS, strict=True)}
HEADS = int(_ENDS[-1])
FORESIGHT = 4  # ticks of the bass that the auxiliary heads foresee, the one about to be played first: a beat of x/4
FORESEEN = 1 + 12 + 12  # per tick: an onset's logit, its pitch class, its interval above the last bass note
POINTERS = (*past.SOURCES, *plan_values.SOURCES)  # what may be repeated: rows that say a value of each column
VOTED = (*PIECES, "action", "root", "line", "pitch")  # what all earlier bars vote on
GATES = len(POINTERS) * plan_values.POINTED + len(VOTED)  # how much each of them counts, in this tick
SAID_QUALITY = HEADS + FORESIGHT * FORESEEN  # where the logits of a chord's quality begin that sources speak for
PITCH_CLASS = (np.arange(LINE_PITCHES) + tokens.LINE_LOW) % 12


@dataclass(frozen=True, slots=True)
class ResponderConfig:
    """Sizes of a responder: hidden H, layers, sound_dim (width of the codec's latent), dropout in training, backbone.

    backbone: a name of models/backbones/registry.py. dials, foresee: whether it reads dials and foresees the bass; the
    weights of Antiphon 0.2 do neither. past: whether it is told what was done in earlier bars (models/music/past.py),
    and may repeat it. plan: whether it reads what the song plan has decided (models/music/plan_values.py).
    """

    hidden: int = 272
    layers: int = 2
    sound_dim: int = 64
    dropout: float = 0.15
    backbone: str = "ssm"
    dials: bool = False
    foresee: bool = False
    past: bool = False
    plan: bool = False

    def __post_init__(self) -> None:
        if self.past and not self.foresee:
            raise ValueError("past without foresee: a responder that recalls earlier bars foresees the bass, too")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def input_dim(self) -> int:
        return features.EVENT_DIM + self.sound_dim + 1 + (past.DIM if self.past else 0)

    @property
    def cond_dim(self) -> int:
        return features.POSITION_DIM + (dials.DIM if self.dials else 0) + (plan_values.DIM if self.plan else 0)

    @property
    def logits(self) -> int:
        """Return the logits per tick, those of the bass's next beat and of the quality that sources say included."""
        return HEADS + (FORESIGHT * FORESEEN if self.foresee else 0) + (len(QUALITIES) if self.past else 0)

    @property
    def gates(self) -> int:
        """Return how many gates stand behind the logits."""
        return GATES if self.past else 0

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every array in the checkpoint, by name."""
        inner = registry.shapes(self.backbone, self.input_dim, self.cond_dim, self.hidden, self.layers)
        return {
            **{f"backbone.{name}": shape for name, shape in inner.items()},
            "heads.weight": (self.logits + self.gates, self.hidden + self.cond_dim),
            "heads.bias": (self.logits + self.gates,),
            "drums_to_drums": (DRUM_LOGITS, DRUM_LOGITS),
            "drums_to_rest": (DRUM_LOGITS, 4 + VELOCITIES + 3 + VELOCITIES),
            "action_to_line": (4, 3),
            "quality_in": (13 + 13 + NO_QUALITY + 1, QUALITY_HIDDEN),
            "quality_out.weight": (len(QUALITIES), QUALITY_HIDDEN),
            "quality_out.bias": (len(QUALITIES),),
            "pitch_in_chord": (NO_QUALITY + 1, 12),
        }


PIECE_OF_LOGIT = np.arange(DRUM_LOGITS) // tokens.LEVELS
BELOW = (PIECE_OF_LOGIT[:, None] < PIECE_OF_LOGIT[None, :]).astype(np.float32)  # a piece hears those before it
