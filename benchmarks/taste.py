"""How fast a player's taste is learned: regret of what is proposed, and the error of the preferred dials, in
simulation.

`python -m benchmarks.taste [--runs 60] [--dry]`. Ideas: agent/memory/taste.py's Thompson sampling over the catalogue,
its memory written and read as between sessions, beside random, one idea for everybody (the most popular), UCB1 (Auer et
al. 2002), epsilon-greedy, and ours without forgetting. Regret: what the best idea at that time would have been welcome
more, summed. Dials: a player with a place for the dial in mind says "more" or "less" where it is too far off.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import matplotlib
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from agent.conversation.idea_catalogue import IDEAS
from agent.memory.taste import DAY_S, REWARD, Taste
from benchmarks import results
from benchmarks.taste_dials import AFTER, DIALS, Learned, dial_errors, dial_table

KINDS = tuple(idea.name for idea in IDEAS)
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "regret.png"
SESSIONS, PROPOSALS, APART_DAYS = 30, 8, 4.0
HALF_LIFE_DAYS = 30.0
MORE, IGNORED = 0.3, 0.5  # of the likes are "more like that"; of the rest only passed over
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Profile:
    """Welcome (0-1) of each idea: logit = level + popularity + spread * normal. drift_days: half-life of a liking."""

    level: float
    spread: float
    drift_days: float | None = None


PROFILES = {
    "broad": Profile(0.0, 1.0),
    "picky": Profile(-2.0, 1.5),
    "of strong likings": Profile(-0.5, 2.5),
    "drifting": Profile(-0.5, 2.0, 60.0),
}
POPULARITY = 0.7 * np.random.default_rng(1).standard_normal(len(KINDS))  # what most players share


class Player:
    """Judges what is proposed; a drifting one draws a liking anew now and then."""

    def __init__(self, profile: Profile, rng: np.random.Generator) -> None:
        self._profile, self._rng = profile, rng
        self.welcome: Floats = self._drawn()

    def _drawn(self) -> Floats:
        p = self._profile
        own = p.level + POPULARITY + p.spread * self._rng.standard_normal(len(KINDS))
        return np.asarray(1 / (1 + np.exp(-own)))

    def wait(self, days: float) -> None:
        if self._profile.drift_days:
            gone = self._rng.random(len(KINDS)) > 0.5 ** (days / self._profile.drift_days)
            self.welcome = np.where(gone, self._drawn(), self.welcome)

    def verdict(self, kind: int) -> str:
        if self._rng.random() < self.welcome[kind]:
            return "more" if self._rng.random() < MORE else "liked"
        return "ignored" if self._rng.random() < IGNORED else "disliked"


class Chooser(Protocol):
    def begin(self, now_s: float) -> None: ...
    def choose(self, rng: np.random.Generator) -> int: ...
    def judged(self, kind: int, verdict: str, now_s: float) -> None: ...


@dataclass
class Ours:
    """As in agent/conversation/proposals.py: draws from what the memory's verdicts say; half-life in days."""

    half_life_days: float = HALF_LIFE_DAYS
    rows: list[dict[str, object]] = field(default_factory=list)
    taste: Taste = field(default_factory=Taste)

    def begin(self, now_s: float) -> None:
        self.taste = Taste.of(self.rows, now_s, self.half_life_days)

    def choose(self, rng: np.random.Generator) -> int:
        drawn = self.taste.draw(KINDS, rng)
        return max(range(len(KINDS)), key=lambda i: drawn[KINDS[i]])

    def judged(self, kind: int, verdict: str, now_s: float) -> None:
        self.taste.judge(KINDS[kind], verdict)
        self.rows.append({"given_s": now_s, "verdict": verdict, "kind": KINDS[kind]})


@dataclass
class Counting:
    """score(mean reward, times tried, all tries, rng) says which idea comes."""

    score: Callable[[Floats, Floats, np.random.Generator], Floats]
    sums: Floats = field(default_factory=lambda: np.zeros(len(KINDS)))
    times: Floats = field(default_factory=lambda: np.zeros(len(KINDS)))

    def begin(self, now_s: float) -> None:
        pass

    def choose(self, rng: np.random.Generator) -> int:
        mean = np.where(self.times > 0, self.sums / np.maximum(self.times, 1), 1.0)
        return int(np.argmax(self.score(mean, self.times, rng) + 1e-9 * rng.random(len(KINDS))))

    def judged(self, kind: int, verdict: str, now_s: float) -> None:
        self.sums[kind] += REWARD[verdict]
        self.times[kind] += 1


