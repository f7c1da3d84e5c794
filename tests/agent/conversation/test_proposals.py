"""One thing worth saying at most, and it is judged: liked, disliked, more, ignored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from agent.conversation.idea_catalogue import BY_NAME, IDEAS, RiffFacts
from agent.conversation.proposals import COMPLEX, Proposer, facts_of, heard_of
from agent.conversation.riff_stage import RiffStage
from agent.conversation.stage import Tried
from agent.directions.active import ActiveEdits
from agent.directions.edit import Edit
from agent.memory.store import Memory
from agent.memory.taste import Taste
from agent.takes.sketcher import Sketcher
from listener.types import Meter
from tests.agent.conversation.test_riff_dialogue import BEGAN_S, RESPONDER, riff, talk


def proposer(seed: int = 0) -> Proposer:
    stage = RiffStage(Sketcher(RESPONDER))
    stage.begin(riff(bars=3), ActiveEdits(), 0)
    return Proposer(stage, Taste(), seed)


def test_it_says_one_idea_with_what_it_heard_and_why() -> None:
    one = proposer()
    found = one.propose(heard_of(riff(bars=3)))
    assert found and found.says.startswith("Strong hook.")
    assert found.says.count("What if") == 1 and BY_NAME[found.idea].why.split()[0] in found.says


def test_a_hook_of_four_bars_is_offered_the_odd_bar_by_a_band_that_does_not_know_the_player() -> None:
    dialogue = talk()
    found = dialogue.listen(riff()).proposal
    assert found and found.idea == "odd bar" and str(dialogue.take.meters[2]) == "7/8"


PLAYED = ({0: 28, 3: 28, 6: 31, 8: 35, 11: 38, 14: 35},) * 3 + ({0: 28, 3: 28, 6: 40, 8: 38, 11: 34, 14: 31},)
MISHEARD = ({3: 28, 6: 31, 8: 35, 11: 38, 14: 35}, {0: 40, 3: 28, 6: 31, 8: 35, 11: 38, 14: 35}, *PLAYED[2:])
EARLY = tuple({tick + 1: pitch for tick, pitch in bar.items()} for bar in PLAYED)  # the bar lines by a 16th
LATE = ({1: 28, 3: 28, 7: 31, 8: 35, 11: 38, 14: 35}, {0: 28, 4: 28, 7: 31, 9: 35, 11: 38, 14: 35}, *PLAYED[2:])
WALKS = (
    {0: 28, 4: 31, 8: 35, 12: 37},
    {0: 33, 4: 36, 7: 36, 8: 40, 12: 41},  # a skipped note
    {0: 28, 4: 32, 8: 35, 11: 35, 12: 32},
    {0: 31, 4: 35, 8: 33, 12: 30},
)
DRIVES = tuple(dict.fromkeys(range(0, 16, 2), root) for root in (28, 28, 33, 31))


class Weighed(RiffStage):
    """A riff over which every idea would change as much."""

    def imagine(self, edits: Sequence[Edit]) -> Tried:
        return Tried(0.25)


def weighed(seed: int) -> Proposer:
    stage = Weighed(Sketcher(RESPONDER))
    stage.begin(riff(), ActiveEdits(), 0)
    return Proposer(stage, Taste(), seed)


def first_ideas(bars: Sequence[Mapping[int, int]]) -> set[str]:
    """The first words of some sessions with somebody nobody knows, over these bars."""
    heard = facts_of(bars, Meter(4, 4), 100.0)
    ideas = [weighed(seed).choose(heard) for seed in range(2)]
    return {one.says for one in ideas if one}


@pytest.mark.parametrize("bars", [PLAYED, MISHEARD, EARLY, LATE], ids=["as played", "misheard", "early", "late"])
def test_a_hook_is_heard_through_faults_and_the_first_word_on_it_is_no_draw(bars: Sequence[Mapping[int, int]]) -> None:
    (said,) = first_ideas(bars)
    assert said.startswith("Strong hook. What if we put a 7/8 bar in bar three?")


@pytest.mark.parametrize("bars", [WALKS, DRIVES], ids=["walks", "drives"])
def test_a_line_that_is_no_hook_is_greeted_as_none_and_gets_no_odd_bar(bars: Sequence[Mapping[int, int]]) -> None:
    (said,) = first_ideas(bars)
    assert "hook" not in said and "7/8" not in said


def test_ideas_are_drawn_once_there_are_verdicts_to_learn_from() -> None:
    seconds = set()
    for seed in range(6):
        one = weighed(seed)
        first = one.propose(heard_of(riff()))
        assert first
        one.judge(first.idea, "liked")
        second = one.propose(heard_of(riff()), asked=True)
        assert second and BY_NAME[second.idea].kin != BY_NAME[first.idea].kin  # nor two of one kind in a row
        seconds.add(second.idea)
    assert len(seconds) > 1


def test_an_idea_is_played_and_nothing_is_kept_until_it_is_taken() -> None:
    stage = RiffStage(Sketcher(RESPONDER))
    stage.begin(riff(bars=3), ActiveEdits(), 0)
    found = Proposer(stage, Taste()).propose(heard_of(riff(bars=3)))
    assert found and stage.imagine(found.edits).share > 0 and len(stage.takes) == 1


def test_told_to_be_quiet_it_is_until_it_is_asked() -> None:
    dialogue = talk()
    dialogue.listen(riff())
    dialogue.say("keep your ideas to yourself")
    assert dialogue.proposer.propose(heard_of(riff())) is None
    assert dialogue.say("any ideas?").proposal is not None


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("love it", "liked"),
        ("no", "disliked"),
        ("more like that", "more"),
        ("less hat", "ignored"),
    ],
)
def test_what_is_said_next_is_the_verdict(said: str, verdict: str, tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    dialogue = talk(memory)
    first = dialogue.listen(riff(bars=2))
    dialogue.say(said)
    row = memory.verdicts(memory.player("Ann"))[0]
    assert first.proposal and (row["verdict"], row["kind"]) == (verdict, first.proposal.idea)


def test_more_like_that_stays_in_the_family() -> None:
    dialogue = talk()
    first = dialogue.listen(riff()).proposal
    second = dialogue.say("more like that").proposal
    assert first and second and second.idea != first.idea
    assert BY_NAME[second.idea].kin == BY_NAME[first.idea].kin


def test_the_same_is_not_said_over_and_over() -> None:
    dialogue = talk()
    dialogue.listen(riff())
    for _ in range(3):
        dialogue.say("any ideas?")
    assert len(set(dialogue.proposer.said)) >= 3


def test_what_was_declined_is_not_offered_again_while_there_is_something_else() -> None:
    one, heard = proposer(seed=1), heard_of(riff())
    for _ in range(6):
        found = one.propose(heard, asked=True)
        assert found
        one.judge(found.idea, "disliked")
    assert len(set(one.said)) == 6


def test_late_at_night_ideas_are_simpler() -> None:
    """The same band, the same riff, an hour and a half later: the odd bar gives way to something simpler."""
    fresh, late = talk(), talk()
    late.tick(BEGAN_S + 95 * 60)
    first, then = fresh.listen(riff()).proposal, late.listen(riff()).proposal
    assert first and first.idea in COMPLEX
    assert then is None or then.idea not in COMPLEX


@pytest.mark.parametrize("idea", IDEAS, ids=lambda idea: idea.name)
@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(3, 4), Meter(7, 8), Meter(2, 4)], ids=str)
def test_every_idea_can_be_played_in_every_meter(idea: object, meter: Meter) -> None:
    from agent.conversation.idea_catalogue import Idea

    assert isinstance(idea, Idea)
    heard = RiffFacts(4, meter, 100.0)
    assert idea.made(heard) and 0 <= idea.fits(heard) <= 1
