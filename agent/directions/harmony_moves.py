"""What harmony and counter-line are told in a word, tick by tick. Tables of moves, like agent/directions/drum_moves.py's for the drums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.directions.drum_moves import EIGHTH, QUARTER, Spot
from models.music.tokens import LINE_HIGH, LINE_LOW, QUALITIES, ChordHit, LineHit, Reply

OCTAVE = 12
FIFTH_DOWN = 5
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


def _power(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Root and fifth: the third is left out when it is voiced (see agent/takes/performance.py); colours go."""
    return _quality(PLAINER | {"sus4": "maj"})(reply, spot, around)


def _comping(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Charleston and its answers: strokes on the one and the and of two, now and then elsewhere off the beat."""
    harmony = (reply.chord.root, reply.chord.quality) if reply.chord else around.held
    place = spot.tick % 16
    strikes = place in (0, 6) or (place in (10, 14) and spot.chance(11) < 0.5)
    if harmony is None or not strikes:
        return replace(reply, chord=None, chord_off=place in (3, 8, 12))
    return replace(reply, chord=ChordHit(*harmony, 84), chord_off=False)


def _reharmonised(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Each major chord by its relative minor and the other way about (Riemann's R), a seventh added."""
    chord = reply.chord
    if chord is None:
        return reply
    if chord.quality in ("min", "min7"):
        return replace(reply, chord=replace(chord, root=(chord.root + 3) % OCTAVE, quality="maj7"))
    if chord.quality in ("maj", "maj7", "7"):
        return replace(reply, chord=replace(chord, root=(chord.root + 9) % OCTAVE, quality="min7"))
    return reply


def _arpeggio(reply: Reply, spot: Spot, around: Around) -> Reply:
    """The line takes the chord's tones one after another, on eighths."""
    harmony = (reply.chord.root, reply.chord.quality) if reply.chord else around.held
    if harmony is None or spot.tick % EIGHTH:
        return replace(reply, line=None)
    root, quality = harmony
    tones = (*QUALITIES[quality], OCTAVE)
    order = (*range(len(tones)), *range(len(tones) - 2, 0, -1))
    step = tones[order[spot.tick // EIGHTH % len(order)]]
    return replace(reply, line=LineHit(_in_range(60 + root + step), 82), line_off=False)


def _contrary(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Where the bass goes up the line goes down: mirrored about the tonic, in the key's octave."""
    if around.bass is None or around.tonic is None:
        return replace(reply, line=None)
    root, quality = around.held or (around.tonic[0], "min" if around.tonic[1] == "min" else "maj")
    wanted = 2 * 60 + around.tonic[0] - around.bass - 24
    tones = [p for p in range(LINE_LOW, LINE_HIGH + 1) if (p - root) % OCTAVE in QUALITIES[quality]]
    return replace(reply, line=LineHit(min(tones, key=lambda p: abs(p - _in_range(wanted))), 84), line_off=False)


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
    "hook": _hook,
    "power-chords": _power,
    "sevenths": _quality(RICHER),
    "triads": _quality(PLAINER),
    "comping": _comping,
    "reharmonised": _reharmonised,
    "arpeggio": _arpeggio,
    "counter-melody": _contrary,
}


def reharmonised(reply: Reply, spot: Spot, around: Around, moves: Sequence[str]) -> Reply:
    """Harmony and line of one tick after every move named. KeyError for a move that is none."""
    for name in moves:
        reply = HARMONY_MOVES[name](reply, spot, around)
    return reply


def unresolved(reply: Reply, held: tuple[int, str] | None, resolves: bool | None) -> Reply:
    """Where it is asked not to resolve, a harmony that would fall by a fifth stays where it is."""
    chord = reply.chord
    if resolves is not False or chord is None or held is None:
        return reply
    falls = (chord.root - held[0]) % 12 == FIFTH_DOWN
    return replace(reply, chord=replace(chord, root=held[0], quality=held[1])) if falls else reply
