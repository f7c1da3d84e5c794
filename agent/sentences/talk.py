"""Makes turns of a dialogue: what is said after a change, "a bit more", "not that, the hat", or to a question of the band."""

from __future__ import annotations

import re

from agent.directions.edit import CAN
from agent.sentences import names
from agent.sentences.clauses import split, with_scope
from agent.sentences.said import COMPARATIVES, PRAISE, Said, Sentences

MORE = "more, even more, a lot more, more please, more of that, keep going, still more, again, same again, once more, more still, go on, not enough, that's not enough, further, go further, still not enough, and more, more!, yes more, yeah more, another step, do that again, one more step, push it further"
MORE_SMALL = "a bit more, a little more, a touch more, slightly more, just a bit more, a tad more, a hair more, a little further, a notch more, bit more, a bit further, one more notch, tiny bit more, a smidge more, little more, just a touch more, another notch, a wee bit more, a bit more still, almost - a bit more, nearly, a touch more, good but a bit more, a bit more of that"
MORE_LARGE = "a lot more, much more, way more, loads more, a whole lot more, far more, way way more"
LESS = "the other way, no the other way, the opposite, other direction, no the opposite, other way, opposite please, no, other way round, the other way round, wrong way, no the wrong way, wrong direction, i meant the opposite, no i meant the other way, the reverse"
TOO_MUCH = "too much, that's too much, too much now, now it's too much, a bit too much, that's a bit too much, whoa too much, too far, that's too far, a bit less, slightly less, a little less, a touch less, back a bit, back off a little, a bit less than that, not that much, not so much, ok a bit less, hmm a bit less, you overdid it, you went too far, a bit back, halfway back, ease that back a bit, easy, not that far, back it off a touch"
FIRST = "the first, the first one, first, first one, number one, option one, the former, one, 1, the first one please, yeah the first"
SECOND = "the second, the second one, second, the latter, number two, option two, two, 2, the second one please, the other one, the last one"
NEITHER = "neither, none, no, nope, nothing, neither of them, leave it, forget it, no leave it, none of those, nah, never mind, no thanks, don't, neither thanks, no, leave it as it is, neither, it's fine, nah leave it, no to both"
BOTH = "both, both please, do both, both of them, a bit of both, both actually, yeah both"
YES = "yes, yeah, yep, sure, ok, do it, please, yes please, exactly, right, go ahead, that, yes that, that one, yeah go on, sure why not, correct"
SAME_FOR = ("same for {p}", "and {p}", "{p} too", "{p} as well", "the same for {p}", "do the same to {p}", "same with {p}", "and {p} too", "and {p} as well", "same thing on {p}", "now {p}", "also {p}", "do that to {p} too", "{p} also", "now do {p}", "same on {p}", "likewise {p}", "and do that with {p}", "and now {p} as well", "{p} the same way")  # fmt: skip
NOT_THAT = ("not that, {p}", "no, {p}", "no, i meant {p}", "i meant {p}", "wrong one, {p}", "not {q}, {p}", "no not {q}, {p}", "i said {p}", "no, {p} not {q}", "sorry, i meant {p}", "not {q}! {p}!", "{p}, not {q}", "i was talking about {p}", "no no, {p}", "oh no i meant {p}", "that's the wrong one, i want {p}", "wrong instrument, i meant {p}", "no {q} was fine, i mean {p}", "not {q}, i meant {p}", "oops i meant {p}")  # fmt: skip
AT = ("{w} too", "{w} as well", "and {w}", "same {w}", "only {w}", "just {w}", "but only {w}", "and also {w}", "do it {w} too", "the same {w}", "and {w} too", "also {w}", "{w}", "make that {w}", "again {w}")  # fmt: skip
DONE = (*PRAISE, "that's it", "that's enough", "enough", "ok good", "fine like that", "yes that's better", "there", "there we go", "just right", "exactly", "thanks", "stop there, that's good", "ok that'll do", "i was late", "my mistake", "what did you do", "what changed", "was that it", "i can hear it now", "ah much better", "yeah that's the one", "good, thanks", "right there", "hmm", "not sure", "let me listen", "let me try it", "ok now i get it", "did you do it", "hm i don't hear a difference", "wait, let me hear it", "no difference")  # fmt: skip
OPPOSITE = {
    "more": "less",
    "less": "more",
    "on": "off",
    "off": "on",
    "set left": "set right",
    "set right": "set left",
    "set tight": "set loose",
    "set loose": "set tight",
}
AS_WORD = {"level more": "louder, up", "level less": "quieter, down, softer, less of it", "mute on": "out, off, gone, mute it, silent, none, lose it, kill it", "mute off": "in, on, back in", "density less": "less busy, sparser, fewer notes, simpler",
           "density more": "busier, more notes, fuller", "brightness less": "darker, duller, warmer", "brightness more": "brighter", "timing less": "later, behind, laid back", "timing more": "earlier, ahead, pushed", "intensity more": "harder, more energy, more intense",
           "intensity less": "gentler, calmer, softer touch, less energy", "tempo more": "faster, quicker", "tempo less": "slower, slow it down", "reverb less": "drier, less reverb", "reverb more": "wetter, more reverb", "swing more": "swing, more swing", "swing off": "straight",
           "variation more": "more varied, change it up", "variation less": "steadier", "length less": "shorter, shorter notes", "length more": "longer, let it ring", "register more": "higher, up an octave", "register less": "lower, down in pitch",
           "pattern off": "drop it, none of it", "timing set tight": "tighter", "timing set loose": "looser", "dissonance more": "more tension, uglier", "dissonance less": "sweeter, less tension"}  # fmt: skip


