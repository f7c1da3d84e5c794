"""What is said, live and over a riff: what came of a direction, what stands, what is known; each in one line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.conversation.player_notes import Known
from agent.conversation.stage import Done, Facts, Outcome
from agent.core.music_names import key_name
from agent.directions.edit import Edit
from agent.directions.net import net_of
from agent.language.edit_text import describe_edit, describe_edits
from agent.memory.session_time import Now, gap
from agent.memory.taste import Taste

WHEN = {"beat": "From the next beat on", "bar": "From the next bar on", "take": "Done"}
DIAL_WORDS = {  # dial of the taste -> how a player is who wants less, more of it
    "density": ("sparser", "busier"),
    "tension": ("sweeter", "with more tension"),
    "resolution": ("unresolved", "with endings that resolve"),
    "syncopation": ("squarer", "more off the beat"),
    "intensity": ("gentler", "harder"),
    "register": ("lower", "higher"),
}
MIDDLE, CLEAR = 0.5, 0.1  # a dial this far from the middle is a liking
FIGURES_SAID = 2
ENDS = ("?", "!", "…")
PART_WORDS = {"drums": "drums", "chords": "chords", "line": "melody", "bass": "your bass"}


def account(outcome: Outcome, refused: Sequence[str] = ()) -> str:
    """Return what came of a direction: what is heard and from when, what is not and why, and what else moved."""
    shown = [one for one in outcome.done if one.shown is not False]
    silent = [one for one in outcome.done if one.shown is False]
    begins = WHEN.get(outcome.begins, outcome.begins[:1].upper() + outcome.begins[1:])
    lines = []
    if shown:
        lines.append(f"{begins}: {listed(map(_done, shown))}.")
    if silent:
        lines.append(_unheard(silent, outcome.begins == "take"))
    if outcome.besides:
        lines.append(sentence(f"{joined(outcome.besides)} moved with it"))
    lines += [sentence(outcome.note)] if outcome.note else []
    lines += [sentence(why) for why in dict.fromkeys(refused)]
    return " ".join(lines) or "Kept."


def _done(one: Done) -> str:
    figures = ", ".join(one.figures[:FIGURES_SAID])
    words = describe_edit(one.edit)
    why = f", {one.why}" if one.why else ""
    return f"{words} ({figures}){why}" if figures and not _says_it(words, figures) else words + why


def _says_it(words: str, figures: str) -> bool:
    """Return whether the words say the number already: "the snare down by 3 dB"."""
    return figures.lstrip("+-") in words


def _unheard(silent: Sequence[Done], take: bool) -> str:
    what = "; ".join(dict.fromkeys(describe_edit(one.edit) for one in silent))
    why = "; ".join(dict.fromkeys(one.why for one in silent if one.why))
    where = "nothing in this take changes by it" if take else "nothing I play now changes by it"
    return f"Noted, but {where}: {what}" + (f" ({why})." if why else ".")


def undone(outcome: Outcome, asked: int, all_of_it: bool = False) -> str:
    """Return what an undo led to. asked: steps that were to be taken back."""
    if not outcome.undone:
        return "There is nothing left to undo."
    when = f"back to {outcome.back_to}" if outcome.begins == "take" else "from the next bar on"
    if all_of_it:
        return f"Everything undone, {when}." if outcome.begins != "take" else f"Everything undone: {when}."
    if outcome.undone < asked:
        there = "was only one" if outcome.undone == 1 else f"were only {outcome.undone}"
        return f"There {there}: undone, {when}."
    if asked > 1:
        return f"The last {asked} undone, {when}."
    what = f": {outcome.note}" if outcome.note else ""
    return f"Undone: {when}." if outcome.begins == "take" else f"Undone, {when}{what}."


def stands(facts: Facts) -> str:
    """Return the net state: what is in force after all that was said, the mode, and what is switched off."""
    words = [describe_edit(edit) for edit in net_of(facts.stands)]
    if facts.mode and facts.mode != "accompany":
        words.append(f"mode {facts.mode}")
    words += [f"the {PART_WORDS.get(part, part)} muted" for part in facts.muted if not _mutes(facts.stands, part)]
    return f"What stands: {'; '.join(words)}." if words else "Nothing stands: I play as I come."


def _mutes(edits: Sequence[Edit], part: str) -> bool:
    targets = {"chords": "harmony"}.get(part, part)
    return any(edit.dimension == "mute" and edit.target in (targets, "band") for edit in net_of(edits))


def sounds(facts: Facts) -> str:
    """Return what sounds now."""
    if facts.why_silent:
        return sentence(facts.why_silent)
    parts = [PART_WORDS.get(part, part) for part in facts.sounds]
    muted = f"; muted: {joined([PART_WORDS.get(part, part) for part in facts.muted])}" if facts.muted else ""
    return f"I play {joined(parts)}{muted}." if parts else "Nothing sounds right now."


def about_you(known: Known, taste: Taste, now: Now, player: str, guest: bool) -> str:
    """Return what is known of the player, in one line."""
    if guest:
        return "Nothing: you are a guest here, and I keep nothing."
    if not known.sessions:
        first = "This is our first time"
        likes = _likings(taste)
        return f"{first}; so far you like it {joined(likes)}." if likes else f"{first}; I know nothing of you yet."
    times = "once" if known.sessions == 1 else f"{known.sessions} times"
    since = f", {gap(now.since_s)} ago" if now.since_s is not None else ""
    facts = [f"We have played {times}{since}"]
    if likes := _likings(taste):
        facts.append(f"you like it {joined(likes)}")
    if known.liked:
        facts.append(f"you liked the {joined(known.liked[-2:])}")
    if known.disliked:
        facts.append(f"not the {joined(known.disliked[-2:])}")
    if grooves := taste.liking():
        liked = sum(value > 0 for value in grooves.values())
        facts.append(f"of the grooves you spoke of you like {liked} of {len(grooves)}")
    if known.phrases:
        facts.append(f"I know {known.phrases} phrase{'s' if known.phrases != 1 else ''} of yours")
    return "; ".join(facts) + "."


def _likings(taste: Taste) -> list[str]:
    return [DIAL_WORDS[dial][value > MIDDLE] for dial, value in taste.preferred().items() if _clear(dial, value)]


def _clear(dial: str, value: float) -> bool:
    return dial in DIAL_WORDS and abs(value - MIDDLE) > CLEAR


def as_you_like_it(taste: Taste) -> tuple[tuple[Edit, ...], str]:
    """Return the edits that a player's likings come to, and how they are said; none where nothing is known for sure."""
    names = {"tension": "harmony.dissonance", "resolution": "harmony.resolution", "register": "line.register"}
    edits, words = [], []
    for dial, value in taste.preferred().items():
        if _clear(dial, value):
            target = names.get(dial, f"band.{dial}" if dial in ("density", "intensity") else f"feel.{dial}")
            edits.append(Edit.read(f"{target} {'more' if value > MIDDLE else 'less'} ~small"))
            words.append(DIAL_WORDS[dial][value > MIDDLE])
    return tuple(edits), f"{joined(words)}, as you like it" if words else ""


