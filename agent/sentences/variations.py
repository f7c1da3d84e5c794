"""Makes other sentences of those by hand: two in one, other numbers, other sections, other pieces of the drums.

Each function takes a sentence with its edits and returns one whose edits follow from the change of its words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from agent.sentences import names
from agent.sentences.clauses import split, words_of
from agent.sentences.said import GLUE, Said

SWAPPED = ("kick", "snare", "hat", "ride", "toms", "cymbals", "percussion", "harmony", "line")
WHOLE_SECTIONS = ("verse", "chorus", "bridge", "intro", "outro", "solo")
FULL_STOPS = (". ", ". ", "! ", "... ", ". ok ", ", anyway ", " - ")
LEANING = re.compile(
    r"(and|but|or|not|no|nah|nope|then|also|again|same|more|less|like|that|this|it|still|even|only|just|other|the other|actually|both|yes|now)\b",
    re.IGNORECASE,
)
OF_THE_WHOLE = re.compile(r"\.(take (undo|keep|set)|section|lead)|\|")


def swapped(said: Said, rng: Random) -> Said:
    """Return a sentence about another part, or about the same one by another name, where it names exactly one."""
    if said.context or said.asked or re.search(r"take |bass\.|form\.", " ".join(said.edits)):
        return said
    for target in rng.sample(SWAPPED, len(SWAPPED)):
        own = [e for e in said.edits if e.startswith(f"{target}.")]
        named = _named(said.text, target)
        if not own or len(named) != 1 or any(re.search(r"\.sound| set |fill|ghost|crash|solo", e) for e in own):
            continue
        name, plural = named[0]
        if len(re.findall(rf"\b{name}\b", said.text, re.IGNORECASE)) > 1:
            continue
        others = [t for t in SWAPPED if t != target and not any(e.startswith(f"{t}.") for e in said.edits)]
        if re.search(r"\.(register|dissonance|resolution|length|pattern)", " ".join(own)):
            others = []
        other = rng.choice(others) if others and rng.random() < 0.6 else target
        fit = [n.removesuffix(names.PLURAL) for n in split(names.NAMES[other]) if n.endswith(names.PLURAL) == plural]
        if not fit or (_named(said.text, other) and other != target):
            continue
        text = re.sub(rf"\b{name}\b", rng.choice(fit), said.text, count=1, flags=re.IGNORECASE)
        text = text[:1].upper() + text[1:] if said.text[:1].isupper() else text
        return Said(text, tuple(e.replace(f"{target}.", f"{other}.", 1) if e in own else e for e in said.edits))
    return said


def _named(text: str, target: str) -> list[tuple[str, bool]]:
    """Return the names of a part in a text, those within longer ones left out, and whether each is a plural."""
    found = {
        (name.removesuffix(names.PLURAL), name.endswith(names.PLURAL))
        for name in split(names.NAMES[target])
        if re.search(rf"\b{name.removesuffix(names.PLURAL)}\b", text, re.IGNORECASE)
    }
    return sorted(one for one in found if not any(one[0] in two[0] and one != two for two in found))


def renumbered(said: Said, rng: Random) -> Said:
    """Return a sentence with another bar, tempo or count, where one number stands once in words and once in edits."""
    edits = "; ".join(said.edits)
    for number in rng.sample(found := re.findall(r"(?<![\w./#-])\d{1,3}(?![\w./#-])", edits), len(found)):
        ways = [way for way in (number, words_of(int(number))) if len(re.findall(rf"\b{way}\b", said.text)) == 1]
        if len(ways) != 1 or found.count(number) != 1 or said.context or said.asked or int(number) < 2:
            continue
        near = (
            int(number) * rng.uniform(0.7, 1.4) if int(number) > 32 else rng.randint(2, 9 if int(number) < 10 else 32)
        )
        new = max(2, round(near))
        spelt = str(new) if ways[0].isdecimal() else words_of(new)
        text = re.sub(rf"\b{ways[0]}\b", spelt, said.text)
        return Said(text, tuple(re.sub(rf"(?<![\w./#-]){number}(?![\w./#-])", str(new), e) for e in said.edits))
    return said


def resectioned(said: Said, rng: Random) -> Said:
    """Return a sentence about another section of the song, where it names exactly one."""
    there = [name for name in WHOLE_SECTIONS if re.search(rf"\b{name}\b", said.text, re.IGNORECASE)]
    if (
        len(there) != 1
        or said.context
        or said.asked
        or re.search(r"line\.pattern|-verse|-chorus|\.sound", "".join(said.edits))
    ):
        return said
    if (
        not any(re.search(rf"section(:| set | off ){there[0]}\b", e) for e in said.edits)
        or said.text.lower().count(there[0]) > 1
    ):
        return said
    new = rng.choice([name for name in WHOLE_SECTIONS[:5] if name != there[0]])
    text = re.sub(rf"\b{there[0]}\b", new, said.text, flags=re.IGNORECASE)
    return Said(text, tuple(re.sub(rf"(section(?:: ?| set | off )){there[0]}\b", rf"\1{new}", e) for e in said.edits))


def alone(said: Said) -> bool:
    """Return whether a sentence means the same beside another one."""
    return not (said.context or said.asked or LEANING.match(said.text) or len(said.text.split()) > 14)


def joined(said: Sequence[Said], rng: Random) -> Said:
    """Return two sentences as one: two orders, a remark and an order, an order and a remark."""
    orders = [one for one in said if one.edits and alone(one) and not OF_THE_WHOLE.search("".join(one.edits))]
    remarks = [one for one in said if not one.edits and alone(one) and len(one.text.split()) > 2]
    first, second = rng.choice(orders), rng.choice(orders)
    kind = rng.random()
    if kind < 0.3:
        first = rng.choice(remarks)
    elif kind < 0.4:
        second = rng.choice(remarks)
    elif kind < 0.45:
        first, second = rng.choice(remarks), rng.choice(remarks)
    both = first.edits and second.edits
    targets = [{e.split(" ")[0] for e in one.edits} for one in (first, second)]
    if (both and targets[0] & targets[1]) or (
        both and re.search(r"band\.mute on", "".join(first.edits + second.edits))
    ):
        return second
    glue = (
        rng.choice(GLUE)
        if both and not re.search(r"@|[.!?]$", "".join((*first.edits, first.text)))
        else rng.choice(FULL_STOPS)
    )
    text = first.text.rstrip(".! ")
    tail = second.text if "." in glue or "!" in glue else second.text[:1].lower() + second.text[1:]
    return Said(
        f"{text}{'?' if text.endswith('?') and glue == '? ' else ''}{glue}{tail}", (*first.edits, *second.edits)
    )
