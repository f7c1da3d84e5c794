"""`Taste` learns from verdicts what a player likes: which ideas are welcome, and where each dial belongs.

Ideas are the arms of a Bernoulli bandit, chosen by Thompson sampling (Thompson 1933; Chapelle & Li, An empirical
evaluation of Thompson sampling, NIPS 2011). Dials have a Gaussian posterior each, for every style: "more" means that it
belongs above where it stands (a probit comparison with moments matched: Herbrich, Minka & Graepel, TrueSkill, NIPS
2006), and one left alone that it belongs there. Old verdicts weigh less: half for every half-life.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from agent.directions.edit import Edit
from agent.memory.schema import JudgedRow
from agent.memory.store import Memory, edits_of

DAY_S = 86_400.0
REWARD = {"liked": 1.0, "more": 1.0, "ignored": 0.35, "disliked": 0.0}
WEIGHT = {"liked": 1.0, "more": 1.5, "ignored": 0.4, "disliked": 1.0}
PRIOR = (1.0, 1.0)  # of Beta: nothing known
PRIOR_COUNT = 2.0  # verdicts that it counts for
SHARP = 4.0
DIAL_PRIOR, DIAL_SPREAD, DIAL_NOISE = 0.5, 0.28, 0.12  # mean, standard deviations of the prior and of one request
LEFT_NOISE = 0.2  # of a dial that was left where it stood
OFF = 0.25  # "off" means that a dial belongs below this, wherever it stands
DIAL_OF = {
    "density": "density",
    "dissonance": "tension",
    "resolution": "resolution",
    "syncopation": "syncopation",
    "intensity": "intensity",
    "register": "register",
}
WAYS = {"more": 1, "on": 1, "less": -1, "off": -1}
ASKED_WEIGHT = 0.6  # of an edit that was asked for, beside 1 for one that was praised
HALF_LIFE_DAYS = 30.0  # after which an old verdict weighs half, where no setting says otherwise
NO_WEIGHT = 1e-9  # of verdicts, below which there is none
SURE = 0.195  # standard deviation below which a preference is acted on unasked


@dataclass(frozen=True, slots=True)
class Preference:
    """Where a dial belongs for a player. mean, deviation: of the posterior; count: requests, old ones weighing less."""

    mean: float = DIAL_PRIOR
    deviation: float = DIAL_SPREAD
    count: float = 0.0

    def beyond(self, stands: float, way: int, weight: float) -> Preference:
        """Return the preference after a request: the dial belongs above (way 1) or below (way -1) `stands`."""
        variance = self.deviation**2
        spread = math.sqrt(variance + DIAL_NOISE**2 / max(weight, 1e-6))
        t = way * (self.mean - stands) / spread
        push = _pushed(t)
        mean = self.mean + way * variance / spread * push
        left = variance * (1 - variance / spread**2 * push * (push + t))
        return Preference(min(max(mean, 0.0), 1.0), math.sqrt(left), self.count + weight)

    def at(self, stands: float, weight: float) -> Preference:
        """Return the preference after the dial was left at `stands` (conjugate update of a Gaussian mean, its variance
        known)."""
        before, noise = 1 / self.deviation**2, weight / LEFT_NOISE**2
        mean = (before * self.mean + noise * stands) / (before + noise)
        return Preference(mean, (before + noise) ** -0.5, self.count + weight)

    @property
    def sure(self) -> bool:
        return self.deviation < SURE


Wishes: TypeAlias = dict[tuple[str, str], Preference]  # by style and dial


@dataclass
class Taste:
    """A player's taste. arms: idea -> weights of (liked, not liked) verdicts; dials: (style, dial) -> Preference.

    grooves: kicks and snares of a groove -> weights of verdicts, as of ideas.
    """

    arms: dict[str, tuple[float, float]] = field(default_factory=dict)
    dials: dict[tuple[str, str], Preference] = field(default_factory=dict)
    grooves: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, verdicts: Iterable[JudgedRow], now_s: float, half_life_days: float = HALF_LIFE_DAYS) -> Taste:
        """Return the taste that the rows of Memory.verdicts show. now_s: wall-clock seconds."""
        taste = cls()
        for row in verdicts:
            weight = weight_of(row["given_s"], now_s, half_life_days)
            taste.judge(row.get("kind") or "", row["verdict"], weight)
            if row["verdict"] in ("liked", "more") and row.get("edits"):
                taste.wish(edits_of(row["edits"]), weight)
        return taste

    def judge(self, kind: str, verdict: str, weight: float = 1.0) -> None:
        """Learn from one verdict on an idea. verdict: a key of REWARD; others are ignored."""
        if not kind or verdict not in REWARD:
            return
        _weigh(self.arms, kind, verdict, weight)

    def judge_groove(self, pattern: str, verdict: str, weight: float = 1.0) -> None:
        """Learn from a verdict, liked or disliked, on a groove of these kicks and snares."""
        _weigh(self.grooves, pattern, verdict, weight)

    def take_back_groove(self, pattern: str, verdict: str) -> None:
        """Unlearn a verdict on a groove that was given in this session."""
        _weigh(self.grooves, pattern, verdict, -1.0)
        if sum(self.grooves[pattern]) < NO_WEIGHT:
            del self.grooves[pattern]

    def liking(self) -> dict[str, float]:
        """Return -1 (not at all) to 1 for each groove that was judged; one verdict is half of that."""
        return {pattern: (yes - no) / (1 + yes + no) for pattern, (yes, no) in self.grooves.items()}

    def wish(
        self, edits: Sequence[Edit], weight: float = 1.0, style: str = "", stood: Mapping[str, float] | None = None
    ) -> None:
        """Learn where dials belong from edits that were asked for or liked.

        stood: where the dials stood then, 0 to 1; those not given are taken to stand as the band began.
        """
        for edit in edits:
            dial, way = DIAL_OF.get(edit.dimension), WAYS.get(edit.change, 0)
            if dial and way and edit.condition in (None, "", "gradual"):
                stands = OFF if edit.change == "off" else (stood or {}).get(dial, self._began(dial, style))
                self.dials[style, dial] = self._dial(dial, style).beyond(stands, way, weight)

    def wishes(self) -> Wishes:
        """Return what is known of where dials belong, to go back to by forget_wishes()."""
        return dict(self.dials)

    def forget_wishes(self, before: Wishes) -> None:
        """Go back to what was known then: what was asked for since was taken back."""
        self.dials = dict(before)

    def left(self, stood: Mapping[str, float], weight: float = 1.0, style: str = "") -> None:
        """Learn from where dials stood at the end of a session without a word against it."""
        for dial, stands in stood.items():
            self.dials[style, dial] = self._dial(dial, style).at(stands, weight)

    def _dial(self, dial: str, style: str) -> Preference:
        return self.dials.get((style, dial), Preference())

    def _began(self, dial: str, style: str) -> float:
        return self.preferred(style).get(dial, DIAL_PRIOR)

    def preferred(self, style: str = "") -> dict[str, float]:
        """Return the dials to begin with unasked: those known well enough, of this style, else of any."""
        found = {dial: one for (of, dial), one in self.dials.items() if of == "" and one.sure}
        found |= {dial: one for (of, dial), one in self.dials.items() if of == style and one.sure}
        return {dial: round(one.mean, 3) for dial, one in found.items()}

    def draw(self, kinds: Sequence[str], rng: np.random.Generator) -> dict[str, float]:
        """Return for each idea a likelihood of being welcome, drawn from its posterior.

        The posterior is sharpened by SHARP to explore less (section 4.2 of Chapelle & Li).
        """
        posteriors = {kind: self._posterior(kind) for kind in kinds}
        return {kind: float(rng.beta(SHARP * a, SHARP * b)) for kind, (a, b) in posteriors.items()}

    def mean(self, kind: str) -> float:
        a, b = self._posterior(kind)
        return a / (a + b)

    def _posterior(self, kind: str) -> tuple[float, float]:
        """Return Beta's (a, b) of an idea; the prior is how welcome this player finds any idea (empirical Bayes)."""
        liked, not_liked = self.arms.get(kind, (0.0, 0.0))
        a = PRIOR[0] + sum(yes for yes, _ in self.arms.values())
        b = PRIOR[1] + sum(no for _, no in self.arms.values())
        return PRIOR_COUNT * a / (a + b) + liked, PRIOR_COUNT * b / (a + b) + not_liked


