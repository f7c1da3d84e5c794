"""On a real JACK server: the riff comes back where it was played, to the sample, and a pedal changes the mode."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.rig import have_jackd

pytestmark = [pytest.mark.rig, pytest.mark.slow, pytest.mark.skipif(not have_jackd(), reason="no jackd")]
jack = pytest.importorskip("jack")
TAKE = Path(__file__).parents[3] / "agent" / "assets" / "take.flac"
RIFF_S, HEARD_S = 10.2, 22.0  # the player stops after the first two bars of the loop were recorded
FLAGS = ["band.mode=loop", "band.loop_bars=2", "audio.echo_cancel=off"]
ONLY_LOOP = [f"parts.{part}.gain_db=-60" for part in ("drums", "chords", "line")]


def test_the_loop_is_tight_on_jack_and_a_pedal_leaves_it(tmp_path: Path) -> None:
    from tests.stage import Stage, wait

    sound, rate = soundfile.read(TAKE, dtype="float32")
    riff = soxr.resample(sound, rate, 48_000).astype(np.float32)[: round(RIFF_S * 48_000)]
    flags = [word for flag in FLAGS + ONLY_LOOP for word in ("--set", flag)]
    with Stage(tmp_path, np.concatenate([riff, np.zeros(60 * 48_000, np.float32)]), *flags) as stage:
        heard: list[np.ndarray] = []
        stage.room.spoil = lambda out: heard.append(stage.room.ears[0].get_array().copy())
        stage.start()
        wait(lambda: stage.send("status").get("status", {}).get("listening"), 60, "the daemon")
        heard.clear()
        stage.room.playing = True
        time.sleep(HEARD_S)
        assert stage.send("status")["status"]["turn"] == "looping"
        stage.pedals.send_message([0xB0, 64, 127])
        wait(lambda: stage.send("status")["status"]["turn"] == "silent", 10, "the pedal's next mode")
    room = np.concatenate(heard).astype(np.float64)
    shifts = [_shift(riff, room, at) for at in (12 * 48_000, 14 * 48_000, 20 * 48_000)]
    period = shifts[0]
    assert period == pytest.approx(4.5 * 48_000, rel=0.01)
    assert [shift % period for shift in shifts] == [0, 0, 0], "samples"


def _shift(riff: np.ndarray, room: np.ndarray, at: int) -> int:
    """How much later than it was played a second of sound is heard."""
    return at - int(np.argmax(np.correlate(riff, room[at : at + 48_000], "valid")))