def _ucb(mean: Floats, times: Floats, rng: np.random.Generator) -> Floats:
    return np.asarray(mean + np.sqrt(2 * math.log(times.sum() + 1) / np.maximum(times, 1e-3)))


def _greedy(mean: Floats, times: Floats, rng: np.random.Generator) -> Floats:
    return rng.random(len(KINDS)) if rng.random() < 0.1 else mean


CHOOSERS: dict[str, Callable[[], Chooser]] = {
    "ours (Thompson, half-life 30 days)": Ours,
    "ours, half-life 90 days": lambda: Ours(90.0),
    "ours without forgetting": lambda: Ours(1e9),
    "UCB1": lambda: Counting(_ucb),
    "epsilon-greedy, 0.1": lambda: Counting(_greedy),
    "one for all (most popular)": lambda: Counting(lambda mean, times, rng: POPULARITY),
    "random": lambda: Counting(lambda mean, times, rng: rng.random(len(KINDS))),
}


def regret(make: Callable[[], Chooser], profile: Profile, seed: int) -> Floats:
    """[SESSIONS * PROPOSALS]: summed regret after each proposal. The same seed is the same player."""
    player, rng, chooser, lost = (
        Player(profile, np.random.default_rng(seed)),
        np.random.default_rng((seed, 1)),
        make(),
        [],
    )
    for session in range(SESSIONS):
        now_s = session * APART_DAYS * DAY_S
        chooser.begin(now_s)
        for _ in range(PROPOSALS):
            kind = chooser.choose(rng)
            lost.append(float(player.welcome.max() - player.welcome[kind]))
            chooser.judged(kind, player.verdict(kind), now_s)
        player.wait(APART_DAYS)
    return np.cumsum(lost)


# -- report ---------------------------------------------------------------------------------------------------


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=60)
    options.add_argument("--dry", action="store_true", help="do not append to results.jsonl, draw nothing")
    given = options.parse_args()
    curves = {
        name: {who: np.array([regret(make, p, seed) for seed in range(given.runs)]) for who, p in PROFILES.items()}
        for name, make in CHOOSERS.items()
    }
    Console().print(regret_table(curves))
    learned: dict[str, Sequence[Learned]] = {
        name: [dial_errors(make, seed) for seed in range(10 * given.runs)] for name, make in DIALS.items()
    }
    Console().print(dial_table(learned))
    if given.dry:
        return
    for name, found in curves.items():
        results.append("taste", name, {f"regret {who}": round(float(c[:, -1].mean()), 2) for who, c in found.items()})
    for name, runs in learned.items():
        errors = np.mean([e for e, _ in runs], 0)
        results.append("taste", f"dial: {name}", {f"error_after_{n}": round(float(errors[n]), 4) for n in AFTER})
    draw(PICTURE, curves)


def regret_table(curves: dict[str, dict[str, Floats]]) -> Table:
    runs = len(next(iter(next(iter(curves.values())).values())))
    title = f"Regret after {SESSIONS} sessions of {PROPOSALS} proposals"
    out = Table(title=f"{title} (mean of {runs} players ± its standard error; the last 80)")
    for name in ("", *PROFILES):
        out.add_column(name, justify="right" if name else "left")
    for name, found in curves.items():
        cells = []
        for who in PROFILES:
            ends = found[who][:, -1]
            late = ends - found[who][:, -81]
            cells.append(f"{ends.mean():.1f} ± {ends.std() / math.sqrt(runs):.1f} ({late.mean():.1f})")
        out.add_row(name, *cells)
    return out


def draw(path: Path, curves: dict[str, dict[str, Floats]]) -> None:
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(PROFILES), figsize=(15, 3.8), constrained_layout=True)
    for axis, who in zip(axes, PROFILES, strict=True):
        for name, found in curves.items():
            axis.plot(found[who].mean(0), label=name, linewidth=2.2 if name.startswith("ours (") else 1.2)
        axis.set_title(
            f"a player who is {who}" if who != "of strong likings" else "a player of strong likings", fontsize=9
        )
        axis.set_xlabel("proposals")
    axes[0].set_ylabel("regret (likes missed)")
    axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
