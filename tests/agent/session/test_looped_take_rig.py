"""On a real JACK server: an odd bar is put into a riff that loops, and stays there when the audio process dies."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.rig import have_jackd

pytestmark = [pytest.mark.rig, pytest.mark.slow, pytest.mark.skipif(not have_jackd(), reason="no jackd")]
jack = pytest.importorskip("jack")
ASSETS = Path(__file__).parents[3] / "agent" / "assets"
RATE, BEFORE_S, BEATS = 48_000, 0.03, 16
FLAGS = ["audio.echo_cancel=off", "conversation.proposals=false"]
ONLY_LOOP = [f"parts.{part}.gain_db=-60" for part in ("drums", "chords", "line")]


def test_a_loop_with_an_odd_bar_is_tight_and_survives_its_process(tmp_path: Path) -> None:
    from tests.stage import Stage, wait

    flags = [word for flag in FLAGS + ONLY_LOOP for word in ("--set", flag)]
    with Stage(tmp_path, _riff(), *flags) as stage:
        heard: list[np.ndarray] = []
        stage.room.spoil = lambda out: heard.append(stage.room._ears[0].get_array().copy())
        stage.start()
        wait(lambda: stage.send("status").get("status", {}).get("listening"), 60, "the daemon")
        stage.room.playing = True
        wait(lambda: stage.send("status")["status"]["state"] == "playing", 40, "the band")
        time.sleep(16.0)
        assert stage.send("take")["ok"]
        time.sleep(3.0)
        assert stage.send("loop")["ok"]
        wait(lambda: stage.send("status")["status"]["turn"] == "looping", 12, "the loop")
        stage.room.playing = False
        stage.send("say seven eight in bar three")
        wait(lambda: list(tmp_path.glob("sessions/*/riff-1/take-002-bass.wav")), 60, "the take")
        time.sleep(12.0)
        before = len(heard)
        time.sleep(20.0)
        after = len(heard)
        os.kill(stage.workers()["audio"], signal.SIGKILL)
        time.sleep(25.0)
    sound = np.concatenate(heard).astype(np.float64)
    block = len(heard[0])
    plain = len(_riff())
    odd = _period(sound[before * block : after * block])
    again = _period(sound[-20 * RATE :])
    assert odd == pytest.approx(plain * (BEATS - 0.5) / BEATS, rel=0.01)
    assert abs(again - odd) <= 1, "samples"


def _riff() -> np.ndarray:
    """The first four bars of the take, which come round without a seam."""
    sound, rate = soundfile.read(ASSETS / "take.flac", dtype="float32")
    beats = json.loads((ASSETS / "take.json").read_text())["beats"]
    first, last = (round((beats[at] - BEFORE_S) * RATE) for at in (0, BEATS))
    return np.asarray(soxr.resample(sound, rate, RATE), np.float32)[first:last]


def _period(sound: np.ndarray) -> int:
    """After how many samples the loudest second of the first nine comes again."""
    second = RATE
    at = max(range(0, 8 * RATE, second // 2), key=lambda i: float(np.square(sound[i : i + second]).sum()))
    piece, later = sound[at : at + second], sound[at + 5 * RATE : at + 13 * RATE]
    size = 1 << (len(later) + second).bit_length()
    match = np.fft.irfft(np.fft.rfft(later, size) * np.conj(np.fft.rfft(piece, size)))[: len(later) - second]
    return 5 * RATE + int(np.argmax(match))
