"""Turns one clause into edits: its terms with their signs and negations, or targets alone with a sign or a verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.directions.edit import CAN, PARTS, Edit
from agent.language.bare_clauses import bare
from agent.language.clause_facts import Facts, facts_of
from agent.language.clauses import Clause
from agent.language.term_choice import about, own_things, spoken
from agent.language.term_effects import effect
from agent.language.vocabulary import Term

UNDECIDED = frozenset({"mind", "care", "sure", "idea", "decide", "decided", "matter"})


def edits_of(clause: Clause) -> list[Edit]:
    """The edits a clause orders by itself; its default targets stand where none is named."""
    facts = facts_of(clause.phrases)
    if facts.said("hedge") and facts.words & UNDECIDED:
        return []
    found = _values(clause, facts)
    found += _terms(clause, facts, bool(found))
    found = found or _takes(clause, facts) or bare(clause, facts)
    placed = [_placed(edit, facts) for edit in found]
    bars = [scope for scope in facts.scopes if scope.startswith("bar:")]
    if len(bars) < 2 or len(bars) < len(facts.scopes):
        return placed
    return [replace(edit, scope=bar) for edit in placed for bar in bars]  # "in bars 3 and 7"


def _placed(edit: Edit, facts: Facts) -> Edit:
    size = edit.size or (facts.sizes[-1] if facts.sizes and edit.change in ("more", "less", "set") else None)
    if edit.change == "set" and edit.size is None and not (edit.dimension == "timing" or " bar" in str(size)):
        size = None
    if str(size).endswith(("octave", "semitone")) and edit.dimension in ("level", "intensity", "density"):
        edit = replace(edit, dimension="register")
    if str(size).endswith("dB") and edit.dimension in ("length", "intensity", "density"):
        edit = replace(edit, dimension="level", target="band" if edit.target == "form" else edit.target)
    scope = facts.scopes[-1] if facts.scopes else edit.scope
    standing = (
        facts.said("neg")
        and facts.words & {"do", "never", "avoid"}
        and not facts.said("blame")
        and (edit.change in ("off", "keep") or edit.dimension == "mute")
    )
    if standing or "whatever" in facts.words:
        scope = scope or "until-told"
    if (edit.dimension, edit.change) == ("take", "keep") and str(scope).startswith("bar:"):
        edit = replace(edit, dimension="pattern")
    if facts.takes and "than" in facts.words:
        facts.conditions.append(f"than take {facts.takes[-1]}")
    condition = (
        facts.conditions[-1] if facts.conditions and edit.change in ("more", "less", "recall") else edit.condition
    )
    return replace(edit, size=size, scope=scope, condition=condition)


def _values(clause: Clause, facts: Facts) -> list[Edit]:
    """Meters, groupings, tempi, keys and chords named outright."""
    rows = {"meter": "form", "group": "form", "tempo": "band", "key": "harmony", "chord": "harmony"}
    found = []
    for phrase in clause.phrases:
        for kind, value in phrase.tags:
            stated = kind in ("key", "chord") and facts.said("is") and not facts.said("must", "on")
            if kind in rows and not facts.said("hedge") and not stated:
                dimension = "meter" if kind == "group" else kind
                stance = _stance(facts)
                stance = "set" if kind == "tempo" and stance in ("off", "keep") and not facts.said("neg") else stance
                found.append(Edit(rows[kind], dimension, stance, str(value), confidence=0.95))
    if {edit.dimension for edit in found} == {"chord"} and len(found) > 1:
        return [replace(found[0], value=" ".join(str(edit.value) for edit in found))]
    return found


def _stance(facts: Facts) -> str:
    """set, or what praise, blame, negation and keeping make of a named thing."""
    if facts.said("neg") and facts.said("touch"):
        return "keep"
    if facts.said("blame", "neg") or "out" in facts.particles or (facts.said("off") and not facts.said("on", "again")):
        return "off"
    if (facts.said("praise", "keep") or "keep" in facts.words) and not facts.said("must_not"):
        return "keep"
    return "set"


def _terms(clause: Clause, facts: Facts, has_value: bool) -> list[Edit]:
    said = spoken(clause, facts, has_value)
    things = own_things(said)
    found: list[Edit] = []
    for one in said:
        if one in things:
            continue
        before = facts_of(clause.phrases[: one.place])
        edits = effect(one.column, one.term, one.phrase, before, facts)
        if one.column in ("noun", "order") and "set" in facts.words and facts.sizes and facts.sizes[-1].endswith("%"):
            edits = [replace(edit, change="set", value=facts.sizes[-1]) for edit in edits]
        targets = before.targets if one.column == "complaint" and before.targets else facts.targets
        found += [made for edit in edits for made in _aimed(edit, one.term, targets)]
    return _without_doubles(about(things, found))


def _without_doubles(edits: Sequence[Edit]) -> list[Edit]:
    kept: dict[tuple[str, str, str, str | None], Edit] = {}
    for edit in edits:
        kept.setdefault((edit.target, edit.dimension, edit.change, edit.value), edit)
    shortened = {edit.change for edit in edits if edit.dimension == "length" and edit.target != "form"}
    return [e for e in kept.values() if not (e.dimension == "length" and e.target == "form" and e.change in shortened)]


def _aimed(edit: Edit, term: Term, targets: Sequence[str]) -> list[Edit]:
    """The edit at every named target that it can have."""
    allowed = CAN.get(edit.dimension, PARTS)
    if term.only == "":
        return [edit]
    if term.only != "any":
        allowed = (*term.only.split(), edit.target)
    named = [target for target in targets if target in allowed]
    if edit.dimension == "register" and targets and not named:
        return [replace(edit, dimension="level", target=target) for target in targets if target in PARTS]
    if not named and set(targets) & {"feel", "form"} and edit.target == "band" and "drums" in allowed:
        named = ["drums"] if "feel" in targets else []
    return [replace(edit, target=target) for target in named] or [edit]


def _takes(clause: Clause, facts: Facts) -> list[Edit]:
    """Takes by number: kept, named, compared, or brought back."""
    if not facts.takes:
        return []
    value = facts.takes[-1]
    if facts.said("compare"):
        return [Edit("band", "take", "recall", " ".join(facts.takes), confidence=0.8)]
    if facts.said("blame") or (facts.said("neg", "off") and not facts.said("recall")):
        return []
    if facts.said("keep", "praise") and not facts.said("recall"):
        kept = [target for target in facts.targets if target in PARTS] or ["band"]
        return [Edit(target, "take", "keep", value, confidence=0.9) for target in kept]
    if "than" in facts.words:
        return []
    named = [target for target in facts.targets if target in PARTS and target != "band"] or ["band"]
    return [Edit(target, "take", "recall", value, confidence=0.9) for target in named]
