"""Connects to Ableton Link, which shares tempo, beat and start/stop on the network: follows it, or leads it.

Needs the wheel LinkPython-extern (`pip install antiphon[link]`). Link counts quarters; a beat here is one denominator
unit of the meter, and a bar is Link's quantum. All times are monotonic seconds.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.core.errors import UserError
from listener.types import Grid, Meter

if TYPE_CHECKING:
    from link import Link, SessionState

MISSING = "Ableton Link needs the package LinkPython-extern; try: pip install 'antiphon[link]', or sync.source: ears"
FIRST_BPM = 120.0
TEMPO_BPM = (20.0, 999.0)  # what Link allows
TEMPO_STEP_BPM = 0.05  # a smaller change of tempo is not passed on
PHASE_STEP_S = 0.003  # a smaller distance of the beats is left alone


def _joined(bpm: float) -> Link:
    try:
        from link import Link
    except ImportError as cause:
        raise UserError(f"{MISSING} ({cause})") from None
    return Link(bpm)


class LinkPeer:
    """A peer of the Link session; joins when it is made. Raises UserError where the package is missing."""

    def __init__(self, meter: Meter, bpm: float = FIRST_BPM) -> None:
        self._meter = meter
        self._beats_per_quarter = meter.denominator / 4
        self._quantum = meter.numerator / self._beats_per_quarter
        self._link = _joined(bpm)
        self._clock = self._link.clock()
        self._link.startStopSyncEnabled = True
        self._link.enabled = True
        self._was_playing = False
        self.tempo_changes = self.phase_changes = 0  # passed on to the session

    @property
    def peers(self) -> int:
        """How many other peers there are."""
        return int(self._link.numPeers())

    @property
    def tempo_bpm(self) -> float:
        """The session's, quarters a minute."""
        return float(self._link.captureAppSessionState().tempo())

    def grid(self) -> Grid | None:
        """Return the Link session's beat; None without other peers, or when they have stopped after a start.

        index counts the session's beats and may jump (another session was joined); it may be negative.
        """
        if not self.peers:
            return None
        state, offset_s = self._link.captureAppSessionState(), self._offset_s()
        playing = bool(state.isPlaying())
        self._was_playing |= playing
        if self._was_playing and not playing:  # most sessions never use start and stop
            return None
        now_beat = state.beatAtTime(self._clock.micros(), self._quantum) * self._beats_per_quarter
        index = int(now_beat // 1)
        anchor_s = state.timeAtBeat(index / self._beats_per_quarter, self._quantum) / 1e6 + offset_s
        period_s = 60.0 / (state.tempo() * self._beats_per_quarter)
        return Grid(anchor_s, index, index % self._meter.numerator + 1, period_s, self._meter, 1.0, 1.0)

    def give(self, grid: Grid, playing: bool = True, force: bool = True) -> None:
        """Bring the Link session to our beat: tempo, position in the bar, and whether we play.

        force: move the beat for the others too, as Link's manual asks of who brings in a beat from outside; without
        it only our own count moves, unless nobody else is there.
        """
        state, now_us = self._link.captureAppSessionState(), int(self._clock.micros())
        changed = self._give_tempo(state, grid) | self._give_phase(state, grid, now_us, force)
        if bool(state.isPlaying()) != playing:
            state.setIsPlaying(playing, now_us)
            changed = True
        if changed:
            self._link.commitAppSessionState(state)

    def _give_tempo(self, state: SessionState, grid: Grid) -> bool:
        bpm = min(max(60.0 / (grid.period_s * self._beats_per_quarter), TEMPO_BPM[0]), TEMPO_BPM[1])
        if abs(bpm - state.tempo()) <= TEMPO_STEP_BPM:
            return False
        state.setTempo(bpm, int(1e6 * (grid.anchor_s - self._offset_s())))  # the beat at grid.anchor_s keeps its time
        self.tempo_changes += 1
        return True

    def _give_phase(self, state: SessionState, grid: Grid, now_us: int, force: bool) -> bool:
        ours = self._place(grid, now_us / 1e6 + self._offset_s())
        apart = (state.phaseAtTime(now_us, self._quantum) - ours) % self._quantum
        apart = min(apart, self._quantum - apart)
        if apart * 60.0 / state.tempo() <= PHASE_STEP_S:
            return False
        move = state.forceBeatAtTime if force or not self.peers else state.requestBeatAtTime
        move(ours, now_us, self._quantum)
        self.phase_changes += 1
        return True

    def _place(self, grid: Grid, now_s: float) -> float:
        """Return the quarters since our downbeat."""
        in_bar = (grid.position - 1 + grid.beat_at(now_s) - grid.index) % self._meter.numerator
        return in_bar / self._beats_per_quarter

    def stop(self) -> None:
        """Signal the other peers that we have stopped; they may go on."""
        state = self._link.captureAppSessionState()
        if state.isPlaying():
            state.setIsPlaying(False, int(self._clock.micros()))
            self._link.commitAppSessionState(state)

    def close(self) -> None:
        """Leave the Link session."""
        self._link.enabled = False

    def _offset_s(self) -> float:
        """Return monotonic seconds less Link's own clock, which no time server adjusts."""
        tries = []
        for _ in range(3):
            before_s, link_us, after_s = time.monotonic(), self._clock.micros(), time.monotonic()
            tries.append((after_s - before_s, (before_s + after_s) / 2 - link_us / 1e6))
        return float(min(tries)[1])
