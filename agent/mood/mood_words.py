"""Reads what mood is asked for in words, what moves it, and the time of day."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agent.core.errors import UserError
from agent.core.messages import SetMood
from agent.making.brief_reader import brief_of
from agent.making.moods import MOODS, PLAIN, SCENES
from agent.mood.glide import MOVES

BARS = re.compile(r"\b(?:over|in|within)\s+(\d{1,3})\s+bars?\b")
BARS_RANGE = (1, 64)
SENSE = re.compile(r"(arousal|valence|tension)\s+([01](?:\.\d+)?)(?:\s+cc\s+(\d{1,3})(?:\s+channel\s+(\d{1,2}))?)?")
NAME = re.compile(r"[a-z][a-z0-9_]*")
LIVELIEST_H = 16.0  # of the day; the calmest is twelve hours off


def mood_of(words: str) -> SetMood:
    """Return what words ask for: a mood ("calm"), a scene ("dub"), several ("dark, driving, 120 bpm, over 8 bars").

    Raises UserError, in one line, where no mood is in them or they contradict each other.
    """
    bars = None
    if match := BARS.search(words):
        bars = int(match[1])
        if not BARS_RANGE[0] <= bars <= BARS_RANGE[1]:
            raise UserError(f"a glide over {bars} bars; give {BARS_RANGE[0]} to {BARS_RANGE[1]}")
        words = words.replace(match[0], " ")
    brief = brief_of((words,))
    mood, scenes = brief.mood, [one for one in SCENES if set(one.words) & set(brief.scene_words)]
    if brief.cannot:
        raise UserError(brief.cannot[0])
    if brief.strange:
        raise UserError(f"{brief.strange[0]!r} is no mood that I know; {known()}")
    if mood is None and not scenes and brief.bpm is None and brief.key is None and brief.meter is None:
        raise UserError(f"no mood in {words.strip()!r}; {known()}")
    bpm = sum(brief.bpm) / 2 if brief.bpm else None
    if bpm is None and scenes and mood is None:
        bpm = sum(scenes[0].bpm) / 2
    minor = (mood or PLAIN).minor if mood or not scenes else scenes[0].minor
    if brief.mode:
        minor = float(brief.mode == "min")
    feeling = mood or PLAIN
    return SetMood(
        feeling.valence,
        feeling.arousal,
        feeling.tension,
        feeling.low,
        minor,
        feeling.steady,
        brief.style,
        bpm,
        (brief.meter.numerator, brief.meter.denominator) if brief.meter else None,
        (brief.key.tonic, brief.key.mode) if brief.key else None,
        bars,
        " ".join(words.split()).strip(" ,"),
        ", ".join(brief.directions),
    )


def left_out(asked: SetMood) -> str:
    """Return, in one clause, what words ask for that no mood can do; "" for nothing."""
    return f'{asked.directions!r} is for the band: antiphon say "{asked.directions}"' if asked.directions else ""


def known() -> str:
    """Return the moods there are, in one clause."""
    return f"moods are {', '.join(MOODS)}; scenes such as {', '.join(one.words[0] for one in SCENES[:4])}"


@dataclass(frozen=True, slots=True)
class SenseRule:
    """What a sense moves and how far; cc: the controller that it comes by, None = by `ctl` alone; channel: from 1."""

    moves: str
    amount: float
    cc: int | None = None
    channel: int | None = None


def senses_of(given: Mapping[str, str]) -> dict[str, SenseRule]:
    """Return the rules of `mood.senses`. Raises UserError, in one line, for one that cannot be read."""
    rules = {}
    for name, text in given.items():
        match = SENSE.fullmatch(str(text).strip())
        if not NAME.fullmatch(name) or name in MOODS or match is None or float(match[2]) > 1:
            raise UserError(
                f"mood.senses.{name}: {str(text)!r}; give what it moves ({', '.join(MOVES)}) and how far (0 to 1), "
                'and the controller it comes by, if any, such as "arousal 0.6 cc 21"'
            )
        cc, channel = (int(one) if one else None for one in (match[3], match[4]))
        if (cc or 0) > 127 or not 1 <= (channel or 1) <= 16:
            raise UserError(f"mood.senses.{name}: {text!r}; controllers are 0 to 127, channels 1 to 16")
        rules[name] = SenseRule(match[1], float(match[2]), cc, channel)
    return rules


def liveliness(hour: float) -> float:
    """Return how lively an hour of the day is, 0 to 1: 1 at LIVELIEST_H, 0 twelve hours off."""
    return 0.5 + 0.5 * math.cos((hour - LIVELIEST_H) / 24 * 2 * math.pi)
