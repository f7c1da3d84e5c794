"""Makes whole sentences from clauses: several wishes, exceptions, places, conditions, corrections, remarks before an order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from agent.sentences import names
from agent.sentences.clauses import FOLDER, Clause, Clauses, blocks, split, with_condition, with_scope

ASKING = ("can you {}", "could you {}", "can we {}", "could we {}", "would you {}", "please {}", "{} please", "let's {}", "i want you to {}", "i'd like you to {}",
          "maybe {}", "just {}", "can you please {}", "could you maybe {}", "how about we {}", "why don't you {}", "let's try and {}", "i need you to {}", "you could {}",
          "you should {}", "try to {}", "go ahead and {}", "what if we {}", "what if you {}", "will you {}", "would you mind if we {}", "can you guys {}", "can everyone {}",
          "we should {}", "you can {}", "i think we should {}", "do me a favour and {}", "want you to {}", "feel free to {}", "now {}", "ok {}", "and {}", "then {}")  # fmt: skip
WANTING = ("can i get {}", "can i have {}", "can we have {}", "could i have {}", "give me {}", "i'd like {}", "i need {}", "i want {}", "{} please", "{}, please", "let's have {}", "let's try {}",
           "maybe {}", "how about {}", "what about {}", "could we get {}", "i could use {}", "let me have {}", "gimme {}", "we need {}", "i'd love {}", "let's hear {}", "just {}", "i want to hear {}",
           "now {}", "ok {}", "and {}", "then {}", "i'm after {}", "try {}", "could we try {}", "do {}", "what i want is {}", "i was thinking {}", "it needs {}", "make it {}")  # fmt: skip
THINKING = ("i think {}", "honestly {}", "hmm {}", "i feel like {}", "you know, {}", "to me {}", "i mean {}", "the thing is {}", "i find {}", "well {}", "hey {}", "man {}", "is it me or is it that {}",
            "for my taste {}", "no, {}", "look, {}", "i'd say {}", "still {}", "so {}", "to be honest {}", "listen, {}")  # fmt: skip
GLUE = (" and ", ", ", " and ", ", and ", " but ", ", but ", ". ", "; ", " then ", ", then ", " plus ", " and also ", ", oh and ", ". also ", ", also ", ". and ", " & ", " while you ")  # fmt: skip
EXCEPT = ("{x} but not {p}", "{x}, but not {p}", "{x} except {p}", "{x} except for {p}", "{x} apart from {p}", "{x}, just not {p}", "{x} but leave {p}", "{x} but keep {p} as it is", "{x}, not {p} though",
          "{x} but leave {p} alone", "{x}, {p} can stay as is", "{x} other than {p}", "{x} besides {p}", "{x} but {p} stays", "{x}, with the exception of {p}", "{x}, everything but {p}", "{x} without touching {p}",
          "{x} but don't touch {p}", "{x} but {p} stays where it is", "all but {p}: {x}", "except for {p}, {x}", "not {p}, but {x}", "{x} only leave {p} out of it")  # fmt: skip
REPAIRS = ("{a}, no, {b}", "{a}, no wait, {b}", "{a}, sorry, {b}", "{a}. no, {b}", "{a} - no, {b}", "{a}... actually {b}", "{a}, i mean {b}", "{a}, scratch that, {b}", "{a} or rather {b}", "{a}. wait, no. {b}",
           "{a}, actually no, {b}", "no {a}, i mean {b}", "{a} ugh no {b}", "{a}. oh no, {b} i meant", "{a}, nah, {b}", "{a}? no, {b}")  # fmt: skip
PRAISE = ("great", "nice", "good", "love it", "cool", "perfect", "that's great", "sounds good", "better", "lovely", "yes", "ok", "i like it", "i like the direction", "that's nice", "very nice", "good stuff",
          "i love this", "not bad", "much better", "good start", "almost", "it's great", "really nice", "alright", "sweet", "close")  # fmt: skip
BUT = (
    " but ",
    ", but ",
    ". ",
    ", now ",
    ". now ",
    ", just ",
    ", only ",
    ", though ",
    " but now ",
    ", ok now ",
    ". but ",
    " except ",
    ", and ",
)
COMPARATIVES = {
    "louder": "band.level more", "quieter": "band.level less", "softer": "band.level less", "faster": "band.tempo more", "slower": "band.tempo less", "busier": "band.density more",
    "sparser": "band.density less", "brighter": "band.brightness more", "darker": "band.brightness less", "harder": "band.intensity more", "gentler": "band.intensity less", "wetter": "band.reverb more",
    "drier": "band.reverb less", "simpler": "band.density less", "wider": "band.width more", "warmer": "band.brightness less", "denser": "band.density more", "tighter": "feel.timing set tight",
    "looser": "feel.timing set loose", "higher": "line.register more", "lower": "line.register less", "quicker": "band.tempo more", "more intense": "band.intensity more", "more swung": "feel.swing more",
    "straighter": "feel.swing less", "more laid back": "feel.timing less", "more dissonant": "harmony.dissonance more", "more syncopated": "feel.syncopation more", "calmer": "band.intensity less",
    "more varied": "band.variation more", "steadier": "band.variation less",
}  # fmt: skip
WHOLE = r"level |intensity (more|less)$|density |brightness |timing (more|less)|reverb |swing (more|off)"
CONDITIONS = ("when I stop", "when I play", "when I get louder", "when I get softer")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence with its edits. context: the edits of the sentence before, asked: the readings the band offered."""

    text: str
    edits: tuple[str, ...]
    context: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()


