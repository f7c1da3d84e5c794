"""One clause -> edits: the terms in it with their signs and negations, or bare targets with a sign or a verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from agent.clauses import Clause, Phrase
from agent.edits import PIECES, Edit
from agent.vocabulary import Term

OPPOSITE = {"more": "less", "less": "more", "on": "off", "off": "on"}
OPPOSITE_VALUE = {
    "tight": "loose",
    "loose": "tight",
    "left": "right",
    "right": "left",
    "open": "closed",
    "closed": "open",
}
PITCHED = ("harmony", "line", "bass", "band")
PARTS = (*PIECES, "drums", *PITCHED)
CAN = {  # the targets a dimension has, the first for those it has not
    "tempo": ("band",),
    "meter": ("form",),
    "take": ("band", *PARTS),
    "key": ("harmony",),
    "chord": ("harmony",),
    "resolution": ("harmony", "line"),
    "dissonance": ("harmony", "line", "bass"),
    "swing": ("feel", *(PIECES | {"drums", "line", "harmony", "bass"})),
    "timing": ("feel", *(part for part in PARTS if part != "band")),
    "register": ("line", *PITCHED, "drums", "toms"),
    "length": ("form", "line", "harmony", "bass", "hat", "cymbals", "ride"),
    "syncopation": ("feel", *PARTS),
}
SWITCHABLE = ("swing", "dissonance", "reverb", "syncopation", "variation", "resolution", "width")
NEUTRAL = ("level", "tempo", "register", "length", "width")
LESS_WAYS = ("less", "fewer", "too", "too_much", "too_many", "so_many")
SIGNED_CERTAINTY = {
    "feature": 0.92,
    "comparative": 0.95,
    "order": 0.9,
    "complaint": 0.85,
    "quality": 0.85,
    "noun": 0.85,
}


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

    def said(self, *kinds: str) -> bool:
        return bool(self.verbs.intersection(kinds))


def facts_of(phrases: Iterable[Phrase]) -> Facts:
    facts = Facts()
    lists = {
        "size": facts.sizes,
        "scope": facts.scopes,
        "cond": facts.conditions,
        "take": facts.takes,
        "sign": facts.signs,
    }
    for phrase in phrases:
        facts.words.update(phrase.text.split())
        who = phrase.of("who")
        if who and not phrase.has("term"):
            facts.targets += [str(target) for target in who if target not in facts.targets]
        for kind, value in phrase.tags:
            if kind in lists:
                lists[kind].append(str(value))
            elif kind == "particle":
                facts.particles.add(str(value))
            elif kind not in ("who", "term"):
                facts.verbs.add(kind)
    return facts


def edits_of(clause: Clause) -> list[Edit]:
    """The edits a clause orders by itself; its default targets stand where none is named."""
    facts = facts_of(clause.phrases)
    found = _values(clause, facts)
    found += _terms(clause, facts, bool(found))
    found = found or _takes(clause, facts) or _bare(clause, facts)
    return [_placed(edit, facts) for edit in found]


def _placed(edit: Edit, facts: Facts) -> Edit:
    size = edit.size or (facts.sizes[-1] if facts.sizes and edit.change in ("more", "less", "set") else None)
    if edit.change == "set" and edit.size is None and not (edit.dimension == "timing" or " bar" in str(size)):
        size = None
    scope = facts.scopes[-1] if facts.scopes else edit.scope
    standing = (
        facts.said("neg")
        and facts.words & {"do", "never"}
        and not facts.said("blame")
        and edit.change in ("off", "keep")
    )
    if standing or "whatever" in facts.words:
        scope = scope or "until-told"
    if (edit.dimension, edit.change) == ("take", "keep") and str(scope).startswith("bar:"):
        edit = replace(edit, dimension="pattern")
    condition = facts.conditions[-1] if facts.conditions and edit.change in ("more", "less") else edit.condition
    return replace(edit, size=size, scope=scope, condition=condition)


def _values(clause: Clause, facts: Facts) -> list[Edit]:
    """Meters, groupings, tempi, keys and chords named outright."""
    rows = {"meter": "form", "group": "form", "tempo": "band", "key": "harmony", "chord": "harmony"}
    found = []
    for phrase in clause.phrases:
        for kind, value in phrase.tags:
            if kind in rows:
                dimension = "meter" if kind == "group" else kind
                found.append(Edit(rows[kind], dimension, _stance(facts), str(value), confidence=0.95))
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
        edits = _effect(column, term, phrase, before, facts)
        found += [made for edit in edits for made in _aimed(edit, term, facts.targets, before, facts)]
    return _without_doubles(found)


def _without_doubles(edits: Sequence[Edit]) -> list[Edit]:
    kept: dict[tuple[str, str, str, str | None], Edit] = {}
    for edit in edits:
        kept.setdefault((edit.target, edit.dimension, edit.change, edit.value), edit)
    return list(kept.values())


def _column(readings: Sequence[tuple[str, Term]], facts: Facts, phrase: Phrase) -> tuple[str, Term]:
    graded = bool(facts.signs) or facts.said("blame")
    first = ("quality", "noun", "feature", "complaint", "comparative", "order")
    plain = ("comparative", "order", "feature", "complaint", "quality", "noun")
    order = first if graded and not phrase.inflected else plain
    return min(readings, key=lambda reading: order.index(reading[0]))


def _effect(column: str, term: Term, phrase: Phrase, before: Facts, all_: Facts) -> list[Edit]:
    """What the term means under the signs before it (nouns: also after it)."""
    deed = EFFECTS[column](term, phrase, before, all_)
    sure = SIGNED_CERTAINTY[column] - (0.1 if phrase.mended else 0)
    return [replace(edit, confidence=sure) for edit in DEEDS[deed](term.read())]


def _comparative(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    if before.said("neg"):
        return "keep"
    if "less" in before.signs:
        return "flip"
    if all_.said("is") and not all_.said("must", "on", "praise", "keep", "recall") and not before.signs:
        return "nothing"
    return "do"


def _quality(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    neg, signs = before.said("neg"), set(before.signs)
    if "enough" in all_.signs:
        return "do" if neg else "nothing"
    if signs & {"too", "too_much", "less", "fewer", "so_much"}:
        return "keep" if neg and "less" in signs else "flip"
    if "more" in signs:
        return "keep" if neg else "do"
    if neg or all_.said("blame"):
        return "flip"
    if all_.said("praise"):
        return "liked"
    if all_.said("is") and not all_.said("must", "on"):
        return "flip" if before.sizes or before.words & {"pretty", "quite", "rather", "really", "so"} else "nothing"
    return "do"


def _noun(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    signs, edit = set(all_.signs), term.read()[0]
    down = all_.particles & {"down", "back"} or signs & {
        "less",
        "fewer",
        "too_much",
        "too_many",
        "so_much",
        "so_many",
        "too",
    }
    if before.said("neg"):
        if "enough" in signs:
            return "do"
        if "more" in signs and "no" not in before.words:
            return "keep"
        if before.said("touch"):
            return "keep"
        if signs & {"too_much", "so_much", "so_many", "too_many", "too"}:
            return "flip"
        return "off" if edit.dimension in SWITCHABLE else ("keep" if edit.dimension == "tempo" else "flip")
    if down:
        return "flip"
    if all_.said("blame"):
        return "off" if edit.dimension in SWITCHABLE else "flip"
    if all_.said("praise", "same"):
        return "liked"
    if "more" in signs or all_.particles & {"up"}:
        return "do"
    if all_.said("keep"):
        return "keep"
    if before.said("off") and not before.said("on"):
        return "off" if edit.dimension in SWITCHABLE and "drop" not in before.words else "flip"
    if edit.dimension in NEUTRAL:
        return "nothing"
    return "nothing" if all_.said("is") and not all_.said("must", "on") else "do"


def _feature(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    signs = set(before.signs) - {"so", "enough"}
    if before.said("neg") and not signs & {"more"}:
        return (
            "keep"
            if before.said("touch")
            else ("less" if signs & {"too_many", "too_much", "so_many", "so_much"} else "off")
        )
    if signs & {"less", "fewer", "too_many", "too_much", "so_many", "so_much"}:
        return "less"
    if all_.said("blame"):
        return "off"
    if all_.said("praise") and not signs and not all_.said("again"):
        return "liked"
    if "more" in signs:
        return "more" if not before.said("neg") else "less"
    if before.said("off"):
        return "off"
    if before.said("keep") and "going" not in all_.words:
        return "keep"
    if all_.said("is") and not all_.said("must", "on"):
        return "nothing"
    return "do"


def _order(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    signs = set(all_.signs) - {"so", "enough"}
    if before.said("neg"):
        return "flip" if signs & {"so_much", "too_much", "too"} else "forbid"
    if before.said("off"):
        return "stop"
    if signs & {"less", "too", "too_much", "so_much"}:
        return "flip"
    if phrase.inflected and all_.said("is") and not all_.said("must") and "keep" not in all_.words:
        return "flip" if term.read()[0].dimension in ("timing", "swing") else "nothing"
    if all_.said("praise") and not all_.said("must", "on", "recall"):
        return "liked"
    return "do"


def _complaint(term: Term, phrase: Phrase, before: Facts, all_: Facts) -> str:
    if "more" in before.signs and not before.said("neg"):
        return "flip"
    return "do"


EFFECTS: dict[str, Callable[[Term, Phrase, Facts, Facts], str]] = {
    "comparative": _comparative,
    "quality": _quality,
    "noun": _noun,
    "feature": _feature,
    "order": _order,
    "complaint": _complaint,
}


def _flipped(edit: Edit) -> Edit:
    if edit.change == "set":
        other = OPPOSITE_VALUE.get(edit.value or "")
        return replace(edit, value=other) if other else replace(edit, change="off")
    if edit.dimension == "swing" and edit.change == "off":
        return replace(edit, change="more")
    return replace(edit, change=OPPOSITE.get(edit.change, edit.change), condition=None)


def _kept(edit: Edit) -> Edit:
    return replace(edit, change="keep", condition=None, size=None)


def _offed(edit: Edit) -> Edit:
    if edit.dimension == "mute":
        return replace(edit, change=OPPOSITE[edit.change])
    return replace(edit, change="off", condition=None, size=None)


def _forbidden(edit: Edit) -> Edit | None:
    """Do not do that: a change of degree leaves all as it is, a thing is left out, a prohibition stands."""
    if edit.change in ("undo", "recall", "keep"):
        return None
    if edit.dimension == "mute":
        return _flipped(edit) if edit.change == "off" else None
    if edit.dimension == "swing":
        return replace(edit, change="off" if edit.change == "more" else "more", scope="until-told")
    if edit.change in ("more", "less"):
        return replace(_kept(edit), scope="until-told")
    return replace(_flipped(edit) if edit.dimension == "resolution" else _offed(edit), size=None, scope="until-told")


def _stopped(edit: Edit) -> Edit | None:
    if edit.dimension in ("timing", "tempo") and edit.change != "set":
        return _flipped(edit)
    if edit.dimension in ("resolution", "mute", "swing"):
        return _flipped(edit)
    if edit.change in ("more", "less"):
        return _kept(edit)
    return _offed(edit) if edit.change in ("set", "on") else None


def _graded(way: str) -> Callable[[Edit], Edit]:
    def apply(edit: Edit) -> Edit:
        if edit.change == "set" and edit.value not in OPPOSITE_VALUE:
            return replace(edit, change=way)
        return edit if way == "more" else _flipped(edit)

    return apply


def _each(apply: Callable[[Edit], Edit | None]) -> Callable[[tuple[Edit, ...]], list[Edit]]:
    return lambda edits: [made for edit in edits if (made := apply(edit)) is not None]


DEEDS: dict[str, Callable[[tuple[Edit, ...]], list[Edit]]] = {
    "do": list,
    "nothing": lambda edits: [],
    "flip": _each(_flipped),
    "keep": _each(_kept),
    "off": _each(_offed),
    "forbid": _each(_forbidden),
    "stop": _each(_stopped),
    "more": _each(_graded("more")),
    "less": _each(_graded("less")),
    "liked": _each(lambda edit: _kept(edit) if edit.dimension != "take" or edit.change == "keep" else None),
}


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


def _bare(clause: Clause, facts: Facts) -> list[Edit]:
    """Targets with a sign or a verb and no term: "more snare", "no drums", "the hats back in", "only drums"."""
    targets = [target for target in facts.targets if target not in ("form", "feel")]
    special = [target for target in facts.targets if target in ("form", "feel")]
    if any(phrase.unknown for phrase in clause.phrases) and not facts.said(
        "off", "on", "praise", "blame", "keep", "neg"
    ):
        return []
    if not targets and not special and facts.said("it") and any(scope.startswith("bar") for scope in facts.scopes):
        return _that_thing(facts)
    for rule in (_moved, _praised, _signed, _switched, _kept_bare):
        found = rule(targets or special, facts)
        if found is not None:
            return found
    return []


def _that_thing(facts: Facts) -> list[Edit]:
    """What was played in a bar: "lose that thing in bar three", "do that thing in bar three again"."""
    for kinds, change in (
        (("again", "recall"), "recall"),
        (("off", "blame", "neg"), "off"),
        (("keep", "praise"), "keep"),
    ):
        if facts.said(*kinds):
            return [Edit("band", "pattern", change, confidence=0.75)]
    return []


def _all(targets: Sequence[str], dimension: str, change: str, confidence: float) -> list[Edit]:
    return [Edit(target, dimension, change, confidence=confidence) for target in targets]


def _moved(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    """By particle: up, down, back, forward, in, out."""
    steps = facts.sizes and facts.sizes[-1].endswith(("octave", "semitone"))
    up, down = facts.particles & {"up", "forward"}, facts.particles & {"down"}
    if up or down:
        if any(size.endswith("bpm") for size in facts.sizes):
            return [Edit("band", "tempo", "more" if up else "less", confidence=0.9)]
        if facts.said("neg") and targets:
            return _all(targets, "level", "keep", 0.8)
        default = ["line"] if steps else ["band"]
        if not targets and not facts.said("it") and not facts.sizes:
            return None
        return _all(targets or default, "register" if steps else "level", "more" if up else "less", 0.88)
    if not targets:
        return None
    if "back" in facts.particles:
        comes = facts.particles & {"in", "on"} or facts.words & {
            "bring",
            "want",
            "get",
            "have",
            "give",
            "come",
            "put",
            "need",
        }
        if comes and not (facts.sizes or facts.words & {"pull", "dial", "push"}):
            return _all(targets, "mute", "off", 0.85)
        return _all(targets, "level", "less", 0.85)
    if facts.particles & {"out", "off", "away"} and not facts.said("neg"):
        return _all(targets, "mute", "on", 0.85)
    if "in" in facts.particles and facts.words & {"bring", "come", "comes", "in"} and not facts.said("neg", "is"):
        return _all(targets, "mute", "off", 0.8)
    return None


def _praised(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    if facts.said("blame"):
        return _all(targets, "pattern", "off", 0.7)
    negative = facts.said("neg") or (facts.signs and set(facts.signs) & set(LESS_WAYS))
    if facts.said("praise") and not facts.said("vague") and not negative and "more" not in facts.signs:
        return _all(targets, "pattern", "keep", 0.75) if not facts.said("off") else None
    return None


def _signed(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    signs = set(facts.signs)
    if not targets or facts.said("only", "except") or (facts.said("touch") and facts.said("neg")):
        return None
    if facts.said("neg") and "enough" in signs:
        return _all(targets, "level", "more", 0.85)
    if signs & {"fewer", "too_many", "so_many"}:
        return _all(targets, "density", "less", 0.85)
    if signs & {"less", "too_much", "so_much"}:
        return _all(targets, "level", "keep" if facts.said("neg") and "less" in signs else "less", 0.85)
    if "more" in signs and "no" not in facts.words:
        return _all(targets, "level", "keep" if facts.said("neg") else "more", 0.85)
    if facts.sizes and facts.said("off"):
        return _all(targets, "level", "less", 0.8)
    return None


def _switched(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    if not targets:
        return None
    if facts.said("instead"):
        return None
    if facts.said("only") and not facts.said("neg") and not facts.said("keep", "touch"):
        return [
            Edit("band", "mute", "on", confidence=0.85),
            *_all([t for t in targets if t != "band"], "mute", "off", 0.85),
        ]
    if facts.said("touch", "off") and facts.said("neg"):
        return _all(targets, "pattern", "keep", 0.8)
    if facts.said("neg") and not facts.said("is", "blame", "praise"):
        return _all(targets, "mute", "on", 0.85)
    if facts.said("off") and not facts.said("is"):
        return _all(targets, "mute", "on", 0.85)
    return None


def _kept_bare(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    if facts.said("keep", "same") and (targets or facts.said("it")) and not facts.said("neg"):
        return _all(targets, "pattern", "keep", 0.8) or [Edit("band", "take", "keep", confidence=0.8)]
    if targets and facts.said("on") and not facts.said("is") and set(targets) - {"band", "form", "feel"}:
        return _all(targets, "mute", "off", 0.75)
    return None
