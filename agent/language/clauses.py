"""Tags words as phrases and groups these into clauses. A phrase is the longest entry of the lexicon; spelling is
corrected first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from agent.language import lexicon
from agent.language.lexicon import Tag

JOINS = frozenset(
    {
        ",",
        "and",
        "but",
        "then",
        "while",
        "though",
        "although",
        "plus",
        "because",
        "since",
        "so",
        ":",
        ";",
        "(",
        ")",
        "yet",
        "or",
        "also",
        "when",
        "whilst",
        "whereas",
        "otherwise",
        "after",
        "except",
        "without",
        "nor",
    }
)
SOFT = frozenset({",", "and", "plus", "or", "also", "(", ")", "then", "nor"})  # these continue; the others turn
STEM_ENDS = (("ing", ""), ("ing", "e"), ("s", ""), ("ed", ""), ("ed", "e"), ("es", ""), ("er", ""), ("ers", ""))


@dataclass(frozen=True, slots=True)
class Phrase:
    """text as said; tags: its readings, empty for a filler. mended: what was typed, if it was misspelt."""

    text: str
    tags: tuple[Tag, ...] = ()
    mended: str | None = None
    inflected: bool = False  # "pushing" read as "push"
    unknown: bool = False

    def of(self, kind: str) -> list[object]:
        return [value for name, value in self.tags if name == kind]

    def has(self, *kinds: str) -> bool:
        return any(name in kinds for name, _ in self.tags)


@dataclass(slots=True)
class Clause:
    """A run of phrases between joins. join: the word before it. soft: whether it goes on in the same sense."""

    phrases: list[Phrase] = field(default_factory=list)
    join: str = ""

    @property
    def soft(self) -> bool:
        return self.join in SOFT

    @property
    def text(self) -> str:
        return " ".join(phrase.text for phrase in self.phrases)

    def have(self, *kinds: str) -> bool:
        return any(phrase.has(*kinds) for phrase in self.phrases)


@lru_cache(maxsize=4096)
def mend(word: str) -> str:
    """The word meant: itself when known, else a musical one at most one (long words: two) slips away."""
    if len(word) < 4 or lexicon.is_english(word) or not word.isalpha():
        return word
    from rapidfuzz import process  # few words are misspelt, and it takes a while to load
    from rapidfuzz.distance import OSA

    slips = 1 if len(word) < 5 else 2
    found = process.extract(word, lexicon.music_words(), scorer=OSA.distance, score_cutoff=slips, limit=8)
    near = [(distance, name[0] != word[0], not _within(word, name), name) for name, distance, _ in found]
    near = [
        entry
        for entry in near
        if entry[0] == 1 or (not entry[1] and (len(word) > 7 or _letters_apart(word, entry[3]) < 2))
    ]
    return min(near)[3] if near else _sounds_like(word)


def _letters_apart(word: str, name: str) -> int:
    """How many letters one has and the other lacks, order apart."""
    counts = (Counter(word), Counter(name))
    return (counts[0] - counts[1]).total() + (counts[1] - counts[0]).total()


def _within(word: str, name: str) -> bool:
    """Whether letters were only left out: "swng" of "swing"."""
    letters = iter(name)
    return all(letter in letters for letter in word)


def _sounds_like(word: str) -> str:
    """A target two slips away ("snair"), if only one is."""
    from rapidfuzz.distance import OSA

    near = [
        name
        for name in lexicon.target_words()
        if len(word) > 4 and name[:2] == word[:2] and abs(len(name) - len(word)) < 2 and OSA.distance(word, name) == 2
    ]
    return near[0] if len(near) == 1 else word


def stem(word: str) -> str:
    """A known word of which this is an inflection, else the word."""
    for ending, put in STEM_ENDS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            base = word[: -len(ending)]
            for candidate in (base + put, base[:-1] if len(base) > 3 and base[-1] == base[-2] else base + put):
                if (candidate,) in lexicon.TABLE.index:
                    return candidate
    return word


def tagged(words: Sequence[str]) -> list[Phrase]:
    """Greedy: at each word the longest phrase of the lexicon, else a mark, a join, a filler or an unknown word."""
    mended = [word if word.startswith("<") else mend(word) for word in words]
    phrases, place = [], 0
    while place < len(words):
        found, used = _at(words, mended, place)
        phrases += found
        place += used
    return phrases


def _at(words: Sequence[str], mended: Sequence[str], place: int) -> tuple[list[Phrase], int]:
    for length in range(min(lexicon.TABLE.longest, len(words) - place), 0, -1):
        key = tuple(mended[place : place + length])
        if key in lexicon.TABLE.index and not (length == 1 and key[0].startswith("<")):
            typed = " ".join(words[place : place + length])
            joined = " ".join(key)
            return [Phrase(joined, tuple(lexicon.TABLE.index[key]), typed if typed != joined else None)], length
    return [_single(words[place], mended[place])], 1


def _single(typed: str, word: str) -> Phrase:
    if word.startswith("<"):
        kind, _, value = word[1:-1].partition("=")
        return Phrase(value, ((kind, value),))
    if word in JOINS or not word[0].isalnum():
        return Phrase(word, (("join", word),) if word in JOINS else ())
    base = stem(word)
    if base != word:
        return Phrase(word, tuple(lexicon.TABLE.index[(base,)]), typed if typed != word else None, inflected=True)
    return Phrase(word, unknown=word not in lexicon.TABLE.known_words and not word.isdigit())


def clauses(phrases: Iterable[Phrase]) -> list[Clause]:
    """Split at joins and where a second order begins without one: "less snare more kick"."""
    found = [Clause()]
    for phrase in phrases:
        joins = phrase.of("join") or [word for word in ("without", "nor") if word == phrase.text]
        if joins == [":"] and all(earlier.has("who", "term") or not earlier.tags for earlier in found[-1].phrases):
            continue  # "drums: softer"
        if joins and not (joins[0] == "so" and found[-1].phrases and found[-1].phrases[-1].has("neg")):
            found.append(Clause(join=str(joins[0])))
            if joins[0] in ("without", "except", "nor"):
                found[-1].phrases.append(Phrase(str(joins[0]), tuple(lexicon.TABLE.index[(str(joins[0]),)])))
        else:
            if _begins_anew(found[-1], phrase):
                found.append(Clause(join=","))
            found[-1].phrases.append(phrase)
    return _joins_merged([clause for clause in found if clause.phrases or clause.join])


def _joins_merged(found: Sequence[Clause]) -> list[Clause]:
    """ ", and" is "and"; ", but" is "but": an empty clause passes its join on only where the next has none."""
    kept: list[Clause] = []
    for clause in found:
        if clause.phrases:
            kept.append(clause)
    return kept


def _begins_anew(clause: Clause, phrase: Phrase) -> bool:
    """A complete order stands before: target and predicate; this phrase opens another one of the same build."""
    shape = [_shape(earlier) for earlier in clause.phrases]
    shape = [letter for letter in shape if letter]
    letter = _shape(phrase)
    if not shape or not letter or clause.have("only", "except", "instead") or _comparing(clause):
        return False
    joined = "".join(shape)
    if letter == "T":
        return joined.endswith(("TP", "TSP"))
    if letter == "P" and joined.endswith("PT"):
        return all("comparative" in _columns(other) for other in (phrase, *clause.phrases) if _shape(other) == "P")
    return (
        letter in "SV" and any(joined.endswith(end) for end in ("ST", "VT", "SP", "PT")) and not joined.endswith("TT")
    )


def _comparing(clause: Clause) -> bool:
    return any(phrase.text in ("than", "ahead", "behind") for phrase in clause.phrases[-3:])


def _columns(phrase: Phrase) -> list[str]:
    return [value[0] for value in phrase.of("term") if isinstance(value, tuple)]


def _shape(phrase: Phrase) -> str:
    """T target, S sign, V off-verb, P predicate, "" else."""
    if phrase.has("who") and not phrase.has("term"):
        return "T"
    if phrase.text in ("more", "less", "too", "fewer", "too_much", "too_many"):
        return "S"
    columns = [value[0] for value in phrase.of("term") if isinstance(value, tuple)]
    if any(column in ("comparative", "feature", "noun", "order") for column in columns) or phrase.text in (
        "up",
        "down",
        "back",
    ):
        return "P"
    return "V" if phrase.text in ("mute", "kill", "lose", "drop", "add", "ditch", "cut", "unmute", "no", "keep") else ""
