"""`Proposer` chooses at most one idea after a phrase, with a sentence that says why and the take that plays it.

An idea's score is a sum of: how well it fits what was heard, how welcome such ideas are to this player (drawn from the
posterior), how new it is in this session, how likely the responder finds the take, and how near its information per
tick comes to the surprise aimed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agent.conversation.idea_catalogue import BY_NAME, IDEAS, Idea, RiffFacts, odd_meter
from agent.directions.active import ActiveEdits
from agent.directions.edit import Edit
from agent.memory.taste import Taste
from agent.takes.sketcher import Sketcher
from agent.takes.take import Take
from models.music.tokens import EMPTY_REPLY, BassTick, TickInput
from models.responder.responder import Responder

WEIGHTS = {"fit": 1.0, "taste": 0.9, "novelty": 0.8, "likelihood": 0.4, "surprise": 0.6, "kin": 2.0}
RENDERED = 4  # ideas that are tried out, the best by what costs nothing
TARGET_BITS = 0.6  # more information a tick than the take before, where nothing else is asked
WORTH = 1.2  # score from which an idea is proposed
COMPLEX = frozenset({"odd bar", "polyrhythm", "metric modulation", "displacement"})
TIRED = 0.5  # what is taken from those when the session has been long


@dataclass(frozen=True, slots=True)
class Proposal:
    """An idea and the take that plays it. says: the whole line; scores: of each term, and the weighted "total"."""

    idea: str
    edits: tuple[Edit, ...]
    says: str
    take: Take
    scores: dict[str, float]


@dataclass
class Proposer:
    """Chooses ideas by fit and taste. quiet: propose nothing unasked; said: ideas of this session, in order."""

    sketcher: Sketcher
    taste: Taste
    seed: int = 0
    quiet: bool = False
    target_bits: float = TARGET_BITS
    _said: tuple[str, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        return self._said

    def propose(
        self, heard: RiffFacts, take: Take, asked: bool = False, tired: bool = False, like: str = ""
    ) -> Proposal | None:
        """Return the best idea; None when none is worth it or the player asked for quiet. like: an idea of whose kind
        another is wanted."""
        if self.quiet and not asked:
            return None
        rng = np.random.default_rng((self.seed, len(self._said)))
        names = [idea.name for idea in IDEAS]
        known = bool(self.taste.arms) or bool(self._said)  # to somebody new the first word is what fits best
        welcome = self.taste.draw(names, rng) if known else {name: self.taste.mean(name) for name in names}
        cheap = {
            idea.name: cheap_scores(
                idea, heard, take.active_edits, welcome[idea.name], self._said.count(idea.name), tired
            )
            for idea in IDEAS
        }
        for idea in IDEAS:
            if like and idea.kin == BY_NAME[like].kin and idea.name != like:
                cheap[idea.name]["kin"] = 1.0
        first = sorted(IDEAS, key=lambda idea: -_total(cheap[idea.name]))[:RENDERED]
        base = bits_per_tick(self.sketcher.responder, take)
        tried = [self._tried(idea, heard, take, cheap[idea.name], base) for idea in first]
        best = max(tried, key=lambda one: one.scores["total"])
        if best.scores["total"] < WORTH and not asked:
            return None
        self._said = (*self._said, best.idea)
        return best

    def judge(self, idea: str, verdict: str) -> None:
        """Learn from a verdict (liked, disliked, more, ignored) on an idea."""
        self.taste.judge(idea, verdict)

    def _tried(self, idea: Idea, heard: RiffFacts, take: Take, cheap: dict[str, float], base: float) -> Proposal:
        edits = idea.made(heard)
        played = self.sketcher.imagine(take, edits)
        more = bits_per_tick(self.sketcher.responder, played) - base
        scores = {
            **cheap,
            "likelihood": float(np.exp(-max(more, 0.0))),
            "surprise": float(np.exp(-(((more - self.target_bits) / 1.0) ** 2))),
        }
        scores["total"] = _total(scores)
        return Proposal(idea.name, edits, sentence(idea, heard, not self._said), played, scores)


def cheap_scores(
    idea: Idea, heard: RiffFacts, active: ActiveEdits, welcome: float, times: int, tired: bool
) -> dict[str, float]:
    """Return the scores of an idea that need no rendering. times: how often it was proposed in this session."""
    already = {(one.edit.dimension, one.edit.value) for one in active.asked}
    stands = any((edit.dimension, edit.value) in already for edit in idea.made(heard))
    fit = idea.fits(heard) - TIRED * (tired and idea.name in COMPLEX) - 2.0 * stands
    return {"fit": fit, "taste": welcome, "novelty": 0.5**times}


def _total(scores: dict[str, float]) -> float:
    return sum(WEIGHTS[name] * value for name, value in scores.items())


def sentence(idea: Idea, heard: RiffFacts, greets: bool = True) -> str:
    """Return the sentence that proposes an idea, such as 'Strong hook. What if we put a 7/8 bar in bar three? It
    surprises without breaking the feel.' greets: whether to begin with what was heard."""
    numbers = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight")
    third = max(heard.bars - 1, 1)
    words = {
        "odd": odd_meter(heard.meter),
        "third": numbers[third] if third < len(numbers) else third,
        "span": heard.span,
    }
    first = (describe(heard),) if greets else ()
    return " ".join((*first, idea.says.format(**words), idea.why.format(**words)))


