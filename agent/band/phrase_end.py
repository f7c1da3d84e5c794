"""`PhraseEnd` notices when the player's phrase is over, so that the answer can begin on the next pulse.

A phrase is over after a silence that is longer than those within it, and than those that the player usually leaves;
who breathes more is waited for longer, and so is whoever has not played a phrase yet. The answer begins on the pulse of
the phrase's own notes (agent/band/phrase_pulse.py): who plays freely has left the tempo that the band follows.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from agent.band.phrase_pulse import PhrasePulse
from listener.types import Analysis, Grid, Note

SILENT_BEATS, SINCE_BEATS = (0.4, 3.0), 1.2  # after the last note, at least and at most; from its onset on, at least
LONGER = 1.3  # than the silences within
HELD_BEATS, HELD_LONGER = (2.0, 3.0), 1.5  # a last note that sounds so long is an end; than the gaps within
LEAST_NOTES = 2
KEPT, USUAL = 48, 0.95  # notes before the phrase, whose silences tell what is usual; the share that is no longer
PAUSE_BEATS = 6.0  # no breath is longer
UNKNOWN = (1.0, 0.0)  # silence and gap that a player may leave, until a phrase of KNOWN_NOTES was heard
KNOWN_NOTES = 6
INTERRUPTS_BEATS, INTERRUPTS = 1.5, 2  # within so much of the answer so many notes say that the phrase was not over
BARS_MAX = 8
EARLY_BEATS = 0.125  # by which an answer's beat may lie before what is free


class PhraseEnd:
    """Push every frame; ask over() while the player's phrase is waited for.

    goes_on: the player has played on since over() said that the phrase is over.
    """

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.goes_on = False
        self._pulse: PhrasePulse | None = None
        self._newest: Note | None = None
        self._ended_s: float | None = None  # of the newest note; None while it sounds
        self._within: list[tuple[float, float]] = []  # silence and gap before each note of the phrase, beats
        self._usual: deque[tuple[float, float]] = deque(maxlen=KEPT)  # likewise, before the phrase
        self._patience = UNKNOWN  # likewise, that is waited for in any case
        self._interrupting: list[tuple[float, float]] = []
        self._answer_s: float | None = None  # when the answer to the last phrase begins

    def push(self, analysis: Analysis, theirs: bool, trades: bool = True) -> None:
        """Take a frame. theirs: whether a phrase is waited for; trades: whether phrases are answered at all."""
        if theirs and self._answer_s is not None and analysis.time_s > self._answer_s:
            self._answer_s = None
        elif not theirs and self.notes:
            self._usual.extend(self._within)
            if self._patience == UNKNOWN and len(self.notes) >= KNOWN_NOTES:
                self._patience = (0.0, 0.0)
            self.notes, self._within, self._pulse, self._interrupting = [], [], None, []
        if not trades:
            self._answer_s, self._patience = None, UNKNOWN
        for note in analysis.notes:
            if note.articulation != "ghost" and analysis.grid is not None:
                self._begin(note, analysis.grid, theirs)
        for note in analysis.ended:
            if self._newest and note.onset_s == self._newest.onset_s and note.duration_s is not None:
                self._ended_s = note.onset_s + note.duration_s

    def _begin(self, note: Note, grid: Grid, theirs: bool) -> None:
        before, ended_s, self._newest, self._ended_s = self._newest, self._ended_s, note, None
        gap = (note.onset_s - before.onset_s) / grid.period_s if before else PAUSE_BEATS
        breath = (note.onset_s - ended_s) / grid.period_s if ended_s is not None else 0.0, gap
        if theirs:
            if self.notes:
                self._within.append(breath)
            self.notes.append(note)
            if self._pulse is None:
                self._pulse = PhrasePulse(grid, note.onset_s)
            else:
                self._pulse.push(note.onset_s)
            self.goes_on = self._answer_s is not None
        elif self._answer_s is None:
            self._usual += [breath] if gap < PAUSE_BEATS else []
        elif note.onset_s < self._answer_s + INTERRUPTS_BEATS * grid.period_s:
            self._interrupting.append(breath)
            if len(self._interrupting) == INTERRUPTS:
                silence, gap = self._interrupting[0]
                self._patience = max(self._patience[0], silence), max(self._patience[1], gap)

    def over(self, now_s: float, grid: Grid, free_s: float) -> Grid | None:
        """Return the pulse with which the answer begins, anchored at its first beat, as a grid that counts beats as the
        band's does; None while the phrase goes on. free_s: from when on nothing is committed."""
        if len(self.notes) < LEAST_NOTES or self._pulse is None or self._answer_s is not None:
            return None
        since, (silence, gap) = (now_s - self.notes[-1].onset_s) / self._pulse.period_s, self._longest()
        if self._ended_s is None:
            over = since > min(max(HELD_LONGER * gap, HELD_BEATS[0]), HELD_BEATS[1])
        else:
            silent = (now_s - self._ended_s) / self._pulse.period_s
            over = since > SINCE_BEATS and silent > min(max(LONGER * silence, SILENT_BEATS[0]), SILENT_BEATS[1])
        if not over:
            return None
        pulse = self._pulse.grid(grid)
        self._answer_s = pulse.time_of(math.ceil(pulse.beat_at(free_s) - 0.02))
        beat = max(round(grid.beat_at(self._answer_s)), math.ceil(grid.beat_at(free_s) - EARLY_BEATS))
        return replace(pulse, anchor_s=self._answer_s, index=beat, position=1)

    def withdraw(self) -> None:
        """Wait for the end of the phrase after all: it was not over."""
        self._answer_s, self.goes_on = None, False

    def _longest(self) -> tuple[float, float]:
        """Return the longest silence and gap that the phrase may have within, beats."""
        usual = list(self._usual)
        rank = int(USUAL * (len(usual) - 1))
        silence, gap = (sorted(column)[rank] if usual else 0.0 for column in zip(*(usual or [(0.0, 0.0)]), strict=True))
        own = [*self._within, self._patience, (silence, gap)]
        return max(one for one, _ in own), max(one for _, one in own)
