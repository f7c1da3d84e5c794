"""Feed whole songs to a network in parallel lanes, chunk after chunk: each lane plays a song to its end, then another.

What a lane plays depends on the seed, its number and the song's number in it, so that a run that was stopped goes on
with the same songs. A song is drawn by its source, put in another key, now and then re-barred, its bass changed,
misheard and in part unknown, its plan known or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.corpus import bass_changes, plan_labels, rebarring
from models.corpus.mishearing import known_ticks, misheard
from models.corpus.song import Song
from models.music import features, past, plan_values
from models.music.dials import Knots
from models.music.features import Events, Ints
from models.music.plan_values import PlanRows
from models.responder.net import PastTensors, Targets
from models.training import batches
from models.training.batches import Batch
from models.training.dial_labels import shown_by

Floats = NDArray[np.float32]
SHARES: Mapping[str, float] = {  # of the songs drawn; real bands most, accompaniments made by rule at most a fifth
    "freedoom": 0.26, "simutrans": 0.15, "tanner": 0.1, "easyrpg": 0.02, "mma": 0.16, "pop909": 0.09, "openewld": 0.05,
    "rock": 0.04, "chorales": 0.02, "groove": 0.08, "hydrogen": 0.01, "jjswing": 0.02,
}  # fmt: skip
OWN_SHARE = 0.5  # of music a user brings, beside the sum of the others
REBARRED_SHARE = 0.3  # of the real bands' songs in 4/4
REBARRED_SOURCES = frozenset({"freedoom", "simutrans", "tanner", "easyrpg", "own"})
MOST_TICKS = 1280  # of a song that is played in one go; longer ones are begun anywhere
NO_PLAN_SHARE, KNOWN_VALUE_SHARE = 0.45, 0.55  # songs whose plan is unknown; else of each value
KNOWN_BASS_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Ways:
    """What is done to the songs; a pilot switches some of it off."""

    bass: bool = True
    rebar: bool = True
    plan: bool = True
    past: bool = True
    whole: bool = True  # songs whole with state carried; False: crops of one chunk


@dataclass(frozen=True, slots=True)
class Played:
    """A song as it is learned: arrays of T ticks (padded to whole chunks)."""

    rows: Ints
    sound: Floats
    cond: Floats
    drums: Ints
    chord: Ints
    line: Ints
    bass: Ints
    present: Floats
    weight: Floats
    features: Floats
    pointed: NDArray[np.int8]
    votes: Floats

    def __len__(self) -> int:
        return len(self.rows)


class Songs:
    """Draws songs and makes them ready to be learned."""

    def __init__(
        self,
        songs: Sequence[Song],
        seed: int,
        sound_dim: int,
        ways: Ways | None = None,
        styles: Sequence[str | None] | None = None,
        knots: Knots | None = None,
        chunk: int = 64,
    ) -> None:
        self.songs, self.seed, self.sound_dim, self.chunk = list(songs), seed, sound_dim, chunk
        self.ways, self.knots = ways or Ways(), knots
        self.styles = list(styles or [None] * len(self.songs))
        self._weights = weights_of(self.songs)

    def drawn(self, lane: int, number: int) -> Played:
        """Return the number-th song of a lane."""
        rng = np.random.default_rng([self.seed, lane, number])
        index = int(rng.choice(len(self.songs), p=self._weights))
        song = self.songs[index]
        if self.ways.rebar and song.source in REBARRED_SOURCES and rng.random() < REBARRED_SHARE:
            song = _rebarred(song, rng)
        most = MOST_TICKS if self.ways.whole else self.chunk
        song = _part(song, most, rng)
        events = batches.transposed(song.events, int(rng.integers(-6, 6)))
        if self.ways.bass and song.events.known.any():
            beat = beats_of(song)
            events = replace(events, bass=bass_changes.changed(events.bass, beat, events.chord, rng)[0])
        song = replace(song, events=events)
        heard = replace(events, bass=misheard(events.bass, rng), known=events.known & _known(len(song), rng))
        silent = int(rng.integers(1, 49)) if rng.random() < batches.LEAD_IN_SHARE else 0
        plan = set[str]()
        if self.ways.plan and rng.random() > NO_PLAN_SHARE:
            plan = {name for name in plan_values.NAMES if rng.random() < KNOWN_VALUE_SHARE}
        shown = shown_by(rng) if self.knots else {}
        offset = int(rng.integers(0, 4)) if rng.random() < 0.5 else 0
        asked = (self.knots, self.styles[index], shown)
        return padded(played(song, heard, self.sound_dim, silent, plan, self.ways, offset, asked), self.chunk)


def played(
    song: Song,
    heard: Events,
    sound_dim: int,
    silent: int = 0,
    plan: set[str] | frozenset[str] = frozenset(),
    ways: Ways | None = None,
    offset: int = 0,
    asked: tuple[Knots | None, str | None, dict[str, bool]] = (None, None, {}),
) -> Played:
    """Make a song ready to be learned. heard: its events as the network hears them; silent: ticks before the band's.

    plan: names of the plan's values that are known; offset: of the bars in their phrases; asked: dials' knots, style,
    and which dials are known.
    """
    ways, count = ways or Ways(), len(song)
    crop = batches.crop_of(song, 0, count, sound_dim, offset)
    crop = replace(crop, events=batches.entering(heard, silent), silent=silent)
    crop.weight[:silent] = 0
    if asked[0]:
        crop = replace(crop, wish=batches.wish_of(crop, asked[1], asked[0], asked[2]))
    known = batches.as_heard(crop)
    lengths = past.lengths_of(song.meters)
    told = PlanRows.unknown(count)
    if plan:
        told = plan_labels.labels_of(song.events, song.ticks, song.bars, lengths, song.has).shown(plan)
    pointed = np.full((count, len(past.SOURCES), plan_values.POINTED), plan_values.SILENT, np.int8)
    votes, seen = np.zeros((count, past.VOTE_DIM), np.float32), np.zeros((count, past.DIM), np.float32)
    if ways.past:
        recalled = past.recall_song(known, song.ticks, song.bars, lengths)
        pointed, votes, seen = plan_values.said(recalled.rows, recalled.valid), recalled.votes, recalled.features
    e = crop.events
    sound = np.concatenate([np.zeros_like(crop.sound[:1]), crop.sound[:-1] * e.known[:-1, None]])
    return Played(
        features.song_rows(known),
        sound,
        np.concatenate([crop.cond, crop.wish, told.vectors], 1),
        e.drums,
        e.chord,
        e.line,
        batches.bass_ahead(replace(crop, events=replace(e, bass=song.events.bass))),
        np.tile(np.array(song.has, np.float32), (count, 1)),
        crop.weight,
        seen,
        np.concatenate([pointed, told.pointed], 1),
        votes,
    )


def padded(song: Played, chunk: int) -> Played:
    """Return the song with unscored ticks behind it, to a whole number of chunks."""
    missing = -len(song) % chunk
    values = {
        name: batches.padded_rows(getattr(song, name), missing)
        for name in Played.__dataclass_fields__
        if name != "weight"
    }
    return Played(**values, weight=np.concatenate([song.weight, np.zeros(missing, np.float32)]))


class Lanes:
    """Plays `count` songs side by side. next() gives a chunk of each, and which lanes begin a new song with it."""

    def __init__(self, songs: Songs, count: int, first: int = 0) -> None:
        self.songs, self.count, self.first = songs, count, first
        self.place = np.zeros((count, 2), np.int64)  # of each lane: the number of its song, the tick it has reached
        self._playing: list[Played | None] = [None] * count

    def begin_at(self, place: NDArray[np.int64]) -> None:
        """Go on where a run had stopped. place [lanes, 2]: as in `place`."""
        self.place, self._playing = place.copy(), [None] * self.count

    def next(self) -> tuple[Batch, NDArray[np.bool_]]:
        chunk, parts, begins = self.songs.chunk, [], np.zeros(self.count, bool)
        for lane in range(self.count):
            number, at = self.place[lane]
            song = self._playing[lane] or self.songs.drawn(self.first + lane, int(number))
            begins[lane] = at == 0
            parts.append((song, slice(int(at), int(at) + chunk)))
            over = at + chunk >= len(song)
            self._playing[lane] = None if over else song
            self.place[lane] = (number + 1, 0) if over else (number, at + chunk)
        return collate(parts), begins


def collate(parts: Sequence[tuple[Played, slice]]) -> Batch:
    """Stack chunks of songs of equal length."""

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([getattr(song, name)[at] for song, at in parts]))

    def flat(name: str) -> Tensor:
        return torch.from_numpy(np.concatenate([getattr(song, name)[at] for song, at in parts]))

    drums, chord, line, bass = (flat(name).long() for name in ("drums", "chord", "line", "bass"))
    targets = Targets(drums, chord, line, flat("present"), bass)
    recalled = PastTensors(stacked("features"), stacked("pointed"), stacked("votes"))
    return Batch(stacked("rows"), stacked("sound"), stacked("cond"), targets, flat("weight"), recalled)


def weights_of(songs: Sequence[Song]) -> NDArray[np.float64]:
    """Return how often each song is drawn: by its source, there by the root of the length; MMA's by meter too."""
    groups = [f"{s.source} {s.meter}" if s.source == "mma" else s.source for s in songs]
    sizes = [min(len(song), 4 * MOST_TICKS) ** 0.5 for song in songs]
    total = dict.fromkeys(groups, 0.0)
    for group, size in zip(groups, sizes, strict=True):
        total[group] += size
    made = [group for group in total if group.startswith("mma ")]
    counts = Counter(groups)
    root = sum(counts[group] ** 0.5 for group in made)
    share = {group: SHARES.get(group, OWN_SHARE) for group in total}
    share |= {group: SHARES["mma"] * counts[group] ** 0.5 / root for group in made}
    weights = np.array([share[group] * size / total[group] for group, size in zip(groups, sizes, strict=True)])
    return np.asarray(weights / weights.sum())


