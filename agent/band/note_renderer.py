"""`Scorer` turns replies on ticks into notes in seconds: onset, end, velocity, chord voicing and drum timing."""

from __future__ import annotations

from agent.band.band_state import BandEntrance, Gate
from agent.band.drum_timing import Drummer
from agent.band.ticks import Tick
from agent.band.voicing import intervals_of, voice
from agent.core.settings import BandConfig
from agent.core.types import PlannedNote
from agent.directions.director import Directing
from agent.directions.note_changes import RUB_VELOCITY, rub, with_settings
from listener.music.harmony import QUALITIES
from listener.types import Grid
from models.music.tokens import DRUM_PIECES, ChordHit, DrumHit, Reply, ticks_per_beat
from models.timing.drum_timing import Timing

DRUM_DURATION_S = 0.10
LEGATO = 0.98  # share of the time to the next stroke that a sustained note sounds

PIECE_OF_PITCH = {piece.key: name for name, piece in DRUM_PIECES.items()}

Path = list[tuple[Tick, Reply]]


class Scorer:
    """Renders the band's notes on its grid. behind_s: seconds behind the beat at which everything is played."""

    def __init__(
        self, form: BandEntrance, config: BandConfig, timing: Timing | None, style: str | None, directing: Directing
    ) -> None:
        self._form, self._directing = form, directing
        self._drummer = Drummer(timing, config.looseness, style, config.seed)
        self.behind_s = config.behind_ms / 1000
        self.reset()

    def reset(self) -> None:
        self.last_chord: ChordHit | None = None
        self._voicing: tuple[int, ...] = ()

    def final(self, tick: Tick, reply: Reply, ahead: Path, gate: Gate, grid: Grid) -> list[PlannedNote]:
        """Return the notes of a committed tick. Call once a tick, in order. ahead: the ticks planned after it."""
        return self._notes(tick, reply, ahead, gate, grid, True)

    def tentative(self, path: Path, start: int, gates: list[Gate], grid: Grid) -> list[PlannedNote]:
        """Return the notes of path[start:] under these gates, without changing this object's state."""
        voicing, chord = self._voicing, self.last_chord
        notes: list[PlannedNote] = []
        for i, gate in enumerate(gates, start):
            notes += self._notes(*path[i], path[i + 1 :], gate, grid, False)
        self._voicing, self.last_chord = voicing, chord
        return notes

    def _notes(self, tick: Tick, reply: Reply, ahead: Path, gate: Gate, grid: Grid, final: bool) -> list[PlannedNote]:
        on_s = tick.time_on(grid) + self.behind_s
        if gate.final:
            return self._as_asked(self._final_stroke(tick, on_s, grid), tick)
        gain = gate.gain
        notes = []
        if "drums" in gate.parts:
            notes += self._drums(tick, reply, gate, gain, grid, final)
        if reply.chord and "chords" in gate.parts:
            self.last_chord = reply.chord
            off_s = self._until(tick, ahead, on_s, "chord", grid)
            notes += self._chord(reply.chord, reply.chord.velocity * gain, tick, on_s, off_s)
        if reply.line and "line" in gate.parts:
            off_s = self._until(tick, ahead, on_s, "line", grid)
            notes.append(_note("line", on_s, off_s, reply.line.pitch, reply.line.velocity * gain, tick))
        return self._as_asked(notes, tick)

    def _as_asked(self, notes: list[PlannedNote], tick: Tick) -> list[PlannedNote]:
        """Return the notes after the directions of their bar: without muted voices, louder, later, higher."""
        settings = self._directing.settings(tick.position.bar)
        asked = (with_settings(note, settings, _voices(note)) for note in notes)
        return [note for note in asked if note]

    def _drums(self, tick: Tick, reply: Reply, gate: Gate, gain: float, grid: Grid, final: bool) -> list[PlannedNote]:
        on_s = tick.time_on(grid) + self.behind_s
        hits = tuple(hit for hit in reply.drums if gate.pieces is None or hit.piece in gate.pieces)
        quarter_s = grid.period_s * grid.meter.denominator / 4
        played = self._drummer.strike(hits, tick.position, tick.number, quarter_s) if final else None
        struck: list[tuple[DrumHit, float]] = played or [(hit, 0.0) for hit in hits]
        feel = 0.0 if self._form.answers_from(tick.position) else 1.0  # the first stroke of an answer shows its pulse
        return [_drum(hit.piece, hit.velocity * gain, tick, on_s + feel * late_s) for hit, late_s in struck]

    def _chord(self, chord: ChordHit, velocity: float, tick: Tick, on_s: float, off_s: float) -> list[PlannedNote]:
        self._voicing = chord.voicing or voice(chord.root, intervals_of(chord.quality, QUALITIES), self._voicing)
        notes = [_note("chords", on_s, off_s, pitch, velocity, tick) for pitch in self._voicing]
        rubs = self._directing.settings(tick.position.bar).rubs
        pitch = rub(self._voicing, self._directing.scale) if rubs and not chord.voicing else None
        return notes + ([_note("chords", on_s, off_s, pitch, velocity * RUB_VELOCITY, tick)] if pitch else [])

    def _final_stroke(self, tick: Tick, on_s: float, grid: Grid) -> list[PlannedNote]:
        bar_s = grid.period_s * grid.meter.numerator
        notes = [_drum("kick", 100, tick, on_s), _drum("crash", 84, tick, on_s)]
        if self.last_chord:
            notes += self._chord(self.last_chord, 72, tick, on_s, on_s + bar_s)
        return notes

    def _until(self, struck: Tick, ahead: Path, on_s: float, part: str, grid: Grid) -> float:
        """Return when a sustained note ends, in seconds: at the next stroke or release planned, else at the end of the
        plan, and never after the bar line at which the part falls silent."""
        end_s = on_s + grid.period_s
        for tick, reply in ahead:
            end_s = tick.time_on(grid) + self.behind_s
            if getattr(reply, part) or getattr(reply, f"{part}_off"):
                break
        if self._form.leaves_after({"chord": "chords"}.get(part, part), struck.position.bar):
            end_s = min(end_s, _bar_line_s(struck, grid) + self.behind_s)
        return on_s + LEGATO * (end_s - on_s)


def _bar_line_s(tick: Tick, grid: Grid) -> float:
    """Return when the bar of this tick ends, in seconds."""
    left = tick.position.ticks_per_bar - tick.position.tick + tick.sub
    return grid.time_of(tick.beat + left / ticks_per_beat(tick.position.meter))


def _drum(piece: str, velocity: float, tick: Tick, on_s: float) -> PlannedNote:
    return _note("drums", on_s, on_s + DRUM_DURATION_S, DRUM_PIECES[piece].key, velocity, tick)


def _note(part: str, on_s: float, off_s: float, pitch: int, velocity: float, tick: Tick) -> PlannedNote:
    return PlannedNote(part, on_s, off_s, pitch, int(min(max(round(velocity), 1), 127)), tick.number)


def _voices(note: PlannedNote) -> tuple[str, ...]:
    """Return the voices of a note, for Settings: ("snare", "drums") or ("line",)."""
    return (PIECE_OF_PITCH[note.pitch], "drums") if note.part == "drums" else (note.part,)
