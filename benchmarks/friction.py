"""Friction on request: what "more dissonance, don't resolve it" and "sweeter" do to the chords.

    python -m benchmarks.friction [-o OUT] [--songs 20] [--seed 1] [--jam] [--antiphon CMD]
    python -m benchmarks.friction -o OUT --score      only score what stands in OUT

Songs of ../shared/band_score, evenly spread, each answered three times with one seed: as it comes, asked for friction,
asked for sweetness. `reply` is asked by `--say` where it has that option, else by the dials that the sentence sets;
--jam: the bass is rendered and played to `jam --fast` with the sentence in force from the first bar. A stroke is what
the chord voices begin on one 16th.

rubs: share of strokes with a second, ninth, tritone or major seventh above the chord's root or the bass that sounds.
kinds: how many of these four are in at least 5% of the strokes. rub inside: two chord voices a semitone, a tritone, a
major seventh or a minor ninth apart. roughness: Sethares, JASA 94(3), 1993, of the struck chord alone, summed over all
pairs of partials, per voice. outside: share of chord and line notes that are not of the key (from the whole truth), its
near modes or the bass's notes of the bar and do not go on by a semitone into it. V7-I: resolutions of a dominant
seventh to its tonic in the chord voices, in 100 strokes. Appends to benchmarks/results.jsonl.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.directions.active import ActiveEdits
from agent.language.parser import parse
from agent.takes.measures import roughness
from benchmarks.common import band_score, results

ASKED = {"plain": "", "friction": "more dissonance, don't resolve it", "sweeter": "sweeter"}
KINDS = {"second": (1, 2), "ninth": (13, 14), "tritone": (6,), "major seventh": (11,)}  # semitones above root or bass
INSIDE = (1, 6, 11)  # pitch class distances of two voices that rub, either way round
SAID = 0.05  # share of strokes from which a kind of tension counts
ROSE = 0.02  # by which a kind's share has to grow to count as asked for
NEAR = {0: (6, 10), 1: (1, 9, 11)}  # maj -> degrees of lydian, mixolydian; min -> phrygian, dorian, harmonic minor
RISE, MOST, ROUGHER, OUTSIDE = 0.20, 0.85, 1.2, 0.05  # targets
Note = tuple[int, int, int, int]  # start, end (ticks), pitch, velocity
Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Stroke:
    """What the chord voices begin in one tick: pitches, rising; the bass pitch that sounds, None = none."""

    tick: int
    pitches: tuple[int, ...]
    bass: int | None

    @property
    def classes(self) -> frozenset[int]:
        return frozenset(pitch % 12 for pitch in self.pitches)

    @property
    def root(self) -> int:
        """The pitch class that most looks like the root: a fifth and a third above it, itself struck, in the bass."""
        bass = None if self.bass is None else self.bass % 12
        candidates = sorted(self.classes | ({bass} if bass is not None else set()), key=lambda pc: (pc != bass, pc))
        return max(candidates, key=lambda pc: self._like_root(pc, bass))

    def _like_root(self, pc: int, bass: int | None) -> float:
        def has(*steps: int) -> bool:
            return any((pc + step) % 12 in self.classes for step in steps)

        return 2.0 * has(7) + 2.0 * has(3, 4) + 0.5 * has(6) + 1.0 * has(0) + 0.5 * has(10, 11) + 1.5 * (pc == bass)

    @property
    def kinds(self) -> frozenset[str]:
        """Which KINDS of tension stand in the stroke, against its root or the bass."""
        found = set()
        root = min((p for p in self.pitches if p % 12 == self.root), default=None)
        for low in {p for p in (root, self.bass) if p is not None}:
            for pitch in self.pitches:
                step = (pitch - low) % 12
                far = step in (1, 2) and pitch - low > 12
                found |= {kind for kind, steps in KINDS.items() if (step + 12 if far else step) in steps}
        return frozenset(found)

    @property
    def rubs_inside(self) -> bool:
        ordered = sorted(self.pitches)
        return any((b - a) % 12 in INSIDE for i, a in enumerate(ordered) for b in ordered[i + 1 :])

    @property
    def roughness(self) -> float:
        """Sethares' sum over all pairs of partials, per voice."""
        count = len(self.pitches)
        return roughness(self.pitches) * (count * (count - 1) / 2) / count


