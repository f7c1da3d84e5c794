"""Turns a take into notes in seconds, with each bar's tempo, swing, timing, touch and register."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from agent.band.drum_timing import Drummer
from agent.band.ticks import swung
from agent.core.types import PlannedNote
from agent.directions.bar_settings import Settings
from agent.directions.key_filter import scale_of
from agent.directions.note_changes import RUB_VELOCITY, of, rub, with_settings
from agent.reply.band_notes import Strike, band_notes, bass_notes
from agent.takes.take import Take
from models.music.midi_reader import RawNote
from models.music.tokens import DRUM_PIECES, PIECES, DrumHit, Position, Reply
from models.timing.drum_timing import Timing

MICROS = 1_000_000
PIECE_OF_KEY = {DRUM_PIECES[piece].key: piece for piece in PIECES}
UNCHANGED = Settings()
STRAIGHT = 0.5
EARLY = 20_000  # microseconds a note may begin before its bar


@dataclass(frozen=True, slots=True)
class Clock:
    """When each 16th of a take falls. starts_s: of every tick, then the end; bar_starts_s: likewise, of every bar."""

    starts_s: tuple[float, ...]
    bar_starts_s: tuple[float, ...]

    @classmethod
    def of(cls, take: Take) -> Clock:
        bar_s = [_bar_s(take, i) for i in range(len(take.bars))]
        begins = [0.0, *accumulate(bar_s)]
        ticks = [
            begins[i] + bar_s[i] * _place(tick, len(bar.basses), take.settings[i].swing or take.riff.swing)
            for i, bar in enumerate(take.bars)
            for tick in range(len(bar.basses))
        ]
        return cls((*ticks, begins[-1]), tuple(begins))

    def at(self, tick: int) -> int:
        """Return the time of a tick in microseconds."""
        return round(MICROS * self.starts_s[min(tick, len(self.starts_s) - 1)])


def tempo_of(take: Take, bar: int) -> float:
    """Return the tempo of a bar in quarters a minute."""
    settings = take.settings[bar]
    return settings.tempo_bpm or take.riff.tempo_bpm * settings.tempo_factor


def _bar_s(take: Take, bar: int) -> float:
    meter = take.bars[bar].meter
    return 60 / tempo_of(take, bar) * 4 * meter.numerator / meter.denominator


def _place(tick: int, ticks: int, swing: float) -> float:
    """Return where in its bar a tick falls, 0 to 1; eighths are swung in quarters."""
    quarter, inside = divmod(tick, 4)
    whole = min(4, ticks - 4 * quarter)
    if whole < 4 or swing == STRAIGHT:
        return tick / ticks
    return (4 * quarter + 4 * swung(inside / 4, swing)) / ticks


def notes_of(take: Take, timing: Timing | None = None) -> dict[str, list[PlannedNote]]:
    """Return the notes of every part, the bass included, as they sound: without those of muted voices."""
    clock = Clock.of(take)
    replies = [moment.reply for moment in take.played]
    raw = band_notes(replies, clock.at, _strike(take, timing))
    raw["bass"] = bass_notes([moment.bass for moment in take.played], clock.at)
    raw["chords"] = tuple(note for note in raw["chords"] if not _is_third(take, note, clock))
    raw["chords"] = tuple(
        sorted((*raw["chords"], *_rubs(take, raw["chords"], clock)), key=lambda n: (n.start, n.pitch))
    )
    return {part: _sounded(part, notes, take, clock) for part, notes in raw.items()}


def _rubs(take: Take, notes: tuple[RawNote, ...], clock: Clock) -> Iterator[RawNote]:
    """Yield the dissonant note to add to each chord, in bars whose settings ask for it (`rubs`)."""
    scale = scale_of(take.riff.key)
    for start, group in groupby(notes, key=lambda note: note.start):
        chord = list(group)
        pitch = rub([note.pitch for note in chord], scale)
        if pitch is not None and take.settings[_bar_at(start, clock, take)].rubs:
            yield replace(chord[0], pitch=pitch, velocity=max(round(RUB_VELOCITY * chord[0].velocity), 1))


def _is_third(take: Take, note: RawNote, clock: Clock) -> bool:
    """Return whether a note is the third of its chord, in a bar of open fifths."""
    if not take.settings[_bar_at(note.start, clock, take)].open_fifths:
        return False
    tick = bisect_right(clock.starts_s, (note.start + EARLY) / MICROS) - 1
    hit = take.played[min(max(tick, 0), len(take.played) - 1)].reply.chord
    return hit is not None and (note.pitch - hit.root) % 12 in (3, 4)


def _bar_at(start: int, clock: Clock, take: Take) -> int:
    bar = sum(begin * MICROS <= start + EARLY for begin in clock.bar_starts_s) - 1
    return min(max(bar, 0), len(take.settings) - 1)


def _strike(take: Take, timing: Timing | None) -> Strike:
    """Return the Strike of the take: human timing for its drums, in microseconds."""
    drummers: dict[float | None, Drummer] = {}

    def strike(tick: int, reply: Reply) -> list[tuple[DrumHit, int]]:
        place: Position = take.played[tick].place
        settings = take.settings[place.bar]
        loose = 0.6 if settings.looseness is None else settings.looseness
        style = settings.dials.style
        drummer = drummers.setdefault(loose, Drummer(timing, loose, style, take.seed))
        struck = drummer.strike(reply.drums, place, tick, 60 / tempo_of(take, place.bar))
        return [(hit, round(MICROS * late_s)) for hit, late_s in struck]

    return strike


def _sounded(part: str, notes: tuple[RawNote, ...], take: Take, clock: Clock) -> list[PlannedNote]:
    sounded = []
    for note in notes:
        bar = _bar_at(note.start, clock, take)
        voices = (PIECE_OF_KEY[note.pitch], "drums") if part == "drums" else (part,)
        settings = take.settings[bar] if part != "bass" else _of_bass(take.settings[bar])
        late_s = _to_triplet(note.start / MICROS, clock) if not settings.triplets.isdisjoint(voices) else 0.0
        planned = PlannedNote(
            part, note.start / MICROS + late_s, note.end / MICROS + late_s, note.pitch, note.velocity, bar
        )
        kept = with_settings(planned, settings, voices)
        sounded += [kept] if kept else []
    return sounded


def louder_db(take: Take, note: PlannedNote) -> float:
    """Return how much louder the mix has a note of the band's than it is struck, in dB."""
    voices = (PIECE_OF_KEY[note.pitch], "drums") if note.part == "drums" else (note.part,)
    return of(take.settings[note.tick].level_db, voices) if note.part != "bass" else 0.0


def _of_bass(settings: Settings) -> Settings:
    """Return a bar's settings for the notes of the bass: as the player played it, in the key that was asked for."""
    up, muted = bass_shift(settings), settings.muted & {"bass"}
    return replace(UNCHANGED, semitones={"bass": up} if up else {}, muted=muted) if up or muted else UNCHANGED


def bass_shift(settings: Settings) -> int:
    """Return the semitones by which a bar's bass is moved into another key; 0 = as it was played."""
    return round(settings.semitones.get("bass", 0.0))


def _to_triplet(start_s: float, clock: Clock) -> float:
    """Return the seconds from a 16th to the nearest third of its quarter, counted from the bar line."""
    bar = max(bisect_right(clock.bar_starts_s, start_s + EARLY / MICROS) - 1, 0)
    first = bisect_right(clock.starts_s, clock.bar_starts_s[bar] + 1e-6) - 1
    quarter_s = 4 * (clock.starts_s[min(first + 1, len(clock.starts_s) - 1)] - clock.starts_s[first])
    if quarter_s <= 0:
        return 0.0
    thirds = (start_s - clock.bar_starts_s[bar]) / quarter_s * 3
    return (round(thirds) - thirds) * quarter_s / 3
