"""Two bands, each with a mind of its own: one leads, they take turns, one's line answers the other's."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from agent.core.messages import FollowGrid, HearPartner, PlayBass, SendMidi
from agent.core.settings import Config
from agent.core.types import PlannedNote
from agent.mind.mind import Mind
from agent.mood.mood_session import with_mood
from listener.types import FRAME_S, FRAME_SAMPLES, Frame, KeyPress

pytestmark = pytest.mark.slow  # two minds for 45 s
TURNS = 2
LINE = 2  # the channel, from 0


@dataclass
class Band:
    """One of the two. notes: committed so far; by_bar: the bars in which the drums play."""

    mind: Mind
    notes: list[PlannedNote] = field(default_factory=list)
    sent: int = 0
    said: list[bytes] = field(default_factory=list)
    views: dict[float, tuple[object, ...]] = field(default_factory=dict)  # section and first chord, by time

    def step(self, number: int) -> None:
        decision = self.mind.step(Frame(np.zeros(FRAME_SAMPLES, np.float32), number * FRAME_SAMPLES))
        self.said += [bytes(one.message) for one in self.mind.take_messages() if isinstance(one, SendMidi)]
        self.notes += decision.plan.committed if decision.plan else ()
        self.grid = decision.analysis.grid
        if decision.song:
            self.views[number * FRAME_S] = (decision.song.section, decision.song.chords[:1])

    def heard(self, until_s: float) -> tuple[tuple[float, bytes], ...]:
        """What the other hears of it by then: its bars and its line."""
        line = [one for one in self.notes[self.sent :] if one.part == "line" and one.on_s <= until_s]
        said = [(until_s, one) for one in self.said]
        self.sent += len([one for one in self.notes[self.sent :] if one.on_s <= until_s])
        self.said = []
        return (*said, *((one.on_s, bytes([0x90 | LINE, one.pitch, one.velocity])) for one in line))


@pytest.fixture(scope="module")
def pair() -> tuple[Band, Band]:
    """A leader in a mood and one that plays along, for 45 s."""
    config = Config()
    sync = replace(config.sync, partner="other", turns=TURNS)
    mood = with_mood(replace(config, sync=sync), "drive", patient=True, keeps_sound=False)
    lead = Band(Mind(mood))
    follows = replace(config, sync=replace(sync, source="link"), models=replace(config.models, codec_enabled=False))
    second = Band(Mind(follows))
    presses = 0
    for number in range(round(45 / FRAME_S)):
        now_s = number * FRAME_S
        lead.step(number)
        if lead.grid:
            second.mind.send(FollowGrid(lead.grid))
        bass = sorted(
            [KeyPress(one.on_s, one.pitch, one.velocity) for one in lead.notes if one.part == "own_bass"]
            + [KeyPress(one.off_s, one.pitch, 0) for one in lead.notes if one.part == "own_bass"],
            key=lambda one: one.time_s,
        )
        new = [one for one in bass[presses:] if one.time_s <= now_s]
        if new:
            second.mind.send(PlayBass(presses, tuple(new)))
            presses += len(new)
        for one, other in ((lead, second), (second, lead)):
            if messages := one.heard(now_s):
                other.mind.send(HearPartner(messages))
        second.step(number)
    return lead, second


def drummed(band: Band, since_s: float) -> list[float]:
    return sorted(one.on_s for one in band.notes if one.part == "drums" and one.on_s > since_s)


def test_they_take_turns(pair: tuple[Band, Band]) -> None:
    lead, second = pair
    ours, theirs = np.array(drummed(lead, 20)), np.array(drummed(second, 20))
    assert len(ours) > 40
    assert len(theirs) > 40
    together = [np.abs(theirs - at).min() < 0.15 for at in ours]
    assert np.mean(together) < 0.1


def test_nobody_is_silent_for_long(pair: tuple[Band, Band]) -> None:
    both = sorted([*drummed(pair[0], 15), *drummed(pair[1], 15)])
    assert np.diff(both).max() < 1.0


def test_they_are_in_the_same_section_on_the_same_chords(pair: tuple[Band, Band]) -> None:
    common = [at for at in pair[0].views if at in pair[1].views and at > 20]
    same = [pair[0].views[at] == pair[1].views[at] for at in common]
    assert len(same) > 100
    assert np.mean(same) > 0.9


def test_the_line_answers_what_the_other_said(pair: tuple[Band, Band]) -> None:
    """The second one's turn begins with the rhythm with which the first one's did."""
    lead, second = ([one for one in band.notes if one.part == "line"] for band in pair)
    bar = 16
    likeness = []
    for turn in range(2 * TURNS, 20, 2 * TURNS):
        said = {one.tick - bar * turn for one in lead if 0 <= one.tick - bar * turn < 2 * bar}
        start = bar * (turn + TURNS)
        answer = {one.tick - start for one in second if 0 <= one.tick - start < 2 * bar}
        if len(said) > 3 and answer:
            likeness.append(len(said & answer) / len(said | answer))
    assert likeness
    assert max(likeness) > 0.6
