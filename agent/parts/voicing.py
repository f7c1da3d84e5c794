"""Says how a chord is laid out over the bass: close, shell, drop-2, spread or open fifth, by style and register, led to
the nearest from the chord before.

Every voice stays out of the bass's octave and above its note; low intervals stay wide enough to be clear (the lower
interval limits of arranging books, such as Pease & Pullig, Modern Jazz Voicings, 2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from models.music.tokens import QUALITIES

FLOOR, CEILING = 52, 74  # E3 to D5, as usual: above the bass, below the line
CENTRE, ROOM = 62.0, 17  # semitones from the lowest voice up that two positions of a chord need
REGISTER_SPAN = (7.0, 4.0)  # semitones that the dial moves centre and limits at its ends, down and up
WIDEST = 19  # semitones from the lowest voice to the highest
MOST_VOICES = 5
HOME_COST = 1.1  # of a semitone that the middle of the chord lies from where it is to lie
STAYS_COST = 6.5  # semitones of voice leading for a position that is to change
SAME_COST = 6.0  # likewise, for other notes of the chord that stays
WIDE_SAY = 0.35  # likewise, for each semitone that the voices of a chord that is to be wide lie apart
KIND_COST = 1.5  # semitones of voice leading that a kind of the style is worth
LOWEST = {1: 52, 2: 51, 3: 48, 4: 46, 5: 46, 6: 46}  # interval in semitones -> lowest pitch of its lower note
KINDS: dict[str, tuple[str, ...]] = {  # style -> kinds that belong to it
    "jazz": ("shell", "drop2"),
    "soul": ("shell", "drop2", "close"),
    "funk": ("shell", "close"),
    "blues": ("shell", "close"),
    "latin": ("drop2", "shell"),
    "hiphop": ("close", "drop2"),
    "ballad": ("spread", "drop2"),
    "metal": ("fifth", "spread"),
    "dance": ("close",),
    "country": ("close", "spread"),
}
USUAL_KINDS, WIDE_KINDS = ("close", "drop2"), ("spread", "drop2")

Pitches = tuple[int, ...]


def floor_over(bass: int | None, register: float) -> int:
    """Return the lowest pitch a voice may have: out of the bass's octave, C to B. register: -1 to 1."""
    low = FLOOR + round((REGISTER_SPAN[0] if register < 0 else REGISTER_SPAN[1]) * register)
    return low if bass is None else max(low, 12 * (bass // 12 + 1))


@lru_cache(maxsize=1 << 13)
def voiced(
    root: int,
    quality: str,
    added: tuple[int, ...] = (),
    before: Pitches = (),
    bass: int | None = None,
    style: str = "",
    register: float = 0.0,
    tight: float = 0.0,
    lift: float = 0.0,
    moves: bool = False,
    wide: bool = False,
) -> Pitches:
    """Return the pitches (MIDI, rising) of a chord.

    added: tensions, semitones above the root. before: the last chord's pitches. bass: the highest note of the bass
    while it sounds. register: -1 to 1. tight: -1 (wide, clear) to 1 (seconds side by side). lift: semitones that the
    middle lies above the usual one. moves: whether a chord that stays takes another position. wide: spread voices.
    """
    lowest = floor_over(bass, register)
    shift = (REGISTER_SPAN[0] if register < 0 else REGISTER_SPAN[1]) * register
    highest = max(round(CEILING + shift), lowest + ROOM)
    centre = max(CENTRE + shift, lowest + 5.0) + lift
    own = (*KINDS.get(style, USUAL_KINDS), *(WIDE_KINDS if wide else ()))
    full = {(root + step) % 12 for step in (*QUALITIES[quality], *added)}

    def cost(kind: str, pitches: Pitches) -> tuple[float, Pitches]:
        leading = _distance(pitches, before) + 0.35 * abs(len(pitches) - len(before)) * bool(before)
        home = HOME_COST * abs(sum(pitches) / len(pitches) - centre)
        fits = 0.0 if kind in own else KIND_COST + KIND_COST * own.index(own[-1]) * 0.2
        seconds = sum(b - a <= 2 for a, b in pairwise(pitches))
        stays = STAYS_COST * (moves and pitches == before)
        now, last = {pitch % 12 for pitch in pitches}, {pitch % 12 for pitch in before}
        stays += SAME_COST * (bool(before) and last != now and last <= full)
        spread = WIDE_SAY * wide * (pitches[-1] - pitches[0])
        return leading + home + fits + stays - spread - 1.5 * tight * seconds, pitches

    found = [
        cost(kind, pitches)
        for kind, classes in _kinds(root, quality, added)
        for pitches in _placed(kind, classes, lowest, highest)
    ]
    return min(found)[1] if found else tuple(sorted(_up(lowest, (root + step) % 12) for step in QUALITIES[quality]))


def _kinds(root: int, quality: str, added: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield (kind, pitch classes from the lowest voice up, before inversion)."""
    tones = QUALITIES[quality]
    extra = tuple(dict.fromkeys(step % 12 for step in added if step % 12 not in tones))
    full = [(root + step) % 12 for step in tones]
    more = [(root + step) % 12 for step in extra]
    close = sorted({*full, *more}, key=lambda pc: (pc - root) % 12)
    if len(close) > MOST_VOICES:
        close.remove((root + 7) % 12)
    yield "close", tuple(close)
    rooted = [pc for pc in close if pc != root or 1 in extra or 2 in extra or 11 in extra]
    four = rooted if len(rooted) >= 4 else close
    if len(four) == 4:
        yield "drop2", tuple(four)
    if len(tones) == 4:
        guide = [(root + tones[1]) % 12, (root + tones[3]) % 12]
        yield "shell", (*guide, *(more or [full[2]]))
        yield "shell", (guide[1], guide[0], *(more or [full[2]]))
    if not extra and len(tones) == 3:
        yield "spread", (full[0], full[2], full[1])
        if quality in ("maj", "min"):
            yield "fifth", (full[0], full[2], full[0])


def _placed(kind: str, classes: tuple[int, ...], lowest: int, highest: int) -> Iterator[Pitches]:
    turns = len(classes) if kind in ("close", "drop2") else 1
    for turn in range(turns):
        order = (*classes[turn:], *classes[:turn])
        for octave in range(-1, 2):
            stacked: list[int] = []
            start = _up(lowest, order[0]) + 12 * octave
            for pc in order:
                stacked.append(_up(stacked[-1] + 1, pc) if stacked else start)
            if kind == "drop2":
                stacked[-2] -= 12
            pitches = tuple(sorted(stacked))
            inside = lowest <= pitches[0] and pitches[-1] <= highest and pitches[-1] - pitches[0] <= WIDEST
            if inside and all(low >= LOWEST.get(high - low, 0) for low, high in pairwise(pitches)):
                yield pitches


def _up(start: int, pitch_class: int) -> int:
    """Return the first pitch of a class from `start` on."""
    return start + (pitch_class - start) % 12


def _distance(pitches: Sequence[int], before: Sequence[int]) -> float:
    """Return the sum of each voice's semitones to the nearest of the last chord's (Tymoczko, 2006)."""
    return float(sum(min((abs(p - q) for q in before), default=0) for p in pitches))
