"""Copying with the whole band: it calls, a player with a MIDI bass plays that back, and hears what was right."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from agent.core.messages import PlayBass
from agent.core.settings import Config
from agent.core.types import Decision, PlannedNote
from agent.mind.mind import Mind
from agent.practice.coach import Coach
from listener.types import FRAME_S, FRAME_SAMPLES, Frame, KeyPress

BEAT_S, RIFF = 60 / 120, (36, 36, 43, 36, 41, 36, 43, 46)
BAR_S, WARM_BARS, SECONDS = 4 * BEAT_S, 5, 23.0


@dataclass
class Player:
    """Plays a riff, then what the band's line played a bar before; of each phrase note `wrong` a semitone beside."""

    wrong: int | None
    mind: Mind
    presses: list[KeyPress] = field(default_factory=list)
    sent: int = 0
    line: list[PlannedNote] = field(default_factory=list)

    def __post_init__(self) -> None:
        for at in range(8 * WARM_BARS):
            self.strike(1.0 + at * BEAT_S / 2, RIFF[at % 8], 0.2)

    def strike(self, at_s: float, pitch: int, length_s: float) -> None:
        self.presses += [KeyPress(at_s, pitch, 100), KeyPress(at_s + length_s, pitch, 0)]
        self.presses.sort(key=lambda one: one.time_s)

    def play_back(self, since_s: float, later_s: float) -> None:
        call = [note for note in self.line if since_s - 0.05 <= note.on_s < since_s + later_s - 0.05]
        for number, note in enumerate(call):
            low = 36 + (note.pitch - 36) % 12 + (number == self.wrong)
            self.strike(note.on_s + later_s, low, 0.2)

    def send(self, until_s: float) -> None:
        new = tuple(one for one in self.presses[self.sent :] if one.time_s <= until_s)
        if new:
            self.mind.send(PlayBass(self.sent, new))
            self.sent += len(new)


def practised(wrong: int | None) -> list[str]:
    """Return what the coach says of the phrases that are played back."""
    config = Config()
    mind = Mind(replace(config, models=replace(config.models, codec_enabled=False)))
    coach, player, said = Coach(mind.send), Player(wrong, mind), []
    before: Decision | None = None
    for number in range(round(SECONDS / FRAME_S)):
        now_s = number * FRAME_S
        player.send(now_s)
        decision = mind.step(Frame(np.zeros(FRAME_SAMPLES, np.float32), number * FRAME_SAMPLES))
        player.line += [one for one in (decision.plan.committed if decision.plan else ()) if one.part == "line"]
        said += coach.push(decision)
        if before and now_s > 1.0 + (WARM_BARS - 1) * BAR_S and not coach.runs:
            coach.command("copy 1")
        grid = decision.analysis.grid
        if before and grid and decision.turn.startswith("yours") and before.turn.startswith("ours"):
            line_s = grid.time_of(round(grid.beat_at(now_s + 0.3)))  # it is decided shortly before the bar line
            player.play_back(line_s - BAR_S, BAR_S)
        before = decision
    return said


@pytest.mark.parametrize(("wrong", "says"), [(None, "right"), (1, " for ")])
def test_a_call_is_played_back_and_judged_note_by_note(wrong: int | None, says: str) -> None:
    said = practised(wrong)
    assert len(said) >= 2
    for line in said:
        right, of = (int(word) for word in line.split()[::2][:2])
        assert of >= 2
        assert right == of - (wrong is not None), line
        assert says in line
