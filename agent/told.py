"""What the band answers when it is asked something: out of what it knows, in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.edits import Edit
from agent.names import key_name
from agent.replies import said
from agent.takes import Take
from agent.timesense import Now

SIZES = {None: "", "small": "a little", "large": "a lot"}
AFTER = ("up", "down", "out", "back in")  # words that a size comes after
WHERE = {"until-told": "", "bar:last": " in the last bar"}
MORE = "band: more level"  # what replies.said says of a plain edit, before its place
SAID = {  # (dimension, change) -> what becomes of the target; "=": the whole line
    ("level", "more"): "up",
    ("level", "less"): "down",
    ("timing", "less"): "further behind the beat",
    ("timing", "more"): "further ahead of the beat",
    ("density", "more"): "busier",
    ("density", "less"): "sparser",
    ("register", "more"): "higher",
    ("register", "less"): "lower",
    ("dissonance", "more"): "=more dissonance",
    ("dissonance", "less"): "=less dissonance",
    ("resolution", "off"): "=no resolution",
    ("resolution", "on"): "=it resolves",
    ("swing", "more"): "more swung",
    ("swing", "less"): "straighter",
    ("syncopation", "more"): "more off the beat",
    ("syncopation", "less"): "squarer",
    ("meter", "set"): "={value}",
    ("key", "set"): "=in {value}",
    ("pattern", "set"): "={value} on the {target}",
    ("mute", "on"): "out",
    ("mute", "off"): "back in",
    ("brightness", "more"): "brighter",
    ("brightness", "less"): "darker",
    ("tempo", "more"): "faster",
    ("tempo", "less"): "slower",
}


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to tell. takes: how many; liked: ideas and takes praised in this session; hushed: no ideas."""

    take: Take
    takes: int
    now: Now
    liked: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def standing(take: Take | None) -> tuple[str, ...]:
    """Everything asked for that still stands, in words."""
    return in_words(one.edit for one in take.standing.asked) if take else ()


def in_words(edits: Iterable[Edit]) -> tuple[str, ...]:
    """As a musician says it; what is asked twice is said once."""
    return tuple(dict.fromkeys(plainly(edit) for edit in edits))


def plainly(edit: Edit) -> str:
    """'the snare down', 'a 7/8 bar in bar 3', 'a little further behind the beat'."""
    known = SAID.get((edit.dimension, edit.change))
    if known is None or edit.size not in SIZES or edit.condition:
        return said(edit)
    way, size = (
        known.removeprefix("=").format(value=(edit.value or "").replace("-", " "), target=edit.target),
        SIZES[edit.size],
    )
    sized = f"{way} {size}" if way in AFTER else f"{size} {way}"
    whole = known[0] == "=" or edit.target in ("feel", "band", "form")
    line = (sized if whole else f"the {edit.target} {sized.strip()}").strip()
    return line + WHERE.get(edit.scope or "", said(Edit("band", "level", "more", scope=edit.scope))[len(MORE) :])


def told(question: str, sentence: str, known: Known) -> str:
    """question: a topic of agent/replies.py."""
    take, riff = known.take, known.take.riff
    if "like" in sentence.lower().split():
        return f"You liked {_list(known.liked)}." if known.liked else "You have not praised anything yet."
    facts = {
        "key": f"We are in {key_name(riff.key)}.",
        "tempo": f"{riff.tempo_bpm:.0f} beats a minute.",
        "meter": " | ".join(map(str, take.meters[: max(len(take.bars) // 2, 1)])),
        "chord": f"The chords: {_chords(take)}.",
        "changes": f"Last: {take.says}." if take.says else "Nothing yet.",
        "take": f"Take {take.number} of {known.takes}.",
        "bar": f"The form has {len(riff.bars)} bars.",
        "feel": f"You play {1000 * riff.behind_s:+.0f} ms from the beat; swing {riff.swing:.2f}.",
        "time": f"We have played for {known.now.running_s / 60:.0f} minutes.",
    }
    return facts.get(question, f"What stands: {'; '.join(standing(take)) or 'nothing asked yet'}.")


def _list(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last


def _chords(take: Take) -> str:
    from agent.names import chord_name
    from listener.types import Chord

    hits = [moment.reply.chord for moment in take.played if moment.reply.chord]
    names = [chord_name(Chord(hit.root, hit.quality, 1.0)) for hit in hits]
    return " ".join(name for i, name in enumerate(names) if i == 0 or names[i - 1] != name) or "none"