def strokes_of(chords: Sequence[Note], bass: Sequence[Note]) -> list[Stroke]:
    """Return the strokes of two or more voices, in time order."""
    by_tick: dict[int, set[int]] = {}
    for start, _, pitch, _ in chords:
        by_tick.setdefault(start, set()).add(pitch)
    under = sorted(bass)
    found = []
    for tick in sorted(by_tick):
        sounding = [pitch for start, end, pitch, _ in under if start <= tick < end]
        if len(by_tick[tick]) >= 2:
            found.append(Stroke(tick, tuple(sorted(by_tick[tick])), min(sounding, default=None)))
    return found


def resolutions(strokes: Sequence[Stroke]) -> int:
    """Count dominant sevenths (third and seventh struck, root in chord or bass) that the next other chord resolves."""
    count = 0
    for one, after in pairwise(strokes):
        classes = one.classes | ({one.bass % 12} if one.bass is not None else set())
        for root in one.classes:
            tonic = (root + 5) % 12
            is_dominant = {root, (root + 4) % 12, (root + 10) % 12} <= classes
            lands = tonic in after.classes and {(tonic + 3) % 12, (tonic + 4) % 12} & after.classes
            count += bool(is_dominant and lands and after.root == tonic)
    return count


def outside(notes: Sequence[Note], bass: Sequence[Note], bars: Sequence[Any], tonic: int, mode: int) -> float:
    """Return the share of notes that are foreign: not in the key or a near mode, not the bass's in this bar, and not a
    neighbour that goes on by a semitone into the scale with the next thing played."""
    (score,) = band_score.scripts("score")
    scale = {(tonic + step) % 12 for step in score.SCALES[mode]}
    allowed = scale | {(tonic + step) % 12 for step in NEAR[mode]}
    starts = np.array([bar.start for bar in bars])

    def bar_of(tick: int) -> int:
        return int(np.searchsorted(starts, tick, "right")) - 1

    played: dict[int, set[int]] = {}
    for start, _, pitch, _ in bass:
        played.setdefault(bar_of(start), set()).add(pitch % 12)
    struck: dict[int, set[int]] = {}
    for start, _, pitch, _ in notes:
        struck.setdefault(start, set()).add(pitch)
    ticks = sorted(struck)
    after = dict(pairwise(ticks))
    foreign = 0
    for start, _, pitch, _ in notes:
        if pitch % 12 in allowed | played.get(bar_of(start), set()):
            continue
        following = struck.get(after.get(start, -1), set())
        foreign += not any(abs(other - pitch) == 1 and other % 12 in scale for other in following)
    return foreign / max(len(notes), 1)


def figures_of(folder: Path, system: str, key: tuple[int, int]) -> Figures:
    """Return one reply's figures. key: (tonic, mode: 0 major, 1 minor) of the song."""
    song, bass = band_score.read(folder, system), band_score.read(folder, "bass").parts["bass"]
    chords, line = song.parts.get("chords", []), song.parts.get("line", [])
    strokes = strokes_of(chords, bass)
    if not strokes:
        return {}
    share = {kind: float(np.mean([kind in one.kinds for one in strokes])) for kind in KINDS}
    bars = band_score.read(folder, "bass").bars
    return {
        "rubs": float(np.mean([bool(one.kinds) for one in strokes])),
        **share,
        "kinds": float(sum(value >= SAID for value in share.values())),
        "rub inside": float(np.mean([one.rubs_inside for one in strokes])),
        "roughness": float(np.mean([one.roughness for one in strokes])),
        "voices": float(np.mean([len(one.pitches) for one in strokes])),
        "outside": outside([*chords, *line], bass, bars, *key),
        "V7-I in 100": 100 * resolutions(strokes) / len(strokes),
        "strokes": float(len(strokes)),
    }


def key_of(folder: Path) -> tuple[int, int]:
    """Return (tonic, mode) of a song as band_score/score.py finds it: from the truth, else from the bass."""
    (score,) = band_score.scripts("score")
    song = band_score.read(folder, "truth" if (folder / "truth.mid").exists() else "bass")
    counts = np.zeros(12)
    for name, notes in song.parts.items():
        for start, end, pitch, _ in notes if name != "drums" else ():
            counts[pitch % 12] += min(end - start, 8)
    profiles = enumerate((score.MAJ, score.MIN))
    _, tonic, mode = max((np.corrcoef(np.roll(p, k), counts)[0, 1], k, m) for m, p in profiles for k in range(12))
    return int(tonic), int(mode)


