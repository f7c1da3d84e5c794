"""What the band answers when it is asked something: out of what it knows, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.conversation.session_time import Now
from agent.core.music_names import key_name
from agent.language.edit_text import in_words
from agent.takes.take import Take


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


def told(question: str, sentence: str, known: Known) -> str:
    """question: a topic of agent/language/reply_text.py."""
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
    from agent.core.music_names import chord_name
    from listener.types import Chord

    hits = [moment.reply.chord for moment in take.played if moment.reply.chord]
    names = [chord_name(Chord(hit.root, hit.quality, 1.0)) for hit in hits]
    return " ".join(name for i, name in enumerate(names) if i == 0 or names[i - 1] != name) or "none"
