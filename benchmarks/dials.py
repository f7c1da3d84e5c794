"""Do the dials work? Each set from low to high on held-out basses: what is measured in the reply, and what else moves.

    python -m benchmarks.dials [--songs 12] [--guidance 3] [--bars 32]

The band is that of `antiphon reply`: the song plan, on the library's grooves. Rank correlation: Spearman's, of setting
and measure (models/training/dial_labels.py) within a song, averaged over songs. Others: how far the other dials'
measures move, in ranks of the training music (0..1), from the lowest setting to the highest, and between two seeds of
the same setting. Surprise: information content of the reply under the responder. Temperature: the same, from 0.3 to
1.5. Friction: "dissonant, do not resolve" must raise tension (chord qualities and notes outside their chord, Lerdahl &
Krumhansl 2007) and lower the falling fifths without wrong notes, that is without leaving the song's key and its two
neighbours on the circle of fifths (Lerdahl 2001, Tonal Pitch Space). Basses: ../shared/band_score. Appends to
results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from agent.reply.generation_options import GenerationOptions
from agent.reply.reply import BassPart, bass_part, planned
from benchmarks.common import results
from models.music.dials import GUIDANCE, LEARNED, NO_DIALS, STYLES, Dials, Knots, rank
from models.music.features import Events, reply_events
from models.music.midi_reader import read_score
from models.music.tokens import (
    EMPTY_REPLY,
    LINE_LOW,
    LINE_ON,
    PARTS,
    QUALITIES,
    BassTick,
    Reply,
    TickInput,
    ticks_per_beat,
)
from models.responder.responder import WEIGHTS, Responder
from models.training.dial_labels import Phrase, measure, syncopation

SONGS = ROOT.parent / "shared" / "band_score" / "songs"
SETTINGS = (0.1, 0.3, 0.5, 0.7, 0.9)
TEMPERATURES = (0.3, 0.6, 0.9, 1.2, 1.5)
SKIP_BARS = 2  # of a reply: the band is coming in
TARGET = 0.8
SCALE = (0, 2, 4, 5, 7, 9, 11)
FRICTION = Dials(tension=0.95, resolution=0.05)


@dataclass(frozen=True)
class Asked:
    """What is asked of the band in a reply."""

    dials: Dials = NO_DIALS
    guidance: float = GUIDANCE
    temperature: float = 0.9
    seed: int = 1


def cut(part: BassPart, bars: int) -> BassPart:
    """The bass's first bars, from where it comes in."""
    until = next((i for i, place in enumerate(part.places) if place.bar >= part.begins + bars), len(part.places))
    return replace(part, places=part.places[:until], basses=part.basses[:until])


@lru_cache(maxsize=4096)
def made(song: int, asked: Asked) -> tuple[Reply, ...]:
    """The band's reply in each tick of a bass (its place in BASSES)."""
    options = GenerationOptions(asked.seed, asked.temperature, PARTS, asked.dials, asked.guidance)
    return tuple(reply for reply, _ in planned(None, BASSES[song], options))


BASSES: list[BassPart] = []


def measured(song: int, asked: Asked) -> tuple[dict[str, float], Events]:
    """The dials' measures of a reply from its third bar on, and the reply."""
    part, replies = BASSES[song], made(song, asked)
    rows = [(b.onset_pitch, b.velocity, b.sounding_pitch) for b in part.basses]
    bass = np.array([[-1 if value is None else value for value in row] for row in rows])
    events = Events(bass, np.ones(len(replies), bool), *reply_events(replies))
    return measure(phrase_of(part, events)), events


def phrase_of(part: BassPart, events: Events) -> Phrase:
    start = next((i for i, place in enumerate(part.places) if place.bar >= part.begins + SKIP_BARS), 0)
    at = slice(start, len(part.places))
    beat = np.array([place.tick % ticks_per_beat(place.meter) == 0 for place in part.places[at]])
    return Phrase(events.bass[at], events.drums[at], events.chord[at], events.line[at], beat, (True, True, True))


def bits(model: Responder, song: int, asked: Asked) -> float:
    """Information content of a reply in bits a tick, under the model without any dial."""
    part = BASSES[song]
    state, before, found = model.initial_state(), EMPTY_REPLY, []
    heard = [BassTick(True), *part.basses]
    for place, bass, reply in zip(part.places, heard, made(song, asked), strict=False):
        state = model.step(TickInput(place, bass, None, before), state)
        found.append(model.information(state, reply))
        before = reply
    return float(np.mean(found[32:]))


