"""`HARMONY_MOVES` maps the name of a change to chords or line ("pads", "answer") to a function on one tick's reply.

It is to harmony and line what agent/directions/drum_moves.py is to the drums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.directions.drum_moves import EIGHTH, QUARTER, Spot
from models.music.tokens import LINE_HIGH, LINE_LOW, QUALITIES, ChordHit, LineHit, Reply

OCTAVE = 12
FIFTH_DOWN = 5
ANSWERS = 0.5  # share of the free eighths in the player's gaps that a line which answers takes
RICHER = {"maj": "maj7", "min": "min7", "dim": "min7b5", "sus4": "7"}
PLAINER = {"maj7": "maj", "7": "maj", "min7": "min", "min7b5": "dim"}


@dataclass(frozen=True, slots=True)
class Around:
    """What a move knows of the music around a tick.

    held: the harmony that sounds (root, quality); drawn: the one that was drawn last, whether it sounds or not. tonic:
    pitch class and mode of the key. bass: the pitch that the bass begins in this tick, None = no onset; bass_near:
    whether it begins one within an eighth. riff: (tick of the phrase, pitch) of the riff's notes. phrase_tick: this
    tick's place in the phrase.
    """

    held: tuple[int, str] | None = None
    tonic: tuple[int, str] | None = None
    bass: int | None = None
    bass_near: bool = False
    riff: tuple[tuple[int, int], ...] = ()
    phrase_tick: int = 0
    line_sounds: bool = False
    drawn: tuple[int, str] | None = None


Move = Callable[[Reply, Spot, Around], Reply]


def _quality(table: dict[str, str]) -> Move:
    def move(reply: Reply, spot: Spot, around: Around) -> Reply:
        chord = reply.chord
        return (
            reply
            if chord is None
            else replace(reply, chord=chord.on(chord.root, table.get(chord.quality, chord.quality)))
        )

    return move


def _planned(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Leave the reply as it is: the song plan plays it (agent/parts/harmony_plans.py)."""
    return reply


