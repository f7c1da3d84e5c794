"""What a player likes, learned from verdicts: which ideas are welcome, and where each dial belongs.

Ideas are the arms of a Bernoulli bandit, chosen by Thompson sampling (Thompson 1933; Chapelle & Li, An empirical
evaluation of Thompson sampling, NIPS 2011). Dials have a Gaussian posterior each, for every style. Old verdicts weigh
less: half for every half-life.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.edits import Edit

DAY_S = 86_400.0
REWARD = {"liked": 1.0, "more": 1.0, "ignored": 0.35, "disliked": 0.0}
WEIGHT = {"liked": 1.0, "more": 1.5, "ignored": 0.4, "disliked": 1.0}
PRIOR = (1.0, 1.0)  # of Beta: nothing known
DIAL_PRIOR, DIAL_SPREAD, DIAL_NOISE = 0.5, 0.28, 0.2  # mean, standard deviations of the prior and of one wish
WISH = 0.25  # how far from the middle a wish for more or less lies
DIAL_OF = {
    "density": "density",
    "dissonance": "tension",
    "resolution": "resolution",
    "syncopation": "syncopation",
    "intensity": "intensity",
    "register": "register",
}
SURE = 0.17  # standard deviation below which a preference is acted on unasked


@dataclass(frozen=True, slots=True)
class Preference:
    """Where a dial belongs for a player: mean and standard deviation, from `wishes` (fewer the older they are)."""

    mean: float = DIAL_PRIOR
    deviation: float = DIAL_SPREAD
    wishes: float = 0.0

    def after(self, value: float, weight: float) -> Preference:
        """With one more wish (conjugate update of a Gaussian mean, its variance known)."""
        before, noise = 1 / self.deviation**2, weight / DIAL_NOISE**2
        mean = (before * self.mean + noise * value) / (before + noise)
        return Preference(mean, (before + noise) ** -0.5, self.wishes + weight)

    @property
    def sure(self) -> bool:
        return self.deviation < SURE


@dataclass
class Taste:
    """arms: idea -> (liked, not liked) beside the prior. dials: (style, dial) -> Preference."""

    arms: dict[str, tuple[float, float]] = field(default_factory=dict)
    dials: dict[tuple[str, str], Preference] = field(default_factory=dict)

    @classmethod
    def of(cls, verdicts: Iterable[Mapping[str, object]], now_s: float, half_life_days: float = 30.0) -> Taste:
        """From Memory.verdicts: given_s, verdict, kind and edits of the proposal or direction it was on."""
        taste = cls()
        for row in verdicts:
            age_days = max(now_s - float(str(row["given_s"])), 0.0) / DAY_S
            taste.judge(str(row.get("kind") or ""), str(row["verdict"]), 0.5 ** (age_days / half_life_days))
            if row["verdict"] in ("liked", "more") and row.get("edits"):
                edits = [Edit.from_json(one) for one in json.loads(str(row["edits"]))]
                taste.wish(edits, 0.5 ** (age_days / half_life_days))
        return taste

    def judge(self, kind: str, verdict: str, weight: float = 1.0) -> None:
        """One verdict on an idea."""
        if not kind or verdict not in REWARD:
            return
        liked, not_liked = self.arms.get(kind, (0.0, 0.0))
        amount, reward = weight * WEIGHT[verdict], REWARD[verdict]
        self.arms[kind] = (liked + amount * reward, not_liked + amount * (1 - reward))

    def wish(self, edits: Sequence[Edit], weight: float = 1.0, style: str = "") -> None:
        """What was asked for, or liked, says where the dials belong."""
        for edit in edits:
            dial, way = DIAL_OF.get(edit.dimension), _way(edit)
            if dial and way:
                now = self.dials.get((style, dial), Preference())
                self.dials[style, dial] = now.after(min(max(DIAL_PRIOR + way * WISH, 0.0), 1.0), weight)

    def preferred(self, style: str = "") -> dict[str, float]:
        """Dials to begin with unasked: those that are sure, of this style, else of any."""
        found = {dial: one for (of, dial), one in self.dials.items() if of == "" and one.sure}
        found |= {dial: one for (of, dial), one in self.dials.items() if of == style and one.sure}
        return {dial: round(one.mean, 3) for dial, one in found.items()}

    def draw(self, kinds: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
        """A likelihood of being welcome for each idea, drawn from its posterior."""
        return {kind: float(rng.beta(*self._posterior(kind))) for kind in kinds}

    def mean(self, kind: str) -> float:
        a, b = self._posterior(kind)
        return a / (a + b)

    def _posterior(self, kind: str) -> tuple[float, float]:
        liked, not_liked = self.arms.get(kind, (0.0, 0.0))
        return PRIOR[0] + liked, PRIOR[1] + not_liked


def _way(edit: Edit) -> int:
    """1 up, -1 down, 0 neither."""
    if edit.condition and edit.condition != "gradual":
        return 0
    return {"more": 1, "on": 1, "less": -1, "off": -2}.get(edit.change, 0)
