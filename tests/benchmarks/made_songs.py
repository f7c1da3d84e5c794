"""Song folders as ../shared/band_score has them, made by hand: one bar of bass and band, over and over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mido

PPQ = 480
BASS = [(0, 4, 36, 100), (8, 4, 43, 80)]  # 16th of the bar, length, pitch, velocity
BAND = {
    "Drums": [
        (0, 1, 36, 100),
        (4, 1, 38, 90),
        (8, 1, 36, 90),
        (12, 1, 38, 95),
        *((t, 1, 42, 70) for t in range(0, 16, 2)),
    ],
    "Chords": [(0, 6, 60, 70), (0, 6, 64, 70), (0, 6, 67, 70)],
    "Line": [(4, 2, 76, 80), (6, 2, 79, 80)],
}


def write_song(
    folder: Path, systems: Sequence[str] = ("truth",), bars: int = 16, meter: tuple[int, int] = (4, 4)
) -> Path:
    """Write bass.mid and SYSTEM.mid for each system, `bars` bars long, all the same but for the name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bass", *systems):
        parts = {"Bass": BASS} | (BAND if name != "bass" else {})
        file = mido.MidiFile(type=1, ticks_per_beat=PPQ)
        signature = mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])
        file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=500_000), signature]))
        for channel, (part, notes) in enumerate(parts.items()):
            file.tracks.append(_track(part, notes, 9 if part == "Drums" else channel, bars, meter))
        file.save(folder / f"{name}.mid")
    return folder


def _track(
    name: str, notes: Sequence[tuple[int, int, int, int]], channel: int, bars: int, meter: tuple[int, int]
) -> mido.MidiTrack:
    track, now, size = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0, 16 * meter[0] // meter[1]
    events = []
    for bar in range(bars):
        for tick, length, pitch, velocity in notes:
            if tick < size:
                events.append((size * bar + tick, 1, pitch, velocity))
                events.append((size * bar + min(tick + length, size), 0, pitch, 0))
    for tick, _, pitch, velocity in sorted(events):
        at = tick * PPQ // 4
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=velocity, time=at - now))
        now = at
    return track
