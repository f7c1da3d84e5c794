"""One clause -> edits: the terms in it with their signs and negations, or bare targets with a sign or a verb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.bare import bare
from agent.clauses import Clause, Phrase
from agent.edits import CAN, PARTS, Edit
from agent.effects import effect
from agent.facts import Facts, facts_of
from agent.vocabulary import Term

OWN_QUALITIES = ("fill", "ghost-notes", "break", "crash-on-one", "hook")


def edits_of(clause: Clause) -> list[Edit]:
    """The edits a clause orders by itself; its default targets stand where none is named."""
    facts = facts_of(clause.phrases)
    found = _values(clause, facts)
    found += _terms(clause, facts, bool(found))
    found = found or _takes(clause, facts) or bare(clause, facts)
    return [_placed(edit, facts) for edit in found]


def _placed(edit: Edit, facts: Facts) -> Edit:
    size = edit.size or (facts.sizes[-1] if facts.sizes and edit.change in ("more", "less", "set") else None)
    if edit.change == "set" and edit.size is None and not (edit.dimension == "timing" or " bar" in str(size)):
        size = None
    scope = facts.scopes[-1] if facts.scopes else edit.scope
    standing = (
        facts.said("neg")
        and facts.words & {"do", "never", "avoid"}
        and not facts.said("blame")
        and edit.change in ("off", "keep")
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
            if kind in rows and not facts.said("hedge"):
                dimension = "meter" if kind == "group" else kind
                stance = _stance(facts)
                stance = "set" if kind == "tempo" and stance == "off" and not facts.said("neg") else stance
                found.append(Edit(rows[kind], dimension, stance, str(value), confidence=0.95))
    if {edit.dimension for edit in found} == {"chord"} and len(found) > 1:
        return [replace(found[0], value=" ".join(str(edit.value) for edit in found))]
    return found


def _stance(facts: Facts) -> str:
    """set, or what praise, blame, negation and keeping make of a named thing."""
    if facts.said("neg") and facts.said("touch"):
        return "keep"
    if facts.said("blame", "neg") or (facts.said("off") and not facts.said("on", "again")):
        return "off"
    if facts.said("praise", "keep") and not facts.said("must_not"):
        return "keep"
    return "set"


def _terms(clause: Clause, facts: Facts, has_value: bool) -> list[Edit]:
    found: list[Edit] = []
    for place, phrase in enumerate(clause.phrases):
        readings = [value for value in phrase.of("term") if isinstance(value, tuple)]
        if not readings:
            continue
        column, term = _column(readings, facts, phrase)
        if phrase.text in ("stop", "start", "play", "walk") and sum(other.has("term") for other in clause.phrases) > 1:
            continue
        if has_value and column in ("noun", "quality", "order") and term.name in ("faster", "slower"):
            continue
        before = facts_of(clause.phrases[:place])
        after = [other for other in clause.phrases[place + 1 :] if not other.has("who")]
        following = after[0] if after else Phrase("")
        if (
            column == "quality"
            and not before.signs
            and any(value[0] == "feature" for value in following.of("term") if isinstance(value, tuple))
        ):
            continue  # "a big fill" is a fill
        edits = effect(column, term, phrase, before, facts)
        found += [made for edit in edits for made in _aimed(edit, term, facts.targets, before, facts)]
    return _without_doubles(_of_a_feature(found, facts))


def _of_a_feature(edits: list[Edit], facts: Facts) -> list[Edit]:
    """ "the fills are too loud": the level of the fills, not fills and a level."""
    things = [edit for edit in edits if edit.value in OWN_QUALITIES and edit.dimension == "pattern"]
    others = [edit for edit in edits if edit not in things]
    if things and others and facts.said("must", "is") and {edit.dimension for edit in others} & {"tempo"}:
        return others
    if (
        not things
        or not others
        or {edit.dimension for edit in others} & {"tempo", "meter", "take", "key", "mute", "pattern"}
    ):
        return edits
    named = {edit.target for edit in others}
    return [
        replace(
            edit,
            target=things[0].target if edit.target in ("band", "feel", "line") or len(named) == 1 else edit.target,
            value=things[0].value,
        )
        for edit in others
        if edit.change != "set"
    ] or edits


def _without_doubles(edits: Sequence[Edit]) -> list[Edit]:
    kept: dict[tuple[str, str, str, str | None], Edit] = {}
    for edit in edits:
        kept.setdefault((edit.target, edit.dimension, edit.change, edit.value), edit)
    return list(kept.values())


def _column(readings: Sequence[tuple[str, Term]], facts: Facts, phrase: Phrase) -> tuple[str, Term]:
    graded = bool(facts.signs) or facts.said("blame")
    first = ("quality", "noun", "feature", "complaint", "comparative", "order")
    plain = ("comparative", "order", "feature", "complaint", "quality", "noun")
    order = list(first if graded and not phrase.inflected else plain)
    timing = any(term.read()[0].dimension == "timing" for _, term in readings)
    if (timing and not facts.said("is")) or facts.said("must", "on", "keep"):
        order = [*(column for column in order if column != "complaint"), "complaint"]
    return min(readings, key=lambda reading: order.index(reading[0]))


def _aimed(edit: Edit, term: Term, targets: Sequence[str], before: Facts, facts: Facts) -> list[Edit]:
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
        return [Edit("band", "take", "keep", value, confidence=0.9)]
    if "than" in facts.words:
        return []
    named = [target for target in facts.targets if target in PARTS and target != "band"] or ["band"]
    return [Edit(target, "take", "recall", value, confidence=0.9) for target in named]
