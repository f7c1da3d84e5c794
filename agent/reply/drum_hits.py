"""Gives the drums of a written file human timing: an offset in MIDI ticks and a velocity for every hit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from agent.band.drum_timing import Drummer
from agent.core.errors import UserError
from agent.core.midi_file_writer import TimeMap
from agent.reply.band_notes import At, Strike
from agent.reply.generation_options import GenerationOptions
from models.music.midi_reader import DEFAULT_QUARTER_US, FASTEST_US, SLOWEST_US
from models.music.tokens import DrumHit, Position, Reply
from models.timing.drum_timing import Timing


def strike_of(options: GenerationOptions, places: Sequence[Position], at: At, time: TimeMap) -> Strike:
    """Return the Strike of a piece. Raises UserError when the weights of the timing model cannot be used."""
    try:
        drummer = Drummer(
            Timing.load() if options.looseness else None, options.looseness, options.dials.style, options.seed
        )
    except (OSError, ValueError) as cause:
        raise UserError(f"{cause}; or play on the grid with --looseness 0") from None

    def strike(tick: int, reply: Reply) -> list[tuple[DrumHit, int]]:
        quarter_s = min(max(quarter_us_at(time, at(tick)), FASTEST_US), SLOWEST_US) / 1e6
        hits = drummer.strike(reply.drums, places[tick], tick, quarter_s)
        return [(hit, round(late_s / quarter_s * time.per_quarter)) for hit, late_s in hits]

    return strike


def quarter_us_at(time: TimeMap, midi_tick: int) -> int:
    """Return the length of a quarter, in microseconds, at a MIDI tick."""
    index = bisect_right(time.tempi, midi_tick, key=lambda tempo: tempo[0]) - 1
    return time.tempi[index][1] if index >= 0 else DEFAULT_QUARTER_US
