"""Turns the clauses of a sentence into edits; an incomplete clause takes what it lacks from its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from agent.directions.edit import PARTS, Edit
from agent.language import ellipsis
from agent.language.clause_facts import Facts, facts_of
from agent.language.clause_reading import edits_of
from agent.language.clauses import Clause, Phrase

CIRCUMSTANCE = ("when", "while", "because", "since", "after", "whilst")
WAITING = ("who", "scope", "except", "instead", "size", "take")  # what a clause without an order hands on
BELONGS_TO_ALL = ("section:", "song", "until-told", "now", "bars:")


def joined(parts: Sequence[Clause], before: Sequence[Edit]) -> list[Edit]:
    """The edits of a sentence. before: those of the sentence before it, what "it" refers to."""
    sentence = _Sentence(before=before)
    for clause in parts:
        sentence.push(clause)
    groups = _scopes_spread(sentence.groups) or _places(parts)
    return [edit for group in groups for edit in group.edits]


@dataclass(slots=True)
class _Group:
    """The edits of one clause; scoped: whether it named its place itself."""

    edits: list[Edit]
    scoped: bool = False
    waits: bool = False  # adjectives whose noun may follow


@dataclass(slots=True)
class _Sentence:
    """What is said so far. waiting: targets and scopes that have no order yet; spoken: targets named."""

    before: Sequence[Edit]
    groups: list[_Group] = field(default_factory=list)
    waiting: list[Phrase] = field(default_factory=list)
    spoken: set[str] = field(default_factory=set)
    mentioned: list[Edit] = field(default_factory=list)
    states: bool = False  # the clause before said how something is

    @property
    def last(self) -> list[Edit]:
        return self.groups[-1].edits if self.groups else []

    def push(self, clause: Clause) -> None:
        """One more clause: an order, an addition to the one before, or something that waits for its order."""
        facts = facts_of(clause.phrases)
        if _circumstance(clause, facts) or self._taken_back(clause, facts):
            return
        clause, facts = self._stated(clause, facts)
        whole = Clause([*self.waiting, *clause.phrases], clause.join) if self.waiting else clause
        earlier = self.last or self.mentioned or list(self.before)
        edits = self._orders(clause, whole, facts, earlier)
        if edits and _only_keeps(edits) and any(edit.change == "keep" for edit in earlier):
            return
        if edits:
            self._ordered(clause, whole, facts, edits, earlier)
        else:
            self._added(clause, whole, facts)

    def _stated(self, clause: Clause, facts: Facts) -> tuple[Clause, Facts]:
        """ "the keys are fine but a bit loud": the second is said of them too, not ordered."""
        states = self.states and ellipsis.describes(clause)
        self.states = (facts.said("is") and not facts.said("must", "on")) or states
        if not states:
            return clause, facts
        clause = Clause([Phrase("is", (("is", "is"),)), *clause.phrases], clause.join)
        return clause, facts_of(clause.phrases)

    def _orders(self, clause: Clause, whole: Clause, facts: Facts, earlier: Sequence[Edit]) -> list[Edit]:
        return (
            (ellipsis.by_sign(clause, facts, earlier) if _sign_on(clause) and self.groups else [])
            or ellipsis.rather(self.waiting, clause, facts)
            or ellipsis.instead(whole)
            or ellipsis.excepted(whole, self.last)
            or edits_of(whole)
            or ellipsis.of_it(whole, facts, earlier)
            or ellipsis.by_sign(clause, facts, earlier)
        )

    def _taken_back(self, clause: Clause, facts: Facts) -> bool:
        """ "the fills keep throwing me, drop them": the feature named before goes."""
        features = self.last and all((e.dimension, e.change) == ("pattern", "set") for e in self.last)
        if not (features and facts.said("off") and facts.said("it")) or clause.have("who", "term"):
            return False
        self.groups[-1].edits = [replace(edit, change="off") for edit in self.last]
        return True

    def _ordered(self, clause: Clause, whole: Clause, facts: Facts, edits: list[Edit], earlier: Sequence[Edit]) -> None:
        self.waiting = _still_open(whole)
        self.spoken |= set(facts_of(whole.phrases).targets)
        near = [edit for edit in earlier if not self.groups or edit.target in self.spoken]
        edits = ellipsis.inherited(
            clause, facts, edits, near, bool(self.groups) or (self.states and bool(self.mentioned))
        )
        if self.groups and self.groups[-1].waits and clause.soft and ellipsis.attributive(clause):
            self.groups[-1].edits = ellipsis.at(self.last, facts.targets)  # "tight, dry drums"
        self.groups.append(_Group(edits, bool(facts.scopes), ellipsis.adjectives_only(clause)))

    def _added(self, clause: Clause, whole: Clause, facts: Facts) -> None:
        if facts.targets and self.last and ellipsis.only_targets(clause):
            if facts.scopes:
                self.groups[-1].edits = _scoped(self.last, facts)
            if (
                clause.join == ","
                and not (self.spoken or facts.scopes)
                and not facts.words & {"too", "also", "especially", "particularly", "mainly"}
            ):  # "too loud, the drums"
                self.groups[-1].edits = ellipsis.at(self.last, facts.targets)
                return
            self.groups.append(_Group(ellipsis.again_at(self.last, facts, clause), bool(facts.scopes)))
        elif not self.groups and (facts.targets or facts.scopes):
            self._wait(whole, facts)
        elif facts.scopes and self.groups and all(edit.scope for edit in self.last):
            self.waiting = clause.phrases
        elif facts.scopes:
            for group in self.groups:
                group.edits = _scoped(group.edits, facts)
        elif facts.sizes and self.groups and _only(clause, "size"):
            self.groups[-1].edits = [replace(edit, size=edit.size or facts.sizes[-1]) for edit in self.last]

    def _wait(self, whole: Clause, facts: Facts) -> None:
        targets = facts_of(whole.phrases).targets
        self.mentioned = [Edit(target, "pattern", "keep") for target in targets]
        self.spoken |= set(targets)
        hands_on = facts.scopes or not facts.said("praise", "is")
        self.waiting = [phrase for phrase in whole.phrases if phrase.has(*WAITING)] if hands_on else []


def _sign_on(clause: Clause) -> bool:
    phrases = clause.phrases
    return any(one.has("sign") and two.text == "on" for one, two in pairwise(phrases[:4]))


def _circumstance(clause: Clause, facts: Facts) -> bool:
    """ "if it gets any louder I leave", "answer when I stop playing": no order."""
    first = clause.phrases[0].text
    if first == "if":
        return not facts.said("must") and not {"you", "we"} & facts.words
    return clause.join in CIRCUMSTANCE and first in ("i", "we", "i am")


def _places(parts: Sequence[Clause]) -> list[_Group]:
    """ "ride in the chorus, hats in the verse": who plays where."""
    found = []
    for clause in parts:
        facts = facts_of(clause.phrases)
        if not facts.targets or not facts.scopes or facts.verbs - {"cond", "must"} or facts.signs or facts.particles:
            return []
        if any(phrase.unknown for phrase in clause.phrases):
            return []
        edits = [Edit(t, "mute", "off", scope=facts.scopes[-1], confidence=0.6) for t in facts.targets if t in PARTS]
        found.append(_Group(edits, True))
    return found


def _only_keeps(edits: Sequence[Edit]) -> bool:
    return all(
        (edit.dimension, edit.change) == ("take", "keep") and edit.scope in (None, "until-told") for edit in edits
    )


def _only(clause: Clause, *kinds: str) -> bool:
    return all(phrase.has(*kinds) or not phrase.tags for phrase in clause.phrases) and clause.have(*kinds)


def _still_open(clause: Clause) -> list[Phrase]:
    """A scope that opened the sentence stands for the clauses to come as well."""
    first = clause.phrases[0] if clause.phrases else None
    return [first] if first is not None and first.has("scope") and not str(first.tags[0][1]).startswith("bar:") else []


def _scoped(group: Sequence[Edit], facts: Facts) -> list[Edit]:
    return [replace(edit, scope=edit.scope or facts.scopes[-1]) for edit in group]


def _scopes_spread(groups: list[_Group]) -> list[_Group]:
    """A scope said last belongs to what was listed before it: "louder and busier in the chorus"."""
    for former, latter in reversed(list(pairwise(groups))):
        scopes = {edit.scope for edit in latter.edits if edit.scope}
        if latter.scoped and len(scopes) == 1 and former.edits and _alike(former.edits, latter.edits):
            scope = scopes.pop()
            if scope.startswith(BELONGS_TO_ALL):
                former.edits = [replace(edit, scope=edit.scope or scope) for edit in former.edits]
    return groups


def _alike(some: Sequence[Edit], others: Sequence[Edit]) -> bool:
    return bool(
        {e.dimension for e in some} & {e.dimension for e in others}
        or {e.target for e in some} & {e.target for e in others}
    )
