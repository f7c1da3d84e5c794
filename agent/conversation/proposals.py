"""`Proposer` chooses at most one idea after a phrase, with a sentence that says why, true of what was heard.

An idea's score is a sum of: how well it fits what was heard, how welcome such ideas are to this player (drawn from the
posterior), how new it is in this session, how likely the responder finds what would be played, and how near its
information per tick comes to the surprise aimed at. Where the responder is not at hand the share of strokes that would
differ stands for the last two. To somebody of whom no verdict is known nothing is drawn: what fits best is said, and
the rest decides between ideas that fit alike. No two ideas of one kind come in a row while there are others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from agent.conversation.idea_catalogue import BY_NAME, IDEAS, Idea, RiffFacts, odd_meter
from agent.conversation.stage import Stage, Tried
from agent.directions.edit import Edit
from agent.language.normalise import ONES
from agent.memory.session_time import gap
from agent.memory.taste import DAY_S, Taste
from agent.takes.riff import Riff
from listener.types import Meter

WEIGHTS = {"fit": 1.0, "taste": 0.9, "novelty": 0.8, "likelihood": 0.4, "surprise": 0.6, "kin": 2.0}
RENDERED = 4  # ideas that are tried out, the best by what costs nothing
TARGET_BITS = 0.6  # more information a tick than the take before, where nothing else is asked
TARGET_SHARE, SHARE_SPREAD = 0.25, 0.25  # of strokes that differ, likewise
WORTH = 1.2  # score from which an idea is proposed
COMPLEX = frozenset({"odd bar", "polyrhythm", "metric modulation", "displacement"})
DECLINED = -2.0  # novelty of an idea that was declined in this session
TIRED = 0.5  # what is taken from those when the session has been long
HOOK = 0.6  # likeness of the bars, note for note, from which something keeps coming back


@dataclass(frozen=True, slots=True)
class Proposal:
    """An idea. says: the whole line; scores: of each term, and the weighted "total"."""

    idea: str
    edits: tuple[Edit, ...]
    says: str
    scores: dict[str, float]


@dataclass
class Proposer:
    """Chooses ideas by fit and taste. quiet: propose nothing unasked; said: ideas of this session, in order."""

    stage: Stage
    taste: Taste
    seed: int = 0
    quiet: bool = False
    target_bits: float = TARGET_BITS
    _said: tuple[str, ...] = ()
    _declined: frozenset[str] = frozenset()  # in this session

    @property
    def said(self) -> tuple[str, ...]:
        return self._said

    def propose(self, heard: RiffFacts, asked: bool = False, tired: bool = False, like: str = "") -> Proposal | None:
        """Return the best idea; None when none is worth it or the player asked for quiet. like: an idea of whose kind
        another is wanted."""
        found = self.choose(heard, asked, tired, like)
        if found:
            self.take(found)
        return found

    def take(self, proposal: Proposal) -> None:
        """Count an idea as proposed."""
        self._said = (*self._said, proposal.idea)

    def choose(self, heard: RiffFacts, asked: bool = False, tired: bool = False, like: str = "") -> Proposal | None:
        """As `propose`, without counting it. It changes nothing, so that it may run beside the conversation."""
        if self.quiet and not asked:
            return None
        rng = np.random.default_rng((self.seed, len(self._said)))
        can = [idea for idea in IDEAS if idea.fits(heard) > 0 and self._possible(idea.made(heard))]
        names = [idea.name for idea in can]
        known = bool(self.taste.arms)
        welcome = self.taste.draw(names, rng) if known else {name: self.taste.mean(name) for name in names}
        stands = self.stage.facts().stands
        cheap = {
            idea.name: cheap_scores(idea, heard, stands, welcome[idea.name], self._novelty(idea.name), tired)
            for idea in can
        }
        for idea in can:
            if like and idea.kin == BY_NAME[like].kin and idea.name != like:
                cheap[idea.name]["kin"] = 1.0
        can = self._other_kinds(can, like)
        first = sorted(can, key=lambda idea: self._rank(cheap[idea.name]), reverse=True)[:RENDERED]
        tried = [self._tried(idea, heard, cheap[idea.name]) for idea in first]
        worth = [one for one in tried if asked or one.scores["total"] >= WORTH]
        return max(worth, key=lambda one: self._rank(one.scores), default=None)

    def _rank(self, scores: Mapping[str, float]) -> tuple[float, float]:
        """Return what ideas are ranked by: all that speaks for one; as long as no verdict is known, first how well it
        fits, how new it is and whether such a one is wanted, to a tenth."""
        fits = sum(WEIGHTS[name] * scores.get(name, 0.0) for name in ("fit", "novelty", "kin"))
        return 0.0 if self.taste.arms else round(fits, 1), _total(scores)

    def _other_kinds(self, ideas: list[Idea], like: str) -> list[Idea]:
        """Return the ideas of another kind than the last one said; all where there are no others, or more like it are
        wanted."""
        kin = BY_NAME[self._said[-1]].kin if self._said and not like else ""
        return [idea for idea in ideas if idea.kin != kin] or ideas

    def _possible(self, edits: Sequence[Edit]) -> bool:
        return all(self.stage.can(edit) is None for edit in edits)

    def _novelty(self, idea: str) -> float:
        return DECLINED if idea in self._declined else 0.5 ** self._said.count(idea)

    def judge(self, idea: str, verdict: str) -> None:
        """Learn from a verdict (liked, disliked, more, ignored) on an idea.

        One that is declined is not offered again in this session while there are others.
        """
        self.taste.judge(idea, verdict)
        if verdict == "disliked":
            self._declined |= {idea}

    def _tried(self, idea: Idea, heard: RiffFacts, cheap: dict[str, float]) -> Proposal:
        edits = idea.made(heard)
        scores = {**cheap, **self._surprise(self.stage.imagine(edits))}
        scores["total"] = _total(scores)
        return Proposal(idea.name, edits, sentence(idea, heard, not self._said), scores)

    def _surprise(self, tried: Tried) -> dict[str, float]:
        if tried.bits is None:
            near = float(np.exp(-(((tried.share - TARGET_SHARE) / SHARE_SPREAD) ** 2)))
            return {"likelihood": 1.0 - tried.share if tried.share else 0.0, "surprise": near if tried.share else 0.0}
        return {
            "likelihood": float(np.exp(-max(tried.bits, 0.0))),
            "surprise": float(np.exp(-(((tried.bits - self.target_bits) / 1.0) ** 2))),
        }


def cheap_scores(
    idea: Idea, heard: RiffFacts, stands_now: Sequence[Edit], welcome: float, novelty: float, tired: bool
) -> dict[str, float]:
    """Return the scores of an idea that need no rendering. novelty: in this session, 1 for a new one."""
    already = {(edit.dimension, edit.value) for edit in stands_now}
    stands = any((edit.dimension, edit.value) in already for edit in idea.made(heard))
    fit = idea.fits(heard) - TIRED * (tired and idea.name in COMPLEX) - 2.0 * stands
    return {"fit": fit, "taste": welcome, "novelty": novelty}


def _total(scores: Mapping[str, float]) -> float:
    return sum(WEIGHTS[name] * value for name, value in scores.items() if name in WEIGHTS)


def sentence(idea: Idea, heard: RiffFacts, greets: bool = True) -> str:
    """Return the sentence that proposes an idea, such as 'Strong hook. What if we put a 7/8 bar in bar three? It
    surprises without breaking the feel.' greets: whether to begin with what was heard."""
    third = max(heard.bars - 1, 1)
    words = {
        "odd": odd_meter(heard.meter),
        "third": ONES[third] if third < len(ONES) else third,
        "span": heard.span,
        "ago": gap((heard.returns_days or 0.0) * DAY_S),
    }
    first = (describe(heard),) if greets else ()
    return " ".join((*first, idea.says.format(**words), idea.reason(heard).format(**words)))


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
    if heard.walks:
        return "A walking line."
    if heard.per_beat > 2.5:
        return "Busy line."
    return (
        "Plenty of space in that." if heard.per_beat < 1.0 else "Steady line." if heard.pitches < 3 else "Solid line."
    )


