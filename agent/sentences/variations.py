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

SWAPPED = ("kick", "snare", "hat", "ride", "toms", "cymbals", "percussion")
WHOLE_SECTIONS = ("verse", "chorus", "bridge", "intro", "outro", "solo")
FULL_STOPS = (". ", ". ", "! ", "... ", ". ok ", ", anyway ", " - ")
LEANING = re.compile(
    r"(and|but|or|not|no|nah|nope|then|also|again|same|more|less|like|that|this|it|still|even|only|just|other|the other|actually|both|yes|now)\b",
    re.IGNORECASE,
)
OF_THE_WHOLE = re.compile(r"\.(take (undo|keep|set)|section|lead)|\|")


def swapped(said: Said, rng: Random) -> Said:
    """Return a sentence about another piece of the drums, where it names exactly one."""
    for target in rng.sample(SWAPPED, len(SWAPPED)):
        own = [e for e in said.edits if e.startswith(f"{target}.")]
        if not own or said.context or said.asked or any(re.search(r" set |fill|ghost|crash", e) for e in own):
            continue
        for name in split(names.NAMES[target]):
            plain = name.removesuffix(names.PLURAL)
            if f" {plain} " not in f" {said.text.lower()} " or not plain.islower():
                continue
            others = [t for t in SWAPPED if t != target and not any(e.startswith(f"{t}.") for e in said.edits)]
            other = rng.choice(others)
            fit = [n for n in split(names.NAMES[other]) if n.endswith(names.PLURAL) == name.endswith(names.PLURAL)]
            if fit:
                new = rng.choice(fit).removesuffix(names.PLURAL)
                text = f" {said.text} ".replace(f" {plain} ", f" {new} ", 1).strip()
                return Said(text, tuple(e.replace(f"{target}.", f"{other}.", 1) if e in own else e for e in said.edits))
    return said


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