def answer(question: str, text: str, facts: Facts, now: Now, liked: Sequence[str]) -> str:
    """Return the answer to a question. question: a topic of agent/language/reply_text.py; text: as it was asked."""
    if "like" in text.split():
        return f"You liked {joined(liked)}." if liked else "You have not praised anything yet."
    meters = " | ".join(map(str, facts.meters or ((facts.meter,) if facts.meter else ())))
    takes = [one for one in facts.takes if one.isdecimal()]
    known = {
        "key": f"We are in {key_name(facts.key)}." if facts.key else "",
        "tempo": f"{facts.tempo_bpm:.0f} beats a minute." if facts.tempo_bpm else "",
        "meter": meters + ("" if facts.meters else "."),
        "chord": f"The chords: {' '.join(facts.chords)}." if facts.chords else "",
        "changes": f"Last: {facts.last}. {stands(facts)}" if facts.last else "Nothing yet.",
        "take": f"Take {takes[-1]} of {len(takes)}." if takes else "",
        "bar": f"The form has {facts.bars} bars." if facts.takes else f"Bar {facts.bar + 1}.",
        "feel": f"You play {facts.feel}." if facts.feel else "",
        "time": f"We have played for {now.running_s / 60:.0f} minutes.",
    }
    if question in ("key", "tempo", "meter", "chord", "feel") and not known[question].strip("."):
        return "I cannot tell yet: play a little more."
    return known.get(question) or stands(facts)


def joined(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: "a, b and c"; equal ones once."""
    *first, last = dict.fromkeys(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def listed(words: Iterable[str]) -> str:
    """Return clauses one after the other; equal ones once."""
    return "; ".join(dict.fromkeys(words))


def sentence(line: str) -> str:
    """Return a line with a capital letter and a full stop, where it ends with no other mark."""
    text = line.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(ENDS) else '.'}" if line else ""


def described(edits: Sequence[Edit]) -> str:
    """Return edits in words, in one clause after the other."""
    return "; ".join(describe_edits(edits))
