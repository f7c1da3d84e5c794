"""Write the model card of the ear network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from listener.ears.frontend import HOP_S
from models.sounds.ears_corpus import SECONDS
from models.training.ears_net import EarConfig, EarNet

CARD = """# The ear network of Antiphon

Onset ages, pitch probabilities and drum ages from {features} features per 3.3 ms: dense {dense}, GRU {hidden}, head
{head}; {parameters:,} parameters, float32. `listener/ears/ear_network.py` runs it, `models/training/ears.py` trained
it.

## Data and licences
No recording of a player: lines made by `models/sounds/bass_lines.py` from `models/sounds/bass_tones.py`, degraded by
`models/sounds/degrade.py`, on
- the six multi-sampled basses of shared/data/bass (Karoryfer Samples; Killer Bass of the Discord GM bank): CC0;
- the GM basses of FluidR3_GM and FluidR3Mono_GM: MIT;
- strings of partials and synthesiser patches made by the program itself.
Beside them drummers of the train split of the Groove MIDI Dataset (Gillick et al. 2019, CC-BY-4.0), hit by hit, on the
kits of FluidR3_GM and FluidR3Mono_GM (the band's own kit among them; MIT) and on kits made by
`models/sounds/drum_kits.py`, each piece tuned, damped and mixed anew; and random tunes on other instruments of
FluidR3. Seen: {items} items of 8 s ({hours:.1f} h).
Known limits: the real basses of shared/listening are assembled from the same recorded sets; the scores below
show what an unknown instrument costs. Two strings at once are heard as the newer one.

## Made with
{made}

## Scores
On {held} items of instruments and kits never trained on (TimGM6mb, GPL, for measuring only; fresh made strings and
kits), clean and degraded: cross entropy of age {age:.3f}, of pitch {pitch:.3f}, of drum age {drum:.3f} nats per hop,
on the items with drums {drums_age:.3f} and {drums_pitch:.3f}; the pitch of sounding hops
right {right:.3f}, 30 to 50 ms after an onset {right_30_50_ms:.3f}. On the clips: `python benchmarks/listening.py`,
docs/benchmarks-listening.md; with drums: `python benchmarks/bleed.py`; other basses:
`python benchmarks/unknown_bass.py`.
"""
MADE = """`python -m models.train ears{options}`:
{steps} steps of {replicas} x {batch} segments of {seconds:.1f} s, one CPU core each, seed {seed}."""


def card(
    net: EarConfig, config: Mapping[str, Any], steps: int, items: int, figures: Mapping[str, float], held: int
) -> str:
    """Return the card as Markdown. config: TrainConfig's fields; figures: of the items held out."""
    options = "".join(f" --{name.replace('_', '-')} {value}" for name, value in config.items() if name != "replica")
    return CARD.format(
        **asdict(net),
        **figures,
        parameters=sum(p.numel() for p in EarNet(net).parameters()),
        items=items,
        hours=items * SECONDS / 3600,
        held=held,
        made=MADE.format(**{**config, "options": options, "steps": steps, "seconds": config["hops"] * HOP_S}),
    )
