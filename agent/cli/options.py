"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from agent.core.config import parse_value
from agent.core.errors import UserError


def add_config(parser: argparse.ArgumentParser) -> None:
    """--config and --set."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings (default: ./config.yaml if there is one)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="any key of config.yaml")


def pairs(given: argparse.Namespace) -> dict[str, Any]:
    """What --set says: dotted key -> value. Raises UserError for what is no pair."""
    chosen: dict[str, Any] = {}
    for pair in given.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"--set {pair}: expected KEY=VALUE, such as --set band.hold_bars=4")
        chosen[key] = parse_value(value)
    return chosen


def add_time(parser: argparse.ArgumentParser) -> None:
    """--tempo and --meter."""
    parser.add_argument("--tempo", type=float, metavar="BPM", help="the tempo, told beforehand (default: it is heard)")
    parser.add_argument("--meter", metavar="M", help="the meter, such as 7/8, told beforehand (default: it is heard)")


def time_told(given: argparse.Namespace) -> dict[str, Any]:
    """What is told beforehand of tempo and meter."""
    told = {"band.tempo_bpm": given.tempo, "band.meter": given.meter}
    return {key: value for key, value in told.items() if value is not None}


def number_or_name(given: str) -> int | str:
    """A device or port as it was named: its number, or part of its name."""
    return int(given) if given.isdecimal() else given
