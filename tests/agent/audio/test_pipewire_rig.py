"""PipeWire's JACK: nothing is missing in what is heard at its usual quantum, though no device is there.

Needs Debian's pipewire and pipewire-jack; ANTIPHON_PIPEWIRE names the folder they were unpacked in, where they are not
installed. A daemon of the test's own is started, with nothing but a driver that keeps the time.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import wait_for

ROOT = Path(os.environ.get("ANTIPHON_PIPEWIRE", "/"))
LIBRARIES = next(iter(sorted(ROOT.glob("usr/lib/*/pipewire-0.3/jack"))), None)
DAEMON = shutil.which("pipewire", path=str(ROOT / "usr/bin"))
pytestmark = [
    pytest.mark.rig,
    pytest.mark.slow,  # and no part of make test, which must not skip
    pytest.mark.skipif(not (LIBRARIES and DAEMON), reason="needs pipewire and pipewire-jack"),
]
CLIENT = """
import json, sys, time
import jack, numpy as np

seconds, client = 8, jack.Client("studio")
rate = client.samplerate
heard, played, at, sizes = np.zeros(seconds * rate, np.float32), [0], [0], set()
out, into = client.outports.register("take"), client.inports.register("left")

@client.set_process_callback
def process(n):
    sizes.add(n)
    out.get_array()[:] = np.where((played[0] + np.arange(n)) * 82 // rate % 2, 0.1, -0.1)
    played[0] += n
    sound = into.get_array()
    if (at[0] or sound.any()) and at[0] <= len(heard) - n:  # it begins when the band monitors
        heard[at[0] : at[0] + n] = sound
        at[0] += n

client.activate()
deadline = time.monotonic() + 120
while len([p for p in client.get_ports() if "Antiphon" in p.name]) < 2 and time.monotonic() < deadline:
    time.sleep(0.1)
time.sleep(2)
for port in client.get_ports():
    for ends in ((out, port), (port, into)) if "Antiphon" in port.name else ():
        try:
            client.connect(*ends)
        except jack.JackError:
            pass
while at[0] <= len(heard) - max(sizes) and time.monotonic() < deadline:
    time.sleep(0.1)
steady = heard[rate : (seconds - 1) * rate]
print(json.dumps({"zeros": float(np.mean(steady == 0)), "sizes": sorted(sizes)}), flush=True)
"""


@pytest.fixture
def pipewire(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a PipeWire of the test's own."""
    assert LIBRARIES
    run, conf = tmp_path / "run", tmp_path / "conf"
    run.mkdir(mode=0o700)
    shutil.copytree(ROOT / "usr/share/pipewire", conf)
    env = os.environ | {
        "XDG_RUNTIME_DIR": str(run),
        "PIPEWIRE_RUNTIME_DIR": str(run),
        "PIPEWIRE_CONFIG_DIR": str(conf),
        "PIPEWIRE_MODULE_DIR": str(LIBRARIES.parent),
        "SPA_PLUGIN_DIR": str(LIBRARIES.parents[1] / "spa-0.2"),
        "LD_LIBRARY_PATH": f"{LIBRARIES}:{LIBRARIES.parents[1]}",
    }
    daemon = subprocess.Popen([str(DAEMON)], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for((run / "pipewire-0").exists, 10, "PipeWire's socket")
        yield env
    finally:
        daemon.terminate()
        daemon.wait(10)


def test_nothing_is_missing_at_pipewires_quantum(pipewire: dict[str, str], tmp_path: Path) -> None:
    flags = ["--set", "audio.monitor_input=on", "--set", "midi.port=null", "--out", str(tmp_path / "s")]
    with subprocess.Popen([sys.executable, "-c", CLIENT], env=pipewire, stdout=subprocess.PIPE) as studio:
        time.sleep(2)  # its ports are there before the band looks for a card
        jam = subprocess.Popen([sys.executable, "-m", "agent", "jam", *flags], env=pipewire, stderr=subprocess.DEVNULL)
        try:
            said = json.loads(studio.communicate(timeout=150)[0])
            jam.send_signal(signal.SIGINT)
            jam.wait(60)
        finally:
            jam.kill()
            studio.kill()
    summary = json.loads((tmp_path / "s" / "events.jsonl").read_text().splitlines()[-1])
    assert said["sizes"] == [1024]
    assert said["zeros"] < 0.001, f"{100 * said['zeros']:.2f}% zeros, {summary['missing_samples']} samples missing"
