"""Defines the options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, TypedDict, Unpack

from agent.core.config import parse_value
from agent.core.errors import UserError
from agent.core.yaml_file import Value


class Description(TypedDict, total=False):
    """How argparse describes a command."""

    help: str
    epilog: str
    formatter_class: type[argparse.HelpFormatter]
    aliases: Sequence[str]


class Commands(Protocol):
    """Where a command adds itself: argparse's sub-parsers."""

    def add_parser(self, name: str, **options: Unpack[Description]) -> argparse.ArgumentParser:
        """Add a command and return its parser."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config and --set."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="settings file (default: ./config.yaml if there is one)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="set any key of config.yaml")


def pairs(given: argparse.Namespace) -> dict[str, Value]:
    """Return what --set gives: dotted key -> value. Raises UserError for what is not KEY=VALUE."""
    chosen: dict[str, Value] = {}
    for pair in given.set:
        key, equals, value = pair.partition("=")
        if not equals:
            raise UserError(f"--set {pair}: expected KEY=VALUE, such as --set band.hold_bars=4")
        chosen[key] = parse_value(value)
    return chosen


def add_time(parser: argparse.ArgumentParser) -> None:
    """Add --tempo and --meter."""
    parser.add_argument("--tempo", type=float, metavar="BPM", help="the tempo, if known (default: it is heard)")
    parser.add_argument("--meter", metavar="M", help="the meter, if known, such as 7/8 (default: it is heard)")


def given_time(given: argparse.Namespace) -> dict[str, Value]:
    """Return the tempo and meter given on the command line, by their keys."""
    values = {"band.tempo_bpm": given.tempo, "band.meter": given.meter}
    return {key: value for key, value in values.items() if value is not None}


def number_or_name(given: str) -> int | str:
    """Read a device or port as given: its number, or part of its name."""
    return int(given) if given.isdecimal() else given
