"""Audio processes without a sound card: one is killed, the next goes on with its rings; what is told is done."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from agent.core.messages import Go, Panic, SetPart
from agent.core.paths import shipped
from agent.core.settings import AudioConfig, Config
from agent.core.types import Plan, PlannedNote
from agent.engine.audio_process import AudioSetup
from listener.ring import Ring
from tests.audio_life import Life
from tests.rings import written

RATE, SECONDS = 48_000, 6


@pytest.fixture
def setup(tmp_path: Path) -> AudioSetup:
    sound = sf.read(shipped("take.flac"), dtype="float32")[0][: SECONDS * RATE]
    sf.write(tmp_path / "take.wav", sound, RATE, subtype="FLOAT")
    config = Config(audio=AudioConfig(output_enabled=False))
    return AudioSetup(config, RATE, None, None, 0, tmp_path / "take.wav", Ring(20 * RATE, 1), Ring(20 * RATE, 8))


def chord(on_s: float, off_s: float) -> Plan:
    return Plan(
        (PlannedNote("chords", on_s, off_s, 60, 90, 1), PlannedNote("line", on_s, off_s, 64, 90, 1)), (), on_s, 0
    )


def test_the_next_life_goes_on_in_the_same_stream(setup: AudioSetup) -> None:
    one = Life(setup)
    one.send(Go())
    assert one.wait(lambda: setup.ring.written > RATE // 4)
    one.kill()
    one.close()
    kept, rendered = setup.ring.written, setup.stems.written
    two = Life(setup)
    two.plans.send(chord(5.4, 5.6))
    assert two.wait(lambda: setup.ring.ended)
    assert two.wait(lambda: setup.stems.written > 5.7 * RATE)
    two.close()
    sound = sf.read(setup.take, dtype="float32")[0]
    heard = written(setup.ring)[:, 0]
    gap = np.flatnonzero(heard != sound[: len(heard)])
    assert len(heard) == len(sound)
    assert len(gap), "what came while nobody listened is silence"
    assert kept <= gap[0]
    assert not heard[gap].any()
    assert gap[-1] < 5.4 * RATE
    assert not written(setup.stems, rendered, kept + 1_000).any()
    assert np.abs(written(setup.stems, round(5.4 * RATE), round(5.6 * RATE))).max() > 0.01
    assert two.last and two.last.skipped_s == 0


def test_parts_are_silenced_and_panic_ends_every_note(setup: AudioSetup) -> None:
    one = Life(setup)
    one.send(Go())
    one.plans.send(chord(0.3, 3.5))
    assert one.wait(lambda: sum(r["on"] for r in one.records) == 2)
    assert one.last
    now = one.last.samples + (time.monotonic() - one.last.monotonic_s) / one.last.period_s
    assert now == pytest.approx(setup.ring.written, abs=0.1 * RATE)  # the pair says where the stream is
    one.send(SetPart("line", False))
    assert one.wait(lambda: any(not r["on"] and r["part"] == "line" for r in one.records), 1)
    assert not any(not r["on"] and r["part"] == "chords" for r in one.records)
    one.send(Panic())
    assert one.wait(lambda: any(not r["on"] and r["part"] == "chords" for r in one.records), 1)
    assert one.process.is_alive()
    one.close()
    assert one.process.exitcode == 0
