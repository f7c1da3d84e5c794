"""Adapts a configuration to the player: with their practised adapter, or, for a file as input, to a guest's."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace

from agent.core.errors import UserError
from agent.core.paths import GUEST as GUEST
from agent.core.paths import data_folder
from agent.core.settings import Config

log = logging.getLogger(__name__)


def without_player(config: Config) -> Config:
    """Return the config for a file as input: as for a guest nothing is remembered, and nothing is proposed unasked.

    A file and a seed so give everybody the same session.
    """
    return replace(config, conversation=replace(config.conversation, player=GUEST, proposals=False))


def with_player_adapter(config: Config) -> Config:
    """Return the config with the practised adapter of conversation.player in models.adapter, unless one is named.

    An adapter that does not fit the responder's weights is left out, with a warning in the log.
    """
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
        log.warning("played without the player's adapter: %s", cause)
        return config
    if stem is None:
        return config
    try:
        Responder.load(named(models.responder), stem)
    except (OSError, ValueError) as cause:
        log.warning("played without the player's adapter: %s", cause)
        return config
    return replace(config, models=replace(models, adapter=str(stem)))
