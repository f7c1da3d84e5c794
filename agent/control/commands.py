"""Defines the commands of a running session, as typed after `antiphon ctl` or bound to a key or pedal. One table.

`parse("mute drums") -> Command`; agent/control/dispatcher.py carries it out. `TABLE` describes every command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches

from agent.control.lead_commands import LEAD_WORDS
from agent.control.words import Fader, Message, Read, Word, nothing, number
from agent.core.errors import UserError
from agent.core.messages import Panic, SetBehind, SetDial, SetMeter, SetMode, SetPart, SetTempo
from agent.core.settings import DEFAULT_PARTS, METERS, MODES, OWN_BASS, STYLES, TEMPO_BPM, DialsConfig

BEHIND_MS = (-100.0, 100.0)
TRADE_BARS = (1, 32)
LANES = (*DEFAULT_PARTS, "kick", "snare", "hat", "high_tom", "low_tom", "crash", "ride", "percussion")
FADERS = {  # name -> field of MixWish, lowest, highest
    "level": ("level_db", -40.0, 12.0),
    "pan": ("pan", -1.0, 1.0),
    "reverb": ("reverb", -1.0, 1.0),
    "bright": ("bright_octaves", -1.0, 1.0),
    "width": ("width", -1.0, 1.0),
}
DIALS = tuple(item.name for item in fields(DialsConfig) if item.name != "guidance")


@dataclass(frozen=True, slots=True)
class Command:
    """A parsed command. name: its key in TABLE. messages: what it asks for, if it is that. text: as it was typed."""

    name: str
    text: str
    messages: tuple[Message, ...] = ()
    argument: str = ""


def parse(text: str) -> Command:
    """Parse one line. Raises UserError in one line for an empty line, an unknown command or a wrong argument."""
    name, *arguments = text.split() or [""]
    word = TABLE.get(name.lower())
    if word is None:
        near = get_close_matches(name.lower(), TABLE, 1)
        hint = f"did you mean {near[0]!r}? (`help` lists all)" if near else f"choose one of {', '.join(TABLE)}"
        raise UserError(f"unknown command {name!r}; {hint}" if name else f"no command given; {hint}")
    asked = word.read(arguments)
    messages = asked if isinstance(asked, tuple) else () if asked is None else (asked,)
    return Command(name.lower(), text, messages, " ".join(arguments))


def _panic(arguments: Sequence[str]) -> Panic:
    nothing(arguments)
    return Panic()


def _something(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("`say` needs a sentence, such as: say less snare, and don't resolve it")


def _mood(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("`mood` needs words, such as: mood calm, or: mood dark, 90 bpm, over 8 bars")


def _something_to_practise(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError("`practice` needs what: ladder, drop N, copy, report or off")


def _anything(arguments: Sequence[str]) -> None:
    return None


def _mode(arguments: Sequence[str]) -> SetMode | None:
    """Return the message that sets a mode; None for `mode next`."""
    wanted, *rest = " ".join(arguments).lower().split() or [""]
    if wanted == "next" and not rest:
        return None
    if wanted not in MODES or (rest and wanted != "trade"):
        raise UserError(f"unknown mode {' '.join(arguments)!r}; choose {', '.join(MODES)} or next")
    return SetMode(wanted, round(number(rest, "trade", *TRADE_BARS)) if rest else None)


def _part(enabled: bool) -> Read:
    def read(arguments: Sequence[str]) -> tuple[SetPart, ...]:
        wanted = " ".join(arguments).lower() or "all"
        if wanted in ("bass", OWN_BASS):
            return (SetPart(OWN_BASS, enabled),)
        if wanted != "all" and wanted not in DEFAULT_PARTS:
            raise UserError(f"unknown part {wanted!r}; choose {', '.join(DEFAULT_PARTS)} or all")
        return tuple(SetPart(part, enabled) for part in (DEFAULT_PARTS if wanted == "all" else (wanted,)))

    return read


def _behind(arguments: Sequence[str]) -> SetBehind:
    behind_ms = number(arguments, "behind", *BEHIND_MS)
    return SetBehind(behind_ms / 1000)


def _dial(arguments: Sequence[str]) -> SetDial:
    name, *rest = (*arguments, "")
    if name not in DIALS:
        raise UserError(f"unknown dial {name!r}; choose {', '.join(DIALS)}")
    value = " ".join(rest).strip()
    if value in ("off", "none", "null"):
        return SetDial(name, None)
    if name == "style":
        if value not in STYLES:
            raise UserError(f"unknown style {value!r}; choose {', '.join(STYLES)} or off")
        return SetDial(name, value)
    return SetDial(name, number([value], name, 0.0, 1.0))


def _tempo(arguments: Sequence[str]) -> SetTempo:
    return SetTempo(None if list(arguments) == ["off"] else number(arguments, "tempo", *TEMPO_BPM))


def _meter(arguments: Sequence[str]) -> SetMeter:
    wanted = "".join(arguments)
    if wanted not in (*METERS, "off"):
        raise UserError(f"unknown meter {wanted!r}; choose {', '.join(METERS)} or off")
    return SetMeter(None if wanted == "off" else wanted)


def _mix(arguments: Sequence[str]) -> Fader:
    lane, what, *rest = (*arguments, "", "")
    if lane not in LANES:
        raise UserError(f"unknown lane {lane!r}; choose {', '.join(LANES)}")
    if what == "off":
        return Fader(lane, None, 0.0)
    if what not in FADERS:
        raise UserError(f"unknown fader {what!r}; choose {', '.join(FADERS)} or off")
    _, low, high = FADERS[what]
    return Fader(lane, what, number([one for one in rest if one], what, low, high))


TABLE = {
    "status": Word("", "show what is heard and played, and how well the timing holds", nothing),
    "mode": Word(
        "accompany | trade [BARS] | loop | listen | next", "how the band plays along, from the next bar on", _mode
    ),
    "mute": Word("[drums | chords | line | all]", "silence a part at once", _part(False)),
    "unmute": Word("[drums | chords | line | all]", "let a part play again, from the next bar on", _part(True)),
    "behind": Word("MS", "play so many milliseconds behind the beat, negative = ahead", _behind),
    "dial": Word("NAME VALUE | NAME off", "set density, tension ... as in config.yaml", _dial),
    "tap": Word("", "tap the beat: the first tap is the one, three even ones give the tempo", nothing),
    "tempo": Word("BPM | off", "say the tempo, in beats of the meter a minute; off = by ear", _tempo),
    "meter": Word("7/8 ... | off", "say the meter; off = by ear", _meter),
    "say": Word("SENTENCE", "direct the band in your own words: less snare, lay back, any ideas? ...", _something),
    "voice": Word("", "push to talk: before and after a sentence said into the session's microphone", nothing),
    "yes": Word("", "approve what was just played or proposed", nothing),
    "no": Word("", "reject what was just played or proposed", nothing),
    "idea": Word("", "ask the band for an idea", nothing),
    "undo": Word("", "take the last direction back", nothing),
    **LEAD_WORDS,
    "mix": Word("LANE level|pan|reverb|bright|width N | LANE off", "move a fader: level in dB, others -1 to 1", _mix),
    "mood": Word("WORDS | SENSE N", "where nobody plays: glide to a mood; or give a sense a number, 0 to 1", _mood),
    "practice": Word(
        "ladder [STEP [BARS]] | drop N | copy [BARS] | report | off",
        "practise: a tempo that rises while you play cleanly, bars that drop out, phrases to play back",
        _something_to_practise,
    ),
    "panic": Word("", "end every note now", _panic),
    "learn": Word("COMMAND", "bind COMMAND to the next pedal, key or button pressed at midi.input", _anything),
    "unlearn": Word("", "forget all learned pedals", nothing),
    "pedals": Word("", "list the pedals and their commands", nothing),
    "help": Word("", "show this table", nothing),
    "stop": Word("", "end the session and write all its files", nothing),
}
