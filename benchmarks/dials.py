"""Do the dials work? Each set from low to high on held-out basses: what is measured in the reply, and what else moves.

    python -m benchmarks.dials [--weights STEM] [--songs 12] [--guidance 3]

Rank correlation: Spearman's, of setting and measure within a song, averaged over songs. Others: how far the other
dials' measures move, in ranks of the training music (0..1), from the lowest setting to the highest, and between two
seeds of the same setting. Friction: "dissonant, do not resolve" must raise tension (chord qualities and notes outside
their chord, Lerdahl & Krumhansl 2007) and lower the falling fifths without wrong notes, that is without leaving the
song's key and its two neighbours on the circle of fifths (Lerdahl 2001, Tonal Pitch Space). Needs
data_cache/responder.npz. Appends to results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from benchmarks import results
from benchmarks.answering import Asked, bass_tick, events_of, phrase_of, place_of, replies, spread
from models.corpus.song import CACHE, Song, load_songs
from models.music.dials import GUIDANCE, LEARNED, STYLES, Dials, Knots, rank
from models.music.features import Events
from models.music.tokens import EMPTY_REPLY, LINE_LOW, LINE_ON, QUALITIES, TickInput
from models.responder.responder import WEIGHTS, Responder
from models.training.dial_labels import measure, syncopation

SETTINGS = (0.1, 0.3, 0.5, 0.7, 0.9)
TICKS = 224
TARGET = 0.8
SCALE = (0, 2, 4, 5, 7, 9, 11)
FRICTION = Dials(tension=0.95, resolution=0.05)


def measured(model: Responder, song: Song, asked: Asked) -> tuple[dict[str, float], Events]:
    """The dials' measures of a reply, and the reply."""
    made = replies(model, song, TICKS, asked)
    events = events_of(song, made)
    return measure(phrase_of(song, events)), events


def bits(model: Responder, song: Song, asked: Asked) -> float:
    """Information content of a reply in bits a tick, under the model without any dial."""
    made = replies(model, song, TICKS, asked)
    state, before, found = model.initial_state(), EMPTY_REPLY, []
    for tick, reply in enumerate(made):
        state = model.step(TickInput(place_of(song, tick), bass_tick(song.events, tick - 1), None, before), state)
        found.append(model.information(state, reply))
        before = reply
    return float(np.mean(found[32:]))


def dial_row(model: Responder, name: str, songs: list[Song], knots: Knots, guidance: float) -> dict[str, float]:
    """Rank correlation of the dial, and how far the others move."""
    correlations, moved, means = [], [], []
    for song in tqdm(songs, desc=name, mininterval=5):
        asked = [Asked(Dials(**{name: value}), guidance) for value in SETTINGS]  # type: ignore[arg-type]
        found = [measured(model, song, wish)[0] for wish in asked]
        own = np.array([row[name] for row in found])
        means.append([rank(name, value, knots) for value in own])
        known = np.isfinite(own)
        if known.sum() > 2:
            constant = np.ptp(own[known]) == 0
            correlations.append(0.0 if constant else spearmanr(np.array(SETTINGS)[known], own[known]).statistic)
        again = measured(model, song, replace(asked[0], seed=1))[0]
        moved.append([_others(name, found[0], found[-1], knots), _others(name, found[0], again, knots)])
    low, *_, high = np.nanmean(means, 0)
    return {
        "rank correlation": float(np.mean(correlations)),
        "own rank at low": float(low),
        "own rank at high": float(high),
        "others move": float(np.mean(moved, 0)[0]),
        "between seeds": float(np.mean(moved, 0)[1]),
    }


def _others(name: str, one: dict[str, float], other: dict[str, float], knots: Knots) -> float:
    """How far the other dials' measures lie apart, in ranks."""
    moves = [abs(rank(n, one[n], knots) - rank(n, other[n], knots)) for n in LEARNED if n != name]
    return float(np.nanmean(moves))