def parts_of(edit: str) -> tuple[str, str]:
    """Return target and the rest of an edit in short form."""
    target, _, rest = edit.partition(".")
    return target, rest


def opposite(edit: str) -> str:
    target, rest = parts_of(edit)
    if re.match(r"pattern (off|on) \w|reverb off|section|meter|resolution", rest):
        return ""
    for one, two in OPPOSITE.items():
        if re.search(rf" {one}(?= |$)", rest):
            return f"{target}.{re.sub(rf' {one}(?= |$)', f' {two}', rest, count=1)}"
    return ""


def resized(edit: str, size: str) -> str:
    """Return an edit with this size in place of its own."""
    bare = re.sub(r" ~[^@|]+?(?= @| \||$)", "", edit)
    return re.sub(r"(?= @| \||$)", f" ~{size}", bare, count=1) if size else bare


class Talk:
    """Draws turns of dialogues in one voice."""

    def __init__(self, sentences: Sentences) -> None:
        self._sentences, self._rng = sentences, sentences.rng

    def turn(self) -> Said:
        rng = self._rng
        if rng.random() < 0.3:
            return self.answer()
        before = self._before()
        kinds = (
            (self.more, 9),
            (self.less, 7),
            (self.same_for, 8),
            (self.not_that, 8),
            (self.at, 6),
            (self.it, 8),
            (self.done, 7),
            (self.anew, 14),
            (self.undone, 4),
            (self.further, 3),
        )
        for _ in range(20):
            said = rng.choices([k for k, _ in kinds], [w for _, w in kinds])[0](before)
            if said:
                return said
        return self.anew(before) or Said("ok", (), before)

    def _before(self) -> tuple[str, ...]:
        rng = self._rng
        while True:
            said = self._sentences.plain() if rng.random() < 0.6 else self._sentences.sentence()
            if 0 < len(said.edits) <= 3 and not any(re.search(r"\.take (undo|keep|set)", e) for e in said.edits):
                return said.edits

    def more(self, before: tuple[str, ...]) -> Said | None:
        rng = self._rng
        if not all(re.search(r" (more|less)(?= |$)", e) for e in before):
            return None
        size, words = rng.choice((("", MORE), ("small", MORE_SMALL), ("small", MORE_SMALL), ("large", MORE_LARGE)))
        if size == "" and rng.random() < 0.2:
            words, amount = self._sentences.clauses.amount(parts_of(before[0])[1])
            return Said(f"{words} more", tuple(resized(e, amount.removeprefix(" ~")) for e in before), before)
        text = rng.choice(split(words))
        return Said(text, tuple(resized(e, size if size or "a lot" not in text else "large") for e in before), before)

    def less(self, before: tuple[str, ...]) -> Said | None:
        rng = self._rng
        turned = tuple(opposite(e) for e in before)
        if not all(turned) or (any("~" in e and " %" in e for e in before) and rng.random() < 0.5):
            return None
        if rng.random() < 0.45:
            return Said(rng.choice(split(LESS)), tuple(resized(e, "") for e in turned), before)
        if not all(re.search(r" (more|less)(?= |$)", e) for e in before):
            return None
        if rng.random() < 0.2:
            words, amount = self._sentences.clauses.amount(parts_of(before[0])[1])
            return Said(
                f"{words} {rng.choice(('back', 'less'))}",
                tuple(resized(e, amount.removeprefix(" ~")) for e in turned),
                before,
            )
        return Said(rng.choice(split(TOO_MUCH)), tuple(resized(e, "small") for e in turned), before)

    def same_for(self, before: tuple[str, ...]) -> Said | None:
        rng = self._rng
        target, rest = parts_of(before[-1])
        if (
            len({parts_of(e)[1] for e in before}) > 1
            or target in ("form",)
            or re.search(r"^(tempo|meter|key|chord|lead|section|resolution|take|pattern|sound|register)", rest)
        ):
            return None
        other = rng.choice([p for p in names.GROUPS["parts"] if p != target])
        text = rng.choice(SAME_FOR).format(p=self._sentences.clauses.part(other)[0])
        edit = f"{other}.{rest}"
        if rng.random() < 0.15:
            words, scope, _at = self._sentences.scope(("section:S", "bar:N"))
            return Said(f"{text} {words}", with_scope((re.sub(r" @\S+", "", edit),), scope), before)
        if rng.random() < 0.1:
            return Said(
                f"{text} but {rng.choice(('a bit less', 'only a little', 'just a touch'))}",
                (resized(edit, "small"),),
                before,
            )
        return Said(text, (edit,), before)

    def not_that(self, before: tuple[str, ...]) -> Said | None:
        rng = self._rng
        target, rest = parts_of(before[0])
        if (
            len(before) > 1
            or target not in names.GROUPS["parts"]
            or re.search(r"^(tempo|meter|key|chord|lead|section|resolution|take|pattern|sound|register)", rest)
        ):
            return None
        other = rng.choice([p for p in names.GROUPS["parts"] if p != target])
        part = self._sentences.clauses.part
        return Said(
            rng.choice(NOT_THAT).format(p=part(other)[0], q=part(target)[0]),
            ("band.take undo", f"{other}.{rest}"),
            before,
        )

    def at(self, before: tuple[str, ...]) -> Said | None:
        rng = self._rng
        if any(re.search(r"\.(take|lead|section|tempo|key)", e) or "|" in e for e in before):
            return None
        words, scope, _place = self._sentences.scope(
            ("section:S", "section:S", "bar:N", "bars:N", "bars:A-B", "from:N", "bar:last", "phrase-ends", "every:N")
        )
        moved = tuple(re.sub(r" @\S+", "", e) for e in before)
        return Said(rng.choice(AT).format(w=words), with_scope(moved, scope), before)

    def it(self, before: tuple[str, ...]) -> Said | None:
        """Another wish about the part of the last one."""
        rng = self._rng
        target = parts_of(before[-1])[0]
        if len({parts_of(e)[0] for e in before}) > 1 or target in ("form", "bass", "feel", "band"):
            return None
        scope = re.search(r" (@\S+)", before[-1])
        keep = f" {scope[1]}" if scope and rng.random() < 0.3 else ""
        if rng.random() < 0.45:
            comparative, edit = rng.choice(
                [
                    (c, e)
                    for c, e in COMPARATIVES.items()
                    if parts_of(e)[1].split(" ")[0]
                    in ("level", "density", "brightness", "intensity", "reverb", "width", "register", "variation")
                ]
            )
            degree, size = self._sentences.clauses.before()
            comparative = f"{degree} {comparative}".strip()
            plural = rng.random() < 0.3
            shape = rng.choice(
                (
                    "make it {c}",
                    "and {c}",
                    "also {c}",
                    "it should be {c}",
                    "and make it {c}",
                    "it could be {c}",
                    "now make it {c}",
                    "make that {c}",
                    "and {c} too",
                    "i want it {c}",
                    "ok and {c}",
                )
                if not plural
                else ("make them {c}", "they should be {c}", "and make them {c}", "they could be {c}")
            )
            if keep:
                shape += rng.choice((" there", " in there", " there too"))
            return Said(shape.format(c=comparative), (f"{target}.{parts_of(edit)[1]}{size}{keep}",), before)
        ways = {
            "mute on": "mute it, lose it, drop it, take it out, cut it, get rid of it, kill it, stop it, mute them, take them out, drop them, lose that, leave it out, off with it", "mute off": "bring it back, bring it back in, bring them back, put it back in, unmute it, let it back in, bring that back in",
            "level less": "turn it down, it's too loud, bring it down, it's still too loud, still too loud, turn them down, they're too loud, it's loud, down a bit~small, bring it down a touch~small, it's a bit loud~small",
            "level more": "turn it up, i can't hear it, bring it up, it's too quiet, it's too quiet now, now it's too quiet, turn them up, i can't hear it now, still can't hear it, they're too quiet, bring it back up, up a bit~small",
            "pan set left": "pan it left, put it on the left, move it to the left", "pan set right": "pan it right, put it on the right, move them to the right", "reverb more": "put some reverb on it, add reverb to it, more reverb on it, and some reverb",
            "reverb less": "dry it up, less reverb on it, it's too wet, take the reverb off it", "density less": "it's too busy, simplify it, thin it out, it plays too much, they're too busy, make it play less", "timing less": "lay it back, it's early, it rushes, put it later, they rush",
            "timing more": "it's late, it drags, push it, they drag, it's dragging", "brightness less": "it's too bright, darken it, it's harsh, warm it up", "brightness more": "it's too dull, brighten it, it's muffled", "pattern keep": "leave it like that, keep it like that, don't touch it again, it's perfect like that",
            "pattern off": "i hate it, i don't like it, i don't like it like that, it's awful",
        }  # fmt: skip
        act = rng.choice(tuple(ways))
        words, _, size = rng.choice(split(ways[act])).partition("~")
        if act in ("pattern off", "pattern keep"):
            return None if rng.random() < 0.6 else Said(words, (f"{target}.{act}",), before)
        if keep:
            words += rng.choice((" there", " in there", " there too"))
        return Said(words, (f"{target}.{act}{f' ~{size}' if size else ''}{keep}",), before)

    def done(self, before: tuple[str, ...]) -> Said | None:
        if self._rng.random() < 0.3:
            return Said(self._sentences.nothing().text, (), before)
        return Said(self._rng.choice(DONE), (), before)

    def anew(self, before: tuple[str, ...]) -> Said | None:
        """A wish of its own, whatever came before; a bare comparative would be about the part before."""
        said = self._sentences.sentence()
        lone = (
            len(said.text.split()) <= 3
            and len(said.edits) == 1
            and parts_of(said.edits[0])[0] in ("band", "line")
            and parts_of(before[0])[0] not in ("band", "form", "feel")
        )
        if lone and re.match(
            r"(band|line)\.(level|density|brightness|intensity|variation|mute|reverb|width|pan|register)", said.edits[0]
        ):
            return None
        return Said(said.text, said.edits, before)

    def undone(self, before: tuple[str, ...]) -> Said | None:
        said = self._sentences.clauses.clause("take (undo|recall$)")
        return Said(said.text, said.edits, before)

    def further(self, before: tuple[str, ...]) -> Said | None:
        """The same comparative again, "louder still"."""
        rng = self._rng
        if len(before) > 1:
            return None
        target, rest = parts_of(before[0])
        for comparative, edit in COMPARATIVES.items():
            dimension, change = parts_of(edit)[1].split(" ")[:2]
            if (
                rest.startswith(dimension)
                and change in ("more", "less")
                and " set " not in rest
                and re.search(r" (more|less)", rest)
            ):
                scope = re.search(r" @\S+", rest)
                degree, size = self._sentences.clauses.before()
                shape = rng.choice(("{c} still", "even {c}", "{c}", "still {c}", "no, {c}", "{c} again", "{c} please"))
                if shape != "{c}" and "{c}" in shape and shape != "{c} please":
                    degree, size = "", ""
                return Said(
                    shape.format(c=f"{degree} {comparative}".strip()),
                    (f"{target}.{dimension} {change}{size}{scope[0] if scope else ''}",),
                    before,
                )
        return None

    def answer(self) -> Said:
        """An answer to the band's question which of two readings is meant."""
        rng = self._rng
        while True:
            one = self._sentences.clauses.clause(
                r"level|mute|density|brightness|timing|intensity|tempo|reverb|swing (more|off)|variation|length|register|pattern (off|set)|dissonance|sound set"
            )
            if len(one.edits) == 1 and "@" not in one.edits[0]:
                break
        first = one.edits[0]
        target, rest = parts_of(first)
        acts = [a for a in AS_WORD if not rest.startswith(a.split(" ")[0]) and allowed(target, a)]
        if rng.random() < 0.75 and acts:
            second = f"{target}.{rng.choice(acts)}"
        else:
            other = rng.choice([p for p in names.GROUPS["parts"] if p != target])
            second = (
                f"{other}.{rest}"
                if target in names.GROUPS["parts"]
                else self._sentences.clauses.clause("level|mute|density|tempo").edits[0]
            )
        options = (first, second) if rng.random() < 0.5 else (second, first)
        before = self._before() if rng.random() < 0.3 else ()
        kind = rng.random()
        if kind < 0.18:
            return Said(rng.choice(split(FIRST)), options[:1], before, options)
        if kind < 0.36:
            return Said(rng.choice(split(SECOND)), options[1:], before, options)
        if kind < 0.48:
            return Said(rng.choice(split(NEITHER)), (), before, options)
        if kind < 0.53:
            return Said(rng.choice(split(BOTH)), options, before, options)
        if kind < 0.58:
            return Said(rng.choice(split(YES)), options[:1], before, options[:1])
        if kind < 0.9:
            pick = rng.choice(options)
            at, act = parts_of(pick)
            words = next((w for a, w in AS_WORD.items() if act.startswith(a)), "")
            by_part = parts_of(options[0])[0] != parts_of(options[1])[0]
            if by_part and rng.random() < 0.6 and at in names.NAMES and at not in ("band", "feel"):
                said = self._sentences.clauses.part(at)[0]
                return Said(
                    rng.choice(("{}", "{} please", "just {}", "i meant {}", "{} of course")).format(said),
                    (pick,),
                    before,
                    options,
                )
            same = sum(parts_of(o)[1].split(" ")[0] == act.split(" ")[0] for o in options)
            if words and same == 1:
                said = rng.choice(split(words))
                return Said(
                    rng.choice(
                        (
                            "{}",
                            "{}",
                            "{} please",
                            "just {}",
                            "i meant {}",
                            "{}, yeah",
                            "i want it {}",
                            "{} i think",
                            "yeah {}",
                            "no, {}",
                        )
                    ).format(said),
                    (pick,),
                    before,
                    options,
                )
            return Said(rng.choice(split(FIRST)), options[:1], before, options)
        anew = self._sentences.sentence()
        return Said(anew.text, anew.edits, before, options)


def allowed(target: str, act: str) -> bool:
    can = CAN.get(act.split(" ")[0])
    return can is None or target in can
