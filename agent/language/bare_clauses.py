"""Reads clauses that name only a target and a degree or a verb: "more snare", "no drums", "the hats back in"."""

from __future__ import annotations

from collections.abc import Sequence

from agent.directions.edit import Edit
from agent.language.clause_facts import Facts
from agent.language.clauses import Clause

LESS_WAYS = ("less", "fewer", "too", "too_much", "too_many", "so_many")


def _plays(clause: Clause) -> bool:
    """ "could the keys play less": how much, not how loud."""
    places = {kind: [n for n, phrase in enumerate(clause.phrases) if phrase.has(kind)] for kind in ("who", "sign")}
    played = any("play" in phrase.text.split() for phrase in clause.phrases)
    return played and bool(places["who"]) and bool(places["sign"]) and places["sign"][-1] > places["who"][-1]


def bare(clause: Clause, facts: Facts) -> list[Edit]:
    """Targets with a sign or a verb and no term: "more snare", "no drums", "the hats back in", "only drums"."""
    targets = [target for target in facts.targets if target not in ("form", "feel")]
    special = [target for target in facts.targets if target in ("form", "feel")]
    if facts.odd:
        return []
    for rule in (_moved, _praised, _signed, _switched, _kept_bare):
        found = rule(targets or special, facts)
        if found is not None:
            return found
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
    if facts.particles & {"off"} and any(size.endswith("dB") for size in facts.sizes):
        return _all(targets, "level", "less", 0.85)
    if facts.particles & {"out", "off", "away"} and not facts.said("neg"):
        return _all(targets, "mute", "on", 0.85)
    if (
        "in" in facts.particles
        and not facts.signs
        and (facts.words & {"bring", "come", "comes"} or not facts.said("on", "off", "must"))
        and not facts.said("neg", "is")
    ):
        return _all(targets, "mute", "off", 0.8)
    return None


def _praised(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    if facts.said("blame"):
        return _all(targets, "pattern", "off", 0.7)
    negative = facts.said("neg") or (facts.signs and set(facts.signs) & set(LESS_WAYS))
    if facts.said("praise") and not facts.said("vague") and not negative and "more" not in facts.signs:
        return _all(targets, "pattern", "keep", 0.75) if not facts.said("off") else None
    return None


def _by_step(facts: Facts) -> str:
    """An octave or a semitone is a matter of pitch."""
    return "register" if facts.sizes and facts.sizes[-1].endswith(("octave", "semitone")) else "level"


def _signed(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    signs = set(facts.signs)
    if (
        not targets
        or set(targets) <= {"form", "feel"}
        or facts.said("only", "except")
        or (facts.said("touch") and facts.said("neg"))
    ):
        return None
    if facts.said("neg") and "enough" in signs:
        return _all(targets, "level", "more", 0.85)
    if signs & {"fewer", "too_many", "so_many"}:
        return _all(targets, "density", "less", 0.85)
    if signs & {"less", "too_much", "so_much"}:
        return _all(targets, _by_step(facts), "keep" if facts.said("neg") and "less" in signs else "less", 0.85)
    if "more" in signs and "no" not in facts.words:
        return _all(targets, _by_step(facts), "keep" if facts.said("neg") else "more", 0.85)
    if facts.sizes and facts.said("off"):
        return _all(targets, _by_step(facts), "less", 0.8)
    return None


def _switched(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    if facts.said("neg") and "i" in facts.words and not facts.words & {"want", "need", "like", "hear", "would"}:
        return []  # "I can't feel the beat"
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
    if facts.words & {"change", "alter", "modify", "adjust", "tinker"} and not facts.said("neg", "is"):
        return _all(["drums" if target == "feel" else target for target in targets], "variation", "more", 0.7)
    if facts.said("neg") and not facts.said("is", "blame", "praise"):
        return _all(targets, "mute", "on", 0.85)
    if facts.said("off") and not facts.said("is"):
        return _all(targets, "mute", "on", 0.85)
    return None


def _kept_bare(targets: Sequence[str], facts: Facts) -> list[Edit] | None:
    if not targets and facts.said("neg") and facts.said("touch") and facts.said("it"):
        return [Edit("band", "pattern", "keep", confidence=0.75)]
    if targets and "hold" in facts.words and any(scope.startswith("until:") for scope in facts.scopes):
        return _all(targets, "mute", "on", 0.75)
    if facts.said("keep", "same") and (targets or facts.said("it")) and not facts.said("neg"):
        return _all(targets, "pattern", "keep", 0.8) or [Edit("band", "take", "keep", confidence=0.8)]
    if targets and facts.said("on") and not facts.said("is") and set(targets) - {"band", "form", "feel"}:
        return _all(targets, "mute", "off", 0.75)
    return None
