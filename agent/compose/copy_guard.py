"""Refuses what was learned by heart: music that shares more than four bars of harmony and line with the training songs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from agent.core.errors import UserError
from models.corpus import copy_check
from models.corpus.copy_check import CopyCheck
from models.music.features import Events, reply_events
from models.music.tokens import Position, Reply

ATTEMPTS = 4
SEED_STEP = 1_000_003  # between the seeds of two attempts

Music = TypeVar("Music")


def original(
    play: Callable[[int], Music], replies: Callable[[Music], Sequence[Reply]], places: Sequence[Position]
) -> Music:
    """What play(seed offset) makes, played again with another offset while it is a copy. UserError when it stays one."""
    try:
        check = CopyCheck.load()
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None
    for attempt in range(ATTEMPTS):
        music = play(attempt * SEED_STEP)
        if not check.refuses(bars_of(replies(music), places)):
            return music
    raise UserError(
        f"{ATTEMPTS} tries all repeat more than {copy_check.LONGEST} bars of a training song; "
        "try another --seed or a higher --temperature"
    )


def bars_of(replies: Sequence[Reply], places: Sequence[Position]) -> list[copy_check.Bar]:
    """Harmony and line as the copy check reads them."""
    unheard = np.full((len(replies), 3), -1)
    events = Events(unheard, np.zeros(len(replies), bool), *reply_events(replies))
    return copy_check.bars_of(events, np.array([place.bar for place in places]))
