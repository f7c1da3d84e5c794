"""Five simulated players, each of one liking, in pieces that the responder was not trained on.

Two are of sources as they are (game music; POP909's songs, which the responder never saw: melody, bass and chords).
Three like one habit, by rule, over the corpus's held-out accompaniments: the rule says what the band should have
played.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.baselines import pop909
from listener.types import Meter
from models.corpus.song import Song, load_songs
from models.music import tokens
from models.music.features import Events, Ints
from models.music.tick_grid import fold
from models.music.tokens import LINE_LOW, PIECES, QUALITY_NAMES

FOUR = Meter(4, 4)
LEARNS, HELD_OUT = 10, 8  # pieces of each player
BAR = 16
LONGEST = 512  # ticks of a piece
KICK, SNARE, RIM, HAT, OPEN, RIDE, SHAKER = (
    PIECES.index(name) for name in ("kick", "snare", "rim", "closed_hat", "open_hat", "ride", "shaker")
)
POP_QUALITIES = {"sus2": "sus4", "sus4(b7)": "sus4", "maj6": "maj", "min6": "min", "aug": "maj"}
POP_QUALITIES |= {"hdim7": "min7b5", "dim7": "dim", "minmaj7": "min"}


@dataclass(frozen=True, slots=True)
class Player:
    """learns: what the adapter is trained on; held_out: other pieces of the same liking."""

    name: str
    liking: str
    learns: tuple[Song, ...]
    held_out: tuple[Song, ...]


def half_time(song: Song) -> Song:
    """Snare on three alone, crotchets on the ride, the kick on one and just before three."""
    drums, place = np.zeros_like(song.events.drums), song.ticks
    drums[place == 8, SNARE] = 4
    drums[place % 4 == 0, RIDE] = 2
    drums[place == 0, RIDE] = 3
    drums[place == 0, KICK], drums[place == 7, KICK] = 4, 3
    return with_events(song, drums)


def tresillo(song: Song) -> Song:
    """Kick on 3 + 3 + 2, rim on the last quaver, shaker in semiquavers; chords struck with the kick."""
    drums, place = np.zeros_like(song.events.drums), song.ticks % 8
    struck = np.isin(place, (0, 3, 6))
    drums[struck, KICK], drums[song.ticks == 14, RIM] = 3, 3
    drums[:, SHAKER] = np.where(place % 2 == 0, 2, 1)
    return with_events(song, drums, struck_at(song.events.chord, struck))


def open_fourths(song: Song) -> Song:
    """Every chord suspended or a minor seventh, struck off the beat; the snare's neighbours whisper, the hat opens."""
    chord = song.events.chord.copy()
    names = {"maj": "sus4", "7": "sus4", "maj7": "sus4", "min": "min7", "dim": "min7", "min7b5": "min7"}
    table = np.array([QUALITY_NAMES.index(names.get(name, name)) for name in QUALITY_NAMES])
    chord[:, 3] = np.where(chord[:, 3] >= 0, table[chord[:, 3]], -1)
    drums, place = song.events.drums.copy(), song.ticks % 8
    drums[place == 3, SNARE] = 1
    drums[np.isin(place, (2, 6)), HAT], drums[place == 6, OPEN] = 0, 2
    return with_events(song, drums, struck_at(chord, np.isin(place, (2, 6))))


def struck_at(chord: Ints, where: np.ndarray) -> Ints:
    """The same harmony with strokes only where `where` says; new where it differs from the stroke before."""
    made = np.column_stack([np.zeros((len(chord), 2), np.int64), np.full((len(chord), 2), -1)])
    before = (-1, -1)
    for tick, (_, _, root, quality) in enumerate(chord):
        if where[tick] and root >= 0:
            made[tick, :2] = (tokens.SAME if (root, quality) == before else tokens.NEW, 3)
            before = (int(root), int(quality))
        made[tick, 2:] = before
    return made


def with_events(song: Song, drums: Ints, chord: Ints | None = None) -> Song:
    chord = song.events.chord if chord is None else chord
    return replace(song, events=replace(song.events, drums=drums, chord=chord))