def heard_of(riff: Riff, returns_days: float | None = None, closes: bool | None = None) -> RiffFacts:
    """Return the facts of a riff, from which ideas are chosen."""
    onsets = [{t: b.onset_pitch for t, b in enumerate(bar.basses) if b.onset_pitch is not None} for bar in riff.bars]
    return facts_of(
        onsets, riff.meter, riff.tempo_bpm, riff.behind_s, riff.key.mode, returns_days=returns_days, closes=closes
    )


def facts_of(
    bars: Sequence[Mapping[int, int]],
    meter: Meter,
    tempo_bpm: float,
    behind_s: float = 0.0,
    mode: str = "min",
    form: int = 0,
    returns_days: float | None = None,
    closes: bool | None = None,
) -> RiffFacts:
    """Return the facts of bars of bass. bars: tick -> pitch of each onset, a mapping a bar; form: how many there are
    until it comes round, 0 = these."""
    flat = [pitch for bar in bars for pitch in bar.values()]
    ticks = [tick for bar in bars for tick in bar]
    beats = len(bars) * meter.numerator * 4 / meter.denominator
    alike = [len(set(a) & set(b)) / max(len(set(a) | set(b)), 1) for a, b in pairwise(bars)]
    similar = float(np.mean(alike)) if alike else 0.0
    return RiffFacts(
        bars=form or len(bars),
        meter=meter,
        tempo_bpm=tempo_bpm,
        similar=similar,
        per_beat=len(flat) / max(beats, 1),
        offbeat=sum(tick % 4 != 0 for tick in ticks) / max(len(flat), 1),
        span=max(flat, default=0) - min(flat, default=0),
        pitches=len({pitch % 12 for pitch in flat}),
        behind_s=behind_s,
        closes=closes,
        hook=_returns(bars) > HOOK,
        walks=_walks(bars, beats),
        mode=mode,
        returns_days=returns_days,
    )


