"""YAML as config.yaml uses it: read strictly, and refused in one line with its number."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any

import yaml

from agent.errors import UserError


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans only, so that `on` and `off` stay words; a key given twice is an error."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (the base class's own attribute)
        first: [(tag, regexp) for tag, regexp in pairs if tag != "tag:yaml.org,2002:bool" or first in "tTfF"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value} given twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_tree(file: Path) -> dict[str, Any]:
    """The file's mapping, {} for an empty one. Raises UserError for what cannot be read or is no mapping."""
    try:
        tree = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise UserError(f"config {file}: cannot read it ({error.strerror}); give --config FILE") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise UserError(f"config {file}{_where(error)}") from error
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise UserError(f"config {file}: got {shown(tree)}, expected `section:` lines such as `audio:`")
    return tree


def parse_value(text: str) -> Any:
    """A value as it would be written in config.yaml: 3 -> 3, null -> None, [1, 2] -> a list, Scarlett -> text."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text


def shown(value: Any) -> str:
    """A value as it is named in an error, cut to one line."""
    names = {str: "text", dict: "a group", list: "a list", NoneType: "null"}
    text = repr(value)
    return f"{names.get(type(value), '')} {text if len(text) < 60 else text[:57] + '...'}".strip()


def _where(error: Exception) -> str:
    """`, line 3: what is wrong`, or what can be said when the reader names no line."""
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or (str(error) or type(error).__name__).splitlines()[0])
    return f", line {mark.line + 1}: {problem}" if mark else f": not YAML text ({problem})"
