"""`GenerationOptions` says how the responder is to play offline; `open_responder` loads its weights."""

from __future__ import annotations

from dataclasses import dataclass
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

    adapter: stem of an adapter to fold in. model: a name such as "lstm", or a path without its suffix; None = by the
    config. Raises UserError when the weights cannot be used.
    """
    from models.responder.responder import NAMED, Responder, named

    path = named(model or config.models.responder)
    bare = model is not None and model == path.name and model not in NAMED
    if bare and not path.with_name(f"{path.name}.json").exists():
        raise UserError(f"--model {model}: no such weights; allowed: {', '.join(NAMED)}, or a path without its suffix")
    try:
        return Responder.load(path, adapter)
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None
