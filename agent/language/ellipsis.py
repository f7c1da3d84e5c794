"""Completes a clause from its neighbours: "darker", "bring them back", "not the hat", "the keys too"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.directions.edit import CAN, PARTS, Edit
from agent.language.clause_facts import Facts, facts_of
from agent.language.clause_reading import edits_of
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


def rather(waiting: Sequence[Phrase], clause: Clause, facts: Facts) -> list[Edit]:
    """ "ride, not hat"."""
    if not (facts.said("neg") and facts.targets and only_targets(clause)) or facts.signs or clause.have("only"):
        return []
    wanted = facts_of(waiting).targets
    scopes = [*facts.scopes, *facts_of(waiting).scopes]
    edits = [Edit(target, "mute", "on", confidence=0.85) for target in facts.targets if wanted]
    edits += [Edit(target, "mute", "off", confidence=0.85) for target in wanted]
    return [replace(edit, scope=scopes[-1] if scopes else None) for edit in edits]


def by_sign(clause: Clause, facts: Facts, earlier: Sequence[Edit]) -> list[Edit]:
    """ "less tension in the chorus, more in the verse": the same again with another degree."""
    signs = [sign for sign in facts.signs if sign in ("more", "less")]
    if not signs or facts.odd or facts.said("neg"):
        return []
    if facts.targets and "on" in facts.words:  # "more reverb on the snare, less on the kick"
        return [
            replace(edit, target=target, change=signs[-1])
            for edit in earlier
            for target in facts.targets
            if edit.change in ("more", "less") and target in CAN.get(edit.dimension, PARTS)
        ]
    if facts.targets or not (facts.scopes or facts.sizes):
        return []
    scope = facts.scopes[-1] if facts.scopes else None
    size = facts.sizes[-1] if facts.sizes else None
    return [
        replace(edit, change=signs[-1], scope=scope, size=size) for edit in earlier if edit.change in ("more", "less")
    ]


def of_it(clause: Clause, facts: Facts, earlier: Sequence[Edit]) -> list[Edit]:
    """ "bring them back": what the clause says of the parts named before."""
    if facts.targets or not facts.said("it") or not earlier:
        return []
    targets = list(dict.fromkeys(edit.target for edit in earlier if edit.target in PARTS))
    named = [Phrase(target, (("who", target),)) for target in targets]
    return edits_of(Clause([*clause.phrases, *named], clause.join)) if named else []


def _elliptic(clause: Clause) -> bool:
    """A bare adjective: "and a bit darker"."""
    columns = [set(_columns(phrase)) for phrase in clause.phrases if phrase.has("term")]
    return bool(columns) and all(found & ADJECTIVES for found in columns) and not clause.have("praise")


def attributive(clause: Clause) -> bool:
    """Adjectives before a target: "denser harmony"."""
    kinds = [
        "A" if set(_columns(phrase)) & ADJECTIVES else "T" if phrase.has("who") else "" for phrase in clause.phrases
    ]
    return "".join(kinds).startswith("AT")


def describes(clause: Clause) -> bool:
    """Adjectives that compare nothing: "but a bit loud"."""
    return (
        adjectives_only(clause)
        and not any("comparative" in _columns(phrase) for phrase in clause.phrases)
        and not clause.have("neg", "sign", "must")
    )


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


def instead(clause: Clause) -> list[Edit]:
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


def excepted(clause: Clause, last: Sequence[Edit]) -> list[Edit]:
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
    ruled = own or list(last)
    made = list(own)
    for edit in ruled:
        change = "off" if edit.dimension == "mute" else "keep"
        made += [replace(edit, target=target, change=change, value=None, size=None) for target in spared]
    return made


def only_targets(clause: Clause) -> bool:
    return all(
        phrase.has("who", "scope", "on", "must", "it", "sign", "again", "only", "neg") or not phrase.tags
        for phrase in clause.phrases
    )
