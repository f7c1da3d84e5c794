"""Carries out commands of agent/control/commands.py, whether they come from the socket, a key or a pedal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.control.command_state import CommandState
from agent.control.commands import TABLE, Command, parse
from agent.control.lead_commands import FEELS, done
from agent.control.words import Click, Fader
from agent.core.errors import UserError
from agent.core.messages import (
    AnswerPhrases,
    CountIn,
    EndSong,
    Lead,
    Panic,
    SetClick,
    SetFader,
    SetMode,
    SetPart,
    Tap,
    ToAudio,
    ToMind,
)
from agent.core.settings import DEFAULT_PARTS, Config

if TYPE_CHECKING:
    from agent.control.pedals import Pedals

CLICK_AFTER_S = 0.6


class Book(Protocol):
    """The songs of a session: agent/songbook/book.py's Songbook. Each raises UserError for what there is not."""

    def keep(self, name: str, sound: bool = False) -> str: ...
    def to(self, name: str) -> str: ...
    def do(self, what: str) -> str: ...
    def loop(self, name: str) -> str: ...
    def chart(self, name: str, text: str) -> str: ...


class Conversation(Protocol):
    """Talks with the player: agent/conversation/live.py's Talk. mutes: the parts that words have muted."""

    @property
    def mutes(self) -> frozenset[str]: ...
    def say(self, sentence: str) -> str: ...
    def over_loop(self, message: Lead) -> str | None: ...
    def switched(self, part: str, on: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who carries out the commands that concern neither worker; None where a session has no such thing.

    pedals: where there is a MIDI input. orders: returns the command that a sentence stands for. mood: of
    agent/mood/mood_desk.py, where nobody plays; practice: of agent/practice/coach.py, where somebody does. voice: push
    to talk, where there is a microphone. loudspeaker: whether there is one. talk: where the band can be talked to.
    plays: whether the band does.
    """

    pedals: Pedals | None = None
    book: Book | None = None
    orders: Callable[[str], str | None] = lambda sentence: None
    mood: Callable[[str], str] | None = None
    practice: Callable[[str], str] | None = None
    voice: Callable[[], str] | None = None
    loudspeaker: bool = True
    talk: Conversation | None = None
    plays: Callable[[], bool] = bool


NO_HANDLERS = Handlers()


class Dispatcher:
    """Carries out command lines.

    to_mind, to_audio: send a message to that process. stop: ends the session. status: returns the answer to `status`.
    now_s: the stream time of what is played into the microphone now; None while there is none.
    """

    def __init__(
        self,
        config: Config,
        state: CommandState,
        to_mind: Callable[[ToMind], object],
        to_audio: Callable[[ToAudio], object],
        stop: Callable[[], object],
        status: Callable[[], str],
        now_s: Callable[[], float | None] = lambda: None,
        handlers: Handlers = NO_HANDLERS,
    ) -> None:
        self.state, self._to_mind, self._to_audio = state, to_mind, to_audio
        self._enabled = {name: part.enabled for name, part in config.parts.items()}
        self._stop, self._status, self._now_s = stop, status, now_s
        self._handlers = handlers

    def command(self, text: str) -> str:
        """Carry out one line; return what was done, in one line. Raises UserError for what cannot be done."""
        command = parse(self._spelled_out(text))
        special: dict[str, Callable[[Command], str]] = {
            "status": lambda _: self._status(),
            "mode": self._mode,
            "tap": lambda _: self._tap(),
            "help": lambda _: "\n".join(f"{name} {word.takes}".ljust(48) + word.means for name, word in TABLE.items()),
            "stop": self._end,
            "learn": lambda c: self._has_pedals().learn(c.argument),
            "unlearn": lambda _: self._has_pedals().unlearn(),
            "pedals": lambda _: self._has_pedals().describe(),
            "say": lambda c: self._say(c.argument),
            "voice": lambda _: self._listen(),
            "mood": lambda c: self._mood_of(c.argument),
            "practice": lambda c: self._practise(c.argument),
            "yes": lambda _: self._say("I like it"),
            "no": lambda _: self._say("I don't like it"),
            "idea": lambda _: self._say("any ideas?"),
            "undo": lambda _: self._say("undo"),
            "section": lambda c: self._has_book().keep(c.argument),
            "take": lambda c: self._has_book().keep(c.argument, True),
            "to": lambda c: self._has_book().to(c.argument),
            "song": lambda c: self._has_book().do(c.argument),
            "loop": self._loop,
            "chart": self._chart,
            "feel": lambda c: self._say(FEELS[c.argument]),
        }
        return special.get(command.name, self._send)(command)

    def playing(self, part: str) -> bool:
        """Return whether a part is switched on, by commands and by words."""
        return self.state.parts.get(part, self._enabled[part]) and not (
            self._handlers.talk and part in self._handlers.talk.mutes
        )

    def muted_by(self) -> list[str]:
        """Return who has muted parts, of words, commands and the configuration."""
        words = self._handlers.talk.mutes if self._handlers.talk else ()
        by = {
            "your words": set(words),
            "a key, pedal or command": {part for part, on in self.state.parts.items() if not on},
            "the configuration": {name for name, on in self._enabled.items() if not on} - set(self.state.parts),
        }
        return [f"{who} ({', '.join(sorted(parts))})" for who, parts in by.items() if parts]

    def _spelled_out(self, text: str) -> str:
        """Rewrite `toggle PART` as the mute or unmute it means."""
        word, _, part = text.partition(" ")
        if word != "toggle":
            return text
        on = any(map(self.playing, DEFAULT_PARTS)) if part == "all" else part in DEFAULT_PARTS and self.playing(part)
        return f"{'mute' if on else 'unmute'} {part}"

    def _mode(self, command: Command) -> str:
        asked = next((one for one in command.messages if isinstance(one, SetMode)), None)
        message = asked or self.state.next_mode()
        return self._send(Command("mode", f"mode {message.mode}", (message,)))

    def _tap(self) -> str:
        now_s = self._now_s()
        if now_s is None:
            raise UserError("nothing is heard yet, so there is no beat to tap to; try again when the session listens")
        self._to_mind(Tap(now_s))
        return "tapped"

    def _click(self, wish: Click) -> str:
        """Click on the beat; at a tempo that was given the ears are told of the first bar's beats, too."""
        if not self._handlers.loudspeaker:
            raise UserError("a click needs a loudspeaker: this session only plays MIDI")
        on = not self.state.click if wish.on is None else wish.on
        begins_s, period_s = (self._now_s() or 0.0) + CLICK_AFTER_S, 60 / wish.bpm if wish.bpm else 0.0
        self.state.click = on
        self._to_audio(SetClick(on, begins_s, period_s, wish.beats))
        for beat in range(wish.beats if period_s else 0):
            self._to_mind(Tap(begins_s + beat * period_s))
        at = f" at {wish.bpm:g} until there is a beat, then" if wish.bpm else ""
        return f"a click{at} on the beat; no recording has it" if on else "no click any more"

    def _send(self, command: Command) -> str:
        first, talk = command.messages[0], self._handlers.talk
        if isinstance(first, Lead) and talk and (said := talk.over_loop(first)) is not None:
            return f"{command.text}: {said.removesuffix('.')}"
        if isinstance(first, CountIn) and self._handlers.plays():
            raise UserError("I am playing already: say `end it` first, or `faster`")
        for message in command.messages:
            if isinstance(message, SetPart) and message.part not in self._enabled:
                raise UserError("the bass is yours: only where nobody plays (`antiphon mood`) can it be muted")
            self.state.note(message)
            match message:
                case Click():
                    return self._click(message)
                case Fader(lane):
                    self._to_audio(SetFader(lane, self.state.faders.get(lane)))
                case Panic():
                    self._to_audio(message)
                case SetPart(part, enabled):
                    if talk:
                        talk.switched(part, enabled)
                    self._to_audio(message)
                    self._to_mind(message)
                case _:
                    self._to_mind(message)
        match first:
            case AnswerPhrases():
                self.state.note(SetMode("trade"))
                return "answer: I answer each of your phrases, on the pulse after its end"
            case SetMode():
                return f"{command.text}, from the next bar on"
            case EndSong() if not self._handlers.plays():
                return f"{command.text}: I am not playing: nothing to end; a count-in is called off"
            case _ if isinstance(first, Lead):
                return f"{command.text}: {done(first)}"
            case _:
                return command.text

    def _end(self, _: Command) -> str:
        self._stop()
        return "the session ends"

    def _loop(self, command: Command) -> str:
        if command.argument == "off" and self.state.mode == "loop":
            self.state.note(SetMode("accompany"))
        return self._has_book().loop(command.argument)

    def _chart(self, command: Command) -> str:
        name, chords = command.argument.split(maxsplit=1)
        return self._has_book().chart(name, chords)

    def _has_book(self) -> Book:
        if self._handlers.book is None:
            raise UserError("this session keeps no songs")
        return self._handlers.book

    def _say(self, sentence: str) -> str:
        if (order := self._handlers.orders(sentence)) is not None:
            done = self.command(order).removeprefix(f"{parse(order).text}: ").removesuffix(".")
            return f"{done[:1].upper()}{done[1:]}."
        if self._handlers.talk is None:
            raise UserError("this session takes no sentences: it runs without a conversation")
        return self._handlers.talk.say(sentence)

    def _mood_of(self, words: str) -> str:
        if self._handlers.mood is None:
            raise UserError("this session plays no moods")
        return self._handlers.mood(words)

    def _practise(self, argument: str) -> str:
        if self._handlers.practice is None:
            raise UserError("this session has no player to practise with")
        return self._handlers.practice(argument)

    def _listen(self) -> str:
        if self._handlers.voice is None:
            raise UserError("this session has no microphone to speak into")
        return self._handlers.voice()

    def _has_pedals(self) -> Pedals:
        if self._handlers.pedals is None:
            raise UserError("no MIDI input for pedals; set midi.input to a port that `antiphon devices` lists")
        return self._handlers.pedals