@cache
def scopes() -> dict[str, tuple[str, ...]]:
    return blocks("scopes.txt")


@cache
def conditions() -> dict[str, tuple[str, ...]]:
    return blocks("conditions.txt")


@cache
def no_orders() -> tuple[tuple[str, ...], tuple[float, ...]]:
    found: list[str] = []
    weights: list[float] = []
    share = {
        "own playing and gear": 1.5,
        "past": 2.0,
        "hypotheticals and thinking aloud": 1.6,
        "questions": 1.2,
        "small talk": 0.7,
        "praise and blame of all": 0.9,
    }
    for header, lines in blocks("no_orders.txt").items():
        found += lines
        weights += [share[header]] * len(lines)
    return tuple(found), tuple(weights)


class Sentences:
    """Draws sentences of one voice."""

    def __init__(self, rng: Random, voice: int = 0, keep: float = 1.0) -> None:
        self.rng, self.clauses = rng, Clauses(rng, voice, keep)

    # -- pieces ---------------------------------------------------------------------------------------------------

    def scope(self, kinds: tuple[str, ...] = ()) -> tuple[str, str, str]:
        """Return words, scope and where they may stand: ">" after, "" anywhere."""
        rng, number = self.rng, self.clauses.number
        all_kinds = tuple(scopes())
        weights = {
            "bar:N": 6,
            "section:S": 9,
            "bars:N": 5,
            "bars:A-B": 4,
            "from:N": 4,
            "bars:1-N": 2,
            "bars:last-N": 2,
            "every:N": 2.5,
            "until:N": 2,
            "phrase-ends": 1.5,
            "bar:last": 1.5,
        }
        kind = rng.choice(kinds) if kinds else rng.choices(all_kinds, [weights.get(k, 0.7) for k in all_kinds])[0]
        line = rng.choice(scopes()[kind])
        place, line = (line[0], line[2:]) if line[0] in "<>" else ("", line)
        n = (
            rng.choice((2, 4, 8, 4, 8, 2, 3, 16, 6, 12))
            if kind.startswith(("bars", "every"))
            else rng.randint(2, 32)
            if rng.random() < 0.3
            else rng.randint(1, 16)
        )
        scope = kind.replace("N", str(n))
        if "A-B" in kind:
            a = rng.choice((1, 5, 9, 13, 3, 7, 2, 17))
            b = a + rng.choice((3, 3, 7, 1, 4, 2))
            scope = f"bars:{a}-{b}"
            line = line.replace("{a}", number(a)).replace("{b}", number(b))
        if "{n-1}" in line:
            n = max(n, 2)
            scope, line = f"from:{n}", line.replace("{n-1}", number(n - 1))
        line = line.replace("{nth}", self.clauses.nth(n)).replace("{n}", number(n))
        if kind == "section:S":
            label, said = self.clauses.section()
            if label == "a" or label == "b" or label == "c":
                line = line.replace("in {S}", "at {S}")
            scope, line = f"section:{label}", line.replace("{S}", said)
        return line, scope, place

    def condition(self, name: str) -> tuple[str, str, str]:
        line = self.rng.choice(conditions()[name])
        place, line = (line[0], line[2:]) if line[0] in "<>" else ("", line)
        if name == "than take N":
            n = self.rng.randint(1, 4)
            name, line = (
                f"than take {n}",
                line.replace("{kth}", f"the {self.clauses.nth(n)} take").replace("{k}", self.clauses.number(n)),
            )
        if name == "than PART":
            target = self.rng.choice(names.GROUPS["parts"])
            name, line = f"than {target}", line.replace("{part}", self.clauses.name(target)[0])
        return line, name, place

    def wrapped(self, clause: Clause, most: float = 0.45) -> str:
        """Return the words of a clause as an order, a request, a question or a thought."""
        rng = self.rng
        if rng.random() > most:
            return clause.text
        shapes = {"!": ASKING, "~": WANTING, "=": THINKING}[clause.kind]
        if clause.kind == "~" and re.match(
            r"(no|not|without|back|like|just|only|now|same|key|tempo|to|in|on|what|all|the way|straight to|verse|full)\b",
            clause.text,
        ):
            shapes = ("{} please", "ok {}", "{}, please", "now {}", "maybe {}")
        if clause.kind == "~" and re.search(
            r"\b(up|down|out|in|off|back|left|louder|quieter|softer|higher|lower|darker|brighter|later|earlier)\b.{0,12}$",
            clause.text,
        ):
            shapes = (
                "{} please",
                "can i get {}",
                "{}, please",
                "can we have {}",
                "i'd like {}",
                "i want {}",
                "maybe {}",
                "could we have {}",
                "i'd prefer {}",
                "i need {}",
            )
        if clause.kind == "!" and re.match(r"(don't|never|stop|no|let|leave me|i'd)\b", clause.text):
            shapes = ("please {}", "{} please", "just {}", "ok {}", "{}, please", "and {}")
        return rng.choice(shapes).replace("{}", clause.text)

    def placed(self, words: str, at: str, text: str) -> str:
        rng = self.rng
        if at != ">" and (at == "<" or rng.random() < 0.38):
            return f"{words}{rng.choice((', ', ' ', ' ', ': ')) if not words.startswith('bar') else rng.choice((', ', ': ', ' '))}{text}"
        return f"{text}{rng.choice((' ', ' ', ' ', ', '))}{words}"

    # -- sentences ------------------------------------------------------------------------------------------------

    def sentence(self) -> Said:
        rng = self.rng
        kinds = (
            (self.plain, 30), (self.scoped, 17), (self.nothing, 58), (self.several, 13), (self.excepted, 6), (self.two_targets, 4), (self.per_place, 4), (self.staged, 6),
            (self.conditional, 5), (self.compared, 4), (self.repaired, 5), (self.remarked, 8), (self.contrasted, 2.5), (self.instead_of, 1.5), (self.mixed_takes, 1.2), (self.scoped_chords, 2), (self.both_there, 3),
        )  # fmt: skip
        return rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0]()

    def plain(self) -> Said:
        clause = self.clauses.clause()
        return Said(self.wrapped(clause), clause.edits)

    def nothing(self) -> Said:
        rng = self.rng
        lines, weights = no_orders()
        count = rng.choices((1, 2), (9, 1))[0]
        return Said(
            rng.choice((", ", ". ")).join(self.filled(line) for line in rng.choices(lines, weights, k=count)), ()
        )

    def filled(self, line: str) -> str:
        """Return a sentence that orders nothing with its slots filled."""
        if "{" not in line:
            return line
        said, bare, plural = self.clauses.part(self.rng.choice(names.GROUPS["parts"]))
        bpm, k = str(self.rng.randint(60, 180)), self.clauses.number(self.rng.randint(1, 5))
        line = line.replace("{is}", "are" if plural else "is").replace("{was}", "were" if plural else "was")
        line = (
            line.replace("the {t}", said if said.startswith("the") else f"the {bare}")
            .replace("{T}", said)
            .replace("{t}", bare)
            .replace("{k}", k)
            .replace("{n}", k)
        )
        return (
            line.replace("{bpm}", bpm)
            .replace("{S}", self.clauses.section()[1])
            .replace("{K}", self.clauses.key()[1])
            .replace("{M}", self.clauses.meter()[1])
        )

    def scoped(self) -> Said:
        clause = self._placeable()
        words, scope, at = self.scope()
        return Said(self.placed(words, at, self.wrapped(clause)), with_scope(clause.edits, scope))

    def _placeable(self, kinds: str = "!=~") -> Clause:
        while True:
            clause = self.clauses.clause(kinds=kinds)
            if (
                not re.search(r"\.(take|lead|section|tempo set|sound) |@|count-in|loop|hook", clause.edits[0])
                or self.rng.random() < 0.08
            ):
                return clause

    def scoped_chords(self) -> Said:
        clause = self.clauses.clause("chord set CHORD$")
        words, scope, at = self.scope(("bar:N", "bar:N", "bar:last", "bars:A-B", "section:S"))
        return Said(self.placed(words, at, self.wrapped(clause, 0.2)), with_scope(clause.edits, scope))

    def several(self) -> Said:
        rng = self.rng
        count = rng.choices((2, 3), (4, 1))[0]
        parts = [self.scoped() if rng.random() < 0.2 else self._ordered() for _ in range(count)]
        text, done = parts[0].text, list(parts[0].edits)
        for part in parts[1:]:
            glue = rng.choice(GLUE[:-1])
            text += glue + part.text
            done += part.edits
        return Said(text, tuple(done))

    def both_there(self) -> Said:
        """Two short wishes and one place, which counts for both."""
        rng = self.rng
        first, second = self.clauses.clause(kinds="~"), self.clauses.clause(kinds="~")
        words, scope, _ = self.scope()
        text = f"{first.text}{rng.choice((' and ', ' and ', ', ', ' & '))}{second.text}{rng.choice((' ', ' ', ', '))}{words}"
        edits = with_scope((*first.edits, *second.edits), scope)
        return Said(self.wrapped(Clause(text, edits, "~"), 0.4), edits)

    def _ordered(self) -> Said:
        clause = self.clauses.clause()
        return Said(self.wrapped(clause, 0.2), clause.edits)

    def excepted(self) -> Said:
        rng = self.rng
        for _ in range(100):
            clause = self.clauses.clause(WHOLE, rng.choice(("drums", "band", "drums", "")), "!~=")
            if clause.target not in ("drums", "band", "", "feel", "form"):
                continue
            parts = (
                ("kick", "snare", "hat", "ride", "toms", "cymbals", "percussion")
                if clause.target == "drums"
                else ("drums", "harmony", "line", "kick", "snare", "hat", "percussion", "bass")
            )
            part = rng.choice(parts)
            dimension = clause.edits[0].split(" ")[0].split(".")[1]
            said = self.clauses.part(part)[0]
            text = rng.choice(EXCEPT).replace("{x}", self.wrapped(clause, 0.2)).replace("{p}", said)
            edits: tuple[str, ...] = (*clause.edits, f"{part}.{dimension} keep")
            if rng.random() < 0.15:
                words, scope, at = self.scope()
                text, edits = self.placed(words, at, text), with_scope(edits, scope)
            return Said(text, edits)
        return self.plain()

    def two_targets(self) -> Said:
        rng = self.rng
        while True:
            clause = self.clauses.clause(
                r"level|mute|intensity|density|brightness|reverb|timing|variation|swing|pan|sound set fat"
            )
            if clause.named and len(clause.edits) == 1 and clause.target in names.GROUPS["parts"]:
                break
        other = rng.choice([p for p in names.GROUPS["parts"] if p != clause.target])
        said = self.clauses.part(clause.target)[0]
        for way in (f" {name}" for name in split(names.NAMES[clause.target])):
            name = way.strip().removesuffix("+")
            hit = re.search(rf"(?:the |that |those |your )?\b{re.escape(name)}\b", clause.text)
            if hit:
                said = hit[0]
        second = self.clauses.part(other)[0]
        glue = rng.choice((" and ", " and ", " and also ", " as well as ", ", ", " & ", " plus "))
        both = f"{said}{glue}{second}"
        if rng.random() < 0.2:
            both = f"both {said} and {second}"
        text = clause.text.replace(said, both, 1)
        text = re.sub(rf"({re.escape(second)}) is\b", r"\1 are", text)
        edits = (clause.edits[0], clause.edits[0].replace(f"{clause.target}.", f"{other}.", 1))
        if rng.random() < 0.25:
            words, scope, at = self.scope()
            text, edits = self.placed(words, at, text), with_scope(edits, scope)  # type: ignore[assignment]
        return Said(self.wrapped(Clause(text, edits, clause.kind), 0.3), edits)

    def per_place(self) -> Said:
        """Different wishes in different places, or several wishes in one."""
        rng = self.rng
        first, second = self._placeable("!~"), self._placeable("!~")
        words, scope, at = self.scope(("section:S", "bar:N", "bars:A-B", "section:S"))
        if rng.random() < 0.45:
            body = f"{first.text}{rng.choice((' and ', ', ', ', '))}{second.text}"
            text = f"{words}{rng.choice((', ', ': ', ' '))}{body}"
            return Said(text, with_scope((*first.edits, *second.edits), scope))
        more, other, where = self.scope(("section:S", "from:N", "bars:A-B", "bar:N"))
        if rng.random() < 0.5 and scope.startswith("section") and other.startswith("section"):
            text = f"{scope_name(words)}{rng.choice((' ', ': ', ', '))}{first.text}, {scope_name(more)} {second.text}"
        else:
            text = f"{self.placed(words, at, first.text)}{rng.choice((' and ', ', ', '. ', ' but '))}{self.placed(more, where, second.text)}"
        return Said(text, (*with_scope(first.edits, scope), *with_scope(second.edits, other)))

    def staged(self) -> Said:
        """First this, then that."""
        rng = self.rng
        number = self.clauses.number
        wants = (
            "mute on",
            "mute on",
            "ONLY",
            "ONLY",
            "density",
            "level",
            "intensity",
            "pattern set half",
            "pattern set brushes",
            "swing",
            "mute off",
        )
        first = self.clauses.clause(rng.choice(wants), kinds="!~")
        second = self.clauses.clause(
            rng.choice(("mute off", "mute off", "mute off", "mute on", "intensity", "level", "pattern set", "density")),
            kinds="!~=",
        )
        if rng.random() < 0.4:
            second = Clause(
                rng.choice(
                    (
                        "everybody in",
                        "everyone in",
                        "all in",
                        "the rest",
                        "everybody",
                        "full band",
                        "everything",
                        "everybody comes in",
                        "the whole band",
                        "bring everyone in",
                        "all of you",
                        "come in",
                        "come back in",
                        "the others join",
                        "back in",
                    )
                ),
                ("band.mute off",),
                "~",
            )
        n = rng.choice((2, 4, 8, 2, 4, 1, 3, 16))
        then = (
            rng.choice(
                (
                    ", then ",
                    " then ",
                    " and then ",
                    ", after that ",
                    ", and then ",
                    ". then ",
                    ", then from there ",
                    " before ",
                    ", next ",
                )
            )
            if second.kind != "="
            else rng.choice((", then ", ". then ", " and then "))
        )
        if then == " before ":
            then = ", then "
        bars = f"{number(n)} bars" if n > 1 else rng.choice(("a bar", "one bar"))
        shape = rng.random()
        if shape < 0.4 and n > 1:
            words = rng.choice(("the first {}", "for the first {}", "in the first {}", "first {}")).format(bars)
            text = self.placed(words, "", first.text)
            tail = (
                rng.choice((then, f"{then}from bar {number(n + 1)} ")) + second.text
                if rng.random() < 0.7
                else f", {second.text} {rng.choice(('from', 'at', 'in'))} bar {number(n + 1)}"
            )
            return Said(
                text + tail, (*with_scope(first.edits, f"bars:1-{n}"), *with_scope(second.edits, f"from:{n + 1}"))
            )
        if shape < 0.75:
            words = rng.choice(("for {}", "{}", "for just {}", "for the next {}", "over {}")).format(bars)
            text = self.placed(words, ">", first.text)
            return Said(text + then + second.text, (*with_scope(first.edits, f"bars:{n}"), *second.edits))
        start = rng.choice((5, 9, 3, 13, 17, 4, 8))
        place = rng.choice(
            (
                f"from bar {number(start)}",
                f"at bar {number(start)}",
                f"from {number(start)}",
                f"starting at bar {number(start)}",
                f"in at bar {number(start)}",
            )
        )
        opening = self.clauses.clause(rng.choice(("ONLY", "mute on")), kinds="!~")
        text = f"{rng.choice(('start with ', 'first ', 'begin with ', ''))}{opening.text}, {second.text} {place}"
        return Said(text, (*opening.edits, *with_scope(second.edits, f"from:{start}")))

    def conditional(self) -> Said:
        rng = self.rng
        words, name, at = self.condition(rng.choice(CONDITIONS))
        while True:
            clause = self.clauses.clause(
                r"mute|level|intensity (more|less)$|density|pattern set (fill|solo|break|answer)|variation|dissonance (more|less)|ONLY|brightness",
                kinds="!~=" if rng.random() < 0.3 else "!",
            )
            if "too" not in clause.text:
                break
        text = clause.text
        edits = with_condition(clause.edits, name)
        if rng.random() < 0.2:
            more, other, place = self.condition(
                {
                    "when I stop": "when I play",
                    "when I play": "when I stop",
                    "when I get louder": "when I get softer",
                    "when I get softer": "when I get louder",
                }[name]
            )
            second = self.clauses.clause(r"mute|level|intensity (more|less)$|density", kinds="!")
            text = f"{self.placed(words, at, text)}{rng.choice((' and ', ', ', '; '))}{self.placed(more, place, second.text)}"
            return Said(text, (*edits, *with_condition(second.edits, other)))
        return Said(self.placed(words, at, self.wrapped(Clause(text, edits, clause.kind), 0.2)), edits)

    def compared(self) -> Said:
        rng = self.rng
        words, name, _at = self.condition(
            rng.choice(("than before", "than before", "than now", "than take N", "than me", "than PART"))
        )
        comparative, edit = rng.choice([(c, e) for c, e in COMPARATIVES.items() if " set " not in e])
        size = ""
        if rng.random() < 0.3:
            degree, size = self.clauses.before()
            comparative = f"{degree} {comparative}".strip()
        target, dimension = edit.split(" ")[0].split(".")
        if rng.random() < 0.55 and dimension in ("level", "density", "brightness", "intensity", "reverb", "register"):
            target = rng.choice(("harmony", "line") if dimension == "register" else names.GROUPS["parts"])
            said, _bare, _plural = self.clauses.part(target)
            shape = rng.choice(
                (
                    "{T} {c} {w}",
                    "make {T} {c} {w}",
                    "i want {T} {c} {w}",
                    "{T} should be {c} {w}",
                    "play {T} {c} {w}",
                    "keep {T} {c} {w}",
                    "let {T} be {c} {w}",
                )
            )
            return Said(
                shape.format(T=said, c=comparative, w=words),
                (f"{target}.{dimension} {edit.split(' ')[1]}{size} |{name}",),
            )
        shape = rng.choice(
            (
                "{c} {w}",
                "{c} {w}",
                "play it {c} {w}",
                "make it {c} {w}",
                "i want it {c} {w}",
                "let's go {c} {w}",
                "it should be {c} {w}",
                "a take that's {c} {w}",
            )
        )
        return Said(shape.format(c=comparative, w=words), (f"{edit}{size} |{name}",))

    def repaired(self) -> Said:
        rng = self.rng
        first = self.clauses.clause(kinds="!~")
        kind = rng.random()
        if kind < 0.35 and first.named and first.target in names.GROUPS["parts"]:  # the wrong part was named
            act = first.edits[0].split(".", 1)[1]
            other = rng.choice([p for p in names.GROUPS["parts"] if p != first.target])
            said = self.clauses.part(other)[0]
            text = rng.choice(
                (
                    "{a}, no, {b}",
                    "{a}, i mean {b}",
                    "{a}, sorry, {b}",
                    "{a}. no, {b}",
                    "{a} - {b} i mean",
                    "{a}, no wait, {b}",
                    "{a} or rather {b}",
                    "{a}, not that, {b}",
                )
            ).format(a=first.text, b=said)
            if len(first.edits) == 1 and " set " not in act and not re.search(r"(?:keep|off|less|more) \w", act):
                return Said(text, (f"{other}.{act}",))
        second = self.clauses.clause(kinds="!~")
        for _ in range(50):
            if (
                second.kind == first.kind
                and second.edits[0].split(" ")[0].split(".")[1] == first.edits[0].split(" ")[0].split(".")[1]
            ) or rng.random() < 0.05:
                break
            second = self.clauses.clause(kinds="!~")
        return Said(rng.choice(REPAIRS).format(a=self.wrapped(first, 0.2), b=second.text), second.edits)

    def remarked(self) -> Said:
        """A remark or praise first, then an order; or praise of a part and an order."""
        rng = self.rng
        order = self.plain() if rng.random() < 0.7 else self.scoped()
        if rng.random() < 0.35:
            liked = self.clauses.clause("pattern keep", kinds="=~")
            return Said(
                f"{liked.text}{rng.choice((' but ', ', but ', '. ', ', just ', ' though '))}{order.text}",
                (*liked.edits, *order.edits),
            )
        if rng.random() < 0.55:
            return Said(f"{rng.choice(PRAISE)}{rng.choice(BUT[:-2])}{order.text}", order.edits)
        lines, weights = no_orders()
        while True:
            remark = rng.choices(lines, weights)[0]
            if len(remark) > 8 and not re.match(
                r"(don't|no|never|forget|let me|make|play|call|post|send|buy|get|order|open|turn|export|print|ignore|surprise|any|got any|wait|hold|hang|give me|one sec|let's (start|do|go))\b",
                remark,
            ):
                break
        remark = self.filled(remark)
        if rng.random() < 0.75:
            return Said(
                f"{remark}{rng.choice((', so ', '. ', ', ', '. so ', ', but ', '. ok ', ' so '))}{order.text}",
                order.edits,
            )
        return Said(f"{order.text}{rng.choice(('. ', ', '))}{remark}", order.edits)

    def contrasted(self) -> Said:
        """Not louder but faster."""
        rng = self.rng
        (a, one), (b, two) = rng.sample(tuple(COMPARATIVES.items()), 2)
        while " set " in one or one.split(" ")[0] == two.split(" ")[0]:
            (a, one), (b, two) = rng.sample(tuple(COMPARATIVES.items()), 2)
        keep = f"{one.split(' ')[0]} keep"
        shape = rng.choice(
            (
                "not {a}, {b}",
                "not {a} but {b}",
                "not {a}, just {b}",
                "{b} but not {a}",
                "{b}, not {a}",
                "{b} without getting {a}",
                "don't make it {a}, make it {b}",
                "i said {b}, not {a}",
                "{b} please, but not {a}",
                "without getting {a}, {b}",
                "{b}, just not {a}",
                "make it {b} but not {a}",
            )
        )
        edits = (keep, two) if shape.index("{a}") < shape.index("{b}") else (two, keep)
        return Said(shape.format(a=a, b=b), edits)

    def instead_of(self) -> Said:
        """A way of playing instead of another."""
        rng = self.rng
        one, two = rng.sample(
            (
                "half-time",
                "double-time",
                "brushes",
                "disco",
                "bossa",
                "funk",
                "rock",
                "jazz",
                "reggae",
                "motown",
                "house",
                "breakbeat",
            ),
            2,
        )
        shape = rng.choice(
            (
                "{a} instead of {b}",
                "{a}, not {b}",
                "not {b}, {a}",
                "i want {a} instead of {b}",
                "{a} rather than {b}",
                "no more {b}, {a}",
            )
        )
        on, off = f"drums.pattern set {one}", f"drums.pattern off {two}"
        if shape in ("not {b}, {a}", "no more {b}, {a}"):
            return Said(shape.format(a=one, b=two), (off, on))
        return Said(shape.format(a=one, b=two), (on,))

    def mixed_takes(self) -> Said:
        rng = self.rng
        a, b = rng.sample(("drums", "harmony", "line", "snare", "hat", "kick", "percussion"), 2)
        i, j = rng.sample((1, 2, 3, 4, 5), 2)
        said = {t: self.clauses.name(t)[0] for t in (a, b)}
        shape = rng.choice(
            (
                "{x} from take {i}, {y} from take {j}",
                "use take {i} for the {x} and take {j} for the {y}",
                "the {x} from take {i} with the {y} from take {j}",
                "{x} of take {i} and {y} of take {j}",
                "{x}: take {i}, {y}: take {j}",
                "take the {x} from {i} and the {y} from {j}",
                "{x} take {i}, {y} take {j}",
            )
        )
        n = self.clauses.number
        return Said(
            shape.format(x=said[a], y=said[b], i=n(i), j=n(j)), (f"{a}.take recall {i}", f"{b}.take recall {j}")
        )


