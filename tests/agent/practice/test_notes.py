"""The report of a take names what was played: how many notes, which most, and which lie outside the key."""

from agent.practice.notes import NoteCounts
from listener.types import Key, Note

E_MINOR = Key(4, "min", 0.9)


def counted(pitches, key=E_MINOR, velocity=90, articulation="normal"):
    counts = NoteCounts()
    for at, pitch in enumerate(pitches):
        counts.add(Note(float(at), float(at), 0.4, pitch, velocity, articulation=articulation), key)
    return counts


def test_notes_outside_the_key_are_named():
    text = counted([28, 28, 31, 35, 29]).lines()
    assert text[0].startswith("played 5 notes, E1 to B1, mostly E1 2")
    assert text[1] == "outside E minor: 1 of 5 (F 1)"


def test_a_scale_that_was_heard_counts_instead_of_the_mode():
    assert counted([28, 29], Key(4, "min", 0.9, "phrygian")).lines()[1] == "outside E phrygian: 0 of 2"


def test_of_a_key_that_is_not_sure_nothing_is_said():
    assert len(counted([28, 29], Key(4, "min", 0.3)).lines()) == 1
    assert len(counted([28, 29], None).lines()) == 1


def test_ghosts_are_no_pitches():
    assert counted([28, 29], articulation="ghost").lines() == []
