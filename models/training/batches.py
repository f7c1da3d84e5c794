"""Make training batches of songs: crops, transposed, as incomplete as what the responder meets when it plays.

Parts of the bass are unknown, the sound mostly so, and the band is silent for the first bars now and then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.corpus.mishearing import known_ticks, misheard
from models.corpus.song import Song
from models.music import dials, features, past, plan_values, tokens
from models.music.dials import Knots
from models.music.features import Events, Ints
from models.music.tick_grid import fold
from models.music.tokens import LINE_LOW, PIECES
from models.responder.net import PastTensors, Targets
from models.responder.shape import FORESIGHT
from models.training.dial_labels import measure, phrases_of, ranks_of, shown_by

Kind = TypeVar("Kind", bound=np.generic)

SOURCE_SHARE = {"freedoom": 0.26, "simutrans": 0.16, "groove": 0.08, "mma": 0.5}
OWN_SHARE = 0.5  # of music a user brings, beside the sum of the others
METER_SHARE_44 = 0.4  # of the mma draws; the other meters share the rest, weighted by the root of their counts
LEAD_IN_SHARE = 0.3  # crops that begin with the band silent
SOUND_SHARE = 0.6  # crops that hear the sound where the song has it
THIN_SHARE = 0.15  # how often a piece without a full kit is drawn, beside one with it
BUSY_SHARE, TRIES = 0.75, 4  # of a crop's 16-tick blocks that have drums, if that many draws find one


@dataclass(frozen=True, slots=True)
class Batch:
    """One training batch.

    rows [B, T, 25], sound [B, T, S + 1], cond [B, T, P + dials]; targets over B * T; weight [B * T] 0: not scored.
    """

    rows: Tensor
    sound: Tensor
    cond: Tensor
    targets: Targets
    weight: Tensor
    past: PastTensors | None = None

    @property
    def given(self) -> tuple[Tensor, Tensor, Tensor, PastTensors | None]:
        """Return what a network's forward takes."""
        return self.rows, self.sound, self.cond, self.past


@dataclass(frozen=True, slots=True)
class Crop:
    """One crop of a song. beat [T]: is the tick on a beat; phrase [T]: its phrase; wish [T, dials.DIM]: what is asked
    for.
    """

    events: Events
    cond: NDArray[np.float32]
    beat: NDArray[np.bool_]
    phrase: Ints
    wish: NDArray[np.float32]
    sound: NDArray[np.float32]
    has: tuple[bool, bool, bool]
    weight: NDArray[np.float32]
    silent: int = 0  # first ticks in which the band is not heard
    bass: bool = True  # whether the piece has one
    place: Ints | None = None  # [T, 3]: tick, bar and the bar's ticks


