"""Whose session it is: a player's, with what was practised for him, or, of a file, nobody's."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace

from agent.core.errors import UserError
from agent.core.paths import data_folder
from agent.core.settings import Config

GUEST = "guest"
log = logging.getLogger(__name__)


def nobodys(config: Config) -> Config:
    """For a file: it and a seed give the same session to everybody; nothing is proposed unasked or remembered."""
    return replace(config, conversation=replace(config.conversation, player=GUEST, proposals=False))


def personal(config: Config) -> Config:
    """With the adapter of conversation.player in models.adapter, where there is one and none was named. One that does not
    fit the responder's weights is left out, and said so."""
    name, models = config.conversation.player, config.models
    if models.adapter is not None or name == GUEST:
        return config
    from agent.memory.store import FILE, Memory

    if not (data_folder() / FILE).exists():
        return config
    from agent.memory.practice import ready
    from models.responder.responder import Responder, named

    try:
        with contextlib.closing(Memory(data_folder())) as memory:
            stem = ready(memory, memory.player(name)).adapter
    except UserError as cause:
        log.warning("%s", cause)
        return config
    if stem is None:
        return config
    try:
        Responder.load(named(models.responder), stem)
    except (OSError, ValueError) as cause:
        log.warning("played without what was practised: %s", cause)
        return config
    return replace(config, models=replace(models, adapter=str(stem)))
