"""Changes one tick's drums: time on the hat, the fill before a turn passes, the crash after it, no mark of a bar."""

from __future__ import annotations

from models.music.tokens import DrumHit, Position, ticks_per_beat

TIME_VELOCITY = {"closed_hat": (72, 58), "kick": (70, 70)}  # on the beats of the bar's groups, on the others
FILL = (("snare", 74), ("snare", 88), ("high_tom", 94), ("low_tom", 104))  # by eighth, the last one last
CRASH_VELOCITY = 92


def with_crash(drums: tuple[DrumHit, ...]) -> tuple[DrumHit, ...]:
    """Return the drums with a crash, for the first beat of a turn."""
    return drums if any(hit.piece == "crash" for hit in drums) else (*drums, DrumHit("crash", CRASH_VELOCITY))


def with_time(drums: tuple[DrumHit, ...], at: Position) -> tuple[DrumHit, ...]:
    """Return the drums with a hat on every beat and a soft kick on the one, unless they are there."""
    if at.tick % ticks_per_beat(at.meter):
        return drums
    played = {hit.piece for hit in drums}
    pieces = [] if "closed_hat" in played else ["closed_hat"]
    pieces += ["kick"] if at.tick == 0 and "kick" not in played else []
    return drums + tuple(DrumHit(piece, TIME_VELOCITY[piece][at.tick > 0]) for piece in pieces)


def with_fill(drums: tuple[DrumHit, ...], at: Position) -> tuple[DrumHit, ...]:
    """Return the drums with a stroke of the fill on each eighth that has no snare or tom."""
    left = (at.ticks_per_bar - at.tick + 1) // 2
    if at.tick % 2 or {hit.piece for hit in drums} & {"snare", "high_tom", "low_tom"}:
        return drums
    return (*drums, DrumHit(*FILL[-min(left, len(FILL))]))


def without_marks(drums: tuple[DrumHit, ...]) -> tuple[DrumHit, ...]:
    """Return the drums with a hat for a crash and no toms: nothing that says where a bar or a phrase begins."""
    kept = [hit for hit in drums if hit.piece not in ("low_tom", "high_tom", "crash")]
    crash = next((hit for hit in drums if hit.piece == "crash"), None)
    if crash is not None and not any(hit.piece == "closed_hat" for hit in kept):
        kept.append(DrumHit("closed_hat", min(crash.velocity, 90)))
    return tuple(kept)
