"""Choose what is rehearsed while an adapter is trained, so that the base is not forgotten.

Pieces of the base's corpus where they are at hand, else what the base plays by itself (pseudo-rehearsal: Robins,
Connection Science 7, 1995), so that no music need be shipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from listener.types import Meter
from models.corpus import played_pieces
from models.corpus.song import Song, load_songs, save_songs
from models.music.tokens import EMPTY_REPLY, BassTick, Position, TickInput
from models.responder.responder import Responder, ResponderState
from models.responder.sampling import NO_LEAN, TASTE, Taste

Floats = NDArray[np.float32]
PIECES, TICKS = 48, 192
METERS = (*(Meter(4, 4),) * 5, Meter(3, 4), Meter(6, 8), Meter(7, 8), Meter(5, 4), Meter(12, 8))
BASS_NEAR = 40  # MIDI pitch
PLAIN = dict.fromkeys(TASTE, Taste(1.0, 1.0))  # as it believes, nothing cut off


def rehearsal(responder: Responder, corpus: Path, made: Path) -> list[Song]:
    """Return the corpus without its test pieces; without a corpus, what was made before at `made`, or is made now."""
    if corpus.exists():
        return [song for song in load_songs(corpus) if song.split != "test"]
    if not made.exists():
        part = made.with_name(made.stem + ".part.npz")
        save_songs(part, [imagined(responder, number) for number in range(PIECES)])
        part.replace(made)
    return load_songs(made)


def imagined(responder: Responder, number: int, ticks: int = TICKS) -> Song:
    """Let the base play with a bass of its own foresight, at temperature 1: a draw from its own distribution."""
    rng = np.random.default_rng([20261121, number])
    meter = METERS[number % len(METERS)]
    state, bass, reply = responder.initial_state(), BassTick(True), EMPTY_REPLY
    near, made = BASS_NEAR + int(rng.integers(-5, 6)), []
    per_bar = Position(0, 0, meter).ticks_per_bar
    for tick in range(ticks):
        place = Position(tick % per_bar, tick // per_bar, meter)
        state = responder.step(TickInput(place, bass, None, reply), state)
        reply = responder.sample(state, rng, 1.0, taste=PLAIN, lean=NO_LEAN)
        bass = _sounding(responder.imagine_bass(state, rng, near), bass)
        made.append((place, bass, reply))
    return played_pieces.song_of(f"imagined {number}", made, (True, True, True), "imagined")


def played_with(responder: Responder, songs: Sequence[Song]) -> ResponderState:
    """Return the state after pieces of a player, one after the other; parts that they lack are the responder's own.

    What a band plays depends on what it has just played more than on its weights: begun from this state it goes on in
    the player's way, begun from nothing in the base's.
    """
    rng, state, first = np.random.default_rng(20261130), responder.initial_state(), 0
    bass, reply = BassTick(True), EMPTY_REPLY
    for song in songs:
        drums, chords, line = song.has
        last = first
        for at, heard, played in played_pieces.played(song):
            place = replace(at, bar=first + at.bar)
            state = responder.step(TickInput(place, bass, None, reply), state)
            bass, reply, last = heard, responder.sample(state, rng), place.bar
            reply = replace(reply, drums=played.drums) if drums else reply
            reply = replace(reply, chord=played.chord, chord_off=played.chord_off) if chords else reply
            reply = replace(reply, line=played.line, line_off=played.line_off) if line else reply
        first = last + 1
    return state


def _sounding(begun: BassTick | None, before: BassTick) -> BassTick:
    """Return what begins, else what went on."""
    return begun or BassTick(True, None, 0, before.sounding_pitch)
