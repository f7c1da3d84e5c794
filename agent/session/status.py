"""Gathers what the monitor shows from decisions and reports."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.core.music_names import chord_name, key_name, pitch_name
from agent.core.settings import Config
from agent.core.stored import Json
from agent.core.types import Decision
from agent.engine.timing_counts import Counts
from agent.session.monitor import PLAYS, Status, line, song_line
from agent.session.timing_figures import Figures
from listener.types import Chord, Grid

if TYPE_CHECKING:
    from agent.control.dispatcher import Dispatcher
    from agent.mood.mood_desk import MoodDesk
    from agent.recording.disk_space import SpaceWatch
    from agent.session.inputs import Inputs
    from agent.session.workers import Workers
    from agent.songbook.shown import ShownSong

SHOWN_CONFIDENCE = 0.3  # a chord less sure than this is not shown
CAUSES_SHOWN = 5  # of what went wrong, the newest
NO_SOUND_DB, FAINT_DB = -75.0, -55.0
EXPLAINS_BARS, BAR_S = 8, 2.0
MANY_XRUNS = 10  # from which on they are named
ANOTHER_TEMPO = 0.03  # of the tempo that is played, by which what is heard may differ and be the same
COUNTING = "counting"  # a turn: a bar is counted in
SURE = 0.5  # of the beat, or the band says that it is not
FALL_DB = 1.0  # the level meter falls by this each frame


class StatusBoard:
    """Collects decisions, reports and messages; `status()` returns what to show. One thread."""

    def __init__(self, config: Config) -> None:
        self.enabled = {name: part.enabled for name, part in config.parts.items()}
        self._status = Status(parts=dict.fromkeys(config.parts, "rests"))
        self._band: Grid | None = None  # the beat that it plays on

    def status(self) -> Status:
        return self._status

    def decision(self, decision: Decision) -> None:
        """Take what was heard and decided in one frame."""
        heard, before = decision.analysis, self._status
        self._status = replace(
            before,
            elapsed_s=heard.time_s,
            level_db=max(heard.rms_db, before.level_db - FALL_DB),
            note=heard.notes[-1] if heard.notes else before.note,
            key=heard.key,
            chord=_shown(heard.chord),
            state=decision.state,
            mode=decision.mode,
            turn=decision.turn,
            song=decision.song,
            leads=decision.leads,
            parts={name: self._does(name, decision) for name in self.enabled},
            bar=decision.bar + 1 if heard.grid else 0,
        )
        self._band = (decision.plan.grid if decision.plan else None) or self._band
        plays = decision.playing or decision.turn == COUNTING
        self._beat(self._band if plays and self._band else heard.grid, heard.grid, heard.time_s)
        self._status = replace(self._status, rival=_read(heard.rival) if heard.rival else "")
        for says in decision.says:
            self.say(says)

    def as_dict(self) -> dict[str, Json]:
        """Return what is shown as plain data, with names for notes, chords and keys."""
        now = self._status
        return {
            "elapsed_s": round(now.elapsed_s, 3),
            "level_db": round(now.level_db, 1),
            "note": pitch_name(now.note.pitch) if now.note else None,
            "tempo_bpm": now.tempo_bpm and round(now.tempo_bpm, 2),
            "meter": str(now.meter) if now.meter else None,
            "heard": now.heard,
            "bar": now.bar,
            "beat": now.beat,
            "confidence": round(now.confidence, 3),
            "key": key_name(now.key) if now.key else None,
            "chord": chord_name(now.chord) if now.chord else None,
            "state": now.state,
            "turn": now.turn,
            "song": song_line(now),
            "leads": now.leads,
            "parts": dict(now.parts),
            "message": now.message,
            "line": line(now),
        }

    def _does(self, part: str, decision: Decision) -> str:
        if not self.enabled[part]:
            return "off"
        return "plays" if part in decision.playing else "rests"

    def _beat(self, grid: Grid | None, heard: Grid | None, time_s: float) -> None:
        """Show the beat that is played; what is heard beside it, where that is another."""
        if grid is None:
            self._status = replace(self._status, tempo_bpm=None, meter=None, heard="", confidence=0.0, beat=0)
            return
        another = heard and (grid.meter != heard.meter or abs(grid.period_s / heard.period_s - 1) > ANOTHER_TEMPO)
        self._status = replace(
            self._status,
            tempo_bpm=60 / grid.period_s,
            meter=grid.meter,
            heard=_read(heard) if heard and another else "",
            confidence=min(heard.confidence, heard.meter_confidence) if heard else 0.0,
            beat=grid.position_of(math.floor(grid.beat_at(time_s))),
        )

    def played(self, counts: Counts | Figures) -> None:
        """Take the counts of late and dropped notes."""
        before, now = self._status, (counts.late, counts.dropped, getattr(counts, "xruns", 0))
        if now != (before.late, before.dropped, before.xruns):
            self._status = replace(before, late=now[0], dropped=now[1], xruns=now[2])

    def say(self, message: str, restarts: int = 0) -> None:
        """Show a message to the player."""
        self._status = replace(self._status, message=message, restarts=self._status.restarts + restarts)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What a session says of itself: to its player, to a client of the control socket, to those that watch.

    troubles: what went wrong, the newest last; channel: returns which of the input is listened to, "" where it has one
    only.
    """

    folder: Path
    board: StatusBoard
    dispatcher: Dispatcher
    workers: Workers
    figures: Figures
    inputs: Inputs
    space: SpaceWatch
    mood: MoodDesk
    song: ShownSong
    troubles: Sequence[str]
    channel: Callable[[], str]

    def on(self) -> dict[str, bool]:
        """Return which parts are switched on, by commands and by words."""
        return {part: self.dispatcher.playing(part) for part in self.board.enabled}

    def why_silent(self) -> str:
        """Return why the band is silent in one line; "" while it plays."""
        if not self.workers.up:
            return "it is still starting"
        given = self.board.status(), self.dispatcher.state.mode
        return why_silent(*given, self.dispatcher.muted_by(), self.channel())

    def view(self) -> dict[str, Json]:
        """Return what a client that watches shows."""
        state = self.dispatcher.state
        return self.board.as_dict() | {
            "mode": state.mode,
            "listening": self.workers.up,
            "why": self.why_silent(),
            "on": dict(self.on()),
            "mood": self.mood.view,
            "dials": state.dials,
            "faders": {lane: asdict(wish) for lane, wish in state.faders.items()},
            "behind_ms": (state.behind_s or 0.0) * 1000,
            "counts": {"late": self.figures.late, "dropped": self.figures.dropped, "xruns": self.figures.xruns},
            "restarts": sum(self.workers.restarts.values()),
            "folder": self.folder.name,
            "book": self.song.view(),
        }

    def status(self) -> dict[str, Json]:
        """Return what is heard and played and how well, as plain data."""
        return self.board.as_dict() | {
            "listening": self.workers.up,
            "mode": self.dispatcher.state.mode,
            "told": self.dispatcher.state.lines(),
            "restarts": self.workers.restarts,
            "pids": self.workers.pids,
            "causes": list(self.troubles)[-CAUSES_SHOWN:],
            "follows": self.inputs.says or "the player",
            "lost_messages": self.workers.lost_messages + self.inputs.dropped,
            "folder": str(self.folder),
            "space": str(self.space.space or ""),
            **self.figures.as_dict(),
        }

    def words(self) -> str:
        """Return the status in a few lines for the player."""
        counts = ", ".join(f"{name} {count}" for name, count in self.workers.restarts.items())
        space, told = str(self.space.space or ""), self.dispatcher.state.lines()
        lines = [
            line(self.board.status()),
            f"mode {self.dispatcher.state.mode}, restarts: {counts}; recording to {self.folder}",
            *([space] if space else []),
            *([f"set by commands: {'; '.join(told)}"] if told else []),
        ]
        return "\n".join([*lines, *list(self.troubles)[-CAUSES_SHOWN:]])


