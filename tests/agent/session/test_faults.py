"""Faults done on purpose to a daemon that plays on a real JACK server: nothing hangs, and the band goes on."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile as sf

from agent.core.paths import shipped

pytest.importorskip("jack")
from tests.faults import FAULTS, Fault, kill, suffer
from tests.jack_studio import load
from tests.stage import Stage
from tests.waiting import wait_for

pytestmark = [pytest.mark.rig, pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2")]
SLACK_S = 1.5  # these machines are shared
SHORT = ("kill -9 of the model process", "kill -9 of the audio process", "NaN in the input for 2 s")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A daemon whose band plays."""
    take = load(shipped("take.flac"), 48_000)[: 28 * 48_000]  # one meter, no rest
    with Stage(tmp_path_factory.mktemp("stage"), take) as stage:
        stage.start()
        stage.room.playing = True
        stage.wait_for_band(90)
        time.sleep(6)
        yield stage


def check(stage: Stage, fault: Fault) -> None:
    outcome = suffer(stage, fault)
    assert outcome.hanging == []
    assert outcome.lost_s < fault.reach_s + SLACK_S
    if fault.sounds:
        assert outcome.silence_s < fault.reach_s + SLACK_S


@pytest.mark.parametrize("name", SHORT)
def test_the_band_outlives(stage: Stage, name: str) -> None:
    check(stage, next(fault for fault in FAULTS if fault.name == name))


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f.name not in SHORT and "clock" not in f.name], ids=lambda f: f.name
)
def test_the_band_outlives_slowly(stage: Stage, fault: Fault) -> None:
    check(stage, fault)


def test_a_killed_parent_leaves_silence_and_readable_files_and_is_resumed(stage: Stage) -> None:
    stage.send("mode trade")
    kill("parent")(stage)
    wait_for(lambda: stage.synth.hanging == [], 2.0, "the end of the notes")
    for path in (stage.folder / "sessions").rglob("*.wav"):
        assert sf.info(str(path)).frames > 0, path
    stage.start()
    stage.wait_for_band(90)
    assert (stage.send("status").get("status") or {}).get("mode") == "trade"
    assert stage.stop() == 0
    assert stage.synth.hanging == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [f.name for f in FAULTS if "clock" in f.name])
def test_the_wall_clock_may_jump(tmp_path: Path, name: str) -> None:
    if not list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")):
        pytest.skip("needs faketime")
    take = load(shipped("take.flac"), 48_000)[: 28 * 48_000]
    with Stage(tmp_path, take, steps_clock=True) as stage:
        stage.start()
        stage.room.playing = True
        stage.wait_for_band(90)
        time.sleep(6)
        check(stage, next(fault for fault in FAULTS if fault.name == name))
