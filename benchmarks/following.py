"""Does the band stay with the player? Its drum onsets against the true beats, when the tempo moves and when it jumps.

`python benchmarks/following.py [--clips even|odd|all] [--quick]`. Deliberate micro-timing is off (looseness 0) but where
it says otherwise. Beside it: the opening's tempo for ever; the last interval played on from the last beat, as our ears,
madmom online and aubio.tempo tell it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import following_measures as measures
import following_play as play
import numpy as np
import results
from following_lines import Clip, Piece, as_it_is, clips, moved, ramp, steady, two_halves, wave
from following_measures import Row, measure
from rich.console import Console
from rich.table import Table

Scene = Callable[[Clip], Piece]

DRIFTS: dict[str, Scene] = {
    "drift +15%": lambda clip: moved(clip, "drift +15%", ramp(0.15), 36),
    "drift -15%": lambda clip: moved(clip, "drift -15%", ramp(-0.15), 36),
    "wave 15%": lambda clip: moved(clip, "wave 15%", wave(0.15, 40), 46),
}
GLIDES: dict[str, Scene] = {
    "as recorded": as_it_is,
    "steady": lambda clip: moved(clip, "steady", steady, 30),
    **DRIFTS,
    "lays back 20 ms": lambda clip: moved(clip, "lays back", steady, 34, 0.020),
    "rubato 6%": lambda clip: moved(clip, "rubato 6%", wave(0.06, 7), 34),
}
EVENTS: dict[str, Scene] = {
    "fermata": lambda clip: two_halves(clip, "fermata", clip, 0.0, 1.0, 5.7 * clip.period_s),
    "stop, faster": lambda clip: two_halves(clip, "stop, faster", clip, 4.3, 1.2),
    "stop, slower": lambda clip: two_halves(clip, "stop, slower", clip, 4.3, 1 / 1.2),
    "suddenly faster": lambda clip: two_halves(clip, "suddenly faster", clip, 0.0, 1.2),
    "suddenly slower": lambda clip: two_halves(clip, "suddenly slower", clip, 0.0, 1 / 1.2),
}
METERS = (
    ("00", "14"),
    ("10", "29"),
    ("14", "00"),
    ("29", "10"),
    ("02", "06"),
    ("23", "18"),
)  # clips, one after another


def pieces(found: Sequence[Clip]) -> dict[str, list[Piece]]:
    """Scenes over the clips."""
    out = {name: [make(clip) for clip in found] for name, make in GLIDES.items()}
    eventful = [clip for clip in found if clip.bar in (3, 4)]
    out |= {name: [make(clip) for clip in eventful] for name, make in EVENTS.items()}
    named = {clip.name[:2]: clip for clip in clips()}
    here = {clip.name[:2] for clip in found}
    pairs = [(named[a], named[b]) for a, b in METERS if a in here]
    out["new meter"] = [two_halves(a, f"then {b.meter}", b, 0.0, b.period_s / a.period_s) for a, b in pairs]
    return out


System = Callable[[Sequence[Piece]], list[np.ndarray]]


def band_with(looseness: float = 0.0, **more: float) -> System:
    def strokes(found: Sequence[Piece]) -> list[np.ndarray]:
        played = (play.band(play.listen(piece.sound), looseness=looseness, **more) for piece in found)
        return [np.array([s.time_s for s in strokes if s.on_beat]) for strokes in played]

    return strokes


def ruled(rule: Callable[[play.Said, float], np.ndarray], peer: str | None = None) -> System:
    def strokes(found: Sequence[Piece]) -> list[np.ndarray]:
        said = play.peers_say(peer, found) if peer else [play.said_by_us(play.listen(p.sound)) for p in found]
        return [rule(beats, float(piece.beats_s[-1]) + 1) for beats, piece in zip(said, found, strict=True)]

    return strokes


def systems(quick: bool) -> dict[str, System]:
    mine: dict[str, System] = {
        "antiphon": band_with(),
        "antiphon, looseness 0.6": band_with(0.6),
        "opening's tempo": ruled(play.hold),
        "chasing our ears": ruled(play.chase),
    }
    peers = {f"chasing {name}": ruled(play.chase, name) for name, (python, _) in play.PEERS.items() if python.exists()}
    return mine if quick else mine | peers


COLUMNS = (
    ("median_ms", "median ms", 1),
    ("p95_ms", "p95", 1),
    ("mean_ms", "mean", 1),
    ("strict_median_ms", "strict median", 1),
    ("strict_p95_ms", "strict p95", 0),
    ("covered", "covered", 3),
    ("stray", "stray", 3),
    ("jump_share", "jumps", 3),
    ("recovery_beats", "back after beats", 0),
    ("recovered", "ever", 2),
    ("ran_on", "ran on", 1),
    ("silent", "silent", 0),
)


def table(title: str, rows: dict[str, dict[str, float]]) -> Table:
    out = Table(title=title, title_justify="left")
    out.add_column("")
    for _, name, _ in COLUMNS:
        out.add_column(name, justify="right")
    for name, row in rows.items():
        cells = [f"{row[key]:.{digits}f}" if np.isfinite(row[key]) else "" for key, _, digits in COLUMNS]
        out.add_row(name, *cells)
    return out


def score(found: dict[str, list[Piece]], system: System) -> dict[str, Row]:
    """Scene -> what the system did in it, all its pieces pooled, and "all drifts"."""
    rows = {}
    for scene, made in found.items():
        rows[scene] = measures.nothing()
        for piece, strokes in zip(made, system(made), strict=True):
            rows[scene] += measure(piece, strokes)
    rows["ALL DRIFTS"] = sum((rows[name] for name in DRIFTS), measures.nothing())
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", choices=("even", "odd", "all"), default="all", help="even: those it was made with")
    parser.add_argument("--quick", action="store_true", help="no peers, nothing kept")
    args = parser.parse_args()
    wanted = {"even": (0,), "odd": (1,), "all": (0, 1)}[args.clips]
    found = pieces([clip for clip in clips() if int(clip.name[:2]) % 2 in wanted])
    console = Console(width=170)
    for name, system in systems(args.quick).items():
        figures = {scene: row.figures() for scene, row in score(found, system).items()}
        console.print(table(f"{name}, {args.clips} clips", figures))
        if not args.quick:
            kept = {s: {k: round(v, 4) for k, v in f.items() if np.isfinite(v)} for s, f in figures.items()}
            results.append("following", f"{name}, {args.clips} clips", kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
