"""`brief_of` reads from sentences what song is asked for.

A sentence is cut into wishes at commas. Length, tempo, key, meter, odd bars, arcs, forms, moods and scenes are read
here; what is left goes to the reader of directions (agent/language), so that all its words mean what they mean live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from agent.core.errors import UserError
from agent.core.music_names import key_of
from agent.directions.edit import Edit
from agent.language.parser import parse
from agent.making import wish_words
from agent.making.brief import CHARACTERS_MAX, OPPOSED, SENTENCES_MAX, Arc, Brief, OddBar, checked
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


SURE = 0.6  # confidence of a direction, below which the words are taken for something else


class _Reading:
    """Gathers the wishes of one sentence; two that contradict each other raise UserError."""

    def __init__(self) -> None:
        self._got: dict[str, tuple[Any, str]] = {}  # field -> value, the words that said it
        self._moods: list[str] = []
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
                moods=tuple(dict.fromkeys(self._moods)),
                scene_words=tuple(self._scenes),
                style=style,
                edits=(*edits, *(edit for edit, _ in self._edits)),
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
            raise UserError(f"{before[1]!r} and {words!r} contradict each other; say one of them")
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
                self._arc = replace(self._arc, **changes)
                said = ", ".join(f"{name} {value}" for name, value in changes.items())
                self._told.append(f"{match[0].strip()}: the arc ({said})")
                clause = clause.replace(match[0], " ")
        if match := wish_words.PEAK.search(clause):
            self._arc = replace(self._arc, peak_s=60.0 * int(match["m"]) + int(match["s"]))
            self._told.append(f"{match[0].strip()}: the arc peaks there")
            clause = clause.replace(match[0], " ")
        return clause

    def _odd_bars(self, clause: str) -> str:
        if match := wish_words.ODD.search(clause):
            meter = _meter(match["meter"])
            role = wish_words.role_of(match["role"] or "")
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
            self._set("bars", round(wish_words.number(match["n"])), match[0].strip(), "the length")
            clause = clause.replace(match[0], " ")
        if match := wish_words.BPM.search(clause):
            bpm = float(match["n"] or match["m"])
            self._set("bpm", (bpm, bpm), match[0].strip(), "quarters a minute")
            clause = clause.replace(match[0], " ")
        if match := wish_words.METER.search(clause):
            meter = _meter(match["meter"], match["groups"] or "")
            self._set("meter", meter, match[0].strip(), "the meter")
            clause = clause.replace(match[0], " ")
        if match := wish_words.KEY.search(clause):
            key = key_of(f"{match['root'].upper()}{match['sign'] or ''} {match['mode']}")
            self._set("key", key, match[0].strip(), "the key")
            clause = clause.replace(match[0], " ")
        if match := wish_words.MODE.search(clause):
            mode = "min" if match[1].startswith("minor") else "maj"
            self._set("mode", mode, match[0].strip(), f"a {match[1]} key")
            clause = clause.replace(match[0], " ")
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
                    raise UserError(f"{before[1]!r} and {words!r} contradict each other; say one of them")
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
                    self._moods.append(name)
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
        words = self._got.pop("tempo_words", None)
        if words and "bpm" not in self._got:
            self._got["bpm"] = words
            self._told.append(f"{words[1]}: {words[0][0]:g} to {words[0][1]:g} quarters a minute")
        elif words:
            (low, high), bpm = words[0], self._got["bpm"][0][0]
            if not 0.8 * low <= bpm <= 1.25 * high:
                said = self._got["bpm"][1]
                raise UserError(f"{words[1]!r} and {said!r} contradict each other; say one of them")
        key, mode = self._got.get("key"), self._got.get("mode")
        if key and mode and key[0].mode != mode[0]:
            raise UserError(f"{key[1]!r} and {mode[1]!r} contradict each other; say one of them")
        moods = [(name, MOODS[name]) for name in self._moods]
        for name, one in moods:
            for other_name, other in moods:
                if abs(one.arousal - other.arousal) > OPPOSED or abs(one.valence - other.valence) > OPPOSED:
                    raise UserError(f"{name!r} and {other_name!r} contradict each other; say one of them")
        seen: dict[tuple[str, str, str | None], tuple[Edit, str]] = {}
        for edit, said in self._edits:
            place = (edit.target, edit.dimension, edit.scope)
            before = seen.get(place)
            if before and _opposed(before[0], edit):
                raise UserError(f"{before[1]!r} and {said!r} contradict each other; say one of them")
            seen[place] = (edit, said)


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
