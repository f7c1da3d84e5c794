"""On a real JACK server: an odd bar is put into a riff that loops, and stays there when the audio process dies."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.rig import have_jackd
from tests.waiting import wait_for

pytestmark = [pytest.mark.rig, pytest.mark.slow, pytest.mark.skipif(not have_jackd(), reason="no jackd")]
jack = pytest.importorskip("jack")
RATE, BEATS, LISTENS_S = 48_000, 16, 18.0
FLAGS = ["audio.echo_cancel=off", "conversation.proposals=false", "recording.keep=all"]
ONLY_LOOP = [f"parts.{part}.gain_db=-60" for part in ("drums", "chords", "line")]


def test_a_loop_with_an_odd_bar_is_tight_and_survives_its_process(tmp_path: Path) -> None:
    from benchmarks.live_story import have_it_looped, riff, status_of
    from tests.stage import Stage, wait

    flags = [word for flag in FLAGS + ONLY_LOOP for word in ("--set", flag)]
    with Stage(tmp_path, riff(), *flags) as stage:
        stage.start()
        wait(lambda: status_of(stage).get("listening"), 300, "the daemon")
        stage.room.playing = True
        wait(lambda: status_of(stage).get("state") == "playing", 120, "the band")
        time.sleep(16.0)
        have_it_looped(stage, {}, len(riff()) / RATE)
        stage.room.playing = False
        stage.send("say seven eight in bar three")
        wait(lambda: list(tmp_path.glob("sessions/*/riff-1/take-002-bass.wav")), 120, "the take")
        time.sleep(12.0 + LISTENS_S)
        killed_s = elapsed_s(stage)
        os.kill(stage.workers()["audio"], signal.SIGKILL)
        time.sleep(7.0 + LISTENS_S)
        end_s = elapsed_s(stage)
        now_s = time.monotonic()
        assert stage.room.silence_s(now_s - LISTENS_S, now_s) < 2.0, "it is heard again"
        stage.stop(90)
    sound, rate = soundfile.read(next(tmp_path.glob("sessions/*/loop.wav")))
    ends = (round(until_s * rate) for until_s in (killed_s, end_s))
    odd, again = (_period(sound[end - round(LISTENS_S * rate) : end].mean(axis=1)) for end in ends)
    assert odd == pytest.approx(len(riff()) * (BEATS - 0.5) / BEATS, rel=0.01)
    assert abs(again - odd) <= 1, "samples"


def elapsed_s(stage: Any) -> float:
    """Seconds of the stream, from a session that is busy at times."""
    from benchmarks.live_story import status_of

    return float(wait_for(lambda: status_of(stage).get("elapsed_s"), 60, "the session's time", 0.1))


def _period(sound: np.ndarray) -> int:
    """After how many samples the loudest second of the first nine comes again."""
    second = RATE
    at = max(range(0, 8 * RATE, second // 2), key=lambda i: float(np.square(sound[i : i + second]).sum()))
    piece, later = sound[at : at + second], sound[at + 5 * RATE : at + 13 * RATE]
    size = 1 << (len(later) + second).bit_length()
    match = np.fft.irfft(np.fft.rfft(later, size) * np.conj(np.fft.rfft(piece, size)))[: len(later) - second]
    return 5 * RATE + int(np.argmax(match))
