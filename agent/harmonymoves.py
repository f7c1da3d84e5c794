"""What harmony and counter-line are told in a word, tick by tick. Tables of moves, like agent/moves.py's for the drums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.moves import EIGHTH, QUARTER, Spot
from models.tokens import LINE_HIGH, LINE_LOW, QUALITIES, ChordHit, LineHit, Reply

OCTAVE = 12
RICHER = {"maj": "maj7", "min": "min7", "dim": "min7b5", "sus4": "7"}
PLAINER = {"maj7": "maj", "7": "maj", "min7": "min", "min7b5": "dim"}


@dataclass(frozen=True, slots=True)
class Around:
    """What else is known in a tick. held: the harmony that sounds (root, quality). tonic: pitch class and mode of the
    key. bass: whether the bass begins a note here; near: whether within an eighth of here. riff: pitches of the riff's
    notes by tick of the phrase. phrase_tick: this tick's place in it."""

    held: tuple[int, str] | None = None
    tonic: tuple[int, str] | None = None
    bass: int | None = None
    bass_near: bool = False
    riff: tuple[tuple[int, int], ...] = ()
    phrase_tick: int = 0
    line_sounds: bool = False


Move = Callable[[Reply, Spot, Around], Reply]


def _quality(table: dict[str, str]) -> Move:
    def move(reply: Reply, spot: Spot, around: Around) -> Reply:
        chord = reply.chord
        return (
            reply
            if chord is None
            else replace(reply, chord=replace(chord, quality=table.get(chord.quality, chord.quality)))
        )

    return move


def _pedal(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Every stroke on the tonic, its third left open where the harmony would have gone elsewhere."""
    if reply.chord is None or around.tonic is None:
        return reply
    root, mode = around.tonic
    quality = ("maj" if mode == "maj" else "min") if reply.chord.root == root else "sus4"
    return replace(reply, chord=replace(reply.chord, root=root, quality=quality))


def _one_chord(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Modal: the harmony that holds goes on holding."""
    if reply.chord is None or around.held is None:
        return reply
    return replace(reply, chord=ChordHit(*around.held, reply.chord.velocity))


def _chromatic(reply: Reply, spot: Spot, around: Around) -> Reply:
    """The last eighth of the bar slips in from a semitone above what follows (tritone substitution's colour)."""
    if spot.tick != spot.position.ticks_per_bar - EIGHTH or around.held is None:
        return reply
    return replace(reply, chord=ChordHit((around.held[0] + 1) % OCTAVE, "7", 80))


def _staccato(reply: Reply, spot: Spot, around: Around) -> Reply:
    return reply if reply.chord else replace(reply, chord_off=True)


def _legato(reply: Reply, spot: Spot, around: Around) -> Reply:
    return replace(reply, chord_off=False)


def _pads(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Struck when the harmony changes or the bar begins; held otherwise."""
    chord = reply.chord
    if chord and spot.tick and around.held == (chord.root, chord.quality):
        return replace(reply, chord=None, chord_off=False)
    return replace(reply, chord_off=False)


def _stabs(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Short strokes on the off-beats."""
    harmony = (reply.chord.root, reply.chord.quality) if reply.chord else around.held
    if harmony and spot.tick % QUARTER == EIGHTH:
        return replace(reply, chord=ChordHit(*harmony, 92), chord_off=False)
    return replace(reply, chord=None, chord_off=True)


def _denser_chords(reply: Reply, spot: Spot, around: Around) -> Reply:
    """A stroke on every eighth that has none."""
    if reply.chord or around.held is None or spot.tick % EIGHTH:
        return reply
    return replace(reply, chord=ChordHit(*around.held, 72), chord_off=False)


def _sparser_line(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Only what begins on a beat."""
    return reply if spot.tick % QUARTER == 0 else replace(reply, line=None)


def _denser_line(reply: Reply, spot: Spot, around: Around) -> Reply:
    """A chord tone on every eighth that has no note."""
    if reply.line or around.held is None or spot.tick % EIGHTH:
        return reply
    root, quality = around.held
    tones = QUALITIES[quality]
    pitch_class = (root + tones[int(spot.chance(5) * len(tones))]) % OCTAVE
    pitch = next(p for p in range(64, 64 + OCTAVE) if p % OCTAVE == pitch_class)
    return replace(reply, line=LineHit(pitch, 78), line_off=False)


def _answer(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Nothing while the player plays; the gaps are the line's."""
    return replace(reply, line=None, line_off=around.line_sounds) if around.bass_near else reply


def _unison(reply: Reply, spot: Spot, around: Around) -> Reply:
    """The player's notes, in the line's octave."""
    if around.bass is None:
        return replace(reply, line=None)
    return replace(reply, line=LineHit(_in_range(around.bass + 2 * OCTAVE), 92), line_off=False)


def _hook(reply: Reply, spot: Spot, around: Around) -> Reply:
    """The riff again, two octaves up."""
    pitch = dict(around.riff).get(around.phrase_tick)
    if pitch is None:
        return replace(reply, line=None)
    return replace(reply, line=LineHit(_in_range(pitch + 2 * OCTAVE), 92), line_off=False)


def _in_range(pitch: int) -> int:
    while pitch < LINE_LOW:
        pitch += OCTAVE
    while pitch > LINE_HIGH:
        pitch -= OCTAVE
    return pitch


HARMONY_MOVES: dict[str, Move] = {
    "richer": _quality(RICHER),
    "plainer": _quality(PLAINER),
    "sus": _quality(dict.fromkeys(QUALITIES, "sus4")),
    "pedal": _pedal,
    "modal": _one_chord,
    "chromatic": _chromatic,
    "staccato": _staccato,
    "legato": _legato,
    "pads": _pads,
    "stabs": _stabs,
    "denser-chords": _denser_chords,
    "sparser-line": _sparser_line,
    "denser-line": _denser_line,
    "answer": _answer,
    "unison": _unison,
    "repeat-hook": _hook,
}


def reharmonised(reply: Reply, spot: Spot, around: Around, moves: Sequence[str]) -> Reply:
    """Harmony and line of one tick after every move named. KeyError for a move that is none."""
    for name in moves:
        reply = HARMONY_MOVES[name](reply, spot, around)
    return reply
