"""Splits a sentence into tokens: words, and what has a value: numbers, meters, groupings, keys, chords.

`tokens("Dm7 in bar three") -> (Token("dm7", "chord", "Dm7"), Token("in"), Token("bar"), Token("3", "number", "3"))`
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from agent.language.normalise import ONES, ORDINALS, TENS

VALUES = {word: n for n, word in enumerate(ONES)} | TENS
UNITS = ("4", "8", "16")  # the lower number of a meter
MODES = {"maj": "major", "min": "minor", "m": "minor"}
NOTE = r"[a-gA-G](?:#|♯|b(?![a-z])|♭| ?-?(?i:sharp|flat))?"
MODE = r"(?i:major|minor|maj|min|dorian|mixolydian|phrygian|lydian|aeolian)"
QUALITY = r"(?:maj|min|dim|aug|sus|add|m|M)?(?:\d{1,2})?(?:sus[24]?|[b#]\d{1,2}|add\d)*"
PATTERNS = re.compile(
    rf"(?P<meter>\b\d{{1,3}} ?/ ?\d{{1,4}}\b)|(?P<group>\b\d(?: ?(?:\+|plus) ?\d)+\b)"
    rf"|(?P<seventh>\b{NOTE} (?:major|minor|maj|min) (?:seven(?:th)?|7(?:th)?|nine|9)\b(?: flat (?:five|5)\b)?)"
    rf"|(?P<key>\b{NOTE} ?(?:{MODE})\b(?! ?\d))"
    r"|(?P<chord>\b[A-G](?:#|♯|b|♭)?(?:(?:maj|min|dim|aug|sus|add|m|M)\d{0,2}|\d{1,2})(?:sus[24]?|[b#]\d{1,2}|add\d)*(?![\w/+])"
    r"|\b[b-g][#b]?(?:(?:maj|min|dim|aug|sus|add|m)\d{0,2}|\d{1,2})(?:sus[24]?|[b#]\d{1,2}|add\d)*(?![\w/+])"
    r"|\ba[#b]?(?:(?:maj|min|sus|aug|m)\d{1,2}|7|9|13)(?:[b#]\d{1,2})*(?![\w/+]))"
    rf"|(?P<ninth>\b[A-Gb-g](?: ?(?:sharp|flat)|#|b)? (?:seven|nine|7|9|13)(?:th)?\b(?! ?[/+\d]| (?:bars?|eights?|eighths?|fours?|sixteens?|d[bB]|bpm|clicks?)\b))"
    r"|(?P<note>(?<=\b[iI]n )A\b(?! [a-z])|(?<=\b(?:to|on|of|an) )A\b(?! [a-z]{4})|(?<=\bkey )A\b(?! [a-z])|\b[a-gA-G](?:#|♯|♭|b(?!\w)| ?-?(?:sharp|flat)\b)(?!\w)|(?<=[\w,:] )[B-G]\b(?!')|^[B-G]\b(?!')|\b[b-g]\b(?!'))"
    r"|(?P<ordinal>\b\d{1,3}(?:st|nd|rd|th)\b)|(?P<decibel>(?<![\w.])[+-] ?(?=\d))"
    r"|(?P<number>\d+(?:\.\d+)?|(?<!\d)\.\d+)|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<mark>[,.;:!?()&%+/-])"
)  # fmt: skip
ORDINAL_VALUES = {word: n for n, word in enumerate(ORDINALS, 1)}
LONGEST = 120  # tokens; what comes after is not read


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a sentence. text: in lower case, numbers in digits; kind: word, mark, number, ordinal, meter, group, key,
    chord or note; value: what it stands for, "" for words and marks; said: as it was written, in lower case."""

    text: str
    kind: str = "word"
    value: str = ""


