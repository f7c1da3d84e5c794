"""`Measured` measures a take: the number that a direction should move, and those that it should not.

Voices are drum pieces (PIECES of models/music/tokens.py), parts (drums, chords, line, bass) or targets of
agent/directions/edit.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from agent.core.midi_constants import VELOCITY_DB
from agent.core.types import PlannedNote
from agent.directions.bar_settings import INSTRUMENTS
from agent.takes.performance import PIECE_OF_KEY, Clock, louder_db, notes_of, tempo_of
from agent.takes.take import Take
from models.music.syncopation import longuet_higgins_lee, metric_weights
from models.music.tokens import PIECES
from models.timing.drum_timing import Timing

PARTIALS = 6  # of a harmonic tone, each 0.88 as loud as the one below (Sethares)
ROLL_OFF = 0.88
TIMEKEEPERS = ("closed_hat", "open_hat", "ride", "shaker")


@dataclass
class Measured:
    """One take's measures, computed when read. bars: only these bars of the take (None: all)."""

    take: Take
    timing: Timing | None = None
    bars: tuple[int, ...] | None = None

    @cached_property
    def clock(self) -> Clock:
        return Clock.of(self.take)

    @cached_property
    def notes(self) -> dict[str, list[PlannedNote]]:
        return notes_of(self.take, self.timing)

    def of(self, voice: str) -> list[PlannedNote]:
        """Return the notes of a voice or target in the bars measured."""
        voices = INSTRUMENTS.get(voice, (voice,))
        found = [
            note
            for part, notes in self.notes.items()
            for note in notes
            if part in voices or (part == "drums" and PIECE_OF_KEY[note.pitch] in voices)
        ]
        return [note for note in found if self.bars is None or note.tick in self.bars]

    @property
    def _count(self) -> int:
        return len(self.bars) if self.bars is not None else len(self.take.bars)

    def level_db(self, voice: str) -> float:
        """Return the mean level of a voice's notes as mixed, 0 dB = velocity 127; of the bass its fader."""
        if voice == "bass":
            return float(np.mean([s.level_db.get("bass", 0.0) for s in self.take.settings]))
        return _mean(
            VELOCITY_DB * np.log10(note.velocity / 127) + louder_db(self.take, note) for note in self.of(voice)
        )

    def velocity(self, voice: str) -> float:
        return _mean(note.velocity for note in self.of(voice))

    def onsets_a_bar(self, voice: str) -> float:
        return len(self.of(voice)) / max(self._count, 1)

    def pitch(self, voice: str) -> float:
        return _mean(note.pitch for note in self.of(voice) if note.part != "drums")

    def late_ms(self, voice: str) -> float:
        """Return the mean distance in ms of a voice's onsets from the nearest 16th, positive = behind."""
        return _mean(self._lateness(voice))

    def spread_ms(self, voice: str) -> float:
        late = list(self._lateness(voice))
        return float(np.std(late)) if late else 0.0

    def _lateness(self, voice: str) -> Iterable[float]:
        grid = np.array(self.clock.starts_s)
        for note in self.of(voice):
            yield 1000 * float(note.on_s - grid[np.abs(grid - note.on_s).argmin()])

    @property
    def swing(self) -> float:
        """The mean ratio of long to short eighth in the first quarter of each measured bar (1 = straight)."""
        starts, ratios = self.clock.starts_s, []
        for bar in self.bars if self.bars is not None else range(len(self.take.bars)):
            first = bisect_right(starts, self.clock.bar_starts_s[bar] + 1e-6) - 1
            long_s, short_s = starts[first + 2] - starts[first], starts[first + 4] - starts[first + 2]
            ratios.append(long_s / short_s)
        return _mean(ratios)

    @property
    def tempo_bpm(self) -> float:
        return _mean(tempo_of(self.take, bar) for bar in range(len(self.take.bars)))

    @property
    def meters(self) -> tuple[str, ...]:
        return tuple(map(str, self.take.meters))

    def steps(self, *pieces: str) -> tuple[tuple[int, ...], ...]:
        """Return bar by bar the 16ths on which these pieces strike."""
        found: dict[int, set[int]] = {bar: set() for bar in range(len(self.take.bars))}
        for moment in self.take.played:
            if any(hit.piece in pieces for hit in moment.reply.drums):
                found[moment.place.bar].add(moment.place.tick)
        return tuple(tuple(sorted(found[bar])) for bar in sorted(found) if self.bars is None or bar in self.bars)

    @property
    def strokes(self) -> tuple[tuple[int, ...], ...]:
        """The 16ths on which a chord is struck, bar by bar."""
        found: dict[int, list[int]] = {bar: [] for bar in range(len(self.take.bars))}
        for moment in self.take.played:
            if moment.reply.chord:
                found[moment.place.bar].append(moment.place.tick)
        return tuple(tuple(found[bar]) for bar in sorted(found))

    @property
    def dissonance(self) -> float:
        """The mean roughness of chords, line and bass over ticks with two or more pitches (Sethares 1993)."""
        sounding = [*self.of("chords"), *self.of("line"), *self.of("bass")]
        values = []
        for at_s in self.clock.starts_s[:-1]:
            pitches = sorted({note.pitch for note in sounding if note.on_s <= at_s + 0.01 < note.off_s})
            if len(pitches) > 1:
                values.append(roughness(pitches))
        return _mean(values)

    @property
    def roots(self) -> list[int]:
        """The root of each new harmony, pitch class."""
        found: list[int] = []
        for moment in self.take.played:
            chord = moment.reply.chord
            if (
                chord
                and (self.bars is None or moment.place.bar in self.bars)
                and (not found or found[-1] != chord.root)
            ):
                found.append(chord.root)
        return found

    @property
    def falling_fifths(self) -> float:
        """The share of the changes of harmony whose root falls by a fifth."""
        roots = self.roots
        return _mean(float((b - a) % 12 == 5) for a, b in pairwise(roots))

    def syncopation(self, voice: str = "drums") -> float:
        """Return the mean syncopation a bar of kick and snare, or of the chords where voice is harmony.

        After Longuet-Higgins & Lee 1984.
        """
        values = []
        struck_at = self.strokes if voice == "harmony" else self.steps("kick", "snare", "rim")
        for bar, steps in zip(self.take.bars, struck_at, strict=False):
            struck = np.zeros(len(bar.basses), bool)
            struck[[s for s in steps if s < len(struck)]] = True
            values.append(float(np.sum(longuet_higgins_lee(struck, np.array(metric_weights(bar.meter))))))
        return _mean(values)

    def change(self) -> float:
        """Return the share of onsets (tick, pitch) that differ from the bar before."""
        played: dict[int, set[tuple[int, int]]] = {}
        for part in ("drums", "chords", "line"):
            for note in self.of(part):
                tick = bisect_right(self.clock.starts_s, note.on_s + 0.02) - 1
                first = bisect_right(self.clock.starts_s, self.clock.bar_starts_s[note.tick] + 1e-6) - 1
                played.setdefault(note.tick, set()).add((tick - first, note.pitch))
        pairs = [(played.get(bar - 1, set()), played.get(bar, set())) for bar in sorted(played)[1:]]
        return _mean(len(a ^ b) / max(len(a | b), 1) for a, b in pairs)

    def held(self, voice: str) -> float:
        """Return the mean share of the time to the next onset for which a note sounds."""
        notes = sorted(self.of(voice), key=lambda note: note.on_s)
        onsets = sorted({round(note.on_s, 3) for note in notes})
        shares = []
        for note in notes:
            later = onsets[bisect_right(onsets, note.on_s + 0.01) :]
            if later:
                shares.append(min((note.off_s - note.on_s) / (later[0] - note.on_s), 1.0))
        return _mean(shares)

    def in_gaps(self, voice: str) -> float:
        """Return the share of a voice's onsets with no onset of the player's within 0.6 of an eighth."""
        onsets = [note.on_s for note in self.of("bass")]
        eighth_s = 30 / self.take.riff.tempo_bpm
        free = [all(abs(note.on_s - at_s) > 0.6 * eighth_s for at_s in onsets) for note in self.of(voice)]
        return _mean(map(float, free))


