"""`GenerationOptions` says how the responder is to play offline; `open_responder` loads its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.errors import UserError
from agent.core.settings import Config
from models.music.dials import Dials

if TYPE_CHECKING:
    from models.responder.responder import Responder


@dataclass(frozen=True, slots=True)
class GenerationOptions:
    """How the responder is to play. guidance: how strongly the dials act; looseness: of the drums' timing, 0 to 2."""

    seed: int
    temperature: float
    parts: tuple[str, ...]
    dials: Dials
    guidance: float
    looseness: float = 0.0


def open_responder(model: str | None, config: Config, adapter: str | None = None) -> Responder:
    """Load the weights that `model` names, else the config's, else those that ship.

    adapter: stem of an adapter to fold in. model: a backbone such as "lstm", or a path without its suffix; None = by
    the config. Raises UserError when the weights cannot be used.
    """
    from models.responder.responder import WEIGHTS, Responder, named

    path = _stem(model, WEIGHTS) if model else named(config.models.responder)
    try:
        responder = Responder.load(path, adapter)
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None
    backbone = responder.config.backbone
    if model and path == WEIGHTS and backbone != model:
        others = sorted(other.stem.removeprefix(f"{path.name}-") for other in path.parent.glob(f"{path.name}-*.json"))
        allowed = ", ".join(dict.fromkeys([backbone, *others]))
        raise UserError(f"--model {model}: no such weights; allowed: {allowed}, or a path without its suffix")
    return responder


def _stem(model: str, shipped: Path) -> Path:
    """Return the path of a model: `model` where it is a path, else responder-MODEL beside the shipped weights where it
    exists, else the shipped weights."""
    if "/" in model or "\\" in model or Path(f"{model}.json").exists():
        return Path(model)
    named = shipped.with_name(f"{shipped.name}-{model}")
    return named if named.with_name(f"{named.name}.json").exists() else shipped
