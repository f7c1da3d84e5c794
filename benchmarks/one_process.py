"""The other architecture, to compare with: sound, synth, MIDI and the model in one process, the model in a thread.

    python benchmarks/one_process.py --seconds 60 --set midi.port=NAME ...

The same code as the daemon's, without its walls. Prints one JSON line of figures at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.channel import channel
from agent.core.config import load, parse_value
from agent.core.messages import Go, Stop
from agent.engine.audio_process import AudioProcess
from agent.engine.reports import AudioReport, AudioSetup, Ready
from agent.mind.mind import Mind
from agent.mind.mind_process import Ears, Listener
from agent.mind.snapshot import SnapshotStore
from agent.session import setup as rigs
from agent.session.workers import RING_S
from listener.ring import Ring

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")


def run(overrides: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Play for so long; the figures of the last report."""
    config = load(None, overrides)
    rig = rigs.choose(config, None)
    bass, stems = (
        Ring(round(RING_S * rig.rate), rig.input_channels),
        Ring(round(RING_S * rig.rate), 2 * (len(config.parts) + 1)),
    )
    plans, plans_in = channel()
    commands, commands_in = channel()
    reports_out, reports = channel()
    setup = AudioSetup(
        config, rig.rate, rig.input_device, rig.output_device, rig.output_channels, rig.take, bass, stems
    )
    audio = AudioProcess(setup, plans_in, commands_in, reports_out)
    ready = next(message for message in reports.receive() if isinstance(message, Ready))
    latency_s = ready.latency.input_s + ready.latency.output_s
    heard_out, heard = channel()
    ears = Ears(bass, None, rig.rate, rig.ring_channel)
    listener = Listener(Mind(config, latency_s), ears, config, bass, rig.rate, latency_s, SnapshotStore())
    thinking = threading.Thread(target=_think, args=(listener, plans, heard_out), daemon=True)
    last: list[AudioReport] = []
    watching = threading.Thread(target=_watch, args=(reports, heard, commands, seconds, last), daemon=True)
    commands.send(Go())
    thinking.start()
    watching.start()
    audio.run()
    audio.close()
    watching.join(2)
    report = last[-1]
    return {"xruns": report.xruns, "missing_samples": report.missing_samples, **report.counts.figures()} | {
        name: getattr(report.counts, name) for name in ("sent", "late", "dropped", "improvised", "patterned")
    }


def _think(listener: Listener, plans: Any, heard: Any) -> None:
    while True:
        if not listener.poll(plans, heard):
            time.sleep(listener.wait_s)


def _watch(reports: Any, heard: Any, commands: Any, seconds: float, last: list[AudioReport]) -> None:
    """Reads what comes, as the parent would, and ends it in time."""
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s + 3:
        last += [message for message in reports.receive() if isinstance(message, AudioReport)]
        del last[:-1]
        heard.receive()
        if time.monotonic() > end_s:
            commands.send(Stop())
        if last and last[-1].stopped:
            return
        time.sleep(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    overrides = {key: parse_value(value) for key, _, value in (pair.partition("=") for pair in given.set)}
    print(json.dumps(run(overrides, given.seconds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
