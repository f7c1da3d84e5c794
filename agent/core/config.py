"""Reads config.yaml: a file and the command line's overrides in, one frozen Config out. Nothing else reads it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from types import GenericAlias, NoneType, UnionType
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

from agent.core.errors import UserError
from agent.core.paths import settings_folder
from agent.core.plain_text import printable
from agent.core.settings import Config, PartConfig
from agent.core.yaml_file import Tree, Value, parse_value, read_tree, shown

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Config", "find", "flatten", "load", "parse_value", "valid_keys"]

FILE_NAME = "config.yaml"
Section = TypeVar("Section", bound="DataclassInstance")


def find(path: Path | None) -> Path | None:
    """Return the settings file to read: `path`, else ./config.yaml, else that of the user's settings folder, else None.

    With None the dataclasses' defaults apply.
    """
    if path is not None:
        return path
    return next((file for file in (Path(FILE_NAME), settings_folder() / FILE_NAME) if file.exists()), None)


def load(path: Path | None = None, overrides: Mapping[str, Value] | None = None) -> Config:
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


def flatten(config: Config) -> Iterator[tuple[str, Value]]:
    """Yield (dotted name, value) of every key."""
    for group in fields(config):
        value = getattr(config, group.name)
        named = value.items() if isinstance(value, dict) else [(None, value)]
        for part, section in named:
            prefix = f"{group.name}.{part}" if part else group.name
            for item in fields(section):
                yield f"{prefix}.{item.name}", getattr(section, item.name)


def _with_overrides(tree: Tree, overrides: Mapping[str, Value]) -> Tree:
    merged = {key: _copied(value) for key, value in tree.items()}
    for dotted, value in overrides.items():
        *groups, leaf = dotted.split(".")
        place = merged
        for group in groups:
            inside = place.get(group)
            if not isinstance(inside, dict):
                inside = place[group] = {}
            place = inside
        place[leaf] = value
    return merged


def _copied(value: Value) -> Value:
    return {key: _copied(item) for key, item in value.items()} if isinstance(value, dict) else value


def _build(tree: Tree, source: str) -> Config:
    config = Config()
    known = tuple(item.name for item in fields(config))
    for key, value in tree.items():
        name = str(key)
        if name not in known:
            raise _unknown(source, name, known)
        table = _table(value, name, source)
        if name == "parts":
            config = replace(config, parts=_parts(table, config.parts, name, source))
        else:
            config = _changed(config, {name: _section(table, getattr(config, name), name, source)})
    return config


def _changed(section: Section, values: Mapping[str, object]) -> Section:
    return replace(section, **values)


def _table(value: Value, dotted: str, source: str) -> Tree:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UserError(f"{source}: {dotted} is {shown(value)}; expected a group of keys")
    return value


def _parts(table: Tree, base: Mapping[str, PartConfig], name: str, source: str) -> dict[str, PartConfig]:
    parts = dict(base)
    for key, value in table.items():
        part = str(key)
        dotted = f"{name}.{part}"
        if part not in parts:
            raise _unknown(source, dotted, tuple(f"{name}.{known}" for known in parts))
        parts[part] = _section(_table(value, dotted, source), parts[part], dotted, source)
    return parts


def _section(table: Tree, base: Section, name: str, source: str) -> Section:
    known = {item.name: item for item in fields(base)}
    hints = get_type_hints(type(base))
    for key in table:
        if key not in known:
            raise _unknown(source, f"{name}.{key}", tuple(f"{name}.{item}" for item in known))
    named = {str(key): value for key, value in table.items()}
    checked = {key: _checked(named[key], hints[key], known[key], f"{source}: {name}.{key}") for key in named}
    return _changed(base, checked)


def _unknown(source: str, dotted: str, siblings: tuple[str, ...]) -> UserError:
    if dotted in valid_keys():
        *groups, leaf = dotted.split(".")
        nested = "".join(f"{group}: {{" for group in groups) + f"{leaf}: ..." + "}" * len(groups)
        return UserError(f"{source}: {dotted} is written in groups, one inside the other: {nested}")
    dotted = printable(dotted)
    near = get_close_matches(dotted, siblings, 1, 0.75) or get_close_matches(dotted, valid_keys(), 1, 0.0)
    return UserError(f"{source}: unknown key {dotted}; did you mean {(near or siblings)[0]}?")


def _checked(value: Value, hint: type | UnionType | GenericAlias, rule: Field[Value], where: str) -> Value:
    kinds = tuple(get_origin(kind) or kind for kind in get_args(hint) or (hint,))
    if get_origin(hint) is dict:
        kinds = (dict,)
    if type(value) is int and float in kinds:
        value = float(value)
    if type(value) not in kinds or not _allowed(value, rule):
        odd = isinstance(value, str) and not value.isprintable() and str in kinds
        allowed = "text without control characters" if odd else _described(kinds, rule)
        raise UserError(f"{printable(where)} is {shown(value)}; allowed: {allowed}")
    return os.path.expanduser(value) if isinstance(value, str) and rule.metadata.get("path") else value


def _allowed(value: Value, rule: Field[Value]) -> bool:
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


def _described(kinds: tuple[type, ...], rule: Field[Value]) -> str:
    meta = rule.metadata
    if meta.get("texts"):
        return f"pairs of texts such as {meta['texts']}"
    if "choices" in meta:
        return ", ".join(meta["choices"])
    names = [_KIND_NAMES[kind] for kind in kinds]
    if "low" in meta and dict not in kinds:
        names[0] += f" from {meta['low']} to {meta['high']}"
    return " or ".join(names)