def dial_row(name: str, songs: range, knots: Knots, guidance: float) -> dict[str, float]:
    """Rank correlation of the dial, and how far the others move."""
    correlations, moved, means = [], [], []
    for song in tqdm(songs, desc=name, mininterval=5, disable=None):
        asked = [Asked(Dials(**{name: value}), guidance) for value in SETTINGS]  # type: ignore[arg-type]
        found = [measured(song, wish)[0] for wish in asked]
        own = np.array([row[name] for row in found])
        means.append([rank(name, value, knots) for value in own])
        known = np.isfinite(own)
        if known.sum() > 2:
            constant = np.ptp(own[known]) == 0
            correlations.append(0.0 if constant else spearmanr(np.array(SETTINGS)[known], own[known]).statistic)
        again = measured(song, replace(asked[0], seed=2))[0]
        moved.append([_others(name, found[0], found[-1], knots), _others(name, found[0], again, knots)])
    low, *_, high = np.nanmean(means, 0)
    return {
        "rank correlation": float(np.mean(correlations)),
        "lowest": float(np.min(correlations)),
        "own rank at low": float(low),
        "own rank at high": float(high),
        "others move": float(np.nanmean(moved, 0)[0]),
        "between seeds": float(np.nanmean(moved, 0)[1]),
    }


def _others(name: str, one: dict[str, float], other: dict[str, float], knots: Knots) -> float:
    """How far the other dials' measures lie apart, in ranks."""
    moves = [abs(rank(n, one[n], knots) - rank(n, other[n], knots)) for n in LEARNED if n != name]
    return float(np.nanmean(moves))


def luck_row(model: Responder, songs: range, asked: list[Asked]) -> dict[str, float]:
    """How bits a tick rise over these settings of one dial."""
    table = np.array([[bits(model, s, one) for one in asked] for s in tqdm(songs, desc="luck", disable=None)])
    found = [spearmanr(range(len(asked)), row).statistic for row in table]
    low, *_, high = table.mean(0)
    return {"rank correlation": float(np.nanmean(found)), "bits a tick at low": float(low), "at high": float(high)}


def style_row(songs: range) -> dict[str, float]:
    """How much off-beat playing differs between styles, against between seeds of one style (ratio of deviations)."""
    asked = [Asked(Dials(style=style), seed=seed) for style in STYLES for seed in (1, 2)]
    table = np.array(
        [[syncopation(phrase_of(BASSES[s], measured(s, a)[1])) for a in asked] for s in tqdm(songs, desc="style")]
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


def friction(songs: range, guidance: float) -> dict[str, dict[str, float]]:
    """Measures with nothing asked and with dissonance that does not resolve."""
    rows = {}
    for name, dials in {"nothing asked": Dials(), "dissonant, do not resolve": FRICTION}.items():
        found = []
        for song in songs:
            own, events = measured(song, Asked(dials, guidance))
            found.append([own["tension"], own["resolution"], outside(events, neighbourhood(events))])
        tension, falls, wrong = np.nanmean(found, 0)
        rows[name] = {"tension": tension, "falling fifths": falls, "outside the neighbourhood": wrong}
    return rows


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dials", description=__doc__)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--bars", type=int, default=32, help="of each bass")
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    args = parser.parse_args(argv)
    folders = sorted(SONGS.glob("*/bass.mid"))
    if not folders:
        print(f"skipped: no basses in {SONGS}")
        return 0
    for path in folders[:: max(len(folders) // args.songs, 1)][: args.songs]:
        BASSES.append(cut(bass_part(read_score(path), path.parent.name), args.bars))
    songs = range(len(BASSES))
    model = Responder.load(WEIGHTS)
    knots = json.loads(WEIGHTS.with_suffix(".json").read_text())["config"]["knots"]
    rows = {name: dial_row(name, songs, knots, args.guidance) for name in LEARNED}
    rows["surprise"] = luck_row(model, songs, [Asked(Dials(surprise=value)) for value in SETTINGS])
    rows["temperature"] = luck_row(model, songs, [Asked(temperature=value) for value in TEMPERATURES])
    rows["style"] = style_row(songs)
    rows |= friction(songs, args.guidance)
    print(f"{len(BASSES)} basses, {args.bars} bars each, guidance {args.guidance:g}, the song plan")
    for name, row in rows.items():
        print(f"{name:28}" + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
        results.append("dials", f"plan: {name}", {**row, "guidance": args.guidance})
    asked = [rows[name]["rank correlation"] for name in (*LEARNED, "surprise")]
    print(f"{sum(value >= TARGET for value in asked)} of {len(asked)} dials reach a rank correlation of {TARGET}")
    return 0 if min(asked) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
