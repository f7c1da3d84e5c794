"""Completes a clause from its neighbours: "darker", "bring them back", "not the hat", "the keys too"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.directions.edit import CAN, PARTS, Edit
from agent.language.clause_facts import Facts
from agent.language.clauses import Clause, Phrase

ADJECTIVES = {"comparative", "quality", "complaint"}


def inherited(
    clause: Clause, facts: Facts, edits: list[Edit], earlier: Sequence[Edit], same_sentence: bool
) -> list[Edit]:
    """ "darker" after "the snare louder" is the snare's; so is "make it darker"."""
    if facts.targets or not earlier:
        return edits
    refers = _refers(clause, facts) or bool({_move(e) for e in edits} & {_move(e) for e in earlier})
    if not refers and not (same_sentence and _elliptic(clause)):
        return edits
    named = [e.target for e in earlier if e.target in PARTS and e.dimension != "mute" and e.target != "band"]
    timed = _speaks(clause, "them", "is") or (not refers and _compares(clause))
    made = []
    for edit in edits:
        able = [target for target in dict.fromkeys(named) if target in CAN.get(edit.dimension, PARTS)]
        if able and edit.dimension == "intensity" and _speaks(clause, "bring", "take"):
            edit = replace(edit, dimension="level")  # "bring it down", of one part
        made += [replace(edit, target=target) for target in able] if able and _free(edit, timed) else [edit]
    return made


def _move(edit: Edit) -> tuple[str, str]:
    return edit.dimension, edit.change


def _free(edit: Edit, timed: bool) -> bool:
    """Whether a default target may give way to what was spoken of."""
    if edit.dimension == "take":
        return False
    if edit.target == "feel":
        return timed and edit.dimension == "timing"
    return edit.target == "band" or edit.dimension in ("register", "dissonance", "length")


def _speaks(clause: Clause, *pronouns: str) -> bool:
    return any(set(pronouns) & set(phrase.text.split()) for phrase in clause.phrases)


def _refers(clause: Clause, facts: Facts) -> bool:
    within = Clause([phrase for phrase in clause.phrases if phrase.has("term")])
    return (facts.said("it") and not facts.said("on")) or _speaks(within, "it", "that", "them")


def _columns(phrase: Phrase) -> list[str]:
    return [reading[0] for reading in phrase.of("term") if isinstance(reading, tuple)]


def _compares(clause: Clause) -> bool:
    return all("comparative" in _columns(phrase) for phrase in clause.phrases if phrase.has("term"))


def _elliptic(clause: Clause) -> bool:
    """A bare adjective: "and a bit darker"."""
    columns = [set(_columns(phrase)) for phrase in clause.phrases if phrase.has("term")]
    return bool(columns) and all(found & ADJECTIVES for found in columns) and not clause.have("praise")


def adjectives_only(clause: Clause) -> bool:
    return _elliptic(clause) and not clause.have("who", "it", "is")


def at(edits: Sequence[Edit], targets: Sequence[str]) -> list[Edit]:
    """The same edits at those targets, where they can have them."""
    return [
        replace(edit, target=target) for edit in edits for target in targets if target in CAN.get(edit.dimension, PARTS)
    ] or list(edits)


def again_at(group: Sequence[Edit], facts: Facts, clause: Clause) -> list[Edit]:
    """The same as before at other targets: "less hat and snare", "the drums louder, the keys too"."""
    made = []
    ruling = [e for e in group if e.dimension != "take"]
    if not ruling and facts.targets:  # "exactly as before, but with the ride"
        scope = facts.scopes[-1] if facts.scopes else None
        return [
            Edit(t, "mute", "on" if facts.said("neg") else "off", scope=scope, confidence=0.7) for t in facts.targets
        ]
    silenced = [e for e in ruling if (e.target, e.dimension, e.change) == ("band", "mute", "on")]
    if silenced:  # "only kick and hat", "just me and the drums"
        ruling = [replace(silenced[0], change="off")]
    for edit in {(e.dimension, e.change, e.value): e for e in ruling}.values():
        if (edit.dimension, edit.change) == ("pattern", "off") and edit.value:  # "no fills, no crashes"
            edit = replace(edit, dimension="mute", change="on", value=None)
        if (edit.dimension, edit.change) == ("pattern", "set") and facts.scopes:  # "a fill in bar 4, a crash in bar 5"
            edit = replace(edit, dimension="mute", change="off", value=None)
        for target in facts.targets:
            if target in CAN.get(edit.dimension, PARTS) and not any(e.target == target for e in group):
                made.append(replace(edit, target=target, scope=facts.scopes[-1] if facts.scopes else edit.scope))
    if facts.said("neg") and clause.join == "but":
        return [replace(edit, change="keep", size=None, value=None) for edit in made]
    return made


def only_targets(clause: Clause) -> bool:
    return all(
        phrase.has("who", "scope", "on", "must", "it", "sign", "again", "only", "neg") or not phrase.tags
        for phrase in clause.phrases
    )