def _rebarred(song: Song, rng: np.random.Generator) -> Song:
    if not rebarring.can_be_rebarred(song):
        return song
    meters = list(rebarring.WAYS)
    return rebarring.rebarred(song, meters[int(rng.integers(len(meters)))], int(rng.integers(2)))


def _part(song: Song, most: int, rng: np.random.Generator) -> Song:
    """Cut a long song to at most this many ticks, half the time from a bar anywhere in it."""
    if len(song) <= most:
        return song
    starts = np.flatnonzero(song.ticks == 0)
    starts = starts[starts + most <= len(song)]
    first = int(rng.choice(starts)) if len(starts) and rng.random() < 0.6 else 0
    part = slice(first, first + most)
    e = song.events
    events = Events(e.bass[part], e.known[part], e.drums[part], e.chord[part], e.line[part])
    sound = None if song.sound is None else song.sound[part]
    bars = song.bars[part] - song.bars[first]
    return replace(song, ticks=song.ticks[part], bars=bars, meters=song.meters[part], events=events, sound=sound)


def beats_of(song: Song) -> NDArray[np.bool_]:
    """Return which ticks are on a beat in which a bass would walk: the quarter, in x/8 the three eighths or the one."""
    per = {m: 4 if m.denominator == 4 else 6 if m.numerator % 3 == 0 else 2 for m in set(song.meters)}
    beats: NDArray[np.bool_] = song.ticks % np.array([per[m] for m in song.meters]) == 0
    return beats


def _known(length: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which ticks of the bass are known; what is unknown comes in stretches, not all through a long song."""
    if rng.random() < KNOWN_BASS_SHARE:
        return np.ones(length, bool)
    known = known_ticks(length, rng)
    for start in range(0, length, 128):
        if rng.random() < 0.5:
            known[start : start + 128] = True
    return known
