"""Turns what the mind reports of a bar (agent/core/types.py's `DrawnBar`) into music on which edits are tried.

`drawn_tick` writes one tick, `music` reads bars and shapes them by the edits in force, as the band will.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.core.types import DrawnBar, DrawnTick
from agent.directions.active import ActiveEdits
from agent.directions.director import Directing
from agent.directions.sounding import Heard
from listener.types import Key
from models.music.tokens import BassTick, ChordHit, DrumHit, LineHit, Position, Reply


def drawn_tick(reply: Reply, bass: BassTick) -> DrawnTick:
    """Return one tick as plain data, which the parent process reads without a model."""
    chord, line = reply.chord, reply.line
    return DrawnTick(
        tuple((hit.piece, hit.velocity) for hit in reply.drums),
        (chord.root, chord.quality, chord.velocity, chord.voicing) if chord else None,
        reply.chord_off,
        (line.pitch, line.velocity) if line else None,
        reply.line_off,
        (bass.onset_pitch, bass.velocity) if bass.onset_pitch is not None else None,
        bass.sounding_pitch,
    )


def reply_of(tick: DrawnTick, parts: frozenset[str]) -> Reply:
    """Return what the band decided for a tick, without the parts that did not sound."""
    return Reply(
        tuple(DrumHit(*hit) for hit in tick.drums) if "drums" in parts else (),
        ChordHit(*tick.chord) if tick.chord and "chords" in parts else None,
        tick.chord_off,
        LineHit(*tick.line) if tick.line and "line" in parts else None,
        tick.line_off,
    )


def bass_of(tick: DrawnTick) -> BassTick:
    pitch, velocity = tick.bass or (None, 0)
    return BassTick(True, pitch, velocity, tick.sounding)


def music(
    bars: Sequence[DrawnBar], first: int, edits: ActiveEdits, form_bars: int, key: Key | None, parts: frozenset[str]
) -> list[Heard]:
    """Return bars as they will be played with these edits, if the band decides as it did in them.

    first: the number that the first of them will have, as the planner counts; parts: that play besides those that did.
    """
    directing, found = Directing(0, form_bars), list[Heard]()
    directing.key = key
    directing.ask(edits)
    held: ChordHit | None = None
    for number, bar in enumerate(bars, first):
        directing.downbeat(number)
        for place, tick in enumerate(bar.ticks):
            directing.push(place, tick.bass[0] if tick.bass else None)
        for place, tick in enumerate(bar.ticks):
            position = Position(place, number, bar.meter)
            reply = reply_of(tick, bar.parts | parts)
            shaped = directing.shaped(reply, position, held)
            held = shaped.chord or held
            settings = directing.settings(number)
            if settings.rubs and shaped.chord and shaped.chord.voicing:
                settings = replace(settings, rubs=False)  # a chord that the plan has voiced is played as it is
            found.append(Heard(position, shaped, bass_of(tick), settings))
    return found
