"""When phrases are answered as they end: does the answer begin on the player's pulse, however freely they play?

`python -m benchmarks.free_trade [--quick] [--only KIND] [--seeds N] [--first SEED]`: a simulated bassist plays phrases
of 1 to 8 bars, renders them by FluidSynth into the ears, and waits for each answer before the next one. Kinds: steady;
a pick-up; rubato (the tempo is a wave of 8 % about the usual one, and each beat lies 12 ms off it, by chance); a phrase
that slows by 15 % to its end; a player who breathes (in each bar a rest of more than a beat, in none of the bars
played together before). The pulse goes on after a phrase at the tempo that led to its last beat. Measured: how far the
first stroke of the answer is from the nearest beat of that pulse, how many beats it was waited for since the last note
began, phrases cut off (the answer begins before the last note) or not answered. Beside it an ideal listener: the same
regression on the notes as they were played, each one's place in the beat known.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.band.phrase_pulse import regressed
from agent.core.config import load
from agent.core.messages import AnswerPhrases
from agent.core.types import PARTS, Decision
from agent.mind.mind import Mind
from benchmarks.common import results
from benchmarks.inputs.following_lines import Events, render
from listener.types import ANALYSIS_RATE, FRAME_S, FRAME_SAMPLES, Frame, Grid

KINDS = ("steady", "pick-up", "rubato", "slows down", "breathes")
PHRASE_BEATS = (4, 8, 6, 16, 5, 12, 32)
PERIODS_S = (0.6, 0.5)
NEAR_S = 0.030
TOGETHER_BEATS, ASKS_AT_BEAT = 32, 28  # that are played before the first phrase
WAVE, WAVE_BEATS, OFF_S, SLOWS = 0.08, 14, 0.012, 0.15
GIVES_UP_S = 12.0
FIGURES = (  # of a bar: (beat, degree)
    ((0.0, 0), (0.5, 0), (1.0, 7), (2.0, 10), (2.5, 7), (3.0, 12)),
    ((0.0, 0), (1.5, 7), (2.0, 5), (3.0, 3), (3.5, 2)),
    ((0.0, 12), (0.5, 10), (1.0, 7), (1.5, 5), (2.0, 3), (3.0, 0)),
)
BREATHES = (((0.0, 0), (0.5, 3), (1.0, 5), (3.0, 7), (3.5, 5)), ((0.0, 12), (0.5, 10), (1.0, 7), (3.0, 3)))
ROOT_PITCH = 40
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Phrase:
    """beats_s: of the player's pulse from the last note's beat on, some beats after the end too; ends_s: of the last
    note's sound; times_s, places: of the notes, in seconds and beats."""

    beats_s: Floats
    times_s: Floats
    places: Floats
    last_s: float  # onset of the last note
    ends_s: float
    beats: int


@dataclass(frozen=True)
class Answered:
    """away_s: from the nearest beat of the pulse; ideal_s: how far an ideal listener would be from it; beats: since the
    last note's beat; cut: the phrase was not over."""

    away_s: float
    ideal_s: float
    beats: float
    cut: bool


def pulse(kind: str, beats: int, last: int, begins_s: float, period_s: float, rng: np.random.Generator) -> Floats:
    """Return the beats of a phrase, and eight more: from the beat of the last note on at the tempo that led to it."""
    at = np.arange(beats)
    periods = np.full(beats, period_s)
    if kind == "rubato":
        phase = rng.uniform(0, 2 * np.pi)
        periods *= 1 + WAVE * np.sin(2 * np.pi * at / WAVE_BEATS + phase)
    elif kind == "slows down":
        periods *= 1 + SLOWS * np.clip((at - beats / 2) / (beats / 2), 0, 1)
    periods = np.concatenate([periods[:last], np.full(beats - last + 8, periods[max(last - 1, 0)])])
    return begins_s + np.concatenate([[0.0], np.cumsum(periods)])