# ---- asking the band


def options_for(sentence: str, has_say: bool) -> list[str]:
    """Return the options of `reply` that say the sentence: --say, or the dials it turns."""
    if not sentence:
        return []
    if has_say:
        return ["--say", sentence]
    dials = ActiveEdits().ask(parse(sentence).edits).settings(0, 4).dials
    turned = {"tension": dials.tension, "resolution": dials.resolution}
    return [word for name, value in turned.items() if value is not None for word in (f"--{name}", f"{value:g}")]


def replies(songs: Sequence[Path], out: Path, command: str, seed: int) -> None:
    """Answer each song in each way into OUT/song/<way>.mid, where it does not stand yet."""
    has_say = "--say" in band_score.antiphon(command, ["reply", "--help"], out)[1]
    for song in tqdm(songs, desc="reply", disable=None):
        folder = placed(song, out)
        for way, sentence in ASKED.items():
            made = folder / f"{way}.mid"
            args = ["reply", folder / "bass.mid", "-o", made, "--seed", str(seed), *options_for(sentence, has_say)]
            code, said = band_score.antiphon(command, args, out) if not made.exists() else (0, "")
            if code:
                print(f"{song.name}, {way}: {said.strip()[-160:]}", file=sys.stderr)


def placed(song: Path, out: Path) -> Path:
    folder = out / song.name
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("bass.mid", "truth.mid"):
        if (song / name).exists() and not (folder / name).exists():
            shutil.copy(song / name, folder / name)
    return folder


def jams(songs: Sequence[Path], out: Path, seed: int, seconds: float) -> None:
    """Play each song's bass to the live band (`jam --fast`), put back on the true grid, in each way."""
    from rich.console import Console

    from agent.core.config import load
    from agent.directions.active import SetActiveEdits
    from agent.session import setup
    from agent.session.monitor import Monitor
    from agent.session.offline import OfflineSession

    live_bass, jam_to_song = band_score.scripts("live_bass", "jam_to_song")
    live_bass.SECONDS = seconds
    for song in tqdm(songs, desc="jam", disable=None):
        folder, sound = placed(song, out), out / "_sound"
        if all((folder / f"{way}.mid").exists() for way in ASKED):
            continue
        live_bass.main(out, sound, [song.name])
        for way, sentence in ASKED.items():
            session = out / "_sessions" / f"{song.name}-{way}"
            shutil.rmtree(session, ignore_errors=True)
            config = load(None, {"band.seed": seed})
            where = setup.choose(config, sound / f"{song.name}.flac", True)
            edits = ActiveEdits().ask(parse(sentence).edits) if sentence else ActiveEdits()
            played = OfflineSession(config, where, session, Monitor(Console(quiet=True), live=False))
            played.tell(SetActiveEdits(edits))
            played.run()
            jam_to_song.convert(out / "_made", way, session, sound / f"{song.name}.json")
            shutil.copy(out / "_made" / way / "reply.mid", folder / f"{way}.mid")
        shutil.copy(out / "_made" / "plain" / "bass.mid", folder / "bass.mid")  # what was rendered, on the true grid
        (folder / "truth.mid").unlink(missing_ok=True)


# ---- the table


def measured(out: Path, ways: Sequence[str] = tuple(ASKED)) -> dict[str, dict[str, Figures]]:
    """Return song -> way -> figures, of the songs that stand in a folder in every way."""
    rows = {}
    for folder in sorted(d for d in out.iterdir() if (d / "bass.mid").exists()):
        if all((folder / f"{way}.mid").exists() for way in ways):
            key = key_of(folder)
            found = {way: figures_of(folder, way, key) for way in ways}
            if all(found.values()):
                rows[folder.name] = found
    return rows


def means(rows: Mapping[str, Mapping[str, Figures]]) -> dict[str, Figures]:
    """Return way -> each figure's mean over songs."""
    ways = next(iter(rows.values()))
    return {
        way: {name: float(np.mean([row[way][name] for row in rows.values()])) for name in ways[way]} for way in ways
    }


