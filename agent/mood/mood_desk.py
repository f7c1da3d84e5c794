"""`MoodDesk` takes what is said to music that nobody plays: `mood WORDS`, a sense's value, the time of day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from agent.control.words import number
from agent.core.errors import UserError
from agent.core.messages import SetMood, SetSense, ToMind
from agent.core.settings import MoodConfig
from agent.core.stored import Json
from agent.making.moods import MOODS
from agent.mood.glide import FOLLOW_BARS
from agent.mood.mood_words import left_out, liveliness, mood_of, senses_of

FOLLOWS = f"most of it over {FOLLOW_BARS} bars"
CLOCK_STEP = 0.01  # by which the time of day has to have moved something


class MoodDesk:
    """to_mind: sends a message to the mind. Raises UserError for a sense that cannot be read."""

    def __init__(self, config: MoodConfig, to_mind: Callable[[ToMind], object]) -> None:
        self._config, self._to_mind = config, to_mind
        self._rules = senses_of(config.senses)
        self._asked: SetMood | None = None
        self._senses: dict[str, SetSense] = {}

    def command(self, argument: str) -> str:
        """Carry out the argument of `mood`; return what was done, in one line. Raises UserError."""
        if self._config.words is None:
            raise UserError("somebody plays: say how the band is to play; `antiphon mood` plays moods by itself")
        name, _, value = argument.strip().partition(" ")
        if name in self._rules:
            return self._sense(name, value)
        self._asked = mood_of(argument)
        self._to_mind(self._asked)
        over = f"over {self._asked.bars} bars" if self._asked.bars else "over the next bars"
        return "; ".join(filter(None, (f"mood {self._asked.said}, {over}", left_out(self._asked))))

    def _sense(self, name: str, text: str) -> str:
        value = number([text], f"mood {name}", 0.0, 1.0)
        rule = self._rules[name]
        self._tell(SetSense(name, value, rule.moves, rule.amount))
        return f"mood {name} {value:.2f}: {rule.moves} {(value - 0.5) * 2 * rule.amount:+.2f}, {FOLLOWS}"

    def _tell(self, sense: SetSense) -> None:
        self._senses[sense.name] = sense
        self._to_mind(sense)

    @property
    def view(self) -> dict[str, Json] | None:
        """Return what a remote shows: the words in force, the moods there are; None where somebody plays."""
        if self._config.words is None:
            return None
        return {"words": self._asked.said if self._asked else self._config.words, "known": list(MOODS)}

    def faders(self) -> dict[str, str]:
        """Return switch, such as 'channel 1 cc 21' -> 'mood NAME', of the senses that come by a controller."""
        return {
            f"channel {channel} cc {rule.cc}": f"mood {name}"
            for name, rule in self._rules.items()
            if rule.cc is not None
            for channel in ([rule.channel] if rule.channel else range(1, 17))
        }

    def poll(self, now: datetime | None = None) -> None:
        """Follow the time of day. now: for tests; None = this machine's."""
        if not self._config.time_of_day or self._config.words is None:
            return
        now = now or datetime.now()
        value = liveliness(now.hour + now.minute / 60)
        before = self._senses.get("time_of_day")
        if before is None or abs(before.value - value) >= CLOCK_STEP:
            self._tell(SetSense("time_of_day", value, "arousal", self._config.time_of_day))

    def again(self) -> list[SetMood | SetSense]:
        """Return the messages that bring a restarted mind to where it was."""
        return [*([self._asked] if self._asked else []), *self._senses.values()]
