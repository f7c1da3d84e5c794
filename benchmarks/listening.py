"""Antiphon's ears beside aubio's on the shared clips: `python benchmarks/listening.py [--set DIR] [--only GLOB]`."""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import results

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "listening"
SCORER = SHARED / "eval_listen.py"
KEPT = [
    "on50",
    "on25",
    "on_delay_p50",
    "on_delay_p95",
    "note",
    "note_low",
    "note_delay_p50",
    "note_delay_p95",
    "rpa",
    "rpa_low",
    "lock_p50",
    "lock_p95",
    "vel_corr",
    "beatF",
    "CMLt",
    "AMLt",
    "downF",
    "acc1",
    "meter",
    "key",
    "rtf",
]
COMMANDS = {
    "antiphon": f"{shlex.quote(sys.executable)} -m agent listen {{wavs}} --json",
    "aubio": f"/usr/bin/python3 {shlex.quote(str(ROOT / 'benchmarks/peers/aubio_listen.py'))} {{wavs}}",
}


def missing(system: str) -> str | None:
    """Why this system cannot run here, or None."""
    if not SCORER.exists():
        return f"{SCORER} is absent"
    if system == "aubio":
        probe = subprocess.run(["/usr/bin/python3", "-c", "import aubio"], capture_output=True)
        return "python3-aubio is not installed (apt install python3-aubio)" if probe.returncode else None
    return None


def measure(system: str, clips: str, only: str | None, out: Path) -> dict[str, float]:
    """Score one system, append its ALL row to results.jsonl, return that row."""
    command = [sys.executable, str(SCORER), "run", "--set", clips, "--name", system, "--cmd", COMMANDS[system]]
    command += ["--out", str(out)] + (["--only", only] if only else [])
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    row = json.loads(out.read_text())["agg"]["ALL"]
    figures = {k: round(row[k], 4) for k in KEPT if row.get(k) is not None}
    results.append("listening", system, figures | {"clips": row["clips"]})
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default=str(SHARED / "clips"), help="folder of clips and their truth")
    parser.add_argument("--only", help="glob of clip names, e.g. '*clean'")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = []
        for system in COMMANDS:
            if reason := missing(system):
                print(f"{system}: skipped, {reason}")
                continue
            out = Path(folder) / f"{system}.json"
            measure(system, args.set, args.only, out)
            done.append(str(out))
        if done:
            subprocess.run([sys.executable, str(SCORER), "report", *done], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
