"""Nothing heard is always explained: by whom it is muted, what it waits for, what it is unsure of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.session.monitor import Status
from agent.session.status import EXPLAINS_BARS, Silence, why_silent
from listener.types import Meter

PARTS = {"drums": "rests", "chords": "rests", "line": "off"}
SURE = Status(level_db=-20.0, tempo_bpm=120.0, meter=Meter(4, 4), confidence=0.9, parts=PARTS, state="waiting")


@pytest.mark.parametrize(
    ("status", "mode", "said"),
    [
        (replace(SURE, parts=PARTS | {"drums": "plays"}), "accompany", ""),
        (replace(SURE, parts=dict.fromkeys(PARTS, "off")), "accompany", "muted"),
        (SURE, "listen", "listen"),
        (replace(SURE, level_db=-90.0), "accompany", "no sound"),
        (replace(SURE, level_db=-60.0, tempo_bpm=None), "accompany", "hardly any sound"),
        (replace(SURE, tempo_bpm=None), "accompany", "no beat yet"),
        (replace(SURE, confidence=0.3), "accompany", "not sure"),
        (replace(SURE, confidence=0.3, rival="80 in 6/8"), "accompany", "120 bpm in 4/4 or 80 in 6/8"),
        (replace(SURE, xruns=40), "accompany", "dropped out 40 times"),
        (SURE, "accompany", "next one"),
        (replace(SURE, turn="yours 2/4"), "trade", "yours"),
        (replace(SURE, turn="counting", level_db=-90.0), "accompany", "counts a bar in"),
        (replace(SURE, turn="ended"), "accompany", "ended, as you asked"),
    ],
)
def test_the_reason(status: Status, mode: str, said: str) -> None:
    why = why_silent(status, mode)
    assert said in why and bool(why) == bool(said)


def test_it_is_said_who_muted_the_parts_and_which_channel_is_silent() -> None:
    off = replace(SURE, parts=dict.fromkeys(PARTS, "off"))
    assert "by your words (drums) and" in why_silent(off, "accompany", ["your words (drums)", "a command (line)"])
    assert "no sound on channel 2 of 4" in why_silent(replace(SURE, level_db=-90.0), "accompany", (), "channel 2 of 4")


def test_it_is_said_unasked_after_eight_bars_and_once() -> None:
    silence, bar_s = Silence(), 2.0
    lines = [silence.explain(replace(SURE, elapsed_s=at_s / 10), lambda: "unsure") for at_s in range(600)]
    said = [at for at, line in enumerate(lines) if line]
    assert said == [round(EXPLAINS_BARS * bar_s * 10)]
