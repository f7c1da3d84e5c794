"""Can the critic tell the right partner from a wrong one? `python benchmarks/critic.py [--bars 2] [--per-song 24]`.

Songs that nothing was trained on (models/critic/songs.py), windows of 2 (or more) bars, every kind of wrong partner.
AUC: over all
windows; better: how often the right one scores above the wrong one beside the same bass. Beside it one trivial rule
per part:
drums: F1 of kicks and bass onsets; comping: share of bass ticks whose pitch class is in the chord; line: share of
its ticks in the chord. Also calibration (the error of what is promised, in ten bins) and time per call.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # before NumPy: a window is judged in the band's own process

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks.common import results
from models.critic import perturb, windows
from models.critic import songs as corpus
from models.critic.commonest import commonest
from models.critic.critic import Critic, beside_rows
from models.critic.perturb import Rows, Songs, Window
from models.critic.trials import Trial, auc, trials
from models.critic.windows import PARTS
from models.music import tokens
from models.paths import SHARED

CANDIDATES = 32
CALLS = 60


def judged(critic: Critic, songs: Songs, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """The critic's logits of the right and the wrong partners."""
    right, wrong = [], []
    for window, *pair in zip(trial.windows, trial.right, trial.wrong, strict=True):
        scores = score(critic, songs, trial.part, window, pair)
        right.append(scores[0])
        wrong.append(scores[1])
    return np.array(right), np.array(wrong)


def score(critic: Critic, songs: Songs, part: str, window: Window, partners: list[Rows]) -> np.ndarray:
    """Logits of several partners of one window's bass."""
    place = windows.places(window.ticks, [window.meter] * len(window))
    beside = beside_rows(songs.bass(window), np.ones(len(window), bool), place)
    if part == "drums":
        return critic.score_drums(beside, np.stack([rows.drums for rows in partners]))
    chord = np.stack([rows.chord for rows in partners])
    if part == "comping":
        return critic.score_comping(beside, chord)
    return critic.score_line(beside, chord, np.stack([rows.line for rows in partners]))


def rule(part: str, bass: np.ndarray, rows: Rows) -> float:
    """The trivial rule's score."""
    if part == "drums":
        kick, onset = rows.drums[:, perturb.KICK] > 0, bass[:, 0] >= 0
        return float(2 * (kick & onset).sum() / max(kick.sum() + onset.sum(), 1))
    held = windows.harmony(rows.chord[None], np.ones((1, len(bass)), bool))
    tones = windows.CHROMA[np.maximum(held.quality[0], 0)]
    if part == "comping":
        pitch = bass[:, 2]
    else:
        line = rows.line
        on, off = line[:, 0] == tokens.LINE_ON, line[:, 0] == tokens.LINE_OFF
        last = np.maximum.accumulate(np.where(on | off, np.arange(len(line)), -1))
        pitch = np.where((last >= 0) & on[np.maximum(last, 0)], line[np.maximum(last, 0), 2] + tokens.LINE_LOW, -1)
    there = (pitch >= 0) & (held.root[0] >= 0)
    inside = tones[np.arange(len(bass)), (pitch - held.root[0]) % 12] > 0
    return float((inside & there).sum() / max(there.sum(), 1))


def calibration(right: np.ndarray, wrong: np.ndarray) -> float:
    """Mean distance between promised and found shares of right ones over ten bins, right and wrong equally heavy."""
    chance = 1 / (1 + np.exp(-np.concatenate([right, wrong])))
    is_right = np.concatenate([np.ones(len(right)), np.zeros(len(wrong))])
    weight = np.concatenate([np.full(len(right), 0.5 / len(right)), np.full(len(wrong), 0.5 / len(wrong))])
    bins = np.minimum((chance * 10).astype(int), 9)
    return float(sum(abs((weight * (chance - is_right))[bins == b].sum()) for b in range(10)))


def milliseconds(critic: Critic, songs: Songs, part: str, own: list[Window]) -> tuple[float, float]:
    """Median time of one candidate and of CANDIDATES, the bass read anew each time."""
    found = []
    for count in (1, CANDIDATES):
        times = []
        for call in range(CALLS):
            window = own[call % len(own)]
            partners = [songs.rows(window)] * count
            began = time.perf_counter()
            score(critic, songs, part, window, partners)
            times.append(time.perf_counter() - began)
        found.append(float(np.median(times)) * 1e3)
    return found[0], found[1]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bars", type=int, nargs="+", default=[2, 4], help="lengths of the windows")
    parser.add_argument("--per-song", type=int, default=24)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with data/ and band_score/")
    parser.add_argument("--weights", type=Path, default=None, help="path stem, default the shipped one")
    parser.add_argument("--no-record", action="store_true", help="do not append to results.jsonl")
    args = parser.parse_args(argv)
    critic = Critic.load(args.weights) if args.weights else Critic.load()
    songs = corpus.songs(args.shared)
    held, learned = Songs(s for s in songs if s.split == "test"), Songs(s for s in songs if s.split == "train")
    figures: dict[str, Any] = {"songs": len(held.songs)}
    print(f"{len(held.songs)} songs held out; AUC of the critic, share of windows it ranks right, AUC of the rule")
    for part in PARTS:
        common = commonest(part, learned)
        for bars in args.bars:
            rights, wrongs = [], []
            for trial in trials(held, part, common, bars, args.per_song):
                right, wrong = judged(critic, held, trial)
                pairs = list(zip(trial.windows, trial.right, trial.wrong, strict=True))
                simple = auc(
                    np.array([rule(part, held.bass(w), r) for w, r, _ in pairs]),
                    np.array([rule(part, held.bass(w), r) for w, _, r in pairs]),
                )
                key = f"{part}_{bars}bars_{trial.kind}"
                own, better = auc(right, wrong), float((right > wrong).mean())
                figures |= {f"{key}_auc": round(own, 3), f"{key}_better": round(better, 3)}
                figures[f"{key}_rule_auc"] = round(simple, 3)
                print(f"{part:8} {bars} bars {trial.kind:15} {own:.3f}  {better:.3f}  {simple:.3f}  n={len(right)}")
                rights.append(right)
                wrongs.append(wrong)
            error = calibration(np.concatenate(rights), np.concatenate(wrongs))
            own_windows = perturb.windows_of(held, part, bars, 1, np.random.default_rng(0))
            one, many = milliseconds(critic, held, part, own_windows)
            figures |= {f"{part}_{bars}bars_calibration_error": round(error, 3)}
            figures |= {f"{part}_{bars}bars_ms": round(one, 2), f"{part}_{bars}bars_{CANDIDATES}_ms": round(many, 2)}
            print(f"{part:8} {bars} bars calibration {error:.3f}, {one:.2f} ms, {CANDIDATES} candidates {many:.2f} ms")
    if not args.no_record:
        results.append("critic", "critic", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
