"""In a quiet room the ears hardly work, and hear a beginning as if they had listened all the time."""

from __future__ import annotations

import numpy as np
import pytest

from listener.ears import quiet_room
from listener.ears.ear_network import EarNet
from listener.ears.ears import Ears
from listener.ears.frontend import HOP
from listener.types import ANALYSIS_RATE, Note
from tests.listener.ears.test_notes import steady, string

LINE = (33, 38, 40, 36)
WAITS_S = 3.0


def line_in_a_room(level_db: float, room: str) -> np.ndarray:
    """Four notes after a while, and one more after another."""
    rest = np.zeros(round(WAITS_S * ANALYSIS_RATE))
    notes = [string(steady(pitch, 0.4)) for pitch in LINE]
    sound = np.concatenate([rest, *notes, rest, notes[0], rest[:ANALYSIS_RATE]]) * 10 ** (level_db / 20)
    t = np.arange(len(sound)) / ANALYSIS_RATE
    if room == "hiss":
        sound += 10 ** (-65 / 20) * np.random.default_rng(0).standard_normal(len(sound))
    elif room == "hum":
        sound += 10 ** (-60 / 20) * np.sin(2 * np.pi * 50 * t)
    return sound.astype(np.float32)


def hear(sound: np.ndarray) -> list[Note]:
    ears, notes = Ears(), []
    for start in range(0, len(sound) - HOP + 1, HOP):
        notes += ears.push(sound[start : start + HOP], start, 0.0).notes
    return notes


@pytest.mark.parametrize("room", ["silence", "hiss", "hum"])
@pytest.mark.parametrize("level_db", [0.0, -20.0, -36.0])
def test_nothing_comes_in_later_when_the_bass_begins(
    level_db: float, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = line_in_a_room(level_db, room)
    heard = hear(sound)
    monkeypatch.setattr(quiet_room, "SETTLED_HOPS", 10**9)
    always = hear(sound)
    assert [note.pitch for note in heard] == [note.pitch for note in always]
    late_s = np.array([note.emit_s for note in heard]) - [note.emit_s for note in always]
    assert late_s[0] <= 0.004 and late_s[-1] <= 0.004, "a hop at most"
    assert np.abs(late_s).max() < 0.015


def test_the_network_rests_in_a_quiet_room_and_works_in_a_loud_one(monkeypatch: pytest.MonkeyPatch) -> None:
    steps, step = [0], EarNet.step
    monkeypatch.setattr(EarNet, "step", lambda net, features: (steps.append(1), step(net, features))[1])
    noise = np.random.default_rng(0).standard_normal(5 * ANALYSIS_RATE).astype(np.float32)
    worked = {}
    for level_db in (-120.0, -65.0, -40.0):
        steps.clear()
        hear(np.float32(10 ** (level_db / 20)) * noise)
        worked[level_db] = len(steps) / (len(noise) // HOP)
    assert worked[-120.0] < 0.25 and worked[-65.0] < 0.3
    assert worked[-40.0] == 1.0
