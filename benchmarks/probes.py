"""What the codes tell: linear probes on frozen codes, on basses that neither probe nor codec has heard.

    python -m benchmarks.probes [--weights models/weights/codec] [--per-bank 4] [--quick]

The same frames, the same split, the same context and the same search for the penalty (on the taught basses, whole
instruments left out) for every description of the sound. Intervals: 95%, bootstrap over the asked takes.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from benchmarks.inputs.probe_takes import PACKS as PACK_SETS
from benchmarks.inputs.probe_takes import TECHNIQUES, Take, takes
from benchmarks.measures.probe_features import features
from benchmarks.measures.probe_fit import TRIVIAL, Answer, run_task
from benchmarks.measures.probe_tasks import TASKS, Rows, instrument
from models import checkpoint
from models.codec.codec import WEIGHTS

SHARED, PACKS, CACHE = ROOT.parent / "shared", ROOT / "data_cache" / "timbre", ROOT / "data_cache" / "probes"
Told = dict[str, dict[str, Answer]]  # task -> description of the sound -> answer


def table(told: Told) -> str:
    """Descriptions down, tasks across: score (95% interval); below the name its size per frame."""
    names = list(dict.fromkeys(name for answers in told.values() for name in answers))
    lines = [f"{'':22}{'dim':>7}" + "".join(f"{name:>21}" for name in told)]
    for name in names:
        sizes = [told[task.name][name].dim // task.context for task in TASKS if name in told[task.name]]
        cells = (_cell(answers.get(name)) for answers in told.values())
        lines.append(f"{name:22}{sizes[0]:7}" + "".join(f"{cell:>21}" for cell in cells))
    return "\n".join(lines)


def _cell(answer: Answer | None) -> str:
    return "-" if answer is None else f"{answer.score:.3f} ({answer.low:.3f}-{answer.high:.3f})"


def loudness_fit(asked: Rows, answer: Answer) -> tuple[float, float]:
    """(R squared, Spearman's rank correlation)"""
    from scipy.stats import spearmanr

    rest = ((asked.y - answer.said) ** 2).sum() / ((asked.y - asked.y.mean()) ** 2).sum()
    constant = np.ptp(answer.said) == 0
    return float(1 - rest), 0.0 if constant else float(spearmanr(asked.y, answer.said).statistic)


def by_bank(of: list[Take], asked: Rows, answers: dict[str, Answer]) -> str:
    """Articulation: share right of each asked bass."""
    banks = np.array([take.bank for take in of])[asked.take]
    names = [name for name in answers if name != TRIVIAL]
    lines = [f"{'':20}{'played':>9}{'notes':>6}" + "".join(f"{name:>21}" for name in names)]
    for bank in dict.fromkeys(banks):
        mine = banks == bank
        right = (f"{(answers[name].said[mine] == asked.y[mine]).mean():21.2f}" for name in names)
        lines.append(f"{bank:20}{TECHNIQUES[int(asked.y[mine][0])]:>9}{mine.sum():6}" + "".join(right))
    return "\n".join(lines)


def independent(of: list[Take]) -> str:
    """How many basses stand behind each way of playing."""
    lines = []
    for technique in TECHNIQUES:
        counts = [
            len({instrument(t) for t in of if t.technique == technique and t.taught == taught and not t.made})
            for taught in (True, False)
        ]
        lines.append(f"{technique} {counts[0]} taught, {counts[1]} asked")
    return "; ".join(lines)


def record(name: str, told: Told, fit: tuple[float, float] | None, about: dict[str, Any]) -> None:
    figures: dict[str, Any] = {}
    for task in TASKS:
        if answer := told[task.name].get(name):
            key = f"{task.name.replace(' ', '_')}_{'balanced_accuracy' if task.classes else 'mae_db'}"
            figures |= {key: round(answer.score, 4), f"{key}_95": [round(answer.low, 4), round(answer.high, 4)]}
    if fit:
        figures |= {"loudness_r2": round(fit[0], 4), "loudness_spearman": round(fit[1], 4)}
    results.append("probes", name, figures | about)


def plot(told: Told, path: Path) -> None:
    """Bars with intervals: one group a task; loudness apart, for its unit is dB."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    classes = [task.name for task in TASKS if task.classes]
    fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), width_ratios=[len(classes), 1], layout="constrained")
    names = list(told["onset"])
    for axis, tasks in zip(axes, (classes, ["loudness"]), strict=True):
        for i, name in enumerate(names):
            at = [k + 0.8 * (i / len(names) - 0.5) for k, task in enumerate(tasks) if name in told[task]]
            answers = [told[task][name] for task in tasks if name in told[task]]
            error = np.array([[a.score - a.low, a.high - a.score] for a in answers]).clip(0).reshape(-1, 2).T
            style: dict[str, Any] = {"color": f"C{i}", "label": name, "error_kw": {"lw": 0.6}}
            axis.bar(at, [a.score for a in answers], 0.8 / len(names), yerr=error, **style)
        axis.set_xticks(range(len(tasks)), tasks)
    axes[0].set(ylabel="balanced accuracy", ylim=(0, 1))
    axes[1].set(ylabel="mean absolute error, dB")
    fig.legend(*axes[0].get_legend_handles_labels(), fontsize=8, ncols=len(names), loc="outside upper center")
    fig.savefig(path, dpi=110)
    plt.close(fig)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="checkpoint stem")
    parser.add_argument("--per-bank", type=int, default=4, help="takes of each bass")
    parser.add_argument("--plot", type=Path, help="where the figure goes (docs/probes.png)")
    parser.add_argument("--quick", action="store_true", help="one take of each, nothing written down")
    args = parser.parse_args()
    torch.set_num_threads(1)
    threadpool_limits(1)  # two BLAS threads on busy cores run many times slower
    of = takes(SHARED, PACKS, 1 if args.quick else args.per_bank)
    found = features(args.weights, of, CACHE)
    absent = sorted(set(PACK_SETS) - {take.bank for take in of})
    print(f"{len(of)} takes; basses behind each way of playing: {independent(of)}; sets absent: {absent or 'none'}")
    done = {}
    for task in TASKS:
        began = time.process_time()
        done[task.name] = run_task(task, of, found)
        print(f"{task.name}: {time.process_time() - began:.0f} CPU s", flush=True)
    told = {name: answers for name, (_, answers) in done.items()}
    print("balanced accuracy; loudness: mean absolute error in dB (95%)\n" + table(told))
    asked, answers = done["loudness"]
    fits = {name: loudness_fit(asked, answer) for name, answer in answers.items()}
    print("loudness R2 / Spearman: " + ", ".join(f"{name} {r2:.3f} / {rho:.3f}" for name, (r2, rho) in fits.items()))
    print("articulation by bass\n" + by_bank(of, *done["articulation"]))
    if args.plot:
        plot(told, args.plot)
    if not args.quick:
        sha256 = checkpoint.load(args.weights, "codec").sha256[:16]
        for name in told["onset"]:
            record(name, told, fits.get(name), {"weights_sha256": sha256, "takes": len(of)})


if __name__ == "__main__":
    main()
