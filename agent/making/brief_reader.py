"""`brief_of` reads from sentences what song is asked for.

A sentence is cut into wishes at commas. Length, tempo, key, meter, odd bars, arcs, forms, moods and scenes are read
here; what is left goes to the reader of directions (agent/language), so that all its words mean what they mean live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.core.errors import UserError
from agent.core.music_names import key_of
from agent.directions.edit import Edit
from agent.language.parser import parse
from agent.making import wish_words
from agent.making.brief import BPM_RANGE, CHARACTERS_MAX, OPPOSED, SENTENCES_MAX, Arc, Brief, OddBar, checked
from agent.making.moods import CANNOT, MOODS, SCENES, TEMPO_WORDS
from listener.types import Meter


def brief_of(sentences: Sequence[str]) -> Brief:
    """Return what sentences ask for; a later one overrules those before. Raises UserError, in one line, for what
    contradicts itself or cannot be played."""
    if len(sentences) > SENTENCES_MAX:
        raise UserError(f"{len(sentences)} sentences; a song takes {SENTENCES_MAX} at most")
    brief = Brief()
    for sentence in sentences:
        if len(sentence) > CHARACTERS_MAX:
            raise UserError(f"{len(sentence)} characters; give {CHARACTERS_MAX} at most")
        if not re.search(r"\w", sentence):
            raise UserError('no words; say what music is wanted, such as "slow, dark, 90 bpm, two minutes"')
        brief = _joined(brief, read(sentence))
    checked(brief)
    return replace(brief, sentences=tuple(sentences))


def _joined(brief: Brief, more: Brief) -> Brief:
    """Return a brief with a later sentence put in: it overrules, edits come on top."""
    named = {
        name: getattr(more, name)
        for name in ("seconds", "bars", "bpm", "key", "mode", "meter", "odd", "moods", "style", "roles")
        if getattr(more, name)
    }
    if more.seconds is not None:
        named |= {"seconds": more.seconds, "bars": None}
    if more.bars is not None:
        named |= {"bars": more.bars, "seconds": None}
    if more.mode and not more.key and brief.key:
        named["key"] = replace(brief.key, mode=more.mode)
    arc = brief.arc
    for name in ("starts", "ends", "peak_s", "fades", "stops", "slows", "open", "steady"):
        if value := getattr(more.arc, name):
            arc = replace(arc, **{name: value})
    return replace(
        brief,
        **named,
        arc=arc,
        scene_words=more.scene_words or brief.scene_words,
        edits=(*brief.edits, *more.edits),
        directions=(*brief.directions, *more.directions),
        told=(*brief.told, *more.told),
        cannot=tuple(dict.fromkeys((*brief.cannot, *more.cannot))),
        strange=(*brief.strange, *more.strange),
    )


def read(sentence: str) -> Brief:
    """Return what one sentence asks for. Raises UserError where its wishes contradict each other."""
    found = _Reading()
    for clause in wish_words.clauses(sentence):
        found.clause(clause)
    return found.brief()


NEAR_TEMPO = 1.1  # by which a tempo may differ from the one that fits a length in bars and in seconds
SURE = 0.6  # confidence of a direction, below which the words are taken for something else


class _Reading:
    """Gathers the wishes of one sentence; two that contradict each other raise UserError."""

    def __init__(self) -> None:
        self._got: dict[str, tuple[Any, str]] = {}  # field -> value, the words that said it
        self._moods: list[tuple[str, str]] = []  # name, the word that said it
        self._sizes: dict[tuple[int, int], str] = {}  # of wish_words.sizes
        self._arcs_said: dict[str, str] = {}  # field of the arc -> the words that said it
        self._scenes: list[str] = []
        self._odd: list[OddBar] = []
        self._edits: list[tuple[Edit, str]] = []
        self._arc = Arc()
        self._told: list[str] = []
        self._cannot: list[str] = []
        self._strange: list[str] = []

    def clause(self, clause: str) -> None:
        """Take one wish, such as "a 7/8 bar before each chorus"."""
        left = self._impossible(clause)
        left = self._arcs(left)
        left = self._odd_bars(left)
        left = self._numbers(left)
        role, left = wish_words.scoped(left)
        if not role:
            self._sizes |= {(pair, side): word for pair, side, word in wish_words.sizes(left)}
        left = self._scene(left) if not role else left
        left = self._tempo(left) if not role else left
        left = self._mood(left, role)
        if rest := wish_words.content(left):
            self._direction(left, rest, role)

    def brief(self) -> Brief:
        self._check()
        values: dict[str, Any] = {name: value for name, (value, _) in self._got.items()}
        scenes = [scene for scene in SCENES if set(scene.words) & set(self._scenes)]
        style = next((scene.style for scene in scenes), None)
        edits = [Edit.read(short) for scene in scenes for short in scene.edits]
        return replace(
            Brief(
                odd=tuple(self._odd),
                moods=tuple(dict.fromkeys(name for name, _ in self._moods)),
                scene_words=tuple(self._scenes),
                style=style,
                edits=(*edits, *(edit for edit, _ in self._edits)),
                directions=tuple(dict.fromkeys(said.strip() for _, said in self._edits)),
                arc=self._arc,
                told=tuple(self._told),
                cannot=tuple(self._cannot),
                strange=tuple(self._strange),
            ),
            **values,
        )

    def _set(self, name: str, value: Any, words: str, said: str) -> None:
        before = self._got.get(name)
        if before and before[0] != value:
            raise _contradiction(before[1], words)
        self._got[name] = (value, words)
        self._told.append(f"{words}: {said}")

    def _impossible(self, clause: str) -> str:
        for pattern, says in CANNOT:
            if match := re.search(rf"\b{pattern}", clause):
                if wish_words.refused(clause[: match.start()]):
                    return ""  # "no vocals" is no wish for them
                self._cannot.append(f"{match[0].strip()!r}: {says}")
                clause = clause.replace(match[0], " ")
        return clause

    def _arcs(self, clause: str) -> str:
        for pattern, changes in wish_words.ARCS:
            if match := pattern.search(clause):
                self._shape(match[0].strip(), changes)
                said = ", ".join(f"{name} {value}" for name, value in changes.items())
                self._told.append(f"{match[0].strip()}: the arc ({said})")
                clause = clause.replace(match[0], " ")
        if match := wish_words.PEAK.search(clause):
            self._shape(match[0].strip(), {"peak_s": 60.0 * int(match["m"]) + int(match["s"])})
            self._told.append(f"{match[0].strip()}: the arc peaks there")
            clause = clause.replace(match[0], " ")
        return clause

    def _shape(self, words: str, changes: Mapping[str, Any]) -> None:
        """Put words about the arc into it. Those that only say that it grows leave an end that is said as it is."""
        grows = len(changes) > 1
        for name, value in changes.items():
            before = self._arcs_said.get(name)
            if grows and before:
                continue
            if before and getattr(self._arc, name) != value:
                raise _contradiction(before, words)
            for other in wish_words.NOT_BOTH.get(name, ()):
                if other in self._arcs_said:
                    raise _contradiction(self._arcs_said[other], words)
            self._arc = replace(self._arc, **{name: value})
            if not grows:
                self._arcs_said[name] = words

    def _odd_bars(self, clause: str) -> str:
        if match := wish_words.ODD.search(clause):
            meter = _meter(match["meter"])
            role = wish_words.role_of(match["role"] or "")
            if any(one.before == role and one.meter != meter for one in self._odd):
                raise _contradiction(f"a {self._odd[-1].meter} bar", match[0].strip())
            self._odd.append(OddBar(meter, role))
            self._told.append(f"{match[0].strip()}: the last bar before each {role or 'section'} is in {meter}")
            clause = clause.replace(match[0], " ")
        return clause

    def _numbers(self, clause: str) -> str:
        for found in wish_words.DURATION.finditer(clause):
            seconds = wish_words.seconds_of(found)
            self._set("seconds", seconds, found[0].strip(), f"{seconds:g} seconds")
        clause = wish_words.DURATION.sub(" ", clause)
        if match := wish_words.BARS.search(clause):
            bars = round(wish_words.number(match["n"])) * (-1 if match["minus"] else 1)
            self._set("bars", bars, match[0].strip(), "the length")
            clause = clause.replace(match[0], " ")
        while match := wish_words.BPM.search(clause):
            bpm = float(match["n"] or match["m"])
            self._set("bpm", (bpm, bpm), match[0].strip().removeprefix("and "), "quarters a minute")
            clause = clause.replace(match[0], " ", 1)
        while match := wish_words.METER.search(clause):
            meter = _meter(match["meter"], match["groups"] or "")
            self._set("meter", meter, match[0].strip().removeprefix("and "), "the meter")
            clause = clause.replace(match[0], " ", 1)
        while match := wish_words.KEY.search(clause):
            key = key_of(f"{match['root'].upper()}{match['sign'] or ''} {match['mode']}")
            self._set("key", key, match[0].strip(), "the key")
            clause = clause.replace(match[0], " ", 1)
        while match := wish_words.MODE.search(clause):
            mode = "min" if match[1].startswith("minor") else "maj"
            self._set("mode", mode, match[0].strip(), f"a {match[1]} key")
            clause = clause.replace(match[0], " ", 1)
        if match := wish_words.FORM.search(clause):
            roles = tuple(wish_words.role_of(word) for word in re.findall(wish_words.ROLE_WORDS, match[0]))
            self._set("roles", roles, match[0].strip(), "the form")
            clause = clause.replace(match[0], " ")
        elif match := wish_words.LETTERS.search(clause):
            self._set("roles", wish_words.roles_of_letters(match[0]), match[0].strip(), "the form")
            clause = clause.replace(match[0], " ")
        return clause

    def _scene(self, clause: str) -> str:
        named = ((word, scene) for scene in SCENES for word in scene.words)
        for word, scene in sorted(named, key=lambda one: -len(one[0])):
            if match := re.search(rf"\b{re.escape(word)}\b", clause):
                self._scenes.append(word)
                minor = "minor" if scene.minor >= 0.5 else "major"
                low, high = scene.bpm
                self._told.append(f"{word}: the band's {scene.style}; usually {low:g} to {high:g} bpm and {minor}")
                if scene.meter:
                    self._set("meter", _meter(scene.meter), word, "the meter")
                return clause.replace(match[0], " ")
        return clause

    def _tempo(self, clause: str) -> str:
        for words in sorted(TEMPO_WORDS, key=len, reverse=True):
            if match := re.search(rf"\b{re.escape(words)}\b", clause):
                low, high = TEMPO_WORDS[words]
                before = self._got.get("tempo_words")
                if before and before[0] != (low, high):
                    raise _contradiction(before[1], words)
                self._got["tempo_words"] = ((low, high), words)
                clause = clause.replace(match[0], " ")
        return clause

    def _mood(self, clause: str, role: str) -> str:
        if role:
            return clause
        for name, mood in MOODS.items():
            for word in mood.words:
                if match := re.search(rf"\b{re.escape(word)}\b", clause):
                    if wish_words.refused(clause[: match.start()]):
                        continue
                    self._moods.append((name, word))
                    self._told.append(f"{word}: the mood {name}")
                    clause = clause.replace(match[0], " ")
        return clause

    def _direction(self, clause: str, content: str, role: str) -> None:
        """Take what is left as a direction to a band, else as words that nobody knows."""
        if role and (level := wish_words.level_of(content)):
            for short in level:
                self._edits.append((Edit.read(f"{short} @section:{role}"), clause))
            self._told.append(f"{' '.join(clause.split())} ({role}): {', '.join(level)}")
            return
        if level := wish_words.part_level(clause):
            scope = f" @section:{role}" if role else ""
            self._edits += [(Edit.read(f"{short}{scope}"), clause.strip()) for short in level]
            self._told.append(f"{' '.join(clause.split())}: {', '.join(level)}{scope}")
            return
        given = parse(clause.strip())
        if not given.edits and content != clause.strip():
            given = parse(content)
        if not given.edits or max(edit.confidence for edit in given.edits) < SURE:
            self._strange.append(" ".join(clause.split()))
            return
        for edit in given.edits:
            if role and edit.scope is None:
                edit = replace(edit, scope=f"section:{role}")
            if edit.dimension in ("section", "lead", "take") or edit.change in ("keep", "undo", "recall"):
                self._strange.append(clause.strip())
                continue
            self._edits.append((edit, clause.strip()))
        said = " ".join(clause.split()) + (f" ({role})" if role else "")
        self._told.append(f"{said}: {given.reply.rstrip('.')}")

    def _check(self) -> None:
        """Raise UserError where two wishes contradict each other."""
        self._check_time()
        key, mode = self._got.get("key"), self._got.get("mode")
        if key and mode and key[0].mode != mode[0]:
            raise _contradiction(key[1], mode[1])
        for name, word in self._moods:
            for other, other_word in self._moods:
                one, two = MOODS[name], MOODS[other]
                if abs(one.arousal - two.arousal) > OPPOSED or abs(one.valence - two.valence) > OPPOSED:
                    raise _contradiction(word, other_word)
        for (pair, side), word in self._sizes.items():
            if side == 0 and (larger := self._sizes.get((pair, 1))):
                raise _contradiction(word, larger)
        self._check_edits()

    def _check_time(self) -> None:
        """Say which tempo the words ask for; it goes with the length, where that is said in bars and in seconds."""
        words = self._got.pop("tempo_words", None)
        if words and "bpm" not in self._got:
            self._got["bpm"] = words
            self._told.append(f"{words[1]}: {words[0][0]:g} to {words[0][1]:g} quarters a minute")
        elif words:
            (low, high), bpm = words[0], self._got["bpm"][0][0]
            if not 0.8 * low <= bpm <= 1.25 * high:
                raise _contradiction(words[1], self._got["bpm"][1])
            self._told.append(f"{words[1]}: {self._got['bpm'][1]} is that")
        bars, seconds = self._got.get("bars"), self._got.get("seconds")
        if not bars or not seconds or min(bars[0], seconds[0]) <= 0:
            return
        meter = self._got["meter"][0] if "meter" in self._got else Meter(4, 4)
        needed = bars[0] * meter.numerator * 4 / meter.denominator * 60 / seconds[0]
        low, high = self._got["bpm"][0] if "bpm" in self._got else BPM_RANGE
        if not low / NEAR_TEMPO <= needed <= high * NEAR_TEMPO:
            raise _contradiction(bars[1], seconds[1])
        tempo = min(max(needed, low), high)
        self._got["bpm"] = (tempo, tempo), bars[1]
        del self._got["seconds"]
        self._told.append(f"{bars[1]} in {seconds[1]}: {tempo:.0f} quarters a minute")

    def _check_edits(self) -> None:
        seen: dict[tuple[str, str, str | None], tuple[Edit, str]] = {}
        for edit, said in self._edits:
            place = (edit.target, edit.dimension, edit.scope)
            before = seen.get(place)
            if before and _opposed(before[0], edit):
                raise _contradiction(before[1], said)
            seen[place] = (edit, said)
        for (target, dimension, scope), (edit, said) in seen.items():
            out = seen.get((target, "mute", scope))
            if dimension != "mute" and edit.change in ("more", "set") and out and out[0].change == "on":
                raise _contradiction(out[1], said)


def _contradiction(one: str, other: str) -> UserError:
    return UserError(f"{one!r} and {other!r} contradict each other; say one of them")


def _opposed(first: Edit, second: Edit) -> bool:
    ways = {"more": 1, "on": 1, "less": -1, "off": -1}
    a, b = ways.get(first.change, 0), ways.get(second.change, 0)
    differ = first.change == second.change == "set" and first.value != second.value
    return a * b < 0 or (differ and first.dimension in ("tempo", "meter", "key", "swing", "sound"))


def _meter(text: str, groups: str = "") -> Meter:
    beats, unit = map(int, text.split("/"))
    grouping = tuple(map(int, groups.split("+"))) if groups else ()
    if grouping and (sum(grouping) != beats or 0 in grouping):
        raise UserError(f"{text} as {groups}: the groups add up to {sum(grouping)}; such as 7/8 as 2+2+3")
    return Meter(beats, unit, grouping)