def weight_of(given_s: float, now_s: float, half_life_days: float) -> float:
    """Return what a verdict weighs now: 1 for a new one, half for every half-life. Times: wall-clock seconds."""
    return math.pow(0.5, max(now_s - given_s, 0.0) / DAY_S / half_life_days)


def taste_of(memory: Memory, player_id: int, now_s: float, half_life_days: float = HALF_LIFE_DAYS) -> Taste:
    """Return all that a memory says of a player's taste: verdicts on ideas and on grooves, and what was asked for and
    not undone."""
    taste = Taste.of(memory.verdicts(player_id), now_s, half_life_days)
    for row in memory.grooves(player_id):
        if row["verdict"] in REWARD:
            taste.judge_groove(row["pattern"], row["verdict"], weight_of(row["given_s"], now_s, half_life_days))
    for session in memory.sessions(player_id):
        for one in memory.directions(session["id"]):
            taste.wish(one.edits, ASKED_WEIGHT * weight_of(one.at_s, now_s, half_life_days))
    return taste


def declined_grooves(memory: Memory, player_id: int) -> frozenset[str]:
    """Return the names of the grooves that a player disliked, where that is the last they said of them."""
    last = {row["name"]: row["verdict"] for row in memory.grooves(player_id)}
    return frozenset(name for name, verdict in last.items() if verdict == "disliked")


def _weigh(arms: dict[str, tuple[float, float]], name: str, verdict: str, weight: float) -> None:
    """Add a verdict to the weights (liked, not liked) of one arm."""
    liked, not_liked = arms.get(name, (0.0, 0.0))
    amount, reward = weight * WEIGHT[verdict], REWARD[verdict]
    arms[name] = (liked + amount * reward, not_liked + amount * (1 - reward))


def _pushed(t: float) -> float:
    """Return the normal density over its distribution function at t: how surprising a request is."""
    below = 0.5 * math.erfc(-t / math.sqrt(2))
    return math.exp(-t * t / 2) / math.sqrt(2 * math.pi) / below if below > 1e-12 else -t
