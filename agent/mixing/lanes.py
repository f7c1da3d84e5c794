"""Says how each lane of the mix sounds: the pieces of the kit, chords and line; levels, places and sends are tables."""

from __future__ import annotations

from dataclasses import dataclass

# while they play; the mix then lies between -15 and -19, and the limiter hardly ever works
BASS_LUFS = -19.0
PART_LUFS = {"drums": -21.5, "chords": -25.5, "line": -26.5, "own_bass": BASS_LUFS}
OTHER_LUFS = -26.0  # a part that is not in the table
REFERENCE_VELOCITY = 90
NEVER_DB = -120.0


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane of the mix. part: whose stem it is. keys: of the drum kit; () = every key no other lane has.

    level_db: loudness of one note of REFERENCE_VELOCITY, in LUFS (Measured.lufs), to which the instrument is brought;
    probe: the keys at which the instrument's is measured. pan: -1 left to 1 right. low_cut: share taken away below
    150 Hz, 0 to 1. bright_db: above 3 kHz. room_db, plate_db: sends to the reverbs, beside the dry sound.
    """

    name: str
    part: str
    level_db: float
    probe: tuple[int, ...]
    keys: tuple[int, ...] = ()
    pan: float = 0.0
    low_cut: float = 0.0
    bright_db: float = 0.0
    room_db: float = NEVER_DB
    plate_db: float = NEVER_DB


# panned as the drummer sits: hi-hat and high tom to the left, ride and low tom to the right, kick in the middle
KIT = (
    Lane("kick", "drums", -14.5, (36,), (35, 36), room_db=-26.0),
    Lane("snare", "drums", -13.5, (38,), (31, 37, 38, 39, 40), 0.08, 0.3, 1.0, -10.0, -14.0),
    Lane("hat", "drums", -22.5, (42,), (42, 44, 46), -0.55, 0.9, 0.0, -14.0, -24.0),
    Lane("high_tom", "drums", -15.5, (48, 50), (47, 48, 50), -0.4, 0.0, 0.0, -12.0, -15.0),
    Lane("low_tom", "drums", -15.5, (43, 45), (41, 43, 45), 0.5, 0.0, 0.0, -12.0, -15.0),
    Lane("crash", "drums", -18.5, (49,), (49, 52, 55, 57), -0.6, 0.9, -1.0, -15.0, -17.0),
    Lane("ride", "drums", -23.5, (51,), (51, 53, 59), 0.6, 0.9, 0.0, -15.0, -21.0),
    Lane("percussion", "drums", -23.5, (70,), (), 0.35, 0.5, 0.0, -13.0, -16.0),
)
PITCHED = {
    "chords": Lane("chords", "chords", -25.5, (52, 57, 62, 67), (), 0.0, 0.6, 0.0, -9.0, -13.0),
    "line": Lane("line", "line", -24.5, (64, 69, 74, 79), (), 0.0, 0.8, 0.0, -14.0, -11.0),
    "own_bass": Lane("own_bass", "own_bass", -17.0, (31, 36, 40, 43)),
}
LANE_OF_KEY = {key: lane.name for lane in KIT for key in lane.keys}


def lanes_of(part: str) -> tuple[Lane, ...]:
    """Return the lanes of a part: the pieces of the kit for the drums, else one."""
    return KIT if part == "drums" else (PITCHED.get(part) or Lane(part, part, -24.0, (60,), room_db=-14.0),)


def lane_of(part: str, key: int) -> str:
    """Return the lane in which a part's note sounds."""
    return LANE_OF_KEY.get(key, "percussion") if part == "drums" else part