def _returns(bars: Sequence[Mapping[int, int]]) -> float:
    """Return how much of what is played comes back note for note, in any key, 0 to 1; what a hook would be: bars of
    more than one pitch, and more than a stroke on each beat."""
    played = [bar for bar in bars if bar]
    if len(played) < 2 or not any(tick % 4 for bar in bars for tick in bar) or all(len(bar) < 3 for bar in played):
        return 0.0
    near = [
        max(_likeness(one, other) for at, other in enumerate(played) if at != here) for here, one in enumerate(played)
    ]
    return float(np.mean(near))


def _likeness(one: Mapping[int, int], other: Mapping[int, int]) -> float:
    """Return the share of the notes of two bars that are the same, to a 16th, as the ears place them, and moved as a
    whole to where most are; none of a bar of one pitch, which has no shape to know again."""
    if len(set(one.values())) < 2 or len(set(other.values())) < 2:
        return 0.0
    near = {tick: [at for at in (tick, tick - 1, tick + 1) if at in other] for tick in sorted(one)}
    moved = Counter(other[at] - one[tick] for tick, places in near.items() for at in places)
    by = moved.most_common(1)[0][0] if moved else 0
    free, same = set(other), 0
    for tick, places in near.items():
        found = next((at for at in places if at in free and other[at] - one[tick] == by), None)
        if found is not None:
            free.remove(found)
            same += 1
    return same / (len(one) + len(other) - same)


def _walks(bars: Sequence[Mapping[int, int]], beats: float) -> bool:
    """Return whether the bass strikes every beat and nothing else, on changing pitches."""
    ticks = [tick for bar in bars for tick in bar]
    changing = len({pitch for bar in bars for pitch in bar.values()}) > 2
    return bool(ticks) and changing and not any(tick % 4 for tick in ticks) and len(ticks) > 0.8 * beats
