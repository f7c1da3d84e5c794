"""Opens the conversation of a live session: the memory, what is known of the player, the stage. It imports much."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.conversation.band_lead import Leads
from agent.conversation.live_talk import LiveTalk
from agent.conversation.loop_stage import LoopStage, TakeMaking
from agent.conversation.player_notes import PlayerNotes
from agent.core.errors import UserError
from agent.core.settings import ConversationConfig
from agent.memory.background_writer import BackgroundWriter
from agent.memory.player_profile import GUEST
from agent.memory.store import Memory
from agent.takes.captured import Captured
from agent.takes.kept_takes import keep_takes
from models.responder.responder import Responder


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation and the stage it is about."""

    talk: LiveTalk
    stage: LoopStage


def open_conversation(
    settings: ConversationConfig,
    folder: Path,
    session_folder: str,
    send: Callable[[Any], object],
    command: Callable[[str], object],
    why: Callable[[], str],
    names: Callable[[], tuple[str, ...]],
    captured: Callable[[], Captured | None],
    responder: Callable[[], Responder],
) -> Opened:
    """Return the conversation of a session. A memory that cannot be used costs the memory only, and is noted.

    names: of the sections that can be gone to. captured: returns the riff that loops; responder: loads the one that
    draws takes of it.
    """
    notes = _notes(settings, folder, session_folder)
    takes_in = Path(session_folder) if session_folder else None
    making = TakeMaking(captured, responder, notes.record_take, keep_takes, takes_in)
    stage = LoopStage(send, command, why, Leads(command, names), making)
    return Opened(LiveTalk(stage, notes, settings.proposals), stage)


def _notes(settings: ConversationConfig, folder: Path, session_folder: str) -> PlayerNotes:
    now_s = time.time()
    if settings.player == GUEST:
        return PlayerNotes(None, GUEST, now_s)
    try:
        given = (settings.player, now_s, settings.half_life_days, session_folder, BackgroundWriter)
        return PlayerNotes(Memory(folder), *given)
    except (UserError, sqlite3.Error) as cause:
        notes = PlayerNotes(None, settings.player, now_s)
        notes.note = f"nothing is remembered: {cause}"
        return notes
