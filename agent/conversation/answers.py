"""Answers the player's questions over a riff, each in one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.conversation.session_time import Now
from agent.core.music_names import key_name
from agent.language.edit_text import describe_edits
from agent.takes.take import Take


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What answers are made from. takes: how many there are; liked: ideas and takes praised in this session."""

    take: Take
    takes: int
    now: Now
    liked: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def active_edits(take: Take | None) -> tuple[str, ...]:
    """Return the edits in force in a take, as a musician would say them; empty without a take."""
    return describe_edits(one.edit for one in take.active_edits.asked) if take else ()


def answer(question: str, sentence: str, facts: SessionFacts) -> str:
    """Return the answer to a question. question: a topic of agent/language/reply_text.py; sentence: as it was asked."""
    take, riff = facts.take, facts.take.riff
    if "like" in sentence.lower().split():
        return f"You liked {_list(facts.liked)}." if facts.liked else "You have not praised anything yet."
    known = {
        "key": f"We are in {key_name(riff.key)}.",
        "tempo": f"{riff.tempo_bpm:.0f} beats a minute.",
        "meter": " | ".join(map(str, take.meters[: max(len(take.bars) // 2, 1)])),
        "chord": f"The chords: {_chords(take)}.",
        "changes": f"Last: {take.says}." if take.says else "Nothing yet.",
        "take": f"Take {take.number} of {facts.takes}.",
        "bar": f"The form has {len(riff.bars)} bars.",
        "feel": f"You play {1000 * riff.behind_s:+.0f} ms from the beat; swing {riff.swing:.2f}.",
        "time": f"We have played for {facts.now.running_s / 60:.0f} minutes.",
    }
    return known.get(question, f"What stands: {'; '.join(active_edits(take)) or 'nothing asked yet'}.")


def _list(names: Sequence[str]) -> str:
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last


def _chords(take: Take) -> str:
    from agent.core.music_names import chord_name
    from listener.types import Chord

    hits = [moment.reply.chord for moment in take.played if moment.reply.chord]
    names = [chord_name(Chord(hit.root, hit.quality, 1.0)) for hit in hits]
    return " ".join(name for i, name in enumerate(names) if i == 0 or names[i - 1] != name) or "none"
