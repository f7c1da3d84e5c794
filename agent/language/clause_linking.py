"""Turns the clauses of a sentence into edits; an incomplete clause takes what it lacks from its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from agent.directions.edit import Edit
from agent.language import ellipsis
from agent.language.clause_facts import Facts, facts_of
from agent.language.clause_reading import edits_of
from agent.language.clauses import Clause, Phrase

WAITING = ("who", "scope", "except", "instead", "size", "take")  # what a clause without an order hands on


def joined(parts: Sequence[Clause], before: Sequence[Edit]) -> list[Edit]:
    """The edits of a sentence. before: those of the sentence before it, what "it" refers to."""
    sentence = _Sentence(before=before)
    for clause in parts:
        sentence.push(clause)
    return [edit for group in sentence.groups for edit in group]


@dataclass(slots=True)
class _Sentence:
    """What is said so far. groups: the edits of each clause; waiting: targets and scopes that have no order yet;
    spoken: targets named; mentioned: those of a clause that ordered nothing."""

    before: Sequence[Edit]
    groups: list[list[Edit]] = field(default_factory=list)
    waiting: list[Phrase] = field(default_factory=list)
    spoken: set[str] = field(default_factory=set)
    mentioned: list[Edit] = field(default_factory=list)
    open: bool = False  # the clause before was adjectives alone, whose noun may follow

    @property
    def last(self) -> list[Edit]:
        return self.groups[-1] if self.groups else []

    def push(self, clause: Clause) -> None:
        """One more clause: an order, an addition to the one before, or something that waits for its order."""
        facts = facts_of(clause.phrases)
        whole = Clause([*self.waiting, *clause.phrases], clause.join) if self.waiting else clause
        earlier = self.last or self.mentioned or list(self.before)
        edits = edits_of(whole)
        if edits and _only_keeps(edits) and any(edit.change == "keep" for edit in earlier):
            return
        if edits:
            self._ordered(clause, whole, facts, edits, earlier)
        else:
            self._added(clause, whole, facts)

    def _ordered(self, clause: Clause, whole: Clause, facts: Facts, edits: list[Edit], earlier: Sequence[Edit]) -> None:
        self.waiting = []
        self.spoken |= set(facts_of(whole.phrases).targets)
        near = [edit for edit in earlier if not self.groups or edit.target in self.spoken]
        if self.open and clause.soft and facts.targets:
            self.groups[-1] = ellipsis.at(self.last, facts.targets)  # "tight, dry drums"
        self.open = ellipsis.adjectives_only(clause)
        self.groups.append(ellipsis.inherited(clause, facts, edits, near, bool(self.groups)))

    def _added(self, clause: Clause, whole: Clause, facts: Facts) -> None:
        if facts.targets and self.last and ellipsis.only_targets(clause):
            if facts.scopes:
                self.groups[-1] = _scoped(self.last, facts)
            if (
                clause.join == ","
                and not (self.spoken or facts.scopes)
                and not facts.words & {"too", "also", "especially", "particularly", "mainly"}
            ):  # "too loud, the drums"
                self.groups[-1] = ellipsis.at(self.last, facts.targets)
                return
            self.groups.append(ellipsis.again_at(self.last, facts, clause))
        elif not self.groups and (facts.targets or facts.scopes):
            self._wait(whole, facts)
        elif facts.scopes and self.groups and all(edit.scope for edit in self.last):
            self.waiting = clause.phrases
        elif facts.scopes:
            self.groups = [_scoped(group, facts) for group in self.groups]
        elif facts.sizes and self.groups and _only(clause, "size"):
            self.groups[-1] = [replace(edit, size=edit.size or facts.sizes[-1]) for edit in self.last]

    def _wait(self, whole: Clause, facts: Facts) -> None:
        targets = facts_of(whole.phrases).targets
        self.mentioned = [Edit(target, "pattern", "keep") for target in targets]
        self.spoken |= set(targets)
        hands_on = facts.scopes or not facts.said("praise", "is")
        self.waiting = [phrase for phrase in whole.phrases if phrase.has(*WAITING)] if hands_on else []


def _only_keeps(edits: Sequence[Edit]) -> bool:
    return all(
        (edit.dimension, edit.change) == ("take", "keep") and edit.scope in (None, "until-told") for edit in edits
    )


def _only(clause: Clause, *kinds: str) -> bool:
    return all(phrase.has(*kinds) or not phrase.tags for phrase in clause.phrases) and clause.have(*kinds)


def _scoped(group: Sequence[Edit], facts: Facts) -> list[Edit]:
    return [replace(edit, scope=edit.scope or facts.scopes[-1]) for edit in group]