class Sampler:
    """Draws training crops of `length` ticks by source and meter; a crop depends on seed, step and index only."""

    def __init__(
        self,
        songs: list[Song],
        length: int,
        sound_dim: int,
        seed: int,
        styles: list[str | None] | None = None,
        recall: bool = False,
    ) -> None:
        """recall: whether the network is told of the bars before (models/music/past.py)."""
        self.recall = recall
        self.songs, self.length, self.sound_dim, self.seed = songs, length, sound_dim, seed
        self.styles = styles or [None] * len(songs)
        self.knots: Knots | None = None  # without them nothing is asked for
        self._weights = _draw_weights(songs)

    def batch(self, step: int, size: int, rank: int = 0, world: int = 1) -> Batch:
        """Return the share of the batch that process `rank` of `world` has."""
        crops = [self._crop(np.random.default_rng([self.seed, step, i])) for i in range(rank, size, world)]
        return collate(crops, self.recall)

    def measured(self, crops: int) -> Knots:
        """Return the quantiles of each dial's measure over this many crops."""
        rows = [
            measure(phrase)
            for index in range(crops)
            for crop in [self._drawn(np.random.default_rng([self.seed, index]))[0]]
            for _, phrase in phrases_of(crop.events, crop.beat, crop.phrase, crop.has)
        ]
        return dials.knots_of({name: np.array([row[name] for row in rows], np.float32) for name in dials.LEARNED})

    def _start(self, song: Song, rng: np.random.Generator) -> int:
        """Choose a start where drums play, if a few tries find one: pauses are not the responder's decision."""
        for _ in range(TRIES):
            start = int(rng.integers(0, max(len(song) - self.length, 0) + 1))
            struck = np.flatnonzero(song.events.drums[start : start + self.length].any(1))
            if len(np.unique(struck // 16)) >= BUSY_SHARE * self.length / 16:
                break
        return start

    def _drawn(self, rng: np.random.Generator) -> tuple[Crop, str | None]:
        """Draw a crop in some key, and the style of its song."""
        index = int(rng.choice(len(self.songs), p=self._weights))
        song = self.songs[index]
        start = self._start(song, rng)
        start -= int(song.ticks[start]) if start and rng.random() < 0.5 else 0
        offset = int(rng.integers(0, 4)) if rng.random() < 0.5 else 0
        crop = crop_of(song, start, self.length, self.sound_dim, offset, rng.random() < SOUND_SHARE)
        return replace(crop, events=transposed(crop.events, int(rng.integers(-6, 6)))), self.styles[index]

    def _crop(self, rng: np.random.Generator) -> Crop:
        crop, style = self._drawn(rng)
        crop = replace(crop, wish=wish_of(crop, style, self.knots, shown_by(rng))) if self.knots else crop
        events = crop.events
        events = replace(events, bass=misheard(events.bass, rng), known=events.known & known_ticks(len(events), rng))
        silent = int(rng.integers(1, 49)) if rng.random() < LEAD_IN_SHARE else 0
        crop.weight[:silent] = 0
        return replace(crop, events=entering(events, silent), silent=silent)


def wish_of(crop: Crop, style: str | None, knots: Knots, shown: dict[str, bool]) -> NDArray[np.float32]:
    """Return the dials one would have set to get this crop, [T, dials.DIM]."""
    ranks = ranks_of(phrases_of(crop.events, crop.beat, crop.phrase, crop.has), knots)
    return dials.vectors(ranks, style, shown)


def _draw_weights(songs: list[Song]) -> NDArray[np.float64]:
    """Return how often each song is drawn: composed pieces by length, MMA's by meter."""
    ticks = Counter[str]()
    for song in songs:
        ticks[song.source] += len(song)
    meters = [str(song.meter) if song.source == "mma" else "" for song in songs]
    counts = Counter(meters)
    common = METER_SHARE_44 if "4/4" in counts else 0.0
    roots = {meter: count**0.5 for meter, count in counts.items() if meter not in ("", "4/4")}
    share = {meter: (1 - common) * root / sum(roots.values()) for meter, root in roots.items()} | {"4/4": common}
    fullness = [1.0 if _full_kit(song) else THIN_SHARE for song in songs]
    full: dict[str, float] = defaultdict(float)
    for meter, value in zip(meters, fullness, strict=True):
        full[meter] += value
    weights = [
        SOURCE_SHARE.get(song.source, OWN_SHARE)
        * value
        * (share[meter] / full[meter] if meter else len(song) / ticks[song.source])
        for song, meter, value in zip(songs, meters, fullness, strict=True)
    ]
    return np.array(weights) / sum(weights)


def _full_kit(song: Song) -> bool:
    """Return whether there are kick, backbeat and a time keeper, each at least once a bar on average."""
    hits = (song.events.drums > 0).sum(0)
    return all(hits[[PIECES.index(p) for p in role]].sum() >= song.bars[-1] + 1 for role in features.KIT_ROLES.values())


def crop_of(song: Song, start: int, length: int, sound_dim: int, bar_offset: int = 0, hear: bool = True) -> Crop:
    """Return ticks start .. start + length; short songs are padded with unscored silence."""
    part = slice(start, min(start + length, len(song)))
    count = part.stop - part.start
    pad = length - count
    e = song.events
    known = padded_rows(e.known[part], pad)
    drums, chord, line = (padded_rows(array[part], pad) for array in (e.drums, e.chord, e.line))
    events = Events(padded_rows(e.bass[part], pad), known, drums, chord, line)
    bars = song.bars[part] - song.bars[start] + bar_offset
    places = list(zip(song.ticks[part].tolist(), bars.tolist(), song.meters[part], strict=True))
    cond = np.stack([features.position_features(t, b, m) for t, b, m in places])
    beat = padded_rows(np.array([t % tokens.ticks_per_beat(m) == 0 for t, _, m in places]), pad)
    phrase, wish = padded_rows(bars // dials.PHRASE_BARS, pad), np.zeros((length, dials.DIM), np.float32)
    sound = np.zeros((length, sound_dim + 1), np.float32)
    if hear and song.sound is not None:
        heard = song.sound[part]
        there = np.isfinite(heard[:, 0])
        sound[:count, :-1][there], sound[:count, -1][there] = heard[there], 1.0
    weight = np.concatenate([np.ones(count, np.float32), np.zeros(pad, np.float32)])
    lengths = past.lengths_of(song.meters[part])
    place = padded_rows(np.stack([song.ticks[part], bars, lengths], 1), pad)
    bass = bool(song.events.known.any())
    return Crop(events, padded_rows(cond, pad), beat, phrase, wish, sound, song.has, weight, bass=bass, place=place)


def padded_rows(values: NDArray[Kind], pad: int) -> NDArray[Kind]:
    """Add `pad` rows like the last."""
    return values[np.minimum(np.arange(len(values) + pad), len(values) - 1)]


def transposed(events: Events, semitones: int) -> Events:
    """Move bass, chords and line together; drums stay."""
    bass, chord, line = events.bass.copy(), events.chord.copy(), events.line.copy()
    for column in (0, 2):
        bass[:, column] = np.where(bass[:, column] >= 0, bass[:, column] + semitones, -1)
    chord[:, 2] = np.where(chord[:, 2] >= 0, (chord[:, 2] + semitones) % 12, -1)
    moved = line[:, 2] + semitones
    high, low = LINE_LOW + moved.max(initial=0), LINE_LOW + moved[line[:, 2] >= 0].min(initial=0)
    moved += (fold(high) - high if high > tokens.LINE_HIGH else 0) or (fold(low) - low if low < LINE_LOW else 0)
    line[:, 2] = np.where(line[:, 2] >= 0, np.clip(moved, 0, tokens.LINE_PITCHES - 1), -1)
    return replace(events, bass=bass, chord=chord, line=line)


def collate(crops: list[Crop], recall: bool = False) -> Batch:
    """Stack crops of equal length. recall: tell of the bars before, and of a plan of which nothing is known."""
    known = [as_heard(c) for c in crops]
    rows = np.stack([features.song_rows(events) for events in known])
    e = [c.events for c in crops]
    present = np.repeat(np.array([c.has for c in crops], np.float32), len(crops[0].weight), axis=0)
    targets = Targets(
        _flat([x.drums for x in e]),
        _flat([x.chord for x in e]),
        _flat([x.line for x in e]),
        torch.from_numpy(present),
        _flat([bass_ahead(c) for c in crops]),
    )
    # the bass of t - 1 is what t reads, and so is its sound
    sound = np.stack(
        [np.concatenate([np.zeros_like(c.sound[:1]), c.sound[:-1] * c.events.known[:-1, None]]) for c in crops]
    )
    weight = torch.from_numpy(np.concatenate([c.weight for c in crops]))
    cond = np.stack([np.concatenate([c.cond, c.wish], 1) for c in crops])
    told = None
    if recall:
        cond = np.concatenate([cond, np.zeros((*cond.shape[:2], plan_values.DIM), np.float32)], 2)
        told = recalled(known, [c.place for c in crops if c.place is not None])
    return Batch(torch.from_numpy(rows), torch.from_numpy(sound), torch.from_numpy(cond), targets, weight, told)


def recalled(events: list[Events], places: list[Ints]) -> PastTensors:
    """Return what is recalled of the bars before; the plan says nothing. places [T, 3]: tick, bar, the bar's ticks."""
    found = [past.recall_song(own, *place.T) for own, place in zip(events, places, strict=True)]
    silent = np.full((len(events[0]), len(plan_values.SOURCES), plan_values.POINTED), plan_values.SILENT, np.int8)
    pointed = np.stack([np.concatenate([plan_values.said(one.rows, one.valid), silent], 1) for one in found])
    features_of, votes = (
        torch.from_numpy(np.stack(own)) for own in zip(*((f.features, f.votes) for f in found), strict=True)
    )
    return PastTensors(features_of, torch.from_numpy(pointed), votes)


def bass_ahead(crop: Crop) -> Ints:
    """Return the bass's onsets from each tick on, [T, FORESIGHT]; -1 none, -2 past the end or in a piece without a
    bass.
    """
    onset = np.where(crop.weight > 0, crop.events.bass[:, 0], -2) if crop.bass else np.full(len(crop.weight), -2)
    padded = np.concatenate([onset, np.full(FORESIGHT, -2)])
    return np.stack([padded[k : k + len(onset)] for k in range(FORESIGHT)], axis=1)


def as_heard(crop: Crop) -> Events:
    """Return the events as the model reads them.

    Nothing of the band while it is silent, no harmony before its first stroke.
    """
    drums, chord, line = crop.events.drums.copy(), crop.events.chord.copy(), crop.events.line.copy()
    drums[: crop.silent], chord[: crop.silent, :2], line[: crop.silent] = 0, 0, (0, 0, -1)
    chord[: _first_stroke(chord), 2:] = -1
    return replace(crop.events, drums=drums, chord=chord, line=line)


def entering(events: Events, silent: int) -> Events:
    """Make the band's first stroke name its harmony, whatever held before."""
    chord = events.chord.copy()
    first = silent + _first_stroke(chord[silent:])
    if first < len(chord):
        chord[first, 0] = tokens.NEW
    return replace(events, chord=chord)


def _first_stroke(chord: Ints) -> int:
    strokes = np.flatnonzero(chord[:, 0] >= tokens.SAME)
    return int(strokes[0]) if len(strokes) else len(chord)


def _flat(parts: list[Ints]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))
