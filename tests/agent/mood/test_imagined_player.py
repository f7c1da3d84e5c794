"""Music without a player: a bassist whose notes are played and heard, bar after bar, on a beat of its own."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from agent.core.messages import LeadTempo
from agent.core.settings import Config
from agent.core.types import Decision
from agent.mind.mind import Mind
from agent.mood.mood_session import with_mood
from agent.mood.mood_words import mood_of
from listener.types import FRAME_S, FRAME_SAMPLES, Frame


def mind(words: str, seed: int = 1) -> Mind:
    config = with_mood(Config(), words, patient=True, keeps_sound=False)
    return Mind(replace(config, band=replace(config.band, seed=seed)))


def played(of: Mind, seconds: float, first_s: float = 0.0) -> Iterator[Decision]:
    silence = np.zeros(FRAME_SAMPLES, np.float32)
    for number in range(round(first_s / FRAME_S), round((first_s + seconds) / FRAME_S)):
        yield of.step(Frame(silence, number * FRAME_SAMPLES))
        of.take_messages()


@pytest.fixture(scope="module")
def minute() -> list[Decision]:
    return list(played(mind("drive"), 40.0))


def test_bass_and_band_play_from_the_first_bars_on(minute: list[Decision]) -> None:
    notes = [note for one in minute if one.plan for note in one.plan.committed]
    assert {note.part for note in notes} == {"own_bass", "drums", "chords", "line"}
    bass = sorted((note.on_s, note.off_s) for note in notes if note.part == "own_bass")
    gaps = [b[0] - a[1] for a, b in pairwise(bass)]
    assert bass[0][0] < 3.0
    assert max(gaps) < 4.0


def test_what_is_heard_is_what_was_played(minute: list[Decision]) -> None:
    planned = [note.on_s for one in minute if one.plan for note in one.plan.committed if note.part == "own_bass"]
    heard = [note.onset_s for one in minute for note in one.analysis.notes]
    assert heard == sorted(planned)[: len(heard)]
    assert len(heard) > 20


def test_the_drums_lie_on_the_beat_of_the_bass(minute: list[Decision]) -> None:
    notes = [note for one in minute if one.plan for note in one.plan.committed]
    bass = np.array([note.on_s for note in notes if note.part == "own_bass"])
    kicks = [note.on_s for note in notes if note.part == "drums" and note.pitch == 36 and note.on_s > 8]
    near = [np.abs(bass - kick).min() < 0.03 for kick in kicks]
    assert np.mean(near) > 0.4


@pytest.mark.slow
def test_the_same_seed_plays_the_same() -> None:
    one, other, third = (
        [n for d in played(mind("calm", seed), 12.0) if d.plan for n in d.plan.committed] for seed in (4, 4, 5)
    )
    assert one == other
    assert one != third


@pytest.mark.slow
def test_a_mood_glides_to_another_and_no_bar_is_left_out() -> None:
    of = mind("calm")
    before = [60 / d.analysis.grid.period_s for d in played(of, 30.0) if d.analysis.grid]
    of.send(mood_of("drive, over 8 bars"))
    after = [d for d in played(of, 60.0, 30.0) if d.analysis.grid]
    tempi = np.array([60 / d.analysis.grid.period_s for d in after if d.analysis.grid])
    assert before[-1] < 85 < 110 < tempi[-1]
    assert np.abs(np.diff(np.log(tempi))).max() < 0.14
    onsets = sorted(n.on_s for d in after if d.plan for n in d.plan.committed)
    assert np.diff(onsets).max() < 2.5


@pytest.mark.slow
def test_a_tempo_that_is_asked_for_is_gone_to() -> None:
    of = mind("focus")
    list(played(of, 20.0))
    of.send(LeadTempo(bpm=110.0))
    grid = list(played(of, 40.0, 20.0))[-1].analysis.grid
    assert grid and 60 / grid.period_s == pytest.approx(110, abs=1)
