"""Does the band stay with the player? Its drum onsets against the true beats, when the tempo moves and when it jumps.

`python benchmarks/following.py [--clips even|odd|all] [--only SCENE ...] [--quick]`. Deliberate micro-timing is off
(looseness 0) but where it says otherwise. Beside it: the opening's tempo for ever; the last interval played on from the
last beat, as our ears, madmom online and aubio.tempo tell it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.common import following_picture, results
from benchmarks.inputs.following_lines import Clip, Piece, as_it_is, clips, moved, ramp, steady, two_halves, wave
from benchmarks.measures import following_measures as measures
from benchmarks.measures import following_play as play
from benchmarks.measures.following_measures import Row, measure

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


def pieces(found: Sequence[Clip], only: Sequence[str] = ()) -> dict[str, list[Piece]]:
    """Scenes over the clips; of these names, where any are given."""
    out = {name: [make(clip) for clip in found] for name, make in GLIDES.items() if not only or name in only}
    eventful = [clip for clip in found if clip.bar in (3, 4)]
    out |= {n: [make(clip) for clip in eventful] for n, make in EVENTS.items() if not only or n in only}
    if only and "new meter" not in only:
        return out
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
    ("within_19ms", "within 19", 3),
    ("early", "early", 3),
    ("late", "late", 3),
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
    rows["ALL DRIFTS"] = sum((rows[name] for name in DRIFTS if name in rows), measures.nothing())
    return rows


ASKED_S = (-0.010, 0.0, 0.015, 0.030)


def asked_behind(found: Sequence[Piece]) -> dict[str, float]:
    """Return how much later the band plays when asked for, say, 15 ms than when not asked, in ms; and its spread."""
    middles = {}
    for asked_s in ASKED_S:
        rows = [measure(p, s) for p, s in zip(found, band_with(behind_s=asked_s)(found), strict=True)]
        near = [row.error_s[np.abs(row.error_s) < measures.NEAR_S] for row in rows]
        middles[asked_s] = np.array([np.median(errors) if len(errors) else np.nan for errors in near])
    out = {}
    for asked_s in ASKED_S:
        moved_ms = 1000 * (middles[asked_s] - middles[0.0])
        out[f"{1000 * asked_s:.0f} ms"] = float(np.nanmean(moved_ms))
        out[f"{1000 * asked_s:.0f} ms, worst line off by"] = float(np.nanmax(np.abs(moved_ms - 1000 * asked_s)))
    return out


def picture(found: dict[str, list[Piece]], all_rows: dict[str, dict[str, Row]]) -> None:
    made = next((piece for piece in found.get("wave 15%", []) if piece.name[:2] in ("02", "09")), None)
    if made:
        rows = {name: scenes["ALL DRIFTS"] for name, scenes in all_rows.items() if name != "antiphon, looseness 0.6"}
        following_picture.draw(made, band_with()([made])[0], rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", choices=("even", "odd", "all"), default="all", help="even: those it was made with")
    parser.add_argument("--only", nargs="*", default=(), help="scenes")
    parser.add_argument("--quick", action="store_true", help="no peers, nothing kept")
    args = parser.parse_args()
    wanted = {"even": (0,), "odd": (1,), "all": (0, 1)}[args.clips]
    found = pieces([clip for clip in clips() if int(clip.name[:2]) % 2 in wanted], args.only)
    console = Console(width=170)
    all_rows = {}
    for name, system in systems(args.quick).items():
        all_rows[name] = score(found, system)
        figures = {scene: row.figures() for scene, row in all_rows[name].items()}
        console.print(table(f"{name}, {args.clips} clips", figures))
        if not args.quick:
            kept = {s: {k: round(v, 4) for k, v in f.items() if np.isfinite(v)} for s, f in figures.items()}
            results.append("following", f"{name}, {args.clips} clips", kept)
    if "steady" in found:
        behind = asked_behind(found["steady"])
        console.print("played behind the beat, asked -> got:", {k: round(v, 1) for k, v in behind.items()})
        if not args.quick:
            results.append("following_behind", f"antiphon, {args.clips} clips", behind)
    if not args.quick:
        picture(found, all_rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
