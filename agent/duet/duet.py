"""`Duet` is what the mind knows of another Antiphon that plays along.

The one that leads tells the bars to come (agent/duet/bar_sheet.py), and the other plays by them; each tells that it is
there. Where they take turns, each rests while the other plays, and its line answers what the other's line said first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.band.ticks import Tick, next_tick, tick_s_of
from agent.core.messages import HearPartner, SendMidi
from agent.core.midi_constants import NOTE_ON
from agent.core.settings import SyncConfig
from agent.core.types import PARTS, Plan, PlannedNote
from agent.duet.bar_sheet import BarSheet, decoded, encoded
from agent.parts.counter_line import motif_of
from agent.song.live_song import LiveSong
from listener.types import Grid

TOLD_BARS = 4  # ahead, that the one that leads tells
SILENT_BARS = 3  # after which the other is taken to be gone
KEPT_BARS = 64  # that lie behind: the longest turns are 32
SAID_BARS, SAID_NOTES = 2, 3  # of the other's turn, which are answered; notes that are something said
SAID_FROM = 2  # tick of the bar: no clock is so far off that it comes in another bar
RINGS = 2  # 16ths: the length of a note that has not ended
WAITING = 1_024  # messages that wait for a beat; then the oldest is dropped


@dataclass(frozen=True, slots=True)
class LineNote:
    """A note of the other's line: the song's bar, the 16th in it and in the session, its length in 16ths, its pitch."""

    bar: int
    tick: int
    number: int
    length: int
    pitch: int


class Duet:
    """Call hear() with what comes, step() once a frame, then played() with what is planned. Deterministic, picklable.

    leads: whether the other follows our beat.
    """

    def __init__(self, config: SyncConfig) -> None:
        self.leads, self._turns = config.source == "ears", config.turns
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=WAITING)
        self.lost()

    def lost(self) -> None:
        """There is no beat any more: bars will be counted anew, so what was told by this count is forgotten."""
        self._told: dict[int, BarSheet] = {}  # by the one that leads, by our bar
        self._sent: dict[int, BarSheet] = {}
        self._line: deque[LineNote] = deque(maxlen=128)
        self._heard_bar: int | None = None  # in which the other was heard last
        self._bar: int | None = None
        self._bar_ticks = 16

    def hear(self, message: HearPartner) -> None:
        self._waiting.extend(message.messages)

    def turn(self, bar: int) -> int:
        """Return whose a bar is: 0 = of both, 1 = of the one that leads, 2 = of the other."""
        if self._heard_bar is None or self._bar is None or self._bar - self._heard_bar > SILENT_BARS:
            return 0
        if self.leads:
            return 1 + bar // self._turns % 2 if self._turns else 0
        return self._told[bar].turn if bar in self._told else 0

    def is_ours(self, bar: int) -> bool:
        return self.turn(bar) in (0, 1 if self.leads else 2)

    def step(self, tick: Tick, grid: Grid, bar: int, song: LiveSong) -> list[SendMidi]:
        """Take what has come; return what is to be said. tick: the one being heard; bar: of it, as the song counts."""
        while self._waiting:
            self._take(*self._waiting.popleft(), tick, grid, bar)
        if bar == self._bar or tick.position.tick < SAID_FROM:
            return []
        self._bar = bar
        self._told = {at: one for at, one in self._told.items() if at > bar - KEPT_BARS}
        if not self.leads and self._told:
            song.score = {at: one.bar for at, one in self._told.items() if at >= bar}
        self._answer(bar, song)
        return self._say(bar, song)

    def _say(self, bar: int, song: LiveSong) -> list[SendMidi]:
        """Return the bars to come that were not told yet, or are others by now; one at least: that we are there."""
        sheets = {}
        for ahead in range(1, TOLD_BARS + 1 if self.leads else 2):
            told = song.coming(bar + ahead)
            if told is None:
                break
            sheets[bar + ahead] = BarSheet(ahead, self.turn(bar + ahead), told)
        fresh = {at: one for at, one in sheets.items() if at == bar + 1 or not _same(one, self._sent.get(at))}
        self._sent = {**{at: one for at, one in self._sent.items() if at > bar}, **fresh}
        return [SendMidi(encoded(one)) for one in fresh.values()]

    def _answer(self, bar: int, song: LiveSong) -> None:
        """Have our line answer what the other's line said first in its turn, where ours begins soon; say its own where
        that said nothing."""
        begins = next((at for at in (bar + 1, bar + 2) if self.is_ours(at) and not self.is_ours(at - 1)), None)
        if begins is None:
            return
        first = begins - 1
        while not self.is_ours(first - 1) and first > begins - KEPT_BARS:
            first -= 1
        own = [one for one in self._line if first <= one.bar < begins]
        said = [one for one in own if one.bar < own[0].bar + SAID_BARS]
        if len(said) < SAID_NOTES:
            song.answer(begins, None)
            return
        notes = [(one.tick + (one.bar - said[0].bar) * self._bar_ticks, one.length, one.pitch) for one in said]
        song.answer(begins, motif_of(notes, song.song.key.scale, SAID_BARS * self._bar_ticks))

    def _take(self, at_s: float, message: bytes, tick: Tick, grid: Grid, bar: int) -> None:
        now = _place(at_s, tick, grid)
        at = now.position.bar + bar - tick.position.bar
        self._heard_bar = max(at, self._heard_bar or at)
        self._bar_ticks = tick.position.ticks_per_bar
        sheet = decoded(message)
        if sheet is not None:
            self._told[at + sheet.in_bars] = sheet
        elif len(message) == 3 and message[0] & 0xF0 == NOTE_ON and message[2]:
            self._line.append(LineNote(at, now.position.tick, now.number, RINGS, message[1]))
        elif len(message) == 3:
            self._line = deque((_ended(one, now.number, message[1]) for one in self._line), self._line.maxlen)

    def played(self, plan: Plan, tick: Tick, shift: int) -> Plan:
        """Return the plan without what the band would play in the other's turn. tick: any of the plan's grid, not after
        its notes; shift: the song's bar less the band's."""
        if not self._turns and not self._told:
            return plan
        return replace(
            plan,
            committed=self._ours(plan.committed, tick, plan.grid, shift),
            tentative=self._ours(plan.tentative, tick, plan.grid, shift),
        )

    def _ours(self, notes: Sequence[PlannedNote], tick: Tick, grid: Grid | None, shift: int) -> tuple[PlannedNote, ...]:
        out: list[PlannedNote] = []
        if grid is None:
            return tuple(notes)
        for note in sorted(notes, key=lambda one: one.tick):
            while tick.number < note.tick:
                tick = next_tick(tick, grid)
            if note.part not in PARTS or self.is_ours(tick.position.bar + shift):
                out.append(note)
        return tuple(sorted(out, key=lambda one: one.on_s))


def _same(one: BarSheet, other: BarSheet | None) -> bool:
    """Return whether two tell the same of a bar; it comes nearer meanwhile."""
    return other is not None and replace(one, in_bars=0) == replace(other, in_bars=0)


def _ended(note: LineNote, number: int, pitch: int) -> LineNote:
    """Return a note as it is after a key came up, with its length where it was that one's."""
    ends = note.pitch == pitch and note.length == RINGS
    return replace(note, length=max(number - note.number, 1)) if ends else note


def _place(at_s: float, tick: Tick, grid: Grid) -> Tick:
    """Return the tick that is nearest to a time, from one on that is near."""
    half_s = tick_s_of(grid) / 2
    while (after := next_tick(tick, grid)).time_on(grid) - half_s <= at_s:
        tick = after
    return tick