def surprise_row(model: Responder, songs: list[Song]) -> dict[str, float]:
    table = np.array(
        [[bits(model, s, Asked(Dials(surprise=v))) for v in SETTINGS] for s in tqdm(songs, desc="surprise")]
    )
    found = [spearmanr(SETTINGS, row).statistic for row in table]
    low, *_, high = table.mean(0)
    return {"rank correlation": float(np.mean(found)), "bits a tick at low": float(low), "at high": float(high)}


def style_row(model: Responder, songs: list[Song]) -> dict[str, float]:
    """How much off-beat playing differs between styles, against between seeds of one style (ratio of deviations)."""
    asked = [Asked(Dials(style=style), seed=seed) for style in STYLES for seed in (0, 1)]
    table = np.array(
        [[syncopation(phrase_of(s, measured(model, s, a)[1])) for a in asked] for s in tqdm(songs, desc="style")]
    ).reshape(len(songs), len(STYLES), 2)
    between, within = table.mean(2).std(1).mean(), (np.abs(np.diff(table, axis=2)) / np.sqrt(2)).mean()
    return {"between styles over between seeds": float(between / max(within, 1e-9))}


def neighbourhood(events: Events) -> set[int]:
    """The nine pitch classes of the piece's best diatonic collection and its neighbours a fifth up and down."""
    counts = np.bincount(events.bass[events.bass[:, 0] >= 0, 0] % 12, minlength=12).astype(float)
    for root, quality in events.chord[events.chord[:, 0] > 1, 2:]:
        counts[[(root + step) % 12 for step in list(QUALITIES.values())[quality]]] += 1
    best = max(range(12), key=lambda tonic: sum(counts[(tonic + step) % 12] for step in SCALE))
    return {(best + shift + step) % 12 for shift in (0, 5, 7) for step in SCALE}


def outside(events: Events, allowed: set[int]) -> float:
    """Share of chord tones and line notes that leave the neighbourhood."""
    notes = [
        (root + step) % 12
        for root, quality in events.chord[events.chord[:, 0] > 1, 2:]
        for step in list(QUALITIES.values())[quality]
    ]
    notes += [(pitch + LINE_LOW) % 12 for pitch in events.line[events.line[:, 0] == LINE_ON, 2]]
    return float(np.mean([note not in allowed for note in notes])) if notes else 0.0


def friction(model: Responder, songs: list[Song], guidance: float) -> dict[str, dict[str, float]]:
    """Measures with nothing asked and with dissonance that does not resolve."""
    rows = {}
    for name, dials in {"nothing asked": Dials(), "dissonant, do not resolve": FRICTION}.items():
        found = []
        for song in tqdm(songs, desc=name, mininterval=5):
            own, events = measured(model, song, Asked(dials, guidance))
            found.append([own["tension"], own["resolution"], outside(events, neighbourhood(song.events))])
        tension, falls, wrong = np.nanmean(found, 0)
        rows[name] = {"tension": tension, "falling fifths": falls, "outside the neighbourhood": wrong}
    return rows


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dials", description=__doc__)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    args = parser.parse_args(argv)
    if not CACHE.exists():
        print("skipped: data_cache/responder.npz is absent; it is built from ../shared by `python -m models.data`")
        return 0
    model = Responder.load(args.weights)
    knots = json.loads(args.weights.with_suffix(".json").read_text())["config"]["knots"]
    songs = spread([s for s in load_songs() if s.split == "test"], args.songs, lambda s: len(s) >= TICKS)
    rows = {name: dial_row(model, name, songs, knots, args.guidance) for name in LEARNED}
    rows["surprise"] = surprise_row(model, songs)
    rows["style"] = style_row(model, songs)
    rows |= friction(model, songs, args.guidance)
    print(f"{len(songs)} held-out basses, {TICKS} ticks each, guidance {args.guidance:g}, weights {args.weights.name}")
    for name, row in rows.items():
        print(f"{name:28}" + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
        results.append("dials", f"{args.weights.name}: {name}", {**row, "guidance": args.guidance})
    asked = [rows[name]["rank correlation"] for name in (*LEARNED, "surprise")]
    print(f"{sum(value >= TARGET for value in asked)} of {len(asked)} dials reach a rank correlation of {TARGET}")
    return 0 if min(asked) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
