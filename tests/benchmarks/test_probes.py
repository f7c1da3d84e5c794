"""A probe finds what is there, does not find what is not, and is never taught on the basses it is asked about."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.inputs.probe_takes import (
    ASKED,
    ASKED_FONT,
    LOWEST,
    PACKS,
    PALMED,
    TAUGHT,
    TAUGHT_FONT,
    Take,
    frames_since,
    levels_db,
    line_of,
    made,
)
from benchmarks.measures.probe_features import log_mel
from benchmarks.measures.probe_fit import run_task
from benchmarks.measures.probe_tasks import TASKS, Task, instrument, labels, rows_of
from models.sounds.bass_lines import Played

TASK = {task.name: task for task in TASKS}
FRAMES = 200


def take(index: int) -> Take:
    """Random notes of 10 frames, level at random; every second take is asked about."""
    rng = np.random.default_rng(index)
    pitch = np.repeat(rng.integers(LOWEST, LOWEST + 36, FRAMES // 10), 10)
    since = np.tile(np.arange(10), FRAMES // 10)
    technique = ("fingers", "pick", "slap", "mute")[index // 2 % 4]
    level = rng.uniform(-50, -10, FRAMES)
    return Take(
        f"bass{index}", technique, index % 2 == 0, False, np.zeros(FRAMES * 320, np.float32), pitch, since, level
    )


TAKES = [take(index) for index in range(32)]


def told(of: Take) -> np.ndarray:
    """[T, 55]: everything the tasks ask for, beside noise."""
    rng = np.random.default_rng(7)
    known = [np.eye(36)[of.pitch - LOWEST], np.eye(12)[of.pitch % 12], np.eye(3)[(of.pitch - LOWEST) // 12]]
    way = np.tile(np.eye(4)[["fingers", "pick", "slap", "mute"].index(of.technique)], (FRAMES, 1))
    onset = (of.since <= 1).astype(float)
    rest = [way, onset[:, None], of.level_db[:, None], rng.normal(size=(FRAMES, 2))]
    return np.concatenate([*known, *rest], axis=1).astype(np.float32)


def noise(of: Take) -> np.ndarray:
    return np.random.default_rng(int(of.pitch.sum())).normal(size=(FRAMES, 8)).astype(np.float32)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_what_a_feature_contains_is_found_and_noise_stays_at_chance(task: Task) -> None:
    _, answers = run_task(task, TAKES, {"told": [told(t) for t in TAKES], "noise": [noise(t) for t in TAKES]})
    if task.classes:
        chance = 1 / task.classes
        assert answers["told"].score > 0.99
        assert answers["noise"].score < chance + 0.12
        assert answers["majority / mean"].score == pytest.approx(chance)
    else:
        assert answers["told"].score < 0.5
        assert answers["noise"].score == pytest.approx(answers["majority / mean"].score, rel=0.05)
    assert answers["told"].low <= answers["told"].score <= answers["told"].high


def test_codes_are_read_as_one_hot() -> None:
    codes = [np.stack([t.pitch, t.since], axis=1) for t in TAKES]
    _, answers = run_task(TASK["pitch class"], TAKES, {"codes": codes})
    assert answers["codes"].dim == 4 * 2 * 1024
    assert answers["codes"].score > 0.95


def test_no_frame_before_the_context_is_asked_and_settled_notes_fill_it() -> None:
    for task in TASKS:
        frames, _ = labels(task, TAKES[0])
        assert frames.min() >= task.context - 1
    frames, _ = labels(TASK["pitch class"], TAKES[0])
    assert (TAKES[0].since[frames] >= TASK["pitch class"].context).all()


def test_taught_and_asked_frames_are_of_different_takes() -> None:
    for task in TASKS:
        known, asked = rows_of(task, TAKES, True), rows_of(task, TAKES, False)
        assert not {TAKES[i].bank for i in known.take} & {TAKES[i].bank for i in asked.take}


def test_frames_since_the_onset_are_counted_from_the_frame_that_holds_it() -> None:
    notes = [Played(at, at + 900, 40.0, "pluck", 1.0) for at in (700, 1600)]
    assert frames_since(notes, 7).tolist() == [-1, -1, 0, 1, 2, 0, 1]


def test_levels_are_of_the_frame_and_the_three_before() -> None:
    sound = np.zeros(320 * 8, np.float32)
    sound[320 * 2 : 320 * 3] = 0.5
    levels = levels_db(sound)
    assert levels[2:6] == pytest.approx(np.full(4, 20 * np.log10(0.25)), abs=0.01)
    assert (levels[[0, 1, 6, 7]] < -100).all()


def test_log_mel_hears_a_click_in_its_own_frame_and_not_before() -> None:
    sound = np.zeros(320 * 40, np.float32)
    sound[320 * 20 + 100] = 1.0
    mel = log_mel(sound, 1024)
    heard = mel.max(1) > -99
    assert (mel.shape, heard[:20].any(), heard[20]) == ((40, 64), False, True)


def test_no_bass_is_both_taught_and_asked() -> None:
    def basses(names: Iterable[str]) -> set[str]:
        return {instrument(replace(TAKES[0], bank=name)) for name in names}

    assert basses(TAUGHT).isdisjoint(basses([*ASKED, *PACKS]))
    assert {name.split("+")[0].rsplit("-", 1)[0] for name in PALMED} <= {*TAUGHT, *ASKED, TAUGHT_FONT, ASKED_FONT}
    assert basses(["growl", "growl_staccato", "growl+palm"]) == {"growlybass"}
    assert basses(["linguine", "spaghetti"]) == basses(["tagliatelle"])  # so spaghetti is not taught


def test_a_takes_labels_are_of_its_sound_and_repeat() -> None:
    bank = next(made(seed=3, basses=1))
    one, again = (line_of(bank, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.sound, again.sound)
    assert len(one.sound) == 320 * len(one.pitch) == 320 * len(one.since)
    onsets = np.flatnonzero(one.since == 0)
    onsets = onsets[(onsets > 4) & (onsets < len(one.since) - 4)]
    assert (one.level_db[onsets + 3] - one.level_db[onsets - 1] > 0).mean() > 0.6
    assert set(one.pitch[one.since == 2]) <= {0, *range(LOWEST, LOWEST + 36)}
