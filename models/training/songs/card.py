"""Write the model card of a training on whole songs: what it learned from, under which licences, what it was shown."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.corpus import bass_changes, corpus_figures
from models.corpus.song import Song
from models.corpus.whole_songs import LICENCES
from models.responder.net import ResponderNet
from models.training.codec_scores import commit
from models.training.songs import lanes

DRAWS = 400  # songs drawn to count what the network is shown
BANDS = ("freedoom", "simutrans", "tanner", "easyrpg")


def card(
    net: ResponderNet, train: dict[str, Any], history: list[dict[str, Any]], songs: Sequence[Song], argv: Sequence[str]
) -> str:
    """Return the card. train: the settings of the training; history: its validations; songs: what was learned from."""
    by_source: dict[str, list[Song]] = defaultdict(list)
    for song in songs:
        by_source[song.source].append(song)
    weights = lanes.weights_of(songs)
    rows = {
        "real bands": corpus_figures.figures(s for name in BANDS for s in by_source[name]),
        "made by MMA": corpus_figures.figures(by_source["mma"]),
        "as drawn, basses changed": corpus_figures.figures(as_drawn(songs, train["seed"])),
    }
    drawn = dict.fromkeys(by_source, 0.0)
    for song, weight in zip(songs, weights, strict=True):
        drawn[song.source] += float(weight)
    listed = [
        f"| {name} | {LICENCES.get(name, 'the user’s own')} | {len(own)} | {sum(map(len, own)):,} | {drawn[name]:.2f} |"
        for name, own in by_source.items()
    ]
    count = sum(p.numel() for p in net.parameters())
    best = min(history, key=lambda h: sum(h[part] for part in ("drums", "chords", "line")))
    return f"""# Model card: responder trained on whole songs

{net.config.layers} layer of LSTM between an embedding and a sum with it, {count:,} parameters. From a bass line,
the phase in beat, bar and phrase, the dials, what was done in earlier bars (`models/music/past.py`) and, where it is
known, what the song plan decided (`models/music/plan_values.py`) to drums, chords and a counter-line, a 16th at a time.
Licence of the weights: MIT.

- Made by `python -m models.train songs {shlex.join(argv)}` at commit {commit()}; {train}
- The running mean of the weights at step {best["step"]} of {train["steps"]}, the best on validation: {best}

| trained on | licence | pieces | ticks | share of the songs drawn |
|---|---|---|---|---|
{chr(10).join(listed)}

Songs that measure the band (shared/band_score, the valid and test songs of `responder_split.json`) were left out by
name and by what they share with others; the builder names each. The basses of {1 - bass_changes.UNCHANGED_SHARE:.0%} of
the songs drawn were changed (dropped, shifted, late, walking, plain, other register), {lanes.REBARRED_SHARE:.0%} of the
real bands' songs in 4/4 re-barred. Medians over songs:

{corpus_figures.table(rows)}

The sound was unknown in training. Test figures: `python benchmarks/responder.py`. Known weaknesses: harmonies were
inferred from the notes by template matching; composed odd meters are few, most are re-barred or made by rule.
"""


def as_drawn(songs: Sequence[Song], seed: int) -> list[Song]:
    """Return songs as the network is shown them: by their weight, with the bass changed."""
    rng = np.random.default_rng(seed)
    out = []
    for index in rng.choice(len(songs), DRAWS, p=lanes.weights_of(songs)):
        song = songs[int(index)]
        beat = lanes.beats_of(song)
        bass = bass_changes.changed(song.events.bass, beat, song.events.chord, rng)[0]
        out.append(replace(song, events=replace(song.events, bass=bass)))
    return out