def _mean(values: Iterable[float]) -> float:
    got = list(values)
    return float(np.mean(got)) if got else float("nan")


def roughness(pitches: Sequence[int]) -> float:
    """Return the sensory dissonance of harmonic tones at MIDI pitches, as the mean over pairs of tones.

    Plomp & Levelt 1965 as parametrised by Sethares, JASA 94(3), 1993: b1 = 3.5, b2 = 5.75, d* = 0.24, s1 = 0.021,
    s2 = 19.
    """
    fundamentals = 440.0 * 2 ** ((np.asarray(pitches, float) - 69) / 12)
    orders = np.arange(1, PARTIALS + 1)
    freqs = (fundamentals[:, None] * orders).ravel()
    loud = np.tile(ROLL_OFF ** (orders - 1), len(pitches))
    low, gap = np.minimum.outer(freqs, freqs), np.abs(np.subtract.outer(freqs, freqs))
    s = 0.24 / (0.021 * low + 19)
    curve = np.exp(-3.5 * s * gap) - np.exp(-5.75 * s * gap)
    total = float(np.triu(np.minimum.outer(loud, loud) * curve, 1).sum())
    return total / (len(pitches) * (len(pitches) - 1) / 2)


def figures(take: Take, timing: Timing | None = None) -> dict[str, float]:
    """Return every measure in which takes are compared, by name; nan where there is nothing to measure."""
    one = Measured(take, timing)
    bands = ("drums", "chords", "line")
    return {
        **{f"{piece} level, dB": one.level_db(piece) for piece in PIECES},
        **{f"{part} level, dB": one.level_db(part) for part in (*bands, "bass")},
        **{f"{part} onsets a bar": one.onsets_a_bar(part) for part in bands},
        **{f"{part} late, ms": one.late_ms(part) for part in bands},
        **{f"{part} pitch": one.pitch(part) for part in ("chords", "line")},
        "dissonance": one.dissonance,
        "falling fifths": one.falling_fifths,
        "syncopation": one.syncopation(),
        "swing": one.swing,
        "tempo, bpm": one.tempo_bpm,
        "bars": float(len(take.bars)),
    }


def moved(before: Mapping[str, float], after: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Return (name, before, after) of the measures that are not the same."""
    rows = [(what, x, after[what]) for what, x in before.items() if what in after]
    return [(what, x, y) for what, x, y in rows if not np.isclose(x, y, rtol=1e-3, atol=1e-6, equal_nan=True)]


def report(before: Take, after: Take, timing: Timing | None = None) -> list[tuple[str, float, float]]:
    """Return (name, before, after) of every measure that moved between two takes."""
    return moved(figures(before, timing), figures(after, timing))