def phrase_of(
    kind: str, beats: int, first_s: float, period_s: float, rng: np.random.Generator
) -> tuple[Phrase, Events]:
    """Return a phrase whose first beat is at first_s, and its notes; a pick-up comes a beat and a half before."""
    figures = BREATHES if kind == "breathes" else FIGURES
    places = [(4 * bar + beat, one) for bar in range(-(-beats // 4)) for beat, one in figures[bar % len(figures)]]
    places = [(at, one) for at, one in places if at < beats - 0.5]
    beats_s = pulse(kind, beats, int(places[-1][0]), first_s, period_s, rng)
    played_s = beats_s + (rng.normal(0, OFF_S, len(beats_s)) if kind == "rubato" else 0.0)
    times = [float(np.interp(at, np.arange(len(beats_s)), played_s)) for at, _ in places]
    pitches = [ROOT_PITCH + one for _, one in places]
    if kind == "pick-up":
        times = [first_s - 1.5 * period_s, first_s - period_s, first_s - 0.5 * period_s, *times]
        pitches = [ROOT_PITCH - 5, ROOT_PITCH - 2, ROOT_PITCH - 1, *pitches]
    times = [at_s + float(rng.normal(0, 0.006)) for at_s in times]
    ends = [*(after - 0.03 for after in times[1:]), times[-1] + 0.8 * period_s]
    longest_s = (0.8 if kind == "breathes" else 1.4) * period_s
    events = [
        (at_s, max(min(end_s, at_s + longest_s), at_s + 0.08), pitch, int(rng.choice([84, 92, 100])))
        for at_s, end_s, pitch in zip(times, ends, pitches, strict=True)
    ]
    last = places[-1][0]
    shown = [at for at, _ in places]
    shown = [-1.5, -1.0, -0.5, *shown] if kind == "pick-up" else shown
    return Phrase(beats_s[int(last) :], np.array(times), np.array(shown), times[-1], ends[-1], beats), events


class Trade:
    """A player and the mind. lengths: of the phrases, beats."""

    def __init__(self, kind: str, lengths: Sequence[int], period_s: float, seed: int) -> None:
        self._kind, self._period_s, self._rng = kind, period_s, np.random.default_rng(seed)
        self._left = list(lengths)
        self.mind = Mind(load())
        self._sound = np.zeros(0, np.float32)
        self._phrase: Phrase | None = None
        self._answer_s: float | None = None
        self._grid: Grid | None = None  # the band's, as it plays
        self.answers: list[Answered | None] = []
        self._place(self._riff(), 0.0)

    def _riff(self) -> Events:
        start_s = 1.0
        return [
            (
                start_s + (bar * 4 + beat) * self._period_s,
                start_s + (bar * 4 + beat + 0.45) * self._period_s,
                40 + one,
                92,
            )
            for bar in range(TOGETHER_BEATS // 4)
            for beat, one in FIGURES[0]
        ]

    def _place(self, events: Events, at_s: float) -> None:
        """Add the sound of notes, of which none is before at_s."""
        shift = max(at_s, 0.0)
        sound = render(
            [(a - shift, b - shift, p, v) for a, b, p, v in events], max(b for _, b, _, _ in events) - shift + 1
        )
        first = round(shift * ANALYSIS_RATE)
        need = first + len(sound)
        self._sound = np.concatenate([self._sound, np.zeros(max(need - len(self._sound), 0), np.float32)])
        self._sound[first:need] += sound

    def run(self) -> list[Answered | None]:
        frame, asks_s = 0, 1.0 + ASKS_AT_BEAT * self._period_s
        next_s = 1.0 + TOGETHER_BEATS * self._period_s
        while True:
            now_s = frame * FRAME_S
            piece = np.zeros(FRAME_SAMPLES, np.float32)
            heard = self._sound[frame * FRAME_SAMPLES : (frame + 1) * FRAME_SAMPLES]
            piece[: len(heard)] = heard
            if abs(now_s - asks_s) < FRAME_S / 2:
                self.mind.send(AnswerPhrases())
            decision = self.mind.step(Frame(piece, frame * FRAME_SAMPLES))
            self._hear(decision, now_s)
            if self._phrase is None and now_s > next_s and decision.turn.startswith("yours") and self._grid:
                if not self._left:
                    return self.answers
                self._begin(self._grid, now_s)
            elif self._phrase is not None and (self._answer_s is not None or now_s > self._phrase.ends_s + GIVES_UP_S):
                self._note()
                next_s = now_s
            elif now_s > next_s + 90:
                return self.answers
            frame += 1

    def _begin(self, grid: Grid, now_s: float) -> None:
        """Begin a phrase on the band's beat, three beats from now."""
        beat = int(np.ceil(grid.beat_at(now_s))) + 3
        self._phrase, events = phrase_of(self._kind, self._left.pop(0), grid.time_of(beat), self._period_s, self._rng)
        self._place(events, now_s + 0.05)

    def _hear(self, decision: Decision, now_s: float) -> None:
        """Find the first stroke of the answer: with the bar in which the band's turn begins."""
        self._grid = (decision.plan.grid if decision.plan else None) or self._grid
        if decision.plan and self._phrase is not None and self._answer_s is None:
            crashes = [note.on_s for note in decision.plan.committed if note.pitch == 49 and note.part == PARTS[0]]
            self._answer_s = next((at_s for at_s in crashes if at_s > self._phrase.beats_s[0] - 8), None)

    def _note(self) -> None:
        phrase, at_s = self._phrase, self._answer_s
        assert phrase
        self._phrase, self._answer_s = None, None
        if at_s is None:
            self.answers.append(None)
            return
        beat = int(np.argmin(np.abs(phrase.beats_s - at_s)))
        first = int(np.floor(phrase.places[0]))
        last = int(np.floor(phrase.places[-1])) - first
        anchor_s, period_s = regressed(phrase.places - first, phrase.times_s, last, self._period_s)
        away_s, ideal_s = (one - float(phrase.beats_s[beat]) for one in (at_s, anchor_s + beat * period_s))
        beats = (at_s - phrase.last_s) / self._period_s
        self.answers.append(Answered(away_s, ideal_s, beats, at_s < phrase.last_s))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one tempo, four phrases")
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--seeds", type=int, default=2, help="sessions of each kind; of each the tempo is another")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--dry", action="store_true", help="do not append to results.jsonl")
    given = parser.parse_args()
    table = Table(
        "phrases", "answered", "cut off", "ms away: median", "p90", "worst", "within 30 ms", "ideal", "beats waited"
    )
    figures: dict[str, float] = {}
    for kind in [given.only] if given.only else KINDS:
        found: list[Answered | None] = []
        for seed in range(given.first, given.first + (1 if given.quick else given.seeds)):
            lengths = np.random.default_rng(seed).permutation(PHRASE_BEATS).tolist() if seed > 1 else PHRASE_BEATS
            found += Trade(kind, lengths[: 4 if given.quick else None], PERIODS_S[seed % len(PERIODS_S)], seed).run()
        answers = [one for one in found if one and not one.cut]
        away = np.abs([1000 * one.away_s for one in answers]) if answers else np.array([np.nan])
        row = {
            "answered": len(answers),
            "cut": sum(one is not None and one.cut for one in found),
            "median_ms": float(np.median(away)),
            "p90_ms": float(np.quantile(away, 0.9)),
            "worst_ms": float(away.max()),
            "within": float(np.mean(away < 1000 * NEAR_S)),
            "ideal_within": float(np.mean([abs(one.ideal_s) < NEAR_S for one in answers])) if answers else float("nan"),
            "beats": float(np.mean([one.beats for one in answers])) if answers else float("nan"),
        }
        table.add_row(
            kind, f"{len(answers)} of {len(found)}", str(row["cut"]), *(f"{row[n]:.2f}" for n in list(row)[2:])
        )
        figures |= {f"{kind}: {name}": round(value, 3) for name, value in row.items()}
        print(kind, [one and (round(1000 * one.away_s), round(one.beats, 1), one.cut) for one in found], flush=True)
    Console(width=140).print(table)
    if not given.dry:
        results.append("free_trade", "antiphon", {"seeds": given.seeds, "first": given.first} | figures)


if __name__ == "__main__":
    main()
