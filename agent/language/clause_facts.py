"""`Facts` collects what a clause says beside its terms: targets, degrees, verbs, sizes, scopes, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent.language.clauses import Phrase


@dataclass(slots=True)
class Facts:
    """What stands in a clause beside its terms. sign: the degree word heard last; so on."""

    targets: list[str] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    takes: list[str] = field(default_factory=list)
    verbs: set[str] = field(default_factory=set)  # neg off on keep touch same praise blame is must only again ...
    particles: set[str] = field(default_factory=set)
    signs: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    odd: bool = False  # a degree of something unknown: "more purple"

    def said(self, *kinds: str) -> bool:
        return bool(self.verbs.intersection(kinds))


def _beside(phrases: Sequence[Phrase], phrase: Phrase) -> bool:
    """ "ahead of the kick", "behind the snare": the second is what the first is measured by."""
    if phrase.text not in ("ahead", "behind"):
        return False
    after = [other.text for other in phrases[phrases.index(phrase) + 1 :]]
    who = next((n for n, other in enumerate(phrases[phrases.index(phrase) + 1 :]) if other.has("who")), None)
    between = set(after[:who])
    return who is not None and between <= {"of", "the", "my", "your"} and ("of" in between or phrase.text == "behind")


def _before_who(phrases: Sequence[Phrase], phrase: Phrase) -> bool:
    after = phrases[phrases.index(phrase) + 1 :]
    return bool(after) and (after[0].has("who") or (len(after) > 1 and not after[0].tags and after[1].has("who")))


def facts_of(phrases: Iterable[Phrase]) -> Facts:
    facts = Facts()
    lists = {
        "size": facts.sizes,
        "scope": facts.scopes,
        "cond": facts.conditions,
        "take": facts.takes,
        "sign": facts.signs,
    }
    phrases = list(phrases)
    facts.odd = any(one.has("sign") and two.unknown for one, two in pairwise(phrases))
    compared = False
    for phrase in phrases:
        facts.words.update(phrase.text.split())
        compared = compared or phrase.text == "than" or _beside(phrases, phrase)
        who = phrase.of("who")
        if who and compared:
            facts.conditions.append(f"than {who[0]}")
        elif who and not phrase.has("term"):
            facts.targets += [str(target) for target in who if target not in facts.targets]
        for kind, value in phrase.tags:
            if kind in lists:
                lists[kind].append(str(value))
            elif kind == "particle":
                facts.particles.add(str(value))
            elif kind == "only" and phrase.text == "just" and not _before_who(phrases, phrase):
                continue  # "please just follow me"
            elif kind not in ("who", "term"):
                facts.verbs.add(kind)
    return facts