SAID_OF_TURN = {  # of a band that does not play
    "counting": "it counts a bar in, and plays from the next one on",
    "ended": "it has ended, as you asked: rest for two bars and begin again, or `count`",
}


class Silence:
    """Explains unasked why the band is silent, once the player has played on for EXPLAINS_BARS bars without it."""

    def __init__(self) -> None:
        self._since_s: float | None = None  # of the capture stream
        self._said = ""

    def explain(self, status: Status, why: Callable[[], str]) -> str:
        """Return the line to show; mostly "". Call once a frame."""
        now_s = status.elapsed_s
        if PLAYS in status.parts.values() or status.mode == "listen":
            self._since_s, self._said = None, ""
            return ""
        self._since_s = now_s if self._since_s is None else self._since_s
        bar_s = 60 / status.tempo_bpm * (status.meter.numerator if status.meter else 4) if status.tempo_bpm else BAR_S
        if status.level_db < FAINT_DB or now_s - self._since_s < EXPLAINS_BARS * bar_s:
            return ""
        line, self._since_s = why(), now_s
        if line == self._said:
            return ""
        self._said = line
        return line


def why_silent(status: Status, mode: str, muted_by: Sequence[str] = (), channel: str = "") -> str:
    """Return the reason in one line; "" while something of the band plays.

    muted_by: who has muted parts; channel: of the input that is listened to, "" where it has one only.
    """
    if PLAYS in status.parts.values():
        return ""
    reason = _reason(status, mode, muted_by, channel)
    return f"{reason}; the sound card dropped out {status.xruns} times" if status.xruns >= MANY_XRUNS else reason


def _reason(status: Status, mode: str, muted_by: Sequence[str], channel: str) -> str:
    if status.parts and set(status.parts.values()) == {"off"}:
        who = f", by {' and '.join(muted_by)}" if muted_by else ""
        return f"every part is muted{who}: `unmute all` brings the band back"
    if mode == "listen":
        return "mode listen: it listens and does not play; `mode accompany` lets it play"
    if mode != "accompany" and status.turn.startswith("yours"):
        return f"these bars are yours ({status.turn.removeprefix('yours ')})"
    if status.turn in SAID_OF_TURN:
        return SAID_OF_TURN[status.turn]
    if status.level_db < NO_SOUND_DB:
        where = f"on {channel}" if channel else "at the input"
        return f"no sound {where}: look at cable, volume and channel"
    if status.tempo_bpm is None:
        if status.level_db < FAINT_DB:
            where = f"on {channel}" if channel else "at the input"
            return f"hardly any sound {where} ({status.level_db:.0f} dB)"
        return "no beat yet: play a few steady notes"
    beat = f"{status.tempo_bpm:.0f} bpm" + (f" in {status.meter}" if status.meter else "")
    if status.state in ("ending", "thinning"):
        return "you rest, so it rests; it comes back when you play"
    if status.confidence < SURE:
        beat += f" or {status.rival}" if status.rival else ""
        return f"not sure of the beat yet ({beat}, {status.confidence:.0%} sure)"
    return f"{beat}: it comes in on the next one"


def _read(grid: Grid) -> str:
    return f"{60 / grid.period_s:.0f} in {grid.meter}"


def _shown(chord: Chord | None) -> Chord | None:
    return chord if chord and chord.confidence >= SHOWN_CONFIDENCE else None
