"""Defines the options of commands that run the responder offline: weights, seed, temperature, parts and dials."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from agent.core.errors import UserError
from agent.core.settings import Config
from agent.reply.generation_options import GenerationOptions
from models.music.dials import STYLES, Dials
from models.music.tokens import PARTS

if TYPE_CHECKING:  # it loads torch, which `antiphon --help` need not wait for
    pass

DIALS: dict[str, tuple[str, str]] = {  # dial -> (what the value is called, help); 0.5 is usual of all but style
    "density": ("0..1", "how much is played"),
    "register": ("0..1", "how high the line is"),
    "tension": ("0..1", "how much dissonance"),
    "resolution": ("0..1", "how often chords move down a fifth"),
    "syncopation": ("0..1", "how much is played off the beat"),
    "intensity": ("0..1", "how hard it is played"),
    "surprise": ("0..1", "how unpredictable the notes are"),
    "style": ("NAME", ", ".join(STYLES)),
}
TEMPERATURE_RANGE, LOOSENESS_RANGE = (0.01, 5.0), (0.0, 2.0)
SEED_END = 2**32


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --model, --seed, --temperature, --parts and one option per dial; `wish` and `open_responder` check them."""
    parser.add_argument("--model", metavar="NAME|STEM", help="songs, ssm, lstm, or the path of a responder's weights")
    parser.add_argument("--seed", metavar="N", help="the same seed gives the same notes (default: band.seed, 0)")
    parser.add_argument("--temperature", metavar="T", help="randomness, 0.01 to 5 (default: band.temperature, 0.9)")
    parser.add_argument("--parts", metavar="A,B", help=f"which of {','.join(PARTS)} play (default: all)")
    parser.add_argument("--looseness", metavar="L", help="how human the drummer's timing is; 0 = on the grid (to 2)")
    dials = parser.add_argument_group("dials (default: config.yaml's, else the model decides)")
    for name, (metavar, says) in DIALS.items():
        dials.add_argument(f"--{name}", metavar=metavar, help=says)


def wish(given: argparse.Namespace, config: Config) -> GenerationOptions:
    """Read the options. Raises UserError in one line for a value that is out of range or unknown."""
    low, high = TEMPERATURE_RANGE
    temperature = number("--temperature", given.temperature, low, high, config.band.temperature)
    seed = number("--seed", given.seed, 0, SEED_END - 1, config.band.seed)
    if seed != int(seed):
        raise UserError(f"--seed {given.seed}: give a whole number, such as 7")
    looseness = number("--looseness", given.looseness, *LOOSENESS_RANGE, config.band.looseness)
    parts, dials = _parts(given.parts, config), _dials(given, config)
    return GenerationOptions(int(seed), temperature, parts, dials, config.dials.guidance, looseness)


def number(option: str, text: str | None, low: float, high: float, default: float) -> float:
    """Read an option's number. Raises UserError outside low..high."""
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise UserError(f"{option} {text}: give a number from {low:.10g} to {high:.10g}")
    return value


def _parts(text: str | None, config: Config) -> tuple[str, ...]:
    if text is None:
        return tuple(name for name in PARTS if config.parts[name].enabled)
    asked = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in asked if name not in PARTS]
    if unknown or not asked:
        raise UserError(f"--parts {text}: allowed are {', '.join(PARTS)}, with commas between them")
    return tuple(name for name in PARTS if name in asked)


def _dials(given: argparse.Namespace, config: Config) -> Dials:
    """Those of the config, with what was given in their place."""
    values: dict[str, Any] = {}
    for name in DIALS:
        text = getattr(given, name)
        if text is None:
            values[name] = getattr(config.dials, name)
        elif name == "style":
            values[name] = _style(text)
        else:
            values[name] = number(f"--{name}", text, 0, 1, 0)
    return Dials(**values)


def _style(text: str) -> str:
    if text.lower() not in STYLES:
        raise UserError(f"--style {text}: allowed are {', '.join(STYLES)}")
    return text.lower()
