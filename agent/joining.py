"""Clauses -> edits: what an elliptical clause takes over from its neighbours (target, predicate, scope)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.clauses import Clause, Phrase
from agent.edits import CAN, PARTS, Edit
from agent.facts import Facts, facts_of
from agent.readings import edits_of

CIRCUMSTANCE = ("when", "while", "because", "since", "after", "whilst")
WAITING = ("who", "scope", "except", "instead", "size", "take")  # what a clause without an order hands on
BELONGS_TO_ALL = ("section:", "song", "until-told", "now", "bars:")


def joined(parts: Sequence[Clause], before: Sequence[Edit]) -> list[Edit]:
    """The edits of a sentence. before: those of the sentence before it, what "it" refers to."""
    found: list[list[Edit]] = []
    spoken: set[str] = set()  # targets named so far
    named: list[bool] = []  # whether a scope was named
    waiting: list[Phrase] = []  # targets or scopes of clauses that have no predicate of their own yet
    mentioned: list[Edit] = []
    for clause in parts:
        whole = Clause([*waiting, *clause.phrases], clause.join) if waiting else clause
        facts = facts_of(clause.phrases)
        earlier = (found[-1] if found else []) or mentioned or list(before)
        if clause.phrases[0].text == "if" and not facts.said("must") and not {"you", "we"} & facts.words:
            continue  # "if it gets any louder I leave"
        if facts.said("off") and facts.said("it") and found and _features(found[-1]) and not clause.have("who", "term"):
            found[-1] = [replace(edit, change="off") for edit in found[-1]]
            continue
        edits = (
            _rather(waiting, clause, facts)
            or _instead(whole)
            or _except(whole, found)
            or edits_of(whole)
            or _of_it(whole, facts, earlier)
        )
        if clause.join in CIRCUMSTANCE and clause.phrases[0].text in ("i", "we", "i am"):
            continue  # "answer when I stop playing"
        edits = edits or _by_sign(clause, facts, earlier)
        if edits and found and _only_keeps(edits) and any(e.change == "keep" for e in earlier):
            continue
        if edits:
            waiting = _still_open(whole, edits)
            spoken |= set(facts_of(whole.phrases).targets)
            found.append(
                _inherit(clause, facts, edits, [e for e in earlier if not found or e.target in spoken], bool(found))
            )
            named.append(bool(facts.scopes))
        elif facts.targets and found and found[-1] and _only_targets(clause):
            found.append(_again_at(found[-1], facts, clause))
            named.append(bool(facts.scopes))
        elif not found and (facts.targets or facts.scopes):
            mentioned = [Edit(target, "pattern", "keep") for target in facts_of(whole.phrases).targets]
            spoken |= {edit.target for edit in mentioned}
            waiting = [phrase for phrase in whole.phrases if phrase.has(*WAITING)]
            waiting = waiting if facts.scopes or not facts.said("praise", "is") else []
        elif facts.scopes and found and all(edit.scope for edit in found[-1]):
            waiting = clause.phrases
        elif facts.scopes and found:
            found = [_scoped(group, facts) for group in found]
        elif facts.sizes and found and _only(clause, "size"):
            found[-1] = [replace(edit, size=edit.size or facts.sizes[-1]) for edit in found[-1]]
    if not found:
        found = _places(parts)
    return [edit for group in _scopes_spread(named, found) for edit in group]


def _places(parts: Sequence[Clause]) -> list[list[Edit]]:
    """ "ride in the chorus, hats in the verse": who plays where."""
    found = []
    for clause in parts:
        facts = facts_of(clause.phrases)
        if not facts.targets or not facts.scopes or facts.verbs - {"cond", "must"} or facts.signs or facts.particles:
            return []
        if any(phrase.unknown for phrase in clause.phrases):
            return []
        found.append(
            [Edit(t, "mute", "off", scope=facts.scopes[-1], confidence=0.6) for t in facts.targets if t in PARTS]
        )
    return found


def _features(edits: Sequence[Edit]) -> bool:
    return bool(edits) and all((edit.dimension, edit.change) == ("pattern", "set") for edit in edits)


def _rather(waiting: Sequence[Phrase], clause: Clause, facts: Facts) -> list[Edit]:
    """ "ride, not hat"."""
    if not (facts.said("neg") and facts.targets and _only_targets(clause)) or facts.signs or clause.have("only"):
        return []
    wanted = facts_of(waiting).targets
    scopes = [*facts.scopes, *facts_of(waiting).scopes]
    edits = [Edit(target, "mute", "on", confidence=0.85) for target in facts.targets if wanted]
    edits += [Edit(target, "mute", "off", confidence=0.85) for target in wanted]
    return [replace(edit, scope=scopes[-1] if scopes else None) for edit in edits]


def _by_sign(clause: Clause, facts: Facts, earlier: Sequence[Edit]) -> list[Edit]:
    """ "less tension in the chorus, more in the verse": the same again with another degree."""
    signs = [sign for sign in facts.signs if sign in ("more", "less")]
    if not signs or facts.targets or facts.odd or facts.said("neg") or not (facts.scopes or facts.sizes):
        return []
    scope = facts.scopes[-1] if facts.scopes else None
    size = facts.sizes[-1] if facts.sizes else None
    return [
        replace(edit, change=signs[-1], scope=scope, size=size) for edit in earlier if edit.change in ("more", "less")
    ]


def _only_keeps(edits: Sequence[Edit]) -> bool:
    return all((edit.dimension, edit.change, edit.scope) == ("take", "keep", None) for edit in edits)


def _of_it(clause: Clause, facts: Facts, earlier: Sequence[Edit]) -> list[Edit]:
    """ "bring them back": what the clause says of the parts named before."""
    if facts.targets or not facts.said("it") or not earlier:
        return []
    targets = list(dict.fromkeys(edit.target for edit in earlier if edit.target in PARTS))
    named = [Phrase(target, (("who", target),)) for target in targets]
    return edits_of(Clause([*clause.phrases, *named], clause.join)) if named else []


def _only(clause: Clause, *kinds: str) -> bool:
    return all(phrase.has(*kinds) or not phrase.tags for phrase in clause.phrases) and clause.have(*kinds)


def _only_targets(clause: Clause) -> bool:
    return all(
        phrase.has("who", "scope", "on", "must", "it", "sign", "again", "only", "neg") or not phrase.tags
        for phrase in clause.phrases
    )


def _still_open(clause: Clause, edits: Sequence[Edit]) -> list[Phrase]:
    """A scope that opened the sentence stands for the clauses to come as well."""
    first = clause.phrases[0] if clause.phrases else None
    return [first] if first is not None and first.has("scope") and not str(first.tags[0][1]).startswith("bar:") else []


def _inherit(
    clause: Clause, facts: Facts, edits: list[Edit], earlier: Sequence[Edit], same_sentence: bool
) -> list[Edit]:
    """ "darker" after "the snare louder" is the snare's; so is "make it darker"."""
    if facts.targets or not earlier:
        return edits
    terms = [phrase for phrase in clause.phrases if phrase.has("term")]
    plural = any("them" in phrase.text.split() for phrase in clause.phrases)
    refers = (facts.said("it") and not facts.said("on")) or any(
        {"it", "that", "them"} & set(p.text.split()) for p in terms
    )
    refers = refers or bool({(e.dimension, e.change) for e in edits} & {(e.dimension, e.change) for e in earlier})
    if not refers and not (same_sentence and _elliptic(clause)):
        return edits
    targets = list(
        dict.fromkeys(
            edit.target
            for edit in earlier
            if edit.target in PARTS and edit.dimension != "mute" and edit.target != "band"
        )
    )
    made = []
    for edit in edits:
        free = edit.target == "band" or edit.dimension in ("register", "dissonance", "length")
        free = (free and edit.dimension != "take") or (plural and edit.target == "feel")
        able = [target for target in targets if target in CAN.get(edit.dimension, PARTS)]
        made += [replace(edit, target=target) for target in able] if free and able else [edit]
    return made