def verdicts(mean: Mapping[str, Figures]) -> Iterator[tuple[bool, str]]:
    """Yield (met, what is wanted and what came)."""
    plain, friction, sweeter = (mean[way] for way in ASKED)
    rise = friction["rubs"] - plain["rubs"]
    yield rise >= RISE, f"friction: rubs rise by {rise:+.2f} (wanted: {RISE:+.2f} at least)"
    yield friction["rubs"] <= MOST, f"friction: rubs {friction['rubs']:.2f} (at most {MOST})"
    rose = [kind for kind in KINDS if friction[kind] - plain[kind] >= ROSE]
    yield len(rose) >= 3, f"friction: kinds that rise by {ROSE} or more: {len(rose)} (3 at least): {', '.join(rose)}"
    factor = friction["roughness"] / plain["roughness"]
    yield factor >= ROUGHER, f"friction: roughness times {factor:.2f} ({ROUGHER} at least)"
    yield friction["outside"] <= OUTSIDE, f"friction: notes outside {friction['outside']:.3f} (at most {OUTSIDE})"
    yield friction["V7-I in 100"] == 0, f"friction: V7-I in 100 strokes {friction['V7-I in 100']:.2f} (none)"
    fall = sweeter["rubs"] - plain["rubs"]
    yield fall <= 0, f"sweeter: rubs change by {fall:+.2f} (not more)"
    yield (
        sweeter["roughness"] < plain["roughness"],
        (f"sweeter: roughness times {sweeter['roughness'] / plain['roughness']:.2f} (less)"),
    )
    yield sweeter["outside"] <= OUTSIDE, f"sweeter: notes outside {sweeter['outside']:.3f} (at most {OUTSIDE})"


def show(title: str, rows: Mapping[str, Mapping[str, Figures]], per_song: bool) -> bool:
    """Print the table and what of it is met; return whether all is."""
    mean = means(rows)
    print(f"\n{title}: {len(rows)} songs, means\n{'figure':16}" + "".join(f"{way:>12}" for way in mean))
    for name in mean["plain"]:
        print(f"{name:16}" + "".join(f"{mean[way][name]:12.3f}" for way in mean))
    if per_song:
        print(f"\n{'song':44}rubs plain, friction, sweeter; roughness; outside; V7-I")
        for song, row in sorted(rows.items(), key=lambda item: item[1]["friction"]["rubs"] - item[1]["plain"]["rubs"]):
            cells = (" ".join(f"{row[way][f]:6.2f}" for way in ASKED) for f in ("rubs", "roughness", "outside"))
            print(f"{song[:43]:44}{' | '.join(cells)} | {row['friction']['V7-I in 100']:.2f}")
    told = list(verdicts(mean))
    for met, text in told:
        print(f"{'met   ' if met else 'MISSED'} {text}")
    return all(met for met, _ in told)


def main(argv: list[str] | None = None) -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m benchmarks.friction", description=__doc__, formatter_class=raw)
    parser.add_argument("-o", "--out", type=Path, help="folder of the replies; those that stand there are kept")
    parser.add_argument("--songs", type=int, default=20)
    parser.add_argument("--only", default="*", metavar="GLOB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jam", action="store_true", help="the live band on the rendered bass, instead of reply")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each bass that is played live")
    parser.add_argument("--antiphon", metavar="CMD", default=band_score.OWN, help="another version's command")
    parser.add_argument("--name", default="", help="of the system in results.jsonl (default: reply or jam)")
    parser.add_argument("--score", action="store_true", help="only score what stands in OUT")
    parser.add_argument("--per-song", action="store_true")
    args = parser.parse_args(argv)
    if not band_score.is_there():
        print(band_score.ABSENT)
        return 0
    out = (args.out or Path(tempfile.mkdtemp(prefix="friction-"))).resolve()
    out.mkdir(parents=True, exist_ok=True)
    chosen = band_score.songs(args.only, args.songs)
    if args.jam and not args.score:
        jams(chosen, out, args.seed, args.seconds)
    elif not args.score:
        replies(chosen, out, args.antiphon, args.seed)
    rows = measured(out)
    if not rows:
        print(f"-o {out}: holds no song that was answered in all ways ({', '.join(ASKED)})")
        return 1
    name = args.name or ("jam" if args.jam else "reply")
    met = show(name, rows, args.per_song)
    if not args.score:
        for way, found in means(rows).items():
            figures = {key: round(value, 4) for key, value in found.items()}
            results.append("friction", f"{name}, {way}", {"songs": len(rows), **figures})
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
