"""The running daemon on a real JACK rig, as one table: how well it keeps its time and for how long, what it costs, how
fast it starts, and what becomes of the music when things go wrong.

    python benchmarks/realtime.py [--minutes 10] [--kills 20] [--only play,plain,single,idle,start,faults,memory]

Starts jackd (dummy driver, 48 kHz, 128 frames), plays the repo's take round and round into `antiphon daemon`, which
plays a MIDI instrument that counts. Beside it: the same code in a single process, and StreamMUSE's best local row.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.core.paths import shipped
from benchmarks.common.results import append, machine
from tests.faults import FAULTS, Outcome, kill, suffer
from tests.jack_studio import load
from tests.rig import REALTIME
from tests.stage import ROOT as HOUSE
from tests.stage import SYNTH, Stage, wait

STREAMMUSE_ISR = 0.9951  # RTAS 2026, its best local row
SILENT_S = 30.0
SETTLES_S = 12.0
FOUR_FOUR_S = 28.0  # of the take: in one meter, without its silence


def played(minutes: float, flags: tuple[str, ...] = ()) -> dict[str, float]:
    """The daemon plays along for so long."""
    with stage_with_take(*flags) as stage:
        stage.start()
        stage.room.playing = True
        stage.wait_for_band(60)
        time.sleep(SETTLES_S)
        before, cpu = _counts(stage), _cpu(stage)
        begun_s = time.monotonic()
        for _ in track(range(round(minutes * 12)), "playing", transient=True):
            time.sleep(5)
        elapsed_s = time.monotonic() - begun_s
        after, later = _counts(stage), _cpu(stage)
        memory = _memory(stage)
        stage.stop()
        asked = after["sent"] + after["dropped"] - before["sent"] - before["dropped"]
        late = after["late"] + after["dropped"] - before["late"] - before["dropped"]
        return {
            "minutes": elapsed_s / 60,
            "notes": asked,
            "in_time_share": 1 - late / max(asked, 1),
            **{name: after[name] for name in ("freshness", "timeliness", "lateness_p50_ms", "lateness_p99_ms")},
            "xruns": after["xruns"] - before["xruns"],
            "missing_samples": after["missing_samples"] - before["missing_samples"],
            "improvised": after["improvised"] - before["improvised"],
            "hanging": len(stage.synth.hanging),
            **{f"cpu_{name}": (later[name] - cpu[name]) / elapsed_s for name in cpu if name in later},
            **memory,
        }


def single(minutes: float) -> dict[str, float]:
    """The same in one process."""
    with stage_with_take() as stage:
        settings = ["--set", f"midi.port={SYNTH}", "--set", "midi.api=jack"]
        command = [
            sys.executable,
            str(ROOT / "benchmarks" / "one_process.py"),
            "--seconds",
            str(60 * minutes + 20),
            *settings,
        ]
        process = subprocess.Popen(command, env=stage.environment, cwd=HOUSE, stdout=subprocess.PIPE, text=True)
        stage.room.playing = True
        out, _ = process.communicate(timeout=60 * minutes + 120)
        return dict(json.loads(out.splitlines()[-1]))


def idle(seconds: float = SILENT_S) -> dict[str, float]:
    """A silent room: exact zeros, and noise at -65 dBFS."""
    figures: dict[str, float] = {}
    for name, noise in (("zeros", 0.0), ("noise", 10 ** (-65 / 20))):
        with stage_with_take() as stage:
            rng = np.random.default_rng(0)
            stage.room.take = (noise * rng.standard_normal(48_000 * 10)).astype(np.float32)
            stage.room.playing = True
            stage.start()
            _until_listening(stage)
            time.sleep(SETTLES_S)
            before, begun_s = _cpu(stage), time.monotonic()
            time.sleep(seconds)
            elapsed_s, after = time.monotonic() - begun_s, _cpu(stage)
            figures |= {f"idle_{name}_{k}": (after[k] - before[k]) / elapsed_s for k in before if k in after}
            figures[f"idle_{name}"] = sum((after[k] - before[k]) / elapsed_s for k in before if k in after)
            stage.stop()
    return figures


def start() -> dict[str, float]:
    """From the command to: the audio path up, listening (both up)."""
    with stage_with_take() as stage:
        times = []
        for _ in range(3):
            begun_s = time.monotonic()
            stage.start()
            audio_s = wait(lambda: stage.has_port("Antiphon-audio"), 30, "the audio path")
            _until_listening(stage)
            times.append((audio_s, time.monotonic() - begun_s))
            stage.stop()
        return {
            "audio_up_s": float(np.median([a for a, _ in times])),
            "listening_s": float(np.median([b for _, b in times])),
        }


def file_memory(hours: float) -> dict[str, float]:
    """Play the take over and over as one file, as fast as possible; return how the process grows after a tenth."""
    import soundfile as sf

    with tempfile.TemporaryDirectory() as folder:
        sound, rate = sf.read(shipped("take.flac"), dtype="int16")
        long = Path(folder) / "long.flac"
        with sf.SoundFile(long, "w", rate, 1, "PCM_16") as file:
            for _ in range(max(round(hours * 3600 * rate / len(sound)), 1)):
                file.write(sound)
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "agent", "jam", "--input", str(long), "--fast", "--out", str(out), "--quiet"]
        begun_s = time.monotonic()
        process = psutil.Popen(command, cwd=HOUSE, env={**os.environ, "XDG_DATA_HOME": folder})
        seen: list[tuple[float, float]] = []
        while process.poll() is None:
            bass = out / "bass.wav"
            done_h = bass.stat().st_size / 3 / rate / 3600 if bass.exists() else 0.0
            if done_h < 0.999 * hours:  # writing the picture at the end is another matter
                seen.append((done_h, process.memory_info().rss / 2**20))
            time.sleep(1)
        rows = np.array([row for row in seen if row[0] > 0.1 * hours])
        slope = float(np.polyfit(rows[:, 0], rows[:, 1], 1)[0])
        return {
            "hours": float(rows[-1, 0]),
            "rss_mb_first": float(rows[0, 1]),
            "rss_mb_last": float(rows[-1, 1]),
            "growth_mb_per_hour": slope,
            "times_real_time": hours * 3600 / (time.monotonic() - begun_s),
        }


def faults(kills: int) -> list[Outcome]:
    """Each fault once; kill -9 of each worker so many times."""
    outcomes: list[Outcome] = []
    with stage_with_take() as stage:
        stage.start()
        stage.room.playing = True
        stage.wait_for_band(60)
        time.sleep(SETTLES_S)
        rng = random.Random(0)
        for name in rng.sample(["mind", "audio"] * kills, 2 * kills):
            fault = next(
                f
                for f in FAULTS
                if f.name.endswith(f"{'model' if name == 'mind' else name} process") and "kill" in f.name
            )
            outcomes.append(_suffered(stage, fault))
            _note(outcomes[-1])
        for fault in FAULTS:
            if "kill -9" not in fault.name and "clock" not in fault.name:
                outcomes.append(_suffered(stage, fault))
                _note(outcomes[-1])
        code = stage.stop()
        outcomes.append(Outcome(f"the end (exit {code})", 0, 0, 0, 0, stage.synth.hanging))
    for outcome in (*_clock_faults(), parent_killed(), disk_full()):
        outcomes.append(outcome)
        _note(outcome)
    return outcomes


def _note(outcome: Outcome) -> None:
    """At once: a crash of the rig costs no figure."""
    figures = {
        "extra_gap_s": round(outcome.lost_s, 3),
        "silence_s": round(outcome.silence_s, 3),
        "back_s": round(outcome.back_s, 3),
    }
    append("realtime_fault", outcome.name, figures | {"hanging": len(outcome.hanging)})


def _suffered(stage: Stage, fault: Any) -> Outcome:
    try:
        outcome = suffer(stage, fault)
    except TimeoutError as cause:
        return Outcome(f"{fault.name}: {cause}", float("nan"), 0, float("nan"), float("nan"), stage.synth.hanging)
    silent, back = f"silent {outcome.silence_s:.2f} s", f"back after {outcome.back_s:.2f} s"
    print(f"  {outcome.name}: {silent}, {back}, hanging {outcome.hanging}")
    return outcome


def _clock_faults() -> list[Outcome]:
    with stage_with_take(steps_clock=True) as stage:
        stage.start()
        stage.room.playing = True
        stage.wait_for_band(90)
        time.sleep(SETTLES_S)
        return [_suffered(stage, fault) for fault in FAULTS if "clock" in fault.name]


def parent_killed() -> Outcome:
    """kill -9 of the parent while the band plays; started again, as systemd would."""
    with stage_with_take() as stage:
        stage.start()
        stage.room.playing = True
        stage.wait_for_band(60)
        time.sleep(SETTLES_S)
        begun_s = time.monotonic()
        kill("parent")(stage)
        time.sleep(2)
        hanging = stage.synth.hanging
        readable = _readable(stage)
        stage.start()
        back_s = stage.wait_for_band(60)
        stage.stop()
        outcome = Outcome(
            f"kill -9 of the parent, restarted (files readable: {readable})", back_s, 0, float("nan"), back_s, hanging
        )
        outcome.silence_s = time.monotonic() - begun_s if not readable else float("nan")
        return outcome


def disk_full() -> Outcome:
    """The disk of the recordings fills up while the band plays; what was written stays readable."""
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], capture_output=True)
        if done.returncode:
            return Outcome("disk full: not tried, mounting is not allowed here", 0, 0, 0, 0, [])
        try:
            with stage_with_take("--set", f"paths.sessions={small}") as stage:
                stage.start()
                stage.room.playing = True
                stage.wait_for_band(60)
                wait(lambda: shutil.disk_usage(small).free < 4096, 60, "the disk to fill")
                full_s = time.monotonic()
                time.sleep(8)
                gap_s = stage.longest_gap(full_s)
                readable = all(_wav_ok(path) for path in small.rglob("*.wav"))
                stage.stop()
                return Outcome(
                    f"the disk full for 8 s (files readable: {readable})", gap_s, gap_s, 0.0, 0.0, stage.synth.hanging
                )
        finally:
            subprocess.run(["umount", folder], check=False)


def _readable(stage: Stage) -> bool:
    return all(_wav_ok(path) for path in (stage.folder / "sessions").rglob("*.wav"))


def _wav_ok(path: Path) -> bool:
    import soundfile as sf

    try:
        return sf.info(str(path)).frames >= 0 and len(sf.read(str(path), frames=1000)[0]) >= 0
    except RuntimeError:
        return False


def stage_with_take(*flags: str, steps_clock: bool = False) -> Stage:
    folder = Path(tempfile.mkdtemp(prefix="antiphon-stage-"))
    return Stage(
        folder, load(shipped("take.flac"), 48_000)[: round(FOUR_FOUR_S * 48_000)], *flags, steps_clock=steps_clock
    )


def _until_listening(stage: Stage) -> None:
    wait(lambda: (stage.send("status").get("status") or {}).get("listening"), 60, "listening")


def _counts(stage: Stage) -> dict[str, Any]:
    return dict(stage.send("status")["status"])


def _processes(stage: Stage) -> dict[str, psutil.Process]:
    return {name: psutil.Process(pid) for name, pid in stage.workers().items()}


def _cpu(stage: Stage) -> dict[str, float]:
    return {name: sum(process.cpu_times()[:2]) for name, process in _processes(stage).items()}


def _memory(stage: Stage) -> dict[str, float]:
    found = {name: process.memory_full_info() for name, process in _processes(stage).items()}
    sizes = {f"rss_mb_{name}": info.rss / 2**20 for name, info in found.items()}
    return sizes | {
        "rss_mb": sum(sizes.values()),
        "pss_mb": sum(info.pss for info in found.values()) / 2**20,
    }


ROWS: tuple[tuple[str, str, str, str], ...] = (
    ("in-time share (ISR)", "in_time_share", "{:.4f}", ">= 0.999"),
    ("freshness (1 - staleness)", "freshness", "{:.4f}", ""),
    ("their product", "timeliness", "{:.4f}", ""),
    ("MIDI sent - due, p50 ms", "lateness_p50_ms", "{:.2f}", ""),
    ("MIDI sent - due, p99 ms", "lateness_p99_ms", "{:.2f}", "<= 0.2 (FIFO), 2 (none)"),
    ("xruns", "xruns", "{:.0f}", "0"),
    ("samples missing in the output", "missing_samples", "{:.0f}", "0"),
    ("notes asked for", "notes", "{:.0f}", ""),
    ("from the tentative plan", "improvised", "{:.0f}", ""),
    ("hanging at the end", "hanging", "{:.0f}", "0"),
)


def show(console: Console, figures: dict[str, dict[str, float]], outcomes: list[Outcome]) -> None:
    about = machine()
    title = f"jackd {' '.join(REALTIME)}, 48 kHz / 128; {about['cpu']}, {about['cores']} cores, load {about['load']}"
    if "play" in figures:
        table = Table(title=title)
        columns = [name for name in ("play", "plain", "single") if name in figures]
        heads = {"play": "Antiphon", "plain": "without SCHED_FIFO", "single": "one process"}
        for column in ("figure", *(heads[name] for name in columns), "StreamMUSE", "target"):
            table.add_column(column, justify="left" if column == "figure" else "right")
        for name, key, form, target in ROWS:
            cells = [form.format(figures[c][key]) if key in figures[c] else "-" for c in columns]
            table.add_row(name, *cells, str(STREAMMUSE_ISR) if key == "in_time_share" else "", target)
        console.print(table)
    table = Table(title="what it costs")
    table.add_column("figure")
    table.add_column("", justify="right")
    for group in ("play", "idle", "start", "memory"):
        for key, value in figures.get(group, {}).items():
            if key.startswith(("cpu_", "rss_", "pss_", "idle", "audio_up", "listening", "growth", "hours", "times")):
                table.add_row(f"{group}: {key}", f"{value:.2f}" if value < 20 else f"{value:.0f}")
    console.print(table)
    if outcomes:
        console.print(_fault_table(outcomes))


def _fault_table(outcomes: list[Outcome]) -> Table:
    table = Table(title="faults: medians and worst of each")
    for column in ("fault", "times", "extra gap between notes, s", "silence, s", "back after, s", "hanging"):
        table.add_column(column, justify="left" if column == "fault" else "right")
    for name in dict.fromkeys(outcome.name for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.name == name]

        def cell(of: Callable[[Outcome], float], mine: list[Outcome] = mine) -> str:
            values = [of(outcome) for outcome in mine]
            return f"{np.nanmedian(values):.2f} / {np.nanmax(values):.2f}" if not np.isnan(values).all() else "-"

        cells = (cell(lambda o: o.lost_s), cell(lambda o: o.silence_s), cell(lambda o: o.back_s))
        table.add_row(name, str(len(mine)), *cells, str(sum(len(o.hanging) for o in mine)))
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--hours", type=float, default=6.0, help="of sound for --only memory")
    parser.add_argument("--only", default="play,single,idle,start,faults")
    given = parser.parse_args()
    if not shutil.which("jackd"):
        print("skipped: needs jackd2 (apt-get install jackd2)")
        return 0
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    figures: dict[str, dict[str, float]] = {}
    outcomes: list[Outcome] = []
    for what in given.only.split(","):
        if what == "play":
            figures[what] = played(given.minutes)
        elif what == "plain":
            figures[what] = played(given.minutes, ("--set", "audio.realtime=false"))
        elif what == "single":
            figures[what] = single(given.minutes)
        elif what == "idle":
            figures[what] = idle()
        elif what == "memory":
            figures[what] = file_memory(given.hours)
        elif what == "start":
            figures[what] = start()
        elif what == "faults":
            outcomes = faults(given.kills)
        else:
            print(f"--only {what}: play, plain, single, idle, start, memory and faults are allowed")
            return 2
        if what in figures:
            append("realtime", what, figures[what])
    if outcomes:
        append(
            "realtime",
            "faults",
            {o.name: round(o.lost_s, 3) for o in outcomes} | {"hanging": sum(len(o.hanging) for o in outcomes)},
        )
    show(Console(width=140), figures, outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