def _elliptic(clause: Clause) -> bool:
    """A bare adjective: "and a bit darker"."""
    columns = [reading[0] for phrase in clause.phrases for reading in phrase.of("term") if isinstance(reading, tuple)]
    return (
        bool(columns)
        and all(column in ("comparative", "quality", "complaint") for column in columns)
        and not clause.have("praise")
    )


def _again_at(group: Sequence[Edit], facts: Facts, clause: Clause) -> list[Edit]:
    """The same as before at other targets: "less hat and snare", "the drums louder, the keys too"."""
    made = []
    ruling = [e for e in group if e.dimension != "take"]
    silenced = [e for e in ruling if (e.target, e.dimension, e.change) == ("band", "mute", "on")]
    if silenced:  # "only kick and hat", "just me and the drums"
        ruling = [replace(silenced[0], change="off")]
    for edit in {(e.dimension, e.change, e.value): e for e in ruling}.values():
        for target in facts.targets:
            if target in CAN.get(edit.dimension, PARTS) and not any(e.target == target for e in group):
                made.append(replace(edit, target=target, scope=facts.scopes[-1] if facts.scopes else edit.scope))
    if facts.said("neg") and clause.join == "but":
        return [replace(edit, change="keep", size=None, value=None) for edit in made]
    return made


