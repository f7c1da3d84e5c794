"""Music that repeats a training song is made again, with another seed; after some tries it is refused."""

from __future__ import annotations

import numpy as np
import pytest

from agent.core.errors import UserError
from agent.reply import copy_guard
from listener.types import Meter
from models.corpus import copy_check
from models.corpus.copy_check import CopyCheck
from models.music.tokens import ChordHit, LineHit, Position, Reply


def test_what_was_learned_by_heart_is_played_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def tune(shift: int) -> list[Reply]:
        chords = {bar: ChordHit((5 * bar * (1 + shift)) % 12, "maj", 90) for bar in range(6)}
        return [
            Reply(
                chord=chords[t // 16] if t % 16 == 0 else None,
                line=LineHit(60 + t // 16 + shift, 90) if t % 4 == 0 else None,
            )
            for t in range(96)
        ]

    places = [Position(t % 16, t // 16, Meter(4, 4)) for t in range(96)]
    bars = copy_guard.bars_of(tune(0), places)
    known = {n: np.array(sorted(v for v in copy_check.runs(bars, n) if v is not None)) for n in range(1, 6)}
    monkeypatch.setattr(copy_check.CopyCheck, "load", classmethod(lambda cls: CopyCheck(known)))
    offsets: list[int] = []

    def play(offset: int) -> list[Reply]:
        offsets.append(offset)
        return tune(1 if offset else 0)

    assert copy_guard.original(play, list, places) == tune(1)
    assert offsets == [0, copy_guard.SEED_STEP]
    with pytest.raises(UserError, match="more than 4 bars of a training song"):
        copy_guard.original(lambda offset: tune(0), list, places)