def shortened(song: Song) -> Song:
    """Its first LONGEST ticks."""
    if len(song) <= LONGEST:
        return song
    e, end = song.events, LONGEST
    events = Events(e.bass[:end], e.known[:end], e.drums[:end], e.chord[:end], e.line[:end])
    return replace(song, ticks=song.ticks[:end], bars=song.bars[:end], meters=song.meters[:end], events=events)


def pop_song(song: pop909.Song) -> Song:
    """A song of POP909 from its first bar line, as a piece of the responder's corpus: no drums."""
    part = slice(int(np.flatnonzero(song.bar == 0)[0]), None)
    melody, begins, chord, bar = (x[part][:LONGEST] for x in (song.melody, song.melody_on, song.chord, song.bar))
    bass, struck = song.bass[part][:LONGEST].astype(np.int64), song.bass_on[part][:LONGEST] > 0
    length = len(bass)
    place, silent = np.arange(length), np.zeros((length, len(PIECES)), np.int64)
    rows = np.stack([np.where(struck, bass, -1), 80 * struck, bass], 1)
    events = Events(rows, np.ones(length, bool), silent, pop_chords(chord, bar), pop_line(melody, begins))
    at = place % BAR, place // BAR, (FOUR,) * length
    return Song(song.name, "pop909", "test", *at, events, (False, True, True))


def pop_chords(ids: np.ndarray, bar: np.ndarray) -> Ints:
    """[T, 4]: struck where the chord changes and on the bar line."""
    made, before = np.column_stack([np.zeros((len(ids), 2), np.int64), np.full((len(ids), 2), -1)]), (-1, -1)
    for tick, one in enumerate(int(i) for i in ids):
        if one == pop909.NO_CHORD:
            made[tick, 2:] = before
            continue
        root, name = one // len(pop909.QUALITIES), pop909.QUALITY_NAMES[one % len(pop909.QUALITIES)]
        now = (root, QUALITY_NAMES.index(POP_QUALITIES.get(name, name)))
        if now != before or bar[tick] == 0:
            made[tick, :2] = (tokens.SAME if now == before else tokens.NEW, 3)
        before = now
        made[tick, 2:] = now
    return made


def pop_line(melody: np.ndarray, begins: np.ndarray) -> Ints:
    made = np.column_stack([np.zeros((len(melody), 2), np.int64), np.full(len(melody), -1)])
    sounds = False
    for tick, (pitch, on) in enumerate(zip(melody.tolist(), begins.tolist(), strict=True)):
        if on:
            made[tick] = tokens.LINE_ON, 3, fold(pitch) - LINE_LOW
        elif sounds and pitch == pop909.REST:
            made[tick, 0] = tokens.LINE_OFF
        sounds = pitch != pop909.REST
    return made


def split(name: str, liking: str, songs: Sequence[Song], rule: Callable[[Song], Song] | None = None) -> Player:
    made = [shortened(rule(song) if rule else song) for song in songs[: LEARNS + HELD_OUT]]
    return Player(name, liking, tuple(made[:LEARNS]), tuple(made[LEARNS:]))


def players(songs: Sequence[Song] | None = None) -> tuple[list[Player], list[Song]]:
    """The five, and the corpus's held-out pieces that none of them plays. FileNotFoundError without the corpus."""
    unseen = [song for song in songs or load_songs() if song.split != "train"]
    rng = np.random.default_rng(7)
    mma = [s for s in unseen if s.source == "mma" and s.meter == FOUR and all(s.has[:2]) and len(s) >= 256]
    games = [s for s in unseen if s.source != "mma" and s.meter == FOUR and s.has[0]]
    pop = [pop_song(s) for s in sorted(pop909.load()["test"], key=lambda s: s.name) if s.bar_ticks == BAR]
    mma, games = [mma[i] for i in rng.permutation(len(mma))], [games[i] for i in rng.permutation(len(games))]
    count = LEARNS + HELD_OUT
    five = [
        split("Ada", "half-time on the ride", mma[:count], half_time),
        split("Ben", "tresillo and shaker", mma[count : 2 * count], tresillo),
        split("Cleo", "game music as it is", games),
        split("Dan", "suspended chords off the beat", mma[2 * count : 3 * count], open_fourths),
        split("Eva", "pop songs as they are", pop),
    ]
    taken = {song.name for player in five for song in (*player.learns, *player.held_out)}
    return five, [song for song in unseen if song.name not in taken]