def _scoped(group: Sequence[Edit], facts: Facts) -> list[Edit]:
    return [replace(edit, scope=edit.scope or facts.scopes[-1]) for edit in group]


def _scopes_spread(named: Sequence[bool], found: list[list[Edit]]) -> list[list[Edit]]:
    """A scope said last belongs to what was listed before it: "louder and busier in the chorus"."""
    for place in range(len(found) - 1, 0, -1):
        scopes = {edit.scope for edit in found[place] if edit.scope}
        if place >= len(named) or not named[place] or len(scopes) != 1 or not found[place - 1]:
            continue
        scope = scopes.pop()
        shared = {edit.dimension for edit in found[place]} & {edit.dimension for edit in found[place - 1]}
        alike = {edit.target for edit in found[place]} & {edit.target for edit in found[place - 1]}
        if scope.startswith(BELONGS_TO_ALL) and (shared or alike):
            found[place - 1] = [replace(edit, scope=edit.scope or scope) for edit in found[place - 1]]
    return found


def _instead(clause: Clause) -> list[Edit]:
    """ "A instead of B" for parts; for terms only A counts."""
    places = [place for place, phrase in enumerate(clause.phrases) if phrase.has("instead")]
    if not places:
        return []
    wanted, unwanted = Clause(clause.phrases[: places[0]]), Clause(clause.phrases[places[0] + 1 :])
    scopes = facts_of(clause.phrases).scopes
    if wanted.have("term") or facts_of(wanted.phrases).takes:
        edits = edits_of(wanted)
    else:
        ins, outs = facts_of(wanted.phrases).targets, facts_of(unwanted.phrases).targets
        if not wanted.have("who") or not unwanted.have("who"):
            edits = edits_of(wanted)
        else:
            edits = [Edit(target, "mute", "on", confidence=0.9) for target in outs]
            edits += [Edit(target, "mute", "off", confidence=0.9) for target in ins]
    return [replace(edit, scope=scopes[-1]) if scopes else edit for edit in edits]


def _except(clause: Clause, found: Sequence[Sequence[Edit]]) -> list[Edit]:
    """ "everything louder except the snare": the snare keeps that dimension; a silence leaves it sounding."""
    places = [place for place, phrase in enumerate(clause.phrases) if phrase.has("except")]
    if not places:
        return []
    after = clause.phrases[places[0] + 1 :]
    end = next((n for n, phrase in enumerate(after) if phrase.tags and not phrase.has("who")), len(after))
    spared = facts_of(after[:end]).targets
    everybody = clause.phrases[places[0]].text.startswith(("every", "all")) and not facts_of(after[end:]).targets
    band = [Phrase("everything", (("who", "band"),))] if everybody and not clause.have("term") else []
    own = edits_of(Clause([*band, *clause.phrases[: places[0]], *after[end:]]))
    ruled = own or [edit for group in found[-1:] for edit in group]
    made = list(own)
    for edit in ruled:
        change = "off" if edit.dimension == "mute" else "keep"
        made += [replace(edit, target=target, change=change, value=None, size=None) for target in spared]
    return made
