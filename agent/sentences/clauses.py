"""Makes clauses: `Clauses(rng).clause() -> Clause`, one wish in words with its edits, from phrases.txt and names.py."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from agent.language.normalise import ONES, ORDINALS, TENS
from agent.sentences import names

FOLDER = Path(__file__).parent
TENS_SAID = {value: word for word, value in TENS.items()}
NTHS = ["zeroth", *ORDINALS]
WEIGHTS = (  # what is asked for often, by the beginning of the act; the first that fits counts
    ("level less | parts", 26), ("level more | parts", 22), ("mute on | parts", 20), ("mute off | parts", 13), ("level", 7), ("tempo set", 8), ("tempo less", 8),
    ("tempo more", 8), ("density less", 9), ("intensity more |gradual", 4), ("intensity", 6), ("brightness", 4), ("timing", 5), ("swing", 4), ("register", 4),
    ("reverb", 4), ("ONLY", 7), ("INSTEAD", 6), ("meter set METER", 8), ("key set", 6), ("chord set CHORD |", 6), ("chord", 3), ("take undo", 6), ("take recall N", 6),
    ("take keep", 7), ("take", 4), ("section set", 9), ("section", 3), ("pattern set fill | drums", 9), ("pattern keep | partsall", 9), ("pattern off | partsall", 4),
    ("pattern off {F", 6), ("pattern keep {F", 4), ("pattern set half-time", 5), ("sound set {S", 6), ("mute on | -", 7), ("mute off | -", 6),
    ("dissonance", 4), ("resolution", 6), ("variation", 4), ("density", 5), ("pattern set count-in |", 4), ("lead", 5), ("pattern set follow-bass", 4), ("pattern set loop", 4),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """One wish. text: its words; edits: in short form; kind: "!" an order with a verb, "=" a statement, "~" a noun
    phrase; target, plain: the one part it is about and whether that part is named in it."""

    text: str
    edits: tuple[str, ...]
    kind: str
    target: str = ""
    named: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    act: str
    targets: tuple[str, ...]
    lines: tuple[str, ...]
    default: bool


def lines_of(name: str) -> list[str]:
    return [line for line in (FOLDER / name).read_text(encoding="utf-8").splitlines() if line and line[:2] != "# "]


def blocks(name: str) -> dict[str, tuple[str, ...]]:
    """Return the lines of a file by the headers `## NAME` above them."""
    found: dict[str, list[str]] = {}
    under: list[str] = []
    for line in lines_of(name):
        if line.startswith("## "):
            under = found.setdefault(line[3:], [])
        else:
            under.append(line)
    return {header: tuple(lines) for header, lines in found.items()}


@cache
def groups() -> tuple[tuple[Group, ...], tuple[float, ...]]:
    """Return the groups of phrases.txt and how often each is asked for."""
    made, weights = [], []
    for header, lines in blocks("phrases.txt").items():
        act, _, targets = header.rpartition(" | ")
        known = names.GROUPS.get(targets) or tuple(targets.split())
        made.append(Group(act, known, lines, targets == "-"))
        fit = [weight for start, weight in WEIGHTS if header.startswith(start)]
        weights.append(float(fit[0] if fit else 1.6))
    return tuple(made), tuple(weights)


def split(row: str) -> list[str]:
    return [name.strip() for name in row.split(",")]


DEFAULTS = {
    "register": "line", "dissonance": "harmony", "resolution": "harmony", "key": "harmony", "chord": "harmony", "sound": "harmony",
    "timing": "feel", "swing": "feel", "syncopation": "feel", "meter": "form", "section": "form", "length": "form", "form.length": "form",
    "pattern set loop": "form", "pattern set count-in": "form",
}  # fmt: skip
FORM_LENGTH = "form.length"
Z_UNITS = {"level": ("dB", "%"), "tempo": ("bpm", "%"), "timing": ("ms",), "register": ("octave", "semitone")}


class Clauses:
    """Draws clauses. keep: share of the phrases of each group that this speaker knows, fixed by `voice`."""

    def __init__(self, rng: Random, voice: int = 0, keep: float = 1.0) -> None:
        self._rng, self._keep = rng, keep
        self._known = Random(voice)
        self._lines: dict[int, tuple[str, ...]] = {}

    # -- numbers and names ----------------------------------------------------------------------------------------

    def number(self, n: float) -> str:
        rng = self._rng
        if n != int(n) or rng.random() < 0.5:
            return f"{n:g}"
        return words_of(int(n))

    def nth(self, n: int) -> str:
        if n <= 12 and self._rng.random() < 0.6:
            return NTHS[n]
        return f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"

    def name(self, target: str) -> tuple[str, bool]:
        """Return a name of a target and whether it is a plural."""
        said = self._rng.choice(split(names.NAMES[target]))
        return said.removesuffix(names.PLURAL), said.endswith(names.PLURAL)

    def part(self, target: str) -> tuple[str, str, bool]:
        """Return a target with and without its article, and whether it is a plural."""
        rng = self._rng
        said, plural = self.name(target)
        if said in names.BARE:
            return said, said, plural
        article = rng.choices(
            ["the ", "", "those " if plural else "that ", "your ", "the whole "], [8, 1.2, 0.5, 0.4, 0]
        )[0]
        return article + said, said, plural

    def section(self) -> tuple[str, str]:
        rng = self._rng
        label = rng.choice(names.COMMON_SECTIONS if rng.random() < 0.85 else tuple(names.SECTIONS))
        return label, rng.choice(split(names.SECTIONS[label]))

    def key(self) -> tuple[str, str]:
        """Return a key as it is labelled and as it is said."""
        rng = self._rng
        tonic, mode = rng.choice(names.KEYS), rng.choice(("major", "minor", "minor", "major", "dorian"))
        ways = [f"{tonic} {mode}", f"{spoken(tonic)} {mode}", f"{tonic.lower()} {mode}"]
        if mode == "minor":
            ways += [f"{tonic}m", f"{tonic} min"]
        if mode == "major":
            ways += [tonic, tonic, f"{spoken(tonic)}"] if tonic != "A" else [tonic]
        return f"{tonic} {mode}", rng.choice(ways)

    def chord(self) -> tuple[str, str]:
        rng = self._rng
        tonic, quality = rng.choice(names.KEYS), rng.choice(names.QUALITIES)
        ways = [tonic + quality] * 3
        if quality in ("7", "9", "6", "13"):
            ways += [f"{spoken(tonic)} {words_of(int(quality))}", f"{tonic} {quality}"]
        if quality == "m":
            ways += [f"{tonic} minor", f"{spoken(tonic)} minor"]
        if quality == "m7":
            ways += [f"{spoken(tonic)} minor seven", f"{tonic} minor 7"]
        if quality == "maj7":
            ways += [f"{spoken(tonic)} major seven", f"{tonic} major 7"]
        if quality == "":
            ways += [f"{tonic} major", f"{spoken(tonic)} major"]
        if len(quality) > 0 and quality[0] in "m7s9d" and tonic + quality != "Am" and rng.random() < 0.2:
            ways += [(tonic + quality).lower()]
        return tonic + quality, rng.choice(ways)

    def meter(self) -> tuple[str, str]:
        rng = self._rng
        if rng.random() < 0.12:
            group = rng.choice(names.GROUPINGS)
            return group, group if rng.random() < 0.7 else group.replace("+", " plus ")
        meter = rng.choice(names.METERS if rng.random() < 0.5 else names.METERS[:5])
        beats, unit = map(int, meter.split("/"))
        ways = [meter, meter, f"{words_of(beats)} {words_of(unit)}", f"{words_of(beats)}-{words_of(unit)}"]
        if meter == "3/4":
            ways += ["waltz time", "a waltz", "three"]
        if meter in ("7/8", "5/4", "4/4", "9/8", "11/8"):
            ways += [words_of(beats), str(beats)]
        return meter, rng.choice(ways)

    # -- degrees --------------------------------------------------------------------------------------------------

    def after(self, act: str, amount: bool = False) -> tuple[str, str]:
        """Return a degree as it is said after a verb, and its size; amount: never none."""
        rng = self._rng
        kind = rng.choices(["", "small", "large", "number"], [0 if amount else 11, 4.2, 1.3, 1.6])[0]
        if kind == "small":
            return rng.choice(split(names.SMALL) if rng.random() < 0.5 else split(names.SMALL)[:4]), " ~small"
        if kind == "large":
            return rng.choice(split(names.LARGE)), " ~large"
        return self.amount(act) if kind == "number" else ("", "")

    def amount(self, act: str) -> tuple[str, str]:
        rng = self._rng
        unit = rng.choice(Z_UNITS.get(act.split()[0], ("%",)))
        if unit == "octave":
            n = rng.choice((1, 1, 1, 2))
            return (
                rng.choice(("an octave", "one octave", "a whole octave", "by an octave", "an octave", "1 octave"))
                if n == 1
                else "two octaves"
            ), f" ~{n} octave"
        if unit == "semitone":
            n = rng.choice((1, 2, 2, 3, 5, 7))
            if n == 2 and rng.random() < 0.5:
                return "a whole step", " ~2 semitone"
            if n == 1:
                return rng.choice(("a semitone", "a half step", "one semitone")), " ~1 semitone"
            return f"{self.number(n)} semitones", f" ~{n} semitone"
        if unit == "%":
            if rng.random() < 0.25:
                return "by half", " ~50 %"
            n = rng.choice((10, 20, 25, 30, 40, 50, 5, 15))
            return (
                f"{rng.choice(('by ', '', ''))}{self.number(n)}{rng.choice((' percent', '%', ' %', ' per cent'))}",
                f" ~{n} %",
            )
        numbers: tuple[float, ...] = {
            "dB": (1, 2, 3, 4, 6, 1.5, 0.5, 5),
            "bpm": (2, 3, 4, 5, 6, 8, 10, 15),
            "ms": (5, 8, 10, 12, 15, 20, 25, 30),
        }[unit]
        number = rng.choice(numbers)
        said = {
            "dB": " dB, dB, db, decibels, dBs",
            "bpm": " bpm, bpm, clicks, beats per minute, bpm",
            "ms": " ms, milliseconds, ms, millis",
        }[unit]
        by = rng.choice(("by ", "", ""))
        if unit == "dB" and number == 1 and rng.random() < 0.5:
            return by + "a dB", " ~1 dB"
        if unit == "dB" and number == 2 and rng.random() < 0.3:
            return by + "a couple of dB", " ~2 dB"
        if unit == "dB" and number == 0.5 and rng.random() < 0.5:
            return by + "half a dB", " ~0.5 dB"
        return f"{by}{self.number(number)} {rng.choice(split(said))}", f" ~{number:g} {unit}"

    def before(self) -> tuple[str, str]:
        rng = self._rng
        kind = rng.choices(["", "small", "large"], [9, 4, 1.6])[0]
        words = {"small": names.SMALL_BEFORE, "large": names.LARGE_BEFORE}.get(kind)
        if not words:
            return "", ""
        return rng.choice(split(words) if rng.random() < 0.5 else split(words)[:3]), f" ~{kind}"

    # -- clauses --------------------------------------------------------------------------------------------------

    def group(self, want: str = "") -> Group:
        made, weights = groups()
        if not want:
            return self._rng.choices(made, weights)[0]
        fit = [(group, weight) for group, weight in zip(made, weights, strict=True) if re.match(want, group.act)]
        if not fit:
            raise LookupError(want)
        return self._rng.choices([g for g, _ in fit], [w for _, w in fit])[0]

    def _line(self, group: Group) -> str:
        if id(group) not in self._lines:
            count = max(3, round(self._keep * len(group.lines)))
            self._lines[id(group)] = tuple(self._known.sample(group.lines, min(count, len(group.lines))))
        return self._rng.choice(self._lines[id(group)])

    def clause(self, want: str = "", target: str = "", kinds: str = "!=~") -> Clause:
        """Return a clause. want: a pattern that its act begins with; target: the part it is about; kinds: of the line."""
        for _ in range(200):
            group = self.group(want)
            if target and (group.default or (target not in group.targets and group.act not in ("ONLY",))):
                continue
            line = self._line(group)
            if line[0] in kinds:
                return self._filled(group, line, target)
        raise LookupError(f"no phrase for {want!r} with {target!r}")

    def _filled(self, group: Group, line: str, target: str) -> Clause:
        rng, act, text = self._rng, group.act, line[1:]
        at = target or ("" if group.default or group.targets == ("feature",) else rng.choice(group.targets))
        if act.startswith(("level", "reverb")) and not group.default and not target and rng.random() < 0.05:
            at = "bass"
        size = ""
        text, _, own = text.partition("::")
        if own == "more":
            act = act.replace(" set ", " more ")
        elif own:
            at = own
        text, _, percent = text.partition("~")
        if percent:
            size = f" ~{percent} %"
        act, text, extra = self._valued(act, text)
        size = size or extra
        if act == "INSTEAD":
            return self._instead(text)
        said, bare, plural = self.part(at) if at else ("", "", False)
        if "{t}" in text and bare in names.BARE:
            text = text.replace("{t}", "{T}")
        for mark in ("{z:oct}", "{z:ms}", "{z:bpm}", "{z}"):
            if mark in text:
                words, size = self.after(act)
                text = text.replace(mark, words)
                if not words:
                    text = re.sub(r"\b(?:add|shave|put) +(?:to|off|reverb)", lambda m: m[0].replace("  ", " "), text)
        if re.search(r"^(add|shave)  ", text) or "add  to" in text or text.startswith("shave  off"):
            words, size = self.amount("level")
            text = re.sub(r"^(add|shave) ", rf"\1 {words}", text)
        if "{Z}" in text:
            words, size = self.before()
            text = text.replace("{Z}", words)
        if "{linename}" in text:
            text = text.replace("{linename}", self.name("line")[0])
        text = self._grammar(text, plural)
        text = text.replace("{T}", said).replace("{t}", bare)
        named = bool(at) and (said in text or bare in text)
        edit_target = (
            at
            or DEFAULTS.get(act.split()[0])
            or DEFAULTS.get(" ".join(act.split()[:3]))
            or self._pattern_target(group, act)
        )
        if act == "ONLY":
            return Clause(clean(text), ("band.mute on", f"{edit_target}.mute off"), line[0], edit_target, named)
        return Clause(clean(text), (joined(act, edit_target, size),), line[0], edit_target, named)

    def _pattern_target(self, group: Group, act: str) -> str:
        return group.targets[0] if not group.default else "band"

    def _grammar(self, text: str, plural: bool) -> str:
        forms = {"{is}": ("is", "are"), "{s}": ("s", ""), "{es}": ("es", ""), "{has}": ("has", "have"), "{was}": ("was", "were"),
                 "{do}": ("does", "do"), "{isnow}": ("it is", "they are"), "ha{s}": ("has", "have")}  # fmt: skip
        text = text.replace("ha{s}", "{has}")
        for mark, (one, many) in forms.items():
            text = text.replace(mark, many if plural else one)
        return text

    def _valued(self, act: str, text: str) -> tuple[str, str, str]:
        """Fill in what is said by value: keys, chords, meters, numbers, features, sounds, sections, bars."""
        rng = self._rng
        size = ""
        if "KEY" in act:
            label, said = self.key()
            act, text = act.replace("KEY", label), text.replace("{K}", said)
        if "CHORDS" in act:
            several = [self.chord() for _ in range(rng.choice((2, 3, 3, 4, 4)))]
            glue = rng.choice((" ", ", ", " - ", " "))
            act, text = (
                act.replace("CHORDS", " ".join(c for c, _ in several)),
                text.replace("{CC}", glue.join(c for c, _ in several)),
            )
        elif "CHORD" in act:
            label, said = self.chord()
            article = rng.choice(("", "", "", "a " if said[0] not in "AEF" else "an "))
            act, text = act.replace("CHORD", label), text.replace("{C}", article + said)
        if "METER" in act:
            label, said = self.meter()
            said = said.removeprefix("a ") if "the {M}" in text else said
            act, text = act.replace("METER", label), text.replace("{M}", said).replace("a a ", "a ")
        if act.endswith("set #"):
            bpm = rng.choice(
                (
                    rng.randint(50, 200),
                    rng.choice(
                        (60, 70, 72, 80, 84, 88, 90, 96, 100, 104, 110, 112, 116, 120, 126, 130, 140, 150, 160, 180)
                    ),
                )
            )
            act, text = act.replace("#", str(bpm)), text.replace("{bpm}", self.number(bpm))
        if act == "take recall N":
            n = rng.choice((1, 1, 2, 2, 3, 4, 5, 6))
            act = f"take recall {n}"
            text = text.replace(
                "{kth}", f"the {self.nth(n)} {rng.choice(('take', 'take', 'version', 'one', 'try'))}"
            ).replace("{k}", self.number(n))
        if "{FEATURE}" in act:
            name = rng.choice(tuple(names.FEATURES))
            if "less" in act or "more" in act or "so many" in text:
                name = (
                    rng.choice(names.COUNTED) if rng.random() < 0.6 else rng.choice(("fills", "fills", "ghost notes"))
                )
            elif rng.random() < 0.4:
                name = rng.choice(("fills", "fill", "ghost notes", "fills", "half-time", "brushes"))
            one, target, value = names.FEATURES[name]
            many = name in names.COUNTED or name == "brushes"
            said = rng.choice(("the ", "those " if many else "that ", "the ", "")) + name
            act = act.replace("{FEATURE}", value) + f" ::{target}"
            text = text.replace("{F}", said).replace("{f1}", one).replace("{f}", name)
            text = text.replace("{fis}", "are" if many else "is").replace("{fwork}", "work" if many else "works")
        if "{SOUND}" in act:
            label = rng.choice(CHORD_OR_LINE(text))
            act = act.replace("{SOUND}", label)
            said = rng.choice(split(names.SOUNDS[label]))
            text = text.replace(
                "{SND} sound", said.removeprefix("a ").removeprefix("the ").removeprefix("an ") + " sound"
            ).replace("{SND}", said)
            text = re.sub(r"\b(a|an) (?:a|an|the) ", r"\1 ", text)
        if "{SEC}" in act:
            label, said = self.section()
            act, text = act.replace("{SEC}", label), text.replace("{S}", said)
        elif "{S}" in text:
            text = text.replace("{S}", self.section()[1])
        if "{n:bar}" in act or "{n:bar}" in text:
            n = rng.choice((1, 2, 2, 4, 4, 8, 1, 3))
            words = (
                rng.choice(("a bar", "one bar", "1 bar", "an extra bar" if "add" in text else "a bar"))
                if n == 1
                else f"{self.number(n)} bars"
            )
            text = (
                text.replace("{n:bar} extra", f"{words} extra")
                .replace("{n:bar}-count", f"{self.number(n)} bar count")
                .replace("{n:bar} count", f"{self.number(n)} bar count" if n > 1 else "one bar count")
                .replace("{n:bar}", words)
            )
            act, size = act.replace(" ~{n:bar}", "").replace(" {n:bar}", ""), f" ~{n} bar"
        if "{n:trade}" in act:
            n = rng.choice((4, 4, 8, 2))
            act, size = act.replace(" ~{n:trade}", ""), f" ~{n} bar"
            text = text.replace(
                "{tr}", rng.choice(({4: "fours", 8: "eights", 2: "twos"}[n], f"{self.number(n)} bars", f"{n}s"))
            )
        for mark in ("{n:bpm}", "{1oct}"):
            if mark in text:
                words, size = self.amount("tempo") if mark == "{n:bpm}" else self.amount("register")
                while mark == "{n:bpm}" and "%" in size:
                    words, size = self.amount("tempo")
                text = text.replace(mark, words if text.startswith(mark) is False else words.removeprefix("by "))
        return act, text, size

    def _instead(self, text: str) -> Clause:
        rng = self._rng
        a, b = rng.choice((("ride", "hat"), ("hat", "ride"), ("toms", "hat"), ("percussion", "hat"), ("line", "harmony"), ("harmony", "line"),
                           ("toms", "ride"), ("cymbals", "ride"), ("percussion", "ride"), ("ride", "cymbals"), ("snare", "toms")))  # fmt: skip
        text = text.replace("{A}", self.part(a)[0]).replace("{B}", self.part(b)[0])
        return Clause(clean(text), (f"{b}.mute on", f"{a}.mute off"), "!", a, True)


def CHORD_OR_LINE(text: str) -> tuple[str, ...]:
    return names.LINE_SOUNDS if "{T}" in text else names.CHORD_SOUNDS


def joined(act: str, target: str, size: str) -> str:
    """Return an edit in short form from its act, target and size."""
    if act.startswith(FORM_LENGTH):
        act, target = act.removeprefix("form."), "form"
    act, _, own = act.partition(" ::")
    target = own or target
    act, _, condition = act.partition(" |")
    act, _, scope = act.partition(" @")
    size = "" if "~" in act else size
    return f"{target}.{act}{size}" + (f" @{scope}" if scope else "") + (f" |{condition}" if condition else "")


def clean(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace(" ,", ",").strip()


def words_of(n: int) -> str:
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS_SAID[n - n % 10] + (f" {ONES[n % 10]}" if n % 10 else "")
    rest = n % 100
    return "a hundred" if n == 100 else f"one {words_of(rest)}" if 100 < n < 200 and rest >= 10 else f"{ONES[n // 100]} hundred and {words_of(rest)}" if rest else f"{ONES[n // 100]} hundred"  # fmt: skip


def spoken(note: str) -> str:
    return note.replace("b", " flat").replace("#", " sharp")


def with_scope(edits: tuple[str, ...], scope: str) -> tuple[str, ...]:
    """Return edits with a scope, where they have none."""
    return tuple(edit if "@" in edit else re.sub(r"(?= \|)|$", f" @{scope}", edit, count=1) for edit in edits)


def with_condition(edits: tuple[str, ...], condition: str) -> tuple[str, ...]:
    return tuple(edit if "|" in edit else f"{edit} |{condition}" for edit in edits)


def replaced(clause: Clause, **changed: object) -> Clause:
    return replace(clause, **changed)  # type: ignore[arg-type]
