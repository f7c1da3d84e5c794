"""Write the responder's model card: what it is, what it learned from, under which licences, what it reaches."""

from __future__ import annotations

import math
import shlex
from typing import Any

from models.corpus.build_corpus import LICENCES
from models.corpus.song import Song
from models.music.tokens import PARTS
from models.responder.net import ResponderNet
from models.training.codec_scores import commit

OWN = "brought by the user"  # licence of music that is none of ours


def card(
    net: ResponderNet, train: dict[str, Any], history: list[dict[str, Any]], songs: list[Song], argv: list[str]
) -> str:
    best = min(history, key=lambda row: row["drums"] + row["chords"], default={})
    parts = ", ".join(f"{part} {best.get(part, math.nan):.3f}" for part in PARTS)
    config = net.config
    parameters = sum(p.numel() for p in net.parameters())
    with_sound, with_line = sum(s.sound is not None for s in songs), sum(s.has[2] for s in songs)
    return f"""# Model card: responder

{config.layers} layers of {config.backbone.upper()}, {parameters:,} parameters: from a bass line, \
the codec's latents, the phase in
beat, bar and phrase and the dials (`models/music/dials.py`) to drums, chords (root, quality, stroke) and a
counter-line, one 16th at a time. Auxiliary heads foresee the bass's next beat. Licence of the weights: MIT.

- Made by `python -m models.train responder {shlex.join(argv)}` at commit {commit()}; {train}
- The weights are those of step {best.get("step", train["steps"])}, the best for drums and chords on validation: \
nats per tick {parts} (before the scaling below).

| trained on | licence | pieces | ticks |
|---|---|---|---|
{_sources(songs)}

Split by song (`responder_split.json`; MMA pieces over one song stay on one side). {with_sound} pieces have sound, \
rendered
with FluidR3 (MIT) and encoded by `codec.safetensors`; elsewhere the sound was unknown in training. The bass was unknown
for up to four beats again and again; each dial was unknown in most of the crops.
The line's logits were then scaled on validation (temperature scaling). Test figures: `python benchmarks/responder.py`.

Known weaknesses: the odd meters come mostly from MMA's cut and joined 4/4 patterns, so they are on the grid but not
composed; the counter-line is learned from {with_line} pieces only; chord names were inferred by template \
matching from the
notes of the training pieces; styles are those of MMA's groove names and the Groove dataset's labels.
"""


def _sources(songs: list[Song]) -> str:
    rows = []
    for source in sorted({song.source for song in songs}):
        mine = [s for s in songs if s.source == source and s.split == "train"]
        rows.append(f"| {source} | {LICENCES.get(source, OWN)} | {len(mine)} | {sum(map(len, mine)):,} |")
    return "\n".join(rows)
