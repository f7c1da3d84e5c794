"""Time of day, loudness of the room and a controller each move the music by themselves, within 4 to 16 bars, and
back again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest

from agent.core.messages import SetMood
from agent.core.settings import MoodConfig
from agent.making import bass_writer
from agent.mood.bassist import Bassist, LaidBar
from agent.mood.mood_desk import MoodDesk
from agent.mood.mood_words import mood_of
from models.responder.net import ResponderConfig
from models.responder.responder import Responder

TURN_S = 0.25
WITHIN_BARS = 16


class Music:
    """A bassist that plays, and what its bars were. Seconds pass when they are asked for."""

    def __init__(self, words: str) -> None:
        self.responder = Responder.untrained(1, ResponderConfig(hidden=16, sound_dim=4, dials=True, foresee=True))
        asked = mood_of(words)
        assert isinstance(asked, SetMood)
        self.bassist, self.now_s, self._beat = Bassist(asked, 1, patient=True), 0.0, 0

    def pass_bars(self, count: int, room_db: float | None = None, moves: float = 0.0) -> list[LaidBar]:
        """Let so many bars be laid and return them."""
        return [bar for bar, _ in zip(self._bars(room_db, moves), range(count), strict=False)]

    def _bars(self, room_db: float | None, moves: float) -> Iterator[LaidBar]:
        while True:
            if room_db is not None:
                self.bassist.hear_room(room_db, TURN_S, moves)
            self.bassist.lay(self.now_s, self.responder)
            while bar := self.bassist.laid_at(self._beat):
                self._beat += bar.bar.meter.numerator
                yield bar
            self.now_s += TURN_S


def bpm(bars: list[LaidBar]) -> list[float]:
    return [60 / bar.period_s for bar in bars]


def follows(before: list[LaidBar], after: list[LaidBar]) -> int:
    """Return the bars after which nine tenths of a change of tempo are done; it has no step."""
    tempi = [bpm(before)[-1], *bpm(after)]
    assert max(abs(np.log(b / a)) for a, b in pairwise(tempi)) < 0.14
    done = tempi[0] + 0.9 * (tempi[-1] - tempi[0])
    return next(n for n, tempo in enumerate(tempi) if (tempo - done) * np.sign(tempi[-1] - tempi[0]) >= 0)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bass_writer, "DRAWS", 1)


def test_the_time_of_day_alone_moves_it() -> None:
    music = Music("focus")
    desk = MoodDesk(MoodConfig(words="focus", time_of_day=0.6), music.bassist.send)
    desk.poll(datetime(2026, 1, 1, 4, 0))
    night = music.pass_bars(40)
    desk.poll(datetime(2026, 1, 1, 16, 0))
    day = music.pass_bars(40)
    assert bpm(day)[-1] > 1.15 * bpm(night)[-1]
    assert 4 <= follows(night, day) <= WITHIN_BARS
    desk.poll(datetime(2026, 1, 2, 4, 0))
    again = music.pass_bars(40)
    assert bpm(again)[-1] == pytest.approx(bpm(night)[-1], rel=0.02)


def test_the_loudness_of_the_room_alone_moves_it() -> None:
    music = Music("focus")
    quiet = music.pass_bars(30, -70.0, 0.6)
    loud = music.pass_bars(30, -20.0, 0.6)
    assert bpm(loud)[-1] > 1.15 * bpm(quiet)[-1]
    assert 4 <= follows(quiet, loud) <= WITHIN_BARS
    assert bpm(music.pass_bars(40, -70.0, 0.6))[-1] == pytest.approx(bpm(quiet)[-1], rel=0.03)


def test_a_heart_rate_is_followed_up_to_its_end_and_back() -> None:
    music = Music("focus")
    desk = MoodDesk(MoodConfig(words="focus", senses={"heart_rate": "arousal 0.6 cc 21"}), music.bassist.send)
    assert desk.faders()["channel 1 cc 21"] == "mood heart_rate"
    desk.command("heart_rate 0")
    low = music.pass_bars(30)
    for step in range(1, 11):
        desk.command(f"heart_rate {step / 10}")
        music.pass_bars(1)
    high = music.pass_bars(20)
    assert bpm(high)[-1] > 1.15 * bpm(low)[-1]
    assert bpm(high)[9] > bpm(low)[-1] + 0.9 * (bpm(high)[-1] - bpm(low)[-1]), "followed ten bars after its end"
    for step in range(10, -1, -1):
        desk.command(f"heart_rate {step / 10}")
        music.pass_bars(1)
    assert bpm(music.pass_bars(20))[-1] == pytest.approx(bpm(low)[-1], rel=0.02)
