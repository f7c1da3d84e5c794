"""What is said to a playing band reaches its notes: from the next bar on, and nothing else changes."""

from __future__ import annotations

from functools import cache

import numpy as np

from agent.core.config import load
from agent.core.messages import SetMix
from agent.core.paths import shipped
from agent.core.types import PARTS, MixWish, PlannedNote
from agent.directions.active import ActiveEdits, SetActiveEdits
from agent.directions.bar_settings import Settings
from agent.directions.edit import Edit
from agent.directions.mix_wishes import wishes_of
from agent.directions.note_changes import with_settings
from agent.mind.mind import Mind
from listener.capture import file_frames
from listener.types import Meter
from models.music.dials import STYLES

TOLD_S, END_S = 8.0, 14.0
SNARE, KICK = 38, 36
LEVELS = ("level", "intensity")


@cache
def planned(*edits: str) -> tuple[PlannedNote, ...]:
    """Notes committed on the first seconds of the take; the edits are told at TOLD_S."""
    mind, notes = Mind(load()), []
    standing = ActiveEdits().ask(tuple(map(Edit.read, edits)))
    for frame in file_frames(shipped("take.flac")):
        if frame.end_s > END_S:
            break
        decision = mind.step(frame)
        if edits and frame.start_sample == round(TOLD_S * 24_000) // 320 * 320:
            mind.send(SetActiveEdits(standing))
        notes += decision.plan.committed if decision.plan else ()
    return tuple(notes)


def late(notes: tuple[PlannedNote, ...], pitch: int | None = None, part: str = "drums") -> list[PlannedNote]:
    return [n for n in notes if n.on_s > TOLD_S + 3 and n.part == part and pitch in (None, n.pitch)]


def test_until_the_next_bar_line_nothing_changes() -> None:
    before, after = planned(), planned("snare.intensity less ~8 dB")
    assert [n for n in before if n.on_s < TOLD_S] == [n for n in after if n.on_s < TOLD_S]


def test_the_snare_comes_back_and_the_kick_stays() -> None:
    before, after = planned(), planned("snare.intensity less ~8 dB")
    drop_db = [
        40 * np.log10(a.velocity / b.velocity) for a, b in zip(late(after, SNARE), late(before, SNARE), strict=True)
    ]
    assert np.mean(drop_db) < -6
    assert late(before, KICK) == late(after, KICK)


def test_behind_is_behind() -> None:
    before, after = late(planned()), late(planned("drums.timing set 20 ms"))
    common = min(len(before), len(after))  # one may have come in over the edge
    assert common > 8
    moved = [1000 * (a.on_s - b.on_s) for a, b in zip(after[-common:], before[-common:], strict=True)]
    assert abs(np.mean(moved) - 20) < 1


def test_drums_that_are_muted_are_silent_and_the_rest_plays() -> None:
    after = planned("drums.mute on")
    assert not late(after)
    assert late(after, part="chords")


def test_the_song_plan_alone_acts_on_syncopation() -> None:
    from agent.directions.director import Directing
    from models.music.dials import Dials
    from models.music.tokens import DrumHit, Position, Reply

    directing = Directing(0)
    directing.ask(ActiveEdits().ask((Edit.read("feel.syncopation less"),)))
    directing.downbeat(3)
    offbeat = Reply(drums=(DrumHit("snare", 90),))
    assert (directing.dials(Dials(), 3).syncopation or 1.0) < 0.5
    assert directing.shaped(offbeat, Position(6, 3, Meter(4, 4)), None) == offbeat


def test_the_mind_keeps_what_stands_in_its_snapshot() -> None:
    import pickle

    from agent.directions.director import Directing

    directing = Directing(0)
    directing.ask(ActiveEdits().ask((Edit.read("snare.level less"),)))
    directing.downbeat(3)
    again = pickle.loads(pickle.dumps(directing))
    assert again.settings(3) == directing.settings(3)


def test_words_for_the_mix_become_wishes_of_lanes_and_are_said_at_each_bar() -> None:
    mind, mixes = Mind(load()), []
    edits = ("snare.reverb more", "harmony.brightness less", "band.width more", "line.pan set left")
    for frame in file_frames(shipped("take.flac")):
        if frame.end_s > END_S:
            break
        mind.step(frame)
        if frame.start_sample == round(TOLD_S * 24_000) // 320 * 320:
            mind.send(SetActiveEdits(ActiveEdits().ask(tuple(map(Edit.read, edits)))))
        mixes += [message for message in mind.take_messages() if isinstance(message, SetMix)]
    asked = [message for message in mixes if message.wishes]
    assert len(asked) >= 2 and TOLD_S < asked[0].at_s < TOLD_S + 0.7  # the next beat, at about 104 a minute
    assert all(message.style in STYLES for message in mixes)  # the song's instruments
    wishes = mixes[-1].wishes
    assert wishes["snare"].reverb > 0 > wishes["chords"].bright_octaves
    assert wishes["line"].pan < -0.5
    assert {wishes[part].width for part in PARTS} == {0.4}
    assert wishes_of(Settings(reverb={"drums": -1.0}))["drums"].reverb == -1.0
    assert wishes_of(Settings(width={"rim": 0.4, "snare": 0.4})) == {"snare": MixWish(width=0.4)}


def test_a_level_is_the_mix_s_and_a_touch_the_player_s() -> None:
    level, touch = (ActiveEdits().ask((Edit.read(f"snare.{what} less"),)).settings(0, 4) for what in LEVELS)
    assert wishes_of(level)["snare"] == MixWish(level_db=-4.0) and wishes_of(touch) == {}
    stroke = PlannedNote("drums", 0.0, 0.1, 38, 100, 0)
    assert with_settings(stroke, level, ("snare", "drums")) == stroke
    softer = with_settings(stroke, touch, ("snare", "drums"))
    assert softer and softer.velocity < 90
