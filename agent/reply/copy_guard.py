"""Refuses copies: music that shares more than four bars of harmony and line with a training song is made again."""

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
    """Return the music of play(seed offset), with the first offset that gives no copy of a training song.

    Raises UserError after ATTEMPTS copies, or where the list of training songs cannot be read.
    """
    try:
        check = CopyCheck.load()
    except (OSError, ValueError) as cause:
        raise UserError(str(cause)) from None
    for attempt in range(ATTEMPTS):
        music = play(attempt * SEED_STEP)
        if not check.refuses(bars_of(replies(music), places)):
            return music
    raise UserError(
        f"{ATTEMPTS} tries each repeat more than {copy_check.LONGEST} bars of a training song; "
        "try another --seed or a higher --temperature"
    )


def bars_of(replies: Sequence[Reply], places: Sequence[Position]) -> list[copy_check.Bar]:
    """Return harmony and line bar by bar, in the form that CopyCheck compares."""
    unheard = np.full((len(replies), 3), -1)
    events = Events(unheard, np.zeros(len(replies), bool), *reply_events(replies))
    return copy_check.bars_of(events, np.array([place.bar for place in places]))
