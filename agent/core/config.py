"""Reads config.yaml: a file and the command line's overrides in, one frozen Config out. Nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from agent.core.errors import UserError
from agent.core.paths import settings_folder
from agent.core.plain_text import printable
from agent.core.settings import Config, PartConfig
from agent.core.yaml_file import parse_value, read_tree, shown

__all__ = ["Config", "find", "flatten", "load", "parse_value", "valid_keys"]

FILE_NAME = "config.yaml"


def find(path: Path | None) -> Path | None:
    """Return the settings file to read: `path`, else ./config.yaml, else that of the user's settings folder, else None.

    With None the dataclasses' defaults apply.
    """
    if path is not None:
        return path
    return next((file for file in (Path(FILE_NAME), settings_folder() / FILE_NAME) if file.exists()), None)


def load(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Config:
    """Build the Config from `find(path)` with `overrides` on top, such as {"audio.input": 3}; None is a value, too.

    Raises UserError for a file that cannot be read, unknown keys, and values of a wrong type or range.
    """
    file = find(path)
    tree = read_tree(file) if file else {}
    config = _build(tree, str(file))
    if not overrides:
        return config
    return _build(_with_overrides(tree, overrides), "command line")


def valid_keys() -> tuple[str, ...]:
    """Return every key by its full dotted name, in the order of config.yaml."""
    return tuple(name for name, _ in flatten(Config()))


def flatten(config: Config) -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of every key."""
    for group in fields(config):
        value = getattr(config, group.name)
        named = value.items() if isinstance(value, dict) else [(None, value)]
        for part, section in named:
            prefix = f"{group.name}.{part}" if part else group.name
            for item in fields(section):
                yield f"{prefix}.{item.name}", getattr(section, item.name)


def _with_overrides(tree: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: _copied(value) for key, value in tree.items()}
    for dotted, value in overrides.items():
        *groups, leaf = dotted.split(".")
        place = merged
        for group in groups:
            if not isinstance(place.get(group), dict):
                place[group] = {}
            place = place[group]
        place[leaf] = value
    return merged


def _copied(value: Any) -> Any:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value


def _build(tree: Mapping[Any, Any], source: str) -> Config:
    sections = {item.name: getattr(Config(), item.name) for item in fields(Config)}
    chosen = {}
    for name, value in tree.items():
        if name not in sections:
            raise _unknown(source, str(name), tuple(sections))
        table = _table(value, name, source)
        build = _parts if name == "parts" else _section
        chosen[name] = build(table, sections[name], name, source)
    return Config(**chosen)


def _table(value: Any, dotted: str, source: str) -> dict[Any, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{source}: {dotted} is {shown(value)}; expected a group of keys")
    return value


def _parts(table: Mapping[Any, Any], base: Mapping[str, PartConfig], name: str, source: str) -> Any:
    parts = dict(base)
    for part, value in table.items():
        dotted = f"{name}.{part}"
        if part not in parts:
            raise _unknown(source, dotted, tuple(f"{name}.{known}" for known in parts))
        parts[part] = _section(_table(value, dotted, source), parts[part], dotted, source)
    return parts


def _section(table: Mapping[Any, Any], base: Any, name: str, source: str) -> Any:
    assert is_dataclass(base)
    known = {item.name: item for item in fields(base)}
    hints = get_type_hints(type(base))
    for key in table:
        if key not in known:
            raise _unknown(source, f"{name}.{key}", tuple(f"{name}.{item}" for item in known))
    checked = {key: _checked(table[key], hints[key], known[key], f"{source}: {name}.{key}") for key in table}
    return replace(cast(Any, base), **checked)


def _unknown(source: str, dotted: str, siblings: tuple[str, ...]) -> UserError:
    if dotted in valid_keys():
        *groups, leaf = dotted.split(".")
        nested = "".join(f"{group}: {{" for group in groups) + f"{leaf}: ..." + "}" * len(groups)
        return UserError(f"{source}: {dotted} is written in groups, one inside the other: {nested}")
    dotted = printable(dotted)
    near = get_close_matches(dotted, siblings, 1, 0.75) or get_close_matches(dotted, valid_keys(), 1, 0.0)
    return UserError(f"{source}: unknown key {dotted}; did you mean {(near or siblings)[0]}?")


def _checked(value: Any, hint: Any, rule: Field[Any], where: str) -> Any:
    kinds = tuple(get_origin(kind) or kind for kind in get_args(hint) or (hint,))
    if get_origin(hint) is dict:
        kinds = (dict,)
    if type(value) is int and float in kinds:
        value = float(value)
    if type(value) not in kinds or not _allowed(value, rule):
        odd = isinstance(value, str) and not value.isprintable() and str in kinds
        allowed = "text without control characters" if odd else _described(kinds, rule)
        raise UserError(f"{printable(where)} is {shown(value)}; allowed: {allowed}")
    is_path = rule.metadata.get("path") and value is not None
    return os.path.expanduser(value) if is_path else value


def _allowed(value: Any, rule: Field[Any]) -> bool:
    meta = rule.metadata
    if value is None:
        return True
    if isinstance(value, str):
        return bool(value.strip()) and value.isprintable() and value in meta.get("choices", (value,))
    if isinstance(value, dict) and meta.get("texts"):
        return all(isinstance(one, str) and one.strip() and one.isprintable() for pair in value.items() for one in pair)
    if isinstance(value, dict):
        return all(type(n) is int and 0 <= n <= 127 for pair in value.items() for n in pair)
    return isinstance(value, bool) or bool(meta.get("low", 0) <= value <= meta.get("high", 2**31))


_KIND_NAMES: Mapping[type, str] = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    NoneType: "null",
    dict: "pairs of MIDI notes 0-127 such as {36: 35}",
}


def _described(kinds: tuple[type, ...], rule: Field[Any]) -> str:
    meta = rule.metadata
    if meta.get("texts"):
        return f"pairs of texts such as {meta['texts']}"
    if "choices" in meta:
        return ", ".join(meta["choices"])
    names = [_KIND_NAMES[kind] for kind in kinds]
    if "low" in meta and dict not in kinds:
        names[0] += f" from {meta['low']} to {meta['high']}"
    return " or ".join(names)