def scope_name(words: str) -> str:
    return re.sub(
        r"^(?:in|on|during|for|under|over|through|at|come|only in|just in|when we get to) (?:the )?|the (?=\w+ comes)| only$",
        "",
        words,
    )


@cache
def written() -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return the training sentences written by hand: (speaker, text, edits)."""
    return tuple(row for file in sorted(FOLDER.glob("said_*.txt")) for row in _rows(file))


@cache
def written_dialogues() -> tuple[tuple[Said, ...], ...]:
    """Return the training dialogues written by hand, each turn with the edits before it as its context."""
    return tuple(talk for file in sorted(FOLDER.glob("dialogues*.txt")) for talk in _talks(file))


@cache
def kept_back() -> tuple[Said, ...]:
    """Return the sentences and turns of nine speakers that are not trained on: thresholds are set on them."""
    single = [Said(text, edits) for file in _kept("kept_back") for _, text, edits in _rows(file)]
    return (*single, *(said for file in _kept("kept_back_dialogues") for talk in _talks(file) for said in talk))


@cache
def of_file(name: str) -> tuple[Said, ...]:
    """Return the sentences of one file by hand, such as "said_29" or "dialogues_9"."""
    file = FOLDER / f"{name}.txt"
    if name.startswith("dialogues"):
        return tuple(said for talk in _talks(file) for said in talk)
    return tuple(Said(text, edits) for _, text, edits in _rows(file))


def _kept(name: str) -> list[Path]:
    return [FOLDER / f"{name}.txt", FOLDER / f"{name}_2.txt"]


def _rows(file: Path) -> list[tuple[str, str, tuple[str, ...]]]:
    found, speaker = [], ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            speaker = line[2:].split(":")[0]
        elif "=>" in line:
            text, edits = _labelled(line)
            found.append((speaker, text, edits))
    return found


def _talks(file: Path) -> list[tuple[Said, ...]]:
    talks: list[list[Said]] = [[]]
    asked: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            continue
        if not line:
            talks.append([])
            context, asked = (), ()
        elif line.startswith("?"):
            asked = tuple(part.strip() for part in line[1:].split("|"))
        else:
            text, done = _labelled(line)
            talks[-1].append(Said(text, done, context, asked))
            context, asked = tuple(e for e in done if e != "band.take undo") or context, ()
    return [tuple(talk) for talk in talks if talk]


def _labelled(line: str) -> tuple[str, tuple[str, ...]]:
    text, _, edits = line.partition("=>")
    return text.strip(), tuple(edit.strip() for edit in edits.split(";") if edit.strip())
