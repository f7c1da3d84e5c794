"""Measure the held-out likelihood of a responder, streamed over whole pieces: nats per tick and part, by meter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from models.corpus.song import Song
from models.music.features import Events
from models.music.tokens import PARTS
from models.responder.net import ResponderNet
from models.training.batches import collate, crop_of
from models.training.songs.lanes import Ways, padded, played
from models.training.songs.lanes import collate as collate_songs

PIECE_TICKS = 512  # at most, from the start of a piece: enough for long context, bounded in time
PER_METER = 12  # pieces of one source and meter in the quick set


def held_out(songs: list[Song], split: str, per_meter: int = PER_METER) -> list[Song]:
    """Return at most per_meter pieces of each source and meter, in the corpus's order."""
    kept: dict[tuple[str, str], list[Song]] = defaultdict(list)
    for song in songs:
        if song.split == split:
            kept[song.source, str(song.meter)].append(song)
    return [song for group in kept.values() for song in group[:per_meter]]


def song_nats(
    net: ResponderNet, songs: list[Song], batch: int = 16
) -> Iterator[tuple[Song, dict[str, NDArray[np.float64]]]]:
    """Yield (song, part -> nats [T] of its first PIECE_TICKS ticks); parts the piece lacks are left out."""
    order = sorted(songs, key=len)
    net.eval()
    for first in range(0, len(order), batch):
        group = order[first : first + batch]
        length = min(max(map(len, group)), PIECE_TICKS)
        made = collate([crop_of(song, 0, length, net.config.sound_dim) for song in group], net.config.past)
        with torch.inference_mode():
            logits = net(*made.given).flatten(0, 1)
            nats = {
                k: v.reshape(len(group), -1) for k, v in net.nll(logits, made.rows.flatten(0, 1), made.targets).items()
            }
        for index, song in enumerate(group):
            count = min(len(song), length)
            yield song, {p: nats[p][index, :count].double().numpy() for k, p in enumerate(PARTS) if song.has[k]}


def part_of(song: Song, first: int, last: int, bar: int = 0) -> Song:
    """Return ticks first .. last of a song. bar: the number of its first bar."""
    part, e = slice(first, last), song.events
    events = Events(e.bass[part], e.known[part], e.drums[part], e.chord[part], e.line[part])
    sound = None if song.sound is None else song.sound[part]
    bars = song.bars[part] - song.bars[first] + bar
    return replace(song, ticks=song.ticks[part], bars=bars, meters=song.meters[part], events=events, sound=sound)


def nats_of(
    net: ResponderNet, songs: list[Song], plan: frozenset[str] = frozenset()
) -> list[dict[str, NDArray[np.float64]]]:
    """Return part -> nats [T] of whole songs side by side, heard from their beginning; parts they lack are left out.

    plan: names of the plan's values that are known (models/music/plan_values.py).
    """
    length = max(map(len, songs))
    ways = Ways(past=net.config.past)
    made = [padded(played(s, s.events, net.config.sound_dim, 0, plan, ways), length) for s in songs]
    batch = collate_songs([(one, slice(0, length)) for one in made])
    with torch.inference_mode():
        logits = net(batch.rows, batch.sound, batch.cond, batch.past if net.config.past else None).flatten(0, 1)
        nats = net.nll(logits, batch.rows.flatten(0, 1), batch.targets)
    own = {part: value.reshape(len(songs), -1).double().numpy() for part, value in nats.items()}
    return [
        {part: own[part][i, : len(song)] for k, part in enumerate(PARTS) if song.has[k]} for i, song in enumerate(songs)
    ]


def evaluate(net: ResponderNet, songs: list[Song]) -> dict[str, float]:
    """Return nats per tick of each part over the ticks of the pieces that have it."""
    nats: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for _, parts in song_nats(net, songs):
        for part, values in parts.items():
            nats[part].append(values)
    return {part: float(np.concatenate(nats[part]).mean()) if nats[part] else 0.0 for part in PARTS}
