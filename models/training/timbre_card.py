"""Write the model card of listener/weights/timbre."""

from __future__ import annotations

import subprocess
from typing import Any

import numpy as np

from models.paths import ROOT
from models.sounds.technique_notes import CLASSES, Examples

SOURCES = """\
- `shared/data/bass` (CC0): growl and growl_staccato (Karoryfer Growlybass, fingers), killer (Killer Bass of the
  Discord GM bank, pick), linguine and spaghetti (Karoryfer Pastabass, a Bass VI, pick), meat_pizz (Karoryfer Meatbass,
  upright pizzicato).
- Three more CC0 libraries of github.com/sfzinstruments, checked out into `data_cache/timbre` (or `--packs FOLDER`):
  karoryfer.pastabass 90135cd (tagliatelle: flatwounds, picked, muted; fetuccine: flatwounds, fingers),
  karoryfer.swagbass 9d10fca and karoryfer.fashionbass 0703973 (their readmes do not name the hand; taken as fingers).
- A Yamaha RBX of FreePats (CC0, github.com/freepats/electric-bass-YR 8dcb7ea, by Andrea Biasior), with fingers and
  with a pick: the one electric bass here that is recorded both ways.
- FluidR3_GM (MIT, Debian's fluid-soundfont-gm) and sf_GMbank (public domain, Debian's csound-soundfont), programs 32
  to 37.
- Strings made of partials here (`models/sounds/made_strings.py`): random basses, each played in every technique.
- Palm mutes: apart from tagliatelle none are recorded; the picked and fingered tones are damped here
  (every band dies with a time constant of 35-140 ms at 100 Hz, sooner above, and the attack is low-passed).
"""
LIMITS = """\
- Fingers and pick are confused on a bass that was not heard: what separates them differs less than the basses do.
- Slap and fretless have two recorded sources, the presets of FluidR3_GM and sf_GMbank, beside the made strings; a
  bright fingered bass may be taken for slap. (MuseScore_General on the training machine is FluidR3Mono: the same
  recordings.)
- A palm mute here is a damped recording, except tagliatelle, on which it does badly; foam, thumbs and dead strings
  were not heard.
- `benchmarks/timbre.py` has the held-out accuracy beside two trivial rules. Trust the confidence, not the name alone.
"""


def card(config: dict[str, Any], e: Examples, figures: dict[str, float], scale: float, seconds: float) -> str:
    """Return the card in Markdown: what the network is, what it learned from, how, and how well."""
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in sorted(figures.items()))
    counts = ", ".join(f"{name} {int(np.sum(e.y == i))}" for i, name in enumerate(CLASSES))
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in config.items())
    return f"""# timbre: how a bass note was played

One hidden layer over the {e.x.shape[1]} features of `listener/timbre/features.py` -> {", ".join(CLASSES)}.
Logits are divided by the temperature {scale:.2f}, fitted on instruments the network had not heard.

## Data
{SOURCES}
{len(e.y)} examples ({counts}), most through a made-up microphone, room or amplifier (`models/sounds/degrade.py`).

## Made with
`python -m models.train timbre {options}`
at commit {_commit()}; {seconds:.0f} s on one CPU core, and some five minutes for the corpus where it is not kept; \
everything is seeded.

## Scores
Accuracy per set, its whole instrument held out (all conditions, clean and degraded):

| set | accuracy |
|---|---|
{rows}

## What it cannot do
{LIMITS}"""


def _commit() -> str:
    git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
