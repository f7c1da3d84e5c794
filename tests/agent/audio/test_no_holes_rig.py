"""Whatever period the JACK server runs at, all that the band sends to the loudspeaker arrives."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

jack = pytest.importorskip("jack")
from tests.jack_studio import Studio  # noqa: E402
from tests.rig import jack_server  # noqa: E402

pytestmark = [
    pytest.mark.rig,
    pytest.mark.skipif(not shutil.which("jackd"), reason="needs jackd2"),
]
SECONDS = 12
SETTLES_S = 1.0  # after the cables are in, or another period
CHANGES_S = 4.0
LATE_S = 0.5  # at the end: what is still on its way


def holes(rate: int, period: int, out: Path, then: int | None = None) -> tuple[float, int]:
    """Return (share of zeros in the player's monitored sound, which has none, samples counted as missing).

    then: the period from CHANGES_S on; the share is of what comes after.
    """
    with jack_server(rate, period) as env:
        square = np.where(np.arange(SECONDS * rate) * 82 // rate % 2, 0.1, -0.1)  # passes the bass's high-pass
        room = Studio(square.astype(np.float32))
        flags = ["--set", "audio.monitor_input=on", "--set", "midi.port=null", "--out", str(out)]
        command = [sys.executable, "-m", "agent", "jam", *flags]
        process = subprocess.Popen(command, env={**os.environ, **env}, stderr=subprocess.DEVNULL)
        try:
            room.wait((out / "events.jsonl").exists, 90, "the session folder")
            room.connect("studio:take", "Antiphon-audio:in")
            room.connect("Antiphon-audio:out_0", "studio:left")
            room.roll()
            if then:
                room.wait(lambda: room.now_s > CHANGES_S, 60, "the middle of the take")
                room.client.blocksize = then
            room.wait(lambda: room.now_s > SECONDS, 60, "the end of the take")
            heard = room.recording[:, 0]
            process.send_signal(signal.SIGINT)
            process.wait(20)
        finally:
            process.kill()
            room.close()
    steady = heard[round((SETTLES_S + (CHANGES_S if then else 0)) * rate) : round((SECONDS - LATE_S) * rate)]
    summary = json.loads((out / "events.jsonl").read_text().splitlines()[-1])
    return float(np.mean(steady == 0)), summary["missing_samples"]


SERVERS = [(48_000, 64), (48_000, 256), (48_000, 2048), (48_000, 4096), (44_100, 1024), (96_000, 256), (96_000, 2048)]
SLOW = [pytest.param(rate, period, marks=pytest.mark.slow) for rate, period in SERVERS]


@pytest.mark.parametrize(("rate", "period"), [(48_000, 1024), *SLOW])
def test_no_period_leaves_holes_in_what_is_heard(rate: int, period: int, tmp_path: Path) -> None:
    zeros, missing = holes(rate, period, tmp_path / "s")
    if zeros:  # a machine that stood still for a moment does not do so twice
        zeros, missing = holes(rate, period, tmp_path / "again")
    assert zeros < 0.001, f"{100 * zeros:.2f}% zeros, {missing} samples missing"


@pytest.mark.slow
def test_a_period_that_grows_while_the_band_plays_leaves_no_holes_either(tmp_path: Path) -> None:
    zeros, missing = holes(48_000, 128, tmp_path / "s", then=2048)
    assert zeros < 0.001, f"{100 * zeros:.2f}% zeros, {missing} samples missing"
    assert missing > 0  # until the change was seen