def describe(heard: RiffFacts) -> str:
    """Return one short sentence on the most striking thing about what was heard."""
    if heard.returns_days is not None:
        return "I know that one." if heard.returns_days > 0.5 else "There it is again."
    if heard.hook:
        return "Strong hook."
    if str(heard.meter) not in ("4/4", "3/4"):
        return f"A {heard.meter} line."
    if heard.behind_s > 0.012:
        return f"You sit {1000 * heard.behind_s:.0f} ms behind: good."
    if heard.offbeat > 0.5:
        return "All off the beat, I like that."
    if heard.closes is False:
        return "That ends like a question."
    return (
        "Busy line." if heard.per_beat > 2.5 else "Plenty of space in that." if heard.per_beat < 1.0 else "Solid line."
    )


def bits_per_tick(responder: Responder, take: Take, ticks: int = 64) -> float:
    """Return the mean information of the take's first ticks, in bits a tick, by the responder without dials."""
    state, bass, reply, bits = responder.initial_state(), BassTick(True), EMPTY_REPLY, 0.0
    played = take.played[:ticks]
    for moment in played:
        state = responder.step(TickInput(moment.place, bass, None, reply), state)
        bits += responder.information(state, moment.reply)
        bass, reply = moment.bass, moment.reply
    return bits / max(len(played), 1)


def heard_of(
    take: Take, behind_s: float = 0.0, returns_days: float | None = None, closes: bool | None = None
) -> RiffFacts:
    """Return the facts of a take's riff, from which ideas are chosen."""
    bars = take.riff.bars
    onsets = [{t: b.onset_pitch for t, b in enumerate(bar.basses) if b.onset_pitch is not None} for bar in bars]
    flat: Sequence[int] = [pitch for bar in onsets for pitch in bar.values()]
    beats = sum(bar.meter.numerator * 4 / bar.meter.denominator for bar in bars)
    off = [tick for bar in onsets for tick in bar if tick % 4]
    alike = [len(set(a) & set(b)) / max(len(set(a) | set(b)), 1) for a, b in pairwise(onsets)]
    similar = float(np.mean(alike)) if alike else 0.0
    return RiffFacts(
        bars=len(bars),
        meter=take.riff.meter,
        tempo_bpm=take.riff.tempo_bpm,
        similar=similar,
        per_beat=len(flat) / max(beats, 1),
        offbeat=len(off) / max(len(flat), 1),
        span=max(flat, default=0) - min(flat, default=0),
        pitches=len({pitch % 12 for pitch in flat}),
        behind_s=behind_s,
        closes=closes,
        hook=similar > 0.6 and len(bars) >= 2,
        mode=take.riff.key.mode,
        returns_days=returns_days,
    )