def _chromatic(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play a dominant seventh a semitone above the harmony in the bar's last eighth (tritone substitution)."""
    if spot.tick != spot.position.ticks_per_bar - EIGHTH or around.held is None:
        return reply
    return replace(reply, chord=ChordHit((around.held[0] + 1) % OCTAVE, "7", 80))


def _staccato(reply: Reply, spot: Spot, around: Around) -> Reply:
    return reply if reply.chord else replace(reply, chord_off=True)


def _legato(reply: Reply, spot: Spot, around: Around) -> Reply:
    return replace(reply, chord_off=False)


def _pads(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Strike chords only when the harmony changes or the bar begins, and hold them."""
    chord = reply.chord
    if chord and spot.tick and around.held == (chord.root, chord.quality):
        return replace(reply, chord=None, chord_off=False)
    return replace(reply, chord_off=False)


def _stabs(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play short chords on the off-beats only."""
    harmony = (reply.chord.root, reply.chord.quality) if reply.chord else around.held
    if harmony and spot.tick % QUARTER == EIGHTH:
        return replace(reply, chord=ChordHit(*harmony, 92), chord_off=False)
    return replace(reply, chord=None, chord_off=True)


def _denser_chords(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Add a chord on every eighth that has none."""
    if reply.chord or around.held is None or spot.tick % EIGHTH:
        return reply
    return replace(reply, chord=ChordHit(*around.held, 72), chord_off=False)


def _sparser_line(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Keep only the notes of the line that begin on a beat."""
    return reply if spot.tick % QUARTER == 0 else replace(reply, line=None)


def _denser_line(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Add a chord tone to the line on every eighth that has no note."""
    if reply.line or around.held is None or spot.tick % EIGHTH:
        return reply
    root, quality = around.held
    tones = QUALITIES[quality]
    pitch_class = (root + tones[int(spot.chance(5) * len(tones))]) % OCTAVE
    pitch = next(p for p in range(64, 64 + OCTAVE) if p % OCTAVE == pitch_class)
    return replace(reply, line=LineHit(pitch, 78), line_off=False)


def _answer(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Silence the line near the player's notes and let it speak in their gaps, on tones of the chord."""
    if around.bass_near:
        return replace(reply, line=None, line_off=around.line_sounds)
    return _denser_line(reply, spot, around) if spot.chance(13) < ANSWERS else reply


def _unison(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play the player's notes in the line, two octaves up."""
    if around.bass is None:
        return replace(reply, line=None)
    return replace(reply, line=LineHit(_in_range(around.bass + 2 * OCTAVE), 92), line_off=False)


def _hook(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play the riff in the line, two octaves up."""
    pitch = dict(around.riff).get(around.phrase_tick)
    if pitch is None:
        return replace(reply, line=None)
    return replace(reply, line=LineHit(_in_range(pitch + 2 * OCTAVE), 92), line_off=False)


def _power(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play plain chords without sevenths; agent/takes/performance.py leaves out their thirds."""
    return _quality(PLAINER | {"sus4": "maj"})(reply, spot, around)


def _comping(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play the Charleston rhythm: chords on the one and the and of two, half the time also on other off-beats."""
    harmony = (reply.chord.root, reply.chord.quality) if reply.chord else around.held
    place = spot.tick % 16
    strikes = place in (0, 6) or (place in (10, 14) and spot.chance(11) < 0.5)
    if harmony is None or not strikes:
        return replace(reply, chord=None, chord_off=place in (3, 8, 12))
    return replace(reply, chord=ChordHit(*harmony, 84), chord_off=False)


def _reharmonised(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Replace each major chord by its relative minor and vice versa (Riemann's R), with a seventh."""
    chord = reply.chord
    if chord is None:
        return reply
    if chord.quality in ("min", "min7"):
        return replace(reply, chord=chord.on((chord.root + 3) % OCTAVE, "maj7"))
    if chord.quality in ("maj", "maj7", "7"):
        return replace(reply, chord=chord.on((chord.root + 9) % OCTAVE, "min7"))
    return reply


def _arpeggio(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play the chord's tones in the line one after another, on eighths, up and down."""
    harmony = (reply.chord.root, reply.chord.quality) if reply.chord else around.held
    if harmony is None or spot.tick % EIGHTH:
        return replace(reply, line=None)
    root, quality = harmony
    tones = (*QUALITIES[quality], OCTAVE)
    order = (*range(len(tones)), *range(len(tones) - 2, 0, -1))
    step = tones[order[spot.tick // EIGHTH % len(order)]]
    return replace(reply, line=LineHit(_in_range(60 + root + step), 82), line_off=False)


def _contrary(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Mirror the bass about the tonic in the line, so that the line goes down where the bass goes up."""
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


def _on_backbeats(reply: Reply, spot: Spot, around: Around) -> Reply:
    """Play chords on every second group of beats (two and four), short, and nowhere else."""
    if spot.tick in spot.groups[1::2]:
        harmony = around.drawn or around.held
        chord = reply.chord or (ChordHit(*harmony, 80) if harmony else None)
        return replace(reply, chord=chord)
    return replace(reply, chord=None, chord_off=True)


HARMONY_MOVES: dict[str, Move] = {
    "chord-backbeats": _on_backbeats,
    "richer": _quality(RICHER),
    "plainer": _quality(PLAINER),
    "sus": _planned,
    "pedal": _planned,
    "modal": _planned,
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
    """Return the reply of one tick after every move named, in order. Raises KeyError for an unknown move."""
    for name in moves:
        reply = HARMONY_MOVES[name](reply, spot, around)
    return reply


def unresolved(reply: Reply, held: tuple[int, str] | None, resolves: bool | None) -> Reply:
    """Return the reply with a chord that falls by a fifth replaced by the harmony held, where `resolves` is False."""
    chord = reply.chord
    if resolves is not False or chord is None or held is None:
        return reply
    falls = (chord.root - held[0]) % 12 == FIFTH_DOWN
    return replace(reply, chord=chord.on(held[0], held[1])) if falls else reply
