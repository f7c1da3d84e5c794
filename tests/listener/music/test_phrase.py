"""Phrases begin after rests and end with them."""

from __future__ import annotations

from listener.music.phrase import Phrases


def _phrases(play, take, end_s=None):
    phrases, said = Phrases(), []

    def hook(time_s, notes, ended, grid):
        phrase = phrases.step(time_s, notes, ended, grid)
        if phrase is not None:
            said.append((time_s, phrase))

    play(take, end_s, hook=hook)
    return said


def test_two_phrases_with_a_rest_between_are_said_four_times(play, line):
    times = [0.5 + 0.3 * i for i in range(8)] + [6.0 + 0.3 * i for i in range(5)]
    said = _phrases(play, line(times, [30] * 13, [90] * 13, 0.6, 4), 9.0)
    assert [(p.end_s is None, len(p.notes)) for _, p in said] == [
        (True, 1),
        (False, 8),
        (True, 1),
        (False, 5),
    ]
    assert [p.start_s for _, p in said] == [0.5, 0.5, 6.0, 6.0]
    assert abs(said[1][1].end_s - (times[7] + 0.18)) < 1e-9


def test_notes_of_an_ended_phrase_are_complete(play, line):
    said = _phrases(play, line([0.5, 0.9, 1.3], [30, 31, 32], [90] * 3, 0.4, 4), 4.0)
    assert all(n.duration_s is not None for n in said[-1][1].notes)


def test_steady_playing_is_one_phrase(play, line):
    said = _phrases(play, line([0.5 + 0.55 * i for i in range(20)], [30] * 20, [90] * 20, 0.55, 4))
    assert [p.end_s for _, p in said] == [None]
