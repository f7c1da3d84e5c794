"""What a drummer does whatever else he plays: keeps time for another, announces the next turn, begins it."""

from __future__ import annotations

from models.music.tokens import DrumHit, Position, ticks_per_beat

TIME_VELOCITY = {"closed_hat": (72, 58), "kick": (70, 70)}  # on the beats of the bar's groups, on the others
FILL = (("snare", 74), ("snare", 88), ("high_tom", 94), ("low_tom", 104))  # by eighth, the last one last
CRASH_VELOCITY = 92


def with_crash(drums: tuple[DrumHit, ...]) -> tuple[DrumHit, ...]:
    """The one of a new turn."""
    return drums if any(hit.piece == "crash" for hit in drums) else (*drums, DrumHit("crash", CRASH_VELOCITY))


def with_time(drums: tuple[DrumHit, ...], at: Position) -> tuple[DrumHit, ...]:
    """Time is kept: a hat on every beat, the kick softly on the one, whatever else is played."""
    if at.tick % ticks_per_beat(at.meter):
        return drums
    played = {hit.piece for hit in drums}
    pieces = [] if played & {"closed_hat", "ride", "shaker"} else ["closed_hat"]
    pieces += ["kick"] if at.tick == 0 and "kick" not in played else []
    return drums + tuple(DrumHit(piece, TIME_VELOCITY[piece][at.tick > 0]) for piece in pieces)


def with_fill(drums: tuple[DrumHit, ...], at: Position) -> tuple[DrumHit, ...]:
    """Something that announces the next bar in every eighth of the last group, where the drummer has nothing."""
    left = (at.ticks_per_bar - at.tick + 1) // 2
    if at.tick % 2 or {hit.piece for hit in drums} & {"snare", "high_tom", "low_tom"}:
        return drums
    return (*drums, DrumHit(*FILL[-min(left, len(FILL))]))
