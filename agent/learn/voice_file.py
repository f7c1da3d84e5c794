"""Writes what was learned of a player, taste and voice, as one readable JSON file, and takes such a file in.

Nothing leaves unasked: a person writes the file and gives it. The voice is the adapter's arrays, in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.core import stored
from agent.core.errors import UserError
from agent.core.whole_file import write_whole
from agent.memory import practice
from agent.memory.store import Memory, edits_of
from agent.memory.taste import Taste
from models.responder import adapter as adapters
from models.responder.responder import NAMED, Responder

FORMAT: Literal["antiphon voice 1"] = "antiphon voice 1"
Verdict = Literal["liked", "disliked", "more", "ignored"]
Text = Annotated[str, Meta(max_length=400)]


class Judged(msgspec.Struct, frozen=True):
    """A verdict on an idea. edits: as the memory keeps them, JSON."""

    kind: stored.Word
    verdict: Verdict
    sentence: Text = ""
    edits: Annotated[str, Meta(max_length=4000)] = "[]"


class JudgedGroove(msgspec.Struct, frozen=True):
    """A verdict on a groove. pattern: its kicks and snares, tick by tick."""

    name: stored.Word
    pattern: Text
    verdict: Literal["liked", "disliked"]


class Voice(msgspec.Struct, frozen=True):
    """An adapter's three files. base: SHA-256 of the weights it adds to."""

    base: stored.Word
    about: Annotated[str, Meta(max_length=20_000)]
    arrays: Annotated[str, Meta(max_length=3_000_000)]
    card: Annotated[str, Meta(max_length=20_000)] = ""


class VoiceFile(msgspec.Struct, frozen=True):
    """What was learned of a player. likes: how welcome each idea is, 0 to 1, to read."""

    format: Literal["antiphon voice 1"]
    player: stored.Word
    written: stored.Word
    likes: dict[stored.Word, float]
    verdicts: Annotated[list[Judged], Meta(max_length=5000)]
    voice: Voice | None = None
    grooves: Annotated[list[JudgedGroove], Meta(max_length=5000)] = []


def share(memory: Memory, player_id: int, name: str, path: Path) -> str:
    """Write the file and return a line that says what is in it. Raises UserError: nothing was learned of the player."""
    verdicts = [row for row in memory.verdicts(player_id) if row["kind"]]
    ready = practice.ready(memory, player_id)
    grooves = [JudgedGroove(row["name"][:80], row["pattern"], row["verdict"]) for row in memory.grooves(player_id)]
    if not verdicts and not grooves and ready.adapter is None:
        raise UserError(f"nothing was learned of {name} yet; play, say what you like, or `antiphon learn FOLDER`")
    taste = Taste.of(verdicts, time.time())
    judged = [
        Judged(kind, row["verdict"], row["sentence"][:400], row["edits"] or "[]")
        for row in verdicts
        if (kind := row["kind"])
    ]
    likes = {kind: round(taste.mean(kind), 3) for kind in sorted(taste.arms)}
    voice = _voice(ready.adapter) if ready.adapter else None
    given = VoiceFile(FORMAT, name, time.strftime("%Y-%m-%d"), likes, judged[-5000:], voice, grooves[-5000:])
    try:
        write_whole(path, msgspec.json.format(msgspec.json.encode(given), indent=1) + b"\n", mode=0o600)
    except OSError as cause:
        raise UserError(f"{path}: cannot be written ({cause.strerror}); name another file") from None
    counts = [f"{_verdicts(len(judged))} on ideas", *([f"{len(grooves)} on grooves"] if grooves else [])]
    counts.append(f"voice {ready.version}" if voice else "no voice yet")
    return f"{path}: of {name}: {', '.join(counts)}"


def _verdicts(count: int) -> str:
    return f"{count} verdict{'s' * (count != 1)}"


def accept(memory: Memory, player_id: int, path: Path) -> Iterator[str]:
    """Take a file in: its verdicts join the player's, its voice is used; one that was taken in before adds nothing.
    Yields what was done. Raises UserError."""
    try:
        given: VoiceFile = stored.read(path, VoiceFile)
        marker = f"memory accept {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    except (OSError, stored.Damaged) as why:
        reason = getattr(why, "strerror", None) or why
        raise UserError(f"{path}: not a file that `antiphon memory share` wrote ({reason})") from None
    if any(one.sentence == marker for own in memory.sessions(player_id) for one in memory.directions(own["id"])):
        yield f"{path}: was taken in before; nothing is added"
        return
    stem = _unpacked(memory, player_id, given.voice, path) if given.voice else None
    session = memory.begin(player_id)
    memory.said(session, marker, ())
    for one in given.verdicts:
        proposal = memory.proposed(session, one.kind, one.sentence, edits_of(one.edits))
        memory.judged(session, "proposal", proposal, one.verdict, one.sentence)
    for groove in given.grooves:
        memory.judged_groove(session, groove.name, groove.pattern, groove.verdict)
    memory.end(session)
    yield f"known now of {given.player}: {_verdicts(len(given.verdicts) + len(given.grooves))}"
    if stem:
        version = memory.adapted(player_id, str(stem), {})
        yield f"the voice is version {version} and in use; `antiphon memory rollback` goes back"


def _voice(stem: Path) -> Voice:
    arrays, about, card = (stem.with_suffix(end).read_bytes() for end in (".safetensors", ".json", ".md"))
    base = str(msgspec.json.decode(about)["config"]["base"])
    return Voice(base, about.decode(), base64.b64encode(arrays).decode(), card.decode())


def _unpacked(memory: Memory, player_id: int, voice: Voice, path: Path) -> Path:
    """Write the adapter's files where the player's next version belongs; return their stem."""
    stem = practice.next_stem(memory, player_id)
    stem.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        files = {".safetensors": base64.b64decode(voice.arrays, validate=True)}
    except binascii.Error as why:
        raise UserError(f"{path}: the voice is damaged ({why}); ask for the file again") from None
    files |= {".md": voice.card.encode(), ".json": voice.about.encode()}
    for end, data in files.items():
        write_whole(stem.with_suffix(end), data, mode=0o600)
    try:
        _fits(stem, voice.base)
    except (OSError, ValueError) as why:
        for end in files:
            stem.with_suffix(end).unlink(missing_ok=True)
        raise UserError(f"{path}: its voice cannot be used ({why})") from None
    return stem


def _fits(stem: Path, base: str) -> None:
    """Load the adapter for the weights that it was made for. ValueError: these are not here, or it is damaged."""
    for weights in NAMED.values():
        responder = Responder.load(weights)
        if responder.sha256 == base:
            adapters.load(stem, base, responder.config.shapes)
            return
    raise ValueError("it was made for other weights than those that ship")