def plain(text: str) -> str:
    """Return a text in Unicode's compatible form with plain apostrophes and without control characters."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[’‘´`ʼ]", "'", text).replace("⁄", "/")
    text = re.sub(r"[–—]", " - ", text)
    text = re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])|(?<=\d)-(?=[^\W\d_])", " ", text)
    return "".join(c if c.isprintable() else " " for c in text)


def tokens(text: str) -> tuple[Token, ...]:
    """Return the tokens of a sentence, at most LONGEST."""
    found = [_token(match) for match in PATTERNS.finditer(plain(text)[:1200])]
    return tuple(_joined([token for token in found if token])[:LONGEST])


def _token(match: re.Match[str]) -> Token | None:
    kind, said = match.lastgroup or "", match[0]
    low = said.lower()
    if kind == "meter":
        return Token(low.replace(" ", ""), "meter", low.replace(" ", ""))
    if kind == "group":
        return Token("group", "group", "+".join(re.findall(r"\d", said)))
    if kind == "key":
        found = re.fullmatch(rf"({NOTE}) ?({MODE})", said, re.IGNORECASE)
        if found is None or (found[1] == "a" and found[2] in ("m", "min")):
            return Token(low)
        return Token(low, "key", f"{note_name(found[1])} {MODES.get(found[2].lower(), found[2].lower())}")
    if kind == "seventh":
        root, mode, number = re.split(r" (?=maj|min|sev|nin|7|9)", low)
        digit = "9" if number[0] in "n9" else "7"
        flat = "b5" if "flat f" in number or "flat 5" in number else ""
        return Token(low, "chord", f"{note_name(root)}{'maj' if mode.startswith('maj') else 'm'}{digit}{flat}")
    if kind == "ninth":
        root, _, number = low.rpartition(" ")
        return Token(
            low,
            "chord",
            note_name(root) + {"seven": "7", "nine": "9"}.get(number.removesuffix("th"), number.removesuffix("th")),
        )
    if kind == "chord":
        return Token(low, "chord", said[0].upper() + said[1:].replace("♯", "#").replace("♭", "b").replace("min", "m"))
    if kind == "note":
        return Token(low, "note", note_name(said))
    if kind == "ordinal":
        return Token(said[:-2], "ordinal", str(int(said[:-2])))
    if kind == "decibel":
        return Token(said.strip(), "mark")
    if kind == "number":
        return Token(
            f"{float(said):g}" if len(said) < 9 else said[:9],
            "number",
            f"{float(said):g}" if len(said) < 9 else said[:9],
        )
    if kind == "word":
        low = low.replace("'", "")
        low = re.sub(r"([^\W\d_])\1{2,}", r"\1\1", low)
        if low in ORDINAL_VALUES:
            return Token(low, "ordinal", str(ORDINAL_VALUES[low]))
        return Token(low, "number" if low in VALUES else "word", str(VALUES[low]) if low in VALUES else "")
    return Token(said, "mark")


def note_name(said: str) -> str:
    """Return "Bb" for "b flat", "B♭", "bb"."""
    rest = said[1:].strip(" -").lower()
    return said[0].upper() + {"sharp": "#", "flat": "b", "♯": "#", "♭": "b"}.get(rest, rest)


def _joined(found: list[Token]) -> list[Token]:
    """Join the words of one number ("one hundred and four", "ninety six") and of one meter ("seven eight")."""
    out: list[Token] = []
    for token in found:
        last = out[-1] if out else None
        if (
            token.kind == "number"
            and last
            and last.kind == "number"
            and last.value.isdecimal()
            and token.value.isdecimal()
        ):
            before, now = int(last.value), int(token.value)
            if before in TENS.values() and last.text in TENS and 0 < now < 10 and token.text in VALUES:
                out[-1] = Token(str(before + now), "number", str(before + now))
                continue
            if (before == 1 and last.text == "one" and token.text in VALUES and now >= 10) or (
                before == 100 and last.text == "100+"
            ):
                out[-1] = Token(str(100 + now), "number", str(100 + now))
                continue
            if (
                100 < before < 200
                and before % 10 == 0
                and before > 119
                and last.text == str(before)
                and 0 < now < 10
                and token.text in VALUES
            ):
                out[-1] = Token(str(before + now), "number", str(before + now))
                continue
            if token.value in UNITS and 1 < before < 20 and (token.value != "16" or before > 6):
                out[-1] = Token(f"{before}/{now}", "meter", f"{before}/{now}")
                continue
        if token.text == "hundred" and last and (last.text == "a" or last.kind == "number"):
            times = int(last.value) if last.kind == "number" and last.value.isdecimal() else 1
            out[-1] = Token("100+" if times == 1 else str(100 * times), "number", str(100 * times))
            continue
        if (
            token.text in ("eighths", "eights")
            and last
            and last.kind == "number"
            and last.value in ("5", "7", "9", "11")
        ):
            out[-1] = Token(f"{last.value}/8", "meter", f"{last.value}/8")
            continue
        if last and last.text == "and" and len(out) > 1 and out[-2].text == "100+" and token.kind == "number":
            out[-2:] = [Token(str(100 + int(float(token.value))), "number", str(100 + int(float(token.value))))]
            continue
        out.append(token)
    return [
        Token("100", "number", "100")
        if token.text == "100+"
        else token
        if token.kind != "number" or token.text == "one"
        else Token(token.value, "number", token.value)
        for token in out
    ]
